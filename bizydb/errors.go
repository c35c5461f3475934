package bizydb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/schema/version"
)

// Errors of the methods. Test for them with [errors.Is]: an error is one of them at most, and those that are [ErrConflict] too. [errors.As]
// with a *pgconn.PgError gives the server's own error. When the context ended, [context.Canceled] or [context.DeadlineExceeded] holds as
// well, or alone. docs/errors.md says what a service can do about each, and which HTTP status fits.
var (
	// ErrNotFound means that the user has no such row. A row of another user gives the same error as a row that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrUnknownReference means that a value points at a row that the user does not have: the parent goal or a dependency. It is a
	// [*FieldError].
	ErrUnknownReference = errors.New("unknown reference")
	// ErrInvalid means that a value is not allowed. Usually it is a [*FieldError], which names the field.
	ErrInvalid = planner.ErrInvalid
	// ErrConflict means that a value is allowed, but not with the rows that there are. It is one of the four errors that follow, and a
	// [*FieldError].
	ErrConflict = errors.New("conflict")
	// ErrGoalCycle means that a goal was to be put under itself or under one of its own sub-goals.
	ErrGoalCycle error = conflict("goal would be its own ancestor")
	// ErrDependencyCycle means that a task would depend on itself, directly or through others.
	ErrDependencyCycle error = conflict("task would depend on itself")
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
	ErrContention = errors.New("lost to other transactions")
	// ErrPoolExhausted means that the context ended while the call waited for a connection of the pool, all of which were in use. If they
	// are in use by functions of [Scope.InTx], [Scope.Snapshot] or [Scope.Batch] that call a scope themselves, they wait for each other.
	ErrPoolExhausted = errors.New("connection pool exhausted")
	// ErrUnavailable means that the connection was lost or that the server could not do its work: it shuts down, lacks memory or space,
	// or a timeout of its own ran out. Nothing was committed. Try again later.
	ErrUnavailable = errors.New("server unavailable")
	// ErrOutcomeUnknown means that the connection was lost, or the context ended, after a write was sent and before its answer
	// arrived. The write may have been committed, may still be, or may be lost; only reading the data can tell. Any other error of
	// a write means that nothing was committed.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrBusy means that the transaction's connection is in use: by a loop over [planner.Queries.StreamTasks] or other rows that have not
	// been read to the end, or by another goroutine. Read the rows into a slice first; a [Tx] is not safe for concurrent use. Nothing was
	// sent, and the transaction goes on.
	ErrBusy = errors.New("connection is busy")
	// ErrReadOnly means that a [Scope.Snapshot] or a [Scope.Batch] was asked to write.
	ErrReadOnly = errors.New("transaction is read-only")
)

var errBusy = fmt.Errorf("%w: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", ErrBusy)

// A conflict is an error that is ErrConflict too.
type conflict string

func (c conflict) Error() string { return string(c) }

func (conflict) Is(target error) bool { return target == ErrConflict }

// Errors of [Open]. ErrConfig, ErrConnect and ErrMissingGrant can also be returned later, when the server, a password or a grant has
// changed.
var (
	// ErrConfig means that a connection string, an option or a pool setting is invalid, that the exec mode does not work behind the
	// pooler, or that the database's encoding or a setting of its or of the login's would make calls fail or change what they do.
	ErrConfig = errors.New("invalid configuration")
	// ErrSimpleProtocol means that the pool uses pgx's simple protocol. It takes several statements in one string, so a query could
	// leave its scope.
	ErrSimpleProtocol = errors.New("the simple protocol cannot be confined: use another exec mode")
	// ErrNotMigrated means that the database lacks bizydb's schema or its latest migrations, or something that they made.
	ErrNotMigrated = errors.New("database is not migrated")
	// ErrSchemaNewer means that the database was migrated by a newer bizydb. It is the same as schema.ErrNewer.
	ErrSchemaNewer = version.ErrNewer
	// ErrSchemaUnreleased means that the database has a schema from before v0.1.0. It is the same as schema.ErrUnreleased.
	ErrSchemaUnreleased = version.ErrUnreleased
	// ErrPrivilegedLogin means that the login, or PUBLIC, can use bizydb's tables or functions outside a scope, or can become a role
	// that does. See [AllowPrivilegedLogin].
	ErrPrivilegedLogin = errors.New("login role is not confined")
	// ErrUnprotected means that bizydb_user or bizydb_accounts may do more than the migrations let them, or that policies, row
	// security, triggers or the settings of functions are not as the migrations made them.
	ErrUnprotected = errors.New("database is not protected as its migrations left it")
	// ErrConnect means that the server cannot be reached or refuses the login.
	ErrConnect = errors.New("cannot connect")
	// ErrMissingGrant means that the login may not act as bizydb_user or bizydb_accounts or lacks USAGE on a schema, or that those
	// two lack a right that the migrations gave them.
	ErrMissingGrant = errors.New("a grant is missing")
)

// A FieldError says which value is not accepted, and why. It is the same type as [planner.FieldError].
type FieldError = planner.FieldError

// translate makes an error of pgx or of the server one of this package. doing is what failed, such as the query's name.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bizydb: %s: %w", doing, named(err))
}

// failed names an error of what was sent on a connection, or was to be sent; lost says that the connection is closed.
func failed(ctx context.Context, lost, sent bool, err error) error {
	var pgErr *pgconn.PgError
	if hasCode(err, pgerrcode.QueryCanceled) && ctx.Err() != nil { // a pool can be configured to cancel that way
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	switch {
	case isNamed(err):
		return err
	case ended(err) && (!sent || pgconn.SafeToRetry(err)):
		return fmt.Errorf("the context ended before it was sent: %w", err)
	case ended(err):
		return fmt.Errorf("the context ended before the answer came: %w", err)
	case lost && !errors.As(err, &pgErr):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return named(err)
	}
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isNamed is for errors that have been named where they came up.
func isNamed(err error) bool {
	for _, kind := range []error{ErrInvalid, ErrMissingGrant, ErrBusy, ErrPoolExhausted, ErrUnavailable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// named is the one place where an error of the server gets its name.
func named(err error) error {
	var pgErr *pgconn.PgError
	var connectErr *pgconn.ConnectError
	var notSent pgx.ErrPreprocessingBatch
	switch {
	case errors.Is(err, context.Canceled), // the caller's doing, whatever it interrupted
		isNamed(err):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.As(err, &connectErr):
		return fmt.Errorf("%w: %w", ErrConnect, err)
	case errors.As(err, &pgErr):
		return namedByServer(pgErr, err)
	case errors.As(err, &notSent) && strings.Contains(notSent.Error(), "(build)"): // a value in no form that the server takes
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return err
	}
}

// SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
func namedByServer(pgErr *pgconn.PgError, err error) error {
	if r, ok := rules[pgErr.ConstraintName]; ok {
		return &FieldError{Table: r.table, Column: r.column, Reason: r.reason, Err: fmt.Errorf("%w: %w", r.kind, err)}
	}
	switch {
	case pgErr.Code == noSuchUser:
		return fmt.Errorf("%w: %w", ErrNoUser, err)
	case pgErr.Code == pgerrcode.NoDataFound: // said by a function of schema/
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case pgErr.Code == pgerrcode.InvalidSQLStatementName || pgErr.Code == pgerrcode.DuplicatePreparedStatement:
		return fmt.Errorf("%w: somebody else prepares or drops statements on the connection; behind a pooler that does not keep them apart, add default_query_exec_mode=exec to the connection string: %w", ErrConfig, err)
	case lost(pgErr):
		return fmt.Errorf("%w: %w", ErrContention, err)
	case unavailable(pgErr.Code):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case pgErr.Code == pgerrcode.ReadOnlySQLTransaction:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case pgErr.Code == pgerrcode.InvalidRowCountInLimitClause:
		return &FieldError{Column: "limit", Reason: "must not be negative", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	case pgErr.Code == pgerrcode.InvalidParameterValue && slices.Contains(zoneRoutines, pgErr.Routine): // Go has the zone, the server does not
		return &FieldError{Column: "time_zone", Reason: "must be a time zone that the server has", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	case strings.HasPrefix(pgErr.Code, pgerrcode.DataException[:2]), // the class, with codes that pgerrcode does not know yet
		pgErr.Code == pgerrcode.ProgramLimitExceeded && pgErr.File == "jsonb_util.c": // more than a value can hold; the code alone can be an outage
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return err
	}
}

// zoneRoutines are where a server says that it does not have a time zone. The code says less, and the message is in its language.
var zoneRoutines = []string{"timestamptz_zone", "timestamp_zone", "DecodeTimezoneName"} // the last since PostgreSQL 16

// unavailable has the codes of a server that cannot do its work now, and may later.
func unavailable(code string) bool {
	return slices.ContainsFunc([]string{
		pgerrcode.ConnectionException[:2], pgerrcode.InsufficientResources[:2], pgerrcode.OperatorIntervention[:2], pgerrcode.SystemError[:2],
		pgerrcode.LockNotAvailable, pgerrcode.FeatureNotSupported, // the last: a migration has changed what a prepared statement returns
		pgerrcode.IdleInTransactionSessionTimeout,
	}, func(class string) bool { return strings.HasPrefix(code, class) })
}

// noSuchUser is the SQLSTATE of bizydb.require_user, of a class that is free for applications.
const noSuchUser = "UB001"

// withUsage says what is missing where a statement cannot be prepared, which is done with the rights of whoever calls.
func withUsage(err error) error {
	if hasCode(err, pgerrcode.InsufficientPrivilege) {
		return fmt.Errorf("%w: GRANT USAGE ON SCHEMA public, bizydb TO it: %w", ErrMissingGrant, err)
	}
	return err
}

// onEntry says what is missing where the statements fail that switch the role and ask whether there is such a user.
func onEntry(err error) error {
	var notSent pgx.ErrPreprocessingBatch
	switch {
	case errors.As(err, &notSent):
		return withUsage(err)
	case hasCode(err, pgerrcode.InsufficientPrivilege, pgerrcode.InvalidParameterValue): // the second: no such role
		return fmt.Errorf("%w: GRANT bizydb_user, bizydb_accounts TO it: %w", ErrMissingGrant, err)
	default:
		return err
	}
}

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

func hasCode(err error, codes ...string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && slices.Contains(codes, pgErr.Code)
}
