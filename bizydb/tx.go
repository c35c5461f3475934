package bizydb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Tx is a user's scope inside one transaction. Each call is one round trip. A Tx is not safe for concurrent use, and must not be
// used after the transaction has ended.
type Tx struct {
	planner.ReadWriter
}

// How long a rollback may take once the caller's context is of no use; the connection is closed after that.
const rollbackTimeout = 5 * time.Second

var (
	writing = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	reading = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
)

// InTx runs fn in one transaction. It commits if fn returns nil and rolls back if fn returns an error, which it returns unchanged, or
// panics. Begin and commit are one round trip each.
//
// A transaction that fails with a serialization failure or a deadlock is retried with exponential backoff, from about 10 ms to 500 ms:
// fn may run up to ten times, so keep side effects out of it. If all attempts fail, InTx returns the last error.
//
// Writes for one user are serialized by an advisory lock, which InTx takes when it begins.
//
// A statement that fails aborts the transaction. If fn returns nil nevertheless, InTx returns an error and nothing is committed.
// Inside fn use tx and not the scope: the scope's own connection could wait for this transaction forever.
func (s Scope) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	return s.inTx(ctx, enterScopeSQL+lockUserSQL, writing, fn)
}

// Snapshot runs fn in a read-only transaction in which every query sees the same snapshot of the database, taken when the transaction
// begins. A write gives [ErrReadOnly].
func (s Scope) Snapshot(ctx context.Context, fn func(tx *Tx) error) error {
	return s.inTx(ctx, enterScopeSQL, reading, fn)
}

func (s Scope) inTx(ctx context.Context, enter string, options pgx.TxOptions, fn func(tx *Tx) error) error {
	once := func() error {
		return s.inOneTx(ctx, enter, options, func(session *session) error { return fn(&Tx{ReadWriter: planner.New(session)}) })
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
