package bizydb_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/onenode"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

var (
	sharded     = regexp.MustCompile(`\b(public\.(goals|tasks)|bizydb\.(imports|deleted_\w+))\b`)
	currentUser = regexp.MustCompile(`current_user_id\(\)`)
)

// On Citus the user is one more parameter of each query on the user's rows.
func TestCitusTexts(t *testing.T) {
	t.Parallel()
	eachMethod(t, func(t *testing.T, method string) {
		c := callOf(method, things{})
		asked := record(t, c.method, c.params)
		sent, keyed := bizydb.CitusText(asked.query(), asked.sql)
		if sharded.MatchString(sent) && !strings.Contains(sent, "\nINSERT INTO ") && !keyed { // whose default is the user
			t.Errorf("without its user:\n%s", sent)
		}
		if currentUser.MatchString(sent) || strings.Contains(sent, "AS current_user_id)") && !offCitus[method] || strings.Contains(sent, "$user") {
			t.Errorf("not with a parameter:\n%s", sent)
		}
		if n := executor.Parameters(asked.sql); keyed && executor.Parameters(sent) != n+1 {
			t.Errorf("the user is not parameter %d:\n%s", n+1, sent)
		}
		if _, more, _ := strings.Cut(asked.sql, "\n"); bizydb.ReplacedOnCitus(asked.query()) &&
			sent == strings.ReplaceAll(asked.sql, "(SELECT bizydb.current_user_id())", fmt.Sprintf("$%d::bigint", executor.Parameters(asked.sql)+1)) {
			t.Errorf("nothing is replaced in it:\n%s", more)
		}
		own := strings.Replace(asked.sql, "-- name: ", "-- ", 1)
		if _, keyed := bizydb.CitusText("", own); keyed != currentUser.MatchString(own) {
			t.Errorf("as a service's own: %t\n%s", keyed, own)
		}
	})
}

// The user in a statement of the service's own is a parameter where one may stand and Citus needs it, and a sub-select elsewhere.
func TestUserInOwnTexts(t *testing.T) {
	t.Parallel()
	const sub, parameter = "(SELECT $1::bigint AS current_user_id)", "$1::bigint"
	for sql, want := range map[string]string{
		"SELECT 1 WHERE user_id = ME":                      parameter,
		"SELECT 1 WHERE ME = user_id":                      parameter,
		"SELECT 1 WHERE user_id >= ME AND true":            parameter,
		"SELECT 1 WHERE (a, b) = ME":                       sub,
		"UPDATE t SET (x_by) = ME":                         sub,
		"SELECT 1 WHERE user_id IN ME":                     sub,
		"SELECT 1 WHERE user_id IN ME = true":              sub,
		"SELECT 1 WHERE user_id IN (ME)":                   sub,
		"SELECT 1 WHERE user_id = ANY ME = true":           sub,
		"SELECT 1 WHERE user_id = ANY (ARRAY(ME))":         sub,
		"SELECT ARRAY ME::bigint[]":                        sub,
		"SELECT ARRAY ME <> x":                             sub,
		"SELECT EXISTS ME::int":                            sub,
		"SELECT id, ME, title FROM t":                      sub,
		"SELECT ME FROM t":                                 sub,
		"SELECT ME::bigint FROM t":                         sub,
		"SELECT 1 FROM ME AS me":                           sub,
		"SELECT 1 FROM t, ME AS me":                        sub,
		"SELECT 1 FROM t, (ME) AS me":                      sub,
		"SELECT 1 FROM t, ME, b":                           sub,
		"SELECT 1 UNION (ME)":                              sub,
		"WITH me AS ME SELECT * FROM me":                   sub,
		"WITH me AS MATERIALIZED (ME) SELECT * FROM me":    sub,
		"INSERT INTO t VALUES (ME, 1)":                     parameter,
		"INSERT INTO t VALUES (1, ME, 1)":                  parameter,
		"INSERT INTO t VALUES (1, ME) RETURNING id":        parameter,
		"INSERT INTO t VALUES (1) RETURNING id, ME, title": sub,
		"SELECT * FROM bizydb.roll_up_there(ME, 7)":        parameter,
		"SELECT f(ME)":                                     parameter,
		"SELECT 1 WHERE user_id = ME /* $1::bigint ME */":  parameter,
		"SELECT 1 + ME":                                    sub,
	} {
		replace := func(by string) string { return strings.Replace(sql, "ME", by, 1) }
		sql = strings.ReplaceAll(sql, " ME */", " */")
		got, keyed := bizydb.CitusText("", replace("(SELECT bizydb.current_user_id())"))
		if got != replace(want) || !keyed {
			t.Errorf("%s: %s", sql, got)
		}
	}
	if got, keyed := bizydb.CitusText("", "SELECT 1 /* $1::bigint */"); keyed {
		t.Errorf("%s takes the user", got)
	}
}

// onCitus opens a distributed database, with what is sent on each connection: that of testdb where it is one, and otherwise one without Citus,
// on one node.
func onCitus(t *testing.T) (*bizydbtest.Database, *sentQueries) {
	t.Helper()
	var db *bizydbtest.Database
	if testdb.Distributed() {
		db = testdb.Common(t)
	} else {
		db = bizydbtest.New(t, oneNode, bizydbtest.WithReporting())
	}
	sent := &sentQueries{}
	return &bizydbtest.Database{DB: open(t, db.DSN, func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent }), DSN: db.DSN, AdminDSN: db.AdminDSN}, sent
}

var oneNode = bizydbtest.WithMigration("one node", onenode.Distribute)

// openChecked opens a database as a service does, with the check that open leaves out.
func openChecked(t *testing.T, dsn string, opts ...bizydb.Option) *bizydb.DB {
	t.Helper()
	db, err := bizydb.Open(t.Context(), dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// onlyOnCitus skips a test of what a database on one node does not show.
func onlyOnCitus(t *testing.T) {
	t.Helper()
	if !testdb.OnCitus() {
		t.Skip("needs Citus, by BIZYDBTEST_CITUS_URL")
	}
}

// sentQueries collects what is sent in batches under the names of queries.
type sentQueries struct {
	sync.Mutex
	queries []recorder
}

func (*sentQueries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*sentQueries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (s *sentQueries) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	s.Lock()
	defer s.Unlock()
	for _, q := range data.Batch.QueuedQueries {
		if strings.HasPrefix(q.SQL, "-- name:") {
			s.queries = append(s.queries, recorder{sql: q.SQL, args: q.Arguments})
		}
	}
	return ctx
}
func (*sentQueries) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*sentQueries) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (s *sentQueries) take() []recorder {
	s.Lock()
	defer s.Unlock()
	queries := s.queries
	s.queries = nil
	return queries
}

// offCitus are methods that do not work there: see docs/citus.md.
var offCitus = map[string]bool{"Changes": true, "changesAfter": true}

var taskCount = regexp.MustCompile(`Task Count: (\d+)`)

// Each query is answered, and is one task of one node.
func TestQueriesAreOneTaskOnCitus(t *testing.T) {
	t.Parallel()
	db, sent := onCitus(t)
	other := db.NewUser(t)
	others := plantAll(t, db.As(other))
	before := dump(t, db, other)
	user := db.NewUser(t)
	at := plantAll(t, db.As(user))
	explained := 0
	eachMethod(t, func(t *testing.T, method string) {
		if offCitus[method] {
			return // TestOffOnCitus
		}
		if !reads(method) {
			at = plantAll(t, db.As(user))
		}
		c := callOf(method, at)
		sent.take()
		got, err := callWith(t.Context(), db.As(user), c.method, c.params)
		if err != nil {
			t.Fatal(err)
		}
		if isEmpty(got) && !strings.HasPrefix(method, "RollUp") {
			t.Error("empty")
		}
		for _, q := range sent.take() {
			if oneTask(t, db, user, q) {
				explained++
			}
		}
		if !reads(method) {
			c = callOf(method, others)
			_, _ = callWith(t.Context(), db.As(user), c.method, c.params)
		}
	})
	if testdb.OnCitus() && explained < 80 {
		t.Errorf("only %d queries are distributed", explained)
	}
	if diff := cmp.Diff(before, dump(t, db, other)); diff != "" {
		t.Errorf("another user's rows have changed:\n%s", diff)
	}
}

// oneTask checks that a query asks one node, and says whether it is distributed and can be explained.
func oneTask(t *testing.T, db *bizydbtest.Database, user bizydb.UserID, q recorder) bool {
	t.Helper()
	tx := begin(t, db.Pool())
	defer func() { _ = tx.Rollback(t.Context()) }()
	exec(t, tx, "SELECT bizydb.enter($1)", int64(user))
	plan, err := queryAll[string](t, tx, "EXPLAIN (COSTS OFF) "+q.sql, q.args...)
	if err != nil && strings.Contains(err.Error(), "cannot switch local execution status") { // of EXPLAIN alone, on a node with shards
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	counts := taskCount.FindAllStringSubmatch(strings.Join(plan, "\n"), -1)
	for _, m := range counts {
		if m[1] != "1" {
			t.Errorf("%s tasks\n%s\n%s", m[1], q.sql, strings.Join(plan, "\n"))
		}
	}
	return len(counts) > 0
}

// Errors have their names, whether they come from the user's own node or from another one.
func TestErrorsOnCitus(t *testing.T) {
	db, _ := onCitus(t)
	for range 10 { // users, so that some are on the node of the service, if it has rows
		errorsOnCitus(t, db)
	}
	bizydb.SetBcryptCost(db.Accounts(), 4)
	p := bizydb.RegisterParams{Email: rand.Text() + "@example.org", Username: strings.ToLower(rand.Text()), Password: bizydb.NewPassword("correct horse")}
	if _, err := db.Accounts().Register(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	_, err := db.Accounts().Register(t.Context(), p)
	if f := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrConflict) || !errors.As(err, &f) || f.Column != "email" {
		t.Errorf("registered twice: %v, want ErrConflict of the email", err)
	}
}

func errorsOnCitus(t *testing.T, db *bizydbtest.Database) {
	t.Helper()
	ctx := t.Context()
	user := db.NewUser(t)
	s := db.As(user)
	at := plantAll(t, s)
	others := plantAll(t, db.As(db.NewUser(t)))
	field := func(err error, column string) error {
		var f *bizydb.FieldError
		if !errors.As(err, &f) || f.Column != column {
			return fmt.Errorf("no FieldError for %s: %w", column, err)
		}
		return err
	}
	for name, c := range map[string]struct {
		want error
		do   func() error
	}{
		"missing": {bizydb.ErrNotFound, func() error { _, err := s.GetTask(ctx, others.task); return err }},
		"another's goal": {bizydb.ErrUnknownReference, func() error {
			_, err := s.MoveTask(ctx, planner.MoveTaskParams{ID: at.task, ParentGoalID: &others.goal})
			return field(err, "parent_goal_id")
		}},
		"title": {bizydb.ErrInvalid, func() error {
			_, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: " "})
			return field(err, "title")
		}},
		"cycle": {bizydb.ErrGoalCycle, func() error {
			_, err := s.MoveGoal(ctx, planner.MoveGoalParams{ID: at.goal, ParentGoalID: &at.subGoal})
			return err
		}},
		"dependency cycle": {bizydb.ErrDependencyCycle, func() error {
			_, err := s.AddDependencies(ctx, planner.AddDependenciesParams{ID: at.task, Dependencies: planner.TaskIDs{at.waiting}})
			return err
		}},
		"no dependency": {bizydb.ErrUnknownReference, func() error {
			_, err := s.AddDependencies(ctx, planner.AddDependenciesParams{ID: at.task, Dependencies: planner.TaskIDs{others.task}})
			return err
		}},
		"version": {bizydb.ErrVersionConflict, func() error {
			_, err := s.MoveTask(ctx, planner.MoveTaskParams{ID: at.task, IfVersion: new(int64(77))})
			return err
		}},
		"no user": {bizydb.ErrNoUser, func() error { _, err := db.As(user+1_000_000).GetTask(ctx, at.task); return err }},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// The connection goes on after each.
	if n := db.Pool().Stat().NewConnsCount(); n > 5 {
		t.Errorf("%d connections", n)
	}
}

// Errors as nodes of Citus 13.2 send them: the user's own node with the names of the shard, another node without the constraint's name, and
// with other codes.
func TestErrorsOfNodes(t *testing.T) {
	t.Parallel()
	own := map[string]bizydb.Constraint{
		"ix_entries_running": {Table: "entries", Column: "stopped_at"},
		"notes_task_id_fkey": {Table: "notes", Column: "task_id"},
		"ck_notes_1234567":   {Table: "notes", Column: "body"},
		"uq_log_202401":      {Table: "log", Column: "at"}, // of a table that is not distributed
	}
	for name, c := range map[string]struct {
		sent  pgconn.PgError
		want  error
		field string
	}{
		"a check":                     {pgconn.PgError{Code: pgerrcode.CheckViolation, Message: `new row for relation "tasks_102050" violates check constraint "ck_tasks_title_not_blank"`}, bizydb.ErrInvalid, "tasks.title"},
		"a check on the own node":     {pgconn.PgError{Code: pgerrcode.CheckViolation, TableName: "tasks_102050", ConstraintName: "ck_tasks_title_not_blank"}, bizydb.ErrInvalid, "tasks.title"},
		"a key":                       {pgconn.PgError{Code: pgerrcode.ForeignKeyViolation, Message: `insert or update on table "tasks_102050" violates foreign key constraint "fk_tasks_parent_goal_102050"`}, bizydb.ErrUnknownReference, "tasks.parent_goal_id"},
		"a key on the own node":       {pgconn.PgError{Code: pgerrcode.ForeignKeyViolation, TableName: "tasks_102050", ConstraintName: "fk_tasks_parent_goal_102050"}, bizydb.ErrUnknownReference, "tasks.parent_goal_id"},
		"a constraint in the hint":    {pgconn.PgError{Code: pgerrcode.CheckViolation, Message: "goal 1 cannot be its own ancestor", Hint: `constraint "ck_goals_no_cycle"`}, bizydb.ErrGoalCycle, "goals.parent_goal_id"},
		"an own check":                {pgconn.PgError{Code: pgerrcode.CheckViolation, Message: `new row for relation "notes_102050" violates check constraint "ck_notes_1234567"`}, bizydb.ErrInvalid, "notes.body"},
		"a check of shards":           {pgconn.PgError{Code: pgerrcode.CheckViolation, Message: `new row for relation "notes_102050" violates check constraint "ck_notes_1234567_102050"`}, bizydb.ErrInvalid, "notes.body"},
		"such a check, the own node":  {pgconn.PgError{Code: pgerrcode.CheckViolation, TableName: "notes_102050", ConstraintName: "ck_notes_1234567_102050"}, bizydb.ErrInvalid, "notes.body"},
		"a row that is referenced":    {pgconn.PgError{Code: pgerrcode.ForeignKeyViolation, Message: `update or delete on table "tasks_102099" violates foreign key constraint "notes_task_id_fkey_102050" on table "notes_102050"`}, bizydb.ErrUnknownReference, "notes.task_id"},
		"a name like a shard's":       {pgconn.PgError{Code: pgerrcode.UniqueViolation, TableName: "log_202401", ConstraintName: "uq_log_202401"}, bizydb.ErrConflict, "log.at"},
		"a domain":                    {pgconn.PgError{Code: pgerrcode.CheckViolation, Message: `value for domain app.body violates check constraint "ck_notes_1234567"`}, bizydb.ErrInvalid, "notes.body"},
		"text of the service's own":   {pgconn.PgError{Code: pgerrcode.CheckViolation, Message: `no constraint "ck_tasks_title_not_blank"`}, bizydb.ErrInvalid, ""},
		"an own key":                  {pgconn.PgError{Code: pgerrcode.ForeignKeyViolation, Message: `insert or update on table "notes_102050" violates foreign key constraint "notes_task_id_fkey_102050"`}, bizydb.ErrUnknownReference, "notes.task_id"},
		"an own index":                {pgconn.PgError{Code: pgerrcode.UniqueViolation, Message: `duplicate key value violates unique constraint "ix_entries_running_102050"`}, bizydb.ErrConflict, "entries.stopped_at"},
		"an own index, the own node":  {pgconn.PgError{Code: pgerrcode.UniqueViolation, TableName: "entries_102050", ConstraintName: "ix_entries_running_102050"}, bizydb.ErrConflict, "entries.stopped_at"},
		"NULL":                        {pgconn.PgError{Code: pgerrcode.NotNullViolation, Message: `null value in column "body" of relation "notes_102050" violates not-null constraint`}, bizydb.ErrInvalid, "notes.body"},
		"NULL on the own node":        {pgconn.PgError{Code: pgerrcode.NotNullViolation, TableName: "notes_102050", ColumnName: "body"}, bizydb.ErrInvalid, "notes.body"},
		"a zone":                      {pgconn.PgError{Code: pgerrcode.InvalidParameterValue, Message: `time zone "Nowhere" not recognized`, Routine: "ReportResultError"}, bizydb.ErrInvalid, ".time_zone"},
		"a zone of another function":  {pgconn.PgError{Code: pgerrcode.InvalidParameterValue, Message: `time zone "Nowhere" not recognized`, Routine: "pg_tzset"}, bizydb.ErrInvalid, ""},
		"another user's row":          {pgconn.PgError{Code: pgerrcode.InsufficientPrivilege, Message: `new row violates row-level security policy for table "tasks_102050"`}, bizydb.ErrInvalid, ""},
		"no right on a table":         {pgconn.PgError{Code: pgerrcode.InsufficientPrivilege, Message: "permission denied for table tasks_102050"}, bizydb.ErrMissingGrant, ""},
		"a user whom no node knows":   {pgconn.PgError{Code: pgerrcode.ForeignKeyViolation, Message: `insert or update on table "tasks_102050" violates foreign key constraint "fk_tasks_user_102050"`}, bizydb.ErrNotOnCitus, ""},
		"such a user on the own node": {pgconn.PgError{Code: pgerrcode.ForeignKeyViolation, TableName: "tasks_102050", ConstraintName: "fk_tasks_user_102050"}, bizydb.ErrNotOnCitus, ""},
		"two roles":                   {pgconn.PgError{Code: "XX000", Message: "cannot perform query on placements that were modified in this transaction by a different user"}, bizydb.ErrNotOnCitus, ""},
	} {
		c.sent.Severity = "ERROR"
		err := bizydb.ClassifyOnCitus(&c.sent, own)
		var field *bizydb.FieldError
		if errors.As(err, &field); !errors.Is(err, c.want) || field == nil && c.field != "" || field != nil && field.Table+"."+field.Column != c.field {
			t.Errorf("%s: %v, want %v of %s", name, err, c.want, c.field)
		}
	}
}

// Writers of the same users through each of the nodes.
func TestWritersOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	ctx := t.Context()
	through := []*bizydb.DB{db.DB}
	if testdb.OnCitus() {
		through = nil
		for _, node := range ownerQuery[[]string](t, db, "SELECT array_agg(nodename || ':' || nodeport ORDER BY nodeport) FROM pg_dist_node") {
			dsn := regexp.MustCompile(`@[^/]+/`).ReplaceAllLiteralString(db.DSN, "@"+node+"/")
			through = append(through, openChecked(t, dsn))
		}
	}
	users := make([]bizydb.UserID, 4)
	goals := make([]planner.GoalID, len(users))
	for i := range users {
		users[i] = db.NewUser(t)
		goal, err := db.As(users[i]).CreateGoal(ctx, planner.CreateGoalParams{Title: "goal"})
		if err != nil {
			t.Fatal(err)
		}
		goals[i] = goal.ID
	}
	end := time.Now().Add(2 * time.Second)
	if *full {
		end = time.Now().Add(time.Minute)
	}
	var wg sync.WaitGroup
	var rounds [4]atomic.Int64
	for w := range 8 {
		wg.Go(func() {
			i := w % len(users)
			s := through[w%len(through)].As(users[i])
			for time.Now().Before(end) {
				task, err := s.CreateTask(ctx, planner.CreateTaskParams{Title: "task", ParentGoalID: &goals[i]})
				if err == nil {
					_, err = s.CompleteTask(ctx, planner.CompleteTaskParams{ID: task.ID})
				}
				if err == nil {
					err = s.InTx(ctx, func(tx *bizydb.Tx) error {
						_, err := tx.CreateTask(ctx, planner.CreateTaskParams{Title: "open", ParentGoalID: &goals[i]})
						return err
					})
				}
				if err != nil {
					t.Error(err)
					return
				}
				rounds[i].Add(1)
			}
		})
	}
	wg.Wait()
	for i, user := range users {
		n := rounds[i].Load()
		goal, err := db.As(user).GetGoal(ctx, goals[i])
		if err != nil || goal.ProgressPercentage != 50 || int64(goal.TaskCount) != 2*n {
			t.Errorf("after %d rounds: %+v, %v", n, goal, err)
		}
		if wrong, err := db.As(user).RollUpAll(ctx); err != nil || len(wrong) > 0 {
			t.Errorf("drift: %v, %v", wrong, err)
		}
		t.Logf("user %d: %d rounds through %d nodes", user, n, len(through))
	}
}

// Accounts, transactions, batches and a service's own statements work as elsewhere.
func TestCallsOnCitus(t *testing.T) {
	db, _ := onCitus(t)
	ctx := t.Context()
	bizydb.SetBcryptCost(db.Accounts(), 4)
	name := strings.ToLower(rand.Text())
	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: name + "@example.org", Username: name, Password: bizydb.NewPassword("correct horse")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Accounts().Authenticate(ctx, name, bizydb.NewPassword("correct horse")); err != nil {
		t.Error(err)
	}
	if u, err := db.Accounts().UpdateProfile(ctx, user.ID, bizydb.UpdateProfileParams{FullName: new("Full Name")}); err != nil || !u.UpdatedAt.After(user.UpdatedAt) {
		t.Errorf("%+v, %v", u, err)
	}
	s := db.As(user.ID)
	at := plantAll(t, s)

	tx := begin(t, db.Pool())
	if task, err := s.WithTx(tx).CompleteTask(ctx, planner.CompleteTaskParams{ID: at.task}); err != nil || !task.Changed {
		t.Errorf("%+v, %v", task, err)
	}
	if _, err := tx.Exec(ctx, "SELECT FROM public.tasks"); err == nil {
		t.Error("the login reads tasks after a call")
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Error(err)
	}
	sentinel := errors.New("undo")
	if err := s.InTx(ctx, func(tx *bizydb.Tx) error {
		if _, err := tx.DeleteGoal(ctx, at.goal); err != nil {
			return err
		}
		return sentinel
	}); !errors.Is(err, sentinel) {
		t.Error(err)
	}
	if err := s.Snapshot(ctx, func(tx *bizydb.Tx) error {
		task, err := tx.GetTask(ctx, at.task)
		if err == nil && task.Status == planner.TaskCompleted {
			err = errors.New("completed by a transaction that was rolled back")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := s.Batch(ctx,
		func(q bizydb.Reader) error { _, err := q.GetGoal(ctx, at.goal); return err },
		func(q bizydb.Reader) error { _, err := q.ListTasks(ctx, planner.ListTasksParams{}); return err },
	); err != nil {
		t.Error(err)
	}

	const mine = " WHERE user_id = (SELECT bizydb.current_user_id())"
	for _, own := range []struct {
		sql  string
		args []any
	}{
		{"-- name: ownCount\nSELECT id FROM public.tasks" + mine, nil},
		{"-- name: ownUpdate\nUPDATE public.tasks SET title = $1" + mine + " AND id = $2", []any{"own", at.task}},
		{"-- name: everywhere\nSELECT id FROM public.tasks WHERE id = $1", []any{at.task}}, // asks all shards
	} {
		if tag, err := s.DBTX().Exec(ctx, own.sql, own.args...); err != nil || tag.RowsAffected() == 0 {
			t.Errorf("%s: %v, %v", own.sql, tag, err)
		}
	}
	if deleted, err := db.Accounts().Delete(ctx, user.ID); err != nil || deleted.Goals == 0 || deleted.Tasks == 0 {
		t.Errorf("%+v, %v", deleted, err)
	}
	if _, err := s.GetTask(ctx, at.task); !errors.Is(err, bizydb.ErrNoUser) {
		t.Errorf("after the user is deleted: %v", err)
	}
}

// A transaction has one session for each node and role, and so no function with the owner's rights may look at what the scope has written.
func TestQueriesAfterAWriteOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	undo := errors.New("undo")
	s := db.As(db.NewUser(t))
	at := plantAll(t, s)
	eachMethod(t, func(t *testing.T, method string) {
		if offCitus[method] {
			return // TestOffOnCitus
		}
		c := callOf(method, at)
		if err := s.InTx(t.Context(), func(tx *bizydb.Tx) error {
			if _, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "written", ParentGoalID: &at.goal, Tags: []string{"home"}}); err != nil {
				return err
			}
			if _, err := callWith(t.Context(), tx, c.method, c.params); err != nil {
				return err
			}
			return undo
		}); !errors.Is(err, undo) {
			t.Error(err)
		}
	})
}

// What one transaction cannot do there has an error of its own.
func TestTransactionsThatFailOnCitus(t *testing.T) {
	t.Parallel()
	onlyOnCitus(t)
	if testdb.OnOtherNode() {
		t.Skip("it works there if the user's rows are on that node")
	}
	db, _ := onCitus(t)
	ctx := t.Context()
	bizydb.SetBcryptCost(db.Accounts(), 4)
	user := db.NewUser(t)
	for name, do := range map[string]func(tx pgx.Tx) error{
		"a new user's rows": func(tx pgx.Tx) error {
			name := strings.ToLower(rand.Text())
			user, err := db.Accounts().WithTx(tx).Register(ctx, bizydb.RegisterParams{Email: name + "@example.org", Username: name, Password: bizydb.NewPassword("correct horse")})
			if err != nil {
				return fmt.Errorf("register: %v", err)
			}
			_, err = db.As(user.ID).WithTx(tx).CreateTask(ctx, planner.CreateTaskParams{Title: "task"})
			return err
		},
		"a user who has written": func(tx pgx.Tx) error {
			if _, err := db.As(user).WithTx(tx).CreateTask(ctx, planner.CreateTaskParams{Title: "task"}); err != nil {
				return fmt.Errorf("create: %v", err)
			}
			_, err := db.Accounts().WithTx(tx).Delete(ctx, user)
			return err
		},
	} {
		tx := begin(t, db.Pool())
		if err := do(tx); !errors.Is(err, bizydb.ErrNotOnCitus) {
			t.Errorf("%s: %v, want ErrNotOnCitus", name, err)
		}
		_ = tx.Rollback(ctx)
	}
}

// Whether a user is active is asked on the node that the service is connected to, and in its transaction.
func TestActiveUsersOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	ctx := t.Context()
	bizydb.SetBcryptCost(db.Accounts(), 4)
	for range 4 {
		user := db.NewUser(t)
		tx := begin(t, db.Pool())
		name := strings.ToLower(rand.Text())
		added, err := db.Accounts().WithTx(tx).Register(ctx, bizydb.RegisterParams{Email: name + "@example.org", Username: name, Password: bizydb.NewPassword("correct horse")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.As(added.ID).WithTx(tx).ListTasks(ctx, planner.ListTasksParams{}); err != nil {
			t.Errorf("a user who was added in the transaction: %v", err)
		}
		if _, err := db.As(user).WithTx(tx).ListTasks(ctx, planner.ListTasksParams{}); err != nil {
			t.Error(err)
		}
		if _, err := db.Accounts().WithTx(tx).Deactivate(ctx, user); err != nil {
			t.Fatal(err)
		}
		if _, err := db.As(user).WithTx(tx).ListTasks(ctx, planner.ListTasksParams{}); !errors.Is(err, bizydb.ErrNoUser) {
			t.Errorf("a user who was deactivated in the transaction: %v, want ErrNoUser", err)
		}
		_ = tx.Rollback(ctx)
		if _, err := db.As(user).ListTasks(ctx, planner.ListTasksParams{}); err != nil {
			t.Errorf("after it was rolled back: %v", err)
		}
		if _, err := db.Accounts().Deactivate(ctx, user); err != nil {
			t.Fatal(err)
		}
		if _, err := db.As(user).ListTasks(ctx, planner.ListTasksParams{}); !errors.Is(err, bizydb.ErrNoUser) {
			t.Errorf("a user who is not active: %v, want ErrNoUser", err)
		}
	}
}

// The node's own copy of users is read, if Citus uses it.
func TestCopyOfUsersOnCitus(t *testing.T) {
	t.Parallel()
	onlyOnCitus(t)
	db, _ := onCitus(t)
	user := db.NewUser(t)
	if _, err := db.Accounts().Deactivate(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	owner := ownerPool(t, db)
	shard := ownerQuery[int64](t, db, "SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'public.users'::regclass")
	for _, used := range []bool{true, false} {
		tx := begin(t, owner)
		exec(t, tx, "SET LOCAL citus.enable_manual_changes_to_shards = on")
		exec(t, tx, "SELECT bizydb.set_time()")
		exec(t, tx, fmt.Sprintf("UPDATE public.users_%d SET is_active = true WHERE id = %d", shard, user)) // as of before it was deactivated
		if !used {
			exec(t, tx, "DELETE FROM pg_dist_placement p USING pg_dist_local_group l WHERE p.shardid = $1 AND p.groupid = l.groupid", shard)
		}
		_, err := tx.Exec(t.Context(), "SELECT bizydb.enter($1)", int64(user))
		if entered := err == nil; entered != used {
			t.Errorf("a copy that is used: %t, the user enters: %t, %v", used, entered, err)
		}
		_ = tx.Rollback(t.Context())
	}
}

// A statement that does not say that it writes cannot do so by a function on another node.
func TestReadsDoNotWriteOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	ctx := t.Context()
	s := db.As(db.NewUser(t))
	at := plantAll(t, s)
	before, err := s.GetGoal(ctx, at.goal)
	if err != nil {
		t.Fatal(err)
	}
	// By a name that does not say it.
	const sql = `SELECT "bizydb"."date_goals_the\0072e"((SELECT bizydb.current_user_id()), ARRAY[$1::bigint], ARRAY[now() - interval '1 year'])`
	hidden := strings.Replace(sql, `"date_goals_the`, `U&"date_goals_the`, 1)
	if _, err := s.DBTX().Exec(ctx, hidden, at.goal); !errors.Is(err, bizydb.ErrReadOnly) {
		t.Errorf("%v, want ErrReadOnly", err)
	}
	if err := s.Batch(ctx, func(q bizydb.Reader) error { _, err := q.DBTX().Exec(ctx, hidden, at.goal); return err }); !errors.Is(err, bizydb.ErrReadOnly) {
		t.Errorf("in a batch: %v, want ErrReadOnly", err)
	}
	after, err := s.GetGoal(ctx, at.goal)
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("it has changed: %v\n%s", err, diff)
	}
}

// Parameters and the scope's user are found in a text as PostgreSQL reads it, and functions that would change the scope are not sent.
func TestOwnStatementsOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	ctx := t.Context()
	user := db.NewUser(t)
	s := db.As(user)
	for _, sql := range []string{
		"SELECT 'for $100', $1::text, (SELECT bizydb.current_user_id()) -- $7",
		"SELECT '(SELECT bizydb.current_user_id())', $1::text, ( select\n\tbizydb.current_user_id( ) )",
		"SELECT 'list', $1::text, u.id FROM public.users u WHERE u.id IN (SELECT bizydb.current_user_id())",
		"SELECT 'any', $1::text, u.id FROM public.users u WHERE u.id = ANY (SELECT bizydb.current_user_id())",
		"SELECT 'array', $1::text, (ARRAY(SELECT bizydb.current_user_id()))[1]",
		"SELECT 'array of it', $1::text, (ARRAY((SELECT bizydb.current_user_id())))[1]",
		"SELECT 'values', $1::text, v.id FROM (VALUES ((SELECT bizydb.current_user_id()), 1)) AS v (id, n)",
		"SELECT 'argument', $1::text, greatest(0, (SELECT bizydb.current_user_id()))",
		"SELECT 'from', $1::text, f.current_user_id FROM (SELECT bizydb.current_user_id()) AS f",
		"SELECT 'list of from', $1::text, f.current_user_id FROM (VALUES (1)) AS v (n), (SELECT bizydb.current_user_id()) AS f",
		"WITH me AS (SELECT bizydb.current_user_id()) SELECT 'with', $1::text, current_user_id FROM me",
		"SELECT 'exists', $1::text, u.id FROM public.users u WHERE u.id = (SELECT bizydb.current_user_id()) AND EXISTS (SELECT bizydb.current_user_id())",
		"SELECT 'cast', $1::text, (SELECT bizydb.current_user_id())::bigint",
	} {
		var text, arg string
		var me int64
		if err := s.DBTX().QueryRow(ctx, sql, "arg").Scan(&text, &arg, &me); err != nil || arg != "arg" || me != int64(user) || !strings.Contains(sql, "'"+text+"'") {
			t.Errorf("%s: %q, %q, %d, %v", sql, text, arg, me, err)
		}
	}
	for _, call := range []string{"bizydb.enter(1)", "bizydb.visit(1)", `"bizydb" . "leave"()`, "bizydb.set_time()", "bizydb.visit_accounts()", "bizydb.note_caller()"} {
		if _, err := s.DBTX().Exec(ctx, "SELECT "+call); !errors.Is(err, bizydb.ErrStatement) {
			t.Errorf("%s: %v, want ErrStatement", call, err)
		}
	}
	if err := s.DBTX().QueryRow(ctx, "SELECT count(*) AS enter FROM public.tasks AS visit WHERE user_id = (SELECT bizydb.current_user_id())").Scan(new(int)); err != nil {
		t.Errorf("other names: %v", err)
	}
}

// A call in a transaction of the service's own leaves no setting behind.
func TestSettingsAfterACallOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	ctx := t.Context()
	user := db.NewUser(t)
	const settings = `SELECT concat_ws('|', current_setting('role'), coalesce(current_setting('bizydb.user_id', true), ''), coalesce(current_setting('bizydb.now', true), ''),
		coalesce(nullif(current_setting('citus.propagate_set_commands', true), ''), 'none'))`
	tx := begin(t, db.Pool())
	defer tx.Rollback(context.Background())
	now := func() []string {
		got, err := queryAll[string](t, tx, settings)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := now()
	for name, call := range map[string]func() error{
		"scope": func() error { _, err := db.As(user).WithTx(tx).ListGoals(ctx, planner.ListGoalsParams{}); return err },
		"accounts": func() error {
			_, err := db.Accounts().WithTx(tx).UpdateProfile(ctx, user, bizydb.UpdateProfileParams{FullName: new("Full Name")})
			return err
		},
	} {
		if err := call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if after := now(); !slices.Equal(after, before) {
			t.Errorf("%s: %s, want %s", name, after, before)
		}
	}
}

// Values are sent to a node as texts, and read there with its settings. With a generic plan the lock is not taken there.
var settingsOnCitus = map[string]string{"datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "extra_float_digits": "0", "plan_cache_mode": "force_generic_plan", "citus.enable_local_execution": "off"}

// With such settings, of the login or in a transaction of the service's, nothing is done.
func TestSettingsOnCitus(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	db, _ := onCitus(t)
	ctx := t.Context()
	user := db.NewUser(t)
	for name, value := range settingsOnCitus {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} {
			config := parseConfig(t, db.DSN)
			config.ConnConfig.DefaultQueryExecMode, config.ConnConfig.RuntimeParams[name] = mode, value
			other, err := bizydb.OpenConfig(ctx, config)
			if !errors.Is(err, bizydb.ErrConfig) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, %s: %v, want ErrConfig", mode, name, err)
			}
			if err == nil {
				other.Close()
			}
		}
		for call, do := range map[string]func(pgx.Tx) error{
			"CreateTask": func(tx pgx.Tx) error {
				_, err := db.As(user).WithTx(tx).CreateTask(ctx, planner.CreateTaskParams{Title: "task", EstimatedHours: new(0.1 + 0.2), DueDate: new(time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC))})
				return err
			},
			"UpdateProfile": func(tx pgx.Tx) error {
				_, err := db.Accounts().WithTx(tx).UpdateProfile(ctx, user, bizydb.UpdateProfileParams{FullName: new("Full Name")})
				return err
			},
		} {
			tx := begin(t, db.Pool())
			exec(t, tx, fmt.Sprintf("SET LOCAL %s = '%s'", name, value))
			if err := do(tx); !errors.Is(err, bizydb.ErrConfig) {
				t.Errorf("%s, %s: %v, want ErrConfig", name, call, err)
			}
			_ = tx.Rollback(ctx)
		}
	}
}

// A deletion waits for the user's transactions, by a lock on the node of the user's rows.
func TestDeletionTakesTheLockOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	ctx := t.Context()
	user := db.NewUser(t)
	at := plantAll(t, db.As(user))
	waiting := fmt.Sprintf("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32 | objid::bigint) = hashtextextended('bizydb.user', %d)", user)
	if testdb.OnCitus() {
		waiting = fmt.Sprintf("SELECT sum(result::bigint)::bigint FROM run_command_on_all_nodes('%s')", strings.ReplaceAll(waiting, "'", "''"))
	}
	deleted := make(chan error)
	err := db.As(user).InTx(ctx, func(tx *bizydb.Tx) error {
		if _, err := tx.UpdateTask(ctx, planner.UpdateTaskParams{ID: at.task, Title: new("changed")}); err != nil {
			return err
		}
		go func() {
			_, err := db.Accounts().Delete(ctx, user)
			deleted <- err
		}()
		for end := time.Now().Add(10 * time.Second); ownerQuery[int](t, db, waiting) == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Error("the deletion does not wait for the lock")
				break
			}
		}
		_, err := tx.UpdateTask(ctx, planner.UpdateTaskParams{ID: at.waiting, Title: new("changed")})
		return err
	})
	if err != nil {
		t.Errorf("the user's transaction: %v", err)
	}
	if err := <-deleted; err != nil {
		t.Errorf("the deletion: %v", err)
	}
}

// A service that was opened before would be shown nothing by the other nodes.
func TestOpenedBeforeDistribute(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	s := db.As(db.NewUser(t))
	at := plantAll(t, s)
	testdb.WithOwner(t, db, func(conn *pgx.Conn) error { return onenode.Distribute(t.Context(), conn) })
	if _, err := s.ListTasks(t.Context(), planner.ListTasksParams{}); !errors.Is(err, bizydb.ErrConfig) || !strings.Contains(err.Error(), "restarted") {
		t.Errorf("%v, want ErrConfig", err)
	}
	if _, err := s.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: at.task}); !errors.Is(err, bizydb.ErrConfig) {
		t.Errorf("a write: %v, want ErrConfig", err)
	}
	// As another program does, that asks for nothing first.
	tx := begin(t, db.Pool())
	defer tx.Rollback(context.Background())
	exec(t, tx, "SELECT set_config('role', 'bizydb_user', true)")
	var pgErr *pgconn.PgError
	if _, err := tx.Exec(t.Context(), "SELECT FROM public.tasks"); !errors.As(err, &pgErr) || pgErr.Code != "UB033" {
		t.Errorf("without a user: %v", err)
	}
}

// Citus reports a COMMIT that it has sent to a node, and whose answer is lost, as an error of the statement.
func TestLostCommitOnCitus(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]bool{
		"could not commit transaction for shard 102027 on at least one active node": true,
		`duplicate key value violates unique constraint "could not commit"`:         false,
	} {
		if got := bizydb.LostCommit(&pgconn.PgError{Code: "XX000", Severity: "ERROR", Message: message}); got != want {
			t.Errorf("%s: %t", message, got)
		}
	}
}

// What is not on Citus is an error that says so.
func TestOffOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	if _, err := db.As(db.NewUser(t)).Changes(t.Context(), planner.ChangesParams{}); !errors.Is(err, bizydb.ErrChangesOff) {
		t.Errorf("changes: %v, want ErrChangesOff", err)
	}
	if _, err := bizydb.Open(t.Context(), db.DSN, bizydb.WithStandbys(db.DSN)); !errors.Is(err, bizydb.ErrConfig) {
		t.Errorf("standbys: %v, want ErrConfig", err)
	}
}

// Reports read all users' rows, and cannot write.
func TestReportsOnCitus(t *testing.T) {
	t.Parallel()
	db, _ := onCitus(t)
	for range 2 {
		plantAll(t, db.As(db.NewUser(t)))
	}
	var users int
	if err := db.Reporting().DBTX().QueryRow(t.Context(), "SELECT count(DISTINCT user_id) FROM public.tasks").Scan(&users); err != nil || users < 2 {
		t.Errorf("%d users, %v", users, err)
	}
	if _, err := db.Reporting().DBTX().Exec(t.Context(), "SELECT nextval('public.tasks_id_seq')"); err == nil {
		t.Error("a report writes")
	}
}
