package bizydb

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// statements are those that bizydb has prepared on one connection.
//
// pgx prepares and caches statements by itself, but an error anywhere in a batch makes it drop all that the batch used:
// the next call would pay two round trips more. Statements prepared by name are left alone. Their number is that of the
// queries in queries/.
type statements map[string]struct{}

const statementsKey = "bizydb.statements"

// statementsOf returns the statements of conn, which nobody else may be using.
func statementsOf(conn *pgx.Conn) statements {
	data := conn.PgConn().CustomData()
	s, ok := data[statementsKey].(statements)
	if !ok {
		s = statements{}
		data[statementsKey] = s
	}
	return s
}

type preparer interface {
	Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error)
}

// ensure prepares sql unless that has been done. A batch finds a statement prepared under its own text.
func (s statements) ensure(ctx context.Context, on preparer, sql string) error {
	if _, ok := s[sql]; ok {
		return nil
	}
	if _, err := on.Prepare(ctx, sql, sql); err != nil {
		return err
	}
	s[sql] = struct{}{}
	return nil
}

// stale tells whether err means that the connection's prepared statements can no longer be used: they are gone, or a
// migration has changed what they return.
func stale(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "26000" || pgErr.Code == "0A000")
}
