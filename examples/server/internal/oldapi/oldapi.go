// Package oldapi is the API that the front end of 2025 speaks, under /api, with the error bodies and the lax input of the framework that it
// was written in. README.md lists where it differs on purpose. A new client takes /api/v1.
package oldapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"example.com/server/internal/auth"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

// An API serves the old API and the paths of the old auth server.
type API struct {
	db    *bizydb.DB
	users *auth.Service
	log   *slog.Logger
	mux   *http.ServeMux
}

// New returns an API.
func New(db *bizydb.DB, users *auth.Service, log *slog.Logger) *API {
	a := &API{db, users, log, http.NewServeMux()}
	web.Mount(a.mux, a.Routes())
	return a
}

// ServeHTTP answers a path of no route as the old framework did: the slash at the end of a path is put right by a redirect.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	if allowed := web.Allowed(a.mux, r, r.URL.Path); allowed != "" {
		w.Header().Set("Allow", allowed)
		a.writeError(w, r, "detail", fail(http.StatusMethodNotAllowed, "Method Not Allowed"))
		return
	}
	if short, ok := strings.CutSuffix(r.URL.Path, "/"); ok && web.Allowed(a.mux, r, short) != "" {
		to := *r.URL
		to.Path, to.RawPath = path.Clean(short), ""
		http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
		return
	}
	a.writeError(w, r, "detail", fail(http.StatusNotFound, "Not Found"))
}

// A call is a request with what handlers need.
type call struct {
	*http.Request
	*input
	session auth.Session
	scope   bizydb.Scope // of the session's user
}

// An endpoint returns the body of its answer, or an error: one of fail, or of bizydb.
type endpoint func(c *call) (any, error)

// A route is an endpoint with what is done for it before and after.
type route struct {
	pattern string // method and path
	status  int    // of success
	body    bodyMode
	do      endpoint

	public   bool   // does without a token
	errorKey string // of the text of an error; empty for "detail"
}

// Routes returns all routes.
func (a *API) Routes() []web.Route {
	var routes []web.Route
	for _, of := range [][]route{a.publicRoutes(), a.authRoutes(), a.authServerRoutes(), a.accountRoutes(), a.taskRoutes(), a.goalRoutes(), a.analyticsRoutes(), a.briefingRoutes()} {
		for _, one := range of {
			method, path, _ := strings.Cut(one.pattern, " ")
			routes = append(routes, web.Route{Method: method, Path: path, Public: one.public, Handler: a.handler(one)})
		}
	}
	return routes
}

func (a *API) handler(one route) http.Handler {
	if one.errorKey == "" {
		one.errorKey = "detail"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := a.answer(w, r, one)
		if err != nil {
			a.writeError(w, r, one.errorKey, err)
			return
		}
		write(w, one.status, answer)
	})
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, one route) (any, error) {
	c := &call{Request: r}
	if !one.public {
		session, err := a.session(r)
		if err != nil {
			return nil, c.about(err)
		}
		c.session, c.scope = session, web.Scope(r.Context(), a.db, session.UserID)
	}
	limit := int64(web.MaxBody)
	if one.public && one.body != noBody {
		if err := a.users.Admit(web.Address(r)); err != nil {
			return nil, c.about(err)
		}
		limit = web.MaxPublicBody
		web.NoStore(w)
	}
	in, err := readInput(w, r, one.body, limit)
	if err != nil {
		return nil, err
	}
	c.input = in
	answer, err := one.do(c)
	return answer, c.about(err)
}

// session reads the token of a request. Whether its user is still there and active is for the scope to say, with each query.
func (a *API) session(r *http.Request) (auth.Session, error) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	switch {
	case header == "", token == "":
		return auth.Session{}, fail(http.StatusForbidden, "Not authenticated")
	case !strings.EqualFold(scheme, "Bearer"):
		return auth.Session{}, fail(http.StatusForbidden, "Invalid authentication credentials")
	}
	session, err := a.users.Session(r.Context(), token)
	switch {
	case err == nil:
		return session, nil
	case errors.Is(err, auth.ErrExpired):
		return session, unauthorized("Token has expired")
	case errors.Is(err, auth.ErrClaims):
		return session, unauthorized("Token validation failed: " + err.Error())
	case auth.IsTokenError(err):
		return session, unauthorized("Invalid token: " + err.Error())
	default: // of the database
		return session, err
	}
}

// write writes an answer.
func write(w http.ResponseWriter, status int, body any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	if html, ok := body.(page); ok {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(html))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // an error is one of the connection
}
