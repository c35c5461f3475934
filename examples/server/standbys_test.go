package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// startWithStandby starts a service with a standby that is none, so that the primary answers. bizydb's own tests have real ones.
func startWithStandby(t *testing.T, made *bizydbtest.Database) *service {
	t.Helper()
	return startOn(t, made, made.DSN, "DATABASE_URL", made.DSN, "STANDBY_URLS", made.DSN, "JWT_SECRET", secret)
}

// What a user has seen and written through one process is known to another by the cookie.
func TestSeenByAnotherProcess(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	first, second, third := startWithStandby(t, made), startWithStandby(t, made), startWithStandby(t, made)
	ada := first.newPerson(t, "ada")
	written := ada.must(t, "POST /api/tasks/", `{"title": "task"}`)
	cookie, err := http.ParseSetCookie(written.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := bizydb.ParseToken(cookie.Value)
	if err != nil || token == (bizydb.Token{}) || !strings.HasPrefix(cookie.Name, "seen-") || !cookie.HttpOnly {
		t.Fatalf("%v: %v", cookie, err)
	}
	ask := func(s *service, path, cookie string) answer {
		got := s.send(t, "GET "+path, "", "Authorization", "Bearer "+ada.token, "Cookie", cookie)
		if got.status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, got.status, got.text)
		}
		return got
	}
	knows := func(s *service) bool {
		scope := s.db.As(ada.id)
		before := scope.Token()
		return scope.After(token).Token() == before
	}
	ask(second, "/api/tasks/", cookie.Name+"="+cookie.Value)
	if !knows(second) {
		t.Error("the process that got the cookie does not know what the user has written")
	}
	ask(third, "/api/v1/tasks", "seen-a=broken")
	if knows(third) {
		t.Error("a process without the cookie knows what the user has written")
	}
	// A browser has a cookie of each process, so that none replaces another's.
	got := ask(third, "/api/v1/tasks", "seen-a=broken; "+cookie.Name+"="+cookie.Value)
	if set := got.header.Get("Set-Cookie"); !strings.HasPrefix(set, "seen-") || strings.HasPrefix(set, cookie.Name) || !knows(third) {
		t.Errorf("%s sets %q after %v", "the third process", set, cookie)
	}
}
