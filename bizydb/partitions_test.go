package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/partition"
)

const partitions = 4

// partitioned is a database whose tables are partitioned by user.
var partitioned = bizydbtest.WithMigration("partition", func(ctx context.Context, conn *pgx.Conn) error {
	return partition.Tables(ctx, conn, partitions)
})

// leaveItToQueries changes the policies to a form by which they confine rows as ever, and the server chooses no partition.
func leaveItToQueries(t testing.TB, db *bizydbtest.Database) {
	t.Helper()
	asOwner(t, db, `DO $$
		DECLARE
		  p record;
		BEGIN
		  FOR p IN SELECT * FROM pg_policies WHERE roles = '{bizydb_user}' AND qual LIKE '%user_id = %' LOOP
		    EXECUTE format('ALTER POLICY %I ON %I.%I USING ((%s) IS TRUE)', p.policyname, p.schemaname, p.tablename, p.qual);
		  END LOOP;
		END $$`)
}

// Every query of a scope reads and writes in one partition, that of its user, with all that its triggers and functions do: planned for its
// values and for any. So it could be sent to one of several servers that share the users. Statements over many users, which only the
// tables' owner has, are not looked at. Two reads would not be noticed: of rows by ctid, which the server does not count and
// TestEveryStatementNamesItsUser refuses, and one that only runs for rows that the user does not have here.
func TestQueriesTouchOnePartition(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, partitioned, tracked)
	leaveItToQueries(t, db)
	user := db.NewUser(t)
	m := moveIn(t, db, user, 200)
	for len(otherPartitions(t, db, user)) < partitions-1 { // empty ones could be left out by chance
		plantAll(t, db.As(db.NewUser(t)))
	}
	mine := fmt.Sprint("_", ownerQuery[int](t, db, "SELECT n FROM generate_series(0, $1 - 1) AS n WHERE satisfies_hash_partition('public.tasks'::regclass, $1, n, $2::bigint)", partitions, user))
	isMine := func(partition string) bool { return strings.HasSuffix(partition, mine) }

	calls := m.calls(t, db)
	delete(calls, "ForgetOfAll") // of all users
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		t.Run(mode, func(t *testing.T) {
			for name, call := range calls {
				t.Run(name, func(t *testing.T) {
					tx := begin(t, db.Pool())
					exec(t, tx, "SET LOCAL plan_cache_mode = "+mode)
					exec(t, tx, "SET LOCAL jit = off") // as in TestPlans
					// What writes for many users joins with them, by key where tables are large.
					exec(t, tx, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off")
					names := touched(t, tx, func() {
						if err := call.send(tx); err != nil && !errors.Is(err, pgx.ErrNoRows) {
							t.Fatal(err)
						}
					})
					if others := slices.DeleteFunc(names, func(of string) bool { return isMine(of) || strings.HasPrefix(name, "Delete") && trash.MatchString(of) }); len(others) > 0 {
						t.Errorf("touches %s, and its user's are %s", others, mine)
					}
				})
			}
		})
	}

	// Each one that names its user would fail if it did not.
	t.Run("unnamed", func(t *testing.T) {
		unnamed := 0
		eachMethod(t, func(t *testing.T, method string) {
			c := callOf(method, m.at)
			asked := record(t, c.method, c.params)
			sql := namedUser.ReplaceAllString(asked.sql, "true")
			if sql == asked.sql || method == "RollUpAll" { // all that it reads is in functions, or what those have found
				return
			}
			unnamed++
			tx := begin(t, db.Pool())
			exec(t, tx, enterSQL, fmt.Sprint(user))
			exec(t, tx, "SET LOCAL jit = off")
			names := touched(t, tx, func() { exec(t, tx, sql, asked.args...) })
			if others := slices.DeleteFunc(slices.Clone(names), isMine); len(others) == 0 {
				t.Errorf("without its user it touches %s alone\n%s", names, sql)
			}
		})
		if unnamed < 70 {
			t.Errorf("only %d queries name their user", unnamed)
		}
	})
}

// A deletion looks for its ids in the trash of all users: an id is there once, whoever's it was.
var trash = regexp.MustCompile("^deleted_(goals|tasks)_")

var namedUser = regexp.MustCompile(`(\w+\.)?user_id = \(SELECT bizydb\.current_user_id\(\)\)`)

// otherPartitions are those with tasks of other users than the user of one.
func otherPartitions(t testing.TB, db *bizydbtest.Database, user bizydb.UserID) []string {
	t.Helper()
	return ownerQuery[[]string](t, db, `
		SELECT coalesce(array_agg(DISTINCT tableoid::regclass::text), '{}') FROM public.tasks
		WHERE tableoid <> ALL (ARRAY(SELECT DISTINCT tableoid FROM public.tasks WHERE user_id = $1))`, user)
}

// touched returns the partitions that a transaction reads or writes in do, by the server's counts of this connection.
func touched(t testing.TB, tx pgx.Tx, do func()) (names []string) {
	t.Helper()
	counts := func() map[string]int64 {
		var all map[string]int64
		if err := tx.QueryRow(t.Context(), `
			SELECT json_object_agg(relname, seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables
			WHERE relid IN (SELECT inhrelid FROM pg_inherits)`).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := counts()
	do()
	for name, n := range counts() {
		if n > before[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// What is not confined by its statement is noticed also where a function hides it.
func TestTouchedPartitionsAreNoticed(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, partitioned)
	leaveItToQueries(t, db)
	user := db.NewUser(t)
	at := plant(t, db.As(user))
	all := []string{"tasks_0", "tasks_1", "tasks_2", "tasks_3"}
	for _, bad := range []string{
		fmt.Sprintf("SELECT FROM public.tasks WHERE id = %d", at.task),
		fmt.Sprintf("DO $$ BEGIN PERFORM FROM public.tasks WHERE id = %d; END $$", at.task),
		fmt.Sprintf("SELECT FROM public.tasks WHERE (user_id = %d) IS TRUE AND id = %d", user, at.task),
	} {
		tx := begin(t, db.Pool())
		exec(t, tx, enterSQL, fmt.Sprint(user))
		if diff := cmp.Diff(all, touched(t, tx, func() { exec(t, tx, bad) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", bad, diff)
		}
	}
}
