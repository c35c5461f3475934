package bizydb_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

func parseConfig(t testing.TB, dsn string) *pgxpool.Config {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// oneConn makes every call of a pool share one connection.
func oneConn(c *pgxpool.Config) { c.MaxConns, c.MinConns = 1, 0 }

func queryAll[T any](t testing.TB, pool *pgxpool.Pool, sql string, args ...any) ([]T, error) {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// sqlState is the server's code for err, or "".
func sqlState(err error) string {
	if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}
