package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/jmoiron/sqlx"
)

var sqlxPeer = contender{
	name:    "sqlx",
	module:  "github.com/jmoiron/sqlx",
	note:    "on pgx's stdlib driver: SQL by hand in a transaction, `GetContext` and `SelectContext` into structs, `NamedQuery` of 1,000 rows at a time for many tasks, `Queryx` and `StructScan` for the stream.",
	nothing: sql.ErrNoRows, byHand: true,
	open: func(ctx context.Context, dsn string, conns int) (Peer, error) {
		db, err := sqlx.ConnectContext(ctx, "pgx", dsn)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return sqlxDB{db, handwritten(true)}, nil
	},
}

type sqlxDB struct {
	db *sqlx.DB
	queries
}

func (p sqlxDB) Close() { _ = p.db.Close() }

func (p sqlxDB) as(ctx context.Context, user int64, enter string, fn func(tx *sqlx.Tx) error) error {
	tx, err := p.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, enter, text(user)); err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (p sqlxDB) Get(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		var task Task
		if err := tx.GetContext(ctx, &task, p.get, id); err != nil {
			return err
		}
		to.addModels(task)
		return nil
	})
}

func (p sqlxDB) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		var tasks []Task
		err := tx.SelectContext(ctx, &tasks, p.list)
		to.addModels(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (p sqlxDB) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		var (
			overdue, due []Task
			counts       []statusCount
			goals        []Goal
			r            rate
		)
		for _, q := range []struct {
			into any
			sql  string
			args []any
		}{
			{&overdue, p.overdue, []any{at}},
			{&due, p.due, []any{at, at.Add(week)}},
			{&counts, "SELECT " + countColumns + " FROM public.tasks GROUP BY status", nil},
			{&goals, p.goals, nil},
		} {
			if err := tx.SelectContext(ctx, q.into, q.sql, q.args...); err != nil {
				return err
			}
		}
		err := tx.GetContext(ctx, &r, "SELECT "+rateColumns+" FROM public.tasks WHERE due_date >= $1 AND due_date < $2", at.Add(-month), at)
		to.addModelDashboard(overdue, due, counts, goals, r)
		return err
	})
}

func (p sqlxDB) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		var task Task
		err := tx.GetContext(ctx, &task, p.create, t.goal, t.title, t.priority, t.category, t.due, list[string](t.tags))
		to.addModels(task)
		return err
	})
}

func (p sqlxDB) Complete(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateAndLockSQL, func(tx *sqlx.Tx) error {
		var task Task
		if err := tx.GetContext(ctx, &task, p.complete, id); err != nil {
			return err
		}
		to.addModels(task)
		for goal := task.ParentGoalID; goal != nil; {
			if err := tx.GetContext(ctx, &goal, p.rollUp, *goal); errors.Is(err, sql.ErrNoRows) {
				return nil // as it was
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

func (p sqlxDB) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	const insert = `INSERT INTO public.tasks (parent_goal_id, title, priority, category, due_date, tags)
		VALUES (:parent_goal_id, :title, :priority, :category, :due_date, :tags) RETURNING id`
	many := models(tasks)
	err = p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		for from := 0; from < len(many); from += 1000 {
			rows, err := sqlx.NamedQueryContext(ctx, tx, insert, many[from:min(from+1000, len(many))])
			if err != nil {
				return err
			}
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					return errors.Join(err, rows.Close())
				}
				n++
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (p sqlxDB) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		rows, err := tx.QueryxContext(ctx, p.stream, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var task Task
			if err := rows.StructScan(&task); err != nil {
				return err
			}
			n++
			to.addModels(task)
		}
		return rows.Err()
	})
	return n, err
}

func (p sqlxDB) OpenInTree(ctx context.Context, user, goal int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *sqlx.Tx) error {
		var open []openTasks
		err := tx.SelectContext(ctx, &open, p.openInTree, goal)
		to.addOpen(open...)
		n = len(open)
		return err
	})
	return n, err
}
