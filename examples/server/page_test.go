package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A browser is a client that keeps cookies and follows redirects, but runs no script.
type browser struct {
	*service
	client *http.Client
}

func (s *service) newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar}}
}

func (b *browser) open(t *testing.T, request string, form url.Values, header ...string) (answer, string) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}, got.Request.URL.RequestURI() + "#" + got.Request.URL.Fragment
}

func (b *browser) signIn(t *testing.T, name, password string) answer {
	t.Helper()
	got, _ := b.open(t, "POST /app/sign-in", url.Values{"username": {name}, "password": {password}, "zone": {"Pacific/Auckland"}})
	return got
}

// newReader makes a user with a password.
func (s *service) newReader(t *testing.T, name string) bizydb.Scope {
	t.Helper()
	user, err := s.db.Accounts().Register(t.Context(), bizydb.RegisterParams{
		Email: name + "@example.org", Username: name, Password: bizydb.NewPassword(password),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.db.As(user.ID)
}

// contains tells what of a page is there that should not be, and the other way round.
func contains(t *testing.T, what string, got answer, want ...string) {
	t.Helper()
	for _, w := range want {
		not, gone := strings.CutPrefix(w, "!")
		if strings.Contains(got.text, not) == gone {
			t.Errorf("%s: want %s in %d %s", what, w, got.status, got.text)
		}
	}
}

// The page does without a script.
func TestPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, b := s.newReader(t, "ada"), s.newBrowser(t)

	home, at := b.open(t, "GET /", nil, "Accept", "text/html,application/xhtml+xml;q=0.9")
	if at != "/app/#" || home.status != 200 {
		t.Errorf("a browser gets %d from %s", home.status, at)
	}
	contains(t, "home", home, `action="/app/sign-in"`, `!role="alert"`)
	if policy := home.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	wantAnswer(t, "without a session", b.signIn(t, "ada", "wrong"), 401, "")
	contains(t, "wrong", b.signIn(t, "ada", "wrong <b>"), `role="alert"`, `value="ada"`, "!wrong &lt;b")
	contains(t, "signed in", b.signIn(t, "ada", password), "You have no goals yet.", "Nothing is due today.", "Sign out")

	shop := must(ada.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "Shop <1>"}))(t)
	rent := must(ada.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "Rent", ParentGoalID: &shop.ID}))(t)
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(auckland)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC) // a day, whichever the zone
	task := must(ada.CreateTask(t.Context(), planner.CreateTaskParams{Title: "Sign", ParentGoalID: &rent.ID, DueDate: &today, DueAllDay: true}))(t)
	must(ada.CreateTask(t.Context(), planner.CreateTaskParams{Title: "Call", ParentGoalID: &rent.ID, DueDate: new(now.AddDate(0, 0, 1))}))(t)
	must(ada.CreateTask(t.Context(), planner.CreateTaskParams{Title: "Old", DueDate: new(now.AddDate(0, 0, -1))}))(t)

	got, _ := b.open(t, "GET /app/", nil)
	inToday, inGoals := fmt.Sprintf(`id="today-%d"`, task.ID), fmt.Sprintf(`id="goals-%d"`, task.ID)
	contains(t, "plan", got, "Shop &lt;1&gt;", inToday, inGoals, `id="goals-`+fmt.Sprint(task.ID+1), `!id="today-`+fmt.Sprint(task.ID+1),
		"Tasks without a goal", `id="today-`+fmt.Sprint(task.ID+2), "overdue", `data-percent="0"`, "!Reopen")
	if got.header.Get("Cache-Control") != "no-store" {
		t.Error("a plan that a browser keeps")
	}

	complete := fmt.Sprintf("POST /app/tasks/%d/complete", task.ID)
	for range 2 { // as when a reader presses twice
		got, at = b.open(t, complete, url.Values{"list": {"goals"}})
		if want := fmt.Sprintf("/app/#goals-%d", task.ID); at != want {
			t.Errorf("at %s, want %s", at, want)
		}
		contains(t, "completed", got, `data-percent="50"`, "Reopen", inToday, inGoals)
	}
	got, at = b.open(t, fmt.Sprintf("POST /app/tasks/%d/reopen", task.ID), url.Values{"list": {"//evil.example.org"}})
	if at != "/app/#" {
		t.Errorf("at %s", at)
	}
	contains(t, "reopened", got, `data-percent="0"`, "!Reopen")

	// Other origins, and users.
	for _, site := range []string{"cross-site", "same-site"} {
		got, _ = b.open(t, complete, url.Values{}, "Sec-Fetch-Site", site)
		wantAnswer(t, "post from "+site, got, 403, "")
	}
	got, _ = b.open(t, complete, url.Values{}, "Origin", "http://localhost:3000")
	wantAnswer(t, "post from another origin", got, 403, "")
	s.newReader(t, "eve")
	eve := s.newBrowser(t)
	contains(t, "eve", eve.signIn(t, "eve", password), "!Shop", "!Sign</span>")
	hers, _ := eve.open(t, complete, url.Values{})
	nobodys, _ := eve.open(t, "POST /app/tasks/1000000/complete", url.Values{})
	odd, _ := eve.open(t, "POST /app/tasks/x/complete", url.Values{})
	wantAnswer(t, "a task of hers", hers, 404, nobodys.text)
	wantAnswer(t, "no number", odd, 404, nobodys.text)
	if after := must(ada.GetTask(t.Context(), task.ID))(t); after.Status != planner.TaskPending {
		t.Errorf("the task is %s", after.Status)
	}

	// The cookie is for the page alone, and its end is the end.
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/app/", nil)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.client.Jar.Cookies(request.URL)
	if len(cookies) != 2 {
		t.Fatalf("cookies %v", cookies)
	}
	contains(t, "API by cookie", s.send(t, "GET /api/tasks/", "", "Cookie", cookies[0].String()), "Not authenticated")
	got, _ = b.open(t, "POST /app/sign-out", url.Values{})
	contains(t, "signed out", got, `action="/app/sign-in"`)
	got, _ = b.open(t, complete, url.Values{})
	contains(t, "after that", got, `action="/app/sign-in"`)
	b.signIn(t, "ada", password)
	if _, err := s.db.Accounts().Deactivate(t.Context(), task.UserID); err != nil {
		t.Fatal(err)
	}
	got, _ = b.open(t, "GET /app/", nil)
	contains(t, "deactivated", got, `action="/app/sign-in"`)
}

// Whoever has forgotten a password asks for a mail, and is not told whether the address has an account.
func TestForgotPassword(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.startJobs(t)
	s.newReader(t, "ada")
	b := s.newBrowser(t)
	const path = "/app/forgot-password"
	home, _ := b.open(t, "GET /app/", nil)
	contains(t, "home", home, `href="`+path+`"`)
	form, _ := b.open(t, "GET "+path, nil)
	contains(t, "form", form, `action="`+path+`"`, `name="email"`, `!role="alert"`)
	for _, bad := range []string{"", "ada", "ada@example.org, eve@example.org", strings.Repeat("a", 2000) + "@example.org", "<b>@"} {
		got, _ := b.open(t, "POST "+path, url.Values{"email": {bad}})
		wantAnswer(t, "bad address", got, 422, "")
		contains(t, "bad address", got, `role="alert"`, `value="`+html.EscapeString(bad)+`"`)
	}
	unknown, _ := b.open(t, "POST "+path, url.Values{"email": {"nobody@example.org"}})
	contains(t, "unknown", unknown, `role="status"`)
	known, _ := b.open(t, "POST "+path, url.Values{"email": {" Ada@example.org"}})
	wantAnswer(t, "known", known, unknown.status, unknown.text)
	cross, _ := b.open(t, "POST "+path, url.Values{"email": {"ada@example.org"}}, "Sec-Fetch-Site", "cross-site")
	wantAnswer(t, "from another site", cross, 403, "")

	to := link(t, s.mails.next(t, 1))
	set, _ := b.open(t, "POST "+to.Path, url.Values{"token": {to.Query().Get("token")}, "password": {"another horse"}})
	contains(t, "set", set, "Your password is set.")
	contains(t, "signed in", b.signIn(t, "ada", "another horse"), "Sign out")
	again, _ := b.open(t, "POST "+to.Path, url.Values{"token": {to.Query().Get("token")}, "password": {"third horse"}})
	wantAnswer(t, "again", again, 400, "")
	contains(t, "again", again, `role="alert"`, `href="`+path+`"`)
}

// must returns what a call returns, which may not fail.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestPageCookies(t *testing.T) {
	t.Parallel()
	for public, secure := range map[string]bool{"http://127.0.0.1:8000": false, "https://planner.example.org": true} {
		s := start(t, "PUBLIC_URL", public)
		s.newReader(t, "ada")
		got := s.send(t, "POST /app/sign-in", url.Values{"username": {"ada"}, "password": {password}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		cookie := got.header.Get("Set-Cookie")
		for _, attribute := range []string{"session=", "Path=/app/", "HttpOnly", "SameSite=Lax"} {
			if !strings.Contains(cookie, attribute) {
				t.Errorf("no %s in %s", attribute, cookie)
			}
		}
		if strings.Contains(cookie, "Secure") != secure {
			t.Errorf("at %s the cookie is %s", public, cookie)
		}
	}
}
