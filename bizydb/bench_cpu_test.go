package bizydb_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var benchChanges = flag.Bool("changes", false, "BenchmarkServerCPU tracks changes")

// BenchmarkServerCPU measures how much processor time a call takes the server, as the backend's own accounting has it, for
// a user among a thousand. It reports the median of rounds, in which the calls take turns. Run checkouts of two versions
// in turn, on one server, to compare them:
//
//	go test -c -o /tmp/new.test ./bizydb
//	BIZYDBTEST_DATABASE_URL=… /tmp/new.test -test.run '^$' -test.bench ServerCPU -test.benchtime 20x
//
// With -changes, changes are tracked. The server must be on this machine, and be one whose processes can be seen.
func BenchmarkServerCPU(b *testing.B) {
	made := bizydbtest.New(b)
	owner := ownerPool(b, made)
	for _, sql := range []string{
		`INSERT INTO public.users (email, username, hashed_password)
		 SELECT 'u' || i || '@example.org', 'u' || i, '$2a$12$' || repeat('.', 53) FROM generate_series(1, 1000) AS i`,
		`INSERT INTO public.goals (user_id, title, target_date) SELECT u.id, 'goal ' || i, now() + i * interval '1 day' FROM generate_series(1, 10) AS i, public.users AS u`,
		`INSERT INTO public.tasks (user_id, title, priority, status, due_date)
		 SELECT u.id, 'task ' || i, 1 + i % 5, CASE WHEN i % 3 = 0 THEN 'completed' ELSE 'pending' END, now() + (i % 60 - 20) * interval '1 day'
		 FROM generate_series(1, 200) AS i, public.users AS u`,
	} {
		if _, err := owner.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	if *benchChanges {
		if _, err := owner.Exec(b.Context(), "SELECT bizydb.track_changes()"); err != nil {
			b.Fatal(err)
		}
	}
	deep := newForest(b, made, owner, 20, 200)
	analyze(b, owner)

	config := parseConfig(b, made.DSN)
	oneConn(config)
	db, err := bizydb.OpenConfig(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	backend := backendOf(b, db.Pool())
	var user bizydb.UserID
	var task planner.TaskID
	if err := owner.QueryRow(b.Context(), "SELECT user_id, min(id) FROM public.tasks WHERE user_id <> $1 GROUP BY user_id ORDER BY user_id LIMIT 1", deep.user).Scan(&user, &task); err != nil {
		b.Fatal(err)
	}
	scope, deepScope, at := db.As(user), db.As(deep.user), time.Now()
	titles := []string{"one", "another"}
	goal, err := deepScope.CreateGoal(b.Context(), planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		b.Fatal(err)
	}
	many := make(planner.CreateTasksParams, 10_000)
	for i := range many {
		many[i] = planner.CreateTaskParams{Title: fmt.Sprint("task ", i), ParentGoalID: &goal.ID}
	}
	var added planner.TaskID
	var manyAdded planner.TaskIDs
	add := func(ctx context.Context) error {
		task, err := deepScope.CreateTask(ctx, planner.CreateTaskParams{Title: "added", ParentGoalID: &goal.ID})
		added = task.ID
		return err
	}
	addMany := func(ctx context.Context) (err error) { manyAdded, err = deepScope.CreateTasks(ctx, many); return err }
	remove := func(ctx context.Context) error { _, err := deepScope.DeleteTask(ctx, added); return err }
	removeMany := func(ctx context.Context) error { _, err := deepScope.DeleteTasks(ctx, manyAdded); return err }

	cases := []struct {
		name    string
		calls   int // in a round
		call    func(ctx context.Context) error
		undo    func(ctx context.Context) error // not measured
		prepare func(ctx context.Context) error // not measured
	}{
		{"get", 200, func(ctx context.Context) error { _, err := scope.GetTask(ctx, task); return err }, nil, nil},
		{"list20", 200, func(ctx context.Context) error {
			tasks, err := scope.ListTasks(ctx, planner.ListTasksParams{Limit: 20})
			return wantRows(len(tasks), 20, err)
		}, nil, nil},
		{"dashboard", 200, func(ctx context.Context) error {
			return scope.Batch(ctx,
				func(q bizydb.Reader) error {
					_, err := q.OverdueTasks(ctx, planner.OverdueTasksParams{At: &at, Limit: 5})
					return err
				},
				func(q bizydb.Reader) error {
					_, err := q.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: &at, Days: 7, Limit: 20})
					return err
				},
				func(q bizydb.Reader) error { _, err := q.TaskCountsByStatus(ctx); return err },
				func(q bizydb.Reader) error {
					_, err := q.UpcomingGoals(ctx, planner.UpcomingGoalsParams{At: &at, Days: 30, Limit: 5})
					return err
				},
				func(q bizydb.Reader) error {
					_, err := q.CompletionRate(ctx, planner.CompletionRateParams{From: at.AddDate(0, 0, -30), Before: at})
					return err
				})
		}, nil, nil},
		{"complete", 200, func(ctx context.Context) error {
			_, err := deepScope.CompleteTask(ctx, planner.CompleteTaskParams{ID: deep.tasks[0]})
			return err
		}, func(ctx context.Context) error {
			_, err := deepScope.ReopenTask(ctx, planner.ReopenTaskParams{ID: deep.tasks[0]})
			return err
		}, nil},
		{"update", 200, func(ctx context.Context) error {
			titles[0], titles[1] = titles[1], titles[0]
			_, err := scope.UpdateTask(ctx, planner.UpdateTaskParams{ID: task, Title: &titles[0]})
			return err
		}, nil, nil},
		{"create", 200, add, remove, nil},
		{"delete", 200, remove, nil, add},
		{"create10000", 1, addMany, removeMany, nil},
		{"delete10000", 1, removeMany, nil, addMany},
	}
	took := make([][]float64, len(cases))
	for warm := true; b.Loop(); warm = false {
		for i, c := range cases {
			var sum time.Duration
			for range c.calls {
				if c.prepare != nil {
					if err := c.prepare(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				before := backend.cpu(b)
				if err := c.call(b.Context()); err != nil {
					b.Fatal(err)
				}
				sum += backend.cpu(b) - before
				if c.undo != nil {
					if err := c.undo(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			if !warm {
				took[i] = append(took[i], float64(sum.Nanoseconds())/1e3/float64(c.calls))
			}
		}
	}
	b.ReportMetric(0, "ns/op") // a round is not an operation
	for i, c := range cases {
		if len(took[i]) > 0 {
			b.ReportMetric(median(took[i]), c.name+"-µs")
		}
	}
}

// A backend is the folder of the server's process of one connection.
type backend string

func backendOf(b *testing.B, pool *pgxpool.Pool) backend {
	b.Helper()
	pid, err := queryAll[int](b, pool, "SELECT pg_backend_pid()")
	if err != nil {
		b.Fatal(err)
	}
	p := backend(fmt.Sprintf("/proc/%d", pid[0]))
	if title, err := os.ReadFile(string(p) + "/cmdline"); err != nil || !strings.HasPrefix(string(title), "postgres:") {
		b.Skipf("the server's process is not to be seen: %q, %v", title, err)
	}
	return p
}

// cpu is how long the backend has run. It waits until the backend waits for the next query: before that, it is not yet said.
func (p backend) cpu(b *testing.B) time.Duration {
	for {
		state, err := os.ReadFile(string(p) + "/stat")
		if err != nil {
			b.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(state), ") "); strings.HasPrefix(after, "S") {
			break
		}
	}
	said, err := os.ReadFile(string(p) + "/schedstat")
	if err != nil {
		b.Fatal(err)
	}
	var ran int64
	if _, err := fmt.Sscan(string(said), &ran); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ran)
}
