package bizydb

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A Reporting reads across all users, for reports and jobs: all goals, all tasks and, by the view bizydb.profiles, all accounts
// without their password hashes, inactive ones included. It runs the service's own statements as role bizydb_reporter, which
// cannot write a row of any table, in a read-only transaction. Each call is one round trip and one transaction.
//
// The login must be a member of bizydb_reporter. Otherwise every call returns [ErrMissingGrant], with the statement that grants
// the role. Give reports a login of their own: SQL that runs with a login can read all that its roles may read. docs/reporting.md
// has the SQL that creates this login. These rules prevent mistakes. They do not protect against injected SQL: SECURITY.md lists
// the effects that it can have without writing a row.
//
// A Reporting is a value that holds no connection. It can be kept, copied and used concurrently. [DB.Reporting] makes one; the
// zero Reporting panics.
type Reporting struct{ session *executor.Session }

const (
	actAsReporterSQL = `SELECT pg_catalog.set_config('role', 'bizydb_reporter', true)` + readOnlySQL

	// In a service's own transaction, rolling back to a savepoint undoes the settings of the report and its SQL. The name is
	// unusual, since ROLLBACK TO goes to the last savepoint of a name.
	beginReportSQL = `SAVEPOINT "bizydb.report"`
	undoReportSQL  = `ROLLBACK TO SAVEPOINT "bizydb.report"`
	endReportSQL   = `RELEASE SAVEPOINT "bizydb.report"`

	reporterRole = "bizydb_reporter"
	reportsLogin = "the login for reports"
)

// Reporting returns a [Reporting], which reads across all users. It does not query the database.
func (db *DB) Reporting() Reporting {
	return Reporting{db.pool.Session(executor.Entry{Enter: []executor.Statement{{SQL: actAsReporterSQL}}, Roles: reporterRole, Login: reportsLogin})}
}

// DBTX runs the service's own statements, read-only, with the rules of [DBTX]. A statement whose text says that it writes, FOR
// UPDATE and FOR SHARE included, returns [ErrReadOnly] before anything is sent. For a statement that calls a function which
// writes, the server raises an error, and the call returns [ErrReadOnly] too.
//
// Query reads rows as they arrive, however many there are. Use it with [pgx.ForEachRow] for long results: sqlc's :many collects
// them in a slice.
func (r Reporting) DBTX() DBTX { return r.session.Own(executor.ReadOnly) }

// Snapshot runs fn in one read-only transaction in which every statement sees the same snapshot of the database, taken when the
// transaction begins. Begin and commit are one round trip each. fn may run up to ten times, since a standby can cancel a
// snapshot: keep side effects out of it. While the transaction is open, the server cannot clean up rows that others delete or
// update.
func (r Reporting) Snapshot(ctx context.Context, fn func(db DBTX) error) error {
	return r.session.InTx(ctx, pgx.ReadOnly, func(session *executor.Session) error { return fn(session.Own(executor.ReadOnly)) })
}

// Batch runs functions and sends their statements together in one round trip, as [Scope.Batch] does.
func (r Reporting) Batch(ctx context.Context, reads ...func(db DBTX) error) error {
	return executor.Batch(ctx, r.session, func(part *executor.Part) DBTX { return part.Own(executor.ReadOnly) }, reads)
}

// WithTx runs statements inside a transaction of the service's own. The statements see the uncommitted changes of the
// transaction. Each statement runs within a savepoint called "bizydb.report" that is rolled back afterwards. The rollback
// restores the service's role and settings, whatever the statement has set, and the transaction can write again. The rules of
// [Scope.WithTx] on errors, retries, roles and exec modes hold here too.
func (r Reporting) WithTx(tx pgx.Tx) DBTX {
	return r.session.Join(tx, executor.Entry{
		Enter: []executor.Statement{{SQL: beginReportSQL}, {SQL: actAsReporterSQL}},
		Leave: []executor.Statement{{SQL: undoReportSQL}, {SQL: endReportSQL}},
		Roles: reporterRole, Login: reportsLogin,
	}).Own(executor.ReadOnly)
}
