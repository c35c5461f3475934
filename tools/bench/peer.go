package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Peer is one way to do the work, with a pool of its own. Its methods are called by several goroutines at once. What
// they find goes into an answer, which is nil while they are measured.
type Peer interface {
	Get(ctx context.Context, user int64, task int64, to *answer) error
	List(ctx context.Context, user int64, to *answer) (rows int, err error)
	Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error
	Create(ctx context.Context, user int64, task newTask, to *answer) error
	Complete(ctx context.Context, user int64, task int64, to *answer) error
	CreateMany(ctx context.Context, user int64, tasks []newTask) (rows int, err error)
	Stream(ctx context.Context, user int64, limit int, to *answer) (rows int, err error)
	// OpenInTree is a service's own query, which bizydb has no method for: see openInTree.
	OpenInTree(ctx context.Context, user, goal int64, to *answer) (rows int, err error)
	Close()
}

// A contender is a Peer before it is opened.
type contender struct {
	name string
	// module is what it works with, whose version the document tells.
	module string
	note   string // how it does the work, for the document
	open   func(ctx context.Context, dsn string, conns int) (Peer, error)
	// nothing is the error of its Get when there is no such row.
	nothing error
	// nobody, if not nil, is the error of its List for a user who is not there.
	nobody error
	// owner: it logs in as the owner of the tables, whom no policy confines.
	owner bool
	// byHand: it completes tasks in the database without the triggers of the roll-up.
	byHand bool
	// available, if not nil, says whether what it needs is on the machine.
	available func() bool
}

// A selfTimed Peer is another process, which takes the times of a turn itself. Each of its clients has a workspace.
type selfTimed interface {
	Turn(s *site, work benchCase, workspaces []workspace, warm int, long time.Duration) (turn, error)
}

// contenders are in the order of the document. The first one is what the others are compared with.
var contenders = []contender{bizydbItself, bizydbAgain, pgxFloor, pgxInBatches, pgxIsolated, sqlcPeer, sqlxPeer, gormPeer, entPeer, bunPeer, bobPeer, sqlalchemyPeer}

// A newTask is what the writing cases store.
type newTask struct {
	goal     int64
	title    string
	priority int
	category string
	due      time.Time
	tags     []string
}

// An answer is what a peer has found, in the types of bizydb.
type answer struct {
	tasks  []planner.Task
	goals  []planner.Goal
	counts []planner.TaskCountsByStatusRow
	rate   planner.CompletionRateRow
	open   []openTasks
}

// openTasks are those of one goal with one status.
type openTasks struct {
	GoalID int64   `db:"goal_id" json:"goal_id"`
	Title  string  `db:"title" json:"title"`
	Depth  int     `db:"depth" json:"depth"`
	Status string  `db:"status" json:"status"`
	Tasks  int     `db:"tasks" json:"tasks"`
	Hours  float64 `db:"hours" json:"hours"`
}

func (a *answer) addOpen(rows ...openTasks) {
	if a != nil {
		a.open = append(a.open, rows...)
	}
}

func (a *answer) addTasks(tasks ...planner.Task) {
	if a == nil {
		return
	}
	for _, t := range tasks {
		t.DueDate, t.CompletedAt = inUTC(t.DueDate), inUTC(t.CompletedAt)
		t.CreatedAt, t.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
		a.tasks = append(a.tasks, t)
	}
}

func (a *answer) addGoals(goals ...planner.Goal) {
	if a != nil {
		a.goals = append(a.goals, goals...)
	}
}

// addDashboard takes the numbers of a dashboard.
func (a *answer) addDashboard(counts []planner.TaskCountsByStatusRow, rate planner.CompletionRateRow) {
	if a == nil {
		return
	}
	a.counts, a.rate = slices.Clone(counts), rate
	slices.SortFunc(a.counts, func(x, y planner.TaskCountsByStatusRow) int {
		return slices.Compare([]byte(x.Status), []byte(y.Status))
	})
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

// What everyone who is confined sends first in a transaction, and what who writes by hand sends instead, so that later
// statements see what the holder of the lock before has done.
const (
	isolateSQL        = `SELECT set_config('bizydb.user_id', $1, true), set_config('role', 'bizydb_user', true)`
	isolateAndLockSQL = isolateSQL + `, pg_advisory_xact_lock(hashtextextended('bizydb.user', CAST($1 AS bigint)))`
)

func text(user int64) string { return strconv.FormatInt(user, 10) }

// wantRows says whether all were found.
func wantRows(got, want int, err error) error {
	if err == nil && got != want {
		return fmt.Errorf("%d rows, want %d", got, want)
	}
	return err
}

// within runs fn in a transaction of pgx.
func within(ctx context.Context, db interface {
	Begin(context.Context) (pgx.Tx, error)
}, enter string, user int64, fn func(pgx.Tx) error,
) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, enter, text(user)); err != nil {
			return err
		}
		return fn(tx)
	})
}
