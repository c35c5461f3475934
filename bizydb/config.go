package bizydb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// newConfig is what package executor has to know of schema/ and queries/, and of the service's own constraints.
func newConfig(own map[string]Constraint) *executor.Config {
	return &executor.Config{
		Effect: effect, Writers: writers, Encode: encode, Locate: withIndex, Schemas: "public, bizydb", Roles: "bizydb_user, bizydb_accounts",
		Refused: func(pgErr *pgconn.PgError, err error) error {
			if refused := refusedByServer(pgErr, err); refused != nil {
				return refused
			}
			return refusedByOwn(own, pgErr, err)
		},
	}
}

// writers are the functions of schema/ that a service can call in a scope and that write, and functions of the server that leave
// something. A test asks the server whether those of schema/ are all.
var writers = []string{
	"nextval", "setval", "pg_notify", "lo_create", "lo_creat", "lo_from_bytea", "lo_import", "lo_put", "lo_unlink",
	"roll_up", "roll_up_all", "date_imported_goals",
}

// effect tells which queries write goals or tasks, and which change accounts. A test asks the server whether that is so.
func effect(sql string) (e executor.Effect) {
	has := func(text string) bool { return strings.Contains(sql, text) }
	e.Writes = slices.ContainsFunc([]string{"INSERT INTO public.", "UPDATE public.", "DELETE FROM public.", " bizydb.roll_up"}, has)
	e.Changes = e.Writes || slices.ContainsFunc([]string{"UPDATE bizydb.", " bizydb.delete_user"}, has)
	return e
}

// noSuchUser is the SQLSTATE of bizydb.require_user, of a class that is free for applications.
const noSuchUser = "UB001"

// zoneRoutines are where a server says that it does not have a time zone. The code says less, and the message is in its language.
var zoneRoutines = []string{"timestamptz_zone", "timestamp_zone", "DecodeTimezoneName"} // the last since PostgreSQL 16

// refusedByServer gives what the server refuses its name where schema/ or a parameter of queries/ says what it is about.
func refusedByServer(pgErr *pgconn.PgError, err error) error {
	if r, ok := rules[pgErr.ConstraintName]; ok {
		return &FieldError{Table: r.table, Column: r.column, Reason: r.reason, Err: fmt.Errorf("%w: %w", r.kind, err)}
	}
	switch {
	case pgErr.Code == noSuchUser:
		return fmt.Errorf("%w: %w", ErrNoUser, err)
	case pgErr.Code == pgerrcode.InvalidRowCountInLimitClause:
		return &FieldError{Column: "limit", Reason: "must not be negative", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	case pgErr.Code == pgerrcode.InvalidParameterValue && slices.Contains(zoneRoutines, pgErr.Routine): // Go has the zone, the server does not
		return &FieldError{Column: "time_zone", Reason: "must be a time zone that the server has", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	default:
		return nil
	}
}
