package planner

import (
	"fmt"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// ErrInvalid is the error for a value that is not accepted. It is the same as bizydb.ErrInvalid.
var ErrInvalid = executor.ErrInvalid

// A FieldError says which value is not accepted, and why. It is the same type as bizydb.FieldError.
type FieldError struct {
	// Table and Column name the field as the database and the JSON tags of the parameters do, like tasks and parent_goal_id. Table is
	// empty for a parameter that is not stored, such as time_zone.
	Table, Column string
	// Index is the position of the value in a bulk call such as CreateTasks, from 0. It is nil in other calls, and where it is not known:
	// when the server refuses a reference to an unknown row, which several of the values may have made.
	Index  *int
	Reason string // like "must be from 1 to 5"
	// Err is what kind of error this is, such as ErrInvalid, with the server's error if there is one.
	Err error
}

func (e *FieldError) Error() string {
	switch {
	case e.Column == "": // a value by itself
		return e.Reason
	case e.Table == "":
		return fmt.Sprintf("%s %s", e.Column, e.Reason)
	case e.Index != nil:
		return fmt.Sprintf("%s[%d].%s %s", e.Table, *e.Index, e.Column, e.Reason)
	}
	return fmt.Sprintf("%s.%s %s", e.Table, e.Column, e.Reason)
}

// Unwrap returns Err.
func (e *FieldError) Unwrap() error { return e.Err }
