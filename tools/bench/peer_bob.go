package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	pgxv5 "github.com/jackc/pgx/v5"
	"github.com/stephenafamo/bob"
	"github.com/stephenafamo/bob/dialect/psql"
	"github.com/stephenafamo/bob/dialect/psql/dialect"
	"github.com/stephenafamo/bob/dialect/psql/im"
	"github.com/stephenafamo/bob/dialect/psql/sm"
	"github.com/stephenafamo/bob/dialect/psql/um"
	"github.com/stephenafamo/bob/drivers/pgx"
	"github.com/stephenafamo/scan"
)

var bobPeer = contender{
	name:    "Bob",
	module:  "github.com/stephenafamo/bob",
	note:    "with its pgx driver: its query builder and executor, `StructMapper`, one `INSERT` of 1,000 rows at a time for many tasks, `Cursor` for the stream. Its generated models are not used.",
	nothing: sql.ErrNoRows, byHand: true,
	open: func(ctx context.Context, dsn string, conns int) (Peer, error) {
		pool, err := pgx.New(ctx, withPool(dsn, conns))
		if err != nil {
			return nil, err
		}
		return bobDB{pool, forBob(handwritten(true).rollUp), forBob(handwritten(true).openInTree)}, nil
	},
}

type bobDB struct {
	pool               pgx.Pool
	rollUp, openInTree string
}

// forBob names the parameter of a query as Bob does.
func forBob(sql string) string { return strings.ReplaceAll(sql, "$1", "?") }

func (p bobDB) Close() { p.pool.Close() }

func (p bobDB) as(ctx context.Context, user int64, enter string, fn func(tx bob.Executor) error) error {
	tx, err := p.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.ExecContext(ctx, enter, text(user)); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

var (
	oneTask = scan.StructMapper[Task]()
	oneGoal = scan.StructMapper[Goal]()
)

func selectTasks(mods ...bob.Mod[*dialect.SelectQuery]) bob.Query {
	return psql.Select(append(mods, sm.Columns(psql.Raw(taskColumns)), sm.From("tasks"))...)
}

func (p bobDB) Get(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		task, err := bob.One(ctx, tx, selectTasks(sm.Where(psql.Quote("id").EQ(psql.Arg(id)))), oneTask)
		if err != nil {
			return err
		}
		to.addModels(task)
		return nil
	})
}

func (p bobDB) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		tasks, err := bob.All(ctx, tx, selectTasks(sm.OrderBy(psql.Raw(listOrder)), sm.Limit(20)), oneTask)
		to.addModels(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (p bobDB) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		due := psql.Quote("due_date")
		overdue, err := bob.All(ctx, tx, selectTasks(sm.Where(psql.Quote("status").In(psql.Arg("pending", "in_progress"))), sm.Where(due.LT(psql.Arg(at))),
			sm.OrderBy(psql.Raw(dueOrder)), sm.Limit(5)), oneTask)
		if err != nil {
			return err
		}
		soon, err := bob.All(ctx, tx, selectTasks(sm.Where(due.GTE(psql.Arg(at))), sm.Where(due.LT(psql.Arg(at.Add(week)))),
			sm.OrderBy(psql.Raw(dueOrder)), sm.Limit(20)), oneTask)
		if err != nil {
			return err
		}
		counts, err := bob.All(ctx, tx, psql.Select(sm.Columns(psql.Raw(countColumns)), sm.From("tasks"), sm.GroupBy("status")), scan.StructMapper[statusCount]())
		if err != nil {
			return err
		}
		goals, err := bob.All(ctx, tx, psql.Select(sm.Columns(psql.Raw(goalColumns)), sm.From("goals"), sm.Where(psql.Quote("status").EQ(psql.Arg("active"))),
			sm.Where(psql.Quote("progress_percentage").GTE(psql.Arg(80))), sm.OrderBy(psql.Raw(goalOrder)), sm.Limit(5)), oneGoal)
		if err != nil {
			return err
		}
		r, err := bob.One(ctx, tx, psql.Select(sm.Columns(psql.Raw(rateColumns)), sm.From("tasks"), sm.Where(due.GTE(psql.Arg(at.Add(-month)))),
			sm.Where(due.LT(psql.Arg(at)))), scan.StructMapper[rate]())
		to.addModelDashboard(overdue, soon, counts, goals, r)
		return err
	})
}

var newColumns = []string{"parent_goal_id", "title", "priority", "category", "due_date", "tags"}

func newValues(t newTask) bob.Expression {
	return psql.Arg(t.goal, t.title, t.priority, t.category, t.due, list[string](t.tags))
}

func (p bobDB) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		task, err := bob.One(ctx, tx, psql.Insert(im.Into("tasks", newColumns...), im.Values(newValues(t)), im.Returning(psql.Raw(taskColumns))), oneTask)
		to.addModels(task)
		return err
	})
}

func (p bobDB) Complete(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateAndLockSQL, func(tx bob.Executor) error {
		task, err := bob.One(ctx, tx, psql.Update(um.Table("tasks"), um.SetCol("status").ToArg("completed"), um.Where(psql.Quote("id").EQ(psql.Arg(id))),
			um.Returning(psql.Raw(taskColumns))), oneTask)
		if err != nil {
			return err
		}
		to.addModels(task)
		for goal := task.ParentGoalID; goal != nil; {
			params := make([]any, strings.Count(p.rollUp, "?"))
			for i := range params {
				params[i] = *goal
			}
			goal, err = bob.One(ctx, tx, psql.RawQuery(p.rollUp, params...), scan.SingleColumnMapper[*int64])
			if errors.Is(err, sql.ErrNoRows) || errors.Is(err, pgxv5.ErrNoRows) {
				return nil // as it was
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

func (p bobDB) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		for len(tasks) > 0 {
			some := tasks[:min(1000, len(tasks))]
			insert := psql.Insert(im.Into("tasks", newColumns...), im.Returning("id"))
			for _, t := range some {
				insert.Apply(im.Values(newValues(t)))
			}
			ids, err := bob.All(ctx, tx, insert, scan.SingleColumnMapper[int64])
			if err != nil {
				return err
			}
			n += len(ids)
			tasks = tasks[len(some):]
		}
		return nil
	})
	return n, err
}

func (p bobDB) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		cursor, err := bob.Cursor(ctx, tx, selectTasks(sm.OrderBy(psql.Raw(listOrder)), sm.Limit(limit)), oneTask)
		if err != nil {
			return err
		}
		defer cursor.Close()
		for cursor.Next() {
			task, err := cursor.Get()
			if err != nil {
				return err
			}
			n++
			to.addModels(task)
		}
		return cursor.Err()
	})
	return n, err
}

func (p bobDB) OpenInTree(ctx context.Context, user, goal int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx bob.Executor) error {
		open, err := bob.All(ctx, tx, psql.RawQuery(p.openInTree, goal), scan.StructMapper[openTasks]())
		to.addOpen(open...)
		n = len(open)
		return err
	})
	return n, err
}
