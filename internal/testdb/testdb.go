// Package testdb has the database that tests of one process share. Making a database takes several times as long as most tests in it.
package testdb

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

var common struct {
	sync.Mutex
	*bizydbtest.Database
}

// Common returns the shared database, for a test that reads and writes as users that it adds and changes nothing else.
func Common(t testing.TB) *bizydbtest.Database {
	t.Helper()
	common.Lock()
	defer common.Unlock()
	if common.Database != nil {
		return common.Database
	}
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	made, err := server.NewDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	made.DB.Close()
	config, err := pgxpool.ParseConfig(made.DSN)
	if err == nil {
		config.MaxConns = 30 // for several tests at once, each with a few
		made.DB, err = bizydb.OpenConfig(context.Background(), config)
	}
	if err != nil {
		t.Fatal(errors.Join(err, made.Drop(context.Background())))
	}
	owners.Store(made.AdminDSN, make(chan *pgx.Conn, 1))
	common.Database = made
	return made
}

// DropCommon is for the end of all tests. A server that was started for them has gone with its databases.
func DropCommon() {
	if common.Database != nil {
		_ = common.Drop(context.Background())
	}
}

// owners has, by connection string, an idle connection of the tables' owner to each database that a test has used as its owner.
var owners sync.Map

// WithOwner uses a connection of the tables' owner, which is kept for the next use unless something goes wrong.
func WithOwner(t testing.TB, db *bizydbtest.Database, use func(*pgx.Conn) error) {
	t.Helper()
	kept, found := owners.LoadOrStore(db.AdminDSN, make(chan *pgx.Conn, 1))
	idle := kept.(chan *pgx.Conn)
	if !found {
		t.Cleanup(func() {
			owners.Delete(db.AdminDSN)
			select {
			case conn := <-idle:
				_ = conn.Close(context.Background())
			default:
			}
		})
	}
	var conn *pgx.Conn
	select {
	case conn = <-idle:
	default:
	}
	if conn == nil || conn.Ping(t.Context()) != nil {
		var err error
		if conn, err = pgx.Connect(t.Context(), db.AdminDSN); err != nil {
			t.Fatal(err)
		}
	}
	if err := use(conn); err != nil {
		_ = conn.Close(context.Background())
		t.Fatal(err)
	}
	select {
	case idle <- conn:
	default: // somebody else's is there already
		_ = conn.Close(context.Background())
	}
}
