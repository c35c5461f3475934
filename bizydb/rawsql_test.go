package bizydb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// What SQL could do that somebody gets into a scope, where bizydb lets nobody write any. SECURITY.md says it in words.
func TestRawSQLInAScope(t *testing.T) {
	t.Parallel()
	db := ofUsers(t, tracked)
	alice, mallory := db.NewUser(t), db.NewUser(t)
	hers := plantAll(t, db.As(alice))
	plantAll(t, db.As(mallory))
	if !testdb.Distributed() {
		asOwner(t, db, fmt.Sprintf(`
		ALTER TABLE public.tasks SET (autovacuum_enabled = off); -- which makes other plans better
		INSERT INTO public.tasks (user_id, title, created_at) SELECT %d, 'task', '2001-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 3000) AS n;
		ANALYZE`, mallory)) // so that there are statistics to look into
	}
	const denied, none = pgerrcode.InsufficientPrivilege, "none of hers"
	replace := strings.NewReplacer("ALICE", fmt.Sprint(alice), "DELETEDTASK", fmt.Sprint(hers.deletedTask), "DELETEDGOAL", fmt.Sprint(hers.deletedGoal), "TASK", fmt.Sprint(hers.task), "GOAL", fmt.Sprint(hers.goal)).Replace
	different := map[string]string{}
	if testdb.Distributed() {
		different = map[string]string{
			"SELECT count(*) FROM bizydb.changes_after((SELECT max(seq) FROM bizydb.changes), 10)":                "UB011",
			"SELECT count(*) FROM bizydb.changes_after(0, 10000) WHERE content::text LIKE '%\"user_id\":ALICE,%'": "UB011",
			"INSERT INTO public.tasks (id, title) VALUES (TASK, 'x')":                                             "", // ids are unique for each user
			"SELECT reltuples FROM pg_class WHERE oid = 'public.tasks'::regclass":                                 "SKIP",
			"SET LOCAL ROLE bizydb_reporter":                                                                      "", // the tests' login has it there
		}
	}
	if testdb.OnCitus() {
		different["UPDATE public.tasks SET user_id = ALICE"] = pgerrcode.FeatureNotSupported
	}
	if testdb.OnOtherNode() {
		different["CREATE FUNCTION bizydb.f() RETURNS integer LANGUAGE sql RETURN 1"] = pgerrcode.InternalError // before rights are looked at
	}
	for _, c := range []struct{ sql, want string }{ // an SQLSTATE, none, or what one column of one row is
		{"SELECT count(*) FROM public.tasks WHERE user_id = ALICE", "0"},
		{"SELECT count(*) FROM public.goals WHERE id = GOAL", "0"},
		{"SELECT count(*) FROM public.users WHERE id = ALICE", "0"},
		{"SELECT count(*) FROM bizydb.profiles", "1"},
		{"SELECT count(*) FROM bizydb.imports", "0"},
		{"SELECT count(*) FROM bizydb.changes WHERE user_id = ALICE", "0"},
		{"SELECT count(xid) FROM bizydb.changes", denied},
		{"UPDATE bizydb.changes SET seq = 1", denied},
		{"DELETE FROM bizydb.changes", denied},
		{"SELECT count(*) FROM bizydb.changes_after((SELECT max(seq) FROM bizydb.changes), 10)", "0"},
		{"SELECT count(*) FROM bizydb.changes_after(0, 10000) WHERE content::text LIKE '%\"user_id\":ALICE,%'", "0"},
		{"SELECT count(*) FROM bizydb.changed_users(0, 0, 0, 10)", denied},
		{"SELECT nextval('bizydb.change_seq')", denied},
		{"SELECT bizydb.track_changes(false)", denied},
		{"SELECT hashed_password FROM public.users", denied},
		{"SELECT count(*) FROM public.users u WHERE u::text LIKE '%$2%'", denied},
		{"UPDATE public.tasks SET title = 'x' WHERE id = TASK", none},
		{"DELETE FROM public.goals WHERE id = GOAL", none},
		{"UPDATE public.tasks SET user_id = ALICE", denied},
		{"INSERT INTO public.tasks (user_id, title) VALUES (ALICE, 'x')", denied},
		{"INSERT INTO public.tasks (id, title) VALUES (TASK, 'x')", denied},
		{"INSERT INTO public.tasks (title, parent_goal_id) VALUES ('x', GOAL)", pgerrcode.ForeignKeyViolation},
		{"INSERT INTO public.tasks (title, dependencies) VALUES ('x', '[TASK]')", pgerrcode.ForeignKeyViolation},
		{"UPDATE public.users SET is_superuser = true", denied},
		{"UPDATE bizydb.profiles SET password_changed_at = now()", denied},
		{"UPDATE public.goals SET task_count = 7", denied},
		{"SELECT bizydb.delete_user(ALICE)", denied},
		{"SELECT count(*) FROM bizydb.roll_up(GOAL)", pgerrcode.NoDataFound},
		{"SELECT bizydb.dependent_tasks(TASK)::text", "{}"},
		{"SELECT bizydb.tagged_tasks('[\"urgent\"]', '[]') @> ARRAY[TASK]::bigint[]", "false"},
		{"SELECT bizydb.date_imported_goals('{GOAL}', '{2000-01-01}')", ""}, // of none of hers
		{"SELECT count(*) FROM bizydb.deleted_tasks WHERE user_id = ALICE", "0"},
		{"DELETE FROM bizydb.deleted_goals WHERE id = DELETEDGOAL", none},
		{"UPDATE bizydb.deleted_tasks SET title = 'x'", denied},
		{"INSERT INTO bizydb.deleted_tasks SELECT * FROM bizydb.deleted_tasks", denied},
		{"SELECT count(*) FROM bizydb.deleted_links", denied},
		{"SELECT bizydb.restoring('tasks', DELETEDTASK) FROM set_config('bizydb.restoring', 'on', true)", "false"},
		{"SELECT count(*) FROM bizydb.restore_task(DELETEDTASK)", "0"},
		{"SELECT count(*) FROM bizydb.restore_goal(DELETEDGOAL, true)", "0"},
		{"SELECT count(*) FROM bizydb.task_now(TASK)", "0"},
		{"SELECT bizydb.restore(ALICE, '{}', '{DELETEDTASK}')", denied},
		{"SELECT bizydb.put_back('tasks', ALICE, '{DELETEDTASK}', '{}')", denied},
		{"SELECT bizydb.forget_deleted(now())", denied},
		{"SELECT bizydb.keep_deleted(false)", denied},
		{"SELECT bizydb.recount(ALICE, '{GOAL}', '{0}')", denied},
		{"TRUNCATE public.tasks", denied},
		{"COPY public.tasks FROM PROGRAM 'true'", denied},
		{"COPY (SELECT 1) TO PROGRAM 'true'", denied},
		{"SELECT nextval('public.tasks_id_seq')", denied},
		{"CREATE TABLE public.t (i integer)", denied},
		{"CREATE FUNCTION bizydb.f() RETURNS integer LANGUAGE sql RETURN 1", denied},
		{"ALTER TABLE public.tasks DISABLE ROW LEVEL SECURITY", denied},
		{"ALTER TABLE public.tasks DISABLE TRIGGER ALL", denied},
		{"DROP POLICY tasks_owner ON public.tasks", denied},
		{"SET LOCAL session_replication_role = replica", denied},
		{"SET LOCAL row_security = off", ""},
		{"SELECT count(*) FROM pg_stats WHERE tablename IN ('tasks', 'goals', 'users') AND schemaname = 'public' AND most_common_vals::text LIKE '%made%'", "0"},
		{"SELECT pg_read_file('/etc/passwd')", denied},
		{"SELECT count(*) FROM pg_authid", denied},
		{"SELECT reltuples FROM pg_class WHERE oid = 'public.tasks'::regclass", "3008"}, // hers and one's own

		// What stays behind: on the connection for the next user, or where every scope gets at it.
		{"CREATE TEMP TABLE loot AS SELECT title FROM public.tasks", ""},
		{"DECLARE c CURSOR WITH HOLD FOR SELECT title FROM public.tasks", ""},
		{"SELECT set_config('bizydb.other', 'x', false)", "x"},
		{"LISTEN x", ""},
		{"SELECT pg_advisory_lock(hashtextextended('bizydb.user', ALICE))", ""},
		{"SELECT lo_from_bytea(0, '\\x00') > 0", "true"},
		// What holds nobody who can write SQL there, and why nobody can.
		{"SELECT set_config('bizydb.user_id', 'ALICE', true)", fmt.Sprint(alice)},
		{"RESET ROLE", ""},
		{"SET LOCAL ROLE bizydb_accounts", ""},
		{"SET LOCAL ROLE bizydb_reporter", denied}, // which the login has not been granted
	} {
		if want, ok := different[c.sql]; ok {
			c.want = want
		}
		if c.want == "SKIP" {
			continue
		}
		tx := begin(t, db.Pool())
		exec(t, tx, enterCommonSQL(), fmt.Sprint(mallory))
		sql := replace(c.sql)
		rows, err := tx.Query(t.Context(), sql)
		got := ""
		if err == nil {
			for rows.Next() {
				values, _ := rows.Values()
				got = fmt.Sprint(values[0])
			}
			rows.Close()
			err = rows.Err()
		}
		switch {
		case err != nil:
			got = sqlState(err)
		case c.want == none && rows.CommandTag().RowsAffected() == 0:
			got = none
		}
		if got != c.want {
			t.Errorf("%s: %q (error %v), want %q", sql, got, err, c.want)
		}
		_ = tx.Rollback(t.Context())
	}

	if testdb.Distributed() {
		return
	}
	// EXPLAIN tells nothing of an id, which is looked up together with its user, but when somebody has created a row.
	tx := begin(t, db.Pool())
	exec(t, tx, enterSQL+", set_config('enable_seqscan', 'off', true)", fmt.Sprint(mallory))
	for condition, c := range map[string]struct {
		hers, nobodys any
		tells         bool
	}{
		"id = '%v'":         {hers.task, 1 << 40, false},
		"created_at = '%v'": {ownerQuery[string](t, db, "SELECT created_at::text FROM public.tasks WHERE id = $1", hers.task), "2000-01-01", true},
	} {
		explain := func(value any) string {
			sql := fmt.Sprintf("EXPLAIN (ANALYZE, TIMING off, SUMMARY off, COSTS off) SELECT FROM public.tasks WHERE "+condition, value)
			lines, err := queryAll[string](t, tx, sql)
			if err != nil {
				t.Fatal(err)
			}
			return strings.ReplaceAll(strings.Join(lines, "\n"), fmt.Sprint(value), "VALUE")
		}
		another, none := explain(c.hers), explain(c.nobodys)
		if tells := strings.Contains(another, "Rows Removed by Filter") && !strings.Contains(none, "Rows Removed by Filter"); tells != c.tells {
			t.Errorf("%s: another's row and none are explained in other ways than SECURITY.md says:\n%s\n\n%s", condition, another, none)
		}
	}
}

// What SQL could do that somebody gets into a report, past the words that are refused. SECURITY.md says it in words.
func TestRawSQLInAReport(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	user := made.NewUser(t)
	plantAll(t, made.As(user))
	asOwner(t, made, "CREATE FUNCTION public.run(sql text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE sql; END'")
	const denied, readOnly = pgerrcode.InsufficientPrivilege, pgerrcode.ReadOnlySQLTransaction
	largeObjects := readOnly
	if ownerQuery[int](t, made, "SELECT current_setting('server_version_num')::integer") < 160000 {
		largeObjects = ""
	}
	for sql, want := range map[string]string{ // an SQLSTATE, or "" if it can
		"INSERT INTO public.tasks (title) VALUES ('x')":                          readOnly,
		"UPDATE public.tasks SET title = 'x'":                                    readOnly,
		"TRUNCATE public.tasks":                                                  readOnly,
		"SELECT nextval('public.tasks_id_seq')":                                  denied,
		"SELECT bizydb.track_changes(false)":                                     denied,
		"SELECT kind, id FROM bizydb.changes":                                    denied,
		"SELECT hashed_password FROM public.users":                               denied,
		"CREATE TABLE public.t ()":                                               readOnly,
		"CREATE TEMP TABLE t ()":                                                 readOnly,
		"SET LOCAL transaction_read_only = off":                                  pgerrcode.ActiveSQLTransaction,
		"COPY (SELECT 1) TO PROGRAM 'true'":                                      denied,
		"SELECT lo_create(0)":                                                    largeObjects,
		"SELECT pg_notify('a', 'b')":                                             "",
		"LISTEN a":                                                               "",
		"SELECT pg_logical_emit_message(true, 'a', 'b')":                         "",
		"SELECT pg_advisory_lock(1)":                                             "",
		"DECLARE c CURSOR WITH HOLD FOR SELECT title FROM public.tasks":          "",
		"SELECT set_config('role', 'bizydb_accounts', false)":                    "",
		"SELECT pg_advisory_xact_lock(hashtextextended('bizydb.user', USER_ID))": "", // so that nobody writes for that user
	} {
		db := open(t, made.DSN, oneConn)
		sql = strings.ReplaceAll(sql, "USER_ID", fmt.Sprint(user))
		_, err := db.Reporting().DBTX().Exec(t.Context(), "SELECT public.run($1)", sql)
		if got := sqlState(err); got != want {
			t.Errorf("%s: %q (error %v), want %q", sql, got, err, want)
		}
		db.Close()
	}
	// As any role that the login may take, it still writes no row.
	for _, role := range []string{"bizydb_user", "bizydb_accounts", "none"} {
		_, err := made.Reporting().DBTX().Exec(t.Context(), "SELECT public.run($1), public.run('UPDATE public.users SET full_name = NULL')", "SET LOCAL ROLE "+role)
		if got := sqlState(err); got != readOnly && got != denied {
			t.Errorf("as %s it writes: %v", role, err)
		}
	}
}

// A function with its owner's rights does not run what its caller has made: not even a type in pg_temp, where PostgreSQL looks
// for types before it goes by the search_path.
func TestFunctionsIgnoreTypesOfTheCaller(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	at := plantAll(t, db.As(user))
	tx := begin(t, db.Pool())
	types, err := queryAll[string](t, tx, "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typname !~ '^_' AND typname <> 'char'")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range types {
		exec(t, tx, fmt.Sprintf("CREATE DOMAIN pg_temp.%[1]s AS pg_catalog.%[1]s CHECK (false)", name))
	}
	exec(t, tx, enterSQL, fmt.Sprint(user))
	exec(t, tx, fmt.Sprintf("INSERT INTO public.tasks (title, parent_goal_id, tags, dependencies) VALUES ('x', %d, '[\"made\"]', '[%d]')", at.goal, at.task))
	exec(t, tx, "SELECT FROM unnest(bizydb.tagged_tasks('[\"made\"]', '[]'))")
	exec(t, tx, fmt.Sprintf("SELECT FROM unnest(bizydb.dependent_tasks(%d))", at.task))
	exec(t, tx, fmt.Sprintf("SELECT bizydb.date_imported_goals('{%d}', '{2000-01-01}')", at.goal))
	exec(t, tx, fmt.Sprintf("SELECT FROM bizydb.roll_up(%d)", at.goal))
	exec(t, tx, fmt.Sprintf("DELETE FROM public.tasks WHERE id = %d", at.task))
	exec(t, tx, "SELECT set_config('role', 'bizydb_accounts', true)")
	exec(t, tx, fmt.Sprintf("SELECT bizydb.delete_user(%d)", user))
	_ = tx.Rollback(t.Context())
}
