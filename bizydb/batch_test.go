package bizydb_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// In a batch every query that reads answers as it does by itself, and all of them together are one round trip.
func TestBatchIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		var want, got []any
		var reads []func(bizydb.Reader) error
		for _, method := range slices.Concat(methods(), slices.Sorted(maps.Keys(ownCalls))) {
			read := func(q planner.Reader) (result any, err error) { return call(t.Context(), q, method, at) }
			if err := alice.Batch(t.Context(), func(q bizydb.Reader) error { _, err := read(q); return err }); errors.Is(err, bizydb.ErrReadOnly) || errors.Is(err, bizydb.ErrStatement) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			i := len(got)
			reads = append(reads, func(q bizydb.Reader) (err error) { got[i], err = read(q); return err })
			got = append(got, nil)
			result, err := read(alice)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, result)
		}
		for range 2 {
			proxy.RoundTrips()
			if err := alice.Batch(t.Context(), reads...); err != nil {
				t.Fatal(err)
			}
		}
		if n := proxy.RoundTrips(); n != 1 {
			t.Errorf("%d round trips for %d queries, want 1", n, len(reads))
		}
		if diff := cmp.Diff(outcome(want, nil), outcome(got, nil)); diff != "" {
			t.Errorf("(-by itself +in a batch):\n%s", diff)
		}
	}, tracked)
}

// However a batch ends, its one connection is free again, and the error is that of the function that failed.
func TestBatchEnds(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, oneConn)
	alice, mallory := db.As(made.NewUser(t)), db.As(made.NewUser(t))
	hers := plantOpen(t, alice)
	plantOpen(t, mallory)
	failed := errors.New("failed")
	list := func(q bizydb.Reader) error {
		_, err := q.ListTasks(t.Context(), planner.ListTasksParams{})
		return err
	}
	get := func(q bizydb.Reader) error { _, err := q.GetTask(t.Context(), hers.task); return err }
	fails := func(bizydb.Reader) error { return failed }
	type reads = []func(bizydb.Reader) error
	for name, c := range map[string]struct {
		reads reads
		want  error
	}{
		"nothing":          {nil, nil},
		"nothing asked":    {reads{func(bizydb.Reader) error { return nil }}, nil},
		"fails at once":    {reads{list, fails}, failed},
		"fails afterwards": {reads{list, func(q bizydb.Reader) error { return errors.Join(list(q), failed) }, list}, failed},
		"another's":        {reads{list, get, list}, bizydb.ErrNotFound},
		"refused value": {reads{list, func(q bizydb.Reader) error {
			_, err := q.OpenTasks(t.Context(), planner.OpenTasksParams{Limit: -1})
			return err
		}, list}, bizydb.ErrInvalid},
		"refused, ignored": {reads{func(q bizydb.Reader) error {
			_, _ = q.OpenTasks(t.Context(), planner.OpenTasksParams{Limit: -1})
			return nil
		}, list}, bizydb.ErrInvalid},
		"not found, handled": {reads{func(q bizydb.Reader) error { _ = get(q); return nil }, list}, nil},
		"a write": {reads{list, func(q bizydb.Reader) error {
			_, err := q.Reader.(planner.ReadWriter).StartTask(t.Context(), planner.StartTaskParams{ID: hers.task})
			return err
		}}, bizydb.ErrReadOnly},
		"a stream left early": {reads{func(q bizydb.Reader) error {
			for _, err := range q.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				return err
			}
			return nil
		}, list}, nil},
		"asks three times": {reads{func(q bizydb.Reader) error { return errors.Join(list(q), list(q), list(q)) }, list}, nil},
	} {
		if err := mallory.Batch(t.Context(), c.reads...); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if n := db.Pool().Stat().AcquiredConns(); n != 0 {
			t.Fatalf("%s: the connection has not been given back", name)
		}
		if tasks, err := alice.ListTasks(t.Context(), planner.ListTasksParams{}); err != nil || len(tasks) != 3 {
			t.Errorf("%s: afterwards %d tasks, %v", name, len(tasks), err)
		}
	}

	if err := db.As(0).Batch(t.Context()); !errors.Is(err, bizydb.ErrNoUser) {
		t.Errorf("nobody's, nothing asked: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := alice.Batch(ctx, list); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if err := db.As(0).Batch(t.Context(), list); !errors.Is(err, bizydb.ErrNoUser) {
		t.Errorf("nobody's: %v", err)
	}
	func() {
		defer func() {
			if recover() != failed {
				t.Error("a panic does not go on")
			}
		}()
		_ = alice.Batch(t.Context(), list, func(q bizydb.Reader) error { _ = list(q); panic(failed) }, list)
	}()
	if n := db.Pool().Stat().AcquiredConns(); n != 0 {
		t.Errorf("after a panic the connection has not been given back")
	}
}

// What is left of an answer is of no use when its function has asked again or returned: by then the connection, and what comes on
// it, can be another user's.
func TestBatchRowsEnd(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for _, conns := range []int32{1, 2} {
		db := open(t, made.DSN, func(c *pgxpool.Config) { c.MaxConns = conns })
		alice, bob := db.As(made.NewUser(t)), db.As(made.NewUser(t))
		hers, his := plant(t, alice), plant(t, bob)

		others, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() {
			for others.Err() == nil {
				_, _ = bob.ListTasks(others, planner.ListTasksParams{})
			}
		})

		for range 100 {
			// Asking in the loop of a stream.
			var met []planner.Task
			err := alice.Batch(t.Context(), func(q bizydb.Reader) error {
				for task, err := range q.StreamTasks(t.Context(), planner.ListTasksParams{}) {
					if err != nil {
						return err
					}
					met = append(met, task)
					if _, err := q.GetGoal(t.Context(), hers.goal); err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil || len(met) != 1 {
				t.Fatalf("asked in the loop of a stream: %d tasks, %v", len(met), err)
			}

			// Keeping a stream and the reader for later.
			var kept bizydb.Reader
			var next func() (planner.Task, error, bool)
			var stopStream func()
			if err := alice.Batch(t.Context(), func(q bizydb.Reader) error {
				kept = q
				next, stopStream = iter.Pull2(q.StreamTasks(t.Context(), planner.ListTasksParams{}))
				_, err, _ := next()
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if task, err, more := next(); err == nil || !more {
				t.Fatalf("a stream that was kept: %+v, %v", task, more)
			}
			stopStream()
			if task, err := kept.GetTask(t.Context(), his.task); err == nil || errors.Is(err, bizydb.ErrNotFound) {
				t.Fatalf("a reader that was kept: %+v, %v", task, err)
			}
		}
		stop()
		done.Wait()
	}
}
