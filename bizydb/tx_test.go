package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

func titles(t *testing.T, q planner.ReadWriter) []string {
	t.Helper()
	tasks, err := q.ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, task := range tasks {
		titles = append(titles, task.Title)
	}
	return titles
}

// However a transaction ends, the next call on its connection, by somebody else, starts clean.
func TestInTx(t *testing.T) {
	t.Parallel()
	errMine := errors.New("mine")
	create := func(ctx context.Context, tx *bizydb.Tx) error {
		_, err := tx.CreateTask(ctx, planner.CreateTaskParams{Title: "made"})
		return err
	}
	for name, c := range map[string]struct {
		fn     func(ctx context.Context, cancel func(), tx *bizydb.Tx) error
		want   error
		panics any
		kept   bool
	}{
		"commits": {fn: func(ctx context.Context, _ func(), tx *bizydb.Tx) error { return create(ctx, tx) }, kept: true},
		"error":   {fn: func(ctx context.Context, _ func(), tx *bizydb.Tx) error { _ = create(ctx, tx); return errMine }, want: errMine},
		"panic":   {fn: func(ctx context.Context, _ func(), tx *bizydb.Tx) error { _ = create(ctx, tx); panic("mine") }, panics: "mine"},
		"statement fails": {fn: func(ctx context.Context, _ func(), tx *bizydb.Tx) error {
			_ = create(ctx, tx)
			_, err := tx.CreateTask(ctx, planner.CreateTaskParams{})
			return err
		}, want: bizydb.ErrInvalid},
		"failure ignored": {fn: func(ctx context.Context, _ func(), tx *bizydb.Tx) error {
			_ = create(ctx, tx)
			_, _ = tx.CreateTask(ctx, planner.CreateTaskParams{})
			return nil
		}, want: pgx.ErrTxCommitRollback},
		"canceled before a statement": {fn: func(ctx context.Context, cancel func(), tx *bizydb.Tx) error {
			_ = create(ctx, tx)
			cancel()
			return create(ctx, tx)
		}, want: context.Canceled},
		"canceled before the commit": {fn: func(ctx context.Context, cancel func(), tx *bizydb.Tx) error {
			_ = create(ctx, tx)
			cancel()
			return nil
		}, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := testdb.Common(t)
			db := open(t, made.DSN, oneConn)
			alice, bob := db.As(made.NewUser(t)), db.As(made.NewUser(t))

			func() {
				defer func() {
					if p := recover(); p != c.panics {
						t.Errorf("panic %v, want %v", p, c.panics)
					}
				}()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := alice.InTx(ctx, func(tx *bizydb.Tx) error { return c.fn(ctx, cancel, tx) })
				if !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
			}()

			if got := len(titles(t, alice)); (got == 1) != c.kept {
				t.Errorf("%d tasks afterwards", got)
			}
			if got := titles(t, bob); len(got) != 0 {
				t.Errorf("the next user sees %q", got)
			}
			role, err := queryAll[string](t, db.Pool(), `SELECT current_setting('role') || coalesce(current_setting('bizydb.user_id', true), '')`)
			if err != nil || role[0] != "none" {
				t.Errorf("connection came back as %q, %v", role, err)
			}
			if n := db.Pool().Stat().AcquiredConns(); n != 0 {
				t.Errorf("%d connections not given back", n)
			}
			// Only what was canceled in the middle costs the connection.
			if n := db.Pool().Stat().NewConnsCount(); n != 1 && !errors.Is(c.want, context.Canceled) {
				t.Errorf("%d connections made, want 1", n)
			}
		})
	}
}

// Also while somebody else uses the connection.
func TestTxAfterItsEnd(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, oneConn)
	alice := db.As(made.NewUser(t))
	var kept *bizydb.Tx
	if err := alice.InTx(t.Context(), func(tx *bizydb.Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	var others sync.WaitGroup
	others.Go(func() {
		for range 20 {
			_, _ = alice.ListTasks(t.Context(), planner.ListTasksParams{})
			_, _ = alice.ListGoals(t.Context(), planner.ListGoalsParams{})
		}
	})
	for range 100 {
		if _, err := kept.ListTasks(t.Context(), planner.ListTasksParams{}); !errors.Is(err, pgx.ErrTxClosed) {
			t.Fatalf("%v, want ErrTxClosed", err)
		}
	}
	others.Wait()
}

// A connection whose prepared statements are gone, or do not fit the schema any more, fails one call and not those after it.
func TestStaleStatements(t *testing.T) {
	t.Parallel()
	if !slices.Contains(execModes(t), pgx.QueryExecModeCacheStatement) {
		t.Skip("nothing is prepared")
	}
	for name, with := range handles {
		for _, spoil := range []string{"DEALLOCATE ALL", "DISCARD ALL", "ALTER TABLE public.tasks ALTER priority TYPE bigint"} {
			t.Run(name+"/"+spoil, func(t *testing.T) {
				t.Parallel()
				made := testdb.Common(t)
				if spoil[0] == 'A' {
					made = bizydbtest.New(t)
				}
				db := &bizydbtest.Database{DB: open(t, made.DSN, oneConn)}
				user := made.NewUser(t)
				list := func() (err error) {
					err = errors.New("not called")
					with(t, db, user, func(q planner.ReadWriter) { _, err = q.ListTasks(t.Context(), planner.ListTasksParams{}) })
					return err
				}
				if err := list(); err != nil {
					t.Fatal(err)
				}
				if spoil[0] == 'A' {
					asOwner(t, made, spoil)
				} else if _, err := db.Pool().Exec(t.Context(), spoil); err != nil {
					t.Fatal(err)
				}
				if err := list(); err == nil || sqlState(err) == pgerrcode.InvalidSQLStatementName && !errors.Is(err, bizydb.ErrConfig) {
					t.Errorf("%v, want an error, and ErrConfig where a statement is gone", err)
				}
				for range 3 {
					if err := list(); err != nil {
						t.Errorf("afterwards: %v", err)
					}
				}
			})
		}
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	err := alice.Snapshot(t.Context(), func(tx *bizydb.Tx) error {
		if got := titles(t, tx); len(got) != 0 {
			t.Errorf("first %q", got)
		}
		if _, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "meanwhile"}); err != nil {
			t.Fatal(err)
		}
		if got := titles(t, tx); len(got) != 0 {
			t.Errorf("then %q", got)
		}
		_, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "inside"})
		return err
	})
	if !errors.Is(err, bizydb.ErrReadOnly) {
		t.Errorf("write: %v, want ErrReadOnly", err)
	}
	if got := titles(t, alice); len(got) != 1 {
		t.Errorf("afterwards %q", got)
	}
}

// In a service's own transaction its writes and bizydb's commit together, and between bizydb's calls it has its own role,
// settings and rights back.
func TestWithTx(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		owner, err := pgxpool.New(t.Context(), made.AdminDSN)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(owner.Close)
		user := made.NewUser(t)
		alice := db.As(user)
		login := parseConfig(t, made.DSN).ConnConfig.User
		for _, sql := range []string{
			"CREATE TABLE outbox (text text)", "CREATE ROLE " + login + "_app", "GRANT ALL ON outbox TO " + login + "_app",
			"GRANT " + login + "_app TO " + login, "GRANT USAGE ON SCHEMA public, bizydb TO " + login + "_app", // as docs/operations.md says
		} {
			if _, err := owner.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			_, err := owner.Exec(context.Background(), "DROP TABLE outbox; DROP OWNED BY "+login+"_app; DROP ROLE "+login+"_app")
			if err != nil {
				t.Error(err)
			}
		})
		settings := `SELECT current_setting('role') || ' ' || current_setting('bizydb.user_id')`

		work := func(commit bool) {
			tx, err := db.Pool().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.Background())
			if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE "+login+"_app; SET LOCAL bizydb.user_id = '77'"); err != nil {
				t.Fatal(err)
			}
			task, err := alice.WithTx(tx).CreateTask(t.Context(), planner.CreateTaskParams{Title: "ours"})
			if err != nil {
				t.Fatal(err)
			}
			if task.UserID != user {
				t.Errorf("owner %d, want %d", task.UserID, user)
			}
			var got string
			if err := tx.QueryRow(t.Context(), settings).Scan(&got); err != nil || got != login+"_app 77" {
				t.Errorf("afterwards the service is %q, %v", got, err)
			}
			if _, err := tx.Exec(t.Context(), "INSERT INTO outbox VALUES ('theirs')"); err != nil {
				t.Error(err)
			}
			if _, err := alice.WithTx(tx).GetTask(t.Context(), task.ID); err != nil {
				t.Error(err)
			}
			if _, err := alice.WithTx(tx).GetTask(t.Context(), -1); !errors.Is(err, bizydb.ErrNotFound) {
				t.Error(err)
			}
			// A failure inside a savepoint gives the service's role back as well.
			err = pgx.BeginFunc(t.Context(), tx, func(savepoint pgx.Tx) error {
				_, err := alice.WithTx(savepoint).CreateTask(t.Context(), planner.CreateTaskParams{})
				return err
			})
			if !errors.Is(err, bizydb.ErrInvalid) {
				t.Errorf("%v, want ErrInvalid", err)
			}
			if err := tx.QueryRow(t.Context(), settings).Scan(&got); err != nil || got != login+"_app 77" {
				t.Errorf("after a failure the service is %q, %v", got, err)
			}
			if _, err := tx.Exec(t.Context(), "SAVEPOINT s"); err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "SELECT FROM public.tasks"); sqlState(err) != pgerrcode.InsufficientPrivilege {
				t.Errorf("the service reads tasks outside a scope: %v", err)
			}
			if _, err := tx.Exec(t.Context(), "ROLLBACK TO s"); err != nil {
				t.Fatal(err)
			}
			if commit {
				if err := tx.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		count := func() (tasks, messages int) {
			var n []int
			n, err := queryAll[int](t, owner, "SELECT count(*)::int FROM outbox")
			if err != nil {
				t.Fatal(err)
			}
			return len(titles(t, alice)), n[0]
		}
		work(false)
		if tasks, messages := count(); tasks != 0 || messages != 0 {
			t.Errorf("after a rollback %d tasks, %d messages", tasks, messages)
		}
		work(true)
		if tasks, messages := count(); tasks != 1 || messages != 1 {
			t.Errorf("after a commit %d tasks, %d messages", tasks, messages)
		}
	})
}

// A role that the service has taken in its transaction needs USAGE on the schemas, in exec modes that prepare statements, and
// the error says so.
func TestWithTxWithoutUsage(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		login := parseConfig(t, made.DSN).ConnConfig.User
		asOwner(t, made, fmt.Sprintf("CREATE ROLE %[1]s_app; GRANT %[1]s_app TO %[1]s", login))
		defer asOwner(t, made, "DROP ROLE "+login+"_app")
		for name, ask := range map[string]func(*bizydb.Tx) error{
			"read":  func(tx *bizydb.Tx) error { _, err := tx.ListTasks(t.Context(), planner.ListTasksParams{}); return err },
			"write": func(tx *bizydb.Tx) error { _, err := tx.DeleteTasks(t.Context(), planner.TaskIDs{1}); return err },
		} {
			tx := begin(t, db.Pool())
			exec(t, tx, "SET LOCAL ROLE "+login+"_app")
			err := ask(alice.WithTx(tx))
			if db.Pool().Config().ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeExec {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			} else if !errors.Is(err, bizydb.ErrMissingGrant) || !strings.Contains(err.Error(), "GRANT USAGE ON SCHEMA public, bizydb TO it") {
				t.Errorf("%s: %v, want ErrMissingGrant that says what to grant", name, err)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
