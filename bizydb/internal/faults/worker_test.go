package faults_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// States are what a task may be, as far as its user has been told.
type states uint8

const (
	absent states = 1 << iota
	open
	done
)

// A worker is a user who works on goals and tasks, and keeps a record of them by what each call has answered.
type worker struct {
	t      *testing.T
	name   string
	user   bizydb.UserID
	goals  []planner.GoalID
	random *rand.Rand
	n      int // titles so far

	may   map[string]states         // by title; absent where nothing is said
	known map[string]planner.TaskID // of the tasks whose state is certain
	pairs [][2]string               // of a transaction each, whose outcome is unknown
	tally
}

// A tally counts calls by how they ended, and how often what is stored was compared with the record.
type tally struct{ reads, acknowledged, refused, unknown, compared int }

func (a *tally) add(b tally) {
	a.reads += b.reads
	a.acknowledged += b.acknowledged
	a.refused += b.refused
	a.unknown += b.unknown
	a.compared += b.compared
}

// newWorker gives a user a goal with three under it.
func newWorker(t *testing.T, number int, user bizydb.UserID, scope bizydb.Scope) *worker {
	t.Helper()
	w := &worker{
		t: t, name: fmt.Sprintf("worker %d ", number), user: user, random: rand.New(rand.NewPCG(uint64(number), 0)),
		may: map[string]states{}, known: map[string]planner.TaskID{},
	}
	for k := range 4 {
		arg := planner.CreateGoalParams{Title: w.name}
		if k > 0 {
			arg.ParentGoalID = &w.goals[0]
		}
		goal, err := scope.CreateGoal(t.Context(), arg)
		if err != nil {
			t.Fatal(err)
		}
		w.goals = append(w.goals, goal.ID)
	}
	return w
}

// work goes on until ctx ends. What it does then is not cut off.
func (w *worker) work(ctx context.Context, scope bizydb.Scope) {
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		switch k := w.random.IntN(20); {
		case k < 8:
			w.change(call, scope)
		case k < 19:
			w.read(call, scope)
		default:
			if err := w.compare(call, scope); err != nil {
				w.failed(err)
			}
		}
		cancel()
	}
}

func (w *worker) change(ctx context.Context, scope bizydb.Scope) {
	if len(w.known) > 60 {
		titles := slices.Collect(maps.Keys(w.known))[:20]
		ids := make(planner.TaskIDs, len(titles))
		for i, title := range titles {
			ids[i] = w.known[title]
		}
		deleted, err := scope.DeleteTasks(ctx, ids)
		if err == nil && len(deleted) != len(ids) {
			w.t.Errorf("user %d: %d of %d tasks were there to be deleted", w.user, len(deleted), len(ids))
		}
		w.record(err, absent, titles...)
		return
	}
	switch w.random.IntN(6) {
	case 0:
		title := w.title()
		task, err := scope.CreateTask(ctx, w.task(title))
		w.known[title] = task.ID
		w.record(err, open, title)
	case 1:
		pair := [2]string{w.title(), w.title()}
		var ids [2]planner.TaskID
		err := scope.InTx(ctx, func(tx *bizydb.Tx) error {
			for i, title := range pair {
				task, err := tx.CreateTask(ctx, w.task(title))
				if err != nil {
					return err
				}
				ids[i] = task.ID
			}
			_, err := tx.CompleteTask(ctx, planner.CompleteTaskParams{ID: ids[0]})
			return err
		})
		w.known[pair[0]], w.known[pair[1]] = ids[0], ids[1]
		if errors.Is(err, bizydb.ErrOutcomeUnknown) {
			w.pairs = append(w.pairs, pair)
		}
		w.record(err, done, pair[0])
		w.record(err, open, pair[1])
	case 2:
		tasks := make(planner.CreateTasksParams, 10)
		titles := make([]string, len(tasks))
		for i := range tasks {
			titles[i] = w.title()
			tasks[i] = w.task(titles[i])
		}
		ids, err := scope.CreateTasks(ctx, tasks)
		for i, id := range ids {
			w.known[titles[i]] = id
		}
		w.record(err, open, titles...)
	default:
		for title, id := range w.known {
			var err error
			to := open | done ^ w.may[title] // the other one
			switch to {
			case done:
				_, err = scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: id})
			case open:
				_, err = scope.ReopenTask(ctx, planner.ReopenTaskParams{ID: id})
			}
			w.record(err, to, title)
			return
		}
	}
}

// record keeps what a change of tasks has answered. Those of which it is uncertain are left alone from then on.
func (w *worker) record(err error, to states, titles ...string) {
	for _, title := range titles {
		before := w.may[title]
		if before == 0 {
			before = absent
		}
		switch {
		case err == nil:
			w.may[title] = to
		case errors.Is(err, bizydb.ErrOutcomeUnknown):
			w.may[title] = before | to
			delete(w.known, title)
		default:
			w.may[title] = before
		}
		if w.may[title] == absent {
			delete(w.may, title)
			delete(w.known, title)
		}
	}
	if err != nil {
		w.failed(err)
		return
	}
	w.acknowledged++
}

func (w *worker) read(ctx context.Context, scope bizydb.Scope) {
	var tasks []planner.Task
	var err error
	switch w.random.IntN(6) {
	case 0:
		tasks, err = scope.ListTasks(ctx, planner.ListTasksParams{Limit: 20})
	case 1:
		var page planner.TaskPage
		page, err = scope.PageTasks(ctx, planner.PageTasksParams{Size: 10, WithTotal: true})
		tasks = page.Tasks
	case 2:
		tasks, err = scope.SearchTasks(ctx, planner.SearchTasksParams{Text: "worker", Limit: 20})
	case 3:
		_, err = scope.TaskCountsByStatus(ctx)
	case 4:
		for task, streamErr := range scope.StreamTasks(ctx, planner.ListTasksParams{}) {
			if err = streamErr; err != nil || w.random.IntN(20) == 0 {
				break
			}
			tasks = append(tasks, task)
		}
	default:
		err = scope.Snapshot(ctx, func(tx *bizydb.Tx) error {
			tree, err := tx.GoalTree(ctx, w.goals[0])
			for _, row := range tree {
				if row.Goal.UserID != w.user {
					w.t.Errorf("user %d gets a goal of user %d", w.user, row.Goal.UserID)
				}
			}
			if err == nil {
				tasks, err = tx.GoalTasks(ctx, w.goals[1])
			}
			return err
		})
	}
	w.mine(tasks)
	if err != nil {
		w.failed(err)
		return
	}
	w.reads++
}

func (w *worker) mine(tasks []planner.Task) {
	for _, task := range tasks {
		if task.UserID != w.user || !strings.HasPrefix(task.Title, w.name) {
			w.t.Errorf("user %d gets a task of user %d: %s", w.user, task.UserID, task.Title)
		}
	}
}

// failed refuses errors that no fault can be the reason of.
func (w *worker) failed(err error) {
	if errors.Is(err, bizydb.ErrOutcomeUnknown) {
		w.unknown++
	} else {
		w.refused++
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && !strings.HasPrefix(pgErr.Code, "57") || errors.Is(err, bizydb.ErrNotFound) || errors.Is(err, errUnlike) {
		w.t.Errorf("user %d: %v", w.user, err)
	}
	time.Sleep(10 * time.Millisecond)
}

var errUnlike = errors.New("what is stored is not what its user was told")

// compare compares what is stored with the record.
func (w *worker) compare(ctx context.Context, scope bizydb.Scope) error {
	tasks, err := scope.ListTasks(ctx, planner.ListTasksParams{})
	if err != nil {
		return err
	}
	w.mine(tasks)
	is := map[string]states{}
	for _, task := range tasks {
		state := open
		if task.Status == planner.TaskCompleted {
			state = done
		}
		if is[task.Title] != 0 {
			return fmt.Errorf("%w: user %d: %s is there twice", errUnlike, w.user, task.Title)
		}
		if is[task.Title] = state; w.may[task.Title]&state == 0 {
			return fmt.Errorf("%w: user %d: %s is %s, may be %03b", errUnlike, w.user, task.Title, task.Status, w.may[task.Title])
		}
	}
	for title, may := range w.may {
		if may&absent == 0 && is[title] == 0 {
			return fmt.Errorf("%w: user %d: %s is not there", errUnlike, w.user, title)
		}
	}
	for _, pair := range w.pairs {
		if is[pair[0]] == 0 != (is[pair[1]] == 0) {
			return fmt.Errorf("%w: user %d: only one of %v is there", errUnlike, w.user, pair)
		}
	}
	w.compared++
	return nil
}

func (w *worker) title() string {
	w.n++
	return fmt.Sprint(w.name, w.n)
}

func (w *worker) task(title string) planner.CreateTaskParams {
	return planner.CreateTaskParams{Title: title, ParentGoalID: &w.goals[w.random.IntN(len(w.goals))]}
}
