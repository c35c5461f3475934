// Package bizydb stores a service's users, and their goals and tasks, in PostgreSQL. Its queries are typed methods, and the
// database confines each call to one user.
//
// # Scopes
//
// [Open] connects with the service's login, an ordinary role that owns nothing and has no rights on the tables. The login can
// only act as other roles:
//
//   - [DB.As] returns the [Scope] of a user. Its methods are those of [planner.ReadWriter]. They run as role bizydb_user under
//     row-level security, and read and write that user's goals and tasks and nothing else. No method takes a user id.
//   - [DB.Accounts] returns the methods on users. They run as role bizydb_accounts, which has no rights on goals and tasks.
//   - [DB.Reporting] runs the service's own statements across all users, read-only. They run as role bizydb_reporter, which the
//     login needs only for this.
//
// Any other statement of the login on bizydb's tables fails with "permission denied".
//
// Each call of a Scope checks that the user exists and is active, and returns [ErrNoUser] otherwise. [Scope.InTx] and
// [Scope.Snapshot] check when they begin.
//
// # One round trip
//
// A call takes one round trip, like a plain query. It sends the user, the role, the check and the query as one batch without
// BEGIN. The server runs the batch as one implicit transaction, so the settings always end with it. The first use of a statement
// on a connection takes one more round trip. Like any pgx pool, the pool pings a connection that has been idle for a second; see
// [pgxpool.Config].ShouldPing.
//
// [Scope.InTx] runs several statements in one transaction. [Scope.Snapshot] reads from one snapshot. [Scope.Batch] sends many
// reads in one round trip. [Scope.WithTx] joins a transaction of the service's own.
//
// # Progress
//
// The percentage, the status and CompletedAt of a goal follow its tasks and sub-goals. Triggers maintain them in the transaction
// of the change, for every client of the database:
//
//   - Tasks count equally: three of four completed are 75 percent. Sub-goals count with the mean of their percentages, except
//     cancelled ones. A goal with both has the mean of the two. The result is rounded to two decimals, and is 100 only if
//     everything is done.
//   - A goal without tasks and sub-goals has the percentage that its user sets. It is reset to 0 when the last task or sub-goal
//     is removed.
//   - An active goal becomes completed when its work reaches 100 percent, and so does a goal that is set to active with all work
//     done. A goal on hold and a cancelled goal keep their status, and their percentage still follows.
//   - A completed goal has 100 percent, even with unfinished work under it. New unfinished work under it, whether added, moved in
//     or reopened, makes the goal and every completed goal above it active again. Work under a cancelled goal does not count
//     further up. A goal that its user reopens with all work done stays active, at 100, until its work changes.
//
// The cost of a change does not depend on the number of tasks under the goal. It grows with the number of goals above it whose
// percentages change. [planner.Queries.GoalTree] reads a whole tree in one call. [planner.Queries.RollUp] and
// [planner.Queries.RollUpAll] recompute progress from scratch, for repair.
//
// Writes for one user are serialized by an advisory lock; different users never block each other. A statement of a [Scope], and a
// whole [Scope.InTx], is retried after a serialization failure or a deadlock, up to ten times in all.
//
// # Dependencies
//
// A task can depend on other tasks of the same user, but not on itself, directly or through other tasks. Triggers enforce this
// for every client. Deleting a task removes it from the dependencies of other tasks. Dependencies do not block changes: a task
// can be started and completed before its dependencies. ReadyTasks returns the tasks whose dependencies are all completed.
// Completing the last dependency of a task does not change the task's status.
//
// # Trash
//
// A deleted goal or task is kept with its links, whichever client deletes it, until it is restored or forgotten:
// [planner.Queries.RestoreTask], [planner.Queries.RestoreGoal], [planner.Queries.ForgetDeleted], [Accounts.ForgetDeleted].
// Nothing of a deleted user is kept. The owner of the tables turns the trash off with the SQL function bizydb.keep_deleted.
// docs/trash.md says which links come back.
//
// # Accounts
//
// [Accounts] has sign-up, sign-in and everything else about users. It is not confined to one user: the service decides who may
// call it. A [Password] and its hash print as [redacted] everywhere. Spellings of one email address are one account; see
// [RegisterParams]. With [Accounts.WithTx] a sign-up commits together with the service's own rows.
//
// # Values
//
// Times have a resolution of microseconds and are returned in UTC. Nullable columns are pointers. In the parameters of a create,
// a field at its zero value takes the default. In the parameters of an update, it leaves the column unchanged, and Clear… sets
// the column to NULL. The schema decides which values are allowed. A [FieldError] names the refused field and the reason. A text
// cannot contain a NUL character or invalid UTF-8.
//
// # Errors
//
// Every error is of one kind. Test for it with [errors.Is]:
//
//   - [ErrNotFound]: the row of the call does not exist
//   - [ErrUnknownReference]: a value references a row that does not exist
//   - [ErrInvalid]: a value is not allowed
//   - [ErrConflict]: a value conflicts with other rows
//   - [ErrNoUser]: the user does not exist or is not active
//   - [ErrContention], [ErrPoolExhausted], [ErrUnavailable]: try again later
//   - [ErrOutcomeUnknown]: the answer to a write was lost
//
// A row of another user returns the same error as a row that does not exist. docs/errors.md lists all errors, with an HTTP status
// for each.
package bizydb
