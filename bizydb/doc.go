// Package bizydb stores a service's users, and their goals and tasks, in PostgreSQL. Its queries are typed methods, and the
// database confines each call to one user.
//
// # Scopes
//
// [Open] connects with the service's login: an ordinary database role that owns nothing and has no rights on the tables. The
// login can only act as other roles:
//
//   - [DB.As] returns the [Scope] of a user. A Scope has the methods of [planner.ReadWriter]. They run as role bizydb_user
//     under row-level security. They read and write that user's goals and tasks, and by Me and UpdateMe that user's own names,
//     and reach no other user's rows. No method takes a user id. [Scope.DBTX] runs the service's own statements in the same
//     way.
//   - [DB.Accounts] returns the methods on users. These methods run as role bizydb_accounts, which has no rights on goals and
//     tasks.
//   - [DB.Reporting] runs the service's own statements across all users, read-only. The statements run as role
//     bizydb_reporter. A login needs this role only for reports.
//
// Any other statement of the login on bizydb's tables fails with "permission denied".
//
// Each call of a Scope checks that the user exists and is active, and returns [ErrNoUser] otherwise. [Scope.InTx] and
// [Scope.Snapshot] check when they begin.
//
// # One round trip
//
// A call takes one round trip, like a query without a scope. It sends one batch without BEGIN: the settings for the user and
// the role, the check of the user, and the query. The server runs the batch as one implicit transaction. The settings end with
// this transaction, whether it commits or fails. The first use of a statement on a connection takes one more round trip. So
// does an empty page after the first page, if its total is asked for with WithTotal. Like any pgx pool, the pool pings a
// connection that has been idle for a second; see [pgxpool.Config].ShouldPing.
//
// [Scope.InTx] runs several statements in one transaction. [Scope.Snapshot] reads from one snapshot. [Scope.Batch] sends many
// reads in one round trip. [Scope.WithTx] joins a transaction of the service's own.
//
// # Progress
//
// The percentage, the status and CompletedAt of a goal follow its tasks and sub-goals. Triggers maintain them in the transaction
// of the change, for every client of the database:
//
//   - Tasks count equally: three of four completed are 75 percent. Sub-goals count with the mean of their percentages.
//     Cancelled sub-goals do not count. A goal with tasks and sub-goals has the mean of two percentages: that of its tasks and
//     that of its sub-goals. The result is rounded to two decimals, and is 100 only if everything is done.
//   - A goal without tasks and sub-goals has the percentage that its user sets. When the last task or sub-goal of a goal is
//     removed, the percentage is reset to 0.
//   - An active goal becomes completed when its work reaches 100 percent. A goal on hold and a cancelled goal keep their
//     status, and their percentage still follows. If such a goal is set to active when all of its work is done, it becomes
//     completed at once.
//   - A completed goal has 100 percent, even with unfinished work under it. Unfinished work that is added, moved in or
//     reopened under a completed goal makes this goal, and every completed goal above it, active again. Work under a cancelled
//     goal does not count further up.
//   - If a user sets a completed goal to active while all of its work is done, the goal stays active, at 100 percent. It
//     becomes completed the next time its work reaches 100 percent.
//
// The cost of a change does not depend on the number of tasks under the goal. The cost grows with the number of goals above
// the changed row that get another percentage. [planner.Queries.GoalTree] reads a whole tree in one call.
// [planner.Queries.RollUp] and [planner.Queries.RollUpAll] recompute progress from scratch, for repair.
//
// Writes by bizydb for one user are serialized by an advisory lock; different users never block each other. A statement of a
// [Scope], and a whole [Scope.InTx], is retried after a serialization failure or a deadlock, up to ten attempts in all.
//
// # Dependencies
//
// A task can depend on other tasks of the same user, but not on itself, directly or through other tasks. Triggers enforce this
// for every client. Deleting a task removes it from the dependencies of other tasks. Dependencies do not restrict changes: a
// task can be started and completed before its dependencies. ReadyTasks returns the tasks whose dependencies are all
// completed. Completing the last dependency of a task does not change the task's status.
//
// # Trash
//
// A deleted goal or task goes to the trash with its links, whether bizydb or another program deletes it. It stays there until
// it is restored, or removed for good (forgotten): [planner.Queries.RestoreTask], [planner.Queries.RestoreGoal],
// [planner.Queries.ForgetDeleted], [Accounts.ForgetDeleted]. Nothing of a deleted user is kept. The owner of the tables turns
// the trash off with the SQL function bizydb.keep_deleted. docs/trash.md says which links come back.
//
// # Accounts
//
// [Accounts] has sign-up, sign-in and all other methods on users. Its methods are not confined to one user: the service
// decides who may call them. A [Password] prints as [redacted] everywhere, whether it holds a plain text or a hash. Spellings
// of one email address are one account; see [RegisterParams]. With [Accounts.WithTx] a sign-up commits together with the
// service's own rows.
//
// # Values
//
// Times have a resolution of microseconds and are returned in UTC. Nullable columns are pointers. In the parameters of a
// create, a field at its zero value takes the default. In the parameters of an update, a field at its zero value leaves the
// column unchanged, and a Clear… field sets the column to NULL. The schema decides which values are allowed. A [FieldError]
// names the refused field and the reason. A text cannot contain a NUL character or invalid UTF-8.
//
// # Errors
//
// An error matches at most one of these kinds. Test for a kind with [errors.Is]:
//
//   - [ErrNotFound]: the row of the call does not exist
//   - [ErrUnknownReference]: a value references a row that does not exist
//   - [ErrInvalid]: a value is not allowed
//   - [ErrConflict]: a value conflicts with other rows
//   - [ErrNoUser]: the user does not exist or is not active
//   - [ErrContention], [ErrPoolExhausted], [ErrUnavailable]: try again later
//   - [ErrOutcomeUnknown]: the answer to a write was lost
//
// A row of another user returns the same error as a row that does not exist. docs/errors.md lists all kinds, with an HTTP
// status for each.
package bizydb
