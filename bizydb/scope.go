package bizydb

import (
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A UserID identifies a user. It is the same type as [planner.UserID].
type UserID = planner.UserID

// A Scope is one user's view of the database: every query of [planner.ReadWriter], confined by row security to that user's goals
// and tasks. Each call is one round trip and one transaction.
//
// A Scope is a value that holds no connection. It can be kept, copied and used concurrently. [DB.As] makes one; the zero Scope
// panics.
type Scope struct {
	planner.ReadWriter
	handle
	db   *DB
	user UserID
}

// handle lets other packages of this module run statements of their own in the scope.
type handle = executor.Handle

func (s Scope) session() *executor.Session { return executor.Of(s.handle) }

// Both settings end with the transaction. set_config is SET LOCAL with parameters; it is qualified, since the login's
// search_path could lead elsewhere.
//
// A statement that writes comes after the lock, the one of bizydb.lock_user in schema/. The previous holder has ended by then, and
// the statement sees its writes.
//
// The user is checked after that, as bizydb_user: in the statement that takes the role, the login's rights would count.
const (
	enterScopeSQL = `SELECT pg_catalog.set_config('bizydb.user_id', $1, true), pg_catalog.set_config('role', 'bizydb_user', true)`
	lockUserSQL   = `, pg_catalog.pg_advisory_xact_lock(` + userLockSQL + `)`
	userLockSQL   = `pg_catalog.hashtextextended('bizydb.user', $1::pg_catalog.int8)`

	// For the service's own statements whose text does not say that they write. A function could.
	readOnlySQL = `, pg_catalog.set_config('transaction_read_only', 'on', true)`

	requireUserSQL = `SELECT * FROM bizydb.require_user()`

	serviceRoles = "bizydb_user, bizydb_accounts" // the roles that a service's login acts as
	serviceLogin = "the service's login"

	// In a service's own transaction, its settings are restored after each query.
	visitScopeSQL = `SELECT pg_catalog.set_config('bizydb.caller_user_id', coalesce(pg_catalog.current_setting('bizydb.user_id', true), ''), true),
       pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true),
       pg_catalog.set_config('bizydb.user_id', $1, true), pg_catalog.set_config('role', 'bizydb_user', true)`
	leaveScopeSQL = `SELECT pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true),
       pg_catalog.set_config('bizydb.user_id', pg_catalog.current_setting('bizydb.caller_user_id'), true)`
)

// As returns the scope of a user. It does not query the database: each call of the scope checks that the user exists and is
// active, and returns [ErrNoUser] otherwise. [Scope.InTx] and [Scope.Snapshot] check when they begin.
func (db *DB) As(user UserID) Scope { return db.scope(user, anyServer) }

func (db *DB) scope(user UserID, where servers) Scope {
	s := Scope{db: db, user: user}
	how := executor.Entry{
		Enter: entry(enterScopeSQL, user), EnterToWrite: entry(enterScopeSQL+lockUserSQL, user), EnterToRead: entry(enterScopeSQL+readOnlySQL, user),
		Invalid: invalid(user), Roles: serviceRoles, Login: serviceLogin,
	}
	session := s.routed(db.pool.Session(how), how, db.pool.Pool, where)
	s.ReadWriter, s.handle = planner.New(session), executor.NewHandle(session)
	return s
}

// WithTx returns the same user's scope inside a transaction of the service's own. Only calls of the returned Tx are confined:
// each call restores the service's own role when it ends. The writes of these calls commit or roll back with the transaction. A
// call takes one round trip, and checks that the user exists and is active.
//
// An error of the server, [ErrNoUser] included, aborts the transaction. Other errors do not abort it: [ErrNotFound] for a
// missing row, and errors that are returned before anything is sent, such as [ErrBusy], [ErrStatement] and the error for a
// user id or a value that is refused. The service has to retry a transaction that fails with [ErrContention]. If the answer to
// the commit is lost, pgx does not return [ErrOutcomeUnknown], and the service has to find out whether the commit happened.
//
// From the first call that writes, other writes for the same user wait until the transaction ends. Until the transaction ends,
// use the returned Tx and not the scope: a write by the scope uses another connection and would wait for this transaction.
//
// The transaction must not use pgx's simple protocol. The service's login must be a member of bizydb_user. If the transaction has
// taken another role, that role needs USAGE on the schemas public and bizydb, and nothing else.
func (s Scope) WithTx(tx pgx.Tx) *Tx {
	how := executor.Entry{
		Enter: entry(visitScopeSQL, s.user), EnterToWrite: entry(visitScopeSQL+lockUserSQL, s.user),
		Leave: []executor.Statement{{SQL: leaveScopeSQL}}, Invalid: invalid(s.user), Roles: serviceRoles, Login: serviceLogin,
	}
	return newTx(s.routed(s.session().Join(tx, how), how, nil, anyServer))
}

// entry returns the statements that precede a query in the scope; sql takes the user's id.
func entry(sql string, user UserID) []executor.Statement {
	return []executor.Statement{enter(sql, user), {SQL: requireUserSQL}}
}

func enter(sql string, user UserID) executor.Statement {
	return executor.Statement{SQL: sql, Args: []any{strconv.FormatInt(int64(user), 10)}}
}

func invalid(user UserID) error {
	if user <= 0 {
		return fmt.Errorf("%w: user id %d", ErrNoUser, user)
	}
	return nil
}
