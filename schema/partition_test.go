package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/partition"
)

// tablesAsText is what a database has, without the partitions themselves: one line for each thing.
const tablesAsText = `
	WITH rel AS (
	  SELECT c.*, c.oid::regclass::text AS name FROM pg_class c
	  WHERE c.oid >= 16384 AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'S') AND c.relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace)
	)
	SELECT line FROM (
	  SELECT format('%s owner %s rls %s %s comment %s', name, relowner::regrole, relrowsecurity, relforcerowsecurity, obj_description(oid, 'pg_class')) AS line FROM rel
	  UNION ALL
	  SELECT format('%s right %s', name, x) FROM rel, aclexplode(relacl) AS x WHERE x.grantee <> relowner
	  UNION ALL
	  SELECT format('%s.%s %s %s default %s identity %s generated %s storage %s statistics %s collation %s rights %s comment %s', name, attname, format_type(atttypid, atttypmod), attnotnull,
	    pg_get_expr(adbin, adrelid), attidentity, attgenerated, attstorage, attstattarget, attcollation, attacl, col_description(rel.oid, attnum))
	  FROM rel JOIN pg_attribute ON attrelid = rel.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind <> 'S'
	  UNION ALL
	  SELECT format('%s constraint %s %s comment %s', name, conname, pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')) FROM rel JOIN pg_constraint c ON conrelid = rel.oid AND conparentid = 0 AND contype <> 'n'
	  UNION ALL
	  SELECT format('%s index %s valid %s comment %s', name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), indisvalid, obj_description(indexrelid, 'pg_class')) FROM rel JOIN pg_index ON indrelid = rel.oid
	  UNION ALL
	  SELECT format('%s trigger %s enabled %s comment %s', name, pg_get_triggerdef(t.oid), tgenabled, obj_description(t.oid, 'pg_trigger')) FROM rel JOIN pg_trigger t ON tgrelid = rel.oid AND NOT tgisinternal
	  UNION ALL
	  SELECT format('%s.%s policy %s', schemaname, tablename, p) FROM pg_policies p
	  UNION ALL
	  SELECT format('%s sequence %s %s %s of %s.%s', name, s.seqstart, s.seqincrement, v.last_value, d.refobjid::regclass, d.refobjsubid) FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid
	  JOIN pg_sequences v ON format('%I.%I', v.schemaname, v.sequencename) = name LEFT JOIN pg_depend d ON d.objid = rel.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
	  UNION ALL
	  SELECT format('%s rights %s comment %s', pg_get_functiondef(oid), proacl, obj_description(oid, 'pg_proc')) FROM pg_proc WHERE oid >= 16384
	) AS l ORDER BY line`

// The copy for tests has the tables, columns, constraints, triggers, policies and rights of the original, and its rows. Only the keys differ.
func TestPartition(t *testing.T) {
	t.Parallel()
	plain := bizydbtest.New(t)
	user := plain.NewUser(t)
	conn := owner(t, plain)
	exec(t, conn, `SELECT bizydb.track_changes();
		ALTER TABLE public.tasks ADD COLUMN x_place text COLLATE "C" DEFAULT 'here' CHECK (x_place <> ''), ADD COLUMN x_twice text GENERATED ALWAYS AS (title || title) STORED, ADD COLUMN x_number bigserial;
		COMMENT ON COLUMN public.tasks.x_place IS 'a service''s';
		SELECT bizydb.confine('public.tasks');
		CREATE FUNCTION public.react() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER react AFTER UPDATE OF x_place ON public.tasks FOR EACH ROW WHEN (NEW.title <> '') EXECUTE FUNCTION public.react();
		ALTER TABLE public.tasks ENABLE ALWAYS TRIGGER react;
		COMMENT ON TRIGGER react ON public.tasks IS 'reacts';
		CREATE TABLE public.notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint, task_id bigint NOT NULL, FOREIGN KEY (user_id, task_id) REFERENCES public.tasks (user_id, id) ON DELETE CASCADE);
		SELECT bizydb.confine('public.notes')`)
	tx := enter(t, plain, user, "")
	plant(t, tx, "A B<A 1*A 2*B:completed")
	exec(t, tx, "INSERT INTO public.notes (task_id) SELECT min(id) FROM public.tasks")
	exec(t, tx, "DELETE FROM public.tasks WHERE id = (SELECT max(id) FROM public.tasks)")
	commit(t, tx)

	read := func() (things, rows []string) {
		t.Helper()
		conn := owner(t, plain)
		exec(t, conn, "SET search_path = ''")
		things = all[string](t, conn, tablesAsText)
		for _, table := range all[string](t, conn, "SELECT oid::regclass::text FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p') AND NOT relispartition AND relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) ORDER BY 1") {
			rows = append(rows, all[string](t, conn, "SELECT '"+table+" ' || r::text FROM "+table+" r ORDER BY 1")...)
		}
		return things, rows
	}
	before, rowsBefore := read()
	if err := partition.Tables(t.Context(), conn, 4); err != nil {
		t.Fatal(err)
	}
	after, rowsAfter := read()
	if diff := cmp.Diff(rowsBefore, rowsAfter); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	key := func(line string) bool {
		return strings.Contains(line, "PRIMARY KEY") || strings.Contains(line, "_pkey ") || strings.Contains(line, "uq_") || strings.Contains(line, "bizydb.same_user(user_id")
	}
	if diff := cmp.Diff(slices.DeleteFunc(before, key), slices.DeleteFunc(after, key)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if keys := all[string](t, conn, `
		SELECT DISTINCT pg_get_constraintdef(oid) FROM pg_constraint
		WHERE contype IN ('p', 'u') AND conrelid IN (SELECT partrelid FROM pg_partitioned_table) ORDER BY 1`); !cmp.Equal(keys, []string{
		"PRIMARY KEY (user_id, id)", "PRIMARY KEY (user_id, id, kind)", "PRIMARY KEY (user_id, lower, kind, upper)", "UNIQUE (user_id, id)",
	}) {
		t.Errorf("keys %q", keys)
	}
	// Nobody reads a partition past the table's policies.
	if open := all[string](t, conn, `
		SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r' AND (NOT relrowsecurity OR has_table_privilege('bizydb_user', oid, 'SELECT') OR has_table_privilege('bizydb_reporter', oid, 'SELECT'))`); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
	tx = enter(t, plain, user, "")
	exec(t, tx, "INSERT INTO public.tasks (title, x_place) VALUES ('another', 'there')")
	if deleted := exec(t, tx, "DELETE FROM public.goals"); deleted != 2 {
		t.Errorf("%d goals deleted", deleted)
	}
	commit(t, tx)
}
