package bizydb_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// An ownCall sends a statement of a service's own. Tests that promise something of every call run through these as through the query
// methods.
type ownCall struct {
	reads bool
	send  func(ctx context.Context, db bizydb.DBTX, at things) (any, error)
}

type ownTask struct {
	ID        planner.TaskID
	Title     string
	Tags      planner.Tags
	CreatedAt time.Time
	UserID    bizydb.UserID
}

const ownColumns = " id, title, tags, created_at, user_id "

var ownCalls = map[string]ownCall{
	"own SELECT": {true, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		return collect(db.Query(ctx, ofMine("SELECT"+ownColumns+"FROM public.tasks WHERE parent_goal_id = $1 ORDER BY id"), at.goal))
	}},
	"own SELECT of one": {true, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		var title string
		err := db.QueryRow(ctx, ofMine("SELECT title /* no update */ FROM public.tasks WHERE id = $1"), at.task).Scan(&title)
		return title, err
	}},
	"own WITH": {true, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		return collect(db.Query(ctx, ofMine(`WITH t AS (SELECT * FROM public.tasks) SELECT`+ownColumns+`FROM t WHERE parent_goal_id = @goal ORDER BY "id"`), pgx.NamedArgs{"goal": at.goal}))
	}},
	"own VALUES": {true, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		tag, err := db.Exec(ctx, "(VALUES ($1::bigint), (1))", at.task)
		return tag.RowsAffected(), err
	}},
	"own SELECT FOR UPDATE": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		return collect(db.Query(ctx, ofMine("SELECT"+ownColumns+"FROM public.tasks WHERE parent_goal_id = $1 ORDER BY id FOR UPDATE"), at.goal))
	}},
	"own SELECT FOR KEY SHARE": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		return collect(db.Query(ctx, ofMine("SELECT"+ownColumns+"FROM public.tasks WHERE parent_goal_id = $1 ORDER BY id FOR KEY SHARE"), at.goal))
	}},
	"own INSERT": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		return collect(db.Query(ctx, "INSERT INTO public.tasks (title, parent_goal_id, tags) VALUES ('own', $1, $2) RETURNING"+ownColumns, at.goal, planner.Tags{"own"}))
	}},
	"own UPDATE": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		tag, err := db.Exec(ctx, ofMine("UPDATE public.tasks SET title = 'changed' WHERE id = $1"), at.task)
		return tag.RowsAffected(), err
	}},
	"own UPDATE of one": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		var title string
		err := db.QueryRow(ctx, ofMine("UPDATE public.tasks SET status = 'completed' WHERE id = $1 RETURNING title"), at.task).Scan(&title)
		return title, err
	}},
	"own DELETE in WITH": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		return collect(db.Query(ctx, ofMine("WITH gone AS (DELETE FROM public.tasks WHERE id = $1 RETURNING *) SELECT"+ownColumns+"FROM gone"), at.task))
	}},
	"own MERGE": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		tag, err := db.Exec(ctx, "MERGE INTO public.tasks t USING (VALUES ($1::bigint)) v (id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET notes = 'merged'", at.task)
		return tag.RowsAffected(), err
	}},
	"own batch": {false, func(ctx context.Context, db bizydb.DBTX, at things) (any, error) {
		var title string
		var tasks []ownTask
		b := &pgx.Batch{}
		b.Queue(ofMine("SELECT title FROM public.tasks WHERE id = $1"), at.task).QueryRow(func(row pgx.Row) error { return row.Scan(&title) })
		b.Queue(ofMine("UPDATE public.tasks SET title = 'changed' WHERE id = $1"), at.waiting)
		b.Queue(ofMine("SELECT"+ownColumns+"FROM public.tasks WHERE parent_goal_id = @goal ORDER BY id"), pgx.NamedArgs{"goal": at.goal}).Query(func(rows pgx.Rows) (err error) {
			tasks, err = collect(rows, nil)
			return err
		})
		err := db.SendBatch(ctx, b).Close()
		return []any{title, tasks}, err
	}},
}

// ofMine has a statement name the user in a distributed database, where it works and goes to one shard then.
func ofMine(sql string) string {
	if testdb.Distributed() {
		return strings.Replace(sql, "WHERE ", "WHERE user_id = (SELECT bizydb.current_user_id()) AND ", 1)
	}
	return sql
}

func collect(rows pgx.Rows, err error) ([]ownTask, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[ownTask])
}

// dbtxOf returns what runs own statements in a scope, a transaction or a batch.
func dbtxOf(q planner.Reader) bizydb.DBTX {
	switch q := q.(type) {
	case interface {
		DBTX(...bizydb.Access) bizydb.DBTX
	}:
		return q.DBTX()
	case bizydb.Reader:
		return q.DBTX()
	default:
		panic(fmt.Sprintf("%T has no DBTX", q))
	}
}

// eachCall runs a subtest for every query method, every unexported query, and the statements of a service's own.
func eachCall(t *testing.T, test func(t *testing.T, name string)) {
	eachMethod(t, test)
	for name := range ownCalls {
		t.Run(name, func(t *testing.T) {
			if testdb.OnCitus() && name == "own MERGE" {
				t.Skip("Citus refuses it, for a policy that calls a function")
			}
			test(t, name)
		})
	}
}
