package bizydbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
)

// A Database is a migrated database of a test's own. Its [bizydb.DB] is connected like a service, with a login role that has no
// rights on the tables.
type Database struct {
	*bizydb.DB
	DSN      string // the service's connection string
	AdminDSN string // the connection string of the tables' owner
	drop     func(context.Context) error
}

// shared is the server of this process's tests.
var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// New creates a migrated database for t and drops it when t ends. If no server is found, t fails.
func New(t testing.TB, opts ...Option) *Database {
	t.Helper()
	server, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("bizydbtest: %s", server.How())

	db, err := server.NewDatabase(context.Background(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && server.keeps {
			t.Logf("bizydbtest: kept the database of the failed test: %s", db.AdminDSN)
			if err := errors.Join(db.close(), keep(db.AdminDSN)); err != nil {
				t.Error(err)
			}
			return
		}
		if err := db.Drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Shared returns the server that [New] uses, for code without a [testing.TB] such as Example functions. The first call finds or
// starts the server. Later calls return the same server or the same error. [Run] closes the server.
func Shared() (*Server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = Start(context.Background(), Options{Logf: func(format string, args ...any) {
			fmt.Fprintf(os.Stderr, "bizydbtest: "+format+"\n", args...)
		}})
	}
	return shared.server, shared.err
}

// Run runs the tests of a package and stops the server that they used. Pass its result to [os.Exit]. Without Run the server stops
// shortly after the process ends.
func Run(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return code
	}
	if err := shared.server.Close(); err != nil {
		fmt.Println("bizydbtest:", err)
		code = max(code, 1)
	}
	shared.server = nil
	return code
}

// Drop closes the DB and drops the database, even if others are connected. It returns an error if connections of the pool are
// still in use after a few seconds.
func (d *Database) Drop(ctx context.Context) error {
	return errors.Join(d.close(), d.drop(ctx))
}

const leakTimeout = 3 * time.Second

// close closes the DB, but does not wait forever for connections that were not given back.
func (d *Database) close() error {
	closed := make(chan struct{})
	go func() {
		d.Close()
		close(closed)
	}()
	select {
	case <-closed:
		return nil
	case <-time.After(leakTimeout):
		return fmt.Errorf("bizydbtest: %d connections have not been given back: a transaction without an end, or rows without Close", d.Pool().Stat().AcquiredConns())
	}
}

// NewUser adds an active user without a usable password and returns the id. It is fast, since it hashes no password.
func (d *Database) NewUser(t testing.TB) bizydb.UserID {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	var id bizydb.UserID
	err := pgx.BeginFunc(ctx, d.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL ROLE bizydb_accounts"); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			INSERT INTO public.users (email, username, hashed_password)
			SELECT name || '@example.org', name, '$2a$12$' || repeat('.', 53)
			FROM (SELECT 'user-' || gen_random_uuid() AS name) AS u
			RETURNING id`).Scan(&id)
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// CheckConfined fails t for each finding of [bizydb.DB.CheckConfined], with the SQL that repairs it. Call it in a test of a
// database that has the service's migrations.
func CheckConfined(t testing.TB, db *Database) {
	t.Helper()
	findings, err := db.CheckConfined(context.Background())
	if err != nil {
		t.Error(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}
