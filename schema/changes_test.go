package schema_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// tracked is a database in which changes are tracked.
var tracked = bizydbtest.WithMigration("track changes", func(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT bizydb.track_changes()")
	return err
})

// Tracking that misses a trigger, or has a wrong one, is noticed, by Open and by whoever asks for changes; the statement that is said
// mends it, and does not take what was missed for known.
func TestTrackingIsWhole(t *testing.T) {
	t.Parallel()
	conn := owner(t, bizydbtest.New(t, tracked))
	const mend = "SELECT bizydb.track_changes(false), bizydb.track_changes()"
	triggers := all[string](t, conn, `SELECT format('%I ON %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE tgname ~ '_log_|_forget_(all_)?changes$' ORDER BY 1`)
	if len(triggers) != 10 {
		t.Fatalf("triggers: %q", triggers)
	}
	for _, trigger := range triggers {
		name, table, _ := strings.Cut(trigger, " ON ")
		for _, damage := range []string{
			"DROP TRIGGER " + trigger,
			fmt.Sprintf("ALTER TABLE %s DISABLE TRIGGER %s", table, name),
			fmt.Sprintf("ALTER TABLE %s ENABLE REPLICA TRIGGER %s", table, name),
			fmt.Sprintf("DROP TRIGGER %s; CREATE TRIGGER %s BEFORE INSERT ON %[3]s FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_truncation()", trigger, name, table),
		} {
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			since := one[int64](t, tx, "SELECT bizydb.changes_since()")
			exec(t, tx, damage)
			if diff := cmp.Diff([]string{mend + " -- less"}, differences(t, tx)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", damage, diff)
			}
			if err := attempt(t, tx, "SELECT bizydb.changes_since()"); (err == nil || err.Code != "UB011") && !strings.Contains(damage, "CREATE") {
				t.Errorf("%s: asked for changes: %v", damage, err)
			}
			for _, mend := range []string{"SELECT bizydb.track_changes()", mend} {
				if strings.Contains(damage, "CREATE") && !strings.Contains(mend, "false") {
					continue // as many triggers as there should be: only Open looks closer
				}
				exec(t, tx, "SAVEPOINT damaged")
				exec(t, tx, mend)
				if found := differences(t, tx); len(found) > 0 {
					t.Errorf("%s, mended by %s: %q", damage, mend, found)
				}
				if now := one[int64](t, tx, "SELECT bizydb.changes_since()"); now <= since {
					t.Errorf("%s, mended by %s: changes since %d, and %d before", damage, mend, now, since)
				}
				exec(t, tx, "ROLLBACK TO damaged")
			}
			_ = tx.Rollback(t.Context())
		}
	}
	exec(t, conn, "SELECT bizydb.track_changes(false)")
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if found := differences(t, tx); len(found) > 0 {
		t.Errorf("off: %q", found)
	}
}

// Twice does nothing, also at once; off leaves nothing behind, and numbers go on.
func TestTrackChanges(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	conn := owner(t, db)
	before := dump(t, parse(t, db.AdminDSN))
	for _, user := range []any{db.NewUser(t), db.NewUser(t)} {
		exec(t, conn, "INSERT INTO public.goals (user_id, title) SELECT $1, 'goal' FROM generate_series(1, 3)", user)
		exec(t, conn, "INSERT INTO public.tasks (user_id, title) SELECT $1, 'task' FROM generate_series(1, 5)", user)
	}
	if n := one[int](t, conn, "SELECT count(*) FROM bizydb.changes"); n != 0 {
		t.Errorf("%d changes while they are not tracked", n)
	}
	const content = "SELECT format('%s %s %s %s %s', user_id, seq, xid, kind, id) FROM bizydb.changes ORDER BY seq"
	exec(t, conn, "SELECT bizydb.track_changes()")
	first := all[string](t, conn, content)
	if len(first) != 16 {
		t.Errorf("filled with %q", first)
	}
	since := one[int64](t, conn, "SELECT bizydb.changes_since()")
	exec(t, conn, "SELECT bizydb.track_changes(true)")
	if diff := cmp.Diff(first, all[string](t, conn, content)); diff != "" || one[int64](t, conn, "SELECT bizydb.changes_since()") != since {
		t.Errorf("twice (-once +twice):\n%s", diff)
	}
	last := one[int64](t, conn, "SELECT max(seq) FROM bizydb.changes")
	exec(t, conn, "SELECT bizydb.track_changes(false)")
	exec(t, conn, "SELECT bizydb.track_changes(false)")
	if n := one[int](t, conn, "SELECT count(*) FROM bizydb.changes"); n != 0 {
		t.Errorf("%d changes when they are not tracked any more", n)
	}
	after := slices.DeleteFunc(dump(t, parse(t, db.AdminDSN)), func(line string) bool { return strings.Contains(line, "bizydb.change_seq") })
	before = slices.DeleteFunc(before, func(line string) bool { return strings.Contains(line, "bizydb.change_seq") })
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("catalog (-before +on and off):\n%s", diff)
	}
	exec(t, conn, "SELECT bizydb.track_changes()")
	if first := one[int64](t, conn, "SELECT min(seq) FROM bizydb.changes"); first <= last {
		t.Errorf("on again, numbers begin at %d; the last one was %d", first, last)
	}

	// Nobody else may.
	for name, tx := range map[string]pgx.Tx{"a user": enter(t, db, db.NewUser(t), ""), "accounts": enterAccounts(t, db)} {
		if err := attempt(t, tx, "SELECT bizydb.track_changes(false)"); err == nil || err.Code != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is logged of each statement, whoever makes it.
func TestChangesOfStatements(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	conn := owner(t, db)
	alice, bob := db.NewUser(t), db.NewUser(t)
	names := strings.NewReplacer("ALICE", fmt.Sprint(alice), "BOB", fmt.Sprint(bob))
	exec(t, conn, names.Replace(`
		INSERT INTO public.goals (id, user_id, title, parent_goal_id) VALUES (1, ALICE, 'top', NULL), (2, ALICE, 'sub', 1), (3, BOB, 'his', NULL);
		INSERT INTO public.tasks (id, user_id, title, parent_goal_id) VALUES (1, ALICE, 'a', 2), (2, ALICE, 'b', NULL), (3, BOB, 'c', 3)`))
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"UPDATE public.tasks SET title = 'x' WHERE id = 2", []string{"alice task 2"}},
		{"UPDATE public.tasks SET title = 'x' WHERE id IN (2, 3)", []string{"alice task 2", "bob task 3"}},
		{"UPDATE public.tasks SET title = 'x' WHERE id = 0", []string{}},
		{"UPDATE public.tasks SET title = title, status = status", []string{}},
		{"UPDATE public.goals SET title = title", []string{}},
		{"UPDATE public.tasks SET title = 'a'", []string{"alice task 2", "bob task 3"}},                                         // which one of them is
		{"UPDATE public.tasks SET status = 'completed' WHERE id = 1", []string{"alice goal 1", "alice goal 2", "alice task 1"}}, // a roll-up
		{"DELETE FROM public.goals WHERE id = 2", []string{"alice goal 1", "alice goal 2", "alice task 1"}},                     // what was under it
		{"UPDATE public.tasks SET user_id = BOB WHERE id = 2", []string{"alice task 2", "bob task 2"}},
		{"UPDATE public.tasks SET id = 20 WHERE id = 2", []string{"alice task 2", "alice task 20"}},
		{"DELETE FROM public.tasks WHERE id IN (1, 3)", []string{"alice goal 2", "alice task 1", "bob goal 3", "bob task 3"}},
		{"INSERT INTO public.tasks (id, user_id, title) VALUES (3, ALICE, 'again') ON CONFLICT (id) DO UPDATE SET title = 'again'", []string{"bob task 3"}},
		{"MERGE INTO public.tasks t USING (VALUES (2), (4)) AS v (id) ON t.id = v.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, user_id, title) VALUES (v.id, BOB, 'x')", []string{"alice task 2", "bob task 4"}},
		{"TRUNCATE public.tasks", []string{"alice goal 2", "alice task 1", "alice task 2", "bob goal 3", "bob task 3"}},
		{"DELETE FROM public.users WHERE id = ALICE", []string{}},
		{"SELECT bizydb.delete_user(BOB)", []string{}},
	} {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := one[int64](t, tx, "SELECT last_value FROM bizydb.change_seq")
		exec(t, tx, names.Replace(c.sql))
		got := all[string](t, tx, names.Replace("SELECT format('%s %s %s', CASE user_id WHEN ALICE THEN 'alice' WHEN BOB THEN 'bob' END, kind, id) FROM bizydb.changes WHERE seq > $1 ORDER BY user_id, kind, id"), last)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
		gone := one[int](t, tx, "SELECT count(*) FROM bizydb.changes c WHERE NOT EXISTS (SELECT FROM public.users u WHERE u.id = c.user_id)")
		if gone > 0 {
			t.Errorf("%s: %d changes of users who are gone", c.sql, gone)
		}
		// None were written and deleted again.
		if n := one[int64](t, tx, "SELECT last_value FROM bizydb.change_seq"); len(c.want) == 0 && n != last {
			t.Errorf("%s: numbers went from %d to %d", c.sql, last, n)
		}
		_ = tx.Rollback(t.Context())
	}
	// A snapshot from before others' changes.
	for _, sql := range []string{"SELECT bizydb.track_changes(false), bizydb.track_changes()", "TRUNCATE public.tasks", "DELETE FROM public.users WHERE id = ALICE", "TRUNCATE public.users CASCADE"} {
		for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
			tx, err := conn.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
			if err != nil {
				t.Fatal(err)
			}
			if err := attempt(t, tx, names.Replace(sql)); err == nil || err.Code != "25000" {
				t.Errorf("%s at %s: %v", sql, level, err)
			}
			_ = tx.Rollback(t.Context())
		}
	}
	// More users than there may be locks for.
	exec(t, conn, `WITH u AS (INSERT INTO public.users (email, username) SELECT 'n' || n || '@example.org', 'n' || n FROM generate_series(1, 1001) AS n RETURNING id)
		INSERT INTO public.tasks (id, user_id, title) SELECT 1000000 + id, id, 'task' FROM u`)
	if n := one[int](t, conn, "SELECT count(*) FROM bizydb.changes WHERE user_id NOT IN ($1, $2)", alice, bob); n != 1001 {
		t.Errorf("%d changes of 1001 users", n)
	}
	exec(t, conn, "TRUNCATE public.users CASCADE")
	if n := one[int](t, conn, "SELECT count(*) FROM bizydb.changes"); n != 0 {
		t.Errorf("%d changes of nobody", n)
	}
}
