// Package text says what PostgreSQL cannot store as text, and what cannot be seen.
package text

import (
	"strings"
	"unicode"
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

// Blank says whether s has nothing that can be seen: no more than white space, control and default-ignorable characters.
func Blank(s string) bool { return strings.TrimFunc(s, invisible) == "" }

func invisible(r rune) bool {
	switch {
	case unicode.IsSpace(r), unicode.IsControl(r), unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r), 0xFFF9 <= r && r <= 0xFFFB, 0x13430 <= r && r <= 0x13440: // formats that show
		return false
	default:
		return unicode.Is(unicode.Cf, r)
	}
}
