package bizydb_test

import (
	"context"
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
	task          planner.TaskID
}

// calls has a call of every query method, aimed at somebody's things. Tests that promise something of every method run
// through it; one without an entry fails them.
var calls = map[string]func(at things) any{
	"AssignTask": func(at things) any {
		return planner.AssignTaskParams{ID: at.task, ParentGoalID: &at.goal}
	},
	"CompleteGoal": func(at things) any { return at.goal },
	"CompleteTask": func(at things) any { return planner.CompleteTaskParams{ID: at.task, ActualHours: new(1.5)} },
	"CreateGoal": func(at things) any {
		return planner.CreateGoalParams{Title: "made", ParentGoalID: &at.goal}
	},
	"CreateTask": func(at things) any {
		return planner.CreateTaskParams{Title: "made", ParentGoalID: &at.goal}
	},
	"CreateTasks": func(at things) any {
		return planner.NewTasks{{Title: "made"}, {Title: "made too", ParentGoalID: &at.goal}}
	},
	"DeleteGoal":  func(at things) any { return at.goal },
	"DeleteTask":  func(at things) any { return at.task },
	"DeleteTasks": func(at things) any { return planner.TaskIDs{at.task} },
	"GetGoal":     func(at things) any { return at.goal },
	"GetTask":     func(at things) any { return at.task },
	"GoalTree":    func(at things) any { return at.goal },
	"ListGoals": func(at things) any {
		return planner.ListGoalsParams{ParentGoalID: &at.goal, Limit: 20}
	},
	"ListTasks": func(at things) any {
		return planner.ListTasksParams{ParentGoalID: &at.goal, Limit: 20}
	},
	"Me": func(things) any { return nil },
	"MoveGoal": func(at things) any {
		return planner.MoveGoalParams{ID: at.subGoal, ParentGoalID: &at.goal}
	},
	"ReopenGoal": func(at things) any { return at.goal },
	"ReopenTask": func(at things) any { return at.task },
	"RescheduleTask": func(at things) any {
		return planner.RescheduleTaskParams{ID: at.task, DueDate: new(time.Unix(2e9, 0))}
	},
	"RetagTask": func(at things) any { return planner.RetagTaskParams{ID: at.task, Tags: planner.Tags{"new"}} },
	"RollUp":    func(at things) any { return at.goal },
	"RollUpAll": func(things) any { return nil },
	"SetTaskStatuses": func(at things) any {
		return planner.SetTaskStatusesParams{IDs: planner.TaskIDs{at.task}, Status: planner.TaskBlocked}
	},
	"StartTask": func(at things) any { return at.task },
	"UpdateGoal": func(at things) any {
		return planner.UpdateGoalParams{ID: at.subGoal, Title: new("changed"), ParentGoalID: &at.goal}
	},
	"UpdateMe": func(things) any { return planner.UpdateMeParams{FullName: new("changed")} },
	"UpdateTask": func(at things) any {
		return planner.UpdateTaskParams{ID: at.task, Title: new("changed"), ParentGoalID: &at.goal}
	},
}

var querier = reflect.TypeFor[planner.Querier]()

// eachMethod runs a subtest for every query method there is.
func eachMethod(t *testing.T, test func(t *testing.T, method string)) {
	for m := range querier.Methods() {
		t.Run(m.Name, func(t *testing.T) {
			if calls[m.Name] == nil {
				t.Fatalf("method %s has no call in this test: give it one", m.Name)
			}
			test(t, m.Name)
		})
	}
}

// call calls a method by its name.
func call(ctx context.Context, q planner.Querier, method string, at things) (any, error) {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	if params := calls[method](at); params != nil {
		in = append(in, reflect.ValueOf(params))
	}
	out := reflect.ValueOf(q).MethodByName(method).Call(in)
	err, _ := out[len(out)-1].Interface().(error)
	return out[0].Interface(), err
}

// plant gives a scope something of everything.
func plant(t *testing.T, s planner.Querier) things {
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
	return things{goal.ID, subGoal.ID, task.ID}
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
var handles = map[string]func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Querier)){
	"scope": func(_ *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Querier)) {
		use(db.As(user))
	},
	"InTx": func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Querier)) {
		_ = db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
			use(tx)
			return nil
		})
	},
	"WithTx": func(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, use func(planner.Querier)) {
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
