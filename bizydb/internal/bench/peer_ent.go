package main

import (
	"context"
	"errors"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/bizy-ai/bizydb/bizydb/internal/bench/ent"
	"github.com/bizy-ai/bizydb/bizydb/internal/bench/ent/goal"
	"github.com/bizy-ai/bizydb/bizydb/internal/bench/ent/task"
)

var errNoEntity = errors.New("ent: not found")

var entPeer = contender{
	name:    "ent",
	module:  "entgo.io/ent",
	note:    "on pgx's stdlib driver: `client.Tx`, its generated builders, `MapCreateBulk` of 1,000 for many tasks; SQL by `QueryContext` for the roll-up. It has no rows one by one, so the stream is a list.",
	nothing: errNoEntity, byHand: true,
	open: func(_ context.Context, dsn string, conns int) (Peer, error) {
		driver, err := openEnt(dsn, conns)
		if err != nil {
			return nil, err
		}
		return entDB{ent.NewClient(ent.Driver(driver)), handwritten(true).rollUp}, nil
	},
}

func openEnt(dsn string, conns int) (*sql.Driver, error) {
	driver, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	driver.DB().SetMaxOpenConns(conns)
	driver.DB().SetMaxIdleConns(conns)
	return sql.OpenDB(dialect.Postgres, driver.DB()), nil
}

type entDB struct {
	client *ent.Client
	rollUp string
}

func (p entDB) Close() { _ = p.client.Close() }

func (p entDB) as(ctx context.Context, user int64, enter string, fn func(tx *ent.Tx) error) error {
	tx, err := p.client.Tx(ctx)
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

func orderedBy[T ~func(*sql.Selector)](order string) T {
	return func(s *sql.Selector) { s.OrderExpr(sql.Expr(order)) }
}

func (p entDB) Get(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *ent.Tx) error {
		found, err := tx.Task.Get(ctx, id)
		if ent.IsNotFound(err) {
			return errNoEntity
		}
		to.addEntities(found)
		return err
	})
}

func (p entDB) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	return p.Stream(ctx, user, 20, to)
}

func (p entDB) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *ent.Tx) error {
		overdue, err := tx.Task.Query().Where(task.StatusIn("pending", "in_progress"), task.DueDateLT(at)).
			Order(orderedBy[task.OrderOption](dueOrder)).Limit(5).All(ctx)
		if err != nil {
			return err
		}
		due, err := tx.Task.Query().Where(task.DueDateGTE(at), task.DueDateLT(at.Add(week))).
			Order(orderedBy[task.OrderOption](dueOrder)).Limit(20).All(ctx)
		if err != nil {
			return err
		}
		var counts []statusCount
		if err := tx.Task.Query().Modify(func(s *sql.Selector) { s.SelectExpr(sql.Expr(countColumns)).GroupBy(s.C(task.FieldStatus)) }).Scan(ctx, &counts); err != nil {
			return err
		}
		goals, err := tx.Goal.Query().Where(goal.Status("active"), goal.ProgressPercentageGTE(80)).
			Order(orderedBy[goal.OrderOption](goalOrder)).Limit(5).All(ctx)
		if err != nil {
			return err
		}
		var rates []rate
		if err := tx.Task.Query().Where(task.DueDateGTE(at.Add(-month)), task.DueDateLT(at)).
			Modify(func(s *sql.Selector) { s.SelectExpr(sql.Expr(rateColumns)) }).Scan(ctx, &rates); err != nil {
			return err
		}
		if to == nil {
			return nil
		}
		to.addEntities(append(overdue, due...)...)
		var shown []Goal
		for _, g := range goals {
			shown = append(shown, Goal{ID: g.ID, Title: g.Title, Status: g.Status, ProgressPercentage: g.ProgressPercentage, TargetDate: g.TargetDate})
		}
		to.addModelDashboard(nil, nil, counts, shown, rates[0])
		return nil
	})
}

func entity(create *ent.TaskCreate, t newTask) *ent.TaskCreate {
	return create.SetParentGoalID(t.goal).SetTitle(t.title).SetPriority(t.priority).SetCategory(t.category).SetDueDate(t.due).SetTags(t.tags)
}

func (p entDB) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.as(ctx, user, isolateSQL, func(tx *ent.Tx) error {
		made, err := entity(tx.Task.Create(), t).Save(ctx)
		if err != nil {
			return err
		}
		to.addEntities(made)
		return nil
	})
}

func (p entDB) Complete(ctx context.Context, user, id int64, to *answer) error {
	return p.as(ctx, user, isolateAndLockSQL, func(tx *ent.Tx) error {
		done, err := tx.Task.UpdateOneID(id).SetStatus("completed").Save(ctx)
		if err != nil {
			return err
		}
		to.addEntities(done)
		for goal := done.ParentGoalID; goal != nil; {
			rows, err := tx.QueryContext(ctx, p.rollUp, *goal)
			if err != nil {
				return err
			}
			goal = nil // unless it has changed and has a parent
			if rows.Next() {
				err = rows.Scan(&goal)
			}
			if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p entDB) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *ent.Tx) error {
		for len(tasks) > 0 {
			some := tasks[:min(1000, len(tasks))]
			made, err := tx.Task.MapCreateBulk(some, func(create *ent.TaskCreate, i int) { entity(create, some[i]) }).Save(ctx)
			if err != nil {
				return err
			}
			n += len(made)
			tasks = tasks[len(some):]
		}
		return nil
	})
	return n, err
}

func (p entDB) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, isolateSQL, func(tx *ent.Tx) error {
		tasks, err := tx.Task.Query().Order(orderedBy[task.OrderOption](listOrder)).Limit(limit).All(ctx)
		to.addEntities(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (a *answer) addEntities(tasks ...*ent.Task) {
	if a == nil {
		return
	}
	for _, t := range tasks {
		if t == nil {
			continue
		}
		a.addModels(Task{
			ID: t.ID, UserID: t.UserID, ParentGoalID: t.ParentGoalID, Title: t.Title, Description: t.Description, Priority: t.Priority, Status: t.Status,
			Category: t.Category, EstimatedHours: t.EstimatedHours, ActualHours: t.ActualHours, DueDate: t.DueDate, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
			CompletedAt: t.CompletedAt, Dependencies: t.Dependencies, Notes: t.Notes, Tags: t.Tags, BlockedReason: t.BlockedReason,
		})
	}
}
