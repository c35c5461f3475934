package planner

import (
	"context"
	"errors"
	"iter"
)

// A Catalogue is all that can be asked of a user's goals and tasks: the queries of [Querier], and what is made of them.
type Catalogue interface {
	Querier

	// CriticalPath returns the chain of tasks that a goal waits for, each depending on the one before, that takes the most
	// estimated hours. See [Queries.CriticalPath].
	CriticalPath(ctx context.Context, goal GoalID) (CriticalPath, error)
	// ListTasks returns the tasks that match every filter that is set. See [Queries.ListTasks].
	ListTasks(ctx context.Context, arg ListTasksParams) ([]Task, error)
	// PageTasks returns one page of the tasks that match every filter that is set. See [Queries.PageTasks].
	PageTasks(ctx context.Context, arg PageTasksParams) (TaskPage, error)
	// StreamTasks is ListTasks row by row. See [Queries.StreamTasks].
	StreamTasks(ctx context.Context, arg ListTasksParams) iter.Seq2[Task, error]
	// TaskOrder returns the tasks under a goal in an order in which they can be done. See [Queries.TaskOrder].
	TaskOrder(ctx context.Context, goal GoalID) ([]Task, error)
}

var _ Catalogue = (*Queries)(nil)

// ErrInvalid: a value that is not taken. It is bizydb.ErrInvalid.
var ErrInvalid = errors.New("invalid value")
