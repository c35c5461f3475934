package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A delivery is one of an event.
type delivery struct {
	id   int64
	user int64
	what string // kind and about
}

// audit records, beside the outbox, what is completed and what comes to 100 percent, with the order of each user's commits: its triggers
// fire when a transaction commits, and hold a row of the user's until it has.
const audit = `
	CREATE SCHEMA audit;
	CREATE TABLE audit.users (user_id bigint PRIMARY KEY, n bigint NOT NULL);
	CREATE TABLE audit.log (user_id bigint, n bigint, what text NOT NULL, PRIMARY KEY (user_id, n));
	CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	DECLARE
	  before jsonb := coalesce(to_jsonb(OLD), '{}');
	  after  jsonb := to_jsonb(NEW);
	  kind   text;
	  place  bigint;
	BEGIN
	  IF after ->> 'status' = 'completed' AND before ->> 'status' IS DISTINCT FROM 'completed' THEN
	    kind := rtrim(TG_TABLE_NAME, 's') || ' completed';
	  ELSIF after ->> 'progress_percentage' = '100' AND before ->> 'progress_percentage' IS DISTINCT FROM '100' THEN
	    kind := 'goal at 100';
	  ELSE
	    RETURN NULL;
	  END IF;
	  INSERT INTO audit.users AS u VALUES (NEW.user_id, 1) ON CONFLICT (user_id) DO UPDATE SET n = u.n + 1 RETURNING n INTO place;
	  INSERT INTO audit.log VALUES (NEW.user_id, place, kind || ' ' || NEW.id);
	  RETURN NULL;
	END
	$$;
	CREATE CONSTRAINT TRIGGER x_zz_audit AFTER INSERT OR UPDATE ON public.tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit.note();
	CREATE CONSTRAINT TRIGGER x_zz_audit AFTER INSERT OR UPDATE ON public.goals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit.note()`

// A service is a database with the outbox and the audit.
type service struct {
	*bizydbtest.Database
	owner *pgxpool.Pool // a plain client, which knows of no scope
	login *pgx.ConnConfig
}

func newService(t *testing.T, change func(migration string) string) *service {
	t.Helper()
	migration, err := files.ReadFile("migrations/001_outbox.sql")
	if err != nil {
		t.Fatal(err)
	}
	made := bizydbtest.New(t, bizydbtest.WithMigrations(fstest.MapFS{"001_outbox.sql": {Data: []byte(change(string(migration)))}}), bizydbtest.WithOptions(bizydb.StrictOpen()))
	owner, err := pgxpool.New(t.Context(), made.AdminDSN+"&pool_max_conns=12")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	s := &service{Database: made, owner: owner}
	s.exec(t, audit)
	// A deadlock is found after a second, in which all writers of a user stand still.
	s.exec(t, fmt.Sprintf("ALTER DATABASE %s SET deadlock_timeout = '20ms'", owner.Config().ConnConfig.Database))
	owner.Reset()
	login, drop, err := newLogin(t.Context(), made.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	login.RuntimeParams["application_name"] = "outbox"
	s.login = login
	return s
}

func asItIs(migration string) string { return migration }

func (s *service) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := s.owner.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// wrong compares what was delivered with the audit: the first deliveries of each user's events are all that the audit has of the user, in
// its order. Of a user who has been deleted they are the first ones, since the rest went too.
func (s *service) wrong(t *testing.T, deliveries []delivery) []string {
	t.Helper()
	want := map[int64][]string{}
	rows, _ := s.owner.Query(t.Context(), "SELECT user_id, what FROM audit.log ORDER BY user_id, n")
	var user int64
	var what string
	if _, err := pgx.ForEachRow(rows, []any{&user, &what}, func() error {
		want[user] = append(want[user], what)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	rows, _ = s.owner.Query(t.Context(), "SELECT id FROM public.users")
	users, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}

	got, met, events := map[int64][]string{}, map[int64]bool{}, 0
	for _, d := range deliveries {
		if !met[d.id] {
			met[d.id] = true
			got[d.user] = append(got[d.user], d.what)
		}
	}
	var wrong []string
	for user := range got {
		if want[user] == nil {
			wrong = append(wrong, fmt.Sprintf("user %d: %q delivered, and nothing has happened", user, got[user]))
		}
	}
	for user, want := range want {
		got := got[user]
		events += len(want)
		if !slices.Contains(users, user) && len(got) < len(want) {
			want = want[:len(got)]
		}
		if slices.Equal(got, want) {
			continue
		}
		sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
		switch {
		case len(got) < len(want):
			wrong = append(wrong, fmt.Sprintf("user %d: %d of %d events are not delivered", user, len(want)-len(got), len(want)))
		case slices.Equal(sorted(got), sorted(want)):
			wrong = append(wrong, fmt.Sprintf("user %d: out of order, of %d events", user, len(want)))
		default:
			wrong = append(wrong, fmt.Sprintf("user %d: %d events delivered that are others than the %d of the audit", user, len(got), len(want)))
		}
	}
	t.Logf("%d events of %d users, of whom %d are left; %d deliveries", events, len(want), len(users), len(deliveries))
	return wrong
}

// A user has four levels of goals, tasks under the lowest, and tasks and a goal by themselves.
type user struct {
	id     bizydb.UserID
	goals  []planner.GoalID
	tasks  planner.TaskIDs
	single planner.TaskIDs
	leaf   planner.GoalID // by itself: its percentage is the user's to set
}

func newUser(ctx context.Context, t testing.TB, s *service) (user, error) {
	u := user{id: s.NewUser(t)}
	scope := s.As(u.id)
	var parent *planner.GoalID
	for range 4 {
		goal, err := scope.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal", ParentGoalID: parent})
		if err != nil {
			return u, err
		}
		u.goals, parent = append(u.goals, goal.ID), &goal.ID
	}
	leaf, err := scope.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		return u, err
	}
	u.leaf = leaf.ID
	under, single := planner.CreateTaskParams{Title: "task", ParentGoalID: parent}, planner.CreateTaskParams{Title: "task"}
	if u.tasks, err = scope.CreateTasks(ctx, planner.CreateTasksParams{under, under, under}); err == nil {
		u.single, err = scope.CreateTasks(ctx, planner.CreateTasksParams{single, single, single})
	}
	return u, err
}

// write makes a random change in a scope.
func write(ctx context.Context, scope bizydb.Scope, u user, random *rand.Rand) error {
	all := slices.Concat(u.tasks, u.single)
	task, goal := all[random.IntN(len(all))], u.goals[random.IntN(len(u.goals))]
	var err error
	switch random.IntN(14) {
	case 0, 1, 2:
		_, err = scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: task})
	case 3, 4:
		_, err = scope.ReopenTask(ctx, planner.ReopenTaskParams{ID: task})
	case 5:
		_, err = scope.SetTaskStatuses(ctx, planner.SetTaskStatusesParams{IDs: u.tasks, Status: planner.TaskCompleted})
	case 6:
		_, err = scope.SetTaskStatuses(ctx, planner.SetTaskStatusesParams{IDs: all, Status: planner.TaskPending})
	case 7:
		_, err = scope.CreateTasks(ctx, planner.CreateTasksParams{{Title: "more", Status: planner.TaskCompleted, ParentGoalID: &goal}, {Title: "more", Status: planner.TaskCompleted}})
	case 8:
		_, err = scope.DBTX().Exec(ctx, "UPDATE public.tasks SET status = CASE status WHEN 'completed' THEN 'pending' ELSE 'completed' END WHERE parent_goal_id IS NULL AND id % 2 = $1", random.IntN(2))
	case 9:
		status := []planner.GoalStatus{planner.GoalActive, planner.GoalActive, planner.GoalOnHold, planner.GoalCancelled}[random.IntN(4)]
		_, err = scope.UpdateGoal(ctx, planner.UpdateGoalParams{ID: goal, Status: status})
	case 10:
		_, err = scope.CompleteGoal(ctx, planner.CompleteGoalParams{ID: goal})
	case 11:
		_, err = scope.ReopenGoal(ctx, planner.ReopenGoalParams{ID: goal})
	case 12:
		_, err = scope.UpdateGoal(ctx, planner.UpdateGoalParams{ID: u.leaf, ProgressPercentage: new(float64(100 * random.IntN(2)))})
	default:
		undone := random.IntN(3) == 0
		err = scope.InTx(ctx, func(tx *bizydb.Tx) error {
			for _, id := range all[:3] {
				if _, err := tx.CompleteTask(ctx, planner.CompleteTaskParams{ID: id}); err != nil {
					return err
				}
			}
			if _, err := tx.ReopenTask(ctx, planner.ReopenTaskParams{ID: task}); err != nil {
				return err
			}
			if undone {
				return errNotNow
			}
			return nil
		})
	}
	if errors.Is(err, bizydb.ErrNoUser) || errors.Is(err, bizydb.ErrNotFound) || errors.Is(err, errNotNow) {
		return nil
	}
	return err
}

// writePlainly is a client of the tables' owner, which knows of no lock.
func writePlainly(ctx context.Context, owner *pgxpool.Pool, u user, random *rand.Rand) error {
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		for range 1 + random.IntN(3) {
			sql := [...]string{
				"UPDATE public.tasks SET status = 'completed' WHERE user_id = $1 AND parent_goal_id IS NULL AND id % 3 = $2",
				"UPDATE public.tasks SET status = 'pending' WHERE user_id = $1 AND parent_goal_id IS NULL AND id % 3 = $2",
				"UPDATE public.tasks SET status = 'completed' WHERE user_id = $1 AND $2 >= 0",
				"UPDATE public.tasks SET status = 'pending' WHERE user_id = $1 AND id % 3 = $2",
				"UPDATE public.goals SET status = 'active' WHERE user_id = $1 AND id % 3 = $2",
			}[random.IntN(5)]
			if _, err := tx.Exec(ctx, sql, u.id, random.IntN(3)); err != nil {
				return err
			}
		}
		return nil
	})
	if sqlState(err) == pgerrcode.DeadlockDetected {
		return nil
	}
	return err
}

func sqlState(err error) string {
	if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// write lets sixteen writers write, six of them plain clients, while users are deleted and others come.
func (s *service) write(t *testing.T, length time.Duration) {
	t.Helper()
	const writers, plain = 16, 6
	db, err := bizydb.Open(t.Context(), fmt.Sprintf("%s&pool_max_conns=%d", s.DSN, writers-plain))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var users [8]user
	for i := range users {
		if users[i], err = newUser(t.Context(), t, s); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex // of users
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 20))
			for n := 0; ctx.Err() == nil; n++ {
				mu.Lock()
				at := random.IntN(len(users))
				u := users[at]
				mu.Unlock()
				// A call that has begun is finished, so that its outcome is known.
				ctx := context.WithoutCancel(ctx)
				var err error
				switch {
				case w == 0 && n%15 == 14:
					if _, err = db.Accounts().Delete(ctx, u.id); err == nil {
						if u, err = newUser(ctx, t, s); err == nil {
							mu.Lock()
							users[at] = u
							mu.Unlock()
						}
					} else if sqlState(err) == pgerrcode.DeadlockDetected {
						err = nil // with a plain client
					}
				case w < plain:
					err = writePlainly(ctx, s.owner, u, random)
				default:
					err = write(ctx, db.As(u.id), u, random)
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					cancel()
				}
			}
		})
	}
	wg.Wait()
}
