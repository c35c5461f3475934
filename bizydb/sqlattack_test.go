package bizydb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// The handles that a service gets beside scopes can do nothing with the queries of a scope.
func TestQueriesOutsideAScope(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	hers := plantAll(t, db.As(db.NewUser(t)))
	eachMethod(t, func(t *testing.T, method string) {
		for handle, q := range map[string]planner.ReadWriter{
			"pool": planner.New(db.Pool()), "transaction": planner.New(begin(t, db.Pool())),
		} {
			if _, err := call(t.Context(), q, method, hers); sqlState(err) != pgerrcode.InsufficientPrivilege {
				t.Errorf("on the %s: %v, want permission denied", handle, err)
			}
		}
	})
}

// TestSQLAttacks makes up SQL and runs it wherever SQL can be run: as the service's login, by itself, after a scope's call or
// a report in a transaction, and in the role of a scope without a user; and in another user's scope, where bizydb lets nobody write any.
// No answer, error or notice has anything of a user's who is not in the scope, and nothing of it changes.
func TestSQLAttacks(t *testing.T) {
	t.Parallel()
	made := ofUsers(t, bizydbtest.WithReporting(), tracked)
	alice := made.NewUser(t)
	hers := plantMarked(t, made.As(alice))
	if !testdb.Distributed() { // where others have most of the rows
		asOwner(t, made, "ANALYZE")
		if ownerQuery[int](t, made, "SELECT count(*) FROM pg_stats WHERE most_common_vals::text LIKE '%"+marker+"%'") == 0 {
			t.Fatal("the statistics have nothing of hers: there is no point in looking at them")
		}
	}
	before, err := contentOf(t.Context(), made.Pool(), alice)
	if err != nil {
		t.Fatal(err)
	}

	const attackers = 4
	var done sync.WaitGroup
	var mu sync.Mutex
	answered := map[string]int{}
	for n := range attackers {
		mallory := made.NewUser(t)
		plantAll(t, made.As(mallory))
		var notices bytes.Buffer
		db := open(t, made.DSN, func(c *pgxpool.Config) {
			oneConn(c)
			c.ConnConfig.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { fmt.Fprintf(&notices, "%+v\n", *n) }
		})
		done.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 2))
			for probe := range *probes / attackers {
				place := sqlPlaces[probe%len(sqlPlaces)]
				sql := newSQL(random, alice, hers)
				got, err := runSQL(db, place.enter, mallory, sql, alice, before)
				got += outcome(nil, err) + notices.String()
				notices.Reset()
				if strings.Contains(got, marker) || errors.Is(err, errDamage) {
					t.Errorf("%s: %s\ngives\n%s", place.name, sql, got)
				}
				if err == nil {
					mu.Lock()
					answered[place.name]++
					mu.Unlock()
				}
			}
		})
	}
	done.Wait()
	t.Logf("%d probes; answered without an error: %v", *probes, answered)
	least := *probes / len(sqlPlaces) / 4
	if testdb.Distributed() {
		least /= 2 // Citus refuses more
	}
	if answered["in another's scope"] < least {
		t.Error("hardly any probe is answered in a scope: they show little")
	}
}

// sqlPlaces are where SQL can be run: in a transaction of the login's, after what enter does in it.
var sqlPlaces = []struct {
	name  string
	enter func(ctx context.Context, tx pgx.Tx, db *bizydb.DB, user bizydb.UserID) error
}{
	{"as the login", func(context.Context, pgx.Tx, *bizydb.DB, bizydb.UserID) error { return nil }},
	{"after a scope's call", func(ctx context.Context, tx pgx.Tx, db *bizydb.DB, user bizydb.UserID) error {
		_, err := db.As(user).WithTx(tx).ListTasks(ctx, planner.ListTasksParams{})
		return err
	}},
	{"after a report", func(ctx context.Context, tx pgx.Tx, db *bizydb.DB, _ bizydb.UserID) error {
		_, err := db.Reporting().WithTx(tx).Exec(ctx, "SELECT * FROM public.tasks")
		return err
	}},
	{"in a scope's role, nobody's", func(ctx context.Context, tx pgx.Tx, _ *bizydb.DB, _ bizydb.UserID) error {
		_, err := tx.Exec(ctx, "SET LOCAL ROLE bizydb_user")
		return err
	}},
	{"in another's scope", func(ctx context.Context, tx pgx.Tx, _ *bizydb.DB, user bizydb.UserID) error {
		_, err := tx.Exec(ctx, enterCommonSQL(), fmt.Sprint(user))
		return err
	}},
}

var errDamage = errors.New("another user's rows have changed")

// contentOf returns what a user has, as seen in the user's scope on a connection or in a transaction.
func contentOf(ctx context.Context, on interface {
	Begin(context.Context) (pgx.Tx, error)
}, user bizydb.UserID,
) (content string, err error) {
	err = pgx.BeginFunc(ctx, on, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "RESET ROLE; SET LOCAL row_security = on"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, enterCommonSQL(), fmt.Sprint(user)); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT concat(
			(SELECT string_agg(t::text, ' ' ORDER BY id) FROM public.tasks AS t WHERE user_id = $1),
			(SELECT string_agg(g::text, ' ' ORDER BY id) FROM public.goals AS g WHERE user_id = $1),
			(SELECT string_agg(t::text, ' ' ORDER BY id) FROM bizydb.deleted_tasks AS t WHERE user_id = $1),
			(SELECT string_agg(g::text, ' ' ORDER BY id) FROM bizydb.deleted_goals AS g WHERE user_id = $1),
			(SELECT p::text FROM bizydb.profiles AS p))`, user).Scan(&content)
	})
	return content, err
}

// runSQL runs statements at once, as the simple protocol can, in a transaction that it takes back. It returns every row.
// Before that it looks whether what another user has is still as it was.
func runSQL(db *bizydb.DB, enter func(context.Context, pgx.Tx, *bizydb.DB, bizydb.UserID) error, user bizydb.UserID, sql string, another bizydb.UserID, before string) (string, error) {
	ctx := context.Background()
	tx, err := db.Pool().Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if err := enter(ctx, tx, db, user); err != nil {
		return "", err
	}
	// A function that says what it is asked about, and claims to be cheap. A login may make one by default.
	if savepoint, err := tx.Begin(ctx); err == nil {
		_, err := savepoint.Exec(ctx, "CREATE FUNCTION pg_temp.says(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '%', $1; RETURN true; END$$")
		if err != nil {
			_ = savepoint.Rollback(ctx)
		}
	}
	var got bytes.Buffer
	if text, isCopy := strings.CutPrefix(sql, "COPY "); isCopy {
		_, err := tx.Conn().PgConn().CopyTo(ctx, &got, "COPY "+text)
		return got.String(), err
	}
	results, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	for _, result := range results {
		for _, row := range result.Rows {
			fmt.Fprintf(&got, "%s\n", row)
		}
	}
	if err == nil {
		if now, err := contentOf(ctx, tx, another); err != nil {
			return got.String(), err
		} else if now != before {
			return got.String(), errDamage
		}
	}
	return got.String(), err
}

// newSQL makes up statements that would show another user's rows, if anything did.
func newSQL(random *rand.Rand, alice bizydb.UserID, hers things) string {
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	relation := one("public.tasks", "public.tasks", "public.goals", "public.goals", "public.users", "bizydb.profiles", "bizydb.imports", "bizydb.changes", "bizydb.deleted_goals", "bizydb.deleted_tasks", "bizydb.deleted_links", "bizydb.changes_after(0, 100)", "bizydb.changed_users(0, 0, 0, 100)",
		"pg_stats", "pg_stat_activity", "pg_prepared_statements", "pg_largeobject", "pg_statistic", "pg_locks",
		"bizydb.dependent_tasks(TASK)", "bizydb.tagged_tasks('[\"only-alice\"]', '[]')", "bizydb.roll_up(GOAL)", "bizydb.restore_task(GONETASK)", "bizydb.restore_goal(GONEGOAL, true)", "bizydb.task_now(TASK)")
	what := one("t.*", "t::text", "row_to_json(t)", "count(*)", "string_agg(t::text, ',')", "jsonb_agg(t)", "pg_temp.says(t::text)", "t.ctid", "max(t::text)")
	where := one("", "", " WHERE id = TASK", " WHERE user_id = ALICE", " WHERE id = GOAL OR true", " WHERE 1 / (id - TASK) > 0", " WHERE title LIKE '%only-alice%'",
		" WHERE title::integer > 0", " WHERE pg_temp.says(t::text)", " WHERE pg_temp.says(title)", " WHERE title >= 'only-alice' AND pg_temp.says(title)",
		" WHERE tags @> '[\"only-alice\"]' AND pg_temp.says(tags::text)", " WHERE ctid = '(0,1)'", " WHERE ctid < '(9,1)' AND pg_temp.says(notes)",
		" ORDER BY pg_temp.says(t::text)", " FOR UPDATE", " FOR KEY SHARE", " TABLESAMPLE SYSTEM (100)")
	query := "SELECT " + what + " FROM " + relation + " AS t" + where
	quoted := "'" + strings.ReplaceAll(query, "'", "''") + "'"
	sql := one(query, query,
		"DECLARE c CURSOR FOR "+query+"; FETCH ALL FROM c",
		"DECLARE c SCROLL CURSOR WITH HOLD FOR "+query+"; FETCH ALL FROM c",
		"COPY ("+query+") TO STDOUT", "COPY "+relation+" TO STDOUT",
		"WITH q AS MATERIALIZED ("+query+") SELECT * FROM q",
		"WITH RECURSIVE q AS ("+query+") SELECT q::text FROM q",
		"SELECT s.* FROM (VALUES (1)) AS v, LATERAL ("+query+") AS s",
		query+"; "+query,
		"EXPLAIN (ANALYZE, VERBOSE, BUFFERS) "+query,
		"CREATE TEMP TABLE loot AS "+query+"; SELECT * FROM loot",
		"CREATE TEMP VIEW loot AS "+query+"; SELECT * FROM loot",
		"CREATE TEMP VIEW loot WITH (security_barrier = false) AS "+query+"; SELECT * FROM loot WHERE pg_temp.says(loot::text)",
		"PREPARE p AS "+query+"; EXECUTE p",
		"SELECT query_to_xml("+quoted+", true, true, '')", "SELECT table_to_xml('"+relation+"', true, true, '')",
		"SELECT schema_to_xml('public', true, true, '')",
		"SELECT * FROM ts_stat("+quoted+")",
		"DO $d$ DECLARE r record; BEGIN FOR r IN "+query+" LOOP RAISE NOTICE '%', r; END LOOP; END $d$",
		"CREATE FUNCTION pg_temp.mine() RETURNS SETOF text SECURITY DEFINER LANGUAGE sql AS $f$ "+query+" $f$; SELECT pg_temp.mine()",
		"SELECT lo_from_bytea(0, convert_to(("+query+")::text, 'UTF8')); SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata",
		"INSERT INTO public.tasks (title) "+query+" RETURNING *",
		"UPDATE public.tasks AS t SET notes = title"+where+" RETURNING t.*",
		"UPDATE public.goals AS t SET title = 'x' FROM public.tasks AS o WHERE o.id = TASK AND t.id = GOAL RETURNING t.*, o.*",
		"DELETE FROM "+relation+" AS t"+where+" RETURNING *",
		// Without a column to look at, only the policy for changes counts.
		"DELETE FROM "+relation, "UPDATE public.tasks SET title = 'x'", "UPDATE public.goals SET title = 'x'", "UPDATE public.users SET full_name = 'x'",
		"UPDATE public.tasks SET user_id = ALICE", "UPDATE public.goals SET user_id = ALICE", "INSERT INTO public.tasks (user_id, title) VALUES (ALICE, 'x')",
		"INSERT INTO public.goals (title, parent_goal_id) VALUES ('x', GOAL) RETURNING *",
		"INSERT INTO public.goals (id, title) VALUES (GOAL, 'x') ON CONFLICT (id) DO UPDATE SET title = excluded.title RETURNING goals.*",
		"INSERT INTO public.tasks (title, dependencies) VALUES ('x', '[TASK]') RETURNING *",
		"MERGE INTO public.tasks AS t USING (VALUES (TASK)) AS v (id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET title = 'x' WHEN NOT MATCHED THEN INSERT (title) VALUES ('x')",
		"DELETE FROM bizydb.deleted_tasks", "INSERT INTO bizydb.deleted_tasks SELECT * FROM bizydb.deleted_tasks", "SELECT bizydb.restore(ALICE, '{}', '{GONETASK}')",
		"TRUNCATE "+relation, "LOCK TABLE "+relation+"; "+query, "ANALYZE VERBOSE public.tasks; SELECT * FROM pg_stats",
		"SET LOCAL row_security = off; "+query, "SET LOCAL session_replication_role = replica; "+query,
		"SET LOCAL role = bizydb_owner; "+query, "SET SESSION AUTHORIZATION postgres; "+query,
		"SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_indexscan = off; "+query,
		"SET LOCAL search_path = pg_temp, public; CREATE TEMP TABLE tasks (LIKE public.tasks); "+query,
		"SELECT pg_read_file('base/1/1259')", "SELECT lo_import('/etc/passwd')", "SELECT pg_stat_get_activity(NULL)",
	)
	return strings.NewReplacer("ALICE", fmt.Sprint(alice), "GONETASK", fmt.Sprint(hers.deletedTask), "GONEGOAL", fmt.Sprint(hers.deletedGoal), "TASK", fmt.Sprint(hers.task), "GOAL", fmt.Sprint(hers.goal)).Replace(sql)
}
