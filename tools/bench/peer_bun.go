package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

var bunPeer = contender{
	name:    "Bun",
	module:  "github.com/uptrace/bun",
	note:    "on pgx's stdlib driver, in the simple protocol, since it writes arguments into the SQL: `RunInTx`, its query builder, one `INSERT` for many tasks, `Rows` and `ScanRow` for the stream.",
	nothing: sql.ErrNoRows, byHand: true,
	open: func(_ context.Context, dsn string, conns int) (Peer, error) {
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		pool := stdlib.OpenDB(*config)
		pool.SetMaxOpenConns(conns)
		pool.SetMaxIdleConns(conns)
		return bunDB{bun.NewDB(pool, pgdialect.New()), forBun(handwritten(true).rollUp), forBun(handwritten(true).openInTree)}, nil
	},
}

type bunDB struct {
	db                 *bun.DB
	rollUp, openInTree string
}

// forBun names the parameter of a query as Bun does.
func forBun(sql string) string { return strings.ReplaceAll(sql, "$1", "?0") }

func (p bunDB) Close() { _ = p.db.Close() }

func (p bunDB) as(ctx context.Context, user int64, enter string, fn func(ctx context.Context, tx bun.Tx) error) error {
	return p.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, forBun(enter), text(user)); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

func (p bunDB) Get(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		var task Task
		if err := tx.NewSelect().Model(&task).Where("id = ?", id).Scan(ctx); err != nil {
			return err
		}
		to.addModels(task)
		return nil
	})
}

func (p bunDB) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		var tasks []Task
		err := tx.NewSelect().Model(&tasks).OrderExpr(listOrder).Limit(20).Scan(ctx)
		to.addModels(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (p bunDB) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		var (
			overdue, due []Task
			counts       []statusCount
			goals        []Goal
			r            rate
		)
		if err := tx.NewSelect().Model(&overdue).Where("status IN (?)", bun.List([]string{"pending", "in_progress"})).Where("due_date < ?", at).
			OrderExpr(dueOrder).Limit(5).Scan(ctx); err != nil {
			return err
		}
		if err := tx.NewSelect().Model(&due).Where("due_date >= ? AND due_date < ?", at, at.Add(week)).OrderExpr(dueOrder).Limit(20).Scan(ctx); err != nil {
			return err
		}
		if err := tx.NewSelect().Model((*Task)(nil)).ColumnExpr(countColumns).Group("status").Scan(ctx, &counts); err != nil {
			return err
		}
		if err := tx.NewSelect().Model(&goals).Where("status = ? AND progress_percentage >= ?", "active", 80).OrderExpr(goalOrder).Limit(5).Scan(ctx); err != nil {
			return err
		}
		if err := tx.NewSelect().Model((*Task)(nil)).ColumnExpr(rateColumns).Where("due_date >= ? AND due_date < ?", at.Add(-month), at).Scan(ctx, &r); err != nil {
			return err
		}
		to.addModelDashboard(overdue, due, counts, goals, r)
		return nil
	})
}

func (p bunDB) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		task := model(t)
		_, err := tx.NewInsert().Model(&task).ExcludeColumn("id", "user_id", "version").Returning("*").Exec(ctx)
		to.addModels(task)
		return err
	})
}

func (p bunDB) Complete(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateAndLockSQL, func(ctx context.Context, tx bun.Tx) error {
		var task Task
		result, err := tx.NewUpdate().Model(&task).Set("status = ?", "completed").Where("id = ?", id).Returning("*").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return wantRows(int(n), 1, err)
		}
		to.addModels(task)
		for goal := task.ParentGoalID; goal != nil; {
			if err := tx.NewRaw(p.rollUp, *goal).Scan(ctx, &goal); errors.Is(err, sql.ErrNoRows) {
				return nil // as it was
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

func (p bunDB) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		many := models(tasks)
		result, err := tx.NewInsert().Model(&many).ExcludeColumn("id", "user_id", "version").Returning("id").Exec(ctx)
		if err != nil {
			return err
		}
		affected, err := result.RowsAffected()
		n = int(affected)
		return err
	})
	return n, err
}

func (p bunDB) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		rows, err := tx.NewSelect().Model((*Task)(nil)).OrderExpr(listOrder).Limit(int64(limit)).Rows(ctx)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var task Task
			if err := p.db.ScanRow(ctx, rows, &task); err != nil {
				return err
			}
			n++
			to.addModels(task)
		}
		return rows.Err()
	})
	return n, err
}

func (p bunDB) OpenInTree(ctx context.Context, user, goal int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(ctx context.Context, tx bun.Tx) error {
		var open []openTasks
		err := tx.NewRaw(p.openInTree, goal).Scan(ctx, &open)
		to.addOpen(open...)
		n = len(open)
		return err
	})
	return n, err
}
