package bizydb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// The roll-up's triggers, for what is measured without them.
const rollUpTriggers = `
	DO $$
	DECLARE
	  name text;
	BEGIN
	  FOR name IN SELECT format('ALTER TABLE %%s %[1]s TRIGGER %%I', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgname LIKE '%%roll\_up%%' LOOP
	    EXECUTE name;
	  END LOOP;
	END $$`

// A forest is what one user has: goals in a chain four deep, each with two more beside it, and tasks under the deepest.
type forest struct {
	user  bizydb.UserID
	tasks []planner.TaskID
}

// newForest adds one, as the owner, with n tasks under the deepest goal of the chain and elsewhere more under a root.
func newForest(b *testing.B, made *bizydbtest.Database, owner *pgxpool.Pool, n, elsewhere int) forest {
	b.Helper()
	f := forest{user: made.NewUser(b)}
	var parent *planner.GoalID
	for depth := range 4 {
		var goal planner.GoalID
		for range 3 {
			if err := owner.QueryRow(b.Context(), `INSERT INTO public.goals (user_id, title, parent_goal_id) VALUES ($1, $2, $3) RETURNING id`,
				f.user, fmt.Sprint("depth ", depth), parent).Scan(&goal); err != nil {
				b.Fatal(err)
			}
		}
		parent = &goal
	}
	const addTasks = `INSERT INTO public.tasks (user_id, title, parent_goal_id) SELECT $1, 'task ' || i, $2 FROM generate_series(1, $3::int) AS i RETURNING id`
	tasks, err := queryAll[planner.TaskID](b, owner, addTasks, f.user, *parent, n)
	if err != nil {
		b.Fatal(err)
	}
	f.tasks = tasks
	// The rest is spread over a hundred goals.
	if _, err := owner.Exec(b.Context(), `
		WITH root AS (INSERT INTO public.goals (user_id, title) SELECT $1, 'elsewhere' FROM generate_series(1, 100) RETURNING id)
		INSERT INTO public.tasks (user_id, title, parent_goal_id)
		SELECT $1, 'task ' || i, (SELECT min(id) FROM root) + i % 100 FROM generate_series(1, $2::int) AS i`, f.user, elsewhere); err != nil {
		b.Fatal(err)
	}
	return f
}

// analyze brings the tables into the state in which autovacuum keeps them. A transaction elsewhere, such as one of
// autovacuum itself, can keep the first attempts from it.
func analyze(b testing.TB, owner *pgxpool.Pool) {
	b.Helper()
	for range 10 {
		if _, err := owner.Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
			b.Fatal(err)
		}
		visible, err := queryAll[bool](b, owner, "SELECT relallvisible > 0.9 * relpages FROM pg_class WHERE oid = 'public.tasks'::regclass")
		if err != nil {
			b.Fatal(err)
		}
		if visible[0] {
			return
		}
	}
}

// complete returns a call that completes one of f's tasks after the other, and one that takes the last back.
func (f forest) complete(made *bizydbtest.Database) (call, undo func(context.Context) error) {
	scope, i := made.As(f.user), 0
	return func(ctx context.Context) error {
			_, err := scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: f.tasks[i%len(f.tasks)]})
			return err
		}, func(ctx context.Context) error {
			_, err := scope.ReopenTask(ctx, planner.ReopenTaskParams{ID: f.tasks[i%len(f.tasks)]})
			i++
			return err
		}
}

// BenchmarkCompleteTask completes a task four goals deep, the roll-up included, against the same done by hand on a bare
// pgx pool: begin, set the user, update the task, and for each goal count and update, commit. The triggers of the
// roll-up are off for that one. Both are confined by the same policies and take turns, with 10 to 10,000 tasks under the
// deepest goal.
//
//	go test -run '^$' -bench 'CompleteTask$' ./bizydb
func BenchmarkCompleteTask(b *testing.B) {
	for _, tasks := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprint(tasks), func(b *testing.B) {
			var calls, undo [2]func(context.Context) error
			for i := range calls {
				made := bizydbtest.New(b)
				owner := ownerPool(b, made)
				f := newForest(b, made, owner, tasks, 100)
				calls[i], undo[i] = f.complete(made)
				if i == 1 {
					if _, err := owner.Exec(b.Context(), fmt.Sprintf(rollUpTriggers, "DISABLE")); err != nil {
						b.Fatal(err)
					}
					next := 0
					calls[i] = func(ctx context.Context) error {
						next++
						return completeByHand(ctx, made.Pool(), f.user, f.tasks[(next-1)%len(f.tasks)])
					}
				}
				analyze(b, owner)
			}
			for b.Loop() {
				took := takeTurns(b, 20, 100, calls[:], undo[:])
				b.ReportMetric(median(took[0]), "bizydb-µs")
				b.ReportMetric(median(took[1]), "byhand-µs")
				b.ReportMetric(median(took[1])/median(took[0]), "times")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// completeByHand is what a careful service does without bizydb's triggers.
func completeByHand(ctx context.Context, pool *pgxpool.Pool, user bizydb.UserID, task planner.TaskID) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, enterSQL, fmt.Sprint(user)); err != nil {
		return err
	}
	var goal *planner.GoalID
	if err := tx.QueryRow(ctx, `UPDATE public.tasks SET status = 'completed' WHERE id = $1 RETURNING parent_goal_id`, task).Scan(&goal); err != nil {
		return err
	}
	for goal != nil {
		var percentage float64
		if err := tx.QueryRow(ctx, `
			SELECT coalesce((coalesce(t.p, s.p) + coalesce(s.p, t.p)) / 2, 0)::float8
			FROM (SELECT 100.0 * count(*) FILTER (WHERE status = 'completed') / nullif(count(*), 0) FROM public.tasks WHERE parent_goal_id = $1) AS t (p),
			     (SELECT avg(progress_percentage) FROM public.goals WHERE parent_goal_id = $1 AND status <> 'cancelled') AS s (p)`, goal).Scan(&percentage); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `UPDATE public.goals SET progress_percentage = $2 WHERE id = $1 RETURNING parent_goal_id`, goal, percentage).Scan(&goal); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// BenchmarkCompleteTaskBeside completes a task four goals deep while the user has ever more tasks elsewhere, and with
// ever more tasks under the same goal.
//
//	go test -run '^$' -bench CompleteTaskBeside ./bizydb
func BenchmarkCompleteTaskBeside(b *testing.B) {
	for _, c := range []struct {
		name             string
		under, elsewhere []int
	}{
		{"elsewhere", []int{10, 10, 10}, []int{10, 1_000, 100_000}},
		{"under", []int{10, 1_000, 10_000}, []int{10, 10, 10}},
	} {
		b.Run(c.name, func(b *testing.B) {
			made := bizydbtest.New(b)
			owner := ownerPool(b, made)
			var calls, undo []func(context.Context) error
			for i := range c.under {
				call, back := newForest(b, made, owner, c.under[i], c.elsewhere[i]).complete(made)
				calls, undo = append(calls, call), append(undo, back)
			}
			analyze(b, owner)
			for b.Loop() {
				took := takeTurns(b, 20, 100, calls, undo)
				for i := range took {
					b.ReportMetric(median(took[i]), fmt.Sprintf("%d-µs", max(c.under[i], c.elsewhere[i])))
				}
				b.ReportMetric(median(took[2])/median(took[0]), "most/least")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkInsertTasks adds 100,000 tasks under 1,000 goals in one statement, with the triggers of the roll-up and
// without.
//
//	go test -run '^$' -bench InsertTasks -benchtime 3x ./bizydb
func BenchmarkInsertTasks(b *testing.B) {
	made := bizydbtest.New(b)
	owner := ownerPool(b, made)
	var took [2][]float64
	for b.Loop() {
		for i, mode := range [2]string{"ENABLE", "DISABLE"} {
			user := made.NewUser(b)
			if _, err := owner.Exec(b.Context(), fmt.Sprintf(rollUpTriggers, mode)); err != nil {
				b.Fatal(err)
			}
			if _, err := owner.Exec(b.Context(), `
				WITH RECURSIVE tree AS (SELECT 1 AS n) INSERT INTO public.goals (user_id, title) SELECT $1, 'root' FROM tree`, user); err != nil {
				b.Fatal(err)
			}
			for _, sql := range []string{
				`INSERT INTO public.goals (user_id, title, parent_goal_id)
				 SELECT $1, 'ten', (SELECT min(id) FROM public.goals WHERE user_id = $1) FROM generate_series(1, 10)`,
				`INSERT INTO public.goals (user_id, title, parent_goal_id)
				 SELECT $1, 'hundred', id FROM public.goals, generate_series(1, 100) WHERE user_id = $1 AND title = 'ten'`,
			} {
				if _, err := owner.Exec(b.Context(), sql, user); err != nil {
					b.Fatal(err)
				}
			}
			start := time.Now()
			if _, err := owner.Exec(b.Context(), `
				INSERT INTO public.tasks (user_id, title, parent_goal_id)
				SELECT $1, 'task ' || i, (SELECT max(id) FROM public.goals WHERE user_id = $1) - i % 1000 FROM generate_series(1, 100000) AS i`, user); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], float64(time.Since(start).Microseconds())/1e3)
			if _, err := made.Accounts().Delete(b.Context(), user); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took[0]), "with-ms")
	b.ReportMetric(median(took[1]), "without-ms")
	b.ReportMetric(median(took[0])/median(took[1]), "ratio")
}

func ownerPool(b testing.TB, made *bizydbtest.Database) *pgxpool.Pool {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), made.AdminDSN)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	return pool
}

// takeTurns makes the calls in turn, n of each in a row in each of several rounds, and returns the median of each round in
// µs, for each call. What undo undoes is not measured.
func takeTurns(b *testing.B, rounds, n int, calls, undo []func(context.Context) error) [][]float64 {
	b.Helper()
	medians := make([][]float64, len(calls))
	for range rounds {
		for i, call := range calls {
			var took []float64
			for range n {
				start := time.Now()
				err := call(b.Context())
				took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
				if err == nil && undo != nil {
					err = undo[i](b.Context())
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			medians[i] = append(medians[i], median(took))
		}
	}
	return medians
}
