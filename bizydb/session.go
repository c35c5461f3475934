package bizydb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A session runs every query of generated code as one batch: enter, query, leave. It is what planner and accountsql
// know as DBTX.
//
// A batch without BEGIN is one implicit transaction, so the settings that enter makes end with it and the whole is one
// round trip. On a transaction that is bizydb's own, enter has run already; on a service's own, leave undoes it.
type session struct {
	pool *pgxpool.Pool // where each batch takes a connection, or
	tx   pgx.Tx        // where all of them run
	mode pgx.QueryExecMode

	enter, leave statement // none where sql is ""
	invalid      error     // what every call gives instead

	prepared statements // by this session on tx's connection; pgx knows of those before
}

type statement struct {
	sql  string
	args []any
}

// Exec implements DBTX.
func (s *session) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r, err := s.send(ctx, sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := r.results.Exec()
	return tag, r.close(err)
}

// Query implements DBTX.
func (s *session) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r, err := s.send(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	pgxRows, err := r.results.Query()
	if err != nil {
		return nil, r.close(err)
	}
	return &rows{Rows: pgxRows, reply: r}, nil
}

// QueryRow implements DBTX.
func (s *session) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	r, err := s.send(ctx, sql, args)
	return &row{reply: r, err: err}
}

// send sends the batch and reads the answer to enter. The caller reads the answer to sql and closes the reply.
func (s *session) send(ctx context.Context, sql string, args []any) (*reply, error) {
	if s.invalid != nil {
		return nil, s.invalid
	}
	r := &reply{sql: sql}
	var to interface {
		preparer
		SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
	} = s.tx
	prepared := s.prepared
	if s.tx != nil {
		r.on = s.tx.Conn()
	} else {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return nil, translate(queryName(sql), err)
		}
		r.leased, r.on = conn, conn.Conn()
		to, prepared = r.on, statementsOf(r.on)
	}

	batch := &pgx.Batch{}
	for _, stmt := range [...]statement{s.enter, {sql, args}, s.leave} {
		if stmt.sql == "" {
			continue
		}
		if s.mode == pgx.QueryExecModeCacheStatement {
			if err := prepared.ensure(ctx, to, stmt.sql); err != nil {
				return nil, r.close(err)
			}
		}
		batch.Queue(stmt.sql, stmt.args...)
	}
	r.results = to.SendBatch(ctx, batch)
	if s.enter.sql != "" {
		if _, err := r.results.Exec(); err != nil {
			_ = r.close(err)
			return nil, fmt.Errorf("bizydb: %s: %w", queryName(sql), namedOnEntry(err))
		}
	}
	return r, nil
}

// A reply is the answer to one batch, and the connection that it came on.
type reply struct {
	results pgx.BatchResults // nil before the batch was sent
	on      *pgx.Conn
	leased  *pgxpool.Conn // to give back; nil inside a transaction
	sql     string
	closed  bool
}

// close reads the answer to its end and gives the connection back. It returns err, what the caller met while reading,
// or else what came after: a batch has succeeded only when it is closed. Closing again does nothing.
func (r *reply) close(err error) error {
	if r.closed {
		return r.translate(err)
	}
	r.closed = true
	if r.results != nil {
		if closeErr := r.results.Close(); closeErr != nil && (err == nil || errors.Is(err, pgx.ErrNoRows)) {
			err = closeErr
		}
	}
	closeIfStale(r.on, err)
	if r.leased != nil {
		r.leased.Release()
	}
	return r.translate(err)
}

func (r *reply) translate(err error) error {
	if err == nil {
		return nil
	}
	return translate(queryName(r.sql), err)
}
