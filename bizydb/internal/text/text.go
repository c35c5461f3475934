// Package text says what PostgreSQL cannot store as text.
package text

import (
	"strings"
	"unicode/utf8"
)

// The rules of every text.
const (
	NoNUL = "must not contain a NUL character"
	UTF8  = "must be valid UTF-8"
)

// Broken returns the rule that s breaks, or "".
func Broken(s string) string {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return NoNUL
	case !utf8.ValidString(s):
		return UTF8
	}
	return ""
}
