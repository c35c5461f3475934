package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// lose makes the server undo the first n statements that update a table, with the given code. A sequence counts the
// attempts, since that is not undone.
func lose(t *testing.T, db *bizydbtest.Database, table string, n int, code string) (attempts func() int) {
	t.Helper()
	asOwner(t, db, fmt.Sprintf(`
		CREATE SEQUENCE public.attempts;
		CREATE FUNCTION public.lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN
		  IF nextval('public.attempts') <= %d THEN
		    RAISE EXCEPTION 'lost to another transaction' USING ERRCODE = '%s';
		  END IF;
		  RETURN NULL;
		END
		$$;
		CREATE TRIGGER lose AFTER UPDATE ON public.%s FOR EACH STATEMENT EXECUTE FUNCTION public.lose()`, n, code, table))
	return func() int {
		return ownerQuery[int](t, db, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END::int FROM public.attempts")
	}
}

func TestLostTransactionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	one := func(ctx context.Context, s bizydb.Scope, task planner.TaskID) error {
		_, err := s.CompleteTask(ctx, planner.CompleteTaskParams{ID: task})
		return err
	}
	const complete = "UPDATE public.tasks SET status = 'completed' WHERE id = $1 RETURNING title"
	own := func(ctx context.Context, s bizydb.Scope, task planner.TaskID) error {
		_, err := s.DBTX().Exec(ctx, complete, task)
		return err
	}
	ownRow := func(ctx context.Context, s bizydb.Scope, task planner.TaskID) error {
		var title string
		return s.DBTX().QueryRow(ctx, complete, task).Scan(&title)
	}
	ownRows := func(ctx context.Context, s bizydb.Scope, task planner.TaskID) error {
		rows, _ := s.DBTX().Query(ctx, complete, task)
		_, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		return err
	}
	ownBatch := func(ctx context.Context, s bizydb.Scope, task planner.TaskID) error {
		b := &pgx.Batch{}
		b.Queue(complete, task)
		return s.DBTX().SendBatch(ctx, b).Close()
	}
	several := func(ctx context.Context, s bizydb.Scope, task planner.TaskID) error {
		return s.InTx(ctx, func(tx *bizydb.Tx) error {
			if _, err := tx.CreateTask(ctx, planner.CreateTaskParams{Title: "once"}); err != nil {
				return err
			}
			_, err := tx.CompleteTask(ctx, planner.CompleteTaskParams{ID: task})
			return err
		})
	}
	for _, c := range []struct {
		name     string
		code     string
		lose     int
		write    func(context.Context, bizydb.Scope, planner.TaskID) error
		attempts int
		wins     bool
	}{
		{"a statement", pgerrcode.SerializationFailure, 3, one, 4, true},
		{"a statement in a deadlock", pgerrcode.DeadlockDetected, 1, one, 2, true},
		{"a statement that always loses", pgerrcode.SerializationFailure, 100, one, 10, false},
		{"a statement that fails otherwise", pgerrcode.UniqueViolation, 100, one, 1, false},
		{"an own statement", pgerrcode.SerializationFailure, 3, own, 4, true},
		{"an own statement for a row", pgerrcode.DeadlockDetected, 1, ownRow, 2, true},
		{"an own statement for rows", pgerrcode.SerializationFailure, 3, ownRows, 4, true},
		{"an own statement that always loses", pgerrcode.SerializationFailure, 100, ownRows, 10, false},
		{"an own batch", pgerrcode.SerializationFailure, 1, ownBatch, 1, false}, // what it has answered cannot be taken back
		{"a transaction", pgerrcode.SerializationFailure, 3, several, 4, true},
		{"a transaction in a deadlock", pgerrcode.DeadlockDetected, 1, several, 2, true},
		{"a transaction that always loses", pgerrcode.DeadlockDetected, 100, several, 10, false},
		{"a transaction that fails otherwise", pgerrcode.ObjectNotInPrerequisiteState, 100, several, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			asOwner(t, made, "DROP FUNCTION IF EXISTS public.lose CASCADE; DROP SEQUENCE IF EXISTS public.attempts")
			db := open(t, made.DSN, oneConn) // which comes back each time
			user := made.NewUser(t)
			mine := plant(t, db.As(user))
			attempts := lose(t, made, "tasks", c.lose, c.code)

			err := c.write(t.Context(), db.As(user), mine.task)
			if n := attempts(); n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			if c.wins != (err == nil) || !c.wins && sqlState(err) != c.code {
				t.Errorf("%v, want success %v or the code of the last failure", err, c.wins)
			}
			task, err := db.As(user).GetTask(t.Context(), mine.task)
			if err != nil || (task.Status == planner.TaskCompleted) != c.wins {
				t.Errorf("the task is %s, %v", task.Status, err)
			}
			once := ownerQuery[int](t, made, "SELECT count(*) FROM public.tasks WHERE title = 'once' AND user_id = $1", user)
			if isTx := strings.Contains(c.name, "transaction"); once > 1 || (once == 1) != (isTx && c.wins) {
				t.Errorf("%d rows of the transaction's first statement", once)
			}
		})
	}
}

// Rows that a statement returns come once, from the time that it succeeded.
func TestRowsAreReadFromTheAttemptThatSucceeds(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	plant(t, db.As(user))
	asOwner(t, db, `
		ALTER TABLE public.goals DISABLE TRIGGER USER;
		UPDATE public.goals SET task_count = 7;
		ALTER TABLE public.goals ENABLE TRIGGER USER`)
	lose(t, db, "goals", 2, pgerrcode.SerializationFailure)
	changed, err := db.As(user).RollUpAll(t.Context())
	if err != nil || len(changed) != 2 {
		t.Errorf("%v, %v, want two goals", changed, err)
	}
	if changed, err = db.As(user).RollUpAll(t.Context()); err != nil || len(changed) != 0 {
		t.Errorf("again: %v, %v, want none", changed, err)
	}
}

// A caller who gives up while a statement waits for its next attempt gets both reasons.
func TestRetryHonoursTheContext(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	mine := plant(t, db.As(user))
	attempts := lose(t, db, "tasks", 1000, pgerrcode.SerializationFailure)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
	defer cancel()
	_, err := db.As(user).CompleteTask(ctx, planner.CompleteTaskParams{ID: mine.task})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's error", err)
	}
	if n := attempts(); n >= 10 {
		t.Errorf("%d attempts after the context ended", n)
	}
}

// A service's own transaction is the service's to try again.
func TestServiceTransactionIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	mine := plant(t, db.As(user))
	attempts := lose(t, db, "tasks", 1, pgerrcode.SerializationFailure)
	err := pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
		_, err := db.As(user).WithTx(tx).CompleteTask(t.Context(), planner.CompleteTaskParams{ID: mine.task})
		return err
	})
	if n := attempts(); n != 1 || sqlState(err) != pgerrcode.SerializationFailure {
		t.Errorf("%d attempts, %v, want one and its error", n, err)
	}
}

// A client that takes rows before the user's lock runs into one that does it the other way round. The scope's caller does
// not notice.
func TestDeadlockWithAPlainClient(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	user := made.NewUser(t)
	mine := plant(t, made.As(user))
	plain, err := made.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Rollback(context.Background()) }()
	for _, sql := range []string{
		fmt.Sprintf("SELECT set_config('bizydb.user_id', '%d', true), set_config('role', 'bizydb_user', true)", user),
		fmt.Sprintf("UPDATE public.tasks SET notes = 'has the row' WHERE id = %d", mine.task),
	} {
		if _, err := plain.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	scoped := make(chan error)
	go func() {
		_, err := made.As(user).CompleteTask(t.Context(), planner.CompleteTaskParams{ID: mine.task})
		scoped <- err
	}()
	untilWaiting(t, made)
	_, err = plain.Exec(t.Context(), fmt.Sprintf("UPDATE public.tasks SET status = 'blocked', parent_goal_id = NULL WHERE id = %d", mine.task))
	if err == nil {
		err = plain.Commit(t.Context())
	} else {
		_ = plain.Rollback(t.Context())
	}
	if err != nil && sqlState(err) != pgerrcode.DeadlockDetected {
		t.Errorf("the plain client: %v", err)
	}
	if err := <-scoped; err != nil {
		t.Errorf("the scope: %v", err)
	}
}

// A query that writes, as the server says, takes the user's lock and is not in planner.Reader. Any other takes no lock and is
// in it. A profile needs no lock.
func TestStatementsThatWriteTakeTheLock(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, tracked)
	sent := &lockTracer{}
	db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent; oneConn(c) })
	eachCall(t, func(t *testing.T, method string) {
		user := made.NewUser(t)
		at := plantAll(t, made.As(user))
		if strings.HasPrefix(method, "RollUp") { // so that there is something to write
			asOwner(t, made, fmt.Sprintf("SET session_replication_role = replica; UPDATE public.goals SET task_count = 7 WHERE user_id = %d", user))
		}
		var refused error
		_ = made.As(user).Snapshot(t.Context(), func(tx *bizydb.Tx) error {
			_, refused = call(t.Context(), tx, method, at)
			return refused
		})
		writes := errors.Is(refused, bizydb.ErrReadOnly)
		if refused != nil && !writes {
			t.Fatal(refused)
		}
		if reads := reads(method); reads == writes {
			t.Errorf("the server says that it writes: %v; it is in planner.Reader: %v", writes, reads)
		}
		locks := writes && method != "UpdateMe"
		for name, with := range handles {
			if name == "InTx" {
				continue // which takes it as it begins
			}
			sent.locks = 0
			with(t, &bizydbtest.Database{DB: db}, user, func(q planner.ReadWriter) { _, _ = call(t.Context(), q, method, at) })
			if (sent.locks > 0) != locks {
				t.Errorf("%s: the server says that it writes: %v; it takes the lock: %v", name, writes, sent.locks > 0)
			}
		}
	})
}

// lockTracer counts what takes the lock.
type lockTracer struct{ locks int }

func (l *lockTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*lockTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (l *lockTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (l *lockTracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	if strings.Contains(data.SQL, "pg_advisory_xact_lock") {
		l.locks++
	}
}
func (*lockTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
