package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// load loads a company in one transaction. Its errors name the file and the entry.
func load(ctx context.Context, r *report, alice bizydb.Scope, c *company) error {
	goals, tasks := c.size()
	var err error
	_ = r.step("InTx", goals+tasks+2, func() (string, error) {
		err = alice.InTx(ctx, func(tx *bizydb.Tx) error {
			return loadUnder(ctx, tx, nil, c.Goals, c.Tasks)
		})
		return count(goals, "goal") + " and " + count(tasks, "task") + ", an insert each", err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

func loadUnder(ctx context.Context, tx *bizydb.Tx, parent *planner.GoalID, goals []goal, tasks []task) error {
	for i, t := range tasks {
		_, err := tx.CreateTask(ctx, planner.CreateTaskParams{
			ParentGoalID: parent, Title: t.Title, Description: t.Description, Priority: t.Priority, Status: t.Status,
			Category: t.Category, EstimatedHours: t.EstimatedHours, ActualHours: t.ActualHours,
			DueDate: (*time.Time)(t.Due), Notes: t.Notes, Tags: t.Tags,
		})
		if err != nil {
			return inEntry(fmt.Sprintf("task %d", i+1), t.Title, err)
		}
	}
	for i, g := range goals {
		created, err := tx.CreateGoal(ctx, planner.CreateGoalParams{
			ParentGoalID: parent, Title: g.Title, Description: g.Description, Horizon: g.Horizon,
			TargetDate: (*time.Time)(g.Target), Status: g.Status, ProgressPercentage: g.Progress,
			SuccessCriteria: g.SuccessCriteria, Metrics: g.Metrics,
		})
		if err == nil {
			err = loadUnder(ctx, tx, &created.ID, g.Goals, g.Tasks)
		}
		if err != nil {
			return inEntry(fmt.Sprintf("goal %d", i+1), g.Title, err)
		}
	}
	return nil
}

// size counts the company's goals and tasks.
func (c *company) size() (goals, tasks int) {
	var count func([]goal, []task)
	count = func(gs []goal, ts []task) {
		goals, tasks = goals+len(gs), tasks+len(ts)
		for _, g := range gs {
			count(g.Goals, g.Tasks)
		}
	}
	count(c.Goals, c.Tasks)
	return goals, tasks
}
