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

// Errors of the methods. Test for them with [errors.Is]. [errors.As] with a *pgconn.PgError gives the server's own error. A
// canceled context gives [context.Canceled] or [context.DeadlineExceeded].
var (
	// ErrNotFound means that the user has no such row. A row of another user gives the same error as a row that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrInvalid means that the schema does not allow a value. Usually it is a [*FieldError], which names the column.
	ErrInvalid = planner.ErrInvalid
	// ErrGoalCycle means that a goal was to be put under itself or under one of its own sub-goals.
	ErrGoalCycle = errors.New("goal would be its own ancestor")
	// ErrDependencyCycle means that a task would depend on itself, directly or through others.
	ErrDependencyCycle = errors.New("task would depend on itself")
	// ErrEmailTaken means that another account has the email address, ignoring case.
	ErrEmailTaken = errors.New("email address is taken")
	// ErrUsernameTaken means that another account has the username, ignoring case.
	ErrUsernameTaken = errors.New("username is taken")
	// ErrInvalidCredentials is returned by [Accounts.Authenticate] for an unknown login, a wrong password and an inactive account
	// alike, and by [Accounts.ChangePassword] for a wrong password.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrNoUser means that the scope's user does not exist or is not active.
	ErrNoUser = errors.New("no such active user")
	// ErrOutcomeUnknown means that the connection was lost, or the context ended, after a write was sent and before its answer
	// arrived. The write may have been committed, may still be, or may be lost; only reading the data can tell. Any other error of
	// a write means that nothing was committed.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrReadOnly means that a [Scope.Snapshot] or a [Scope.Batch] was asked to write.
	ErrReadOnly = errors.New("transaction is read-only")
)

// Errors of [Open]. ErrConfig, ErrConnect and ErrMissingGrant can also be returned later, when the server, a password or a grant has
// changed.
var (
	// ErrConfig means that a connection string, an option or a pool setting is invalid, or that the exec mode does not work behind
	// the pooler.
	ErrConfig = errors.New("invalid configuration")
	// ErrSimpleProtocol means that the pool uses pgx's simple protocol. It takes several statements in one string, so a query could
	// leave its scope.
	ErrSimpleProtocol = errors.New("the simple protocol cannot be confined: use another exec mode")
	// ErrNotMigrated means that the database lacks bizydb's schema or its latest migrations.
	ErrNotMigrated = errors.New("database is not migrated")
	// ErrSchemaNewer means that the database was migrated by a newer bizydb. It is the same as schema.ErrNewer.
	ErrSchemaNewer = version.ErrNewer
	// ErrSchemaUnreleased means that the database has a schema from before v0.1.0. It is the same as schema.ErrUnreleased.
	ErrSchemaUnreleased = version.ErrUnreleased
	// ErrPrivilegedLogin means that the login can use the tables outside a scope. See [AllowPrivilegedLogin].
	ErrPrivilegedLogin = errors.New("login role is not confined")
	// ErrUnprotected means that row security does not confine bizydb_user: it is turned off, or the role may bypass it.
	ErrUnprotected = errors.New("row security is not in force")
	// ErrConnect means that the server cannot be reached or refuses the login.
	ErrConnect = errors.New("cannot connect")
	// ErrMissingGrant means that the login may not act as bizydb_user or bizydb_accounts, or lacks USAGE on a schema.
	ErrMissingGrant = errors.New("login role lacks a grant")
)

// A FieldError says which column does not allow a value, and why.
type FieldError struct {
	Table, Column string
	Reason        string // like "must be from 1 to 5"
	kind, cause   error
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s.%s %s", e.Table, e.Column, e.Reason)
}

// Unwrap returns the error of this package that e stands for, such as [ErrInvalid], and the server's error if there is one.
func (e *FieldError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// translate makes an error of pgx or of the server one of this package. doing is what failed, such as the query's name.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bizydb: %s: %w", doing, named(err))
}

// named is the one place where an error gets its name.
func named(err error) error {
	var pgErr *pgconn.PgError
	var connectErr *pgconn.ConnectError
	var notSent pgx.ErrPreprocessingBatch
	switch {
	case errors.Is(err, context.Canceled), // the caller's doing, whatever it interrupted
		errors.Is(err, ErrInvalid): // said by the type of a parameter
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
		return &FieldError{Table: r.table, Column: r.column, Reason: r.reason, kind: r.kind, cause: err}
	}
	switch {
	case pgErr.Code == noSuchUser:
		return fmt.Errorf("%w: %w", ErrNoUser, err)
	case pgErr.Code == pgerrcode.NoDataFound: // said by a function of schema/
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case pgErr.Code == pgerrcode.InvalidSQLStatementName || pgErr.Code == pgerrcode.DuplicatePreparedStatement:
		return fmt.Errorf("%w: somebody else prepares or drops statements on the connection; behind a pooler that does not keep them apart, add default_query_exec_mode=exec to the connection string: %w", ErrConfig, err)
	case pgErr.Code == pgerrcode.ReadOnlySQLTransaction:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case strings.HasPrefix(pgErr.Code, pgerrcode.DataException[:2]), // the class, with codes that pgerrcode does not know yet
		pgErr.Code == pgerrcode.ProgramLimitExceeded && pgErr.File == "jsonb_util.c": // more than a value can hold; the code alone can be an outage
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return err
	}
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

// namedOnEntry is named for the statements that switch the role and ask whether there is such a user.
func namedOnEntry(err error) error {
	var notSent pgx.ErrPreprocessingBatch
	if errors.As(err, &notSent) {
		return named(withUsage(err))
	}
	if hasCode(err, pgerrcode.InsufficientPrivilege, pgerrcode.InvalidParameterValue) { // the second: no such role
		return fmt.Errorf("%w: GRANT bizydb_user, bizydb_accounts TO it: %w", ErrMissingGrant, err)
	}
	return named(err)
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
