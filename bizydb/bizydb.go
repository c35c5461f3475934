package bizydb

import (
	"context"
	"fmt"
	"runtime"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/standby"
	"github.com/bizy-ai/bizydb/schema/version"
)

// SchemaVersion is the number of the last migration. [Open] refuses a database at any other version.
const SchemaVersion = version.Latest

// A DB is a pool of connections to a migrated database. It is safe for concurrent use.
type DB struct {
	pool       *executor.Pool
	hasher     *hasher
	standbys   *standby.Set // nil without WithStandbys
	privileged bool         // AllowPrivilegedLogin was given
}

// An Option configures [Open].
type Option func(*options)

type options struct {
	allowPrivilegedLogin bool
	strict               bool
	bcryptCost           int
	hashConcurrency      int
	constraints          map[string]Constraint
	standbys             []string
}

// AllowPrivilegedLogin lets [Open] accept a login that can use the tables outside a scope: a superuser, or the owner of the
// tables, of schema public or of the database. Scopes stay confined. Other statements on the pool are not confined.
func AllowPrivilegedLogin() Option {
	return func(o *options) { o.allowPrivilegedLogin = true }
}

// WithBcryptCost sets the cost of new password hashes, from [MinBcryptCost] to 31. The default is [DefaultBcryptCost]. A hash of
// a lower cost is renewed when its user signs in.
func WithBcryptCost(cost int) Option {
	return func(o *options) { o.bcryptCost = cost }
}

// WithHashConcurrency limits how many passwords are hashed at the same time. The default is GOMAXPROCS. Each hash keeps one core
// busy. Calls beyond the limit wait.
func WithHashConcurrency(n int) Option {
	return func(o *options) { o.hashConcurrency = n }
}

// Open connects to a database and checks that bizydb can use it safely. The connection string is a URL or a list of keywords and
// values, in the form that [pgxpool.ParseConfig] takes. It can have pool settings such as pool_max_conns. The caller closes the
// DB.
//
// Open compares the database with its migrations: columns, constraints, unique indexes, defaults, policies, triggers, settings of
// functions, and the rights of the login, of PUBLIC and of the roles bizydb_user, bizydb_accounts and bizydb_reporter. The error
// has the statements that repair the difference. The owner of the tables runs the statements on database objects, or calls
// schema.Protect instead. The administrator of the roles runs the statements on roles. A login needs bizydb_reporter only for
// [DB.Reporting]. A login for reports needs no other role. Objects that are not bizydb's are ignored, unless [StrictOpen]
// includes them.
//
// Open returns
//
//   - [ErrConfig] for an invalid connection string or option, or a setting that would make calls fail or change their results,
//   - [ErrConnect] if the server cannot be reached or refuses the login,
//   - [ErrNotMigrated], [ErrSchemaNewer] or [ErrSchemaUnreleased] if the schema is not at [SchemaVersion] or lacks an object,
//   - [ErrMissingGrant] if the login or one of the roles lacks a right,
//   - [ErrPrivilegedLogin] if the login can use the tables outside a scope,
//   - [ErrUnprotected] if a role has more rights than it should, if a policy, trigger or setting that confines a role is not in
//     force, or if [StrictOpen] is given and [DB.CheckConfined] has findings.
func Open(ctx context.Context, dsn string, opts ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, configError(err)
	}
	return OpenConfig(ctx, config, opts...)
}

// OpenConfig is [Open] with a pool configuration: size, TLS, tracing, exec mode, hooks. config must come from
// [pgxpool.ParseConfig].
//
// Every exec mode works except the simple protocol, which returns [ErrSimpleProtocol]. In mode cache_statement, the default of
// pgx, no hook may discard a connection's prepared statements. Mode exec reads values as text: it needs the server's default
// datestyle and extra_float_digits. With other settings OpenConfig returns [ErrConfig]. [QueryName] gives a tracer the name of
// each query.
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
	for name := range o.constraints {
		if _, ours := rules[name]; ours {
			return nil, fmt.Errorf("bizydb: open: %w: constraint %s is bizydb's own", ErrConfig, name)
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, inUTC(config))
	if err != nil {
		return nil, configError(err)
	}
	db := &DB{pool: &executor.Pool{Pool: pool, Config: newConfig(o.constraints)}, hasher: newHasher(o.bcryptCost, o.hashConcurrency), privileged: o.allowPrivilegedLogin}
	err = db.check(ctx, o)
	if err == nil && len(o.standbys) > 0 {
		err = db.openStandbys(ctx, config, o)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close closes all connections, those to standbys included. It waits for connections in use.
func (db *DB) Close() {
	if db.standbys != nil {
		db.standbys.Close()
	}
	db.pool.Close()
}

// Pool returns the connection pool, for statements of the service's own and for transactions that [Scope.WithTx] joins.
// Statements on the pool run with the rights of the login, which has no rights on bizydb's tables.
func (db *DB) Pool() *pgxpool.Pool { return db.pool.Pool }
