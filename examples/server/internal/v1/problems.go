package v1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"example.com/server/internal/auth"
	"github.com/bizy-ai/bizydb/bizydb"
)

var (
	errNoToken       = errors.New("no valid token")
	errWrongPassword = errors.New("current password is wrong")
	errLink          = errors.New("link is invalid or has expired")
	errNoRoute       = errors.New("no such path")
	errMethod        = errors.New("no such method")
)

// A problemType is a type of problem.
type problemType struct {
	Name       string  `json:"-"`
	Type       string  `json:"type" doc:"What the type of such a problem is."`
	Title      string  `json:"title"`
	Status     int     `json:"status"`
	Detail     string  `json:"detail" doc:"What to do about it."`
	RetryAfter string  `json:"-"` // seconds
	of         []error // the first type that has an error counts
}

// problemTypes are all types of problems. Every error of bizydb is here: a test says which is not.
var problemTypes = []problemType{
	{Name: "not-found", Title: "Not found", Status: 404, Detail: "You have no such goal or task.", of: []error{bizydb.ErrNotFound}},
	{
		Name: "invalid", Title: "Invalid value", Status: 422, Detail: "Errors says which value is not accepted, and why.",
		of: []error{bizydb.ErrInvalid, bizydb.ErrUnknownReference, errWrongPassword},
	},
	{
		Name: "version-conflict", Title: "Changed since it was read", Status: 412, Detail: "Read it again, and let the user decide.",
		of: []error{bizydb.ErrVersionConflict},
	},
	{Name: "goal-cycle", Title: "Goal would be its own ancestor", Status: 409, Detail: "Choose another goal above it.", of: []error{bizydb.ErrGoalCycle}},
	{
		Name: "dependency-cycle", Title: "Task would depend on itself", Status: 409, Detail: "Choose other dependencies.",
		of: []error{bizydb.ErrDependencyCycle},
	},
	{Name: "email-taken", Title: "Email address is taken", Status: 409, Detail: "Sign in, or choose another one.", of: []error{bizydb.ErrEmailTaken}},
	{Name: "username-taken", Title: "Username is taken", Status: 409, Detail: "Choose another one.", of: []error{bizydb.ErrUsernameTaken}},
	{Name: "conflict", Title: "Conflict", Status: 409, Detail: "Errors says which value is not possible with what there is.", of: []error{bizydb.ErrConflict}},
	{
		Name: "invalid-credentials", Title: "Invalid login or password", Status: 401, Detail: "Try again, or ask for another password.",
		of: []error{bizydb.ErrInvalidCredentials},
	},
	{
		Name: "not-signed-in", Title: "Not signed in", Status: 401, Detail: "Sign in, and send the token as Authorization: Bearer.",
		of: []error{errNoToken, auth.ErrExpired, auth.ErrInvalid, auth.ErrClaims, auth.ErrEnded, bizydb.ErrNoUser},
	},
	{Name: "invalid-link", Title: "Link is invalid or has expired", Status: 400, Detail: "Ask for another mail.", of: []error{errLink}},
	{Name: "not-verified", Title: "Email address is not verified", Status: 403, Detail: "Follow the link in the mail.", of: []error{auth.ErrUnverified}},
	{
		Name: "locked", Title: "Account is locked", Status: 423, Detail: "Wait: there were too many attempts with a wrong password.",
		of: []error{auth.ErrLocked},
	},
	{Name: "too-many-attempts", Title: "Too many attempts", Status: 429, Detail: "Wait.", of: []error{auth.ErrTooMany}},
	{
		Name: "changes-expired", Title: "Cursor has expired", Status: 410, Detail: "Begin with an empty cursor and an empty copy.",
		of: []error{bizydb.ErrChangesExpired},
	},
	{
		Name: "changes-off", Title: "Changes are not tracked", Status: 503,
		Detail: "Whoever runs this service turns them on, as the owner of bizydb's tables: SELECT bizydb.track_changes().",
		of:     []error{bizydb.ErrChangesOff},
	},
	{
		Name: "unavailable", Title: "Service unavailable", Status: 503, Detail: "Nothing was changed. Send the request again.", RetryAfter: "1",
		of: []error{bizydb.ErrContention, bizydb.ErrPoolExhausted, bizydb.ErrUnavailable, bizydb.ErrConnect},
	},
	{
		Name: "outcome-unknown", Title: "Outcome is unknown", Status: 504, Detail: "The change may have been made. Read before you send it again.",
		of: []error{bizydb.ErrOutcomeUnknown},
	},
	{Name: "timeout", Title: "Not enough time", Status: 504, Detail: "Nothing was changed.", of: []error{context.DeadlineExceeded}},
	{Name: "export-running", Title: "An export is running", Status: 429, Detail: "Wait for the end of the one that has begun.", RetryAfter: "10", of: []error{errExporting}},
	{Name: "busy", Title: "Too many exports", Status: 503, Detail: "Send the request again.", RetryAfter: "10", of: []error{errExports}},
	{Name: "malformed", Title: "Malformed request", Status: 400, Detail: "The request, or its JSON, cannot be read."},
	{Name: "no-such-path", Title: "No such path", Status: 404, Detail: "See openapi.json.", of: []error{errNoRoute}},
	{Name: "method-not-allowed", Title: "Method not allowed", Status: 405, Detail: "Allow says which are.", of: []error{errMethod}},
	{Name: "not-acceptable", Title: "Not acceptable", Status: 406, Detail: "Accept application/json."},
	{Name: "slow-request", Title: "Request took too long", Status: 408, Detail: "Send it again."},
	{Name: "too-large", Title: "Request is too large", Status: 413, Detail: "Send less."},
	{Name: "unsupported-media-type", Title: "Unsupported media type", Status: 415, Detail: "Send application/json."},
	{Name: "canceled", Title: "Canceled by the client", Status: 499, Detail: "Nothing was changed.", of: []error{context.Canceled}},
	{
		Name: "internal", Title: "Internal error", Status: 500, Detail: "The service has logged what went wrong.",
		of: []error{
			bizydb.ErrBusy, bizydb.ErrReadOnly, bizydb.ErrStatement, bizydb.ErrConfig, bizydb.ErrMissingGrant, bizydb.ErrSimpleProtocol,
			bizydb.ErrNotMigrated, bizydb.ErrSchemaNewer, bizydb.ErrSchemaUnreleased, bizydb.ErrPrivilegedLogin, bizydb.ErrUnprotected,
		},
	},
}

func init() {
	for i := range problemTypes {
		problemTypes[i].Type = path("/problems#%s", problemTypes[i].Name)
	}
}

// typeOf is the type of an error; "internal", the last one, for one that is none of a caller's.
func typeOf(err error) problemType {
	for _, k := range problemTypes {
		for _, of := range k.of {
			if errors.Is(err, of) {
				return k
			}
		}
	}
	return problemTypes[len(problemTypes)-1]
}

func (k problemType) problem() *huma.ErrorModel {
	return &huma.ErrorModel{Type: k.Type, Title: k.Title, Status: k.Status, Detail: k.Detail}
}

func internal() *huma.ErrorModel { return typeOf(nil).problem() }

// problem is what an operation answers after an error, which is logged if it is none of a caller's.
func (a *API) problem(ctx context.Context, operation *huma.Operation, err error) (*huma.ErrorModel, http.Header) {
	var given *huma.ErrorModel
	header := http.Header{}
	if errors.As(err, &given) {
		var more huma.HeadersError
		if errors.As(err, &more) {
			header = more.GetHeaders()
		}
		return given, header
	}
	k := typeOf(err)
	problem := k.problem()
	if k.Status == http.StatusInternalServerError {
		a.log.ErrorContext(ctx, "failed", "operation", operation.OperationID, "error", err)
	}
	if k.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	switch {
	case errors.As(err, new(*auth.WaitError)):
		header.Set("Retry-After", auth.RetryAfter(err))
	case k.RetryAfter != "":
		header.Set("Retry-After", k.RetryAfter)
	}
	var field *bizydb.FieldError
	if errors.As(err, &field) {
		problem.Errors = []*huma.ErrorDetail{{Message: field.Reason, Location: location(operation, field)}}
	}
	if errors.Is(err, errWrongPassword) {
		problem.Errors = []*huma.ErrorDetail{{Message: "is wrong", Location: "body.current_password"}}
	}
	return problem, header
}

// location is where a request has the value of a field.
func location(operation *huma.Operation, field *bizydb.FieldError) string {
	in := parameter(operation, field.Column)
	switch {
	case errors.Is(field, bizydb.ErrVersionConflict):
		return "header.If-Match"
	case field.Column == "tags" && parameter(operation, "tag") != "":
		return "path.tag"
	case field.Column == "dependencies" && parameter(operation, "dependency_id") != "":
		return "path.dependency_id"
	case in != "":
	case operation.RequestBody == nil:
		return field.Column
	case field.Index != nil:
		in = fmt.Sprintf("body[%d]", *field.Index)
	default:
		in = "body"
	}
	return in + "." + field.Column
}

// An answer names so many errors, each by so many bytes.
const maxErrors, maxMessage = 100, 300

// byStatus is the type of what huma itself refuses.
func byStatus(status int) problemType {
	if status == http.StatusUnprocessableEntity {
		return typeOf(bizydb.ErrInvalid)
	}
	for _, k := range problemTypes {
		if k.Status == status && (len(k.of) == 0 || status == http.StatusInternalServerError) {
			return k
		}
	}
	return problemType{Type: "about:blank", Title: http.StatusText(status)}
}

// withoutValues keeps huma from repeating values, which can be passwords, and gives what it has found the type that it has here.
func withoutValues(_ huma.Context, _ string, body any) (any, error) {
	problem, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	if problem.Type == "" {
		k := byStatus(problem.Status)
		problem.Type, problem.Title, problem.Detail = k.Type, k.Title, k.Detail
	}
	problem.Errors = problem.Errors[:min(len(problem.Errors), maxErrors)]
	for i, one := range problem.Errors {
		problem.Errors[i] = &huma.ErrorDetail{Message: cutText(one.Message), Location: cutText(one.Location)}
	}
	slices.SortFunc(problem.Errors, func(a, b *huma.ErrorDetail) int { return strings.Compare(a.Location, b.Location) })
	return problem, nil
}

func cutText(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}

// writeProblem answers outside of an operation.
func writeProblem(w http.ResponseWriter, problem *huma.ErrorModel, header http.Header) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problem.ContentType("application/json"))
	w.WriteHeader(problem.Status)
	_ = json.NewEncoder(w).Encode(problem) // an error is one of the connection
}
