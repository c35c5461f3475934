package bizydb_test

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A crowd is users with 200 tasks each on average, and more without any, to make a thousand. One has every other of all tasks,
// and one every two-hundredth; the others share the rest.
type crowd struct {
	heavy, light bizydb.UserID
	at           map[bizydb.UserID]things
}

// How many users there are in a benchmark.
const benchCrowd = 1000

// The planner expects of each user what the average has, so with fewer users it plans the same.
var testCrowd = flag.Int("crowd", 100, "how many `USERS` TestPlans looks at, with 200 tasks each")

// newCrowd adds them as the owner, rows of different users next to each other, in no order that an index is on.
func newCrowd(tb testing.TB, db *bizydbtest.Database, owner *pgxpool.Pool, users int) crowd {
	tb.Helper()
	ctx := tb.Context()
	var first bizydb.UserID
	if err := owner.QueryRow(ctx, `
		WITH made AS (
		  INSERT INTO public.users (email, username, hashed_password)
		  SELECT 'crowd' || i || '@example.org', 'crowd' || i, '$2a$12$' || repeat('.', 53) FROM generate_series(1, greatest(1000, $1::int)) AS i
		  RETURNING id
		) SELECT min(id) FROM made`, users).Scan(&first); err != nil {
		tb.Fatal(err)
	}
	c := crowd{heavy: first, light: first + 1, at: map[bizydb.UserID]things{}}
	asOwner := func(sql string, args ...any) {
		tb.Helper()
		if _, err := owner.Exec(ctx, sql, args...); err != nil {
			tb.Fatal(err)
		}
	}
	// The triggers would take longer than all else. What they count is made up for below.
	asOwner("ALTER TABLE public.goals DISABLE TRIGGER USER; ALTER TABLE public.tasks DISABLE TRIGGER USER")
	// Ten goals each and as many again as there are users for the heavy one, every fourth under another one.
	asOwner(`
		INSERT INTO public.goals (user_id, title, horizon, status, completed_at, progress_percentage, target_date, metrics)
		SELECT $1 + CASE WHEN n < 10 * $2 THEN n % $2 ELSE 0 END, 'goal ' || n, (ARRAY['yearly', 'quarterly', 'monthly', 'weekly'])[n % 4 + 1],
		  status, CASE status WHEN 'completed' THEN now() END, CASE status WHEN 'completed' THEN 100 ELSE 0 END,
		  now() + n % 300 * interval '1 day' - interval '100 days', '{"revenue": 1.5}'
		FROM generate_series(0, 11 * $2::int - 1) AS n
		CROSS JOIN LATERAL (SELECT (ARRAY['active', 'on_hold', 'active', 'cancelled', 'completed'])[n % 5 + 1]) AS s (status)
		ORDER BY md5(n::text)`, first, users)
	asOwner(`
		UPDATE public.goals SET parent_goal_id = top
		FROM (SELECT user_id AS owner, min(id) AS top FROM public.goals GROUP BY user_id) AS tops WHERE user_id = owner AND id > top AND id % 4 = 0 AND owner >= $1`, first)
	// Two in three are completed, one in ten is without a date, half carry a tag; the rare one is on a thousandth of the heavy
	// user's tasks and on a tenth of the light one's. A tenth depends on the one before it.
	asOwner(`
		INSERT INTO public.tasks (id, user_id, parent_goal_id, title, description, priority, status, category, estimated_hours, due_date, created_at, completed_at, tags, dependencies)
		SELECT id, owner, CASE WHEN h % 3 > 0 THEN goals[h / 3 % cardinality(goals) + 1] END, 'task ' || n, 'what there is to do about ' || n, h / 7 % 5 + 1, status, 'category ' || h / 11 % 12, h % 9,
		  CASE WHEN h % 10 > 0 THEN now() + (h / 17 % 1000 - 800) * interval '1 day' END, now() - h % 900 * interval '1 day',
		  CASE WHEN status = 'completed' THEN now() - h % 800 * interval '1 day' END,
		  CASE h % 2 WHEN 0 THEN '["common"]' ELSE '[]' END::jsonb || CASE WHEN n % 2 = 0 AND n / 2 % 1000 = 7 OR n % 200 = 1 AND n / 200 % 10 = 7 THEN '["rare"]' ELSE '[]' END::jsonb,
		  CASE WHEN id % 10 = 0 AND before IS NOT NULL THEN jsonb_build_array(before) ELSE '[]' END
		FROM (
		  SELECT t.*, lag(id) OVER (PARTITION BY owner ORDER BY id) AS before FROM (
		    SELECT n, row_number() OVER (ORDER BY h) AS id, $1 + CASE WHEN n % 2 = 0 THEN 0 WHEN n % 200 = 1 THEN 1 ELSE 2 + n / 2 % ($2 - 2) END AS owner, h,
		      (ARRAY['completed', 'pending', 'completed', 'in_progress', 'completed', 'completed', 'blocked', 'completed', 'completed'])[h / 19 % 9 + 1] AS status
		    FROM generate_series(1, 200 * $2::int) AS n CROSS JOIN LATERAL (SELECT hashint4(n) & 2147483647) AS hash (h)
		  ) AS t
		) AS t JOIN (SELECT user_id AS owner, array_agg(id) AS goals FROM public.goals GROUP BY user_id) AS g USING (owner)
		ORDER BY id`, first, users)
	asOwner("SELECT setval(pg_get_serial_sequence('public.tasks', 'id'), max(id)) FROM public.tasks")
	asOwner("ALTER TABLE public.goals ENABLE TRIGGER USER; ALTER TABLE public.tasks ENABLE TRIGGER USER")
	asOwner(fmt.Sprintf(copyToTrash, "id % 4 > 0", "id % 4 = 0"))
	for _, user := range []bizydb.UserID{c.heavy, c.light} {
		if _, err := db.As(user).RollUpAll(ctx); err != nil {
			tb.Fatal(err)
		}
	}
	asOwner("SELECT bizydb.track_changes()")
	analyze(tb, owner)
	for _, user := range []bizydb.UserID{c.heavy, c.light} {
		var t things
		if err := owner.QueryRow(ctx, `
			SELECT g.parent_goal_id, g.id, first.id, w.id
			FROM public.goals g, public.tasks w JOIN public.tasks first ON first.id = (w.dependencies ->> 0)::bigint
			WHERE g.user_id = $1 AND g.parent_goal_id IS NOT NULL AND w.user_id = $1 AND 'completed' NOT IN (w.status, first.status)
			ORDER BY g.id, w.id LIMIT 1`, user).Scan(&t.goal, &t.subGoal, &t.task, &t.waiting); err != nil {
			tb.Fatal(err)
		}
		if err := owner.QueryRow(ctx, "SELECT (SELECT min(id) FROM bizydb.deleted_goals WHERE user_id = $1), (SELECT min(id) FROM bizydb.deleted_tasks WHERE user_id = $1)", user).Scan(&t.deletedGoal, &t.deletedTask); err != nil {
			tb.Fatal(err)
		}
		c.at[user] = t
	}
	return c
}

// A recorder is a DBTX that keeps what it is asked.
type recorder struct {
	sql  string
	args []any
}

func (r *recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r.sql, r.args = sql, args
	return pgconn.CommandTag{}, pgx.ErrNoRows
}

func (r *recorder) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.sql, r.args = sql, args
	return nil, pgx.ErrNoRows
}

func (r *recorder) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.sql, r.args = sql, args
	return r
}

func (r *recorder) Scan(...any) error { return pgx.ErrNoRows }

// query is the name of the query that was asked, "" for none.
func (r *recorder) query() string {
	rest, _ := strings.CutPrefix(r.sql, "-- name: ")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// record keeps what a method asks.
func record(t *testing.T, method string, params any) *recorder {
	t.Helper()
	asked := &recorder{}
	if _, err := callWith(t.Context(), planner.New(asked), method, params); err == nil {
		t.Fatal("the recorder was not asked")
	}
	return asked
}

// The five questions that the schema's design document names an index for, without the user's id. For the first one, every
// index that begins with the user is as good, so the next one asks for what only this index has.
var seedPlans = map[string]string{
	"SELECT * FROM public.tasks WHERE status != 'completed'":   "tasks_user_",
	"SELECT * FROM public.tasks WHERE status = 'completed'":    "ix_tasks_user_status",
	"SELECT * FROM public.tasks WHERE due_date < now()":        "ix_tasks_user_due_date",
	"SELECT * FROM public.tasks WHERE category = 'category 5'": "ix_tasks_user_category",
	"SELECT * FROM public.goals WHERE status = 'active'":       "ix_goals_user_status",
	"SELECT * FROM public.goals WHERE horizon = 'quarterly'":   "ix_goals_user_horizon",
}

// No query of a user reads the tables of all, neither planned for its values nor for any, and neither by itself nor in a
// function: not even where the user has half of all the rows.
func TestPlans(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	owner := ownerPool(t, db)
	c := newCrowd(t, db, owner, *testCrowd)
	t.Run("what reads all is noticed", func(t *testing.T) { readingAllIsNoticed(t, owner) })
	t.Run("whoever asks first", func(t *testing.T) { plansServeAnyUser(t, db, c) })
	for _, user := range []struct {
		name string
		id   bizydb.UserID
	}{{"heavy", c.heavy}, {"light", c.light}} {
		t.Run(user.name+"/lists", func(t *testing.T) { listsWalkAnIndex(t, db, user.id) })
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			t.Run(user.name+"/"+mode, func(t *testing.T) {
				for sql, index := range seedPlans {
					t.Run(index, func(t *testing.T) {
						if plan := explain(t, db, user.id, mode, &recorder{sql: sql}); !strings.Contains(plan, index) {
							t.Errorf("%s\n%s\nwant %s", sql, plan, index)
						}
					})
				}
				check := func(t *testing.T, method string, params any) {
					asked := record(t, method, params)
					plan := explain(t, db, user.id, mode, asked)
					if seqScan.MatchString(plan) {
						t.Errorf("%+v\n%s\n%s", params, asked.sql, plan)
					}

					tx := begin(t, db.Pool())
					exec(t, tx, "SET LOCAL plan_cache_mode = "+mode)
					exec(t, tx, "SET LOCAL jit = off") // a plan that is made to be avoided is dear enough to be compiled
					before := seqScans(t, tx)          // by this connection, and not reported yet
					if _, err := callWith(t.Context(), db.As(user.id).WithTx(tx), method, params); err != nil {
						t.Fatal(err)
					}
					if after := seqScans(t, tx); after != before {
						t.Errorf("%+v: %d sequential scans\n%s", params, after-before, plan)
					}
				}
				eachMethod(t, func(t *testing.T, method string) {
					asks := callOf(method, c.at[user.id])
					check(t, asks.method, asks.params)
				})
				if mode == "force_custom_plan" { // a plan for any values is one
					for _, other := range otherCalls(c.at[user.id]) {
						t.Run(other.method, func(t *testing.T) { check(t, other.method, other.params) })
					}
				}
			})
		}
	}
}

// otherCalls have the parameters that make another query of it, planned for its values, than those in calls.
func otherCalls(at things) []methodCall {
	category, priority, place := "category 5", 3, time.Now().AddDate(0, 0, -100)
	open := planner.TaskStatuses{planner.TaskPending, planner.TaskInProgress, planner.TaskBlocked}
	after := planner.PageTasksParams{Cursor: cursorAt(false, 3, &place, place, 1), Size: 20}
	afterUndated, before, counted := after, after, after
	afterUndated.Cursor, before.Cursor, counted.WithTotal = cursorAt(false, 3, nil, place, 1), cursorAt(true, 3, &place, place, 1), true
	all := []methodCall{
		{"PageTasks", after},
		{"PageTasks", afterUndated},
		{"PageTasks", before},
		{"PageTasks", counted},
		{"PageTasks", planner.PageTasksParams{AllTags: planner.Tags{"common", "rare"}, Statuses: planner.TaskStatuses{planner.TaskPending}, Cursor: cursorAt(true, 3, nil, place, 0), Size: 20}},
		{"PageTasks", planner.PageTasksParams{ByDueDate: true, DueBefore: &place, Statuses: open, Size: 20}},
		{"PageTasks", planner.PageTasksParams{ByDueDate: true, DueFrom: &place, AnyTag: planner.Tags{"common"}, SkipUnderClosed: true, Size: 20}},
		{"PageTasks", planner.PageTasksParams{Statuses: open, SkipUnderClosed: true, Size: 20}},
		{"PageTasks", planner.PageTasksParams{Ready: true, SkipUnderClosed: true, Size: 20}},
		{"CountTasks", planner.PageTasksParams{Statuses: open, SkipUnderClosed: true}},
		{"CountTasks", planner.PageTasksParams{Ready: true, DueBefore: &place}},
		{"CountTasks", planner.PageTasksParams{AnyTag: planner.Tags{"rare"}}},
		{"OpenTasks", planner.OpenTasksParams{SkipUnderClosed: true, Limit: 20}},
		{"ReadyTasks", planner.ReadyTasksParams{SkipUnderClosed: true, Limit: 20}},
		{"OverdueTasks", planner.OverdueTasksParams{SkipUnderClosed: true, Limit: 20}},
		{"PageGoals", planner.PageGoalsParams{Statuses: planner.GoalStatuses{planner.GoalActive}, SkipUnderClosed: true, Search: "oal", Size: 20}},
		{"PageGoals", planner.PageGoalsParams{Order: planner.GoalsByProgress, Size: 20}},
		{"CountGoals", planner.PageGoalsParams{Statuses: planner.GoalStatuses{planner.GoalActive}}},
		{"OverdueGoals", planner.OverdueGoalsParams{SkipUnderClosed: true, Limit: 20}},
		{"ListGoals", planner.ListGoalsParams{Limit: 20}},
		{"ListGoals", planner.ListGoalsParams{RootsOnly: true}},
		{"ListGoals", planner.ListGoalsParams{Statuses: planner.GoalStatuses{planner.GoalActive}, Limit: 20}},
		{"ListGoals", planner.ListGoalsParams{Horizon: new(planner.Quarterly)}},
		{"TaskHours", (*planner.GoalID)(nil)},
		{"ListTasks", planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Limit: 20}},
		{"ListTasks", planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskCompleted}, Limit: 20}},
		{"ListTasks", planner.ListTasksParams{Category: &category, Limit: 20}},
		{"ListTasks", planner.ListTasksParams{ParentGoalID: &at.subGoal}},
	}
	for _, filter := range []func(*planner.PageTasksParams){
		func(p *planner.PageTasksParams) { p.Statuses = planner.TaskStatuses{planner.TaskPending} },
		func(p *planner.PageTasksParams) { p.Statuses = planner.TaskStatuses{planner.TaskCompleted} },
		func(p *planner.PageTasksParams) { p.Category = &category },
		func(p *planner.PageTasksParams) { p.Priority = &priority },
		func(p *planner.PageTasksParams) { p.WithoutGoal = true },
		func(p *planner.PageTasksParams) { p.ParentGoalID = &at.goal },
		func(p *planner.PageTasksParams) { p.Search = "to do" },
	} {
		for _, from := range []planner.PageTasksParams{{Size: 20}, after, before, counted} {
			filter(&from)
			all = append(all, methodCall{"PageTasks", from})
		}
	}
	return all
}

// One user who has all tasks gets the same plans.
func TestListsWalkAnIndex(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	owner, user := ownerPool(t, db), db.NewUser(t)
	if _, err := owner.Exec(t.Context(), `
		INSERT INTO public.tasks (user_id, title, priority, status, due_date, created_at)
		SELECT $1, 'task ' || n, h % 5 + 1, (ARRAY['pending', 'completed', 'blocked'])[h / 7 % 3 + 1], now() + (h / 17 % 1000 - 800) * interval '1 day', now() - h % 900 * interval '1 day'
		FROM generate_series(1, 20000) AS n CROSS JOIN LATERAL (SELECT hashint4(n) & 2147483647) AS hash (h)`, user); err != nil {
		t.Fatal(err)
	}
	analyze(t, owner)
	listsWalkAnIndex(t, db, user)
}

// listsWalkAnIndex checks that lists whose order an index has walk it, in a plan that is kept for any limit.
func listsWalkAnIndex(t *testing.T, db *bizydbtest.Database, user bizydb.UserID) {
	t.Helper()
	for method, index := range map[string]string{
		"allTasks": "ix_tasks_user_list", "OpenTasks": "ix_tasks_user_open_list", "TasksByPriority": "ix_tasks_user_list",
		"OverdueTasks": "ix_tasks_user_open_due_date", "UpcomingTasks": "ix_tasks_user_open_due_date",
	} {
		t.Run(method, func(t *testing.T) {
			asks := callOf(method, things{})
			plan := explain(t, db, user, "force_generic_plan", record(t, asks.method, asks.params))
			if !strings.Contains(plan, "Index Scan using "+index+" on tasks") || strings.Contains(plan, "Sort") {
				t.Errorf("%s\nwant %s and no sort", plan, index)
			}
		})
	}
	// Counts that a dashboard asks for again and again read an index alone, in a plan that is kept for any values.
	for method, index := range map[string]string{"Overview": "ix_tasks_user_open_due_date", "TaskCounts": "ix_tasks_user_list"} {
		t.Run(method, func(t *testing.T) {
			asks := callOf(method, things{})
			plan := explain(t, db, user, "force_generic_plan", record(t, asks.method, asks.params))
			if !strings.Contains(plan, "Index Only Scan using "+index+" on tasks") {
				t.Errorf("%s\nwant %s alone", plan, index)
			}
		})
	}
	// Whatever their size, they look up what they return, and do not read all that the user has to find it there.
	place := time.Now().AddDate(0, 0, -100)
	for _, large := range []methodCall{
		{"PageTasks", planner.PageTasksParams{Cursor: cursorAt(false, 3, &place, place, 1), Size: 10_000}},
		{"PageTasks", planner.PageTasksParams{Cursor: cursorAt(true, 3, &place, place, 1), Size: 10_000}},
		{"PageTasks", planner.PageTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Size: 10_000}},
		{"PageTasks", planner.PageTasksParams{AnyTag: planner.Tags{"rare"}, Size: 10_000}},
		{"PageTasks", planner.PageTasksParams{ByDueDate: true, Size: 10_000}},
		{"ListTasks", planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskCompleted}, Limit: 10_000}},
		{"TasksWithoutGoal", 10_000},
	} {
		t.Run(large.method, func(t *testing.T) {
			if plan := explain(t, db, user, "force_custom_plan", record(t, large.method, large.params)); regexp.MustCompile("(Hash|Merge) Join").MatchString(plan) {
				t.Errorf("%+v\n%s", large.params, plan)
			}
		})
	}
}

// What a plan that reads a table of all says.
var seqScan = regexp.MustCompile(`Seq Scan on ((public|bizydb)\.)?(deleted_)?(tasks|goals)`)

// readingAllIsNoticed checks that a query that reads all is seen in its plan and, where a function hides that, by the server's
// counts.
func readingAllIsNoticed(t *testing.T, owner *pgxpool.Pool) {
	tx := begin(t, owner)
	for _, bad := range []string{"SELECT count(title) FROM public.tasks", "SELECT count(title) FROM public.goals"} {
		plan, err := queryAll[string](t, tx, "EXPLAIN "+bad)
		if err != nil || !seqScan.MatchString(strings.Join(plan, "\n")) {
			t.Errorf("%s: %v\n%s\nwant a sequential scan", bad, err, strings.Join(plan, "\n"))
		}
		before := seqScans(t, tx)
		exec(t, tx, "DO $$ BEGIN PERFORM ("+bad+"); END $$")
		if after := seqScans(t, tx); after != before+1 {
			t.Errorf("%s: %d sequential scans are counted, want 1", bad, after-before)
		}
	}
}

func seqScans(t testing.TB, tx pgx.Tx) int {
	t.Helper()
	n, err := queryAll[int](t, tx, `SELECT sum(seq_scan)::int FROM pg_stat_xact_user_tables WHERE relname IN ('tasks', 'goals', 'deleted_tasks', 'deleted_goals', 'deleted_links')`)
	if err != nil {
		t.Fatal(err)
	}
	return n[0]
}

// explain asks for a query's plan as its scope would run it.
func explain(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, mode string, asked *recorder) string {
	t.Helper()
	tx := begin(t, db.Pool())
	defer func() { _ = tx.Rollback(context.Background()) }()
	exec(t, tx, enterSQL, fmt.Sprint(user))
	exec(t, tx, "SET LOCAL plan_cache_mode = "+mode)
	sql, args := "EXPLAIN "+asked.sql, asked.args
	if mode == "force_generic_plan" { // which has no use for the values
		exec(t, tx, "PREPARE asked AS "+asked.sql)
		sql, args = "EXPLAIN EXECUTE asked", nil
		if n := len(asked.args); n > 0 {
			sql += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
		}
	}
	var plan []string
	// In a transaction of its own: the prepared statement outlives both, and has to go even if it cannot be explained.
	err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) (err error) {
		plan, err = queryAll[string](t, tx, sql, args...)
		return err
	})
	if mode == "force_generic_plan" {
		exec(t, tx, "DEALLOCATE asked")
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(plan, "\n")
}
