package bizydbtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Every test has a database to itself, and a login that is as an ordinary service's.
func TestNew(t *testing.T) {
	t.Parallel()
	one, two := bizydbtest.New(t), bizydbtest.New(t)
	user := one.NewUser(t)
	if _, err := one.As(user).CreateTask(t.Context(), planner.CreateTaskParams{Title: "one's"}); err != nil {
		t.Fatal(err)
	}
	if _, err := two.As(user).CreateTask(t.Context(), planner.CreateTaskParams{Title: "two's"}); !errors.Is(err, bizydb.ErrNoUser) {
		t.Errorf("one's user in the other database: %v, want ErrNoUser", err)
	}
	var super, inherit, createdb bool
	if err := one.Pool().QueryRow(t.Context(), "SELECT rolsuper, rolinherit, rolcreatedb FROM pg_roles WHERE rolname = current_user").
		Scan(&super, &inherit, &createdb); err != nil || super || inherit || createdb {
		t.Errorf("the login: superuser %v, inherits %v, creates databases %v, %v", super, inherit, createdb, err)
	}
}

func TestDatabaseGoesWithItsTest(t *testing.T) {
	t.Parallel()
	var gone *bizydbtest.Database
	t.Run("inner", func(t *testing.T) { gone = bizydbtest.New(t) })
	if err := ping(t, gone.AdminDSN); err == nil {
		t.Error("the database is still there")
	}
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	login, err := pgx.ParseConfig(gone.DSN)
	if err != nil {
		t.Fatal(err)
	}
	var exists bool
	if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", login.User).Scan(&exists); err != nil || exists {
		t.Errorf("the login is still there: %v, %v", exists, err)
	}
}

// The roles are the cluster's, but each database lets in its own login only.
func TestLoginIsKeptOutOfOtherDatabases(t *testing.T) {
	t.Parallel()
	one, two := bizydbtest.New(t), bizydbtest.New(t)
	config, err := pgx.ParseConfig(one.DSN)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pgx.ParseConfig(two.DSN)
	if err != nil {
		t.Fatal(err)
	}
	config.Database = other.Database
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err == nil {
		conn.Close(t.Context())
	}
	// PgBouncer before 1.20 has one code for all that the server refuses.
	if pgErr := new(pgconn.PgError); !errors.As(err, &pgErr) || pgErr.Code != pgerrcode.InsufficientPrivilege && pgErr.Code != pgerrcode.ProtocolViolation {
		t.Errorf("%v, want 42501", err)
	}
}

// A transaction that a test forgot to end is an error, and the database goes all the same.
func TestDropWithALeakedConnection(t *testing.T) {
	t.Parallel()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	db, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Drop(t.Context()); err == nil || !strings.Contains(err.Error(), "1 connections have not been given back") {
		t.Errorf("%v", err)
	}
	_ = tx.Rollback(t.Context())
	if err := ping(t, db.AdminDSN); err == nil {
		t.Error("the database is still there")
	}
}

// ping is an error if the database does not answer. A pooler lets in whom it knows before it has asked the server.
func ping(t *testing.T, dsn string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	return conn.Ping(t.Context())
}

func TestProxyRefusesTLS(t *testing.T) {
	t.Parallel()
	if _, _, err := bizydbtest.StartProxy("postgres://a:hunter2@db.example.org/b?sslmode=verify-full"); err == nil || !strings.Contains(err.Error(), "TLS") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// The proxy's number is what a client waits for: messages sent together are one, a transaction of three statements three.
func TestProxyCountsRoundTrips(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	proxy, dsn := bizydbtest.NewProxy(t, db.DSN)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if proxy.RoundTrips() == 0 {
		t.Error("connecting took no round trip")
	}
	batch := &pgx.Batch{}
	for range 5 {
		batch.Queue("SELECT 1")
	}
	for name, c := range map[string]struct {
		do   func() error
		want int
	}{
		"a statement": {func() error { _, err := conn.Exec(t.Context(), "SELECT 1"); return err }, 1},
		"three in a transaction": {func() error {
			return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), "SELECT 1"); return err })
		}, 3},
		"many rows": {func() error {
			_, err := conn.Exec(t.Context(), "SELECT repeat('x', 1000) FROM generate_series(1, 10000)")
			return err
		}, 1},
		"a batch of five, described and sent": {func() error { return conn.SendBatch(t.Context(), batch).Close() }, 2},
		"nothing":                             {func() error { return nil }, 0},
	} {
		proxy.RoundTrips()
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if got := proxy.RoundTrips(); got != c.want {
			t.Errorf("%s: %d round trips, want %d", name, got, c.want)
		}
	}
}

// errorsOf is a test that only notes its errors.
type errorsOf struct {
	testing.TB
	errors []string
}

func (t *errorsOf) Error(args ...any) { t.errors = append(t.errors, fmt.Sprint(args...)) }

func TestCheckConfined(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	noted := &errorsOf{TB: t}
	bizydbtest.CheckConfined(noted, db)
	if len(noted.errors) > 0 {
		t.Errorf("in a new database: %q", noted.errors)
	}
	conn, err := pgx.Connect(t.Context(), db.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE public.notes (user_id bigint); GRANT SELECT ON public.notes TO bizydb_user"); err != nil {
		t.Fatal(err)
	}
	bizydbtest.CheckConfined(noted, db)
	if want := []string{"public.notes: row security is off: SELECT bizydb.confine('public.notes')"}; !slices.Equal(noted.errors, want) {
		t.Errorf("%q, want %q", noted.errors, want)
	}
}
