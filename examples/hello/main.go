// Hello is the program of the README: one user, one goal, one task, and a query of its own.
//
//	DATABASE_URL=postgres://planner_service@localhost/planner go run ./examples/hello
//
// DATABASE_URL is the service's login in a migrated database: docs/guide.md creates both, or a throw-away database.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func main() {
	if err := hello(context.Background(), os.Getenv("DATABASE_URL")); err != nil {
		log.Fatal(err)
	}
}

func hello(ctx context.Context, dsn string) error {
	if dsn == "" {
		return errors.New("set DATABASE_URL to a service's login in a migrated database: docs/guide.md creates both, or a throw-away database")
	}
	db, err := bizydb.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()

	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse"),
	})
	if err != nil {
		return err
	}
	ada := db.As(user.ID) // a value, confined to this user; it holds no connection

	goal, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		return err
	}
	task, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Sign the lease", ParentGoalID: &goal.ID})
	if err != nil {
		return err
	}
	if _, err := ada.CompleteTask(ctx, planner.CompleteTaskParams{ID: task.ID}); err != nil { // one round trip
		return err
	}

	// Your own SQL is confined to ada, too, and is one round trip.
	var progress float64
	err = ada.DBTX().QueryRow(ctx, "SELECT avg(progress_percentage) FROM public.goals").Scan(&progress)
	fmt.Printf("%g %% done\n", progress)
	return err
}
