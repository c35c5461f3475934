package schema_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Another user's goal as a parent is the same error as one that nobody has.
func TestOthersGoalIsNoParent(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
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
	db := bizydbtest.New(t)
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
	for _, column := range []string{"id", "email", "hashed_password", "is_active", "is_verified", "is_superuser", "created_at", "updated_at", "last_login_at", "email_verified_at"} {
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

// An account that is deactivated is out from the next statement on, in the middle of a transaction too.
func TestDeactivatedUser(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	tx := enter(t, db, user, "")
	goal := newGoal(t, tx, nil)
	exec(t, tx, "INSERT INTO public.tasks (title, parent_goal_id) VALUES ('task', $1)", goal)
	commit(t, tx)

	tx = enter(t, db, user, "")
	reads := []string{"SELECT FROM public.goals", "SELECT FROM public.tasks", "SELECT id FROM public.users"}
	writes := []string{
		"UPDATE public.goals SET title = 'changed'",
		"UPDATE public.tasks SET title = 'changed'",
		"UPDATE public.users SET full_name = 'changed'",
		"DELETE FROM public.goals",
		"DELETE FROM public.tasks",
	}
	for _, sql := range reads {
		if n := exec(t, tx, sql); n != 1 {
			t.Errorf("active: %s: %d rows", sql, n)
		}
	}
	before := all[string](t, owner(t, db), rowsOf)
	exec(t, owner(t, db), "UPDATE public.users SET is_active = false WHERE id = $1", user)
	for _, sql := range append(reads, writes...) {
		if n := exec(t, tx, sql); n != 0 {
			t.Errorf("deactivated: %s: %d rows", sql, n)
		}
	}
	for _, sql := range []string{
		"INSERT INTO public.goals (title) VALUES ('x')",
		"INSERT INTO public.tasks (title) VALUES ('x')",
	} {
		if err := attempt(t, tx, sql); err == nil || err.Code != "42501" {
			t.Errorf("deactivated: %s: %v, want a refusal by row-level security", sql, err)
		}
	}
	commit(t, tx)
	if diff := cmp.Diff(before, all[string](t, owner(t, db), rowsOf)); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
}

const rowsOf = "SELECT to_jsonb(g.*)::text FROM public.goals g UNION ALL SELECT to_jsonb(t.*)::text FROM public.tasks t"

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
