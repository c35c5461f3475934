package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var bizydbItself = contender{
	name:    "bizydb",
	note:    "`Scope`'s methods; the dashboard by `Scope.Batch`. The triggers keep progress.",
	nothing: bizydb.ErrNotFound,
	nobody:  bizydb.ErrNoUser,
	open: func(ctx context.Context, dsn string, conns int) (Peer, error) {
		db, err := bizydb.Open(ctx, withPool(dsn, conns))
		if err != nil {
			return nil, err
		}
		return bizydbPeer{db}, nil
	},
}

// withPool sets the size of a pgx pool in a connection URL.
func withPool(dsn string, conns int) string {
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + "pool_max_conns=" + strconv.Itoa(conns)
}

type bizydbPeer struct{ *bizydb.DB }

func (p bizydbPeer) as(user int64) bizydb.Scope { return p.As(bizydb.UserID(user)) }

func (p bizydbPeer) Get(ctx context.Context, user, task int64, to *answer) error {
	found, err := p.as(user).GetTask(ctx, planner.TaskID(task))
	if err != nil {
		return err
	}
	to.addTasks(found)
	return nil
}

func (p bizydbPeer) List(ctx context.Context, user int64, to *answer) (int, error) {
	tasks, err := p.as(user).ListTasks(ctx, planner.ListTasksParams{Limit: 20})
	to.addTasks(tasks...)
	return len(tasks), err
}

func (p bizydbPeer) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	var (
		overdue, due []planner.Task
		counts       []planner.TaskCountsByStatusRow
		goals        []planner.Goal
		rate         planner.CompletionRateRow
	)
	err := p.as(user).Batch(ctx,
		func(q bizydb.Reader) (err error) {
			overdue, err = q.OverdueTasks(ctx, planner.OverdueTasksParams{At: &at, Limit: 5})
			return err
		},
		func(q bizydb.Reader) (err error) {
			due, err = q.TasksDue(ctx, planner.TasksDueParams{From: at, Before: at.Add(week), Limit: 20})
			return err
		},
		func(q bizydb.Reader) (err error) { counts, err = q.TaskCountsByStatus(ctx); return err },
		func(q bizydb.Reader) (err error) { goals, err = q.GoalsNearCompletion(ctx, 5); return err },
		func(q bizydb.Reader) (err error) {
			rate, err = q.CompletionRate(ctx, planner.CompletionRateParams{From: at.Add(-month), Before: at})
			return err
		},
	)
	to.addTasks(overdue...)
	to.addTasks(due...)
	to.addGoals(goals...)
	to.addDashboard(counts, rate)
	return err
}

func params(t newTask) planner.CreateTaskParams {
	return planner.CreateTaskParams{
		ParentGoalID: new(planner.GoalID(t.goal)), Title: t.title, Priority: &t.priority, Category: &t.category, DueDate: &t.due, Tags: t.tags,
	}
}

func manyParams(tasks []newTask) planner.CreateTasksParams {
	many := make(planner.CreateTasksParams, len(tasks))
	for i, t := range tasks {
		many[i] = params(t)
	}
	return many
}

func (p bizydbPeer) Create(ctx context.Context, user int64, task newTask, to *answer) error {
	made, err := p.as(user).CreateTask(ctx, params(task))
	to.addTasks(made)
	return err
}

func (p bizydbPeer) Complete(ctx context.Context, user, task int64, to *answer) error {
	done, err := p.as(user).CompleteTask(ctx, planner.CompleteTaskParams{ID: planner.TaskID(task)})
	to.addTasks(done.Task)
	return err
}

func (p bizydbPeer) CreateMany(ctx context.Context, user int64, tasks []newTask) (int, error) {
	ids, err := p.as(user).CreateTasks(ctx, manyParams(tasks))
	return len(ids), err
}

func (p bizydbPeer) Stream(ctx context.Context, user int64, limit int, to *answer) (int, error) {
	n := 0
	for task, err := range p.as(user).StreamTasks(ctx, planner.ListTasksParams{Limit: limit}) {
		if err != nil {
			return n, err
		}
		n++
		to.addTasks(task)
	}
	return n, nil
}
