package bizydb_test

import (
	"context"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestSmoke(t *testing.T) {
	db := bizydbtest.New(t)
	ctx := context.Background()
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	g, err := alice.CreateGoal(ctx, planner.CreateGoalParams{Title: "g", Metrics: planner.Metrics{"a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	task, err := alice.CreateTask(ctx, planner.CreateTaskParams{Title: "x", ParentGoalID: &g.ID, Tags: planner.Tags{"a", "b"}})
	t.Logf("%+v %+v %v", g, task, err)
	l, err := alice.ListTasks(ctx, planner.ListTasksParams{})
	t.Log(l, err)
	l, err = bob.ListTasks(ctx, planner.ListTasksParams{})
	t.Log(l, err)
	_, err = bob.CreateTask(ctx, planner.CreateTaskParams{Title: "x", ParentGoalID: &g.ID, Tags: planner.Tags{"a", "b"}})
	t.Log(err)
	_, err = bob.GetTask(ctx, task.ID)
	t.Log(err)
	_, err = alice.CreateTask(ctx, planner.CreateTaskParams{Title: ""})
	t.Log(err)
	err = alice.InTx(ctx, func(tx *bizydb.Tx) error {
		_, err = tx.UpdateTask(ctx, planner.UpdateTaskParams{ID: task.ID, Status: planner.TaskCompleted, ClearParentGoalID: true, Tags: planner.Tags{}})
		return err
	})
	t.Log(err)
	tx, _ := db.Pool().Begin(ctx)
	defer tx.Rollback(ctx)
	got, err := alice.WithTx(tx).GetTask(ctx, task.ID)
	t.Logf("%+v %v", got, err)
	var role, u string
	err = tx.QueryRow(ctx, "select current_setting('role'), current_setting('bizydb.user_id')").Scan(&role, &u)
	t.Log(role, u, err)
	_, err = db.As(999).CreateTask(ctx, planner.CreateTaskParams{Title: "d"})
	t.Log(err)
}
