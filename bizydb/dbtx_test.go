package bizydb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Five queries of a service's own and five of bizydb's are one round trip in a batch, and n statements in a transaction are n + 2.
func TestOwnStatementsTogether(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		var reads []func(bizydb.Reader) error
		for range 5 {
			reads = append(reads,
				func(q bizydb.Reader) error {
					_, err := ownCalls["own SELECT"].send(t.Context(), q.DBTX(), at)
					return err
				},
				func(q bizydb.Reader) error { _, err := q.GetTask(t.Context(), at.task); return err })
		}
		statements := []string{"own SELECT", "own UPDATE", "own INSERT", "own batch"}
		for name, c := range map[string]struct {
			trips int
			do    func() error
		}{
			"Batch": {1, func() error { return alice.Batch(t.Context(), reads...) }},
			"InTx": {len(statements) + 2, func() error {
				return alice.InTx(t.Context(), func(tx *bizydb.Tx) error {
					for _, name := range statements {
						if _, err := ownCalls[name].send(t.Context(), tx.DBTX(), at); err != nil {
							return err
						}
					}
					return nil
				})
			}},
		} {
			trips := 0
			for range 2 {
				proxy.RoundTrips()
				if err := c.do(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				trips = proxy.RoundTrips()
			}
			if trips != c.trips {
				t.Errorf("%s: %d round trips, want %d", name, trips, c.trips)
			}
		}
	})
}

// A door gives what runs own statements in one of the ways that there are.
var doors = map[string]func(t *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)){
	"scope": func(_ *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)) { use(db.As(user).DBTX()) },
	"InTx": func(t *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)) {
		_ = db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error { use(tx.DBTX()); return nil })
	},
	"Snapshot": func(t *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)) {
		_ = db.As(user).Snapshot(t.Context(), func(tx *bizydb.Tx) error { use(tx.DBTX()); return nil })
	},
	"WithTx": func(t *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)) {
		tx := begin(t, db.Pool())
		defer func() { _ = tx.Rollback(context.Background()) }()
		use(db.As(user).WithTx(tx).DBTX())
	},
	"Batch": func(t *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)) {
		_ = db.As(user).Batch(t.Context(), func(q bizydb.Reader) error { use(q.DBTX()); return nil })
	},
	"Writes": func(_ *testing.T, db *bizydb.DB, user bizydb.UserID, use func(bizydb.DBTX)) {
		use(db.As(user).DBTX(bizydb.Writes))
	},
}

// What changes a role, a setting or a transaction is not sent, whichever way and by whichever method, and the way goes on.
func TestStatementsThatAreRefused(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	for name, open := range doors {
		t.Run(name, func(t *testing.T) {
			open(t, db.DB, user, func(own bizydb.DBTX) {
				for _, statement := range []string{
					"SET ROLE bizydb_accounts", "set local bizydb.user_id = '7'", "RESET ROLE", "RESET ALL", "DISCARD ALL", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s",
					"DO $$BEGIN END$$", "CALL p()", "COPY t FROM STDIN", "LOCK TABLE public.tasks", "CREATE TABLE t ()", "EXPLAIN SELECT 1", "PREPARE p AS SELECT 1", "LISTEN c",
					"", "  ", "-- nothing", ";", "(SET ROLE x)", "/* SELECT */ SET ROLE x",
					"SELECT set_config('role', 'bizydb_accounts', true)", `SELECT "pg_catalog" . "set_config"('bizydb.user_id', '7', true)`, "WITH x AS (SELECT SET_CONFIG('a.b', 'c', true)) TABLE x",
					"SELECT * INTO TEMP t FROM public.tasks", "WITH x AS (TABLE public.tasks) SELECT 1 INTO t", "SELECT pg_advisory_lock(7)", "SELECT pg_catalog.pg_try_advisory_lock_shared(7)",
					"UPDATE pg_settings SET setting = '7' WHERE name = 'bizydb.user_id'",
				} {
					batch := &pgx.Batch{}
					batch.Queue("SELECT 1")
					batch.Queue(statement)
					_, exec := own.Exec(t.Context(), statement)
					_, query := own.Query(t.Context(), statement)
					for method, err := range map[string]error{
						"Exec": exec, "Query": query, "QueryRow": own.QueryRow(t.Context(), statement).Scan(), "SendBatch": own.SendBatch(t.Context(), batch).Close(),
					} {
						if !errors.Is(err, bizydb.ErrStatement) {
							t.Errorf("%s of %q: %v, want ErrStatement", method, statement, err)
						}
					}
				}
				for _, option := range []any{rewriter{pgx.NamedArgs{}}, rewriter{pgx.QueryExecModeSimpleProtocol}, pgx.QueryExecModeSimpleProtocol, pgx.QueryResultFormats{1}, pgx.QueryResultFormatsByOID{20: 1}} {
					if _, err := own.Exec(t.Context(), "SELECT 1", option); !errors.Is(err, bizydb.ErrStatement) {
						t.Errorf("%T: %v, want ErrStatement", option, err)
					}
				}
				if _, err := own.CopyFrom(t.Context(), pgx.Identifier{"public", "tasks"}, []string{"title"}, pgx.CopyFromRows(nil)); !errors.Is(err, bizydb.ErrStatement) || !strings.Contains(err.Error(), "row security") {
					t.Errorf("COPY: %v, want ErrStatement", err)
				}
				for _, statement := range []string{
					"SELECT 'set_config', $$ SET ROLE $$ -- set_config\n", "SELECT setting FROM pg_settings WHERE name = 'role'", `SELECT 1 AS "set role"`, "\n((SELECT 1))", "TABLE public.tasks", "VALUES (1)",
					"SELECT current_setting('bizydb.user_id')",
				} {
					if _, err := own.Exec(t.Context(), statement); err != nil {
						t.Errorf("%q: %v", statement, err)
					}
				}
				var id string
				if err := own.QueryRow(t.Context(), "SELECT current_setting('bizydb.user_id')").Scan(&id); err != nil || id != fmt.Sprint(user) {
					t.Errorf("user %s, %v, want %d", id, err, user)
				}
			})
		})
	}
}

// A rewriter returns arguments of its own.
type rewriter []any

func (r rewriter) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return "SELECT 1", r, nil
}

// The connection is out of reach, whoever scans.
func TestOwnRowsHaveNoConnection(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	for name, open := range doors {
		open(t, db.DB, user, func(own bizydb.DBTX) {
			scanned := 0
			scanner := scannerFunc(func(rows pgx.Rows) error {
				scanned++
				if rows.Conn() != nil {
					t.Errorf("%s: the connection is there", name)
				}
				var n int
				return rows.Scan(&n)
			})
			if err := own.QueryRow(t.Context(), "SELECT 1").Scan(scanner); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			rows, err := own.Query(t.Context(), "SELECT 1")
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				err = errors.Join(err, rows.Scan(scanner))
			}
			if err := errors.Join(err, rows.Err()); err != nil || rows.Conn() != nil {
				t.Errorf("%s: %v", name, err)
			}
			batch := &pgx.Batch{}
			batch.Queue("SELECT 1").QueryRow(func(row pgx.Row) error { return row.Scan(scanner) })
			if err := own.SendBatch(t.Context(), batch).Close(); err != nil && !errors.Is(err, bizydb.ErrStatement) {
				t.Errorf("%s: %v", name, err)
			}
			if scanned < 2 {
				t.Errorf("%s: %d rows", name, scanned)
			}
			if err := own.QueryRow(t.Context(), "SELECT 1 WHERE false").Scan(scanner); !errors.Is(err, bizydb.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		})
	}
}

type scannerFunc func(pgx.Rows) error

func (f scannerFunc) ScanRow(rows pgx.Rows) error { return f(rows) }

// A statement that changes something and whose rows are not read to the end has changed it all the same.
func TestOwnWriteLeftEarly(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, oneConn)
	user := made.NewUser(t)
	const n = 5000
	rows, err := db.As(user).DBTX().Query(t.Context(), "INSERT INTO public.tasks (title) SELECT 'one of many' FROM generate_series(1, $1::int) RETURNING id", n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.CollectOneRow(rows, pgx.RowTo[planner.TaskID]); err != nil {
		t.Error(err)
	}
	if got := ownerQuery[int](t, made, "SELECT count(*) FROM public.tasks WHERE user_id = $1", user); got != n {
		t.Errorf("%d tasks, want %d", got, n)
	}
}

// What a mistake in a statement gives is the server's error, and the connection stays.
func TestOwnMistake(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, oneConn)
	alice := db.As(made.NewUser(t))
	backend := func() (pid int) {
		if err := alice.DBTX().QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := backend()
	for _, statement := range []string{"SELECT DISTINCT id FROM public.tasks FOR UPDATE", "SELECT nothing", "SELECT FROM"} {
		_, err := alice.DBTX().Exec(t.Context(), statement)
		if len(kindsOf(err)) > 0 || sqlState(err) == "" {
			t.Errorf("%s: %v, want the server's error", statement, err)
		}
	}
	if after := backend(); after != before {
		t.Error("the connection was closed")
	}
}

// An argument that nothing can encode is an invalid value, in every exec mode, and no outage.
func TestArgumentThatNothingEncodes(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		ask := func(q bizydb.DBTX) error {
			_, err := q.Exec(t.Context(), "SELECT $1::int", make(chan int))
			return err
		}
		for where, err := range map[string]error{
			"scope": ask(alice.DBTX()),
			"InTx":  alice.InTx(t.Context(), func(tx *bizydb.Tx) error { return ask(tx.DBTX()) }),
			"Batch": alice.Batch(t.Context(), func(q bizydb.Reader) error { return ask(q.DBTX()) }),
		} {
			if !errors.Is(err, bizydb.ErrInvalid) || errors.Is(err, bizydb.ErrUnavailable) {
				t.Errorf("%s: %v, want ErrInvalid", where, err)
			}
		}
	})
}

// What a function does is not in the text of a statement that calls it: it cannot write, unless it is said to.
func TestFunctionsThatWrite(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, `
		CREATE FUNCTION public.touch(task bigint) RETURNS bigint LANGUAGE sql AS 'UPDATE public.tasks SET title = title || ''!'' WHERE id = task RETURNING id';
		CREATE SEQUENCE public.numbers; GRANT USAGE ON SEQUENCE public.numbers TO bizydb_user`)
	sent := &lockTracer{}
	db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.Tracer = sent; oneConn(c) })
	user := made.NewUser(t)
	at := plantAll(t, db.As(user))
	const call = "SELECT public.touch($1)"
	for name, want := range map[string]error{
		"scope": bizydb.ErrReadOnly, "Snapshot": bizydb.ErrReadOnly, "Batch": bizydb.ErrReadOnly, "Writes": nil, "InTx": nil, "WithTx": nil,
	} {
		doors[name](t, db, user, func(own bizydb.DBTX) {
			sent.locks = 0
			var id planner.TaskID
			if err := own.QueryRow(t.Context(), call, at.task).Scan(&id); !errors.Is(err, want) || err == nil && id != at.task {
				t.Errorf("%s: task %d, %v, want %v", name, id, err, want)
			} else if name == "scope" && !strings.Contains(err.Error(), "Writes") {
				t.Errorf("%v does not name Writes", err)
			}
			if name == "Writes" && sent.locks != 1 {
				t.Errorf("%s: %d locks", name, sent.locks)
			}
		})
	}
	var n int64
	if err := db.As(user).DBTX().QueryRow(t.Context(), "SELECT nextval('public.numbers')").Scan(&n); err != nil || n != 1 {
		t.Errorf("nextval: %d, %v", n, err)
	}
}

// The functions of schema/ that write, as the server says, are known to write.
func TestWritersAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	got := ownerQuery[[]string](t, db, `
		SELECT array_agg(DISTINCT p.proname::text) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = 'bizydb' AND p.provolatile = 'v' AND p.prorettype <> 'trigger'::regtype AND has_function_privilege('bizydb_user', p.oid, 'EXECUTE')`)
	known := bizydb.Writers()
	if testdb.Distributed() {
		writers, refused := bizydb.WritersOnCitus()
		known = slices.Concat(writers, refused)
	}
	for _, name := range got {
		switch name {
		case "require_user", "no_such_user", "not_fresh", "lock_user", "lock_user_there", "goal_now", "task_now": // they change nothing
		default:
			if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+name+" ") {
				t.Errorf("bizydb_user may call bizydb.%s, which is volatile: add it to writers, or to this list if it changes nothing", name)
			}
		}
	}
}

// harmless are the volatile functions of the server that bizydb's roles may call and that need not be among the writers.
var harmless = regexp.MustCompile("^(" + strings.Join([]string{
	"(query|cursor)_to_xml.*|ts_stat|ts_rewrite", // run SQL, whose text can hide anything
	"set_config|pg_(try_)?advisory_.*",           // refused by themselves, or end with the transaction
	"setseed|lastval|currval|pg_stat_(clear_snapshot|force_next_flush)|lo_(open|close|lseek|lseek64)|pg_export_snapshot", // end with the session
	"binary_upgrade_.*|pg_(copy|create|drop|sync|logical|replication)_.*slot.*|pg_logical_slot_.*|pg_replication_slot_.*|pg_(cancel|terminate)_backend|pg_log_.*|" +
		"brin_.*|gin_clean_pending_list|pg_import_system_collations|pg_nextoid|pg_(read_file|rotate_logfile)_old|pg_extension_config_dump|pg_stop_making_pinned_objects|" +
		"pg_(clear|restore)_.*_stats", // ask for more rights
	// Read only.
	"amvalidate|array_(sample|shuffle)|.*_timestamp|current_query|currtid2|gen_random_uuid|uuidv[47]|random.*|timeofday|txid_status|lo_(get|tell|tell64)|loread|plpgsql_.*",
	"pg_stat_.*|pg_.*_size|pg_(control|current|last|is|get|xact|sleep)_.*|pg_.*(actual_version|blocking_pids|is_blocked)|pg_sleep|pg_partition_.*",
	"pg_jit_available|pg_lock_status|pg_notification_queue_usage|pg_prepared_xact|pg_sequence_.*|pg_.*wal_summar.*",
}, "|") + ")$")

// The functions of the server that leave something are known to write.
func TestWritersAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	got := ownerQuery[[]string](t, testdb.Common(t), `
		SELECT array_agg(DISTINCT proname::text) FROM pg_proc
		WHERE pronamespace = 'pg_catalog'::regnamespace AND oid < 16384 AND provolatile = 'v' AND prorettype <> 'trigger'::regtype AND 'internal'::regtype <> ALL (proargtypes)
		  AND (has_function_privilege('bizydb_user', oid, 'EXECUTE') OR has_function_privilege('bizydb_reporter', oid, 'EXECUTE'))`)
	for _, name := range got {
		if slices.Contains(bizydb.Writers(), name) == harmless.MatchString(name) {
			t.Errorf("%s is volatile: add it to writers if it leaves something, or else to harmless", name)
		}
	}
}

// Times are in UTC whatever they are scanned into, on a machine in another zone.
func TestOwnTimesAreInUTC(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	user := made.NewUser(t)
	const query = "SELECT t, t FROM (VALUES ('2025-07-01 12:00:00+00'::timestamptz)) AS v (t)"
	for _, mode := range execModes(t) {
		db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
		for name, open := range doors {
			t.Run(mode.String()+"/"+name, func(t *testing.T) {
				open(t, db, user, func(own bizydb.DBTX) {
					check := func(into string, at ...time.Time) {
						for _, at := range at {
							if at.Location() != time.UTC || !at.Equal(time.Date(2025, 7, 1, 12, 0, 0, 0, time.UTC)) {
								t.Errorf("%s: %v", into, at)
							}
						}
					}
					one := func(columns string, dest ...any) {
						t.Helper()
						if err := own.QueryRow(t.Context(), strings.Replace(query, "t, t", columns, 1)).Scan(dest...); err != nil {
							t.Errorf("%s: %v", columns, err)
						}
					}
					var at, scanned time.Time
					var pointer *time.Time
					var null sql.NullTime
					var tstz pgtype.Timestamptz
					var list []time.Time
					var pointers []*time.Time
					var array pgtype.Array[time.Time]
					var period pgtype.Range[time.Time]
					var periods pgtype.Multirange[pgtype.Range[pgtype.Timestamptz]]
					var own1 ownTime
					var whatever any
					one("t, t, t, t", &at, &pointer, &null, &tstz)
					one("ARRAY[t], ARRAY[t], ARRAY[t], tstzrange(t, t, '[]'), tstzmultirange(tstzrange(t, t, '[]'))", &list, &pointers, &array, &period, &periods)
					one("t, t, t", &own1, &whatever, &scanned)
					check("time.Time", at, scanned, *pointer, null.Time, tstz.Time, list[0], *pointers[0], array.Elements[0], period.Lower, period.Upper)
					check("multirange", periods[0].Lower.Time)
					check("own Scanner", time.Time(own1))
					check("any", whatever.(time.Time))

					rows, _ := own.Query(t.Context(), query)
					structs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
						A time.Time
						B *time.Time
					}])
					if err != nil {
						t.Fatal(err)
					}
					check("struct", structs[0].A, *structs[0].B)
					rows, _ = own.Query(t.Context(), query)
					maps, err := pgx.CollectRows(rows, pgx.RowToMap)
					if err != nil {
						t.Fatal(err)
					}
					check("map", maps[0]["t"].(time.Time))
					rows, _ = own.Query(t.Context(), "SELECT ARRAY[t], tstzrange(t, t, '[]') FROM (VALUES ('2025-07-01 12:00:00+00'::timestamptz)) AS v (t)")
					if !rows.Next() {
						t.Fatal(rows.Err())
					}
					values, err := rows.Values()
					rows.Close()
					if err != nil {
						t.Fatal(err)
					}
					check("Values", values[0].([]any)[0].(time.Time), values[1].(pgtype.Range[any]).Lower.(time.Time))
				})
			})
		}
	}
}

// An ownTime is a service's own type.
type ownTime time.Time

func (o *ownTime) Scan(src any) error {
	at, ok := src.(time.Time)
	*o = ownTime(at)
	if !ok {
		return fmt.Errorf("%T", src)
	}
	return nil
}

// On a connection of another pool, whose types are the service's, the types are in UTC that the documentation of DBTX names.
func TestOwnTimesOnAnotherPool(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	conn, err := pgx.Connect(t.Context(), db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	var at time.Time
	var pointer *time.Time
	var null sql.NullTime
	var tstz pgtype.Timestamptz
	var list []time.Time
	if err := db.As(user).WithTx(tx).DBTX().QueryRow(t.Context(), "SELECT now(), now(), now(), now(), ARRAY[now()]").Scan(&at, &pointer, &null, &tstz, &list); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{at, *pointer, null.Time, tstz.Time, list[0]} {
		if at.Location() != time.UTC {
			t.Errorf("%v", at)
		}
	}
	if err := tx.QueryRow(t.Context(), "SELECT now()").Scan(&at); err != nil || at.Location() == time.UTC {
		t.Errorf("the service's own query: %v, %v", at, err)
	}
}

// Statements that a program makes up do not fill the server's memory, and each works, again too.
func TestManyOwnStatements(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, "GRANT pg_read_all_stats TO "+parseConfig(t, made.DSN).ConnConfig.User)
	db := open(t, made.DSN, oneConn)
	alice := db.As(made.NewUser(t))
	at := plantAll(t, alice)
	memory := func() (bytes int64) {
		tx := begin(t, db.Pool())
		exec(t, tx, "SET LOCAL ROLE pg_read_all_stats")
		if err := tx.QueryRow(t.Context(), "SELECT sum(total_bytes)::int8 FROM pg_backend_memory_contexts").Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		_ = tx.Rollback(t.Context())
		return bytes
	}
	ask := func(i int) {
		t.Helper()
		var id planner.TaskID
		err := alice.DBTX().QueryRow(t.Context(), fmt.Sprintf("SELECT t.id FROM public.tasks t LEFT JOIN public.goals g ON g.id = t.parent_goal_id WHERE t.id = $1 AND t.priority < %d", i+100), at.task).Scan(&id)
		if err != nil || id != at.task {
			t.Fatalf("statement %d: %d, %v", i, id, err)
		}
	}
	ask(0)
	before := memory()
	n := atLength(10_000)
	for i := range n {
		ask(i)
	}
	after := memory()
	t.Logf("%d statements: %d KB more", n, (after-before)/1024)
	bounded := !mayBePooled() // a pooler keeps statements by rules of its own
	if bounded && after-before > 50<<20 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	for i := range 3 {
		ask(i)
	}
	long := strings.Repeat(" ", 100_000) // too long to stay prepared
	before = memory()
	for i := range 200 {
		if _, err := alice.DBTX().Exec(t.Context(), fmt.Sprintf("SELECT %d%s", i, long)); err != nil {
			t.Fatal(err)
		}
	}
	if more := memory() - before; bounded && more > 10<<20 {
		t.Errorf("200 long statements: %d bytes more", more)
	}
	batch := &pgx.Batch{} // more of them than stay prepared
	for i := range 600 {
		batch.Queue(fmt.Sprintf("SELECT %d", i))
	}
	for range 2 {
		if err := alice.DBTX().SendBatch(t.Context(), batch).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := alice.GetTask(t.Context(), at.task); err != nil {
		t.Error(err)
	}
}

// Statements are prepared by the login, which needs the schemas of what they name. In the other exec modes the role does.
func TestOwnSchemaWithoutUsage(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, "CREATE SCHEMA app; CREATE TABLE app.days (day date); GRANT USAGE ON SCHEMA app TO bizydb_user; GRANT SELECT ON app.days TO bizydb_user")
	user := made.NewUser(t)
	for _, mode := range execModes(t) {
		db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
		_, err := db.As(user).DBTX().Exec(t.Context(), "SELECT day FROM app.days")
		if mode == pgx.QueryExecModeExec && err != nil || mode == pgx.QueryExecModeCacheStatement && (!errors.Is(err, bizydb.ErrMissingGrant) || !strings.Contains(err.Error(), "and those of the statement")) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	asOwner(t, made, "GRANT USAGE ON SCHEMA app TO "+parseConfig(t, made.DSN).ConnConfig.User)
	if _, err := made.As(user).DBTX().Exec(t.Context(), "SELECT day FROM app.days"); err != nil {
		t.Error(err)
	}
}

// Several statements at once are one transaction, of which the first error is told, by its statement.
func TestOwnBatch(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for _, mode := range execModes(t) {
		t.Run(mode.String(), func(t *testing.T) {
			db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode; oneConn(c) })
			user := made.NewUser(t)
			alice := db.As(user)
			at := plantAll(t, alice)
			const retitle, broken = "-- name: Retitle :exec\nUPDATE public.tasks SET title = $1 WHERE id = $2", "-- name: Break :exec\nUPDATE public.tasks SET priority = 9 WHERE id = $1"
			before := dump(t, made, user)
			failed := errors.New("failed")

			bad := &pgx.Batch{}
			bad.Queue(retitle, "new", at.task)
			bad.Queue(broken, at.task)
			bad.Queue(retitle, "newer", at.task)
			results := alice.DBTX().SendBatch(t.Context(), bad)
			if tag, err := results.Exec(); err != nil || tag.RowsAffected() != 1 {
				t.Errorf("%v, %v", tag, err)
			}
			for _, err := range []error{second(results.Exec()), second(results.Exec()), results.QueryRow().Scan(), results.Close(), results.Close()} {
				if !errors.Is(err, bizydb.ErrInvalid) || !strings.Contains(err.Error(), "Break") {
					t.Errorf("%v, want ErrInvalid of Break", err)
				}
			}
			if diff := cmp.Diff(before, dump(t, made, user)); diff != "" {
				t.Errorf("a batch that failed has written:\n%s", diff)
			}

			results = alice.DBTX().SendBatch(t.Context(), &pgx.Batch{})
			if _, err := results.Exec(); err == nil || results.Close() != nil {
				t.Errorf("empty: %v", err)
			}

			good := &pgx.Batch{}
			var titles []string
			good.Queue(retitle, "new", at.task)
			good.Queue("SELECT title FROM public.tasks WHERE id = $1", at.task).QueryRow(func(row pgx.Row) error {
				titles = append(titles, "")
				return row.Scan(&titles[0])
			})
			good.Queue("SELECT title FROM public.tasks WHERE id = 0").QueryRow(func(row pgx.Row) error {
				if err := row.Scan(&titles[0]); !errors.Is(err, bizydb.ErrNotFound) {
					t.Errorf("%v, want ErrNotFound", err)
				}
				return nil
			})
			results = alice.DBTX().SendBatch(t.Context(), good)
			if err := results.Close(); err != nil || len(titles) != 1 || titles[0] != "new" {
				t.Errorf("%v, %v", titles, err)
			}
			if _, err := results.Exec(); err == nil {
				t.Error("a result after the end")
			}

			stops := &pgx.Batch{}
			stops.Queue("SELECT 1").Exec(func(tag pgconn.CommandTag) error { return failed })
			stops.Queue("SELECT 1").Exec(func(tag pgconn.CommandTag) error { t.Error("called after an error"); return nil })
			if err := alice.DBTX().SendBatch(t.Context(), stops).Close(); !errors.Is(err, failed) {
				t.Errorf("%v, want the function's", err)
			}

			late := &pgx.Batch{} // by the time that a function runs, the batch is committed
			late.Queue(retitle, "late", at.task).Exec(func(pgconn.CommandTag) error { return failed })
			if err := alice.DBTX().SendBatch(t.Context(), late).Close(); !errors.Is(err, failed) {
				t.Errorf("%v, want the function's", err)
			}
			if task, err := alice.GetTask(t.Context(), at.task); err != nil || task.Title != "late" {
				t.Errorf("%s, %v", task.Title, err)
			}

			panics := &pgx.Batch{}
			panics.Queue("SELECT 1").Exec(func(pgconn.CommandTag) error { panic(failed) })
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				_ = alice.DBTX().SendBatch(t.Context(), panics).Close()
			}()

			misread := &pgx.Batch{}
			misread.Queue("-- name: First :one\nSELECT 'a'")
			misread.Queue("-- name: Second :exec\nSELECT 1")
			results = alice.DBTX().SendBatch(t.Context(), misread)
			rows, _ := results.Query()
			var n int
			rows.Next()
			if err := rows.Scan(&n); err == nil || !strings.Contains(err.Error(), "First") {
				t.Errorf("%v, want an error of First", err)
			}
			for _, err := range []error{second(results.Exec()), results.Close()} {
				if err == nil || !strings.Contains(err.Error(), "First") {
					t.Errorf("%v, want an error of First", err)
				}
			}
			if _, err := alice.GetTask(t.Context(), at.task); err != nil { // on the only connection
				t.Error(err)
			}
		})
	}
}
