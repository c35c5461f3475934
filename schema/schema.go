// Package schema holds the migrations of bizydb and applies them. They are ordinary tern migrations, so the tern command
// works on this folder as well.
package schema

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"github.com/bizy-ai/bizydb/schema/version"
)

// Files are the migrations, for a service that applies them by other means.
//
//go:embed *.sql
var Files embed.FS

// versionTable is named in tern.conf too. It is not tern's default, which a service may use for migrations of its own.
const versionTable = "public.bizydb_schema_version"

var (
	// ErrNewer is returned when the database has been migrated further than this package knows. It is
	// bizydb.ErrSchemaNewer too.
	ErrNewer = version.ErrNewer
	// ErrUnreleased is returned when the database has a schema from before v0.1.0. It is bizydb.ErrSchemaUnreleased too.
	ErrUnreleased = version.ErrUnreleased
	// ErrForeignHistory is returned when the database has been migrated, but not under this package's version table.
	ErrForeignHistory = errors.New("database was migrated under another version table")
)

// Migrate brings the database that conn is connected to up to date. It can be called at every start of a service: it is
// quick when there is nothing to do, and of several processes at once one migrates and the others wait for it. Each
// step is one transaction: when it fails the steps before it stay.
//
// The role that migrates becomes the owner of the tables, so it is not the role that the service logs in as. It needs
// CREATE on the database and on schema public and, unless the roles bizydb_user and bizydb_accounts exist in the
// cluster, CREATEROLE.
//
// A database migrated by a newer bizydb gives [ErrNewer], one from before v0.1.0 [ErrUnreleased], and one migrated by the
// tern command without schema/tern.conf [ErrForeignHistory].
func Migrate(ctx context.Context, conn *pgx.Conn) error {
	if err := up(ctx, conn, Files); err != nil {
		return fmt.Errorf("schema: migrate: %w", err)
	}
	return nil
}

func up(ctx context.Context, conn *pgx.Conn, files fs.FS) error {
	steps, err := migrate.FindMigrations(files)
	if err != nil {
		return err
	}
	installed, err := installedVersion(ctx, conn)
	if err != nil {
		return err
	}
	switch latest := len(steps); {
	case installed == latest:
		return nil
	case installed > latest:
		return fmt.Errorf("%w: it is at migration %d, the last one known here is %d", ErrNewer, installed, latest)
	}

	migrator, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return err
	}
	if err := migrator.LoadMigrations(files); err != nil {
		return err
	}
	// Read after installed: a step writes both in one transaction, so a migration that runs right now cannot mislead.
	recorded, err := migrator.GetCurrentVersion(ctx)
	if err != nil {
		return err
	}
	if recorded == 0 && installed > 0 {
		return fmt.Errorf("%w: it is at migration %d, but %s says 0; go on with the tern command and the table that it used", ErrForeignHistory, installed, versionTable)
	}

	err = migrator.Migrate(ctx)
	var tooNew migrate.BadVersionError
	if errors.As(err, &tooNew) {
		return fmt.Errorf("%w: %w", ErrNewer, err)
	}
	if err != nil {
		return err
	}
	// The version table may have outlived the schema.
	if installed, err = installedVersion(ctx, conn); err == nil && installed < len(steps) {
		err = fmt.Errorf("%s says %d, but the schema is at migration %d", versionTable, len(steps), installed)
	}
	return err
}

// installedVersion asks the schema itself, which knows also when another tool or another version table was used.
// It is 0 in a database without bizydb.
func installedVersion(ctx context.Context, conn *pgx.Conn) (number int, err error) {
	var exists, unreleased bool
	err = conn.QueryRow(ctx, `SELECT to_regprocedure('bizydb.schema_version()') IS NOT NULL, `+version.UnreleasedSQL).Scan(&exists, &unreleased)
	if err == nil && unreleased {
		err = ErrUnreleased
	}
	if err != nil || !exists {
		return 0, err
	}
	err = conn.QueryRow(ctx, `SELECT bizydb.schema_version()`).Scan(&number)
	return number, err
}
