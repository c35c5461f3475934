package schema_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema"
)

// With this variable in its environment the test binary migrates the database that it names, and says which server process
// does. It is to be killed while that waits for another one.
const migratesUntilKilled = "BIZYDB_MIGRATE_UNTIL_KILLED"

func migrateUntilKilled(database string) {
	ctx := context.Background()
	config, err := pgx.ParseConfig(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	config.Database = database
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var pid uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()::oid").Scan(&pid); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(pid)
	fmt.Println("not killed:", schema.Migrate(ctx, conn))
	os.Exit(1)
}

// A service is one that migrates as it starts.
type service struct {
	pid  uint32     // of its server process
	done chan error // how it ended
	kill func(t *testing.T)
}

// Services start, each with the end that it comes to without warning.
var services = map[string]func(t *testing.T, config *pgx.ConnConfig) service{
	"its process gets SIGKILL": func(t *testing.T, config *pgx.ConnConfig) service {
		cmd := osexec.CommandContext(t.Context(), os.Args[0], config.ConnString())
		cmd.Env = append(os.Environ(), migratesUntilKilled+"="+config.Database)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(out).ReadString('\n')
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		pid, err := strconv.ParseUint(strings.TrimSpace(line), 10, 32)
		if err != nil {
			t.Fatalf("the process said %q", line)
		}
		return service{uint32(pid), done, func(t *testing.T) {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}}
	},
	"its server process is terminated": func(t *testing.T, config *pgx.ConnConfig) service {
		conn := connect(t, config)
		pid, done := pid(t, conn), make(chan error, 1)
		go func() { done <- schema.Migrate(t.Context(), conn) }()
		return service{pid, done, func(t *testing.T) {
			if !one[bool](t, connect(t, config), "SELECT pg_terminate_backend($1)", pid) {
				t.Fatal("there was no such process")
			}
		}}
	},
}

const someRows = `
	INSERT INTO public.users (id, email, username, hashed_password) VALUES (1, 'ada@example.org', 'ada', '$2a$12$' || repeat('.', 53));
	INSERT INTO public.goals (id, user_id, parent_goal_id, title) VALUES (2, 1, NULL, 'above'), (1, 1, 2, 'below');
	INSERT INTO public.tasks (id, user_id, parent_goal_id, title, status, dependencies, tags) VALUES
	  (1, 1, 1, 'done', 'completed', '[]', '["a"]'), (2, 1, 1, 'to do', 'pending', '[1]', '[]'), (3, 1, NULL, 'by itself', 'blocked', '[]', '[]')`

func TestMigrationKilled(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference := newDatabase(t, admin, "")
	m := newMigrator(t, connect(t, reference), schema.VersionTable)
	catalogs := [][]string{dump(t, reference)}
	for n := 1; n <= latest(t); n++ {
		migrateTo(t, m, n)
		catalogs = append(catalogs, dump(t, reference))
	}

	for _, c := range []struct {
		step     int
		name     string
		obstacle string // what somebody else is just doing, so that the step waits for the outcome
	}{
		{2, "between the indexes of users", "CREATE TABLE public.ix_users_username ()"},
		{4, "between the indexes of tasks", "CREATE TABLE public.ix_tasks_goal_status ()"},
		{5, "with triggers on tasks, before those on goals", "LOCK TABLE public.goals IN ROW EXCLUSIVE MODE"},
		{6, "between functions and triggers", "LOCK TABLE public.tasks IN ROW EXCLUSIVE MODE"},
		{7, "between functions", "CREATE FUNCTION bizydb.monday(date) RETURNS date LANGUAGE sql RETURN $1"},
		{8, "before the index of a new table", "CREATE TABLE bizydb.ix_imports_user_kind ()"},
		{11, "between the indexes of deleted rows", "CREATE TABLE bizydb.ix_deleted_tasks_user_deleted_at ()"},
		{latest(t), "with all but the version written", "SELECT FROM " + schema.VersionTable + " FOR UPDATE"},
	} {
		for how, start := range services {
			t.Run(fmt.Sprintf("%03d %s, %s", c.step, c.name, how), func(t *testing.T) {
				t.Parallel()
				config := newDatabase(t, admin, "")
				conn := connect(t, config)
				m := newMigrator(t, conn, schema.VersionTable)
				if c.step > 4 {
					migrateTo(t, m, 4)
					exec(t, conn, someRows)
				}
				migrateTo(t, m, c.step-1)
				before := readContents(t, conn)
				other, err := connect(t, config).Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				exec(t, other, c.obstacle)

				s := start(t, config)
				waitUntilBlocked(t, conn, s.pid, s.done)
				if !one[bool](t, conn, "SELECT backend_xid IS NOT NULL FROM pg_stat_activity WHERE pid = $1", s.pid) {
					t.Error("the step has written nothing so far")
				}
				s.kill(t)
				if err := <-s.done; err == nil {
					t.Error("it was killed and has finished")
				}
				// As long as the server process waits for somebody else it does not notice that nobody waits for it.
				if err := other.Rollback(t.Context()); err != nil {
					t.Fatal(err)
				}
				waitUntilGone(t, conn, s.pid)

				if diff := cmp.Diff(catalogs[c.step-1], dump(t, config)); diff != "" {
					t.Errorf("half of the step is there (-before +after):\n%s", diff)
				}
				if diff := cmp.Diff(before, readContents(t, conn)); diff != "" {
					t.Errorf("rows (-before +after):\n%s", diff)
				}
				wantNoAdvisoryLocks(t, conn)
				migrated(t, config)
				if diff := cmp.Diff(catalogs[latest(t)], dump(t, config)); diff != "" {
					t.Errorf("after the second run (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Two services start at once and the one that migrates is killed: the other one, which waits for it, does the rest.
func TestOneOfTwoServicesKilled(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference := newDatabase(t, admin, "")
	migrated(t, reference)
	want := dump(t, reference)
	for how, start := range services {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			config := newDatabase(t, admin, "")
			conn := connect(t, config)
			other, err := connect(t, config).Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			exec(t, other, "CREATE TABLE public.ix_tasks_goal_status ()")
			first := start(t, config)
			waitUntilBlocked(t, conn, first.pid, first.done)
			second := connect(t, config)
			pid := pid(t, second)
			done := make(chan error, 1)
			go func() { done <- schema.Migrate(t.Context(), second) }()
			waitUntilBlocked(t, conn, pid, done)

			first.kill(t)
			if err := <-first.done; err == nil {
				t.Error("the first was killed and has finished")
			}
			if err := other.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Errorf("the second: %v", err)
			}
			if diff := cmp.Diff(want, dump(t, config)); diff != "" {
				t.Errorf("catalog (-one migrated +one killed and one migrated):\n%s", diff)
			}
			wantNoAdvisoryLocks(t, conn)
		})
	}
}

// waitUntilGone returns when the server process has ended, and with it its transaction and its locks.
func waitUntilGone(t testing.TB, on querier, pid uint32) {
	t.Helper()
	for one[bool](t, on, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", pid) {
		time.Sleep(2 * time.Millisecond)
	}
}

func wantNoAdvisoryLocks(t testing.TB, on querier) {
	t.Helper()
	if n := one[int](t, on, "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()"); n != 0 {
		t.Errorf("%d advisory locks are left", n)
	}
}
