package userdata_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A document has every column that a caller can see but those that a restored row does not need, and an import restores each of them.
func TestEveryColumn(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	first, second := db.NewUser(t), db.NewUser(t)
	fill(t, db, first, 60, 5200)
	document := exportOf(t.Context(), t, db.As(first))
	var read struct {
		Profile      map[string]any
		Goals, Tasks []map[string]any
	}
	if err := json.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	derived := map[string][]string{
		"public.goals": {"user_id", "task_count", "completed_task_count", "sub_goal_count", "sub_goal_progress", "roll_up_count", "version"},
		"public.tasks": {"user_id", "version"},
	}
	conn := connect(t, db)
	defer conn.Close(context.Background())
	for table, rows := range map[string][]map[string]any{"public.goals": read.Goals, "public.tasks": read.Tasks, "bizydb.profiles": {read.Profile}} {
		found, err := conn.Query(t.Context(), "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped", table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range columns {
			if _, there := rows[0][column]; there == slices.Contains(derived[table], column) {
				t.Errorf("%s.%s in the document: %v", table, column, there)
			}
			if table != "bizydb.profiles" && !slices.ContainsFunc(rows, func(row map[string]any) bool {
				return !slices.Contains([]any{nil, 0.0, "", false}, comparable(row[column]))
			}) && !slices.Contains(derived[table], column) {
				t.Errorf("no row of %s has a %s that an import could lose: fill it in fillSQL", table, column)
			}
		}
		if len(rows[0])+len(derived[table]) != len(columns) {
			t.Errorf("%s has %d columns, a row of the document %d", table, len(columns), len(rows[0]))
		}
	}
	if summary := importInto(t.Context(), t, db.As(second), document); summary.Goals != 60 || summary.Tasks != 5200 || summary.Profile.ID != first {
		t.Errorf("%+v", summary)
	}
	wantSame(t.Context(), t, db.As(first), db.As(second))
	// What wantSame compares are the fields of these types, and so all columns.
	if got := exportOf(t.Context(), t, db.As(second)); len(got) < len(document)*9/10 {
		t.Errorf("%d bytes once it has been imported, %d before", len(got), len(document))
	}
}

// A document of an earlier version can be imported for ever. (A column that is "missing" there has to be in since.)
func TestEarlierVersions(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.Common(t)
	files, err := filepath.Glob("testdata/v*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scope := db.As(db.NewUser(t))
		result, err := userdata.Import(ctx, scope, bytes.NewReader(document))
		if err != nil || result.Profile.Username != "ada" {
			t.Errorf("%s: %+v, %v", file, result.Profile, err)
			continue
		}
		got := withoutIDs(t, exportOf(ctx, t, scope))
		for table, rows := range withoutIDs(t, document) {
			for i, row := range rows {
				for column, want := range row {
					if diff := cmp.Diff(want, got[table][i][column]); diff != "" {
						t.Errorf("%s: %s[%d].%s (-document +imported):\n%s", file, table, i, column, diff)
					}
				}
			}
		}
	}
}

// comparable is a value of JSON, or whether it has something in it.
func comparable(v any) any {
	if r := reflect.ValueOf(v); r.IsValid() && (r.Kind() == reflect.Slice || r.Kind() == reflect.Map) {
		return r.Len() > 0
	}
	return v
}

// Whatever a user has done, an import makes it the same.
//
//	go test -run AnyHistory ./bizydb/userdata -rapid.checks 1000
func TestAnyHistory(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	rapid.Check(t, func(rt *rapid.T) {
		ctx := t.Context()
		first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
		live(ctx, rt, first, rapid.IntRange(1, 60).Draw(rt, "steps"), func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) })
		if rapid.Bool().Draw(rt, "has some already") {
			live(ctx, rt, second, 10, func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) })
		}
		before := belongingsOf(ctx, rt, second)
		document := exportOf(ctx, rt, first)
		ids := importInto(ctx, rt, second, document).IDs
		if len(before.Goals)+len(before.Tasks) == 0 {
			wantSame(ctx, rt, first, second)
			return
		}
		goals, err := first.ListGoals(ctx, planner.ListGoalsParams{})
		if err != nil {
			rt.Fatal(err)
		}
		for _, goal := range goals {
			id, ok := ids.Goal(goal.ID)
			copied, err := second.GetGoal(ctx, id)
			if !ok || err != nil || copied.Status != goal.Status || copied.ProgressPercentage != goal.ProgressPercentage || copied.Title != goal.Title {
				rt.Errorf("goal %+v is %+v (error %v)", goal, copied, err)
			}
		}
		tasks, err := first.ListTasks(ctx, planner.ListTasksParams{})
		if err != nil {
			rt.Fatal(err)
		}
		for _, task := range tasks {
			id, ok := ids.Task(task.ID)
			if copied, err := second.GetTask(ctx, id); !ok || err != nil || copied.Title != task.Title {
				rt.Errorf("task %+v is %+v (error %v)", task, copied, err)
			}
			if _, err := second.DeleteTask(ctx, id); err != nil {
				rt.Fatal(err)
			}
		}
		for _, goal := range goals {
			id, _ := ids.Goal(goal.ID)
			if _, err := second.DeleteGoal(ctx, id); err != nil {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, belongingsOf(ctx, rt, second)); diff != "" {
			rt.Errorf("without the imported rows (-before +after):\n%s", diff)
		}
	})
}

// live makes, changes and deletes goals and tasks. choose draws a number below n.
func live(ctx context.Context, t T, scope bizydb.Scope, steps int, choose func(label string, n int) int) {
	var goals []planner.GoalID
	var tasks []planner.TaskID
	statuses := []planner.GoalStatus{planner.GoalActive, planner.GoalActive, planner.GoalCompleted, planner.GoalOnHold, planner.GoalCancelled}
	done := []planner.TaskStatus{planner.TaskPending, planner.TaskCompleted, planner.TaskCompleted, planner.TaskBlocked}
	for step := range steps {
		var err error
		title := fmt.Sprint("row ", step)
		goal := func() *planner.GoalID {
			if len(goals) == 0 || choose("no goal", 4) == 0 {
				return nil
			}
			return &goals[choose("goal", len(goals))]
		}
		switch what := choose("what", 10); {
		case what < 2 || len(goals) == 0:
			var made planner.Goal
			made, err = scope.CreateGoal(ctx, planner.CreateGoalParams{
				Title: title, ParentGoalID: goal(), Status: statuses[choose("status", len(statuses))], ProgressPercentage: new(float64(choose("hundredths", 10001)) / 100),
			})
			goals = append(goals, made.ID)
		case what < 4 || len(tasks) == 0:
			var made planner.Task
			made, err = scope.CreateTask(ctx, planner.CreateTaskParams{Title: title, ParentGoalID: goal(), Status: done[choose("status", len(done))]})
			tasks = append(tasks, made.ID)
		case what == 4:
			_, err = scope.UpdateTask(ctx, planner.UpdateTaskParams{ID: tasks[choose("task", len(tasks))], ParentGoalID: goal(), Status: done[choose("status", len(done))]})
		case what == 5:
			on := planner.TaskIDs{tasks[choose("on", len(tasks))], tasks[choose("on", len(tasks))]}
			_, err = scope.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: tasks[choose("task", len(tasks))], Dependencies: on})
		case what == 6:
			_, err = scope.MoveGoal(ctx, planner.MoveGoalParams{ID: goals[choose("goal", len(goals))], ParentGoalID: goal()})
		case what == 7 && choose("delete", 3) == 0:
			if choose("of", 2) == 0 {
				at := choose("goal", len(goals))
				_, err = scope.DeleteGoal(ctx, goals[at])
				goals = slices.Delete(goals, at, at+1)
			} else {
				at := choose("task", len(tasks))
				_, err = scope.DeleteTask(ctx, tasks[at])
				tasks = slices.Delete(tasks, at, at+1)
			}
		default:
			_, err = scope.UpdateGoal(ctx, planner.UpdateGoalParams{ID: goals[choose("goal", len(goals))], Status: statuses[choose("status", len(statuses))]})
		}
		if err != nil && !strings.Contains(err.Error(), "must not") { // of a cycle
			t.Fatal(err)
		}
	}
}

// A goal reopened with all work done, above one completed over unfinished work, above the same again: as many times as goals have levels.
func TestStatusesThatNoRuleLeadsTo(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.Common(t)
	first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	new := func(under ...planner.GoalID) planner.GoalID {
		goal, err := first.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal"})
		if err != nil {
			t.Fatal(err)
		}
		for _, below := range under {
			if _, err := first.MoveGoal(ctx, planner.MoveGoalParams{ID: below, ParentGoalID: &goal.ID}); err != nil {
				t.Fatal(err)
			}
		}
		return goal.ID
	}
	root := new()
	for range 49 {
		completed := new(root)
		if _, err := first.CompleteGoal(ctx, planner.CompleteGoalParams{ID: completed}); err != nil {
			t.Fatal(err)
		}
		root = new(completed)
		if reopened, err := first.ReopenGoal(ctx, planner.ReopenGoalParams{ID: root}); err != nil || reopened.Goal.Status != planner.GoalActive || reopened.Goal.ProgressPercentage != 100 {
			t.Fatalf("%+v (error %v)", reopened, err)
		}
	}
	importInto(ctx, t, second, exportOf(ctx, t, first))
	wantSame(ctx, t, first, second)
}

// An import writes a goal a few times, whatever is in the document: here a reopened goal with all work done is above a completed one, above
// a reopened one, and so on down, with unfinished work beside each.
func TestUpdatesOfAGoal(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), bizydbtest.New(t)
	asOwner(t, db, `
		CREATE TABLE public.updates (goal bigint);
		CREATE FUNCTION public.count_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO public.updates VALUES (NEW.id); RETURN NULL; END $$;
		CREATE TRIGGER count_update AFTER UPDATE ON public.goals FOR EACH ROW EXECUTE FUNCTION public.count_update()`)
	var goals, tasks []string
	add := func(parent int, pairs ...string) int {
		id := len(goals) + 1
		pairs = append(pairs, "id", fmt.Sprint(id))
		if parent > 0 {
			pairs = append(pairs, "parent_goal_id", fmt.Sprint(parent))
		}
		goals = append(goals, row(goalRow, pairs...))
		return id
	}
	for range 3 {
		parent := 0
		for range 49 {
			reopened := add(parent, "progress_percentage", "100")
			parent = add(reopened, "status", `"completed"`, "completed_at", `"2025-01-01T00:00:00Z"`, "progress_percentage", "100")
			leaf := add(parent, "status", `"on_hold"`)
			tasks = append(tasks, row(taskRow, "id", fmt.Sprint(len(tasks)+1), "parent_goal_id", fmt.Sprint(leaf)))
		}
	}
	first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	importInto(ctx, t, first, []byte(documentOf(goals, tasks)))
	conn := connect(t, db)
	defer conn.Close(context.Background())
	var most int
	if err := conn.QueryRow(ctx, "SELECT max(n) FROM (SELECT count(*) FROM public.updates GROUP BY goal) AS updates (n)").Scan(&most); err != nil {
		t.Fatal(err)
	}
	if most > 6 { // tasks, sub-goals, status twice, parent, updated_at
		t.Errorf("%d updates of one goal", most)
	}
	importInto(ctx, t, second, exportOf(ctx, t, first))
	wantSame(ctx, t, first, second)
}

// Where rows of a list are level, the lower id decides, and an import does not change which that is. Chunks end within this one.
func TestOrder(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.Common(t)
	first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	tasks := make(planner.CreateTasksParams, 5003)
	for i := range tasks {
		tasks[i].Title = fmt.Sprint(rand.N(1000))
	}
	if _, err := first.CreateTasks(ctx, tasks); err != nil {
		t.Fatal(err)
	}
	importInto(ctx, t, second, exportOf(ctx, t, first))
	wantSame(ctx, t, first, second)
}

// Each task depends on the one after it, which comes after it in the document.
func TestChainOfDependencies(t *testing.T) {
	t.Parallel()
	const n = 1000
	ctx, db := t.Context(), testdb.Common(t)
	first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	var tasks []string
	for id := 1; id < n; id++ {
		tasks = append(tasks, row(taskRow, "id", fmt.Sprint(id), "dependencies", fmt.Sprintf("[%d]", id+1)))
	}
	importInto(ctx, t, first, []byte(documentOf(nil, append(tasks, row(taskRow, "id", fmt.Sprint(n))))))
	importInto(ctx, t, second, exportOf(ctx, t, first))
	wantSame(ctx, t, first, second)
	if ready, err := second.ReadyTasks(ctx, planner.ReadyTasksParams{}); err != nil || len(ready) != 1 {
		t.Errorf("%d tasks are ready (error %v)", len(ready), err)
	}
}
