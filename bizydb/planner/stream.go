package planner

import (
	"context"
	"iter"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// StreamTasks returns the tasks of ListTasks one at a time, so that a long list does not have to fit in memory. All tasks are
// from one snapshot. The query is sent when a loop begins, and again by each further loop. In case of an error, the last pair of
// the loop has the error and a zero Task.
//
// The loop holds a connection until it ends. In a transaction, other calls return bizydb.ErrBusy until the loop ends. Leaving the
// loop early frees the connection: up to a thousand remaining rows are read and discarded. If more rows remain, the connection is
// closed, and the pool opens another when needed. In a transaction all remaining rows are read. When ctx ends, the next pair has
// the error of ctx, even if further rows have already arrived.
func (q *Queries) StreamTasks(ctx context.Context, arg ListTasksParams) iter.Seq2[Task, error] {
	return executor.Stream[Task](ctx, q.db, "StreamTasks", func(db executor.DBTX) { _, _ = New(db).ListTasks(ctx, arg) })
}
