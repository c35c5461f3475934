package bizydb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// newConfig tells package executor about schema/, queries/ and the service's own constraints.
func newConfig(own map[string]Constraint) *executor.Config {
	return &executor.Config{
		Effect: effect, Writers: writers, Encode: encode, Locate: withIndex, Schemas: "public, bizydb",
		Refused: func(pgErr *pgconn.PgError, err error) error {
			if refused := refusedByServer(pgErr, err); refused != nil {
				return refused
			}
			return refusedByOwn(own, pgErr, err)
		},
	}
}

// writers are the functions that write and that a service can call in a scope: those of schema/ and those of the server. Tests ask
// the server whether the list is complete.
var writers = []string{
	"nextval", "setval", "pg_notify", "pg_logical_emit_message",
	"lo_create", "lo_creat", "lo_from_bytea", "lo_import", "lo_put", "lo_truncate", "lo_truncate64", "lo_unlink", "lowrite",
	"roll_up", "roll_up_all", "date_imported_goals", "restore_goal", "restore_task",
}

// effect says whether a query writes goals or tasks, deleted ones included, and whether it changes accounts. A test compares it with
// the server.
func effect(sql string) (e executor.Effect) {
	has := func(text string) bool { return strings.Contains(sql, text) }
	e.Writes = slices.ContainsFunc([]string{"INSERT INTO public.", "UPDATE public.", "DELETE FROM public.", " bizydb.roll_up", " bizydb.restore_", "DELETE FROM bizydb."}, has)
	e.Changes = e.Writes || slices.ContainsFunc([]string{"UPDATE bizydb.", " bizydb.delete_user", " bizydb.forget_deleted"}, has)
	return e
}

// SQLSTATEs of functions of schema/, of a class that is free for applications.
const (
	noSuchUser     = "UB001" // bizydb.require_user
	changesOff     = "UB011" // bizydb.changes_since, bizydb.changed_users
	changesExpired = "UB012" // bizydb.changes_after, bizydb.changed_users
	userNotTold    = "UB033" // bizydb.require_user in a database that schema.Distribute has sharded
)

// zoneRoutines are the server's routines that report an unknown time zone. The error code is less specific, and the message is localized.
var zoneRoutines = []string{"timestamptz_zone", "timestamp_zone", "DecodeTimezoneName"} // the last since PostgreSQL 16

// refusedByServer returns the public error for an error of schema/ or about a parameter of queries/, or nil for any other.
func refusedByServer(pgErr *pgconn.PgError, err error) error {
	if r, ok := rules[pgErr.ConstraintName]; ok {
		return &FieldError{Table: r.table, Column: r.column, Reason: r.reason, Err: fmt.Errorf("%w: %w", r.kind, err)}
	}
	switch {
	case pgErr.Code == noSuchUser:
		return fmt.Errorf("%w: %w", ErrNoUser, err)
	case pgErr.Code == changesOff:
		return fmt.Errorf("%w: %s: %w", ErrChangesOff, pgErr.Hint, err)
	case pgErr.Code == userNotTold:
		return fmt.Errorf("%w: %s: %w", ErrConfig, pgErr.Hint, err)
	case pgErr.Code == changesExpired:
		return fmt.Errorf("%w: %w", ErrChangesExpired, err)
	case pgErr.Code == pgerrcode.InvalidRowCountInLimitClause:
		return &FieldError{Column: "limit", Reason: "must not be negative", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	case pgErr.Code == pgerrcode.InvalidParameterValue && slices.Contains(zoneRoutines, pgErr.Routine): // Go has the zone, the server does not
		return &FieldError{Column: "time_zone", Reason: "must be a time zone that the server has", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	default:
		return nil
	}
}
