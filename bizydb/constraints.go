package bizydb

import (
	"fmt"
	"maps"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Constraint describes a constraint or unique index of the service's own, for the [FieldError] of a value that breaks it.
type Constraint struct {
	Table, Column string // the column that the value is for
	Reason        string // the rule in words, such as "must not be blank"
	// Err, if it is not nil, is found by errors.Is in addition to [ErrInvalid], [ErrConflict] or [ErrUnknownReference].
	Err error
}

// WithConstraints describes constraints and unique indexes of the service's own, by their names in the database. A value that
// breaks a described constraint returns a [*FieldError], like a value that breaks a constraint of bizydb. The error is
// [ErrInvalid] for a check, [ErrConflict] for a unique index or an exclusion constraint, and [ErrUnknownReference] for a
// foreign key: if a row references a row that does not exist, and if a delete is refused because other rows still reference
// the row. A constraint that is not described returns the same errors without a [*FieldError], except NOT NULL, which always
// has one.
//
// The descriptions of several WithConstraints are merged. If a description has the name of a constraint of bizydb, [Open] returns
// [ErrConfig].
func WithConstraints(constraints map[string]Constraint) Option {
	return func(o *options) {
		if o.constraints == nil {
			o.constraints = map[string]Constraint{}
		}
		maps.Copy(o.constraints, constraints)
	}
}

// refusedByOwn returns the public error for the violation of a constraint of the service's own, or nil for any other error.
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

// kindOf returns the kind of the violation of a constraint, or nil for another error.
func kindOf(pgErr *pgconn.PgError) error {
	switch pgErr.Code {
	case pgerrcode.CheckViolation, pgerrcode.NotNullViolation:
		return ErrInvalid
	case pgerrcode.UniqueViolation, pgerrcode.ExclusionViolation:
		return ErrConflict
	case pgerrcode.ForeignKeyViolation, pgerrcode.RestrictViolation: // ON DELETE RESTRICT, from PostgreSQL 18 on
		return ErrUnknownReference
	default:
		return nil
	}
}
