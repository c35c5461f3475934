package planner

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// StreamTasks is ListTasks row by row: it holds one task in memory at a time, however many there are, and all of them are
// from one moment. The query is sent when the loop begins. An error ends the loop; it comes as the last pair, with a zero
// Task. Each loop asks anew.
//
// Until the loop ends it holds a connection, or the transaction that it runs in. Leaving it early frees the connection: the
// rest is read and dropped, or where that is more than a thousand rows the connection is closed, and the pool opens another
// when it needs one. In a transaction all of the rest is read. Once ctx has ended the next pair is its error, also where the
// rest has arrived already.
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
				yield(Task{}, fmt.Errorf("planner: StreamTasks: %w", err))
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
