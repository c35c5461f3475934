package bizydb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// BenchmarkHeavyUser measures lists of a user with 100,000 tasks, and of one with as many of which all but 40 are completed,
// against the same of one with 1,000, in a table of 300,000. The three take turns; it reports the median of each in µs.
//
//	go test -run '^$' -bench HeavyUser ./bizydb
func BenchmarkHeavyUser(b *testing.B) {
	made := bizydbtest.New(b)
	owner := ownerPool(b, made)
	c := newCrowd(b, made, owner, benchCrowd)
	done := made.NewUser(b)
	if _, err := owner.Exec(b.Context(), `
		INSERT INTO public.tasks (user_id, title, priority, status, category, due_date, created_at, tags)
		SELECT $1, 'to do ' || n, 1 + h % 5, CASE WHEN n % 2500 = 0 THEN 'pending' ELSE 'completed' END, 'category ' || h / 11 % 12,
		  now() + CASE n % 2500 WHEN 0 THEN n / 5000 - 10 ELSE - h % 900 END * interval '1 day', now() - h % 900 * interval '1 day',
		  CASE WHEN n % 1000 = 7 THEN '["rare"]' ELSE '[]' END::jsonb
		FROM generate_series(1, 100000) AS n CROSS JOIN LATERAL (SELECT hashint4(n) & 2147483647) AS hash (h) ORDER BY h`, done); err != nil {
		b.Fatal(err)
	}
	analyze(b, owner)
	// Two places in the middle of anybody's list.
	first, err := made.As(c.heavy).PageTasks(b.Context(), planner.PageTasksParams{Priority: new(3), Size: 1})
	if err != nil {
		b.Fatal(err)
	}
	second, err := made.As(c.heavy).PageTasks(b.Context(), planner.PageTasksParams{Priority: new(3), Size: 1, Cursor: first.Next})
	if err != nil {
		b.Fatal(err)
	}
	type ask func(ctx context.Context, s bizydb.Scope) (int, error)
	page := func(arg planner.PageTasksParams) ask {
		return func(ctx context.Context, s bizydb.Scope) (int, error) {
			if arg.Size == 0 {
				arg.Size = 20
			}
			page, err := s.PageTasks(ctx, arg)
			return len(page.Tasks), err
		}
	}
	list := func(list func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error)) ask {
		return func(ctx context.Context, s bizydb.Scope) (int, error) {
			tasks, err := list(ctx, s)
			return len(tasks), err
		}
	}
	for _, q := range []struct {
		name string
		want int
		ask  ask
	}{
		{"page", 20, page(planner.PageTasksParams{})},
		{"page/next", 20, page(planner.PageTasksParams{Cursor: first.Next})},
		{"page/previous", 20, page(planner.PageTasksParams{Cursor: second.Previous})},
		{"page/next of 200", 200, page(planner.PageTasksParams{Cursor: first.Next, Size: 200})},
		{"page/status", 20, page(planner.PageTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}})},
		{"page/category", 20, page(planner.PageTasksParams{Category: new("category 5")})},
		{"page/priority", 20, page(planner.PageTasksParams{Priority: new(3)})},
		{"page/without goal", 20, page(planner.PageTasksParams{WithoutGoal: true})},
		{"page/search", 20, page(planner.PageTasksParams{Search: "TO DO"})},
		{"page/status+category+priority", 0, page(planner.PageTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Category: new("category 5"), Priority: new(3)})},
		{"page/tag", 20, page(planner.PageTasksParams{AnyTag: planner.Tags{"rare"}})},
		{"page/no match", 0, page(planner.PageTasksParams{Category: new("none")})},
		{"page/with total", 20, page(planner.PageTasksParams{WithTotal: true})},
		{"list", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.ListTasks(ctx, planner.ListTasksParams{Limit: 20})
		})},
		{"list/status", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.ListTasks(ctx, planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Limit: 20})
		})},
		{"open", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.OpenTasks(ctx, planner.OpenTasksParams{Limit: 20})
		})},
		{"overdue", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.OverdueTasks(ctx, planner.OverdueTasksParams{Limit: 20})
		})},
		{"ready", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.ReadyTasks(ctx, planner.ReadyTasksParams{Limit: 20})
		})},
		{"tagged", 100, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.TaggedTasks(ctx, planner.TaggedTasksParams{AnyTag: planner.Tags{"rare"}})
		})},
		{"without goal", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) { return s.TasksWithoutGoal(ctx, 20) })},
		{"due", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.TasksDue(ctx, planner.TasksDueParams{From: time.Unix(0, 0), Before: time.Now(), Limit: 20})
		})},
		{"due today or undated", 20, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.TasksDueToday(ctx, planner.TasksDueTodayParams{WithUndated: true, Limit: 20})
		})},
		{"upcoming", 5, list(func(ctx context.Context, s bizydb.Scope) ([]planner.Task, error) {
			return s.UpcomingTasks(ctx, planner.UpcomingTasksParams{Days: 14, Limit: 5})
		})},
	} {
		b.Run(q.name, func(b *testing.B) {
			var calls []func(context.Context) error
			for _, user := range []bizydb.UserID{c.heavy, c.light, done} {
				calls = append(calls, func(ctx context.Context) error {
					n, err := q.ask(ctx, made.As(user))
					if err == nil && user != done && n < q.want {
						err = fmt.Errorf("%d rows, want %d", n, q.want)
					}
					return err
				})
			}
			took := make([][]float64, len(calls))
			for b.Loop() {
				for i, round := range takeTurns(b, 50, 1, calls, nil) {
					took[i] = append(took[i], round...)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(took[0]), "heavy-µs")
			b.ReportMetric(median(took[1]), "light-µs")
			b.ReportMetric(median(took[2]), "mostly-done-µs")
			b.ReportMetric(max(median(took[0]), median(took[2]))/median(took[1]), "ratio")
		})
	}
}
