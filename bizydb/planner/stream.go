package planner

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// StreamTasks returns the tasks of ListTasks one by one. It holds one task in memory at a time, and all tasks are from one snapshot.
// The query is sent when a loop begins; each loop sends it anew. An error is the last pair, with a zero Task.
//
// The loop holds a connection until it ends; in a transaction, other calls give bizydb.ErrBusy until then. Leaving the loop early
// frees the connection: up to a thousand remaining rows are read and discarded; with more, the connection is closed and the pool
// opens another when needed. In a transaction all remaining rows are read. When ctx ends, the next pair is its error, even if further rows have already arrived.
func (q *Queries) StreamTasks(ctx context.Context, arg ListTasksParams) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		var list recorder
		_, _ = New(&list).ListTasks(ctx, arg)
		rows, err := q.db.Query(ctx, list.sql, list.args...)
		if err != nil {
			yield(Task{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			if err := ctx.Err(); err != nil {
				yield(Task{}, fmt.Errorf("bizydb: StreamTasks: the context ended before the next task was read: %w", err))
				return
			}
			task, err := pgx.RowToStructByPos[Task](rows)
			if !yield(task, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Task{}, err)
		}
	}
}

// A recorder is a DBTX that keeps a query and does not ask it.
type recorder struct {
	DBTX // nil: nothing else is called
	sql  string
	args []any
}

// Query implements DBTX.
func (r *recorder) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.sql, r.args = sql, args
	return nil, pgx.ErrNoRows
}
