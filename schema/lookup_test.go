package schema_test

import (
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Goals and tasks are looked up by the key (user_id, id), also where the server knows nothing of the user: another index
// would read all that the user has for each lookup.
func TestLookupsReadTheKey(t *testing.T) {
	t.Parallel()
	const n = 200
	db := bizydbtest.New(t)
	tx := enter(t, db, db.NewUser(t), "")
	newChain(t, tx, n)
	newTasks(t, tx, n)
	// Counted by this connection, and not reported yet. A chain is walked for each of its links.
	for _, index := range all[string](t, tx, `
		SELECT indexrelid::regclass || ': ' || pg_stat_get_xact_tuples_returned(indexrelid) FROM pg_index
		WHERE indrelid IN ('public.goals'::regclass, 'public.tasks'::regclass) AND pg_stat_get_xact_tuples_returned(indexrelid) > 5 * $1::bigint * $1`, n) {
		t.Errorf("entries read in %s", index)
	}
}
