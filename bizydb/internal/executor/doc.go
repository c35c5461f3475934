// Package executor runs statements confined: each is sent with the statements that take a role and make settings, in one round trip
// and one transaction, and nothing of that is left on the connection. It knows nothing of the tables. What it has to know of a
// schema is a [Config], and how a role is entered is an [Entry].
//
// A [Pool] gives sessions. A [Session] is what generated code calls DBTX, on connections of the pool or inside a transaction:
//
//   - Each call is one round trip on a warm connection: enter, statement and leave are one batch, prepared by name in exec mode
//     cache_statement.
//   - A call or transaction of the pool that loses to others, by a serialization failure or a deadlock, is retried with backoff.
//   - Errors are classified: each is one of this package's or of the schema's, with the statement's name, and the server's own error
//     stays reachable. A change whose answer was lost is [ErrOutcomeUnknown], and every other error of it means that nothing was
//     committed.
//   - Times come back in UTC.
//   - A connection goes back to the pool when its last row has been read or the rows are closed. One whose prepared statements are
//     stale, or with too many rows left, is closed instead.
//
// [Session.InTx] runs several statements in one transaction, [Batch] those of several functions in one pipeline.
package executor

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DBTX is what sqlc's generated code runs its queries on.
type DBTX interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
