package schema_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// dump describes everything in a database that is not PostgreSQL's own, one sorted line per fact. Oids, the order of
// creation and the owner's name do not show.
func dump(t testing.TB, config *pgx.ConnConfig) []string {
	t.Helper()
	conn := connect(t, config)
	exec(t, conn, "SET search_path = ''") // so that every name is written with its schema
	var lines []string
	for _, sql := range dumpQueries {
		lines = append(lines, all[string](t, conn, sql)...)
	}
	slices.Sort(lines)
	_ = conn.Close(t.Context())
	return lines
}

var dumpQueries = []string{
	// What there is at all, of any kind.
	`SELECT format('object %s %s', o.type, o.identity)
	FROM (
	            SELECT 'pg_class'::regclass AS class, oid FROM pg_class WHERE relnamespace <> 'pg_toast'::regnamespace
	  UNION ALL SELECT 'pg_attrdef'::regclass, oid FROM pg_attrdef
	  UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
	  UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
	  UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
	  UNION ALL SELECT 'pg_default_acl'::regclass, oid FROM pg_default_acl
	  UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
	  UNION ALL SELECT 'pg_extension'::regclass, oid FROM pg_extension
	  UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace
	  UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
	  UNION ALL SELECT 'pg_policy'::regclass, oid FROM pg_policy
	  UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
	  UNION ALL SELECT 'pg_rewrite'::regclass, oid FROM pg_rewrite
	  UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
	  UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger WHERE NOT tgisinternal
	  UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
	) AS c, pg_identify_object(c.class, c.oid, 0) AS o
	WHERE c.oid >= 16384`,

	`SELECT format('relation %s: kind %s, persistence %s, row security %s, forced %s, replica identity %s, options %s, migrator owns it %s',
	  c.oid::regclass, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident, reloptions, relowner = d.datdba OR relowner = current_user::regrole)
	FROM pg_class c, pg_database d
	WHERE c.oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace AND d.datname = current_database()`,

	`SELECT format('column %s.%s: %s, not null %s, identity "%s", generated "%s", collation %s, storage %s, default %s',
	  attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attcollation::regcollation, attstorage, pg_get_expr(adbin, adrelid))
	FROM pg_attribute a LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum JOIN pg_class c ON c.oid = attrelid
	WHERE attrelid >= 16384 AND attnum > 0 AND NOT attisdropped AND relnamespace <> 'pg_toast'::regnamespace`,

	`SELECT format('constraint %s on %s: %s, validated %s', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated)
	FROM pg_constraint WHERE oid >= 16384`,

	`SELECT format('index %s, valid %s', pg_get_indexdef(indexrelid), indisvalid)
	FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indexrelid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace`,

	`SELECT format('trigger %s, enabled %s', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE oid >= 16384 AND NOT tgisinternal`,

	`SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE oid >= 16384 AND prokind <> 'a'`,

	`SELECT format('view %s: %s', oid::regclass, pg_get_viewdef(oid)) FROM pg_class WHERE oid >= 16384 AND relkind IN ('v', 'm')`,

	`SELECT format('policy %s on %s.%s: %s for %s to %s using %s with check %s', policyname, schemaname, tablename, permissive, cmd, roles, qual, with_check)
	FROM pg_policies`,

	`SELECT format('sequence %s.%s: %s from %s, %s to %s by %s, cycle %s, cache %s', schemaname, sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size)
	FROM pg_sequences`,

	`SELECT format('comment on %s %s: %s', o.type, o.identity, description)
	FROM pg_description, pg_identify_object(classoid, objoid, objsubid) AS o WHERE objoid >= 16384 OR objoid = 'public'::regnamespace`,

	// Rights, including those that come by default. The owner's own are told by whether they are there.
	`SELECT format('right on %s %s: %s may %s, grantable %s', o.type, o.identity,
	  CASE grantee WHEN 0 THEN 'PUBLIC' WHEN owner THEN 'its owner' ELSE grantee::regrole::text END, privilege_type, is_grantable)
	FROM (
	            SELECT 'pg_class'::regclass, oid, 0, relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND relnamespace <> 'pg_toast'::regnamespace
	  UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, relowner, attacl FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
	  UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
	  UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
	  UNION ALL SELECT 'pg_type'::regclass, oid, 0, typowner, coalesce(typacl, acldefault('T', typowner)) FROM pg_type
	) AS c (class, oid, sub, owner, acl), aclexplode(acl), pg_identify_object(c.class, c.oid, c.sub) AS o
	WHERE c.oid >= 16384 OR c.oid = 'public'::regnamespace`,
}
