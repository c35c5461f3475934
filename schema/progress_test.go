package schema_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// One line for each rule of progress. What is there at the start is written as goals, "B<A" for B under A with ":status" or "=percentage"
// behind it, and tasks, "3*A" for three under A, which are called A1, A2 and A3, with ":status" behind it. In statements
// {A} is the id of goal A.
var progressRules = []struct {
	name       string
	start      string
	statements []string
	want       string // the goals, with their statuses where they are not active
}{
	// The number.
	{"nothing under it stays as set", "A", []string{"UPDATE goals SET progress_percentage = 42.5"}, "A=42.5"},
	{"as set, to two decimals", "A", []string{"UPDATE goals SET progress_percentage = 33.335"}, "A=33.34"},
	{"one task of four", "A 4*A", []string{"UPDATE tasks SET status = 'completed' WHERE title = 'A1'"}, "A=25"},
	{"two tasks of four", "A 4*A", []string{"UPDATE tasks SET status = 'completed' WHERE title IN ('A1', 'A2')"}, "A=50"},
	{"two tasks of four, one by one", "A 4*A", []string{"UPDATE tasks SET status = 'completed' WHERE title = 'A1'", "UPDATE tasks SET status = 'completed' WHERE title = 'A3'"}, "A=50"},
	{"a third is rounded down", "A 2*A 1*A:completed", nil, "A=33.33"},
	{"two thirds are rounded up", "A 1*A 2*A:completed", nil, "A=66.67"},
	{"half a hundredth is rounded up", "A 7*A:completed 793*A", nil, "A=0.88"}, // 0.875
	{"blocked and in progress are not done", "A 1*A:completed 1*A:blocked 1*A:in_progress 1*A", nil, "A=25"},
	{"what a user sets gives way to the work", "A 1*A 1*A:completed", []string{"UPDATE goals SET progress_percentage = 80"}, "A=50"},
	{"sub-goals 100, 50 and 0", "A B<A:completed C<A=50 D<A", nil, "A=50 B:completed=100 C=50 D=0"},
	{"the mean is of goals, not of their tasks", "A B<A C<A 1*B:completed 9*C", nil, "A=50 B:completed=100 C=0"},
	{"tasks 100 and sub-goals 100 and 0", "A B<A:completed C<A 3*A:completed", nil, "A=75 B:completed=100 C=0"},
	{"both kinds are rounded once", "A B<A 5*A 1*A:completed", nil, "A=8.33 B=0"},
	{"a cancelled sub-goal does not count", "A B<A:completed C<A=40 D<A=50:cancelled", nil, "A=70 B:completed=100 C=40 D:cancelled=50"},
	{"a sub-goal on hold does", "A B<A=30:on_hold C<A=50", nil, "A=40 B:on_hold=30 C=50"},
	{"only cancelled sub-goals are none", "A=20 B<A:cancelled", nil, "A=20 B:cancelled=0"},
	{"cancelling the last sub-goal leaves nothing", "A B<A=50", []string{"UPDATE goals SET status = 'cancelled' WHERE id = {B}"}, "A=0 B:cancelled=50"},
	{"rounding does not make 100", "A 19999*A:completed 1*A", nil, "A=99.99"},
	{"nor in a goal above", "A B<A C<A:completed 9999*B:completed 1*B", nil, "A=99.99 B=99.99 C:completed=100"},
	{"four levels", "A B<A C<B D<C 2*D 2*B", []string{"UPDATE tasks SET status = 'completed' WHERE title = 'D1'"}, "A=25 B=25 C=50 D=50"},

	// Completion.
	{"all done is completed", "A 2*A", []string{"UPDATE tasks SET status = 'completed'"}, "A:completed=100"},
	{"so are the goals above", "A B<A C<B 1*C", []string{"UPDATE tasks SET status = 'completed'"}, "A:completed=100 B:completed=100 C:completed=100"},
	{"the last unfinished task deleted", "A 1*A:completed 1*A", []string{"DELETE FROM tasks WHERE status = 'pending'"}, "A:completed=100"},
	{"the last unfinished task moved away", "A B 1*A:completed 1*A", []string{"UPDATE tasks SET parent_goal_id = {B} WHERE status = 'pending'"}, "A:completed=100 B=0"},
	{"the last unfinished sub-goal cancelled", "A B<A:completed C<A", []string{"UPDATE goals SET status = 'cancelled' WHERE id = {C}"}, "A:completed=100 B:completed=100 C:cancelled=0"},
	{"a sub-goal set to 100 is not completed", "A B<A", []string{"UPDATE goals SET progress_percentage = 100 WHERE id = {B}"}, "A:completed=100 B=100"},
	{"on hold stays, its number follows", "A:on_hold 2*A", []string{"UPDATE tasks SET status = 'completed'"}, "A:on_hold=100"},
	{"cancelled stays, its number follows", "A B<A:cancelled 2*B 1*A", []string{"UPDATE tasks SET status = 'completed' WHERE title LIKE 'B%'"}, "A=0 B:cancelled=100"},
	{"resumed with all done", "A:on_hold 1*A:completed", []string{"UPDATE goals SET status = 'active'"}, "A:completed=100"},
	{"completed by hand is at 100", "A 1*A:completed 1*A", []string{"UPDATE goals SET status = 'completed'"}, "A:completed=100"},
	{"and counts so above", "A B<A C<A 2*B", []string{"UPDATE goals SET status = 'completed' WHERE id = {B}"}, "A=50 B:completed=100 C=0"},
	{"a completed goal cannot be set lower", "A:completed", []string{"UPDATE goals SET progress_percentage = 10"}, "A:completed=100"},
	{"work left in it can be done", "A:completed 2*A:completed", []string{"UPDATE tasks SET title = 'x'", "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks LIMIT 1)"}, "A:completed=100"},

	// Reopening.
	{"new work", "A B<A 1*B:completed", []string{"INSERT INTO tasks (title, parent_goal_id) VALUES ('x', {B})"}, "A=50 B=50"},
	{"new finished work does not", "A 1*A:completed", []string{"INSERT INTO tasks (title, parent_goal_id, status) VALUES ('x', {A}, 'completed')"}, "A:completed=100"},
	{"a task reopened", "A B<A 2*B:completed", []string{"UPDATE tasks SET status = 'blocked' WHERE title = 'B1'"}, "A=50 B=50"},
	{"a task moved in", "A B 1*A:completed 1*B", []string{"UPDATE tasks SET parent_goal_id = {A} WHERE title = 'B1'"}, "A=50 B=0"},
	{"one moved in for one moved out", "A B 1*A 1*B", []string{"UPDATE goals SET status = 'completed' WHERE id = {A}", "UPDATE tasks SET parent_goal_id = CASE parent_goal_id WHEN {A} THEN {B} ELSE {A} END"}, "A=0 B=0"},
	{"a sub-goal added", "A B<A:completed", []string{"INSERT INTO goals (title, parent_goal_id) VALUES ('C', {A})"}, "A=50 B:completed=100 C=0"},
	{"a cancelled one added does not", "A B<A:completed", []string{"INSERT INTO goals (title, parent_goal_id, status) VALUES ('C', {A}, 'cancelled')"}, "A:completed=100 B:completed=100 C:cancelled=0"},
	{"a sub-goal moved in", "A B<A:completed C=20", []string{"UPDATE goals SET parent_goal_id = {A} WHERE id = {C}"}, "A=60 B:completed=100 C=20"},
	{"a sub-goal resumed from cancelled", "A B<A:completed C<A:cancelled", []string{"UPDATE goals SET status = 'active' WHERE id = {C}"}, "A=50 B:completed=100 C=0"},
	{"a sub-goal reopened", "A B<A C<B:completed", []string{"UPDATE goals SET status = 'active', progress_percentage = 10 WHERE id = {C}"}, "A=10 B=10 C=10"},
	{"at 100 it stays open, like those above", "A B<A 1*B:completed", []string{"UPDATE goals SET status = 'active' WHERE id = {B}"}, "A=100 B=100"},
	{"until work is added and done", "A 1*A:completed", []string{"UPDATE goals SET status = 'active'", "INSERT INTO tasks (title, parent_goal_id) VALUES ('x', {A})", "UPDATE tasks SET status = 'completed'"}, "A:completed=100"},
	{"above a goal that was open", "A B<A 1*B", []string{"UPDATE goals SET status = 'completed' WHERE id = {A}", "INSERT INTO tasks (title, parent_goal_id) VALUES ('x', {B})"}, "A=0 B=0"},
	{"not above a cancelled one", "A B<A:cancelled C<A:completed", []string{"INSERT INTO tasks (title, parent_goal_id) VALUES ('x', {B})"}, "A:completed=100 B:cancelled=0 C:completed=100"},
	{"work that was there does not", "A 2*A", []string{"UPDATE goals SET status = 'completed'", "UPDATE tasks SET status = 'in_progress', title = 'x'"}, "A:completed=100"},
	{"a sub-goal set lower does not", "A B<A=100", []string{"UPDATE goals SET progress_percentage = 50 WHERE id = {B}"}, "A:completed=100 B=50"},

	// What goes away.
	{"the last task deleted", "A 1*A 1*A:completed", []string{"DELETE FROM tasks"}, "A=0"},
	{"the last task moved away", "A B 1*A 1*A:completed", []string{"UPDATE tasks SET parent_goal_id = NULL"}, "A=0 B=0"},
	{"a completed one stays", "A 1*A:completed", []string{"DELETE FROM tasks"}, "A:completed=100"},
	{"the last sub-goal deleted", "A B<A=50", []string{"DELETE FROM goals WHERE id = {B}"}, "A=0"},
	{"a goal deleted frees what is under it", "A B<A C<B 1*B 1*C:completed", []string{"DELETE FROM goals WHERE id = {B}"}, "A=0 C:completed=100"},
	{"a sub-goal moved to another goal", "A B<A=40 C<A=20 D", []string{"UPDATE goals SET parent_goal_id = {D} WHERE id = {B}"}, "A=20 B=40 C=20 D=40"},
	{"a sub-goal moved down", "A B<A=40 C<A=20", []string{"UPDATE goals SET parent_goal_id = {C} WHERE id = {B}"}, "A=40 B=40 C=40"},
	{"all at once", "A B<A 2*A 2*B", []string{"DELETE FROM goals"}, ""},

	// Several things in one statement come to what they come to in the end.
	{"a thousand tasks in one statement", "A B<A C<A 1000*B 500*C", []string{"UPDATE tasks SET status = 'completed' WHERE title LIKE 'B%'"}, "A=50 B:completed=100 C=0"},
	{"tasks of different depths", "A B<A C<B 1*A 1*B 1*C", []string{"UPDATE tasks SET status = 'completed'"}, "A:completed=100 B:completed=100 C:completed=100"},
	{"one done below, one reopened further below", "A B<A C<A D<C 1*B 1*D:completed", []string{"UPDATE tasks SET status = CASE status WHEN 'completed' THEN 'pending' ELSE 'completed' END"}, "A=50 B:completed=100 C=0 D=0"},
	{"goals and tasks in one statement", "A B", []string{"WITH g AS (UPDATE goals SET parent_goal_id = {A} WHERE id = {B} RETURNING id) INSERT INTO tasks (title, parent_goal_id, status) SELECT 'x', id, 'completed' FROM g"}, "A:completed=100 B:completed=100"},
	{"goals and tasks in one statement", "A", []string{"WITH g AS (INSERT INTO goals (title, parent_goal_id) VALUES ('B', {A}) RETURNING id) INSERT INTO tasks (title, parent_goal_id, status) SELECT 'x', id, 'completed' FROM g"}, "A:completed=100 B:completed=100"},
	{"goals of different depths", "A B<A C<B", []string{"UPDATE goals SET progress_percentage = 30, status = CASE id WHEN {B} THEN 'on_hold' ELSE 'active' END"}, "A=30 B:on_hold=30 C=30"},
}

func TestProgressRules(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for _, c := range progressRules {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tx := enter(t, db, db.NewUser(t), "")
			exec(t, tx, "SET LOCAL search_path = public")
			ids := plant(t, tx, c.start)
			for _, sql := range c.statements {
				exec(t, tx, named(sql, ids))
			}
			if diff := cmp.Diff(c.want, goals(t, tx)); diff != "" {
				t.Errorf("%s: goals (-want +got):\n%s", strings.Join(c.statements, "; "), diff)
			}
			if n := one[int](t, tx, "SELECT count(*) FROM goals WHERE (status = 'completed') <> (completed_at IS NOT NULL)"); n != 0 {
				t.Errorf("%d goals have completed_at and are not completed, or the other way round", n)
			}
			if wrong := all[string](t, tx, "SELECT c::text FROM bizydb.roll_up_all() AS c"); len(wrong) > 0 {
				t.Errorf("counted anew, these differ: %q", wrong)
			}
		})
	}
}

// named puts in ids for names.
func named(sql string, ids map[string]int64) string {
	return regexp.MustCompile(`\{(.)\}`).ReplaceAllStringFunc(sql, func(name string) string { return fmt.Sprint(ids[name[1:2]]) })
}

// plant adds goals and tasks in the notation of progressRules and returns the ids of its goals.
func plant(t *testing.T, tx pgx.Tx, start string) map[string]int64 {
	t.Helper()
	part := regexp.MustCompile(`^(?:(\d+)\*)?(\w)(?:<(\w))?(?:=([\d.]+))?(?::(\w+))?$`)
	ids := map[string]int64{}
	for word := range strings.FieldsSeq(start) {
		m := part.FindStringSubmatch(word)
		if m == nil {
			t.Fatalf("%q: %q is neither a goal nor tasks", start, word)
		}
		count, goal, parent, percentage, status := m[1], m[2], m[3], m[4], m[5]
		if count != "" {
			exec(t, tx, `
				INSERT INTO public.tasks (title, parent_goal_id, status)
				SELECT $1 || (SELECT count(*) FROM public.tasks WHERE parent_goal_id = $2) + i, $2, nullif($3, '') FROM generate_series(1, $4::text::int) AS i`,
				goal, ids[goal], status, count)
			continue
		}
		ids[goal] = one[int64](t, tx, `
			INSERT INTO public.goals (title, parent_goal_id, progress_percentage, status)
			VALUES ($1, nullif($2::bigint, 0), nullif($3, '')::float8, nullif($4, '')) RETURNING id`, goal, ids[parent], percentage, status)
	}
	return ids
}

// goals returns the goals in the notation of progressRules.
func goals(t *testing.T, tx pgx.Tx) string {
	t.Helper()
	return strings.Join(all[string](t, tx, `
		SELECT title || CASE status WHEN 'active' THEN '' ELSE ':' || status END || '=' || progress_percentage FROM public.goals ORDER BY title`), " ")
}

// What the owner does past the rules is found and mended by counting anew, and only that is written.
func TestRollUp(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)
	tx := enter(t, db, user, "")
	ids := plant(t, tx, "A B<A C<B D<A E 4*C 2*C:completed 1*E F:completed")
	commit(t, tx)
	tx = enter(t, db, other, "")
	plant(t, tx, "X 1*X")
	commit(t, tx)
	admin := owner(t, db)
	damage := func(sql string) {
		t.Helper()
		exec(t, admin, "ALTER TABLE public.goals DISABLE TRIGGER USER; ALTER TABLE public.tasks DISABLE TRIGGER USER; "+sql+
			"; ALTER TABLE public.goals ENABLE TRIGGER USER; ALTER TABLE public.tasks ENABLE TRIGGER USER")
	}
	const right = "A=16.67 B=33.33 C=33.33 D=0 E=0 F:completed=100"
	for _, c := range []struct{ damage, goal, changed, want string }{
		{"SELECT", "A", "", right},
		{"UPDATE public.goals SET progress_percentage = 5 WHERE title = 'C'", "A", "C: 5 to 33.33", right},
		{"UPDATE public.goals SET progress_percentage = 5 WHERE title = 'A'", "C", "A: 5 to 16.67", right},
		{"UPDATE public.goals SET progress_percentage = 5", "C", "A: 5 to 19.17, B: 5 to 33.33, C: 5 to 33.33", "A=19.17 B=33.33 C=33.33 D=5 E=5 F:completed=5"},
		{"SELECT", "", "E: 5 to 0, F: 5 to 100", "A=19.17 B=33.33 C=33.33 D=5 E=0 F:completed=100"},
		{"UPDATE public.goals SET task_count = 9, progress_percentage = 22 WHERE title = 'C'", "", "C: 22 to 33.33", "A=19.17 B=33.33 C=33.33 D=5 E=0 F:completed=100"},
		{"UPDATE public.goals SET sub_goal_count = 9 WHERE title = 'B'", "", "B: 33.33 to 33.33", "A=19.17 B=33.33 C=33.33 D=5 E=0 F:completed=100"},
		{"DELETE FROM public.tasks WHERE status = 'pending'", "", "A: 19.17 to 52.5, B: 33.33 to 100, C: 33.33 to 100, E: 0 to 0", "A=52.5 B:completed=100 C:completed=100 D=5 E=0 F:completed=100"},
	} {
		damage(c.damage)
		tx := enter(t, db, user, "")
		call := "bizydb.roll_up_all()"
		if c.goal != "" {
			call = fmt.Sprintf("bizydb.roll_up(%d)", ids[c.goal])
		}
		changed := strings.Join(all[string](t, tx, `
			SELECT title || ': ' || old_percentage || ' to ' || new_percentage FROM `+call+` JOIN public.goals ON id = goal_id ORDER BY 1`), ", ")
		if diff := cmp.Diff(c.changed, changed); diff != "" {
			t.Errorf("%s: roll-up of %q changed (-want +got):\n%s", c.damage, c.goal, diff)
		}
		if diff := cmp.Diff(c.want, goals(t, tx)); diff != "" {
			t.Errorf("%s: goals (-want +got):\n%s", c.damage, diff)
		}
		commit(t, tx)
	}

	tx = enter(t, db, other, "")
	for _, id := range []int64{ids["A"], 1 << 60} {
		if err := attempt(t, tx, "SELECT bizydb.roll_up($1)", id); err == nil || err.Code != "P0002" {
			t.Errorf("roll-up of another's goal or none: %v, want P0002", err)
		}
	}
	exec(t, admin, "TRUNCATE public.tasks")
	if got := goals(t, tx); got != "X=0" {
		t.Errorf("without tasks: %s", got)
	}
	if n := one[int](t, admin, "SELECT sum(task_count) FROM public.goals"); n != 0 {
		t.Errorf("without tasks the goals count %d", n)
	}
}
