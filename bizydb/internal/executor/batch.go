package executor

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Batch runs functions that read, and sends the queries that they ask at the same time in one round trip, which is one transaction
// of s, a session of the pool. Each function gets what reader makes of its DBTX. The functions take turns. The first error ends the
// batch and is returned; an error of the server does so even if the function has handled it. A statement that changes anything gives
// [ErrReadOnly].
func Batch[R any](ctx context.Context, s *Session, reader func(DBTX) R, reads []func(R) error) error {
	if s.entry.Invalid != nil {
		return s.entry.Invalid
	}
	var asking []*coroutine
	for _, read := range reads {
		c := &coroutine{config: s.config}
		next, stop := iter.Pull(func(yield func(Statement) bool) {
			c.yield = yield
			defer func() { c.yield = nil }()
			c.err = read(reader(c))
		})
		defer stop()
		c.next = next
		if more, err := c.resume(); err != nil {
			return err
		} else if more {
			asking = append(asking, c)
		}
	}
	for len(asking) > 0 {
		var err error
		if asking, err = s.answer(ctx, asking); err != nil {
			return err
		}
	}
	return nil
}

// answer sends what is asked, and lets each function go on with its answer. It returns those that ask again.
func (s *Session) answer(ctx context.Context, asking []*coroutine) (again []*coroutine, err error) {
	queries := make([]Statement, len(asking))
	for i, c := range asking {
		queries[i] = c.asked
	}
	reply, err := s.send(ctx, queries...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := reply.close(err); err == nil {
			err = closeErr
		}
	}()
	for _, c := range asking {
		rows, _ := reply.results.Query() // an error is the rows' too
		c.rows = &batchRows{Rows: rows, reply: reply, sql: c.asked.SQL}
		more, err := c.resume()
		if err != nil {
			return nil, err
		}
		if more {
			again = append(again, c)
		}
	}
	return again, nil
}

// A coroutine is the DBTX of a function in a batch. The function stops at a query, and goes on when there is an answer.
type coroutine struct {
	config *Config
	next   func() (Statement, bool)
	yield  func(Statement) bool // nil before the function runs and when it has returned
	asked  Statement
	rows   *batchRows // the last answer
	err    error      // of the function, when it has ended
}

// resume lets the function go on, until it has asked something or ended. Then the answer that it went on with is over: soon
// the connection is somebody else's.
func (c *coroutine) resume() (asked bool, err error) {
	c.asked, asked = c.next()
	if c.rows != nil {
		c.rows.end()
	}
	return asked, c.err
}

// Query implements DBTX.
func (c *coroutine) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	switch q := c.config.query(sql); {
	case q.Changes:
		return nil, fmt.Errorf("bizydb: %s: %w: a batch is for reading", q.name, ErrReadOnly)
	case c.yield == nil:
		return nil, fmt.Errorf("bizydb: %s: the function of the batch has returned", q.name)
	case c.rows != nil && !c.rows.ended:
		return nil, c.config.wrap(q.name, errBusy)
	case !c.yield(Statement{sql, args}):
		return nil, fmt.Errorf("bizydb: %s: %w", q.name, errBatchEnded)
	}
	return c.rows, nil
}

var errBatchEnded = errors.New("the batch has ended with another error")

// Exec implements DBTX.
func (c *coroutine) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows.Close()
	return rows.CommandTag(), rows.Err()
}

// QueryRow implements DBTX.
func (c *coroutine) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	return coroutineRow{c, Statement{sql, args}}
}

type coroutineRow struct {
	*coroutine
	Statement
}

func (r coroutineRow) Scan(dest ...any) error {
	rows, err := r.Query(context.Background(), r.SQL, r.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return rows.Scan(dest...)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return r.config.wrap(r.config.query(r.SQL).name, pgx.ErrNoRows)
}
