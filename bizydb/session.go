package bizydb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgerrcode"
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

	enter        []statement
	enterToWrite []statement // instead of enter before a statement that writes, where there is any
	leave        []statement
	invalid      error // what every call gives instead

	prepared statements  // by this session on tx's connection; pgx knows of those before
	traced   bool        // a tracer sees what is sent
	busy     atomic.Bool // with a reply on tx that is not closed
	ended    atomic.Bool // tx, whose connection is somebody else's then
}

// visit makes s a session inside a transaction of the service's own.
func visit(tx pgx.Tx, s *session) *session {
	config := tx.Conn().Config()
	s.tx, s.mode, s.traced, s.prepared = tx, config.DefaultQueryExecMode, config.Tracer != nil, statements{}
	if s.mode == pgx.QueryExecModeSimpleProtocol {
		s.invalid = fmt.Errorf("bizydb: %w", ErrSimpleProtocol)
	}
	return s
}

type statement struct {
	sql  string
	args []any
}

// A call is one query of generated code. Outside a transaction it is tried again if it loses to others.
type call struct {
	*session
	ctx  context.Context
	sql  string
	args []any
}

// Exec implements DBTX.
func (s *session) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return attempt(call{s, ctx, sql, args}, call.exec)
}

// Query implements DBTX.
func (s *session) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r, err := attempt(call{s, ctx, sql, args}, call.query)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// QueryRow implements DBTX.
func (s *session) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return row{s, ctx, sql, args}
}

func attempt[T any](c call, do func(call) (T, error)) (T, error) {
	result, err := do(c)
	if c.pool != nil && lost(err) {
		return retry(c.ctx, err, func() (T, error) { return do(c) })
	}
	return result, err
}

func (c call) exec() (pgconn.CommandTag, error) {
	r, err := c.send()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := r.results.Exec()
	return tag, r.close(err)
}

// query returns when the first row has come. Before that it can be tried again, and a statement that writes has done all
// its work by then.
func (c call) query() (*rows, error) {
	r, err := c.send()
	if err != nil {
		return nil, err
	}
	pgxRows, err := r.results.Query()
	if err != nil {
		return nil, r.close(err)
	}
	rows := &rows{Rows: pgxRows, reply: r}
	if rows.peeked = rows.Next(); !rows.peeked && rows.err != nil {
		return nil, rows.err
	}
	return rows, nil
}

// send sends one query.
func (c call) send() (*reply, error) { return c.session.send(c.ctx, statement{c.sql, c.args}) }

// send sends queries in one batch and reads the answer to enter. The caller reads the answers to the queries and closes the
// reply, whose errors name the first of them.
func (s *session) send(ctx context.Context, queries ...statement) (*reply, error) {
	if s.invalid != nil {
		return nil, s.invalid
	}
	r := &reply{ctx: ctx, args: queries[0].args, query: queryOf(queries[0].sql)}
	for i, q := range queries {
		var err error
		if queries[i], err = q.encode(); err != nil {
			return nil, translate(queryOf(q.sql).name, err)
		}
	}
	if s.traced {
		ctx = withQueryName(ctx, r.query)
	}
	var to interface {
		preparer
		SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
	} = s.tx
	prepared := s.prepared
	if s.tx != nil {
		if s.ended.Load() {
			return nil, translate(r.query.name, pgx.ErrTxClosed)
		}
		if !s.busy.CompareAndSwap(false, true) {
			return nil, translate(r.query.name, errBusy)
		}
		r.busy, r.on = &s.busy, s.tx.Conn()
	} else {
		conn, err := acquire(ctx, s.pool)
		if err != nil {
			return nil, translate(r.query.name, err)
		}
		r.leased, r.on = conn, conn.Conn()
		to, prepared = r.on, statementsOf(r.on)
	}

	enter := s.enter
	if s.enterToWrite != nil && r.query.writes {
		enter = s.enterToWrite
	}
	batch := &pgx.Batch{}
	for _, stmt := range slices.Concat(enter, queries, s.leave) {
		if s.mode == pgx.QueryExecModeCacheStatement {
			if err := prepared.ensure(ctx, to, stmt.sql); err != nil {
				return nil, r.close(withUsage(err))
			}
		}
		batch.Queue(stmt.sql, stmt.args...)
	}
	r.sent = r.leased == nil || !r.on.IsClosed()
	r.results = to.SendBatch(ctx, batch)
	for range enter {
		if _, err := r.results.Exec(); err != nil {
			return nil, r.close(onEntry(err))
		}
	}
	return r, nil
}

// A reply is the answer to one batch, and the connection that it came on.
type reply struct {
	ctx     context.Context
	results pgx.BatchResults // nil before the batch was sent
	on      *pgx.Conn
	leased  *pgxpool.Conn // to give back; nil inside a transaction
	busy    *atomic.Bool  // to clear; nil outside of one
	query   *query        // the first one sent
	args    []any         // its arguments
	sent    bool          // on an open connection
	closed  bool
	lost    bool // its connection, when it was closed
	unknown bool // whether it has changed anything
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
	r.lost = !errors.Is(err, pgx.ErrTxClosed) && r.on.IsClosed()
	if err != nil {
		if r.busy != nil && pgconn.SafeToRetry(err) && !ended(err) && r.on.PgConn().IsBusy() { // with rows of the service's own
			err = errBusy
		}
		r.unknown = r.leased != nil && r.sent && unanswered(r.on, err) && r.query.changes
		closeIfStale(r.on, err)
	}
	if r.leased != nil {
		r.leased.Release()
	}
	if r.busy != nil {
		r.busy.Store(false)
	}
	return r.translate(err)
}

func (r *reply) translate(err error) error { return r.translateFor(r.query, err) }

// translateFor is for the answer to one of the queries.
func (r *reply) translateFor(q *query, err error) error {
	switch {
	case err == nil:
		return nil
	case r.unknown:
		err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	default:
		lost := r.lost || !r.closed && r.on.IsClosed() // afterwards it is somebody else's
		err = withIndex(failed(r.ctx, lost, r.sent, err), r.args)
	}
	return fmt.Errorf("bizydb: %s: %w", q.name, err)
}

// unanswered says whether err has cut off the answer to what was sent on a connection, which was open. (That it is closed is
// what pgx can say of a connection that was lost since. It says that it is safe to try again then, which it is not.)
func unanswered(on *pgx.Conn, err error) bool {
	var pgErr *pgconn.PgError
	var notSent pgx.ErrPreprocessingBatch
	switch {
	case errors.As(err, &notSent) || pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed):
		return false
	case errors.As(err, &pgErr) && pgErr.SeverityUnlocalized == "ERROR": // this is the answer
		return false
	case hasCode(err, pgerrcode.IdleInTransactionSessionTimeout, pgerrcode.IdleSessionTimeout): // the server had given up waiting for what was sent then
		return false
	default:
		return on.IsClosed()
	}
}
