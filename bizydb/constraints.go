package bizydb

import (
	"fmt"
	"maps"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Constraint is what a constraint or unique index of a service's own asks of a column, for the [FieldError] of a value that breaks it.
type Constraint struct {
	Table, Column string // where the value is
	Reason        string // what is asked, such as "must not be blank"
	// Err, unless it is nil, is what errors.Is finds besides [ErrInvalid], [ErrConflict] or [ErrUnknownReference].
	Err error
}

// WithConstraints names constraints and unique indexes of the service's own, by their names in the database. A value that breaks one of
// them gives a [*FieldError], like a value that breaks one of bizydb's. It is [ErrInvalid] for a check, [ErrConflict] for a unique index
// or an exclusion, and [ErrUnknownReference] for a foreign key, also where a row is deleted that another one references. A constraint that
// is not named gives the same errors without a [*FieldError]. Open gives [ErrConfig] for a name that is one of bizydb's. Several
// WithConstraints add up.
func WithConstraints(constraints map[string]Constraint) Option {
	return func(o *options) {
		if o.constraints == nil {
			o.constraints = map[string]Constraint{}
		}
		maps.Copy(o.constraints, constraints)
	}
}

// refusedByOwn gives what a constraint of the service's own refuses its name.
func refusedByOwn(own map[string]Constraint, pgErr *pgconn.PgError, err error) error {
	kind := kindOf(pgErr)
	if kind == nil {
		return nil
	}
	err = fmt.Errorf("%w: %w", kind, err)
	c, named := own[pgErr.ConstraintName]
	if !named {
		if pgErr.Code != pgerrcode.NotNullViolation { // which has no name before PostgreSQL 18
			return err
		}
		c = Constraint{Table: pgErr.TableName, Column: pgErr.ColumnName, Reason: "must not be NULL"}
	}
	if c.Err != nil {
		err = fmt.Errorf("%w: %w", c.Err, err)
	}
	return &FieldError{Table: c.Table, Column: c.Column, Reason: c.Reason, Err: err}
}

// kindOf is what the violation of a constraint is called here, or nil for another error.
func kindOf(pgErr *pgconn.PgError) error {
	switch pgErr.Code {
	case pgerrcode.CheckViolation, pgerrcode.NotNullViolation:
		return ErrInvalid
	case pgerrcode.UniqueViolation, pgerrcode.ExclusionViolation, pgerrcode.RestrictViolation:
		return ErrConflict
	case pgerrcode.ForeignKeyViolation:
		return ErrUnknownReference
	default:
		return nil
	}
}
