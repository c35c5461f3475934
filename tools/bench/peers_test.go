package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var small = size{users: 10, tasks: 3000, heavy: 1000, bulk: 1500}

// Everyone gives the same answers, and nobody gets another user's row.
func TestPeersAgree(t *testing.T) {
	t.Parallel()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(t.Context(), server, small, len(contenders), 1)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{site: s, contenders: contenders}
	missing := func(c contender) bool { return c.available != nil && !c.available() }
	alice, bob := s.readers[0], s.readers[1]
	open := func(t *testing.T, c contender, work benchCase) Peer {
		p, err := c.open(t.Context(), b.dsn(c, work, 0), 2)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}

	for _, q := range []struct {
		name string
		ask  func(ctx context.Context, p Peer, to *answer) error
		want int // tasks, at least
	}{
		{"get", func(ctx context.Context, p Peer, to *answer) error { return p.Get(ctx, alice.user, alice.tasks[3], to) }, 1},
		{"list", func(ctx context.Context, p Peer, to *answer) error { _, err := p.List(ctx, alice.user, to); return err }, 20},
		{"dashboard", func(ctx context.Context, p Peer, to *answer) error { return p.Dashboard(ctx, alice.user, s.at, to) }, 10},
		{"own query", func(ctx context.Context, p Peer, to *answer) error {
			n, err := p.OpenInTree(ctx, alice.user, treeOf(alice.user), to)
			if n < goalsOfATree || (err == nil && len(to.open) != n) {
				err = fmt.Errorf("%d rows, and %d in the answer, want %d or more", n, len(to.open), goalsOfATree)
			}
			return err
		}, 0},
		{"dashboard of another", func(ctx context.Context, p Peer, to *answer) error { return p.Dashboard(ctx, s.heavyID, s.at, to) }, 25},
		{"stream", func(ctx context.Context, p Peer, to *answer) error {
			_, err := p.Stream(ctx, s.heavyID, small.heavy, to)
			return err
		}, small.heavy},
	} {
		t.Run(q.name, func(t *testing.T) {
			var want answer
			for i, c := range contenders {
				if missing(c) {
					continue
				}
				var got answer
				if err := q.ask(t.Context(), open(t, c, benchCase{}), &got); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				if i == 0 {
					want = got
					if len(want.tasks) < q.want {
						t.Fatalf("%d tasks, want %d or more", len(want.tasks), q.want)
					}
				} else if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{}), ofGoal, ofRate); diff != "" {
					t.Errorf("(-%s +%s)\n%s", contenders[0].name, c.name, diff)
				}
			}
		})
	}

	for i, c := range contenders {
		mine := s.workspaces[i][0]
		t.Run(c.name, func(t *testing.T) {
			if missing(c) {
				t.Skip("it is not on this machine")
			}
			ctx, p := t.Context(), open(t, c, benchCase{})
			if err := p.Get(ctx, alice.user, bob.tasks[0], nil); !errors.Is(err, c.nothing) {
				t.Errorf("another user's task: %v, want %v", err, c.nothing)
			}
			if n, err := p.OpenInTree(ctx, alice.user, treeOf(bob.user), nil); n != 0 || err != nil {
				t.Errorf("another user's goals: %d rows, %v", n, err)
			}
			if n, err := p.List(ctx, 1_000_000, nil); n != 0 || !errors.Is(err, c.nobody) {
				t.Errorf("the list of nobody: %d tasks, %v; want %v", n, err, c.nobody)
			}

			var made answer
			if err := p.Create(ctx, mine.user, s.newTask(mine, 7), &made); err != nil {
				t.Fatal(err)
			}
			stored := ask(t, s.owner.triggers, scanTask, "SELECT "+taskColumns+" FROM public.tasks WHERE user_id = $1 AND category = $2", mine.user, madeCategory)
			goal, category := planner.GoalID(mine.goal), madeCategory
			want := planner.Task{
				UserID: planner.UserID(mine.user), ParentGoalID: &goal, Title: "made 7", Priority: 3, Category: &category, Status: planner.TaskPending,
				DueDate: new(s.at.Add(7 * time.Hour)), Tags: planner.Tags{"made"}, Dependencies: planner.TaskIDs{}, Version: 1,
			}
			var inUTC answer
			inUTC.addTasks(stored...)
			if diff := cmp.Diff([]planner.Task{want}, inUTC.tasks, ofNew); diff != "" {
				t.Errorf("stored (-want +got)\n%s", diff)
			}
			if len(made.tasks) != 1 || made.tasks[0].ID != stored[0].ID || made.tasks[0].Title != "made 7" || made.tasks[0].Status != planner.TaskPending {
				t.Errorf("created %+v", made.tasks)
			}
			if n, err := p.CreateMany(ctx, mine.user, s.newTasks(mine, small.bulk)); n != small.bulk || err != nil {
				t.Errorf("%d created, %v", n, err)
			}
			if n := ask(t, s.owner.triggers, pgx.RowTo[int], `SELECT count(*)::int FROM public.tasks
				WHERE user_id = $1 AND category = $2 AND tags = '["made"]' AND due_date >= $3 AND status = 'pending'`, mine.user, madeCategory, s.at)[0]; n != small.bulk+1 {
				t.Errorf("%d stored, want %d", n, small.bulk+1)
			}
			if err := s.clear(ctx, mine); err != nil {
				t.Fatal(err)
			}

			completes := namedCase("complete")
			p = open(t, c, completes)
			conn := s.owner.triggers
			if c.byHand {
				conn = s.owner.byHand
			}
			for n, task := range mine.tasks[:tasksOfAChain] {
				var done answer
				if err := p.Complete(ctx, mine.user, task, &done); err != nil {
					t.Fatal(err)
				}
				if len(done.tasks) != 1 || done.tasks[0].Status != planner.TaskCompleted || done.tasks[0].CompletedAt == nil {
					t.Errorf("completed %+v", done.tasks)
				}
				if n != 2 && n != tasksOfAChain-1 {
					continue
				}
				if diff := cmp.Diff(progress(n+1), ask(t, conn, pgx.RowToStructByPos[state], `SELECT progress_percentage, status, completed_at IS NOT NULL FROM public.goals
					WHERE user_id = $1 ORDER BY id LIMIT $2`, mine.user, goalsOfAChain)); diff != "" {
					t.Errorf("goals after %d tasks (-want +got)\n%s", n+1, diff)
				}
			}
			if err := s.rewind(ctx, c, mine); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(progress(0), ask(t, conn, pgx.RowToStructByPos[state], `SELECT progress_percentage, status, completed_at IS NOT NULL FROM public.goals
				WHERE user_id = $1 ORDER BY id LIMIT $2`, mine.user, goalsOfAChain)); diff != "" {
				t.Errorf("goals when all is taken back (-want +got)\n%s", diff)
			}
			if err := p.Complete(ctx, alice.user, mine.tasks[0], nil); err == nil {
				t.Error("another user's task was completed")
			}
		})
	}
}

var (
	// Only what the dashboard shows of a goal is read by everyone.
	ofGoal = cmp.Transformer("shown", func(g planner.Goal) [4]any {
		return [4]any{g.ID, g.Title, g.Status, g.ProgressPercentage}
	})
	ofRate = cmpopts.IgnoreFields(planner.CompletionRateRow{}, "Rate") // the caller's division
	ofNew  = cmpopts.IgnoreFields(planner.Task{}, "ID", "CreatedAt", "UpdatedAt")
)

// A state is what completing a task changes of a goal.
type state struct {
	Progress float64
	Status   string
	Stamped  bool
}

// progress is that of a chain's goals after n tasks: of three goals of a depth, the third has what is below.
func progress(n int) []state {
	goals := make([]state, goalsOfAChain)
	percentage := 100 * float64(n) / tasksOfAChain
	for i := len(goals) - 1; i >= 0; i-- {
		goals[i].Status = "active"
		if i%3 == 2 {
			goals[i].Progress = float64(int(percentage*100+0.5)) / 100
			percentage = goals[i].Progress / 3
		}
		if goals[i].Progress == 100 {
			goals[i].Status, goals[i].Stamped = "completed", true
		}
	}
	return goals
}

func ask[T any](t *testing.T, conn *pgx.Conn, to pgx.RowToFunc[T], sql string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, to)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
