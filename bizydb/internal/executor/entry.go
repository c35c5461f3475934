package executor

import (
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
)

// An Entry confines the statements that come after it.
type Entry struct {
	Enter        []Statement
	EnterToWrite []Statement // instead of Enter before what writes, where there is any
	EnterToRead  []Statement // instead of Enter before a caller's statement that does not, where there is any
	Leave        []Statement // to undo that, inside a transaction that goes on
	Begin        string      // outside a transaction, statements are sent between this one and COMMIT, if it is not ""
	BeginToRead  string      // instead of Begin before EnterToRead
	Key          any         // an argument of statements whose text takes it: see Config.Text
	Invalid      error       // what every call gives instead
	Roles        string      // the roles that the login must be a member of, as in GRANT
	Login        string      // that is one, in words
}

// A Statement is one that goes with those of a caller.
type Statement struct {
	SQL  string
	Args []any
	Into []any // where its only row is scanned to, if it is not nil; nil leaves a column out
}

// A statement is one with what its text says.
type statement struct {
	*query
	Statement
}

func (c *Config) statement(sql string, args []any) statement {
	q := c.query(sql)
	return statement{q, Statement{SQL: q.sent, Args: args}}
}

// entry returns an entry as it is used.
func (c *Config) entry(e Entry) Entry {
	if c.Entry == nil {
		return e
	}
	return c.Entry(e)
}

// route returns the route of statements that are sent together. toRead says that they must not write, and some are the caller's.
func (e *Entry) route(pool *pgxpool.Pool, enter []Statement, toRead bool) *Route {
	begin := e.Begin
	if toRead && e.BeginToRead != "" {
		begin = e.BeginToRead
	}
	if begin == "" || pool == nil {
		return &Route{Pool: pool, Enter: enter, Leave: e.Leave}
	}
	return &Route{Pool: pool, Enter: slices.Concat([]Statement{{SQL: begin}}, enter), Leave: []Statement{{SQL: "COMMIT"}}}
}

// ToRead returns what comes before statements that must not write; own says that some are the caller's.
func (e *Entry) ToRead(own bool) []Statement {
	if own && e.EnterToRead != nil {
		return e.EnterToRead
	}
	return e.Enter
}

func writes(s statement) bool { return s.Writes }
func owns(s statement) bool   { return s.own }

// toBegin returns what a transaction begins with.
func (e *Entry) toBegin(toWrite bool) []Statement {
	if toWrite && e.EnterToWrite != nil {
		return e.EnterToWrite
	}
	return e.Enter
}
