package schema_test

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/schema"
)

// Each recipe of docs/operations.md brings all data to another server, as it was, and Open is content. The old server is the one
// installed on the machine, with its programs; the new one is that of the other tests, or like it.
func TestRestore(t *testing.T) {
	recipes := recipesOf(t, "../docs/operations.md")
	newServer := newCluster(t)
	t.Setenv("BIZYDBTEST_WAY", "installed")
	started, err := bizydbtest.Start(t.Context(), bizydbtest.Options{})
	if err != nil {
		t.Skipf("no pg_dump: %v", err)
	}
	t.Cleanup(func() {
		if err := started.Close(); err != nil {
			t.Error(err)
		}
	})
	oldServer := parse(t, started.DSN())
	const versionSQL = "SELECT current_setting('server_version_num')::integer / 10000"
	from, to := one[int](t, connect(t, oldServer), versionSQL), one[int](t, connect(t, newServer), versionSQL)
	if from > to {
		t.Skipf("the installed server is of version %d, the other one of %d", from, to)
	}
	t.Logf("from %d to %d", from, to)
	recipe := runner(t, one[string](t, connect(t, oldServer), "SELECT setting FROM pg_config WHERE name = 'BINDIR'"))

	const createOwner = "CREATE ROLE planner_owner LOGIN CREATEROLE CREATEDB PASSWORD 'planner_owner'"
	const createService = "CREATE ROLE planner_service LOGIN NOINHERIT PASSWORD 'planner_service'"
	grants := []string{"GRANT USAGE ON SCHEMA public, bizydb TO planner_service", "GRANT bizydb_user, bizydb_accounts TO planner_service"}
	run(t, oldServer, createOwner)
	run(t, newServer, createOwner)
	old := newDatabase(t, as(oldServer, "planner_owner"), "")
	migrated(t, old)
	run(t, old, append([]string{createService}, grants...)...)
	alice := fill(t, old)
	want := rowsOf(t, old)

	const first = "Whole database, on a server without its roles"
	names := []string{first}
	for name := range recipes {
		if name != first {
			names = append(names, name)
		}
	}
	for _, name := range names {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			database := newDatabase(t, as(newServer, "planner_owner"), "")
			if name == "Data only" {
				migrated(t, database)
			}
			recipe(t, recipes[name], old, database)
			if name == first {
				run(t, database, createService)
			}
			run(t, database, grants...)

			want, catalog := maps.Clone(want), func(database *pgx.ConnConfig) []string { return dump(t, database) }
			if name == "Data only" { // without changes
				want["bizydb.changes"] = []string{}
				catalog = func(database *pgx.ConnConfig) []string {
					return slices.DeleteFunc(dump(t, database), func(line string) bool { return strings.HasPrefix(line, "sequence bizydb.change_seq") })
				}
			}
			if diff := cmp.Diff(want, rowsOf(t, database)); diff != "" {
				t.Errorf("rows (-old +new):\n%s", diff)
			}
			run(t, database, "SELECT bizydb.track_changes()")
			if from == to { // versions describe the same with other words
				if diff := cmp.Diff(catalog(old), catalog(database)); diff != "" {
					t.Errorf("catalog (-old +new):\n%s", diff)
				}
			}
			conn := connect(t, database)
			defer conn.Close(t.Context())
			if ran, err := schema.Protect(t.Context(), conn); err != nil || len(ran) > 0 {
				t.Errorf("Protect: %q, %v", ran, err)
			}
			if err := schema.Migrate(t.Context(), conn); err != nil {
				t.Errorf("Migrate: %v", err)
			}
			db := openAs(t, database, "planner_service")
			defer db.Close()
			if wrong, err := db.As(alice).RollUpAll(t.Context()); err != nil || len(wrong) > 0 {
				t.Errorf("RollUpAll: %v, %v", wrong, err)
			}
			task, err := db.As(alice).CreateTask(t.Context(), planner.CreateTaskParams{Title: "new"})
			if err != nil {
				t.Fatal(err)
			}
			if want := one[planner.TaskID](t, connect(t, old), "SELECT max(id) + 1 FROM public.tasks"); task.ID != want {
				t.Errorf("the next task is %d, want %d", task.ID, want)
			}
			other, err := db.Accounts().FindByLogin(t.Context(), "bob")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.As(other.ID).GetTask(t.Context(), task.ID); !errors.Is(err, bizydb.ErrNotFound) {
				t.Errorf("another user gets the task: %v", err)
			}
		})
	}
}

// recipesOf are the commands below each heading of a page.
func recipesOf(t testing.TB, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	recipes := map[string]string{}
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		name, section, _ := strings.Cut(section, "\n")
		_, commands, found := strings.Cut(section, "```sh\n")
		if !found {
			t.Fatalf("%s: %q has no commands", page, name)
		}
		recipes[name], _, _ = strings.Cut(commands, "```")
	}
	return recipes
}

// runner returns a function that runs commands as they are in the documentation, from a folder like the repository's, with
// PostgreSQL's programs in bin.
func runner(t testing.TB, bin string) func(t testing.TB, commands string, old, new *pgx.ConnConfig) {
	t.Helper()
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(here, filepath.Join(dir, "schema")); err != nil {
		t.Fatal(err)
	}
	return func(t testing.TB, commands string, old, new *pgx.ConnConfig) {
		t.Helper()
		command := osexec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
		command.Dir = dir
		command.Env = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "OLD=" + uri(old), "NEW=" + uri(new)}
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%s\n%v", commands, output, err)
		}
		t.Logf("%s\n%s", commands, output)
	}
}

func uri(config *pgx.ConnConfig) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=%s&password=%s", config.Database, url.QueryEscape(config.Host), config.Port, config.User, url.QueryEscape(config.Password))
}

// fill stores something of everything for a user, whom it returns, among it what triggers would not leave alone: a goal that was
// completed while there was work under it.
func fill(t testing.TB, database *pgx.ConnConfig) bizydb.UserID {
	t.Helper()
	run(t, database, "SELECT bizydb.track_changes()")
	db := openAs(t, database, "planner_service")
	defer db.Close()
	var users []bizydb.UserID
	for _, name := range []string{"alice", "bob"} {
		user, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{Email: name + "@example.org", Username: name, Password: bizydb.NewPassword("a long password")})
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, user.ID)
		err = db.As(user.ID).InTx(t.Context(), func(tx *bizydb.Tx) error {
			top, err := tx.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "top", Metrics: planner.Metrics{"revenue": 1.5}})
			if err != nil {
				return err
			}
			sub, err := tx.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "sub-goal", ParentGoalID: &top.ID})
			if err != nil {
				return err
			}
			var tasks planner.TaskIDs
			for range 3 {
				task, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task", ParentGoalID: &sub.ID, Tags: planner.Tags{"legal"}, Dependencies: tasks})
				if err != nil {
					return err
				}
				tasks = append(tasks, task.ID)
			}
			if _, err := tx.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: tasks[0]}); err != nil {
				return err
			}
			if _, err := tx.BlockTask(t.Context(), planner.BlockTaskParams{ID: tasks[1], Reason: new("rain")}); err != nil {
				return err
			}
			_, err = tx.CompleteGoal(t.Context(), planner.CompleteGoalParams{ID: sub.ID})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, database, fmt.Sprintf("INSERT INTO bizydb.imports (user_id, zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids) VALUES (%d, 'UTC', '2025-10-11', 'task', '{1}', '{2}', '{3}', '{a}', '{4}')", users[0]))
	if n := one[int](t, connect(t, database), "SELECT count(*) FROM public.goals WHERE status = 'completed' AND completed_task_count < task_count"); n == 0 {
		t.Error("no goal was completed with work under it")
	}
	return users[0]
}

// rowsOf are all rows of bizydb's tables.
func rowsOf(t testing.TB, database *pgx.ConnConfig) map[string][]string {
	t.Helper()
	conn := connect(t, database)
	defer conn.Close(t.Context())
	rows := map[string][]string{}
	for _, table := range []string{"public.users", "public.goals", "public.tasks", "bizydb.imports", "bizydb.changes", "bizydb.deleted_goals", "bizydb.deleted_tasks", schema.VersionTable} {
		rows[table] = all[string](t, conn, "SELECT r::text FROM "+table+" r ORDER BY 1")
	}
	return rows
}
