package userdata_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestEveryExecMode(t *testing.T) {
	t.Parallel()
	ctx, made := t.Context(), bizydbtest.New(t) // of its own: behind a pooler, clients that prepare may not share one
	first := made.NewUser(t)
	fill(t, made, first, 12, 60)
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
	} {
		config, err := pgxpool.ParseConfig(made.DSN)
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.DefaultQueryExecMode = mode
		db, err := bizydb.OpenConfig(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		second := made.NewUser(t)
		importInto(ctx, t, db.As(second), exportOf(ctx, t, db.As(first)))
		wantSame(ctx, t, db.As(first), db.As(second))
		db.Close()
	}
}

// Both name their user in each statement: where row security is off they find and change nothing of another user.
func TestWithoutPolicies(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), bizydbtest.New(t)
	asOwner(t, db, "ALTER TABLE public.goals DISABLE ROW LEVEL SECURITY; ALTER TABLE public.tasks DISABLE ROW LEVEL SECURITY")
	other, first := db.NewUser(t), db.NewUser(t)
	fill(t, db, other, 12, 60)
	fill(t, db, first, 12, 60)
	second := db.NewUser(t)
	before := testdb.Everything(t, db)
	importInto(ctx, t, db.As(second), exportOf(ctx, t, db.As(first)))
	wantSame(ctx, t, db.As(first), db.As(second))
	if _, err := db.Accounts().Delete(ctx, second); err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(before, func(line string) bool { return strings.HasPrefix(line, fmt.Sprintf("public.users (%d,", second)) })
	if diff := cmp.Diff(left, testdb.Everything(t, db)); diff != "" {
		t.Errorf("what is not the second's (-before +after):\n%s", diff)
	}
}

// A dependency on a task that is gone is not in the document. One statement can leave it behind: that of a transaction whose snapshot is
// older than the dependency.
func TestDependencyOnWhatIsGone(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.Common(t)
	first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	ids, err := first.CreateTasks(ctx, planner.CreateTasksParams{{Title: "gone"}, {Title: "there"}, {Title: "waits"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: ids[2], Dependencies: ids[:2]}); err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, fmt.Sprintf("BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM public.tasks WHERE id = %d; COMMIT", ids[0]))
	importInto(ctx, t, second, exportOf(ctx, t, first))
	tasks, err := second.ListTasks(ctx, planner.ListTasksParams{})
	if err != nil || len(tasks) != 2 || len(tasks[0].Dependencies) != 1 || tasks[0].Dependencies[0] != tasks[1].ID {
		t.Errorf("%+v (error %v)", tasks, err)
	}
}

// A cycle of dependencies is found before one is written, and not looked for once the context has ended.
func TestCycleOfDependencies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	scope := db.As(db.NewUser(t))
	asOwner(t, db, `
		CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a dependency is written'; END $$;
		CREATE TRIGGER refuse BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.refuse()`)
	var tasks []string // the first four depend on the next, up to the cycle, and the fifth on none of them
	for id, on := range []string{2: "1", 3: "[4]", 4: "[5]", 5: "[6]", 6: "[1, 5]", 7: "[1]"} {
		switch {
		case id == 2:
			tasks = append(tasks, row(taskRow))
		case id > 2:
			tasks = append(tasks, row(taskRow, "id", fmt.Sprint(id), "dependencies", on))
		}
	}
	document := documentOf(nil, tasks)
	_, err := userdata.Import(t.Context(), scope, strings.NewReader(document))
	if want := "tasks[3].dependencies must not lead back to the task"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &stopper{r: strings.NewReader(document), left: len(document), stop: func() error { cancel(); return nil }}
	if _, err := userdata.Import(ctx, scope, r); !errors.Is(err, context.Canceled) {
		t.Errorf("once the context has ended: %v", err)
	}
}

// A stopper calls a function once so many bytes have passed.
type stopper struct {
	r    io.Reader
	w    io.Writer
	left int
	stop func() error
}

func (s *stopper) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), 1000)])
	return n, s.passed(n, err)
}

func (s *stopper) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	return n, s.passed(n, err)
}

func (s *stopper) passed(n int, err error) error {
	if s.left > 0 && s.left <= n {
		if stopped := s.stop(); err == nil {
			err = stopped
		}
	}
	s.left -= n
	return err
}

// Whenever the connection is lost, the context ends or the writer refuses more: an import has written nothing, an export nothing that is
// valid JSON, and both say why. The same pool works again afterwards.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	first := made.NewUser(t)
	fill(t, made, first, 40, 5100) // the last hundred are written by a second statement
	document := exportOf(t.Context(), t, made.As(first))
	second := made.NewUser(t)
	before := testdb.Everything(t, made)
	for _, at := range []int{1, len(document) / 2, len(document) - 20_000} {
		broken := errors.New("broken")
		for _, c := range []struct {
			name string
			want error
			stop func(cancel func(), proxy *bizydbtest.Proxy) error
		}{
			{"connection lost", bizydb.ErrUnavailable, func(_ func(), proxy *bizydbtest.Proxy) error { proxy.Close(); return nil }},
			{"context canceled", context.Canceled, func(cancel func(), _ *bizydbtest.Proxy) error { cancel(); return nil }},
			{"error of the reader or writer", broken, func(func(), *bizydbtest.Proxy) error { return broken }},
		} {
			t.Run(fmt.Sprintf("%s after %d bytes", c.name, at), func(t *testing.T) {
				proxy, dsn := bizydbtest.NewProxy(t, made.DSN)
				db, err := bizydb.Open(t.Context(), dsn)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := func() error { return c.stop(cancel, proxy) }
				_, err = userdata.Import(ctx, db.As(second), &stopper{r: bytes.NewReader(document), left: at, stop: stop})
				if !errors.Is(err, c.want) {
					t.Errorf("import: %v, want %v", err, c.want)
				}
				if c.want == bizydb.ErrUnavailable {
					proxy, dsn = bizydbtest.NewProxy(t, made.DSN)
					if db, err = bizydb.Open(t.Context(), dsn); err != nil {
						t.Fatal(err)
					}
					defer db.Close()
				}
				ctx, cancel = context.WithCancel(t.Context())
				defer cancel()
				var written bytes.Buffer
				_, err = userdata.Export(ctx, db.As(first), &stopper{w: &written, left: at, stop: stop})
				if err == nil && written.Len() >= len(document) && c.want != broken {
					return // all of it had arrived
				}
				if !errors.Is(err, c.want) || c.want == broken && err != broken {
					t.Errorf("export: %v, want %v", err, c.want)
				}
				if bytes.HasSuffix(written.Bytes(), []byte("]}\n")) {
					t.Error("an export that failed is complete")
				}
			})
		}
	}
	if diff := cmp.Diff(before, testdb.Everything(t, made)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
	importInto(t.Context(), t, made.As(second), document)
	wantSame(t.Context(), t, made.As(first), made.As(second))
}

// An import that loses to another transaction reads its document again from where it began, if it can.
func TestRetries(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), bizydbtest.New(t)
	asOwner(t, db, `
		CREATE SEQUENCE public.attempts;
		CREATE FUNCTION public.lose() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN
		  IF nextval('public.attempts') % 3 > 0 THEN
		    RAISE EXCEPTION 'lost to another transaction' USING ERRCODE = 'serialization_failure';
		  END IF;
		  RETURN NULL;
		END
		$$;
		CREATE TRIGGER lose AFTER INSERT ON public.tasks FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.lose()`)
	document := taskWith("dependencies", "[1]")
	user := db.NewUser(t)

	r := strings.NewReader("before it" + document)
	_, _ = r.Seek(int64(len("before it")), io.SeekStart)
	summary, err := userdata.Import(ctx, db.As(user), r)
	if has := belongingsOf(ctx, t, db.As(user)); err != nil || summary.Tasks != 2 || len(has.Tasks) != 2 || len(has.Goals) != 1 {
		t.Errorf("%+v: %+v, %v", has, summary, err)
	}
	for name, r := range map[string]io.Reader{"no seeker": io.MultiReader(strings.NewReader(document)), "a seeker that cannot": struct {
		io.Reader
		io.Seeker
	}{strings.NewReader(document), stuck{}}} {
		user := db.NewUser(t)
		_, err := userdata.Import(ctx, db.As(user), r)
		if has := belongingsOf(ctx, t, db.As(user)); !errors.Is(err, bizydb.ErrContention) || len(has.Tasks)+len(has.Goals) > 0 {
			t.Errorf("%s: %+v, %v", name, has, err)
		}
	}
	asOwner(t, db, "DROP TRIGGER lose ON public.tasks")
}

type stuck struct{}

func (stuck) Seek(int64, int) (int64, error) { return 0, errors.New("cannot") }

// What a service does in the transaction of an import or export is part of it.
func TestTx(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.Common(t)
	first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	live(ctx, t, first, 40, random())
	meanwhile := planner.CreateTaskParams{Title: "meanwhile", CreatedAt: new(time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC))}
	var document bytes.Buffer
	if err := first.Snapshot(ctx, func(tx *bizydb.Tx) error {
		before, err := tx.ListTasks(ctx, planner.ListTasksParams{})
		if err != nil {
			return err
		}
		if _, err := first.CreateTask(ctx, meanwhile); err != nil {
			return err
		}
		summary, err := userdata.ExportTx(ctx, tx, &document)
		if summary.Tasks != len(before) {
			t.Errorf("%d tasks in the document, %d in the snapshot", summary.Tasks, len(before))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}

	refused := errors.New("refused")
	for _, want := range []error{refused, nil} {
		if err := second.InTx(ctx, func(tx *bizydb.Tx) error {
			result, err := userdata.ImportTx(ctx, tx, bytes.NewReader(document.Bytes()))
			if err != nil {
				return err
			}
			var read struct{ Tasks []planner.Task }
			if err := json.Unmarshal(document.Bytes(), &read); err != nil {
				return err
			}
			for _, task := range read.Tasks {
				id, ok := result.IDs.Task(task.ID)
				copied, err := tx.GetTask(ctx, id)
				if !ok || err != nil || copied.Title != task.Title {
					t.Errorf("task %+v is %+v (error %v)", task, copied, err)
				}
			}
			_, unknownTask := result.IDs.Task(1e17)
			if _, unknownGoal := result.IDs.Goal(1e17); unknownTask || unknownGoal {
				t.Error("ids of rows that are not in the document")
			}
			if _, err := tx.CreateTask(ctx, meanwhile); err != nil {
				return err
			}
			return want
		}); err != want {
			t.Fatalf("error %v, want %v", err, want)
		}
		if want != nil {
			if has := belongingsOf(ctx, t, second); len(has.Tasks)+len(has.Goals) > 0 {
				t.Errorf("%+v", has)
			}
		}
	}
	wantSame(ctx, t, first, second)
}

// A transaction in which an import has failed cannot be committed, neither the scope's nor the service's own.
func TestFailedImportAborts(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), testdb.Common(t)
	scope := db.As(db.NewUser(t))
	for name, document := range map[string]string{
		"refused by the import": taskWith("dependencies", "[3]"), "by the server": taskWith("priority", "6"), "cut off": taskWith()[:1450], "before any row": "{",
	} {
		importTx := func(tx *bizydb.Tx) error {
			if _, err := tx.CreateGoal(ctx, planner.CreateGoalParams{Title: "before it"}); err != nil {
				t.Error(err)
			}
			if _, err := userdata.ImportTx(ctx, tx, strings.NewReader(document)); !errors.Is(err, bizydb.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
			return nil
		}
		if err := scope.InTx(ctx, importTx); err == nil {
			t.Errorf("%s: InTx has committed", name)
		}
		own, err := db.Pool().Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_ = importTx(scope.WithTx(own))
		if err := own.Commit(ctx); !errors.Is(err, pgx.ErrTxCommitRollback) {
			t.Errorf("%s: a commit of the service's transaction: %v", name, err)
		}
	}
	canceled, cancel := context.WithCancel(ctx)
	own, err := db.Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	document := []byte(taskWith())
	r := &stopper{r: bytes.NewReader(document), left: len(document) - 10, stop: func() error { cancel(); return nil }}
	if _, err := userdata.ImportTx(canceled, scope.WithTx(own), r); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := own.Commit(ctx); err == nil {
		t.Error("a commit after the import's context has ended")
	}
	if has := belongingsOf(ctx, t, scope); len(has.Tasks)+len(has.Goals) > 0 {
		t.Errorf("%+v", has)
	}
}

// A user who is not there gives ErrNoUser, and nothing is read or written.
func TestNoUser(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	if _, err := db.Accounts().Deactivate(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []bizydb.Scope{db.As(0), db.As(999), db.As(user)} {
		r := strings.NewReader("x")
		if _, err := userdata.Import(t.Context(), scope, r); !errors.Is(err, bizydb.ErrNoUser) || r.Len() != 1 {
			t.Errorf("import: %v", err)
		}
		var w bytes.Buffer
		if _, err := userdata.Export(t.Context(), scope, &w); !errors.Is(err, bizydb.ErrNoUser) || w.Len() > 0 {
			t.Errorf("export: %v", err)
		}
	}
}

// While others write for the user, a document is what was there at one moment: an import of it finds every goal and task that is referred
// to, and the percentages are those that follow.
func TestExportWhileOthersWrite(t *testing.T) {
	t.Parallel()
	ctx, made := t.Context(), testdb.Common(t)
	config, err := pgxpool.ParseConfig(made.DSN)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 20
	db, err := bizydb.OpenConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first := db.As(made.NewUser(t))
	live(ctx, t, first, 100, random())
	writing, stop := context.WithCancel(ctx)
	var writers sync.WaitGroup
	for range 16 {
		writers.Go(func() {
			for writing.Err() == nil {
				live(ctx, t, first, 20, random())
			}
		})
	}
	for range 5 {
		second := db.As(made.NewUser(t))
		document := exportOf(ctx, t, first)
		importInto(ctx, t, second, document)
		if wrong, err := second.RollUpAll(ctx); err != nil || len(wrong) > 0 {
			t.Errorf("a roll-up finds %+v (error %v)", wrong, err)
		}
		if diff := cmp.Diff(withoutIDs(t, document), withoutIDs(t, exportOf(ctx, t, second))); diff != "" {
			t.Errorf("-exported +imported:\n%s", diff)
		}
	}
	stop()
	writers.Wait()
}
