// Package planner holds a user's goals and tasks as Go types, and the queries on them as typed methods. What stands in
// files ending in .sql.go is compiled by sqlc from the SQL in schema/ and queries/planner/.
//
// [Reader] has the queries that only read and [ReadWriter] has all of them; [Queries] implements both. A service does not
// construct one: a bizydb.Scope and a bizydb.Tx are ReadWriters confined to one user, and Batch hands out Readers. Queries made
// with [New] run with the rights of the connection that they are given, and a service's login has none.
//
// # Testing
//
// Only this package can implement [Querier] and [ReadWriter], since they have unexported methods. To fake queries in a test,
// declare an interface of the methods that the service uses, which a Scope, a Tx and the fake all have; see the example. To run
// them instead, take a real database from package bizydbtest.
//
// # What the queries have in common
//
// A list that finds nothing is an empty slice, never nil. A Limit of 0 means all. Lists of tasks are, unless they say
// otherwise, in this order: the most urgent priority first, then the earliest due date, those without one last, then the
// newest. What a change or deletion does not find is bizydb.ErrNotFound.
//
// At stands for now where it is nil. Days and weeks are those of TimeZone, an IANA name like Europe/Berlin, UTC where it is
// empty; one that the server does not know is bizydb.ErrInvalid. (It knows those of POSIX too, in which UTC+2 is west.) A
// day begins when the clock says so for the first time, and a week on Monday. Dates come back as midnight UTC. Hours are
// sums, 0 where there is nothing to add.
//
// What is searched without regard to case goes by the locale of the database.
package planner
