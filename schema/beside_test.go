package schema_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/tern/v2/migrate"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/schema"
)

// migrations are a service's, in tern's format.
var migrations = fstest.MapFS{
	"001_comments.sql": {Data: []byte(`
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO bizydb_user;

CREATE TABLE app.comments (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL DEFAULT bizydb.current_user_id() REFERENCES public.users ON DELETE CASCADE,
  task_id bigint NOT NULL,
  text    text NOT NULL,
  FOREIGN KEY (user_id, task_id) REFERENCES public.tasks (user_id, id) ON DELETE CASCADE
);
---- create above / drop below ----
DROP TABLE app.comments;
REVOKE USAGE ON SCHEMA app FROM bizydb_user;
DROP SCHEMA app;
`)},
	"002_pinned.sql": {Data: []byte(`
ALTER TABLE app.comments ADD COLUMN pinned boolean NOT NULL DEFAULT false;
---- create above / drop below ----
ALTER TABLE app.comments DROP COLUMN pinned;
`)},
}

// migrateService is what a service does when it starts.
func migrateService(ctx context.Context, conn *pgx.Conn) error {
	if err := schema.Migrate(ctx, conn); err != nil {
		return err
	}
	migrator, err := migrate.NewMigrator(ctx, conn, "public.schema_version")
	if err != nil {
		return err
	}
	if err := migrator.LoadMigrations(migrations); err != nil { // an fs.FS with 001_comments.sql at its top
		return err
	}
	return migrator.Migrate(ctx)
}

// ownMigrator has the service's migrations alone.
func ownMigrator(t testing.TB, conn *pgx.Conn) *migrate.Migrator {
	t.Helper()
	m, err := migrate.NewMigrator(t.Context(), conn, "public.schema_version")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadMigrations(migrations); err != nil {
		t.Fatal(err)
	}
	return m
}

// open opens the database as this version of bizydb, and closes it.
func open(t testing.TB, config *pgx.ConnConfig) error {
	t.Helper()
	pool, err := pgxpool.ParseConfig(config.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	pool.ConnConfig = config
	db, err := bizydb.OpenConfig(t.Context(), pool, bizydb.AllowPrivilegedLogin())
	if err == nil {
		db.Close()
	}
	return err
}

// own is the version of the service's migrations and the number of its comments.
func own(t testing.TB, conn *pgx.Conn) (state struct{ Version, Comments int }) {
	t.Helper()
	state.Version = one[int](t, conn, "SELECT version FROM public.schema_version")
	state.Comments = one[int](t, conn, "SELECT count(*) FROM app.comments")
	return state
}

// comment adds a user with a task and a comment on it.
func comment(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, `
		WITH u AS (INSERT INTO public.users (email, username, hashed_password) VALUES ('ada@example.org', 'ada', '$2a$12$' || repeat('.', 53)) RETURNING id),
		  t AS (INSERT INTO public.tasks (user_id, title) SELECT id, 'task' FROM u RETURNING user_id, id)
		SELECT FROM t`)
	exec(t, conn, "INSERT INTO app.comments (user_id, task_id, text) SELECT user_id, id, 'comment' FROM public.tasks")
}

// Several processes of a service start at once: each set is applied once, and the two version tables do not meet.
func TestOwnMigrationsBesideOurs(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference, config := newDatabase(t, admin, ""), newDatabase(t, admin, "")
	if err := migrateService(t.Context(), connect(t, reference)); err != nil {
		t.Fatal(err)
	}

	results := make(chan error)
	for range 4 {
		conn := connect(t, config)
		go func() { results <- migrateService(t.Context(), conn) }()
	}
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(dump(t, reference), dump(t, config)); diff != "" {
		t.Errorf("catalog (-one process +four at once):\n%s", diff)
	}
	conn := connect(t, config)
	comment(t, conn)
	if err := migrateService(t.Context(), conn); err != nil {
		t.Errorf("again: %v", err)
	}
	if got := own(t, conn); got.Version != 2 || got.Comments != 1 {
		t.Errorf("after a restart: %+v", got)
	}
	if err := open(t, config); err != nil {
		t.Error(err)
	}

	// The way down of a service's own leaves bizydb's as they were.
	migrateTo(t, ownMigrator(t, conn), 0)
	bare := newDatabase(t, admin, "")
	ownMigrator(t, connect(t, bare)) // makes the table
	migrated(t, bare)
	if diff := cmp.Diff(dump(t, bare), dump(t, config)); diff != "" {
		t.Errorf("after the service's way down (-without a service +after):\n%s", diff)
	}
}

// In the wrong order nothing is applied.
func TestOwnMigrationsBeforeOurs(t *testing.T) {
	t.Parallel()
	config := newDatabase(t, cluster(t), "")
	conn := connect(t, config)
	m := ownMigrator(t, conn)
	before := dump(t, config)
	err := m.Migrate(t.Context())
	if failed := (migrate.MigrationPgError{}); !errors.As(err, &failed) || failed.MigrationName != "001_comments.sql" {
		t.Errorf("%v, want an error of 001_comments.sql", err)
	}
	if diff := cmp.Diff(before, dump(t, config)); diff != "" {
		t.Errorf("half of it is there (-before +after):\n%s", diff)
	}
	if err := migrateService(t.Context(), conn); err != nil {
		t.Errorf("in the right order then: %v", err)
	}
}

// A new bizydb comes to a database with a service's tables, and the service's older version is told.
func TestUpgradeWithOwnTables(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference := newDatabase(t, admin, "")
	if err := migrateService(t.Context(), connect(t, reference)); err != nil {
		t.Fatal(err)
	}
	want := dump(t, reference)

	for n := tasksStep; n < latest(t); n++ {
		config, older := newDatabase(t, admin, ""), upTo(t, n)
		conn := connect(t, config)
		if err := schema.Up(t.Context(), conn, older); err != nil {
			t.Fatal(err)
		}
		migrateTo(t, ownMigrator(t, conn), 2)
		exec(t, conn, "INSERT INTO public.users (email, username, hashed_password) VALUES ('ada@example.org', 'ada', '$2a$12$' || repeat('.', 53))")
		if err := open(t, config); !errors.Is(err, bizydb.ErrNotMigrated) {
			t.Errorf("at %d, Open of the newer version: %v, want ErrNotMigrated", n, err)
		}
		if err := migrateService(t.Context(), conn); err != nil {
			t.Errorf("from %d: %v", n, err)
		}
		if diff := cmp.Diff(want, dump(t, config)); diff != "" {
			t.Errorf("from %d (-at once +upgraded):\n%s", n, diff)
		}
		if err := schema.Up(t.Context(), conn, older); !errors.Is(err, schema.ErrNewer) {
			t.Errorf("the older version at %d: %v, want ErrNewer", n, err)
		}
	}
}

// tasksStep is the migration that makes what a service's tables reference.
const tasksStep = 4

// Bizydb's way down stops where a service's tables stand on it. Nothing of the service's is lost, and the way up mends it.
func TestWayDownStopsAtOwnTables(t *testing.T) {
	t.Parallel()
	config := newDatabase(t, cluster(t), "")
	conn := connect(t, config)
	if err := migrateService(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	comment(t, conn)
	want := dump(t, config)

	err := newMigrator(t, conn, schema.VersionTable).MigrateTo(t.Context(), 0)
	if pgErr := new(pgconn.PgError); !errors.As(err, &pgErr) || pgErr.Code != "2BP01" {
		t.Errorf("%v, want dependent_objects_still_exist", err)
	}
	if got := own(t, conn); got.Version != 2 || got.Comments != 1 {
		t.Errorf("the service's: %+v", got)
	}
	if err := migrateService(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, dump(t, config)); diff != "" {
		t.Errorf("down and up (-before +after):\n%s", diff)
	}
	if got := own(t, conn); got.Comments != 1 {
		t.Errorf("the service's: %+v", got)
	}
}
