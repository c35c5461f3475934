package bizydb_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
)

var changesFor = flag.Duration("changesfor", 500*time.Millisecond, "how long the writers of TestCopiesUnderWriters write, and a hundred times at least")

// A replica is what a client keeps of a user's goals and tasks.
type replica struct {
	cursor planner.ChangesCursor
	goals  map[planner.GoalID]planner.Goal
	tasks  map[planner.TaskID]planner.Task
}

func newReplica() *replica {
	return &replica{goals: map[planner.GoalID]planner.Goal{}, tasks: map[planner.TaskID]planner.Task{}}
}

// update asks until there is no more, with pages of a size.
func (c *replica) update(ctx context.Context, s planner.Reader, size int) error {
	for {
		page, err := s.Changes(ctx, planner.ChangesParams{Since: c.cursor, Limit: size})
		if err != nil {
			return err
		}
		for _, change := range page.Changes {
			switch {
			case change.Goal != nil:
				c.goals[change.Goal.ID] = *change.Goal
			case change.Task != nil:
				c.tasks[change.Task.ID] = *change.Task
			case change.DeletedGoal != 0:
				delete(c.goals, change.DeletedGoal)
			default:
				delete(c.tasks, change.DeletedTask)
			}
		}
		if c.cursor = page.Next; !page.More {
			return nil
		}
	}
}

// difference from what a user has.
func (c *replica) difference(t *testing.T, s planner.Reader) string {
	t.Helper()
	goals, err := s.ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := s.ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	byID := func(goals []planner.Goal, tasks []planner.Task) string {
		slices.SortFunc(goals, func(a, b planner.Goal) int { return cmp.Compare(a.ID, b.ID) })
		slices.SortFunc(tasks, func(a, b planner.Task) int { return cmp.Compare(a.ID, b.ID) })
		return outcome([]any{goals, tasks}, nil)
	}
	return gocmp.Diff(byID(goals, tasks), byID(slices.AppendSeq([]planner.Goal{}, maps.Values(c.goals)), slices.AppendSeq([]planner.Task{}, maps.Values(c.tasks))))
}

// Goals and tasks are what GetGoal and GetTask return, column by column, whatever the session is set to.
func TestChangesAreWhatGetReturns(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		user := made.NewUser(t)
		alice := db.As(user)
		at := plantOpen(t, alice)
		asOwner(t, made, fmt.Sprintf(`
			ALTER TABLE public.tasks ADD COLUMN x_time timestamptz DEFAULT 'infinity', ADD COLUMN x_number numeric DEFAULT 'NaN';
			UPDATE public.tasks SET status = 'in_progress' WHERE id = %[2]d;
			UPDATE public.tasks SET description = E'a "b"\\n\\t\u2028\U0001F600', status = 'blocked', blocked_reason = 'rain', category = 'c', estimated_hours = 0.1::float8 + 0.2::float8,
			  actual_hours = 1e-300, due_date = '0001-01-01Z', due_all_day = true, notes = '', tags = '["<a>", ""]', dependencies = '[%[3]d]' WHERE id = %[2]d;
			UPDATE public.tasks SET status = 'completed', completed_at = '9999-12-31 23:59:59.999999Z', due_date = '1900-07-01 12:34:56.789Z' WHERE id = %[3]d;
			UPDATE public.goals SET description = 'd', horizon = 'weekly', target_date = '1800-01-01Z', status = 'completed', completed_at = '0001-01-01Z', success_criteria = 's',
			  created_at = '1850-02-03 04:05:06.000007Z', metrics = '{"a": 0.1, "big": 12345678901234567890, "tiny": 1e-400, "n": null, "l": [1, {"b": "c"}]}' WHERE id IN (%[4]d, %[5]d)`,
			user, at.waiting, at.task, at.goal, at.subGoal))
		zero := map[string]bool{}
		for _, table := range []any{planner.Goal{}, planner.Task{}} {
			for f := range reflect.TypeOf(table).Fields() {
				zero[reflect.TypeOf(table).Name()+"."+f.Name] = true
			}
		}
		see := func(row any) {
			for f := range reflect.TypeOf(row).Fields() {
				if !reflect.ValueOf(row).FieldByIndex(f.Index).IsZero() {
					delete(zero, reflect.TypeOf(row).Name()+"."+f.Name)
				}
			}
		}
		for _, settings := range []string{"", "SET LOCAL timezone = 'America/St_Johns'; SET LOCAL datestyle = 'German'; SET LOCAL intervalstyle = 'iso_8601'", "SET LOCAL timezone = 'Pacific/Apia'; SET LOCAL extra_float_digits = -15"} {
			if settings != "" && db.Pool().Config().ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeExec {
				continue // which needs them
			}
			tx := begin(t, db.Pool())
			exec(t, tx, "SET LOCAL client_min_messages = 'warning'")
			for _, set := range strings.Split(settings, "; ") {
				if set != "" {
					exec(t, tx, set)
				}
			}
			page, err := alice.WithTx(tx).Changes(t.Context(), planner.ChangesParams{})
			if err != nil {
				t.Fatal(err)
			}
			_ = tx.Rollback(t.Context())
			if len(page.Changes) != 6 {
				t.Fatalf("%+v", page)
			}
			for _, change := range page.Changes {
				var want, got any
				switch {
				case change.Task != nil:
					want, err = alice.GetTask(t.Context(), change.Task.ID)
					got = *change.Task
				case change.Goal != nil:
					want, err = alice.GetGoal(t.Context(), change.Goal.ID)
					got = *change.Goal
				}
				if err != nil || !reflect.DeepEqual(want, got) { // the zones of times too
					t.Errorf("%s: %v\n(-get +changes):\n%s", settings, err, gocmp.Diff(want, got))
				}
				see(got)
			}
		}
		if len(zero) > 0 {
			t.Errorf("never anything but zero: %v", slices.Sorted(maps.Keys(zero)))
		}
	}, tracked)
}

// Each row comes once, as it is now, in the order of its last change; then nothing, until something changes.
func TestChanges(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	strict, err := bizydb.Open(t.Context(), db.DSN, bizydb.StrictOpen())
	if err != nil {
		t.Fatal(err)
	}
	strict.Close()
	user := db.NewUser(t)
	alice, bob := db.As(user), db.As(db.NewUser(t))
	empty, err := alice.Changes(t.Context(), planner.ChangesParams{})
	if diff := gocmp.Diff(planner.ChangesPage{Changes: []planner.Change{}}, empty); err != nil || diff != "" {
		t.Errorf("nothing: %v\n%s", err, diff)
	}
	at, his := plantOpen(t, alice), plantOpen(t, bob)
	said := func(page planner.ChangesPage) (list []string) {
		for _, c := range page.Changes {
			switch {
			case c.Task != nil:
				list = append(list, fmt.Sprintf("task %d: %s", c.Task.ID, c.Task.Title))
			case c.Goal != nil:
				list = append(list, fmt.Sprintf("goal %d: %s", c.Goal.ID, c.Goal.Title))
			default:
				list = append(list, fmt.Sprintf("deleted %d, %d", c.DeletedGoal, c.DeletedTask))
			}
		}
		return list
	}
	cursor := planner.ChangesCursor("")
	next := func(limit int, more bool, want ...string) {
		t.Helper()
		page, err := alice.Changes(t.Context(), planner.ChangesParams{Since: cursor, Limit: limit})
		if diff := gocmp.Diff(want, said(page)); err != nil || diff != "" || page.More != more {
			t.Errorf("%v, more: %v (-want +got):\n%s", err, page.More, diff)
		}
		if (page.Next == cursor) != (len(want) == 0) {
			t.Errorf("%d changes lead from %q to %q", len(want), cursor, page.Next)
		}
		cursor = page.Next
	}
	goal, task, waiting := fmt.Sprintf("goal %d: goal", at.goal), fmt.Sprintf("task %d: task", at.task), fmt.Sprintf("task %d: waiting", at.waiting)
	next(2, true, fmt.Sprintf("goal %d: sub-goal", at.subGoal), task)
	next(2, true, waiting, goal) // whose progress has followed
	next(2, false, fmt.Sprintf("task %d: without goal", at.waiting+1), fmt.Sprintf("goal %d: goal, nearly done", at.subGoal+1))
	next(0, false)
	for range 3 {
		if _, err := alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: at.waiting + 1, Title: new("changed")}); err != nil {
			t.Fatal(err)
		}
	}
	next(0, false, fmt.Sprintf("task %d: changed", at.waiting+1))
	if _, err := alice.DeleteTask(t.Context(), at.task); err != nil {
		t.Fatal(err)
	}
	next(0, false, waiting, fmt.Sprintf("deleted 0, %d", at.task), goal) // what depended on it, and what it was under
	if _, err := alice.DeleteGoal(t.Context(), at.subGoal+1); err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, fmt.Sprintf("INSERT INTO public.tasks (id, user_id, title) VALUES (%d, %d, 'back')", at.task, user))
	next(0, false, fmt.Sprintf("deleted %d, 0", at.subGoal+1), fmt.Sprintf("task %d: back", at.task))

	// A cursor of another user's, or with numbers that were not given, leads nowhere.
	page, err := bob.Changes(t.Context(), planner.ChangesParams{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, since := range []planner.ChangesCursor{
		page.Next, planner.ChangesCursor(fmt.Sprintf("1.%s.0", strconv.FormatInt(int64(user), 36))),
		planner.ChangesCursor(fmt.Sprintf("zzzzzzzzzzz.%s.0", strconv.FormatInt(int64(user), 36))), cursor[:len(cursor)-1] + "zzzzzzzzzzz",
	} {
		if page, err := alice.Changes(t.Context(), planner.ChangesParams{Since: since}); !errors.Is(err, bizydb.ErrChangesExpired) {
			t.Errorf("since %q: %+v, %v, want ErrChangesExpired", since, page, err)
		}
	}
	// A first load has what there is, and of what has been deleted only what may have been on an earlier page.
	first, after := newReplica(), cursor
	cursor = ""
	next(1, true, fmt.Sprintf("goal %d: sub-goal", at.subGoal))
	if _, err := alice.DeleteTask(t.Context(), at.task); err != nil {
		t.Fatal(err)
	}
	next(1, true, fmt.Sprintf("task %d: changed", at.waiting+1))
	next(0, false, waiting, goal, fmt.Sprintf("deleted 0, %d", at.task))
	next(0, false)
	if err := first.update(t.Context(), alice, 1); err != nil {
		t.Fatal(err)
	}
	if diff := first.difference(t, alice); diff != "" || first.cursor != cursor {
		t.Errorf("first load to %s, not %s (-alice's +the copy's):\n%s", first.cursor, cursor, diff)
	}
	cursor = after
	next(0, false, fmt.Sprintf("deleted 0, %d", at.task))
	if _, err := alice.DeleteTask(t.Context(), his.task); !errors.Is(err, bizydb.ErrNotFound) {
		t.Error(err)
	}
	next(0, false)
	for _, since := range []planner.ChangesCursor{"0", "1", "1.1", "1.0.0", "-1.1.1", "1.1.-1", "1.1.1.1", "a b", "zzzzzzzzzzzzzzzzzz.1.1", "\x00", "ä"} {
		if _, err := alice.Changes(t.Context(), planner.ChangesParams{Since: since}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("since %q: %v, want ErrInvalid", since, err)
		}
	}

	// What was deleted while nothing was tracked is not known, so cursors from before lead nowhere.
	asOwner(t, db, "SELECT bizydb.track_changes(false)")
	if _, err := alice.DeleteTask(t.Context(), at.waiting); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Changes(t.Context(), planner.ChangesParams{Since: cursor}); !errors.Is(err, bizydb.ErrChangesOff) {
		t.Errorf("off: %v", err)
	}
	asOwner(t, db, "SELECT bizydb.track_changes()")
	if _, err := alice.Changes(t.Context(), planner.ChangesParams{Since: cursor}); !errors.Is(err, bizydb.ErrChangesExpired) {
		t.Errorf("on again: %v", err)
	}
	copied := newReplica()
	if err := copied.update(t.Context(), alice, 2); err != nil {
		t.Fatal(err)
	}
	if diff := copied.difference(t, alice); diff != "" {
		t.Errorf("anew (-alice's +the copy's):\n%s", diff)
	}
	// A restored backup has given fewer numbers.
	asOwner(t, db, fmt.Sprintf("DELETE FROM bizydb.changes WHERE user_id = %d AND seq = (SELECT max(seq) FROM bizydb.changes WHERE user_id = %[1]d)", user))
	if _, err := alice.Changes(t.Context(), planner.ChangesParams{Since: copied.cursor}); !errors.Is(err, bizydb.ErrChangesExpired) {
		t.Errorf("of another copy of the database: %v", err)
	}
}

// A client gets a cursor of its own wherever a page ends, also where nothing but deletions has come before, and then nothing twice. Whoever
// never had anything has no cursor.
func TestCursorsAfterDeletions(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	alice := db.As(db.NewUser(t))
	cursor := planner.ChangesCursor("")
	next := func(limit, tasks, deleted int, more bool) {
		t.Helper()
		page, err := alice.Changes(t.Context(), planner.ChangesParams{Since: cursor, Limit: limit})
		for _, c := range page.Changes {
			if c.DeletedTask != 0 {
				deleted--
			} else {
				tasks--
			}
		}
		if err != nil || tasks != 0 || deleted != 0 || page.More != more {
			t.Errorf("%+v, %v: %d tasks and %d deletions are missing, want more: %v", page, err, tasks, deleted, more)
		}
		if (page.Next == cursor) != (len(page.Changes) == 0) {
			t.Errorf("%d changes lead from %q to %q", len(page.Changes), cursor, page.Next)
		}
		cursor = page.Next
	}
	create := func() []planner.TaskID {
		t.Helper()
		ids, err := alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "a"}, {Title: "b"}, {Title: "c"}})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	remove := func(ids ...planner.TaskID) {
		t.Helper()
		if _, err := alice.DeleteTasks(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
	}
	next(0, 0, 0, false)
	remove(create()...)
	next(0, 0, 1, false) // the last one says where the load ends
	next(0, 0, 0, false)
	ids := create()
	next(0, 3, 0, false)
	remove(ids...)
	next(2, 0, 2, true)
	next(2, 0, 1, false)
	next(2, 0, 0, false)
	remove(create()[2])
	next(1, 1, 0, true)
	next(1, 1, 0, true)
	next(1, 0, 1, false)
	last := cursor
	cursor = ""
	next(1, 1, 0, true)
	next(1, 1, 0, true)
	next(1, 0, 1, false)
	next(1, 0, 0, false)
	if cursor != last {
		t.Errorf("a first load leads to %q, others to %q", cursor, last)
	}
}

// Two owners at once begin to track changes, or mend the tracking, while others read and then write in transactions: nobody deadlocks, one
// of them begins, and nothing is missing. Where changes are tracked, nobody waits.
func TestTrackedByTwoAtOnce(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	owner := ownerPool(t, db)
	user := db.NewUser(t)
	at := plant(t, db.As(user))
	var stopped atomic.Bool
	var writing sync.WaitGroup
	defer writing.Wait()
	defer stopped.Store(true)
	for range 4 {
		writing.Go(func() {
			for n := 0; !stopped.Load(); n++ {
				err := pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
					alice := db.As(user).WithTx(tx)
					_, err := alice.GetTask(t.Context(), at.task)
					if err == nil {
						_, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: at.task, Status: []planner.TaskStatus{planner.TaskCompleted, planner.TaskPending}[n%2]})
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for round := range 6 {
		if round > 0 {
			asOwner(t, db, "DROP TRIGGER tasks_log_update ON public.tasks")
		}
		var tracking sync.WaitGroup
		for range 2 {
			tracking.Go(func() {
				if _, err := owner.Exec(t.Context(), "SELECT bizydb.track_changes()"); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		tracking.Wait()
		if missing := ownerQuery[int](t, db, `SELECT count(*) - (SELECT count(*) FROM bizydb.changes WHERE seq >= bizydb.changes_since())
			FROM (SELECT id FROM public.goals UNION ALL SELECT id FROM public.tasks) AS rows`); missing != 0 {
			t.Errorf("round %d: %d are missing", round, missing)
		}
	}
	stopped.Store(true)
	writing.Wait()
	tx := begin(t, owner)
	exec(t, tx, "UPDATE public.tasks SET title = 'changed'")
	asOwner(t, db, "SET lock_timeout = '1ms'; SELECT bizydb.track_changes()")
}

// What an import brings is a change like others.
func TestImportsAreChanges(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	plantOpen(t, alice)
	copied := newReplica()
	if err := copied.update(t.Context(), bob, 7); err != nil {
		t.Fatal(err)
	}
	var document bytes.Buffer
	if _, err := userdata.Export(t.Context(), alice, &document); err != nil {
		t.Fatal(err)
	}
	if _, err := userdata.Import(t.Context(), bob, &document); err != nil {
		t.Fatal(err)
	}
	if err := copied.update(t.Context(), bob, 7); err != nil {
		t.Fatal(err)
	}
	if diff := copied.difference(t, bob); diff != "" || len(copied.tasks) != 3 {
		t.Errorf("(-bob's +the copy's):\n%s", diff)
	}
}

// Of two transactions of plain clients, the one that draws a number first also commits first: without the lock, whoever has asked in
// between misses it.
func TestChangesComeInTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	for _, isolation := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead} {
		if diff := overtake(t, db, isolation); diff != "" {
			t.Errorf("%s (-alice's +the copy's):\n%s", isolation, diff)
		}
	}
	function := ownerQuery[string](t, db, "SELECT pg_get_functiondef('bizydb.log_changes()'::regprocedure)")
	const lock = "locked := bizydb.lock_user(owner);"
	if !strings.Contains(function, lock) {
		t.Fatal("the lock is not where this test takes it away")
	}
	asOwner(t, db, strings.Replace(function, lock, "NULL;", 1))
	if overtake(t, db, pgx.ReadCommitted) == "" {
		t.Error("without the lock nothing is missed: this test shows nothing")
	}
}

// overtake lets a client change a task and, before it commits, a second one another. A copy is updated when the second one has
// committed or waits, and again when both have committed.
func overtake(t *testing.T, db *bizydbtest.Database, isolation pgx.TxIsoLevel) (difference string) {
	t.Helper()
	user := db.NewUser(t)
	alice := db.As(user)
	at := plantOpen(t, alice)
	copied := newReplica()
	update := func() {
		t.Helper()
		if err := copied.update(t.Context(), alice, 7); err != nil {
			t.Fatal(err)
		}
	}
	update()
	plainly := func(task planner.TaskID) pgx.Tx {
		tx, err := db.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: isolation})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, tx, enterSQL, fmt.Sprint(user))
		savepoint, err := tx.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exec(t, savepoint, "UPDATE public.tasks SET notes = 'changed' WHERE id = $1", task)
		if err := savepoint.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	first := plainly(at.task)
	second := make(chan struct{})
	go func() {
		defer close(second)
		tx := plainly(at.waiting)
		if err := tx.Commit(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for waiting := false; !waiting; {
		select {
		case <-second:
			waiting = true
		case <-time.After(10 * time.Millisecond):
			waiting = waits(t, db)
		}
	}
	update()
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-second
	update()
	return copied.difference(t, alice)
}

// Copies are made by Changes alone, seven rows a call, while sixteen writers change goals and tasks: through scopes, and as plain
// clients, with savepoints, in repeatable read. One copy of each user is a client's, which polls. The others are a service's, which asks
// whose to update. In the end all are what the users have.
//
//	go test -run CopiesUnderWriters ./bizydb -changesfor 60s
func TestCopiesUnderWriters(t *testing.T) {
	t.Parallel()
	const size, users, most = 16, 3, 7
	made := bizydbtest.New(t, tracked, bizydbtest.WithReporting())
	db := open(t, made.DSN, func(c *pgxpool.Config) { c.MaxConns = size + 2*users })
	asOwner(t, made, fmt.Sprintf("ALTER DATABASE %s SET deadlock_timeout = '20ms'", parseConfig(t, made.DSN).ConnConfig.Database))
	db.Pool().Reset()
	owners := make([]bizydb.UserID, users)
	for i := range owners {
		owners[i] = made.NewUser(t)
		plantDeep(t, db.As(owners[i]), 4, 30)
	}

	var stopped atomic.Bool
	var asked atomic.Int64
	var copying sync.WaitGroup
	clients, service := map[bizydb.UserID]*replica{}, map[bizydb.UserID]*replica{}
	for _, user := range owners {
		client := newReplica()
		clients[user], service[user] = client, newReplica()
		copying.Go(func() {
			for !stopped.Load() {
				if err := client.update(t.Context(), db.As(user), most); err != nil {
					t.Error(err)
					return
				}
				asked.Add(1)
			}
		})
	}
	var since bizydb.ChangedUsersCursor
	serve := func() {
		page, err := db.Reporting().ChangedUsers(t.Context(), bizydb.ChangedUsersParams{Since: since, Limit: 2})
		if err != nil {
			t.Error(err)
			return
		}
		for _, user := range page.Users {
			if err := service[user].update(t.Context(), db.As(user), most); err != nil {
				t.Error(err)
				return
			}
		}
		since = page.Next
	}
	copying.Go(func() {
		for !stopped.Load() {
			serve()
		}
	})
	done, lost := writers{
		n: size, plain: size / 2, atLeast: *changesFor, seed: users,
		expected: []error{bizydb.ErrNotFound, bizydb.ErrUnknownReference, bizydb.ErrGoalCycle},
		undone:   []string{pgerrcode.DeadlockDetected, pgerrcode.CheckViolation, pgerrcode.ForeignKeyViolation, pgerrcode.SerializationFailure},
		change: func(w int, random *rand.Rand) error {
			user := owners[random.IntN(len(owners))]
			if w < size/2 {
				return writeInSavepoints(t.Context(), db.Pool(), user, random)
			}
			return write(t.Context(), db.As(user), random)
		},
	}.run(t)
	stopped.Store(true)
	copying.Wait()
	t.Logf("%d writes and transactions, %d more undone by the server; %d updates of copies", done, lost, asked.Load())

	for _, user := range owners {
		if err := clients[user].update(t.Context(), db.As(user), most); err != nil {
			t.Fatal(err)
		}
		if diff := clients[user].difference(t, db.As(user)); diff != "" {
			t.Errorf("user %d, a client (-the user's +the copy's):\n%s", user, diff)
		}
		diff := ""
		for range 300 { // transactions of other tests can be older
			serve()
			if diff = service[user].difference(t, db.As(user)); diff == "" {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if diff != "" {
			t.Errorf("user %d, a service (-the user's +the copy's):\n%s", user, diff)
		}
	}
}

// writeInSavepoints is a plain client that takes back some of what it has written.
func writeInSavepoints(ctx context.Context, pool *pgxpool.Pool, user bizydb.UserID, random *rand.Rand) error {
	isolation := pgx.ReadCommitted
	if random.IntN(2) == 0 {
		isolation = pgx.RepeatableRead
	}
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: isolation}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, enterSQL, fmt.Sprint(user)); err != nil {
			return err
		}
		for range 1 + random.IntN(4) {
			savepoint, err := tx.Begin(ctx)
			if err != nil {
				return err
			}
			sql := [...]string{
				"UPDATE public.tasks SET notes = md5(random()::text) WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 1)",
				"UPDATE public.tasks SET status = 'completed' WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 2)",
				"UPDATE public.goals SET title = md5(random()::text) WHERE id IN (SELECT id FROM public.goals ORDER BY random() LIMIT 2)",
				"INSERT INTO public.tasks (title, parent_goal_id) SELECT 'plain', id FROM public.goals ORDER BY random() LIMIT 2",
				"DELETE FROM public.tasks WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 1)",
			}[random.IntN(5)]
			if _, err := savepoint.Exec(ctx, sql); err != nil {
				return err
			}
			if random.IntN(3) == 0 {
				err = savepoint.Rollback(ctx)
			} else {
				err = savepoint.Commit(ctx)
			}
			if err != nil {
				return err
			}
		}
		if random.IntN(8) == 0 {
			return bizydb.ErrNotFound // and all of it
		}
		return nil
	})
}

// A user is named once a transaction that has changed something has committed, whatever others have begun or committed before or after.
func TestChangedUsers(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, tracked, bizydbtest.WithReporting())
	users := []bizydb.UserID{made.NewUser(t), made.NewUser(t), made.NewUser(t), made.NewUser(t), made.NewUser(t)}
	late, early, aborted, inSavepoint, deleted := users[0], users[1], users[2], users[3], users[4]
	reports := made.Reporting()
	var since bizydb.ChangedUsersCursor
	named := map[bizydb.UserID]bool{}
	ask := func() {
		t.Helper()
		for more := true; more; {
			page, err := reports.ChangedUsers(t.Context(), bizydb.ChangedUsersParams{Since: since, Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Users) > 1 {
				t.Errorf("%d users on a page of one", len(page.Users))
			}
			for _, user := range page.Users {
				named[user] = true
			}
			since, more = page.Next, page.More
		}
	}
	until := func(who ...bizydb.UserID) {
		t.Helper()
		for range 600 { // transactions of other tests can be older
			if ask(); !slices.ContainsFunc(who, func(user bizydb.UserID) bool { return !named[user] }) {
				clear(named)
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("named %v, want %v too", named, who)
	}
	change := func(tx pgx.Tx, user bizydb.UserID) {
		t.Helper()
		exec(t, tx, enterSQL, fmt.Sprint(user))
		exec(t, tx, "INSERT INTO public.tasks (title) VALUES ('task')")
	}
	for _, user := range users {
		plant(t, made.As(user))
	}
	until(users...)

	slow := begin(t, made.Pool())
	change(slow, late)
	other, err := made.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	change(other, early)
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := begin(t, made.Pool())
	change(back, aborted)
	_ = back.Rollback(t.Context())
	tx := begin(t, made.Pool())
	for i := range 3 {
		savepoint, err := tx.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		change(savepoint, []bizydb.UserID{aborted, inSavepoint, aborted}[i])
		if i == 1 {
			err = savepoint.Commit(t.Context())
		} else {
			err = savepoint.Rollback(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask()
	if len(named) > 0 {
		t.Errorf("while the first transaction is open: %v", named)
	}
	// The service's own transaction sees what it has changed, and does not take it for committed.
	page, err := reports.ChangedUsers(t.Context(), bizydb.ChangedUsersParams{Since: since})
	if err != nil || len(page.Users) > 0 || page.Next != since || page.More {
		t.Errorf("nobody: %+v, %v", page, err)
	}
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Nobody who has changed nothing is named, but perhaps whoever was on the last page.
	delete(named, deleted)
	until(late, early, inSavepoint)
	if named[aborted] {
		t.Error("who has changed nothing is named")
	}

	if _, err := made.Accounts().Delete(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	since = ""
	until(late, early, inSavepoint, aborted)
	if ask(); named[deleted] {
		t.Error("who is deleted is named")
	}
	for _, since := range []bizydb.ChangedUsersCursor{"x", "e30", "\x00", "eyJCZWdhbiI6LTF9"} {
		if _, err := reports.ChangedUsers(t.Context(), bizydb.ChangedUsersParams{Since: since}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("since %q: %v, want ErrInvalid", since, err)
		}
	}
	for _, limit := range []int{-1, 10_001} {
		if _, err := reports.ChangedUsers(t.Context(), bizydb.ChangedUsersParams{Limit: limit}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("limit %d: %v, want ErrInvalid", limit, err)
		}
	}
	asOwner(t, made, "SELECT bizydb.track_changes(false), bizydb.track_changes()")
	if _, err := reports.ChangedUsers(t.Context(), bizydb.ChangedUsersParams{Since: since}); !errors.Is(err, bizydb.ErrChangesExpired) {
		t.Errorf("tracked anew: %v", err)
	}
	// A copy on a server whose transactions have not come so far.
	asOwner(t, made, "UPDATE bizydb.changes SET xid = (pg_current_xact_id()::text::bigint + 1000000000)::text::xid8 WHERE seq = (SELECT max(seq) FROM bizydb.changes)")
	if _, err := reports.ChangedUsers(t.Context(), bizydb.ChangedUsersParams{}); !errors.Is(err, bizydb.ErrChangesOff) {
		t.Errorf("on another server: %v", err)
	}
}

// A page reads about what is on it, of one user and of all.
func TestChangesReadLittle(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	asOwner(t, made, `ALTER TABLE bizydb.changes SET (autovacuum_enabled = off)`)
	addIdleUsers(t, made, 300)
	m := moveIn(t, made, made.NewUser(t), 4000)
	asOwner(t, made, "SELECT bizydb.track_changes(); INSERT INTO public.goals (user_id, title) SELECT id, 'goal' FROM public.users, generate_series(1, 10)")
	read := func(call func(pgx.Tx) error) int {
		t.Helper()
		tx := begin(t, made.Pool())
		defer func() { _ = tx.Rollback(t.Context()) }()
		soFar := func() (rows int) {
			if err := tx.QueryRow(t.Context(), `SELECT sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))
				FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
				WHERE coalesce(i.indrelid, c.oid) IN ('public.goals'::regclass, 'public.tasks'::regclass, 'bizydb.changes'::regclass)`).Scan(&rows); err != nil {
				t.Fatal(err)
			}
			return rows
		}
		before := soFar()
		if err := call(tx); err != nil {
			t.Fatal(err)
		}
		return soFar() - before
	}
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			asOwner(t, made, "ANALYZE")
		}
		var cursor planner.ChangesCursor
		for _, page := range []string{"first", "second"} {
			rows := read(func(tx pgx.Tx) error {
				page, err := made.As(m.user).WithTx(tx).Changes(t.Context(), planner.ChangesParams{Since: cursor, Limit: 20})
				cursor = page.Next
				return err
			})
			if rows > 200 {
				t.Errorf("the %s page of 20 reads %d rows (analyzed: %v)", page, rows, analyzed)
			}
		}
		began, xid := ownerQuery[int64](t, made, "SELECT bizydb.changes_since()"), ownerQuery[int64](t, made, "SELECT max(xid)::text::bigint - 1 FROM bizydb.changes")
		for _, most := range []int{20, 1000} {
			rows := read(func(tx pgx.Tx) error {
				_, err := made.Reporting().WithTx(tx).Exec(t.Context(), "SELECT bizydb.changed_users($1, $2, 9223372036854775807, $3)", began, xid, most)
				return err
			})
			if rows > 30*most {
				t.Errorf("%d users: %d rows (analyzed: %v)", most, rows, analyzed)
			}
		}
	}
}
