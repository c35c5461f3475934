package executor

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// An error of the server is an answer, unless the schema says otherwise.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	refused := &pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "23505", Message: "duplicate key"}
	lost := &pgconn.PgError{SeverityUnlocalized: "ERROR", Code: "XX000", Message: "could not commit"}
	distributed := &Config{Unanswered: func(err *pgconn.PgError) bool { return strings.HasPrefix(err.Message, "could not commit") }}
	for _, c := range []struct {
		config *Config
		err    error
		want   bool
	}{
		{&Config{}, refused, false},
		{&Config{}, lost, false},
		{distributed, refused, false},
		{distributed, errors.Join(lost), true},
	} {
		if got := c.config.unanswered(nil, c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
