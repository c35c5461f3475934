package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bizy-ai/bizydb/bizydb/internal/text"
)

// The types of this package go to the server as text, so that they are encoded alike in every exec mode of pgx: mode
// exec does not learn from the server what a parameter is and would take a Go slice for a PostgreSQL array. Where pgx knows that
// a parameter is jsonb it calls package json by itself, so the checks are in MarshalJSON. (A scope encodes them before pgx does.)

var (
	taskStatuses = TaskStatuses{TaskPending, TaskInProgress, TaskCompleted, TaskBlocked}
	goalStatuses = GoalStatuses{GoalActive, GoalCompleted, GoalOnHold, GoalCancelled}
)

// TextValue implements [pgtype.TextValuer]. An empty status is NULL. An unknown status returns ErrInvalid.
func (s TaskStatus) TextValue() (pgtype.Text, error) {
	return oneOfOrNone(s, taskStatuses)
}

// TextValue implements [pgtype.TextValuer]. An empty status is NULL. An unknown status returns ErrInvalid.
func (s GoalStatus) TextValue() (pgtype.Text, error) {
	return oneOfOrNone(s, goalStatuses)
}

// TextValue implements [pgtype.TextValuer]. An empty list is NULL. An unknown status returns ErrInvalid.
func (s TaskStatuses) TextValue() (pgtype.Text, error) { return eachOf(s, taskStatuses) }

// TextValue implements [pgtype.TextValuer]. An empty list is NULL. An unknown status returns ErrInvalid.
func (s GoalStatuses) TextValue() (pgtype.Text, error) { return eachOf(s, goalStatuses) }

// TextValue implements [pgtype.TextValuer]. An unknown horizon returns ErrInvalid.
func (h Horizon) TextValue() (pgtype.Text, error) {
	return oneOf(h, Yearly, Quarterly, Monthly, Weekly)
}

// oneOfOrNone is oneOf, and NULL for the empty value.
func oneOfOrNone[T ~string](value T, allowed []T) (pgtype.Text, error) {
	if value == "" {
		return pgtype.Text{}, nil
	}
	return oneOf(value, allowed...)
}

// oneOf is a value that has to be one of some.
func oneOf[T ~string](value T, allowed ...T) (pgtype.Text, error) {
	if !slices.Contains(allowed, value) {
		return pgtype.Text{}, &FieldError{Reason: "must be " + listed(allowed), Err: ErrInvalid}
	}
	return pgtype.Text{String: string(value), Valid: true}, nil
}

// eachOf is values, separated by commas, each of which has to be one of some. No values are NULL.
func eachOf[T ~string](values, allowed []T) (pgtype.Text, error) {
	texts := make([]string, len(values))
	for i, value := range values {
		text, err := oneOf(value, allowed...)
		if err != nil {
			return pgtype.Text{}, err
		}
		texts[i] = text.String
	}
	return pgtype.Text{String: strings.Join(texts, ","), Valid: len(values) > 0}, nil
}

// listed is values as "a, b or c".
func listed[T ~string](values []T) string {
	var list strings.Builder
	for i, value := range values {
		switch {
		case list.Len() == 0:
		case i == len(values)-1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(value))
	}
	return list.String()
}

// TextValue implements [pgtype.TextValuer]. Nil is NULL.
func (t Tags) TextValue() (pgtype.Text, error) { return jsonOrNull(t, t == nil) }

// TextValue implements [pgtype.TextValuer]. Nil is NULL.
func (ids TaskIDs) TextValue() (pgtype.Text, error) { return jsonOrNull(ids, ids == nil) }

// TextValue implements [pgtype.TextValuer]. Nil is an empty list.
func (n CreateTasksParams) TextValue() (pgtype.Text, error) {
	tasks := make([]newTask, len(n))
	for i, t := range n {
		tasks[i] = newTask{newTaskFields(t), (*instant)(t.DueDate), (*instant)(t.CreatedAt), (*instant)(t.CompletedAt)}
	}
	b, err := jsonOrNull(tasks, false)
	if err != nil {
		err = n.fieldError(err)
	}
	return b, err
}

// fieldError says which field of which task err is about.
func (n CreateTasksParams) fieldError(err error) error {
	for i, task := range n {
		v := reflect.ValueOf(task)
		for k := range v.NumField() {
			if reason := broken(v.Field(k).Interface()); reason != "" {
				column, _, _ := strings.Cut(v.Type().Field(k).Tag.Get("json"), ",")
				return &FieldError{Table: "tasks", Column: column, Index: &i, Reason: reason, Err: ErrInvalid}
			}
		}
	}
	return err
}

// broken returns the rule that a field breaks, of those that keep it from being sent, or "".
func broken(v any) string {
	switch v := v.(type) {
	case *float64:
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			return "must be a finite number"
		}
	case string:
		return text.Broken(v)
	case *string:
		if v != nil {
			return text.Broken(*v)
		}
	case TaskStatus:
		return text.Broken(string(v))
	case Tags:
		for _, tag := range v {
			if reason := text.Broken(tag); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// A newTask is a CreateTaskParams as JSON, without what is not set: most of it would be names of fields.
type newTask struct {
	newTaskFields
	DueDate     *instant `json:"due_date,omitempty"`
	CreatedAt   *instant `json:"created_at,omitempty"`
	CompletedAt *instant `json:"completed_at,omitempty"`
}

type newTaskFields struct {
	ParentGoalID      *GoalID    `json:"parent_goal_id,omitzero"`
	Title             string     `json:"title"`
	Description       *string    `json:"description,omitzero"`
	Priority          *int       `json:"priority,omitzero"`
	Status            TaskStatus `json:"status,omitzero"`
	BlockedReason     *string    `json:"blocked_reason,omitzero"`
	BlockedInProgress bool       `json:"blocked_in_progress,omitzero"`
	Category          *string    `json:"category,omitzero"`
	EstimatedHours    *float64   `json:"estimated_hours,omitzero"`
	ActualHours       *float64   `json:"actual_hours,omitzero"`
	DueDate           *time.Time `json:"-"`
	DueAllDay         bool       `json:"due_all_day,omitzero"`
	Dependencies      TaskIDs    `json:"dependencies,omitzero"`
	Notes             *string    `json:"notes,omitzero"`
	Tags              Tags       `json:"tags,omitzero"`
	CreatedAt         *time.Time `json:"-"`
	CompletedAt       *time.Time `json:"-"`
}

// An instant is a time as pgx sends it: in UTC and cut to microseconds. Package json would keep seconds of a zone's offset to
// itself, and the server would round. A year that no column takes is left to the server to refuse, which names the column.
type instant time.Time

// MarshalJSON implements [json.Marshaler].
func (i instant) MarshalJSON() ([]byte, error) {
	at := time.Time(i).UTC()
	switch {
	case at.Year() < 1:
		return []byte(`"-infinity"`), nil
	case at.Year() > 9999:
		return []byte(`"infinity"`), nil
	}
	return at.AppendFormat(nil, `"2006-01-02T15:04:05.999999Z"`), nil
}

// TextValue implements [pgtype.TextValuer]. Nil is NULL.
func (m Metrics) TextValue() (pgtype.Text, error) { return jsonOrNull(m, m == nil) }

// TextValue implements [pgtype.TextValuer].
func (m Metric) TextValue() (pgtype.Text, error) { return jsonOrNull(m, false) }

func jsonOrNull(v any, null bool) (pgtype.Text, error) {
	if null {
		return pgtype.Text{}, nil
	}
	b, err := marshal(v)
	return pgtype.Text{String: string(b), Valid: err == nil}, err
}

// marshal is [json.Marshal] that refuses texts which PostgreSQL has no form for.
func marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	switch {
	case err != nil && errors.As(err, new(*FieldError)): // of a part of v
		return nil, err
	case err != nil:
		return nil, &FieldError{Reason: "cannot be written as JSON", Err: fmt.Errorf("%w: %w", ErrInvalid, err)}
	case bytes.Contains(b, []byte(`\u0000`)) && escapedNUL.Match(b): // the first is quick
		return nil, &FieldError{Reason: text.NoNUL, Err: ErrInvalid}
	case bytes.Contains(b, []byte(`\ufffd`)) && replaced.Match(b):
		return nil, &FieldError{Reason: text.UTF8, Err: ErrInvalid}
	}
	return b, nil
}

// replaced finds what package json has put in place of invalid UTF-8: the escape, which it never writes for a U+FFFD that was
// there.
var (
	replaced   = regexp.MustCompile(`(^|[^\\])(\\\\)*\\ufffd`)
	escapedNUL = regexp.MustCompile(`(^|[^\\])(\\\\)*\\u0000`)
)

// MarshalJSON implements [json.Marshaler].
func (t Tags) MarshalJSON() ([]byte, error) { return marshal([]string(t)) }

// MarshalJSON implements [json.Marshaler]. It refuses values that could not be read back, such as ones nested too deep.
func (m Metrics) MarshalJSON() ([]byte, error) { return marshal(map[string]any(m)) }

// UnmarshalJSON implements [json.Unmarshaler]. A number that conversion to float64 would change stays a [json.Number].
func (m *Metrics) UnmarshalJSON(b []byte) error {
	var object map[string]any
	if err := decode(b, &object); err != nil {
		return err
	}
	*m = asFloats(object).(map[string]any)
	return nil
}

// MarshalJSON implements [json.Marshaler]. It refuses a value that could not be read back in [Metrics], such as one nested too
// deep.
func (m Metric) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(Metrics{"": m.Value})
	if err != nil {
		return nil, err
	}
	return b[len(`{"":`) : len(b)-len(`}`)], nil
}

// UnmarshalJSON implements [json.Unmarshaler]. A number that conversion to float64 would change stays a [json.Number].
func (m *Metric) UnmarshalJSON(b []byte) error {
	var value any
	if err := decode(b, &value); err != nil {
		return err
	}
	m.Value = asFloats(value)
	return nil
}

func decode(b []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	return decoder.Decode(v)
}

func asFloats(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = asFloats(value)
		}
	case []any:
		for i, value := range v {
			v[i] = asFloats(value)
		}
	case json.Number:
		if f, err := v.Float64(); err == nil && sameNumber(v.String(), strconv.FormatFloat(f, 'e', -1, 64)) {
			return f
		}
	}
	return v
}

// sameNumber says whether two decimals are the same, however they are written.
func sameNumber(a, b string) bool {
	digits, exponent := significant(a)
	digitsOfB, exponentOfB := significant(b)
	return digits == digitsOfB && exponent == exponentOfB
}

// significant is the digits of a number from the first to the last that is not 0, and the power of ten of the last.
func significant(number string) (digits string, exponent int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := strings.TrimLeft(whole+fraction, "-0")
	digits = strings.TrimRight(all, "0")
	if digits == "" {
		return "", 0
	}
	exponent, _ = strconv.Atoi(power) // of what is beyond an int the largest or the least
	return digits, exponent - len(fraction) + len(all) - len(digits)
}
