// Package testdb has the database that tests of one process share. Making a database takes several times as long as most tests in it.
package testdb

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/onenode"
)

var common struct {
	sync.Mutex
	*bizydbtest.Database
	drop func(context.Context) error
}

// Common returns the shared database, for a test that reads and writes as users that it adds and changes nothing else.
func Common(t testing.TB) *bizydbtest.Database {
	t.Helper()
	common.Lock()
	defer common.Unlock()
	if common.Database != nil {
		return common.Database
	}
	made, drop := makeCommon(t)
	config, err := pgxpool.ParseConfig(made.DSN)
	if err == nil {
		config.MaxConns = 30 // for several tests at once, each with a few
		made.DB, err = bizydb.OpenConfig(context.Background(), config)
	}
	if err != nil {
		t.Fatal(errors.Join(err, drop(context.Background())))
	}
	owners.Store(made.AdminDSN, make(chan *pgx.Conn, 1))
	common.Database, common.drop = made, drop
	return made
}

// makeCommon makes the shared database, whose DB is closed: on Citus if citusURL is set, and otherwise distributed if oneNode is.
func makeCommon(t testing.TB) (made *bizydbtest.Database, drop func(context.Context) error) {
	t.Helper()
	if os.Getenv(citusURL) != "" {
		dsn, err := distribute(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		made = &bizydbtest.Database{DSN: dsn, AdminDSN: os.Getenv(citusURL)}
		return made, func(context.Context) error {
			if made.DB != nil {
				made.Close()
			}
			return nil
		}
	}
	var opts []bizydbtest.Option
	if os.Getenv(oneNode) != "" {
		opts = append(opts, bizydbtest.WithReporting(), bizydbtest.WithMigration("one node", onenode.Distribute))
	}
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	if made, err = server.NewDatabase(context.Background(), opts...); err != nil {
		t.Fatal(err)
	}
	made.DB.Close()
	return made, made.Drop
}

// Run runs the tests of a package, and drops the shared database. A server that was started for them has gone with its databases.
func Run(m *testing.M) (code int) {
	_ = flag.Set("test.parallel", "4") // since tests wait for the server more than they work
	code = bizydbtest.Run(m)
	if common.Database != nil {
		_ = common.drop(context.Background())
	}
	return code
}

// Example makes a database for an example, which has no testing.TB, and returns what drops it.
func Example(ctx context.Context, opts ...bizydbtest.Option) (*bizydbtest.Database, func()) {
	server, err := bizydbtest.Shared()
	if err != nil {
		log.Fatal(err)
	}
	db, err := server.NewDatabase(ctx, opts...)
	if err != nil {
		log.Fatal(err)
	}
	return db, func() {
		if err := db.Drop(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

// WithoutLeaks makes the code of tests that passed a failure if they have left goroutines behind.
func WithoutLeaks(code int) int {
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// Everything is every row of every table of bizydb's, sorted.
func Everything(t testing.TB, db *bizydbtest.Database) (all []string) {
	t.Helper()
	WithOwner(t, db, func(conn *pgx.Conn) error {
		tables, err := list(t.Context(), conn, "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'bizydb')")
		for _, table := range tables {
			var rows []string
			if rows, err = list(t.Context(), conn, "SELECT '"+table+" ' || t::text FROM "+table+" AS t"); err != nil {
				break
			}
			all = append(all, rows...)
		}
		return err
	})
	slices.Sort(all)
	return all
}

// Sequences says where every sequence stands, sorted.
func Sequences(t testing.TB, db *bizydbtest.Database) (all []string) {
	t.Helper()
	WithOwner(t, db, func(conn *pgx.Conn) (err error) {
		all, err = list(t.Context(), conn, "SELECT schemaname || '.' || sequencename || ' ' || coalesce(last_value::text, 'unused') FROM pg_sequences")
		return err
	})
	slices.Sort(all)
	return all
}

func list(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
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
