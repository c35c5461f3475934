package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/partition"
)

const partitions = 4

const timesheet = "../examples/timesheet/db"

// Every query of a scope reads and writes in one partition, that of its user, with all that its triggers and functions do: planned for its
// values and for any. So it could be sent to one of several servers that share the users. Statements over many users, which only the
// tables' owner has, are not looked at. Reads by ctid are not counted by the server: TestEveryStatementNamesItsUser refuses them, and
// looks at what runs for none of these rows.
func TestQueriesTouchOnePartition(t *testing.T) {
	t.Parallel()
	p := newPartitioned(t)
	eachMode := func(t *testing.T, calls map[string]func(pgx.Tx) error) {
		t.Helper()
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			for name, call := range calls {
				if found := p.find(t, mode, name, call); found != "" {
					t.Error(found)
				}
			}
		}
	}
	t.Run("timesheet", func(t *testing.T) { eachMode(t, timesheetCalls(t, p)) }) // whose queries are confined by policies alone
	leaveItToQueries(t, p.db)
	t.Run("own", func(t *testing.T) {
		calls := map[string]func(pgx.Tx) error{}
		for name, call := range p.calls(t, p.db) {
			if name != "ForgetOfAll" { // of all users
				calls[name] = call.send
			}
		}
		eachMode(t, calls)
	})
	t.Run("unnamed", func(t *testing.T) { unnamedUsersAreNoticed(t, p) })
	t.Run("hidden", func(t *testing.T) {
		for _, bad := range []string{
			fmt.Sprintf("SELECT FROM public.tasks WHERE id = %d", p.at.task),
			fmt.Sprintf("DO $$ BEGIN PERFORM FROM public.tasks WHERE id = %d; END $$", p.at.task),
			fmt.Sprintf("SELECT FROM public.tasks WHERE (user_id = %d) IS TRUE AND id = %d", p.user, p.at.task),
		} {
			want := fmt.Sprintf("bad touches %s, and its user's are %s (auto)", p.others("tasks"), p.mine)
			if diff := cmp.Diff(want, p.find(t, "auto", "bad", p.asUser(t, bad))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", bad, diff)
			}
		}
	})
}

// Each query that names its user would be found, by its name, if it did not for one of the tables.
func unnamedUsersAreNoticed(t *testing.T, p partitioned) {
	noticed := map[string]bool{} // a statement without one of its names, whichever call sends it
	try := func(name string, c methodCall) {
		asked := record(t, c.method, c.params)
		for _, at := range namedUser.FindAllStringIndex(asked.sql, -1) {
			sql := asked.sql[:at[0]] + "true" + asked.sql[at[1]:]
			noticed[sql] = noticed[sql] || strings.HasPrefix(p.find(t, "auto", name, p.asUser(t, sql, asked.args...)), name+" touches ")
		}
	}
	for _, name := range methods() {
		try(name, callOf(name, p.at))
	}
	try("GoalTree", methodCall{"GoalTree", planner.GoalID(0)})
	for sql, is := range noticed {
		if !is {
			t.Errorf("not noticed:\n%s", sql)
		}
	}
	if len(noticed) < 100 {
		t.Errorf("only %d references name their user", len(noticed))
	}
}

var namedUser = regexp.MustCompile(`(\w+\.)?user_id = \(SELECT bizydb\.current_user_id\(\)\)`)

// A partitioned is a database whose tables are partitioned by user, and a user there with rows. There are more rows of others in each
// of the other partitions.
type partitioned struct {
	mover
	db   *bizydbtest.Database
	mine string // what the names of the user's partitions end with
}

func newPartitioned(t *testing.T) partitioned {
	t.Helper()
	db := bizydbtest.New(t, bizydbtest.WithMigrations(os.DirFS(timesheet+"/migrations")), tracked, bizydbtest.WithMigration("partition", func(ctx context.Context, conn *pgx.Conn) error {
		// For own columns, functions make up statements.
		if _, err := conn.Exec(ctx, `
			CREATE TABLE app.places (id bigint PRIMARY KEY);
			ALTER TABLE public.goals ADD COLUMN x_place bigint REFERENCES app.places; ALTER TABLE public.tasks ADD COLUMN x_place bigint REFERENCES app.places`); err != nil {
			return err
		}
		return partition.Tables(ctx, conn, partitions)
	}))
	user := db.NewUser(t)
	mine := partitionOf(t, db, user)
	p := partitioned{moveIn(t, db, user, 200), db, fmt.Sprint("_", mine)}
	for filled := map[int]bool{mine: true}; len(filled) < partitions; {
		other := db.NewUser(t)
		if n := partitionOf(t, db, other); !filled[n] {
			filled[n] = true
			plantAll(t, db.As(other))
		}
	}
	// A small table may be read whole, which the server finds faster than to look up what is joined. By statistics, it would read where an
	// index begins and ends to plan. Counts are wrong, so that a roll-up finds something. What deleted rows reference is gone.
	asOwner(t, db, fmt.Sprintf(`
		DO $$ BEGIN
		  EXECUTE (SELECT string_agg(format('ALTER TABLE %%s SET (autovacuum_enabled = off)', oid::regclass), ';') FROM pg_class WHERE relispartition AND relkind = 'r');
		END $$;
		ALTER TABLE public.goals DISABLE TRIGGER USER; ALTER TABLE public.tasks DISABLE TRIGGER USER;
		INSERT INTO public.goals (user_id, title) SELECT u.id, 'goal' FROM public.users u, generate_series(1, 1000) WHERE u.id <> %[1]d;
		INSERT INTO public.tasks (user_id, title) SELECT u.id, 'task' FROM public.users u, generate_series(1, 1000) WHERE u.id <> %[1]d;
		UPDATE public.goals SET task_count = task_count + 1 WHERE user_id = %[1]d;
		UPDATE bizydb.deleted_goals SET own = '{"x_place": "1"}'; UPDATE bizydb.deleted_tasks SET own = '{"x_place": "1"}';
		ALTER TABLE public.goals ENABLE TRIGGER USER; ALTER TABLE public.tasks ENABLE TRIGGER USER`, user))
	return p
}

func partitionOf(t *testing.T, db *bizydbtest.Database, user bizydb.UserID) int {
	t.Helper()
	return ownerQuery[int](t, db, "SELECT n FROM generate_series(0, $1 - 1) AS n WHERE satisfies_hash_partition('public.tasks'::regclass, $1, n, $2::bigint)", partitions, user)
}

// others are the partitions of a table that are not the user's.
func (p partitioned) others(table string) (names []string) {
	for n := range partitions {
		if name := fmt.Sprint(table, "_", n); !strings.HasSuffix(name, p.mine) {
			names = append(names, name)
		}
	}
	return names
}

// asUser runs a statement as any client of the user may.
func (p partitioned) asUser(t *testing.T, sql string, args ...any) func(pgx.Tx) error {
	return func(tx pgx.Tx) error {
		exec(t, tx, enterSQL, fmt.Sprint(p.user))
		_, err := tx.Exec(t.Context(), sql, args...)
		return err
	}
}

// find makes a call, takes it back, and says which partitions that are not its user's it reads or writes, by the server's counts of
// this connection.
func (p partitioned) find(t *testing.T, mode, name string, call func(pgx.Tx) error) string {
	t.Helper()
	tx := begin(t, p.db.Pool())
	exec(t, tx, "SET LOCAL plan_cache_mode = "+mode)
	exec(t, tx, "SET LOCAL jit = off") // as in TestPlans
	// What writes for many users joins with them, by key where tables are large.
	exec(t, tx, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off")
	counts := func() (of map[string]int64) {
		t.Helper()
		if err := tx.QueryRow(t.Context(), `
			SELECT json_object_agg(relname, seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables
			WHERE relid IN (SELECT inhrelid FROM pg_inherits)`).Scan(&of); err != nil {
			t.Fatal(err)
		}
		return of
	}
	before := counts()
	if err := call(tx); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("%s: %v", name, err)
	}
	after := counts()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(after, func(of string, n int64) bool {
		return n == before[of] || strings.HasSuffix(of, p.mine) || deletion.MatchString(name) && trash.MatchString(of)
	})
	if len(after) == 0 {
		return ""
	}
	return fmt.Sprintf("%s touches %s, and its user's are %s (%s)", name, slices.Sorted(maps.Keys(after)), p.mine, mode)
}

// A deletion looks for its ids in the trash of all users: an id is there once, whoever's it was.
var (
	deletion = regexp.MustCompile("^Delete(Goal|Task|User)")
	trash    = regexp.MustCompile("^deleted_(goals|tasks)_")
)

// leaveItToQueries changes the policies to a form by which they confine rows as ever, and the server chooses no partition.
func leaveItToQueries(t testing.TB, db *bizydbtest.Database) {
	t.Helper()
	asOwner(t, db, `DO $$
		DECLARE
		  p record;
		BEGIN
		  FOR p IN SELECT * FROM pg_policies WHERE roles = '{bizydb_user}' AND qual LIKE '%user_id = %' LOOP
		    EXECUTE format('ALTER POLICY %I ON %I.%I USING ((%s) IS TRUE)', p.policyname, p.schemaname, p.tablename, p.qual);
		  END LOOP;
		END $$`)
}

// timesheetCalls has a call of each query of examples/timesheet, of a user with an entry that is running and a comment.
func timesheetCalls(t *testing.T, p partitioned) map[string]func(pgx.Tx) error {
	t.Helper()
	asOwner(t, p.db, fmt.Sprintf(`
		INSERT INTO app.comments (id, user_id, task_id, body) VALUES (1000, %[1]d, %[2]d, 'done?');
		INSERT INTO app.entries (user_id, task_id, started_at, note) VALUES (%[1]d, %[2]d, now(), '')`, p.user, p.at.task))
	args := pgx.NamedArgs{
		"task_id": p.at.task, "id": 1000, "body": "x", "max": 5, "note": "", "started_at": time.Now(), "stopped_at": time.Now(), "since": time.Now().AddDate(0, 0, -28), "time_zone": "Europe/Berlin",
	}
	calls := map[string]func(pgx.Tx) error{}
	for name, sql := range timesheetQueries(t, "/queries") {
		calls[name] = p.asUser(t, sql, args)
	}
	if len(calls) < 9 {
		t.Fatalf("only %d queries", len(calls))
	}
	return calls
}

var sqlcMacro = regexp.MustCompile(`sqlc\.(arg|embed)\((\w+)\)`)

// timesheetQueries are queries of examples/timesheet, with @name for a parameter, by their names.
func timesheetQueries(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(timesheet + dir + "/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range strings.Split(string(content), "-- name: ")[1:] {
			name, _, _ := strings.Cut(query, " ")
			queries[name] = "-- name: " + sqlcMacro.ReplaceAllStringFunc(query, func(macro string) string {
				m := sqlcMacro.FindStringSubmatch(macro)
				return map[string]string{"arg": "@" + m[2], "embed": m[2] + ".*"}[m[1]]
			})
		}
	}
	return queries
}
