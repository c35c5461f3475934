package main

import (
	"context"
	"fmt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// work does what a user does in a day. It works with any goals and tasks.
func work(ctx context.Context, r *report, alice bizydb.Scope) error {
	var created planner.Task
	for _, what := range []string{"add", "add again, by mistake,"} {
		err := r.step("CreateTask", 1, func() (string, error) {
			var err error
			created, err = alice.CreateTask(ctx, planner.CreateTaskParams{
				Title: "Tell the team what is next", Priority: new(2), DueDate: new(inDays(1)), Tags: planner.Tags{"team"},
			})
			return fmt.Sprintf("%s %q", what, created.Title), err
		})
		if err != nil {
			return err
		}
	}
	err := r.step("DeleteTask", 1, func() (string, error) {
		deleted, err := alice.DeleteTask(ctx, created.ID)
		return fmt.Sprintf("delete the second %q", deleted.Title), err
	})
	if err != nil {
		return err
	}

	var pending []planner.Task
	err = r.step("ListTasks", 1, func() (string, error) {
		pending, err = alice.ListTasks(ctx, planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}})
		return fmt.Sprintf("%d pending, the most urgent first", len(pending)), err
	})
	if err != nil {
		return err
	}
	// The goals above follow by themselves.
	for i, params := range []planner.CompleteTaskParams{{ActualHours: new(2.5)}, {}} {
		params.ID = pending[i%len(pending)].ID
		err := r.step("CompleteTask", 1, func() (string, error) {
			done, err := alice.CompleteTask(ctx, params)
			return fmt.Sprintf("complete %q", done.Task.Title), err
		})
		if err != nil {
			return err
		}
	}
	// In an update, a field that is left out stays as it is.
	for i, change := range []struct {
		what   string
		fields planner.UpdateTaskParams
	}{
		{"start", planner.UpdateTaskParams{Status: planner.TaskInProgress}},
		{"block", planner.UpdateTaskParams{Status: planner.TaskBlocked, Notes: new("Waiting for an answer.")}},
		{"put off", planner.UpdateTaskParams{DueDate: new(inDays(14))}},
		{"clear the estimate of", planner.UpdateTaskParams{ClearEstimatedHours: true, Priority: new(1)}}, // NULL
	} {
		change.fields.ID = pending[(i+2)%len(pending)].ID
		err := r.step("UpdateTask", 1, func() (string, error) {
			task, err := alice.UpdateTask(ctx, change.fields)
			return fmt.Sprintf("%s %q", change.what, task.Title), err
		})
		if err != nil {
			return err
		}
	}
	err = r.step("GetTask", 1, func() (string, error) {
		task, err := alice.GetTask(ctx, pending[0].ID)
		return fmt.Sprintf("read %q: %s", r.cut(task.Title, 32), task.Status), err
	})
	if err != nil {
		return err
	}
	return next(ctx, r, alice)
}

// next lists the tasks to go on with.
func next(ctx context.Context, r *report, alice bizydb.Scope) error {
	var tasks []planner.Task
	err := r.step("ListTasks", 1, func() (string, error) {
		var err error
		tasks, err = alice.ListTasks(ctx, planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Limit: 5})
		return "the next " + count(len(tasks), "task") + ": priority, due date, estimate", err
	})
	for _, t := range tasks {
		due, hours := "", ""
		if t.DueDate != nil {
			due = t.DueDate.Format("2 Jan 2006")
		}
		if t.EstimatedHours != nil {
			hours = fmt.Sprintf("%g h", *t.EstimatedHours)
		}
		r.printf("%16s%-45s P%d  %11s  %6s\n", "", r.cut(t.Title, 45), t.Priority, due, hours)
	}
	return err
}
