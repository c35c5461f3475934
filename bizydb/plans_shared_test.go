package bizydb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// plansServeAnyUser checks that a plan for any values, which a connection keeps, is the same whoever is the first to ask: it
// is the next user's too.
func plansServeAnyUser(t *testing.T, db *bizydbtest.Database, c crowd) {
	t.Helper()
	eachMethod(t, func(t *testing.T, name string) {
		call := callOf(name, c.at[c.heavy])
		asked := record(t, call.method, call.params)
		var diff string
		for range 3 { // statistics may be renewed meanwhile
			heavys, lightAfterHeavy := explainInTurn(t, db, asked, c.heavy, c.light)
			lights, heavyAfterLight := explainInTurn(t, db, asked, c.light, c.heavy)
			if diff = cmp.Diff([]string{heavys, heavys, heavys}, []string{lightAfterHeavy, lights, heavyAfterLight}); diff == "" {
				return
			}
		}
		t.Errorf("%s\nthe plan depends on who asks first (-the heavy user's +the light one's after that, the light one's, the heavy user's after that):\n%s", asked.sql, diff)
	})
}

// explainInTurn prepares a query as one user, and explains the plan for that user and then for the other one.
func explainInTurn(t *testing.T, db *bizydbtest.Database, asked *recorder, first, second bizydb.UserID) (firsts, seconds string) {
	t.Helper()
	tx := begin(t, db.Pool())
	exec(t, tx, enterSQL, fmt.Sprint(first))
	exec(t, tx, "SET LOCAL plan_cache_mode = force_generic_plan")
	exec(t, tx, "PREPARE asked AS "+asked.sql)
	sql := "EXPLAIN EXECUTE asked"
	if n := len(asked.args); n > 0 {
		sql += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	explain := func() string {
		plan, err := queryAll[string](t, tx, sql)
		if err != nil {
			t.Fatalf("%s: %v", asked.sql, err)
		}
		return strings.Join(plan, "\n")
	}
	firsts = explain()
	exec(t, tx, "SELECT set_config('bizydb.user_id', $1, true)", fmt.Sprint(second))
	seconds = explain()
	exec(t, tx, "DEALLOCATE asked")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	return firsts, seconds
}
