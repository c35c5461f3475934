package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
)

// faces are how each face of the service changes a password, signs out, and says who is signed in.
var faces = []struct {
	name, who      string
	changePassword [2]string
	reset          string
	signOut        string
}{
	{
		"/api", "GET /api/auth/profile",
		[2]string{"POST /api/users/change-password", `{"current_password": "correct horse", "new_password": "another horse"}`},
		"POST /password-reset/confirm", "POST /api/auth/logout",
	},
	{
		"/api/v1", "GET /api/v1/me",
		[2]string{"PUT /api/v1/me/password", `{"current_password": "correct horse", "new_password": "another horse"}`},
		"POST /api/v1/password-resets/confirm", "DELETE /api/v1/sessions/current",
	},
}

// json sends a request with the person's token and a body of JSON.
func (p *person) json(t *testing.T, request, body string) answer {
	t.Helper()
	return p.send(t, request, body, "Authorization", "Bearer "+p.token, "Content-Type", "application/json")
}

// signedIn is a person in another session.
func (p *person) signedIn(t *testing.T) *person {
	t.Helper()
	user, err := p.db.Accounts().Get(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	token, err := p.config.tokens.Issue(user)
	if err != nil {
		t.Fatal(err)
	}
	return &person{service: p.service, id: p.id, username: p.username, token: token}
}

// wantSession checks at every face whether the session of a person goes on.
func (p *person) wantSession(t *testing.T, what string, goesOn bool) {
	t.Helper()
	want := 401
	if goesOn {
		want = 200
	}
	for _, face := range faces {
		if got := p.json(t, face.who, ""); got.status != want {
			t.Errorf("%s: %s answers %d %s, want %d", what, face.who, got.status, got.text, want)
		}
	}
	got := p.send(t, "GET /app/", "", "Cookie", "session="+p.token)
	if shown := !strings.Contains(got.text, `action="/app/sign-in"`); shown != goesOn {
		t.Errorf("%s: the page shows the plan: %v", what, shown)
	}
}

// A change of password ends every session that began before it, however it is changed and although all of this is in one second; those
// that begin after it go on.
func TestPasswordEndsSessions(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.startJobs(t)
	mails := 0
	for i, face := range faces {
		for name, change := range map[string]func(t *testing.T, p *person){
			"changed": func(t *testing.T, p *person) {
				if got := p.json(t, face.changePassword[0], face.changePassword[1]); got.status/100 != 2 {
					t.Fatalf("%d %s", got.status, got.text)
				}
			},
			"reset": func(t *testing.T, p *person) {
				mails++
				s.send(t, "POST /password-reset", fmt.Sprintf(`{"email": "%s@example.org"}`, p.username))
				token := link(t, s.mails.next(t, mails)).Query().Get("token")
				if got := p.json(t, face.reset, fmt.Sprintf(`{"token": %q, "new_password": "another horse"}`, token)); got.status/100 != 2 {
					t.Fatalf("%d %s", got.status, got.text)
				}
			},
		} {
			ada := s.newPersonWith(t, fmt.Sprint(name, i), bizydb.RegisterParams{Password: bizydb.NewPassword(password)})
			eve := s.newPerson(t, fmt.Sprint("eve", name, i))
			thief := ada.signedIn(t)
			ada.wantSession(t, name+" before", true)
			thief.wantSession(t, name+" before", true)
			eve.wantSession(t, name+" before", true)
			began := time.Now()
			change(t, ada)
			after := ada.signedIn(t)
			ada.wantSession(t, name, false)
			thief.wantSession(t, name, false)
			after.wantSession(t, name, true)
			eve.wantSession(t, name+", of another", true)
			t.Logf("%s at %s in %s", name, face.name, time.Since(began))
		}
	}
}

// The claim iat has seconds. Of two tokens that are issued in the same one, before and after a change, the first is void.
func TestPasswordChangedInTheSameSecond(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	for try := 0; ; try++ {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		before := ada.signedIn(t)
		if err := s.db.Accounts().SetPassword(t.Context(), ada.id, bizydb.NewPassword(password)); err != nil {
			t.Fatal(err)
		}
		after := ada.signedIn(t)
		if iat(t, before.token) != iat(t, after.token) {
			if try == 20 {
				t.Fatal("a change of password takes a second")
			}
			continue
		}
		before.wantSession(t, "before", false)
		after.wantSession(t, "after", true)
		return
	}
}

// A sign-out ends one session, at each face.
func TestSignOutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, face := range faces {
		ada := s.newPerson(t, fmt.Sprint("ada", i))
		other := ada.signedIn(t)
		ada.wantSession(t, "before", true)
		if got := ada.json(t, face.signOut, ""); got.status/100 != 2 {
			t.Errorf("%s: %d %s", face.signOut, got.status, got.text)
		}
		ada.wantSession(t, face.signOut, false)
		other.wantSession(t, "another session after "+face.signOut, true)
		if got := ada.json(t, face.signOut, ""); got.status != 401 {
			t.Errorf("%s again: %d %s", face.signOut, got.status, got.text)
		}
	}
	s.newReader(t, "grace")
	b := s.newBrowser(t)
	b.signIn(t, "grace", password)
	address, err := url.Parse(s.url + "/app/")
	if err != nil {
		t.Fatal(err)
	}
	stolen := ""
	for _, cookie := range b.client.Jar.Cookies(address) {
		if cookie.Name == "session" {
			stolen = cookie.Value
		}
	}
	grace := &person{service: s, token: stolen}
	grace.wantSession(t, "before", true)
	b.open(t, "POST /app/sign-out", url.Values{})
	grace.wantSession(t, "signed out of the page", false)

	// What has expired goes at the next sign-out, and each user's alone is there to see.
	if found, err := s.db.CheckConfined(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	owner(t, s, "UPDATE server.ended_sessions SET until = now() - interval '1 second'")
	ada := s.newPerson(t, "ada")
	ada.must(t, "POST /api/auth/logout", "")
	var n int
	if err := s.db.As(ada.id).DBTX().QueryRow(t.Context(), "SELECT count(*) FROM server.ended_sessions").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d ended sessions, %v", n, err)
	}
}

// What ends a session in one process ends it in the others some seconds later. What changes the account does not wait for that.
func TestSessionsOfOtherProcesses(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	here, there := startOn(t, made, made.DSN, "JWT_SECRET", secret), startOn(t, made, made.DSN, "JWT_SECRET", secret)
	ada := here.newPersonWith(t, "ada", bizydb.RegisterParams{Password: bizydb.NewPassword(password)})
	elsewhere := &person{service: there, id: ada.id, username: "ada", token: ada.token}
	elsewhere.must(t, "GET /api/tasks/", "")
	ada.must(t, "POST /api/users/change-password", `{"current_password": "correct horse", "new_password": "another horse"}`)
	began := time.Now()
	for _, c := range [][2]string{
		{"POST /api/users/change-password", `{"current_password": "another horse", "new_password": "correct horse"}`},
		{"DELETE /api/users/me", ""},
		{"PUT /api/v1/me/password", `{"current_password": "another horse", "new_password": "correct horse"}`},
		{"DELETE /api/v1/me", ""},
	} {
		if got := elsewhere.json(t, c[0], c[1]); got.status != 401 {
			t.Errorf("%s: %d %s", c[0], got.status, got.text)
		}
	}
	for elsewhere.do(t, "GET /api/tasks/", "").status != 401 {
		if time.Since(began) > time.Minute {
			t.Fatal("the session goes on elsewhere")
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("it ended elsewhere after %s", time.Since(began))
}

// claims are those of a token, as JSON.
func claims(t *testing.T, token string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var iatForm = regexp.MustCompile(`"iat":(\d+)`)

// iat is the time of a token.
func iat(t *testing.T, token string) string {
	t.Helper()
	found := iatForm.FindStringSubmatch(claims(t, token))
	if found == nil {
		t.Fatal("no iat")
	}
	return found[1]
}
