package executor

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// send sends one query.
func (c call) send() (*reply, error) { return c.Session.send(c.ctx, Statement{c.sql, c.args}) }

// send sends queries in one batch and reads the answer to enter. The caller reads the answers to the queries and closes the
// reply, whose errors name the first of them.
func (s *Session) send(ctx context.Context, queries ...Statement) (*reply, error) {
	if s.entry.Invalid != nil {
		return nil, s.entry.Invalid
	}
	r := &reply{session: s, ctx: ctx, args: queries[0].Args, query: s.config.query(queries[0].SQL)}
	for i, q := range queries {
		var err error
		if queries[i].Args, err = s.config.Encode(q.SQL, q.Args); err != nil {
			return nil, s.config.wrap(NameOf(q.SQL), err)
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
			return nil, s.config.wrap(r.query.name, pgx.ErrTxClosed)
		}
		if !s.busy.CompareAndSwap(false, true) {
			return nil, s.config.wrap(r.query.name, errBusy)
		}
		r.on = s.tx.Conn()
	} else {
		conn, err := acquire(ctx, s.pool)
		if err != nil {
			return nil, s.config.wrap(r.query.name, err)
		}
		r.leased, r.on = conn, conn.Conn()
		to, prepared = r.on, preparedOn(r.on)
	}

	enter := s.entry.enter(r.query.Writes)
	batch := &pgx.Batch{}
	if err := s.queue(ctx, batch, to, prepared, slices.Concat(enter, queries, s.entry.Leave)); err != nil {
		return nil, r.close(err)
	}
	r.sent = r.leased == nil || !r.on.IsClosed()
	r.results = to.SendBatch(ctx, batch)
	for range enter {
		if _, err := r.results.Exec(); err != nil {
			return nil, r.close(s.config.onEntry(err))
		}
	}
	return r, nil
}

// queue adds statements to a batch, and prepares them by name first in exec mode cache_statement.
func (s *Session) queue(ctx context.Context, batch *pgx.Batch, on preparer, prepared preparedStatements, statements []Statement) error {
	for _, stmt := range statements {
		if s.mode == pgx.QueryExecModeCacheStatement {
			if err := prepared.ensure(ctx, on, stmt.SQL); err != nil {
				return s.config.withUsage(err)
			}
		}
		batch.Queue(stmt.SQL, stmt.Args...)
	}
	return nil
}
