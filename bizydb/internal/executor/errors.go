package executor

import (
	"errors"
	"fmt"
)

// Errors that have the same meaning in every schema. Package bizydb exports them and documents each.
var (
	ErrNotFound       = errors.New("not found")
	ErrInvalid        = errors.New("invalid value")
	ErrContention     = errors.New("lost to other transactions")
	ErrPoolExhausted  = errors.New("connection pool exhausted")
	ErrUnavailable    = errors.New("server unavailable")
	ErrOutcomeUnknown = errors.New("outcome unknown")
	ErrBusy           = errors.New("connection is busy")
	ErrReadOnly       = errors.New("transaction is read-only")
	ErrConfig         = errors.New("invalid configuration")
	ErrSimpleProtocol = errors.New("the simple protocol cannot be confined: use another exec mode")
	ErrConnect        = errors.New("cannot connect")
	ErrMissingGrant   = errors.New("a grant is missing")
	ErrStatement      = errors.New("not a statement for a scope")
)

// A callError says in which call an error came up: by the name of a query until [NameError] gives it that of the method.
type callError struct {
	call string
	err  error
}

func (e *callError) Error() string { return "bizydb: " + e.call + ": " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// NameError gives the error of a method the method's name, in place of that of the query that failed. A method that is not a query
// itself defers it.
func NameError(err *error, method string) {
	if failed, ok := (*err).(*callError); ok {
		*err = failed.err
	}
	if *err != nil {
		*err = &callError{method, *err}
	}
}

var errBusy = fmt.Errorf("%w: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", ErrBusy)
