package bizydb_test

import (
	"errors"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// The three tests that the design document of the schema gives.

func TestUserTaskRelationship(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := register(t, openCheap(t, db), "testuser")
	task, err := db.As(user.ID).CreateTask(t.Context(), planner.CreateTaskParams{Title: "Test Task"})
	if err != nil || task.UserID != user.ID {
		t.Fatalf("%+v, %v", task, err)
	}
	tasks, err := db.As(user.ID).ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil || len(tasks) != 1 || tasks[0].ID != task.ID {
		t.Errorf("%+v, %v", tasks, err)
	}
}

func TestCascadeDelete(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	user := register(t, accounts, "testuser")
	task, err := db.As(user.ID).CreateTask(t.Context(), planner.CreateTaskParams{Title: "Test Task"})
	if err != nil {
		t.Fatal(err)
	}
	if deleted, err := accounts.Delete(t.Context(), user.ID); err != nil || deleted.Tasks != 1 || deleted.Goals != 0 {
		t.Errorf("%+v, %v", deleted, err)
	}
	if _, err := db.As(user.ID).GetTask(t.Context(), task.ID); !errors.Is(err, bizydb.ErrNoUser) {
		t.Errorf("%v, want ErrNoUser", err)
	}
	if n := ownerQuery[int](t, db, "SELECT count(*) FROM public.tasks WHERE id = $1", task.ID); n != 0 {
		t.Error("the task is still there")
	}
}

func TestUserIsolation(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	user1, user2 := register(t, accounts, "user1"), register(t, accounts, "user2")
	if _, err := db.As(user1.ID).CreateTask(t.Context(), planner.CreateTaskParams{Title: "User 1 Task"}); err != nil {
		t.Fatal(err)
	}
	if got := titles(t, db.As(user1.ID)); len(got) != 1 || got[0] != "User 1 Task" {
		t.Errorf("user 1 has %q", got)
	}
	if got := titles(t, db.As(user2.ID)); len(got) != 0 {
		t.Errorf("user 2 has %q", got)
	}
}
