package web

import "errors"

// The limits of a request's body, in bytes.
const (
	MaxBody       = 1 << 20  // of a user who is signed in
	MaxPublicBody = 16 << 10 // of anybody
	MaxForm       = 64 << 10 // of the page's forms
)

// maxValues is how many values the JSON of a body may have. Each takes far more memory than text, and may be wrong.
const maxValues = 10_000

// ErrTooManyValues is that of a body with more values than any goal or task has.
var ErrTooManyValues = errors.New("body has too many values")

// CheckValues returns ErrTooManyValues for a body that should not be decoded. It does not look at anything else.
func CheckValues(body []byte) error {
	values, inText := 1, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == ',', c == '[', c == '{':
			values++
		}
	}
	if values > maxValues {
		return ErrTooManyValues
	}
	return nil
}
