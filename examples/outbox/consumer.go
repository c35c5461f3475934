package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
)

// An Event is a row of app.outbox.
type Event struct {
	ID        int64 // the same at each delivery: a receiver is idempotent by it
	UserID    bizydb.UserID
	Kind      string // "task completed", "goal completed" or "goal at 100"
	About     int64  // the task's or goal's id
	Payload   json.RawMessage
	CreatedAt time.Time
	Attempts  int // deliveries to the user that failed since the last one that did not
}

// A Consumer delivers the events of app.outbox at least once, one at a time, those of a user in the order of the user's commits. Of several
// consumers one is active and the others stand by.
type Consumer struct {
	Conn    *pgx.ConnConfig                    // of a login with the rights of grants.sql; not through a transaction pooler, since the lock is the session's
	Deliver func(context.Context, Event) error // an error holds the user's later events back until a delivery succeeds
	Timeout time.Duration                      // of a delivery, which ends with its ctx; 0 means 30 seconds
	Poll    time.Duration                      // how long to wait when there is nothing to do; 0 means a second

	after bizydb.UserID // whose events the last batch ended with, 0 once it had all
}

const (
	lockSQL = `SELECT pg_try_advisory_lock(hashtextextended('app.outbox', 0))`

	// It goes from user to user, and reads the first events of each who is not blocked. No cursor over ids: those of different users are not
	// in the order of commits, and what commits late would be missed.
	readSQL = `
WITH RECURSIVE users (id) AS (
  SELECT (SELECT min(user_id) FROM app.outbox WHERE user_id > $1)
  UNION ALL
  SELECT (SELECT min(user_id) FROM app.outbox WHERE user_id > users.id) FROM users WHERE id IS NOT NULL
)
SELECT e.id, e.user_id, e.kind, e.about, e.payload, e.created_at, coalesce(b.attempts, 0)
FROM users
LEFT JOIN LATERAL (SELECT * FROM app.outbox_blocked WHERE user_id = users.id LIMIT 1) AS b ON true
CROSS JOIN LATERAL (
  SELECT * FROM app.outbox WHERE user_id = users.id AND (b.next_attempt_at > now()) IS NOT TRUE ORDER BY id LIMIT 10
) AS e
LIMIT 100`

	deliveredSQL = `
WITH unblocked AS (DELETE FROM app.outbox_blocked WHERE user_id = ANY ($1))
DELETE FROM app.outbox WHERE (user_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))`

	failedSQL = `
INSERT INTO app.outbox_blocked AS b (user_id)
SELECT id FROM unnest($1::bigint[]) AS failed (id) WHERE EXISTS (SELECT FROM app.outbox WHERE user_id = failed.id)
ON CONFLICT (user_id) DO UPDATE SET attempts = b.attempts + 1, next_attempt_at = now() + least(interval '1 hour', interval '1 second' * power(2, least(b.attempts, 20)))`
)

// Run delivers events until ctx ends. It connects again when its connection is lost.
func (c *Consumer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.session(ctx); err != nil && ctx.Err() == nil {
			log.Printf("outbox: %v", err)
			c.wait(ctx)
		}
	}
}

// connect lets the server end the session, and with it the lock, 40 seconds after this host is lost. Its own default is over two hours.
func (c *Consumer) connect(ctx context.Context) (*pgx.Conn, error) {
	config := c.Conn.Copy()
	maps.Copy(config.RuntimeParams, map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"})
	return pgx.ConnectConfig(ctx, config)
}

// session works on one connection. With it goes the lock, and another consumer takes over.
func (c *Consumer) session(ctx context.Context) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for active := false; !active; {
		if err := conn.QueryRow(ctx, lockSQL).Scan(&active); err != nil {
			return err
		}
		if !active {
			c.wait(ctx)
		}
	}
	for {
		more, err := c.batch(ctx, conn)
		if err != nil {
			return err
		}
		if !more {
			c.wait(ctx)
		}
	}
}

func (c *Consumer) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(cmp.Or(c.Poll, time.Second)):
	}
}

// batch delivers the next events, and returns whether there can be more. No transaction is open while it delivers. What is delivered and
// not yet deleted when the process ends is delivered again.
func (c *Consumer) batch(ctx context.Context, conn *pgx.Conn) (more bool, err error) {
	rows, _ := conn.Query(ctx, readSQL, c.after)
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
	if err != nil {
		return false, err
	}
	more = len(events) > 0 || c.after > 0
	c.after = 0
	if len(events) == 100 {
		c.after = events[99].UserID
	}
	var delivered []int64
	var to, failed []bizydb.UserID
	for _, event := range events {
		if slices.Contains(failed, event.UserID) {
			continue
		}
		if err := c.deliver(ctx, event); err == nil {
			delivered, to = append(delivered, event.ID), append(to, event.UserID)
		} else if ctx.Err() == nil {
			log.Printf("outbox: event %d: %v", event.ID, err)
			failed = append(failed, event.UserID)
		}
		if ctx.Err() != nil {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // also when ctx has ended
	defer cancel()
	if _, err := conn.Exec(ctx, deliveredSQL, to, delivered); err != nil {
		return false, err
	}
	_, err = conn.Exec(ctx, failedSQL, failed)
	return more, err
}

func (c *Consumer) deliver(ctx context.Context, event Event) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, 30*time.Second))
	defer cancel()
	return c.Deliver(ctx, event)
}
