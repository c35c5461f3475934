package bizydb

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A DBTX runs statements of the service's own, confined to the user of a scope. It has the methods that sqlc's generated code
// calls:
//
//	comments, err := store.New(scope.DBTX()).LatestComments(ctx, store.LatestCommentsParams{TaskID: task, Max: 5})
//
// Handwritten statements work too, with the helpers of pgx: named arguments, [pgx.CollectRows], [pgx.RowToStructByName]. (A
// [pgx.QueryRewriter] is called with a nil connection. [pgx.CollectOneRow] returns [pgx.ErrNoRows] if there is no row, and not
// [ErrNotFound].)
//
// A statement runs as role bizydb_user and takes one round trip. Outside a [Tx] each statement is a transaction of its own, and
// is retried like the methods of the scope. The DBTX of a [Reporting] is not confined to a user, and is read-only.
//
// An error of the server means that nothing was committed. [ErrOutcomeUnknown] means that the answer was lost. Three errors
// come after the commit: an error of Scan, because a type does not fit; [ErrNotFound] of a QueryRow in a [pgx.Batch]; and an
// error of a function that is queued in a [pgx.Batch]. Use [Scope.InTx] if such an error must undo the statement.
//
// The words of a statement, outside comments and strings, decide how it runs:
//
//   - A statement with INSERT, UPDATE, DELETE, MERGE or FOR SHARE takes the user's advisory lock, like every write. A statement
//     that calls a function which bizydb knows to write, such as nextval, pg_notify or roll_up, takes the lock too.
//   - Any other statement runs read-only on the server. If it calls a function that writes, it returns [ErrReadOnly]: run such
//     a statement by DBTX(Writes); see [Writes]. In a [Tx] of [Scope.InTx] or [Scope.WithTx], statements are not made
//     read-only.
//   - A statement begins with SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES or TABLE. Any other first word returns
//     [ErrStatement] before anything is sent. A statement that changes a setting, creates a table with INTO, or takes a lock that
//     stays with the connection returns [ErrStatement] too.
//
// These rules prevent mistakes. They do not protect against injected SQL: a statement written by an attacker could act as any
// user.
//
// Times are returned in UTC. Qualify tables with their schema, as in public.tasks. An unqualified name can find a temporary table
// that an earlier user of the connection has left in pg_temp. docs/your-own-queries.md has the limits of dynamic SQL, and the
// rules for a transaction on a connection of another pool.
type DBTX interface {
	// Exec runs a statement. The tag has the number of rows that the statement changed or found.
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	// Query returns the rows of a statement. The connection is in use until the rows have been read to the end or closed. The
	// method Conn of the rows returns nil.
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	// QueryRow returns the first row of a statement. Scan of the row returns [ErrNotFound] if there is none.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	// SendBatch sends statements in one round trip, as one transaction. sqlc's :batchexec, :batchmany and :batchone call it. The
	// first error ends the batch. After an error of the server nothing is committed. Functions that are queued in the batch, as
	// by [pgx.QueuedQuery.Query], are called after the commit. The batch is not retried. Close the results. In a [Scope.Batch],
	// which is a batch itself, SendBatch returns [ErrStatement].
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	// CopyFrom returns [ErrStatement]: COPY does not work with row security. The method exists so that sqlc's :copyfrom compiles.
	// To add many rows in one statement, use INSERT ... SELECT from unnest or jsonb_to_recordset.
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// An Access says how statements of a [DBTX] are run if their text does not tell.
type Access int

// Writes makes every statement of a [DBTX] count as a write: scope.DBTX(bizydb.Writes). It is for statements that call functions
// which write.
const Writes Access = 1

// DBTX runs the service's own statements in the scope; see the type [DBTX]. Without access, the text of each statement decides
// whether it is a write. With [Writes] every statement is a write.
func (s Scope) DBTX(access ...Access) DBTX { return own(s.session(), access) }

// DBTX runs the service's own statements in the transaction; see the type [DBTX], and [Scope.DBTX] for access. In a
// [Scope.Snapshot], a statement that writes returns [ErrReadOnly].
func (t *Tx) DBTX(access ...Access) DBTX { return own(executor.Of(t), access) }

func own(session *executor.Session, access []Access) DBTX {
	if slices.Contains(access, Writes) {
		return session.Own(executor.Writes)
	}
	return session.Own(executor.ByText)
}
