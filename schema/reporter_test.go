package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Whatever the catalogue has, reports read the rows of all users, active or not, in goals, tasks and profiles, call what computes with
// values, and are refused everything else.
func TestReporterReadsAndNothingElse(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, bizydbtest.WithReporting(), tracked)
	alice, bob := db.NewUser(t), db.NewUser(t)
	for _, user := range []any{alice, bob} {
		exec(t, owner(t, db), `INSERT INTO public.goals (user_id, title) VALUES ($1, 'goal')`, user)
		exec(t, owner(t, db), `INSERT INTO public.tasks (user_id, title) VALUES ($1, 'task')`, user)
	}
	if _, err := db.Accounts().Deactivate(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	// A service's own columns are read too.
	exec(t, owner(t, db), `ALTER TABLE public.goals ADD COLUMN x_colour text; ALTER TABLE public.tasks ADD COLUMN x_number bigserial;
		SELECT bizydb.confine('public.goals'), bizydb.confine('public.tasks')`)
	tx := enterReporter(t, db)
	readable := map[string][]string{"public.goals": nil, "public.tasks": nil, "bizydb.profiles": nil, "public.users": {"hashed_password"}, "bizydb.changes": {"seq", "kind", "id"}} // except
	callable := []string{
		"bizydb.changed_users(bigint,bigint,bigint,integer)", "bizydb.changes_since()", "bizydb.day_start(date,text)", "bizydb.due_day(timestamp with time zone,boolean,text)", "bizydb.due_on(date)", "bizydb.due_or_never(timestamp with time zone)",
		"bizydb.first_day(timestamp with time zone,text)", "bizydb.fold(text)", "bizydb.local_day(timestamp with time zone,text)", "bizydb.monday(date)",
		"bizydb.schema_version()", // which everybody may
	}
	allowed, refused := 0, 0
	refuse := func(sql string) {
		t.Helper()
		refused++
		if err := attempt(t, tx, sql); err == nil || err.Code != pgerrcode.InsufficientPrivilege {
			t.Errorf("%s: %v, want insufficient_privilege", sql, err)
		}
	}
	const named = `SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 'bizydb') AND `

	for _, relation := range all[string](t, tx, named+"relkind IN ('r', 'p', 'v', 'm', 'f')") {
		except, reads := readable[relation]
		for _, column := range all[string](t, tx, "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped", relation) {
			if read := fmt.Sprintf("SELECT %s FROM %s", column, relation); reads && !slices.Contains(except, column) {
				allowed++
				want := int64(2)
				if relation == "bizydb.changes" {
					want = 4
				}
				if n := exec(t, tx, read); n != want {
					t.Errorf("%s: %d rows, want those of both users", read, n)
				}
			} else {
				refuse(read)
			}
			refuse(fmt.Sprintf("UPDATE %s SET %s = DEFAULT", relation, column))
			refuse(fmt.Sprintf("INSERT INTO %s (%s) VALUES (DEFAULT)", relation, column))
		}
		refuse("DELETE FROM " + relation)
		refuse("SELECT FROM " + relation + " FOR UPDATE")
		refuse("SELECT FROM " + relation + " FOR KEY SHARE")
		refuse("CREATE RULE r AS ON DELETE TO " + relation + " DO INSTEAD NOTHING")
	}
	for _, table := range all[string](t, tx, named+"relkind IN ('r', 'p')") {
		refuse("TRUNCATE " + table)
		refuse("LOCK TABLE " + table + " IN SHARE MODE")
		refuse("ALTER TABLE " + table + " DISABLE ROW LEVEL SECURITY")
		refuse("CREATE TRIGGER t BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()")
		savepoint, err := tx.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := savepoint.Conn().PgConn().CopyFrom(t.Context(), strings.NewReader(""), "COPY "+table+" FROM STDIN"); pgError(t, err) == nil || pgError(t, err).Code != pgerrcode.InsufficientPrivilege {
			t.Errorf("COPY %s: %v, want insufficient_privilege", table, err)
		}
		if err := savepoint.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, sequence := range all[string](t, tx, named+"relkind = 'S'") {
		for _, read := range []string{"SELECT nextval('%s')", "SELECT setval('%s', 1)", "SELECT last_value FROM %s"} {
			refuse(fmt.Sprintf(read, sequence))
		}
	}
	for _, function := range all[string](t, tx, "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'bizydb'::regnamespace") {
		args := all[string](t, tx, "SELECT 'NULL::' || CASE type WHEN 'anyelement'::regtype THEN 'text' ELSE format_type(type, NULL) END FROM pg_proc, unnest(proargtypes) WITH ORDINALITY AS a (type, n) WHERE oid = $1::text::regprocedure ORDER BY n", function)
		call := fmt.Sprintf("SELECT %s(%s)", function[:strings.Index(function, "(")], strings.Join(args, ", "))
		if !slices.Contains(callable, function) {
			refuse(call)
			continue
		}
		allowed++
		exec(t, tx, call)
		if !one[bool](t, tx, "SELECT NOT prosecdef AND provolatile <> 'v' FROM pg_proc WHERE oid = $1::text::regprocedure", function) {
			t.Errorf("%s may do more than compute", function)
		}
	}
	for _, sql := range []string{
		"CREATE TABLE bizydb.t ()", "CREATE TABLE public.t ()", "CREATE FUNCTION bizydb.f() RETURNS integer LANGUAGE sql RETURN 1", "CREATE VIEW public.v AS SELECT 1",
		"DROP POLICY tasks_owner ON public.tasks", "ALTER ROLE bizydb_reporter LOGIN", "GRANT bizydb_user TO bizydb_reporter", "SET LOCAL session_replication_role = replica",
		"SET ROLE pg_read_all_data", "SELECT pg_read_file('PG_VERSION')", "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT passwd FROM pg_shadow",
	} {
		refuse(sql)
	}
	t.Logf("%d reads, %d refused", allowed, refused)
}

// The policies of reports are no barrier: queries go by every index, also with operators that are not leakproof.
func TestReportsUseIndexes(t *testing.T) {
	t.Parallel()
	tx := enterReporter(t, bizydbtest.New(t, bizydbtest.WithReporting()))
	exec(t, tx, "SET LOCAL enable_seqscan = off")
	for sql, index := range map[string]string{
		"SELECT FROM public.tasks WHERE dependencies @> '[7]' AND dependencies <> '[]'":                                                                     "ix_tasks_dependencies",
		"SELECT (SELECT count(*) FROM public.tasks t WHERE t.user_id = p.id AND t.completed_at >= '2026-01-01') FROM bizydb.profiles p":                     "ix_tasks_user_completed_at",
		"SELECT id FROM bizydb.profiles WHERE bizydb.fold(email) = bizydb.fold('Ada@example.org')":                                                          "ix_users_email",
		"SELECT FROM public.tasks WHERE due_date < '2026-01-01'":                                                                                            "ix_tasks_due_date",
		"SELECT FROM public.tasks WHERE jsonb_set('{}', ARRAY[user_id::text], tags) @> '{\"7\": [\"urgent\"]}' AND tags <> '[]' AND tags @> '[\"urgent\"]'": "ix_tasks_user_tags",
	} {
		if plan := strings.Join(all[string](t, tx, "EXPLAIN (COSTS OFF) "+sql), "\n"); !strings.Contains(plan, index) {
			t.Errorf("%s: not by %s:\n%s", sql, index, plan)
		}
	}
}
