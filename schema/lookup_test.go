package schema_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Goals and tasks are looked up by the key (user_id, id), also where the statistics do not know the user: another index would read
// all that the user has for each lookup.
func TestLookupsReadTheKey(t *testing.T) {
	t.Parallel()
	const n = 100
	for _, analyzed := range []bool{false, true} {
		for name, c := range map[string]struct {
			work func(*testing.T, pgx.Tx)
			most int // entries of one index
		}{
			// A chain is walked for each of its links.
			"a chain of goals": {func(t *testing.T, tx pgx.Tx) { newChain(t, tx, n/2) }, 5 * n * n},
			"a chain of tasks": {func(t *testing.T, tx pgx.Tx) { newTasks(t, tx, n) }, 5 * n * n},
			"tasks that depend on one": {func(t *testing.T, tx pgx.Tx) {
				first := newTasks(t, tx, 1)[0]
				for range 2 {
					exec(t, tx, "INSERT INTO public.tasks (title, dependencies) SELECT 'task', to_jsonb(ARRAY[$1::bigint]) FROM generate_series(1, $2)", first, 5*n)
				}
				exec(t, tx, "DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = $1", first)
			}, 50 * n},
			// The plan of the first ones, which are few, is kept for all.
			"tasks that come one after another": {func(t *testing.T, tx pgx.Tx) {
				first := newTasks(t, tx, 1)[0]
				for range 10 * n {
					exec(t, tx, "INSERT INTO public.tasks (title, dependencies) VALUES ('task', jsonb_build_array($1::bigint))", first)
				}
			}, 50 * n},
			"goals that come one after another": {func(t *testing.T, tx pgx.Tx) {
				for range 5 * n {
					root := newGoal(t, tx, nil)
					newGoal(t, tx, &root)
				}
			}, 100 * n},
		} {
			t.Run(fmt.Sprintf("%s, analyzed %v", name, analyzed), func(t *testing.T) {
				t.Parallel()
				db := bizydbtest.New(t)
				if analyzed {
					for range 4 {
						other := enter(t, db, db.NewUser(t), "")
						newChain(t, other, 5)
						newTasks(t, other, 10)
						commit(t, other)
					}
					exec(t, owner(t, db), "ANALYZE")
				}
				tx := enter(t, db, db.NewUser(t), "")
				c.work(t, tx)
				// Counted by this connection, and not reported yet.
				for _, index := range all[string](t, tx, `
					SELECT indexrelid::regclass || ': ' || pg_stat_get_xact_tuples_returned(indexrelid) FROM pg_index
					WHERE indrelid IN ('public.goals'::regclass, 'public.tasks'::regclass) AND pg_stat_get_xact_tuples_returned(indexrelid) > $1`, c.most) {
					t.Errorf("entries read in %s", index)
				}
			})
		}
	}
}
