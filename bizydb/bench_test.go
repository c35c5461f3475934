package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// BenchmarkScope measures what a scope costs: a list of 20 rows, the same list as a statement of a service's own, and a task by its id. They
// are compared to the same SQL with an explicit WHERE user_id, on a bare pgx pool. Its login owns the tables, so no policy applies. The two
// take turns, call by call, in ten rounds; it reports the median of the rounds' ratios of medians. bare20 is the bare list against
// itself: the noise.
//
//	go test -run '^$' -bench Scope ./bizydb
func BenchmarkScope(b *testing.B) {
	made := bizydbtest.New(b)
	const users, tasksEach, rounds = 1000, 200, 10
	owner := ownerPool(b, made)
	user := made.NewUser(b)
	for _, sql := range []string{
		fmt.Sprintf(`
			INSERT INTO public.users (email, username, hashed_password)
			SELECT 'u' || i || '@example.org', 'u' || i, '$2a$12$' || repeat('.', 53) FROM generate_series(2, %d) AS i`, users),
		fmt.Sprintf(`
			INSERT INTO public.tasks (user_id, title, priority, status, due_date)
			SELECT u.id, 'task ' || i, 1 + i %% 5, CASE WHEN i %% 3 = 0 THEN 'completed' ELSE 'pending' END, now() + i %% 60 * interval '1 day'
			FROM generate_series(1, %d) AS i, public.users AS u`, tasksEach),
	} {
		if _, err := owner.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	analyze(b, owner)
	var task planner.TaskID
	if err := owner.QueryRow(b.Context(), "SELECT min(id) FROM public.tasks WHERE user_id = $1", user).Scan(&task); err != nil {
		b.Fatal(err)
	}

	list := func(ctx context.Context, db interface {
		Query(context.Context, string, ...any) (pgx.Rows, error)
	},
	) error {
		rows, err := db.Query(ctx, bareList, user, 20)
		if err != nil {
			return err
		}
		tasks, err := pgx.CollectRows(rows, scanTask)
		return wantRows(len(tasks), 20, err)
	}
	bare := func(ctx context.Context) error { return list(ctx, owner) }
	for _, c := range []struct {
		name   string
		scoped func(context.Context) error
		bare   func(context.Context) error
	}{
		{"list20", func(ctx context.Context) error {
			tasks, err := made.As(user).ListTasks(ctx, planner.ListTasksParams{Limit: 20})
			return wantRows(len(tasks), 20, err)
		}, bare},
		{"own20", func(ctx context.Context) error { return list(ctx, made.As(user).DBTX()) }, bare},
		{"bare20", bare, bare},
		{"get", func(ctx context.Context) error {
			_, err := made.As(user).GetTask(ctx, task)
			return err
		}, func(ctx context.Context) error {
			rows, err := owner.Query(ctx, bareGet, user, task)
			if err != nil {
				return err
			}
			_, err = pgx.CollectExactlyOneRow(rows, scanTask)
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			calls := [2]func(context.Context) error{c.scoped, c.bare}
			var ratios, scoped, bare []float64
			for b.Loop() {
				ratios, scoped, bare = nil, nil, nil
				for range rounds {
					var took [2][]float64
					for n := range 400 {
						for turn := range 2 {
							i := (turn + n) % 2 // who comes second finds the rows in memory
							start := time.Now()
							if err := calls[i](b.Context()); err != nil {
								b.Fatal(err)
							}
							took[i] = append(took[i], float64(time.Since(start).Nanoseconds())/1e3)
						}
					}
					scoped, bare = append(scoped, median(took[0])), append(bare, median(took[1]))
					ratios = append(ratios, median(took[0])/median(took[1]))
				}
			}
			b.ReportMetric(0, "ns/op") // a round is not an operation
			b.ReportMetric(median(scoped), "scoped-µs")
			b.ReportMetric(median(bare), "bare-µs")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

// BenchmarkLookup measures whether the time that a lookup takes tells another user's row from none. The lookups take turns;
// it reports the median of ten rounds' medians for another's row, and how much longer that is than for two ids that are
// nobody's, and as a yardstick the difference between those two.
//
//	go test -run '^$' -bench Lookup ./bizydb
func BenchmarkLookup(b *testing.B) {
	made := bizydbtest.New(b)
	owner := ownerPool(b, made)
	crowd := newCrowd(b, made, owner, benchCrowd)
	hers := crowd.at[crowd.heavy].task
	var nobodys [2]planner.TaskID
	for i := range nobodys { // deleted ones, beside hers
		if err := owner.QueryRow(b.Context(), "DELETE FROM public.tasks WHERE id = (SELECT min(id) FROM public.tasks WHERE id > $1 AND dependencies = '[]') RETURNING id", hers).Scan(&nobodys[i]); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := owner.Exec(b.Context(), "VACUUM public.tasks"); err != nil {
		b.Fatal(err)
	}
	scope := made.As(crowd.light)
	var medians [3][]float64
	for b.Loop() {
		medians = [3][]float64{}
		for range 10 {
			var took [3][]float64
			for range 2000 {
				for i, id := range [...]planner.TaskID{hers, nobodys[0], nobodys[1]} {
					start := time.Now()
					if _, err := scope.GetTask(b.Context(), id); !errors.Is(err, bizydb.ErrNotFound) {
						b.Fatal(err)
					}
					took[i] = append(took[i], float64(time.Since(start).Nanoseconds())/1e3)
				}
			}
			for i := range took {
				medians[i] = append(medians[i], median(took[i]))
			}
		}
	}
	another, nobody, yardstick := median(medians[0]), median(medians[1]), median(medians[2])
	b.ReportMetric(0, "ns/op") // a round is not an operation
	b.ReportMetric(another, "another's-µs")
	b.ReportMetric(another-nobody, "more-than-nobody's-µs")
	b.ReportMetric(nobody-yardstick, "yardstick-µs")
}

func wantRows(got, want int, err error) error {
	if err == nil && got != want {
		return fmt.Errorf("%d rows, want %d", got, want)
	}
	return err
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// What ListTasks and GetTask ask, with the user named in it.
const (
	bareTask = `SELECT id, user_id, parent_goal_id, title, description, priority, status, category, estimated_hours, actual_hours, due_date,
  due_all_day, created_at, updated_at, version, completed_at, dependencies, notes, tags, blocked_reason FROM public.tasks WHERE user_id = $1`
	bareList = bareTask + ` ORDER BY priority, bizydb.due_or_never(due_date), created_at DESC, id DESC LIMIT (SELECT nullif($2::int, 0))`
	bareGet  = bareTask + ` AND id = $2`
)

func scanTask(row pgx.CollectableRow) (planner.Task, error) {
	var i planner.Task
	err := row.Scan(&i.ID, &i.UserID, &i.ParentGoalID, &i.Title, &i.Description, &i.Priority, &i.Status, &i.Category,
		&i.EstimatedHours, &i.ActualHours, &i.DueDate, &i.DueAllDay, &i.CreatedAt, &i.UpdatedAt, &i.Version, &i.CompletedAt, &i.Dependencies, &i.Notes, &i.Tags, &i.BlockedReason)
	return i, err
}

// BenchmarkDeleteUser deletes a user with 100,000 tasks under 1,000 goals, in one call.
//
//	go test -run '^$' -bench DeleteUser -benchtime 3x ./bizydb
func BenchmarkDeleteUser(b *testing.B) {
	made := bizydbtest.New(b)
	owner := ownerPool(b, made)
	for b.Loop() {
		b.StopTimer()
		user := made.NewUser(b)
		for _, sql := range []string{
			`INSERT INTO public.goals (user_id, title) SELECT $1, 'goal ' || i FROM generate_series(1, 1000) AS i`,
			`INSERT INTO public.tasks (user_id, title, parent_goal_id)
			 SELECT $1, 'task ' || i, (SELECT min(id) FROM public.goals WHERE user_id = $1) + i % 1000 FROM generate_series(1, 100000) AS i`,
		} {
			if _, err := owner.Exec(b.Context(), sql, user); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		deleted, err := made.Accounts().Delete(b.Context(), user)
		if err != nil || deleted.Goals != 1000 || deleted.Tasks != 100000 {
			b.Fatalf("%+v, %v", deleted, err)
		}
	}
}
