package bizydb_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
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

// A querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func queryAll[T any](t testing.TB, on querier, sql string, args ...any) ([]T, error) {
	t.Helper()
	rows, err := on.Query(t.Context(), sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// is says whether a value is there and the wanted one.
func is[T comparable](got *T, want T) bool { return got != nil && *got == want }

// sqlState is the server's code for err, or "".
func sqlState(err error) string {
	if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// asOwner executes statements as the tables' owner. What they set for their session ends with them.
func asOwner(t testing.TB, db *bizydbtest.Database, sql string) {
	t.Helper()
	testdb.WithOwner(t, db, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			return err
		}
		_, err := conn.Exec(t.Context(), "RESET SESSION AUTHORIZATION; RESET ALL; DISCARD TEMP; SELECT pg_advisory_unlock_all()")
		return err
	})
}

// ownerQuery reads one value as the tables' owner.
func ownerQuery[T any](t testing.TB, db *bizydbtest.Database, sql string, args ...any) (v T) {
	t.Helper()
	testdb.WithOwner(t, db, func(conn *pgx.Conn) error { return conn.QueryRow(t.Context(), sql, args...).Scan(&v) })
	return v
}

// fromNowOn changes a setting of a database for every session, also those that a pooler keeps: they are ended.
func fromNowOn(t testing.TB, db *bizydbtest.Database, set string) {
	t.Helper()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	name := parseConfig(t, db.DSN).ConnConfig.Database
	for _, sql := range []string{
		"ALTER DATABASE " + name + " " + set,
		"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '" + name + "'",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// enterSQL confines a transaction to the user of its parameter, a text, as any client may.
const enterSQL = "SELECT set_config('bizydb.user_id', $1, true), set_config('role', 'bizydb_user', true)"

// enterCommonSQL is enterSQL in the shared database.
func enterCommonSQL() string {
	if testdb.Distributed() {
		return "SELECT bizydb.enter($1::text::bigint)"
	}
	return enterSQL
}

// ofUsers returns a database for a test of users that it adds: one of its own or, where the shared database is distributed, that.
func ofUsers(t testing.TB, opts ...bizydbtest.Option) *bizydbtest.Database {
	t.Helper()
	if testdb.Distributed() {
		return testdb.Common(t)
	}
	return bizydbtest.New(t, opts...)
}

// ofCommonUser is what a statement that changes rows of the shared database ends with. On Citus, one that does not name its user locks all
// shards, and two of them can deadlock.
func ofCommonUser(prefix string, user bizydb.UserID) string {
	if testdb.Distributed() {
		return fmt.Sprintf(" AND %suser_id = %d", prefix, user)
	}
	return ""
}

// begin begins a transaction of the service's own, taken back when the test ends.
func begin(t testing.TB, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

func exec(t testing.TB, tx pgx.Tx, sql string, args ...any) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// full is for .ci/long: every exec mode in every test of them, and all that atLength cuts.
var full = flag.Bool("full", false, "run at full length")

// atLength is how many of something a test takes: a quarter, but all with -full.
func atLength(n int) int {
	if *full {
		return n
	}
	return n / 4
}

// notThroughAPooler skips a test of what a login's sessions begin with, since a pooler keeps sessions and begins them in its own way,
// of canceling by request, which ends the process of PgBouncer 1.18 now and then, or of statements that cannot be prepared, whose names
// PgBouncer 1.24 takes for taken.
func notThroughAPooler(t *testing.T) {
	t.Helper()
	if mayBePooled() {
		t.Skip("there may be a pooler before the server that is given")
	}
}

func mayBePooled() bool { return os.Getenv("BIZYDBTEST_DATABASE_URL") != "" }

// onServerOfItsOwn is bizydbtest.New on another server than other tests use, for a test that changes roles.
func onServerOfItsOwn(t *testing.T) *bizydbtest.Database {
	t.Helper()
	server, err := bizydbtest.Start(t.Context(), bizydbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if !server.Started() {
		t.Skip("the roles of the server that the environment names are others' too")
	}
	made, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Drop(context.Background()) })
	return made
}
