package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"example.com/timesheet/internal/store"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

func newDatabase(t *testing.T) *bizydbtest.Database {
	return bizydbtest.New(t, bizydbtest.WithMigrations(migrations()), bizydbtest.WithOptions(bizydb.WithConstraints(constraints)))
}

// asOwner runs a statement as the owner of the tables, and returns what it gives as text.
func asOwner(t *testing.T, db *bizydbtest.Database, sql string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// rowsOf is all that a user has.
func rowsOf(t *testing.T, db *bizydbtest.Database, user bizydb.UserID) []string {
	t.Helper()
	return asOwner(t, db, fmt.Sprintf(`
		SELECT 'comment ' || to_jsonb(r)::text FROM app.comments r WHERE user_id = %[1]d UNION ALL
		SELECT 'entry ' || to_jsonb(r)::text FROM app.entries r WHERE user_id = %[1]d UNION ALL
		SELECT 'task ' || to_jsonb(r)::text FROM public.tasks r WHERE user_id = %[1]d UNION ALL
		SELECT 'goal ' || to_jsonb(r)::text FROM public.goals r WHERE user_id = %[1]d ORDER BY 1`, user))
}

// A sheet is what calls are about.
type sheet struct {
	task    planner.TaskID
	comment int64
}

var nobodys = sheet{1 << 40, 1 << 40}

// fill gives a user a task under a goal, a comment, an entry and one that is running, with the text wherever a text can be.
func fill(t *testing.T, scope bizydb.Scope, text string) sheet {
	t.Helper()
	ctx := t.Context()
	goal, err := scope.CreateGoal(ctx, planner.CreateGoalParams{Title: text})
	if err != nil {
		t.Fatal(err)
	}
	task, err := scope.CreateTask(ctx, planner.CreateTaskParams{Title: text, ParentGoalID: &goal.ID})
	if err != nil {
		t.Fatal(err)
	}
	own := store.New(scope.DBTX(bizydb.Writes))
	comment, err := own.AddComment(ctx, store.AddCommentParams{TaskID: task.ID, Body: text})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-2 * time.Hour)
	if _, err := own.AddEntry(ctx, store.AddEntryParams{TaskID: task.ID, StartedAt: start, StoppedAt: new(start.Add(time.Hour)), Note: text}); err != nil {
		t.Fatal(err)
	}
	if _, err := own.SwitchEntry(ctx, store.SwitchEntryParams{TaskID: task.ID, Note: text}); err != nil {
		t.Fatal(err)
	}
	return sheet{task.ID, comment.ID}
}

// calls has a call of every query of the service, about rows that may be the caller's.
var calls = map[string]func(ctx context.Context, q *store.Queries, at sheet) (any, error){
	"AddComment": func(ctx context.Context, q *store.Queries, at sheet) (any, error) {
		return q.AddComment(ctx, store.AddCommentParams{TaskID: at.task, Body: "x"})
	},
	"AddEntry": func(ctx context.Context, q *store.Queries, at sheet) (any, error) {
		now := time.Now()
		return q.AddEntry(ctx, store.AddEntryParams{TaskID: at.task, StartedAt: now, StoppedAt: &now})
	},
	"BookHours": func(ctx context.Context, q *store.Queries, at sheet) (any, error) { return q.BookHours(ctx, at.task) },
	"DeleteComment": func(ctx context.Context, q *store.Queries, at sheet) (any, error) {
		return q.DeleteComment(ctx, at.comment)
	},
	"EditComment": func(ctx context.Context, q *store.Queries, at sheet) (any, error) {
		return q.EditComment(ctx, store.EditCommentParams{ID: at.comment, Body: "x"})
	},
	"HoursByGoal": func(ctx context.Context, q *store.Queries, _ sheet) (any, error) {
		return q.HoursByGoal(ctx, store.HoursByGoalParams{TimeZone: "Europe/Berlin", Since: time.Now().AddDate(0, 0, -28)})
	},
	"LatestComments": func(ctx context.Context, q *store.Queries, at sheet) (any, error) {
		return q.LatestComments(ctx, store.LatestCommentsParams{TaskID: at.task, Max: 5})
	},
	"RunningEntry": func(ctx context.Context, q *store.Queries, _ sheet) (any, error) { return q.RunningEntry(ctx) },
	"StopEntry":    func(ctx context.Context, q *store.Queries, _ sheet) (any, error) { return q.StopEntry(ctx) },
	"SwitchEntry": func(ctx context.Context, q *store.Queries, at sheet) (any, error) {
		return q.SwitchEntry(ctx, store.SwitchEntryParams{TaskID: at.task})
	},
}

// queries are the methods that sqlc has made of db/queries.
func queries(t *testing.T) []string {
	t.Helper()
	var names []string
	for m := range reflect.TypeFor[*store.Queries]().Methods() {
		if m.Name == "WithTx" { // New(tx.DBTX()) is how a query joins a transaction
			continue
		}
		if calls[m.Name] == nil {
			t.Fatalf("calls has no call of %s", m.Name)
		}
		names = append(names, m.Name)
	}
	return names
}

// all is all that a call says: its answer, and its error with what the server has said.
func all(got any, err error) string {
	b, _ := json.Marshal(got)
	said := fmt.Sprintf("%s %v", b, err)
	if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) {
		said += fmt.Sprintf(" %+v", *pgErr)
	}
	return said
}

var errRollback = errors.New("roll back")

// answer is all that a call says in a transaction that is rolled back.
func answer(ctx context.Context, scope bizydb.Scope, name string, at sheet) (said string, err error) {
	txErr := scope.InTx(ctx, func(tx *bizydb.Tx) error {
		var got any
		got, err = calls[name](ctx, store.New(tx.DBTX(bizydb.Writes)), at)
		said = all(got, err)
		return errRollback
	})
	if !errors.Is(txErr, errRollback) {
		return "", txErr
	}
	return said, err
}

// reached lists the queries by which a user who has nothing reads or changes what another has, or learns that it is there.
func reached(t *testing.T, db *bizydbtest.Database) []string {
	t.Helper()
	ctx := t.Context()
	alice, mallory := db.NewUser(t), db.NewUser(t)
	hers := fill(t, db.As(alice), "hers")
	before := rowsOf(t, db, alice)
	var found []string
	for _, name := range queries(t) {
		if said, err := answer(ctx, db.As(alice), name, hers); err != nil || said == "null <nil>" || said == "0 <nil>" {
			t.Errorf("%s by the owner, without which this shows nothing: %s, %v", name, said, err)
		}
		ofHers, _ := answer(ctx, db.As(mallory), name, hers)
		ofNobodys, _ := answer(ctx, db.As(mallory), name, nobodys)
		// An error may repeat what the caller has said.
		ofHers = strings.ReplaceAll(ofHers, fmt.Sprintf(", %d) is not present", hers.task), fmt.Sprintf(", %d) is not present", nobodys.task))
		if ofHers != ofNobodys || strings.Contains(ofHers, "hers") {
			found = append(found, fmt.Sprintf("%s: %s, of nobody's rows: %s", name, ofHers, ofNobodys))
			continue
		}
		_, _ = calls[name](ctx, store.New(db.As(mallory).DBTX(bizydb.Writes)), hers) // and to stay
		if !slices.Equal(before, rowsOf(t, db, alice)) {
			found = append(found, name+" has changed rows")
			before = rowsOf(t, db, alice)
		}
	}
	return found
}

func TestUserCannotReachAnothersRows(t *testing.T) {
	t.Parallel()
	for _, found := range reached(t, newDatabase(t)) {
		t.Error(found)
	}
}

// Every call is one round trip on a warm connection, and so is the dashboard.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	proxy, dsn := bizydbtest.NewProxy(t, made.DSN)
	db, err := open(t.Context(), dsn+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	scope := db.As(made.NewUser(t))
	one := func(what string, call func(sheet) error) {
		var trips int
		for range 2 { // the first warms the connection up
			mine := fill(t, scope, "mine")
			proxy.RoundTrips()
			if err := call(mine); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			trips = proxy.RoundTrips()
		}
		if trips != 1 {
			t.Errorf("%s: %d round trips, want 1", what, trips)
		}
	}
	for _, name := range queries(t) {
		one(name, func(mine sheet) error {
			_, err := calls[name](t.Context(), store.New(scope.DBTX(bizydb.Writes)), mine)
			return err
		})
	}
	one("dashboard", func(sheet) error {
		d, err := loadDashboard(t.Context(), scope, "Europe/Berlin")
		if d.Running == nil || len(d.Hours) == 0 || len(d.Counts) == 0 {
			t.Errorf("dashboard %+v", d)
		}
		return err
	})
}

func TestConfined(t *testing.T) {
	t.Parallel()
	bizydbtest.CheckConfined(t, newDatabase(t))
}

// A table that has lost its policy and row security is found: by the check, by Open, by the queries and by the attacks.
func TestLostPolicyIsFound(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"app.comments", "app.entries"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			asOwner(t, db, fmt.Sprintf("ALTER TABLE %s DISABLE ROW LEVEL SECURITY", table))
			asOwner(t, db, fmt.Sprintf("DROP POLICY bizydb_owner ON %s", table))
			findings, err := db.CheckConfined(t.Context())
			if err != nil || !slices.ContainsFunc(findings, func(f bizydb.Finding) bool { return f.Object == table }) {
				t.Errorf("the check finds %v, %v", findings, err)
			}
			if _, err := open(t.Context(), db.DSN); !errors.Is(err, bizydb.ErrUnprotected) || !strings.Contains(err.Error(), table) {
				t.Errorf("Open: %v, want ErrUnprotected about %s", err, table)
			}
			if found := reached(t, db); len(found) == 0 {
				t.Error("the queries reach nothing")
			} else {
				t.Logf("the queries: %q", found)
			}
			if found := attacked(t, db, 400); len(found) == 0 {
				t.Error("the attacks reach nothing")
			} else {
				t.Logf("the attacks: %q", found[:1])
			}
		})
	}
}

// Rows go with their task and with their user.
func TestDeletion(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	user, other := db.NewUser(t), db.NewUser(t)
	fill(t, db.As(user), "first")
	second := fill(t, db.As(user), "second")
	fill(t, db.As(other), "other's")
	count := func() string {
		return asOwner(t, db, fmt.Sprintf(`SELECT format('%%s %%s', (SELECT count(*) FROM app.comments WHERE user_id = %[1]d), (SELECT count(*) FROM app.entries WHERE user_id = %[1]d))`, user))[0]
	}
	if got := count(); got != "2 4" {
		t.Errorf("comments and entries: %s, want 2 4", got)
	}
	if _, err := db.As(user).DeleteTask(t.Context(), second.task); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != "1 2" {
		t.Errorf("without the task: %s, want 1 2", got)
	}
	if _, err := db.Accounts().Delete(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != "0 0" {
		t.Errorf("without the user: %s, want 0 0", got)
	}
	if rows := rowsOf(t, db, other); len(rows) != 5 {
		t.Errorf("the other user has %q", rows)
	}
}

// Every constraint has its reason, and every reason its constraint.
func TestConstraints(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	names := asOwner(t, db, `
		SELECT conname::text FROM pg_constraint WHERE connamespace = 'app'::regnamespace AND contype IN ('c', 'f') AND confrelid <> 'public.users'::regclass
		UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid::regclass::text LIKE 'app.%' AND indisunique AND NOT indisprimary`)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "app.")
		if _, ok := constraints[names[i]]; !ok {
			t.Errorf("%s has no reason", names[i])
		}
	}
	for name := range constraints {
		if !slices.Contains(names, name) {
			t.Errorf("there is no constraint %s", name)
		}
	}
}

// What is refused names its field.
func TestRefusedValues(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	scope := db.As(db.NewUser(t))
	mine := fill(t, scope, "mine")
	own := store.New(scope.DBTX())
	ctx, now := t.Context(), time.Now()
	entry := func(p store.AddEntryParams) error { _, err := own.AddEntry(ctx, p); return err }
	comment := func(task planner.TaskID, body string) error {
		_, err := own.AddComment(ctx, store.AddCommentParams{TaskID: task, Body: body})
		return err
	}
	hours := func(zone planner.TimeZone) error {
		_, err := own.HoursByGoal(ctx, store.HoursByGoalParams{TimeZone: zone, Since: now.AddDate(0, 0, -1)})
		return err
	}
	if err := hours("Nowhere/Else"); !errors.Is(err, bizydb.ErrInvalid) || !strings.Contains(err.Error(), "HoursByGoal: $1 must be") {
		t.Errorf("%v, want ErrInvalid of the first parameter", err)
	}
	for _, c := range []struct {
		field string
		kind  error
		err   error
	}{
		{"comments.body", bizydb.ErrInvalid, comment(mine.task, " \n")},
		{"comments.body", bizydb.ErrInvalid, comment(mine.task, strings.Repeat("x", 10001))},
		{"comments.task_id", bizydb.ErrUnknownReference, comment(nobodys.task, "x")},
		{"entries.task_id", bizydb.ErrUnknownReference, entry(store.AddEntryParams{TaskID: nobodys.task, StartedAt: now, StoppedAt: &now})},
		{"entries.started_at", bizydb.ErrInvalid, entry(store.AddEntryParams{TaskID: mine.task})},
		{"entries.stopped_at", bizydb.ErrInvalid, entry(store.AddEntryParams{TaskID: mine.task, StartedAt: now, StoppedAt: new(now.Add(-time.Second))})},
		{"entries.stopped_at", bizydb.ErrConflict, entry(store.AddEntryParams{TaskID: mine.task, StartedAt: now})},
		{".time_zone", bizydb.ErrInvalid, hours("")},
		{"entries.note", bizydb.ErrInvalid, entry(store.AddEntryParams{TaskID: mine.task, StartedAt: now, StoppedAt: &now, Note: strings.Repeat("x", 1001)})},
	} {
		var field *bizydb.FieldError
		if !errors.As(c.err, &field) || field.Table+"."+field.Column != c.field || !errors.Is(c.err, c.kind) {
			t.Errorf("%v, want %v of %s", c.err, c.kind, c.field)
		}
	}
}

// A task is finished with the hours of its entries; a task of somebody else's changes nothing.
func TestFinishTask(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	scope := db.As(db.NewUser(t))
	mine := fill(t, scope, "mine")
	if err := finishTask(t.Context(), scope, nobodys.task); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("another task: %v, want ErrNotFound", err)
	}
	if d, err := loadDashboard(t.Context(), scope, "UTC"); err != nil || d.Running == nil {
		t.Errorf("nothing runs any more: %+v, %v", d, err)
	}
	if err := finishTask(t.Context(), scope, mine.task); err != nil {
		t.Fatal(err)
	}
	task, err := scope.GetTask(t.Context(), mine.task)
	if err != nil || task.Status != planner.TaskCompleted || task.ActualHours == nil || *task.ActualHours < 1 {
		t.Errorf("%+v, %v", task, err)
	}
	if d, err := loadDashboard(t.Context(), scope, "UTC"); err != nil || d.Running != nil {
		t.Errorf("something runs: %+v, %v", d, err)
	}
	if late, err := lateTasks(t.Context(), scope, time.Now()); err != nil || len(late) != 0 {
		t.Errorf("late: %v, %v", late, err)
	}
}

// Reports are about all users, active or not, in one round trip. Without the grant they say what is missing.
func TestReports(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, bizydbtest.WithMigrations(migrations()), bizydbtest.WithReporting())
	alice, bob := made.NewUser(t), made.NewUser(t)
	hers := fill(t, made.As(alice), "hers")
	fill(t, made.As(bob), "his")
	if _, err := made.As(alice).CompleteTask(t.Context(), planner.CompleteTaskParams{ID: hers.task}); err != nil {
		t.Fatal(err)
	}
	if _, err := made.Accounts().Deactivate(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	proxy, dsn := bizydbtest.NewProxy(t, made.DSN)
	db, err := open(t.Context(), dsn+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	var out strings.Builder
	for _, day := range []time.Time{now.AddDate(0, 0, -1), now} { // the entries of fill began two hours ago
		proxy.RoundTrips()
		if err := printDay(t.Context(), &out, db, day, "UTC"); err != nil {
			t.Fatal(err)
		}
	}
	if n := proxy.RoundTrips(); n != 1 {
		t.Errorf("%d round trips, want 1", n)
	}
	if got := out.String(); strings.Count(got, ": 1 tasks") != 1 || strings.Count(got, "1.00 h") != 2 || strings.Count(got, "\n") != 4 {
		t.Errorf("the report:\n%s", got)
	}
	out.Reset()
	if err := exportTasks(t.Context(), &out, db); err != nil || !strings.Contains(out.String(), "hers") || !strings.Contains(out.String(), "his") {
		t.Errorf("the tasks: %v\n%s", err, out.String())
	}
	if err := printDay(t.Context(), &out, newDatabase(t).DB, now, "UTC"); !errors.Is(err, bizydb.ErrMissingGrant) || !strings.Contains(err.Error(), "GRANT bizydb_reporter TO") {
		t.Errorf("without the grant: %v, want ErrMissingGrant", err)
	}
}

// The program runs as it stands.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"running: Call mother", "1.50 h for Open the shop", "completed: 1", "refused: body"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
