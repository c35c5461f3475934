package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var sqlcPeer = contender{
	name:    "sqlc",
	module:  pgxModule,
	note:    "bizydb's own generated queries, without bizydb: `planner.New` over a `pgx.Tx` that sets user and role. Its stream is a list.",
	nothing: pgx.ErrNoRows, byHand: true,
	open: func(ctx context.Context, dsn string, conns int) (Peer, error) {
		pool, err := pgxpool.New(ctx, withPool(dsn, conns))
		if err != nil {
			return nil, err
		}
		return sqlcDB{pool, handwritten(true).rollUp}, nil
	},
}

type sqlcDB struct {
	pool   *pgxpool.Pool
	rollUp string
}

func (p sqlcDB) Close() { p.pool.Close() }

func (p sqlcDB) as(ctx context.Context, user int64, fn func(*planner.Queries) error) error {
	return within(ctx, p.pool, isolateSQL, user, func(tx pgx.Tx) error { return fn(planner.New(tx)) })
}

func (p sqlcDB) Get(ctx context.Context, user, task int64, to *answer) error {
	return p.as(ctx, user, func(q *planner.Queries) error {
		found, err := q.GetTask(ctx, planner.TaskID(task))
		if err != nil {
			return err
		}
		to.addTasks(found)
		return nil
	})
}

func (p sqlcDB) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, func(q *planner.Queries) error {
		tasks, err := q.ListTasks(ctx, planner.ListTasksParams{Limit: 20})
		to.addTasks(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (p sqlcDB) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, func(q *planner.Queries) error {
		overdue, err := q.OverdueTasks(ctx, planner.OverdueTasksParams{At: &at, Limit: 5})
		if err != nil {
			return err
		}
		due, err := q.TasksDue(ctx, planner.TasksDueParams{From: at, Before: at.Add(week), Limit: 20})
		if err != nil {
			return err
		}
		counts, err := q.TaskCountsByStatus(ctx)
		if err != nil {
			return err
		}
		goals, err := q.GoalsNearCompletion(ctx, 5)
		if err != nil {
			return err
		}
		rate, err := q.CompletionRate(ctx, planner.CompletionRateParams{From: at.Add(-month), Before: at})
		to.addTasks(overdue...)
		to.addTasks(due...)
		to.addGoals(goals...)
		to.addDashboard(counts, rate)
		return err
	})
}

func (p sqlcDB) Create(ctx context.Context, user int64, task newTask, to *answer) error {
	return p.as(ctx, user, func(q *planner.Queries) error {
		made, err := q.CreateTask(ctx, params(task))
		to.addTasks(made)
		return err
	})
}

func (p sqlcDB) Complete(ctx context.Context, user, task int64, to *answer) error {
	return within(ctx, p.pool, isolateAndLockSQL, user, func(tx pgx.Tx) error {
		done, err := planner.New(tx).CompleteTask(ctx, planner.CompleteTaskParams{ID: planner.TaskID(task)})
		if err != nil {
			return err
		}
		to.addTasks(done.Task)
		return climb(ctx, tx, p.rollUp, done.Task.ParentGoalID)
	})
}

func (p sqlcDB) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	many := manyParams(tasks)
	err = p.as(ctx, user, func(q *planner.Queries) error {
		ids, err := q.CreateTasks(ctx, many)
		n = len(ids)
		return err
	})
	return n, err
}

// Stream is a list: sqlc has no rows one by one.
func (p sqlcDB) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, func(q *planner.Queries) error {
		tasks, err := q.ListTasks(ctx, planner.ListTasksParams{Limit: limit})
		to.addTasks(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}
