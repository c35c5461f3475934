package schema_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

const (
	move   = "UPDATE public.goals SET parent_goal_id = $2 WHERE id = $1"
	cycles = `WITH RECURSIVE above (start, id) AS (
		SELECT id, parent_goal_id FROM public.goals
		UNION
		SELECT start, g.parent_goal_id FROM above JOIN public.goals g USING (id)
	) SELECT count(*) FROM above WHERE start = id`
)

func isCycle(err *pgconn.PgError) bool {
	return err != nil && err.Code == "23514" && err.ConstraintName == "ck_goals_no_cycle" && err.SchemaName == "public" &&
		err.TableName == "goals" && err.ColumnName == "parent_goal_id"
}

// newChain adds n goals, each below the one before it.
func newChain(t testing.TB, tx pgx.Tx, n int) []int64 {
	t.Helper()
	chain := make([]int64, n)
	var parent *int64
	for i := range chain {
		chain[i] = newGoal(t, tx, parent)
		parent = &chain[i]
	}
	return chain
}

func TestGoalCycleRefused(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	chain := newChain(t, tx, 20)
	side := newGoal(t, tx, &chain[5])
	for name, c := range map[string]struct{ goal, parent int64 }{
		"itself":               {chain[0], chain[0]},
		"itself, with parents": {chain[7], chain[7]},
		"its sub-goal":         {chain[0], chain[1]},
		"further down":         {chain[3], chain[10]},
		"the very bottom":      {chain[0], chain[19]},
		"down a side":          {chain[2], side},
	} {
		if err := attempt(t, tx, move, c.goal, c.parent); !isCycle(err) {
			t.Errorf("%s: %v, want ck_goals_no_cycle", name, err)
		}
	}
	for name, c := range map[string]struct {
		goal   int64
		parent *int64
	}{
		"the same parent": {chain[3], &chain[2]},
		"up":              {chain[10], &chain[0]},
		"sideways":        {chain[6], &side},
		"a root":          {chain[3], nil},
	} {
		if err := attempt(t, tx, move, c.goal, c.parent); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoalCycleInOneStatementRefused(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	a, b, c, d := newGoal(t, tx, nil), newGoal(t, tx, nil), newGoal(t, tx, nil), newGoal(t, tx, nil)
	const moves = `UPDATE public.goals SET parent_goal_id = m.parent FROM unnest($1::bigint[], $2::bigint[]) AS m (goal, parent) WHERE id = goal`
	for name, m := range map[string][2][]int64{
		"two":                       {{a, b}, {b, a}},
		"three":                     {{a, b, c}, {b, c, a}},
		"one that hangs on a cycle": {{d, a, b}, {a, b, a}},
	} {
		if err := attempt(t, tx, moves, m[0], m[1]); !isCycle(err) {
			t.Errorf("%s: %v, want ck_goals_no_cycle", name, err)
		}
	}
	// Turning a chain upside down is no cycle, though it is one halfway.
	exec(t, tx, moves, []int64{b, c}, []int64{a, b})
	if err := attempt(t, tx, moves, []int64{a, b, c}, []*int64{&b, &c, nil}); err != nil {
		t.Errorf("upside down: %v", err)
	}
}

func isTooDeep(err *pgconn.PgError) bool {
	return err != nil && err.Code == "23514" && err.ConstraintName == "ck_goals_depth" && err.SchemaName == "public" &&
		err.TableName == "goals" && err.ColumnName == "parent_goal_id"
}

// A chain is looked at to its end, whichever way, and has at most 100 goals.
func TestDeepGoals(t *testing.T) {
	t.Parallel()
	const depth = 100
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	chain := newChain(t, tx, depth)
	if err := attempt(t, tx, move, chain[0], chain[depth-1]); !isCycle(err) {
		t.Errorf("the top under the bottom: %v, want ck_goals_no_cycle", err)
	}
	const insert = "INSERT INTO public.goals (title, parent_goal_id) SELECT 'goal', unnest($1::bigint[])"
	if err := attempt(t, tx, insert, []int64{chain[0], chain[depth-1]}); !isTooDeep(err) {
		t.Errorf("another one at the bottom: %v, want ck_goals_depth", err)
	}
	if err := attempt(t, tx, insert, []int64{chain[0], chain[depth-2]}); err != nil {
		t.Errorf("beside the bottom: %v", err)
	}

	side := newChain(t, tx, 3) // whose first has two below it
	leaf := newGoal(t, tx, &side[0])
	for name, c := range map[string]struct {
		goal, parent int64
		deep         bool
	}{
		"with two below, level 97": {side[0], chain[96], false}, // counted from 0
		"with two below, level 98": {side[0], chain[97], true},
		"with one below, level 98": {side[1], chain[97], false},
		"with one below, level 99": {side[1], chain[98], true},
		"with none, level 99":      {leaf, chain[98], false},
		"with none, level 100":     {leaf, chain[99], true},
		"with all under a root":    {chain[0], leaf, true},
		"with all but two":         {chain[2], leaf, false},
	} {
		if err := attempt(t, tx, move, c.goal, c.parent); isTooDeep(err) != c.deep || !c.deep && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const moves = `UPDATE public.goals SET parent_goal_id = m.parent FROM unnest($1::bigint[], $2::bigint[]) AS m (goal, parent) WHERE id = goal`
	if err := attempt(t, tx, moves, []int64{side[0], leaf}, []int64{chain[97], chain[0]}); !isTooDeep(err) {
		t.Errorf("two moves at once: %v, want ck_goals_depth", err)
	}
	if err := attempt(t, tx, moves, []int64{side[0], chain[50]}, []int64{chain[99], chain[0]}); err != nil {
		t.Errorf("two moves that make room: %v", err)
	}
}

// All that is to do at the bottom is done, and so is the top.
func TestProgressClimbsToTheTop(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	chain := newChain(t, tx, 100)
	exec(t, tx, "INSERT INTO public.tasks (title, parent_goal_id, status) VALUES ('task', $1, 'completed')", chain[99])
	if status := one[string](t, tx, "SELECT status FROM public.goals WHERE id = $1", chain[0]); status != "completed" {
		t.Errorf("the top is %s", status)
	}
}

// Two moves that are fine each by itself and too deep together, at every isolation level.
func TestDepthByRacingMoves(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	watch := owner(t, db)
	for _, isolation := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		for _, upperFirst := range []bool{true, false} {
			t.Run(fmt.Sprint(isolation, " ", upperFirst), func(t *testing.T) {
				user := db.NewUser(t)
				setup := enter(t, db, user, "")
				top, middle, bottom := newChain(t, setup, 34), newChain(t, setup, 34), newChain(t, setup, 34)
				commit(t, setup)
				moves := [][2]int64{{middle[0], top[33]}, {bottom[0], middle[33]}}
				if !upperFirst {
					slices.Reverse(moves)
				}

				// The second may use a stale snapshot, the first is an ordinary statement.
				first, second := enter(t, db, user, ""), enter(t, db, user, isolation)
				exec(t, first, move, moves[0][0], moves[0][1])
				result := execBlocked(t, watch, second, move, moves[1][0], moves[1][1])
				commit(t, first)
				err := pgError(t, <-result)
				if err == nil {
					err = pgError(t, second.Commit(t.Context()))
				}
				if stale := err != nil && err.Code == "40001" && isolation != pgx.ReadCommitted; !isTooDeep(err) && !stale {
					t.Errorf("the second move: %v, want a refusal", err)
				}
			})
		}
	}
}

// A goal cannot name itself when it is made: its id would have been guessed, and there is no such goal. The same goes for what
// a task depends on.
func TestNewRowCannotNameItself(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	tx := enter(t, db, db.NewUser(t), "")
	for constraint, c := range map[string]struct{ insert, last string }{
		"fk_goals_parent_goal": {
			"INSERT INTO public.goals (title, parent_goal_id) SELECT 'goal', CASE n WHEN 2 THEN $1::bigint END FROM generate_series(1, 2) AS n",
			"INSERT INTO public.goals (title) VALUES ('goal') RETURNING id",
		},
		"fk_tasks_dependencies": {
			"INSERT INTO public.tasks (title, dependencies) SELECT 'task', CASE n WHEN 2 THEN jsonb_build_array($1::bigint) END FROM generate_series(1, 2) AS n",
			"INSERT INTO public.tasks (title) VALUES ('task') RETURNING id",
		},
	} {
		id := one[int64](t, tx, c.last) + 2
		if err := attempt(t, tx, c.insert, id); err == nil || err.Code != "23503" || err.ConstraintName != constraint {
			t.Errorf("%v, want %s", err, constraint)
		}
	}
}

// Two moves that are fine each by itself and a cycle together: the first to get there wins, at every isolation level.
func TestGoalCycleByRacingMoves(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	watch := owner(t, db)
	for _, isolation := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(isolation), func(t *testing.T) {
			user := db.NewUser(t)
			setup := enter(t, db, user, "")
			a, b := newGoal(t, setup, nil), newGoal(t, setup, nil)
			belowA, belowB := newGoal(t, setup, &a), newGoal(t, setup, &b)
			commit(t, setup)

			// The second may use a stale snapshot, the first is an ordinary statement.
			first, second := enter(t, db, user, ""), enter(t, db, user, isolation)
			exec(t, first, move, a, belowB)
			result := execBlocked(t, watch, second, move, b, belowA)
			commit(t, first)
			err := pgError(t, <-result)
			if err == nil {
				err = pgError(t, second.Commit(t.Context()))
			}
			stale := err != nil && err.Code == "40001" && isolation != pgx.ReadCommitted
			if !isCycle(err) && !stale {
				t.Errorf("the second move: %v, want a refusal", err)
			}
			if n := one[int](t, watch, cycles); n != 0 {
				t.Errorf("%d goals are their own ancestors", n)
			}
		})
	}
}

// A user is deactivated while a move waits. The move is checked all the same.
func TestGoalCycleByDeactivatedUser(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	setup := enter(t, db, user, "")
	chain := newChain(t, setup, 3)
	other := newGoal(t, setup, nil)
	commit(t, setup)

	first, second := enter(t, db, user, ""), enter(t, db, user, "")
	exec(t, first, move, other, chain[0]) // takes the user's lock
	result := execBlocked(t, owner(t, db), second, move, chain[0], chain[2])
	exec(t, owner(t, db), "UPDATE public.users SET is_active = false WHERE id = $1", user)
	commit(t, first)
	if err := pgError(t, <-result); err == nil {
		t.Error("a cycle was accepted")
		_ = second.Commit(context.Background())
	}
	if n := one[int](t, owner(t, db), cycles); n != 0 {
		t.Errorf("%d goals are their own ancestors", n)
	}
}
