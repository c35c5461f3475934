package bizydb

import (
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// UserID identifies a user. It is the same type as [planner.UserID].
type UserID = planner.UserID

// A Scope is one user's view of the database: every query of [planner.ReadWriter], confined to that user's goals and tasks by row
// security. Each call is one round trip and one transaction.
//
// A Scope is a value that holds no connection. It can be kept, copied and used concurrently. [DB.As] makes one; the zero Scope panics.
type Scope struct {
	planner.ReadWriter
	db   *DB
	user UserID
}

// Both settings end with the transaction. set_config is SET LOCAL with parameters; it is qualified, since the login's
// search_path could lead elsewhere.
//
// A statement that writes comes after the lock, which is that of bizydb.lock_user in schema/: whoever had it before has
// ended by then, and the statement sees what they did.
//
// Whether there is such a user is asked then, as bizydb_user. In the statement that takes the role, the rights of whoever
// calls would count.
const (
	enterScopeSQL = `SELECT pg_catalog.set_config('bizydb.user_id', $1, true), pg_catalog.set_config('role', 'bizydb_user', true)`
	lockUserSQL   = `, pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('bizydb.user', $1::pg_catalog.int8))`

	requireUserSQL = `SELECT * FROM bizydb.require_user()`

	// In a service's own transaction, what it had set comes back after each query.
	visitScopeSQL = `SELECT pg_catalog.set_config('bizydb.caller_user_id', coalesce(pg_catalog.current_setting('bizydb.user_id', true), ''), true),
       pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true),
       pg_catalog.set_config('bizydb.user_id', $1, true), pg_catalog.set_config('role', 'bizydb_user', true)`
	leaveScopeSQL = `SELECT pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true),
       pg_catalog.set_config('bizydb.user_id', pg_catalog.current_setting('bizydb.caller_user_id'), true)`
)

// As confines queries to a user. It asks the database nothing: each call looks the user up, and gives [ErrNoUser] for one
// who does not exist or is not active. [Scope.InTx] and [Scope.Snapshot] do so when they begin.
func (db *DB) As(user UserID) Scope {
	s := Scope{db: db, user: user}
	s.ReadWriter = planner.New(&session{
		pool: db.pool, mode: db.mode, invalid: s.invalid(),
		enter: s.entry(enterScopeSQL), enterToWrite: s.entry(enterScopeSQL + lockUserSQL),
	})
	return s
}

// WithTx returns the same user's scope inside a transaction of the service's own. Only the calls made through it are
// confined: before the next statement of the service its own role is back. What they write is committed or rolled back
// with the transaction, by the service. A call is one round trip. Each call looks the user up. As with any statement, one
// that fails aborts the transaction, also with [ErrNoUser], and one that loses to another transaction is the service's to
// try again. From the first call that writes on, others that write for the same user wait until the transaction ends.
//
// The transaction must not use pgx's simple protocol. The service's login must be allowed to act as bizydb_user; another role
// that it has taken in the transaction needs USAGE on the schemas public and bizydb, and no more. Until the transaction
// ends, use what WithTx returned and not the scope: on a connection of its own, that could wait for the transaction. Whether
// a commit whose answer was lost has happened is the service's to find out: pgx has no [ErrOutcomeUnknown].
func (s Scope) WithTx(tx pgx.Tx) *Tx {
	session := &session{
		tx: tx, invalid: s.invalid(), prepared: statements{},
		enter: s.entry(visitScopeSQL), enterToWrite: s.entry(visitScopeSQL + lockUserSQL), leave: []statement{{sql: leaveScopeSQL}},
	}
	if session.mode = tx.Conn().Config().DefaultQueryExecMode; session.mode == pgx.QueryExecModeSimpleProtocol {
		session.invalid = fmt.Errorf("bizydb: %w", ErrSimpleProtocol)
	}
	return &Tx{ReadWriter: planner.New(session)}
}

// entry is what comes before a query in the scope; sql takes the user's id.
func (s Scope) entry(sql string) []statement {
	return []statement{{sql: sql, args: []any{strconv.FormatInt(int64(s.user), 10)}}, {sql: requireUserSQL}}
}

func (s Scope) invalid() error {
	if s.user <= 0 {
		return fmt.Errorf("bizydb: %w: user id %d", ErrNoUser, s.user)
	}
	return nil
}
