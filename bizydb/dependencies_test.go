package bizydb_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestDependencies(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	hers := plant(t, bob)
	ctx := t.Context()
	tasks := make(planner.CreateTasksParams, 5)
	for i := range tasks {
		tasks[i] = planner.CreateTaskParams{Title: fmt.Sprint(i), Priority: new(i + 1)}
	}
	ids, err := alice.CreateTasks(ctx, tasks)
	if err != nil {
		t.Fatal(err)
	}
	depend := func(task int, on ...planner.TaskID) error {
		got, err := alice.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: ids[task], Dependencies: on})
		if err == nil && !slices.Equal(got.Dependencies, on) {
			t.Errorf("task %d depends on %v, want %v", task, got.Dependencies, on)
		}
		return err
	}
	// 2 needs 0 and 1, 3 needs 2, 4 needs nothing.
	for task, on := range map[int][]planner.TaskID{2: {ids[1], ids[0]}, 3: {ids[2]}} {
		if err := depend(task, on...); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		task int
		on   planner.TaskID
		want error
	}{
		"itself":                     {4, ids[4], bizydb.ErrDependencyCycle},
		"one that depends on it":     {2, ids[3], bizydb.ErrDependencyCycle},
		"one that does so by others": {0, ids[3], bizydb.ErrDependencyCycle},
		"another's":                  {4, hers.task, bizydb.ErrUnknownReference},
		"none":                       {4, 1 << 40, bizydb.ErrUnknownReference},
		"no id":                      {4, -1, bizydb.ErrInvalid},
		"an id too large":            {4, math.MaxInt64, bizydb.ErrInvalid},
	} {
		var field *bizydb.FieldError
		if err := depend(c.task, c.on); !errors.Is(err, c.want) || !errors.As(err, &field) || field.Column != "dependencies" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}

	lists := func(want string) {
		t.Helper()
		ready, err := alice.ReadyTasks(ctx, planner.ReadyTasksParams{})
		got := "ready " + names(t, ready, err)
		for i, id := range ids {
			blocking, err := alice.TasksBlocking(ctx, id)
			if text := names(t, blocking, err); text != "" {
				got += fmt.Sprintf("; %d waits for %s", i, text)
			}
			blocked, err := alice.TasksBlockedBy(ctx, id)
			if text := names(t, blocked, err); text != "" {
				got += fmt.Sprintf("; %d blocks %s", i, text)
			}
		}
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	lists("ready 0 1 4; 0 blocks 2; 1 blocks 2; 2 waits for 0 1; 2 blocks 3; 3 waits for 2")
	if _, err := alice.CompleteTask(ctx, planner.CompleteTaskParams{ID: ids[0]}); err != nil {
		t.Fatal(err)
	}
	lists("ready 1 4; 1 blocks 2; 2 waits for 1; 2 blocks 3; 3 waits for 2")
	if _, err := alice.DeleteTask(ctx, ids[1]); err != nil {
		t.Fatal(err)
	}
	lists("ready 2 4; 2 blocks 3; 3 waits for 2")
	if task, err := alice.GetTask(ctx, ids[2]); err != nil || !slices.Equal(task.Dependencies, planner.TaskIDs{ids[0]}) {
		t.Errorf("a deleted task is in %v: %v", task.Dependencies, err)
	}
	if _, err := alice.BlockTask(ctx, planner.BlockTaskParams{ID: ids[4]}); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.SetTaskStatuses(ctx, planner.SetTaskStatusesParams{IDs: ids[2:4], Status: planner.TaskCompleted}); err != nil {
		t.Fatal(err)
	}
	lists("ready ")
	if err := depend(3); err != nil {
		t.Error(err)
	}
	for name, list := range map[string]func() ([]planner.Task, error){
		"blocking": func() ([]planner.Task, error) { return alice.TasksBlocking(ctx, hers.task) },
		"blocked":  func() ([]planner.Task, error) { return alice.TasksBlockedBy(ctx, hers.task) },
	} {
		if tasks, err := list(); names(t, tasks, err) != "" {
			t.Errorf("%s another's task: %v", name, tasks)
		}
	}
}

// Tasks under a goal come after what they depend on, and the critical path is the longest there is.
func TestTaskOrderAndCriticalPath(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	random := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		alice := db.As(db.NewUser(t))
		ctx := t.Context()
		mine := plant(t, alice)
		made := map[planner.TaskID]planner.Task{}
		under := 1 // the planted one
		var ids planner.TaskIDs
		for range 2 + random.IntN(25) {
			p := planner.CreateTaskParams{Title: "task", ParentGoalID: &mine.subGoal, Priority: new(1 + random.IntN(5)), Dependencies: planner.TaskIDs{}}
			switch random.IntN(4) {
			case 0:
				p.ParentGoalID = &mine.goal
			case 1:
				p.ParentGoalID = nil // elsewhere
			}
			if random.IntN(4) > 0 {
				p.EstimatedHours = new(float64(random.IntN(9)) / 2)
			}
			if random.IntN(4) == 0 {
				p.Status = planner.TaskCompleted
			}
			for _, id := range ids {
				if random.IntN(6) == 0 {
					p.Dependencies = append(p.Dependencies, id)
				}
			}
			task, err := alice.CreateTask(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			ids, made[task.ID] = append(ids, task.ID), task
			if p.ParentGoalID != nil {
				under++
			}
		}

		ordered, err := alice.TaskOrder(ctx, mine.goal)
		if err != nil || len(ordered) != under {
			t.Fatalf("%d tasks in order, want %d: %v", len(ordered), under, err)
		}
		needs := map[planner.TaskID]map[planner.TaskID]bool{} // also by way of others; ids are in the order of creation
		for _, id := range ids {
			needs[id] = map[planner.TaskID]bool{}
			for _, need := range made[id].Dependencies {
				needs[id][need] = true
				maps.Copy(needs[id], needs[need])
			}
		}
		for i, task := range ordered {
			for _, later := range ordered[i+1:] {
				if needs[task.ID][later.ID] {
					t.Errorf("%d is before %d, which it depends on", task.ID, later.ID)
				}
			}
			// What comes next is the first in the order of lists of what can. (What waits for a task elsewhere may have to come later.)
			if i > 0 && inListOrder(ordered[i-1], task) > 0 && !slices.Contains(task.Dependencies, ordered[i-1].ID) && len(task.Dependencies) == 0 {
				t.Errorf("%d comes after %d", task.ID, ordered[i-1].ID)
			}
		}
		var longest func(id planner.TaskID) float64 // of the chains that end with it, tried one by one
		longest = func(id planner.TaskID) float64 {
			var before float64
			for _, need := range made[id].Dependencies {
				if made[need].Status != planner.TaskCompleted {
					before = max(before, longest(need))
				}
			}
			if hours := made[id].EstimatedHours; hours != nil {
				before += *hours
			}
			return before
		}
		var want float64
		for _, id := range ids {
			if hours := longest(id); made[id].Status != planner.TaskCompleted && made[id].ParentGoalID != nil {
				want = max(want, hours)
			}
		}
		path, err := alice.CriticalPath(ctx, mine.goal)
		if err != nil || path.Hours != want || len(path.Tasks) == 0 {
			t.Errorf("the critical path takes %v hours, want %v: %v", path.Hours, want, err)
		}
		all, err := alice.GoalTasks(ctx, mine.goal)
		if err != nil || len(all) != under || !slices.IsSortedFunc(all, inListOrder) {
			t.Errorf("%d tasks under the goal, want %d in the order of lists: %v", len(all), under, err)
		}
		var sum float64
		for i, task := range path.Tasks {
			if i > 0 && !slices.Contains(task.Dependencies, path.Tasks[i-1].ID) || task.Status == planner.TaskCompleted {
				t.Errorf("%d is not a task that comes next", task.ID)
			}
			if task.EstimatedHours != nil {
				sum += *task.EstimatedHours
			}
		}
		if sum != path.Hours {
			t.Errorf("its tasks take %v hours, want %v", sum, path.Hours)
		}
	}
	alice := db.As(db.NewUser(t))
	if tasks, err := alice.TaskOrder(t.Context(), 1); names(t, tasks, err) != "" {
		t.Error(tasks)
	}
	if path, err := alice.CriticalPath(t.Context(), 1); err != nil || path.Tasks == nil || len(path.Tasks) != 0 || path.Hours != 0 {
		t.Error(path, err)
	}
}

// A goal does not wait for what is under a cancelled one below it, nor for what only a completed task depended on.
func TestWorkOfAGoal(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	ctx := t.Context()
	goal := func(title string, parent *planner.GoalID, status planner.GoalStatus) *planner.GoalID {
		made, err := alice.CreateGoal(ctx, planner.CreateGoalParams{Title: title, ParentGoalID: parent, Status: status})
		if err != nil {
			t.Fatal(err)
		}
		return &made.ID
	}
	task := func(title string, goal *planner.GoalID, status planner.TaskStatus, hours float64, needs ...planner.TaskID) planner.TaskID {
		made, err := alice.CreateTask(ctx, planner.CreateTaskParams{Title: title, ParentGoalID: goal, Status: status, EstimatedHours: &hours, Dependencies: needs})
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	root := goal("root", nil, "")
	dropped := goal("dropped", root, planner.GoalCancelled)
	under := goal("under", dropped, "")
	task("dropped", under, planner.TaskPending, 1000)
	was := task("was", nil, planner.TaskPending, 50)
	early := task("early", root, planner.TaskCompleted, 1, was)
	still := task("still", dropped, planner.TaskPending, 3)
	last := task("last", root, planner.TaskPending, 2, early, still)

	path, err := alice.CriticalPath(ctx, *root)
	if names(t, path.Tasks, err) != "still last" || path.Hours != 5 {
		t.Errorf("%v hours: %s", path.Hours, names(t, path.Tasks, err))
	}
	order, err := alice.TaskOrder(ctx, *root)
	if got := names(t, order, err); got != "early last" {
		t.Errorf("in order: %s", got)
	}
	all, err := alice.GoalTasks(ctx, *root)
	if got := names(t, all, err); got != "last still early dropped" {
		t.Errorf("all: %s", got)
	}
	if _, err := alice.SetTaskStatuses(ctx, planner.SetTaskStatusesParams{IDs: planner.TaskIDs{last}, Status: planner.TaskCompleted}); err != nil {
		t.Fatal(err)
	}
	if path, err := alice.CriticalPath(ctx, *root); err != nil || len(path.Tasks) != 0 || path.Hours != 0 {
		t.Errorf("nothing is left: %+v, %v", path, err)
	}
	// Of the cancelled goal itself all is there.
	if path, err := alice.CriticalPath(ctx, *dropped); names(t, path.Tasks, err) != "dropped" {
		t.Errorf("of the cancelled goal: %+v", path)
	}
}

// A chain as long as a user can have is no harder.
func TestLongChainOfTasks(t *testing.T) {
	t.Parallel()
	const n = 5000
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	tasks := make(planner.CreateTasksParams, n)
	for i := range tasks {
		tasks[i] = planner.CreateTaskParams{Title: "task", ParentGoalID: &mine.subGoal, EstimatedHours: new(1.0)}
	}
	ids, err := alice.CreateTasks(t.Context(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	// Each depends on the next one. Set past the triggers, which would look at each.
	if _, err := ownerPool(t, db).Exec(t.Context(), `
		ALTER TABLE public.tasks DISABLE TRIGGER USER;
		UPDATE public.tasks SET dependencies = to_jsonb(ARRAY[id + 1]) WHERE title = 'task' AND estimated_hours = 1 AND id < `+fmt.Sprint(ids[n-1])+`;
		ALTER TABLE public.tasks ENABLE TRIGGER USER`); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.SetTaskDependencies(t.Context(), planner.SetTaskDependenciesParams{ID: ids[n-1], Dependencies: ids[:1]}); !errors.Is(err, bizydb.ErrDependencyCycle) {
		t.Errorf("the last on the first: %v, want ErrDependencyCycle", err)
	}
	path, err := alice.CriticalPath(t.Context(), mine.goal)
	if err != nil || path.Hours != n || len(path.Tasks) != n || path.Tasks[0].ID != ids[n-1] {
		t.Errorf("%v hours: %v", path.Hours, err)
	}
}
