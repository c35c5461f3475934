package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var (
	pgxFloor = contender{
		name:    "unisolated pgx",
		module:  pgxModule,
		note:    "The floor: SQL by hand with `WHERE user_id = …`, as the tables' owner, and no transaction but to complete; `pgx.Batch` for the dashboard, `CopyFrom` for many tasks, which returns no ids.",
		nothing: pgx.ErrNoRows, owner: true, byHand: true,
		open: func(ctx context.Context, dsn string, conns int) (Peer, error) { return openPgx(ctx, dsn, conns, false) },
	}
	pgxIsolated = contender{
		name:    "pgx",
		module:  pgxModule,
		note:    "SQL by hand in a transaction that sets user and role; `pgx.Batch` for the dashboard, `INSERT … SELECT unnest(…)` for many tasks, since row security refuses `COPY`.",
		nothing: pgx.ErrNoRows, byHand: true,
		open: func(ctx context.Context, dsn string, conns int) (Peer, error) { return openPgx(ctx, dsn, conns, true) },
	}
)

const pgxModule = "github.com/jackc/pgx/v5"

type pgxPeer struct {
	pool     *pgxpool.Pool
	confined bool
	queries
}

func openPgx(ctx context.Context, dsn string, conns int, confined bool) (Peer, error) {
	pool, err := pgxpool.New(ctx, withPool(dsn, conns))
	if err != nil {
		return nil, err
	}
	return pgxPeer{pool, confined, handwritten(confined)}, nil
}

func (p pgxPeer) Close() { p.pool.Close() }

type pgxDB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// as runs fn for a user: in a transaction that is confined, or just so.
func (p pgxPeer) as(ctx context.Context, user int64, fn func(pgxDB) error) error {
	if !p.confined {
		return fn(p.pool)
	}
	return within(ctx, p.pool, isolateSQL, user, func(tx pgx.Tx) error { return fn(tx) })
}

// args adds the user where the query names it.
func (p pgxPeer) args(user int64, args ...any) []any {
	if p.confined {
		return args
	}
	return append(args, user)
}

func scanTask(row pgx.CollectableRow) (planner.Task, error) {
	var t planner.Task
	err := row.Scan(&t.ID, &t.UserID, &t.ParentGoalID, &t.Title, &t.Description, &t.Priority, &t.Status, &t.Category,
		&t.EstimatedHours, &t.ActualHours, &t.DueDate, &t.DueAllDay, &t.CreatedAt, &t.UpdatedAt, &t.Version, &t.CompletedAt, &t.Dependencies, &t.Notes, &t.Tags, &t.BlockedReason, &t.BlockedInProgress)
	return t, err
}

func queryTask(ctx context.Context, db pgxDB, sql string, args []any) (planner.Task, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return planner.Task{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanTask)
}

func (p pgxPeer) Get(ctx context.Context, user, task int64, to *answer) error {
	return p.as(ctx, user, func(db pgxDB) error {
		found, err := queryTask(ctx, db, p.get, p.args(user, task))
		if err != nil {
			return err
		}
		to.addTasks(found)
		return nil
	})
}

func (p pgxPeer) List(ctx context.Context, user int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, func(db pgxDB) error {
		rows, err := db.Query(ctx, p.list, p.args(user)...)
		if err != nil {
			return err
		}
		tasks, err := pgx.CollectRows(rows, scanTask)
		to.addTasks(tasks...)
		n = len(tasks)
		return err
	})
	return n, err
}

func (p pgxPeer) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	return p.as(ctx, user, func(db pgxDB) error {
		batch := &pgx.Batch{}
		d := p.dashboard(batch, user, at)
		err := db.SendBatch(ctx, batch).Close()
		d.into(to)
		return err
	})
}

// A pgxDashboard is what the queries of a dashboard bring.
type pgxDashboard struct {
	overdue, due []planner.Task
	counts       []planner.TaskCountsByStatusRow
	goals        []planner.Goal
	rate         planner.CompletionRateRow
}

func (d *pgxDashboard) into(to *answer) {
	to.addTasks(d.overdue...)
	to.addTasks(d.due...)
	to.addGoals(d.goals...)
	to.addDashboard(d.counts, d.rate)
}

// dashboard adds its queries to a batch.
func (p pgxPeer) dashboard(batch *pgx.Batch, user int64, at time.Time) *pgxDashboard {
	d := &pgxDashboard{}
	batch.Queue(p.overdue, p.args(user, at)...).Query(tasksInto(&d.overdue))
	batch.Queue(p.due, p.args(user, at, at.Add(week))...).Query(tasksInto(&d.due))
	batch.Queue(p.counts, p.args(user)...).Query(func(rows pgx.Rows) (err error) {
		d.counts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c planner.TaskCountsByStatusRow, err error) {
			return c, row.Scan(&c.Status, &c.Tasks, &c.EstimatedHours, &c.ActualHours)
		})
		return err
	})
	batch.Queue(p.goals, p.args(user)...).Query(func(rows pgx.Rows) (err error) {
		d.goals, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (g planner.Goal, err error) {
			return g, row.Scan(&g.ID, &g.Title, &g.Status, &g.ProgressPercentage, &g.TargetDate)
		})
		return err
	})
	batch.Queue(p.rate, p.args(user, at.Add(-month), at)...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&d.rate.Due, &d.rate.Completed, &d.rate.OnTime)
	})
	return d
}

func tasksInto(tasks *[]planner.Task) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) { *tasks, err = pgx.CollectRows(rows, scanTask); return err }
}

func (p pgxPeer) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.as(ctx, user, func(db pgxDB) error {
		made, err := queryTask(ctx, db, p.create, p.args(user, t.goal, t.title, t.priority, t.category, t.due, planner.Tags(t.tags)))
		to.addTasks(made)
		return err
	})
}

func (p pgxPeer) Complete(ctx context.Context, user, task int64, to *answer) error {
	enter := isolateAndLockSQL
	if !p.confined {
		enter = `SELECT pg_advisory_xact_lock(hashtextextended('bizydb.user', CAST($1::text AS bigint)))`
	}
	return within(ctx, p.pool, enter, user, func(tx pgx.Tx) error {
		done, err := queryTask(ctx, tx, p.complete, p.args(user, task))
		if err != nil {
			return err
		}
		to.addTasks(done)
		return climb(ctx, tx, p.rollUp, done.ParentGoalID, p.args(user)...)
	})
}

// climb rolls up a goal and those above it, up to the first that stays as it was.
func climb(ctx context.Context, tx pgx.Tx, rollUp string, goal *planner.GoalID, more ...any) error {
	for goal != nil {
		if err := tx.QueryRow(ctx, rollUp, append([]any{*goal}, more...)...).Scan(&goal); errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (p pgxPeer) CreateMany(ctx context.Context, user int64, tasks []newTask) (int, error) {
	if !p.confined {
		n, err := p.pool.CopyFrom(ctx, pgx.Identifier{"public", "tasks"},
			[]string{"user_id", "parent_goal_id", "title", "priority", "category", "due_date", "tags"},
			pgx.CopyFromSlice(len(tasks), func(i int) ([]any, error) {
				t := tasks[i]
				return []any{user, t.goal, t.title, t.priority, t.category, t.due, t.tags}, nil
			}))
		return int(n), err
	}
	var tag pgconn.CommandTag
	err := p.as(ctx, user, func(db pgxDB) error {
		rows, err := db.Query(ctx, p.createMany, columns(tasks)...)
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		tag = rows.CommandTag()
		return err
	})
	return int(tag.RowsAffected()), err
}

// columns are the parameters of createMany.
func columns(tasks []newTask) []any {
	goals, titles, priorities := make([]int64, len(tasks)), make([]string, len(tasks)), make([]int, len(tasks))
	categories, due, tags := make([]string, len(tasks)), make([]time.Time, len(tasks)), make([]planner.Tags, len(tasks))
	for i, t := range tasks {
		goals[i], titles[i], priorities[i], categories[i], due[i], tags[i] = t.goal, t.title, t.priority, t.category, t.due, t.tags
	}
	return []any{goals, titles, priorities, categories, due, tags}
}

func (p pgxPeer) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.as(ctx, user, func(db pgxDB) error {
		rows, err := db.Query(ctx, p.stream, p.args(user, limit)...)
		if err != nil {
			return err
		}
		n, err = streamed(rows, to)
		return err
	})
	return n, err
}

// streamed reads rows one by one.
func streamed(rows pgx.Rows, to *answer) (n int, err error) {
	defer rows.Close()
	for rows.Next() {
		task, err := scanTask(rows)
		if err != nil {
			return n, err
		}
		n++
		to.addTasks(task)
	}
	return n, rows.Err()
}

func (p pgxPeer) OpenInTree(ctx context.Context, user, goal int64, to *answer) (n int, err error) {
	err = p.as(ctx, user, func(db pgxDB) error {
		rows, err := db.Query(ctx, p.openInTree, p.args(user, goal)...)
		if err != nil {
			return err
		}
		open, err := pgx.CollectRows(rows, pgx.RowToStructByPos[openTasks])
		to.addOpen(open...)
		n = len(open)
		return err
	})
	return n, err
}
