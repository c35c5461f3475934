package bizydb

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/schema/version"
)

// Errors of the methods. Test for them with [errors.Is]: an error is one of them at most, and those that are [ErrConflict] too. [errors.As]
// with a *pgconn.PgError gives the server's own error. When the context ended, [context.Canceled] or [context.DeadlineExceeded] holds as
// well, or alone. docs/errors.md says what a service can do about each, and which HTTP status fits.
var (
	// ErrNotFound means that the user has no such row. A row of another user gives the same error as a row that does not exist.
	ErrNotFound = executor.ErrNotFound
	// ErrUnknownReference means that a value points at a row that the user does not have: the parent goal or a dependency. It is a
	// [*FieldError].
	ErrUnknownReference = errors.New("unknown reference")
	// ErrInvalid means that a value is not allowed. Usually it is a [*FieldError], which names the field.
	ErrInvalid = planner.ErrInvalid
	// ErrConflict means that a value is allowed, but not with the rows that there are. It is one of the five errors that follow, or
	// about a unique index of the service's own, and a [*FieldError]: see [WithConstraints].
	ErrConflict = errors.New("conflict")
	// ErrGoalCycle means that a goal was to be put under itself or under one of its own sub-goals.
	ErrGoalCycle error = conflict("goal would be its own ancestor")
	// ErrDependencyCycle means that a task would depend on itself, directly or through others.
	ErrDependencyCycle error = conflict("task would depend on itself")
	// ErrVersionConflict means that a goal or task is at another version than the one expected: it has changed since it was read.
	ErrVersionConflict error = conflict("row is at another version")
	// ErrEmailTaken means that another account has the email address, ignoring case.
	ErrEmailTaken error = conflict("email address is taken")
	// ErrUsernameTaken means that another account has the username, ignoring case.
	ErrUsernameTaken error = conflict("username is taken")
	// ErrInvalidCredentials is returned by [Accounts.Authenticate] for an unknown login, a wrong password, an account without
	// one and an inactive account alike, and by [Accounts.ChangePassword] for a wrong password.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrNoUser means that the scope's user does not exist or is not active.
	ErrNoUser = errors.New("no such active user")
	// ErrContention means that the server undid a transaction in favor of others, by a serialization failure or a deadlock. A [Scope] has
	// tried ten times; a transaction of the service's own has been tried once. Try again later.
	ErrContention = executor.ErrContention
	// ErrPoolExhausted means that the context ended while the call waited for a connection of the pool, all of which were in use. If they
	// are in use by functions of [Scope.InTx], [Scope.Snapshot] or [Scope.Batch] that call a scope themselves, they wait for each other.
	ErrPoolExhausted = executor.ErrPoolExhausted
	// ErrUnavailable means that the connection was lost or that the server could not do its work: it shuts down, lacks memory or space,
	// or a timeout of its own ran out. Nothing was committed. Try again later.
	ErrUnavailable = executor.ErrUnavailable
	// ErrOutcomeUnknown means that the connection was lost, or the context ended, after a write was sent and before its answer
	// arrived. The write may have been committed, may still be, or may be lost; only reading the data can tell. Any other error of
	// a write means that nothing was committed, unless it is of a Scan or of a function in a batch of a [DBTX].
	ErrOutcomeUnknown = executor.ErrOutcomeUnknown
	// ErrBusy means that the transaction's connection is in use: by a loop over [planner.Queries.StreamTasks] or other rows that have not
	// been read to the end, or by another goroutine. Read the rows into a slice first; a [Tx] is not safe for concurrent use. Nothing was
	// sent, and the transaction goes on.
	ErrBusy = executor.ErrBusy
	// ErrReadOnly means that a [Scope.Snapshot], a [Scope.Batch] or a [Reporting] was asked to write, or that a statement of a [DBTX] writes
	// although its text does not say so: see [Writes].
	ErrReadOnly = executor.ErrReadOnly
	// ErrChangesOff means that changes are not tracked, or that one of the triggers which track them is missing or disabled. The owner of
	// bizydb's tables turns it on, or makes the triggers anew: SELECT bizydb.track_changes().
	ErrChangesOff = errors.New("changes are not tracked")
	// ErrChangesExpired means that a cursor does not lead to all that has changed since: tracking was turned off and on, or the database is
	// a restored one. Begin anew, with an empty cursor and an empty copy.
	ErrChangesExpired = errors.New("cursor of changes has expired")
	// ErrStatement means that a [DBTX] does not take a statement: it is none of those that may begin one, changes a setting, is COPY,
	// or has too few or too many arguments. Nothing was committed.
	ErrStatement = executor.ErrStatement
)

// A conflict is an error that is ErrConflict too.
type conflict string

func (c conflict) Error() string { return string(c) }

func (conflict) Is(target error) bool { return target == ErrConflict }

// Errors of [Open]. ErrConfig, ErrConnect and ErrMissingGrant can also be returned later, when the server, a password or a grant has
// changed.
var (
	// ErrConfig means that a connection string, an option or a pool setting is invalid, that the exec mode does not work behind the
	// pooler, or that the database's encoding or a setting of its or of the login's would make calls fail or change what they do.
	ErrConfig = executor.ErrConfig
	// ErrSimpleProtocol means that the pool uses pgx's simple protocol. It takes several statements in one string, so a query could
	// leave its scope.
	ErrSimpleProtocol = executor.ErrSimpleProtocol
	// ErrNotMigrated means that the database lacks bizydb's schema or its latest migrations, or something that they made.
	ErrNotMigrated = errors.New("database is not migrated")
	// ErrSchemaNewer means that the database was migrated by a newer bizydb. It is the same as schema.ErrNewer.
	ErrSchemaNewer = version.ErrNewer
	// ErrSchemaUnreleased means that the database has a schema from before v0.1.0. It is the same as schema.ErrUnreleased.
	ErrSchemaUnreleased = version.ErrUnreleased
	// ErrPrivilegedLogin means that the login, or PUBLIC, can use bizydb's tables or functions outside a scope, or can become a role
	// that does. See [AllowPrivilegedLogin].
	ErrPrivilegedLogin = errors.New("login role is not confined")
	// ErrUnprotected means that one of bizydb's roles may do more than the migrations let it, or that policies, row security, triggers or
	// the settings of functions are not as the migrations made them; with [StrictOpen] also that something of the service's own is not
	// confined.
	ErrUnprotected = errors.New("database is not protected as its migrations left it")
	// ErrConnect means that the server cannot be reached or refuses the login.
	ErrConnect = executor.ErrConnect
	// ErrMissingGrant means that the login may not act as bizydb_user or bizydb_accounts or lacks USAGE on a schema, or that one of bizydb's
	// roles lacks a right that the migrations gave it. For a statement of a [DBTX] it means that bizydb_user, or bizydb_reporter for a
	// [Reporting], lacks a right on what it names; for any of a [Reporting] also that the login may not act as bizydb_reporter.
	ErrMissingGrant = executor.ErrMissingGrant
)

// A FieldError says which value is not accepted, and why. It is the same type as [planner.FieldError].
type FieldError = planner.FieldError

// configError drops the connection string, which pgx repeats with its password blacked out as far as it understands it.
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
