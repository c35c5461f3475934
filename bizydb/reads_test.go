package bizydb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A list or a page whose order an index has reads no more rows than it returns and a few beside its position, however many the
// user has and however many are level in that order. A query for some ids reads those rows.
func TestListsReadWhatTheyReturn(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	owner, user := ownerPool(t, db), db.NewUser(t)
	// Three thousand are level but for their ids. Before and after them in list order come as many that are level but for the date.
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := owner.Exec(t.Context(), `
		INSERT INTO public.tasks (user_id, title, priority, status, due_date, created_at)
		SELECT $1, 'task ' || n, 2 + n % 3, CASE n / 3 % 2 WHEN 0 THEN 'pending' ELSE 'completed' END,
		  $2::timestamptz + CASE n % 3 WHEN 1 THEN interval '0' ELSE (n % 1000 - 500) * interval '1 day' END, $2
		FROM generate_series(1, 9000) AS n`, user, day); err != nil {
		t.Fatal(err)
	}
	analyze(t, owner)
	level, err := queryAll[planner.TaskID](t, owner, "SELECT id FROM public.tasks WHERE priority = 3 ORDER BY id OFFSET 1500 LIMIT 1")
	if err != nil {
		t.Fatal(err)
	}

	const size = 20
	// Tasks that another one depends on, and that depend on another one.
	var ids planner.TaskIDs
	if ids, err = queryAll[planner.TaskID](t, owner, "SELECT id FROM public.tasks WHERE status <> 'completed' ORDER BY id LIMIT $1", size); err != nil {
		t.Fatal(err)
	}
	scope := db.As(user)
	if _, err := scope.SetTaskDependencies(t.Context(), planner.SetTaskDependenciesParams{ID: level[0], Dependencies: ids}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[1:] {
		if _, err := scope.SetTaskDependencies(t.Context(), planner.SetTaskDependenciesParams{ID: id, Dependencies: ids[:1]}); err != nil {
			t.Fatal(err)
		}
	}
	last := planner.TaskID(1 << 40)
	open := planner.TaskStatuses{planner.TaskPending, planner.TaskInProgress, planner.TaskBlocked}
	dueAt := func(back bool) planner.TaskCursor { return placeAt("due", back, 3, &day, time.Unix(0, 0), level[0]) }
	for name, c := range map[string]methodCall{
		"a list":                   {"ListTasks", planner.ListTasksParams{Limit: size}},
		"a list by status":         {"ListTasks", planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Limit: size}},
		"open tasks":               {"OpenTasks", planner.OpenTasksParams{Limit: size}},
		"tasks of a priority":      {"TasksByPriority", planner.TasksByPriorityParams{Priority: 3, Limit: size}},
		"tasks without a goal":     {"TasksWithoutGoal", size},
		"overdue tasks":            {"OverdueTasks", planner.OverdueTasksParams{Limit: size}},
		"upcoming tasks":           {"UpcomingTasks", planner.UpcomingTasksParams{At: &day, Days: 100, Limit: size}},
		"the first page":           {"PageTasks", planner.PageTasksParams{Size: size}},
		"a page among level tasks": {"PageTasks", planner.PageTasksParams{Cursor: cursorAt(false, 3, &day, day, level[0]), Size: size}},
		"a page before them":       {"PageTasks", planner.PageTasksParams{Cursor: cursorAt(true, 3, &day, day, level[0]), Size: size}},
		"a page of pending tasks":  {"PageTasks", planner.PageTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Cursor: cursorAt(false, 3, &day, day, level[0]), Size: size}},
		"a page of open tasks":     {"PageTasks", planner.PageTasksParams{Statuses: open, Cursor: cursorAt(false, 3, &day, day, level[0]), Size: size}},
		"a page by due date":       {"PageTasks", planner.PageTasksParams{ByDueDate: true, Statuses: open, Cursor: dueAt(false), Size: size}},
		"a page before it":         {"PageTasks", planner.PageTasksParams{ByDueDate: true, Statuses: open, Cursor: dueAt(true), Size: size}},
		"a page of a span":         {"PageTasks", planner.PageTasksParams{ByDueDate: true, Statuses: open, DueFrom: &day, DueBefore: new(day.AddDate(1, 0, 0)), Size: size}},
		"the first of them":        {"PageTasks", planner.PageTasksParams{Cursor: cursorAt(false, 2, nil, day, 1), Size: size}},
		"the last of them":         {"PageTasks", planner.PageTasksParams{Cursor: cursorAt(true, 4, new(day.AddDate(-3, 0, 0)), day, last), Size: size}},
		"tasks to be deleted":      {"DeleteTasks", ids},
		"statuses to be set":       {"SetTaskStatuses", planner.SetTaskStatusesParams{IDs: ids, Status: planner.TaskCompleted}},
		"what a task waits for":    {"TasksBlocking", level[0]},
		"what waits for a task":    {"TasksBlockedBy", ids[0]},
		"the last page":            {"PageTasks", planner.PageTasksParams{Cursor: cursorAt(true, 5, nil, day, last), Size: size}},
	} {
		t.Run(name, func(t *testing.T) {
			// From the index, by key, and the same on the other side of the position; one more tells whether there is a next page.
			if n, plan := rowsRead(t, db, user, record(t, c.method, c.params)); n < size-1 || n > 5*size {
				t.Errorf("read %d rows for %d\n%s", n, size, plan)
			}
		})
	}
}

// rowsRead runs a query as its scope does and returns how many rows of tasks it read, and its plan.
func rowsRead(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, asked *recorder) (int, string) {
	t.Helper()
	tx := begin(t, db.Pool())
	exec(t, tx, enterSQL, fmt.Sprint(user))
	exec(t, tx, "SET LOCAL plan_cache_mode = force_custom_plan")
	answer, err := queryAll[string](t, tx, "EXPLAIN (ANALYZE, TIMING off, SUMMARY off, COSTS off, FORMAT JSON) "+asked.sql, asked.args...)
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Relation string  `json:"Relation Name"`
		Rows     float64 `json:"Actual Rows"`
		Loops    float64 `json:"Actual Loops"`
		Filtered float64 `json:"Rows Removed by Filter"`
		Plans    []node
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(strings.Join(answer, "\n")), &plans); err != nil {
		t.Fatal(err)
	}
	var read func(node) float64
	read = func(n node) float64 {
		sum := 0.0
		if n.Relation == "tasks" {
			sum = (n.Rows + n.Filtered) * n.Loops
		}
		for _, below := range n.Plans {
			sum += read(below)
		}
		return sum
	}
	return int(read(plans[0].Plan)), strings.Join(answer, "\n")
}
