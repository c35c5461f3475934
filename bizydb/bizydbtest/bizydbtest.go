package bizydbtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
)

// A Database is a migrated throw-away database and a DB that is logged in to it as an ordinary service would be, with no
// right of its own.
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

// New makes a database for t and drops it when t ends. It fails t if there is no server to be had.
func New(t testing.TB) *Database {
	t.Helper()
	server, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("bizydbtest: %s", server.How())

	db, err := server.NewDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && server.keeps {
			t.Logf("bizydbtest: kept the database of the failed test: %s", db.AdminDSN)
			if err := db.close(); err != nil {
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

// Shared returns the server that [New] uses, for what has no [testing.TB], such as Example functions. It starts the server
// unless that has been done; an error stays. [Run] closes it.
func Shared() (*Server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = Start(context.Background(), Options{})
	}
	return shared.server, shared.err
}

// Run runs a package's tests and stops the server that they used. It returns what [os.Exit] is to be called with.
// Without it the server stops a moment after the process.
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

// Drop closes the DB and removes the database, whoever is still connected. Connections that were not given back are an
// error, after a moment.
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

// NewUser adds an active user whom no password signs in. It is quick, since nothing is hashed.
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
