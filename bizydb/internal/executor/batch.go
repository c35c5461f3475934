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
// of s, a session of the pool. Each function gets what reader makes of its [Part]. The functions take turns. The first error ends the
// batch and is returned; an error of the server does so even if the function has handled it. A statement that changes anything gives
// [ErrReadOnly].
func Batch[R any](ctx context.Context, s *Session, reader func(*Part) R, reads []func(R) error) error {
	if s.entry.Invalid != nil {
		return s.config.wrap("batch", s.entry.Invalid)
	}
	var asking []*Part
	for _, read := range reads {
		c := &Part{config: s.config}
		next, stop := iter.Pull(func(yield func(statement) bool) {
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
func (s *Session) answer(ctx context.Context, asking []*Part) (again []*Part, err error) {
	queries := make([]statement, len(asking))
	for i, c := range asking {
		queries[i] = c.asked
	}
	reply, err := s.sendAll(ctx, s.routeToRead(queries), queries)
	if err != nil {
		return nil, err
	}
	reply.shown = true
	defer func() {
		if closeErr := reply.close(err); err == nil {
			err = closeErr
		}
	}()
	for _, c := range asking {
		rows, _ := reply.results.Query() // an error is the rows' too
		c.rows = &batchRows{Rows: rows, reply: reply, query: c.asked.query}
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

// A Part is the DBTX of a function in a batch. The function stops at a query, and goes on when there is an answer.
type Part struct {
	config *Config
	next   func() (statement, bool)
	yield  func(statement) bool // nil before the function runs and when it has returned
	asked  statement
	rows   *batchRows // the last answer
	err    error      // of the function, when it has ended
}

// resume lets the function go on, until it has asked something or ended. Then the answer that it went on with is over: soon
// the connection is somebody else's.
func (c *Part) resume() (asked bool, err error) {
	c.asked, asked = c.next()
	if c.rows != nil {
		c.rows.end()
	}
	return asked, c.err
}

// Own returns what runs a caller's own statements.
func (c *Part) Own(access Access) Own { return Own{c, access} }

// Query implements DBTX.
func (c *Part) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return c.query(ctx, c.config.statement(sql, args))
}

// Exec implements DBTX.
func (c *Part) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return c.exec(ctx, c.config.statement(sql, args))
}

// QueryRow implements DBTX.
func (c *Part) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return c.queryRow(ctx, c.config.statement(sql, args))
}

func (c *Part) query(_ context.Context, stmt statement) (pgx.Rows, error) {
	err := error(nil)
	switch {
	case stmt.Changes && !stmt.own: // of others the server says whether they do
		err = &callError{stmt.name, fmt.Errorf("%w: a batch is for reading", ErrReadOnly)}
	case c.yield == nil:
		err = &callError{stmt.name, errors.New("the function of the batch has returned")}
	case c.rows != nil && !c.rows.ended:
		err = c.config.wrap(stmt.name, errBusy)
	case !c.yield(stmt):
		err = &callError{stmt.name, errBatchEnded}
	}
	if err != nil {
		return noRows{err: err}, err
	}
	return c.rows, nil
}

var errBatchEnded = errors.New("the batch has ended with another error")

func (c *Part) exec(ctx context.Context, stmt statement) (pgconn.CommandTag, error) {
	rows, err := c.query(ctx, stmt)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows.Close()
	return rows.CommandTag(), rows.Err()
}

func (c *Part) queryRow(_ context.Context, stmt statement) pgx.Row { return partRow{c, stmt} }

func (c *Part) sendBatch(context.Context, *pgx.Batch, []statement) pgx.BatchResults {
	return noResults{&callError{"batch", fmt.Errorf("%w: queries of a Batch are one batch already", ErrStatement)}}
}

func (c *Part) settings() *Config { return c.config }

type partRow struct {
	*Part
	statement
}

func (r partRow) Scan(dest ...any) error {
	rows, err := r.Part.query(context.Background(), r.statement)
	if err != nil {
		return err
	}
	return scanOnly(rows, r.config.wrap(r.name, pgx.ErrNoRows), dest)
}
