// Package page is the page for people, under /app/: what is due today, and the tree of goals with its progress. It is HTML that the server
// renders and works without a script; files/page.js replaces the page in place, so that a reader sees and hears which goals moved.
package page

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/server/internal/auth"
	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

//go:embed files
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"day": day}).ParseFS(files, "files/*.html"))

// Everything comes from the service itself, and nothing is inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A Site serves the page.
type Site struct {
	db     *bizydb.DB
	users  *auth.Service
	log    *slog.Logger
	secure bool // cookies go over TLS only
}

// New returns the handler of /app/. With secure its cookies go over TLS only.
//
// The session is a cookie that scripts cannot read and other sites cannot send. Other origins of the same site, such as another port, can:
// http.CrossOriginProtection refuses what they post.
func New(db *bizydb.DB, users *auth.Service, log *slog.Logger, secure bool) http.Handler {
	s := &Site{db, users, log, secure}
	static, err := fs.Sub(files, "files")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	web.Mount(mux, []web.Route{
		{Method: "GET", Path: "/app/{$}", Handler: http.HandlerFunc(s.show)},
		{Method: "POST", Path: "/app/sign-in", Handler: http.HandlerFunc(s.signIn)},
		{Method: "GET", Path: forgotPath, Handler: http.HandlerFunc(s.showForgot)},
		{Method: "POST", Path: forgotPath, Handler: http.HandlerFunc(s.forgot)},
		{Method: "GET", Path: auth.VerifyPath, Handler: s.showLink(verifyForm)},
		{Method: "POST", Path: auth.VerifyPath, Handler: http.HandlerFunc(s.verify)},
		{Method: "GET", Path: auth.ResetPath, Handler: s.showLink(resetForm)},
		{Method: "POST", Path: auth.ResetPath, Handler: http.HandlerFunc(s.reset)},
		{Method: "POST", Path: "/app/sign-out", Handler: http.HandlerFunc(s.signOut)},
		{Method: "POST", Path: "/app/tasks/{id}/complete", Handler: s.change(func(r *http.Request, scope bizydb.Scope, id planner.TaskID) error {
			_, err := scope.CompleteTask(r.Context(), planner.CompleteTaskParams{ID: id})
			return err
		})},
		{Method: "POST", Path: "/app/tasks/{id}/reopen", Handler: s.change(func(r *http.Request, scope bizydb.Scope, id planner.TaskID) error {
			_, err := scope.ReopenTask(r.Context(), planner.ReopenTaskParams{ID: id})
			return err
		})},
	})
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		mux.HandleFunc("GET /app/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, static, name) })
	}
	return web.Chain(mux,
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Security-Policy", policy)
				w.Header().Set("Cache-Control", "no-store")
				next.ServeHTTP(w, r)
			})
		},
		http.NewCrossOriginProtection().Handler,
		s.readForm,
	)
}

// readForm reads the form of a request, which has no files: what package mime/multipart writes to disk for them would stay there, since
// middleware has made another request of the one that net/http cleans up after.
func (s *Site) readForm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, web.MaxForm)
		err := r.ParseForm()
		switch {
		case errors.As(err, new(*http.MaxBytesError)):
			s.render(w, r, http.StatusRequestEntityTooLarge, "problem.html", "That was too long.")
		case err != nil:
			s.render(w, r, http.StatusBadRequest, "problem.html", "The form was not understood.")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Browsers sends who asks for HTML to the page, and other clients on to next.
func Browsers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			http.Redirect(w, r, "/app/", http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const (
	sessionCookie = "session" // the token of a sign-in
	zoneCookie    = "zone"    // the time zone that the browser was in then
)

func (s *Site) setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{Name: name, Value: value, Path: "/app/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure}
	if value == "" {
		c.MaxAge = -1 // gone
	}
	http.SetCookie(w, c)
}

// session is that of a request. Without one that goes on the error is errSignedOut.
func (s *Site) session(r *http.Request) (auth.Session, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return auth.Session{}, errSignedOut
	}
	session, err := s.users.Session(r.Context(), cookie.Value)
	if auth.IsTokenError(err) || errors.Is(err, bizydb.ErrNoUser) {
		err = errSignedOut
	}
	return session, err
}

var errSignedOut = errors.New("no session")

// zone is the time zone of the session, which says when today is.
func zone(r *http.Request) *time.Location {
	if cookie, err := r.Cookie(zoneCookie); err == nil && cookie.Value != "Local" {
		if location, err := time.LoadLocation(cookie.Value); err == nil {
			return location
		}
	}
	return time.UTC
}

func (s *Site) show(w http.ResponseWriter, r *http.Request) {
	session, err := s.session(r)
	if errors.Is(err, errSignedOut) {
		s.render(w, r, http.StatusOK, "sign-in.html", signInForm{})
		return
	}
	var scope bizydb.Scope
	var plan plan
	if err == nil {
		scope = web.Scope(r.Context(), s.db, session.UserID)
		plan, err = readPlan(r.Context(), scope, time.Now().In(zone(r)))
	}
	var field *bizydb.FieldError
	if errors.As(err, &field) && field.Column == "time_zone" { // one that Go knows and PostgreSQL does not
		plan, err = readPlan(r.Context(), scope, time.Now().UTC())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "plan.html", plan)
}

// A signInForm is the form to sign in, after a failure with what was typed.
type signInForm struct{ Username, Problem string }

func (s *Site) signIn(w http.ResponseWriter, r *http.Request) {
	form := signInForm{Username: r.PostForm.Get("username")}
	var token string
	err := s.users.Admit(web.Address(r))
	if err == nil {
		_, token, err = s.users.SignIn(r.Context(), web.Address(r), form.Username, bizydb.NewPassword(r.PostForm.Get("password")))
	}
	status := http.StatusUnauthorized
	switch {
	case err == nil:
		s.setCookie(w, sessionCookie, token)
		s.setCookie(w, zoneCookie, r.PostForm.Get("zone"))
		http.Redirect(w, r, "/app/", http.StatusSeeOther)
		return
	case errors.Is(err, bizydb.ErrInvalidCredentials):
		form.Problem = "The username or the password is wrong."
	case errors.Is(err, auth.ErrUnverified):
		form.Problem = "Please verify your email address first: we have sent you a mail."
	case errors.Is(err, auth.ErrLocked):
		w.Header().Set("Retry-After", auth.RetryAfter(err))
		status, form.Problem = http.StatusLocked, "Too many failed sign-ins. Please try again in 15 minutes."
	case errors.Is(err, auth.ErrTooMany):
		status, form.Problem = http.StatusTooManyRequests, tooMany(w, err)
	default:
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, "sign-in.html", form)
}

func (s *Site) signOut(w http.ResponseWriter, r *http.Request) {
	session, err := s.session(r)
	if err == nil {
		err = s.users.SignOut(r.Context(), session)
	}
	if err != nil && !errors.Is(err, errSignedOut) && !errors.Is(err, bizydb.ErrNoUser) {
		s.fail(w, r, err) // and the reader stays signed in, rather than with a cookie that has gone and a session that goes on
		return
	}
	s.forget(w, r)
}

// forget takes the cookies of a session that has ended.
func (s *Site) forget(w http.ResponseWriter, r *http.Request) {
	s.setCookie(w, sessionCookie, "")
	s.setCookie(w, zoneCookie, "")
	http.Redirect(w, r, "/app/", http.StatusSeeOther)
}

// change does something to a task and shows the page again, at the task where it was asked for.
func (s *Site) change(do func(r *http.Request, scope bizydb.Scope, id planner.TaskID) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := s.session(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err == nil {
			err = do(r, web.Scope(r.Context(), s.db, session.UserID), planner.TaskID(id))
		} else {
			err = bizydb.ErrNotFound
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		at := "/app/"
		if list := r.PostForm.Get("list"); list == listToday || list == listGoals {
			at += "#" + list + "-" + strconv.FormatInt(id, 10)
		}
		http.Redirect(w, r, at, http.StatusSeeOther)
	})
}

// fail shows what went wrong, and logs it if it is none of the reader's.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, problem := http.StatusInternalServerError, "Something went wrong here."
	switch {
	case errors.Is(err, errSignedOut), errors.Is(err, bizydb.ErrNoUser): // since the page was shown
		s.forget(w, r)
		return
	case errors.Is(err, bizydb.ErrNotFound):
		status, problem = http.StatusNotFound, "There is no such task."
	case web.IsBusy(err), errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "1")
		status, problem = http.StatusServiceUnavailable, "The service is busy. Please try again."
	case errors.Is(err, context.Canceled): // the reader has gone
	default:
		s.log.ErrorContext(r.Context(), "failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	s.render(w, r, status, "problem.html", problem)
}

func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var page strings.Builder
	if err := templates.ExecuteTemplate(&page, name, data); err != nil {
		s.log.ErrorContext(r.Context(), "failed", "template", name, "error", err)
		web.Fail(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page.String()))
}
