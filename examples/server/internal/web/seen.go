package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
)

// seenPrefix is what the names of the cookies begin with. Each process has one of its own: a browser sends several requests at once, and the
// answer of a process that knows less could replace what another one has set.
const seenPrefix = "seen-"

// seenAge is how long a cookie is kept, in seconds: longer than standbys are behind.
const seenAge = 3600

type seenKey struct{}

// seen is what the user of a request has seen and written: before, by the cookie, and with it, by the scope.
type seen struct {
	before []bizydb.Token
	scope  *bizydb.Scope
}

// Seen keeps in a cookie what a user has seen and written, so that a process whose reads go to a standby never shows less than another
// has shown. What is read after an answer has begun is not in it.
func Seen(secure bool) Middleware {
	return func(next http.Handler) http.Handler {
		own := seenPrefix + rand.Text()[:6]
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := &seen{}
			for _, cookie := range r.Cookies() {
				if token, err := bizydb.ParseToken(cookie.Value); err == nil && strings.HasPrefix(cookie.Name, seenPrefix) {
					s.before = append(s.before, token) // a broken one says nothing
				}
			}
			out := &writer{w, func(int) {
				if s.scope != nil {
					http.SetCookie(w, &http.Cookie{
						Name: own, Value: s.scope.Token().String(), Path: "/", MaxAge: seenAge, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure,
					})
				}
			}}
			next.ServeHTTP(out, r.WithContext(context.WithValue(r.Context(), seenKey{}, s)))
			out.begin(http.StatusOK) // without a body
		})
	}
}

// Scope returns the scope of the user whose request it is.
func Scope(ctx context.Context, db *bizydb.DB, user bizydb.UserID) bizydb.Scope {
	scope := db.As(user)
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		for _, token := range s.before {
			scope = scope.After(token)
		}
		s.scope = &scope
	}
	return scope
}
