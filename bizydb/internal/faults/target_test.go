package faults_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// How long a pool may take to work again once a fault is over.
const recoveryBound = 30 * time.Second

// faulty tells the clients that faults happen to from others.
const faulty = "faulty"

// A target is a database that faults happen to.
type target struct {
	through  *bizydb.DB // what the faults are between
	direct   *bizydb.DB // without them
	adminDSN string     // of the tables' owner, without them
	users    []bizydb.UserID
}

// newServer starts a server of the test's own.
func newServer(t testing.TB) *bizydbtest.Server {
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
		t.Skip("the server is not ours to harm")
	}
	return server
}

// newTarget puts a proxy before a database, on which the faults of a network can be had.
func newTarget(t *testing.T, db *bizydbtest.Database, users, conns int) (*target, *toxiproxy.Proxy) {
	t.Helper()
	u, err := url.Parse(db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "faults", "127.0.0.1:0", u.Host)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	u.Host = proxy.Listen
	target := &target{through: openDurably(t, u.String(), conns), direct: db.DB, adminDSN: db.AdminDSN}
	for range users {
		target.users = append(target.users, db.NewUser(t))
	}
	return target, proxy
}

// openDurably opens a database for clients to whom an answer means that it stays: the servers of tests do not promise that.
func openDurably(t *testing.T, dsn string, conns int) *bizydb.DB {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = int32(conns)
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "on"
	config.ConnConfig.RuntimeParams["application_name"] = faulty
	config.ConnConfig.ConnectTimeout = time.Second
	var db *bizydb.DB
	eventually(t, recoveryBound, func() string { // on a busy machine a second is not always enough
		if db, err = bizydb.OpenConfig(t.Context(), config.Copy()); err != nil {
			return err.Error()
		}
		return ""
	})
	t.Cleanup(db.Close)
	return db
}

// asOwner runs a statement as the tables' owner.
func (g *target) asOwner(t *testing.T, sql string) {
	t.Helper()
	if err := execOn(t, g.adminDSN, sql); err != nil {
		t.Fatal(err)
	}
}

// execOn runs a statement on a connection of its own.
func execOn(t testing.TB, dsn, sql string) error {
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql)
	return err
}

// endAll ends every connection of clients, and waits until what they have not committed is undone.
func (g *target) endAll(t *testing.T) {
	t.Helper()
	g.asOwner(t, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
}

// one returns the value that sql selects, on a connection of its own.
func one[T any](t testing.TB, dsn, sql string, args ...any) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// eventually fails the test if there is a problem for longer than within.
func eventually(t testing.TB, within time.Duration, problem func() string) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		text := problem()
		if text == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(text)
		}
	}
}

// wantNoneInUse finds connections that have not been given back. Those that were cut off are closed in the background.
func (g *target) wantNoneInUse(t *testing.T) {
	t.Helper()
	eventually(t, recoveryBound, func() string {
		if n := g.through.Pool().Stat().AcquiredConns(); n > 0 {
			return fmt.Sprintf("%d connections have not been given back", n)
		}
		return ""
	})
}

// waitUntilItWorks returns how long the pool needs until ten calls in a row succeed.
func (g *target) waitUntilItWorks(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	for good := 0; good < 10; {
		if time.Since(start) > recoveryBound {
			t.Fatalf("the pool does not work %v after the fault", recoveryBound)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := g.through.As(g.users[0]).Me(ctx)
		cancel()
		if good++; err != nil {
			good = 0
			time.Sleep(10 * time.Millisecond)
		}
	}
	return time.Since(start)
}

// killOne kills the server process of whoever has asked last, and so all of them.
func (g *target) killOne(t *testing.T) {
	t.Helper()
	victim := one[int](t, g.adminDSN, `SELECT pid FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
		ORDER BY query_start DESC LIMIT 1`)
	// This connection may end with the others, before it is answered.
	_ = execOn(t, g.adminDSN, fmt.Sprintf("COPY (SELECT) TO PROGRAM 'cat >/dev/null; kill -9 %d'", victim))
	time.Sleep(200 * time.Millisecond)
}
