package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// What comes back is what was deleted, column by column, a service's own among them, whatever the settings of who deletes and who
// restores. Only updated_at is later, and the version goes on.
func TestRestoreOfEveryColumn(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	asOwner(t, db, `
		ALTER TABLE public.goals ADD COLUMN x_early text, ADD COLUMN x_late integer; ALTER TABLE public.tasks ADD COLUMN x_early text, ADD COLUMN x_gone text,
		  ADD COLUMN x_number bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN x_sum double precision, ADD COLUMN x_span interval, ADD COLUMN x_days tstzrange, ADD COLUMN x_bytes bytea[], ADD COLUMN x_price money,
		  ADD COLUMN x_null jsonb, ADD COLUMN x_twice json, ADD COLUMN x_bits bit(3), ADD COLUMN x_chars char(5), ADD COLUMN x_row public.goals, ADD COLUMN x_title text GENERATED ALWAYS AS (upper(title)) STORED`)
	user := db.NewUser(t)
	asOwner(t, db, fmt.Sprintf(`
		INSERT INTO public.goals (id, user_id, title, description, horizon, target_date, status, success_criteria, created_at, updated_at, completed_at, metrics, x_early)
		VALUES (101, %[1]d, ' goal ', 'd', 'weekly', '0001-01-01Z', 'completed', 's', '1900-01-01 00:00:00.000001Z', '1901-01-01Z', '9999-12-31 23:59:59.999999Z', '{"a": [1.50, null]}', 'é''"');
		INSERT INTO public.tasks (id, user_id, title, description, priority, status, blocked_reason, category, estimated_hours, actual_hours, due_date, due_all_day, created_at, updated_at, notes, tags, x_early, x_gone, x_sum, x_span, x_days, x_bytes, x_price, x_null, x_twice, x_bits, x_chars, x_row)
		VALUES (102, %[1]d, ' task ', E'd\n', 5, 'blocked', 'b', 'c', 0.1::float8 + 0.2, 1e-300, '2024-02-29Z', true, '1900-01-01Z', '1901-01-01Z', 'n', '["b", "a", "b"]', 'e', 'g', 0.1::float8 + 0.2, '-1 year 2 days -3 hours',
		  '[2026-02-03 04:05:06Z,)', ARRAY['\x00ff'::bytea], 12.5, 'null', '{"a": 1, "a": 2}', B'101', 'abc', (SELECT g FROM public.goals g));
		UPDATE public.tasks SET parent_goal_id = 101 WHERE id = 102;
		UPDATE public.goals SET status = 'completed' WHERE id = 101`, user))
	const rows = "SELECT t.x_twice || (to_jsonb(g) - 'updated_at' - 'roll_up_count' - 'version')::text || (to_jsonb(t) - 'updated_at' - 'version' - 'x_gone' - 'x_new')::text FROM public.goals g, public.tasks t"
	before := ownerQuery[string](t, db, rows)
	scope := db.As(user)

	plainly := func(sql ...string) {
		t.Helper()
		tx := begin(t, db.Pool())
		exec(t, tx, enterSQL, fmt.Sprint(user))
		exec(t, tx, "SET LOCAL extra_float_digits = 0; SET LOCAL intervalstyle = sql_standard; SET LOCAL timezone = 'Asia/Kathmandu'; SET LOCAL datestyle = 'SQL, DMY'; SET LOCAL bytea_output = 'escape'")
		for _, s := range sql {
			exec(t, tx, s)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	plainly("DELETE FROM public.goals", "DELETE FROM public.tasks")
	asOwner(t, db, "ALTER TABLE public.tasks DROP COLUMN x_gone, ADD COLUMN x_new text NOT NULL DEFAULT 'new'")
	plainly("SELECT bizydb.restore_goal(101, true)")
	if diff := cmp.Diff(before, ownerQuery[string](t, db, rows)); diff != "" {
		t.Errorf("-before +restored:\n%s", diff)
	}
	if got := ownerQuery[string](t, db, "SELECT x_new FROM public.tasks"); got != "new" {
		t.Errorf("a column that came later is %q", got)
	}

	task, err := scope.GetTask(t.Context(), 102)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := scope.DeleteTask(t.Context(), 102)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := scope.RestoreTask(t.Context(), 102)
	if err != nil || !restored.Task.UpdatedAt.After(deleted.UpdatedAt) || restored.Task.Version != deleted.Version+1 {
		t.Fatal(restored, err)
	}
	if stored, err := scope.GetTask(t.Context(), 102); err != nil || !cmp.Equal(restored.Task, stored) {
		t.Errorf("%v, -stored +returned:\n%s", err, cmp.Diff(stored, restored.Task))
	}
	task.UpdatedAt, task.Version = restored.Task.UpdatedAt, restored.Task.Version
	if diff := cmp.Diff(task, restored.Task); diff != "" {
		t.Errorf("-before +restored:\n%s", diff)
	}
}

// A service's triggers see that a row is being restored, and of no other, whatever the restore does to it.
func TestRestoresAreMarked(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	scope := db.As(user)
	asOwner(t, db, fmt.Sprintf(`
		INSERT INTO public.goals (id, user_id, title, parent_goal_id) VALUES (1, %[1]d, 'above', NULL), (2, %[1]d, 'restored', 1), (3, %[1]d, 'restored', 2), (4, %[1]d, 'below', 3);
		INSERT INTO public.tasks (id, user_id, title, parent_goal_id, status, dependencies)
		VALUES (1, %[1]d, 'needed', NULL, 'pending', '[]'), (2, %[1]d, 'restored', 3, 'completed', '[1]'), (3, %[1]d, 'below', 3, 'completed', '[]'), (4, %[1]d, 'waiting', NULL, 'pending', '[2]');
		UPDATE public.goals SET status = 'completed' WHERE id = 4;
		CREATE TABLE public.x_seen (title text, of text, what text);
		CREATE FUNCTION public.x_see() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
		  INSERT INTO public.x_seen VALUES (NEW.title, TG_TABLE_NAME, TG_OP || CASE WHEN bizydb.restoring(TG_TABLE_NAME, NEW.id) THEN ' marked' ELSE '' END);
		  RETURN NULL;
		END $$;
		GRANT INSERT ON public.x_seen TO bizydb_user;
		CREATE TRIGGER x_see AFTER INSERT OR UPDATE ON public.goals FOR EACH ROW EXECUTE FUNCTION public.x_see();
		CREATE TRIGGER x_see AFTER INSERT OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.x_see()`, user))
	err := scope.InTx(t.Context(), func(tx *bizydb.Tx) error {
		return errors.Join(
			second(tx.DeleteTask(t.Context(), 2)),
			second(tx.DeleteGoal(t.Context(), 3)),
			second(tx.DeleteGoal(t.Context(), 2)),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, "TRUNCATE public.x_seen")
	err = scope.InTx(t.Context(), func(tx *bizydb.Tx) error {
		return errors.Join(
			second(tx.RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: 2, Together: true})),
			second(tx.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: 2, Title: new("afterwards")})),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	got := ownerQuery[[]string](t, db, "SELECT array_agg(DISTINCT concat_ws(' ', of, title, what) ORDER BY concat_ws(' ', of, title, what)) FROM public.x_seen")
	want := []string{
		"goals above UPDATE", "goals below UPDATE", "goals restored INSERT marked", "goals restored UPDATE marked",
		"tasks afterwards UPDATE", "tasks below UPDATE", "tasks restored INSERT marked", "tasks waiting UPDATE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := ownerQuery[int](t, db, "SELECT count(*) FROM public.goals g WHERE id IN (1, 2, 3) AND status <> 'completed'"); n != 0 {
		t.Errorf("%d goals are not as the work under them says", n)
	}

	// Nobody learns by it what others have deleted.
	if _, err := scope.DeleteTask(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for as, want := range map[bizydb.UserID]bool{user: true, db.NewUser(t): false} {
		tx := begin(t, db.Pool())
		exec(t, tx, enterSQL, fmt.Sprint(as))
		exec(t, tx, "SET LOCAL bizydb.restoring = 'on'")
		var got bool
		if err := tx.QueryRow(t.Context(), "SELECT bizydb.restoring('tasks', 2)").Scan(&got); err != nil || got != want {
			t.Errorf("%v, %v for user %d", got, err, as)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// What a column of a service's own references can have gone meanwhile. The row comes back without it, if the column may be NULL.
func TestRestoreWithoutWhatHasGone(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	scope := db.As(user)
	asOwner(t, db, fmt.Sprintf(`
		CREATE TABLE public.x_projects (user_id bigint, id bigint, PRIMARY KEY (user_id, id));
		INSERT INTO public.x_projects VALUES (%[1]d, 1), (%[1]d, 2);
		CREATE EXTENSION citext; -- whose equality is not that of its text
		CREATE TABLE public.x_codes (code citext PRIMARY KEY);
		INSERT INTO public.x_codes VALUES ('Abc'), ('Def');
		ALTER TABLE public.goals ADD COLUMN x_project bigint, ADD FOREIGN KEY (user_id, x_project) REFERENCES public.x_projects;
		ALTER TABLE public.tasks ADD COLUMN x_project bigint, ADD COLUMN x_like bigint REFERENCES public.tasks ON DELETE SET NULL, ADD COLUMN x_must bigint, ADD COLUMN x_code citext REFERENCES public.x_codes,
		  ADD FOREIGN KEY (user_id, x_project) REFERENCES public.x_projects, ADD CONSTRAINT x_must_be FOREIGN KEY (user_id, x_must) REFERENCES public.x_projects;
		INSERT INTO public.goals (id, user_id, title, x_project) VALUES (1, %[1]d, 'goal', 1);
		INSERT INTO public.tasks (id, user_id, title, parent_goal_id, dependencies, x_project, x_like, x_code)
		VALUES (1, %[1]d, 'a', 1, '[]', 1, NULL, 'ABC'), (2, %[1]d, 'b', 1, '[1]', 2, 1, 'Def'), (3, %[1]d, 'c', 1, '[2]', NULL, NULL, NULL), (4, %[1]d, 'd', NULL, '[]', 2, NULL, NULL);
		UPDATE public.tasks SET x_like = 5 - id WHERE id IN (1, 2)`, user)) // of 1 the fourth, of 2 the third
	err := scope.InTx(t.Context(), func(tx *bizydb.Tx) error {
		return errors.Join(second(tx.DeleteTasks(t.Context(), planner.TaskIDs{1, 2, 3})), second(tx.DeleteGoal(t.Context(), 1)))
	})
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, "DELETE FROM public.tasks WHERE id = 4; DELETE FROM public.x_projects WHERE id = 1; DELETE FROM public.x_codes WHERE code = 'Def'")
	restored, err := scope.RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: 1, Together: true})
	want := planner.LeftOutLinks{
		{Goal: 1, Column: "x_project", Reason: planner.LinkGone},
		{Task: 2, Column: "x_code", Reason: planner.LinkGone},
		{Task: 1, Column: "x_like", Reason: planner.LinkGone},
		{Task: 1, Column: "x_project", Reason: planner.LinkGone},
	}
	if diff := cmp.Diff(want, restored.LeftOut); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	const rows = "SELECT array_agg(concat_ws(' ', id, dependencies, x_project, x_like, x_code) ORDER BY id) FROM public.tasks"
	if diff := cmp.Diff([]string{"1 [] ABC", "2 [1] 2 3", "3 [2]"}, ownerQuery[[]string](t, db, rows)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	asOwner(t, db, "UPDATE public.tasks SET x_must = 2, x_project = NULL; ALTER TABLE public.tasks ALTER COLUMN x_must SET NOT NULL")
	if _, err := scope.DeleteTasks(t.Context(), planner.TaskIDs{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, "DELETE FROM public.x_projects")
	_, err = scope.RestoreTask(t.Context(), 1)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.ConstraintName != "x_must_be" || !strings.Contains(refused.Detail, "x_must") {
		t.Errorf("%v", err)
	}
}

// Pages of deleted rows meet without a gap, also within one deletion, the last deleted first.
func TestDeletedRowsInPages(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	scope := db.As(db.NewUser(t))
	var want []planner.TaskID
	for range 3 {
		made, err := scope.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "a"}, {Title: "b"}, {Title: "c"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scope.DeleteTasks(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		want = append([]planner.TaskID{made[2], made[1], made[0]}, want...)
	}
	var got []planner.TaskID
	for at := (planner.DeletedTasksParams{Limit: 2, BeforeID: want[0]}); ; { // which counts for nothing without Before
		page, err := scope.DeletedTasks(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, task := range page {
			got = append(got, task.ID)
			if task.DeletedAt.Location() != time.UTC || string(task.Own) != "{}" || task.Tags == nil {
				t.Errorf("%+v", task)
			}
		}
		last := page[len(page)-1]
		at.Before, at.BeforeID = &last.DeletedAt, last.ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A row that is not in the trash is not found, and nothing of the transaction is lost by that.
func TestRestoreOfNothing(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	hers := plantAll(t, alice)
	err := bob.InTx(t.Context(), func(tx *bizydb.Tx) error {
		for what, err := range map[string]error{
			"another's goal":  second(tx.RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: hers.deletedGoal, Together: true})),
			"another's task":  second(tx.RestoreTask(t.Context(), hers.deletedTask)),
			"a live task":     second(tx.RestoreTask(t.Context(), hers.task)),
			"forgetting hers": second(tx.ForgetDeletedTask(t.Context(), hers.deletedTask)),
		} {
			if !errors.Is(err, bizydb.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", what, err)
			}
		}
		return second(tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "goes on"}))
	})
	if err != nil {
		t.Error(err)
	}
}

// The owner's switch holds from the next statement on, on connections that have deleted before, and leaves what is there.
func TestKeepDeleted(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, oneConn)
	user := made.NewUser(t)
	scope := db.As(user)
	for i, keep := range []bool{true, false, true} {
		asOwner(t, made, fmt.Sprintf("SELECT bizydb.keep_deleted(%v)", keep))
		before, err := scope.DeletedTasks(t.Context(), planner.DeletedTasksParams{})
		if err != nil {
			t.Fatal(err)
		}
		for range 7 { // a plan for any values is made by then
			task, err := scope.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := scope.DeleteTask(t.Context(), task.ID); err != nil {
				t.Fatal(err)
			}
		}
		after, err := scope.DeletedTasks(t.Context(), planner.DeletedTasksParams{})
		want := len(before)
		if keep {
			want += 7
		}
		if err != nil || len(after) != want {
			t.Errorf("step %d: %d deleted tasks, want %d, %v", i, len(after), want, err)
		}
		if again, err := bizydb.Open(t.Context(), made.DSN); err != nil { // nothing that Open minds
			t.Error(err)
		} else {
			again.Close()
		}
	}
	if _, err := ownerPool(t, made).Exec(t.Context(), "SELECT bizydb.keep_deleted(NULL)"); sqlState(err) != pgerrcode.NullValueNotAllowedDataException {
		t.Errorf("NULL: %v, want an error", err)
	}
	tx := begin(t, made.Pool())
	exec(t, tx, enterSQL, fmt.Sprint(user))
	if _, err := tx.Exec(t.Context(), "SELECT bizydb.keep_deleted(false)"); sqlState(err) != pgerrcode.InsufficientPrivilege {
		t.Errorf("in a scope: %v, want permission denied", err)
	}
}

// What is deleted is forgotten with its user, by the time, and by hand, and not by what a client sets.
func TestForgetDeleted(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	left := func() string {
		return ownerQuery[string](t, db, "SELECT (SELECT count(*) FROM bizydb.deleted_goals) || ' ' || (SELECT count(*) FROM bizydb.deleted_tasks)")
	}
	var users []bizydb.UserID
	for range 4 {
		user := db.NewUser(t)
		plantAll(t, db.As(user))
		users = append(users, user)
	}
	if got := left(); got != "4 4" {
		t.Fatalf("%s deleted, want 4 4", got)
	}
	if _, err := db.Accounts().Delete(t.Context(), users[0]); err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, fmt.Sprintf("DELETE FROM public.users WHERE id = %d", users[1]))
	if got := left(); got != "2 2" {
		t.Errorf("%s deleted after two users are gone, want 2 2", got)
	}
	another := db.NewUser(t)
	tx := begin(t, db.Pool())
	exec(t, tx, enterSQL, fmt.Sprint(another))
	exec(t, tx, fmt.Sprintf("SET LOCAL bizydb.deletes_user = %d", users[2]))
	exec(t, tx, "INSERT INTO public.tasks (title) VALUES ('task'); INSERT INTO public.goals (title) VALUES ('goal')")
	exec(t, tx, "DELETE FROM public.tasks; DELETE FROM public.goals")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "3 3" {
		t.Errorf("%s deleted, want 3 3", got)
	}
	asOwner(t, db, fmt.Sprintf("UPDATE public.users SET id = 1000000 WHERE id = %d", another))
	if got := left(); got != "2 2" {
		t.Errorf("%s deleted after an id is another, want 2 2", got)
	}
	asOwner(t, db, "UPDATE bizydb.deleted_tasks SET deleted_at = now() - interval '31 days'; INSERT INTO bizydb.deleted_tasks SELECT d.* FROM bizydb.deleted_tasks t, generate_series(1, 12000) n, jsonb_populate_record(t, jsonb_build_object('id', 1000000 * t.id + n, 'user_id', CASE WHEN n > 1 THEN t.user_id ELSE 0 END)) d")
	if _, err := db.Accounts().ForgetDeleted(t.Context(), -time.Second); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("a duration below 0: %v, want ErrInvalid", err)
	}
	locked := begin(t, ownerPool(t, db)) // as a restore does
	exec(t, locked, "SELECT FROM bizydb.deleted_tasks ORDER BY deleted_at LIMIT 1 FOR UPDATE")
	if sum, err := db.Accounts().ForgetDeleted(t.Context(), 30*24*time.Hour); err != nil || sum != (bizydb.DeleteResult{Tasks: 24001}) {
		t.Errorf("%+v, %v", sum, err)
	}
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sum, err := db.Accounts().ForgetDeleted(t.Context(), 30*24*time.Hour); err != nil || sum != (bizydb.DeleteResult{Tasks: 1}) {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := left(); got != "2 0" {
		t.Errorf("%s deleted, want 2 0", got)
	}
	// A link whose ends were forgotten by two at once, and a deletion that does not see all of the user's.
	asOwner(t, db, fmt.Sprintf("INSERT INTO bizydb.deleted_links VALUES (%d, 'dependency', 1000001, 1000002, 1)", users[2]))
	if _, err := db.Accounts().ForgetDeleted(t.Context(), 30*24*time.Hour); err != nil || ownerQuery[int](t, db, "SELECT count(*) FROM bizydb.deleted_links") != 0 {
		t.Errorf("%v, or a link of nothing is left", err)
	}
	err := pgx.BeginTxFunc(t.Context(), ownerPool(t, db), pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM public.users WHERE id = $1", users[2])
		return err
	})
	if sqlState(err) != pgerrcode.InvalidTransactionState {
		t.Errorf("a user deleted at repeatable read: %v", err)
	}
	if sum, err := db.As(users[2]).ForgetDeleted(t.Context(), time.Now().Add(time.Minute)); err != nil || sum != (planner.ForgetDeletedRow{Goals: 1}) {
		t.Errorf("%+v, %v", sum, err)
	}
	plantAll(t, db.As(users[3]))
	asOwner(t, db, "TRUNCATE public.tasks")
	if got := left(); got != "2 0" {
		t.Errorf("%s deleted, want 2 0", got)
	}
	asOwner(t, db, "TRUNCATE public.users CASCADE")
	if got := left(); got != "0 0" {
		t.Errorf("%s deleted, want 0 0", got)
	}
}

// A row that somebody has put back by hand, out of a backup, can be deleted again.
func TestDeletedAgain(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	at := plantAll(t, db.As(user))
	asOwner(t, db, fmt.Sprintf("INSERT INTO public.goals (id, user_id, title) VALUES (%d, %d, 'again'); INSERT INTO public.tasks (id, user_id, title) VALUES (%d, %d, 'again')", at.deletedGoal, user, at.deletedTask, user))
	if _, err := db.As(user).DeleteGoal(t.Context(), at.deletedGoal); err != nil {
		t.Error(err)
	}
	if _, err := db.As(user).DeleteTask(t.Context(), at.deletedTask); err != nil {
		t.Error(err)
	}
	restored, err := db.As(user).RestoreTask(t.Context(), at.deletedTask)
	if err != nil || restored.Task.Title != "again" {
		t.Errorf("%+v, %v", restored, err)
	}

	// Two users' rows go in one statement, among them one of a user who keeps nothing, and each gets back what was linked.
	other, leaving := db.As(db.NewUser(t)), db.NewUser(t)
	hers := plantAll(t, other)
	plantAll(t, db.As(leaving))
	asOwner(t, db, fmt.Sprintf("SET bizydb.deletes_user = %d; DELETE FROM public.tasks WHERE id <> ALL ('{%d, %d}'); RESET bizydb.deletes_user", leaving, at.waiting, hers.waiting))
	for _, u := range []struct {
		scope bizydb.Scope
		at    things
	}{{db.As(user), at}, {other, hers}} {
		if _, err := u.scope.RestoreTask(t.Context(), u.at.task); err != nil {
			t.Error(err)
		}
		if got, err := u.scope.GetTask(t.Context(), u.at.waiting); err != nil || !slices.Equal(got.Dependencies, planner.TaskIDs{u.at.task}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if n := ownerQuery[int](t, db, fmt.Sprintf("SELECT count(*) FROM bizydb.deleted_tasks WHERE user_id = %d", leaving)); n != 1 {
		t.Errorf("%d tasks are kept of a user who is being deleted, want the one of before", n)
	}

	// The id of one belongs to another user's row by now: nothing is restored, and nothing lost.
	if _, err := db.As(user).DeleteTask(t.Context(), at.waiting); err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, fmt.Sprintf("INSERT INTO public.tasks (id, user_id, title) VALUES (%d, %d, 'taken'); INSERT INTO public.goals (id, user_id, title) VALUES (%d, %[2]d, 'taken')", at.waiting, leaving, at.deletedGoal))
	if _, err := db.As(user).RestoreTask(t.Context(), at.waiting); !errors.Is(err, bizydb.ErrConflict) {
		t.Errorf("a task's id is taken: %v, want ErrConflict", err)
	}
	if _, err := db.As(user).RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: at.deletedGoal, Together: true}); !errors.Is(err, bizydb.ErrConflict) {
		t.Errorf("a goal's id is taken: %v, want ErrConflict", err)
	}
	asOwner(t, db, fmt.Sprintf("DELETE FROM public.users WHERE id = %d", leaving))
	if restored, err := db.As(user).RestoreTask(t.Context(), at.waiting); err != nil || !slices.Equal(restored.Task.Dependencies, planner.TaskIDs{at.task}) {
		t.Errorf("%+v, %v", restored, err)
	}
}

// A row that was put back by hand as another user's and deleted again is that user's: where it was last is what counts. Nothing is left of
// it with the first one.
func TestDeletedAgainByAnotherUser(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	first, second := db.As(db.NewUser(t)), db.NewUser(t)
	at := plantAll(t, first)
	asOwner(t, db, fmt.Sprintf("INSERT INTO public.goals (id, user_id, title) VALUES (%d, %d, 'hers'); INSERT INTO public.tasks (id, user_id, title) VALUES (%d, %[2]d, 'hers')", at.deletedGoal, second, at.deletedTask))
	scope := db.As(second)
	if _, err := scope.DeleteGoal(t.Context(), at.deletedGoal); err != nil {
		t.Fatal(err)
	}
	if _, err := scope.DeleteTask(t.Context(), at.deletedTask); err != nil {
		t.Fatal(err)
	}
	if _, err := first.RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: at.deletedGoal}); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("the first user's goal: %v, want ErrNotFound", err)
	}
	if _, err := first.RestoreTask(t.Context(), at.deletedTask); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("the first user's task: %v, want ErrNotFound", err)
	}
	if restored, err := scope.RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: at.deletedGoal}); err != nil || restored.Goal.Title != "hers" {
		t.Errorf("%+v, %v", restored, err)
	}
	if restored, err := scope.RestoreTask(t.Context(), at.deletedTask); err != nil || restored.Task.Title != "hers" {
		t.Errorf("%+v, %v", restored, err)
	}
}

// Sixteen writers delete, restore, move and link at the same time, a quarter of them as plain clients. Nothing has drifted afterwards,
// no goal is above itself, and every link has two ends.
//
//	go test -run TrashUnderWriters ./bizydb -racefor 60s
func TestTrashUnderWriters(t *testing.T) {
	t.Parallel()
	const size = 16
	made := bizydbtest.New(t)
	db := open(t, made.DSN, func(c *pgxpool.Config) { c.MaxConns = size })
	asOwner(t, made, fmt.Sprintf("ALTER DATABASE %s SET deadlock_timeout = '20ms'", parseConfig(t, made.DSN).ConnConfig.Database))
	made.Pool().Reset()
	user := made.NewUser(t)
	plantDeep(t, db.As(user), 6, 60)
	var restored atomic.Int64
	done, lost := writers{
		n: size, plain: size / 4, atLeast: *raceFor, seed: 21,
		expected: []error{bizydb.ErrNotFound, bizydb.ErrUnknownReference, bizydb.ErrConflict},
		undone:   []string{pgerrcode.DeadlockDetected, pgerrcode.CheckViolation, pgerrcode.ForeignKeyViolation, pgerrcode.SerializationFailure},
		change: func(w int, random *rand.Rand) error {
			if w < size/4 {
				return hoardPlainly(t.Context(), made.Pool(), user, random)
			}
			return hoard(t.Context(), db.As(user), random, &restored)
		},
	}.run(t)
	t.Logf("%d calls, %d restores in scopes, %d transactions of plain clients undone by the server", done, restored.Load(), lost)
	if restored.Load() == 0 {
		t.Error("nothing was restored: this test shows nothing")
	}
	if changed, err := db.As(user).RollUpAll(t.Context()); err != nil || len(changed) > 0 {
		t.Errorf("%v, counted anew these differ: %v", err, changed)
	}
	tree, err := db.As(user).GoalTree(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if goals := ownerQuery[int](t, made, "SELECT count(*) FROM public.goals"); goals != len(tree) {
		t.Errorf("%d goals, %d of them under a root: there is a cycle", goals, len(tree))
	}
	if n := ownerQuery[int](t, made, `SELECT count(*) FROM public.tasks t, jsonb_array_elements_text(t.dependencies) AS d (id) WHERE NOT EXISTS (SELECT FROM public.tasks o WHERE o.id = d.id::bigint)`); n > 0 {
		t.Errorf("%d dependencies on tasks that are not there", n)
	}
	if n := ownerQuery[int](t, made, "SELECT (SELECT count(*) FROM bizydb.deleted_tasks JOIN public.tasks USING (id)) + (SELECT count(*) FROM bizydb.deleted_goals JOIN public.goals USING (id))"); n > 0 {
		t.Errorf("%d rows are deleted and there", n)
	}
}

// hoard makes a random change.
func hoard(ctx context.Context, s bizydb.Scope, random *rand.Rand, restored *atomic.Int64) error {
	count := func(err error) error {
		if err == nil {
			restored.Add(1)
		}
		return err
	}
	switch n := random.IntN(10); {
	case n < 3:
		tasks, err := s.DeletedTasks(ctx, planner.DeletedTasksParams{Limit: 20})
		if err != nil || len(tasks) == 0 {
			return err
		}
		return count(second(s.RestoreTask(ctx, tasks[random.IntN(len(tasks))].ID)))
	case n < 6:
		goals, err := s.DeletedGoals(ctx, planner.DeletedGoalsParams{Limit: 20})
		if err != nil || len(goals) == 0 {
			return err
		}
		return count(second(s.RestoreGoal(ctx, planner.RestoreGoalParams{ID: goals[random.IntN(len(goals))].ID, Together: n == 5})))
	}
	goals, err := s.ListGoals(ctx, planner.ListGoalsParams{})
	if err != nil {
		return err
	}
	tasks, err := s.ListTasks(ctx, planner.ListTasksParams{})
	if err != nil || len(goals) == 0 || len(tasks) == 0 {
		return err
	}
	goal, task, other := goals[random.IntN(len(goals))].ID, tasks[random.IntN(len(tasks))].ID, tasks[random.IntN(len(tasks))].ID
	switch n := random.IntN(8); {
	case n < 2:
		return second(s.DeleteGoal(ctx, goal))
	case n < 4:
		return second(s.DeleteTasks(ctx, planner.TaskIDs{task, other}))
	case n < 5:
		return second(s.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: task, Dependencies: planner.TaskIDs{other}}))
	}
	return change(ctx, s, goals, tasks, random)
}

// hoardPlainly is a client with SQL of its own, half of the time at repeatable read.
func hoardPlainly(ctx context.Context, pool *pgxpool.Pool, user bizydb.UserID, random *rand.Rand) error {
	level := pgx.ReadCommitted
	if random.IntN(2) == 0 {
		level = pgx.RepeatableRead
	}
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, enterSQL, fmt.Sprint(user)); err != nil {
			return err
		}
		for range 1 + random.IntN(2) {
			sql := [...]string{
				"DELETE FROM public.tasks WHERE id IN (SELECT id FROM public.tasks ORDER BY random() LIMIT 2)",
				"DELETE FROM public.goals WHERE id IN (SELECT id FROM public.goals ORDER BY random() LIMIT 2)",
				"WITH t AS (DELETE FROM public.tasks WHERE parent_goal_id = (SELECT max(id) FROM public.goals)) DELETE FROM public.goals WHERE id = (SELECT max(id) FROM public.goals)",
				"SELECT bizydb.restore_task(id) FROM (SELECT id FROM bizydb.deleted_tasks ORDER BY random() LIMIT 1) AS d",
				"SELECT bizydb.restore_goal(id, true) FROM (SELECT id FROM bizydb.deleted_goals ORDER BY random() LIMIT 1) AS d",
				"UPDATE public.goals SET parent_goal_id = (SELECT id FROM public.goals ORDER BY random() LIMIT 1) WHERE id = (SELECT id FROM public.goals ORDER BY random() LIMIT 1)",
				"UPDATE public.tasks SET dependencies = jsonb_build_array((SELECT min(id) FROM public.tasks)) WHERE id = (SELECT id FROM public.tasks ORDER BY random() LIMIT 1)",
			}[random.IntN(7)]
			err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error { _, err := savepoint.Exec(ctx, sql); return err })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// What restoring says of links, by kind and reason. What is deleted itself is not named: it brings its links.
func TestLeftOutLinks(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	scope := db.As(db.NewUser(t))
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	goal := func(parent *planner.GoalID) planner.GoalID {
		g, err := scope.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal", ParentGoalID: parent})
		must(g, err)
		return g.ID
	}
	task := func(parent *planner.GoalID, needs ...planner.TaskID) planner.TaskID {
		made, err := scope.CreateTask(ctx, planner.CreateTaskParams{Title: "task", ParentGoalID: parent, Dependencies: needs})
		must(made, err)
		return made.ID
	}
	var restoredGoal planner.RestoredGoal
	restoreGoal := func(id planner.GoalID) planner.LeftOutLinks {
		t.Helper()
		var err error
		restoredGoal, err = scope.RestoreGoal(ctx, planner.RestoreGoalParams{ID: id})
		must(restoredGoal, err)
		return restoredGoal.LeftOut
	}
	restoreTask := func(id planner.TaskID) planner.LeftOutLinks {
		t.Helper()
		restored, err := scope.RestoreTask(ctx, id)
		must(restored, err)
		return restored.LeftOut
	}
	check := func(what string, got planner.LeftOutLinks, want ...planner.LeftOutLink) {
		t.Helper()
		if diff := cmp.Diff(append(planner.LeftOutLinks{}, want...), got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", what, diff)
		}
	}

	// The upper end is deleted, and comes back; or it is forgotten. In the second case there is nothing to remember either end by.
	for _, reason := range []planner.LinkReason{planner.LinkDeleted, planner.LinkGone} {
		above := goal(nil)
		sub, under, needed := goal(&above), task(&above), task(nil)
		waiting := task(nil, needed)
		must(scope.DeleteGoal(ctx, sub))
		must(scope.DeleteTask(ctx, under))
		must(scope.DeleteTask(ctx, waiting))
		must(scope.DeleteGoal(ctx, above))
		must(scope.DeleteTask(ctx, needed))
		if reason == planner.LinkGone {
			must(scope.ForgetDeletedGoal(ctx, above))
			must(scope.ForgetDeletedTask(ctx, needed))
		}
		check("a goal", restoreGoal(sub), planner.LeftOutLink{Goal: sub, ParentGoal: above, Reason: reason})
		check("a task", restoreTask(under), planner.LeftOutLink{Task: under, ParentGoal: above, Reason: reason})
		check("a dependency", restoreTask(waiting), planner.LeftOutLink{Task: waiting, Dependency: needed, Reason: reason})
		if reason == planner.LinkDeleted {
			check("the goal above", restoreGoal(above))
			check("what is needed", restoreTask(needed))
			if g, err := scope.GetGoal(ctx, sub); err != nil || !is(g.ParentGoalID, above) {
				t.Error(g, err)
			}
			if got, err := scope.GetTask(ctx, under); err != nil || !is(got.ParentGoalID, above) {
				t.Error(got, err)
			}
			if got, err := scope.GetTask(ctx, waiting); err != nil || !slices.Equal(got.Dependencies, planner.TaskIDs{needed}) {
				t.Error(got, err)
			}
		}
		if n := ownerQuery[int](t, db, "SELECT count(*) FROM bizydb.deleted_links"); n != 0 {
			t.Errorf("%d links of rows that are not deleted", n)
		}
	}

	// What a restore has seen in the trash stays there until the restore has ended.
	{
		above := goal(nil)
		sub, needed := goal(&above), task(nil)
		waiting := task(nil, needed)
		must(scope.DeleteGoal(ctx, sub))
		must(scope.DeleteTask(ctx, waiting))
		must(scope.DeleteGoal(ctx, above))
		must(scope.DeleteTask(ctx, needed))
		must(nil, scope.InTx(ctx, func(tx *bizydb.Tx) error {
			goal, err := tx.RestoreGoal(ctx, planner.RestoreGoalParams{ID: sub})
			must(goal, err)
			check("a goal, not forgotten yet", goal.LeftOut, planner.LeftOutLink{Goal: sub, ParentGoal: above, Reason: planner.LinkDeleted})
			task, err := tx.RestoreTask(ctx, waiting)
			must(task, err)
			check("a dependency, not forgotten yet", task.LeftOut, planner.LeftOutLink{Task: waiting, Dependency: needed, Reason: planner.LinkDeleted})
			must(db.Accounts().ForgetDeleted(ctx, 0))
			return nil
		}))
		check("the goal above, not forgotten", restoreGoal(above))
		check("what is needed, not forgotten", restoreTask(needed))
	}

	// The owner empties the trash of goals: a link to one that is there again comes back with the task.
	{
		above := goal(nil)
		under := task(&above)
		must(scope.DeleteGoal(ctx, above))
		must(scope.DeleteTask(ctx, under))
		check("the goal alone", restoreGoal(above))
		asOwner(t, db, "TRUNCATE bizydb.deleted_goals")
		check("the task", restoreTask(under))
		if got, err := scope.GetTask(ctx, under); err != nil || !is(got.ParentGoalID, above) {
			t.Error(got, err)
		}
	}

	// The lower end is deleted, or forgotten: only its own restore would name it.
	above := goal(nil)
	sub, under, needed := goal(&above), task(&above), task(nil)
	waiting := task(nil, needed)
	must(scope.DeleteGoal(ctx, above))
	must(scope.DeleteTask(ctx, needed))
	must(scope.DeleteGoal(ctx, sub))
	must(scope.DeleteTask(ctx, under))
	must(scope.DeleteTask(ctx, waiting))
	must(scope.ForgetDeletedTask(ctx, under))
	check("the goal above", restoreGoal(above))
	check("what is needed", restoreTask(needed))
	check("the goal below", restoreGoal(sub))
	check("what waits", restoreTask(waiting))
	if got, err := scope.GetTask(ctx, waiting); err != nil || !slices.Equal(got.Dependencies, planner.TaskIDs{needed}) {
		t.Error(got, err)
	}

	// It is under another goal by now.
	above, other := goal(nil), goal(nil)
	sub, under = goal(&above), task(&above)
	must(scope.DeleteGoal(ctx, above))
	must(scope.MoveGoal(ctx, planner.MoveGoalParams{ID: sub, ParentGoalID: &other}))
	must(scope.MoveTask(ctx, planner.MoveTaskParams{ID: under, ParentGoalID: &other}))
	check("moved", restoreGoal(above),
		planner.LeftOutLink{Goal: sub, ParentGoal: above, Reason: planner.LinkMoved}, planner.LeftOutLink{Task: under, ParentGoal: above, Reason: planner.LinkMoved})

	// There would be a circle.
	top := goal(nil)
	mid := goal(&top)
	low := goal(&mid)
	must(scope.DeleteGoal(ctx, mid))
	must(scope.MoveGoal(ctx, planner.MoveGoalParams{ID: top, ParentGoalID: &low}))
	check("goals in a circle", restoreGoal(mid), planner.LeftOutLink{Goal: mid, ParentGoal: top, Reason: planner.LinkCycle})
	first := task(nil)
	second := task(nil, first)
	third := task(nil, second)
	must(scope.DeleteTask(ctx, second))
	must(scope.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: first, Dependencies: planner.TaskIDs{third}}))
	check("tasks in a circle", restoreTask(second), planner.LeftOutLink{Task: third, Dependency: second, Reason: planner.LinkCycle})

	// 99 levels, and one that had two below it.
	deep := goal(nil)
	bottom := deep
	for range 97 {
		bottom = goal(&bottom)
	}
	one := goal(&bottom)
	two := goal(&one)
	must(scope.DeleteGoal(ctx, one))
	must(scope.MoveGoal(ctx, planner.MoveGoalParams{ID: deep, ParentGoalID: new(goal(nil))}))
	check("too deep", restoreGoal(one), planner.LeftOutLink{Goal: one, ParentGoal: bottom, Reason: planner.LinkDepth})
	if restoredGoal.Goal.SubGoalCount != 1 {
		t.Errorf("%+v", restoredGoal.Goal)
	}
	if under, err := scope.GetGoal(ctx, two); err != nil || !is(under.ParentGoalID, one) {
		t.Errorf("%+v, %v", under, err)
	}
}
