package bizydb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/schema/rights"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A Finding is an object of the service's own in the database that is not confined as it should be, with the SQL that repairs it.
type Finding struct {
	Object  string // its name in SQL: app, app.comments, app.comments.body, app.total(bigint)
	Problem string
	Fix     string // SQL that repairs it, for the object's owner to run
}

// String returns the object, the problem and the fix on one line.
func (f Finding) String() string { return f.Object + ": " + f.Problem + ": " + f.Fix }

// StrictOpen makes [Open] return [ErrUnprotected] if [DB.CheckConfined] has findings.
func StrictOpen() Option {
	return func(o *options) { o.strict = true }
}

// CheckConfined returns the objects that a service has added to the database and that are not confined as they should be. It
// looks at schemas, tables, views, sequences, SECURITY DEFINER functions, and columns of goals and tasks. Findings are ordered by
// object. Without findings the result is empty. It takes one round trip, and the login needs no rights for it.
//
// It finds
//
//   - objects that bizydb_user, and so any scope, can reach although they are not confined: by rights of bizydb_user, of PUBLIC
//     or of a role that bizydb_user is a member of,
//   - foreign keys by which a row of one user can reference a row of another,
//   - columns that were added after the last call of the SQL function bizydb.confine for their table: scopes cannot write them
//     until it is called again,
//   - objects that bizydb_reporter owns or can change, views and functions by which it reads with the rights of their owner, and
//     tables that it may read but whose policies hide rows from it,
//   - tables that the login owns, unless the DB was opened with [AllowPrivilegedLogin],
//   - schemas on which the login lacks USAGE: a member of bizydb_user needs it on the schemas of confined tables, and a member
//     of bizydb_reporter on the schemas of tables that reports read.
//
// Objects of extensions are ignored, and so are bizydb's own, which [Open] checks. Some findings can be accepted by a COMMENT
// ON the object: see docs/your-own-tables.md.
func (db *DB) CheckConfined(ctx context.Context) ([]Finding, error) {
	conn, err := executor.Acquire(ctx, db.pool.Pool)
	if err != nil {
		return nil, fmt.Errorf("bizydb: check confined: %w", db.pool.Config.Classify(err))
	}
	defer conn.Release()
	findings, err := db.unconfined(ctx, conn.Conn().PgConn())
	if err != nil {
		return nil, fmt.Errorf("bizydb: check confined: %w", db.pool.Config.Classify(err))
	}
	return findings, nil
}

// unconfined asks in the simple protocol, as inspect does.
func (db *DB) unconfined(ctx context.Context, conn *pgconn.PgConn) ([]Finding, error) {
	results, err := conn.Exec(ctx, strings.NewReplacer("@privileged", strconv.FormatBool(db.privileged), "@distributed", rights.IsDistributedSQL).Replace(confinedSQL)).ReadAll()
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, row := range results[len(results)-1].Rows {
		findings = append(findings, Finding{Object: string(row[0]), Problem: string(row[1]), Fix: string(row[2])})
	}
	return findings, nil
}

// strictly is the error of [Open] for what unconfined finds.
func (db *DB) strictly(ctx context.Context, conn *pgconn.PgConn) error {
	findings, err := db.unconfined(ctx, conn)
	if err != nil {
		return db.pool.Config.Classify(err)
	}
	if len(findings) == 0 {
		return nil
	}
	const shown = 3
	var says []string
	for i, f := range findings {
		if i == shown {
			says = append(says, fmt.Sprintf("and %d more, see DB.CheckConfined", len(findings)-shown))
			break
		}
		says = append(says, f.String())
	}
	return fmt.Errorf("%w: %s", ErrUnprotected, strings.Join(says, "; "))
}

const confinedSQL = `
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
WITH main (oid, name) AS (
  SELECT oid, oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN ('users', 'goals', 'tasks')
), reader (oid, name) AS ( -- whose rights and policies are a scope's
  SELECT 0::oid, 'PUBLIC'
  UNION ALL
  SELECT oid, quote_ident(rolname) FROM pg_roles WHERE pg_has_role('bizydb_user', oid, 'MEMBER')
), reporter (oid, name) AS ( -- whose are a report's
  SELECT 0::oid, 'PUBLIC' UNION ALL SELECT oid, rolname FROM pg_roles WHERE rolname = 'bizydb_reporter'
), caller (oid, name, reports) AS (
  SELECT oid, name, false FROM reader UNION ALL SELECT oid, name, true FROM reporter WHERE oid <> 0
), relation AS (
  -- granted: as after GRANT … ON
  SELECT c.oid, c.oid::regclass::text AS name, CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || c.oid::regclass AS granted,
    relkind AS kind, relowner AS owner, relacl AS acl, relrowsecurity AS secured, reloptions AS options,
    (SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped) AS user_id,
    EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid OR inhparent = c.oid AND relkind = 'r') AS inherits,
    EXISTS (SELECT FROM reader x WHERE x.oid <> 0 AND has_schema_privilege(x.oid, n.oid, 'USAGE')) AS usable,
    n.oid AS schema, has_schema_privilege('bizydb_reporter', n.oid, 'USAGE') AS reportable,
    relkind NOT IN ('r', 'p') AND obj_description(c.oid, 'pg_class') LIKE '%[bizydb: accepted]%' AS accepted
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE c.oid >= 16384 AND relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND nspname <> 'bizydb' AND nspname !~ '^pg_' AND c.oid NOT IN (SELECT oid FROM main)
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    AND NOT EXISTS ( -- the sequences of bizydb's ids
      SELECT FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'i') AND refobjid IN (SELECT oid FROM main) AND attname !~ '^x_')
), held AS (
  SELECT r.oid, x.name AS grantee, privilege_type AS privilege, NULL::name AS attname FROM relation r, aclexplode(acl) JOIN reader x ON x.oid = grantee WHERE usable
  UNION ALL
  SELECT r.oid, x.name, privilege_type, attname FROM relation r JOIN pg_attribute ON attrelid = r.oid AND NOT attisdropped, aclexplode(attacl) JOIN reader x ON x.oid = grantee
  WHERE usable
), reported AS ( -- what reports may do
  SELECT r.oid, x.name AS grantee, privilege_type AS privilege
  FROM relation r, LATERAL (SELECT acl UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = r.oid AND NOT attisdropped) AS a (acl), aclexplode(a.acl) JOIN reporter x ON x.oid = grantee
  WHERE (reportable OR grantee <> 0) AND NOT (grantee = 0 AND coalesce(accepted, false))
), shown AS ( -- what they read
  SELECT oid, string_agg(DISTINCT grantee, ', ') AS grantees FROM reported WHERE privilege = 'SELECT' GROUP BY oid
), reached AS ( -- or meant to be
  SELECT r.*, h.grantees, h.others FROM relation r LEFT JOIN (
    SELECT oid, string_agg(DISTINCT grantee, ', ') AS grantees, string_agg(DISTINCT grantee, ', ') FILTER (WHERE grantee NOT IN ('PUBLIC', 'bizydb_user')) AS others
    FROM held GROUP BY oid
  ) AS h USING (oid)
  WHERE grantees IS NOT NULL OR EXISTS (SELECT FROM pg_policy WHERE polrelid = r.oid AND polname = 'bizydb_owner')
), policy AS (
  SELECT p.oid, r.oid AS relation, r.name AS on_name, quote_ident(polname) AS name, polname = 'bizydb_owner' AS is_ours, polname = 'bizydb_shared' AND polcmd = 'r' AS is_shared,
    polcmd AS command, polpermissive AS permissive, pg_get_expr(polqual, polrelid) AS qual, pg_get_expr(polwithcheck, polrelid) AS written
  FROM pg_policy p JOIN reached r ON r.oid = polrelid WHERE EXISTS (SELECT FROM reader x WHERE x.oid = ANY (polroles))
), condition AS (
  SELECT p.*, text, clause, regexp_replace(text, '[(] SELECT bizydb[.]current_user_id[(][)] AS [[:alnum:]_]+[)]|bizydb[.]scope_user[(][)]', 'bizydb.current_user_id()', 'g') AS bare -- the second on Citus
  FROM policy p, LATERAL (VALUES (qual, 'USING'), (written, 'WITH CHECK')) AS c (text, clause) WHERE text IS NOT NULL
), via AS ( -- the column by which bizydb.confine has confined a table without a user_id, or can
  SELECT DISTINCT ON (r.oid) r.oid, attnum AS number
  FROM relation r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0
  LEFT JOIN pg_constraint ON conrelid = r.oid AND contype = 'f' AND conkey = ARRAY[attnum] AND confdeltype = 'c' AND confrelid IN (SELECT oid FROM main WHERE name <> 'public.users')
  LEFT JOIN (
    SELECT refobjid, refobjsubid, is_ours FROM policy JOIN pg_depend ON classid = 'pg_policy'::regclass AND objid = policy.oid AND refclassid = 'pg_class'::regclass WHERE is_ours
  ) AS p ON refobjid = r.oid AND refobjsubid = attnum
  WHERE kind IN ('r', 'p') AND user_id IS NULL AND (conkey IS NOT NULL OR is_ours)
  ORDER BY r.oid, (conkey IS NOT NULL AND is_ours) IS TRUE DESC, is_ours DESC NULLS LAST, attnum
), mended AS (
  SELECT r.oid, CASE
    WHEN kind NOT IN ('r', 'p') OR inherits OR user_id IS NULL AND attname IS NULL THEN format('REVOKE ALL ON %s FROM %s', granted, grantees)
    ELSE format('SELECT bizydb.confine(%L', name) || coalesce(', ' || quote_literal(attname), '') || ')' || coalesce('; REVOKE ALL ON ' || granted || ' FROM ' || others, '') END AS fix
  FROM reached r LEFT JOIN via USING (oid) LEFT JOIN pg_attribute ON attrelid = r.oid AND attnum = number
), keyed AS ( -- confined tables, with the column by which they are, and what it has to reference
  SELECT r.oid, name, fix, attnum, attname, attnotnull, user_id IS NULL OR pg_get_expr(adbin, adrelid) = 'bizydb.current_user_id()' AS has_default,
    CASE WHEN user_id IS NULL THEN (SELECT substring(qual FROM 'FROM (public[.][a-z]+) owning') FROM policy p WHERE p.relation = r.oid AND is_ours) ELSE 'public.users' END AS target
  FROM reached r JOIN mended USING (oid) LEFT JOIN via USING (oid) JOIN pg_attribute ON attrelid = r.oid AND attnum = coalesce(user_id, number) LEFT JOIN pg_attrdef ON adrelid = r.oid AND adnum = attnum
  WHERE EXISTS (SELECT FROM policy p WHERE p.relation = r.oid AND is_ours)
), numbered AS ( -- columns that take their values from a sequence
  SELECT r.oid, a.attname, d.objid AS sequence, attidentity = '' AS serial
  FROM (SELECT oid FROM relation UNION ALL SELECT oid FROM main) AS r
  JOIN pg_depend d ON refobjid = r.oid AND refclassid = 'pg_class'::regclass AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
  JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_attribute a ON attrelid = r.oid AND attnum = refobjsubid
), writable AS ( -- columns that scopes are meant to write
  SELECT r.oid, r.name, a.attname, attnum, fix
  FROM (
    SELECT r.oid, r.name, fix, '' AS prefix FROM reached r JOIN mended USING (oid) JOIN policy p ON p.relation = r.oid AND is_ours
    UNION ALL
    SELECT oid, name, format('SELECT bizydb.confine(%L)', name), '^x_' FROM main WHERE name <> 'public.users'
  ) AS r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
  WHERE a.attname <> 'user_id' AND a.attname ~ prefix AND NOT EXISTS (SELECT FROM numbered n WHERE n.oid = r.oid AND n.attname = a.attname)
    AND coalesce(col_description(r.oid, attnum), '') NOT LIKE '%[bizydb: accepted]%'
), referring AS ( -- to rows with an owner
  SELECT s.oid, s.name, s.user_id, t.name AS target, t.user_id AS target_user_id, conname, conkey, confkey, confrelid, confdeltype,
    EXISTS (SELECT FROM policy p WHERE p.relation = s.oid AND is_ours) AS is_confined,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS k (number, place) JOIN pg_attribute ON attrelid = s.oid AND attnum = number) AS columns,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS k (number, place) JOIN pg_attribute ON attrelid = confrelid AND attnum = number) AS target_columns
  FROM pg_constraint f
  JOIN (SELECT oid, name, user_id FROM reached UNION ALL SELECT m.oid, name, attnum FROM main m JOIN pg_attribute ON attrelid = m.oid AND attname = 'user_id') AS s ON s.oid = conrelid
  JOIN (
    SELECT m.oid, name, attnum FROM main m JOIN pg_attribute ON attrelid = m.oid AND attname = 'user_id'
    UNION ALL
    SELECT r.oid, r.name, user_id FROM relation r JOIN policy p ON p.relation = r.oid WHERE is_ours
  ) AS t (oid, name, user_id) ON t.oid = confrelid
  WHERE contype = 'f' AND conparentid = 0
    AND NOT EXISTS (SELECT FROM unnest(conkey, confkey) AS k (number, target_number) WHERE number = s.user_id AND target_number = t.user_id)
)
SELECT * FROM (
  SELECT name, 'row security is off', fix FROM reached JOIN mended USING (oid) WHERE kind IN ('r', 'p') AND NOT secured
  UNION ALL
  SELECT name, 'no policy is for bizydb_user', fix FROM reached r JOIN mended USING (oid)
  WHERE kind IN ('r', 'p') AND secured AND NOT EXISTS (SELECT FROM policy p WHERE p.relation = r.oid AND permissive)
  UNION ALL
  SELECT name, format('%I can be NULL, or has another default than bizydb.confine gives it', attname), fix FROM keyed WHERE NOT (attnotnull AND coalesce(has_default, false))
  UNION ALL
  SELECT name, format('no index leads with %I', attname), fix FROM keyed
  WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = oid AND indkey[0] = attnum AND indpred IS NULL AND indisvalid)
  UNION ALL
  SELECT name, format('%I does not reference %s ON DELETE CASCADE', attname, target), format('ALTER TABLE %s ', name)
    || coalesce((SELECT string_agg(format('DROP CONSTRAINT %I, ', conname), '') FROM pg_constraint WHERE conrelid = k.oid AND contype = 'f' AND conkey = ARRAY[attnum] AND confrelid = to_regclass(target)), '')
    || format('ADD FOREIGN KEY (%I) REFERENCES %s (id) ON DELETE CASCADE', attname, target)
  FROM keyed k WHERE target IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_constraint f WHERE conrelid = k.oid AND contype = 'f' AND conkey = ARRAY[attnum] AND confrelid = to_regclass(target) AND confdeltype = 'c'
      AND (to_jsonb(f) ->> 'conenforced')::boolean IS NOT FALSE)
  UNION ALL
  SELECT DISTINCT quote_ident(nspname), 'the login cannot use the schema, and it prepares what a scope sends', format('GRANT USAGE ON SCHEMA %I TO %I', nspname, current_user)
  FROM keyed JOIN pg_class USING (oid) JOIN pg_namespace n ON n.oid = relnamespace WHERE NOT has_schema_privilege(n.oid, 'USAGE') AND pg_has_role('bizydb_user', 'MEMBER')
  UNION ALL
  SELECT DISTINCT quote_ident(nspname), 'the login cannot use the schema, and it prepares what a report sends', format('GRANT USAGE ON SCHEMA %I TO %I', nspname, current_user)
  FROM relation JOIN shown USING (oid) JOIN pg_namespace n ON n.oid = schema WHERE reportable AND NOT has_schema_privilege(n.oid, 'USAGE') AND pg_has_role('bizydb_reporter', 'MEMBER')
  UNION ALL
  SELECT c.name, CASE WHEN bool_and(reports) THEN 'reports' ELSE 'scopes' END || ' can create ' || what, format('REVOKE CREATE ON %s %s FROM %s', kind, c.name, string_agg(x.name, ', '))
  FROM (
    SELECT 'SCHEMA', quote_ident(nspname), 'objects in it', coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace n
    WHERE nspname <> 'bizydb' AND nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e')
    UNION ALL
    SELECT 'DATABASE', quote_ident(datname), 'schemas in it', coalesce(datacl, acldefault('d', datdba)) FROM pg_database WHERE datname = current_database()
  ) AS c (kind, name, what, acl), aclexplode(acl) JOIN caller x ON x.oid = grantee
  WHERE privilege_type = 'CREATE' GROUP BY kind, c.name, what
  UNION ALL -- an owner can change it, and no policy applies to the owner of a table
  SELECT o.identity, CASE WHEN reports THEN 'bizydb_reporter owns it' ELSE 'bizydb_user owns it, or can become its owner' END,
    format('ALTER %s %s OWNER TO %s', o.type, o.identity, (SELECT relowner::regrole FROM pg_class WHERE oid = 'public.users'::regclass))
  FROM pg_shdepend s JOIN caller x ON x.oid = refobjid, pg_identify_object(classid, objid, 0) AS o
  WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND coalesce(o.schema, '') !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype IN ('a', 'i', 'e')) -- which goes with another
  UNION ALL
  SELECT name, 'the login owns it, or can become its owner, to whom no policy applies',
    format('ALTER TABLE %s OWNER TO %s', name, (SELECT relowner::regrole FROM pg_class WHERE oid = 'public.users'::regclass))
  FROM reached r WHERE NOT @privileged AND pg_has_role(session_user, owner, 'MEMBER') AND EXISTS (SELECT FROM policy p WHERE p.relation = r.oid AND is_ours)

  UNION ALL
  SELECT on_name, format('policy %s does not go by (SELECT bizydb.current_user_id())', c.name), CASE WHEN is_ours THEN min(fix) ELSE format('DROP POLICY %s ON %s', c.name, on_name) END
  FROM condition c JOIN mended m ON m.oid = relation
  WHERE permissive AND NOT is_shared AND CASE WHEN is_ours
    THEN bare !~ '^[(](user_id = bizydb[.]current_user_id[(][)]|EXISTS [(] SELECT[[:space:]]+FROM public[.](goals|tasks) owning[[:space:]]+WHERE [(][(]owning[.]user_id = bizydb[.]current_user_id[(][)][)] AND [(]owning[.]id = [^()]+[)][)][)])[)]$'
    ELSE bare NOT LIKE '%bizydb.current_user_id()%' END
  GROUP BY on_name, c.name, is_ours
  UNION ALL
  SELECT on_name, format('policy %s calls bizydb.current_user_id() without SELECT, so that a plan made for one user is kept for others', name),
    format('ALTER POLICY %s ON %s ', name, on_name) || string_agg(format('%s (%s)', clause, replace(bare, 'bizydb.current_user_id()', '(SELECT bizydb.current_user_id())')), ' ' ORDER BY clause)
  FROM condition GROUP BY on_name, name
  HAVING bool_or(regexp_replace(text, '[(] SELECT bizydb[.]current_user_id[(][)] AS [[:alnum:]_]+[)]', '', 'g') LIKE '%bizydb.current_user_id()%')
  UNION ALL
  SELECT on_name, format('policy %s has no WITH CHECK', name), CASE WHEN command = 'a' THEN format('DROP POLICY %s ON %s', name, on_name)
    ELSE format('ALTER POLICY %s ON %s WITH CHECK (%s)', name, on_name, replace(bare, 'bizydb.current_user_id()', '(SELECT bizydb.current_user_id())')) END
  FROM policy LEFT JOIN (SELECT oid, bare FROM condition WHERE clause = 'USING') AS c USING (oid) WHERE command IN ('*', 'a', 'w') AND written IS NULL
  UNION ALL
  SELECT r.name, format('rule %I runs with its owner''s rights', rulename), format('DROP RULE %I ON %s', rulename, r.name) FROM reached r JOIN pg_rewrite ON ev_class = r.oid
  WHERE kind IN ('r', 'p', 'v') AND ev_type <> '1'

  UNION ALL
  SELECT DISTINCT format('%s.%I', name, a.attname), 'scopes may write it, and it is the database that sets it', fix
  FROM reached r JOIN mended USING (oid) JOIN held h USING (oid)
  JOIN (SELECT oid, attname FROM numbered UNION SELECT oid, 'user_id' FROM relation WHERE user_id IS NOT NULL) AS a USING (oid)
  WHERE kind IN ('r', 'p') AND secured AND privilege IN ('INSERT', 'UPDATE') AND (h.attname IS NULL OR h.attname = a.attname)
    AND NOT (privilege = 'INSERT' AND (@distributed OR (h.attname = 'user_id' AND NOT EXISTS (SELECT FROM writable w WHERE w.oid = r.oid)))) -- on Citus for defaults, and for DEFAULT VALUES
  UNION ALL
  SELECT name, 'scopes cannot add rows to it: bizydb.confine has not been called', fix FROM keyed k
  WHERE NOT EXISTS (SELECT FROM writable w WHERE w.oid = k.oid) AND NOT EXISTS (SELECT FROM held h WHERE h.oid = k.oid AND privilege = 'INSERT')
  UNION ALL
  SELECT DISTINCT name, 'PUBLIC has rights on it', format('REVOKE ALL ON %s FROM PUBLIC', granted) FROM relation JOIN held USING (oid) WHERE grantee = 'PUBLIC' AND accepted IS NOT TRUE
  UNION ALL
  SELECT name, format('%s has more rights on it than to read and write', grantee), format('REVOKE %s ON %s FROM %s', string_agg(DISTINCT privilege, ', '), granted, grantee)
  FROM relation JOIN held USING (oid) WHERE kind <> 'S' AND privilege NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') GROUP BY name, granted, grantee
  UNION ALL
  SELECT r.name, 'scopes cannot read it', fix FROM reached r JOIN mended USING (oid) JOIN policy p ON p.relation = r.oid AND is_ours
  WHERE NOT EXISTS (SELECT FROM held h WHERE h.oid = r.oid AND privilege = 'SELECT' AND h.attname IS NULL)
  UNION ALL
  SELECT format('%s.%I', name, attname), 'scopes cannot write it: bizydb.confine has not been called since it was added', fix FROM writable w
  WHERE NOT has_column_privilege('bizydb_user', oid, attnum, 'INSERT, UPDATE')
  UNION ALL
  SELECT format('%s.%I', n.name, attname), 'scopes cannot add rows, as they may not use its sequence: bizydb.confine has not been called since it was added', fix
  FROM (
    SELECT oid, name, fix FROM keyed UNION ALL SELECT oid, name, format('SELECT bizydb.confine(%L)', name) FROM main WHERE name <> 'public.users'
  ) AS n JOIN numbered USING (oid)
  WHERE serial AND NOT has_sequence_privilege('bizydb_user', sequence, 'USAGE')

  UNION ALL
  SELECT f.name, format('constraint %I lets a row of one user reference a row of another in %s', conname, target)
      || CASE WHEN target_user_id IS NULL THEN ', which has no user_id for it to include' ELSE '' END, CASE
    WHEN f.user_id IS NULL AND NOT is_confined THEN fix
    WHEN target_user_id IS NULL OR f.user_id IS NULL OR f.user_id = ANY (conkey) OR target_user_id = ANY (confkey) THEN format('ALTER TABLE %s DROP CONSTRAINT %I', f.name, conname)
    ELSE CASE WHEN EXISTS (
        SELECT FROM pg_index i WHERE indrelid = confrelid AND indisunique AND indpred IS NULL AND indnkeyatts = cardinality(confkey) + 1 AND (indkey::int2[])[0:indnkeyatts - 1] @> (confkey || target_user_id)
      ) THEN '' ELSE format('ALTER TABLE %s ADD UNIQUE (user_id, %s); ', target, target_columns) END
      || format('ALTER TABLE %s DROP CONSTRAINT %I, ADD FOREIGN KEY (user_id, %s) REFERENCES %s (user_id, %s)', f.name, conname, columns, target, target_columns)
      || CASE confdeltype WHEN 'c' THEN ' ON DELETE CASCADE' WHEN 'n' THEN format(' ON DELETE SET NULL (%s)', columns) WHEN 'd' THEN format(' ON DELETE SET DEFAULT (%s)', columns)
        WHEN 'r' THEN ' ON DELETE RESTRICT' ELSE '' END
    END
  FROM referring f LEFT JOIN mended USING (oid)
  WHERE (is_confined AND conkey = ARRAY[(SELECT number FROM via WHERE via.oid = f.oid)]::int2[] AND confrelid IN (SELECT oid FROM main)) IS NOT TRUE

  UNION ALL
  SELECT name, 'the view reads with its owner''s rights', format('ALTER VIEW %s SET (security_invoker = true)', name) FROM relation
  WHERE kind = 'v' AND (oid IN (SELECT oid FROM reached) OR oid IN (SELECT oid FROM shown)) AND accepted IS NOT TRUE AND NOT EXISTS (SELECT FROM pg_options_to_table(options) WHERE option_name = 'security_invoker' AND option_value::boolean)
  UNION ALL
  SELECT name, CASE kind WHEN 'm' THEN 'a materialized view' ELSE 'a foreign table' END || ' has no row security', coalesce(fix || '; ' || report, fix, report)
  FROM relation LEFT JOIN mended USING (oid) LEFT JOIN shown s USING (oid), format('REVOKE ALL ON ' || name || ' FROM ' || s.grantees) AS report
  WHERE kind IN ('m', 'f') AND (fix IS NOT NULL OR report IS NOT NULL) AND accepted IS NOT TRUE
  UNION ALL
  SELECT r.name, 'by the sequence scopes see or change what is numbered for others', format('REVOKE ALL ON %s FROM %s', granted, grantees) || CASE WHEN is_serial THEN format('; GRANT USAGE ON %s TO bizydb_user', granted) ELSE '' END
  FROM reached r, LATERAL (SELECT EXISTS (
    SELECT FROM numbered n WHERE n.sequence = r.oid AND serial AND n.oid IN (SELECT oid FROM reached UNION ALL SELECT oid FROM main))) AS s (is_serial)
  WHERE kind = 'S' AND accepted IS NOT TRUE AND (NOT is_serial OR EXISTS (SELECT FROM held h WHERE h.oid = r.oid AND (privilege <> 'USAGE' OR grantee <> 'bizydb_user')))
  UNION ALL
  SELECT p.oid::regprocedure::text, 'the function runs with its owner''s rights', format('REVOKE EXECUTE ON ROUTINE %s FROM %s', p.oid::regprocedure, string_agg(DISTINCT x.name, ', '))
  FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace, aclexplode(coalesce(proacl, acldefault('f', proowner))) JOIN caller x ON x.oid = grantee
  WHERE p.oid >= 16384 AND prosecdef AND nspname <> 'bizydb' AND nspname !~ '^pg_' AND coalesce(obj_description(p.oid, 'pg_proc'), '') NOT LIKE '%[bizydb: accepted]%'
    AND EXISTS (SELECT FROM caller y WHERE y.oid <> 0 AND has_schema_privilege(y.oid, n.oid, 'USAGE'))
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
  GROUP BY p.oid

  UNION ALL
  SELECT name, 'bizydb_reporter may do more than read it', format('REVOKE %s ON %s FROM %s', string_agg(DISTINCT privilege, ', '), granted, grantee)
  FROM relation JOIN reported USING (oid) WHERE privilege <> 'SELECT' GROUP BY name, granted, grantee
  UNION ALL
  SELECT DISTINCT name, 'bizydb_reporter may read it and not use its schema', format('GRANT USAGE ON SCHEMA %s TO bizydb_reporter', schema::regnamespace)
  FROM relation JOIN shown USING (oid) WHERE NOT reportable
  UNION ALL
  SELECT name, 'reports do not see all its rows: bizydb.confine has not been called again', fix FROM keyed k
  WHERE NOT EXISTS (
    SELECT FROM pg_policy WHERE polrelid = k.oid AND polname = 'bizydb_reporter' AND polcmd = 'r' AND polpermissive AND polroles = ARRAY['bizydb_reporter'::regrole::oid] AND pg_get_expr(polqual, polrelid) = 'true')
  UNION ALL
  SELECT name, format('policy %I hides rows from reports', polname),
    CASE WHEN 0 = ANY (polroles) THEN format('ALTER POLICY %I ON %s TO bizydb_user', polname, name) ELSE format('DROP POLICY %I ON %s', polname, name) END
  FROM relation r JOIN pg_policy ON polrelid = r.oid
  WHERE NOT polpermissive AND polcmd IN ('r', '*') AND pg_get_expr(polqual, polrelid) IS DISTINCT FROM 'true' AND EXISTS (SELECT FROM reporter x WHERE x.oid = ANY (polroles))
    AND (r.oid IN (SELECT oid FROM keyed) OR r.oid IN (SELECT oid FROM shown))
  UNION ALL
  SELECT name, 'no policy is for bizydb_reporter, which sees none of its rows',
    format('DROP POLICY IF EXISTS bizydb_reporter ON %1$s; CREATE POLICY bizydb_reporter ON %1$s FOR SELECT TO bizydb_reporter USING (true)', name)
  FROM relation r JOIN shown USING (oid)
  WHERE kind IN ('r', 'p') AND secured AND oid NOT IN (SELECT oid FROM keyed)
    AND NOT EXISTS ( -- reports have no bizydb.current_user_id()
      SELECT FROM pg_policy WHERE polrelid = r.oid AND polcmd IN ('r', '*') AND polpermissive AND EXISTS (SELECT FROM reporter x WHERE x.oid = ANY (polroles))
        AND pg_get_expr(polqual, polrelid) <> 'false' AND pg_get_expr(polqual, polrelid) NOT LIKE '%bizydb.current_user_id()%')
) AS f (object, problem, fix)
ORDER BY object COLLATE "C", problem COLLATE "C", fix COLLATE "C"`
