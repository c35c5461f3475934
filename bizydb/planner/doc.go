// Package planner holds a user's goals and tasks as Go types, and the queries on them as typed methods. What stands in
// files ending in .sql.go, [Querier] and the types of tables are compiled by sqlc from the SQL in schema/ and
// queries/planner/.
//
// [Catalogue] is all that can be asked: the queries of [Querier], each one statement, and a few methods made of them. A
// service does not construct it: package bizydb hands it out, confined to one user, as a Scope, and inside a transaction as
// a Tx. Queries made by hand with [New] run with the rights of the connection that they are given, and a service's login has
// none.
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
