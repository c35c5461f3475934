// Package bizydb keeps a service's users, and their goals and tasks, in PostgreSQL. It provides typed queries that the database
// itself confines to one user.
//
// # Scopes
//
// [Open] takes the connection string of the service's login, an ordinary role that owns nothing and has no rights on the tables.
// The login may only act as one of two other roles. [DB.As] returns a user's [Scope], whose queries run as role bizydb_user under
// row-level security: they read and write that user's goals and tasks and nothing else. [DB.Accounts] returns the queries on users,
// which run as role bizydb_accounts and have no access to goals and tasks. Outside a scope every table gives permission denied.
//
// [DB.Reporting] reads across all users and writes no row of a table, as role bizydb_reporter: for reports and jobs, with a login that has
// been granted it.
//
// Each call checks that the user exists and is active, and returns [ErrNoUser] otherwise: reads, lists, streams and batches too.
// [Scope.InTx] and [Scope.Snapshot] check when they begin.
//
// The queries are the methods of [planner.ReadWriter], compiled by sqlc from queries/planner. None takes a user id.
//
// # One round trip
//
// A call sends the user, the role, the check and the query in one batch without BEGIN. The server runs a batch as one implicit
// transaction, so the settings end with it, whatever happens. A scoped call takes one round trip, like a plain query, once the
// connection is warm: the first use of a statement on a connection takes one more. Like any pgx pool, the pool pings a connection
// that has been idle for a second; see [pgxpool.Config].ShouldPing.
//
// [Scope.InTx] runs several statements in one transaction. [Scope.Snapshot] reads consistently. [Scope.Batch] sends many reads in
// one round trip. [Scope.WithTx] joins a transaction of the service's own.
//
// # Progress
//
// A goal's percentage, status and CompletedAt follow its tasks and sub-goals. Triggers maintain them in the transaction of the
// change, for every client of the database:
//
//   - Tasks count equally: three of four completed are 75 percent. Sub-goals count with the mean of their percentages, except
//     cancelled ones. A goal with both has the mean of the two. The result is rounded to two decimals, and is 100 only if
//     everything is done.
//   - A goal without tasks and sub-goals has the percentage that its user sets. It is reset to 0 when the last task or sub-goal is
//     removed.
//   - An active goal becomes completed when its work reaches 100 percent; so does a goal that is set to active with all work done.
//     A goal on hold and a cancelled one keep their status, and their percentage still follows.
//   - A completed goal has 100 percent, whatever is under it. New unfinished work under it, whether added, moved in or reopened,
//     makes the goal and every completed goal above it active again. Work under a cancelled goal does not count further up. A goal
//     that its user reopens with all work done stays active, at 100, until its work changes.
//
// The cost of a change does not depend on the number of tasks under the goal. It grows with the number of goals above whose
// percentages change. [planner.Queries.GoalTree] reads a whole tree in one call. [planner.Queries.RollUp] and
// [planner.Queries.RollUpAll] recompute progress from scratch, for repair.
//
// Writes for one user are serialized by an advisory lock; different users never block each other. A statement of a [Scope], and a
// whole [Scope.InTx], that fails with a serialization failure or a deadlock is retried up to ten times.
//
// # Dependencies
//
// A task can depend on other tasks of the same user, but not on itself, directly or through others. Triggers enforce this for every
// client. When a task is deleted, it is removed from the dependencies of other tasks. Dependencies do not block changes: a task can
// be started and completed before those that it depends on. ReadyTasks returns the tasks whose dependencies are completed;
// completing the last dependency does not change a task's status.
//
// # Trash
//
// What is deleted, by any client, is kept with its links until it is restored or forgotten: [planner.Queries.RestoreTask],
// [planner.Queries.RestoreGoal], [planner.Queries.ForgetDeleted], [Accounts.ForgetDeleted]. Nothing is kept of a user who is deleted. An owner turns
// it off with the SQL function bizydb.keep_deleted. docs/trash.md says what comes back.
//
// # Accounts
//
// [Accounts] has sign-up, sign-in and everything else about users. It is not confined to one user, so the service decides who may
// call it. A [Password] and its hash print as [redacted] everywhere. An email address is one account however it is written.
// [Accounts.WithTx] lets a sign-up commit with the service's own rows.
//
// # Values
//
// Times have microseconds and are returned in UTC. Nullable columns are pointers. In the parameters of a create, a field at its zero
// value takes the default. In those of an update, it leaves the column unchanged, and Clear… sets the column to NULL. The schema
// decides which values are allowed, and a [FieldError] says which field was refused and why. No text can contain a NUL character
// or invalid UTF-8.
//
// # Errors
//
// Every error is of one kind: the row of the call does not exist ([ErrNotFound]), a value points at a row that does not exist
// ([ErrUnknownReference]), a value is not allowed ([ErrInvalid]) or collides with other rows ([ErrConflict]), the user does not exist
// or is not active ([ErrNoUser]), try later ([ErrContention], [ErrPoolExhausted], [ErrUnavailable]), a change whose answer was lost
// ([ErrOutcomeUnknown]). docs/errors.md has all of them, and an HTTP status for each.
//
// A row of another user gives the same error as a row that does not exist.
package bizydb
