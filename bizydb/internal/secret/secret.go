// Package secret holds values that must not get into logs, traces and errors.
package secret

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/jackc/pgx/v5/pgtype"
)

// redacted is what a secret prints as.
const redacted = "[redacted]"

// A Hash is a password's hash as a query takes and returns it. It prints as [redacted] in every form: as text, with any
// verb of fmt, as JSON, through slog, and for what looks into structs by reflection, since it sits inside a function. The
// zero Hash is NULL.
type Hash struct {
	reveal func() string
}

// NewHash returns a Hash of s.
func NewHash(s string) Hash { return Hash{func() string { return s }} }

// Reveal returns the hash itself, for bcrypt.
func (h Hash) Reveal() []byte {
	if h.reveal == nil {
		return nil
	}
	return []byte(h.reveal())
}

// TextValue implements [pgtype.TextValuer]: it is the way into a query.
func (h Hash) TextValue() (pgtype.Text, error) {
	if h.reveal == nil {
		return pgtype.Text{}, nil
	}
	return pgtype.Text{String: h.reveal(), Valid: true}, nil
}

// ScanText implements [pgtype.TextScanner]: it is the way out of one.
func (h *Hash) ScanText(v pgtype.Text) error {
	*h = Hash{}
	if v.Valid {
		*h = NewHash(v.String)
	}
	return nil
}

// Format implements [fmt.Formatter].
func (Hash) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements [encoding.TextMarshaler].
func (Hash) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (Hash) LogValue() slog.Value { return slog.StringValue(redacted) }
