package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

const (
	depend = "UPDATE public.tasks SET dependencies = to_jsonb($2::bigint[]) WHERE id = $1"
	// Each pair is a task and one that it depends on, directly or not.
	dependOnThemselves = `WITH RECURSIVE edges (task, needs) AS (
		SELECT t.id, d::bigint FROM public.tasks t, jsonb_array_elements_text(t.dependencies) AS d
	), needs AS (
		SELECT * FROM edges
		UNION
		SELECT n.task, e.needs FROM needs n JOIN edges e ON e.task = n.needs
	) SELECT count(*) FROM needs WHERE task = needs`
	dangling = `SELECT count(*) FROM public.tasks t, jsonb_array_elements_text(t.dependencies) AS d
		WHERE NOT EXISTS (SELECT FROM public.tasks other WHERE other.id = d::bigint AND other.user_id = t.user_id)`
)

func isDependencyCycle(err *pgconn.PgError) bool {
	return err != nil && err.Code == "23514" && err.ConstraintName == "ck_tasks_no_dependency_cycle" && err.TableName == "tasks" && err.ColumnName == "dependencies"
}

func isMissingDependency(err *pgconn.PgError) bool {
	return err != nil && err.Code == "23503" && err.ConstraintName == "fk_tasks_dependencies" && err.TableName == "tasks" && err.ColumnName == "dependencies"
}

// newTasks adds n tasks, each but the first dependent on the one before it.
func newTasks(t testing.TB, tx pgx.Tx, n int) []int64 {
	t.Helper()
	tasks := make([]int64, n)
	for i := range tasks {
		tasks[i] = one[int64](t, tx, "INSERT INTO public.tasks (title, dependencies) VALUES ('task', to_jsonb($1::bigint[])) RETURNING id", tasks[max(0, i-1):i])
	}
	return tasks
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	other := enter(t, db, db.NewUser(t), "")
	theirs := newTasks(t, other, 1)
	commit(t, other)
	tx := enter(t, db, db.NewUser(t), "")
	chain, alone := newTasks(t, tx, 10), newTasks(t, tx, 1)[0]
	for name, c := range map[string]struct {
		task    int64
		on      []int64
		refused func(*pgconn.PgError) bool
	}{
		"itself":                     {alone, []int64{alone}, isDependencyCycle},
		"one that depends on it":     {chain[0], []int64{chain[1]}, isDependencyCycle},
		"one further up":             {chain[2], []int64{alone, chain[9]}, isDependencyCycle},
		"another's":                  {alone, theirs, isMissingDependency},
		"nothing":                    {alone, []int64{chain[0], 1 << 50}, isMissingDependency},
		"another's, that is a cycle": {chain[0], []int64{theirs[0], chain[1]}, isMissingDependency},
	} {
		if err := attempt(t, tx, depend, c.task, c.on); !c.refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		task int64
		on   []int64
	}{
		"none":          {chain[5], []int64{}},
		"the same":      {chain[5], chain[4:5]},
		"all before":    {chain[9], chain[:9]},
		"twice the one": {alone, []int64{chain[0], chain[0]}},
	} {
		if err := attempt(t, tx, depend, c.task, c.on); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	const pairs = `UPDATE public.tasks SET dependencies = to_jsonb(ARRAY[p.needs]) FROM unnest($1::bigint[], $2::bigint[]) AS p (task, needs) WHERE id = task`
	if err := attempt(t, tx, pairs, []int64{alone, chain[0]}, []int64{chain[0], alone}); !isDependencyCycle(err) {
		t.Errorf("a circle in one statement: %v", err)
	}
	// Turning a chain upside down is no circle, though it is one halfway.
	if err := attempt(t, tx, `UPDATE public.tasks SET dependencies = coalesce((SELECT jsonb_agg(n.id) FROM public.tasks n WHERE n.id = tasks.id + 1 AND n.id <= $1), '[]') WHERE id <= $1`, chain[9]); err != nil {
		t.Errorf("upside down: %v", err)
	}
}

// A deleted task disappears from the lists of others, and with it nothing else of them.
func TestDeletedDependency(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	tx := enter(t, db, db.NewUser(t), "")
	tasks := newTasks(t, tx, 6)
	exec(t, tx, depend, tasks[5], []int64{tasks[3], tasks[0], tasks[4], tasks[1]})
	exec(t, tx, depend, tasks[4], []int64{tasks[0]})
	lists := func() []string {
		return all[string](t, tx, "SELECT id - $1 || ' ' || coalesce((SELECT string_agg((d::bigint - $1)::text, ',' ORDER BY place) FROM jsonb_array_elements_text(dependencies) WITH ORDINALITY AS e (d, place)), '-') FROM public.tasks ORDER BY id", tasks[0])
	}
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT", []string{"0 -", "1 0", "2 1", "3 2", "4 0", "5 3,0,4,1"}},
		{"DELETE FROM public.tasks WHERE id = $1", []string{"1 -", "2 1", "3 2", "4 -", "5 3,4,1"}},
		{"DELETE FROM public.tasks WHERE id IN ($1 + 1, $1 + 3)", []string{"2 -", "4 -", "5 4"}},
		{"DELETE FROM public.tasks WHERE id >= $1", []string{}},
	} {
		if c.sql != "SELECT" {
			exec(t, tx, c.sql, tasks[0])
		}
		if diff := cmp.Diff(c.want, lists()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
}

// Where nothing depends on a deleted task, no task is updated: triggers of a service's own do not fire.
func TestDeletionWithoutDependents(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	exec(t, owner(t, db), `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RAISE ''updated''; END';
		CREATE TRIGGER refuse AFTER UPDATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION public.refuse()`)
	tx := enter(t, db, db.NewUser(t), "")
	needed := newTasks(t, tx, 1)[0]
	exec(t, tx, "INSERT INTO public.tasks (title, dependencies) VALUES ('dependent', jsonb_build_array($1::bigint))", needed)
	newTasks(t, tx, 1)
	exec(t, tx, "DELETE FROM public.tasks WHERE title <> 'dependent' AND id <> $1", needed)
	if err := attempt(t, tx, "DELETE FROM public.tasks WHERE id = $1", needed); err == nil || err.Message != "updated" {
		t.Errorf("a task that another depends on: %v", err)
	}
}

// What an owner does by hand keeps to the rules too.
func TestDependenciesOfTasksThatMove(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)
	setup := enter(t, db, user, "")
	tasks := newTasks(t, setup, 2)
	alone := newTasks(t, setup, 1)[0]
	commit(t, setup)
	tx, err := owner(t, db).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const give, rename = "UPDATE public.tasks SET user_id = $2 WHERE id = $1", "UPDATE public.tasks SET id = id + 1000000 + $2 WHERE id = $1"
	for name, c := range map[string]struct {
		sql     string
		task    int64
		refused bool
	}{
		"another owner, others depend on it":   {give, tasks[0], true},
		"another owner, it depends on another": {give, tasks[1], true},
		"another owner":                        {give, alone, false},
		"another id, others depend on it":      {rename, tasks[0], true},
		"another id, it depends on another":    {rename, tasks[1], false},
		"another id":                           {rename, alone, false},
	} {
		if err := attempt(t, tx, c.sql, c.task, other); c.refused && !isMissingDependency(err) || !c.refused && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two changes that are fine each by itself and wrong together: the first to get there wins, at every isolation level, and
// with one exception that forget_dependencies names.
func TestRacingDependencies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	watch := owner(t, db)
	for _, isolation := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		for name, c := range map[string]struct {
			first, second func(a, b int64) (string, []any)
		}{
			"a circle": {
				func(a, b int64) (string, []any) { return depend, []any{a, []int64{b}} },
				func(a, b int64) (string, []any) { return depend, []any{b, []int64{a}} },
			},
			"a circle through a third": { // which depends on b
				func(a, b int64) (string, []any) { return depend, []any{b, []int64{a}} },
				func(a, b int64) (string, []any) { return depend, []any{a, []int64{b + 1}} },
			},
			"a deletion, then a dependency": {
				func(a, _ int64) (string, []any) { return "DELETE FROM public.tasks WHERE id = $1", []any{a} },
				func(a, b int64) (string, []any) { return depend, []any{b, []int64{a}} },
			},
			"a dependency, then a deletion": {
				func(a, b int64) (string, []any) { return depend, []any{b, []int64{a}} },
				func(a, _ int64) (string, []any) { return "DELETE FROM public.tasks WHERE id = $1", []any{a} },
			},
		} {
			t.Run(string(isolation)+"/"+name, func(t *testing.T) {
				user := db.NewUser(t)
				setup := enter(t, db, user, "")
				a, pair := newTasks(t, setup, 1)[0], newTasks(t, setup, 2)
				b := pair[0]
				commit(t, setup)

				first, second := enter(t, db, user, ""), enter(t, db, user, isolation)
				exec(t, second, "SELECT FROM public.tasks") // from here on its snapshot is old
				sql, args := c.first(a, b)
				exec(t, first, sql, args...)
				sql, args = c.second(a, b)
				result := execBlocked(t, watch, second, sql, args...)
				commit(t, first)
				if err := pgError(t, <-result); err == nil {
					_ = second.Commit(t.Context())
				}
				for _, wrong := range []string{dependOnThemselves, dangling} {
					if wrong == dangling && name == "a dependency, then a deletion" && isolation != pgx.ReadCommitted {
						exec(t, watch, "DELETE FROM public.tasks WHERE user_id = $1", user) // its snapshot does not have the dependency
						continue
					}
					if n := one[int](t, watch, wrong); n != 0 {
						t.Errorf("%d wrong dependencies: %s", n, wrong)
					}
				}
			})
		}
	}
}
