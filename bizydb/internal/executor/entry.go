package executor

import "slices"

// An Entry confines the statements that come after it.
type Entry struct {
	Enter        []Statement
	EnterToWrite []Statement // instead of Enter before what writes, where there is any
	EnterToRead  []Statement // instead of Enter before a caller's statement that does not, where there is any
	Leave        []Statement // to undo that, inside a transaction that goes on
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
	return statement{c.query(sql), Statement{SQL: sql, Args: args}}
}

// before returns what comes before statements that are sent together.
func (e *Entry) before(statements []statement) []Statement {
	if slices.ContainsFunc(statements, writes) {
		return e.toBegin(true)
	}
	return e.ToRead(slices.ContainsFunc(statements, owns))
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
