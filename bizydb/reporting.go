package bizydb

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// Reporting reads across all users, for reports and jobs: the goals, the tasks and, by the view bizydb.profiles, the accounts of
// everybody, active or not, without password hashes. Beside [Reporting.ChangedUsers] it runs the service's queries, as role bizydb_reporter, which
// may not write a row of any table, in a read-only transaction. Each call is one round trip and one transaction.
//
// The login must be a member of bizydb_reporter. Otherwise every call returns [ErrMissingGrant] with the statement that is missing. Give
// reports a login of their own: whoever can run SQL with a login reads whatever its roles may. docs/reporting.md has the SQL. This keeps
// out mistakes: SECURITY.md lists what SQL that others write can leave behind without writing a row.
//
// A Reporting is a value that holds no connection. It can be kept, copied and used concurrently. [DB.Reporting] makes one; the zero
// Reporting panics.
type Reporting struct{ session *executor.Session }

const (
	actAsReporterSQL = `SELECT pg_catalog.set_config('role', 'bizydb_reporter', true)` + readOnlySQL

	// In a service's own transaction, a savepoint takes back what the report and its SQL have set. It has a name of its own, since
	// ROLLBACK TO after an error goes to the last savepoint of that name.
	beginReportSQL = `SAVEPOINT "bizydb.report"`
	undoReportSQL  = `ROLLBACK TO SAVEPOINT "bizydb.report"`
	endReportSQL   = `RELEASE SAVEPOINT "bizydb.report"`

	reporterRole = "bizydb_reporter"
	reportsLogin = "the login for reports"
)

// Reporting returns what reads across all users.
func (db *DB) Reporting() Reporting {
	return Reporting{db.pool.Session(executor.Entry{Enter: []executor.Statement{{SQL: actAsReporterSQL}}, Roles: reporterRole, Login: reportsLogin})}
}

// DBTX runs the service's own statements, by the rules of [DBTX], except that all of them are read-only: one whose text says that it
// writes, FOR UPDATE and FOR SHARE among them, gives [ErrReadOnly] before anything is sent. A statement that calls a function which writes
// gives it too, from the server.
//
// Query reads the rows as they come, however many there are: use it with [pgx.ForEachRow], since sqlc's :many collects them in a slice.
func (r Reporting) DBTX() DBTX { return r.session.Own(executor.ReadOnly) }

// Snapshot runs fn in one transaction, in which every statement sees the same snapshot of the database, taken when the transaction begins.
// Begin and commit are one round trip each. fn may run up to ten times, since a standby can take a snapshot back: keep side effects out of
// it. While it is open, the server cannot remove what others delete or update.
func (r Reporting) Snapshot(ctx context.Context, fn func(db DBTX) error) error {
	return r.session.InTx(ctx, pgx.ReadOnly, func(session *executor.Session) error { return fn(session.Own(executor.ReadOnly)) })
}

// Batch sends the statements that several functions ask at the same time in one round trip, as [Scope.Batch] does.
func (r Reporting) Batch(ctx context.Context, reads ...func(db DBTX) error) error {
	return executor.Batch(ctx, r.session, func(part *executor.Part) DBTX { return part.Own(executor.ReadOnly) }, reads)
}

// WithTx runs statements inside a transaction of the service's own, which sees its own changes. Each runs within a savepoint called
// "bizydb.report", which is rolled back: the service's role and settings are back afterwards, whatever the statement has set, and the
// transaction can write. What [Scope.WithTx] says of errors, retries, roles and exec modes holds here too.
func (r Reporting) WithTx(tx pgx.Tx) DBTX {
	return r.session.Join(tx, executor.Entry{
		Enter: []executor.Statement{{SQL: beginReportSQL}, {SQL: actAsReporterSQL}},
		Leave: []executor.Statement{{SQL: undoReportSQL}, {SQL: endReportSQL}},
		Roles: reporterRole, Login: reportsLogin,
	}).Own(executor.ReadOnly)
}
