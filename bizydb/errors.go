package bizydb

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/schema/version"
)

// Kinds of errors of the methods. Test for a kind with [errors.Is]. An error matches at most one of these kinds, except that
// [ErrGoalCycle] to [ErrUsernameTaken] match [ErrConflict] too. [errors.As] with a *pgconn.PgError gives the server's own
// error. If the context has ended, the error matches [context.Canceled] or [context.DeadlineExceeded], either alone or
// together with one of these kinds. docs/errors.md says what a service can do about each kind, and which HTTP status fits.
var (
	// ErrNotFound means that the user has no such row. A row of another user returns the same error as a row that does not exist.
	ErrNotFound = executor.ErrNotFound
	// ErrUnknownReference means that a value references a row that the user does not have, such as a parent goal or a dependency,
	// or that a foreign key of the service's own is violated. It is a [*FieldError], except for a foreign key that
	// [WithConstraints] does not describe.
	ErrUnknownReference = errors.New("unknown reference")
	// ErrInvalid means that a value is not allowed. Usually it is a [*FieldError], which names the field.
	ErrInvalid = planner.ErrInvalid
	// ErrConflict means that a value is allowed but conflicts with other rows. The error is one of the next five, or it is about
	// a unique index or an exclusion constraint of the service's own: see [WithConstraints].
	ErrConflict = errors.New("conflict")
	// ErrGoalCycle means that a goal would be under itself or under one of its own sub-goals.
	ErrGoalCycle error = conflict("goal would be its own ancestor")
	// ErrDependencyCycle means that a task would depend on itself, directly or through other tasks.
	ErrDependencyCycle error = conflict("task would depend on itself")
	// ErrVersionConflict means that a goal or task is not at the expected version: it has changed since it was read.
	ErrVersionConflict error = conflict("row is at another version")
	// ErrEmailTaken means that another account has the email address, ignoring case.
	ErrEmailTaken error = conflict("email address is taken")
	// ErrUsernameTaken means that another account has the username, ignoring case.
	ErrUsernameTaken error = conflict("username is taken")
	// ErrInvalidCredentials means that a sign-in or a change of password was refused. [Accounts.Authenticate] returns it for an
	// unknown email address or username, a wrong password, an account without a password and an inactive account alike.
	// [Accounts.ChangePassword] returns it for a wrong old password and for an account without a password.
	// [Accounts.ResetPassword] returns it for a link that is no longer valid.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrNoUser means that the user of the scope does not exist or is not active.
	ErrNoUser = errors.New("no such active user")
	// ErrContention means that the server rolled back a transaction in favor of others, after a serialization failure or a
	// deadlock. Nothing was committed. By then, a single call, InTx and Snapshot have made ten attempts. Batch, SendBatch and a
	// transaction of the service's own are not retried. Try again later.
	ErrContention = executor.ErrContention
	// ErrPoolExhausted means that the context ended while the call waited for a connection of the pool. All connections were in
	// use. If this happens without load, the likely cause is a function given to [Scope.InTx], [Scope.Snapshot] or [Scope.Batch]
	// that calls a scope. Such a call needs a second connection while functions like this one hold all of them.
	ErrPoolExhausted = executor.ErrPoolExhausted
	// ErrUnavailable means that the connection was lost, or that the server is shutting down, lacks memory or space, or has hit a
	// timeout of its own. With [WithStandbys] it can also mean that a call in a scope, sent to the primary, reached a hot standby.
	// Nothing was committed. Try again later.
	ErrUnavailable = executor.ErrUnavailable
	// ErrOutcomeUnknown means that the connection was lost, or the context ended, after a write was sent and before its answer
	// arrived. The server may have committed the write, may commit it later, or may not commit it: read the data to find out. Any
	// other error of a write means that nothing was committed. The exceptions are errors of a [DBTX] that come after the commit:
	// see the type DBTX.
	ErrOutcomeUnknown = executor.ErrOutcomeUnknown
	// ErrBusy means that the connection of the transaction is in use: by a loop over [planner.Queries.StreamTasks], by other rows
	// that have not been read to the end, or by another goroutine. Read the rows into a slice first. A [Tx] is not safe for
	// concurrent use. Nothing was sent, and the transaction goes on.
	ErrBusy = executor.ErrBusy
	// ErrReadOnly means that a [Scope.Snapshot], a [Scope.Batch] or a [Reporting] was asked to write, or that a statement of a
	// [DBTX] writes although its text does not say so: see [Writes]. In a failover it can also mean that a write reached a hot
	// standby; with [WithStandbys], only [Accounts] returns it for this reason.
	ErrReadOnly = executor.ErrReadOnly
	// ErrChangesOff means that changes are not tracked, or that one of the triggers that track them is missing or disabled. To
	// turn tracking on or restore the triggers, the owner of bizydb's tables runs SELECT bizydb.track_changes().
	ErrChangesOff = errors.New("changes are not tracked")
	// ErrChangesExpired means that a cursor is not valid. Since the cursor was returned, tracking was turned off and on again, or
	// the database was restored from a backup. Or the cursor is of another user or from another server. On a standby that lags, a
	// valid cursor can return this error, too. Start again with an empty cursor and an empty copy.
	ErrChangesExpired = errors.New("cursor of changes has expired")
	// ErrStatement means that a [DBTX] does not run a statement: it begins with a word that is not allowed, changes a setting, is
	// COPY, or has too few or too many arguments. Nothing was committed.
	ErrStatement = executor.ErrStatement
)

// A conflict is an error that is ErrConflict too.
type conflict string

func (c conflict) Error() string { return string(c) }

func (conflict) Is(target error) bool { return target == ErrConflict }

// Errors of [Open]. Later calls can return ErrConfig, ErrConnect and ErrMissingGrant too, when the server, a password or a grant
// has changed.
var (
	// ErrConfig means that a connection string, an option or a pool setting is invalid, that a connection pooler between the
	// service and the server does not support the exec mode, or that the encoding or a setting of the database or the login would
	// make calls fail or change their results.
	ErrConfig = executor.ErrConfig
	// ErrSimpleProtocol means that the pool uses pgx's simple protocol. This protocol allows several statements in one string, so
	// a query could leave its scope.
	ErrSimpleProtocol = executor.ErrSimpleProtocol
	// ErrNotMigrated means that the database lacks bizydb's schema, its latest migrations or an object that they made.
	ErrNotMigrated = errors.New("database is not migrated")
	// ErrSchemaNewer means that the database was migrated by a newer bizydb. It is the same as schema.ErrNewer.
	ErrSchemaNewer = version.ErrNewer
	// ErrSchemaUnreleased means that the database has a schema from before v0.1.0. It is the same as schema.ErrUnreleased.
	ErrSchemaUnreleased = version.ErrUnreleased
	// ErrPrivilegedLogin means that the login or PUBLIC can use bizydb's tables or functions outside a scope, or that the login can
	// become a role that can. See [AllowPrivilegedLogin].
	ErrPrivilegedLogin = errors.New("login role is not confined")
	// ErrUnprotected means that one of bizydb's roles has more rights than the migrations gave it, or that policies, row
	// security, bizydb's triggers or settings of functions differ from the migrations. With [StrictOpen] it also means that an
	// object of the service's own is not confined.
	ErrUnprotected = errors.New("database is not protected as its migrations left it")
	// ErrConnect means that the server cannot be reached or refuses the login.
	ErrConnect = executor.ErrConnect
	// ErrMissingGrant means that the login lacks USAGE on a schema or cannot act as a role that it needs, or that one of bizydb's
	// roles lacks a right that the migrations gave it. A service's login needs bizydb_user and bizydb_accounts, and a login for
	// reports needs bizydb_reporter. For a statement of a [DBTX] it means that bizydb_user lacks a right on an object that the
	// statement uses. For a statement of a [Reporting] it means the same of bizydb_reporter, or that the login cannot act as
	// bizydb_reporter.
	ErrMissingGrant = executor.ErrMissingGrant
)

// A FieldError says which value was refused, and why. It is the same type as [planner.FieldError].
type FieldError = planner.FieldError

// configError drops the connection string from an error of pgx, which masks only passwords that it can parse.
func configError(err error) error {
	var parseErr *pgconn.ParseConfigError
	if errors.As(err, &parseErr) {
		if err = parseErr.Unwrap(); err == nil {
			err = errors.New("cannot be parsed")
		}
		err = fmt.Errorf("connection string: %w", err)
	}
	return fmt.Errorf("bizydb: %w: %w", ErrConfig, err)
}
