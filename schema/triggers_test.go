package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// An inserted NULL and a column left out are the same, for every column that a user may insert and that has a default.
func TestNullTakesTheDefault(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	for _, table := range []string{"goals", "tasks"} {
		columns := all[string](t, tx, `
			SELECT attname::text FROM pg_attribute
			WHERE attrelid = ('public.' || $1)::regclass AND atthasdef AND has_column_privilege(attrelid, attnum, 'INSERT')`, table)
		if len(columns) < 4 {
			t.Fatalf("%s: found only %q", table, columns)
		}
		const row = " RETURNING (to_jsonb(%s.*) - 'id')::text"
		left := one[string](t, tx, fmt.Sprintf("INSERT INTO public.%s (title) VALUES ('x')"+row, table, table))
		for _, column := range columns {
			sql := fmt.Sprintf("INSERT INTO public.%s (title, %s) VALUES ('x', NULL)"+row, table, column, table)
			if err := attempt(t, tx, sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			} else if diff := cmp.Diff(left, one[string](t, tx, sql)); diff != "" {
				t.Errorf("%s (-left out +NULL):\n%s", sql, diff)
			}
		}
		nulls := strings.Repeat(", NULL", len(columns))
		sql := fmt.Sprintf("INSERT INTO public.%s (title, %s) VALUES ('x'%s)"+row, table, strings.Join(columns, ", "), nulls, table)
		if err := attempt(t, tx, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		} else if diff := cmp.Diff(left, one[string](t, tx, sql)); diff != "" {
			t.Errorf("%s (-left out +NULL):\n%s", sql, diff)
		}
	}
}

// completed_at is there exactly while the status is completed.
func TestCompletedAtFollowsStatus(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	given := time.Date(2025, 11, 18, 12, 0, 0, 0, time.UTC)
	for _, table := range []struct{ name, open, other string }{
		{"goals", "active", "on_hold"},
		{"tasks", "pending", "in_progress"},
	} {
		t.Run(table.name, func(t *testing.T) {
			t.Parallel()
			tx := enter(t, db, user, "")
			now := one[time.Time](t, tx, "SELECT now()")
			insert := fmt.Sprintf("INSERT INTO public.%s (title, status, completed_at) VALUES ('x', $1, $2) RETURNING id", table.name)
			set := func(id int64, assignments string, args ...any) {
				t.Helper()
				sql := fmt.Sprintf("UPDATE public.%s SET %s WHERE id = $1", table.name, assignments)
				if n := exec(t, tx, sql, append([]any{id}, args...)...); n != 1 {
					t.Fatalf("%s: %d rows", sql, n)
				}
			}
			check := func(id int64, when string, want *time.Time) {
				t.Helper()
				got := one[*time.Time](t, tx, "SELECT completed_at FROM public."+table.name+" WHERE id = $1", id)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", when, diff)
				}
			}

			for _, c := range []struct {
				status       string
				given, wants *time.Time
			}{
				{table.open, nil, nil},
				{table.open, &given, nil},
				{table.other, &given, nil},
				{"completed", nil, &now},
				{"completed", &given, &given},
			} {
				id := one[int64](t, tx, insert, c.status, c.given)
				check(id, fmt.Sprintf("inserted as %s with %v", c.status, c.given), c.wants)
			}

			id := one[int64](t, tx, insert, table.open, nil)
			set(id, "completed_at = $2", given)
			check(id, "a time on what is not completed", nil)
			set(id, "status = 'completed'")
			check(id, "completed", &now)
			set(id, "completed_at = $2", given)
			check(id, "the time corrected", &given)
			set(id, "title = 'y'")
			check(id, "another column changed", &given)
			set(id, "status = 'completed'")
			check(id, "completed again", &given)
			set(id, "status = $2", table.other)
			check(id, "reopened", nil)
			set(id, "status = 'completed', completed_at = $2", given)
			check(id, "completed with a time", &given)
			set(id, "completed_at = NULL")
			check(id, "the time taken away", &now)
		})
	}
}

// updated_at is the time of the last statement that made a difference.
func TestUpdatedAtMovesWithAChange(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	tx := enter(t, db, user, "")
	exec(t, tx, "INSERT INTO public.goals (title, metrics) VALUES ('x', '{\"a\": 1}')")
	exec(t, tx, "INSERT INTO public.tasks (title, tags) VALUES ('x', '[\"a\"]')")
	commit(t, tx)

	enterAs := map[string]func() pgx.Tx{
		"goals": func() pgx.Tx { return enter(t, db, user, "") },
		"tasks": func() pgx.Tx { return enter(t, db, user, "") },
		"users": func() pgx.Tx { return enterAccounts(t, db) },
	}
	for _, c := range []struct {
		table, set string
		moves      bool
	}{
		{"goals", "title = title, status = status, metrics = metrics, description = NULL", false},
		{"goals", "title = 'x', metrics = '{ \"a\" : 1 }'", false},
		{"goals", "completed_at = now()", false}, // which the status takes back
		{"goals", "title = 'y'", true},
		{"goals", "description = ''", true},
		{"goals", "description = NULL", true},
		{"goals", "status = 'completed'", true},
		{"goals", "status = 'completed'", false},
		{"tasks", "title = title, tags = tags, due_date = NULL", false},
		{"tasks", "title = 'y'", true},
		{"tasks", "tags = '[\"b\"]'", true},
		{"tasks", "status = 'completed'", true},
		{"tasks", "status = 'completed'", false},
		{"users", "full_name = full_name", false},
		{"users", "full_name = 'x'", true},
		{"users", "updated_at = '2000-01-01'", true}, // but to now
	} {
		tx := enterAs[c.table]()
		read := "SELECT updated_at FROM public." + c.table
		want := one[time.Time](t, tx, read)
		if c.moves { // in a transaction that began after the last change
			want = one[time.Time](t, tx, "SELECT now()")
		}
		if n := exec(t, tx, "UPDATE public."+c.table+" SET "+c.set); n != 1 {
			t.Fatalf("%s SET %s: %d rows", c.table, c.set, n)
		}
		if got := one[time.Time](t, tx, read); !got.Equal(want) {
			t.Errorf("%s SET %s: updated_at is %v, want %v", c.table, c.set, got, want)
		}
		commit(t, tx)
	}
}

// updated_at is later after every change, also in a transaction that began before another one's change, and of several changes in
// one transaction.
func TestUpdatedAtIsLaterAfterEveryChange(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	setup := enter(t, db, user, "")
	exec(t, setup, "INSERT INTO public.goals (title) VALUES ('x')")
	exec(t, setup, "INSERT INTO public.tasks (title) VALUES ('x')")
	commit(t, setup)
	for table, c := range map[string]struct {
		begin func() pgx.Tx
		set   string
	}{
		"goals": {func() pgx.Tx { return enter(t, db, user, "") }, "title"},
		"tasks": {func() pgx.Tx { return enter(t, db, user, "") }, "title"},
		"users": {func() pgx.Tx { return enterAccounts(t, db) }, "full_name"},
	} {
		update := fmt.Sprintf("UPDATE public.%s SET %s = $1 RETURNING updated_at", table, c.set)
		early, late := c.begin(), c.begin()
		exec(t, early, "SELECT 1")
		last := one[time.Time](t, late, update, "v1")
		commit(t, late)
		for _, value := range []string{"v2", "v3", "v4"} {
			if now := one[time.Time](t, early, update, value); !now.After(last) {
				t.Errorf("%s: %v after %v", table, now, last)
			} else {
				last = now
			}
		}
		commit(t, early)
	}
}

// JSON's null takes the default too, in a new row and in one that is there.
func TestJSONNullTakesTheDefault(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	task := one[int64](t, tx, "INSERT INTO public.tasks (title) VALUES ('to depend on') RETURNING id")
	for _, c := range []struct{ table, column, value, want string }{
		{"tasks", "tags", `["a"]`, "[]"},
		{"tasks", "dependencies", fmt.Sprintf("[%d]", task), "[]"},
		{"goals", "metrics", `{"a": 1}`, "{}"},
	} {
		for _, null := range []string{"'null'", "NULL"} {
			if got := one[string](t, tx, fmt.Sprintf("INSERT INTO public.%s (title, %s) VALUES ('x', %s) RETURNING %[2]s::text", c.table, c.column, null)); got != c.want {
				t.Errorf("%s.%s of %s is %s, want %s", c.table, c.column, null, got, c.want)
			}
			id := one[int64](t, tx, fmt.Sprintf("INSERT INTO public.%s (title, %s) VALUES ('x', '%s') RETURNING id", c.table, c.column, c.value))
			if got := one[string](t, tx, fmt.Sprintf("UPDATE public.%s SET %s = %s WHERE id = $1 RETURNING %[2]s::text", c.table, c.column, null), id); got != c.want {
				t.Errorf("%s.%s updated to %s is %s, want %s", c.table, c.column, null, got, c.want)
			}
		}
	}
}

// Each dependency is stored once, in its first place, whoever writes.
func TestDependenciesOnce(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	a, b := one[int64](t, tx, "INSERT INTO public.tasks (title) VALUES ('a') RETURNING id"), one[int64](t, tx, "INSERT INTO public.tasks (title) VALUES ('b') RETURNING id")
	list, want := fmt.Sprintf("[%d, %d, %d, %d.0, %d]", b, a, b, b, a), fmt.Sprintf("[%d, %d]", b, a)
	task := one[int64](t, tx, "INSERT INTO public.tasks (title, dependencies) VALUES ('c', $1::jsonb) RETURNING id", list)
	if got := one[string](t, tx, "SELECT dependencies::text FROM public.tasks WHERE id = $1", task); got != want {
		t.Errorf("inserted %s, want %s", got, want)
	}
	exec(t, tx, "UPDATE public.tasks SET dependencies = '[]' WHERE id = $1", task)
	if got := one[string](t, tx, "UPDATE public.tasks SET dependencies = $2::jsonb WHERE id = $1 RETURNING dependencies::text", task, list); got != want {
		t.Errorf("updated to %s, want %s", got, want)
	}
}
