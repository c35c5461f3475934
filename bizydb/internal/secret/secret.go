// Package secret holds values that must not get into logs, traces and errors.
package secret

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/jackc/pgx/v5/pgtype"
)

// Redacted is what a secret prints as.
const Redacted = "[redacted]"

// A Text prints as [redacted] in every form: with any verb of fmt, as JSON and through slog. It sits inside a function, so
// that also what looks into structs by itself, as fmt does below an unexported field, finds nothing.
type Text struct {
	reveal func() string
}

// NewText returns a Text of s.
func NewText(s string) Text { return Text{func() string { return s }} }

// Reveal returns what is hidden, "" for the zero Text.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero tells whether t is the zero Text.
func (t Text) IsZero() bool { return t.reveal == nil }

// Format implements [fmt.Formatter].
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText implements [encoding.TextMarshaler].
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue implements [slog.LogValuer].
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// A Hash is a password's hash as a query takes and returns it. The zero Hash is NULL.
type Hash struct{ Text }

// NewHash returns a Hash of s.
func NewHash(s string) Hash { return Hash{NewText(s)} }

// TextValue implements [pgtype.TextValuer]: it is the way into a query.
func (h Hash) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: h.Reveal(), Valid: !h.IsZero()}, nil
}

// ScanText implements [pgtype.TextScanner]: it is the way out of one.
func (h *Hash) ScanText(v pgtype.Text) error {
	*h = Hash{}
	if v.Valid {
		*h = NewHash(v.String)
	}
	return nil
}
