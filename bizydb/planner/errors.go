package planner

import (
	"fmt"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// ErrInvalid means that a value is not allowed. It is the same as bizydb.ErrInvalid.
var ErrInvalid = executor.ErrInvalid

// A FieldError says which value was refused, and why. It is the same type as bizydb.FieldError.
type FieldError struct {
	// Table and Column are the names of the table and the column that the value is for, such as tasks and parent_goal_id. For a
	// parameter that is not stored, Table is empty and Column is the name of the parameter, such as time_zone. Column is also the
	// JSON tag of the parameter, if it has one.
	Table, Column string
	// Index is the position of the value in a bulk call such as CreateTasks, from 0. It is nil in other calls, and if the position
	// is unknown: the server does not say which of several references leads to no row.
	Index  *int
	Reason string // like "must be from 1 (highest) to 5 (lowest)"
	// Err is the kind of the error, such as ErrInvalid, and wraps the server's error if there is one.
	Err error
}

// Error returns the field and the reason, like "tasks.priority must be from 1 (highest) to 5
// (lowest)".
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
