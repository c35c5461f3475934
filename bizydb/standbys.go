package bizydb

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/standby"
	"github.com/bizy-ai/bizydb/schema/rights"
)

// WithStandbys names hot standbys of the database, each by a connection string that leads to one server. Reads of scopes go to a standby
// that has replayed everything their user has seen and written, and to the primary otherwise: a read never returns an older state than
// an earlier read or write of the same user. docs/standbys.md says which calls go where.
//
// A standby that cannot be reached, is behind or is not a standby is not an error: its reads go to the primary. So all servers of a
// cluster can be named, the primary included. A connection string has the settings of its connections and its pool, such as pool_max_conns.
// Tracer, exec mode and the hooks of the pool are those of the primary's pool. Each standby is probed once a second, by a goroutine that
// ends with [DB.Close].
//
// What a user has seen and written is kept in memory, for the 10,000 users who made the most recent calls. Every other user is treated as
// if this user had seen everything that any forgotten user has seen. Another process knows only what a [Token] tells it.
func WithStandbys(dsns ...string) Option {
	return func(o *options) { o.standbys = append(o.standbys, dsns...) }
}

// A Token is how much of the database a user has seen and written. Pass it between the processes of a service, in a cookie for example:
// [Scope.Token] returns it, and [Scope.After] uses it. The zero Token says nothing.
//
// Its text has at most 90 characters: letters, digits, "-" and "_". It contains no user data, and it needs no signature: with a forged
// token a user's own reads may go to the primary or return an older state, and nothing else changes. A token of another user
// or another cluster is ignored.
type Token struct{ position standby.Position }

// String returns the text of the token, for [ParseToken].
func (t Token) String() string { return t.position.String() }

// ParseToken returns the token with a text. For any other text it returns [ErrInvalid]; a service can then go on without a token.
func ParseToken(text string) (Token, error) {
	p, err := standby.Parse(text)
	if err != nil {
		return Token{}, fmt.Errorf("bizydb: token: %w: %w", ErrInvalid, err)
	}
	return Token{p}, nil
}

// Token returns what the user has seen and written through this DB. Without [WithStandbys] it returns the zero Token.
func (s Scope) Token() Token {
	if s.db.standbys == nil {
		return Token{}
	}
	return Token{s.db.standbys.Position(int64(s.user))}
}

// After returns the scope, whose reads return from now on at least what the user had seen and written when the token was made. This
// holds for all scopes of the user on this DB. Without [WithStandbys] After does nothing.
func (s Scope) After(t Token) Scope {
	if s.db.standbys != nil {
		s.db.standbys.Add(int64(s.user), t.position)
	}
	return s
}

// OnPrimary returns a scope of the same user that reads from the primary only. Its reads show what other processes have committed before
// the call, a session that was revoked for example: a standby may not have replayed that yet.
//
// These reads are outside the guarantee of [WithStandbys]. They do not count as seen: the next read of another scope can return an older
// state. They do not wait for a commit that a standby has already shown and the primary has not. Without WithStandbys OnPrimary does nothing.
func (s Scope) OnPrimary() Scope { return s.db.scope(s.user, onlyPrimary) }

// A StandbyStat describes a standby and counts the reads of scopes since [Open].
type StandbyStat struct {
	Name   string        // host and port
	Reads  int64         // answered by the standby
	Behind int64         // sent again to the primary, since the standby had not replayed what the user has seen or written
	Failed int64         // sent again to the primary for any other reason: no connection, a conflict with recovery
	Lag    time.Duration // the age of the last replayed transaction at the last probe; 0 if it has replayed what the primary had written a second ago
	Down   error         // why it gets no reads, or nil
}

// StandbyStats returns statistics of each standby, in the order of [WithStandbys], and how many reads of scopes the primary has
// answered, those that were sent again included. Without [WithStandbys] it returns nil and 0.
func (db *DB) StandbyStats() (standbys []StandbyStat, primary int64) {
	if db.standbys == nil {
		return nil, 0
	}
	for _, s := range db.standbys.Servers() {
		standbys = append(standbys, StandbyStat{
			Name: s.Name(), Reads: s.Reads.Load(), Behind: s.Behind.Load(), Failed: s.Failed.Load(), Lag: s.Lag(), Down: s.Down(),
		})
	}
	return standbys, db.standbys.PrimaryReads()
}

// openStandbys starts to use the standbys.
func (db *DB) openStandbys(ctx context.Context, config *pgxpool.Config, o options) (err error) {
	var pools []*pgxpool.Pool
	defer func() {
		if err != nil {
			for _, pool := range pools {
				pool.Close()
			}
		}
	}()
	for i, dsn := range o.standbys {
		parsed, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return fmt.Errorf("%w (standby %d)", configError(err), i+1)
		}
		for _, other := range parsed.ConnConfig.Fallbacks {
			if other.Host != parsed.ConnConfig.Host || other.Port != parsed.ConnConfig.Port {
				return fmt.Errorf("bizydb: open: %w: standby %d names several servers, %s and %s: give each its own connection string", ErrConfig, i+1, parsed.ConnConfig.Host, other.Host)
			}
		}
		pool, err := pgxpool.NewWithConfig(ctx, inUTC(likePrimary(parsed, config)))
		if err != nil {
			return fmt.Errorf("%w (standby %d)", configError(err), i+1)
		}
		pools = append(pools, pool)
	}
	var database atomic.Uint32
	db.standbys, err = standby.Open(ctx, standby.Config{
		Pools: pools, Note: db.noteTimeline,
		Check: func(ctx context.Context, conn *pgx.Conn, cluster int64) error {
			found, err := inspect(ctx, conn.PgConn(), rights.SQL)
			if err := found.problem(err, conn.Config().User, db.pool.Mode, o); err != nil {
				return err
			}
			return db.sameDatabase(ctx, conn, cluster, &database)
		},
	})
	return err
}

// A standby and its primary have the same system identifier, and their databases the same oids. No other database has both.
const databaseSQL = `SELECT s.system_identifier, d.oid
FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()`

// sameDatabase says why a server does not have the primary's database, or nil. known is the oid of that: the primary is asked if it differs,
// since a database that is restored gets another one.
func (db *DB) sameDatabase(ctx context.Context, conn *pgx.Conn, cluster int64, known *atomic.Uint32) error {
	var its int64
	var oid, primary uint32
	if err := conn.QueryRow(ctx, databaseSQL).Scan(&its, &oid); err != nil {
		return db.pool.Config.Classify(err)
	}
	switch {
	case its != cluster:
		return fmt.Errorf("%w: it is in another cluster: its system identifier is %d, the primary's is %d", ErrConfig, its, cluster)
	case oid == known.Load():
		return nil
	}
	if err := db.pool.QueryRow(ctx, databaseSQL).Scan(nil, &primary); err != nil {
		return fmt.Errorf("the primary's database: %w", db.pool.Config.Classify(err))
	}
	known.Store(primary)
	if oid != primary {
		return fmt.Errorf("%w: %s is another database: its oid is %d, that of the primary's is %d", ErrConfig, conn.Config().Database, oid, primary)
	}
	return nil
}

// likePrimary returns the configuration of a standby's pool: where it is and its sizes are its own, all else is the primary's.
func likePrimary(own, primary *pgxpool.Config) *pgxpool.Config {
	c := primary.Copy()
	c.ConnConfig.Config = own.ConnConfig.Config
	c.ConnConfig.OnNotice, c.ConnConfig.OnNotification = primary.ConnConfig.OnNotice, primary.ConnConfig.OnNotification
	c.MaxConns, c.MinConns, c.MinIdleConns = own.MaxConns, own.MinConns, own.MinIdleConns
	c.MaxConnLifetime, c.MaxConnLifetimeJitter, c.MaxConnIdleTime, c.HealthCheckPeriod = own.MaxConnLifetime, own.MaxConnLifetimeJitter, own.MaxConnIdleTime, own.HealthCheckPeriod
	return c
}

// noteTimeline keeps the primary's timeline in the database, for the standbys.
func (db *DB) noteTimeline(ctx context.Context) (cluster int64, timeline uint32, lsn string, err error) {
	err = db.accountsSession().QueryRow(ctx, noteTimelineSQL).Scan(&cluster, &timeline, &lsn)
	return cluster, timeline, lsn, err
}

const noteTimelineSQL = `-- name: noteTimeline :one
SELECT system_identifier, timeline, pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text FROM bizydb.note_timeline()`

// Replay can hold a lock that no transaction of the primary will let go of. The primary answers then.
const enterStandbySQL = enterScopeSQL + `, pg_catalog.set_config('lock_timeout', '1s', true)`

// servers says which servers the reads of a scope may go to.
type servers bool

const (
	anyServer   servers = false
	onlyPrimary servers = true
)

// routed makes the session of a scope use the standbys.
func (s Scope) routed(session *executor.Session, entry executor.Entry, primary *pgxpool.Pool, where servers) *executor.Session {
	if s.db.standbys == nil {
		return session
	}
	return session.Routed(&standby.Router{
		Set: s.db.standbys, User: int64(s.user), Primary: primary, Outside: where == onlyPrimary,
		Entry: entry, Enter: enter(enterStandbySQL, s.user), Lock: userLockSQL,
	})
}
