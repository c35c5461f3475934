package bizydb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Tx is a user's scope inside one transaction. Each call is one round trip. A Tx is not safe for concurrent use: a call
// while another one runs, or inside the loop of StreamTasks, gives [ErrBusy]. It must not be used after the transaction has ended.
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
// fn may run up to ten times, so keep side effects out of it. If all attempts fail, InTx returns the last error, which is [ErrContention].
//
// Writes for one user are serialized by an advisory lock, which InTx takes when it begins.
//
// A statement that fails aborts the transaction. If fn returns nil nevertheless, InTx returns an error and nothing is committed.
// Inside fn use tx and not the scope: the scope's own connection could wait for this transaction forever, or for a connection that
// the pool does not have ([ErrPoolExhausted], when ctx ends).
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
	conn, err := acquire(ctx, s.db.pool)
	if err != nil {
		return translate("begin", err)
	}
	defer conn.Release()

	tx, err := s.begin(ctx, conn.Conn(), s.entry(enter), options)
	if err != nil {
		return fmt.Errorf("bizydb: begin: %w", err)
	}
	defer rollback(ctx, tx) // does nothing after a commit

	session := &session{tx: tx, mode: s.db.mode, traced: s.db.traced, prepared: statements{}}
	defer session.ended.Store(true)
	if err := fn(session); err != nil {
		return err
	}
	if session.busy.Load() {
		return translate("commit", errBusy)
	}
	sent := !conn.Conn().IsClosed()
	if err := tx.Commit(ctx); err != nil {
		if sent && options.AccessMode != pgx.ReadOnly && unanswered(conn.Conn(), err) {
			return fmt.Errorf("bizydb: commit: %w: %w", ErrOutcomeUnknown, err)
		}
		return fmt.Errorf("bizydb: commit: %w", failed(ctx, conn.Conn().IsClosed(), sent, err))
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
				return nil, failed(ctx, conn.IsClosed(), false, withUsage(err))
			}
		}
		batch.Queue(stmt.sql, stmt.args...)
	}
	results := conn.SendBatch(ctx, batch)
	if err := results.Close(); err != nil {
		rollback(ctx, results.Tx()) // does nothing if it has not begun
		closeIfStale(conn, err)
		return nil, failed(ctx, conn.IsClosed(), true, onEntry(err))
	}
	return results.Tx(), nil
}

func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}
