package executor

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func (s *Session) sendBatch(ctx context.Context, b *pgx.Batch, statements []statement) pgx.BatchResults {
	r, err := s.sendAll(ctx, s.route(statements), statements)
	if err != nil {
		return noResults{err}
	}
	r.shown = true
	return &ownResults{reply: r, batch: b, statements: statements}
}

// ownResults are those of a caller's batch. An error ends it: the transaction is rolled back, and the connection goes back.
type ownResults struct {
	reply      *reply
	batch      *pgx.Batch
	statements []statement // those not read yet
	rows       *ownRows    // of the last one, unless it is nil
	err        error
}

// next turns to the next statement.
func (r *ownResults) next() error {
	r.endRows()
	switch {
	case r.err != nil:
		return r.err
	case r.reply.closed || len(r.statements) == 0:
		return errNoResult
	}
	r.reply.query, r.reply.args = r.statements[0].query, r.statements[0].Args
	r.statements = r.statements[1:]
	return nil
}

// endRows drops what a caller has not read: the rows that follow are another statement's.
func (r *ownResults) endRows() {
	if r.rows != nil {
		r.rows.Close()
		_ = r.rows.Err() // which ends the batch
		r.rows = nil
	}
}

// fail ends the batch unless err is nil.
func (r *ownResults) fail(err error) error {
	if err != nil && r.err == nil {
		r.err = r.reply.close(err)
	}
	return r.err
}

func (r *ownResults) Exec() (pgconn.CommandTag, error) {
	if err := r.next(); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := r.reply.results.Exec()
	return tag, r.fail(err)
}

func (r *ownResults) Query() (pgx.Rows, error) {
	if err := r.next(); err != nil {
		return noRows{err: err}, err
	}
	rows, err := r.reply.results.Query()
	if err := r.fail(err); err != nil {
		return noRows{err: err}, err
	}
	r.rows = &ownRows{batchRows{Rows: rows, reply: r.reply, query: r.reply.query}, r}
	return r.rows, nil
}

func (r *ownResults) QueryRow() pgx.Row {
	rows, _ := r.Query() // an error is the rows' too
	return onlyRow{rows, r}
}

// Close calls the functions of the statements that are not read yet, as pgx does.
func (r *ownResults) Close() error {
	defer func() { _ = r.reply.close(nil) }() // a function may panic
	r.endRows()
	for n := len(r.batch.QueuedQueries); r.err == nil && len(r.statements) > 0; {
		if fn := r.batch.QueuedQueries[n-len(r.statements)].Fn; fn != nil {
			if err := fn(r); err != nil && r.err == nil {
				r.err = err
				if lost := r.reply.close(nil); lost != nil {
					r.err = errors.Join(err, lost)
				}
			}
		} else {
			_, _ = r.Exec()
		}
	}
	if r.err == nil {
		r.err = r.reply.close(nil)
	}
	return r.err
}

// Tx is nil: the batch is a transaction by itself, or part of one.
func (*ownResults) Tx() pgx.Tx { return nil }

// ownRows are the rows of one statement of the batch.
type ownRows struct {
	batchRows
	results *ownResults
}

func (r *ownRows) Err() error { return r.results.fail(r.Rows.Err()) }

type onlyRow struct {
	pgx.Rows
	results *ownResults
}

func (r onlyRow) Scan(dest ...any) error {
	return scanOnly(r.Rows, r.results.reply.wrap(pgx.ErrNoRows), dest)
}
