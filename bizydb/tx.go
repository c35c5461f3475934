package bizydb

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Tx is a user's scope inside one transaction. Each call is one round trip. A Tx is not safe for concurrent use: a call while
// another one runs, or inside the loop of StreamTasks, returns [ErrBusy]. Do not use a Tx after its transaction has ended.
type Tx struct {
	planner.ReadWriter
	handle
}

func newTx(session *executor.Session) *Tx {
	return &Tx{planner.New(session), executor.NewHandle(session)}
}

// InTx runs fn in one transaction. It commits if fn returns nil. It rolls back if fn panics or returns an error. InTx returns the
// error of fn unchanged. Begin and commit are one round trip each.
//
// fn may run up to ten times, so keep side effects out of it: a transaction that fails with a serialization failure or a deadlock
// is retried with exponential backoff, from about 10 ms to 500 ms. If all attempts fail, InTx returns the last error, which is
// [ErrContention].
//
// Writes by bizydb for one user are serialized by an advisory lock, which InTx takes when it begins.
//
// A statement that fails aborts the transaction: if fn ignores its error and returns nil, InTx returns an error and nothing is
// committed. Inside fn use tx and not the scope. A call of the scope needs a second connection. On it, a write waits for the
// advisory lock that this transaction holds, until ctx ends. If the pool has no connection left, every call waits until ctx ends
// and returns [ErrPoolExhausted].
func (s Scope) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	return s.session().InTx(ctx, pgx.ReadWrite, inTx(fn))
}

// Snapshot runs fn in a read-only transaction in which every query sees the same snapshot of the database, taken when the
// transaction begins. A write returns [ErrReadOnly]. Begin and commit are one round trip each. fn may run up to ten times, as in
// [Scope.InTx].
func (s Scope) Snapshot(ctx context.Context, fn func(tx *Tx) error) error {
	return s.session().InTx(ctx, pgx.ReadOnly, inTx(fn))
}

func inTx(fn func(*Tx) error) func(*executor.Session) error {
	return func(session *executor.Session) error { return fn(newTx(session)) }
}
