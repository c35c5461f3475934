package oldapi

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// fields reads values as the old framework did: a number in a text is a number, a date is a time at midnight. A method returns nil for a
// field that is missing, null or wrong.
type fields struct {
	in     *input
	loc    []any // where they are
	all    any   // the object itself, for messages
	of     map[string]any
	secret bool
}

// A need says what a field may lack.
type need int

const (
	optional need = iota // may be missing or null
	notNull              // may be missing
	required
)

// null reports whether a field was sent as null, which clears it.
func (f fields) null(name string) bool {
	value, sent := f.of[name]
	return sent && value == nil
}

// value returns a field that is there. A null that is not allowed is a value of the wrong type.
func (f fields) value(name string, n need) (value any, ok bool) {
	value, sent := f.of[name]
	if !sent && n == required && (f.all == nil || f.of != nil) {
		f.fault(name, f.all, "missing", "Field required", nil)
	}
	return value, sent && (value != nil || n != optional)
}

func (f fields) fault(name any, value any, kind, msg string, ctx map[string]any) {
	if len(f.in.faults) == maxFaults {
		return
	}
	if f.secret {
		value = nil
	}
	value = short(value)
	f.in.faults = append(f.in.faults, fault{kind, append(slices.Clone(f.loc), name), msg, value, ctx})
}

// An answer repeats so many bytes of a value.
const maxRepeated = 1024

// short is a value as an answer repeats it: the beginning of a long text, and nothing of a long list or object.
func short(value any) any {
	if text, ok := value.(string); ok && len(text) > maxRepeated {
		return strings.ToValidUTF8(text[:maxRepeated], "") + "…"
	}
	if left := maxRepeated; !fits(value, &left) {
		return nil
	}
	return value
}

// fits takes the size of a value from what is left, and reports whether that was enough.
func fits(value any, left *int) bool {
	switch v := value.(type) {
	case string:
		*left -= len(v)
	case json.Number:
		*left -= len(v)
	case []any:
		for i := 0; i < len(v) && fits(v[i], left); i++ {
		}
	case map[string]any:
		for name, one := range v {
			if *left -= len(name); !fits(one, left) {
				break
			}
		}
	}
	*left--
	return *left >= 0
}

// text has from least to most characters; most 0 means any number.
func (f fields) text(name string, n need, least, most int) *string {
	value, ok := f.value(name, n)
	if !ok {
		return nil
	}
	text, ok := value.(string)
	length := utf8.RuneCountInString(text)
	switch {
	case !ok:
		f.fault(name, value, "string_type", "Input should be a valid string", nil)
	case length < least:
		f.fault(name, value, "string_too_short", fmt.Sprintf("String should have at least %d character%s", least, plural(least)), map[string]any{"min_length": least})
	case most > 0 && length > most:
		f.fault(name, value, "string_too_long", fmt.Sprintf("String should have at most %d character%s", most, plural(most)), map[string]any{"max_length": most})
	default:
		return &text
	}
	return nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// matching is a text of a pattern.
func (f fields) matching(name string, n need, least, most int, pattern *regexp.Regexp) *string {
	text := f.text(name, n, least, most)
	if text != nil && !pattern.MatchString(*text) {
		f.fault(name, *text, "string_pattern_mismatch", fmt.Sprintf("String should match pattern '%s'", pattern), map[string]any{"pattern": pattern.String()})
		return nil
	}
	return text
}

// choice is one of several texts.
func choice[T ~string](f fields, name string, n need, options ...T) *T {
	value, ok := f.value(name, n)
	if !ok {
		return nil
	}
	text, ok := value.(string)
	if ok && slices.Contains(options, T(text)) {
		return new(T(text))
	}
	quoted := make([]string, len(options))
	for i, o := range options {
		quoted[i] = "'" + string(o) + "'"
	}
	last := len(quoted) - 1
	expected := strings.Join(quoted[:last], ", ") + " or " + quoted[last]
	f.fault(name, value, "enum", "Input should be "+expected, map[string]any{"expected": expected})
	return nil
}

// integer is from least to most, where they are given.
func (f fields) integer(name string, n need, least, most *int64) *int64 {
	value, ok := f.value(name, n)
	if !ok {
		return nil
	}
	i := f.wholeNumber(name, value)
	switch {
	case i == nil:
	case least != nil && *i < *least:
		f.fault(name, value, "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", *least), map[string]any{"ge": *least})
	case most != nil && *i > *most:
		f.fault(name, value, "less_than_equal", fmt.Sprintf("Input should be less than or equal to %d", *most), map[string]any{"le": *most})
	default:
		return i
	}
	return nil
}

// small is integer for the limits of this API.
func (f fields) small(name string, n need, least, most int64) *int {
	i := f.integer(name, n, &least, &most)
	if i == nil {
		return nil
	}
	return new(int(*i))
}

// wholeNumber takes 2, 2.0, "2" and true. One that is too large for any id is the largest, which is nobody's.
func (f fields) wholeNumber(name any, value any) *int64 {
	const notOne = "Input should be a valid integer"
	var text string
	switch v := value.(type) {
	case bool:
		if v {
			return new(int64(1))
		}
		return new(int64(0))
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	default:
		f.fault(name, value, "int_type", notOne, nil)
		return nil
	}
	if len(text) > maxDigits {
		text = ""
	}
	whole, ok := new(big.Int).SetString(text, 10)
	if !ok {
		r, isNumber := new(big.Rat).SetString(shortExponent(text))
		switch {
		case !isNumber || strings.ContainsAny(text, "/_xXpP"):
			f.fault(name, value, "int_parsing", notOne+", unable to parse string as an integer", nil)
			return nil
		case !r.IsInt():
			f.fault(name, value, "int_from_float", notOne+", got a number with a fractional part", nil)
			return nil
		}
		whole = r.Num()
	}
	switch {
	case whole.IsInt64():
		return new(whole.Int64())
	case whole.Sign() < 0:
		return new(int64(math.MinInt64))
	default:
		return new(int64(math.MaxInt64))
	}
}

// maxDigits is the length of a number that is read: the time to read one grows with the square of it.
const maxDigits = 400

// shortExponent makes a number of an exponent that nobody means no number: it would take long to write it out.
func shortExponent(text string) string {
	_, exponent, ok := strings.Cut(strings.ToLower(text), "e")
	if e, err := strconv.Atoi(exponent); ok && (err != nil || e < -maxDigits || e > maxDigits) {
		return ""
	}
	return text
}

// number is not below 0.
func (f fields) number(name string, n need) *float64 {
	value, ok := f.value(name, n)
	if !ok {
		return nil
	}
	var number float64
	var err error
	switch v := value.(type) {
	case bool:
		if v {
			number = 1
		}
	case json.Number:
		number, _ = v.Float64() // one that is too large is infinite
	case string:
		number, err = strconv.ParseFloat(strings.TrimSpace(v), 64)
	default:
		f.fault(name, value, "float_type", "Input should be a valid number", nil)
		return nil
	}
	switch {
	case err != nil:
		f.fault(name, value, "float_parsing", "Input should be a valid number, unable to parse string as a number", nil)
	case !(number >= 0):
		f.fault(name, value, "greater_than_equal", "Input should be greater than or equal to 0", map[string]any{"ge": 0})
	default:
		return &number
	}
	return nil
}

// flag takes what stands for yes and no.
func (f fields) flag(name string) bool {
	value, ok := f.value(name, notNull)
	if !ok {
		return false
	}
	switch strings.ToLower(fmt.Sprint(value)) {
	case "true", "1", "yes", "on", "t", "y":
		return true
	case "false", "0", "no", "off", "f", "n":
		return false
	}
	f.fault(name, value, "bool_parsing", "Input should be a valid boolean, unable to interpret input", nil)
	return false
}

// moment takes a time with or without a zone, which is UTC then, a date, or seconds since 1970.
func (f fields) moment(name string, n need) *time.Time {
	value, ok := f.value(name, n)
	if !ok {
		return nil
	}
	t, why := readMoment(value)
	switch why {
	case "":
		return &t
	case notAMoment:
		f.fault(name, value, "datetime_type", "Input should be a valid datetime", nil)
	default:
		f.fault(name, value, "datetime_from_date_parsing", "Input should be a valid datetime or date, "+why, map[string]any{"error": why})
	}
	return nil
}

// list is a list of texts or of whole numbers. A field that is missing or null is nil.
func list[T any](f fields, name string, item func(f fields, at int, value any) *T) []T {
	value, ok := f.value(name, optional)
	if !ok {
		return nil
	}
	values, ok := value.([]any)
	if !ok {
		f.fault(name, value, "list_type", "Input should be a valid list", nil)
		return nil
	}
	items, inside := make([]T, 0, len(values)), f
	inside.loc = append(slices.Clone(f.loc), name)
	for i, v := range values {
		if one := item(inside, i, v); one != nil {
			items = append(items, *one)
		}
	}
	return items
}

func textItem(f fields, at int, value any) *string {
	text, ok := value.(string)
	if !ok {
		f.fault(at, value, "string_type", "Input should be a valid string", nil)
		return nil
	}
	return &text
}

// dictionary is a JSON object, whose numbers PostgreSQL can store.
func (f fields) dictionary(name string) map[string]any {
	value, ok := f.value(name, optional)
	if !ok {
		return nil
	}
	of, ok := value.(map[string]any)
	if !ok {
		f.fault(name, value, "dict_type", "Input should be a valid dictionary", nil)
		return nil
	}
	if !storable(of) {
		f.fault(name, value, "value_error", "Value error, has a number that is too large or too small", map[string]any{"error": "has a number that is too large or too small"})
		return nil
	}
	return of
}

// storable reports whether no number in a value has too many digits when it is written out.
func storable(value any) bool {
	switch v := value.(type) {
	case json.Number:
		return len(v) <= maxDigits && shortExponent(v.String()) != ""
	case []any:
		return !slices.ContainsFunc(v, func(one any) bool { return !storable(one) })
	case map[string]any:
		for _, one := range v {
			if !storable(one) {
				return false
			}
		}
	}
	return true
}
