package schema_test

import (
	"fmt"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A statement that makes a cycle is refused, also where the roll-up gets to see the goals before that.
func TestCycleBesideChangedTasks(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	exec(t, tx, "SET LOCAL statement_timeout = '30s'")
	ids := plant(t, tx, "A B<A C<B D<A 1*C 1*C:completed 1*D")
	for _, change := range []string{
		"DELETE FROM public.tasks WHERE title = 'C1' RETURNING id",
		"UPDATE public.tasks SET status = 'pending' RETURNING id",
		"UPDATE public.tasks SET status = 'completed' RETURNING id",
		"INSERT INTO public.tasks (title, parent_goal_id) SELECT 'x', id FROM public.goals RETURNING id",
	} {
		sql := fmt.Sprintf("WITH d AS MATERIALIZED (%s) UPDATE public.goals SET parent_goal_id = %d WHERE id = %d AND (SELECT count(*) FROM d) > 0", change, ids["B"], ids["A"])
		if err := attempt(t, tx, sql); err == nil || err.ConstraintName != "ck_goals_no_cycle" {
			t.Errorf("%s: %v, want ck_goals_no_cycle", change, err)
		}
	}
}

// A service's own triggers change goals and tasks from within a statement or a roll-up, and all is right in the end.
func TestProgressBesideOtherTriggers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, when, do, start, sql, want string }{
		{
			"tasks are completed as they come", `AFTER INSERT ON public.tasks FOR EACH ROW`, `UPDATE public.tasks SET status = 'completed' WHERE id = NEW.id`,
			"A B<A=40 C<A", "INSERT INTO public.tasks (title, parent_goal_id) VALUES ('x', {B})", "A=50 B:completed=100 C=0",
		},
		{
			"tasks are deleted as they come", `AFTER INSERT ON public.tasks FOR EACH ROW`, `DELETE FROM public.tasks WHERE id = NEW.id`,
			"A B<A=40 C<A", "INSERT INTO public.tasks (title, parent_goal_id) VALUES ('x', {B})", "A=20 B=40 C=0",
		},
		{
			"a goal completed asks for a review", `AFTER UPDATE ON public.goals FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status = 'active')`, `INSERT INTO public.tasks (title, parent_goal_id) VALUES ('review', NEW.parent_goal_id)`,
			"A B<A 1*B", "UPDATE public.tasks SET status = 'completed'", "A=50 B:completed=100",
		},
		{
			"a goal completed puts the one above on hold", `AFTER UPDATE ON public.goals FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status = 'active')`, `UPDATE public.goals SET status = 'on_hold' WHERE id = NEW.parent_goal_id`,
			"A B<A C<A 1*B", "UPDATE public.tasks SET status = 'completed'", "A:on_hold=50 B:completed=100 C=0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := bizydbtest.New(t)
			exec(t, owner(t, db), fmt.Sprintf(`
				CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NULL; END $$;
				CREATE TRIGGER own %s EXECUTE FUNCTION public.own()`, c.do, c.when))
			tx := enter(t, db, db.NewUser(t), "")
			ids := plant(t, tx, c.start)
			exec(t, tx, named(c.sql, ids))
			if got := goals(t, tx); got != c.want {
				t.Errorf("goals %s, want %s", got, c.want)
			}
			if wrong := all[string](t, tx, "SELECT c::text FROM bizydb.roll_up_all() AS c"); len(wrong) > 0 {
				t.Errorf("counted anew, these differ: %q", wrong)
			}
		})
	}
}

// One statement of the owner's that is about more users than are locked one by one, for which the server may not have the room, locks a
// table.
func TestProgressOfManyUsersInOneStatement(t *testing.T) {
	t.Parallel()
	admin := owner(t, bizydbtest.New(t))
	exec(t, admin, "INSERT INTO public.users (email, username, hashed_password) SELECT n || '@example.org', 'u' || n, '$2a$12$' || repeat('.', 53) FROM generate_series(1, 2000) AS n")
	exec(t, admin, "INSERT INTO public.goals (user_id, title) SELECT id, 'goal' FROM public.users")
	for _, c := range []struct{ sql, locks string }{
		{"INSERT INTO public.tasks (user_id, title, parent_goal_id) SELECT user_id, 'task ' || n, id FROM public.goals, generate_series(1, 3) AS n", "public.goals"},
		{"UPDATE public.tasks SET status = 'completed' WHERE title = 'task 1'", "public.goals"},
		{"DELETE FROM public.tasks WHERE title = 'task 3'", "public.goals,public.tasks"},
	} {
		tx, err := admin.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exec(t, tx, "SET LOCAL search_path = ''")
		exec(t, tx, c.sql)
		if locks := one[string](t, tx, `
			SELECT coalesce(string_agg(DISTINCT CASE locktype WHEN 'relation' THEN relation::regclass::text ELSE locktype END, ','), '') FROM pg_locks
			WHERE pid = pg_backend_pid() AND (locktype = 'advisory' OR mode = 'ShareRowExclusiveLock')`); locks != c.locks {
			t.Errorf("%s locks %s, want %s", c.sql, locks, c.locks)
		}
		commit(t, tx)
	}
	if n := one[int](t, admin, "SELECT count(*) FROM public.goals WHERE progress_percentage = 50 AND task_count = 2"); n != 2000 {
		t.Errorf("%d goals of 2,000 are at 50 percent", n)
	}
}

// What is counted belongs to the id of a goal.
func TestGoalKeepsItsID(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	tx := enter(t, db, db.NewUser(t), "")
	plant(t, tx, "A")
	commit(t, tx)
	admin := owner(t, db)
	if _, err := admin.Exec(t.Context(), "UPDATE public.goals SET id = id + 1"); pgError(t, err) == nil || pgError(t, err).Code != "23514" {
		t.Errorf("%v, want 23514", err)
	}
}
