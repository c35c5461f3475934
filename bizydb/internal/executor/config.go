package executor

import (
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// A Config is what a schema adds to the mechanism. All of it is set; it must not be copied or changed once it is in use.
type Config struct {
	// Effect says what a statement does, by its text.
	Effect func(sql string) Effect
	// Encode returns the arguments of a statement as they are sent, and an error for one that is not to be sent. It leaves args as
	// they are.
	Encode func(sql string, args []any) ([]any, error)
	// Refused returns the error for what the schema refuses, such as a value that breaks a constraint, wrapping err. It is nil for
	// errors that mean the same in every schema.
	Refused func(pgErr *pgconn.PgError, err error) error
	// Locate adds to an error of a statement which of the many values in one of its arguments it is about.
	Locate func(err error, args []any) error

	Schemas string // on which whoever calls needs USAGE, as in GRANT
	Roles   string // of which it has to be a member, as in GRANT

	queries sync.Map // the *query of each text
}

// An Effect is what a statement does to the database.
type Effect struct {
	Writes  bool // what Entry.EnterToWrite is for
	Changes bool // anything
}
