package executor

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Pool has the connections of one database, and what sessions have to know of them.
type Pool struct {
	*pgxpool.Pool
	Config *Config
	Mode   pgx.QueryExecMode // of the connections
	Traced bool              // a tracer sees what is sent
}

// A Session runs every statement as one batch: enter, statement, leave.
//
// A batch without BEGIN is one implicit transaction, so the settings that enter makes end with it and the whole is one
// round trip. In a transaction of InTx, enter has run already; in a service's own, leave undoes it.
//
// On a pool it is safe for concurrent use. Inside a transaction, a call while another one runs gives [ErrBusy].
type Session struct {
	config *Config
	entry  Entry
	router Router        // if it is not nil, in place of the entry's statements
	pool   *pgxpool.Pool // where each batch takes a connection, or
	tx     pgx.Tx        // where all of them run

	seen   map[string]bool // texts that this session has prepared, if tx is a service's own
	mode   pgx.QueryExecMode
	traced bool        // a tracer sees what is sent
	busy   atomic.Bool // with a reply on tx that is not closed
	ended  atomic.Bool // tx, whose connection is somebody else's then
}

// Session returns a session on connections of the pool. Its entry needs no Leave.
func (p *Pool) Session(entry Entry) *Session {
	return &Session{config: p.Config, entry: p.Config.entry(entry), pool: p.Pool, mode: p.Mode, traced: p.Traced}
}

// Join returns a session inside a transaction of the service's own.
func (s *Session) Join(tx pgx.Tx, entry Entry) *Session {
	config := tx.Conn().Config()
	if config.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		entry.Invalid = ErrSimpleProtocol
	}
	return &Session{
		config: s.config, entry: s.config.entry(entry), tx: tx, mode: config.DefaultQueryExecMode, traced: config.Tracer != nil, seen: map[string]bool{},
	}
}

// A call is one statement. Outside a transaction it is tried again if it loses to others.
type call struct {
	*Session
	statement
	ctx context.Context
	on  *Route
}

// Exec implements DBTX.
func (s *Session) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return s.exec(ctx, s.config.statement(sql, args))
}

// Query implements DBTX.
func (s *Session) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return s.query(ctx, s.config.statement(sql, args))
}

// QueryRow implements DBTX.
func (s *Session) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return s.queryRow(ctx, s.config.statement(sql, args))
}

func (s *Session) exec(ctx context.Context, stmt statement) (pgconn.CommandTag, error) {
	return attempt(call{Session: s, statement: stmt, ctx: ctx}, call.exec)
}

func (s *Session) query(ctx context.Context, stmt statement) (pgx.Rows, error) {
	r, err := attempt(call{Session: s, statement: stmt, ctx: ctx}, call.query)
	if err != nil {
		return noRows{err: err}, err
	}
	return r, nil
}

func (s *Session) queryRow(ctx context.Context, stmt statement) pgx.Row {
	return row{Session: s, statement: stmt, ctx: ctx}
}

func (s *Session) settings() *Config { return s.config }

func attempt[T any](c call, do func(call) (T, error)) (T, error) {
	c.on = c.route([]statement{c.statement})
	result, err := do(c)
	for other := c.on.instead(c.ctx, err); other != nil; other = c.on.instead(c.ctx, err) {
		c.on = other
		result, err = do(c)
	}
	if c.pool != nil && retryable(err) {
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
	r.shown = true
	return rows, nil
}
