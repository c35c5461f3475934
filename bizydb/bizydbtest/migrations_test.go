package bizydbtest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// files is a folder of migrations, by name.
func files(named map[string]string) fs.FS {
	folder := fstest.MapFS{}
	for name, content := range named {
		folder[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return folder
}

var notes = map[string]string{
	"001_app.sql":   "CREATE SCHEMA app;\nGRANT USAGE ON SCHEMA app TO bizydb_user;\n---- create above / drop below ----\nDROP SCHEMA app;",
	"002_notes.sql": "CREATE TABLE app.notes (note text);\n---- create above / drop below ----\nDROP TABLE app.notes;",
}

func asOwner(t *testing.T, db *bizydbtest.Database) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func one[T any](t *testing.T, conn *pgx.Conn, sql string) (value T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// A set of migrations runs once, as the owner of bizydb's tables, and each test has its own copy.
func TestWithMigrations(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	seeded := func(ctx context.Context, conn *pgx.Conn) error {
		runs.Add(1)
		_, err := conn.Exec(ctx, "INSERT INTO app.notes VALUES ('seeded')")
		return err
	}
	t.Run("tests", func(t *testing.T) {
		for i := range 4 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				// Each time another file system, and another function, with the same in it.
				db := bizydbtest.New(t, bizydbtest.WithMigrations(files(notes)), bizydbtest.WithMigration("seed", seeded))
				conn := asOwner(t, db)
				run(t, conn, "INSERT INTO app.notes VALUES ('one')")
				if got := one[string](t, conn, "SELECT string_agg(note, ', ') FROM app.notes"); got != "seeded, one" {
					t.Errorf("notes: %s", got)
				}
				if got := one[int](t, conn, "SELECT version FROM public.schema_version"); got != 2 {
					t.Errorf("version %d", got)
				}
				if !one[bool](t, conn, "SELECT (SELECT relowner FROM pg_class WHERE oid = 'app.notes'::regclass) = (SELECT relowner FROM pg_class WHERE oid = 'public.tasks'::regclass)") {
					t.Error("the table has another owner than bizydb's")
				}
				var usage bool
				if err := db.Pool().QueryRow(t.Context(), "SELECT has_schema_privilege(current_user, 'app', 'USAGE')").Scan(&usage); err != nil || !usage {
					t.Errorf("the login may use the schema: %v, %v", usage, err)
				}
			})
		}
	})
	if got := runs.Load(); got != 1 {
		t.Errorf("the migrations ran %d times", got)
	}

	if one[bool](t, asOwner(t, bizydbtest.New(t)), "SELECT to_regclass('app.notes') IS NOT NULL") {
		t.Error("the table is in a database without migrations")
	}
	changed := files(map[string]string{"001_app.sql": notes["001_app.sql"]})
	if one[bool](t, asOwner(t, bizydbtest.New(t, bizydbtest.WithMigrations(changed))), "SELECT to_regclass('app.notes') IS NOT NULL") {
		t.Error("the table is in a database with other migrations")
	}
}

func TestWithMigrationsInEachLocale(t *testing.T) {
	t.Parallel()
	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		run(t, asOwner(t, db), "SELECT FROM app.notes")
	}, bizydbtest.WithMigrations(files(notes)))
}

func TestWithOptions(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, bizydbtest.WithOptions(bizydb.WithBcryptCost(bizydb.MinBcryptCost)))
	if _, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse")}); err != nil {
		t.Fatal(err)
	}
	if got, want := one[string](t, asOwner(t, db), "SELECT left(hashed_password, 7) FROM public.users"), fmt.Sprintf("$2a$%d$", bizydb.MinBcryptCost); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.NewDatabase(t.Context(), bizydbtest.WithOptions(bizydb.WithBcryptCost(99))); !errors.Is(err, bizydb.ErrConfig) {
		t.Errorf("%v, want ErrConfig", err)
	}
}

// Migrations that fail are tried once, say what is wrong and where, and leave nothing.
func TestMigrationsThatFail(t *testing.T) {
	shared, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	// As on a server of a developer's, to which several processes connect.
	t.Setenv("BIZYDBTEST_TEST_SHARED", shared.DSN())
	t.Setenv("BIZYDBTEST_WAY", "dsn")
	server, err := bizydbtest.Start(t.Context(), bizydbtest.Options{DSNVars: []string{"BIZYDBTEST_TEST_SHARED"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	db, err := server.NewDatabase(t.Context(), bizydbtest.WithMigrations(files(notes)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	left := func() int { // databases of this server's, which it names alike
		conn, err := pgx.Connect(t.Context(), shared.DSN())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		prefix := parse(db.DSN).Database[:len("bizydbtest_00000000_")]
		return one[int](t, conn, "SELECT count(*) FROM pg_database WHERE starts_with(datname, '"+prefix+"')")
	}

	broken := errors.New("broken")
	for name, c := range map[string]struct {
		opts []bizydbtest.Option
		want []string
		is   error // or nil
		code string
	}{
		"an unknown type": {
			[]bizydbtest.Option{bizydbtest.WithMigrations(files(map[string]string{
				"001_app.sql":   notes["001_app.sql"],
				"002_notes.sql": "-- Ünïcödé\nCREATE TABLE app.notes (\n\tnote txet NOT NULL\n);",
			}))},
			[]string{"002_notes.sql: ", `type "txet" does not exist`, "\nLINE 3: \tnote txet NOT NULL\n        \t     ^"},
			nil, pgerrcode.UndefinedObject,
		},
		"a message with details": {
			[]bizydbtest.Option{bizydbtest.WithMigrations(files(map[string]string{
				"001_raise.sql": "DO $$ BEGIN RAISE 'no' USING DETAIL = 'why', HINT = 'what helps'; END $$",
			}))},
			[]string{"001_raise.sql: ", "\nDETAIL: why", "\nHINT: what helps", "\nCONTEXT: PL/pgSQL"},
			nil, pgerrcode.RaiseException,
		},
		"no files": {
			[]bizydbtest.Option{bizydbtest.WithMigrations(files(map[string]string{"migrations/001_app.sql": notes["001_app.sql"]}))},
			[]string{"fs.Sub"},
			nil, "",
		},
		"two sets of files": {
			[]bizydbtest.Option{bizydbtest.WithMigrations(files(notes)), bizydbtest.WithMigrations(files(notes))},
			[]string{"WithMigrations is given twice", "public.schema_version"},
			nil, "",
		},
		"a function": {
			[]bizydbtest.Option{bizydbtest.WithMigration("up", func(context.Context, *pgx.Conn) error { return broken })},
			[]string{"up: broken"},
			broken, "",
		},
		"an open transaction": {
			[]bizydbtest.Option{bizydbtest.WithMigration("begins", func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Begin(ctx)
				return err
			})},
			[]string{"begins: left a transaction open"},
			nil, "",
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			_, err := server.NewDatabase(t.Context(), c.opts...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nhas no %q", err, want)
				}
			}
			pgErr := new(pgconn.PgError)
			if c.is != nil && !errors.Is(err, c.is) || c.code != "" && !(errors.As(err, &pgErr) && pgErr.Code == c.code) {
				t.Errorf("%v does not wrap its cause", err)
			}
			if got := left(); got != 2 {
				t.Errorf("%d databases, want one and its template", got)
			}
		})
	}

	runs := 0
	fails := bizydbtest.WithMigration("once", func(context.Context, *pgx.Conn) error { runs++; return broken })
	var said []string
	for range 2 {
		_, err := server.NewDatabase(t.Context(), fails)
		said = append(said, fmt.Sprint(err))
	}
	if diff := cmp.Diff(said[0], said[1]); runs != 1 || diff != "" {
		t.Errorf("tried %d times (-first +second):\n%s", runs, diff)
	}
	canceled, cancel := context.WithCancel(t.Context())
	stops := bizydbtest.WithMigration("canceled", func(ctx context.Context, conn *pgx.Conn) error { cancel(); return ctx.Err() })
	if _, err := server.NewDatabase(canceled, stops); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	again, err := server.NewDatabase(t.Context(), stops)
	if err != nil {
		t.Fatalf("after a canceled one: %v", err)
	}

	for _, db := range []*bizydbtest.Database{db, again} {
		if err := db.Drop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if got := left(); got != 0 {
		t.Errorf("%d databases are left", got)
	}
}

// A migration that keeps a connection would keep the template from being copied.
func TestMigrationThatLeavesAConnection(t *testing.T) {
	t.Parallel()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.NewDatabase(t.Context(), bizydbtest.WithMigration("leaves", func(ctx context.Context, conn *pgx.Conn) error {
		other, err := pgx.ConnectConfig(ctx, conn.Config())
		if err == nil {
			t.Cleanup(func() { other.Close(context.Background()) })
		}
		return err
	}))
	if err == nil || !strings.Contains(err.Error(), "left a connection open") {
		t.Errorf("%v", err)
	}
}
