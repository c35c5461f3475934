package bizydb

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Batch runs functions that read, and sends the queries that they ask at the same time in one round trip: five functions with one
// query each are one round trip, sent as one pipeline.
//
// A function that asks again joins the next round trip. The functions take turns, so they may share variables without locking. Each
// round trip is one transaction, in which every query sees what was committed when that query began; [Scope.Snapshot] gives all
// queries one view.
//
// A function uses q only in its own goroutine, for one query at a time: inside the loop of StreamTasks another gives [ErrBusy]. Inside a
// function, do not use the scope itself: Batch holds a connection, and the pool may have no other. Once the function has returned, q
// and any unread rest of a stream give errors. Cancel through the ctx given to Batch; the ctx passed to a query is ignored.
//
// The first error that a function returns ends the batch and is returned. An error of the server ends it too, even if the function
// has handled it; [ErrNotFound] does not. A write does not compile, since q has none; a q that is type-asserted to write gives
// [ErrReadOnly]. Batch does not retry.
func (s Scope) Batch(ctx context.Context, reads ...func(q planner.Reader) error) error {
	if err := s.invalid(); err != nil {
		return err
	}
	session := &session{pool: s.db.pool, mode: s.db.mode, traced: s.db.traced, enter: s.entry(enterScopeSQL)}
	var asking []*asker
	for _, read := range reads {
		a := &asker{}
		next, stop := iter.Pull(func(yield func(statement) bool) {
			a.ask = yield
			defer func() { a.ask = nil }()
			a.err = read(planner.New(a))
		})
		defer stop()
		a.goOn = next
		if more, err := a.resume(); err != nil {
			return err
		} else if more {
			asking = append(asking, a)
		}
	}
	for len(asking) > 0 {
		var err error
		if asking, err = session.answer(ctx, asking); err != nil {
			return err
		}
	}
	return nil
}

// answer sends what is asked, and lets each asker go on with its answer. It returns those who ask again.
func (s *session) answer(ctx context.Context, asking []*asker) (again []*asker, err error) {
	queries := make([]statement, len(asking))
	for i, a := range asking {
		queries[i] = a.asked
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
	for _, a := range asking {
		rows, _ := reply.results.Query() // an error is the rows' too
		a.rows = &batchRows{Rows: rows, reply: reply, sql: a.asked.sql}
		more, err := a.resume()
		if err != nil {
			return nil, err
		}
		if more {
			again = append(again, a)
		}
	}
	return again, nil
}

// An asker is the DBTX of a function in a batch. The function stops at a query, and goes on when there is an answer.
type asker struct {
	goOn  func() (statement, bool)
	ask   func(statement) bool // nil before the function runs and when it has returned
	asked statement
	rows  *batchRows // the last answer
	err   error      // of the function, when it has ended
}

// resume lets the function go on, until it has asked something or ended. Then the answer that it went on with is over: soon
// the connection is somebody else's.
func (a *asker) resume() (asked bool, err error) {
	a.asked, asked = a.goOn()
	if a.rows != nil {
		a.rows.end()
	}
	return asked, a.err
}

// Query implements DBTX.
func (a *asker) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	switch q := queryOf(sql); {
	case q.changes:
		return nil, fmt.Errorf("bizydb: %s: %w: a batch is for reading", q.name, ErrReadOnly)
	case a.ask == nil:
		return nil, fmt.Errorf("bizydb: %s: the function of the batch has returned", q.name)
	case a.rows != nil && !a.rows.ended:
		return nil, translate(q.name, errBusy)
	case !a.ask(statement{sql, args}):
		return nil, fmt.Errorf("bizydb: %s: %w", q.name, errBatchEnded)
	}
	return a.rows, nil
}

var errBatchEnded = errors.New("the batch has ended with another error")

// Exec implements DBTX.
func (a *asker) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	rows, err := a.Query(ctx, sql, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows.Close()
	return rows.CommandTag(), rows.Err()
}

// QueryRow implements DBTX.
func (a *asker) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	return askerRow{a, statement{sql, args}}
}

type askerRow struct {
	*asker
	statement
}

func (r askerRow) Scan(dest ...any) error {
	rows, err := r.Query(context.Background(), r.sql, r.args...)
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
	return translate(queryOf(r.sql).name, pgx.ErrNoRows)
}
