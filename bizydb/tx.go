package bizydb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Tx is a user's scope inside one transaction. Each call is one round trip. It must not be used by two goroutines at
// once, nor after the transaction has ended.
type Tx struct {
	planner.Catalogue
}

// How long a rollback may take once the caller's context is of no use; the connection is closed after that.
const rollbackTimeout = 5 * time.Second

var (
	writing = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	reading = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
)

// InTx runs fn in one transaction, committed if fn returns nil and rolled back if it returns an error or panics. fn's
// error is returned as it is, a panic goes on. Beginning and committing are one round trip each.
//
// fn may run again: a transaction that the server undoes in favour of another one, which is a deadlock or a serialization
// failure, is tried up to ten times, with growing pauses of some ten to some hundred milliseconds. What fn does outside
// the database should bear that. The last error is returned.
//
// From its beginning on, other transactions that write for the same user wait for this one.
//
// A statement that fails aborts the transaction: fn cannot go on after it, and if it returns nil all the same, InTx
// reports that nothing was committed. Inside fn use tx and not the scope: on a connection of its own, that could wait for
// this transaction forever.
func (s Scope) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	return s.inTx(ctx, enterScopeSQL+lockUserSQL, writing, fn)
}

// Snapshot runs fn in a read-only transaction in which every query sees the database as it was when fn was called. A
// write in it gives [ErrReadOnly].
func (s Scope) Snapshot(ctx context.Context, fn func(tx *Tx) error) error {
	return s.inTx(ctx, enterScopeSQL, reading, fn)
}

func (s Scope) inTx(ctx context.Context, enter string, options pgx.TxOptions, fn func(tx *Tx) error) error {
	once := func() error {
		return s.inOneTx(ctx, enter, options, func(session *session) error { return fn(&Tx{Catalogue: planner.New(session)}) })
	}
	err := once()
	if lost(err) {
		_, err = retry(ctx, err, func() (struct{}, error) { return struct{}{}, once() })
	}
	return err
}

func (s Scope) inOneTx(ctx context.Context, enter string, options pgx.TxOptions, fn func(*session) error) error {
	if err := s.invalid(); err != nil {
		return err
	}
	conn, err := s.db.pool.Acquire(ctx)
	if err != nil {
		return translate("begin", err)
	}
	defer conn.Release()

	tx, err := s.begin(ctx, conn.Conn(), s.entry(enter), options)
	if err != nil {
		return fmt.Errorf("bizydb: begin: %w", err)
	}
	defer rollback(ctx, tx) // does nothing after a commit

	if err := fn(&session{tx: tx, mode: s.db.mode, prepared: statements{}}); err != nil {
		return err
	}
	sent := !conn.Conn().IsClosed() && options.AccessMode != pgx.ReadOnly
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("bizydb: commit: %w", withOutcome(named(err), sent && unanswered(conn.Conn(), err)))
	}
	return nil
}

// begin begins a transaction and confines it, in one round trip.
func (s Scope) begin(ctx context.Context, conn *pgx.Conn, enter []statement, options pgx.TxOptions) (pgx.Tx, error) {
	batch := &pgx.Batch{}
	batch.BeginTx(options)
	for _, stmt := range enter {
		if s.db.mode == pgx.QueryExecModeCacheStatement {
			if err := statementsOf(conn).ensure(ctx, conn, stmt.sql); err != nil {
				return nil, named(withUsage(err))
			}
		}
		batch.Queue(stmt.sql, stmt.args...)
	}
	results := conn.SendBatch(ctx, batch)
	if err := results.Close(); err != nil {
		rollback(ctx, results.Tx()) // does nothing if it has not begun
		closeIfStale(conn, err)
		return nil, namedOnEntry(err)
	}
	return results.Tx(), nil
}

func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}
