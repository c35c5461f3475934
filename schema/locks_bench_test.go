package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/tern/v2/migrate"

	"github.com/bizy-ai/bizydb/schema"
)

// BenchmarkMigrationLocks migrates a database of 1,000 users with 20,000 goals and 200,000 tasks, and prints for how long
// each step keeps others from reading the tables and from writing to them. They wait for that long at least: a step that
// itself waits for a lock has those behind it wait as well.
//
//	go test -run '^$' -bench MigrationLocks -benchtime 1x ./schema
func BenchmarkMigrationLocks(b *testing.B) {
	names, err := migrate.FindMigrations(schema.Files)
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		b.StopTimer()
		config := newDatabase(b, cluster(b), "")
		conn, watcher, other := connect(b, config), connect(b, config), connect(b, config)
		m := newMigrator(b, conn, schema.VersionTable)
		migrateTo(b, m, 5)
		for _, sql := range manyRowsAt005 {
			exec(b, conn, sql)
		}
		exec(b, conn, "VACUUM ANALYZE public.users, public.goals, public.tasks")

		fmt.Printf("PostgreSQL %s\n\n| step | takes | reading waits | writing waits |\n|---|---|---|---|\n", one[string](b, conn, "SHOW server_version"))
		for n := 6; n <= len(names); n++ {
			// The step stops before its end, where all its locks are to be seen.
			exec(b, other, "BEGIN")
			exec(b, other, "SELECT FROM "+schema.VersionTable+" FOR UPDATE")
			done := make(chan error, 1)
			pid := pid(b, conn)
			b.StartTimer()
			go func() { done <- m.MigrateTo(b.Context(), int32(n)) }()
			took, held := watch(b, watcher, pid)
			b.StopTimer()
			exec(b, other, "ROLLBACK")
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			fmt.Printf("| `%s` | %s | %s | %s |\n", strings.TrimSuffix(names[n-1], ".sql"), milliseconds(took), held.in(strongLocks[len(strongLocks)-1:]), held.in(strongLocks))
		}
	}
}

// Trees of twenty goals; half of the tasks completed; a tenth with dependencies, one with tags.
var manyRowsAt005 = []string{
	`INSERT INTO public.users (email, username, hashed_password)
	SELECT n || '@example.org', 'u' || n, '$2a$12$' || repeat('.', 53) FROM generate_series(1, 1000) AS n`,

	`INSERT INTO public.goals (id, user_id, parent_goal_id, title, status, progress_percentage, created_at)
	SELECT 20 * u + n, u, CASE WHEN n > 0 THEN 20 * u + (n - 1) / 3 END, 'goal ' || n, (ARRAY['active', 'active', 'on_hold', 'completed'])[1 + n % 4], n, now() - n * interval '1 day'
	FROM generate_series(1, 1000) AS u, generate_series(0, 19) AS n ORDER BY n, u`,

	`INSERT INTO public.tasks (id, user_id, parent_goal_id, title, description, priority, status, category, estimated_hours, due_date, created_at, dependencies, tags)
	SELECT 200 * u + n, u, CASE WHEN n % 10 > 0 THEN 20 * u + h % 20 END, 'task ' || n, repeat('what is to be done ', 5), 1 + h % 5,
	  (ARRAY['pending', 'completed', 'in_progress', 'completed', 'blocked', 'completed'])[1 + n % 6], 'category ' || h / 7 % 12, h % 8,
	  CASE WHEN n % 3 > 0 THEN now() + h % 900 * interval '1 day' END, now() - h % 700 * interval '1 day',
	  CASE WHEN n % 10 = 9 THEN jsonb_build_array(200 * u + n - 1, 200 * u + n - 9) ELSE '[]' END,
	  CASE WHEN n % 10 = 4 THEN jsonb_build_array('tag ' || h % 50, 'rare ' || h % 5000) ELSE '[]' END
	FROM generate_series(1, 1000) AS u, generate_series(0, 199) AS n, LATERAL (SELECT hashint4(200 * u + n) & 1048575) AS hash (h) ORDER BY n, u`,
}

// What keeps others from writing to a table, the weakest first. Only the last keeps them from reading as well.
var strongLocks = []string{"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}

// locks are how long tables have been locked, by table and mode. A transaction keeps its locks to its end.
type locks map[[2]string]time.Duration

// watch looks at the locks of a server process until that waits. It looks less often as time goes by, so as not to slow down
// what it measures: what it returns is right to a millisecond or to a hundredth.
func watch(b *testing.B, on querier, pid uint32) (took time.Duration, held locks) {
	b.Helper()
	began, since := time.Now(), map[[2]string]time.Duration{}
	for waits := false; !waits; time.Sleep(max(time.Millisecond/2, took/100)) {
		rows, err := on.Query(b.Context(), "SELECT coalesce(relation::regclass::text, ''), mode, granted FROM pg_locks WHERE pid = $1 AND CASE locktype WHEN 'relation' THEN granted WHEN 'transactionid' THEN NOT granted END", pid)
		if err != nil {
			b.Fatal(err)
		}
		took = time.Since(began)
		for rows.Next() {
			var lock [2]string
			var granted bool
			if err := rows.Scan(&lock[0], &lock[1], &granted); err != nil {
				b.Fatal(err)
			}
			if _, seen := since[lock]; !seen {
				since[lock] = took
			}
			waits = waits || !granted
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
	}
	held = locks{}
	for lock, at := range since {
		held[lock] = took - at
	}
	return took, held
}

// in says how long each table was locked in any of the modes.
func (l locks) in(modes []string) string {
	var tables []string
	for _, table := range []string{"users", "goals", "tasks"} {
		var longest time.Duration
		var used []string
		for _, mode := range modes {
			if held, ok := l[[2]string{table, mode}]; ok {
				longest = max(longest, held)
				used = append(used, strings.TrimSuffix(mode, "Lock"))
			}
		}
		if used != nil {
			tables = append(tables, fmt.Sprintf("%s %s (%s)", table, milliseconds(longest), strings.Join(used, ", ")))
		}
	}
	return strings.Join(tables, "; ")
}

func milliseconds(d time.Duration) string {
	if d < time.Millisecond {
		return "< 1 ms"
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
