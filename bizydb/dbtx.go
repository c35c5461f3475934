package bizydb

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A DBTX runs a service's own statements confined to the user of a scope. It is what the code that sqlc generates for the service takes:
//
//	comments, err := store.New(scope.DBTX()).LatestComments(ctx, store.LatestCommentsParams{TaskID: task, Max: 5})
//
// Statements written by hand go through it too, with the helpers of pgx: named arguments, [pgx.CollectRows], [pgx.RowToStructByName]. A
// statement runs as role bizydb_user, in one round trip and, outside a [Tx], in a transaction of its own. Retries, errors and
// [ErrOutcomeUnknown] are as for the methods of the scope.
//
// SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES and TABLE may begin a statement. Others, and those that call set_config or update
// pg_settings, give [ErrStatement] before anything is sent: the scope is made of settings. This keeps out mistakes. It is no protection
// from statements that others write: what is sent here can become any user.
//
// A statement that has INSERT, UPDATE, DELETE, MERGE or FOR SHARE in its text, comments and strings aside, takes the user's lock like every
// write. So does one that calls nextval, setval or bizydb's roll_up. Any other statement is read-only for the server too, so a function
// that writes gives [ErrReadOnly]: call it by a DBTX of [Writes]. (In a transaction of the service's own, [Scope.WithTx], nothing is made
// read-only, and such a function writes without the lock.)
//
// Times are returned in UTC, in all of the types that pgx scans a timestamptz into, arrays, ranges, maps and Values included, since the
// connections of the pool decode them so. In a transaction on another pool's connection, [Scope.WithTx], this holds for what is scanned
// into time.Time, *time.Time, pgtype.Timestamptz, sql.NullTime and slices of time.Time.
//
// At most 500 statements stay prepared on a connection, and a megabyte of text, those used last. Texts that are made up as the program runs work, at one or two
// round trips more each time that they are new to the connection.
type DBTX interface {
	// Exec runs a statement and returns how many rows it has changed or found.
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	// Query returns the rows of a statement. The connection is in use until they have been read to the end or closed. Their Conn is nil.
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	// QueryRow returns the first row of a statement, whose Scan gives [ErrNotFound] if there is none.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	// SendBatch sends statements in one round trip, in one transaction. sqlc's :batchexec, :batchmany and :batchone call it. The first error
	// ends the batch, and nothing is committed. It is not retried. In a [Scope.Batch], which is a batch already, it gives [ErrStatement].
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	// CopyFrom gives [ErrStatement]: row security does not take COPY. It is there for sqlc's :copyfrom to compile. INSERT ... SELECT from
	// unnest or jsonb_to_recordset adds many rows in one statement.
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// An Access says what statements of a [DBTX] do that their text does not say.
type Access int

// Writes is for statements that call functions that write: each of them counts as a write.
const Writes Access = 1

// DBTX runs the service's own statements in the scope.
func (s Scope) DBTX(access ...Access) DBTX { return own(s.session(), access) }

// DBTX runs the service's own statements in the transaction. In a [Scope.Snapshot], one that writes gives [ErrReadOnly].
func (t *Tx) DBTX(access ...Access) DBTX { return own(t.session, access) }

func own(session *executor.Session, access []Access) DBTX {
	writes := false
	for _, a := range access {
		writes = writes || a == Writes
	}
	return session.Own(writes)
}
