package executor

// An Entry confines the statements that come after it.
type Entry struct {
	Enter        []Statement
	EnterToWrite []Statement // instead of Enter before what writes, where there is any
	Leave        []Statement // to undo that, inside a transaction that goes on
	Invalid      error       // what every call gives instead
}

// A Statement is one that goes with those of a caller.
type Statement struct {
	SQL  string
	Args []any
}

func (e *Entry) enter(toWrite bool) []Statement {
	if toWrite && e.EnterToWrite != nil {
		return e.EnterToWrite
	}
	return e.Enter
}
