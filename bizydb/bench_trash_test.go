package bizydb_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// BenchmarkTrash measures how much more processor time deletions take the server than without the triggers that keep what is deleted: a
// task by itself, one four goals deep, a goal with three tasks, and ten thousand tasks in one call. It reports the median of rounds of the ratio to a database without
// the triggers, in which everyone takes a turn, and the same ratio for two databases that both have none.
//
//	go test -run '^$' -bench Trash -benchtime 20x ./bizydb
func BenchmarkTrash(b *testing.B) {
	type side struct {
		scope   bizydb.Scope
		backend backend
	}
	open := func(trash bool) side {
		made := bizydbtest.New(b)
		config := parseConfig(b, made.DSN)
		oneConn(config)
		db, err := bizydb.OpenConfig(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(db.Close)
		if !trash { // Open would refuse
			asOwner(b, made, "ALTER TABLE public.goals DISABLE TRIGGER goals_deleted; ALTER TABLE public.tasks DISABLE TRIGGER tasks_deleted")
		}
		return side{db.As(made.NewUser(b)), backendOf(b, db.Pool())}
	}
	sides := []side{open(true), open(false), open(false)}

	parents := map[bizydb.Scope]*planner.GoalID{}
	for _, s := range sides {
		for range 4 { // levels
			goal, err := s.scope.CreateGoal(b.Context(), planner.CreateGoalParams{Title: "goal", ParentGoalID: parents[s.scope]})
			if err != nil {
				b.Fatal(err)
			}
			parents[s.scope] = &goal.ID
		}
		if _, err := s.scope.CreateTask(b.Context(), planner.CreateTaskParams{Title: "stays", ParentGoalID: parents[s.scope]}); err != nil {
			b.Fatal(err)
		}
	}

	many := make(planner.CreateTasksParams, 10_000)
	for i := range many {
		many[i] = planner.CreateTaskParams{Title: fmt.Sprint("task ", i)}
	}
	cases := []struct {
		name    string
		calls   int
		prepare func(ctx context.Context, s bizydb.Scope) (remove func() error, err error)
	}{
		{"task", 100, func(ctx context.Context, s bizydb.Scope) (func() error, error) {
			task, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "task"})
			return func() error { _, err := s.DeleteTask(ctx, task.ID); return err }, err
		}},
		{"deepTask", 100, func(ctx context.Context, s bizydb.Scope) (func() error, error) {
			task, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "task", ParentGoalID: parents[s]})
			return func() error { _, err := s.DeleteTask(ctx, task.ID); return err }, err
		}},
		{"goal", 100, func(ctx context.Context, s bizydb.Scope) (func() error, error) {
			goal, err := s.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal"})
			if err == nil {
				_, err = s.CreateTasks(ctx, slices.Repeat(planner.CreateTasksParams{{Title: "task", ParentGoalID: &goal.ID}}, 3))
			}
			return func() error { _, err := s.DeleteGoal(ctx, goal.ID); return err }, err
		}},
		{"tasks10000", 1, func(ctx context.Context, s bizydb.Scope) (func() error, error) {
			ids, err := s.CreateTasks(ctx, many)
			return func() error { _, err := s.DeleteTasks(ctx, ids); return err }, err
		}},
	}
	kept, alike := map[string][]float64{}, map[string][]float64{}
	for warm := true; b.Loop(); warm = false {
		for _, c := range cases {
			took := make([]float64, len(sides))
			for range c.calls {
				for i, s := range sides {
					remove, err := c.prepare(b.Context(), s.scope)
					if err != nil {
						b.Fatal(err)
					}
					before := s.backend.cpu(b)
					if err := remove(); err != nil {
						b.Fatal(err)
					}
					took[i] += (s.backend.cpu(b) - before).Seconds()
				}
			}
			if !warm {
				kept[c.name] = append(kept[c.name], took[0]/took[1])
				alike[c.name] = append(alike[c.name], took[2]/took[1])
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, c := range cases {
		if len(kept[c.name]) > 0 {
			b.ReportMetric(median(kept[c.name]), c.name+"-ratio")
			b.ReportMetric(median(alike[c.name]), c.name+"-A/A")
		}
	}
}
