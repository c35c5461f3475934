package executor

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// Stream returns the rows of a query of generated code one by one. list calls the method of the query, which is asked on db when a loop
// begins. An error is the last pair, with a zero T and the name of the method that loops.
func Stream[T any](ctx context.Context, db DBTX, method string, list func(DBTX)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var query recorder
		fail := func(err error) {
			NameError(&err, method)
			var zero T
			yield(zero, err)
		}
		list(&query)
		rows, err := db.Query(ctx, query.sql, query.args...)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			if err := ctx.Err(); err != nil {
				fail(fmt.Errorf("the context ended before the next row was read: %w", err))
				return
			}
			row, err := pgx.RowToStructByPos[T](rows)
			if err != nil {
				fail(err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
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
