package bizydb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
)

var update = flag.Bool("update", false, "write what triggers see into docs/reacting.md")

// watched records what a service's triggers see: each row, and each statement with the number of its rows. The functions run with the
// rights of whoever fires them.
const watched = `
	CREATE SCHEMA app;
	CREATE TABLE app.seen (
	  id bigint GENERATED ALWAYS AS IDENTITY, "table" text, op text, level text, rows bigint, changed text, role text, path text, user_id bigint
	);
	GRANT USAGE ON SCHEMA app TO PUBLIC;
	GRANT INSERT ON app.seen TO PUBLIC;

	CREATE FUNCTION app.see_row() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
	  o jsonb := to_jsonb(OLD);
	  n jsonb := to_jsonb(NEW);
	  changed text;
	BEGIN
	  SELECT string_agg(CASE
	      WHEN key IN ('status', 'progress_percentage') THEN concat_ws(' ', key, CASE WHEN o ->> key <> n ->> key THEN o ->> key || ' →' END, coalesce(n, o) ->> key)
	      WHEN key IN ('parent_goal_id', 'dependencies') THEN key || CASE WHEN n ->> key IS NULL THEN ' → NULL' WHEN n ->> key = '[]' THEN ' → []' ELSE '' END
	      ELSE key
	    END, ', ' ORDER BY key COLLATE "C") INTO changed
	  FROM jsonb_object_keys(coalesce(n, o)) AS key
	  WHERE CASE WHEN TG_OP = 'UPDATE'
	    THEN o -> key IS DISTINCT FROM n -> key AND key NOT IN ('updated_at', 'version', 'completed_at') AND key !~ '_count$|^sub_goal_'
	    ELSE key IN ('status', 'progress_percentage') END;
	  INSERT INTO app.seen ("table", op, level, rows, changed, role, path, user_id)
	  VALUES (TG_TABLE_NAME, TG_OP, 'row', 1, coalesce(changed, CASE WHEN o ->> 'roll_up_count' <> n ->> 'roll_up_count' THEN 'counts of work' WHEN TG_OP = 'UPDATE' THEN 'nothing' END), current_user, current_setting('search_path'), bizydb.current_user_id());
	  RETURN NULL;
	END
	$$;

	CREATE FUNCTION app.see_statement() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
	  INSERT INTO app.seen ("table", op, level, rows, role, path, user_id)
	  SELECT TG_TABLE_NAME, TG_OP, 'statement', count(*), current_user, current_setting('search_path'), bizydb.current_user_id() FROM changed;
	  RETURN NULL;
	END
	$$;
	CREATE FUNCTION app.see_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
	  INSERT INTO app.seen ("table", op, level, role, path, user_id)
	  VALUES (TG_TABLE_NAME, TG_OP, 'statement', current_user, current_setting('search_path'), bizydb.current_user_id());
	  RETURN NULL;
	END
	$$;

	DO $$
	DECLARE
	  name text;
	BEGIN
	  FOREACH name IN ARRAY ARRAY['goals', 'tasks'] LOOP
	    EXECUTE format('CREATE TRIGGER x_row AFTER INSERT OR UPDATE OR DELETE ON public.%I FOR EACH ROW EXECUTE FUNCTION app.see_row()', name);
	    EXECUTE format('CREATE TRIGGER x_insert AFTER INSERT ON public.%I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.see_statement()', name);
	    EXECUTE format('CREATE TRIGGER x_update AFTER UPDATE ON public.%I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.see_statement()', name);
	    EXECUTE format('CREATE TRIGGER x_delete AFTER DELETE ON public.%I REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.see_statement()', name);
	    EXECUTE format('CREATE TRIGGER x_truncate AFTER TRUNCATE ON public.%I FOR EACH STATEMENT EXECUTE FUNCTION app.see_truncate()', name);
	  END LOOP;
	END
	$$`

// A plan is what an operation is about: goals A to D, each under the one before, and two tasks under D.
type plan struct {
	user  bizydb.UserID
	scope bizydb.Scope
	goals [4]planner.GoalID
	tasks [2]planner.TaskID
}

func (p plan) setStatuses(ctx context.Context, to planner.TaskStatus, tasks ...planner.TaskID) error {
	_, err := p.scope.SetTaskStatuses(ctx, planner.SetTaskStatusesParams{IDs: tasks, Status: to})
	return err
}

// TestTriggersSee holds the tables in docs/reacting.md to what triggers see. With -update it writes them.
func TestTriggersSee(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, watched)
	owner, err := pgx.Connect(t.Context(), made.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	run := func(ctx context.Context, sql string, args ...any) error {
		_, err := owner.Exec(ctx, sql, args...)
		return err
	}
	var version int
	if err := owner.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		t.Fatal(err)
	}

	completed := func(p plan, ctx context.Context) error {
		return p.setStatuses(ctx, planner.TaskCompleted, p.tasks[:]...)
	}
	half := func(p plan, ctx context.Context) error { return p.setStatuses(ctx, planner.TaskCompleted, p.tasks[0]) }
	importAgain := func(p plan, ctx context.Context) error {
		var document bytes.Buffer
		if _, err := userdata.Export(ctx, p.scope, &document); err != nil {
			return err
		}
		_, err := userdata.Import(ctx, p.scope, &document)
		return err
	}
	operations := []struct {
		name   string                                  // or, of a row without more, the heading of those below it
		before func(p plan, ctx context.Context) error // what was done before
		do     func(p plan, ctx context.Context) error
		byKey  bool // updates are statements that a foreign key runs
	}{
		{name: "Writes in a scope"},
		{"`CreateTask` under a goal", nil, func(p plan, ctx context.Context) error {
			_, err := p.scope.CreateTask(ctx, planner.CreateTaskParams{Title: "task", ParentGoalID: &p.goals[3]})
			return err
		}, false},
		{"`UpdateTask`, the title", nil, func(p plan, ctx context.Context) error {
			_, err := p.scope.UpdateTask(ctx, planner.UpdateTaskParams{ID: p.tasks[0], Title: new("other")})
			return err
		}, false},
		{"`CompleteTask`, the last task under four levels of goals", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: p.tasks[1]})
			return err
		}, false},
		{"`CompleteTask`, already completed", completed, func(p plan, ctx context.Context) error {
			_, err := p.scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: p.tasks[1]})
			return err
		}, false},
		{"`ReopenTask` under completed goals", completed, func(p plan, ctx context.Context) error {
			_, err := p.scope.ReopenTask(ctx, planner.ReopenTaskParams{ID: p.tasks[1]})
			return err
		}, false},
		{"`RestoreTask`, completed, the last under four levels of goals", func(p plan, ctx context.Context) error {
			if err := completed(p, ctx); err != nil {
				return err
			}
			_, err := p.scope.DeleteTasks(ctx, planner.TaskIDs{p.tasks[0], p.tasks[1]})
			return err
		}, func(p plan, ctx context.Context) error {
			_, err := p.scope.RestoreTask(ctx, p.tasks[1])
			return err
		}, false},
		{"`RestoreGoal`, completed, with two tasks and a goal above", func(p plan, ctx context.Context) error {
			if err := completed(p, ctx); err != nil {
				return err
			}
			_, err := p.scope.DeleteGoal(ctx, p.goals[3])
			return err
		}, func(p plan, ctx context.Context) error {
			_, err := p.scope.RestoreGoal(ctx, planner.RestoreGoalParams{ID: p.goals[3]})
			return err
		}, false},
		{"`UpdateGoal`, the title", nil, func(p plan, ctx context.Context) error {
			_, err := p.scope.UpdateGoal(ctx, planner.UpdateGoalParams{ID: p.goals[3], Title: new("other")})
			return err
		}, false},
		{"`UpdateGoal`, a goal without tasks reaches 100 percent", func(p plan, ctx context.Context) error {
			_, err := p.scope.DeleteTasks(ctx, p.tasks[:])
			return err
		}, func(p plan, ctx context.Context) error {
			_, err := p.scope.UpdateGoal(ctx, planner.UpdateGoalParams{ID: p.goals[3], ProgressPercentage: new(100.0)})
			return err
		}, false},
		{"`CreateGoal` under completed goals", completed, func(p plan, ctx context.Context) error {
			_, err := p.scope.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal", ParentGoalID: &p.goals[3]})
			return err
		}, false},
		{"`CompleteGoal`, with open tasks, the only sub-goal", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.CompleteGoal(ctx, planner.CompleteGoalParams{ID: p.goals[3]})
			return err
		}, false},
		{"`MoveTask`, the open one of two, to the goal above", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.MoveTask(ctx, planner.MoveTaskParams{ID: p.tasks[1], ParentGoalID: &p.goals[2]})
			return err
		}, false},
		{"`MoveGoal`, two levels up", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.MoveGoal(ctx, planner.MoveGoalParams{ID: p.goals[3], ParentGoalID: &p.goals[1]})
			return err
		}, false},
		{"`CreateTasks`, three tasks, one of them completed", nil, func(p plan, ctx context.Context) error {
			_, err := p.scope.CreateTasks(ctx, planner.CreateTasksParams{
				{Title: "task", ParentGoalID: &p.goals[3]}, {Title: "task", ParentGoalID: &p.goals[3]}, {Title: "task", ParentGoalID: &p.goals[3], Status: planner.TaskCompleted},
			})
			return err
		}, false},
		{"`SetTaskStatuses`, all tasks under a goal", nil, completed, false},
		{"`RollUpAll` that finds nothing", half, func(p plan, ctx context.Context) error {
			changed, err := p.scope.RollUpAll(ctx)
			if len(changed) > 0 {
				return fmt.Errorf("it finds %v", changed)
			}
			return err
		}, false},
		{"`RollUpAll` that finds two completed tasks unseen by triggers", func(p plan, ctx context.Context) error {
			return run(ctx, fmt.Sprintf(`ALTER TABLE public.tasks DISABLE TRIGGER USER;
				UPDATE public.tasks SET status = 'completed', completed_at = now() WHERE user_id = %d;
				ALTER TABLE public.tasks ENABLE TRIGGER USER`, p.user))
		}, func(p plan, ctx context.Context) error {
			_, err := p.scope.RollUpAll(ctx)
			return err
		}, false},
		{"`UPDATE public.tasks` through `DBTX`", nil, func(p plan, ctx context.Context) error {
			_, err := p.scope.DBTX().Exec(ctx, "UPDATE public.tasks SET priority = 1")
			return err
		}, false},
		{"`InTx` that completes a task and reopens it", nil, func(p plan, ctx context.Context) error {
			return p.scope.InTx(ctx, func(tx *bizydb.Tx) error {
				_, err := tx.CompleteTask(ctx, planner.CompleteTaskParams{ID: p.tasks[0]})
				if err == nil {
					_, err = tx.ReopenTask(ctx, planner.ReopenTaskParams{ID: p.tasks[0]})
				}
				return err
			})
		}, false},
		{"`InTx` that completes a task and returns an error", nil, func(p plan, ctx context.Context) error {
			err := p.scope.InTx(ctx, func(tx *bizydb.Tx) error {
				if _, err := tx.CompleteTask(ctx, planner.CompleteTaskParams{ID: p.tasks[0]}); err != nil {
					return err
				}
				return errRollBack
			})
			if !errors.Is(err, errRollBack) {
				return err
			}
			return nil
		}, false},
		{"`CompleteTask`, rolled back by a serialization failure and retried", func(_ plan, ctx context.Context) error {
			return run(ctx, `
				CREATE SEQUENCE app.attempts;
				CREATE FUNCTION app.lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
				BEGIN
				  IF nextval('app.attempts') = 1 THEN
				    RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure';
				  END IF;
				  RETURN NULL;
				END
				$$;
				CREATE TRIGGER x_zz_lose AFTER UPDATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION app.lose()`)
		}, func(p plan, ctx context.Context) error {
			_, err := p.scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: p.tasks[0]})
			return errors.Join(err, run(ctx, "DROP TRIGGER x_zz_lose ON public.tasks"))
		}, false},
		{name: "Imports"},
		{"`sqliteimport.Import`: a completed goal with a completed task, an open one and an active sub-goal", func(p plan, ctx context.Context) error {
			return nil
		}, func(p plan, ctx context.Context) error {
			path := filepath.Join(t.TempDir(), "tasks.db")
			if err := writePlannerFile(ctx, path); err != nil {
				return err
			}
			_, err := sqliteimport.Import(ctx, made.DB, p.user, path, sqliteimport.Options{})
			return err
		}, false},
		{"`userdata.Import`: a completed goal above three active ones, a completed task and an open one", func(p plan, ctx context.Context) error {
			_, err := p.scope.CompleteGoal(ctx, planner.CompleteGoalParams{ID: p.goals[0]})
			return errors.Join(err, half(p, ctx))
		}, importAgain, false},
		{"`userdata.Import`: a goal reopened with all of its work done", func(p plan, ctx context.Context) error {
			_, err := p.scope.DeleteGoal(ctx, p.goals[2]) // the lowest stays alone
			done := completed(p, ctx)
			_, reopened := p.scope.ReopenGoal(ctx, planner.ReopenGoalParams{ID: p.goals[3]})
			return errors.Join(err, done, reopened)
		}, importAgain, false},
		{name: "Deletions"},
		{"`DeleteTasks`, the open ones under a goal", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.DeleteTasks(ctx, planner.TaskIDs{p.tasks[1]})
			return err
		}, false},
		{"`DeleteTask`, another task depends on it", func(p plan, ctx context.Context) error {
			_, err := p.scope.UpdateTask(ctx, planner.UpdateTaskParams{ID: p.tasks[1], Dependencies: planner.TaskIDs{p.tasks[0]}})
			return err
		}, func(p plan, ctx context.Context) error {
			_, err := p.scope.DeleteTask(ctx, p.tasks[0])
			return err
		}, false},
		{"`DeleteGoal` with two tasks", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.DeleteGoal(ctx, p.goals[3])
			return err
		}, true},
		{"`DeleteGoal` with a sub-goal", half, func(p plan, ctx context.Context) error {
			_, err := p.scope.DeleteGoal(ctx, p.goals[1])
			return err
		}, true},
		{"`Accounts().Delete`, half of the tasks completed", half, func(p plan, ctx context.Context) error {
			_, err := made.Accounts().Delete(ctx, p.user)
			return err
		}, false},
		{"`DELETE FROM public.users` by the owner, half of the tasks completed", half, func(p plan, ctx context.Context) error {
			return run(ctx, "DELETE FROM public.users WHERE id = $1", p.user)
		}, false},
		{name: "Outside a scope"},
		{"`UPDATE public.tasks SET status = 'completed'` by the owner, outside a scope", half, func(p plan, ctx context.Context) error {
			return run(ctx, "UPDATE public.tasks SET status = 'completed' WHERE id = $1", p.tasks[1])
		}, false},
		{"`TRUNCATE public.tasks` by the owner", half, func(p plan, ctx context.Context) error {
			return run(ctx, "TRUNCATE public.tasks")
		}, false},
	}

	var table strings.Builder
	left := 0
	for _, operation := range operations {
		if operation.do == nil {
			fmt.Fprintf(&table, "\n### %s\n\n| operation | statement | rows | changed, besides `updated_at`, `version` and `completed_at` | as | user |\n|---|---|---|---|---|---|\n", operation.name)
			continue
		}
		left++
		t.Run(operation.name, func(t *testing.T) {
			ctx := t.Context()
			p := newPlan(t, made)
			if operation.before != nil {
				if err := operation.before(p, ctx); err != nil {
					t.Fatalf("before: %v", err)
				}
			}
			if err := run(ctx, "DELETE FROM app.seen"); err != nil {
				t.Fatal(err)
			}
			if err := operation.do(p, ctx); err != nil {
				t.Fatal(err)
			}
			lines := seen(t, owner, p.user, version, operation.byKey)
			if len(lines) == 0 {
				lines = []string{"none | | | |"}
			}
			name := operation.name
			for _, line := range lines {
				fmt.Fprintf(&table, "| %s | %s\n", name, line)
				name = ""
			}
			if err := run(ctx, "DELETE FROM public.users WHERE id = $1", p.user); err != nil {
				t.Fatal(err)
			}
			left--
		})
	}
	if left > 0 { // failed or not selected
		return
	}

	const page = "../docs/reacting.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "<!-- seen: go test -run TestTriggersSee ./bizydb -update -->\n")
	_, after, ok := strings.Cut(rest, "<!-- /seen -->")
	if !ok {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + "<!-- seen: go test -run TestTriggersSee ./bizydb -update -->\n" + table.String() + "\n<!-- /seen -->" + after
	switch {
	case *update:
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != string(text):
		documented := strings.Split(rest, "\n")
		for i, line := range strings.Split(table.String(), "\n") {
			if line != "" && (i >= len(documented) || documented[i] != line) {
				t.Errorf("%s has another line %d than\n%s", page, i+1, line)
			}
		}
		if !t.Failed() {
			t.Errorf("%s has more lines than\n%s", page, table.String())
		}
	}
}

var errRollBack = errors.New("roll back")

func newPlan(t *testing.T, made *bizydbtest.Database) plan {
	t.Helper()
	p := plan{user: made.NewUser(t)}
	p.scope = made.As(p.user)
	var parent *planner.GoalID
	for i := range p.goals {
		goal, err := p.scope.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", ParentGoalID: parent})
		if err != nil {
			t.Fatal(err)
		}
		p.goals[i], parent = goal.ID, &goal.ID
	}
	for i := range p.tasks {
		task, err := p.scope.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task", ParentGoalID: parent})
		if err != nil {
			t.Fatal(err)
		}
		p.tasks[i] = task.ID
	}
	return p
}

// seen renders what triggers have seen, rows of one statement that look alike on one line.
func seen(t *testing.T, owner *pgx.Conn, user bizydb.UserID, version int, byKey bool) []string {
	t.Helper()
	type event struct {
		Table, Op, Level, Changed, Role, Path, User string
		Rows                                        *int
	}
	// Rows of one statement come in unspecified order.
	rows, _ := owner.Query(t.Context(), `
		WITH run AS (
		  SELECT *, lag(concat(level, "table", op, role, path), 1, '') OVER (ORDER BY id) <> concat(level, "table", op, role, path) AS first FROM app.seen
		), block AS (
		  SELECT *, sum(first::int) OVER (ORDER BY id) AS block FROM run
		)
		SELECT "table", op, level, coalesce(changed, '') AS changed, CASE role WHEN 'bizydb_user' THEN '`+"`bizydb_user`"+`' WHEN session_user THEN 'the owner' ELSE role END AS role, path,
		  CASE user_id WHEN $1 THEN 'set' ELSE coalesce(user_id::text, 'NULL') END AS "user", CASE WHEN level = 'row' THEN count(*) ELSE min(rows) END::int AS rows
		FROM block GROUP BY block, CASE level WHEN 'statement' THEN id END, "table", op, level, changed, role, path, user_id
		ORDER BY block, min(id) * (level = 'statement')::int, changed COLLATE "C"`, user)
	events, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[event])
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		// Which role the triggers of a foreign key's statement have depends on the server.
		if e.Path == "pg_catalog, pg_temp" {
			if e.Role != "the owner" {
				t.Errorf("%+v: with the search_path of bizydb's functions as %s", e, e.Role)
			}
			e.Role = "bizydb"
		} else if byKey && e.Op == "UPDATE" {
			want := "`bizydb_user`"
			if version >= 18 {
				want = "the owner"
			}
			if e.Role != want {
				t.Errorf("%+v: a foreign key's statement on PostgreSQL %d as %s, want %s", e, version, e.Role, want)
			}
			e.Role = "`bizydb_user`; 18: the owner"
		}
		count := ""
		if e.Rows != nil {
			count = fmt.Sprint(*e.Rows)
		}
		if e.Level == "statement" {
			e.Changed = "*after the statement*"
		}
		lines = append(lines, fmt.Sprintf("`%s` %s | %s | %s | %s | %s |", e.Table, e.Op, count, strings.ReplaceAll(e.Changed, "progress_percentage", "progress"), e.Role, e.User))
	}
	return lines
}

// writePlannerFile makes a file for sqliteimport.
func writePlannerFile(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `
		CREATE TABLE goals (id INTEGER PRIMARY KEY, title TEXT, description TEXT, horizon TEXT, target_date DATETIME, status TEXT,
		  progress_percentage FLOAT, success_criteria TEXT, parent_goal_id INTEGER, created_at DATETIME, updated_at DATETIME, metrics JSON);
		CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, description TEXT, priority INTEGER, status TEXT, category TEXT,
		  estimated_hours FLOAT, actual_hours FLOAT, due_date DATETIME, created_at DATETIME, completed_at DATETIME, parent_goal_id INTEGER,
		  dependencies JSON, notes TEXT, tags JSON);
		INSERT INTO goals (id, title, status, parent_goal_id, created_at, updated_at) VALUES
		  (1, 'goal', 'completed', NULL, '2025-01-01 10:00:00', '2025-01-02 10:00:00'),
		  (2, 'goal', 'active', 1, '2025-01-01 10:00:00', '2025-01-02 10:00:00');
		INSERT INTO tasks (id, title, status, parent_goal_id, created_at, completed_at) VALUES
		  (1, 'task', 'completed', 1, '2025-01-01 10:00:00', '2025-01-02 10:00:00'),
		  (2, 'task', 'pending', 1, '2025-01-01 10:00:00', NULL)`)
	return err
}

// ownTriggers is made of functions as docs/reacting.md asks for them, and triggers.
func ownTriggers(body, triggers string) string {
	return fmt.Sprintf(`
		CREATE SCHEMA IF NOT EXISTS app;
		CREATE TABLE IF NOT EXISTS app.fired (id bigint GENERATED ALWAYS AS IDENTITY, what text);
		CREATE FUNCTION app.react() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
		BEGIN %s END $$;
		REVOKE ALL ON FUNCTION app.react() FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
		%s`, body, triggers)
}

func fired(t *testing.T, made *bizydbtest.Database) string {
	t.Helper()
	return ownerQuery[string](t, made, "SELECT coalesce(string_agg(what || ' ' || n, ', ' ORDER BY what COLLATE \"C\"), '') FROM (SELECT what, count(*) AS n FROM app.fired GROUP BY what) AS f")
}

// UPDATE OF goes by the columns that a statement names, and not by those that change: WHEN does.
func TestUpdateOfIsNotWhatChanges(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, ownTriggers("INSERT INTO app.fired (what) VALUES (TG_NAME); RETURN NULL;", `
		CREATE TRIGGER x_of_updated_at AFTER UPDATE OF updated_at ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_of_progress AFTER UPDATE OF progress_percentage ON public.goals FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_of_title AFTER UPDATE OF title ON public.goals FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_when_updated_at AFTER UPDATE ON public.tasks FOR EACH ROW WHEN (OLD.updated_at IS DISTINCT FROM NEW.updated_at) EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_when_progress AFTER UPDATE ON public.goals FOR EACH ROW WHEN (OLD.progress_percentage IS DISTINCT FROM NEW.progress_percentage) EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_when_title AFTER UPDATE ON public.goals FOR EACH ROW WHEN (OLD.title IS DISTINCT FROM NEW.title) EXECUTE FUNCTION app.react()`))
	p := newPlan(t, made)
	asOwner(t, made, "TRUNCATE app.fired")
	if err := p.setStatuses(t.Context(), planner.TaskCompleted, p.tasks[:]...); err != nil {
		t.Fatal(err)
	}
	if _, err := p.scope.UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: p.goals[0], Horizon: new(planner.Weekly)}); err != nil {
		t.Fatal(err)
	}
	// UpdateGoal names the title, and the percentage, and changes neither.
	if got, want := fired(t, made), "x_of_progress 1, x_of_title 1, x_when_progress 4, x_when_updated_at 2"; got != want {
		t.Errorf("fired: %s, want %s", got, want)
	}
}

// A name that sorts behind those of bizydb's triggers, which begin with goals_ and tasks_, sees what they have set and counted.
func TestTriggersFireInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, ownTriggers(`
		INSERT INTO app.fired (what) VALUES (format('%s: date %s, percentage %s;', TG_NAME, CASE WHEN NEW.completed_at IS NULL THEN 'missing' ELSE 'set' END,
		  (SELECT progress_percentage FROM public.goals g WHERE g.user_id = NEW.user_id AND g.id = NEW.parent_goal_id)));
		RETURN NEW;`, `
		CREATE TRIGGER a_row BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_row BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_row_after AFTER UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE FUNCTION app.react_statement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
		BEGIN
		  INSERT INTO app.fired (what) SELECT format('%s: percentage %s;', TG_NAME, min(progress_percentage)) FROM public.goals;
		  RETURN NULL;
		END
		$$;
		CREATE TRIGGER a_statement AFTER UPDATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION app.react_statement();
		CREATE TRIGGER x_statement AFTER UPDATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION app.react_statement()`))
	p := newPlan(t, made)
	if _, err := p.scope.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: p.tasks[0]}); err != nil {
		t.Fatal(err)
	}
	want := "a_row: date missing, percentage 0; x_row: date set, percentage 0; x_row_after: date set, percentage 0; a_statement: percentage 0; x_statement: percentage 50;"
	if got := ownerQuery[string](t, made, "SELECT string_agg(what, ' ' ORDER BY id) FROM app.fired"); got != want {
		t.Errorf("fired:\n%s, want\n%s", got, want)
	}
}

// What a service's trigger refuses is an error of the call, in every form of it, and nothing is written.
func TestTriggersThatRefuse(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, ownTriggers(`
		IF NEW.title = 'by code' THEN
		  RAISE EXCEPTION 'no title like that' USING ERRCODE = 'AP001';
		ELSIF NEW.title = 'by constraint' THEN
		  RAISE EXCEPTION 'no title like that' USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, COLUMN = 'title', CONSTRAINT = 'ck_app_title';
		END IF;
		RETURN NEW;`, `
		CREATE TRIGGER x_refuse BEFORE INSERT OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.react();
		CREATE TRIGGER x_refuse BEFORE INSERT OR UPDATE ON public.goals FOR EACH ROW EXECUTE FUNCTION app.react()`))
	db, err := bizydb.Open(t.Context(), made.DSN, bizydb.WithConstraints(map[string]bizydb.Constraint{"ck_app_title": {Table: "tasks", Column: "title", Reason: "must be another"}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	p := newPlan(t, made)
	scope := db.As(p.user)
	ctx := t.Context()
	for name, call := range map[string]func(title string) error{
		"CreateTask": func(title string) error {
			_, err := scope.CreateTask(ctx, planner.CreateTaskParams{Title: title})
			return err
		},
		"CreateTasks": func(title string) error {
			_, err := scope.CreateTasks(ctx, planner.CreateTasksParams{{Title: "good"}, {Title: title}})
			return err
		},
		"UpdateGoal": func(title string) error {
			_, err := scope.UpdateGoal(ctx, planner.UpdateGoalParams{ID: p.goals[0], Title: &title})
			return err
		},
		"InTx": func(title string) error {
			return scope.InTx(ctx, func(tx *bizydb.Tx) error {
				_, err := tx.UpdateTask(ctx, planner.UpdateTaskParams{ID: p.tasks[0], Title: &title})
				return err
			})
		},
		"DBTX": func(title string) error {
			_, err := scope.DBTX().Exec(ctx, "UPDATE public.tasks SET title = $1", title)
			return err
		},
	} {
		if err := call("by code"); sqlState(err) != "AP001" || errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%s: %v, want SQLSTATE AP001", name, err)
		}
		var field *bizydb.FieldError
		if err := call("by constraint"); !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column != "title" || field.Reason != "must be another" {
			t.Errorf("%s: %v, want ErrInvalid of the title", name, err)
		}
	}
	if n := ownerQuery[int](t, made, "SELECT count(*) FROM public.tasks WHERE title <> 'task'"); n != 0 {
		t.Errorf("%d tasks are written", n)
	}
}

// A BEFORE trigger changes a text, and the call returns it.
func TestTriggersThatChangeATitle(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, ownTriggers("NEW.title := initcap(NEW.title); RETURN NEW;", "CREATE TRIGGER x_title BEFORE INSERT OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.react()"))
	task, err := made.As(made.NewUser(t)).CreateTask(t.Context(), planner.CreateTaskParams{Title: "call mother"})
	if err != nil || task.Title != "Call Mother" {
		t.Errorf("%q, %v", task.Title, err)
	}
}

// A BEFORE trigger that changes or drops what a roll-up writes breaks progress. RollUpAll finds it, and mends it once the trigger has gone.
func TestTriggersThatBreakProgress(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"changes": "NEW.progress_percentage := 42; RETURN NEW;",
		"drops":   "RETURN NULL;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t)
			p := newPlan(t, made)
			asOwner(t, made, ownTriggers(body, "CREATE TRIGGER x_break BEFORE UPDATE ON public.goals FOR EACH ROW EXECUTE FUNCTION app.react()"))
			if err := p.setStatuses(t.Context(), planner.TaskCompleted, p.tasks[0]); err != nil {
				t.Fatal(err)
			}
			asOwner(t, made, "DROP TRIGGER x_break ON public.goals")
			if changed, err := p.scope.RollUpAll(t.Context()); err != nil || len(changed) != len(p.goals) {
				t.Errorf("%v, %v, want all goals", changed, err)
			}
			if goal, err := p.scope.GetGoal(t.Context(), p.goals[0]); err != nil || goal.ProgressPercentage != 50 {
				t.Errorf("%v, %v, want 50 percent", goal, err)
			}
		})
	}
}

// An AFTER trigger writes goals and tasks of the same user, in a roll-up and outside of a scope too, and progress follows.
func TestTriggersThatWrite(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, ownTriggers(`
		INSERT INTO public.tasks (user_id, title, parent_goal_id) VALUES (NEW.user_id, 'follow up', CASE WHEN NEW.parent_goal_id IS NULL THEN NEW.id END);
		RETURN NULL;`, "CREATE TRIGGER x_follow_up AFTER UPDATE ON public.goals FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status <> 'completed') EXECUTE FUNCTION app.react()"))
	for name, complete := range map[string]func(p plan) error{
		"in a scope": func(p plan) error { return p.setStatuses(t.Context(), planner.TaskCompleted, p.tasks[:]...) },
		"outside of it": func(p plan) error {
			asOwner(t, made, fmt.Sprintf("UPDATE public.tasks SET status = 'completed' WHERE user_id = %d", p.user))
			return nil
		},
		"by its own state": func(p plan) error {
			_, err := p.scope.CompleteGoal(t.Context(), planner.CompleteGoalParams{ID: p.goals[3]})
			return err
		},
	} {
		p := newPlan(t, made)
		if err := complete(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// A follow-up under the root, which is new work and reopens it, and one for each of the others.
		tasks := ownerQuery[int](t, made, "SELECT count(*) FROM public.tasks WHERE user_id = $1 AND title = 'follow up'", p.user)
		root, err := p.scope.GetGoal(t.Context(), p.goals[0])
		if err != nil || tasks != 4 || root.Status != planner.GoalActive || root.ProgressPercentage != 50 {
			t.Errorf("%s: %d follow-ups, the root %+v, %v", name, tasks, root, err)
		}
		if changed, err := p.scope.RollUpAll(t.Context()); err != nil || len(changed) > 0 {
			t.Errorf("%s: counted anew these differ: %v, %v", name, changed, err)
		}
	}
}
