// Package planner holds a user's goals and tasks as Go types, and the queries on them as typed methods. Everything but
// the types of types.go is compiled by sqlc from the SQL in schema/ and queries/planner/.
//
// [Querier] is the whole catalogue. A service does not construct it: package bizydb hands it out, confined to one user,
// as a Scope, and inside a transaction as a Tx. Queries made by hand with [New] run with the rights of the connection
// that they are given, and a service's login has none.
package planner
