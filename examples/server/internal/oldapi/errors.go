package oldapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"example.com/server/internal/auth"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

// A failure is an answer that is not a success.
type failure struct {
	status int
	detail any // a text or []fault
	header [2]string
}

func (f *failure) Error() string { return fmt.Sprint(f.status, " ", f.detail) }

func fail(status int, format string, args ...any) error {
	return &failure{status: status, detail: fmt.Sprintf(format, args...)}
}

func unauthorized(detail string) error {
	return &failure{http.StatusUnauthorized, detail, [2]string{"WWW-Authenticate", "Bearer"}}
}

func tryLater(status int, detail, seconds string) error {
	return &failure{status, detail, [2]string{"Retry-After", seconds}}
}

// A fault is what is wrong with one value of a request.
type fault struct {
	Type  string         `json:"type"`
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Input any            `json:"input"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

func unprocessable(faults ...fault) error {
	return &failure{status: http.StatusUnprocessableEntity, detail: faults}
}

// about puts an error of bizydb into the words of this API.
func (c *call) about(err error) error {
	var failed *failure
	var field *bizydb.FieldError
	switch {
	case err == nil, errors.As(err, &failed):
		return err
	case errors.Is(err, auth.ErrEnded): // since the token was read
		return unauthorized("Invalid token: " + auth.ErrEnded.Error())
	case errors.Is(err, bizydb.ErrNoUser):
		return unauthorized("Token validation failed: user does not exist or is not active")
	case errors.Is(err, bizydb.ErrEmailTaken), errors.Is(err, bizydb.ErrUsernameTaken):
		errors.As(err, &field)
		return fail(http.StatusConflict, "%s is taken", strings.ToUpper(field.Column[:1])+field.Column[1:])
	case errors.As(err, &field):
		return unprocessable(c.refused(field))
	case errors.Is(err, auth.ErrTooMany):
		return tryLater(http.StatusTooManyRequests, "Too many attempts", auth.RetryAfter(err))
	case errors.Is(err, auth.ErrLocked):
		return tryLater(http.StatusLocked, "Account locked after too many failed sign-ins", auth.RetryAfter(err))
	case web.IsBusy(err):
		return tryLater(http.StatusServiceUnavailable, "Service Unavailable", "1")
	case errors.Is(err, bizydb.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
		return fail(http.StatusGatewayTimeout, "Gateway Timeout")
	default:
		return err
	}
}

// refused is the fault of a value that the database refuses.
func (c *call) refused(field *bizydb.FieldError) fault {
	loc := []any{"body"}
	if c.body == nil {
		loc = []any{"query"}
	}
	if field.Index != nil {
		loc = append(loc, *field.Index)
	}
	return fault{"value_error", append(loc, field.Column), "Value error, " + field.Reason, c.sent(field), map[string]any{"error": field.Reason}}
}

// writeError answers with an error, which is logged if it is none of a caller's.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, key string, err error) {
	var failed *failure
	if !errors.As(err, &failed) {
		if !errors.Is(err, context.Canceled) { // the caller has gone
			a.log.ErrorContext(r.Context(), "failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		web.Fail(w)
		return
	}
	if failed.header[0] != "" {
		w.Header().Set(failed.header[0], failed.header[1])
	}
	detail := failed.detail
	if faults, ok := detail.([]fault); ok && key == "error" { // a text there
		detail = fmt.Sprintf("%v: %s", faults[0].Loc[len(faults[0].Loc)-1], faults[0].Msg)
	}
	write(w, failed.status, map[string]any{key: detail})
}
