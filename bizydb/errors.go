package bizydb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/schema/version"
)

// Errors of the methods, to be tested with [errors.Is]. The server's own error stays reachable: [errors.As] with a
// *pgconn.PgError. A canceled context gives an error that is [context.Canceled] or [context.DeadlineExceeded].
var (
	// ErrNotFound: the user has no such row. Whether somebody else has is not told.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: a value that the schema does not take. Mostly a [*FieldError] that says which.
	ErrInvalid = planner.ErrInvalid
	// ErrGoalCycle: a goal cannot be put under itself or one of its own sub-goals.
	ErrGoalCycle = errors.New("goal would be its own ancestor")
	// ErrDependencyCycle: a task cannot depend on itself, directly or through others.
	ErrDependencyCycle = errors.New("task would depend on itself")
	// ErrEmailTaken and ErrUsernameTaken: another account has it, in whatever case.
	ErrEmailTaken    = errors.New("email address is taken")
	ErrUsernameTaken = errors.New("username is taken")
	// ErrSignIn: no such account, another password, or an account that is not active; which of them is not told. From
	// [Accounts.ChangePassword]: another password.
	ErrSignIn = errors.New("wrong login or password")
	// ErrNoUser: the scope's user does not exist or is not active.
	ErrNoUser = errors.New("no such active user")
	// ErrOutcomeUnknown: the connection was lost, or the context ended, after a change was sent and before its answer came. It
	// may have been made, or may be made yet by a server that has not noticed, or not at all; only a later look can tell. Any
	// other error of a change means that it was not made.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrReadOnly: a write in a [Scope.Snapshot].
	ErrReadOnly = errors.New("transaction is read-only")
)

// Errors of [Open]. The later ones can also come up afterwards, when a server, a grant or a password has changed.
var (
	// ErrConfig: a connection string or pool setting that makes no sense, or an exec mode that does not suit a pooler.
	ErrConfig = errors.New("invalid configuration")
	// ErrSimpleProtocol: pgx's simple protocol takes several statements in one string, so nothing would hold a query
	// inside its scope.
	ErrSimpleProtocol = errors.New("the simple protocol cannot be confined: use another exec mode")
	// ErrNotMigrated: the database lacks bizydb's schema or the last part of it.
	ErrNotMigrated = errors.New("database is not migrated")
	// ErrSchemaNewer: the database was migrated by a newer bizydb. It is schema.ErrNewer too.
	ErrSchemaNewer = version.ErrNewer
	// ErrSchemaUnreleased: the database has a schema from before v0.1.0. It is schema.ErrUnreleased too.
	ErrSchemaUnreleased = version.ErrUnreleased
	// ErrPrivilegedLogin: the login could use the tables outside a scope. See [AllowPrivilegedLogin].
	ErrPrivilegedLogin = errors.New("login role is not confined")
	// ErrUnprotected: row security does not hold bizydb_user back, since it was turned off or the role may bypass it.
	ErrUnprotected = errors.New("row security is not in force")
	// ErrConnect: the server cannot be reached, or refuses the login.
	ErrConnect = errors.New("cannot connect")
	// ErrRole: the login may not act as bizydb_user or bizydb_accounts, or lacks USAGE on a schema.
	ErrRole = errors.New("login role lacks a grant")
)

// A FieldError says which column does not take a value, and why.
type FieldError struct {
	Table, Column string
	Reason        string // like "must be from 1 to 5"
	kind, cause   error
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s.%s %s", e.Table, e.Column, e.Reason)
}

// Unwrap returns the error of this package that e is, such as [ErrInvalid], and the server's error where there is one.
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

// queryName is the name that sqlc writes above each query: "-- name: GetTask :one".
func queryName(sql string) string {
	rest, ok := strings.CutPrefix(sql, "-- name: ")
	if !ok {
		return "query"
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
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
	case pgErr.Code == "UB001": // said by bizydb.require_user
		return fmt.Errorf("%w: %w", ErrNoUser, err)
	case pgErr.Code == "P0002": // no data found, said by a function of schema/
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case pgErr.Code == "26000" || pgErr.Code == "42P05": // no such prepared statement, or one already
		return fmt.Errorf("%w: somebody else prepares or drops statements on the connection; behind a pooler that does not keep them apart, add default_query_exec_mode=exec to the connection string: %w", ErrConfig, err)
	case pgErr.Code == "25006":
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case strings.HasPrefix(pgErr.Code, "22"), // data exception
		pgErr.Code == "54000" && pgErr.File == "jsonb_util.c": // more than a value can hold; the code alone can be an outage
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return err
	}
}

// withUsage says what is missing where a statement cannot be prepared, which is done with the rights of whoever calls.
func withUsage(err error) error {
	if hasCode(err, "42501") {
		return fmt.Errorf("%w: GRANT USAGE ON SCHEMA public, bizydb TO it: %w", ErrRole, err)
	}
	return err
}

// namedOnEntry is named for the statements that switch the role and ask whether there is such a user.
func namedOnEntry(err error) error {
	var notSent pgx.ErrPreprocessingBatch
	if errors.As(err, &notSent) {
		return named(withUsage(err))
	}
	if hasCode(err, "42501", "22023") { // may not act as the role, no such role
		return fmt.Errorf("%w: GRANT bizydb_user, bizydb_accounts TO it: %w", ErrRole, err)
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
