package bizydb

import (
	"context"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema/version"
)

const (
	// The columns of users are granted one by one, hence "any column".
	checkSQL = `SELECT bizydb.schema_version(), ` + version.UnreleasedSQL + `, session_user,
       coalesce(bool_or(pg_catalog.has_table_privilege(t, 'DELETE, TRUNCATE, TRIGGER') OR pg_catalog.has_any_column_privilege(t, 'SELECT, INSERT, UPDATE, REFERENCES')), false),
       pg_catalog.current_setting('datestyle') LIKE 'ISO%' AND pg_catalog.current_setting('extra_float_digits')::int > 0
FROM unnest(ARRAY[to_regclass('public.users'), to_regclass('public.goals'), to_regclass('public.tasks'), to_regclass('bizydb.imports')]) AS t`

	actAsUserSQL     = `SELECT pg_catalog.set_config('role', 'bizydb_user', true)`
	actAsAccountsSQL = `SELECT pg_catalog.set_config('role', 'bizydb_accounts', true)`

	// In a service's own transaction, the role that it had comes back after each query.
	visitAccountsSQL = `SELECT pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true), pg_catalog.set_config('role', 'bizydb_accounts', true)`
	leaveAccountsSQL = `SELECT pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true)`

	// It is not for a role that may bypass row security, nor for the tables' owner.
	confinedSQL = `SELECT bool_and(pg_catalog.row_security_active(t)) FROM unnest(ARRAY['public.users', 'public.goals', 'public.tasks', 'bizydb.imports']) AS t`
)

// check finds out whether the database and the login are fit for use, and which exec mode connections have.
func (db *DB) check(ctx context.Context, o options) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("bizydb: open: %w", named(err))
	}
	defer conn.Release()

	// A hook of the pool's can have changed what its configuration says.
	config := conn.Conn().Config()
	db.traced = config.Tracer != nil
	if db.mode = config.DefaultQueryExecMode; db.mode == pgx.QueryExecModeSimpleProtocol {
		return fmt.Errorf("bizydb: open: %w", ErrSimpleProtocol)
	}
	var installed int
	var login string
	var unreleased, privileged, textForms bool
	err = conn.QueryRow(ctx, checkSQL).Scan(&installed, &unreleased, &login, &privileged, &textForms)
	switch {
	case hasCode(err, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedFunction):
		return fmt.Errorf("bizydb: open: %w: run schema.Migrate or the tern command: %w", ErrNotMigrated, err)
	case hasCode(err, pgerrcode.InsufficientPrivilege):
		return fmt.Errorf("bizydb: open: %w: GRANT USAGE ON SCHEMA bizydb TO it: %w", ErrMissingGrant, err)
	case err != nil:
		return fmt.Errorf("bizydb: open: %w", named(err))
	case unreleased:
		return fmt.Errorf("bizydb: open: %w", ErrSchemaUnreleased)
	case installed < SchemaVersion:
		return fmt.Errorf("bizydb: open: %w: it is at migration %d, %d is needed", ErrNotMigrated, installed, SchemaVersion)
	case installed > SchemaVersion:
		return fmt.Errorf("bizydb: open: %w: it is at migration %d, the last one known here is %d", ErrSchemaNewer, installed, SchemaVersion)
	case privileged && !o.allowPrivilegedLogin:
		return fmt.Errorf("bizydb: open: %w: %q can use the tables outside a scope: it is a superuser, owns them, was granted them, or inherits from bizydb_user or bizydb_accounts", ErrPrivilegedLogin, login)
	}

	if db.mode == pgx.QueryExecModeExec && !textForms {
		return fmt.Errorf("bizydb: open: %w: mode exec needs datestyle ISO and extra_float_digits of 1 or more, and %q has others", ErrConfig, login)
	}

	var confined bool
	batch := &pgx.Batch{}
	batch.Queue(actAsUserSQL)
	batch.Queue(confinedSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&confined) })
	batch.Queue(actAsAccountsSQL)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("bizydb: open: %w", namedOnEntry(err))
	}
	if !confined {
		return fmt.Errorf("bizydb: open: %w: a table has it disabled, or bizydb_user has BYPASSRLS or is a member of the tables' owner", ErrUnprotected)
	}
	return nil
}
