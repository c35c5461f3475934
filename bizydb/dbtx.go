package bizydb

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A DBTX runs a service's own statements confined to the user of a scope. It is what the code that sqlc generates for the service takes:
//
//	comments, err := store.New(scope.DBTX()).LatestComments(ctx, store.LatestCommentsParams{TaskID: task, Max: 5})
//
// Statements written by hand go through it too, with the helpers of pgx: named arguments, [pgx.CollectRows], [pgx.RowToStructByName]. (A
// [pgx.QueryRewriter] gets no connection. [pgx.CollectOneRow] returns [pgx.ErrNoRows] by itself.) A statement runs as role bizydb_user, in
// one round trip and, outside a [Tx], in a transaction of its own. It is retried as the methods of the scope are. [Reporting] has one that
// is not confined and only reads.
//
// An error of the server means that nothing was committed, and [ErrOutcomeUnknown] that the answer was lost. A Scan into a type that does
// not fit and an error of a function in a batch come after the commit: use [Scope.InTx] where they have to undo it.
//
// The words of a statement, outside comments and strings, decide what it may do:
//
//   - INSERT, UPDATE, DELETE, MERGE and FOR SHARE take the user's lock, like every write. So does a function of the name of one that
//     writes, such as nextval, pg_notify or roll_up.
//   - Any other statement is read-only for the server too: a function that writes gives [ErrReadOnly]. Call it by a DBTX of [Writes]. In a
//     service's own transaction, [Scope.WithTx], nothing is made read-only.
//   - SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES and TABLE may begin a statement. Another one gives [ErrStatement] before anything
//     is sent. So does a statement that changes a setting, makes a table by INTO, or takes a lock that stays with the connection.
//
// This keeps out mistakes. It is no protection from statements that others write: what is sent here can become any user.
//
// Times are returned in UTC. Name tables by their schema, as in public.tasks: what another user of the connection has left in pg_temp comes
// first otherwise. docs/your-own-queries.md has the limits of dynamic SQL, and what holds in a transaction on another pool's connection.
type DBTX interface {
	// Exec runs a statement and returns how many rows it has changed or found.
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	// Query returns the rows of a statement. The connection is in use until they have been read to the end or closed. Their Conn is nil.
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	// QueryRow returns the first row of a statement, whose Scan gives [ErrNotFound] if there is none.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	// SendBatch sends statements in one round trip, in one transaction. sqlc's :batchexec, :batchmany and :batchone call it. The first error
	// ends the batch, and the server's commits nothing. The functions of the batch are called after the commit. It is not retried. Close the
	// results. In a [Scope.Batch], which is a batch already, it gives [ErrStatement].
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
func (t *Tx) DBTX(access ...Access) DBTX { return own(executor.Of(t), access) }

func own(session *executor.Session, access []Access) DBTX {
	if slices.Contains(access, Writes) {
		return session.Own(executor.Writes)
	}
	return session.Own(executor.ByText)
}
