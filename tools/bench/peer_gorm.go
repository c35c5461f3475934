package main

import (
	"context"
	"strings"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

var gormPeer = contender{
	name:    "GORM",
	module:  "gorm.io/gorm",
	note:    "with its postgres driver and `SkipDefaultTransaction`: `db.Transaction`, its query builder, `CreateInBatches` of 1,000, `Rows` and `ScanRows` for the stream; `Raw` where its builder has no words. `PrepareStmt` is off: in a transaction it takes twice the round trips.",
	nothing: gorm.ErrRecordNotFound, byHand: true,
	open: func(_ context.Context, dsn string, conns int) (Peer, error) {
		db, err := gorm.Open(postgres.Open(dsn), &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true})
		if err != nil {
			return nil, err
		}
		pool, err := db.DB()
		if err != nil {
			return nil, err
		}
		pool.SetMaxOpenConns(conns)
		pool.SetMaxIdleConns(conns)
		return gormDB{db, forGorm(handwritten(true).rollUp), forGorm(handwritten(true).openInTree)}, nil
	},
}

type gormDB struct {
	*gorm.DB
	rollUp, openInTree string
}

// forGorm names the parameter of a query as GORM does.
func forGorm(sql string) string { return strings.ReplaceAll(sql, "$1", "@p") }

func (p gormDB) Close() {
	if pool, err := p.DB.DB(); err == nil {
		_ = pool.Close()
	}
}

func (p gormDB) as(ctx context.Context, user int64, enter string, fn func(tx *gorm.DB) error) error {
	return p.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec(forGorm(enter), map[string]any{"p": text(user)}).Error; err != nil {
			return err
		}
		return fn(tx)
	})
}

func (p gormDB) Get(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		var task Task
		if err := tx.Take(&task, id).Error; err != nil {
			return err
		}
		to.addModels(task)
		return nil
	})
}

func (p gormDB) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		var tasks []Task
		err := tx.Order(listOrder).Limit(20).Find(&tasks).Error
		to.addModels(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (p gormDB) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		var (
			overdue, due []Task
			counts       []statusCount
			goals        []Goal
			r            rate
		)
		if err := tx.Where("status IN ?", []string{"pending", "in_progress"}).Where("due_date < ?", at).Order(dueOrder).Limit(5).Find(&overdue).Error; err != nil {
			return err
		}
		if err := tx.Where("due_date >= ? AND due_date < ?", at, at.Add(week)).Order(dueOrder).Limit(20).Find(&due).Error; err != nil {
			return err
		}
		if err := tx.Model(&Task{}).Select(countColumns).Group("status").Find(&counts).Error; err != nil {
			return err
		}
		if err := tx.Where("status = ? AND progress_percentage >= ?", "active", 80).Order(goalOrder).Limit(5).Find(&goals).Error; err != nil {
			return err
		}
		if err := tx.Model(&Task{}).Select(rateColumns).Where("due_date >= ? AND due_date < ?", at.Add(-month), at).Take(&r).Error; err != nil {
			return err
		}
		to.addModelDashboard(overdue, due, counts, goals, r)
		return nil
	})
}

func (p gormDB) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		task := model(t)
		err := tx.Create(&task).Error
		to.addModels(task)
		return err
	})
}

func (p gormDB) Complete(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateAndLockSQL, func(tx *gorm.DB) error {
		var task Task
		done := tx.Model(&task).Clauses(clause.Returning{}).Where("id = ?", id).Update("status", "completed")
		if err := wantRows(int(done.RowsAffected), 1, done.Error); err != nil {
			return err
		}
		to.addModels(task)
		for goal := task.ParentGoalID; goal != nil; {
			var parent struct{ ParentGoalID *int64 }
			result := tx.Raw(p.rollUp, map[string]any{"p": *goal}).Scan(&parent)
			if result.Error != nil || result.RowsAffected == 0 {
				return result.Error
			}
			goal = parent.ParentGoalID
		}
		return nil
	})
}

func (p gormDB) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		made := tx.CreateInBatches(models(tasks), 1000)
		n = int(made.RowsAffected)
		return made.Error
	})
	return n, err
}

func (p gormDB) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		rows, err := tx.Model(&Task{}).Order(listOrder).Limit(limit).Rows()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var task Task
			if err := tx.ScanRows(rows, &task); err != nil {
				return err
			}
			n++
			to.addModels(task)
		}
		return rows.Err()
	})
	return n, err
}

func (p gormDB) OpenInTree(ctx context.Context, user, goal int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *gorm.DB) error {
		var open []openTasks
		err := tx.Raw(p.openInTree, map[string]any{"p": goal}).Scan(&open).Error
		to.addOpen(open...)
		n = len(open)
		return err
	})
	return n, err
}
