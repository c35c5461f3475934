//go:build unix

package faults_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var standbyReads = flag.Int("standbyreads", 2000, "how many reads TestFreshReads and TestMonotonicReads make")

// A read right after a write sees the write, however it was written and read, in another process too if that has the token, while
// replay stops and goes on. The same test finds stale reads where a read is sent to a standby without a token, or after a comparison with
// an LSN from before the commit.
func TestFreshReads(t *testing.T) { // by itself: it works, while the others sleep
	g := newGroup(t, 2)
	roomy := g.DSN + "&pool_max_conns=40&synchronous_commit=on" // as in production; writers that read in a transaction need two connections each
	here, there := g.open(t, roomy, g.dsns...), g.open(t, roomy, g.dsns...)
	g.stutter(t)

	direct, err := bizydb.Open(t.Context(), g.dsns[0])
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	for _, c := range []struct {
		name  string
		stale bool // reads are expected
		read  func(w *writer) (int, error)
	}{
		{"in this process", false, func(w *writer) (int, error) { return w.read(here.As(w.user)) }},
		{"in another process, by token", false, func(w *writer) (int, error) {
			token, err := bizydb.ParseToken(here.As(w.user).Token().String())
			if err != nil {
				return 0, err
			}
			return w.read(there.As(w.user).After(token))
		}},
		{"in another process, without a token", true, func(w *writer) (int, error) { return w.read(there.As(w.user)) }},
		{"on a standby that has replayed what was in the log before the commit", true, func(w *writer) (int, error) {
			var replayed bool
			if err := direct.As(w.user).DBTX().QueryRow(w.ctx, "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", w.lsn).Scan(&replayed); err != nil {
				return 0, err
			}
			if !replayed {
				return w.written, nil // from the primary
			}
			return w.read(direct.As(w.user))
		}},
	} {
		before, primaryBefore := reads(here, there)
		var stale, all atomic.Int64
		g.write(t, here, 16, func(w *writer) error {
			for range 1 + rand.IntN(5) {
				if rand.IntN(2) == 0 {
					time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
				}
				got, err := c.read(w)
				if c.stale && (errors.Is(err, bizydb.ErrNotFound) || errors.Is(err, bizydb.ErrNoUser)) { // not there yet
					got, err = 0, nil
				}
				if err != nil {
					return err
				}
				if got < w.written {
					stale.Add(1)
				}
				enough := int64(*standbyReads)
				if asked, _ := reads(here, there); c.stale && stale.Load() == 0 || !c.stale && asked == before {
					enough *= 20 // what is looked for below is rarer on some machines
				}
				if all.Add(1) >= enough {
					return errDone
				}
			}
			return nil
		})
		standby, primary := reads(here, there)
		t.Logf("%s: %d of %d reads are stale; %d on standbys, %d on the primary", c.name, stale.Load(), all.Load(), standby-before, primary-primaryBefore)
		if (stale.Load() > 0) != c.stale {
			t.Errorf("%s: %d stale reads", c.name, stale.Load())
		}
		if !c.stale && standby == before {
			t.Errorf("%s: no standby was asked", c.name)
		}
	}
}

// What a user has seen on one standby is there on every other one, and on the primary, for a process that has the token.
func TestMonotonicReads(t *testing.T) { // by itself: it works, while the others sleep
	g := newGroup(t, 2)
	for _, sql := range []string{"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'", "ALTER SYSTEM SET synchronous_commit = 'remote_apply'", "SELECT pg_reload_conf()"} {
		if err := execOn(t, g.server.DSN(), sql); err != nil {
			t.Fatal(err)
		}
	}
	writes := g.open(t, g.DSN+"&pool_max_conns=40", g.dsns...)
	processes := []*bizydb.DB{g.open(t, g.DSN, g.dsns[0]), g.open(t, g.DSN, g.dsns[1])}
	g.stutter(t)
	for _, tokens := range []bool{true, false} {
		var backwards, all atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		g.writeUntil(t, ctx, writes, 8, func(w *writer) error {
			if w.written > 1 {
				time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
				return nil
			}
			readers.Go(func() {
				var token bizydb.Token
				seen := 0
				for i := 0; ctx.Err() == nil; i++ {
					scope := processes[i%2].As(w.user)
					if tokens {
						scope = scope.After(token)
					}
					got, err := w.read(scope)
					if errors.Is(err, bizydb.ErrNotFound) { // not there yet
						continue
					}
					if err != nil {
						if ctx.Err() == nil {
							t.Error(err)
						}
						return
					}
					if token = scope.Token(); got < seen {
						backwards.Add(1)
					}
					seen = max(seen, got)
					if all.Add(1) >= int64(*standbyReads) {
						stop()
					}
				}
			})
			return nil
		})
		readers.Wait()
		stop()
		standby, primary := reads(processes...)
		t.Logf("tokens: %v: %d of %d reads went backwards; %d on standbys, %d on the primary so far", tokens, backwards.Load(), all.Load(), standby, primary)
		if tokens && backwards.Load() > 0 {
			t.Errorf("%d reads went backwards", backwards.Load())
		}
		if !tokens && backwards.Load() == 0 && *standbyReads >= 100_000 {
			t.Error("without tokens no read went backwards, so the test would not find one")
		}
	}
}

var errDone = errors.New("done")

// A writer counts up the title of a task of its own user.
type writer struct {
	ctx     context.Context
	user    bizydb.UserID
	task    planner.TaskID
	written int    // acknowledged
	lsn     string // in the last transaction, before its commit
}

// write has writers write in every way, and calls after after each write, until one returns errDone.
func (g *group) write(t *testing.T, db *bizydb.DB, writers int, after func(*writer) error) {
	t.Helper()
	g.writeUntil(t, t.Context(), db, writers, after)
}

func (g *group) writeUntil(t *testing.T, ctx context.Context, db *bizydb.DB, writers int, after func(*writer) error) {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	for range writers {
		w := &writer{ctx: ctx, user: g.NewUser(t)}
		all.Go(func() {
			for ctx.Err() == nil {
				err := w.write(db)
				if err == nil {
					err = after(w)
				}
				if err != nil {
					if !errors.Is(err, errDone) && ctx.Err() == nil {
						t.Error(err)
					}
					stop()
				}
			}
		})
	}
	all.Wait()
}

func (w *writer) write(db *bizydb.DB) error {
	scope, title := db.As(w.user), strconv.Itoa(w.written+1)
	lsn := func(q bizydb.DBTX) error {
		return q.QueryRow(w.ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&w.lsn)
	}
	update := planner.UpdateTaskParams{ID: w.task, Title: &title}
	var err error
	switch how := rand.IntN(4); {
	case w.task == 0:
		var task planner.Task
		if task, err = scope.CreateTask(w.ctx, planner.CreateTaskParams{Title: title}); err == nil {
			w.task = task.ID
			err = lsn(scope.DBTX(bizydb.Writes))
		}
	case how == 0:
		err = scope.InTx(w.ctx, func(tx *bizydb.Tx) error {
			if _, err := tx.UpdateTask(w.ctx, update); err != nil {
				return err
			}
			return lsn(tx.DBTX())
		})
	case how == 1:
		err = pgx.BeginFunc(w.ctx, db.Pool(), func(tx pgx.Tx) error {
			in := scope.WithTx(tx)
			if _, err := in.UpdateTask(w.ctx, update); err != nil {
				return err
			}
			if rand.IntN(4) == 0 { // the user reads while it is open
				if _, err := scope.GetTask(w.ctx, w.task); err != nil {
					return err
				}
			}
			return lsn(in.DBTX())
		})
	case how == 2:
		b := &pgx.Batch{}
		b.Queue("UPDATE public.tasks SET title = $2 WHERE id = $1", w.task, title)
		b.Queue("SELECT pg_current_wal_insert_lsn()::text").QueryRow(func(row pgx.Row) error { return row.Scan(&w.lsn) })
		err = scope.DBTX().SendBatch(w.ctx, b).Close()
	default:
		_, err = scope.UpdateTask(w.ctx, update)
	}
	if err != nil {
		return fmt.Errorf("write %d: %w", w.written+1, err)
	}
	w.written++
	return nil
}

// read reads the title, in one of the ways in which a scope reads.
func (w *writer) read(scope bizydb.Scope) (n int, err error) {
	var task planner.Task
	switch rand.IntN(6) {
	case 0:
		var tasks []planner.Task
		if tasks, err = scope.ListTasks(w.ctx, planner.ListTasksParams{}); err == nil && len(tasks) == 0 {
			err = bizydb.ErrNotFound
		} else if err == nil {
			task = tasks[0]
		}
	case 1:
		err = scope.DBTX().QueryRow(w.ctx, "SELECT title FROM public.tasks WHERE id = $1", w.task).Scan(&task.Title)
	case 2:
		err = scope.Batch(w.ctx,
			func(q bizydb.Reader) error { _, err := q.Me(w.ctx); return err },
			func(q bizydb.Reader) (err error) { task, err = q.GetTask(w.ctx, w.task); return err })
	case 3:
		err = scope.Snapshot(w.ctx, func(tx *bizydb.Tx) (err error) { task, err = tx.GetTask(w.ctx, w.task); return err })
	default:
		task, err = scope.GetTask(w.ctx, w.task)
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(task.Title)
}

// reads counts the reads on standbys and on the primary.
func reads(dbs ...*bizydb.DB) (standby, primary int64) {
	for _, db := range dbs {
		stats, n := db.StandbyStats()
		primary += n
		for _, s := range stats {
			standby += s.Reads
		}
	}
	return standby, primary
}

// stutter stops replay of one standby after the other for a few milliseconds, until the test ends.
func (g *group) stutter(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	for _, dsn := range g.admin {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		done.Go(func() {
			defer conn.Close(context.Background())
			for ctx.Err() == nil {
				time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
				_, _ = conn.Exec(ctx, "SELECT pg_wal_replay_pause()")
				time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
				_, _ = conn.Exec(context.Background(), "SELECT pg_wal_replay_resume()")
			}
		})
	}
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
}

// What a user has written or seen in any way, a read right after it has too, though replay stands still.
func TestFreshAfterEverything(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	db := g.open(t, g.DSN, g.dsns[0])
	other := g.Database // another process
	asOwner := func(sql string) {
		t.Helper()
		if err := execOn(t, g.AdminDSN, sql); err != nil {
			t.Fatal(err)
		}
	}
	asOwner(`CREATE FUNCTION public.rename(task bigint, name text) RETURNS void LANGUAGE sql AS 'UPDATE public.tasks SET title = name WHERE id = task'`)
	errApp := errors.New("of the service")
	for name, change := range map[string]func(w *writer, s bizydb.Scope, title string) error{
		"another process, seen in a transaction that fails": func(w *writer, s bizydb.Scope, title string) error {
			if _, err := other.As(w.user).UpdateTask(w.ctx, planner.UpdateTaskParams{ID: w.task, Title: &title}); err != nil {
				return err
			}
			err := s.InTx(w.ctx, func(tx *bizydb.Tx) error { _, _ = tx.GetTask(w.ctx, w.task); return errApp })
			return unless(err, errApp)
		},
		"another process, told by a version": func(w *writer, s bizydb.Scope, title string) error {
			if _, err := other.As(w.user).UpdateTask(w.ctx, planner.UpdateTaskParams{ID: w.task, Title: &title}); err != nil {
				return err
			}
			old := int64(1)
			_, err := s.UpdateTask(w.ctx, planner.UpdateTaskParams{ID: w.task, IfVersion: &old})
			return unless(err, bizydb.ErrVersionConflict)
		},
		"another process, seen in a stream that was left": func(w *writer, s bizydb.Scope, title string) error {
			if _, err := other.As(w.user).UpdateTask(w.ctx, planner.UpdateTaskParams{ID: w.task, Title: &title}); err != nil {
				return err
			}
			return s.InTx(w.ctx, func(tx *bizydb.Tx) error {
				for _, err := range tx.StreamTasks(w.ctx, planner.ListTasksParams{}) {
					return err
				}
				return nil
			})
		},
		"a batch whose function fails after the commit": func(w *writer, s bizydb.Scope, title string) error {
			b := &pgx.Batch{}
			b.Queue("UPDATE public.tasks SET title = $2 WHERE id = $1 RETURNING title", w.task, title).QueryRow(func(pgx.Row) error { return errApp })
			return unless(s.DBTX().SendBatch(w.ctx, b).Close(), errApp)
		},
		"a row that is scanned into the wrong type": func(w *writer, s bizydb.Scope, title string) error {
			var n int
			if err := s.DBTX().QueryRow(w.ctx, "UPDATE public.tasks SET title = $2 WHERE id = $1 RETURNING title", w.task, title).Scan(&n); err == nil {
				return errors.New("no error")
			}
			return nil
		},
		"a function, in the service's own transaction": func(w *writer, s bizydb.Scope, title string) error {
			return pgx.BeginFunc(w.ctx, db.Pool(), func(tx pgx.Tx) error {
				_, err := s.WithTx(tx).DBTX().Exec(w.ctx, "SELECT public.rename($1, $2)", w.task, title)
				return err
			})
		},
		"the user's name": func(w *writer, s bizydb.Scope, title string) error {
			_, err := s.UpdateMe(w.ctx, planner.UpdateMeParams{FullName: &title})
			return err
		},
		"the user's name, by Accounts": func(w *writer, s bizydb.Scope, title string) error {
			_, err := db.Accounts().UpdateProfile(w.ctx, w.user, bizydb.UpdateProfileParams{FullName: &title})
			return err
		},
		"the user's name, in the service's own transaction": func(w *writer, s bizydb.Scope, title string) error {
			return pgx.BeginFunc(w.ctx, db.Pool(), func(tx pgx.Tx) error {
				if _, err := db.Accounts().WithTx(tx).UpdateProfile(w.ctx, w.user, bizydb.UpdateProfileParams{FullName: &title}); err != nil {
					return err
				}
				_, err := s.WithTx(tx).Me(w.ctx)
				return err
			})
		},
	} {
		w := &writer{ctx: t.Context(), user: g.NewUser(t)}
		if err := w.write(db); err != nil {
			t.Fatal(err)
		}
		title := "first"
		for range 2 { // so that it has a version above 1
			if _, err := db.As(w.user).UpdateTask(t.Context(), planner.UpdateTaskParams{ID: w.task, Title: &title}); err != nil {
				t.Fatal(err)
			}
		}
		g.waitUntilReplayed(t)
		before, _ := reads(db)
		if _, err := db.As(w.user).GetTask(t.Context(), w.task); err != nil {
			t.Fatal(err)
		}
		if after, _ := reads(db); after == before {
			t.Errorf("%s: the standby is not used before", name)
		}
		g.pause(t, 0)
		if err := change(w, db.As(w.user), "second"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		task, err := db.As(w.user).GetTask(t.Context(), w.task)
		me, meErr := db.As(w.user).Me(t.Context())
		if err = errors.Join(err, meErr); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if task.Title != "second" && (me.FullName == nil || *me.FullName != "second") {
			t.Errorf("%s: a read that follows does not see it: %q, %v", name, task.Title, me.FullName)
		}
		g.resume(t, 0)
	}
}

// unless returns nil for an error that is wanted.
func unless(err, wanted error) error {
	if errors.Is(err, wanted) {
		return nil
	}
	return fmt.Errorf("%w, want %w", err, wanted)
}
