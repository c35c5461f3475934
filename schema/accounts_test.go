package schema_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// deleted is what delete_user says of a user who was there.
type deleted struct{ Goals, Tasks int64 }

const deleteUser = "SELECT goals, tasks FROM bizydb.delete_user($1)"

func callDeleteUser(t testing.TB, on querier, id any) []deleted {
	t.Helper()
	rows, _ := on.Query(t.Context(), deleteUser, id)
	result, err := pgx.CollectRows(rows, pgx.RowToStructByPos[deleted])
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// everybody is the number of rows of each user, with a zero for one who has none.
func everybody(t testing.TB, db *bizydbtest.Database) []string {
	t.Helper()
	return all[string](t, owner(t, db), `
		SELECT format('%s: %s', d.user_id, d.id) FROM (SELECT user_id, id FROM bizydb.deleted_goals UNION ALL SELECT user_id, id FROM bizydb.deleted_tasks UNION ALL SELECT user_id, lower FROM bizydb.deleted_links) AS d
		WHERE d.user_id NOT IN (SELECT id FROM public.users)
		UNION ALL
		SELECT format('user %s: %s goals, %s tasks', coalesce(u.id, g.user_id, t.user_id), count(DISTINCT g.id), count(DISTINCT t.id))
		FROM public.users u FULL JOIN public.goals g ON g.user_id = u.id FULL JOIN public.tasks t ON t.user_id = coalesce(u.id, g.user_id)
		GROUP BY coalesce(u.id, g.user_id, t.user_id) ORDER BY 1`)
}

func TestDeleteUserCountsAndRemoves(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	busy, idle, inactive, other := db.NewUser(t), db.NewUser(t), db.NewUser(t), db.NewUser(t)
	for _, user := range []bizydb.UserID{busy, inactive, other} {
		tx := enter(t, db, user, "")
		top := newGoal(t, tx, nil)
		middle := newGoal(t, tx, &top)
		newGoal(t, tx, &middle)
		exec(t, tx, "INSERT INTO public.tasks (title, parent_goal_id) VALUES ('a', $1), ('b', $2), ('c', $2), ('d', NULL)", top, middle)
		commit(t, tx)
	}
	exec(t, owner(t, db), "UPDATE public.users SET is_active = false WHERE id = $1", inactive)
	left := func(users ...bizydb.UserID) (want []string) {
		for _, user := range users {
			goals, tasks := 3, 4
			if user == idle {
				goals, tasks = 0, 0
			}
			want = append(want, fmt.Sprintf("user %d: %d goals, %d tasks", user, goals, tasks))
		}
		slices.Sort(want)
		return want
	}
	before := left(busy, idle, inactive, other)
	if diff := cmp.Diff(before, everybody(t, db)); diff != "" {
		t.Fatalf("at first (-want +got):\n%s", diff)
	}

	// No row, and nothing done, for one who is not there.
	for _, id := range []any{int64(0), int64(-1), int64(9223372036854775807), nil} {
		tx := enterAccounts(t, db)
		if diff := cmp.Diff([]deleted{}, callDeleteUser(t, tx, id)); diff != "" {
			t.Errorf("delete_user(%v) (-want +got):\n%s", id, diff)
		}
		commit(t, tx)
	}
	if diff := cmp.Diff(before, everybody(t, db)); diff != "" {
		t.Errorf("after users who are not there (-want +got):\n%s", diff)
	}

	// What is taken back was not done.
	tx := enterAccounts(t, db)
	callDeleteUser(t, tx, busy)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, everybody(t, db)); diff != "" {
		t.Errorf("after a rollback (-want +got):\n%s", diff)
	}

	for _, c := range []struct {
		user bizydb.UserID
		want deleted
		left []string
	}{
		{busy, deleted{3, 4}, left(idle, inactive, other)},
		{idle, deleted{0, 0}, left(inactive, other)},
		{inactive, deleted{3, 4}, left(other)},
	} {
		tx := enterAccounts(t, db)
		if diff := cmp.Diff([]deleted{c.want}, callDeleteUser(t, tx, c.user)); diff != "" {
			t.Errorf("user %d (-want +got):\n%s", c.user, diff)
		}
		if diff := cmp.Diff([]deleted{}, callDeleteUser(t, tx, c.user)); diff != "" {
			t.Errorf("user %d again (-want +got):\n%s", c.user, diff)
		}
		commit(t, tx)
		if diff := cmp.Diff(c.left, everybody(t, db)); diff != "" {
			t.Errorf("after user %d (-want +got):\n%s", c.user, diff)
		}
	}
}

// What the user is just adding is waited for, removed and counted.
func TestDeleteUserCountsWhatIsBeingAdded(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	adding := enter(t, db, user, "")
	goal := newGoal(t, adding, nil)
	exec(t, adding, "INSERT INTO public.tasks (title, parent_goal_id) VALUES ('task', $1), ('another', NULL)", goal)

	accounts := enterAccounts(t, db)
	var got []deleted
	result, waiting := make(chan error, 1), pid(t, accounts)
	go func() {
		rows, _ := accounts.Query(context.WithoutCancel(t.Context()), deleteUser, user)
		var err error
		got, err = pgx.CollectRows(rows, pgx.RowToStructByPos[deleted])
		result <- err
	}()
	waitUntilBlocked(t, owner(t, db), waiting, result)
	commit(t, adding)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	commit(t, accounts)
	if diff := cmp.Diff([]deleted{{1, 2}}, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if rest := everybody(t, db); len(rest) != 0 {
		t.Errorf("still there: %q", rest)
	}
}

// No goal is counted anew, or completed, because its tasks or sub-goals go first: a service's triggers would react to that.
func TestDeletionOfAUserUpdatesNothing(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{"SELECT FROM bizydb.delete_user($1)", "DELETE FROM public.users WHERE id = $1"} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			db := bizydbtest.New(t)
			user := db.NewUser(t)
			tx := enter(t, db, user, "")
			// Without its tasks A would be completed, without its sub-goal D, and C would be at 0.
			plant(t, tx, "A B<A C<A D E<D 1*A 1*B:completed 2*C 1*C:completed 1*D:completed 1*E")
			exec(t, tx, "UPDATE public.goals SET status = 'completed' WHERE title = 'C'")
			exec(t, tx, "UPDATE public.tasks SET dependencies = jsonb_build_array((SELECT min(id) FROM public.tasks)) WHERE title = 'C1'")
			commit(t, tx)
			admin := owner(t, db)
			exec(t, admin, `
				CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% of %: % -> %', TG_OP, TG_TABLE_NAME, OLD, NEW; END $$;
				CREATE TRIGGER x_refuse BEFORE INSERT OR UPDATE ON public.goals FOR EACH ROW EXECUTE FUNCTION public.refuse();
				CREATE TRIGGER x_refuse BEFORE INSERT OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.refuse()`)
			exec(t, admin, sql, user)
			if rest := everybody(t, db); len(rest) != 0 {
				t.Errorf("still there: %q", rest)
			}
		})
	}
}

// Who may not delete users cannot do it by the function either: no user, not even itself, and nobody by way of PUBLIC.
func TestDeleteUserIsForAccountsOnly(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)

	tx := enter(t, db, user, "")
	for _, id := range []bizydb.UserID{user, other, 0} {
		if err := attempt(t, tx, deleteUser, id); err == nil || err.Code != "42501" {
			t.Errorf("bizydb_user: delete_user(%d): %v, want insufficient_privilege", id, err)
		}
	}

	stranger, err := owner(t, db).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Rollback(t.Context()) }()
	login := "schema_test_stranger"
	exec(t, stranger, "CREATE ROLE "+login)
	exec(t, stranger, "GRANT "+login+" TO CURRENT_USER")
	exec(t, stranger, "GRANT USAGE ON SCHEMA bizydb TO "+login)
	exec(t, stranger, "SET LOCAL ROLE "+login)
	if err := attempt(t, stranger, "SELECT bizydb.schema_version()"); err != nil {
		t.Fatalf("the schema is out of reach anyway: %v", err)
	}
	for _, sql := range []string{"SELECT bizydb.delete_user(" + fmt.Sprint(user) + ")", "SELECT FROM bizydb.profiles", "UPDATE bizydb.profiles SET full_name = ''"} {
		if err := attempt(t, stranger, sql); err == nil || err.Code != "42501" {
			t.Errorf("PUBLIC: %s: %v, want insufficient_privilege", sql, err)
		}
	}

	if n := one[int](t, owner(t, db), "SELECT count(*) FROM public.users"); n != 2 {
		t.Errorf("%d users are left, want 2", n)
	}
}

// profileFindings says in what the view differs from the table without the hash, by columns and by what is in them.
func profileFindings(t testing.TB, on querier) []string {
	t.Helper()
	found := all[string](t, on, `
		WITH columns AS (
		  SELECT attrelid, attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
		  WHERE attrelid IN ('public.users'::regclass, 'bizydb.profiles'::regclass) AND attnum > 0 AND NOT attisdropped
		)
		SELECT coalesce(
		  'missing: ' || u.attname || ' ' || u.type,
		  'too much: ' || p.attname || ' ' || p.type
		)
		FROM (SELECT * FROM columns WHERE attrelid = 'public.users'::regclass AND attname <> 'hashed_password') u
		FULL JOIN (SELECT * FROM columns WHERE attrelid = 'bizydb.profiles'::regclass) p USING (attname, type)
		WHERE u.attrelid IS NULL OR p.attrelid IS NULL
		ORDER BY 1`)
	if len(found) > 0 {
		return found
	}
	return all[string](t, on, `
		SELECT 'another row: ' || coalesce(u.id, p.id)
		FROM (SELECT id, to_jsonb(u.*) - 'hashed_password' AS row FROM public.users u) u
		FULL JOIN (SELECT id, to_jsonb(p.*) AS row FROM bizydb.profiles p) p USING (id, row)
		WHERE u.row IS NULL OR p.row IS NULL
		ORDER BY 1`)
}

func TestProfilesIsUsersWithoutTheHash(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	db.NewUser(t)
	conn := owner(t, db)
	// No two columns of a type have the same value.
	exec(t, conn, `UPDATE public.users SET full_name = 'Full Name', is_superuser = true, is_verified = false, last_login_at = now() + interval '1 hour',
		email_verified_at = now() + interval '2 hours', password_changed_at = now() + interval '3 hours', created_at = now() - interval '1 hour' WHERE id = $1`, user)
	exec(t, conn, "UPDATE public.users SET is_verified = true, is_active = false WHERE id <> $1", user)
	if found := profileFindings(t, conn); len(found) > 0 {
		t.Errorf("bizydb.profiles: %q", found)
	}
	if got := all[string](t, conn, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'bizydb.profiles'::regclass AND attname ~ 'password' AND attname <> 'password_changed_at'"); len(got) > 0 {
		t.Errorf("bizydb.profiles has %q", got)
	}

	// The comparison finds what it is for.
	const columns = "email, username, full_name, is_active, is_verified, is_superuser, created_at, updated_at, last_login_at, password_changed_at"
	const recreate = "DROP VIEW bizydb.profiles; CREATE VIEW bizydb.profiles AS SELECT "
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"ALTER TABLE public.users ADD COLUMN phone text", []string{"missing: phone text"}},
		{recreate + "id, " + columns + " FROM public.users", []string{"missing: email_verified_at timestamp with time zone"}},
		{recreate + "* FROM public.users", []string{"too much: hashed_password text"}},
		{recreate + "id, " + columns + ", email_verified_at, hashed_password AS secret FROM public.users", []string{"too much: secret text"}},
		{recreate + "id, " + columns + ", email_verified_at::text FROM public.users", []string{"missing: email_verified_at timestamp with time zone", "too much: email_verified_at text"}},
		{recreate + "id, " + columns + ", updated_at AS email_verified_at FROM public.users WHERE id = " + fmt.Sprint(user), []string{
			fmt.Sprint("another row: ", user), fmt.Sprint("another row: ", user), fmt.Sprint("another row: ", user+1),
		}},
	} {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), c.sql); err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		if diff := cmp.Diff(c.want, profileFindings(t, tx)); diff != "" {
			t.Errorf("%s\nfindings (-want +got):\n%s", c.sql, diff)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A user sees itself, while it is active; bizydb_accounts sees everybody.
func TestProfilesShows(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other, inactive := db.NewUser(t), db.NewUser(t), db.NewUser(t)
	conn := owner(t, db)
	exec(t, conn, "UPDATE public.users SET is_active = false WHERE id = $1", inactive)
	want := all[string](t, conn, "SELECT (to_jsonb(u.*) - 'hashed_password')::text FROM public.users u ORDER BY id")
	const rows = "SELECT to_jsonb(p.*)::text FROM bizydb.profiles p ORDER BY id"

	tx := enterAccounts(t, db)
	if diff := cmp.Diff(want, all[string](t, tx, rows)); diff != "" {
		t.Errorf("bizydb_accounts (-want +got):\n%s", diff)
	}
	commit(t, tx)

	for i, id := range []bizydb.UserID{user, other} {
		tx := enter(t, db, id, "")
		if diff := cmp.Diff(want[i:i+1], all[string](t, tx, rows)); diff != "" {
			t.Errorf("user %d (-want +got):\n%s", id, diff)
		}
		commit(t, tx)
	}
	for _, id := range []any{inactive, 0, ""} {
		tx := enter(t, db, user, "")
		exec(t, tx, "SELECT set_config('bizydb.user_id', $1, true)", fmt.Sprint(id))
		if got := all[string](t, tx, rows); len(got) != 0 {
			t.Errorf("user %v: got %q", id, got)
		}
		commit(t, tx)
	}

	// Out from the next statement on, in the middle of a transaction too.
	tx = enter(t, db, user, "")
	if n := exec(t, tx, "SELECT FROM bizydb.profiles"); n != 1 {
		t.Errorf("active: %d rows", n)
	}
	exec(t, conn, "UPDATE public.users SET is_active = false WHERE id = $1", user)
	for _, sql := range []string{"SELECT FROM bizydb.profiles", "UPDATE bizydb.profiles SET full_name = 'changed'"} {
		if n := exec(t, tx, sql); n != 0 {
			t.Errorf("deactivated: %s: %d rows", sql, n)
		}
	}
	commit(t, tx)
	exec(t, conn, "UPDATE public.users SET is_active = true WHERE id = $1", user)
	tx = enter(t, db, user, "")
	if n := exec(t, tx, "SELECT FROM bizydb.profiles"); n != 1 {
		t.Errorf("active again: %d rows", n)
	}
	commit(t, tx)
}

// Through the view a user writes its own user name and full name, and nothing else.
func TestProfilesWritable(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)
	conn := owner(t, db)
	untouched := func() string {
		return one[string](t, conn, "SELECT to_jsonb(u.*)::text FROM public.users u WHERE id = $1", other)
	}
	before := untouched()
	columns := all[string](t, conn, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'bizydb.profiles'::regclass AND attnum > 0 ORDER BY attnum")
	if len(columns) < 11 {
		t.Fatalf("found only %q", columns)
	}

	tx := enter(t, db, user, "")
	for _, column := range columns {
		sql := fmt.Sprintf("UPDATE bizydb.profiles SET %s = %[1]s", column)
		switch err := attempt(t, tx, sql); {
		case column == "username" || column == "full_name":
			if err != nil {
				t.Errorf("bizydb_user: %s: %v", sql, err)
			}
		case err == nil || err.Code != "42501":
			t.Errorf("bizydb_user: %s: %v, want insufficient_privilege", sql, err)
		}
	}
	if n := exec(t, tx, "UPDATE bizydb.profiles SET username = 'new.name', full_name = 'New Name'"); n != 1 {
		t.Errorf("bizydb_user: updated %d rows without a condition, want its own", n)
	}
	if n := exec(t, tx, "UPDATE bizydb.profiles SET username = 'x', full_name = 'x' WHERE id = $1", other); n != 0 {
		t.Errorf("bizydb_user: updated %d rows of another user", n)
	}
	for _, c := range []struct{ sql, constraint string }{
		{"UPDATE bizydb.profiles SET username = 'someone@example.org'", "ck_users_username_form"},
		{"UPDATE bizydb.profiles SET full_name = repeat('x', 201)", "ck_users_full_name_length"},
	} {
		if err := attempt(t, tx, c.sql); err == nil || err.ConstraintName != c.constraint {
			t.Errorf("bizydb_user: %s: %v, want %s", c.sql, err, c.constraint)
		}
	}
	const insert = `INSERT INTO bizydb.profiles (email, username) VALUES ('e@x', 'u')`
	for _, sql := range []string{insert, "DELETE FROM bizydb.profiles", "SELECT hashed_password FROM public.users"} {
		if err := attempt(t, tx, sql); err == nil || err.Code != "42501" {
			t.Errorf("bizydb_user: %s: %v, want insufficient_privilege", sql, err)
		}
	}
	commit(t, tx)
	const names = "SELECT username || ', ' || full_name FROM public.users WHERE id = $1"
	if got := one[string](t, conn, names, user); got != "new.name, New Name" {
		t.Errorf("the user is %q", got)
	}
	if diff := cmp.Diff(before, untouched()); diff != "" {
		t.Errorf("the other user (-before +after):\n%s", diff)
	}

	accounts := enterAccounts(t, db)
	for _, column := range columns {
		sql := fmt.Sprintf("UPDATE bizydb.profiles SET %s = %[1]s", column)
		if err := attempt(t, accounts, sql); err != nil {
			t.Errorf("bizydb_accounts: %s: %v", sql, err)
		}
	}
	for _, sql := range []string{insert, "DELETE FROM bizydb.profiles"} {
		if err := attempt(t, accounts, sql); err == nil || err.Code != "42501" {
			t.Errorf("bizydb_accounts: %s: %v, want insufficient_privilege", sql, err)
		}
	}
	if n := exec(t, accounts, "UPDATE bizydb.profiles SET is_superuser = true, email = 'new@example.org' WHERE id = $1", other); n != 1 {
		t.Errorf("bizydb_accounts: updated %d rows", n)
	}
	commit(t, accounts)
	if got := one[string](t, conn, "SELECT email || ', ' || is_superuser FROM public.users WHERE id = $1", other); got != "new@example.org, true" {
		t.Errorf("the other user is %q", got)
	}
}

// A sign-in and a new hash are no change of the profile. Every other column is, as long as it really changes.
func TestSignInIsNoChangeOfTheProfile(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	exec(t, owner(t, db), "UPDATE public.users SET full_name = 'Name' WHERE id = $1", user)
	const hash = "'$2b$12$' || repeat('/', 53)"
	asAccounts := func() pgx.Tx { return enterAccounts(t, db) }
	asUser := func() pgx.Tx { return enter(t, db, user, "") }
	cases := []struct {
		enter       func() pgx.Tx
		column, sql string
		moves       bool
	}{
		{asAccounts, "", "UPDATE public.users SET last_login_at = now()", false},
		{asAccounts, "", "UPDATE public.users SET last_login_at = now(), hashed_password = hashed_password", false},
		{asAccounts, "", "UPDATE public.users SET last_login_at = now(), hashed_password = " + hash, false},
		{asAccounts, "", "UPDATE public.users SET hashed_password = replace(" + hash + ", '/', 'x')", false},
		{asAccounts, "last_login_at", "UPDATE bizydb.profiles SET last_login_at = now()", false},
		{asAccounts, "hashed_password", "UPDATE public.users SET hashed_password = " + hash, false},
		{asAccounts, "password_changed_at", "UPDATE public.users SET password_changed_at = now()", false},

		{asAccounts, "email", "UPDATE public.users SET email = 'first@example.org'", true},
		{asAccounts, "", "UPDATE bizydb.profiles SET email = 'second@example.org', is_verified = false, email_verified_at = NULL", true},
		{asAccounts, "is_verified", "UPDATE public.users SET is_verified = true", true},
		{asAccounts, "email_verified_at", "UPDATE public.users SET email_verified_at = now()", true},
		{asAccounts, "is_superuser", "UPDATE bizydb.profiles SET is_superuser = true", true},
		{asAccounts, "username", "UPDATE bizydb.profiles SET username = 'first'", true},
		{asAccounts, "full_name", "UPDATE public.users SET full_name = 'First', last_login_at = now()", true},
		{asUser, "", "UPDATE bizydb.profiles SET username = 'second'", true},
		{asUser, "", "UPDATE public.users SET username = 'third'", true},
		{asUser, "", "UPDATE bizydb.profiles SET full_name = 'Second'", true},
		{asUser, "", "UPDATE bizydb.profiles SET full_name = NULL", true},
		{asUser, "", "UPDATE bizydb.profiles SET full_name = NULL", false},
		{asUser, "", "UPDATE bizydb.profiles SET username = username, full_name = full_name", false},
		{asAccounts, "is_active", "UPDATE bizydb.profiles SET is_active = false", true},
		{asAccounts, "", "UPDATE bizydb.profiles SET is_active = false", false},
		{asAccounts, "", "UPDATE bizydb.profiles SET is_active = true", true},
	}
	for _, c := range cases {
		tx := c.enter()
		const read = "SELECT updated_at FROM public.users"
		want := one[time.Time](t, tx, read)
		if c.moves {
			want = one[time.Time](t, tx, "SELECT now()")
		}
		if n := exec(t, tx, c.sql); n != 1 {
			t.Fatalf("%s: %d rows", c.sql, n)
		}
		if got := one[time.Time](t, tx, read); !got.Equal(want) {
			t.Errorf("%s: updated_at is %v, want %v", c.sql, got, want)
		}
		commit(t, tx)
	}

	// A new column needs a case.
	var tested []string
	for _, c := range cases {
		if c.column != "" {
			tested = append(tested, c.column)
		}
	}
	slices.Sort(tested)
	columns := all[string](t, owner(t, db), `
		SELECT attname::text FROM pg_attribute
		WHERE attrelid = 'public.users'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', 'created_at', 'updated_at')
		ORDER BY attname COLLATE "C"`)
	if diff := cmp.Diff(columns, tested); diff != "" {
		t.Errorf("columns (-of users +tested):\n%s", diff)
	}
}
