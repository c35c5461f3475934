// Package planner has a user's goals and tasks as Go types, and the queries on them as typed methods. The files ending in .sql.go
// are compiled by sqlc from the SQL in schema/ and queries/planner/.
//
// [Reader] has the queries that only read and [ReadWriter] has all of them; [Queries] implements both. A service does not
// construct one: a bizydb.Scope and a bizydb.Tx are ReadWriters confined to one user, and Batch hands out Readers. [New], [DBTX],
// [Querier] and [Queries.WithTx] are sqlc's and confine nothing: what they make runs with the rights of the connection that it is
// given, and a service's login has none.
//
// # Testing
//
// To fake queries in a test, declare an interface of the methods that the service uses: a Scope, a Tx and the fake implement it.
// See the example. A fake can also embed [ReadWriter] and override what the test calls; every release may add methods. To run
// the queries instead, use a real database from package bizydbtest.
//
// # Conventions
//
// A list without matches is an empty slice, never nil. Limit 0 means all. Lists of tasks are in list order unless they say
// otherwise: the most urgent priority first, then the earliest due date, tasks without one last, then the newest. A write to a row
// that does not exist returns bizydb.ErrNotFound, and a value that points at one bizydb.ErrUnknownReference.
//
// A nil At means now. Days and weeks are those of TimeZone, an IANA name like Europe/Berlin. An empty TimeZone means UTC, and one
// that the server does not know returns bizydb.ErrInvalid. (The server also accepts POSIX names, in which UTC+2 is west of Greenwich.) A day
// starts when the clock first shows its date, a week on Monday. Dates are returned as midnight UTC. Sums of hours are 0 if there is
// nothing to add.
//
// Case is ignored as the locale of the database defines it.
package planner
