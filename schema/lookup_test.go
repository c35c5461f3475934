package schema_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Goals and tasks are looked up by the key (user_id, id), also where the server knows nothing of the user: another index
// would read all that the user has for each lookup.
func TestLookupsReadTheKey(t *testing.T) {
	t.Parallel()
	const n = 200
	db := bizydbtest.New(t)
	for name, c := range map[string]struct {
		work func(*testing.T, pgx.Tx)
		most int // entries of one index
	}{
		// A chain is walked for each of its links.
		"a chain of goals": {func(t *testing.T, tx pgx.Tx) { newChain(t, tx, n) }, 5 * n * n},
		"a chain of tasks": {func(t *testing.T, tx pgx.Tx) { newTasks(t, tx, n) }, 5 * n * n},
		"tasks that depend on one": {func(t *testing.T, tx pgx.Tx) {
			first := newTasks(t, tx, 1)[0]
			exec(t, tx, "INSERT INTO public.tasks (title, dependencies) SELECT 'task', to_jsonb(ARRAY[$1::bigint]) FROM generate_series(1, $2)", first, n)
			exec(t, tx, "DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = $1", first)
		}, 20 * n},
	} {
		t.Run(name, func(t *testing.T) {
			tx := enter(t, db, db.NewUser(t), "")
			c.work(t, tx)
			// Counted by this connection, and not reported yet.
			for _, index := range all[string](t, tx, `
				SELECT indexrelid::regclass || ': ' || pg_stat_get_xact_tuples_returned(indexrelid) FROM pg_index
				WHERE indrelid IN ('public.goals'::regclass, 'public.tasks'::regclass) AND pg_stat_get_xact_tuples_returned(indexrelid) > $1`, c.most) {
				t.Errorf("entries read in %s", index)
			}
			_ = tx.Rollback(t.Context())
		})
	}
}
