package schema_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Another user's goal as a parent is the same error as one that nobody has.
func TestOthersGoalIsNoParent(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice, bob := db.NewUser(t), db.NewUser(t)
	tx := enter(t, db, alice, "")
	alices := newGoal(t, tx, nil)
	gone := newGoal(t, tx, nil)
	exec(t, tx, "DELETE FROM public.goals WHERE id = $1", gone)
	commit(t, tx)

	tx = enter(t, db, bob, "")
	newGoal(t, tx, nil)
	exec(t, tx, "INSERT INTO public.tasks (title) VALUES ('task')")
	for _, sql := range []string{
		"INSERT INTO public.goals (title, parent_goal_id) VALUES ('x', $1)",
		"INSERT INTO public.tasks (title, parent_goal_id) VALUES ('x', $1)",
		"UPDATE public.goals SET parent_goal_id = $1",
		"UPDATE public.tasks SET parent_goal_id = $1",
	} {
		want := attempt(t, tx, sql, gone)
		if want == nil || want.Code != "23503" {
			t.Errorf("%s with a goal that is not there: %v, want a foreign key violation", sql, want)
			continue
		}
		got := attempt(t, tx, sql, alices)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(pgconn.PgError{}, "Position", "InternalPosition", "File", "Line", "Routine")); diff != "" {
			t.Errorf("%s (-nobody's goal +another user's goal):\n%s", sql, diff)
		}
	}
}

// What the columns' grants leave out cannot be written, by insert or update.
func TestColumnsOutOfReach(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	tx := enter(t, db, user, "")
	exec(t, tx, "INSERT INTO public.goals (title) VALUES ('goal')")
	exec(t, tx, "INSERT INTO public.tasks (title) VALUES ('task')")
	var statements []string
	for _, table := range []string{"goals", "tasks"} {
		statements = append(statements,
			"INSERT INTO public."+table+" (id, title) VALUES (1000000, 'x')",
			"INSERT INTO public."+table+" (user_id, title) VALUES (bizydb.current_user_id(), 'x')",
			"UPDATE public."+table+" SET id = id",
			"UPDATE public."+table+" SET user_id = user_id",
			"UPDATE public."+table+" SET created_at = now()",
			"UPDATE public."+table+" SET updated_at = now()",
			"TRUNCATE public."+table,
			"SELECT nextval('public."+table+"_id_seq')",
		)
	}
	for _, column := range []string{"id", "email", "hashed_password", "is_active", "is_verified", "is_superuser", "created_at", "updated_at", "last_login_at", "email_verified_at", "password_changed_at"} {
		statements = append(statements, fmt.Sprintf("UPDATE public.users SET %s = DEFAULT", column))
	}
	statements = append(statements,
		"SELECT hashed_password FROM public.users",
		"SELECT * FROM public.users",
		"SELECT FROM public.users WHERE hashed_password LIKE '$2a$%'",
		"DELETE FROM public.users",
		"INSERT INTO public.users (email, username, hashed_password) VALUES ('e', 'u', '')",
		"SELECT * FROM public.bizydb_schema_version",
	)
	for _, sql := range statements {
		if err := attempt(t, tx, sql); err == nil || err.Code != "42501" {
			t.Errorf("%s: %v, want insufficient_privilege", sql, err)
		}
	}
}

// Whether the user is active is asked by require_user, on the way into a scope. SQL that sets the user by itself is not asked,
// except for the user's own account.
func TestRequireUser(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)
	tx := enter(t, db, user, "")
	const ask = "SELECT * FROM bizydb.require_user()"
	if n := exec(t, tx, ask); n != 0 {
		t.Errorf("active: %d rows", n)
	}
	exec(t, tx, "INSERT INTO public.tasks (title) VALUES ('task')")
	exec(t, owner(t, db), "UPDATE public.users SET is_active = false WHERE id = $1", user)
	for _, who := range []any{user, other + 1, 0, ""} {
		exec(t, tx, "SELECT set_config('bizydb.user_id', $1, true)", fmt.Sprint(who))
		for _, ask := range []string{ask, "SELECT bizydb.require_user()"} {
			if err := attempt(t, tx, ask); err == nil || err.Code != "UB001" {
				t.Errorf("user %v: %s: %v, want UB001", who, ask, err)
			}
		}
		for _, sql := range []string{"SELECT id FROM public.users", "UPDATE public.users SET full_name = 'changed'"} {
			if n := exec(t, tx, sql); n != 0 {
				t.Errorf("user %v: %s: %d rows", who, sql, n)
			}
		}
	}
	exec(t, tx, "SELECT set_config('bizydb.user_id', $1, true)", fmt.Sprint(user))
	if n := exec(t, tx, "SELECT FROM public.tasks"); n != 1 {
		t.Errorf("not asked: %d rows", n)
	}
	commit(t, tx)
	if n := exec(t, enter(t, db, other, ""), ask); n != 0 {
		t.Errorf("the other user: %d rows", n)
	}
}

// Nobody's scope is empty, and so is every text that names no user.
func TestNoScopeReadsNothing(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	tx := enter(t, db, db.NewUser(t), "")
	exec(t, tx, "INSERT INTO public.goals (title) VALUES ('goal')")
	commit(t, tx)

	for name, sql := range map[string]string{
		"never set": "SELECT",
		"set to ''": "SELECT set_config('bizydb.user_id', '', true)",
		"set to 0":  "SELECT set_config('bizydb.user_id', '0', true)",
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := db.Pool().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			exec(t, tx, sql)
			exec(t, tx, "SET LOCAL ROLE bizydb_user")
			for _, table := range []string{"goals", "tasks", "users"} {
				if n := one[int](t, tx, "SELECT count(id) FROM public."+table); n != 0 {
					t.Errorf("%s: %d rows", table, n)
				}
			}
			if err := attempt(t, tx, "INSERT INTO public.goals (title) VALUES ('x')"); err == nil {
				t.Error("inserted a goal of nobody")
			}
		})
	}

	// Open refuses such a login. Another program may not.
	t.Run("a login that inherits", func(t *testing.T) {
		admin := parse(t, db.AdminDSN)
		login := newLogin(t, admin, "INHERIT")
		run(t, admin, "GRANT bizydb_user, bizydb_accounts TO "+login, "GRANT CONNECT ON DATABASE "+admin.Database+" TO "+login)
		t.Cleanup(func() { run(t, admin, "REVOKE CONNECT ON DATABASE "+admin.Database+" FROM "+login) })
		conn := connect(t, as(admin, login))
		for _, table := range []string{"goals", "tasks"} {
			rows, _ := conn.Query(t.Context(), "SELECT id FROM public."+table)
			if ids, err := pgx.CollectRows(rows, pgx.RowTo[int64]); len(ids) != 0 {
				t.Errorf("%s: got %v, %v", table, ids, err)
			}
		}
		_ = conn.Close(t.Context())
	})
}
