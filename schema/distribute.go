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

	"github.com/bizy-ai/bizydb/schema/rights"
)

// CitusFiles has the steps of [Distribute], in the folder citus. The tern command runs them too, with citus/tern.conf.
//
//go:embed citus/*.sql
var CitusFiles embed.FS

// citusTable is named in citus/tern.conf too.
const citusTable = "public.bizydb_citus_version"

var (
	// ErrNoCitus means that [Distribute] needs the extension citus in the database.
	ErrNoCitus = errors.New("the database has no extension citus")
	// ErrDistributed means that [Migrate] has no migration for a database that [Distribute] has sharded.
	ErrDistributed = errors.New("the database is distributed, and has no later migrations")
	// ErrNotDistributable means that the database has something that [Distribute] cannot distribute.
	ErrNotDistributable = errors.New("the database cannot be distributed")
)

// Distribute shards a migrated database by user, on the nodes of a Citus cluster. It is experimental: docs/citus.md says what does not work
// afterwards. conn must be connected to the coordinator as the owner of the tables, who needs the right to change the roles bizydb_user,
// bizydb_accounts and bizydb_reporter, and to log in on the other nodes. The database may have rows. Distribute keeps out all other
// transactions that use the tables while it runs, and is idempotent. There is no way back, and no later migration.
//
// Distribute returns [ErrNoCitus] without the extension, and [ErrNotDistributable] if a table of the service's own references users, goals or
// tasks, or if changes are tracked. It returns [ErrNewer] for a database that a newer bizydb has migrated.
func Distribute(ctx context.Context, conn *pgx.Conn) error {
	if err := distribute(ctx, conn); err != nil {
		return fmt.Errorf("schema: distribute: %w", err)
	}
	return nil
}

// SQLSTATEs of citus/001_distribute.sql.
const (
	noCitus          = "UB031"
	notDistributable = "UB032"
)

func distribute(ctx context.Context, conn *pgx.Conn) error {
	steps, err := fs.Sub(CitusFiles, "citus")
	if err != nil {
		return err
	}
	distributed, err := isDistributed(ctx, conn)
	if err != nil {
		return err
	}
	installed, err := installedVersion(ctx, conn)
	if err != nil {
		return err
	}
	migrations, err := migrate.FindMigrations(Files)
	if err != nil {
		return err
	}
	switch latest := len(migrations); {
	case installed < latest && !distributed: // after that it stays at its migration, and a step here may be left to do
		return fmt.Errorf("the database is at migration %d, %d is needed: run Migrate first", installed, latest)
	case installed > latest:
		return newer(installed, latest)
	}
	var citus bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass('pg_dist_partition') IS NOT NULL`).Scan(&citus); err != nil {
		return err
	} else if !citus { // before there is a table of versions
		return fmt.Errorf("%w: CREATE EXTENSION citus on each node", ErrNoCitus)
	}
	migrator, err := migrate.NewMigrator(ctx, conn, citusTable)
	if err != nil {
		return err
	}
	if err := migrator.LoadMigrations(steps); err != nil {
		return err
	}
	err = migrator.Migrate(ctx)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch pgErr.Code {
		case noCitus:
			return fmt.Errorf("%w: %s: %w", ErrNoCitus, pgErr.Hint, err)
		case notDistributable:
			return fmt.Errorf("%w: %s: %w", ErrNotDistributable, pgErr.Hint, err)
		}
	}
	return err
}

// isDistributed says whether Distribute has run.
func isDistributed(ctx context.Context, conn *pgx.Conn) (distributed bool, err error) {
	err = conn.QueryRow(ctx, `SELECT `+rights.IsDistributedSQL).Scan(&distributed)
	return distributed, err
}
