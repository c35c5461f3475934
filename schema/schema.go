// Package schema has the migrations of bizydb and applies them to a database. They are tern migrations: the tern command works on
// this folder too.
package schema

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"

	"github.com/bizy-ai/bizydb/schema/version"
)

// Files has the migrations, for a service that applies them with another tool.
//
//go:embed *.sql
var Files embed.FS

// versionTable is named in tern.conf too. It is not tern's default, which a service may use for migrations of its own.
const versionTable = "public.bizydb_schema_version"

var (
	// ErrNewer means that a newer bizydb has migrated the database. It is the same as bizydb.ErrSchemaNewer.
	ErrNewer = version.ErrNewer
	// ErrUnreleased means that the database has a schema from before v0.1.0. It is the same as bizydb.ErrSchemaUnreleased.
	ErrUnreleased = version.ErrUnreleased
	// ErrForeignHistory means that the database was migrated with another version table than the one that this package uses.
	ErrForeignHistory = errors.New("database was migrated under another version table")
	// ErrRoles means that the roles bizydb_user, bizydb_accounts and bizydb_reporter exist, but the migrating role may not grant
	// them to a service's login. The error has the statement that helps, and says who can run it.
	ErrRoles = errors.New("the migrating role may not grant bizydb's roles")
)

// Migrate applies the missing migrations to the database of conn. Migrate is idempotent and safe to call from several processes
// at once: one process migrates while the others wait. It is fast if no migration is missing. Each migration is one transaction.
// If a migration fails, the earlier migrations stay applied.
//
// The migrating role becomes the owner of the tables. The migrating role must not be the login of the service, and need not be a
// superuser. It needs CREATE on the database and on schema public, and CREATEROLE to create the roles bizydb_user,
// bizydb_accounts and bizydb_reporter. If another role has already created these three roles, for another database of the
// cluster, the migrating role must be granted them WITH ADMIN OPTION; on PostgreSQL 15 CREATEROLE is enough. The database must
// have encoding UTF8, in any locale. The server must be built with ICU, like the usual PostgreSQL packages.
//
// Migrate returns [ErrNewer] for a database that a newer bizydb has migrated, [ErrUnreleased] for a schema from before v0.1.0,
// [ErrForeignHistory] for a database that the tern command has migrated without schema/tern.conf, [ErrRoles] if the migrating role
// may not grant the roles, and [ErrDistributed] if a migration is missing in a database that [Distribute] has sharded.
func Migrate(ctx context.Context, conn *pgx.Conn) error {
	err := up(ctx, conn, Files)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == mayNotGrant {
		err = fmt.Errorf("%w: %s: %w", ErrRoles, pgErr.Hint, err)
	}
	if err != nil {
		return fmt.Errorf("schema: migrate: %w", err)
	}
	return nil
}

// mayNotGrant is the SQLSTATE of the first migration for [ErrRoles], of a class that is free for applications.
const mayNotGrant = "UB002"

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
		return newer(installed, latest)
	}
	if distributed, err := isDistributed(ctx, conn); err != nil {
		return err
	} else if distributed {
		return fmt.Errorf("%w: it is at migration %d, %d is needed", ErrDistributed, installed, len(steps))
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

func newer(installed, latest int) error {
	return fmt.Errorf("%w: it is at migration %d, the last one known here is %d", ErrNewer, installed, latest)
}

// installedVersion asks the schema itself, which knows also when another tool or another version table was used.
// It is 0 in a database without bizydb.
func installedVersion(ctx context.Context, conn *pgx.Conn) (number int, err error) {
	var exists, unreleased bool
	var encoding string
	err = conn.QueryRow(ctx, `SELECT to_regprocedure('bizydb.schema_version()') IS NOT NULL, `+version.UnreleasedSQL+`, current_setting('server_encoding')`).
		Scan(&exists, &unreleased, &encoding)
	switch {
	case err == nil && unreleased:
		err = ErrUnreleased
	case err == nil && encoding != "UTF8":
		err = fmt.Errorf("the database has encoding %s, and bizydb needs UTF8", encoding)
	}
	if err != nil || !exists {
		return 0, err
	}
	err = conn.QueryRow(ctx, `SELECT bizydb.schema_version()`).Scan(&number)
	return number, err
}
