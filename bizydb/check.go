package bizydb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	// The columns of users are granted one by one, hence "any column".
	checkSQL = `SELECT bizydb.schema_version(), session_user,
       coalesce(bool_or(has_table_privilege(t, 'DELETE, TRUNCATE') OR has_any_column_privilege(t, 'SELECT, INSERT, UPDATE')), false)
FROM unnest(ARRAY[to_regclass('public.users'), to_regclass('public.goals'), to_regclass('public.tasks')]) AS t`

	actAsUserSQL     = `SELECT set_config('role', 'bizydb_user', true)`
	actAsAccountsSQL = `SELECT set_config('role', 'bizydb_accounts', true)`
)

// check finds out whether the database and the login are fit for use.
func (db *DB) check(ctx context.Context, o options) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("bizydb: open: %w", named(err))
	}
	defer conn.Release()

	var version int
	var login string
	var privileged bool
	err = conn.QueryRow(ctx, checkSQL).Scan(&version, &login, &privileged)
	switch {
	case hasCode(err, "3F000", "42883"): // no such schema, no such function
		return fmt.Errorf("bizydb: open: %w: run schema.Migrate or the tern command: %w", ErrNotMigrated, err)
	case hasCode(err, "42501"):
		return fmt.Errorf("bizydb: open: %w: GRANT USAGE ON SCHEMA bizydb TO it: %w", ErrRole, err)
	case err != nil:
		return fmt.Errorf("bizydb: open: %w", named(err))
	case version < SchemaVersion:
		return fmt.Errorf("bizydb: open: %w: it is at migration %d, %d is needed", ErrNotMigrated, version, SchemaVersion)
	case version > SchemaVersion:
		return fmt.Errorf("bizydb: open: %w: it is at migration %d, the last one known here is %d", ErrSchemaNewer, version, SchemaVersion)
	case privileged && !o.allowPrivilegedLogin:
		return fmt.Errorf("bizydb: open: %w: %q can use the tables outside a scope: it is a superuser, owns them, was granted them, or inherits from bizydb_user or bizydb_accounts", ErrPrivilegedLogin, login)
	}

	batch := &pgx.Batch{}
	batch.Queue(actAsUserSQL)
	batch.Queue(actAsAccountsSQL)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("bizydb: open: %w", namedOnEntry(err))
	}
	return nil
}
