// Timesheet is a service that keeps comments and time entries on bizydb's tasks, in tables of its own.
//
//	go run .
//
// It uses the PostgreSQL server that DATABASE_URL names, whose role may create databases and roles, or starts one of its own. What
// it makes it removes at the end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"example.com/timesheet/internal/store"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal("timesheet: ", err)
	}
}

// run makes a database, as the tests do, and works in it as the service.
func run(ctx context.Context, out io.Writer) (err error) {
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{DSNVars: []string{"DATABASE_URL"}, Logf: log.Printf})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	made, err := server.NewDatabase(ctx, bizydbtest.WithMigrations(migrations()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, made.Drop(context.WithoutCancel(ctx))) }()

	db, err := open(ctx, made.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	ada, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", NoPassword: true})
	if err != nil {
		return err
	}
	scope := db.As(ada.ID)
	task, err := work(ctx, scope)
	if err != nil {
		return err
	}
	return show(ctx, out, scope, task)
}

// work fills a timesheet.
func work(ctx context.Context, scope bizydb.Scope) (planner.TaskID, error) {
	goal, err := scope.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		return 0, err
	}
	tasks, err := scope.CreateTasks(ctx, planner.CreateTasksParams{
		{Title: "Sign the lease", ParentGoalID: &goal.ID}, {Title: "Call mother", DueDate: new(time.Now())},
	})
	if err != nil {
		return 0, err
	}
	lease, call := tasks[0], tasks[1]

	own := store.New(scope.DBTX())
	for day := range 3 {
		start := time.Now().AddDate(0, 0, -7*day).Add(-3 * time.Hour)
		if _, err := own.AddEntry(ctx, store.AddEntryParams{TaskID: lease, StartedAt: start, StoppedAt: new(start.Add(90 * time.Minute))}); err != nil {
			return 0, err
		}
	}
	if _, err := own.AddComment(ctx, store.AddCommentParams{TaskID: lease, Body: "The landlord wants a deposit."}); err != nil {
		return 0, err
	}
	if err := finishTask(ctx, scope, lease); err != nil {
		return 0, err
	}
	_, err = store.New(scope.DBTX(bizydb.Writes)).SwitchEntry(ctx, store.SwitchEntryParams{TaskID: call})
	return lease, err
}

// show prints the dashboard, a task's comments, and an error of one of the service's constraints.
func show(ctx context.Context, out io.Writer, scope bizydb.Scope, task planner.TaskID) error {
	d, err := loadDashboard(ctx, scope, "Europe/Berlin")
	if err != nil {
		return err
	}
	if d.Running != nil {
		fmt.Fprintf(out, "running: %s\n", d.Running.Title)
	}
	for _, row := range d.Hours {
		goal := "no goal"
		if row.Goal != nil {
			goal = *row.Goal
		}
		fmt.Fprintf(out, "week of %s: %5.2f h for %s\n", row.Week.Format(time.DateOnly), row.Hours, goal)
	}
	for _, row := range d.Counts {
		fmt.Fprintf(out, "%s: %d\n", row.Status, row.Tasks)
	}

	comments, err := store.New(scope.DBTX()).LatestComments(ctx, store.LatestCommentsParams{TaskID: task, Max: 5})
	if err != nil {
		return err
	}
	for _, c := range comments {
		fmt.Fprintf(out, "%s: %q\n", c.Title, c.Body)
	}

	_, err = store.New(scope.DBTX()).AddComment(ctx, store.AddCommentParams{TaskID: task, Body: " "})
	if field := new(bizydb.FieldError); errors.As(err, &field) {
		fmt.Fprintf(out, "refused: %s %s\n", field.Column, field.Reason)
		return nil
	}
	return fmt.Errorf("a blank comment: %w", err)
}
