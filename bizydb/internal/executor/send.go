package executor

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// send sends one query.
func (c call) send() (*reply, error) {
	return c.Session.send(c.ctx, c.on, c.statement)
}

// sendAll sends queries on a route, and on others if they are not answered there.
func (s *Session) sendAll(ctx context.Context, on *Route, queries []statement) (*reply, error) {
	r, err := s.send(ctx, on, queries...)
	for other := on.instead(ctx, err); other != nil; other = on.instead(ctx, err) {
		on = other
		r, err = s.send(ctx, on, queries...)
	}
	return r, err
}

// send sends queries in one batch on a route, and reads the answers to what comes before them. The caller reads the answers to the
// queries and closes the reply, whose errors name the first of them.
func (s *Session) send(ctx context.Context, on *Route, queries ...statement) (_ *reply, err error) {
	if s.entry.Invalid != nil {
		return nil, s.config.wrap(queries[0].name, s.entry.Invalid)
	}
	r := &reply{session: s, route: on, caller: ctx, args: queries[0].Args, query: queries[0].query}
	all := make([]Statement, 0, len(on.Enter)+len(queries)+len(on.Leave))
	all = append(all, on.Enter...)
	for _, q := range queries {
		if q.Args, err = s.config.Encode(q.published(), q.Args); err != nil {
			return nil, s.config.wrap(q.name, err)
		}
		if q.keyed {
			q.Args = slices.Concat(q.Args, []any{s.entry.Key})
		}
		all = append(all, q.Statement)
		r.changes = r.changes || q.Changes
	}
	all = append(all, on.Leave...)
	if on.Context != nil {
		ctx, r.end = on.Context(ctx)
		defer func() {
			if err != nil {
				r.end()
			}
		}()
	}
	r.ctx = ctx
	if s.traced {
		ctx = withQueryName(ctx, r.query)
	}
	var to interface {
		preparer
		SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
	} = s.tx
	if s.tx != nil {
		if s.ended.Load() {
			return nil, s.config.wrap(r.query.name, pgx.ErrTxClosed)
		}
		if !s.busy.CompareAndSwap(false, true) {
			return nil, s.config.wrap(r.query.name, errBusy)
		}
		r.on = s.tx.Conn()
	} else {
		conn, err := on.acquire(ctx)
		if err != nil {
			return nil, s.config.wrap(r.query.name, err)
		}
		r.leased, r.on = conn, conn.Conn()
		to = r.on
	}

	batch := &pgx.Batch{}
	if err := s.queue(ctx, batch, to, r.on, all); err != nil {
		return nil, r.close(s.config.withUsage(err, r.query.own))
	}
	r.sent = r.leased == nil || !r.on.IsClosed()
	r.results = to.SendBatch(ctx, batch)
	if on.Ended != nil {
		r.before = len(on.Enter) + len(queries)
		r.results = &counted{BatchResults: r.results}
	}
	for _, stmt := range on.Enter {
		if err := stmt.read(r.results); err != nil {
			return nil, r.close(s.onEntry(r.on, err))
		}
	}
	return r, nil
}

// read reads the answer to a statement.
func (s Statement) read(results pgx.BatchResults) error {
	if s.Into != nil {
		return results.QueryRow().Scan(s.Into...)
	}
	_, err := results.Exec()
	return err
}

// queue adds statements to a batch, and prepares them by name first in exec mode cache_statement.
func (s *Session) queue(ctx context.Context, batch *pgx.Batch, on preparer, conn *pgx.Conn, statements []Statement) error {
	if s.mode == pgx.QueryExecModeCacheStatement {
		if err := preparedOn(conn).ensure(ctx, on, conn, s.seen, statements); err != nil {
			return err
		}
	}
	for _, stmt := range statements {
		batch.Queue(stmt.SQL, stmt.Args...)
	}
	return nil
}
