package bizydb

import (
	"context"
	"fmt"
	"runtime"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/schema/version"
)

// SchemaVersion is the number of the last migration, and the only one that this version of the package works with.
const SchemaVersion = version.Latest

// A DB is a pool of connections to a migrated database. Its methods can be used by several goroutines at once.
type DB struct {
	pool   *pgxpool.Pool
	mode   pgx.QueryExecMode // set by check
	hasher *hasher
}

// An Option changes how [Open] works.
type Option func(*options)

type options struct {
	allowPrivilegedLogin bool
	bcryptCost           int
	hashConcurrency      int
}

// AllowPrivilegedLogin lets [Open] log in as a role that can read or write the tables outside a scope, such as a
// superuser or their owner. Scopes are confined as ever; what else uses the pool is not.
func AllowPrivilegedLogin() Option {
	return func(o *options) { o.allowPrivilegedLogin = true }
}

// WithBcryptCost sets the cost of new password hashes, from [MinBcryptCost] to 31 instead of [DefaultBcryptCost]. Hashes
// of a lower cost are renewed as their users sign in.
func WithBcryptCost(cost int) Option {
	return func(o *options) { o.bcryptCost = cost }
}

// WithHashConcurrency sets how many passwords are hashed at a time instead of GOMAXPROCS. Each takes a core for as long as the cost
// says; those over the number wait.
func WithHashConcurrency(n int) Option {
	return func(o *options) { o.hashConcurrency = n }
}

// Open connects to a database, given as a URL or as keywords and values like "host=… dbname=…", in the form that
// [pgxpool.ParseConfig] takes, whose pool_max_conns and other settings it knows. The caller closes the DB.
//
// It checks at once what would fail later, and gives [ErrConfig] for a connection string that makes no sense,
// [ErrConnect] for a server that cannot be reached or refuses the login, [ErrNotMigrated], [ErrSchemaNewer] and
// [ErrSchemaUnreleased] for a database whose schema does not have [SchemaVersion], [ErrMissingGrant] for a login that may not act as the two roles, and
// [ErrPrivilegedLogin] for one that may do more; [ErrUnprotected] if the database would not confine it.
func Open(ctx context.Context, dsn string, opts ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, configError(err)
	}
	return OpenConfig(ctx, config, opts...)
}

// OpenConfig is [Open] for a service that sets up the pool itself: its size, TLS, tracing, exec mode, hooks. config must
// come from [pgxpool.ParseConfig]. The exec mode can be any but the simple protocol, which gives [ErrSimpleProtocol].
// In mode cache_statement, pgx's own default, no hook may discard a connection's prepared statements. Mode exec reads
// values as text and so needs the server's defaults of datestyle and extra_float_digits, or else gives [ErrConfig].
func OpenConfig(ctx context.Context, config *pgxpool.Config, opts ...Option) (*DB, error) {
	o := options{bcryptCost: DefaultBcryptCost, hashConcurrency: runtime.GOMAXPROCS(0)}
	for _, opt := range opts {
		opt(&o)
	}
	if o.bcryptCost < MinBcryptCost || o.bcryptCost > bcrypt.MaxCost {
		return nil, fmt.Errorf("bizydb: open: %w: bcrypt cost %d is not from %d to %d", ErrConfig, o.bcryptCost, MinBcryptCost, bcrypt.MaxCost)
	}
	if o.hashConcurrency < 1 {
		return nil, fmt.Errorf("bizydb: open: %w: hash concurrency %d is below 1", ErrConfig, o.hashConcurrency)
	}
	if config.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, fmt.Errorf("bizydb: open: %w", ErrSimpleProtocol)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, configError(err)
	}
	db := &DB{pool: pool, hasher: newHasher(o.bcryptCost, o.hashConcurrency)}
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
