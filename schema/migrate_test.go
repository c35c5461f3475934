package schema_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"github.com/bizy-ai/bizydb/schema"
)

// upTo is the migrations up to and including number n, as an older version has them.
func upTo(t testing.TB, n int) fs.FS {
	t.Helper()
	names, err := migrate.FindMigrations(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names[:n] {
		content, err := schema.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: content}
	}
	return files
}

func latest(t testing.TB) int {
	t.Helper()
	names, err := migrate.FindMigrations(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// version is what the schema says of itself, 0 where there is none.
func version(t testing.TB, on querier) int {
	t.Helper()
	if !one[bool](t, on, `SELECT to_regprocedure('bizydb.schema_version()') IS NOT NULL`) {
		return 0
	}
	return one[int](t, on, `SELECT bizydb.schema_version()`)
}

func newMigrator(t testing.TB, conn *pgx.Conn, table string) *migrate.Migrator {
	t.Helper()
	m, err := migrate.NewMigrator(t.Context(), conn, table)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadMigrations(schema.Files); err != nil {
		t.Fatal(err)
	}
	return m
}

func migrateTo(t testing.TB, m *migrate.Migrator, n int) {
	t.Helper()
	if err := m.MigrateTo(t.Context(), int32(n)); err != nil {
		t.Fatal(err)
	}
}

func migrated(t testing.TB, config *pgx.ConnConfig) {
	t.Helper()
	if err := schema.Migrate(t.Context(), connect(t, config)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryStepIsUndone(t *testing.T) {
	t.Parallel()
	config := newDatabase(t, cluster(t), "")
	conn := connect(t, config)
	m := newMigrator(t, conn, schema.VersionTable) // which makes the version table, the one thing that stays
	catalogs := [][]string{dump(t, config)}

	at := func(n int) {
		t.Helper()
		migrateTo(t, m, n)
		if got := version(t, conn); got != n {
			t.Errorf("migrated to %d, bizydb.schema_version() = %d", n, got)
		}
		if n == len(catalogs) {
			catalogs = append(catalogs, dump(t, config))
		} else if diff := cmp.Diff(catalogs[n], dump(t, config)); diff != "" {
			t.Errorf("catalog at %d is not what it was there before (-before +now):\n%s", n, diff)
		}
	}
	for n := 1; n <= latest(t); n++ {
		at(n)
		if cmp.Equal(catalogs[n-1], catalogs[n]) {
			t.Errorf("step %d changes nothing that the dump shows", n)
		}
	}
	for n := latest(t) - 1; n >= 0; n-- {
		at(n)
	}
	for n := 1; n <= latest(t); n++ {
		at(n)
	}
}

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	config := newDatabase(t, cluster(t), "")
	migrated(t, config)
	conn := connect(t, config)
	before := dump(t, config)
	stamp := one[string](t, conn, "SELECT xmin::text FROM "+schema.VersionTable)

	migrated(t, config)

	if diff := cmp.Diff(before, dump(t, config)); diff != "" {
		t.Errorf("the second run changed the catalog (-before +after):\n%s", diff)
	}
	if one[string](t, conn, "SELECT xmin::text FROM "+schema.VersionTable) != stamp {
		t.Error("the second run wrote to the version table")
	}
}

// The tern command and Migrate can take turns.
func TestMigrateGoesOnWhereTernStopped(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	whole := newDatabase(t, admin, "")
	migrated(t, whole)
	want := dump(t, whole)
	for n := range latest(t) {
		config := newDatabase(t, admin, "")
		migrateTo(t, newMigrator(t, connect(t, config), schema.VersionTable), n)
		migrated(t, config)
		if diff := cmp.Diff(want, dump(t, config)); diff != "" {
			t.Errorf("from step %d on (-whole +resumed):\n%s", n, diff)
		}
	}
}

func TestMigrateRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	const claim = `CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT %d'`
	for name, c := range map[string]struct {
		prepare func(t *testing.T, conn *pgx.Conn)
		want    error
	}{
		"the schema is newer": {func(t *testing.T, conn *pgx.Conn) {
			migrateTo(t, newMigrator(t, conn, schema.VersionTable), latest(t))
			exec(t, conn, fmt.Sprintf(claim, 99))
		}, schema.ErrNewer},
		"the schema became newer meanwhile": {func(t *testing.T, conn *pgx.Conn) {
			migrateTo(t, newMigrator(t, conn, schema.VersionTable), 1)
			exec(t, conn, "UPDATE "+schema.VersionTable+" SET version = 99")
		}, schema.ErrNewer},
		"tern's own version table": {func(t *testing.T, conn *pgx.Conn) {
			migrateTo(t, newMigrator(t, conn, "public.schema_version"), latest(t)-1)
		}, schema.ErrForeignHistory},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newDatabase(t, admin, "")
			conn := connect(t, config)
			c.prepare(t, conn)
			before := version(t, conn)
			if err := schema.Migrate(t.Context(), conn); !errors.Is(err, c.want) {
				t.Errorf("Migrate: %v, want %v", err, c.want)
			}
			if got := version(t, conn); got != before {
				t.Errorf("went from %d to %d", before, got)
			}
		})
	}

	t.Run("the schema is gone", func(t *testing.T) {
		t.Parallel()
		config := newDatabase(t, admin, "")
		migrated(t, config)
		conn := connect(t, config)
		exec(t, conn, "DROP SCHEMA bizydb CASCADE; DROP TABLE public.users, public.goals, public.tasks")
		if err := schema.Migrate(t.Context(), conn); err == nil {
			t.Error("Migrate found nothing wrong with a database that has lost its schema")
		}
	})
}

// A database from before v0.1.0 is refused, whether it has fewer steps than there are now, as many, or more.
func TestMigrateRefusesAnUnreleasedSchema(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	for _, n := range []int{1, latest(t), 14} {
		config := newDatabase(t, admin, "")
		conn := connect(t, config)
		// What each of its steps had, as far as it is looked at.
		exec(t, conn, fmt.Sprintf(`
			CREATE SCHEMA bizydb;
			CREATE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT %[1]d';
			CREATE TABLE %[2]s (version int4 NOT NULL);
			INSERT INTO %[2]s VALUES (%[1]d)`, n, schema.VersionTable))
		before := dump(t, config)
		if err := schema.Migrate(t.Context(), conn); !errors.Is(err, schema.ErrUnreleased) {
			t.Errorf("at %d: %v, want ErrUnreleased", n, err)
		}
		if diff := cmp.Diff(before, dump(t, config)); diff != "" {
			t.Errorf("at %d: something was changed (-before +after):\n%s", n, diff)
		}
	}
}

// What is in the way at the start or in the middle of a step takes the whole step back and none before it.
func TestMigrateFailsAsAWhole(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference := newDatabase(t, admin, "")
	m := newMigrator(t, connect(t, reference), schema.VersionTable)
	at := map[int][]string{}
	for n := 1; n <= latest(t); n++ {
		migrateTo(t, m, n)
		at[n] = dump(t, reference)
	}

	for name, c := range map[string]struct {
		from, step           int // where the database is at first, and the step that something is in the way of
		obstacle, definition string
		code                 string // the server's
	}{
		"at the start of 004":  {0, 4, "TABLE public.tasks", "()", "42P07"},
		"in the middle of 004": {0, 4, "TABLE public.ix_tasks_goal_status", "()", "42P07"},
		"at the start of 005":  {4, 5, "TYPE bizydb.work", "AS ()", "42710"},
		"in the middle of 005": {4, 5, "FUNCTION bizydb.roll_up(bigint)", "RETURNS integer LANGUAGE sql AS 'SELECT 1'", "42723"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newDatabase(t, admin, "")
			conn := connect(t, config)
			if c.from > 0 {
				migrateTo(t, newMigrator(t, conn, schema.VersionTable), c.from)
			}
			exec(t, conn, "CREATE "+c.obstacle+" "+c.definition)
			if err := schema.Migrate(t.Context(), conn); err == nil || pgError(t, err).Code != c.code {
				t.Fatalf("Migrate: %v, want the server's %s", err, c.code)
			}
			exec(t, conn, "DROP "+c.obstacle) // on the same connection: no transaction is left behind
			if diff := cmp.Diff(at[c.step-1], dump(t, config)); diff != "" {
				t.Errorf("half of the step is there (-want +got):\n%s", diff)
			}
			migrated(t, config)
			if diff := cmp.Diff(at[latest(t)], dump(t, config)); diff != "" {
				t.Errorf("after the second run (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMigrateCanceled(t *testing.T) {
	t.Parallel()
	admin := cluster(t)

	t.Run("before", func(t *testing.T) {
		t.Parallel()
		config := newDatabase(t, admin, "")
		before := dump(t, config)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := schema.Migrate(ctx, connect(t, config)); !errors.Is(err, context.Canceled) {
			t.Errorf("Migrate: %v, want context.Canceled", err)
		}
		if diff := cmp.Diff(before, dump(t, config)); diff != "" {
			t.Errorf("something was written (-before +after):\n%s", diff)
		}
	})

	t.Run("in the middle of a step", func(t *testing.T) {
		t.Parallel()
		config := newDatabase(t, admin, "")
		// Somebody else is just making a relation of that name, so the step waits for the outcome.
		other, err := connect(t, config).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exec(t, other, "CREATE TABLE public.ix_tasks_goal_status ()")

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		conn := connect(t, config)
		result, waiting := make(chan error, 1), pid(t, conn)
		go func() { result <- schema.Migrate(ctx, conn) }()
		waitUntilBlocked(t, connect(t, config), waiting, result)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Migrate: %v, want context.Canceled", err)
		}
		if err := other.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		again := connect(t, config)
		if err := schema.Migrate(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if got := version(t, again); got != latest(t) {
			t.Errorf("at %d after the second run", got)
		}
	})
}
