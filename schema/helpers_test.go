package schema_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// cluster returns how to connect to a server as the role that made its databases.
func cluster(t testing.TB) *pgx.ConnConfig {
	t.Helper()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, server.DSN())
}

func parse(t testing.TB, dsn string) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// as returns how the login, made by newLogin, connects.
func as(config *pgx.ConnConfig, login string) *pgx.ConnConfig {
	config = config.Copy()
	config.User, config.Password = login, login
	return config
}

func connect(t testing.TB, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// owner connects to db as the owner of its tables, past row-level security.
func owner(t testing.TB, db *bizydbtest.Database) *pgx.Conn {
	t.Helper()
	return connect(t, parse(t, db.AdminDSN))
}

// newDatabase makes an empty database, which goes when the test ends. With an owner it is that role's.
func newDatabase(t testing.TB, admin *pgx.ConnConfig, owner string) *pgx.ConnConfig {
	t.Helper()
	name := "schema_test_" + strings.ToLower(rand.Text())
	sql := "CREATE DATABASE " + name + " TEMPLATE template0"
	if owner != "" {
		sql += " OWNER " + owner
	}
	run(t, admin, sql)
	t.Cleanup(func() {
		conn, err := pgx.ConnectConfig(context.Background(), admin)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) && pgErr.Code == pgerrcode.InsufficientPrivilege { // to end an autovacuum worker; the server may
			_, err = conn.Exec(context.Background(), "DROP DATABASE "+name)
		}
		if err != nil {
			t.Error(err)
		}
	})
	config := admin.Copy()
	config.Database = name
	return config
}

// newLogin makes a role whose password is its name.
func newLogin(t testing.TB, admin *pgx.ConnConfig, attributes string) string {
	t.Helper()
	name := keptLogin(t, admin, attributes)
	t.Cleanup(func() { run(t, admin, "DROP ROLE "+name) })
	return name
}

// keptLogin is newLogin for a server that goes with the test.
func keptLogin(t testing.TB, admin *pgx.ConnConfig, attributes string) string {
	t.Helper()
	name := "schema_test_" + strings.ToLower(rand.Text())
	run(t, admin, fmt.Sprintf("CREATE ROLE %s LOGIN %s PASSWORD '%[1]s'", name, attributes), fmt.Sprintf("GRANT %s TO CURRENT_USER", name))
	return name
}

// newCluster starts a server on which nobody has made the roles.
func newCluster(t testing.TB) *pgx.ConnConfig {
	t.Helper()
	server, err := bizydbtest.Start(t.Context(), bizydbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if !server.Started() {
		t.Skip("the server that the environment names may have the roles already")
	}
	config := parse(t, server.DSN())
	if n := one[int](t, connect(t, config), "SELECT count(*) FROM pg_roles WHERE rolname IN ('bizydb_user', 'bizydb_accounts', 'bizydb_reporter')"); n != 0 {
		t.Fatalf("a new cluster has %d of the roles", n)
	}
	return config
}

// run executes statements on a connection of their own.
func run(t testing.TB, config *pgx.ConnConfig, statements ...string) {
	t.Helper()
	ctx := context.Background() // some run when the test's context has ended
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// enter begins a transaction confined to user, as any client of the service may.
func enter(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, isolation pgx.TxIsoLevel) pgx.Tx {
	t.Helper()
	tx, err := db.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: isolation})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	exec(t, tx, "SELECT set_config('bizydb.user_id', $1, true), set_config('role', 'bizydb_user', true)", fmt.Sprint(user))
	return tx
}

// enterAccounts begins a transaction with the rights on accounts.
func enterAccounts(t testing.TB, db *bizydbtest.Database) pgx.Tx {
	t.Helper()
	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	exec(t, tx, "SET LOCAL ROLE bizydb_accounts")
	return tx
}

// enterReporter begins a transaction with the rights of reports, in a database with bizydbtest.WithReporting.
func enterReporter(t testing.TB, db *bizydbtest.Database) pgx.Tx {
	t.Helper()
	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	exec(t, tx, "SET LOCAL ROLE bizydb_reporter")
	return tx
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// exec fails the test on an error and returns the number of rows.
func exec(t testing.TB, on execer, sql string, args ...any) int64 {
	t.Helper()
	tag, err := on.Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return tag.RowsAffected()
}

// attempt executes sql and takes it back. It returns the server's error, nil for success.
func attempt(t testing.TB, tx pgx.Tx, sql string, args ...any) *pgconn.PgError {
	t.Helper()
	savepoint, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = savepoint.Exec(t.Context(), sql, args...)
	if rollbackErr := savepoint.Rollback(t.Context()); rollbackErr != nil {
		t.Fatal(rollbackErr)
	}
	return pgError(t, err)
}

func pgError(t testing.TB, err error) *pgconn.PgError {
	t.Helper()
	var pgErr *pgconn.PgError
	if err != nil && !errors.As(err, &pgErr) {
		t.Fatal(err)
	}
	return pgErr
}

// one returns the single value that sql selects.
func one[T any](t testing.TB, on querier, sql string, args ...any) T {
	t.Helper()
	rows, _ := on.Query(t.Context(), sql, args...)
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// all returns the first column of every row.
func all[T any](t testing.TB, on querier, sql string, args ...any) []T {
	t.Helper()
	rows, _ := on.Query(t.Context(), sql, args...)
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// newGoal adds a goal under parent, nil for a root.
func newGoal(t testing.TB, tx pgx.Tx, parent *int64) int64 {
	t.Helper()
	return one[int64](t, tx, "INSERT INTO public.goals (title, parent_goal_id) VALUES ('goal', $1) RETURNING id", parent)
}

func commit(t testing.TB, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}
