package bizydb_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// answersChanged has the names of the methods whose answer has a Changed.
func answersChanged() (names []string) {
	for m := range readWriter.Methods() {
		if row := m.Type.Out(0); row.Kind() == reflect.Struct {
			if _, ok := row.FieldByName("Changed"); ok {
				names = append(names, m.Name)
			}
		}
	}
	return names
}

// Every method that takes a task or a goal from one state to another does only that, and says whether it did, also in a transaction
// that has changed the row before.
func TestChanged(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	yesterday, tomorrow := time.Now().UTC().Truncate(time.Microsecond).AddDate(0, 0, -1), time.Now().UTC().Truncate(time.Microsecond).AddDate(0, 0, 1)
	completed := func(t *planner.Task) { t.Status, t.CompletedAt = planner.TaskCompleted, nil } // now: see below
	became := func(status planner.TaskStatus) func(*planner.Task) {
		return func(t *planner.Task) {
			t.Status, t.CompletedAt, t.BlockedReason, t.BlockedInProgress = status, nil, nil, false
		}
	}
	blocked := func(reason string, inProgress bool) func(*planner.Task) {
		return func(t *planner.Task) {
			t.Status, t.BlockedReason, t.BlockedInProgress, t.CompletedAt = planner.TaskBlocked, &reason, inProgress, nil
		}
	}
	type (
		complete     = planner.CompleteTaskParams
		completeGoal = planner.CompleteGoalParams
	)
	tasks := []struct {
		method string
		params any // in which the id is set
		sets   func(*planner.Task)
	}{
		{"UnblockTask", nil, nil},
		{"ReopenTask", nil, nil},
		{"StartTask", nil, became(planner.TaskInProgress)},
		{"StartTask", nil, nil},
		{"BlockTask", planner.BlockTaskParams{Reason: new("rain")}, blocked("rain", true)},
		{"BlockTask", planner.BlockTaskParams{Reason: new("rain")}, nil},
		{"BlockTask", planner.BlockTaskParams{Reason: new("snow")}, blocked("snow", true)},
		{"ReopenTask", nil, nil},
		{"UnblockTask", nil, became(planner.TaskInProgress)},
		{"UnblockTask", nil, nil},
		{"CompleteTask", complete{ActualHours: new(1.5)}, func(t *planner.Task) { completed(t); t.ActualHours = new(1.5) }},
		{"CompleteTask", complete{}, nil},
		{"CompleteTask", complete{ActualHours: new(1.5)}, nil},
		{"CompleteTask", complete{ActualHours: new(2.5)}, func(t *planner.Task) { t.ActualHours = new(2.5) }},
		{"CompleteTask", complete{CompletedAt: &yesterday}, func(t *planner.Task) { t.CompletedAt = &yesterday }},
		{"CompleteTask", complete{CompletedAt: &yesterday}, nil},
		{"CompleteTask", complete{}, nil},
		{"UnblockTask", nil, nil},
		{"StartTask", nil, became(planner.TaskInProgress)},
		{"CompleteTask", complete{CompletedAt: &tomorrow}, func(t *planner.Task) { t.Status, t.CompletedAt = planner.TaskCompleted, &tomorrow }},
		{"ReopenTask", nil, became(planner.TaskPending)},
		{"ReopenTask", nil, nil},
		{"CompleteTask", complete{}, completed},
		{"BlockTask", planner.BlockTaskParams{Reason: new("rain")}, blocked("rain", false)},
		{"CompleteTask", complete{CompletedAt: &yesterday}, func(t *planner.Task) { became(planner.TaskCompleted)(t); t.CompletedAt = &yesterday }},
	}
	goals := []struct {
		method string
		params any
		sets   func(*planner.Goal)
	}{
		{"ReopenGoal", nil, nil},
		{"CompleteGoal", completeGoal{}, func(g *planner.Goal) { g.Status, g.ProgressPercentage = planner.GoalCompleted, 100 }},
		{"CompleteGoal", completeGoal{}, nil},
		{"CompleteGoal", completeGoal{CompletedAt: &yesterday}, func(g *planner.Goal) { g.CompletedAt = &yesterday }},
		{"CompleteGoal", completeGoal{CompletedAt: &yesterday}, nil},
		{"ReopenGoal", nil, func(g *planner.Goal) { g.Status, g.CompletedAt = planner.GoalActive, nil }},
		{"ReopenGoal", nil, nil},
		{"CompleteGoal", completeGoal{CompletedAt: &tomorrow}, func(g *planner.Goal) { g.Status, g.CompletedAt = planner.GoalCompleted, &tomorrow }},
	}

	tried := map[string]map[bool]bool{}
	// step calls a method, and checks what it says against want, and what is stored then against both.
	step := func(t *testing.T, s planner.ReadWriter, name, method string, params, id any, want reflect.Value, changes bool, stored func() (any, error)) {
		t.Helper()
		if params == nil {
			params = calls[method](things{})
		}
		p := settable(params)
		p.FieldByName("ID").Set(reflect.ValueOf(id))
		params = p.Interface()
		answer, err := callWith(t.Context(), s, method, params)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		row := reflect.ValueOf(answer)
		got := settable(row.Field(0).Interface())
		if changed := row.FieldByName("Changed").Bool(); changed != changes {
			t.Errorf("%s: changed %v, want %v", name, changed, changes)
		}
		if before, after := want.FieldByName("UpdatedAt").Interface().(time.Time), got.FieldByName("UpdatedAt").Interface().(time.Time); after.After(before) != changes {
			t.Errorf("%s: updated %s, and %s before", name, after, before)
		}
		now := got.FieldByName("CompletedAt")
		if at := want.FieldByName("CompletedAt"); at.IsNil() && fmt.Sprint(got.FieldByName("Status")) == "completed" && !now.IsNil() { // which is the server's to say
			if since := time.Since(*now.Interface().(*time.Time)).Abs(); since > time.Hour {
				t.Errorf("%s: completed %s ago", name, since)
			}
			at.Set(now)
		}
		want.FieldByName("UpdatedAt").Set(got.FieldByName("UpdatedAt"))
		if version := want.FieldByName("Version"); changes {
			version.SetInt(version.Int() + 1)
		}
		if diff := cmp.Diff(want.Interface(), got.Interface()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if is, err := stored(); err != nil || cmp.Diff(got.Interface(), is) != "" {
			t.Errorf("%s: stored is another than it says: %v", name, err)
		}
		if tried[method] == nil {
			tried[method] = map[bool]bool{}
		}
		tried[method][changes] = true
	}
	for name, with := range handles {
		t.Run(name, func(t *testing.T) {
			with(t, db, user, func(s planner.ReadWriter) {
				at := plant(t, s)
				task, err := s.GetTask(t.Context(), at.task)
				if err != nil {
					t.Fatal(err)
				}
				want := settable(task)
				for i, c := range tasks {
					if c.sets != nil {
						c.sets(want.Addr().Interface().(*planner.Task))
					}
					step(t, s, fmt.Sprintf("%d. %s", i+1, c.method), c.method, c.params, at.task, want, c.sets != nil, func() (any, error) { return s.GetTask(t.Context(), at.task) })
				}
				goal, err := s.GetGoal(t.Context(), at.subGoal)
				if err != nil {
					t.Fatal(err)
				}
				want = settable(goal)
				for i, c := range goals {
					if c.sets != nil {
						c.sets(want.Addr().Interface().(*planner.Goal))
					}
					step(t, s, fmt.Sprintf("%d. %s", i+1, c.method), c.method, c.params, at.subGoal, want, c.sets != nil, func() (any, error) { return s.GetGoal(t.Context(), at.subGoal) })
				}
			})
		})
	}
	for _, method := range answersChanged() {
		if !tried[method][true] || !tried[method][false] {
			t.Errorf("%s is not seen to change something and nothing: give it steps", method)
		}
	}
	if want := []string{"BlockTask", "CompleteGoal", "CompleteTask", "ReopenGoal", "ReopenTask", "StartTask", "UnblockTask"}; !slices.Equal(answersChanged(), want) {
		t.Errorf("%v say whether they changed anything, want %v", answersChanged(), want)
	}
}

// What counts is the row as it was when the call had its turn, not as it was when the call began.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	for _, c := range []struct {
		method, before, meanwhile string
		changed                   bool
	}{
		{"BlockTask", "status = 'pending'", "status = 'blocked', blocked_reason = 'rain'", false},
		{"CompleteGoal", "status = 'active'", "status = 'completed'", false},
		{"CompleteGoal", "status = 'completed'", "status = 'on_hold'", true},
		{"CompleteTask", "status = 'pending'", "status = 'completed', actual_hours = 1.5", false},
		{"CompleteTask", "status = 'completed', actual_hours = 1.5", "status = 'pending'", true},
		{"ReopenGoal", "status = 'completed'", "status = 'active'", false},
		{"ReopenTask", "status = 'completed'", "status = 'pending'", false},
		{"StartTask", "status = 'pending'", "status = 'in_progress'", false},
		{"UnblockTask", "status = 'blocked'", "status = 'in_progress'", false},
		{"UnblockTask", "status = 'pending'", "status = 'blocked'", true},
		{"StartTask", "status = 'pending'", "title = 'other'", true},
	} {
		table := "goals"
		at := things{}
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
		if err != nil {
			t.Fatal(err)
		}
		at.goal = goal.ID
		id := int64(goal.ID)
		if strings.HasSuffix(c.method, "Task") {
			at.task = create(t, alice, planner.CreateTaskParams{Title: "task"})[0]
			table, id = "tasks", int64(at.task)
		}
		set := func(what string) string { return fmt.Sprintf("UPDATE public.%s SET %s WHERE id = %d", table, what, id) }
		asOwner(t, db, set(c.before))
		plain := begin(t, ownerPool(t, db))
		exec(t, plain, set(c.meanwhile))
		done := make(chan string, 1)
		go func() {
			row, err := call(t.Context(), alice, c.method, at)
			done <- fmt.Sprint(err, " ", err == nil && reflect.ValueOf(row).FieldByName("Changed").Bool())
		}()
		untilWaiting(t, db)
		if err := plain.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := <-done, fmt.Sprint(nil, " ", c.changed); got != want {
			t.Errorf("%s of what had %s and has %s: %s, want %s", c.method, c.before, c.meanwhile, got, want)
		}
	}
}

// A time of completion can be given to many tasks at once, and moves no others.
func TestCompletedAtOfMany(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	yesterday := time.Now().UTC().Truncate(time.Microsecond).AddDate(0, 0, -1)
	ids := create(t, alice, planner.CreateTaskParams{Title: "pending"}, planner.CreateTaskParams{Title: "completed", Status: planner.TaskCompleted})
	for _, c := range []struct {
		p    planner.SetTaskStatusesParams
		want []bool // which are completed yesterday then
	}{
		{planner.SetTaskStatusesParams{CompletedAt: &yesterday}, []bool{false, false}},
		{planner.SetTaskStatusesParams{Status: planner.TaskPending, CompletedAt: &yesterday}, []bool{false, false}},
		{planner.SetTaskStatusesParams{Status: planner.TaskCompleted, CompletedAt: &yesterday}, []bool{true, true}},
		{planner.SetTaskStatusesParams{Status: planner.TaskCompleted}, []bool{true, true}},
	} {
		c.p.IDs = ids
		if _, err := alice.SetTaskStatuses(t.Context(), c.p); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if task, err := alice.GetTask(t.Context(), id); err != nil || (task.CompletedAt != nil && task.CompletedAt.Equal(yesterday)) != c.want[i] {
				t.Errorf("%s: %s is completed at %v: %v", shown(c.p), task.Title, task.CompletedAt, err)
			}
		}
	}
}

// The reason, and what the task was before, are kept for as long as the task is blocked, however it became so.
func TestBlocking(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	get := func() planner.Task {
		t.Helper()
		task, err := alice.GetTask(t.Context(), mine.task)
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	set := func(p planner.UpdateTaskParams) error {
		p.ID = mine.task
		_, err := alice.UpdateTask(t.Context(), p)
		return err
	}
	paint := planner.BlockTaskParams{ID: mine.task, Reason: new("paint")}
	blocks := map[string]func() error{
		"BlockTask": func() error { _, err := alice.BlockTask(t.Context(), paint); return err },
		"UpdateTask": func() error {
			return set(planner.UpdateTaskParams{Status: planner.TaskBlocked, BlockedReason: new("paint")})
		},
		"SetTaskStatuses": func() error {
			_, err := alice.SetTaskStatuses(t.Context(), planner.SetTaskStatusesParams{IDs: planner.TaskIDs{mine.task}, Status: planner.TaskBlocked})
			if err == nil {
				err = set(planner.UpdateTaskParams{BlockedReason: new("paint")})
			}
			return err
		},
	}
	leaves := map[string]func() error{
		"UnblockTask": func() error {
			_, err := alice.UnblockTask(t.Context(), planner.UnblockTaskParams{ID: mine.task})
			return err
		},
		"StartTask": func() error {
			_, err := alice.StartTask(t.Context(), planner.StartTaskParams{ID: mine.task})
			return err
		},
		"CompleteTask": func() error {
			_, err := alice.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: mine.task})
			return err
		},
		"UpdateTask": func() error {
			return set(planner.UpdateTaskParams{Status: planner.TaskPending, BlockedReason: new("late")})
		},
	}
	for before, unblocked := range map[planner.TaskStatus]planner.TaskStatus{
		planner.TaskPending: planner.TaskPending, planner.TaskInProgress: planner.TaskInProgress, planner.TaskCompleted: planner.TaskPending,
	} {
		for by, block := range blocks {
			for way, leave := range leaves {
				name := fmt.Sprintf("%s, %s, %s", before, by, way)
				if err := set(planner.UpdateTaskParams{Status: before}); err != nil {
					t.Fatal(err)
				}
				for _, do := range []func() error{block, block, func() error { return set(planner.UpdateTaskParams{Title: new("other"), Status: planner.TaskBlocked}) }} {
					if err := do(); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if task := get(); task.Status != planner.TaskBlocked || task.BlockedReason == nil || task.BlockedInProgress != (unblocked == planner.TaskInProgress) {
						t.Errorf("%s: blocked: %s", name, shown(task))
					}
				}
				if err := leave(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if task := get(); task.Status == planner.TaskBlocked || task.BlockedReason != nil || task.BlockedInProgress || way == "UnblockTask" && task.Status != unblocked {
					t.Errorf("%s: %s", name, shown(task))
				}
			}
		}
	}
	if _, err := alice.BlockTask(t.Context(), planner.BlockTaskParams{ID: mine.task}); err != nil || get().BlockedReason != nil {
		t.Errorf("blocked for no reason: %v, %v", get().BlockedReason, err)
	}
	if err := set(planner.UpdateTaskParams{BlockedReason: new("rain")}); err != nil || get().BlockedReason == nil {
		t.Errorf("no reason: %v", err)
	}
	if err := set(planner.UpdateTaskParams{ClearBlockedReason: true}); err != nil || get().BlockedReason != nil {
		t.Errorf("%v, %v", get().BlockedReason, err)
	}
	if goal, err := alice.GetGoal(t.Context(), mine.goal); err != nil || goal.ProgressPercentage != 0 {
		t.Errorf("a blocked task counts as not done: %v, %v", goal.ProgressPercentage, err)
	}
}

// A task can be created as blocked, one by one and many at once.
func TestCreateBlocked(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	for _, c := range []struct {
		status     planner.TaskStatus
		inProgress bool
		want       planner.TaskStatus
	}{
		{planner.TaskBlocked, false, planner.TaskPending},
		{planner.TaskBlocked, true, planner.TaskInProgress},
		{planner.TaskCompleted, true, planner.TaskCompleted},
	} {
		params := planner.CreateTaskParams{Title: "task", Status: c.status, BlockedInProgress: c.inProgress}
		one, err := alice.CreateTask(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range append(create(t, alice, params), one.ID) {
			if row, err := alice.UnblockTask(t.Context(), planner.UnblockTaskParams{ID: id}); err != nil || row.Task.Status != c.want || row.Changed != (c.status == planner.TaskBlocked) {
				t.Errorf("%s, in progress %v: %s, want %s: %v", c.status, c.inProgress, row.Task.Status, c.want, err)
			}
		}
	}
}
