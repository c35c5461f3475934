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

var errBusy = fmt.Errorf("%w: read the rows of a stream into a slice first, and use a Tx in one goroutine at a time", ErrBusy)
