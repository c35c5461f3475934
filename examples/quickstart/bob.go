package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// tryAsBob shows that Bob can do nothing to what is hers. It fails if he can.
func tryAsBob(ctx context.Context, r *report, bob bizydb.Scope, goal planner.Goal, task planner.Task) error {
	tries := []struct {
		call string
		do   func() (string, error)
	}{
		{"ListGoals", func() (string, error) {
			goals, err := bob.ListGoals(ctx, planner.ListGoalsParams{})
			return nothing(len(goals), "goal", err)
		}},
		{"ListTasks", func() (string, error) {
			tasks, err := bob.ListTasks(ctx, planner.ListTasksParams{})
			return nothing(len(tasks), "task", err)
		}},
		{"GetTask", func() (string, error) {
			_, err := bob.GetTask(ctx, task.ID)
			return refused(fmt.Sprintf("task %d, Alice's", task.ID), err, bizydb.ErrNotFound)
		}},
		{"CreateTask", func() (string, error) {
			_, err := bob.CreateTask(ctx, planner.CreateTaskParams{Title: "Mine now", ParentGoalID: &goal.ID})
			return refused(fmt.Sprintf("under goal %d, Alice's", goal.ID), err, bizydb.ErrUnknownReference)
		}},
	}
	for _, try := range tries {
		if err := r.step(try.call, 1, try.do); err != nil {
			return err
		}
	}
	return nil
}

// tryByHand goes around the library, on the service's own connection.
func tryByHand(ctx context.Context, r *report, db *bizydb.DB) error {
	const sql = "SELECT count(*) FROM public.tasks"
	r.printf("  %s\n", sql)
	return r.step("QueryRow", 1, func() (string, error) {
		var n int
		err := db.Pool().QueryRow(ctx, sql).Scan(&n)
		var refusal *pgconn.PgError
		if errors.As(err, &refusal) && refusal.Code == pgerrcode.InsufficientPrivilege {
			return refusal.Code + " " + refusal.Message, nil
		}
		return "", fmt.Errorf("%s: should be refused, but gave %d and error %w", sql, n, err)
	})
}

func nothing(n int, thing string, err error) (string, error) {
	if err == nil && n > 0 {
		err = fmt.Errorf("sees %s of somebody else", count(n, thing))
	}
	return count(n, thing), err
}

func refused(what string, err, want error) (string, error) {
	if !errors.Is(err, want) {
		return "", fmt.Errorf("%s: should be %q, but gave %w", what, want, err)
	}
	return fmt.Sprintf("%s: %v", what, want), nil
}
