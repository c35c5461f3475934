package planner_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

func ExampleQueries_CreateTask() {
	ctx := context.Background()
	ada, drop := exampleScope(ctx)
	defer drop()

	goal, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		log.Fatal(err)
	}
	task, err := ada.CreateTask(ctx, planner.CreateTaskParams{
		Title: "Sign the lease", ParentGoalID: &goal.ID, Priority: new(1), EstimatedHours: new(1.5), Tags: planner.Tags{"legal"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(task.Title, task.Status, task.Version)
	// Output: Sign the lease pending 1
}

// An update changes the fields that are set. A Clear… field sets a column to NULL.
func ExampleQueries_UpdateTask() {
	ctx := context.Background()
	ada, drop := exampleScope(ctx)
	defer drop()
	task, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Sign the lease", DueDate: new(time.Now())})
	if err != nil {
		log.Fatal(err)
	}

	task, err = ada.UpdateTask(ctx, planner.UpdateTaskParams{ID: task.ID, Priority: new(2), ClearDueDate: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(task.Title, task.Priority, task.DueDate)
	// Output: Sign the lease 2 <nil>
}

// Changed tells whether the call has completed the task: mail is sent once.
func ExampleQueries_CompleteTask() {
	ctx := context.Background()
	ada, drop := exampleScope(ctx)
	defer drop()
	task, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Sign the lease"})
	if err != nil {
		log.Fatal(err)
	}

	for range 2 {
		completed, err := ada.CompleteTask(ctx, planner.CompleteTaskParams{ID: task.ID, ActualHours: new(2.0)})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(completed.Task.Status, completed.Changed)
	}
	_, err = ada.CompleteTask(ctx, planner.CompleteTaskParams{ID: task.ID + 1})
	fmt.Println(errors.Is(err, bizydb.ErrNotFound))
	// Output:
	// completed true
	// completed false
	// true
}

// A day begins and ends in the user's time zone.
func ExampleQueries_TasksDueToday() {
	ctx := context.Background()
	ada, drop := exampleScope(ctx)
	defer drop()
	call := time.Date(2027, time.March, 1, 23, 30, 0, 0, time.UTC) // 2 March in Berlin
	if _, err := ada.CreateTasks(ctx, planner.CreateTasksParams{
		{Title: "Call New York", DueDate: &call},
		{Title: "Pay the rent", DueDate: new(time.Date(2027, time.March, 2, 0, 0, 0, 0, time.UTC)), DueAllDay: true},
		{Title: "Order chairs", DueDate: new(call.AddDate(0, 0, 7))},
	}); err != nil {
		log.Fatal(err)
	}

	tasks, err := ada.TasksDueToday(ctx, planner.TasksDueTodayParams{At: new(call.Add(time.Hour)), TimeZone: "Europe/Berlin"})
	if err != nil {
		log.Fatal(err)
	}
	for _, task := range tasks {
		fmt.Println(task.Title)
	}
	// Output:
	// Call New York
	// Pay the rent
}

func ExampleQueries_Overview() {
	ctx := context.Background()
	ada, drop := exampleScope(ctx)
	defer drop()
	goal, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ada.CreateTasks(ctx, planner.CreateTasksParams{
		{Title: "Sign the lease", ParentGoalID: &goal.ID, Status: planner.TaskCompleted},
		{Title: "Order chairs", ParentGoalID: &goal.ID, DueDate: new(time.Now().AddDate(0, 0, -2))},
	}); err != nil {
		log.Fatal(err)
	}

	overview, err := ada.Overview(ctx, planner.OverviewParams{TimeZone: "Europe/Berlin"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(overview.ActiveGoals, "active goal,", overview.AverageProgress, "% done,", overview.OverdueTasks, "task overdue")
	// Output: 1 active goal, 50 % done, 1 task overdue
}

func ExampleQueries_SetGoalMetric() {
	ctx := context.Background()
	ada, drop := exampleScope(ctx)
	defer drop()
	goal, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop", Metrics: planner.Metrics{"rent": 1200}})
	if err != nil {
		log.Fatal(err)
	}

	goal, err = ada.SetGoalMetric(ctx, planner.SetGoalMetricParams{ID: goal.ID, Key: "visitors", Value: planner.Metric{Value: 7}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(goal.Metrics["rent"], goal.Metrics["visitors"])
	// Output: 1200 7
}

// exampleScope makes a database with one user.
func exampleScope(ctx context.Context) (bizydb.Scope, func()) {
	db, drop := testdb.Example(ctx)
	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", NoPassword: true})
	if err != nil {
		log.Fatal(err)
	}
	return db.As(user.ID), drop
}
