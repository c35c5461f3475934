package bizydb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SchemaVersion is the number of the last migration that this version of the package knows, and the only one that it
// works with.
const SchemaVersion = 4

// A DB is a pool of connections to a migrated database. Its methods can be used by several goroutines at once.
type DB struct {
	pool *pgxpool.Pool
	mode pgx.QueryExecMode
}

// An Option changes how [Open] works.
type Option func(*options)

type options struct {
	allowPrivilegedLogin bool
}

// AllowPrivilegedLogin lets [Open] log in as a role that can read or write the tables outside a scope, such as a
// superuser or their owner. Scopes are confined as ever; what else uses the pool is not.
func AllowPrivilegedLogin() Option {
	return func(o *options) { o.allowPrivilegedLogin = true }
}

// Open connects to a database, given as a URL or as keywords and values like "host=… dbname=…", in the form that
// [pgxpool.ParseConfig] takes, whose pool_max_conns and other settings it knows. The caller closes the DB.
//
// It checks at once what would fail later, and gives [ErrConfig] for a connection string that makes no sense,
// [ErrConnect] for a server that cannot be reached or refuses the login, [ErrNotMigrated] and [ErrSchemaNewer] for a
// database whose schema does not have [SchemaVersion], [ErrRole] for a login that may not act as the two roles, and
// [ErrPrivilegedLogin] for one that may do more.
func Open(ctx context.Context, dsn string, opts ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, configError(err)
	}
	return OpenConfig(ctx, config, opts...)
}

// OpenConfig is [Open] for a service that sets up the pool itself: its size, TLS, tracing, exec mode, hooks. config must
// come from [pgxpool.ParseConfig]. The exec mode can be any but the simple protocol, which gives [ErrSimpleProtocol].
func OpenConfig(ctx context.Context, config *pgxpool.Config, opts ...Option) (*DB, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	mode := config.ConnConfig.DefaultQueryExecMode
	if mode == pgx.QueryExecModeSimpleProtocol {
		return nil, fmt.Errorf("bizydb: open: %w", ErrSimpleProtocol)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, configError(err)
	}
	db := &DB{pool: pool, mode: mode}
	if err := db.check(ctx, o); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close closes every connection. It waits for those in use.
func (db *DB) Close() { db.pool.Close() }

// Pool returns the connections for what the service does beside bizydb, such as a transaction for [Scope.WithTx]. On
// them the service has the rights of its login, which are none on the tables of bizydb.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }
