// Package migrators tries the migrators that docs/your-own-migrations.md names, beside bizydb's migrations.
package migrators

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

//go:embed testdata
var testdata embed.FS

func folder(name string) fs.FS {
	sub, err := fs.Sub(testdata, "testdata/"+name)
	if err != nil {
		panic(err)
	}
	return sub
}

func byGoose(ctx context.Context, conn *pgx.Conn) (err error) {
	db := stdlib.OpenDB(*conn.Config())
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, folder("goose"), goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

func byGolangMigrate(_ context.Context, conn *pgx.Conn) (err error) {
	files, err := iofs.New(folder("golang-migrate"), ".")
	if err != nil {
		return err
	}
	driver, err := migratepgx.WithInstance(stdlib.OpenDB(*conn.Config()), &migratepgx.Config{})
	if err != nil {
		return err
	}
	m, err := migrate.NewWithInstance("iofs", files, "pgx5", driver)
	if err != nil {
		return errors.Join(err, driver.Close())
	}
	defer func() {
		sourceErr, dbErr := m.Close()
		err = errors.Join(err, sourceErr, dbErr)
	}()
	if err := m.Up(); !errors.Is(err, migrate.ErrNoChange) {
		return err
	}
	return nil
}

func TestMigratorsBesideOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		migrate func(context.Context, *pgx.Conn) error
		version string // what it keeps of what has been applied
	}{
		"goose":          {byGoose, "SELECT max(version_id) FROM public.goose_db_version"},
		"golang-migrate": {byGolangMigrate, "SELECT version FROM public.schema_migrations"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := bizydbtest.New(t, bizydbtest.WithMigration(name, c.migrate)) // which opens it
			connect := func() *pgx.Conn {
				conn, err := pgx.Connect(t.Context(), db.AdminDSN)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close(context.Background()) })
				return conn
			}
			conn := connect()

			// As from an empty database, by two processes at once.
			if _, err := conn.Exec(t.Context(), "DROP SCHEMA app CASCADE; DROP TABLE IF EXISTS public.goose_db_version, public.schema_migrations"); err != nil {
				t.Fatal(err)
			}
			results := make(chan error)
			for range 2 {
				conn := connect()
				go func() {
					err := schema.Migrate(t.Context(), conn)
					if err == nil {
						err = c.migrate(t.Context(), conn)
					}
					results <- err
				}()
			}
			for range 2 {
				if err := <-results; err != nil {
					t.Error(err)
				}
			}

			var version int
			if err := conn.QueryRow(t.Context(), c.version).Scan(&version); err != nil || version != 2 {
				t.Errorf("version %d, %v", version, err)
			}
			if _, err := conn.Exec(t.Context(), "SELECT pinned FROM app.comments"); err != nil {
				t.Error(err)
			}
			again, err := bizydb.Open(t.Context(), db.DSN)
			if err != nil {
				t.Fatal(err)
			}
			again.Close()
		})
	}
}
