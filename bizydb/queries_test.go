package bizydb_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/internal/inspected"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// things are the ids that a call can be aimed at.
type things struct {
	goal, subGoal planner.GoalID
	task, waiting planner.TaskID // waiting depends on task
	deletedGoal   planner.GoalID // it had deletedTask under it
	deletedTask   planner.TaskID
}

// calls has a call of every query method, aimed at somebody's things. Tests that promise something of every method run
// through it; one without an entry fails them.
var calls = map[string]func(at things) any{
	"AddDependencies": func(at things) any {
		return planner.AddDependenciesParams{ID: at.waiting, Dependencies: planner.TaskIDs{at.task}}
	},
	"AddTags":      func(at things) any { return planner.AddTagsParams{ID: at.task, Tags: planner.Tags{"new"}} },
	"BlockTask":    func(at things) any { return planner.BlockTaskParams{ID: at.task, Reason: new("rain")} },
	"Changes":      func(things) any { return planner.ChangesParams{Limit: 20} },
	"CompleteGoal": func(at things) any { return planner.CompleteGoalParams{ID: at.goal} },
	"CompleteTask": func(at things) any { return planner.CompleteTaskParams{ID: at.task, ActualHours: new(1.5)} },
	"CompletionRate": func(things) any {
		return planner.CompletionRateParams{From: time.Unix(0, 0), Before: time.Unix(4e9, 0)}
	},
	"CountGoals": func(at things) any { return planner.PageGoalsParams{ParentGoalID: &at.goal} },
	"CountTasks": func(at things) any { return planner.PageTasksParams{ParentGoalID: &at.goal} },
	"CreateGoal": func(at things) any {
		return planner.CreateGoalParams{Title: "made", ParentGoalID: &at.goal}
	},
	"CreateTask": func(at things) any {
		return planner.CreateTaskParams{Title: "made", ParentGoalID: &at.goal}
	},
	"CreateTasks": func(at things) any {
		return planner.CreateTasksParams{{Title: "made"}, {Title: "made too", ParentGoalID: &at.goal}}
	},
	"CriticalPath":        func(at things) any { return at.goal },
	"DailyCompletions":    func(things) any { return planner.DailyCompletionsParams{Days: 30, TimeZone: "Europe/Berlin"} },
	"DeleteGoal":          func(at things) any { return at.goal },
	"DeleteGoalIfVersion": func(at things) any { return planner.DeleteGoalIfVersionParams{ID: at.goal, Version: 1} },
	"DeleteTask":          func(at things) any { return at.task },
	"DeleteTaskIfVersion": func(at things) any { return planner.DeleteTaskIfVersionParams{ID: at.task, Version: 1} },
	"DeleteTasks":         func(at things) any { return planner.TaskIDs{at.task} },
	"DeletedGoals":        func(things) any { return planner.DeletedGoalsParams{Limit: 20} },
	"DeletedTasks":        func(things) any { return planner.DeletedTasksParams{Limit: 20} },
	"ForgetDeleted":       func(things) any { return time.Now() },
	"ForgetDeletedGoal":   func(at things) any { return at.deletedGoal },
	"ForgetDeletedTask":   func(at things) any { return at.deletedTask },
	"GetGoal":             func(at things) any { return at.goal },
	"GetTask":             func(at things) any { return at.task },
	"GoalAncestors":       func(at things) any { return at.subGoal },
	"GoalCountsByHorizon": func(things) any { return nil },
	"GoalCountsByStatus":  func(things) any { return nil },
	"GoalForecast":        func(at things) any { return planner.GoalForecastParams{GoalID: at.goal, Days: 28} },
	"GoalMetric":          func(at things) any { return planner.GoalMetricParams{ID: at.goal, Key: "revenue"} },
	"GoalTasks":           func(at things) any { return at.goal },
	"GoalTree":            func(at things) any { return at.goal },
	"GoalsAtRisk":         func(things) any { return planner.GoalsAtRiskParams{Limit: 20} },
	"GoalsNearCompletion": func(things) any { return 20 },
	"ListGoals": func(at things) any {
		return planner.ListGoalsParams{ParentGoalID: &at.goal, Limit: 20}
	},
	"ListTasks": func(at things) any {
		return planner.ListTasksParams{ParentGoalID: &at.goal, Limit: 20}
	},
	"Me": func(things) any { return nil },
	"MergeGoalMetrics": func(at things) any {
		return planner.MergeGoalMetricsParams{ID: at.goal, Metrics: planner.Metrics{"costs": 2}}
	},
	"MoveGoal": func(at things) any {
		return planner.MoveGoalParams{ID: at.subGoal, ParentGoalID: &at.goal}
	},
	"MoveTask": func(at things) any {
		return planner.MoveTaskParams{ID: at.task, ParentGoalID: &at.goal}
	},
	"OpenTasks":    func(things) any { return planner.OpenTasksParams{Limit: 20} },
	"OverdueGoals": func(things) any { return planner.OverdueGoalsParams{Limit: 20} },
	"OverdueTasks": func(things) any { return planner.OverdueTasksParams{Limit: 20} },
	"Overview":     func(things) any { return planner.OverviewParams{} },
	"PageGoals": func(at things) any {
		return planner.PageGoalsParams{ParentGoalID: &at.goal, Size: 20, WithTotal: true}
	},
	"PageTasks": func(at things) any {
		return planner.PageTasksParams{ParentGoalID: &at.goal, Size: 20, WithTotal: true}
	},
	"ReadyTasks": func(things) any { return planner.ReadyTasksParams{Limit: 20} },
	"RemoveDependencies": func(at things) any {
		return planner.RemoveDependenciesParams{ID: at.waiting, Dependencies: planner.TaskIDs{at.task}}
	},
	"RemoveGoalMetric": func(at things) any { return planner.RemoveGoalMetricParams{ID: at.goal, Key: "revenue"} },
	"RemoveTags":       func(at things) any { return planner.RemoveTagsParams{ID: at.task, Tags: planner.Tags{"urgent"}} },
	"ReopenGoal":       func(at things) any { return planner.ReopenGoalParams{ID: at.goal} },
	"ReopenTask":       func(at things) any { return planner.ReopenTaskParams{ID: at.task} },
	"RescheduleTask": func(at things) any {
		return planner.RescheduleTaskParams{ID: at.task, DueDate: new(time.Unix(2e9, 0))}
	},
	"RestoreGoal": func(at things) any { return planner.RestoreGoalParams{ID: at.deletedGoal, Together: true} },
	"RestoreTask": func(at things) any { return at.deletedTask },
	"RetagTask":   func(at things) any { return planner.RetagTaskParams{ID: at.task, Tags: planner.Tags{"new"}} },
	"RollUp":      func(at things) any { return at.goal },
	"RollUpAll":   func(things) any { return nil },
	"SearchGoals": func(things) any { return planner.SearchGoalsParams{Text: "OAL", Limit: 20} },
	"SearchTasks": func(things) any { return planner.SearchTasksParams{Text: "AS", Limit: 20} },
	"SetGoalMetric": func(at things) any {
		return planner.SetGoalMetricParams{ID: at.goal, Key: "costs", Value: planner.Metric{Value: 2}}
	},
	"SetTaskDependencies": func(at things) any {
		return planner.SetTaskDependenciesParams{ID: at.waiting, Dependencies: planner.TaskIDs{at.task}}
	},
	"SetTaskStatuses": func(at things) any {
		return planner.SetTaskStatusesParams{IDs: planner.TaskIDs{at.task}, Status: planner.TaskBlocked}
	},
	"StartTask":   func(at things) any { return planner.StartTaskParams{ID: at.task} },
	"StreamTasks": func(at things) any { return planner.ListTasksParams{ParentGoalID: &at.goal, Limit: 20} },
	"TaggedTasks": func(things) any { return planner.TaggedTasksParams{AnyTag: planner.Tags{"urgent", "rare"}, Limit: 20} },
	"TaskActivity": func(things) any {
		return planner.TaskActivityParams{From: time.Now().AddDate(0, 0, -7), Before: time.Now()}
	},
	"TaskCounts":           func(things) any { return nil },
	"TaskCountsByCategory": func(things) any { return nil },
	"TaskCountsByPriority": func(things) any { return nil },
	"TaskCountsByStatus":   func(things) any { return nil },
	"TaskHours":            func(at things) any { return &at.goal },
	"TaskOrder":            func(at things) any { return at.goal },
	"TasksBlockedBy":       func(at things) any { return at.task },
	"TasksBlocking":        func(at things) any { return at.waiting },
	"TasksByPriority":      func(things) any { return planner.TasksByPriorityParams{Priority: 3, Limit: 20} },
	"TasksCompleted": func(things) any {
		return planner.TasksCompletedParams{From: time.Now().AddDate(0, 0, -7), Before: time.Now(), Limit: 20}
	},
	"TasksDue": func(things) any {
		return planner.TasksDueParams{From: time.Now().AddDate(0, 0, -1), Before: time.Now().AddDate(0, 0, 1), Limit: 20}
	},
	"TasksDueToday":    func(things) any { return planner.TasksDueTodayParams{WithUndated: true, Limit: 20} },
	"TasksWithoutGoal": func(things) any { return 20 },
	"UnblockTask":      func(at things) any { return planner.UnblockTaskParams{ID: at.task} },
	"UpcomingGoals":    func(things) any { return planner.UpcomingGoalsParams{Days: 60, Limit: 20} },
	"UpcomingTasks":    func(things) any { return planner.UpcomingTasksParams{Days: 7, Limit: 20} },
	"UpdateGoal": func(at things) any {
		return planner.UpdateGoalParams{ID: at.subGoal, Title: new("changed"), ParentGoalID: &at.goal}
	},
	"UpdateMe": func(things) any { return planner.UpdateMeParams{FullName: new("changed")} },
	"UpdateTask": func(at things) any {
		return planner.UpdateTaskParams{ID: at.task, Title: new("changed"), ParentGoalID: &at.goal}
	},
	"Velocity":          func(things) any { return planner.VelocityParams{Days: 28} },
	"WeeklyCompletions": func(things) any { return planner.WeeklyCompletionsParams{Weeks: 8} },
	"Workload":          func(things) any { return planner.WorkloadParams{Weeks: 8} },
}

// tracked is a database in which changes are tracked.
var tracked = bizydbtest.WithMigration("track changes", func(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT bizydb.track_changes()")
	return err
})

// A methodCall is a call of a query method with parameters, nil for none.
type methodCall struct {
	method string
	params any
}

// unexported has a call that sends each of the queries that only other methods ask.
var unexported = map[string]func(at things) methodCall{
	"allTasks":     func(things) methodCall { return methodCall{"ListTasks", planner.ListTasksParams{Limit: 20}} },
	"changesAfter": func(things) methodCall { return methodCall{"Changes", planner.ChangesParams{Limit: 20}} },
	"countGoals": func(at things) methodCall {
		return methodCall{"CountGoals", planner.PageGoalsParams{ParentGoalID: &at.goal}}
	},
	"countTasks": func(at things) methodCall {
		return methodCall{"CountTasks", planner.PageTasksParams{ParentGoalID: &at.goal}}
	},
	"filteredTasks": func(at things) methodCall {
		return methodCall{"ListTasks", planner.ListTasksParams{ParentGoalID: &at.goal, Limit: 20}}
	},
	"goalWork": func(at things) methodCall { return methodCall{"TaskOrder", at.goal} },
	"keysetGoals": func(at things) methodCall {
		return methodCall{"PageGoals", planner.PageGoalsParams{ParentGoalID: &at.goal, Size: 20}}
	},
	"keysetTaggedTasks": func(things) methodCall {
		return methodCall{"PageTasks", planner.PageTasksParams{AnyTag: planner.Tags{"urgent", "rare"}, Size: 20}}
	},
	"keysetTasks": func(at things) methodCall {
		return methodCall{"PageTasks", planner.PageTasksParams{ParentGoalID: &at.goal, Size: 20}}
	},
	"keysetTasksByDueDate": func(at things) methodCall {
		return methodCall{"PageTasks", planner.PageTasksParams{ParentGoalID: &at.goal, ByDueDate: true, Size: 20}}
	},
	"restoreGoal": func(at things) methodCall {
		return methodCall{"RestoreGoal", planner.RestoreGoalParams{ID: at.deletedGoal}}
	},
	"restoreTask": func(at things) methodCall { return methodCall{"RestoreTask", at.deletedTask} },
}

var readWriter = reflect.TypeFor[planner.ReadWriter]()

// methods returns the names of all query methods and unexported queries.
func methods() []string {
	var names []string
	for m := range readWriter.Methods() { // of an interface, also the unexported ones
		names = append(names, m.Name)
	}
	return names
}

// The tests that run through all queries reach the unexported ones too.
func TestUnexportedQueries(t *testing.T) {
	t.Parallel()
	listed := maps.Clone(unexported)
	for m := range reflect.TypeFor[planner.Querier]().Methods() {
		if m.IsExported() {
			continue
		}
		if unexported[m.Name] == nil {
			t.Errorf("no call in this test sends query %s: list one", m.Name)
			continue
		}
		delete(listed, m.Name)
		c := callOf(m.Name, things{})
		if asked := record(t, c.method, c.params).query(); asked != m.Name {
			t.Errorf("%s(%+v) sends query %s, want %s", c.method, c.params, asked, m.Name)
		}
	}
	for name := range listed {
		t.Errorf("no query is called %s: drop it from the list", name)
	}
}

// eachMethod runs a subtest for every query method and every unexported query there is.
func eachMethod(t *testing.T, test func(t *testing.T, method string)) {
	for _, name := range methods() {
		t.Run(name, func(t *testing.T) {
			if calls[name] == nil && unexported[name] == nil {
				t.Fatalf("method %s has no call in this test: give it one", name)
			}
			if testdb.Distributed() && offCitus[name] {
				t.Skip("not on Citus")
			}
			test(t, name)
		})
	}
}

// reads tells whether a method, or what sends an unexported query, changes nothing.
func reads(name string) bool {
	if own, ok := ownCalls[name]; ok {
		return own.reads
	}
	_, reads := reflect.TypeFor[planner.Reader]().MethodByName(callOf(name, things{}).method)
	return reads
}

// shapeOf tells calls apart that change something or not, and by what they return.
func shapeOf(name string) string {
	if _, ok := ownCalls[name]; ok {
		return name
	}
	method, _ := readWriter.MethodByName(callOf(name, things{}).method)
	return fmt.Sprint(reads(name), method.Type.Out(0))
}

// callOf returns the call of a method, or the one that sends an unexported query.
func callOf(name string, at things) methodCall {
	if via := unexported[name]; via != nil {
		return via(at)
	}
	return methodCall{name, calls[name](at)}
}

// call calls a method, or what sends an unexported query, or a statement of a service's own, by its name.
func call(ctx context.Context, q planner.Reader, name string, at things) (any, error) {
	if own, ok := ownCalls[name]; ok {
		return own.send(ctx, dbtxOf(q), at)
	}
	c := callOf(name, at)
	return callWith(ctx, q, c.method, c.params)
}

func callWith(ctx context.Context, q planner.Reader, method string, params any) (any, error) {
	if batch, ok := q.(bizydb.Reader); ok {
		q = batch.Reader // which has the methods that write, and refuses them
	}
	in := []reflect.Value{reflect.ValueOf(ctx)}
	if params != nil {
		in = append(in, reflect.ValueOf(params))
	}
	out := reflect.ValueOf(q).MethodByName(method).Call(in)
	if stream, ok := out[0].Interface().(iter.Seq2[planner.Task, error]); ok {
		var tasks []planner.Task
		for task, err := range stream {
			if err != nil {
				return nil, err
			}
			tasks = append(tasks, task)
		}
		return tasks, nil
	}
	err, _ := out[len(out)-1].Interface().(error)
	return out[0].Interface(), err
}

// cursorAt returns a cursor as PageTasks makes it, of the page after or before a place.
func cursorAt(back bool, priority int, due *time.Time, created time.Time, id planner.TaskID) planner.TaskCursor {
	return placeAt("", back, priority, due, created, id)
}

// placeAt is cursorAt in one of the orders.
func placeAt(order string, back bool, priority int, due *time.Time, created time.Time, id planner.TaskID) planner.TaskCursor {
	place := map[string]any{"o": order, "b": back, "p": priority, "c": created.UnixMicro(), "i": id}
	if due != nil {
		place["d"] = due.UnixMicro()
	}
	b, _ := json.Marshal(place)
	return planner.TaskCursor(base64.RawURLEncoding.EncodeToString(b))
}

// plant gives a scope something of everything.
func plant(t *testing.T, s planner.ReadWriter) things {
	t.Helper()
	ctx := t.Context()
	goal, err := s.CreateGoal(ctx, planner.CreateGoalParams{
		Title: "goal", Horizon: new(planner.Yearly), TargetDate: new(time.Now()), Metrics: planner.Metrics{"revenue": 1.5},
	})
	if err != nil {
		t.Fatal(err)
	}
	subGoal, err := s.CreateGoal(ctx, planner.CreateGoalParams{Title: "sub-goal", ParentGoalID: &goal.ID})
	if err != nil {
		t.Fatal(err)
	}
	task, err := s.CreateTask(ctx, planner.CreateTaskParams{
		Title: "task", ParentGoalID: &goal.ID, DueDate: new(time.Now()), Tags: planner.Tags{"urgent"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return things{goal: goal.ID, subGoal: subGoal.ID, task: task.ID}
}

// plantAll gives a scope something that each method finds.
func plantAll(t *testing.T, s planner.ReadWriter) things {
	t.Helper()
	ctx := t.Context()
	at := plantOpen(t, s)
	if _, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "done", Status: planner.TaskCompleted}); err != nil {
		t.Fatal(err)
	}
	deletedGoal, err := s.CreateGoal(ctx, planner.CreateGoalParams{Title: "deleted goal", ParentGoalID: &at.goal, Metrics: planner.Metrics{"revenue": 1.5}})
	if err != nil {
		t.Fatal(err)
	}
	at.deletedGoal = deletedGoal.ID
	deletedTask, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "deleted task", ParentGoalID: &at.deletedGoal, Dependencies: planner.TaskIDs{at.task}})
	if err != nil {
		t.Fatal(err)
	}
	at.deletedTask = deletedTask.ID
	if _, err := s.DeleteTask(ctx, at.deletedTask); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteGoal(ctx, at.deletedGoal); err != nil {
		t.Fatal(err)
	}
	return at
}

// plantOpen is plantAll without what is completed or deleted.
func plantOpen(t *testing.T, s planner.ReadWriter) things {
	t.Helper()
	ctx, soon := t.Context(), time.Now().Add(time.Hour)
	at := plant(t, s)
	waiting, err := s.CreateTask(ctx, planner.CreateTaskParams{
		Title: "waiting", ParentGoalID: &at.goal, DueDate: &soon, Dependencies: planner.TaskIDs{at.task},
	})
	if err != nil {
		t.Fatal(err)
	}
	at.waiting = waiting.ID
	if _, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "without goal"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal, nearly done", TargetDate: &soon, ProgressPercentage: new(90.0)}); err != nil {
		t.Fatal(err)
	}
	return at
}

// open opens db once more, through dsn, after change has had its way with the pool. That it is fit for use has been found out before.
func open(t *testing.T, dsn string, change func(*pgxpool.Config), opts ...bizydb.Option) *bizydb.DB {
	t.Helper()
	config := parseConfig(t, dsn)
	if change != nil {
		change(config)
	}
	db, err := bizydb.OpenConfig(inspected.Before(t.Context()), config, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// A handle gives a user's methods to use.
type handle func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.ReadWriter))

// Each of them gives the same methods: by themselves, in a transaction of bizydb, in one of the service.
var handles = map[string]handle{
	"scope": func(_ *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.ReadWriter)) {
		use(db.As(user))
	},
	"InTx": func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.ReadWriter)) {
		_ = db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
			use(tx)
			return nil
		})
	},
	"WithTx": func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.ReadWriter)) {
		tx, err := db.Pool().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		use(db.As(user).WithTx(tx))
		if err := tx.Commit(t.Context()); err != nil {
			_ = tx.Rollback(t.Context())
		}
	},
}
