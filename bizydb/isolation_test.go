package bizydb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// For every query method: aimed at A's rows by B it does what it does aimed at rows that do not exist, to the letter of
// the error, and A's rows stay as they are.
func TestUserCannotReachAnothersRows(t *testing.T) {
	t.Parallel()
	db := ofUsers(t, tracked)
	for name, with := range handles {
		t.Run(name, func(t *testing.T) { cannotReachAnothersRows(t, db, eachCall, with) })
	}
}

// The queries name their user themselves, so the same holds where row security is off.
func TestUserCannotReachAnothersRowsWithoutPolicies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	withoutPolicies(t, db)
	cannotReachAnothersRows(t, db, eachMethod, handles["scope"])
}

func withoutPolicies(t *testing.T, db *bizydbtest.Database) {
	t.Helper()
	for _, table := range []string{"public.users", "public.goals", "public.tasks", "bizydb.imports", "bizydb.changes", "bizydb.deleted_goals", "bizydb.deleted_tasks", "bizydb.deleted_links"} {
		asOwner(t, db, "ALTER TABLE "+table+" DISABLE ROW LEVEL SECURITY")
	}
	tx := begin(t, db.Pool())
	exec(t, tx, enterSQL, "")
	if got, err := queryAll[bool](t, tx, "SELECT row_security_active('public.goals') OR row_security_active('public.tasks') OR row_security_active('bizydb.imports') OR row_security_active('bizydb.deleted_goals') OR row_security_active('bizydb.deleted_tasks')"); err != nil || got[0] {
		t.Fatalf("row security is in force: %v, %v", got, err)
	}
	_ = tx.Rollback(t.Context())
}

func cannotReachAnothersRows(t *testing.T, db *bizydbtest.Database, each func(*testing.T, func(*testing.T, string)), with handle) {
	t.Helper()
	a := db.NewUser(t)
	as := plantAll(t, db.As(a))
	b := db.NewUser(t)
	bs := plantAll(t, db.As(b))
	each(t, func(t *testing.T, method string) {
		if !reads(method) {
			bs = plantAll(t, db.As(b)) // An earlier method may have changed the ones before.
		}
		// B's own rows aimed at A's: the sub-goal to update is B's, what it is put under is A's.
		aims := map[string]struct{ real, missing things }{
			"all": {as, things{math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32}},
			"put own under another's": {
				things{as.goal, bs.subGoal, bs.task, bs.waiting, bs.deletedGoal, bs.deletedTask},
				things{math.MaxInt32, bs.subGoal, bs.task, bs.waiting, bs.deletedGoal, bs.deletedTask},
			},
		}
		if method == "SetTaskDependencies" {
			aims["make own depend on another's"] = struct{ real, missing things }{
				things{task: as.task, waiting: bs.waiting}, things{task: math.MaxInt32, waiting: bs.waiting},
			}
		}
		for aim, at := range aims {
			before := dump(t, db, a)
			var real, missing string
			with(t, db, b, func(q planner.ReadWriter) { real = outcome(call(t.Context(), q, method, at.real)) })
			// Errors may repeat what the caller said.
			real = strings.ReplaceAll(real, fmt.Sprintf("depend on task %d,", as.task), fmt.Sprintf("depend on task %d,", math.MaxInt32))
			real = strings.ReplaceAll(real, fmt.Sprintf(", %d) is not present", as.goal), fmt.Sprintf(", %d) is not present", math.MaxInt32))
			with(t, db, b, func(q planner.ReadWriter) { missing = outcome(call(t.Context(), q, method, at.missing)) })
			if diff := cmp.Diff(missing, real); diff != "" && !(aim != "all" && worksOnce.MatchString(method)) && method != "ForgetDeleted" { // which is aimed at nothing
				t.Errorf("%s: tells another's row from none (-none +another's):\n%s", aim, diff)
			}
			if diff := cmp.Diff(before, dump(t, db, a)); diff != "" {
				t.Errorf("%s: changed another's rows:\n%s", aim, diff)
			}
		}

		// The same call by their owner works, or this test would show nothing.
		tx := begin(t, db.Pool())
		if got, err := call(t.Context(), db.As(a).WithTx(tx), method, as); err != nil {
			t.Errorf("by the owner: %v", err)
		} else if isEmpty(got) && !strings.HasPrefix(method, "RollUp") {
			t.Error("by the owner: empty")
		}
		_ = tx.Rollback(t.Context())
	})
}

// Whatever a user asks, the answer is the same with and without another user's rows, and has none but the user's own.
func TestAnswersAreOfOwnRowsOnly(t *testing.T) {
	t.Parallel()
	answersAreOfOwnRowsOnly(t, ofUsers(t, tracked), eachCall)
}

func TestAnswersAreOfOwnRowsOnlyWithoutPolicies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	withoutPolicies(t, db)
	answersAreOfOwnRowsOnly(t, db, eachMethod)
}

func answersAreOfOwnRowsOnly(t *testing.T, db *bizydbtest.Database, each func(*testing.T, func(*testing.T, string))) {
	t.Helper()
	a, b := db.NewUser(t), db.NewUser(t)
	mine := plantAll(t, db.As(b))
	ask := func(method string) (answer string, read bool) {
		err := db.As(b).Snapshot(t.Context(), func(tx *bizydb.Tx) error {
			result, err := call(t.Context(), tx, method, mine)
			answer = outcome(result, err)
			return err
		})
		if err != nil && !errors.Is(err, bizydb.ErrReadOnly) {
			t.Fatal(err)
		}
		return answer, err == nil
	}
	alone, reads := map[string]string{}, 0
	each(t, func(_ *testing.T, method string) { alone[method], _ = ask(method) })
	for range 3 {
		plantAll(t, db.As(a))
	}
	others := regexp.MustCompile(`"user_id": ` + fmt.Sprint(a) + `\b`)
	each(t, func(t *testing.T, method string) {
		beside, read := ask(method)
		if diff := cmp.Diff(alone[method], beside); diff != "" {
			t.Errorf("(-alone +beside another user):\n%s", diff)
		}
		if others.MatchString(beside) {
			t.Errorf("has rows of another user:\n%s", beside)
		}
		if read {
			reads++
		}
	})
	if reads < 30 {
		t.Errorf("only %d methods read", reads)
	}
}

// Outside a scope the service's login has no privilege on any relation of the database.
func TestLoginCanDoNothingOutsideAScope(t *testing.T) {
	t.Parallel()
	t.Run("of a service", func(t *testing.T) { canDoNothingOutsideAScope(t, bizydbtest.New(t)) })
	t.Run("of a service that reports", func(t *testing.T) { canDoNothingOutsideAScope(t, bizydbtest.New(t, bizydbtest.WithReporting())) })
}

func canDoNothingOutsideAScope(t *testing.T, db *bizydbtest.Database) {
	t.Helper()
	t.Parallel()
	a := db.NewUser(t)
	plant(t, db.As(a))

	relations, err := queryAll[string](t, db.Pool(), `
		SELECT oid::regclass::text FROM pg_class
		WHERE relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) AND relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
		ORDER BY 1`)
	if err != nil || len(relations) < 4 {
		t.Fatal(relations, err)
	}
	for _, relation := range relations {
		for _, privilege := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} {
			has := `SELECT has_table_privilege($1, $2)`
			switch {
			case relation[len(relation)-4:] == "_seq":
				if privilege != "SELECT" && privilege != "UPDATE" {
					continue
				}
				has = `SELECT has_sequence_privilege($1, $2) OR has_sequence_privilege($1, 'USAGE')`
			case privilege == "SELECT" || privilege == "INSERT" || privilege == "UPDATE" || privilege == "REFERENCES":
				has = `SELECT has_any_column_privilege($1, $2)`
			}
			if got, err := queryAll[bool](t, db.Pool(), has, relation, privilege); err != nil || got[0] {
				t.Errorf("%s on %s: has it: %v, %v", privilege, relation, got, err)
			}
		}
	}

	// And what it tries is refused, with and without a user set by hand.
	for _, user := range []string{"", fmt.Sprint(a)} {
		for _, sql := range []string{
			"SELECT FROM public.users", "SELECT FROM public.goals", "SELECT FROM public.tasks",
			"INSERT INTO public.users (email, username, hashed_password) VALUES ('a', 'a', 'a')",
			"INSERT INTO public.goals (title) VALUES ('a')", "INSERT INTO public.tasks (title) VALUES ('a')",
			"UPDATE public.users SET email = 'a'", "UPDATE public.goals SET title = 'a'", "UPDATE public.tasks SET title = 'a'",
			"DELETE FROM public.users", "DELETE FROM public.goals", "DELETE FROM public.tasks",
			"TRUNCATE public.users CASCADE", "TRUNCATE public.goals CASCADE", "TRUNCATE public.tasks",
			"LOCK TABLE public.tasks", "COPY public.tasks TO STDOUT", "CREATE TABLE public.mine ()",
			"CREATE FUNCTION bizydb.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		} {
			err := pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), `SELECT set_config('bizydb.user_id', $1, true)`, user); err != nil {
					t.Fatal(err)
				}
				_, err := tx.Exec(t.Context(), sql)
				return err
			})
			if code := sqlState(err); code != pgerrcode.InsufficientPrivilege {
				t.Errorf("user %q, %s: %v, want 42501", user, sql, err)
			}
		}
	}
}

// Every call for a user who is not there or not active is ErrNoUser, whatever it asks. A transaction of bizydb's asks when it
// begins: one that is open goes on.
func TestNoActiveUser(t *testing.T) {
	t.Parallel()
	noActiveUser(t, ofUsers(t, tracked))
}

// Neither row security is needed for that, nor that a service's own policies show nobody else.
func TestNoActiveUserWithoutPolicies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	withoutPolicies(t, db)
	noActiveUser(t, db)
}

func noActiveUser(t *testing.T, db *bizydbtest.Database) {
	t.Helper()
	inactive, deleted := db.NewUser(t), db.NewUser(t)
	mine := plantAll(t, db.As(inactive))
	plantAll(t, db.As(deleted))
	if _, err := db.Accounts().Delete(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	err := db.As(inactive).InTx(t.Context(), func(tx *bizydb.Tx) error {
		if _, err := db.Accounts().Deactivate(t.Context(), inactive); err != nil {
			return err
		}
		_, err := tx.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: mine.task, Title: new("the last change")})
		return err
	})
	if err != nil {
		t.Errorf("in a transaction that was open: %v", err)
	}
	const content = "SELECT coalesce(string_agg(row::text, '' ORDER BY row::text), '') FROM (" +
		"SELECT to_jsonb(t) FROM public.tasks t WHERE t.user_id = $1 UNION ALL SELECT to_jsonb(g) FROM public.goals g WHERE g.user_id = $1 UNION ALL SELECT to_jsonb(u) FROM public.users u WHERE u.id = $1) AS r (row)"
	rows := func() string {
		return ownerQuery[string](t, db, content, inactive) + ownerQuery[string](t, db, content, deleted) + ownerQuery[string](t, db, content, int64(math.MaxInt64))
	}
	before := rows()
	for who, user := range map[string]bizydb.UserID{"inactive": inactive, "deleted": deleted, "never there": math.MaxInt64} {
		ways := map[string]func(method string) error{
			"Scope": func(method string) error { _, err := call(t.Context(), db.As(user), method, mine); return err },
			"Batch": func(method string) error {
				return db.As(user).Batch(t.Context(), func(q bizydb.Reader) error { _, err := call(t.Context(), q, method, mine); return err })
			},
			"WithTx": func(method string) error {
				return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
					_, err := call(t.Context(), db.As(user).WithTx(tx), method, mine)
					if _, then := tx.Exec(t.Context(), "SELECT"); sqlState(then) != "25P02" {
						t.Errorf("%s: the service's transaction goes on: %v", method, then)
					}
					return err
				})
			},
		}
		eachCall(t, func(t *testing.T, method string) {
			for way, ask := range ways {
				if err := ask(method); !errors.Is(err, bizydb.ErrNoUser) && !(way == "Batch" && (errors.Is(err, bizydb.ErrReadOnly) || errors.Is(err, bizydb.ErrStatement))) {
					t.Errorf("%s, %s: %v, want ErrNoUser", who, way, err)
				}
			}
		})
		never := func(*bizydb.Tx) error { t.Errorf("%s: the function was called", who); return nil }
		if err := db.As(user).InTx(t.Context(), never); !errors.Is(err, bizydb.ErrNoUser) {
			t.Errorf("%s, InTx: %v, want ErrNoUser", who, err)
		}
		if err := db.As(user).Snapshot(t.Context(), never); !errors.Is(err, bizydb.ErrNoUser) {
			t.Errorf("%s, Snapshot: %v, want ErrNoUser", who, err)
		}
		for _, err := range db.As(user).StreamTasks(t.Context(), planner.ListTasksParams{}) {
			if !errors.Is(err, bizydb.ErrNoUser) {
				t.Errorf("%s, StreamTasks: %v, want ErrNoUser", who, err)
			}
		}
	}
	if diff := cmp.Diff(before, rows()); diff != "" {
		t.Errorf("rows (-before +after):\n%s", diff)
	}
	if _, err := db.Accounts().Reactivate(t.Context(), inactive); err != nil {
		t.Fatal(err)
	}
	if task, err := db.As(inactive).GetTask(t.Context(), mine.task); err != nil || task.Title != "the last change" {
		t.Errorf("active again: %+v, %v", task, err)
	}
}

// worksOnce matches methods whose second call does not find the row anymore, or says that it changes nothing.
var worksOnce = regexp.MustCompile("^((Block|Complete|Delete|Reopen|Start|Unblock)Task|own DELETE|Forget|[Rr]estore)")

// isEmpty says whether a list, a page or a path has nothing on it.
func isEmpty(result any) bool {
	switch r := result.(type) {
	case planner.TaskPage:
		return len(r.Tasks) == 0
	case planner.CriticalPath:
		return len(r.Tasks) == 0
	case planner.ChangesPage:
		return len(r.Changes) == 0
	}
	v := reflect.ValueOf(result)
	return v.Kind() == reflect.Slice && v.Len() == 0
}

// outcome is all that a caller can tell by: the result, or the error with every field the server sent.
func outcome(result any, err error) string {
	if err != nil {
		text := fmt.Sprintf("%v\nkind: %v", err, kindsOf(err))
		if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) {
			text += fmt.Sprintf("\n%+v", *pgErr)
		}
		return text
	}
	b, _ := json.MarshalIndent(result, "", " ")
	return string(b)
}

// dump is everything that a user has.
func dump(t *testing.T, db *bizydbtest.Database, user bizydb.UserID) string {
	t.Helper()
	goals, err := db.As(user).ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	me, err := db.As(user).Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	deletedGoals, err := db.As(user).DeletedGoals(t.Context(), planner.DeletedGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	deletedTasks, err := db.As(user).DeletedTasks(t.Context(), planner.DeletedTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	return outcome([]any{goals, tasks, me, deletedGoals, deletedTasks}, nil)
}
