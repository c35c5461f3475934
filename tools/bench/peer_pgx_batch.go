package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var pgxInBatches = contender{
	name:    "batched pgx",
	module:  pgxModule,
	note:    "The limit: what bizydb does, by hand. User, role and query in one `pgx.Batch`, which is a transaction; to complete a task as “pgx”, since the roll-up needs answers in between.",
	nothing: pgx.ErrNoRows, byHand: true,
	open: func(ctx context.Context, dsn string, conns int) (Peer, error) {
		p, err := openPgx(ctx, dsn, conns, true)
		if err != nil {
			return nil, err
		}
		return pgxBatches{p.(pgxPeer)}, nil
	},
}

type pgxBatches struct{ pgxPeer }

// send confines what is queued to a user, and sends it in one go.
func (p pgxBatches) send(ctx context.Context, user int64, queue func(*pgx.Batch)) error {
	batch := &pgx.Batch{}
	batch.Queue(isolateSQL, text(user))
	queue(batch)
	return p.pool.SendBatch(ctx, batch).Close()
}

// one sends a query for one task.
func (p pgxBatches) one(ctx context.Context, user int64, to *answer, sql string, args ...any) error {
	return p.send(ctx, user, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
			task, err := pgx.CollectExactlyOneRow(rows, scanTask)
			if err == nil {
				to.addTasks(task)
			}
			return err
		})
	})
}

func (p pgxBatches) Get(ctx context.Context, user, task int64, to *answer) error {
	return p.one(ctx, user, to, p.get, task)
}

func (p pgxBatches) List(ctx context.Context, user int64, to *answer) (int, error) {
	var tasks []planner.Task
	err := p.send(ctx, user, func(b *pgx.Batch) { b.Queue(p.list).Query(tasksInto(&tasks)) })
	to.addTasks(tasks...)
	return len(tasks), err
}

func (p pgxBatches) Dashboard(ctx context.Context, user int64, at time.Time, to *answer) error {
	var d *pgxDashboard
	err := p.send(ctx, user, func(b *pgx.Batch) { d = p.dashboard(b, user, at) })
	d.into(to)
	return err
}

func (p pgxBatches) Create(ctx context.Context, user int64, t newTask, to *answer) error {
	return p.one(ctx, user, to, p.create, t.goal, t.title, t.priority, t.category, t.due, planner.Tags(t.tags))
}

func (p pgxBatches) CreateMany(ctx context.Context, user int64, tasks []newTask) (n int, err error) {
	err = p.send(ctx, user, func(b *pgx.Batch) {
		b.Queue(p.createMany, columns(tasks)...).Query(func(rows pgx.Rows) error {
			_, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			n = int(rows.CommandTag().RowsAffected())
			return err
		})
	})
	return n, err
}

func (p pgxBatches) Stream(ctx context.Context, user int64, limit int, to *answer) (n int, err error) {
	err = p.send(ctx, user, func(b *pgx.Batch) {
		b.Queue(p.stream, limit).Query(func(rows pgx.Rows) error { n, err = streamed(rows, to); return err })
	})
	return n, err
}

func (p pgxBatches) OpenInTree(ctx context.Context, user, goal int64, to *answer) (int, error) {
	var open []openTasks
	err := p.send(ctx, user, func(b *pgx.Batch) {
		b.Queue(p.openInTree, goal).Query(func(rows pgx.Rows) (err error) {
			open, err = pgx.CollectRows(rows, pgx.RowToStructByPos[openTasks])
			return err
		})
	})
	to.addOpen(open...)
	return len(open), err
}
