// Package v1 is the API for new clients, under /api/v1: problem details for errors, times with their zone, pages by cursor, entity tags.
// Its OpenAPI document comes from the Go types of its operations.
package v1

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"example.com/server/internal/auth"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

// Prefix is what the paths of the API begin with.
const Prefix = "/api/v1"

// Lists of bizydb are never null.
func init() {
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
}

// An API serves all operations, and the document that describes them.
type API struct {
	db       *bizydb.DB
	users    *auth.Service
	log      *slog.Logger
	mux      *http.ServeMux
	huma     huma.API
	document []byte
	exports  exports
}

// New returns an API.
func New(db *bizydb.DB, users *auth.Service, log *slog.Logger) (*API, error) {
	a := &API{db: db, users: users, log: log, mux: http.NewServeMux()}
	config := huma.DefaultConfig("Bizy", "1.0.0")
	config.Info.Description = description
	config.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	config.Tags = tags
	// Schemas in bodies and pages for people would be links and scripts of others.
	config.CreateHooks, config.SchemasPath, config.DocsPath, config.OpenAPIPath = nil, "", "", ""
	config.RejectUnknownQueryParameters = true
	format := huma.DefaultJSONFormat
	format.Unmarshal = func(body []byte, into any) error {
		if err := web.CheckValues(body); err != nil {
			return err
		}
		return json.Unmarshal(body, into)
	}
	config.Formats = map[string]huma.Format{"application/json": format, "json": format}
	config.Transformers = []huma.Transformer{withoutValues}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	describe(config.Components.Schemas)
	a.huma = humago.NewWithPrefix(a.mux, Prefix, config)
	a.huma.UseMiddleware(a.signIn)
	for _, operations := range []func(*API){taskOperations, goalOperations, trashOperations, overviewOperations, accountOperations} {
		operations(a)
	}
	var err error
	a.document, err = json.Marshal(a.huma.OpenAPI())
	a.mux.HandleFunc("GET "+Prefix+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(a.document)
	})
	return a, err
}

// Document is the OpenAPI document, which tests walk. Nobody changes it.
func (a *API) Document() *huma.OpenAPI { return a.huma.OpenAPI() }

// ServeHTTP answers a path of no operation, and a panic, with a problem too.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		p := recover()
		if p == http.ErrAbortHandler {
			panic(p)
		}
		if p != nil {
			a.log.ErrorContext(r.Context(), "panic", "panic", p, "stack", string(debug.Stack()))
			writeProblem(w, internal(), nil)
		}
	}()
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	if allowed := web.Allowed(a.mux, r, r.URL.Path); allowed != "" {
		writeProblem(w, typeOf(errMethod).problem(), http.Header{"Allow": {allowed}})
		return
	}
	writeProblem(w, typeOf(errNoRoute).problem(), nil)
}

// A caller is who sends a request, and what they may reach. Without a sign-in the scope is nobody's.
type caller struct {
	bizydb.Scope
	session auth.Session
	address string // of the network
}

type callerKey struct{}

// signIn reads the token of a request. Whether its user is still there and active is for the scope to say, with each query.
func (a *API) signIn(ctx huma.Context, next func(huma.Context)) {
	operation := ctx.Operation()
	r, w := humago.Unwrap(ctx)
	web.NameSpan(r.Context(), operation.Method, Prefix+operation.Path)
	who := &caller{address: web.Address(r)}
	if !isPublic(operation) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		err := errNoToken
		if strings.EqualFold(scheme, "Bearer") {
			who.session, err = a.users.Session(r.Context(), token)
		}
		if err != nil {
			problem, header := a.problem(r.Context(), operation, err)
			writeProblem(w, problem, header)
			return
		}
		who.Scope = web.Scope(r.Context(), a.db, who.session.UserID)
	} else if operation.Method != http.MethodGet {
		web.NoStore(w)
		if err := a.users.Admit(who.address); err != nil {
			problem, header := a.problem(r.Context(), operation, err)
			writeProblem(w, problem, header)
			return
		}
	}
	next(huma.WithValue(ctx, callerKey{}, who))
}

// public lets an operation do without a token.
func public(operation *huma.Operation) { operation.Security = []map[string][]string{{}} }

func isPublic(operation *huma.Operation) bool { return len(operation.Security[0]) == 0 }

// register adds an operation. Route is its method and its path below the prefix.
func register[I, O any](a *API, route, tag, id, summary string, do func(ctx context.Context, who *caller, in *I) (*O, error), options ...func(*huma.Operation)) {
	method, path, _ := strings.Cut(route, " ")
	operation := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{tag},
		Security: []map[string][]string{{"token": {}}}, MaxBodyBytes: web.MaxBody, BodyReadTimeout: time.Minute,
	}
	for _, option := range options {
		option(&operation)
	}
	if isPublic(&operation) {
		operation.MaxBodyBytes = web.MaxPublicBody
	}
	huma.Register(a.huma, operation, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, ctx.Value(callerKey{}).(*caller), in)
		if err != nil {
			// The operation of the document has the parameters that huma has found.
			problem, header := a.problem(ctx, a.operation(method, path), err)
			return nil, huma.ErrorWithHeaders(problem, header)
		}
		return out, nil
	})
	if of := a.operation(method, path); parameter(of, "If-None-Match") != "" {
		of.Responses["304"] = &huma.Response{Description: http.StatusText(http.StatusNotModified)}
	}
}

// operation is an operation of the document.
func (a *API) operation(method, path string) *huma.Operation {
	item := a.huma.OpenAPI().Paths[path]
	of := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}
	return of[method]
}

// describedAs adds to what the document says about an operation.
func describedAs(text string) func(*huma.Operation) {
	return func(operation *huma.Operation) { operation.Description = text }
}

// created is for operations that answer 201.
func created(operation *huma.Operation) { operation.DefaultStatus = http.StatusCreated }

// accepted is for operations that answer 202: the work is done later.
func accepted(operation *huma.Operation) { operation.DefaultStatus = http.StatusAccepted }

const description = `Goals and tasks of the user who is signed in. Errors are problem details (RFC 9457), of the types that /problems lists.
Times are RFC 3339, in UTC. Lists have pages: follow the Link header with rel="next" until there is none.
The ETag of a task or goal goes into If-Match of a change, which is then refused with 412 if somebody else's came before.`

var tags = []*huma.Tag{
	{Name: "tasks", Description: "What there is to do."},
	{Name: "goals", Description: "What tasks are for: trees of goals, whose progress follows the tasks under them."},
	{Name: "trash", Description: "Goals and tasks that were deleted, until they are restored or forgotten."},
	{Name: "overview", Description: "Views over all goals and tasks, each in one round trip to the database."},
	{Name: "account", Description: "Sign-up, sign-in, and the user's own account."},
}

// parameter reports where an operation has a parameter of a name: path, query or header.
func parameter(operation *huma.Operation, name string) string {
	i := slices.IndexFunc(operation.Parameters, func(p *huma.Param) bool { return p.Name == name })
	if i < 0 {
		return ""
	}
	return operation.Parameters[i].In
}

// path is the address of something in the API.
func path(format string, args ...any) string { return Prefix + fmt.Sprintf(format, args...) }
