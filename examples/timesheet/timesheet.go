package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/timesheet/internal/reports"
	"example.com/timesheet/internal/store"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

//go:embed db/migrations
var files embed.FS

// migrations are the service's own, in tern's format.
func migrations() fs.FS {
	sub, err := fs.Sub(files, "db/migrations")
	if err != nil {
		panic(err)
	}
	return sub
}

var constraints = map[string]bizydb.Constraint{
	"ck_comments_body":      {Table: "comments", Column: "body", Reason: "must not be blank, and have at most 10,000 characters"},
	"fk_comments_task":      {Table: "comments", Column: "task_id", Reason: "must be a task"},
	"ck_entries_started_at": {Table: "entries", Column: "started_at", Reason: "must be from 2000 to 2099"},
	"ck_entries_stopped_at": {Table: "entries", Column: "stopped_at", Reason: "must be after started_at, and before 2100"},
	"ck_entries_note":       {Table: "entries", Column: "note", Reason: "must have at most 1,000 characters"},
	"fk_entries_task":       {Table: "entries", Column: "task_id", Reason: "must be a task"},
	"ix_entries_running":    {Table: "entries", Column: "stopped_at", Reason: "must be set: another entry is running"},
}

// open opens the database as the service does. What scopes reach unconfined is an error.
func open(ctx context.Context, dsn string) (*bizydb.DB, error) {
	return bizydb.Open(ctx, dsn, bizydb.WithConstraints(constraints), bizydb.StrictOpen())
}

// A Dashboard is what a user sees first.
type Dashboard struct {
	Running *store.RunningEntryRow // nil if none is
	Hours   []store.HoursByGoalRow // of the last four weeks
	Today   []planner.Task         // that are due
	Counts  []planner.TaskCountsByStatusRow
}

// loadDashboard asks the service's queries and bizydb's in one round trip.
func loadDashboard(ctx context.Context, scope bizydb.Scope, zone planner.TimeZone) (Dashboard, error) {
	var d Dashboard
	err := scope.Batch(ctx,
		func(q bizydb.Reader) error {
			running, err := store.New(q.DBTX()).RunningEntry(ctx)
			if errors.Is(err, bizydb.ErrNotFound) {
				return nil // an error would end the batch
			}
			d.Running = &running
			return err
		},
		func(q bizydb.Reader) (err error) {
			d.Hours, err = store.New(q.DBTX()).HoursByGoal(ctx, store.HoursByGoalParams{TimeZone: zone, Since: time.Now().AddDate(0, 0, -28)})
			return err
		},
		func(q bizydb.Reader) (err error) {
			d.Today, err = q.TasksDueToday(ctx, planner.TasksDueTodayParams{TimeZone: zone, Limit: 20})
			return err
		},
		func(q bizydb.Reader) (err error) { d.Counts, err = q.TaskCountsByStatus(ctx); return err },
	)
	return d, err
}

// finishTask stops what is running, makes the hours of the entries those of the task, and completes it, all or nothing.
func finishTask(ctx context.Context, scope bizydb.Scope, task planner.TaskID) error {
	return scope.InTx(ctx, func(tx *bizydb.Tx) error {
		q := store.New(tx.DBTX())
		if _, err := q.StopEntry(ctx); err != nil && !errors.Is(err, bizydb.ErrNotFound) {
			return err
		}
		if _, err := q.BookHours(ctx, task); err != nil {
			return err
		}
		_, err := tx.CompleteTask(ctx, planner.CompleteTaskParams{ID: task})
		return err
	})
}

// A lateTask is read by a statement that is written by hand.
type lateTask struct {
	ID    planner.TaskID
	Title string
}

func lateTasks(ctx context.Context, scope bizydb.Scope, day time.Time) ([]lateTask, error) {
	rows, err := scope.DBTX().Query(ctx, "SELECT id, title FROM public.tasks WHERE due_date < @before", pgx.NamedArgs{"before": day})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[lateTask])
}

// printDay prints what each user did on a day. db is opened with the login for reports.
func printDay(ctx context.Context, out io.Writer, db *bizydb.DB, day time.Time, zone planner.TimeZone) error {
	days, err := reports.New(db.Reporting().DBTX()).DayOfEveryUser(ctx, reports.DayOfEveryUserParams{Day: day, TimeZone: zone})
	for _, row := range days {
		fmt.Fprintf(out, "%s: %d tasks, %.2f h\n", row.Email, row.CompletedTasks, row.Hours)
	}
	return err
}

// exportTasks prints the tasks of all users, however many there are.
func exportTasks(ctx context.Context, out io.Writer, db *bizydb.DB) error {
	rows, err := db.Reporting().DBTX().Query(ctx, "SELECT user_id, id, title FROM public.tasks ORDER BY user_id, id")
	if err != nil {
		return err
	}
	var user bizydb.UserID
	var task planner.TaskID
	var title string
	_, err = pgx.ForEachRow(rows, []any{&user, &task, &title}, func() error {
		_, err := fmt.Fprintf(out, "%d\t%d\t%s\n", user, task, title)
		return err
	})
	return err
}
