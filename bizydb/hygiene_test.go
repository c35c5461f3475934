package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Users take turns on one connection, and each turn ends in another way. None leaves anything on it for the next: no role,
// no user, no transaction, no row.
func TestUsersOfOneConnection(t *testing.T) {
	t.Parallel()
	eachMode(t, usersOfOneConnection, bizydbtest.WithReporting())
}

func usersOfOneConnection(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
	users := []bizydb.UserID{made.NewUser(t), made.NewUser(t), made.NewUser(t)}
	for _, user := range users {
		tasks := make(planner.CreateTasksParams, 1500) // more than a stream drops when it is left
		for k := range tasks {
			tasks[k] = planner.CreateTaskParams{Title: fmt.Sprint(user)}
		}
		if _, err := db.As(user).CreateTasks(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("failed")
	title := planner.CreateTaskParams{Title: "Another"}
	bad := planner.CreateTaskParams{Title: "Bad", Priority: new(9)}
	// whileLocked has fn wait for a lock that is not to be had.
	whileLocked := func(t *testing.T, user bizydb.UserID, fn func(context.Context) error) error {
		tx := begin(t, made.Pool())
		exec(t, tx, "SELECT pg_advisory_xact_lock(hashtextextended('bizydb.user', $1))", user)
		defer func() { _ = tx.Rollback(context.Background()) }()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		return fn(ctx)
	}
	const everybodys = "SELECT user_id FROM public.tasks"
	// leftEarly reads one row of many.
	leftEarly := func(ctx context.Context, on bizydb.DBTX) error {
		rows, err := on.Query(ctx, everybodys)
		if err == nil {
			rows.Next()
			rows.Close()
		}
		return err
	}
	turns := []struct {
		name string
		want error // nil for success
		take func(t *testing.T, s bizydb.Scope, user bizydb.UserID) error
	}{
		{"read", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			_, err := s.ListTasks(t.Context(), planner.ListTasksParams{Limit: 3})
			return err
		}},
		{"refused value", bizydb.ErrInvalid, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			_, err := s.CreateTask(t.Context(), bad)
			return err
		}},
		{"nothing found", bizydb.ErrNotFound, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			_, err := s.GetTask(t.Context(), 1<<40)
			return err
		}},
		{"own statement", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			_, err := s.DBTX().Exec(t.Context(), "UPDATE public.tasks SET title = title")
			return err
		}},
		{"own statement that is refused", bizydb.ErrInvalid, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			_, err := s.DBTX().Exec(t.Context(), "UPDATE public.tasks SET priority = 9")
			return err
		}},
		{"own rows left early", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			rows, err := s.DBTX().Query(t.Context(), "SELECT * FROM public.tasks")
			if err == nil {
				rows.Next()
				rows.Close()
			}
			return err
		}},
		{"own batch left early", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			b := &pgx.Batch{}
			b.Queue("SELECT * FROM public.tasks")
			b.Queue("UPDATE public.tasks SET title = title")
			results := s.DBTX().SendBatch(t.Context(), b)
			rows, err := results.Query()
			rows.Next()
			return errors.Join(err, results.Close())
		}},
		{"own batch that is refused", bizydb.ErrInvalid, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			b := &pgx.Batch{}
			b.Queue("SELECT 1")
			b.Queue("UPDATE public.tasks SET priority = 9")
			return s.DBTX().SendBatch(t.Context(), b).Close()
		}},
		{"own batch that waits too long", context.DeadlineExceeded, func(t *testing.T, s bizydb.Scope, user bizydb.UserID) error {
			return whileLocked(t, user, func(ctx context.Context) error {
				b := &pgx.Batch{}
				b.Queue("UPDATE public.tasks SET title = title")
				return s.DBTX().SendBatch(ctx, b).Close()
			})
		}},
		{"canceled", context.Canceled, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := s.CreateTask(ctx, title)
			return err
		}},
		{"timeout", context.DeadlineExceeded, func(t *testing.T, s bizydb.Scope, user bizydb.UserID) error {
			return whileLocked(t, user, func(ctx context.Context) error { _, err := s.CreateTask(ctx, title); return err })
		}},
		{"stream left early", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			for _, err := range s.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				return err
			}
			return nil
		}},
		{"short stream left early", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			for _, err := range s.StreamTasks(t.Context(), planner.ListTasksParams{Limit: 10}) {
				return err
			}
			return nil
		}},
		{"stream canceled", context.Canceled, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for _, err := range s.StreamTasks(ctx, planner.ListTasksParams{}) {
				if cancel(); err != nil {
					return err
				}
			}
			return nil
		}},
		{"short stream canceled", context.Canceled, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for _, err := range s.StreamTasks(ctx, planner.ListTasksParams{Limit: 2}) {
				if cancel(); err != nil {
					return err
				}
			}
			return nil
		}},
		{"panic in a stream", failed, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) (err error) {
			defer func() { err = recover().(error) }()
			for range s.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				panic(failed)
			}
			return nil
		}},
		{"transaction", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return s.InTx(t.Context(), func(tx *bizydb.Tx) error { _, err := tx.CreateTask(t.Context(), title); return err })
		}},
		{"error in a transaction", failed, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return s.InTx(t.Context(), func(tx *bizydb.Tx) error { return failed })
		}},
		{"refused value in a transaction", bizydb.ErrInvalid, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return s.InTx(t.Context(), func(tx *bizydb.Tx) error { _, err := tx.CreateTask(t.Context(), bad); return err })
		}},
		{"refused value passed over", pgx.ErrTxCommitRollback, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return s.InTx(t.Context(), func(tx *bizydb.Tx) error { _, _ = tx.CreateTask(t.Context(), bad); return nil })
		}},
		{"panic in a transaction", failed, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) (err error) {
			defer func() { err = recover().(error) }()
			return s.InTx(t.Context(), func(tx *bizydb.Tx) error { panic(failed) })
		}},
		{"stream left early in a transaction", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return s.InTx(t.Context(), func(tx *bizydb.Tx) error {
				for _, err := range tx.StreamTasks(t.Context(), planner.ListTasksParams{}) {
					return err
				}
				return nil
			})
		}},
		{"transaction canceled", context.Canceled, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			ctx, cancel := context.WithCancel(t.Context())
			return s.InTx(ctx, func(tx *bizydb.Tx) error { cancel(); _, err := tx.CreateTask(ctx, title); return err })
		}},
		{"no turn for a transaction", context.DeadlineExceeded, func(t *testing.T, s bizydb.Scope, user bizydb.UserID) error {
			return whileLocked(t, user, func(ctx context.Context) error {
				return s.InTx(ctx, func(tx *bizydb.Tx) error { return nil })
			})
		}},
		{"write in a snapshot", bizydb.ErrReadOnly, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return s.Snapshot(t.Context(), func(tx *bizydb.Tx) error { _, err := tx.CreateTask(t.Context(), title); return err })
		}},
		{"service's own transaction", nil, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
				_, err := s.WithTx(tx).CreateTask(t.Context(), title)
				return err
			})
		}},
		{"error in the service's own transaction", bizydb.ErrInvalid, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
				_, err := s.WithTx(tx).CreateTask(t.Context(), bad)
				return err
			})
		}},
		{"accounts", nil, func(t *testing.T, _ bizydb.Scope, user bizydb.UserID) error {
			_, err := db.Accounts().Get(t.Context(), user)
			return err
		}},
		{"report", nil, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			got, err := queryAll[bizydb.UserID](t, db.Reporting().DBTX(), everybodys)
			if len(got) < 1500*len(users) {
				t.Errorf("a report sees %d tasks", len(got))
			}
			return err
		}},
		{"report that is refused", bizydb.ErrMissingGrant, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			_, err := db.Reporting().DBTX().Exec(t.Context(), "SELECT hashed_password FROM public.users")
			return err
		}},
		{"report left early", nil, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			return leftEarly(t.Context(), db.Reporting().DBTX())
		}},
		{"report canceled", context.Canceled, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(30*time.Millisecond, cancel).Stop()
			_, err := db.Reporting().DBTX().Exec(ctx, "SELECT pg_sleep(60)")
			return err
		}},
		{"report that takes too long", context.DeadlineExceeded, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			_, err := db.Reporting().DBTX().Exec(ctx, "SELECT pg_sleep(60)")
			return err
		}},
		{"reports of one snapshot", nil, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			return db.Reporting().Snapshot(t.Context(), func(on bizydb.DBTX) error { return leftEarly(t.Context(), on) })
		}},
		{"error in a snapshot of reports", failed, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			return db.Reporting().Snapshot(t.Context(), func(bizydb.DBTX) error { return failed })
		}},
		{"reports in a batch", nil, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			read := func(on bizydb.DBTX) error { return leftEarly(t.Context(), on) }
			return db.Reporting().Batch(t.Context(), read, read)
		}},
		{"report in the service's own transaction", nil, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error { return leftEarly(t.Context(), db.Reporting().WithTx(tx)) })
		}},
		{"refused report in the service's own transaction", bizydb.ErrMissingGrant, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
				_, err := db.Reporting().WithTx(tx).Exec(t.Context(), "SELECT bizydb.lock_user(1)")
				return err
			})
		}},
		{"report, then a scope, in one transaction", bizydb.ErrReadOnly, func(t *testing.T, s bizydb.Scope, _ bizydb.UserID) error {
			return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
				if err := leftEarly(t.Context(), db.Reporting().WithTx(tx)); err != nil {
					return err
				}
				if _, err := s.WithTx(tx).CreateTask(t.Context(), title); err != nil {
					return err
				}
				_, err := db.Reporting().WithTx(tx).Exec(t.Context(), "UPDATE public.tasks SET title = 'x'")
				return err
			})
		}},
		{"accounts, nobody there", bizydb.ErrNotFound, func(t *testing.T, _ bizydb.Scope, _ bizydb.UserID) error {
			_, err := db.Accounts().Get(t.Context(), 1<<40)
			return err
		}},
	}
	random := rand.New(rand.NewPCG(7, 7))
	for round := range 3 * len(turns) {
		turn := turns[round%len(turns)]
		user := users[random.IntN(len(users))]
		if err := turn.take(t, db.As(user), user); !errors.Is(err, turn.want) || (err == nil) != (turn.want == nil) {
			t.Errorf("%s: error %v, want %v", turn.name, err, turn.want)
		}
		// One that was cut off is closed in the background. A request to cancel can come before the statement that it is for, and is
		// lost then: pgx closes the connection after 15 s.
		for deadline := time.Now().Add(30 * time.Second); db.Pool().Stat().AcquiredConns() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the connection does not come back", turn.name)
			}
		}

		var role, setting, isolation, login, readOnly string
		err := db.Pool().QueryRow(t.Context(), "SELECT current_setting('role'), coalesce(current_setting('bizydb.user_id', true), ''), current_setting('transaction_isolation'), current_user, current_setting('transaction_read_only')").Scan(&role, &setting, &isolation, &login, &readOnly)
		if err != nil || role != "none" || setting != "" || isolation != "read committed" || readOnly != "off" || login != db.Pool().Config().ConnConfig.User {
			t.Fatalf("after %s: role %q, user %q, isolation %q, login %q, read-only %q (error %v)", turn.name, role, setting, isolation, login, readOnly, err)
		}
		if _, err := db.Pool().Exec(t.Context(), "SELECT FROM public.tasks"); sqlState(err) != pgerrcode.InsufficientPrivilege {
			t.Fatalf("after %s: the login reads tasks: %v", turn.name, err)
		}
		next := users[random.IntN(len(users))]
		tasks, err := db.As(next).ListTasks(t.Context(), planner.ListTasksParams{Limit: 20})
		if err != nil || len(tasks) != 20 {
			t.Fatalf("after %s: %d tasks (error %v)", turn.name, len(tasks), err)
		}
		for _, task := range tasks {
			if task.UserID != next {
				t.Fatalf("after %s user %d gets a task of %d", turn.name, next, task.UserID)
			}
		}
	}
}
