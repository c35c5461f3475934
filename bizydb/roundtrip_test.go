package bizydb_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// execModes are the modes that bizydb works in at one round trip a call. A connection string that names another mode than
// cache_statement leads to a pooler that prepared statements do not pass. With -full they are all, otherwise one that prepares and one
// that does not, through a pooler the one that it is for, and with -short, which is for other servers than the first, the usual one.
func execModes(t testing.TB) []pgx.QueryExecMode {
	t.Helper()
	modes := []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec}
	if !*full {
		modes = []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec}
	}
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	if parseConfig(t, server.DSN()).ConnConfig.DefaultQueryExecMode != modes[0] {
		return modes[1:]
	}
	if !*full && (mayBePooled() || testing.Short()) {
		return modes[:1]
	}
	return modes
}

// eachMode runs a subtest for every exec mode, on one connection through a proxy that counts.
func eachMode(t *testing.T, test func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database), opts ...bizydbtest.Option) {
	for _, mode := range execModes(t) {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t, opts...)
			proxy, dsn := bizydbtest.NewProxy(t, made.DSN)
			db := open(t, dsn, func(c *pgxpool.Config) {
				oneConn(c)
				c.ConnConfig.DefaultQueryExecMode = mode
			})
			test(t, db, proxy, made)
		})
	}
}

func TestScopedCallIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		mine := plantAll(t, alice)
		eachCall(t, func(t *testing.T, method string) {
			var trips int
			for range 2 { // The first warms the connection up.
				proxy.RoundTrips()
				if _, err := call(t.Context(), alice, method, mine); err != nil {
					t.Fatal(err)
				}
				if trips = proxy.RoundTrips(); !reads(method) {
					mine = plantAll(t, alice)
				}
			}
			if trips != 1 {
				t.Errorf("%d round trips, want 1", trips)
			}
		})
	}, tracked)
}

func TestCallInServiceTransactionIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		mine := plantAll(t, alice)
		eachCall(t, func(t *testing.T, method string) {
			var trips int
			for range 2 {
				tx, err := db.Pool().Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				proxy.RoundTrips()
				_, err = call(t.Context(), alice.WithTx(tx), method, mine)
				trips = proxy.RoundTrips()
				if err := errors.Join(err, tx.Rollback(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			if trips != 1 {
				t.Errorf("%d round trips, want 1", trips)
			}
		})
	}, tracked)
}

func TestRoundTripsAfterAFailedCall(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		good := func() error {
			_, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "good"})
			return err
		}
		bad := func() error {
			_, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: " "})
			return err
		}
		for range 3 {
			if err := good(); err != nil {
				t.Fatal(err)
			}
			if err := bad(); !errors.Is(err, bizydb.ErrInvalid) {
				t.Fatalf("%v, want ErrInvalid", err)
			}
			proxy.RoundTrips()
			if err := good(); err != nil {
				t.Fatal(err)
			}
			if n := proxy.RoundTrips(); n > 2 {
				t.Errorf("%d round trips after a failed call, want 2 at most", n)
			}
		}

		// A transaction that failed is no worse.
		if err := alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
			_, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{})
			return err
		}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Fatalf("%v, want ErrInvalid", err)
		}
		proxy.RoundTrips()
		if err := good(); err != nil {
			t.Fatal(err)
		}
		if n := proxy.RoundTrips(); n > 2 {
			t.Errorf("%d round trips after a failed transaction, want 2 at most", n)
		}
	})
}

func TestTransactionOfNStatementsIsNPlus2RoundTrips(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		for name, in := range map[string]func(func(*bizydb.Tx) error) error{
			"InTx":     func(fn func(*bizydb.Tx) error) error { return alice.InTx(t.Context(), fn) },
			"Snapshot": func(fn func(*bizydb.Tx) error) error { return alice.Snapshot(t.Context(), fn) },
		} {
			const statements = 5
			for range 2 {
				proxy.RoundTrips()
				err := in(func(tx *bizydb.Tx) error {
					for range statements {
						if _, err := tx.ListTasks(t.Context(), planner.ListTasksParams{}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := proxy.RoundTrips(); n > statements+2 {
				t.Errorf("%s: %d round trips for %d statements, want %d at most", name, n, statements, statements+2)
			}
		}
	})
}
