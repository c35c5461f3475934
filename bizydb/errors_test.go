package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// kinds are the errors of this package. An error of a call is one of them at most.
var kinds = map[string]error{
	"ErrNotFound": bizydb.ErrNotFound, "ErrUnknownReference": bizydb.ErrUnknownReference, "ErrInvalid": bizydb.ErrInvalid,
	"ErrConflict": bizydb.ErrConflict, "ErrGoalCycle": bizydb.ErrGoalCycle, "ErrDependencyCycle": bizydb.ErrDependencyCycle, "ErrVersionConflict": bizydb.ErrVersionConflict,
	"ErrEmailTaken": bizydb.ErrEmailTaken, "ErrUsernameTaken": bizydb.ErrUsernameTaken,
	"ErrInvalidCredentials": bizydb.ErrInvalidCredentials, "ErrNoUser": bizydb.ErrNoUser,
	"ErrContention": bizydb.ErrContention, "ErrPoolExhausted": bizydb.ErrPoolExhausted, "ErrUnavailable": bizydb.ErrUnavailable,
	"ErrOutcomeUnknown": bizydb.ErrOutcomeUnknown, "ErrBusy": bizydb.ErrBusy, "ErrReadOnly": bizydb.ErrReadOnly,
	"ErrChangesOff": bizydb.ErrChangesOff, "ErrChangesExpired": bizydb.ErrChangesExpired, "ErrStatement": bizydb.ErrStatement, "ErrNotOnCitus": bizydb.ErrNotOnCitus,
	"ErrConfig": bizydb.ErrConfig, "ErrConnect": bizydb.ErrConnect, "ErrMissingGrant": bizydb.ErrMissingGrant,
	"ErrSimpleProtocol": bizydb.ErrSimpleProtocol, "ErrNotMigrated": bizydb.ErrNotMigrated, "ErrSchemaNewer": bizydb.ErrSchemaNewer,
	"ErrSchemaUnreleased": bizydb.ErrSchemaUnreleased, "ErrPrivilegedLogin": bizydb.ErrPrivilegedLogin, "ErrUnprotected": bizydb.ErrUnprotected,
}

// kindsOf are those that an error is. A conflict is ErrConflict by its own name.
func kindsOf(err error) []string {
	var is []string
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			is = append(is, name)
		}
	}
	slices.Sort(is)
	if len(is) > 1 {
		is = slices.DeleteFunc(is, func(name string) bool { return name == "ErrConflict" })
	}
	return is
}

// Each exported error has its row in docs/errors.md, with the status that the code there gives it, or a dash if no call returns it.
func TestErrorsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([\\w.]+)`(?: \\*)? \\| (\\d+|–) \\|").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	all := maps.Clone(kinds)
	all["context.Canceled"], all["context.DeadlineExceeded"] = context.Canceled, context.DeadlineExceeded
	for name, kind := range all {
		want := documented[name]
		if want == "–" {
			want = "500"
		}
		if got := strconv.Itoa(httpStatus(fmt.Errorf("wrapped: %w", kind))); got != want {
			t.Errorf("%s: docs/errors.md says %q, its code %s", name, want, got)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("docs/errors.md has %s, this test has not", name)
	}
	for _, name := range exportedErrors(t) {
		if kinds[name] == nil {
			t.Errorf("put %s into kinds and docs/errors.md", name)
		}
	}
}

// exportedErrors are the names of the variables in errors.go.
func exportedErrors(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := file.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// A trial is where the errors of calls are provoked.
type trial struct {
	made     *bizydbtest.Database
	db       *bizydb.DB // with one connection
	user     bizydb.UserID
	alice    bizydb.Scope
	mine     things
	accounts *bizydb.Accounts
}

// whileHeld calls fn while a client has the user's lock, and tasks locked against reading.
func (e trial) whileHeld(t *testing.T, fn func(context.Context) error) error {
	conn, err := pgx.Connect(t.Context(), e.made.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), fmt.Sprintf("BEGIN; SELECT bizydb.lock_user(%d); LOCK TABLE public.tasks", e.user)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	return fn(ctx)
}

func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

const noRow = 1 << 40

var provoked = []struct {
	name    string
	kind    string // "" for an error of the context alone
	says    string // ... stands for what the server or pgx says
	also    error
	provoke func(t *testing.T, e trial) error
}{
	{"unknown task", "ErrNotFound", "bizydb: GetTask: not found: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.GetTask(t.Context(), noRow)
		return err
	}},
	{"unknown task to move", "ErrNotFound", "bizydb: MoveTask: not found: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.MoveTask(t.Context(), planner.MoveTaskParams{ID: noRow, ParentGoalID: &e.mine.goal})
		return err
	}},
	{"unknown task in a batch", "ErrNotFound", "bizydb: GetTask: not found: ...", nil, func(t *testing.T, e trial) error {
		return e.alice.Batch(t.Context(), func(q bizydb.Reader) error { _, err := q.GetTask(t.Context(), noRow); return err })
	}},
	{"unknown goal to roll up", "ErrNotFound", "bizydb: RollUp: not found: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.RollUp(t.Context(), noRow)
		return err
	}},
	{"unknown account", "ErrNotFound", "bizydb: Get: not found: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.accounts.Get(t.Context(), noRow)
		return err
	}},
	{"task under an unknown goal", "ErrUnknownReference", "bizydb: CreateTask: tasks.parent_goal_id must be an existing goal", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "x", ParentGoalID: new(planner.GoalID(noRow))})
		return err
	}},
	{"task moved under an unknown goal", "ErrUnknownReference", "bizydb: MoveTask: tasks.parent_goal_id must be an existing goal", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.MoveTask(t.Context(), planner.MoveTaskParams{ID: e.mine.task, ParentGoalID: new(planner.GoalID(noRow))})
		return err
	}},
	{"goal under an unknown goal", "ErrUnknownReference", "bizydb: CreateGoal: goals.parent_goal_id must be an existing goal", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "x", ParentGoalID: new(planner.GoalID(noRow))})
		return err
	}},
	{"unknown dependency", "ErrUnknownReference", "bizydb: UpdateTask: tasks.dependencies must be existing tasks", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: e.mine.task, Dependencies: planner.TaskIDs{noRow}})
		return err
	}},
	{"one of many under an unknown goal", "ErrUnknownReference", "bizydb: CreateTasks: tasks[1].parent_goal_id must be an existing goal", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "x"}, {Title: "x", ParentGoalID: new(planner.GoalID(noRow))}})
		return err
	}},
	{"blank title", "ErrInvalid", "bizydb: CreateTask: tasks.title must not be blank", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: " "})
		return err
	}},
	{"blank title of one of many", "ErrInvalid", "bizydb: CreateTasks: tasks[2].title must not be blank", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "x"}, {Title: "y"}, {Title: " "}})
		return err
	}},
	{"NUL in a title", "ErrInvalid", "bizydb: UpdateTask: tasks.title must not contain a NUL character", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: e.mine.task, Title: new("a\x00")})
		return err
	}},
	{"NUL in a title in a transaction", "ErrInvalid", "bizydb: UpdateTask: tasks.title must not contain a NUL character", nil, func(t *testing.T, e trial) error {
		return e.alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
			_, err := tx.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: e.mine.task, Title: new("a\x00")})
			return err
		})
	}},
	{"invalid UTF-8 in a filter", "ErrInvalid", "bizydb: SearchTasks: text must be valid UTF-8", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.SearchTasks(t.Context(), planner.SearchTasksParams{Text: "\xff"})
		return err
	}},
	{"NUL in a tag", "ErrInvalid", "bizydb: RetagTask: tasks.tags must not contain a NUL character", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.RetagTask(t.Context(), planner.RetagTaskParams{ID: e.mine.task, Tags: planner.Tags{"a\x00"}})
		return err
	}},
	{"metrics that are not JSON", "ErrInvalid", "bizydb: UpdateGoal: goals.metrics cannot be written as JSON", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: e.mine.goal, Metrics: planner.Metrics{"a": math.NaN()}})
		return err
	}},
	{"priority beyond int32", "ErrInvalid", "bizydb: CreateTask: tasks.priority must be from 1 (highest) to 5 (lowest)", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "x", Priority: new(math.MaxInt)})
		return err
	}},
	{"negative limit", "ErrInvalid", "bizydb: ReadyTasks: limit must not be negative", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.ReadyTasks(t.Context(), planner.ReadyTasksParams{Limit: -1})
		return err
	}},
	{"page size", "ErrInvalid", "bizydb: PageTasks: size must be from 0 to 10000", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.PageTasks(t.Context(), planner.PageTasksParams{Size: -1})
		return err
	}},
	{"cursor", "ErrInvalid", "bizydb: PageTasks: cursor must be from PageTasks, in the same order", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.PageTasks(t.Context(), planner.PageTasksParams{Cursor: "7"})
		return err
	}},
	{"short password", "ErrInvalid", "bizydb: SetPassword: users.password must have at least 8 characters", nil, func(t *testing.T, e trial) error {
		return e.accounts.SetPassword(t.Context(), e.user, bizydb.NewPassword("short"))
	}},
	{"goal under itself", "ErrGoalCycle", "bizydb: MoveGoal: goals.parent_goal_id must not be the goal itself or one below it", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		_, err := e.alice.MoveGoal(t.Context(), planner.MoveGoalParams{ID: e.mine.goal, ParentGoalID: &e.mine.subGoal})
		return err
	}},
	{"task that depends on itself", "ErrDependencyCycle", "bizydb: SetTaskDependencies: tasks.dependencies must not be the task itself or one that depends on it", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		_, err := e.alice.SetTaskDependencies(t.Context(), planner.SetTaskDependenciesParams{ID: e.mine.task, Dependencies: planner.TaskIDs{e.mine.task}})
		return err
	}},
	{"task that has changed", "ErrVersionConflict", "bizydb: UpdateTask: tasks.version must be the current one", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		_, err := e.alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: e.mine.task, IfVersion: new(int64(7))})
		return err
	}},
	{"goal that has changed", "ErrVersionConflict", "bizydb: DeleteGoalIfVersion: goals.version must be the current one", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		_, err := e.alice.DeleteGoalIfVersion(t.Context(), planner.DeleteGoalIfVersionParams{ID: e.mine.goal, Version: 7})
		return err
	}},
	{"address taken", "ErrEmailTaken", "bizydb: ChangeEmail: users.email is taken", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		other, err := e.accounts.Get(t.Context(), e.made.NewUser(t))
		if err != nil {
			return err
		}
		_, err = e.accounts.ChangeEmail(t.Context(), e.user, strings.ToUpper(other.Email))
		return err
	}},
	{"address taken at sign-up", "ErrEmailTaken", "bizydb: Register: users.email is taken", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		other, err := e.accounts.Get(t.Context(), e.user)
		if err != nil {
			return err
		}
		_, err = e.accounts.Register(t.Context(), bizydb.RegisterParams{Email: other.Email, Username: "somebody-new", NoPassword: true})
		return err
	}},
	{"username taken", "ErrUsernameTaken", "bizydb: UpdateMe: users.username is taken", bizydb.ErrConflict, func(t *testing.T, e trial) error {
		other, err := e.accounts.Get(t.Context(), e.made.NewUser(t))
		if err != nil {
			return err
		}
		_, err = e.alice.UpdateMe(t.Context(), planner.UpdateMeParams{Username: &other.Username})
		return err
	}},
	{"wrong password", "ErrInvalidCredentials", "bizydb: Authenticate: invalid credentials", nil, func(t *testing.T, e trial) error {
		_, err := e.accounts.Authenticate(t.Context(), "nobody", bizydb.NewPassword("no password"))
		return err
	}},
	{"unknown user", "ErrNoUser", "bizydb: ListTasks: no such active user: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.db.As(noRow).ListTasks(t.Context(), planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}})
		return err
	}},
	{"user id 0", "ErrNoUser", "bizydb: GetTask: no such active user: user id 0", nil, func(t *testing.T, e trial) error {
		_, err := e.db.As(0).GetTask(t.Context(), 1)
		return err
	}},
	{"deactivated user's list", "ErrNoUser", "bizydb: OpenTasks: no such active user: ...", nil, func(t *testing.T, e trial) error {
		if _, err := e.accounts.Deactivate(t.Context(), e.user); err != nil {
			return err
		}
		_, err := e.alice.OpenTasks(t.Context(), planner.OpenTasksParams{})
		return err
	}},
	{"deactivated user's transaction", "ErrNoUser", "bizydb: begin: no such active user: ...", nil, func(t *testing.T, e trial) error {
		if _, err := e.accounts.Deactivate(t.Context(), e.user); err != nil {
			return err
		}
		return e.alice.InTx(t.Context(), func(*bizydb.Tx) error { return nil })
	}},
	{"lost ten times", "ErrContention", "bizydb: CompleteTask: lost to other transactions: ...", nil, func(t *testing.T, e trial) error {
		lose(t, e.made, "tasks", 100, pgerrcode.SerializationFailure)
		_, err := e.alice.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: e.mine.task})
		return err
	}},
	{"lost in a transaction of the service", "ErrContention", "bizydb: CompleteTask: lost to other transactions: ...", nil, func(t *testing.T, e trial) error {
		lose(t, e.made, "tasks", 1, pgerrcode.DeadlockDetected)
		return pgx.BeginFunc(t.Context(), e.db.Pool(), func(tx pgx.Tx) error {
			_, err := e.alice.WithTx(tx).CompleteTask(t.Context(), planner.CompleteTaskParams{ID: e.mine.task})
			return err
		})
	}},
	{"scope in a transaction", "ErrPoolExhausted", "bizydb: GetTask: connection pool exhausted: the context ended while waiting for a connection, 1 of 1 in use; functions of InTx, Snapshot and Batch must not use a scope: context deadline exceeded", context.DeadlineExceeded, func(t *testing.T, e trial) error {
		return e.alice.InTx(t.Context(), func(*bizydb.Tx) error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := e.alice.GetTask(ctx, e.mine.task)
			return err
		})
	}},
	{"transaction in a loop over a stream", "ErrPoolExhausted", "bizydb: begin: connection pool exhausted: the context ended while waiting for a connection, 1 of 1 in use; functions of InTx, Snapshot and Batch must not use a scope: context canceled", context.Canceled, func(t *testing.T, e trial) error {
		for range e.alice.StreamTasks(t.Context(), planner.ListTasksParams{}) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			return e.alice.InTx(ctx, func(*bizydb.Tx) error { return nil })
		}
		return nil
	}},
	{"connection lost", "ErrUnavailable", "bizydb: GetTask: server unavailable: ...", nil, func(t *testing.T, e trial) error {
		var pid int
		if err := e.db.Pool().QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		ownerQuery[bool](t, e.made, "SELECT pg_terminate_backend($1, 10000)", pid)
		_, err := e.alice.GetTask(t.Context(), e.mine.task)
		return err
	}},
	{"statement_timeout", "ErrUnavailable", "bizydb: OpenTasks: server unavailable: ...", nil, func(t *testing.T, e trial) error {
		return e.whileHeld(t, func(context.Context) error {
			return pgx.BeginFunc(t.Context(), e.db.Pool(), func(tx pgx.Tx) error {
				exec(t, tx, "SET LOCAL statement_timeout = 20")
				_, err := e.alice.WithTx(tx).OpenTasks(t.Context(), planner.OpenTasksParams{})
				return err
			})
		})
	}},
	{"closed", "ErrUnavailable", "bizydb: Me: server unavailable: the DB has been closed: closed pool", nil, func(t *testing.T, e trial) error {
		e.db.Close()
		_, err := e.alice.Me(t.Context())
		return err
	}},
	{"write without its answer", "ErrOutcomeUnknown", "bizydb: CreateTask: outcome unknown: ...", context.DeadlineExceeded, func(t *testing.T, e trial) error {
		return e.whileHeld(t, func(ctx context.Context) error {
			_, err := e.alice.CreateTask(ctx, planner.CreateTaskParams{Title: "x"})
			return err
		})
	}},
	{"query in a loop over a stream", "ErrBusy", "bizydb: GetTask: connection is busy: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", nil, func(t *testing.T, e trial) error {
		return e.alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
			for range tx.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				_, err := tx.GetTask(t.Context(), e.mine.task)
				return err
			}
			return nil
		})
	}},
	{"query in a loop over the service's rows", "ErrBusy", "bizydb: GetTask: connection is busy: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", nil, func(t *testing.T, e trial) error {
		return pgx.BeginFunc(t.Context(), e.db.Pool(), func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), "SELECT generate_series(1, 3)")
			if err != nil {
				return err
			}
			defer rows.Close()
			_, err = e.alice.WithTx(tx).GetTask(t.Context(), e.mine.task)
			return err
		})
	}},
	{"query in a loop in a batch", "ErrBusy", "bizydb: GetTask: connection is busy: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", nil, func(t *testing.T, e trial) error {
		return e.alice.Batch(t.Context(), func(q bizydb.Reader) error {
			for range q.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				_, err := q.GetTask(t.Context(), e.mine.task)
				return err
			}
			return nil
		})
	}},
	{"two goroutines of one transaction", "ErrBusy", "bizydb: GetTask: connection is busy: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", nil, func(t *testing.T, e trial) error {
		return e.alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
			var other error
			for range tx.StreamTasks(t.Context(), planner.ListTasksParams{}) {
				done := make(chan struct{})
				go func() { _, other = tx.GetTask(t.Context(), e.mine.task); close(done) }()
				<-done
			}
			return other
		})
	}},
	{"own statement that may not begin", "ErrStatement", "bizydb: query: not a statement for a scope: it begins with set; SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES and TABLE may", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.DBTX().Exec(t.Context(), "SET ROLE bizydb_accounts")
		return err
	}},
	{"own statement that sets", "ErrStatement", "bizydb: Become: not a statement for a scope: set_config changes a setting, and the scope is made of settings", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.DBTX().Exec(t.Context(), "-- name: Become :exec\nSELECT set_config('bizydb.user_id', '1', true)")
		return err
	}},
	{"own statement about a column that bizydb keeps", "ErrMissingGrant", "bizydb: query: a grant is missing: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.DBTX().Exec(t.Context(), "UPDATE public.tasks SET updated_at = now()")
		return err
	}},
	{"own statement, a value that a column does not take", "ErrInvalid", "bizydb: query: tasks.priority must be from 1 (highest) to 5 (lowest)", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.DBTX().Exec(t.Context(), "UPDATE public.tasks SET priority = 9")
		return err
	}},
	{"own statement, too few arguments", "ErrStatement", "bizydb: query: not a statement for a scope: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.DBTX().Exec(t.Context(), "SELECT $1::int")
		return err
	}},
	{"own statement, too few arguments, in a batch", "ErrStatement", "bizydb: query: not a statement for a scope: ...", nil, func(t *testing.T, e trial) error {
		return e.alice.Batch(t.Context(), func(q bizydb.Reader) error {
			_, err := q.DBTX().Exec(t.Context(), "SELECT $1::int")
			return err
		})
	}},
	{"own statement without its rows", "ErrNotFound", "bizydb: query: not found: no rows in result set", nil, func(t *testing.T, e trial) error {
		return e.alice.DBTX().QueryRow(t.Context(), "SELECT 1 WHERE false").Scan()
	}},
	{"own function that writes", "ErrReadOnly", "bizydb: query: transaction is read-only: ...: what it calls writes, and its text does not say so: see Writes", nil, func(t *testing.T, e trial) error {
		asOwner(t, e.made, "CREATE OR REPLACE FUNCTION public.touch() RETURNS void LANGUAGE sql AS 'DELETE FROM public.tasks'")
		_, err := e.alice.DBTX().Exec(t.Context(), "SELECT public.touch()")
		return err
	}},
	{"changes off", "ErrChangesOff", "bizydb: Changes: changes are not tracked: SELECT bizydb.track_changes(), run by the owner of the tables.: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.Changes(t.Context(), planner.ChangesParams{})
		return err
	}},
	{"cursor of changes expired", "ErrChangesExpired", "bizydb: Changes: cursor of changes has expired: ...", nil, func(t *testing.T, e trial) error {
		asOwner(t, e.made, "SELECT bizydb.track_changes()")
		defer asOwner(t, e.made, "SELECT bizydb.track_changes(false)")
		_, err := e.alice.Changes(t.Context(), planner.ChangesParams{Since: "1.1.0"})
		return err
	}},
	{"cursor of changes", "ErrInvalid", "bizydb: Changes: since must be from Changes", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.Changes(t.Context(), planner.ChangesParams{Since: "-1"})
		return err
	}},
	{"limit of changes", "ErrInvalid", "bizydb: Changes: limit must be from 0 to 10000", nil, func(t *testing.T, e trial) error {
		_, err := e.alice.Changes(t.Context(), planner.ChangesParams{Limit: 10_001})
		return err
	}},
	{"write in a snapshot", "ErrReadOnly", "bizydb: CreateTask: transaction is read-only: ...", nil, func(t *testing.T, e trial) error {
		return e.alice.Snapshot(t.Context(), func(tx *bizydb.Tx) error {
			_, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "x"})
			return err
		})
	}},
	{"canceled before", "", "bizydb: CreateTask: the context ended before it was sent: ...", context.Canceled, func(t *testing.T, e trial) error {
		_, err := e.alice.CreateTask(canceled(t.Context()), planner.CreateTaskParams{Title: "x"})
		return err
	}},
	{"canceled before, in a transaction", "", "bizydb: CreateTask: the context ended before it was sent: ...", context.Canceled, func(t *testing.T, e trial) error {
		return e.alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
			_, err := tx.CreateTask(canceled(t.Context()), planner.CreateTaskParams{Title: "x"})
			return err
		})
	}},
	{"read without its answer", "", "bizydb: OpenTasks: the context ended before the answer came: ...", context.DeadlineExceeded, func(t *testing.T, e trial) error {
		if _, err := e.alice.OpenTasks(t.Context(), planner.OpenTasksParams{}); err != nil { // which prepares it
			return err
		}
		return e.whileHeld(t, func(ctx context.Context) error {
			_, err := e.alice.OpenTasks(ctx, planner.OpenTasksParams{})
			return err
		})
	}},
	{"no turn for a transaction", "", "bizydb: begin: the context ended before the answer came: ...", context.DeadlineExceeded, func(t *testing.T, e trial) error {
		return e.whileHeld(t, func(ctx context.Context) error { return e.alice.InTx(ctx, func(*bizydb.Tx) error { return nil }) })
	}},
	{"not confined by the simple protocol", "ErrSimpleProtocol", "bizydb: open: the simple protocol cannot be confined: use another exec mode", nil, func(t *testing.T, e trial) error {
		config := parseConfig(t, e.made.DSN)
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		_, err := bizydb.OpenConfig(t.Context(), config)
		return err
	}},
	{"report that writes", "ErrReadOnly", "bizydb: query: transaction is read-only: its text says that it writes", nil, func(t *testing.T, e trial) error {
		_, err := e.db.Reporting().DBTX().Exec(t.Context(), "DELETE FROM public.tasks")
		return err
	}},
	{"report that sets a role", "ErrStatement", "bizydb: query: not a statement for a scope: it begins with set; ...", nil, func(t *testing.T, e trial) error {
		_, err := e.db.Reporting().DBTX().Exec(t.Context(), "SET ROLE bizydb_accounts")
		return err
	}},
	{"report without the grant", "ErrMissingGrant", "bizydb: Users: a grant is missing: GRANT bizydb_reporter TO ..., or use the login for reports: ...", nil, func(t *testing.T, e trial) error {
		_, err := e.db.Reporting().DBTX().Exec(t.Context(), "-- name: Users :many\nSELECT email FROM bizydb.profiles")
		return err
	}},
	{"lost grant", "ErrMissingGrant", "bizydb: GetTask: a grant is missing: GRANT bizydb_user, bizydb_accounts TO ..., or use the service's login: ...", nil, func(t *testing.T, e trial) error {
		asOwner(t, e.made, "REVOKE bizydb_user FROM "+e.db.Pool().Config().ConnConfig.User)
		_, err := e.alice.GetTask(t.Context(), e.mine.task)
		return err
	}},
}

// Each error is of one kind, whatever the exec mode, and says what was wrong in one line.
func TestErrors(t *testing.T) {
	t.Parallel()
	missing := exportedErrors(t)
	for _, c := range provoked {
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == c.kind })
	}
	elsewhere := []string{ // TestOpen and what is near it, TestErrorsOfNodes
		"ErrNotOnCitus", "ErrConflict", "ErrConfig", "ErrConnect", "ErrNotMigrated", "ErrSchemaNewer", "ErrSchemaUnreleased", "ErrPrivilegedLogin", "ErrUnprotected",
	}
	if missing = slices.DeleteFunc(missing, func(name string) bool { return slices.Contains(elsewhere, name) }); len(missing) > 0 {
		t.Errorf("not provoked: %v", missing)
	}
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		for _, c := range provoked {
			if c.name == "connection lost" && mayBePooled() { // which has another one then
				continue
			}
			e := trial{made: made, db: db}
			if slices.Contains([]string{"closed", "lost grant", "lost ten times", "lost in a transaction of the service"}, c.name) {
				e.made = bizydbtest.New(t)
				e.db = open(t, e.made.DSN, func(config *pgxpool.Config) {
					oneConn(config)
					config.ConnConfig.DefaultQueryExecMode = db.Pool().Config().ConnConfig.DefaultQueryExecMode
				})
			}
			e.user, e.accounts = e.made.NewUser(t), e.db.Accounts()
			e.alice = e.db.As(e.user)
			e.mine = plant(t, e.alice)

			err := c.provoke(t, e)
			if err == nil {
				t.Errorf("%s: no error", c.name)
				continue
			}
			got := kindsOf(err)
			if want := []string{c.kind}; !slices.Equal(got, want) && (c.kind != "" || len(got) > 0) {
				t.Errorf("%s: it is %v, want %v: %v", c.name, got, want, err)
			}
			if c.also != nil && !errors.Is(err, c.also) {
				t.Errorf("%s: %v, want %v too", c.name, err, c.also)
			}
			says := "^" + strings.ReplaceAll(regexp.QuoteMeta(c.says), `\.\.\.`, ".+") + "$"
			if !regexp.MustCompile(says).MatchString(err.Error()) {
				t.Errorf("%s:\n%v\nwant\n%s", c.name, err, c.says)
			}
			ofValue := slices.Contains([]string{"ErrInvalid", "ErrUnknownReference", "ErrGoalCycle", "ErrDependencyCycle", "ErrVersionConflict", "ErrEmailTaken", "ErrUsernameTaken"}, c.kind)
			if field := new(bizydb.FieldError); errors.As(err, &field) != ofValue {
				t.Errorf("%s: it is a FieldError: %v, want %v", c.name, !ofValue, ofValue)
			}
		}
	})
}

// An error names the method that was called, whatever queries that sends.
func TestErrorsNameTheMethod(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	named := func(method string, err error) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "bizydb: "+method+": ") {
			t.Errorf("%s: %v", method, err)
		}
	}
	ctx := canceled(t.Context())
	for method := range readWriter.Methods() {
		if !method.IsExported() {
			continue
		}
		var params any
		if method.Type.NumIn() > 1 {
			params = reflect.Zero(method.Type.In(1)).Interface()
		}
		_, err := callWith(ctx, made.As(1), method.Name, params)
		named(method.Name, err)
	}
	accounts := reflect.ValueOf(made.Accounts())
	for method, call := range accounts.Methods() {
		if method.Name == "WithTx" {
			continue
		}
		in := []reflect.Value{reflect.ValueOf(ctx)}
		for i := 1; i < call.Type().NumIn(); i++ {
			in = append(in, reflect.Zero(call.Type().In(i)))
		}
		out := call.Call(in)
		err, _ := out[len(out)-1].Interface().(error)
		named(method.Name, err)
	}
	_, err := made.Reporting().ChangedUsers(ctx, bizydb.ChangedUsersParams{})
	named("ChangedUsers", err)
}

// A pool that cancels queries by asking the server gets the server's error for it, and the context's too.
func TestCanceledByRequest(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	made := bizydbtest.New(t)
	db := open(t, made.DSN, func(c *pgxpool.Config) {
		c.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Minute}
		}
	})
	e := trial{made: made, db: db, user: made.NewUser(t)}
	for name, call := range map[string]func(context.Context) error{
		"read": func(ctx context.Context) error {
			_, err := db.As(e.user).OpenTasks(ctx, planner.OpenTasksParams{})
			return err
		},
		"write": func(ctx context.Context) error { _, err := db.As(e.user).DeleteTasks(ctx, nil); return err },
		"begin": func(ctx context.Context) error { return db.As(e.user).InTx(ctx, func(*bizydb.Tx) error { return nil }) },
	} {
		if err := e.whileHeld(t, call); !errors.Is(err, context.DeadlineExceeded) || len(kindsOf(err)) > 0 {
			t.Errorf("%s: %v, want the context's error alone; it is %v", name, err, kindsOf(err))
		}
	}
}

// A text that PostgreSQL has no form for is refused in each parameter of each method, by name, before anything is sent.
func TestBrokenTexts(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		user := made.NewUser(t)
		alice := db.As(user)
		at := plantAll(t, alice)
		refused := func(t *testing.T, what string, err error) {
			t.Helper()
			var field *bizydb.FieldError
			if !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column == "" {
				t.Errorf("%s: %v, want ErrInvalid with its field", what, err)
			}
		}
		texts := 0
		for method := range readWriter.Methods() {
			make, ok := calls[method.Name]
			if !ok || make(at) == nil {
				continue
			}
			for _, broken := range []string{"a\x00b", "a\xffb"} {
				for n := 0; ; n++ {
					params := reflect.New(reflect.TypeOf(make(at))).Elem()
					params.Set(reflect.ValueOf(make(at)))
					left := n
					name := breakText(params, broken, &left)
					if name == "" {
						break
					}
					texts++
					if strings.HasPrefix(method.Name, "Count") && (name == "Order" || name == "Cursor") {
						continue // which do not matter
					}
					_, err := callWith(t.Context(), alice, method.Name, params.Interface())
					refused(t, method.Name+" "+name, err)
				}
			}
		}
		if texts < 80 {
			t.Errorf("only %d texts were tried", texts)
		}
		for _, broken := range []string{"a\x00b", "a\xffb"} {
			_, err := db.Accounts().UpdateProfile(t.Context(), user, bizydb.UpdateProfileParams{Username: &broken})
			refused(t, "UpdateProfile username", err)
			_, err = db.Accounts().UpdateProfile(t.Context(), user, bizydb.UpdateProfileParams{FullName: &broken})
			refused(t, "UpdateProfile full name", err)
			_, err = db.Accounts().ChangeEmail(t.Context(), user, broken+"@example.org")
			refused(t, "ChangeEmail", err)
			_, err = db.Accounts().MarkEmailVerified(t.Context(), user, broken)
			refused(t, "MarkEmailVerified", err)
			password := bizydb.NewPassword("a long password")
			for name, p := range map[string]bizydb.RegisterParams{
				"email":     {Email: broken + "@example.org", Username: "new", Password: password},
				"username":  {Email: "new@example.org", Username: broken, Password: password},
				"full name": {Email: "new@example.org", Username: "new", FullName: &broken, Password: password},
			} {
				_, err = db.Accounts().Register(t.Context(), p)
				refused(t, "Register "+name, err)
			}
		}
	})
}

// breakText puts a text into the left-th place for one, and returns the name of the field, or "" if there are fewer.
func breakText(v reflect.Value, text string, left *int) string {
	here := func() bool { *left--; return *left < 0 }
	switch v.Kind() {
	case reflect.String:
		if here() {
			v.SetString(text)
			return v.Type().String()
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String && here() {
			v.Set(reflect.New(v.Type().Elem()))
			v.Elem().SetString(text)
			return v.Type().String()
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[planner.Tags]() {
			if here() {
				v.Set(reflect.ValueOf(planner.Tags{"fine", text}))
				return "Tags"
			}
			return ""
		}
		if v.Len() > 0 && v.Type() == reflect.TypeFor[planner.CreateTasksParams]() {
			tasks := slices.Clone(v.Interface().(planner.CreateTasksParams))
			v.Set(reflect.ValueOf(tasks))
			return breakText(v.Index(v.Len()-1), text, left)
		}
	case reflect.Map:
		if here() {
			v.Set(reflect.ValueOf(planner.Metrics{"fine": 1, "list": []any{map[string]any{text: text}}}))
			return "Metrics"
		}
	case reflect.Interface: // of a Metric
		if here() {
			v.Set(reflect.ValueOf(text))
			return "Metric"
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return ""
		}
		for i := range v.NumField() {
			if name := breakText(v.Field(i), text, left); name != "" {
				return v.Type().Field(i).Name
			}
		}
	}
	return ""
}
