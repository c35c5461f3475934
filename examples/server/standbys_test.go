package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// startWithStandby starts a service with a standby that is none, so that the primary answers. bizydb's own tests have real ones.
func startWithStandby(t *testing.T, made *bizydbtest.Database) *service {
	t.Helper()
	return startOn(t, made, made.DSN, "DATABASE_URL", made.DSN, "STANDBY_URLS", made.DSN, "JWT_SECRET", secret)
}

// What a user has seen and written through one process is known to another by the cookie. Each process has one of its own.
func TestSeenByAnotherProcess(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	first, second, third := startWithStandby(t, made), startWithStandby(t, made), startWithStandby(t, made)
	ada := first.newPerson(t, "ada")
	cookie, err := http.ParseSetCookie(ada.must(t, "POST /api/tasks/", `{"title": "task"}`).header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	written, err := bizydb.ParseToken(cookie.Value)
	if err != nil || written == (bizydb.Token{}) || !strings.HasPrefix(cookie.Name, "seen-") || !cookie.HttpOnly {
		t.Fatalf("%v: %v", cookie, err)
	}
	// A face of another process finds out before it reads.
	known := func(db *bizydb.DB, header string) bizydb.Token {
		var token bizydb.Token
		face := web.Seen(false)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { token = web.Scope(r.Context(), db, ada.id).Token() }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", header)
		face.ServeHTTP(httptest.NewRecorder(), r)
		return token
	}
	if got := known(third.db, "seen-a=broken; other="+cookie.Value); third.db.As(ada.id).After(written).Token() == got {
		t.Errorf("without the cookie it knows %v", got)
	}
	if got := known(second.db, "seen-a=broken; "+cookie.String()); second.db.As(ada.id).After(written).Token() != got {
		t.Errorf("with the cookie it knows %v, want all of %v", got, written)
	}
	for _, path := range []string{"/api/tasks/", "/api/v1/tasks"} {
		got := second.send(t, "GET "+path, "", "Authorization", "Bearer "+ada.token, "Cookie", cookie.String())
		if set := got.header.Get("Set-Cookie"); got.status != http.StatusOK || !strings.HasPrefix(set, "seen-") || strings.HasPrefix(set, cookie.Name) {
			t.Errorf("%s: %d, %q", path, got.status, set)
		}
	}
}
