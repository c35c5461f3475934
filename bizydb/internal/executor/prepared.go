package executor

import (
	"context"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// preparedStatements are those that sessions have prepared on one connection.
//
// pgx prepares and caches statements by itself, but an error anywhere in a batch makes it drop all that the batch used:
// the next call would pay two round trips more. Statements prepared by name are left alone. Their number is that of the
// texts that callers have.
type preparedStatements map[string]struct{}

const statementsKey = "bizydb.statements"

// preparedOn returns the statements of conn, which nobody else may be using.
func preparedOn(conn *pgx.Conn) preparedStatements {
	data := conn.PgConn().CustomData()
	s, ok := data[statementsKey].(preparedStatements)
	if !ok {
		s = preparedStatements{}
		data[statementsKey] = s
	}
	return s
}

type preparer interface {
	Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error)
}

// ensure prepares sql unless that has been done. A batch finds a statement prepared under its own text.
func (s preparedStatements) ensure(ctx context.Context, on preparer, sql string) error {
	if _, ok := s[sql]; ok {
		return nil
	}
	if _, err := on.Prepare(ctx, sql, sql); err != nil {
		return err
	}
	s[sql] = struct{}{}
	return nil
}

// closeIfStale closes the connection if err means that its prepared statements can no longer be used: they are gone, by
// DISCARD ALL say, or a migration has changed what they return. Given back, it would fail everybody after us. A pooler's
// connection to the server outlives it, with its statements; PgBouncer knows what DEALLOCATE ALL means.
func closeIfStale(conn *pgx.Conn, err error) {
	if HasCode(err, pgerrcode.InvalidSQLStatementName, pgerrcode.FeatureNotSupported) {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.PgConn().Exec(ctx, "DEALLOCATE ALL").Close()
		_ = conn.Close(ctx)
	}
}
