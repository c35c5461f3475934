package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
)

// Only what is wrong with the service itself is an error of its log.
func TestFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		logged bool
	}{
		{fmt.Errorf("query: %w", context.DeadlineExceeded), 503, false},
		{fmt.Errorf("query: %w", context.Canceled), 500, false}, // which nobody reads
		{errors.New("something else"), 500, true},
	} {
		var log strings.Builder
		s := &Site{log: slog.New(slog.NewTextHandler(&log, nil))}
		got := httptest.NewRecorder()
		s.fail(got, httptest.NewRequest("GET", "/app/", nil), c.err)
		if got.Code != c.status || strings.Contains(log.String(), "ERROR") != c.logged {
			t.Errorf("%v: %d, log %s", c.err, got.Code, &log)
		}
	}
}
