package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// A reporting is a way to run a report's statements.
type reporting func(ctx context.Context, db *bizydb.DB, report func(db bizydb.DBTX) error) error

var reportings = map[string]reporting{
	"DBTX": func(_ context.Context, db *bizydb.DB, report func(bizydb.DBTX) error) error {
		return report(db.Reporting().DBTX())
	},
	"Snapshot": func(ctx context.Context, db *bizydb.DB, report func(bizydb.DBTX) error) error {
		return db.Reporting().Snapshot(ctx, report)
	},
	"Batch": func(ctx context.Context, db *bizydb.DB, report func(bizydb.DBTX) error) error {
		return db.Reporting().Batch(ctx, report)
	},
	"WithTx": func(ctx context.Context, db *bizydb.DB, report func(bizydb.DBTX) error) error {
		return pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error { return report(db.Reporting().WithTx(tx)) })
	},
}

// countByUser is a report: how many goals, tasks and profiles there are of each user.
const countByUser = `SELECT p.username || ' ' || (SELECT count(*) FROM public.goals g WHERE g.user_id = p.id) || ' ' || (SELECT count(*) FROM public.tasks t WHERE t.user_id = p.id)
	FROM bizydb.profiles p ORDER BY p.id`

// A report sees the rows of all users, active or not, each way in one round trip, and nothing of it is left on the connection.
func TestReporting(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		var want []string
		for range 3 {
			user := made.NewUser(t)
			plantOpen(t, db.As(user))
			want = append(want, ownerQuery[string](t, made, "SELECT username || ' 3 3' FROM public.users WHERE id = $1", user))
		}
		if _, err := db.Accounts().Deactivate(t.Context(), made.NewUser(t)); err != nil {
			t.Fatal(err)
		}
		want = append(want, ownerQuery[string](t, made, "SELECT username || ' 0 0' FROM public.users WHERE NOT is_active"))
		trips := map[string]int{"DBTX": 1, "Snapshot": 3, "Batch": 1, "WithTx": 3}
		for name, in := range reportings {
			for range 2 { // the first warms the connection up
				proxy.RoundTrips()
				err := in(t.Context(), db, func(on bizydb.DBTX) error {
					got, err := queryAll[string](t, on, countByUser)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", name, diff)
					}
					return err
				})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if n := proxy.RoundTrips(); n > trips[name] {
				t.Errorf("%s: %d round trips, want %d", name, n, trips[name])
			}
			clean(t, db, name)
		}
	}, bizydbtest.WithReporting())
}

// clean fails the test unless the pool's connection is as it was.
func clean(t *testing.T, db *bizydb.DB, after string) {
	t.Helper()
	var got string
	if err := db.Pool().QueryRow(t.Context(), `SELECT concat_ws(' ', current_setting('role'), current_setting('bizydb.user_id', true), current_setting('transaction_read_only'))`).Scan(&got); err != nil || strings.Join(strings.Fields(got), " ") != "none off" {
		t.Errorf("after %s the connection is %q, %v", after, got, err)
	}
	if _, err := db.Pool().Exec(t.Context(), "SELECT FROM public.tasks"); sqlState(err) != pgerrcode.InsufficientPrivilege {
		t.Errorf("after %s the login reads tasks: %v", after, err)
	}
}

// A statement that writes, or that no scope takes either, is refused before anything is sent, in whatever way.
func TestReportingRefuses(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		tx := begin(t, db.Pool())
		onTx := db.Reporting().WithTx(tx)
		for sql, want := range map[string]error{
			"INSERT INTO public.tasks (title) VALUES ('x')":                                              bizydb.ErrReadOnly,
			"UPDATE public.tasks SET title = 'x'":                                                        bizydb.ErrReadOnly,
			"WITH gone AS (DELETE FROM public.tasks RETURNING *) TABLE gone":                             bizydb.ErrReadOnly,
			"MERGE INTO public.tasks t USING public.tasks s ON t.id = s.id WHEN MATCHED THEN DO NOTHING": bizydb.ErrReadOnly,
			"SELECT FROM public.tasks FOR UPDATE":                                                        bizydb.ErrReadOnly,
			"SELECT FROM public.tasks FOR KEY SHARE":                                                     bizydb.ErrReadOnly,
			"SELECT nextval('public.tasks_id_seq')":                                                      bizydb.ErrReadOnly,
			"SELECT pg_notify('a', 'b')":                                                                 bizydb.ErrReadOnly,
			"SELECT pg_logical_emit_message(true, 'a', 'b')":                                             bizydb.ErrReadOnly,
			"SELECT lo_truncate(1, 0), lowrite(1, '')":                                                   bizydb.ErrReadOnly,
			"SELECT w.update FROM public.work w":                                                         bizydb.ErrReadOnly,
			"SELECT * FROM bizydb.roll_up_all()":                                                         bizydb.ErrReadOnly,
			"TRUNCATE public.tasks":                                                                      bizydb.ErrStatement,
			"COPY public.tasks TO STDOUT":                                                                bizydb.ErrStatement,
			"SET ROLE bizydb_user":                                                                       bizydb.ErrStatement,
			"SELECT set_config('transaction_read_only', 'off', true)":                                    bizydb.ErrStatement,
			"SELECT * INTO TEMP t FROM public.tasks":                                                     bizydb.ErrStatement,
			"SELECT pg_advisory_lock(1)":                                                                 bizydb.ErrStatement,
			`RELEASE SAVEPOINT "bizydb.report"`:                                                          bizydb.ErrStatement,
		} {
			proxy.RoundTrips()
			ask := func(on bizydb.DBTX) error {
				_, err := on.Exec(t.Context(), sql)
				b := &pgx.Batch{}
				b.Queue("SELECT 1")
				b.Queue(sql)
				if err := on.SendBatch(t.Context(), b).Close(); !errors.Is(err, want) {
					t.Errorf("%s: in a batch: %v, want %v", sql, err, want)
				}
				return errors.Join(on.QueryRow(t.Context(), sql).Scan(), err)
			}
			for name, err := range map[string]error{"DBTX": ask(db.Reporting().DBTX()), "WithTx": ask(onTx)} {
				if !errors.Is(err, want) {
					t.Errorf("%s: %s: %v, want %v", name, sql, err, want)
				}
			}
			if n := proxy.RoundTrips(); n > 0 {
				t.Errorf("%s: %d round trips, want none", sql, n)
			}
		}
		if _, err := onTx.CopyFrom(t.Context(), pgx.Identifier{"public", "tasks"}, nil, nil); !errors.Is(err, bizydb.ErrStatement) {
			t.Errorf("CopyFrom: %v, want ErrStatement", err)
		}
	}, bizydbtest.WithReporting())
}

// The server refuses what the text does not say: a function that writes, the hash, another schema's tables. In a transaction of the
// service's own too, which goes on to write.
func TestReportsWriteNothing(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		asOwner(t, made, `CREATE TABLE public.notes (note text); GRANT INSERT, SELECT ON public.notes TO `+parseConfig(t, made.DSN).ConnConfig.User+`;
			CREATE FUNCTION public.note() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO public.notes VALUES (1)';
			CREATE FUNCTION public.run(sql text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE sql; END'`)
		for sql, want := range map[string]error{
			"SELECT public.note()":                                  bizydb.ErrReadOnly,
			"SELECT hashed_password FROM public.users":              bizydb.ErrMissingGrant,
			"SELECT count(*) FROM bizydb.imports":                   bizydb.ErrMissingGrant,
			"SELECT count(*) FROM public.notes":                     bizydb.ErrMissingGrant,
			"SELECT bizydb.delete_user(1)":                          bizydb.ErrMissingGrant,
			"SELECT bizydb.lock_user(1)":                            bizydb.ErrMissingGrant,
			"SELECT u FROM public.users u":                          bizydb.ErrMissingGrant,
			"SELECT 1 / 0":                                          bizydb.ErrInvalid,
			"SELECT title FROM public.tasks WHERE title = 'nobody'": bizydb.ErrNotFound,
		} {
			for name, in := range reportings {
				err := in(t.Context(), db, func(on bizydb.DBTX) error {
					var got any
					return on.QueryRow(t.Context(), sql).Scan(&got)
				})
				if !errors.Is(err, want) {
					t.Errorf("%s: %s: %v, want %v", name, sql, err, want)
				}
				clean(t, db, name+": "+sql)
			}
		}

		// Nor does SQL in a function get out of it.
		for name, in := range reportings {
			for sql, want := range map[string]string{
				"SET LOCAL transaction_read_only = off": pgerrcode.ActiveSQLTransaction,
				"SET LOCAL ROLE bizydb_user":            "",
			} {
				err := in(t.Context(), db, func(on bizydb.DBTX) error {
					_, err := on.Exec(t.Context(), "SELECT public.run($1), public.run('DELETE FROM public.tasks')", sql)
					return err
				})
				if want == "" && !errors.Is(err, bizydb.ErrReadOnly) || want != "" && sqlState(err) != want {
					t.Errorf("%s: %s: %v, want %s", name, sql, err, want)
				}
				clean(t, db, name+": "+sql)
			}
		}

		tx := begin(t, db.Pool())
		exec(t, tx, "INSERT INTO public.notes VALUES ('before')")
		exec(t, tx, "SELECT set_config('bizydb.user_id', '77', true)")
		report := db.Reporting().WithTx(tx)
		for range 2 {
			if _, err := queryAll[string](t, report, countByUser); err != nil {
				t.Fatal(err)
			}
			exec(t, tx, "INSERT INTO public.notes VALUES ('after')")
			if got, err := queryAll[string](t, tx, "SELECT current_setting('role') || ' ' || current_setting('bizydb.user_id')"); err != nil || got[0] != "none 77" {
				t.Errorf("after a report the service is %q, %v", got, err)
			}
		}
		// Whatever the report's SQL sets is taken back.
		settings := func() string {
			got, err := queryAll[string](t, tx, "SELECT concat_ws(' ', current_setting('role'), current_setting('bizydb.user_id'), current_setting('search_path'), current_setting('transaction_read_only'))")
			if err != nil {
				t.Fatal(err)
			}
			return got[0]
		}
		before := settings()
		for _, setting := range []string{
			"''bizydb.caller_role'', ''bizydb_accounts'', true", "''role'', ''bizydb_accounts'', true", "''bizydb.user_id'', ''1'', true", "''search_path'', ''pg_temp'', true",
			"''role'', ''bizydb_accounts'', false", "''bizydb.user_id'', ''1'', false",
		} {
			sql := fmt.Sprintf("SELECT query_to_xml('SELECT set_config(%s)', true, true, '')::text", setting)
			if got, err := queryAll[string](t, report, sql); err != nil || len(got) != 1 {
				t.Errorf("%s: %q, %v", sql, got, err)
			}
			if after := settings(); after != before {
				t.Errorf("after %s the service is %q, and was %q", sql, after, before)
			}
		}
		if got, err := queryAll[int](t, report, `SELECT w."update" FROM (VALUES (7)) AS w ("update")`); err != nil || got[0] != 7 {
			t.Errorf("a column in quotes: %v, %v", got, err)
		}
		rows, err := report.Query(t.Context(), "SELECT generate_series(1, 5000)")
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		if _, err := report.Exec(t.Context(), "SELECT 1"); !errors.Is(err, bizydb.ErrBusy) {
			t.Errorf("while rows are read: %v, want ErrBusy", err)
		}
		rows.Close()
		// A savepoint of the service's takes a failure back.
		err = pgx.BeginFunc(t.Context(), tx, func(savepoint pgx.Tx) error {
			_, err := db.Reporting().WithTx(savepoint).Exec(t.Context(), "SELECT public.note()")
			return err
		})
		if !errors.Is(err, bizydb.ErrReadOnly) {
			t.Errorf("in a savepoint: %v, want ErrReadOnly", err)
		}
		exec(t, tx, "INSERT INTO public.notes VALUES ('in the end')")
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := ownerQuery[int](t, made, "SELECT count(*) FROM public.notes"); n != 4 {
			t.Errorf("%d notes, want 4", n)
		}
	}, bizydbtest.WithReporting())
}

// A login without the grant opens the database. Each call says what is missing, and with it works. From PostgreSQL 16 on, a grant can
// also be one that does not let the login take the role.
func TestReportingWithoutTheGrant(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		ask := func(on bizydb.DBTX) error { _, err := on.Exec(t.Context(), "SELECT FROM public.tasks"); return err }
		login := parseConfig(t, made.DSN).ConnConfig.User
		grant := fmt.Sprintf(`GRANT bizydb_reporter TO "%s"`, login) + memberOptions(t, made)
		before := []string{"SELECT"}
		if memberOptions(t, made) != "" {
			before = append(before, "GRANT bizydb_reporter TO "+login+" WITH SET FALSE")
		}
		for _, sql := range before {
			asOwner(t, made, sql)
			for name, in := range reportings {
				if err := in(t.Context(), db, ask); !errors.Is(err, bizydb.ErrMissingGrant) || !strings.Contains(err.Error(), grant+", or use the login for reports:") {
					t.Errorf("%s, %s: %v, want %s", sql, name, err, grant)
				}
				clean(t, db, name)
			}
		}
		asOwner(t, made, grant)
		for name, in := range reportings {
			if err := in(t.Context(), db, ask); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// memberOptions are those of a GRANT of bizydb's roles.
func memberOptions(t *testing.T, made *bizydbtest.Database) string {
	t.Helper()
	if ownerQuery[int](t, made, "SELECT current_setting('server_version_num')::integer") < 160000 {
		return ""
	}
	return " WITH INHERIT FALSE, SET TRUE"
}

// A login that has bizydb_reporter alone is for reports. One that has another of bizydb's roles needs both, and one that has none is told
// of either.
func TestLoginForReports(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	login, options := parseConfig(t, made.DSN).ConnConfig.User, memberOptions(t, made)
	user := made.NewUser(t)
	refused := func(what, mend string) {
		t.Helper()
		db, err := bizydb.Open(t.Context(), made.DSN)
		if err == nil {
			db.Close()
		}
		if !errors.Is(err, bizydb.ErrMissingGrant) || !strings.HasSuffix(err.Error(), ": "+mend) {
			t.Errorf("%s: %v, want %s", what, err, mend)
		}
	}
	asOwner(t, made, "REVOKE bizydb_user, bizydb_accounts, bizydb_reporter FROM "+login)
	refused("with no role", "GRANT bizydb_user, bizydb_accounts TO "+login+options+" -- or, for reports alone, GRANT bizydb_reporter TO "+login+options)
	asOwner(t, made, "GRANT bizydb_reporter TO "+login+options)
	for _, setting := range []string{"", "default_transaction_read_only = on", "default_transaction_isolation = 'repeatable read'"} {
		if setting != "" {
			asOwner(t, made, "ALTER ROLE "+login+" SET "+setting)
		}
		db := open(t, made.DSN, nil)
		for name, in := range reportings {
			err := in(t.Context(), db, func(on bizydb.DBTX) error {
				got, err := queryAll[string](t, on, countByUser)
				if len(got) != 1 {
					t.Errorf("%s, %s: %q", setting, name, got)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s, %s: %v", setting, name, err)
			}
		}
		for what, err := range map[string]error{"scope": second(db.As(user).GetTask(t.Context(), 1)), "accounts": second(db.Accounts().Get(t.Context(), user))} {
			want := fmt.Sprintf(`GRANT bizydb_user, bizydb_accounts TO "%s"%s, or use the service's login:`, login, options)
			if !errors.Is(err, bizydb.ErrMissingGrant) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", what, err, want)
			}
		}
		db.Close()
	}
	asOwner(t, made, "ALTER ROLE "+login+" RESET ALL; GRANT bizydb_user TO "+login+options)
	refused("with one of two roles", "GRANT bizydb_accounts TO "+login+options)
}

// What the pool's transaction loses is tried again, as in a scope, unless its answer has begun to come.
func TestReportsAreTriedAgain(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t) // which keeps the locks
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	// Locks of the session count attempts: nothing takes them back.
	asOwner(t, made, `CREATE FUNCTION public.lose(n integer) RETURNS integer LANGUAGE plpgsql AS $$
		DECLARE
		  lost integer := (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid());
		BEGIN
		  IF lost < n THEN
		    PERFORM pg_advisory_lock(lost);
		    RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure';
		  END IF;
		  RETURN lost;
		END
		$$`)
	for name, in := range reportings {
		for _, lose := range []int{3, 100} {
			tries := map[string]int{"DBTX": 10, "Snapshot": 10, "Batch": 1, "WithTx": 1}[name]
			db := open(t, made.DSN, oneConn)
			var got int
			err := in(t.Context(), db, func(on bizydb.DBTX) error {
				return on.QueryRow(t.Context(), "SELECT public.lose($1)", lose).Scan(&got)
			})
			if wins := lose < tries; wins != (err == nil) || wins && got != lose || !wins && !errors.Is(err, bizydb.ErrContention) {
				t.Errorf("%s, to lose %d times: %d, %v", name, lose, got, err)
			}
			if lost, err := queryAll[int](t, db.Pool(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"); err != nil || lost[0] != min(lose, tries) {
				t.Errorf("%s, to lose %d times: tried %v times, %v", name, lose, lost, err)
			}
			db.Close()
		}
	}
}

// A statement waits no longer than its context or the login's timeout says.
func TestReportsEndInTime(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := made.Reporting().DBTX().Exec(ctx, "SELECT pg_sleep(60)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want context.DeadlineExceeded", err)
	}
	db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["statement_timeout"] = "2s" })
	if _, err := db.Reporting().DBTX().Exec(t.Context(), "SELECT pg_sleep(60)"); !errors.Is(err, bizydb.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

// All statements of a snapshot see the same rows, and those of a batch are sent together.
func TestReportsTogether(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		count := func(on bizydb.DBTX) int {
			got, err := queryAll[int](t, on, "SELECT count(*) FROM public.users")
			if err != nil {
				t.Fatal(err)
			}
			return got[0]
		}
		made.NewUser(t)
		err := db.Reporting().Snapshot(t.Context(), func(on bizydb.DBTX) error {
			before := count(on)
			made.NewUser(t)
			if after := count(on); before != 1 || after != 1 {
				t.Errorf("%d users, then %d, want 1", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var users []int
		read := func(on bizydb.DBTX) error { users = append(users, count(on)); return nil }
		for range 2 {
			proxy.RoundTrips()
			if err := db.Reporting().Batch(t.Context(), read, read, read); err != nil {
				t.Fatal(err)
			}
		}
		if n := proxy.RoundTrips(); n != 1 || !slices.Equal(users, []int{2, 2, 2, 2, 2, 2}) {
			t.Errorf("%d round trips, %v users", n, users)
		}
	}, bizydbtest.WithReporting())
}

// The SQL in docs/reporting.md makes a login for reports, which can report and nothing else.
func TestReportingPage(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	page, err := os.ReadFile("../docs/reporting.md")
	if err != nil {
		t.Fatal(err)
	}
	made := bizydbtest.New(t)
	made.NewUser(t)
	asOwner(t, made, `CREATE SCHEMA app; CREATE TABLE app.entries (user_id bigint); SELECT bizydb.confine('app.entries');
		CREATE SCHEMA closed; CREATE TABLE closed.notes (user_id bigint); SELECT bizydb.confine('closed.notes')`)
	config := parseConfig(t, made.DSN)
	login := config.ConnConfig.User + "_reports"
	names := strings.NewReplacer("planner_reports", login, "DATABASE planner", "DATABASE "+config.ConnConfig.Database, "…", "secret").Replace
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(block[1], "-- name:") {
			asOwner(t, made, names(block[1]))
		} else if query, err := os.ReadFile("../examples/timesheet/db/reports/days.sql"); err != nil || string(query) != block[1] {
			t.Errorf("the page and days.sql differ: %v", err)
		}
	}
	asOwner(t, made, names(regexp.MustCompile("`(ALTER ROLE .*?)`").FindStringSubmatch(string(page))[1]))
	defer asOwner(t, made, "DROP OWNED BY "+login+"; DROP ROLE "+login)
	config.ConnConfig.User, config.ConnConfig.Password = login, "secret"
	db, err := bizydb.OpenConfig(t.Context(), config, bizydb.StrictOpen())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, sql := range []string{countByUser, "SELECT count(*)::text || current_setting('statement_timeout') FROM app.entries"} {
		if got, err := queryAll[string](t, db.Reporting().DBTX(), sql); err != nil || len(got) != 1 || sql != countByUser && got[0] != "030min" {
			t.Errorf("%s: %q, %v", sql, got, err)
		}
	}
	if err := second(db.Accounts().List(t.Context(), bizydb.ListUsersParams{})); !errors.Is(err, bizydb.ErrMissingGrant) {
		t.Errorf("%v, want ErrMissingGrant", err)
	}
	asOwner(t, made, "REVOKE USAGE ON SCHEMA app FROM "+login)
	if findings, err := db.CheckConfined(t.Context()); err != nil || len(findings) != 1 || findings[0].Fix != "GRANT USAGE ON SCHEMA app TO "+login {
		t.Errorf("without the schema of what reports read: %q, %v", findings, err)
	}
}
