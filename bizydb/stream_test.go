package bizydb_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// newLibrary gives a user n tasks of 2 KB, on a pool of one connection.
func newLibrary(t *testing.T, n int) (*bizydb.DB, bizydb.Scope) {
	t.Helper()
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	user := made.NewUser(t)
	if _, err := ownerPool(t, made).Exec(t.Context(), `INSERT INTO public.tasks (user_id, title, description, priority)
		SELECT $1, 'task ' || n, repeat('x', 2000), 1 + n % 5 FROM generate_series(1, $2::int) AS n`, user, n); err != nil {
		t.Fatal(err)
	}
	db := open(t, made.DSN, oneConn)
	return db, db.As(user)
}

// A stream is the list, one by one, and again each time.
func TestStreamIsTheList(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		mine := plant(t, alice)
		create(t, alice, planner.CreateTaskParams{Title: "other"}, planner.CreateTaskParams{Title: "done", Status: planner.TaskCompleted, ParentGoalID: &mine.goal})
		for _, arg := range []planner.ListTasksParams{{}, {Limit: 2}, {Statuses: planner.TaskStatuses{planner.TaskPending}}, {ParentGoalID: &mine.goal}, {Category: new("none")}} {
			want, err := alice.ListTasks(t.Context(), arg)
			if err != nil {
				t.Fatal(err)
			}
			stream := alice.StreamTasks(t.Context(), arg)
			for range 2 {
				got := []planner.Task{}
				for task, err := range stream {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, task)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%+v (-list +stream):\n%s", arg, diff)
				}
			}
		}
	})
}

// However many tasks there are, few of them are in memory.
func TestStreamHoldsFewRows(t *testing.T) { // not in parallel: it looks at the memory of the process
	const n = 20_000 // 40 MB
	db, alice := newLibrary(t, n)
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, read := range map[string]func(row func()) error{
		"a stream": func(row func()) error {
			for _, err := range alice.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				if err != nil {
					return err
				}
				row()
			}
			return nil
		},
		"a report": func(row func()) error {
			rows, err := db.Reporting().DBTX().Query(t.Context(), "SELECT user_id, title, description FROM public.tasks")
			if err != nil {
				return err
			}
			var user bizydb.UserID
			var title, description string
			_, err = pgx.ForEachRow(rows, []any{&user, &title, &description}, func() error { row(); return nil })
			return err
		},
	} {
		before, rows := held(), 0
		var most uint64
		err := read(func() {
			if rows++; rows%4000 == 0 {
				most = max(most, held())
			}
		})
		if err != nil || rows != n || most > before+10<<20 {
			t.Errorf("%s: %d rows, with %d MB on the heap, %v", name, rows, (most-before)>>20, err)
		}
	}
}

// However a loop ends, the one connection is free again.
func TestStreamFreesItsConnection(t *testing.T) {
	t.Parallel()
	db, alice := newLibrary(t, 5000)
	stop := errors.New("stop")
	for name, end := range map[string]func(ctx context.Context, cancel func()) error{
		"at the end": func(ctx context.Context, _ func()) error {
			for _, err := range alice.StreamTasks(ctx, planner.ListTasksParams{}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"early": func(ctx context.Context, _ func()) error {
			for range alice.StreamTasks(ctx, planner.ListTasksParams{}) {
				break
			}
			return nil
		},
		"by a panic": func(ctx context.Context, _ func()) (err error) {
			defer func() { err, _ = recover().(error) }()
			for range alice.StreamTasks(ctx, planner.ListTasksParams{}) {
				panic(stop)
			}
			return nil
		},
		"canceled": func(ctx context.Context, cancel func()) (err error) {
			var zero planner.Task
			for task, err := range alice.StreamTasks(ctx, planner.ListTasksParams{}) {
				cancel()
				if err != nil {
					if diff := cmp.Diff(zero, task); diff != "" {
						t.Errorf("with the error came a task:\n%s", diff)
					}
					return err
				}
			}
			return nil
		},
		"canceled before": func(ctx context.Context, cancel func()) (err error) {
			cancel()
			for _, err = range alice.StreamTasks(ctx, planner.ListTasksParams{}) {
			}
			return err
		},
		"refused": func(ctx context.Context, _ func()) (err error) {
			for _, err = range alice.StreamTasks(ctx, planner.ListTasksParams{Limit: -1}) {
			}
			return err
		},
		"never begun": func(ctx context.Context, _ func()) error {
			_ = alice.StreamTasks(ctx, planner.ListTasksParams{})
			return nil
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := end(ctx, cancel)
		cancel()
		want := map[string]error{"by a panic": stop, "canceled": context.Canceled, "canceled before": context.Canceled, "refused": bizydb.ErrInvalid}[name]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if tasks, err := alice.ListTasks(t.Context(), planner.ListTasksParams{Limit: 3}); err != nil || len(tasks) != 3 {
			t.Errorf("%s: afterwards %d tasks, %v", name, len(tasks), err)
		}
	}

	// Where much is left that is quicker than to read it, and the pool has another connection, which is not that one.
	pid := func() uint32 {
		t.Helper()
		conn, err := db.Pool().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		return conn.Conn().PgConn().PID()
	}
	for _, c := range []struct {
		limit int
		same  bool
	}{{1000, true}, {0, false}} {
		before := pid()
		for range alice.StreamTasks(t.Context(), planner.ListTasksParams{Limit: c.limit}) {
			break
		}
		if after := pid(); (after == before) != c.same {
			t.Errorf("limit %d: the connection before was of process %d, the one after of %d", c.limit, before, after)
		}
	}

	// In a transaction, too, what comes after a stream that was left is not disturbed.
	if err := alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
		for range tx.StreamTasks(t.Context(), planner.ListTasksParams{}) {
			break
		}
		_, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "after"})
		return err
	}); err != nil {
		t.Error(err)
	}
}
