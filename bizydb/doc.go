// Package bizydb keeps a service's users, and their goals and tasks, in PostgreSQL. It hands out typed queries that the
// database itself confines to one user.
//
// # The way in
//
// [Open] takes the connection string of the service's login, an ordinary role that owns nothing and may read nothing. What
// it may do is act as one of two others. [DB.As] names a user and gives a [Scope], whose queries run as role bizydb_user
// under row security: they see and change that user's goals and tasks and nothing else. [DB.Accounts] gives the queries on
// users themselves, which run as role bizydb_accounts and never see a goal or a task. There is no third way in: on a
// connection outside a scope, each table answers permission denied.
//
// Each call asks whether the user exists and is active, and gives [ErrNoUser] otherwise, whatever it is: a read, a list, a
// stream, a batch. A transaction of [Scope.InTx] or [Scope.Snapshot] asks when it begins.
//
// The queries are those of [planner.Catalogue], compiled by sqlc from queries/planner. None takes a user id.
//
// # One round trip
//
// A call sends the user, the role, the question whether there is such a user, and the query to the server in one go, without
// BEGIN, which makes them one implicit transaction: the settings end with it, whatever happens. So a scoped call takes one round trip, as a plain query does,
// once its connection is warm: a statement's first use on a connection takes one more. A pool that has not used a
// connection for a second asks whether it is still there before it does, as any pgx pool; see
// [pgxpool.Config].ShouldPing.
//
// [Scope.InTx] runs several statements in one transaction, [Scope.Snapshot] reads consistently, and [Scope.WithTx] gives
// the same queries inside a transaction of the service's own.
//
// # Progress
//
// The percentage of a goal follows its tasks and sub-goals, and its status and CompletedAt with it. Triggers keep it, in
// the transaction of the change and for every client, so no caller has to:
//
//   - Tasks count by number: three of four completed are 75. Sub-goals count by the mean of their percentages; those that
//     are cancelled do not count. A goal with both has the mean of the two. It is rounded to two decimals, but 100 is said
//     only when all is done.
//   - A goal with neither has the percentage that its user sets. It is 0 once the last of its tasks and sub-goals is gone.
//   - An active goal whose work comes to 100 becomes completed, and so does one that is resumed with all of it done. One on
//     hold or cancelled keeps its status; its percentage still follows.
//   - A completed goal is at 100, whatever is under it. New unfinished work under it makes it active again, and every
//     completed goal above: a task or sub-goal that is added, moved in or reopened. Under a cancelled goal, work counts no
//     further up. A goal that its user reopens though all is done stays active, at 100, until its work has changed.
//
// A change costs the same with ten tasks under the goal and with ten thousand. It climbs as far as percentages change.
// [planner.Querier].GoalTree reads a whole tree in one call. RollUp and RollUpAll count anew, for repair.
//
// Whoever writes for a user waits for others that do; users do not wait for each other. A statement of a [Scope], and a
// whole [Scope.InTx], that the server undoes in favour of another transaction is tried again, up to ten times.
//
// # Dependencies
//
// A task can depend on others of the same user, and cannot depend on itself, directly or through them: triggers see to it for
// every client, like progress. A task that is deleted disappears from the lists of those that depended on it. A dependency
// does not hold a task back: it can be started and completed before what it depends on. ReadyTasks are those that need not
// wait; completing the last dependency of a task does not change its status.
//
// # Accounts
//
// [Accounts] has sign-up, sign-in and the life of a user. Who may call it is the service's to decide: it is not confined to
// a user. A [Password] and the hash made of it print as [redacted], wherever they get to.
//
// # Values
//
// Times are kept with microseconds and come back in UTC. Columns that can be NULL are pointers. In the parameters of a
// create, a field left at its zero value takes its default; in those of an update it stays as it is, and the field Clear…
// sets it to NULL. What a value may be is said by the schema, and a [FieldError] says which field was refused and why.
//
// A row of another user is [ErrNotFound], in the same words as one that does not exist.
package bizydb
