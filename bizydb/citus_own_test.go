package bizydb_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Tables of the service's own are confined too, and accepted by StrictOpen.
func TestOwnTablesOnCitus(t *testing.T) {
	admin := forApp(t)
	asOwner(t, admin, "CREATE SCHEMA app")
	makeApp(t, admin, ownTable(t))
	db := &bizydbtest.Database{DB: openChecked(t, admin.DSN, bizydb.StrictOpen()), DSN: admin.DSN, AdminDSN: admin.AdminDSN}
	bizydbtest.CheckConfined(t, db)
	ownTableWorks(t, db)
	for sql, want := range map[string]string{
		"CREATE TABLE app.items (task_id bigint); SELECT bizydb.confine('app.items', via => 'task_id')": "user_id of its own",
		"CREATE TABLE app.items (user_id bigint); SELECT bizydb.confine('app.items')":                   "is not distributed",
	} {
		if strings.Contains(want, "distributed") && !testdb.OnCitus() {
			continue
		}
		testdb.WithOwner(t, db, func(conn *pgx.Conn) error {
			if _, err := conn.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", sql, err)
			}
			return nil
		})
	}
}

// forApp is a distributed database without a schema app, which the test may add. On Citus no other test runs meanwhile, since it locks tables
// that others use.
func forApp(t *testing.T) *bizydbtest.Database {
	t.Helper()
	if !testdb.OnCitus() {
		t.Parallel()
		return bizydbtest.New(t, oneNode, bizydbtest.WithReporting())
	}
	db := testdb.Common(t)
	asOwner(t, db, "DROP SCHEMA IF EXISTS app CASCADE")
	return db
}

// makeApp runs a service's migration in one message, as tern does, and gives the login of db the right that Open asks for.
func makeApp(t *testing.T, db *bizydbtest.Database, migration string) {
	t.Helper()
	if !testdb.OnCitus() {
		migration = regexp.MustCompile(`(?m)^SELECT create_distributed_table.*$`).ReplaceAllString(migration, "")
	}
	asOwner(t, db, migration)
	asOwner(t, db, "GRANT USAGE ON SCHEMA app TO "+parseConfig(t, db.DSN).ConnConfig.User)
}

// ownTable is the migration in docs/citus.md.
func ownTable(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/citus.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n([^`]*CREATE TABLE app.notes .*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/citus.md has no table app.notes")
	}
	return string(block[1])
}

func ownTableWorks(t *testing.T, db *bizydbtest.Database) {
	t.Helper()
	ctx := t.Context()
	users := []bizydb.UserID{db.NewUser(t), db.NewUser(t)}
	one, other := db.As(users[0]), db.As(users[1])
	at := plantAll(t, one)
	if _, err := one.DBTX().Exec(ctx, "INSERT INTO app.notes (body, task_id) VALUES ($1, $2)", "note", at.task); err != nil {
		t.Fatal(err)
	}
	if _, err := other.DBTX().Exec(ctx, "INSERT INTO app.notes (body, task_id) VALUES ($1, $2)", "note", at.task); !errors.Is(err, bizydb.ErrUnknownReference) {
		t.Errorf("of another user's task: %v, want ErrUnknownReference", err)
	}
	if rows, err := one.DBTX().Query(ctx, "INSERT INTO app.notes (body, task_id) SELECT body, $2 FROM unnest($1::text[]) AS b (body) RETURNING id", []string{"a", "b"}, at.task); err != nil {
		t.Error(err)
	} else if ids, err := pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil || len(ids) != 2 {
		t.Errorf("%d ids, %v", len(ids), err)
	}
	for s, want := range map[*bizydb.Scope]int{&one: 3, &other: 0} {
		for _, from := range []string{
			"app.notes", "app.notes WHERE user_id = (SELECT bizydb.current_user_id())",
			"app.notes n JOIN public.tasks t ON t.user_id = n.user_id AND t.id = n.task_id",
			"app.notes n JOIN public.tasks t ON t.user_id = n.user_id AND t.id = n.task_id WHERE n.user_id = (SELECT bizydb.current_user_id())",
		} {
			var n int
			if err := s.DBTX().QueryRow(ctx, "SELECT count(*) FROM "+from).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d notes, want %d: %v", from, n, want, err)
			}
		}
	}
	if testdb.OnCitus() {
		for _, sql := range []string{
			"SELECT count(*) FROM app.notes n JOIN public.tasks t ON t.id = n.task_id",
			"INSERT INTO app.notes (body) SELECT body FROM unnest(ARRAY['a']) AS b (body)",
			"INSERT INTO app.notes (body) VALUES ('a') RETURNING to_char(now(), 'YYYY')",
			"MERGE INTO app.notes n USING (VALUES (1)) AS v (id) ON n.user_id = (SELECT bizydb.current_user_id()) AND n.id = v.id WHEN MATCHED THEN UPDATE SET body = 'merged'",
		} {
			if testdb.OnOtherNode() && strings.Contains(sql, "unnest") {
				continue // the user's, perhaps
			}
			if _, err := one.DBTX().Exec(ctx, sql); err == nil {
				t.Errorf("docs/citus.md says that it is refused: %s", sql)
			}
		}
	}
	if _, err := one.DeleteTask(ctx, at.task); err != nil {
		t.Error(err)
	}
	if n := ownerQuery[int](t, db, "SELECT count(*) FROM app.notes WHERE user_id = $1", users[0]); n != 0 {
		t.Errorf("%d notes of a deleted task", n)
	}
}

// The queries of examples/timesheet, in the form that its db/citus has for Citus, answer as those of its db/queries do without it: to the
// owner of the rows, to another user, and about rows that nobody has. Each is one task, in one round trip.
func TestTimesheetOnCitus(t *testing.T) {
	distributed := forApp(t)
	plain := bizydbtest.New(t, bizydbtest.WithMigrations(os.DirFS(timesheet+"/migrations")), bizydbtest.WithReporting())
	migration, err := os.ReadFile(timesheet + "/citus/migrations/001_timesheet.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, _, _ := strings.Cut(string(migration), "---- create above")
	makeApp(t, distributed, up)

	sent := &sentQueries{}
	proxy, dsn := bizydbtest.NewProxy(t, distributed.DSN)
	one := func(c *pgxpool.Config) { c.MaxConns, c.ConnConfig.Tracer = 1, sent }
	constraints := bizydb.WithConstraints(map[string]bizydb.Constraint{
		"fk_comments_task":   {Table: "comments", Column: "task_id", Reason: "must be a task"},
		"fk_entries_task":    {Table: "entries", Column: "task_id", Reason: "must be a task"},
		"ix_entries_running": {Table: "entries", Column: "stopped_at", Reason: "must be set: another entry is running"},
	})
	without, on := newSheets(t, plain, open(t, plain.DSN, nil, constraints), ""), newSheets(t, distributed, open(t, dsn, one, constraints), "/citus")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(without.queries)), slices.Sorted(maps.Keys(on.queries))); diff != "" {
		t.Fatalf("queries, and those of db/citus:\n%s", diff)
	}
	for name, sql := range on.queries {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(parametersOf(without.queries[name]), parametersOf(sql)); diff != "" {
				t.Errorf("sqlc would make another method of it, by the parameters without Citus, and on it:\n%s", diff)
			}
			got := on.answers(t, name)
			if diff := cmp.Diff(without.answers(t, name), got); diff != "" {
				t.Errorf("without Citus, and on it:\n%s", diff)
			}
			if got[0] == "[] 0" || strings.HasPrefix(got[0], "error") || got[1] != got[2] {
				t.Errorf("the owner gets %s, another user %s, and about rows of nobody %s", got[0], got[1], got[2])
			}
			if name == "DayOfEveryUser" {
				return // which asks each node
			}
			user := distributed.NewUser(t)
			args := on.fill(t, user)
			for range 2 { // the first prepares the statement
				sent.take()
				proxy.RoundTrips()
				on.answer(t, user, name, args)
			}
			if n := proxy.RoundTrips(); n != 1 {
				t.Errorf("%d round trips", n)
			}
			for _, q := range sent.take() {
				if !oneTask(t, distributed, user, q) && testdb.OnCitus() && !testdb.OnOtherNode() { // on the user's node it cannot be explained
					t.Error("it is not distributed")
				}
			}
		})
	}
}

// parametersOf are the parameters of a query with @name, in the order in which sqlc takes them.
func parametersOf(sql string) []string {
	var names []string
	for _, name := range regexp.MustCompile(`@\w+`).FindAllString(sql, -1) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// sheets have the queries of a timesheet, and the database that they are for.
type sheets struct {
	made    *bizydbtest.Database
	db      *bizydb.DB
	queries map[string]string // by their names
}

func newSheets(t *testing.T, made *bizydbtest.Database, db *bizydb.DB, form string) *sheets {
	t.Helper()
	s := &sheets{made, db, timesheetQueries(t, form+"/queries")}
	maps.Copy(s.queries, timesheetQueries(t, form+"/reports"))
	return s
}

// fill gives a user a task under a goal, a comment, an entry of an hour and one that has been running for half an hour. It returns arguments for
// all queries.
func (s *sheets) fill(t *testing.T, user bizydb.UserID) pgx.NamedArgs {
	t.Helper()
	now := time.Now()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	args := pgx.NamedArgs{
		"task_id": plantAll(t, s.db.As(user)).task, "body": "a comment", "note": "a note", "max": 5, "day": now.Add(-2 * time.Hour).In(berlin), "since": now.AddDate(0, 0, -28),
		"time_zone": "Europe/Berlin", "started_at": now.Add(-2 * time.Hour), "stopped_at": now.Add(-time.Hour),
	}
	running := maps.Clone(args)
	running["started_at"], running["stopped_at"] = now.Add(-30*time.Minute), nil
	for _, add := range []struct {
		name string
		args pgx.NamedArgs
	}{{"AddComment", args}, {"AddEntry", args}, {"AddEntry", running}} {
		rows, _, err := s.ask(t, user, add.name, add.args)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v, %v", add.name, rows, err)
		}
		if add.name == "AddComment" {
			args["id"] = rows[0]["id"]
		}
	}
	return args
}

func (s *sheets) ask(t *testing.T, user bizydb.UserID, name string, args pgx.NamedArgs) ([]map[string]any, int64, error) {
	t.Helper()
	var on bizydb.DBTX = s.db.As(user).DBTX(bizydb.Writes)
	if name == "DayOfEveryUser" {
		on = s.db.Reporting().DBTX()
	}
	rows, err := on.Query(t.Context(), s.queries[name], args)
	if err != nil {
		return nil, 0, err
	}
	got, err := pgx.CollectRows(rows, pgx.RowToMap)
	return got, rows.CommandTag().RowsAffected(), err
}

// answer is what a query returns to a user, without ids and times, and the error by its kind.
func (s *sheets) answer(t *testing.T, user bizydb.UserID, name string, args pgx.NamedArgs) string {
	t.Helper()
	rows, n, err := s.ask(t, user, name, args)
	if err != nil {
		for _, kind := range []error{bizydb.ErrUnknownReference, bizydb.ErrConflict, bizydb.ErrInvalid} {
			var field *bizydb.FieldError
			if errors.Is(err, kind) && errors.As(err, &field) {
				return fmt.Sprintf("error: %v of %s.%s", kind, field.Table, field.Column)
			}
		}
		return "error: " + err.Error()
	}
	if name == "DayOfEveryUser" { // of one of them
		me, err := s.db.Accounts().Get(t.Context(), user)
		if err != nil {
			t.Fatal(err)
		}
		rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return row["email"] != me.Email })
		if n = int64(len(rows)); n == 1 {
			delete(rows[0], "email")
		}
	}
	for _, row := range rows {
		for column, v := range row {
			switch v := v.(type) {
			case time.Time:
				row[column] = "a time"
			case float64:
				row[column] = fmt.Sprintf("%.1f", v)
			case int64:
				if strings.HasSuffix(column, "id") {
					row[column] = "an id"
				}
			}
		}
	}
	return fmt.Sprint(rows, n)
}

// stored are a user's rows, without ids and times, and the actual hours of the tasks.
func (s *sheets) stored(t *testing.T, user bizydb.UserID) string {
	t.Helper()
	return ownerQuery[string](t, s.made, `SELECT jsonb_build_array(
		(SELECT jsonb_agg(c.body ORDER BY c.id) FROM app.comments c WHERE c.user_id = $1),
		(SELECT jsonb_agg(ARRAY[e.note, round(extract(epoch FROM e.stopped_at - e.started_at) / 60)::text] ORDER BY e.started_at, e.stopped_at) FROM app.entries e WHERE e.user_id = $1),
		(SELECT jsonb_agg(round(t.actual_hours::numeric, 1) ORDER BY t.id) FROM public.tasks t WHERE t.user_id = $1))::text`, int64(user))
}

// answers are those to the owner of rows, to another user, and to the latter about rows that nobody has, and what is stored then.
func (s *sheets) answers(t *testing.T, name string) []string {
	t.Helper()
	owner, other := s.made.NewUser(t), s.made.NewUser(t)
	args := s.fill(t, owner)
	of := func() string {
		var all []string
		for _, table := range []string{"app.comments", "app.entries"} {
			all = append(all, ownerQuery[string](t, s.made, "SELECT jsonb_agg(to_jsonb(r) ORDER BY id)::text FROM "+table+" r WHERE user_id = $1", int64(owner)))
		}
		return strings.Join(all, "\n") + dump(t, &bizydbtest.Database{DB: s.db, DSN: s.made.DSN, AdminDSN: s.made.AdminDSN}, owner)
	}
	before := of()
	toOther := s.answer(t, other, name, args)
	if diff := cmp.Diff(before, of()); diff != "" {
		t.Errorf("rows of another user have changed:\n%s", diff)
	}
	nobodys := maps.Clone(args)
	nobodys["task_id"], nobodys["id"] = planner.TaskID(1<<60), int64(1<<60)
	all := []string{s.answer(t, owner, name, args), toOther, s.answer(t, other, name, nobodys), s.stored(t, owner)}
	if name == "AddEntry" {
		args["stopped_at"] = nil // a second one that is running
		all = append(all, s.answer(t, owner, name, args))
	}
	return all
}
