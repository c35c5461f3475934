package web

import (
	"context"
	"net/http"

	"github.com/bizy-ai/bizydb/bizydb"
)

const seenCookie = "seen"

type seenKey struct{}

// seen is what the user of a request has seen and written: before, by the cookie, and with it, by the scope.
type seen struct {
	before bizydb.Token
	scope  *bizydb.Scope
}

// Seen keeps in a cookie what a user has seen and written, so that a process whose reads go to a standby never shows less than another
// has shown. What is read after an answer has begun is not in it.
func Seen(secure bool) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := &seen{}
			if cookie, err := r.Cookie(seenCookie); err == nil {
				s.before, _ = bizydb.ParseToken(cookie.Value) // a broken one says nothing
			}
			out := &seenWriter{ResponseWriter: w, seen: s, secure: secure}
			next.ServeHTTP(out, r.WithContext(context.WithValue(r.Context(), seenKey{}, s)))
			out.setCookie()
		})
	}
}

// Scope returns the scope of the user whose request it is.
func Scope(ctx context.Context, db *bizydb.DB, user bizydb.UserID) bizydb.Scope {
	scope := db.As(user)
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		scope = scope.After(s.before)
		s.scope = &scope
	}
	return scope
}

// A seenWriter sets the cookie when an answer begins.
type seenWriter struct {
	http.ResponseWriter
	*seen
	secure, begun bool
}

func (w *seenWriter) setCookie() {
	if w.begun || w.scope == nil {
		return
	}
	w.begun = true
	if token := w.scope.Token(); token != w.before {
		http.SetCookie(w.ResponseWriter, &http.Cookie{
			Name: seenCookie, Value: token.String(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: w.secure,
		})
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *seenWriter) WriteHeader(status int) {
	w.setCookie()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *seenWriter) Write(b []byte) (int, error) {
	w.setCookie()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
