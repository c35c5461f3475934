package bizydb_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A state is a row of goals or tasks.
type state struct {
	Row       string // table and id
	Version   int64
	UpdatedAt time.Time
	RollUps   int64
	All       string // but version and updated_at
	Own       string // and but what a roll-up writes, except the status
}

func states(t *testing.T, owner *pgxpool.Pool, user bizydb.UserID) map[string]state {
	t.Helper()
	rows, err := owner.Query(t.Context(), `
		SELECT 'goals ' || id, version, updated_at, roll_up_count, (to_jsonb(g) - '{version,updated_at}'::text[])::text,
		  (to_jsonb(g) - '{version,updated_at,progress_percentage,task_count,completed_task_count,sub_goal_count,sub_goal_progress,roll_up_count}'::text[])::text
		FROM public.goals g WHERE user_id = $1
		UNION ALL
		SELECT 'tasks ' || id, version, updated_at, 0, (to_jsonb(t) - '{version,updated_at}'::text[])::text, ''
		FROM public.tasks t WHERE user_id = $1`, user)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[state])
	if err != nil {
		t.Fatal(err)
	}
	byRow := map[string]state{}
	for _, s := range list {
		byRow[s.Row] = s
	}
	return byRow
}

// changesNothing are the calls that change no goal and no task here.
var changesNothing = []string{"RollUp", "RollUpAll", "UpdateMe", "ForgetDeleted", "ForgetDeletedGoal", "ForgetDeletedTask", "own SELECT FOR UPDATE", "own SELECT FOR KEY SHARE"}

// Whatever changes a row, its version rises by one, and updated_at is later; where nothing changes, neither does. A roll-up alone leaves
// the version of a goal, unless it completes or reopens it.
func TestVersions(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	owner := ownerPool(t, db)
	eachCall(t, func(t *testing.T, name string) {
		if reads(name) {
			return
		}
		user := db.NewUser(t)
		alice := db.As(user)
		at, second := plantAll(t, alice), plantAll(t, alice)
		risen, other := 0, 0
		for _, status := range []planner.TaskStatus{planner.TaskPending, planner.TaskBlocked, planner.TaskCompleted} {
			if _, err := alice.SetTaskStatuses(t.Context(), planner.SetTaskStatusesParams{IDs: planner.TaskIDs{at.task, at.waiting}, Status: status}); err != nil {
				t.Fatal(err)
			}
			if status == planner.TaskCompleted {
				if _, err := alice.CompleteGoal(t.Context(), planner.CompleteGoalParams{ID: at.goal}); err != nil && !errors.Is(err, bizydb.ErrNotFound) {
					t.Fatal(err)
				}
			}
			before := states(t, owner, user)
			for _, at := range []things{at, at, {goal: second.goal, subGoal: at.subGoal, task: at.task, waiting: at.waiting}, {goal: at.goal, subGoal: at.subGoal, task: second.task, waiting: at.waiting}} {
				_, err := call(t.Context(), alice, name, at) // a second time there may be nothing left to change
				after := states(t, owner, user)
				for row, was := range before {
					is, ok := after[row]
					if !ok {
						other++
						continue
					}
					rolledUp := is.RollUps != was.RollUps
					var want int64
					if rolledUp && is.Own != was.Own || !rolledUp && is.All != was.All {
						want = 1
					}
					risen += int(want)
					if is.Version-was.Version != want {
						t.Errorf("version rises from %d to %d, want %d more (error %v)\n%s\n%s", was.Version, is.Version, want, err, was.All, is.All)
					}
					if later := is.UpdatedAt.After(was.UpdatedAt); later != (want > 0 || rolledUp) {
						t.Errorf("updated_at is later: %v (error %v)\n%s\n%s", later, err, was.All, is.All)
					}
				}
				for row, is := range after {
					if _, ok := before[row]; !ok {
						other++
						if restored := strings.Contains(name, "estore"); (is.Version == 1) == restored {
							t.Errorf("a new row has version %d: %s", is.Version, is.All)
						}
					}
				}
				before = after
			}
		}
		if (risen+other == 0) != slices.Contains(changesNothing, name) {
			t.Errorf("%d rows changed, %d added or deleted: call it so that it changes some, or list it in changesNothing", risen, other)
		}
	})
}

func TestRollUpsAndVersions(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	alice := db.As(user)
	at := plantAll(t, alice)
	if _, err := alice.DeleteGoal(t.Context(), at.subGoal); err != nil {
		t.Fatal(err)
	}
	version := func() int64 {
		goal, err := alice.GetGoal(t.Context(), at.goal)
		if err != nil {
			t.Fatal(err)
		}
		return goal.Version
	}
	for _, c := range []struct {
		status planner.TaskStatus
		tasks  planner.TaskIDs
		rises  int64
	}{
		{planner.TaskCompleted, planner.TaskIDs{at.task}, 0},
		{planner.TaskCompleted, planner.TaskIDs{at.waiting}, 1}, // and with it the goal
		{planner.TaskPending, planner.TaskIDs{at.waiting}, 1},
		{planner.TaskBlocked, planner.TaskIDs{at.task, at.waiting}, 0},
		{planner.TaskCompleted, planner.TaskIDs{at.task, at.waiting}, 1},
	} {
		before := version()
		if _, err := alice.SetTaskStatuses(t.Context(), planner.SetTaskStatusesParams{IDs: c.tasks, Status: c.status}); err != nil {
			t.Fatal(err)
		}
		if after := version(); after != before+c.rises {
			t.Errorf("tasks %v %s: the goal's version rises by %d, want %d", c.tasks, c.status, after-before, c.rises)
		}
	}

	// What an import sets is no change, and its setting holds back no version of another client's.
	before := version()
	dated := "bizydb.date_imported_goals("
	if testdb.Distributed() {
		dated = "bizydb.date_goals_there((SELECT bizydb.current_user_id()), "
	}
	if _, err := alice.DBTX(bizydb.Writes).Exec(t.Context(), "SELECT "+dated+"ARRAY[$1::bigint], '{2001-02-03Z}')", at.goal); err != nil {
		t.Fatal(err)
	}
	goal, err := alice.GetGoal(t.Context(), at.goal)
	if err != nil || goal.Version != before || !goal.UpdatedAt.Equal(date("2001-02-03")) {
		t.Errorf("dated: version %d, was %d, of %v: %v", goal.Version, before, goal.UpdatedAt, err)
	}
	tx := begin(t, db.Pool())
	exec(t, tx, enterCommonSQL()+", set_config('bizydb.keep_updated_at', 'on', true)", fmt.Sprint(user))
	exec(t, tx, "UPDATE public.goals SET title = 'changed' WHERE id = $1", at.goal)
	if changed, err := queryAll[bool](t, tx, "SELECT version = $2 AND updated_at = now() FROM public.goals WHERE id = $1", at.goal, before+1); err != nil || !changed[0] {
		t.Errorf("changed by a client with bizydb.keep_updated_at on: %v, %v", changed, err)
	}
}

// A service's own columns count too, whatever their type; one without equality also. Of one that is generated, what it is made of counts.
func TestVersionsAndOwnColumns(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	at := plant(t, db.As(db.NewUser(t)))
	for table, id := range map[string]int64{"goals": int64(at.goal), "tasks": int64(at.task)} {
		asOwner(t, db, fmt.Sprintf("ALTER TABLE public.%s ADD COLUMN x_data json, ADD COLUMN x_price numeric, ADD COLUMN x_loud text GENERATED ALWAYS AS (upper(title)) STORED", table))
		version := func() int64 {
			return ownerQuery[int64](t, db, fmt.Sprintf("SELECT version FROM public.%s WHERE id = $1", table), id)
		}
		for _, c := range []struct {
			set   string
			rises int64
		}{{`x_data = '{"a": 1}'`, 1}, {`x_data = '{"a": 1}'`, 0}, {"title = title", 0}, {"title = 'changed'", 1}, {"title = title", 0}, {"x_price = 1.0", 1}, {"x_price = 1.00", 1}, {"x_price = 1.00", 0}} {
			before := version()
			asOwner(t, db, fmt.Sprintf("UPDATE public.%s SET %s WHERE id = %d", table, c.set, id))
			if got := version() - before; got != c.rises {
				t.Errorf("%s SET %s: version rises by %d, want %d", table, c.set, got, c.rises)
			}
		}
	}
}

// withoutVersion are the methods that write and take no version, and why.
var withoutVersion = map[string]string{
	"AddDependencies": "two at once both happen", "RemoveDependencies": "two at once both happen", "AddTags": "two at once both happen", "RemoveTags": "two at once both happen",
	"DeleteGoal": "DeleteGoalIfVersion has it", "DeleteTask": "DeleteTaskIfVersion has it",
	"SetTaskStatuses": "many tasks", "DeleteTasks": "many tasks",
	"CreateGoal": "nobody has written it", "CreateTask": "nobody has written it", "CreateTasks": "nobody has written them",
	"ForgetDeleted": "deleted", "ForgetDeletedGoal": "deleted", "ForgetDeletedTask": "deleted", "RestoreGoal": "deleted", "RestoreTask": "deleted",
	"RollUp": "what it writes is computed", "RollUpAll": "what it writes is computed",
	"UpdateMe": "no goal and no task",
}

// Each method that replaces a value of one goal or task can be told which version it is made for. Another one is ErrVersionConflict and
// changes nothing; another user's row is ErrNotFound.
func TestIfVersion(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		owner := ownerPool(t, made)
		user := made.NewUser(t)
		alice, hers := db.As(user), plantAll(t, db.As(made.NewUser(t)))
		stale := maps.Clone(withoutVersion)
		for m := range readWriter.Methods() {
			if !m.IsExported() || reads(m.Name) {
				continue
			}
			field := "IfVersion"
			if strings.HasPrefix(m.Name, "Delete") {
				field = "Version"
			}
			ok := m.Type.NumIn() == 2 && m.Type.In(1).Kind() == reflect.Struct
			if ok {
				_, ok = m.Type.In(1).FieldByName(field)
			}
			if ok == (withoutVersion[m.Name] != "") {
				t.Errorf("%s: it has %s: %v; withoutVersion says why not: %q", m.Name, field, ok, withoutVersion[m.Name])
			}
			delete(stale, m.Name)
			if !ok {
				continue
			}
			at := plantAll(t, alice)
			change := func(at things, version int64) error {
				p := settable(calls[m.Name](at))
				put(p, field, reflect.ValueOf(version))
				_, err := callWith(t.Context(), alice, m.Name, p.Interface())
				return err
			}
			before := states(t, owner, user)
			for _, version := range []int64{2, 0, -1} {
				err := change(at, version)
				if found := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrVersionConflict) || !errors.As(err, &found) || found.Column != "version" {
					t.Errorf("%s at version %d: %v, want ErrVersionConflict", m.Name, version, err)
				}
			}
			for _, version := range []int64{1, 2} {
				for _, not := range []things{hers, {goal: 1 << 40, subGoal: 1 << 40, task: 1 << 40, waiting: 1 << 40}} {
					if err := change(not, version); !errors.Is(err, bizydb.ErrNotFound) {
						t.Errorf("%s at version %d of another's row, or none: %v, want ErrNotFound", m.Name, version, err)
					}
				}
			}
			if diff := cmp.Diff(before, states(t, owner, user)); diff != "" {
				t.Errorf("%s: refused, and changed:\n%s", m.Name, diff)
			}
			if err := change(at, 1); err != nil {
				t.Errorf("%s at the current version: %v", m.Name, err)
			}
		}
		for name := range stale {
			t.Errorf("withoutVersion has %s, which is no such method", name)
		}
	})
}

// However a version is sent, the error is the same.
func TestVersionConflictOfAnyHandle(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	at := plant(t, db.As(user))
	is := func(how string, err error) {
		t.Helper()
		if found := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrVersionConflict) || !errors.Is(err, bizydb.ErrConflict) || !errors.As(err, &found) || found.Table != "tasks" {
			t.Errorf("%s: %v, want ErrVersionConflict", how, err)
		}
	}
	for name, with := range handles {
		with(t, db, user, func(q planner.ReadWriter) {
			_, err := q.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: at.task, IfVersion: new(int64(3))})
			is(name, err)
		})
		with(t, db, user, func(q planner.ReadWriter) {
			_, err := q.DeleteTaskIfVersion(t.Context(), planner.DeleteTaskIfVersionParams{ID: at.task, Version: 3})
			is(name, err)
		})
	}
	for _, set := range []string{"version = 3", "version = NULL", "version = version + 1"} {
		sql := "UPDATE public.tasks SET title = 'x', " + set + " WHERE id = $1"
		own := db.As(user).DBTX()
		_, err := own.Exec(t.Context(), sql, at.task)
		is("Exec "+set, err)
		_, err = collect(own.Query(t.Context(), sql+" RETURNING"+ownColumns, at.task))
		is("Query "+set, err)
		is("QueryRow "+set, own.QueryRow(t.Context(), sql+" RETURNING title", at.task).Scan(new(string)))
		b := &pgx.Batch{}
		b.Queue("UPDATE public.tasks SET title = 'x'")
		b.Queue(sql, at.task)
		is("SendBatch "+set, own.SendBatch(t.Context(), b).Close())
	}
	if task, err := db.As(user).GetTask(t.Context(), at.task); err != nil || task.Version != 1 || task.Title != "task" {
		t.Errorf("refused, and changed: %+v, %v", task, err)
	}
}

// The version counts that the row has once the lock of another writer is gone.
func TestVersionAfterAWait(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	owner := ownerPool(t, db)
	user := db.NewUser(t)
	for name, change := range map[string]func(q planner.ReadWriter, at things) error{
		"UpdateTask": func(q planner.ReadWriter, at things) error {
			_, err := q.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: at.task, Notes: new("second"), IfVersion: new(int64(1))})
			return err
		},
		"UpdateGoal": func(q planner.ReadWriter, at things) error {
			_, err := q.UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: at.subGoal, Title: new("second"), IfVersion: new(int64(1))})
			return err
		},
		"DeleteTaskIfVersion": func(q planner.ReadWriter, at things) error {
			_, err := q.DeleteTaskIfVersion(t.Context(), planner.DeleteTaskIfVersionParams{ID: at.task, Version: 1})
			return err
		},
		"DeleteGoalIfVersion": func(q planner.ReadWriter, at things) error {
			_, err := q.DeleteGoalIfVersion(t.Context(), planner.DeleteGoalIfVersionParams{ID: at.subGoal, Version: 1})
			return err
		},
		"StartTask": func(q planner.ReadWriter, at things) error {
			row, err := q.StartTask(t.Context(), planner.StartTaskParams{ID: at.task})
			if err == nil && (row.Task.Version != 3 || row.Task.Title != "first") {
				t.Errorf("StartTask returns %+v", row)
			}
			return err
		},
	} {
		for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead} {
			want := bizydb.ErrVersionConflict
			switch {
			case level == pgx.RepeatableRead:
				want = bizydb.ErrContention
			case name == "StartTask": // which expects none
				want = nil
			}
			at := plant(t, db.As(user))
			first := begin(t, owner)
			exec(t, first, "UPDATE public.tasks SET title = 'first' WHERE id = $1", at.task)
			exec(t, first, "UPDATE public.goals SET title = 'first' WHERE id = $1", at.subGoal)
			second, err := db.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
			if err != nil {
				t.Fatal(err)
			}
			answer := make(chan error, 1)
			go func() { answer <- change(db.As(user).WithTx(second), at) }()
			untilWaiting(t, db)
			if err := first.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-answer; !errors.Is(err, want) {
				t.Errorf("%s, %s: %v, want %v", name, level, err, want)
			}
			_ = second.Rollback(t.Context())
		}
	}
}

// A deletion looks at the version of the row alone that it is about, also where every row is read.
func TestOtherVersionsDoNotMatter(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	hers := plantAll(t, db.As(db.NewUser(t)))
	mine := plantAll(t, db.As(user))
	if _, err := db.As(user).StartTask(t.Context(), planner.StartTaskParams{ID: mine.waiting}); err != nil { // which has another version then
		t.Fatal(err)
	}
	tx := begin(t, db.Pool())
	exec(t, tx, "SELECT set_config(name, 'off', true) FROM unnest('{enable_indexscan,enable_bitmapscan,enable_indexonlyscan}'::text[]) AS name")
	alice := db.As(user).WithTx(tx)
	for _, version := range []int64{1, 2, 7} {
		if _, err := alice.DeleteTaskIfVersion(t.Context(), planner.DeleteTaskIfVersionParams{ID: hers.task, Version: version}); !errors.Is(err, bizydb.ErrNotFound) {
			t.Errorf("another's task: %v", err)
		}
		if _, err := alice.DeleteGoalIfVersion(t.Context(), planner.DeleteGoalIfVersionParams{ID: hers.goal, Version: version}); !errors.Is(err, bizydb.ErrNotFound) {
			t.Errorf("another's goal: %v", err)
		}
	}
	if _, err := alice.DeleteTaskIfVersion(t.Context(), planner.DeleteTaskIfVersionParams{ID: mine.waiting, Version: 2}); err != nil {
		t.Error(err)
	}
}

// A change whose answer was lost can be made again: it happens once.
func TestChangedOnceThoughRepeated(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	user := made.NewUser(t)
	at := plant(t, made.As(user))
	var left atomic.Int64
	db := openCutOff(t, made.DSN, execModes(t)[0], &left)
	outcomes := map[string]int{}
	for n := range int64(8) {
		left.Store(plenty)
		task, err := db.As(user).GetTask(t.Context(), at.task)
		if err != nil {
			t.Fatal(err)
		}
		change := planner.UpdateTaskParams{ID: at.task, Notes: new(fmt.Sprint(n)), IfVersion: &task.Version}
		left.Store(n)
		_, err = db.As(user).UpdateTask(t.Context(), change)
		left.Store(plenty)
		if errors.Is(err, bizydb.ErrOutcomeUnknown) {
			_, err = db.As(user).UpdateTask(t.Context(), change)
			for errors.Is(err, bizydb.ErrContention) {
				_, err = db.As(user).UpdateTask(t.Context(), change)
			}
			switch {
			case err == nil:
				outcomes["made again"]++
			case errors.Is(err, bizydb.ErrVersionConflict):
				outcomes["was made"]++
			default:
				t.Fatal(err)
			}
			if now, err := db.As(user).GetTask(t.Context(), at.task); err != nil || now.Version != task.Version+1 || !is(now.Notes, *change.Notes) {
				t.Errorf("%+v, %v, want version %d", now, err, task.Version+1)
			}
		}
		db.Pool().Reset()
	}
	if outcomes["was made"] == 0 {
		t.Errorf("no answer of a change was lost: %v", outcomes)
	}
}

var countFor = flag.Duration("countfor", 500*time.Millisecond, "how long the clients of TestLostUpdates count, in each of its cases, and a hundred times at least")

// Sixteen clients, half of them plain ones, count up in a text. What was acknowledged is counted if they say which version they have
// read. Otherwise it is not, or the test would show nothing.
//
//	go test -run LostUpdates ./bizydb -countfor 10s
func TestLostUpdates(t *testing.T) {
	t.Parallel()
	const clients = 16
	made := bizydbtest.New(t)
	for _, c := range []struct {
		table, column string
		withVersion   bool
	}{{"tasks", "notes", true}, {"goals", "description", true}, {"tasks", "notes", false}} {
		t.Run(fmt.Sprintf("%s, with version: %v", c.table, c.withVersion), func(t *testing.T) {
			t.Parallel()
			db := open(t, made.DSN, func(c *pgxpool.Config) { c.MaxConns = clients })
			user := made.NewUser(t)
			at := plant(t, db.As(user))
			id := map[string]int64{"tasks": int64(at.task), "goals": int64(at.goal)}[c.table]
			asOwner(t, made, fmt.Sprintf("UPDATE public.%s SET %s = '0' WHERE id = %d", c.table, c.column, id))
			read := func() (count string, version int64, err error) {
				if c.table == "goals" {
					goal, err := db.As(user).GetGoal(t.Context(), at.goal)
					return plain(goal.Description), goal.Version, err
				}
				task, err := db.As(user).GetTask(t.Context(), at.task)
				return plain(task.Notes), task.Version, err
			}
			write := func(count string, version *int64) (err error) {
				if c.table == "goals" {
					_, err = db.As(user).UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: at.goal, Description: &count, IfVersion: version})
				} else {
					_, err = db.As(user).UpdateTask(t.Context(), planner.UpdateTaskParams{ID: at.task, Notes: &count, IfVersion: version})
				}
				return err
			}
			writePlainly := func(level pgx.TxIsoLevel, count string, version *int64) error {
				return pgx.BeginTxFunc(t.Context(), made.Pool(), pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
					if _, err := tx.Exec(t.Context(), enterSQL, fmt.Sprint(user)); err != nil {
						return err
					}
					_, err := tx.Exec(t.Context(), fmt.Sprintf("UPDATE public.%s SET %s = $1, version = coalesce($2, version) WHERE id = $3", c.table, c.column), count, version, id)
					return err
				})
			}

			start := time.Now()
			var acknowledged, refused atomic.Int64
			var ended atomic.Bool
			var wg sync.WaitGroup
			for client := range clients {
				wg.Go(func() {
					for !ended.Load() {
						count, version, err := read()
						expected := &version
						if !c.withVersion {
							expected = nil
						}
						n, _ := strconv.Atoi(count)
						switch {
						case err != nil:
						case client%2 == 0:
							err = write(strconv.Itoa(n+1), expected)
						case client%4 == 1:
							err = writePlainly(pgx.ReadCommitted, strconv.Itoa(n+1), expected)
						default:
							err = writePlainly(pgx.RepeatableRead, strconv.Itoa(n+1), expected)
						}
						switch {
						case err == nil:
							if acknowledged.Add(1) > 100 && time.Since(start) > *countFor {
								ended.Store(true)
							}
						case errors.Is(err, bizydb.ErrVersionConflict), errors.Is(err, bizydb.ErrContention), sqlState(err) == pgerrcode.CheckViolation, sqlState(err) == pgerrcode.SerializationFailure:
							refused.Add(1)
						default:
							t.Errorf("client %d: %v", client, err)
							ended.Store(true)
						}
					}
				})
			}
			wg.Wait()
			count, version, err := read()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d acknowledged, %d refused, %s counted", acknowledged.Load(), refused.Load(), count)
			if counted := count == fmt.Sprint(acknowledged.Load()); counted != c.withVersion {
				t.Errorf("all counted: %v", counted)
			}
			if c.withVersion && version != acknowledged.Load()+2 {
				t.Errorf("version %d after %d changes", version, acknowledged.Load()+1)
			}
		})
	}
}

// letters are tags, or tasks of those names.
func letters[T any](list string, of map[rune]T) []T {
	var all []T
	for _, letter := range list {
		all = append(all, of[letter])
	}
	return all
}

// What is added comes last, each once; what is not there is not removed; and the row changes only if its list does.
func TestAddAndRemove(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		tags, tasks := map[rune]string{}, map[rune]planner.TaskID{}
		ids, err := alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "a"}, {Title: "b"}, {Title: "c"}})
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			letter := rune('a' + i)
			tags[letter], tasks[letter] = string(letter)+` "é"`, id
		}
		for _, c := range []struct{ method, start, list, want string }{
			{"Add", "ab", "c", "abc"},
			{"Add", "ab", "bcac", "abc"},
			{"Add", "", "cac", "ca"},
			{"Add", "ba", "ab", "ba"},
			{"Add", "ba", "", "ba"},
			{"Remove", "abc", "b", "ac"},
			{"Remove", "cab", "bbc", "a"},
			{"Remove", "ab", "ba", ""},
			{"Remove", "ba", "c", "ba"},
			{"Remove", "ba", "", "ba"},
			{"Remove", "", "a", ""},
		} {
			start, list, want := letters(c.start, tags), letters(c.list, tags), letters(c.want, tags)
			startOn, listOf, wantOn := letters(c.start, tasks), letters(c.list, tasks), letters(c.want, tasks)
			task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "list", Tags: start, Dependencies: startOn})
			if err != nil {
				t.Fatal(err)
			}
			check := func(now planner.Task, err error, wantTags planner.Tags, wantOn planner.TaskIDs) {
				t.Helper()
				changed := c.start != c.want
				if err != nil || !slices.Equal(now.Tags, wantTags) || !slices.Equal(now.Dependencies, wantOn) ||
					now.Version > task.Version != changed || now.UpdatedAt.After(task.UpdatedAt) != changed {
					t.Errorf("%s %q to or from %q: %q, %v, version %d after %d, changed at %v after %v: %v", c.method, c.list, c.start,
						now.Tags, now.Dependencies, now.Version, task.Version, now.UpdatedAt, task.UpdatedAt, err)
				}
				task = now
			}
			for _, nothing := range []bool{true, false} {
				if nothing && c.list != "" {
					continue
				}
				var ofTags planner.Tags // nil
				var ofIDs planner.TaskIDs
				if !nothing {
					ofTags, ofIDs = append(planner.Tags{}, list...), append(planner.TaskIDs{}, listOf...)
				}
				var now planner.Task
				if c.method == "Add" {
					now, err = alice.AddTags(t.Context(), planner.AddTagsParams{ID: task.ID, Tags: ofTags})
					check(now, err, want, startOn)
					now, err = alice.AddDependencies(t.Context(), planner.AddDependenciesParams{ID: task.ID, Dependencies: ofIDs})
				} else {
					now, err = alice.RemoveTags(t.Context(), planner.RemoveTagsParams{ID: task.ID, Tags: ofTags})
					check(now, err, want, startOn)
					now, err = alice.RemoveDependencies(t.Context(), planner.RemoveDependenciesParams{ID: task.ID, Dependencies: ofIDs})
				}
				check(now, err, want, wantOn)
			}
		}

		// Tags may be there twice.
		task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "twice", Tags: planner.Tags{"a", "b", "a"}})
		if err == nil {
			task, err = alice.AddTags(t.Context(), planner.AddTagsParams{ID: task.ID, Tags: planner.Tags{"c", "a"}})
		}
		if err != nil || !slices.Equal(task.Tags, planner.Tags{"a", "b", "a", "c"}) {
			t.Errorf("added: %q, %v", task.Tags, err)
		}
		if task, err = alice.RemoveTags(t.Context(), planner.RemoveTagsParams{ID: task.ID, Tags: planner.Tags{"a"}}); err != nil || !slices.Equal(task.Tags, planner.Tags{"b", "c"}) {
			t.Errorf("removed: %q, %v", task.Tags, err)
		}

		chain, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "chain", Dependencies: planner.TaskIDs{task.ID}})
		if err != nil {
			t.Fatal(err)
		}
		many := make(planner.Tags, 101)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		for _, c := range []struct {
			params any
			column string
			want   error
		}{
			{planner.AddTagsParams{ID: task.ID, Tags: many}, "tags", bizydb.ErrInvalid},
			{planner.AddTagsParams{ID: task.ID, Tags: many[:99]}, "tags", bizydb.ErrInvalid},
			{planner.AddTagsParams{ID: task.ID, Tags: planner.Tags{strings.Repeat("x", 251)}}, "tags", bizydb.ErrInvalid},
			{planner.AddTagsParams{ID: task.ID, Tags: planner.Tags{"\xff"}}, "tags", bizydb.ErrInvalid},
			{planner.RemoveTagsParams{ID: task.ID, Tags: planner.Tags{"\x00"}}, "tags", bizydb.ErrInvalid},
			{planner.AddDependenciesParams{ID: task.ID, Dependencies: planner.TaskIDs{1 << 40}}, "dependencies", bizydb.ErrUnknownReference},
			{planner.AddDependenciesParams{ID: task.ID, Dependencies: planner.TaskIDs{-1}}, "dependencies", bizydb.ErrInvalid},
			{planner.AddDependenciesParams{ID: task.ID, Dependencies: planner.TaskIDs{task.ID}}, "dependencies", bizydb.ErrDependencyCycle},
			{planner.AddDependenciesParams{ID: task.ID, Dependencies: planner.TaskIDs{chain.ID}}, "dependencies", bizydb.ErrDependencyCycle},
			{planner.AddTagsParams{ID: 1 << 40, Tags: planner.Tags{"a"}}, "", bizydb.ErrNotFound},
			{planner.RemoveDependenciesParams{ID: 1 << 40}, "", bizydb.ErrNotFound},
		} {
			method, _ := strings.CutSuffix(reflect.TypeOf(c.params).Name(), "Params")
			_, err := callWith(t.Context(), alice, method, c.params)
			field := new(bizydb.FieldError)
			if !errors.Is(err, c.want) || errors.As(err, &field) != (c.column != "") || field.Column != c.column || c.column != "" && field.Table != "tasks" {
				t.Errorf("%s %.100v: %v, want %v of %q", method, c.params, err, c.want, c.column)
			}
		}
		if now, err := alice.RemoveDependencies(t.Context(), planner.RemoveDependenciesParams{ID: chain.ID, Dependencies: planner.TaskIDs{-1, 1 << 40}}); err != nil || now.Version != 1 {
			t.Errorf("what is not there was removed: %+v, %v", now, err)
		}
		if now, err := alice.GetTask(t.Context(), task.ID); err != nil || !reflect.DeepEqual(now, task) {
			t.Errorf("refused, and changed: %+v, %v", now, err)
		}

		var wg sync.WaitGroup
		for _, tag := range many[:16] {
			wg.Go(func() {
				if _, err := alice.AddTags(t.Context(), planner.AddTagsParams{ID: chain.ID, Tags: planner.Tags{tag}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if now, err := alice.GetTask(t.Context(), chain.ID); err != nil || len(now.Tags) != 16 || now.Version != 17 {
			t.Errorf("added at once: %q, version %d, %v", now.Tags, now.Version, err)
		}
	})
}
