package bizydb_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var raceFor = flag.Duration("racefor", 500*time.Millisecond, "how long the writers of TestProgressUnderWriters write, in each of its cases, and a hundred times at least")

// Sixteen writers change goals and tasks at the same time, through scopes and, in half of the cases, with a quarter of them as plain
// clients, which know of no lock. Nothing has drifted afterwards, no goal is above itself, and no caller of a scope ever
// sees a deadlock.
//
//	go test -run ProgressUnderWriters ./bizydb -racefor 60s
func TestProgressUnderWriters(t *testing.T) {
	const size = 16
	for _, users := range []int{1, atLength(100)} {
		for _, plain := range []int{0, size / 4} {
			t.Run(fmt.Sprintf("%d users, %d plain clients", users, plain), func(t *testing.T) {
				t.Parallel()
				made := bizydbtest.New(t)
				db := open(t, made.DSN, func(c *pgxpool.Config) { c.MaxConns = size })
				if plain > 0 {
					// A deadlock is found after a second, in which all writers of a user stand still.
					asOwner(t, made, fmt.Sprintf("ALTER DATABASE %s SET deadlock_timeout = '20ms'", parseConfig(t, made.DSN).ConnConfig.Database))
					made.Pool().Reset()
				}
				owners := make([]bizydb.UserID, users)
				for i := range owners {
					owners[i] = made.NewUser(t)
					plantDeep(t, db.As(owners[i]), 4+8/users, 10+190/users)
				}

				done, lost := writers{
					n: size, plain: plain, atLeast: *raceFor, seed: uint64(users),
					expected: []error{bizydb.ErrNotFound, bizydb.ErrUnknownReference, bizydb.ErrGoalCycle},
					undone:   []string{pgerrcode.DeadlockDetected, pgerrcode.CheckViolation, pgerrcode.ForeignKeyViolation},
					change: func(w int, random *rand.Rand) error {
						user := owners[random.IntN(len(owners))]
						if w < plain {
							return writePlainly(t.Context(), made.Pool(), user, random)
						}
						return write(t.Context(), db.As(user), random)
					},
				}.run(t)
				t.Logf("%d writes and transactions, %d more by plain clients undone by the server", done, lost)

				completed := 0
				for _, user := range owners {
					changed, err := db.As(user).RollUpAll(t.Context())
					if err != nil || len(changed) > 0 {
						t.Errorf("user %d: %v, counted anew these differ: %v", user, err, changed)
					}
					tree, err := db.As(user).GoalTree(t.Context(), 0)
					if err != nil {
						t.Fatal(err)
					}
					if goals := ownerQuery[int](t, made, "SELECT count(*) FROM public.goals WHERE user_id = $1", user); goals != len(tree) {
						t.Errorf("user %d: %d goals, %d of them under a root: there is a cycle", user, goals, len(tree))
					}
					for _, row := range tree {
						if row.Goal.CompletedTaskCount != row.Completed || row.Goal.TaskCount != row.Completed+row.Pending+row.InProgress+row.Blocked {
							t.Errorf("goal %d: counts %d of %d tasks, has %+v", row.Goal.ID, row.Goal.CompletedTaskCount, row.Goal.TaskCount, row)
						}
						completed += row.Completed
					}
				}
				if completed == 0 {
					t.Error("no task is completed: this test shows nothing")
				}
			})
		}
	}
}

// plantDeep gives a scope a chain of goals, each with another beside it, and tasks all over.
func plantDeep(t *testing.T, s bizydb.Scope, depth, tasks int) {
	t.Helper()
	err := s.InTx(t.Context(), func(tx *bizydb.Tx) error {
		var goals []planner.GoalID
		var parent *planner.GoalID
		for range depth {
			for range 2 {
				goal, err := tx.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", ParentGoalID: parent})
				if err != nil {
					return err
				}
				goals = append(goals, goal.ID)
			}
			parent = new(goals[len(goals)-1])
		}
		for i := range tasks {
			if _, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task", ParentGoalID: &goals[i%len(goals)]}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a random change, or several in a transaction.
func write(ctx context.Context, s bizydb.Scope, random *rand.Rand) error {
	goals, err := s.ListGoals(ctx, planner.ListGoalsParams{})
	if err != nil {
		return err
	}
	tasks, err := s.ListTasks(ctx, planner.ListTasksParams{})
	switch {
	case err != nil:
		return err
	case len(goals) < 5: // they do not die out
		_, err = s.CreateGoal(ctx, planner.CreateGoalParams{Title: "new"})
		return err
	case len(tasks) < 10:
		_, err = s.CreateTask(ctx, planner.CreateTaskParams{Title: "new", ParentGoalID: &goals[0].ID})
		return err
	}
	if random.IntN(4) > 0 {
		return change(ctx, s, goals, tasks, random)
	}
	return s.InTx(ctx, func(tx *bizydb.Tx) error {
		for range 2 + random.IntN(3) {
			if err := change(ctx, tx, goals, tasks, random); err != nil {
				return err
			}
		}
		return nil
	})
}

func change(ctx context.Context, q planner.Querier, goals []planner.Goal, tasks []planner.Task, random *rand.Rand) (err error) {
	goal, other := goals[random.IntN(len(goals))].ID, &goals[random.IntN(len(goals))].ID
	task := tasks[random.IntN(len(tasks))].ID
	switch n := random.IntN(100); {
	case n < 40:
		_, err = q.CompleteTask(ctx, planner.CompleteTaskParams{ID: task})
	case n < 55:
		_, err = q.ReopenTask(ctx, planner.ReopenTaskParams{ID: task})
	case n < 62:
		_, err = q.UpdateTask(ctx, planner.UpdateTaskParams{ID: task, ParentGoalID: other})
	case n < 69:
		_, err = q.DeleteTask(ctx, task)
	case n < 76:
		_, err = q.CreateTask(ctx, planner.CreateTaskParams{Title: "new", ParentGoalID: other})
	case n < 86:
		_, err = q.MoveGoal(ctx, planner.MoveGoalParams{ID: goal, ParentGoalID: other})
	case n < 88:
		_, err = q.DeleteGoal(ctx, goal)
	case n < 90:
		_, err = q.CreateGoal(ctx, planner.CreateGoalParams{Title: "new", ParentGoalID: other})
	case n < 92:
		_, err = q.CompleteGoal(ctx, planner.CompleteGoalParams{ID: goal})
	case n < 94:
		_, err = q.ReopenGoal(ctx, planner.ReopenGoalParams{ID: goal})
	case n < 98:
		statuses := []planner.GoalStatus{planner.GoalActive, planner.GoalOnHold, planner.GoalCancelled}
		_, err = q.UpdateGoal(ctx, planner.UpdateGoalParams{ID: goal, Status: statuses[random.IntN(3)]})
	default:
		_, err = q.RollUp(ctx, goal)
	}
	return err
}

// writePlainly is a client with SQL of its own, which locks nothing beforehand and several rows in any order.
func writePlainly(ctx context.Context, pool *pgxpool.Pool, user bizydb.UserID, random *rand.Rand) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, enterSQL, fmt.Sprint(user)); err != nil {
			return err
		}
		for range 1 + random.IntN(3) {
			sql := [...]string{
				"UPDATE public.tasks SET status = 'completed' WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 3)",
				"UPDATE public.tasks SET status = 'pending' WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 2)",
				"UPDATE public.tasks SET parent_goal_id = (SELECT id FROM public.goals ORDER BY random() LIMIT 1) WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 2)",
				"UPDATE public.goals SET parent_goal_id = (SELECT id FROM public.goals ORDER BY random() LIMIT 1) WHERE id = (SELECT id FROM public.goals ORDER BY random() LIMIT 1)",
				"UPDATE public.goals SET status = (ARRAY['active', 'completed', 'on_hold', 'cancelled'])[1 + floor(4 * random())::int] WHERE id = (SELECT id FROM public.goals ORDER BY random() LIMIT 1)",
				"INSERT INTO public.tasks (title, parent_goal_id) SELECT 'plain', id FROM public.goals ORDER BY random() LIMIT 3",
				"DELETE FROM public.tasks WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 2)",
			}[random.IntN(7)]
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}
