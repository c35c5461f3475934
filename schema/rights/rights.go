// Package rights compares what a database lets bizydb's roles do with what the migrations let them.
package rights

import (
	_ "embed"
	"strings"
)

// Script is rights.sql, for psql.
//
//go:embed rights.sql
var Script string

// A Difference is a statement to be run, and why.
type Difference struct {
	SQL string
	Why Why
}

// A Why says why an object or a right differs.
type Why string

const (
	Lost    Why = "lost"    // missing, and not to be mended by a statement; SQL is a comment that names it
	Less    Why = "less"    // missing
	Needed  Why = "needed"  // missing to a service's login
	More    Why = "more"    // beyond what bizydb's roles should have
	Public  Why = "PUBLIC"  // beyond what PUBLIC should have
	Login   Why = "login"   // beyond what a service's login should have
	Another Why = "another" // a superuser, or owns bizydb's objects: a service should log in as another role; SQL is a comment
)

// SQL selects the differences, one text each, in the order in which they are to be run. It is several statements, of which the last
// one gives the rows, for the simple protocol or a transaction. With the setting bizydb.judge_login on, the login counts as well.
var SQL = func() string {
	_, sql, _ := strings.Cut(Script, "BEGIN;\n")
	sql, _, _ = strings.Cut(sql, `\gexec`)
	return sql
}()

// Parse makes a Difference of a row.
func Parse(row string) Difference {
	at := strings.LastIndex(row, " -- ")
	return Difference{SQL: row[:at], Why: Why(row[at+len(" -- "):])}
}
