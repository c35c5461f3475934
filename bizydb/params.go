package bizydb

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bizy-ai/bizydb/bizydb/internal/text"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

//go:generate go run -C ../tools ./params

// A param is a parameter of a query of queries/: the column that it is for or, without a table, its own name.
type param struct {
	table, column string
	int4          bool
}

// values are the arguments of a query of queries/ or, where query is "", of a statement of a service's own.
type values struct {
	query string
	args  []any
}

// encode encodes values of types of package planner. It refuses times out of range and values that the server cannot represent, with
// the name of the parameter: the errors of pgx and of the server lack the name, and cost the connection or the transaction.
func encode(query string, args []any) ([]any, error) {
	s := values{query, args}
	cloned := false
	replace := func(i int, by any) {
		if !cloned {
			s.args, cloned = slices.Clone(s.args), true
		}
		s.args[i] = by
	}
	for i, arg := range args {
		reason := ""
		var encodes pgtype.TextValuer
		switch v := arg.(type) {
		case string:
			reason = text.Broken(v)
		case *string:
			if v != nil {
				reason = text.Broken(*v)
			}
		case int:
			reason = s.tooLarge(i, v)
		case *int:
			if v != nil {
				reason = s.tooLarge(i, *v)
			}
		case time.Time:
			reason = beyond(v)
		case *time.Time:
			if v != nil {
				reason = beyond(*v)
			}
		case *planner.Horizon:
			if v != nil {
				encodes = v
			}
		case planner.TaskStatus, planner.GoalStatus, planner.TaskStatuses, planner.GoalStatuses, planner.TimeZone, planner.Tags, planner.TaskIDs, planner.Metrics, planner.Metric, planner.CreateTasksParams:
			encodes = v.(pgtype.TextValuer)
		}
		if encodes != nil {
			encoded, err := encodes.TextValue()
			if err != nil {
				return nil, s.named(i, err)
			}
			if encoded.Valid {
				replace(i, encoded.String)
			} else {
				replace(i, nil)
			}
		}
		if reason != "" {
			return nil, s.refuse(i, reason, ErrInvalid)
		}
	}
	return s.args, nil
}

// beyond refuses times that columns do not take. In the parameters of a read they would give days that JSON cannot carry. Some of them
// the server does not have: pgx counts microseconds in 64 bits and would send another time.
func beyond(at time.Time) string {
	if year := at.UTC().Year(); year < 1 || year > 9999 {
		return "must be in the years 1 to 9999"
	}
	return ""
}

// tooLarge returns the rule that the i-th argument breaks if v does not fit into its type, or "".
func (s values) tooLarge(i, v int) string {
	if v >= math.MinInt32 && v <= math.MaxInt32 {
		return ""
	}
	if p, ok := s.param(i); !ok || !p.int4 {
		return ""
	}
	if reason := s.ruleOf(i); reason != "" {
		return reason
	}
	return fmt.Sprintf("must be from %d to %d", math.MinInt32, math.MaxInt32)
}

// ruleOf returns the rule of the only constraint on the column of the i-th argument, or "" if there is none or more than one.
func (s values) ruleOf(i int) (reason string) {
	p, _ := s.param(i)
	for _, r := range rules {
		if p.table != "" && r.table == p.table && r.column == p.column {
			if reason != "" {
				return ""
			}
			reason = r.reason
		}
	}
	return reason
}

// named adds the name of the i-th parameter to an error that has none.
func (s values) named(i int, err error) error {
	var field *FieldError
	switch isField := errors.As(err, &field); {
	case isField && field.Column != "":
		return err
	case isField:
		return s.refuse(i, field.Reason, field.Err)
	}
	if reason := s.ruleOf(i); reason != "" {
		return s.refuse(i, reason, err)
	}
	return s.refuse(i, "is not allowed", err)
}

func (s values) refuse(i int, reason string, err error) error {
	p, ok := s.param(i)
	if !ok { // of a query that is not of queries/
		return fmt.Errorf("$%d %s: %w", i+1, reason, err)
	}
	return &FieldError{Table: p.table, Column: p.column, Reason: reason, Err: err}
}

func (s values) param(i int) (param, bool) {
	if list := params[s.query]; len(list) == len(s.args) {
		return list[i], true
	}
	return param{}, false
}
