package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// wrap classifies an error of pgx or of the server. doing is what failed, such as the query's name.
func (c *Config) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &callError{doing, c.Classify(err)}
}

// failed classifies an error of what was sent on a connection, or was to be sent; lost says that the connection is closed.
func (c *Config) failed(ctx context.Context, lost, sent bool, err error) error {
	var pgErr *pgconn.PgError
	if HasCode(err, pgerrcode.QueryCanceled) && ctx.Err() != nil { // a pool can be configured to cancel that way
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	switch {
	case isClassified(err):
		return err
	case ended(err) && (!sent || pgconn.SafeToRetry(err)):
		return fmt.Errorf("the context ended before it was sent: %w", err)
	case ended(err):
		return fmt.Errorf("the context ended before the answer came: %w", err)
	case lost && !errors.As(err, &pgErr) && !unencodable(err): // for which pgx gives the connection up
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return c.Classify(err)
	}
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isClassified is for errors that have been classified where they came up.
func isClassified(err error) bool {
	for _, kind := range []error{ErrInvalid, ErrMissingGrant, ErrBusy, ErrPoolExhausted, ErrUnavailable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Classify makes an error of pgx or of the server one of this package's or of the schema's. It is the only place where an error of
// the server is.
func (c *Config) Classify(err error) error {
	var pgErr *pgconn.PgError
	var connectErr *pgconn.ConnectError
	switch {
	case errors.Is(err, context.Canceled), // the caller's doing, whatever it interrupted
		isClassified(err):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.As(err, &connectErr):
		return fmt.Errorf("%w: %w", ErrConnect, err)
	case errors.As(err, &pgErr):
		if refused := c.Refused(pgErr, err); refused != nil {
			return refused
		}
		return classifyCode(pgErr, err)
	case unencodable(err) && strings.HasSuffix(err.Error(), "mismatched param and argument count"):
		return fmt.Errorf("%w: %w", ErrStatement, err)
	case unencodable(err):
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return err
	}
}

// unencodable says that there are too few or too many arguments, or that one is in no form that the server takes.
func unencodable(err error) bool {
	var notSent pgx.ErrPreprocessingBatch
	return errors.As(err, &notSent) && strings.Contains(notSent.Error(), "(build)") ||
		strings.HasPrefix(err.Error(), "failed to encode args[") // in exec mode, where pgx has no type for it
}

// SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
func classifyCode(pgErr *pgconn.PgError, err error) error {
	switch {
	case pgErr.Code == pgerrcode.NoDataFound: // raised by a function
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case pgErr.Code == pgerrcode.InvalidSQLStatementName || pgErr.Code == pgerrcode.DuplicatePreparedStatement:
		return fmt.Errorf("%w: somebody else prepares or drops statements on the connection; behind a pooler that does not keep them apart, add default_query_exec_mode=exec to the connection string: %w", ErrConfig, err)
	case pgErr.Code == pgerrcode.InsufficientPrivilege && pgErr.Routine == "ExecWithCheckOptions": // a row of another user's
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case pgErr.Code == pgerrcode.InsufficientPrivilege:
		return fmt.Errorf("%w: %w", ErrMissingGrant, err)
	case pgErr.Code == pgerrcode.ProtocolViolation && pgErr.Routine == "exec_bind_message": // too few or too many arguments, in exec mode
		return fmt.Errorf("%w: %w", ErrStatement, err)
	case retryable(pgErr):
		return fmt.Errorf("%w: %w", ErrContention, err)
	case unavailable(pgErr.Code), isStale(pgErr), inRecovery(pgErr):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case pgErr.Code == pgerrcode.ReadOnlySQLTransaction:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case strings.HasPrefix(pgErr.Code, pgerrcode.DataException[:2]), // the class, with codes that pgerrcode does not know yet
		pgErr.Code == pgerrcode.ProgramLimitExceeded && pgErr.File == "jsonb_util.c": // more than a value can hold; the code alone can be an outage
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return err
	}
}

// unavailable has the codes of a server that cannot do its work now, and may later.
func unavailable(code string) bool {
	return slices.ContainsFunc([]string{
		pgerrcode.ConnectionException[:2], pgerrcode.InsufficientResources[:2], pgerrcode.OperatorIntervention[:2], pgerrcode.SystemError[:2],
		pgerrcode.LockNotAvailable, pgerrcode.IdleInTransactionSessionTimeout,
	}, func(class string) bool { return strings.HasPrefix(code, class) })
}

// isStale says that a migration has changed what a prepared statement returns.
func isStale(pgErr *pgconn.PgError) bool {
	return pgErr.Code == pgerrcode.FeatureNotSupported && pgErr.Routine == "RevalidateCachedQuery"
}

// inRecovery says that a server has no write-ahead log of its own, since it is a standby.
func inRecovery(pgErr *pgconn.PgError) bool {
	return pgErr.Code == pgerrcode.ObjectNotInPrerequisiteState && slices.Contains([]string{"pg_current_wal_insert_lsn", "pg_walfile_name"}, pgErr.Routine)
}

// closeIfStandby closes a connection to what was the primary and is a standby, so that the pool connects to the new primary. changes says
// that the server was asked to write.
func closeIfStandby(conn *pgx.Conn, changes bool, err error) {
	var pgErr *pgconn.PgError
	if changes && HasCode(err, pgerrcode.ReadOnlySQLTransaction) || errors.As(err, &pgErr) && inRecovery(pgErr) {
		closeConn(conn)
	}
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// withUsage says what is missing where a statement cannot be prepared, which is done with the rights of whoever calls. own is for
// statements of a caller's.
func (c *Config) withUsage(err error, own bool) error {
	switch {
	case !HasCode(err, pgerrcode.InsufficientPrivilege):
		return err
	case own:
		return fmt.Errorf("%w: the login needs USAGE on schemas %s and those of the statement; a table of your own is opened to scopes by bizydb.confine: %w", ErrMissingGrant, c.Schemas, err)
	default:
		return fmt.Errorf("%w: GRANT USAGE ON SCHEMA %s TO it: %w", ErrMissingGrant, c.Schemas, err)
	}
}

// onEntry says what is missing where the statements of the entry fail on a connection.
func (s *Session) onEntry(conn *pgx.Conn, err error) error {
	var notSent pgx.ErrPreprocessingBatch
	switch {
	case errors.As(err, &notSent):
		return s.config.withUsage(err, false)
	case HasCode(err, pgerrcode.InsufficientPrivilege, pgerrcode.InvalidParameterValue): // the second: no such role
		grant := fmt.Sprintf("GRANT %s TO %s", s.entry.Roles, pgx.Identifier{conn.Config().User}.Sanitize())
		if version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), "."); version >= "16" { // of two digits, since 10
			grant += " WITH INHERIT FALSE, SET TRUE" // as in rights.sql
		}
		return fmt.Errorf("%w: %s, or use %s: %w", ErrMissingGrant, grant, s.entry.Login, err)
	default:
		return err
	}
}

// HasCode tells whether err is an error of the server with one of the SQLSTATE codes.
func HasCode(err error, codes ...string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && slices.Contains(codes, pgErr.Code)
}
