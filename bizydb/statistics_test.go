package bizydb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Every call reads about as much where the statistics do not know its user, or have the user or the tables wrong, as it does where they
// know all: with plans for its values and with plans for any, the statements of functions included.
func TestReadsWhateverTheStatistics(t *testing.T) {
	t.Parallel()
	const few, many = 20, 4000
	for name, c := range map[string]struct{ others, before int }{ // users with a few tasks each, and the user's own tasks, that are analyzed
		"a user who has just moved in":                {others: 4},
		"a user with many times what the others have": {others: 4, before: few},
		"tables analyzed when empty":                  {},
	} {
		if testing.Short() && c.others == 0 || !*full && c.before > 0 {
			continue // on another server the first will do
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := bizydbtest.New(t)
			asOwner(t, db, `
				DO $$ BEGIN
				  EXECUTE (SELECT string_agg(format('ALTER TABLE %s SET (autovacuum_enabled = off)', oid::regclass), ';') FROM pg_class
				    WHERE relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) AND relkind = 'r');
				END $$`)
			user := db.NewUser(t)
			for range c.others {
				moveIn(t, db, db.NewUser(t), few)
			}
			if c.before > 0 {
				moveIn(t, db, user, c.before)
			}
			asOwner(t, db, "ANALYZE")
			addIdleUsers(t, db, 300)
			m := moveIn(t, db, user, many)
			asOwner(t, db, "SELECT bizydb.track_changes()")
			calls := m.calls(t, db)
			got := readBy(t, db, calls)
			compare := func(slack int, when string) {
				for call, known := range readBy(t, db, calls) {
					slack := slack
					if known.rows < 100 && !lists(call) {
						slack = 400 // as many users as there are, which may be read one after the other
					}
					if g := got[call]; g.rows > known.rows*3/2+slack || g.pages > known.pages*3/2+slack {
						t.Errorf("%s reads %v, and %v %s", call, g, known, when)
					}
				}
			}
			asOwner(t, db, "ANALYZE")
			compare(many, "once the tables are analyzed")
			if !*full && (testing.Short() || c.others == 0) {
				return
			}
			// With statistics on the user a list walks an index rather than read and sort all. Nothing reads all several times.
			asOwner(t, db, "ALTER TABLE public.goals ALTER COLUMN user_id SET STATISTICS 100; ALTER TABLE public.tasks ALTER COLUMN user_id SET STATISTICS 100; ANALYZE")
			compare(3*many, "with statistics on the user")
		})
	}
}

// lists tells whether a call returns what matches. It may read all that its user has where the statistics let few matches be expected.
func lists(call string) bool { return nameOfList.MatchString(call) }

var nameOfList = regexp.MustCompile(`^(List|Page|Search|Stream|Tagged|keyset|filtered|all|Ready|Open|Overdue|Upcoming|TasksDue|TasksWithout|Goals|Task(Counts|Hours)|Completion)`)

// What others have imported is not read, whether the user has imported anything or not.
func TestReadsOfImports(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	newcomer, m := db.NewUser(t), moveIn(t, db, db.NewUser(t), 1000)
	addIdleUsers(t, db, 500)
	asOwner(t, db, `
		ALTER TABLE bizydb.imports SET (autovacuum_enabled = off);
		INSERT INTO bizydb.imports (user_id, zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids)
		SELECT u.id, 'UTC', '2025-10-11', 'task', '{1}', '{1}', '{1}', '{a}', '{1}' FROM public.users u, generate_series(1, 10) WHERE u.username LIKE 'crowd%'`)
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			asOwner(t, db, "ANALYZE bizydb.imports")
		}
		for _, user := range []bizydb.UserID{newcomer, m.user} {
			m := m
			m.user = user
			calls := m.calls(t, db)
			maps.DeleteFunc(calls, func(name string, _ measuredCall) bool {
				return !slices.Contains([]string{"GetColumnHashes", "ListImported", "ListRecords"}, name)
			})
			if len(calls) != 3 {
				t.Fatalf("%d calls", len(calls))
			}
			for call, got := range readBy(t, db, calls) {
				if got.rows > 50 || got.pages > 100 {
					t.Errorf("%s for user %d reads %v (analyzed: %v)", call, user, got, analyzed)
				}
			}
		}
	}
}

// What an owner deletes of many users in one statement is read a few times, and not once for each of them.
func TestDeletionsOfManyUsers(t *testing.T) {
	t.Parallel()
	const users, goals, tasks = 2000, 1, 3 // tasks wait for another one each
	db := bizydbtest.New(t)
	addIdleUsers(t, db, users)
	asOwner(t, db, "ALTER TABLE public.goals DISABLE TRIGGER USER; ALTER TABLE public.tasks DISABLE TRIGGER USER;"+fmt.Sprintf(`
		INSERT INTO public.goals (user_id, title, task_count) SELECT id, 'goal', %d FROM public.users;
		INSERT INTO public.tasks (id, user_id, parent_goal_id, title, dependencies)
		SELECT g.id * 10 + n, g.user_id, g.id, 'task', CASE WHEN n > 1 THEN jsonb_build_array(g.id * 10 + n - 1) ELSE '[]' END FROM public.goals g, generate_series(1, %[1]d) AS n;
		ALTER TABLE public.goals ENABLE TRIGGER USER; ALTER TABLE public.tasks ENABLE TRIGGER USER; ANALYZE`, tasks))
	conn, err := ownerPool(t, db).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, tracked := range []bool{false, true} {
		asOwner(t, db, fmt.Sprintf("SELECT bizydb.track_changes(%v)", tracked))
		for _, table := range []string{"tasks", "goals", "users"} {
			got := readByOne(t, conn, "auto", func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), "DELETE FROM public."+table)
				return err
			})
			t.Logf("%s (changes tracked: %v): %v", table, tracked, got)
			if most := 20 * users * (1 + goals + tasks); got.rows > most {
				t.Errorf("DELETE FROM public.%s (changes tracked: %v) reads %v, want at most %d rows", table, tracked, got, most)
			}
		}
	}
}

// addIdleUsers adds n users, crowd1 and so on, who have nothing.
func addIdleUsers(t testing.TB, db *bizydbtest.Database, n int) {
	t.Helper()
	asOwner(t, db, fmt.Sprintf(`
		INSERT INTO public.users (email, username, hashed_password)
		SELECT 'crowd' || i || '@example.org', 'crowd' || i, '$2a$12$' || repeat('.', 53) FROM generate_series(1, %d) AS i`, n))
}

// A mover is a user with many tasks, and what calls are aimed at.
type mover struct {
	user         bizydb.UserID
	at           things
	goals, tasks []int64 // some of them
}

// moveIn gives a user n more tasks, a quarter of which depend on others, and a tenth as many goals.
func moveIn(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, n int) mover {
	t.Helper()
	goals := max(10, n/10)
	goal := ownerQuery[int64](t, db, "SELECT coalesce(max(id), 0) + 1 FROM public.goals")
	task := ownerQuery[int64](t, db, "SELECT coalesce(max(id), 0) + 1 FROM public.tasks")
	// The triggers would take longer than all else. What they count is made up for below.
	asOwner(t, db, "ALTER TABLE public.goals DISABLE TRIGGER USER; ALTER TABLE public.tasks DISABLE TRIGGER USER;"+fmt.Sprintf(`
		INSERT INTO public.goals (id, user_id, parent_goal_id, title, horizon, status, target_date, metrics)
		SELECT %[3]d + n, %[1]d, CASE WHEN n > 3 THEN %[3]d + n / 4 END, 'goal ' || n, (ARRAY['yearly', 'quarterly', 'monthly', 'weekly'])[n %% 4 + 1],
		  (ARRAY['active', 'on_hold', 'active', 'cancelled'])[n %% 4 + 1], now() + (n %% 300 - 100) * interval '1 day', '{"revenue": 1.5}'
		FROM generate_series(0, %[5]d - 1) AS n;
		INSERT INTO public.tasks (
		  id, user_id, parent_goal_id, title, description, priority, status, category, estimated_hours, due_date, created_at, completed_at, tags, dependencies
		)
		SELECT %[4]d + n, %[1]d, CASE WHEN h %% 3 > 0 THEN %[3]d + h / 3 %% %[5]d END, 'task ' || n, 'what there is to do about ' || n, h / 7 %% 5 + 1, status,
		  'category ' || h / 11 %% 12, h %% 9, CASE WHEN h %% 10 > 0 THEN now() + (h / 17 %% 1000 - 800) * interval '1 day' END, now() - h %% 900 * interval '1 day',
		  CASE WHEN status = 'completed' THEN now() - h %% 800 * interval '1 day' END,
		  CASE WHEN n %% 100 = 7 THEN '["rare"]' WHEN n %% 2 = 0 THEN '["common"]' ELSE '[]' END::jsonb,
		  CASE WHEN n %% 4 = 3 THEN jsonb_build_array(%[4]d + n - 1, %[4]d + n - 3) ELSE '[]' END
		FROM generate_series(0, %[2]d - 1) AS n
		CROSS JOIN LATERAL (SELECT hashint4(n) & 2147483647) AS hash (h)
		CROSS JOIN LATERAL (SELECT (ARRAY['pending', 'in_progress', 'pending', 'blocked', 'completed'])[n %% 5 + 1]) AS s (status);
		INSERT INTO bizydb.imports (user_id, zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids)
		SELECT %[1]d, 'UTC', '2025-10-11', kind, array_agg(n), array_agg(n), array_agg(n), array_agg('\x0000'::bytea), array_agg(n)
		FROM generate_series(1, %[2]d) AS n, unnest(ARRAY['goal', 'task']) AS k (kind) GROUP BY kind, n / 1000;
		SELECT setval(pg_get_serial_sequence('public.goals', 'id'), %[3]d + %[5]d), setval(pg_get_serial_sequence('public.tasks', 'id'), %[4]d + %[2]d);
		`, user, n, goal, task, goals)+"ALTER TABLE public.goals ENABLE TRIGGER USER; ALTER TABLE public.tasks ENABLE TRIGGER USER")
	if _, err := db.As(user).RollUpAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, fmt.Sprintf(copyToTrash, fmt.Sprintf("user_id = %d AND g.id >= %d", user, goal), fmt.Sprintf("user_id = %d AND t.id >= %d", user, task)))
	m := mover{user: user, at: things{planner.GoalID(goal) + 1, planner.GoalID(goal) + 4, planner.TaskID(task) + 2, planner.TaskID(task) + 3, planner.GoalID(goal) + 1 + inTrash, planner.TaskID(task) + 2 + inTrash}}
	for id := range int64(min(goals, 100)) {
		m.goals = append(m.goals, goal+id)
	}
	for id := range int64(min(n, 500)) {
		m.tasks = append(m.tasks, task+id)
	}
	return m
}

// inTrash is how much higher the ids of deleted rows are that are copies of others.
const inTrash = 1_000_000_000

// copyToTrash takes conditions on goals and on tasks, and makes deleted rows like those.
var copyToTrash = `
	INSERT INTO bizydb.deleted_goals SELECT d.* FROM public.goals g, jsonb_populate_record(NULL::bizydb.deleted_goals, to_jsonb(g) || jsonb_build_object(
	  'id', g.id + ` + fmt.Sprint(inTrash) + `, 'deleted_at', now() - g.id %% 300 * interval '1 hour', 'deletion', g.id, 'own', '{}'::jsonb)) AS d
	WHERE g.%[1]s;
	INSERT INTO bizydb.deleted_tasks SELECT d.* FROM public.tasks t, jsonb_populate_record(NULL::bizydb.deleted_tasks, to_jsonb(t) || jsonb_build_object(
	  'id', t.id + ` + fmt.Sprint(inTrash) + `, 'deleted_at', now() - t.id %% 300 * interval '1 hour', 'deletion', t.id, 'own', '{}'::jsonb)) AS d
	WHERE t.%[2]s;
	INSERT INTO bizydb.deleted_links (user_id, kind, lower, upper, place)
	SELECT t.user_id, 'dependency', t.id, t.id + 1, 0 FROM bizydb.deleted_tasks t ON CONFLICT DO NOTHING`

// A read is what a call reads of the tables.
type read struct {
	rows  int // entries of indexes, and rows
	pages int // of both
}

func (r read) String() string { return fmt.Sprintf("%d rows and entries of %d pages", r.rows, r.pages) }

// readBy makes each call with both kinds of plans, and takes it back. Calls that write come last.
func readBy(t *testing.T, db *bizydbtest.Database, calls map[string]measuredCall) map[string]read {
	t.Helper()
	conn, err := db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	found := map[string]read{}
	for _, writes := range []bool{false, true} {
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			if _, err := conn.Exec(t.Context(), "DISCARD PLANS"); err != nil {
				t.Fatal(err)
			}
			for _, name := range slices.Sorted(maps.Keys(calls)) {
				if call := calls[name]; call.writes == writes {
					found[name+", "+mode] = readByOne(t, conn, mode, call.send)
				}
			}
		}
	}
	return found
}

func readByOne(t *testing.T, conn *pgxpool.Conn, mode string, call func(pgx.Tx) error) read {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	exec(t, tx, "SET LOCAL plan_cache_mode = "+mode)
	exec(t, tx, "SET LOCAL jit = off") // a plan that is made to be avoided is dear enough to be compiled
	soFar := func() (r read) {         // by this connection, and not reported yet
		if err := tx.QueryRow(t.Context(), `
			SELECT sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)), sum(pg_stat_get_xact_blocks_fetched(c.oid))
			FROM pg_class c
			WHERE c.relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace)`,
		).Scan(&r.rows, &r.pages); err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := soFar()
	if err := call(tx); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	after := soFar()
	return read{after.rows - before.rows, after.pages - before.pages}
}

// A measuredCall sends a query in a transaction.
type measuredCall struct {
	writes bool
	send   func(pgx.Tx) error
}

// calls has a call of each query that there is, the user's and those of imports and accounts.
func (m mover) calls(t *testing.T, db *bizydbtest.Database) map[string]measuredCall {
	t.Helper()
	calls := map[string]measuredCall{}
	reader := reflect.TypeFor[planner.Reader]()
	add := func(name string, c methodCall) {
		_, reads := reader.MethodByName(c.method)
		calls[name] = measuredCall{!reads, func(tx pgx.Tx) error {
			_, err := callWith(t.Context(), db.As(m.user).WithTx(tx), c.method, c.params)
			return err
		}}
	}
	for _, name := range methods() {
		add(name, callOf(name, m.at))
	}
	for _, c := range slices.Concat(otherCalls(m.at), m.largeCalls()) {
		params, err := json.Marshal(c.params)
		if err != nil {
			t.Fatal(err)
		}
		add(fmt.Sprintf("%s %.200s", c.method, params), c)
	}
	addAll := func(queries func(pgx.Tx) any, enter string, as any, params map[string]any) {
		of := reflect.TypeOf(queries(nil))
		for method := range of.Methods() {
			p, ok := params[method.Name]
			if !ok && method.Name != "WithTx" {
				t.Errorf("method %s of %s has no call in this test: give it one", method.Name, of)
			}
			if !ok {
				continue
			}
			calls[method.Name] = measuredCall{true, func(tx pgx.Tx) error {
				exec(t, tx, enter, as)
				in := []reflect.Value{reflect.ValueOf(t.Context())}
				if p != nil {
					in = append(in, reflect.ValueOf(p))
				}
				out := reflect.ValueOf(queries(tx)).MethodByName(method.Name).Call(in)
				err, _ := out[len(out)-1].Interface().(error)
				return err
			}}
		}
	}
	addAll(func(tx pgx.Tx) any { return importsql.New(tx) }, enterSQL, fmt.Sprint(m.user), m.importParams())
	addAll(func(tx pgx.Tx) any { return accountsql.New(tx) }, "SELECT set_config('role', $1, true)", "bizydb_accounts", m.accountParams())
	return calls
}

func (m mover) taskIDs() (ids planner.TaskIDs) {
	for _, id := range m.tasks {
		ids = append(ids, planner.TaskID(id))
	}
	return ids
}

// newTasks are tasks that depend on two others each.
func (m mover) newTasks() (tasks planner.CreateTasksParams) {
	ids := m.taskIDs()
	for i := range ids[1:] {
		tasks = append(tasks, planner.CreateTaskParams{Title: "made", ParentGoalID: &m.at.goal, Dependencies: ids[i : i+2]})
	}
	return tasks
}

// largeCalls read or write many rows.
func (m mover) largeCalls() []methodCall {
	ids := m.taskIDs()
	return []methodCall{
		{"CreateTasks", m.newTasks()},
		{"DeleteTasks", ids},
		{"GoalTree", planner.GoalID(0)},
		{"ReadyTasks", planner.ReadyTasksParams{}},
		{"SetTaskDependencies", planner.SetTaskDependenciesParams{ID: m.at.task, Dependencies: ids[10:110]}},
		{"SetTaskStatuses", planner.SetTaskStatusesParams{IDs: ids, Status: planner.TaskCompleted}},
		{"TaggedTasks", planner.TaggedTasksParams{AllTags: planner.Tags{"common"}}},
	}
}

// importParams has parameters of each query of imports.
func (m mover) importParams() map[string]any {
	times := make([]time.Time, len(m.goals))
	for i := range times {
		times[i] = time.Unix(1e9, 0).AddDate(0, 0, i)
	}
	links := map[int64][]int64{}
	for i, id := range m.tasks[1:10] {
		links[id] = m.tasks[i : i+1]
	}
	dependencies, err := json.Marshal(links)
	if err != nil {
		panic(err)
	}
	return map[string]any{
		"BeginImport":     nil,
		"CreateGoals":     "[" + strings.Repeat(`{"title": "made"}, `, 99) + `{"title": "made"}]`,
		"DateGoals":       importsql.DateGoalsParams{IDs: m.goals, Times: times},
		"EndImport":       nil,
		"ExistingGoals":   m.goals,
		"ExistingTasks":   m.tasks,
		"ExportGoals":     nil,
		"ExportTasks":     nil,
		"GetColumnHashes": int64(1),
		"GoalStatuses":    nil,
		"LinkGoals":       importsql.LinkGoalsParams{IDs: m.goals[1:], Parents: slices.Repeat(m.goals[:1], len(m.goals)-1)},
		"LinkTasks":       string(dependencies),
		"ListImported":    "task",
		"ListProgress":    m.goals,
		"ListRecords":     nil,
		"Now":             nil,
		"RecordImported": importsql.RecordImportedParams{
			Zone: "UTC", UpgradedOn: "2025-10-11", Kind: "goal", OldIDs: m.goals, Marks: m.goals, Contents: m.goals, ColumnHashes: slices.Repeat([][]byte{{0, 0}}, len(m.goals)), NewIDs: m.goals,
		},
		"SetGoalStatuses": importsql.SetGoalStatusesParams{IDs: m.goals, Statuses: slices.Repeat([]string{"completed"}, len(m.goals)), Times: times},
	}
}

// accountParams has parameters of each query of accounts.
func (m mover) accountParams() map[string]any {
	return map[string]any{
		"ChangeEmail":       accountsql.ChangeEmailParams{ID: m.user, Email: "other@example.org"},
		"CreateUser":        accountsql.CreateUserParams{Email: "other@example.org", Username: "other"},
		"DeleteUser":        int64(m.user),
		"FindCredentials":   "crowd7",
		"FindUser":          "crowd7",
		"ForgetOfAll":       accountsql.ForgetOfAllParams{Seconds: 3600, Most: 10},
		"GetHash":           m.user,
		"GetUser":           m.user,
		"ListUsers":         accountsql.ListUsersParams{After: m.user, Limit: 20},
		"MarkEmailVerified": accountsql.MarkEmailVerifiedParams{ID: m.user, Email: "other@example.org"},
		"RecordSignIn":      accountsql.RecordSignInParams{ID: m.user},
		"RemoveHash":        m.user,
		"ReplaceHash":       accountsql.ReplaceHashParams{ID: m.user},
		"SetActive":         accountsql.SetActiveParams{ID: m.user, IsActive: true},
		"ResetHash":         accountsql.ResetHashParams{ID: m.user},
		"SetHash":           accountsql.SetHashParams{ID: m.user},
		"SetSuperuser":      accountsql.SetSuperuserParams{ID: m.user},
		"UpdateProfile":     accountsql.UpdateProfileParams{ID: m.user, FullName: new("changed")},
	}
}
