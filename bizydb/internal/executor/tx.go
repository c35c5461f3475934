package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long a rollback may take once the caller's context is of no use; the connection is closed after that.
const rollbackTimeout = 5 * time.Second

// options of a transaction. One that reads has one snapshot; one that writes sees in each statement what was committed before it.
func options(access pgx.TxAccessMode) pgx.TxOptions {
	if access == pgx.ReadOnly {
		return pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	}
	return pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
}

// InTx is [Session.InOneTx], and retries a transaction that loses to others: fn may run up to ten times.
func (s *Session) InTx(ctx context.Context, access pgx.TxAccessMode, fn func(*Session) error) error {
	err := s.InOneTx(ctx, access, fn)
	if retryable(err) {
		_, err = retry(ctx, err, func() (struct{}, error) { return struct{}{}, s.InOneTx(ctx, access, fn) })
	}
	return err
}

// InOneTx runs fn once, in a transaction on a connection of the pool. The transaction enters when it begins, to write unless access is
// read-only; inTx runs statements in it as they are. It commits if fn returns nil, and otherwise rolls back and returns fn's error
// unchanged.
func (s *Session) InOneTx(ctx context.Context, access pgx.TxAccessMode, fn func(inTx *Session) error) (err error) {
	if s.entry.Invalid != nil {
		return s.config.wrap("begin", s.entry.Invalid)
	}
	on := s.routeToBegin(access)
	conn, err := on.acquire(ctx)
	if err != nil {
		return s.config.wrap("begin", err)
	}
	defer conn.Release()

	tx, err := s.begin(ctx, conn.Conn(), access, on)
	if other := on.instead(ctx, err); other != nil {
		on = other
		tx, err = s.begin(ctx, conn.Conn(), access, on)
	}
	if err != nil {
		return &callError{"begin", err}
	}
	defer rollback(ctx, tx) // does nothing after a commit
	if access == pgx.ReadOnly {
		if err := on.ended(true, true); err != nil {
			closeConn(conn.Conn())
			return &callError{"begin", err}
		}
	} else {
		if err := on.begun(); err != nil {
			closeConn(conn.Conn())
			return &callError{"begin", err}
		}
		defer func() { // whether it has committed or not, and whatever fn has seen
			if endErr := on.ended(true, err == nil); endErr != nil {
				closeConn(conn.Conn())
				if err == nil {
					err = &callError{"commit", endErr}
				}
			}
		}()
	}

	inTx := &Session{config: s.config, entry: Entry{Key: s.entry.Key}, tx: tx, mode: s.mode, traced: s.traced}
	defer inTx.ended.Store(true)
	if err := fn(inTx); err != nil {
		closeIfStandby(conn.Conn(), access != pgx.ReadOnly, err)
		return err
	}
	if inTx.busy.Load() {
		return s.config.wrap("commit", errBusy)
	}
	sent := !conn.Conn().IsClosed()
	if err := tx.Commit(ctx); err != nil {
		if sent && access != pgx.ReadOnly && s.config.unanswered(conn.Conn(), err) {
			return &callError{"commit", fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)}
		}
		return &callError{"commit", s.config.failed(ctx, conn.Conn().IsClosed(), sent, err)}
	}
	return nil
}

// begin begins a transaction and enters, in one round trip.
func (s *Session) begin(ctx context.Context, conn *pgx.Conn, access pgx.TxAccessMode, on *Route) (pgx.Tx, error) {
	if len(on.Before) > 0 {
		before := &pgx.Batch{}
		if err := s.queue(ctx, before, conn, conn, on.Before); err != nil {
			return nil, s.config.failed(ctx, conn.IsClosed(), false, s.config.withUsage(err, false))
		}
		if err := conn.SendBatch(ctx, before).Close(); err != nil {
			closeIfStale(conn, err)
			closeIfStandby(conn, false, err)
			return nil, s.config.failed(ctx, conn.IsClosed(), true, err)
		}
	}
	batch := &pgx.Batch{}
	batch.BeginTx(options(access))
	if err := s.queue(ctx, batch, conn, conn, on.Enter); err != nil {
		return nil, s.config.failed(ctx, conn.IsClosed(), false, s.config.withUsage(err, false))
	}
	results := conn.SendBatch(ctx, batch)
	_, err := results.Exec()
	for _, stmt := range on.Enter {
		if err == nil {
			err = stmt.read(results)
		}
	}
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		rollback(ctx, results.Tx()) // does nothing if it has not begun
		closeIfStandby(conn, access != pgx.ReadOnly, err)
		closeIfStale(conn, err)
		return nil, s.config.failed(ctx, conn.IsClosed(), true, s.onEntry(conn, err))
	}
	return results.Tx(), nil
}

// endBlock ends a block of which an error has skipped the COMMIT.
func endBlock(conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_ = conn.PgConn().Exec(ctx, "ROLLBACK").Close() // after an error the pool closes the connection
}

func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}
