package planner_test

import (
	"context"
	"fmt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A taskLister has the methods that this service uses.
type taskLister interface {
	ListTasks(ctx context.Context, arg planner.ListTasksParams) ([]planner.Task, error)
}

var _ = []taskLister{bizydb.Scope{}, &bizydb.Tx{}, planner.Reader(nil)}

type fakeTasks []planner.Task

func (f fakeTasks) ListTasks(context.Context, planner.ListTasksParams) ([]planner.Task, error) {
	return f, nil
}

func printTasks(ctx context.Context, q taskLister) error {
	tasks, err := q.ListTasks(ctx, planner.ListTasksParams{Limit: 20})
	for _, task := range tasks {
		fmt.Println(task.Priority, task.Title)
	}
	return err
}

// A service that declares an interface of the methods it uses can pass a Scope, a Tx or a fake.
func Example_fake() {
	err := printTasks(context.Background(), fakeTasks{{Priority: 1, Title: "Sign the lease"}})
	fmt.Println(err)
	// Output:
	// 1 Sign the lease
	// <nil>
}
