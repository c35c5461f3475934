package bizydb_test

import (
	"context"
	"iter"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// things are the ids that a call can be aimed at.
type things struct {
	goal, subGoal planner.GoalID
	task, waiting planner.TaskID // waiting depends on task
}

// calls has a call of every query method, aimed at somebody's things. Tests that promise something of every method run
// through it; one without an entry fails them.
var calls = map[string]func(at things) any{
	"AllTasks": func(things) any { return 20 },
	"AssignTask": func(at things) any {
		return planner.AssignTaskParams{ID: at.task, ParentGoalID: &at.goal}
	},
	"BlockTask":    func(at things) any { return planner.BlockTaskParams{ID: at.task, Reason: new("rain")} },
	"CompleteGoal": func(at things) any { return at.goal },
	"CompleteTask": func(at things) any { return planner.CompleteTaskParams{ID: at.task, ActualHours: new(1.5)} },
	"CompletionRate": func(things) any {
		return planner.CompletionRateParams{From: time.Unix(0, 0), Before: time.Unix(4e9, 0)}
	},
	"CreateGoal": func(at things) any {
		return planner.CreateGoalParams{Title: "made", ParentGoalID: &at.goal}
	},
	"CreateTask": func(at things) any {
		return planner.CreateTaskParams{Title: "made", ParentGoalID: &at.goal}
	},
	"CreateTasks": func(at things) any {
		return planner.NewTasks{{Title: "made"}, {Title: "made too", ParentGoalID: &at.goal}}
	},
	"CriticalPath":     func(at things) any { return at.goal },
	"DailyCompletions": func(things) any { return planner.DailyCompletionsParams{Days: 30, TimeZone: "Europe/Berlin"} },
	"DeleteGoal":       func(at things) any { return at.goal },
	"DeleteTask":       func(at things) any { return at.task },
	"DeleteTasks":      func(at things) any { return planner.TaskIDs{at.task} },
	"FilteredTasks": func(at things) any {
		return planner.FilteredTasksParams{ParentGoalID: &at.goal, Limit: 20}
	},
	"GetGoal":             func(at things) any { return at.goal },
	"GetTask":             func(at things) any { return at.task },
	"GoalAncestors":       func(at things) any { return at.subGoal },
	"GoalForecast":        func(at things) any { return planner.GoalForecastParams{GoalID: at.goal, Days: 28} },
	"GoalMetric":          func(at things) any { return planner.GoalMetricParams{ID: at.goal, Key: "revenue"} },
	"GoalTasks":           func(at things) any { return at.goal },
	"GoalTree":            func(at things) any { return at.goal },
	"GoalWork":            func(at things) any { return at.goal },
	"GoalsAtRisk":         func(things) any { return planner.GoalsAtRiskParams{Limit: 20} },
	"GoalsNearCompletion": func(things) any { return 20 },
	"KeysetTaggedTasks": func(things) any {
		return planner.KeysetTaggedTasksParams{AnyTag: planner.Tags{"urgent", "rare"}, Max: 20}
	},
	"KeysetTasks": func(at things) any { return planner.KeysetTasksParams{ParentGoalID: &at.goal, Max: 20} },
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
	"OpenTasks":    func(things) any { return 20 },
	"OverdueTasks": func(things) any { return planner.OverdueTasksParams{Limit: 20} },
	"PageTasks": func(at things) any {
		return planner.PageTasksParams{ParentGoalID: &at.goal, Size: 20, WithTotal: true}
	},
	"ReadyTasks":       func(things) any { return 20 },
	"RemoveGoalMetric": func(at things) any { return planner.RemoveGoalMetricParams{ID: at.goal, Key: "revenue"} },
	"ReopenGoal":       func(at things) any { return at.goal },
	"ReopenTask":       func(at things) any { return at.task },
	"RescheduleTask": func(at things) any {
		return planner.RescheduleTaskParams{ID: at.task, DueDate: new(time.Unix(2e9, 0))}
	},
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
	"StartTask":            func(at things) any { return at.task },
	"StreamTasks":          func(at things) any { return planner.ListTasksParams{ParentGoalID: &at.goal, Limit: 20} },
	"TaggedTasks":          func(things) any { return planner.TaggedTasksParams{AnyOf: planner.Tags{"urgent", "rare"}, Limit: 20} },
	"TaskCountsByCategory": func(things) any { return nil },
	"TaskCountsByPriority": func(things) any { return nil },
	"TaskCountsByStatus":   func(things) any { return nil },
	"TaskHours":            func(at things) any { return &at.goal },
	"TaskOrder":            func(at things) any { return at.goal },
	"TasksBlockedBy":       func(at things) any { return at.task },
	"TasksBlocking":        func(at things) any { return at.waiting },
	"TasksByPriority":      func(things) any { return planner.TasksByPriorityParams{Priority: 3, Limit: 20} },
	"TasksDue": func(things) any {
		return planner.TasksDueParams{From: time.Now().AddDate(0, 0, -1), Before: time.Now().AddDate(0, 0, 1), Limit: 20}
	},
	"TasksDueToday":   func(things) any { return planner.TasksDueTodayParams{WithUndated: true, Limit: 20} },
	"UnassignedTasks": func(things) any { return 20 },
	"UnblockTask":     func(at things) any { return at.task },
	"UpcomingGoals":   func(things) any { return planner.UpcomingGoalsParams{Days: 60, Limit: 20} },
	"UpcomingTasks":   func(things) any { return planner.UpcomingTasksParams{Days: 7, Limit: 20} },
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

var catalogue = reflect.TypeFor[planner.Catalogue]()

// eachMethod runs a subtest for every query method there is.
func eachMethod(t *testing.T, test func(t *testing.T, method string)) {
	for m := range catalogue.Methods() {
		t.Run(m.Name, func(t *testing.T) {
			if calls[m.Name] == nil {
				t.Fatalf("method %s has no call in this test: give it one", m.Name)
			}
			test(t, m.Name)
		})
	}
}

// call calls a method by its name.
func call(ctx context.Context, q planner.Catalogue, method string, at things) (any, error) {
	return callWith(ctx, q, method, calls[method](at))
}

func callWith(ctx context.Context, q planner.Catalogue, method string, params any) (any, error) {
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

// plant gives a scope something of everything.
func plant(t *testing.T, s planner.Catalogue) things {
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
func plantAll(t *testing.T, s planner.Catalogue) things {
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
	if _, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "unassigned"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal, nearly done", TargetDate: &soon, ProgressPercentage: new(90.0)}); err != nil {
		t.Fatal(err)
	}
	return at
}

// open opens db once more, through dsn, as the service would, after change has had its way with the pool.
func open(t *testing.T, dsn string, change func(*pgxpool.Config)) *bizydb.DB {
	t.Helper()
	config := parseConfig(t, dsn)
	if change != nil {
		change(config)
	}
	db, err := bizydb.OpenConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// each handle gives the same methods: by themselves, in a transaction of bizydb, in one of the service.
var handles = map[string]func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Catalogue)){
	"scope": func(_ *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Catalogue)) {
		use(db.As(user))
	},
	"InTx": func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Catalogue)) {
		_ = db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
			use(tx)
			return nil
		})
	},
	"WithTx": func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Catalogue)) {
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
