package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/golang-jwt/jwt/v5"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"example.com/server/internal/v1"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// An operation is one of the document.
type operation struct {
	*huma.Operation
	method, path string
}

// operations are all operations of /api/v1, so that a test which walks them misses none.
func (s *service) operations() (all []operation) {
	for path, item := range s.v1.Document().Paths {
		for method, one := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if one != nil {
				all = append(all, operation{one, method, v1.Prefix + path})
			}
		}
	}
	return all
}

// public reports whether the operation does without a token.
func (o operation) public() bool { return len(o.Security[0]) == 0 }

// document is the document of /api/v1, and what holds answers against it.
var document = sync.OnceValues(func() (validator.Validator, error) {
	api, err := v1.New(nil, nil, nil)
	if err != nil {
		return nil, err
	}
	got := httptest.NewRecorder()
	api.ServeHTTP(got, httptest.NewRequest(http.MethodGet, v1.Prefix+"/openapi.json", nil))
	read, err := libopenapi.NewDocument(got.Body.Bytes())
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(read)
	return v, errors.Join(errs...)
})

// v1 sends a request with the person's token, and checks that the answer is one of the document.
func (p *person) v1(t *testing.T, request, body string, header ...string) answer {
	t.Helper()
	header = append([]string{"Authorization", "Bearer " + p.token}, header...)
	if body != "" {
		header = append([]string{"Content-Type", "application/json"}, header...)
	}
	got := p.send(t, request, body, header...)
	documented(t, request, got)
	return got
}

// documented checks that an answer is one of the document.
func documented(t *testing.T, request string, got answer) {
	t.Helper()
	v, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if got.status >= 300 && got.status != 304 && got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d without a problem: %s", request, got.status, got.text)
	}
	method, path, _ := strings.Cut(request, " ")
	asked := httptest.NewRequest(method, path, nil)
	_, errs := v.ValidateHttpResponse(asked, &http.Response{StatusCode: got.status, Header: got.header, Body: io.NopCloser(strings.NewReader(got.text))})
	for _, err := range errs {
		if got.status != 404 && got.status != 405 { // some of these are of no operation
			t.Errorf("%s: %d is not as documented: %s %v\n%s", request, got.status, err.Error(), err.SchemaValidationErrors, got.text)
		}
	}
}

// v1Bodies are what is sent to an operation so that it does something. One that needs a body and lacks it here fails the tests by name.
var v1Bodies = map[string]string{
	"create-task":     `{"title": "x", "tags": ["a"]}`,
	"update-task":     `{"title": "y", "notes": null}`,
	"create-goal":     `{"title": "x"}`,
	"update-goal":     `{"title": "y", "horizon": "weekly"}`,
	"update-me":       `{"full_name": "Ada"}`,
	"sign-up":         `{"username": "new", "email": "new@example.org", "password": "correct horse"}`,
	"sign-in":         `{"login": "ada", "password": "correct horse"}`,
	"change-password": `{"current_password": "correct horse", "new_password": "battery staple"}`,

	// LINK is the token of a link for it.
	"verify-email":           `{"token": "LINK"}`,
	"request-password-reset": `{"email": "ada@example.org"}`,
	"reset-password":         `{"token": "LINK", "new_password": "battery staple"}`,
}

// errands are what the links of these operations are for.
var errands = map[string]string{"verify-email": "verify", "reset-password": "reset"}

// linkFor is the token of a link as it is in a mail to a person.
func (p *person) linkFor(t *testing.T, errand string) string {
	t.Helper()
	user, err := p.db.Accounts().Get(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"for": errand, "user": user.ID, "email": user.Email, "password_changed": user.PasswordChangedAt, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// v1Queries are the parameters that an operation needs.
var v1Queries = map[string]string{"search": "?search=x"}

// mine are ids that a person has.
type mine struct{ goal, task, dependency, deletedGoal, deletedTask int }

// plant makes a goal and tasks, and deletes others.
func (p *person) plant(t *testing.T) (m mine) {
	t.Helper()
	m.goal = p.create(t, "goals", `{"title": "planted"}`)
	m.dependency = p.create(t, "tasks", `{"title": "planted"}`)
	m.task = p.create(t, "tasks", fmt.Sprintf(`{"title": "planted", "tags": ["planted"], "parent_goal_id": %d}`, m.goal))
	m.deletedGoal, m.deletedTask = p.create(t, "goals", `{"title": "planted"}`), p.create(t, "tasks", `{"title": "planted"}`)
	p.must(t, fmt.Sprint("DELETE /api/v1/goals/", m.deletedGoal), "")
	p.must(t, fmt.Sprint("DELETE /api/v1/tasks/", m.deletedTask), "")
	return m
}

// create creates a task or goal by /api/v1.
func (p *person) create(t *testing.T, what, body string) int {
	t.Helper()
	return int(p.must(t, "POST /api/v1/"+what, body).field(t, "id").(float64))
}

// request is the request of an operation for ids.
func (o operation) request(m mine) string {
	task, goal := m.task, m.goal
	if strings.Contains(o.path, "/trash/") {
		task, goal = m.deletedTask, m.deletedGoal
	}
	return o.method + " " + strings.NewReplacer(
		"{task_id}", fmt.Sprint(task), "{goal_id}", fmt.Sprint(goal), "{dependency_id}", fmt.Sprint(m.dependency), "{tag}", "a",
	).Replace(o.path) + v1Queries[o.OperationID]
}

// trips are the round trips of an operation, if they are not one.
var trips = map[string]int{
	"list-problems":   0,
	"change-password": 4, // whether the token has ended, the failures before, the old password, and the new one
	"delete-me":       2,
	"sign-in":         3,
	"reset-password":  4, // the account as it is, the new password, the address, and the failures before

	"request-password-reset": 4, // River begins and commits a transaction, and says that there is a job, unless it just has
	"sign-up":                5,
	"export":                 6,
}

// Each operation asks the database once.
func TestV1RoundTrips(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	proxy, dsn := bizydbtest.NewProxy(t, made.DSN)
	one, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := one.Query()
	query.Set("pool_max_conns", "1")
	one.RawQuery = query.Encode()
	s := startOn(t, made, one.String(), "JWT_SECRET", secret)
	owner(t, s, "SELECT bizydb.track_changes()")
	for _, o := range s.operations() {
		var n int
		var got answer
		for i := range 2 { // the first warms the connection up
			name := fmt.Sprint(o.OperationID, i)
			account := bizydb.RegisterParams{NoPassword: true} // since a hash takes time
			if strings.Contains(v1Bodies[o.OperationID], password) {
				account = bizydb.RegisterParams{Password: bizydb.NewPassword(password)}
			}
			p := s.newPersonWith(t, name, account)
			m := p.plant(t)
			body := strings.NewReplacer(`"new"`, `"new`+name+`"`, `"new@`, `"new`+name+`@`, `"ada"`, `"`+name+`"`, `"ada@`, `"`+name+`@`, "LINK", p.linkFor(t, errands[o.OperationID])).Replace(v1Bodies[o.OperationID])
			proxy.RoundTrips()
			got = p.v1(t, o.request(m), body)
			n = proxy.RoundTrips()
		}
		want, ok := trips[o.OperationID]
		if !ok {
			want = 1
		}
		if o.OperationID == "request-password-reset" && n == want-1 {
			n = want
		}
		if got.status/100 != 2 || n != want {
			t.Errorf("%s: %d in %d round trips, want %d\n%s", o.OperationID, got.status, n, want, got.text)
		}
	}
}

// No operation reaches what another user has: an id of hers answers in the words of an id that never was.
func TestV1Isolation(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner(t, s, "SELECT bizydb.track_changes()")
	ada, eve := s.newPerson(t, "ada"), s.newPerson(t, "eve")
	eves, nobodys := eve.plant(t), mine{1e6, 1e6, 1e6, 1e6, 1e6}
	hers := ada.plant(t)
	all := func() string {
		return ada.v1(t, "GET /api/v1/tasks", "").text + ada.v1(t, "GET /api/v1/goals/tree", "").text +
			ada.v1(t, "GET /api/v1/trash/tasks", "").text + ada.v1(t, "GET /api/v1/trash/goals", "").text
	}
	before := all()
	for _, o := range s.operations() {
		if o.public() || o.OperationID == "delete-me" || o.OperationID == "sign-out" {
			continue
		}
		// Her id in the place of each id of a path.
		for _, of := range []func(mine) mine{
			func(m mine) mine { return mine{m.goal, m.task, eves.dependency, m.deletedGoal, m.deletedTask} },
			func(m mine) mine { eves := eves; eves.dependency = m.dependency; return eves },
		} {
			request := o.request(of(hers))
			if request == o.request(eves) && !strings.Contains(o.path, "{") {
				if got := eve.v1(t, request, v1Bodies[o.OperationID]); strings.Contains(got.text, fmt.Sprintf(`"user_id":%d,`, ada.id)) {
					t.Errorf("%s shows what is hers: %s", o.OperationID, got.text)
				}
				continue
			}
			if request == o.request(eves) {
				continue // it has no such id
			}
			got, none := eve.v1(t, request, v1Bodies[o.OperationID]), eve.v1(t, o.request(of(nobodys)), v1Bodies[o.OperationID])
			if got.text != none.text || got.status != none.status {
				t.Errorf("%s: %d %s\nto %d %s for no id", request, got.status, got.text, none.status, none.text)
			}
			if got.status != 404 && !strings.Contains(request, "/dependencies/") {
				t.Errorf("%s: %d %s", request, got.status, got.text)
			}
		}
	}
	// Ids in bodies and queries.
	for _, c := range [][2]string{
		{"POST /api/v1/tasks", `{"title": "x", "parent_goal_id": ID}`},
		{"POST /api/v1/tasks", `{"title": "x", "dependencies": [ID]}`},
		{"POST /api/v1/goals", `{"title": "x", "parent_goal_id": ID}`},
		{"GET /api/v1/tasks?parent_goal_id=ID", ""},
		{"GET /api/v1/goals?parent_goal_id=ID", ""},
	} {
		ask := func(m mine) string {
			as := strings.NewReplacer("GOAL", fmt.Sprint(m.goal), "TASK", fmt.Sprint(m.task))
			got := eve.v1(t, as.Replace(c[0]), as.Replace(c[1]))
			return fmt.Sprint(got.status, got.text)
		}
		if got, none := ask(hers), ask(nobodys); got != none {
			t.Errorf("%s: %s\nto %s for no id", c, got, none)
		}
	}
	if after := all(); after != before {
		t.Errorf("hers has changed:\n%s\nto\n%s", before, after)
	}
}

// Nothing answers a user who is gone, or no user.
func TestV1NeedsAUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, grace := s.newPerson(t, "ada"), s.newPerson(t, "grace")
	if _, err := s.db.Accounts().Deactivate(t.Context(), ada.id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Accounts().Delete(t.Context(), grace.id); err != nil {
		t.Fatal(err)
	}
	for _, o := range s.operations() {
		if o.public() {
			continue
		}
		for _, gone := range []*person{ada, grace, {service: s, token: "x"}, {service: s}} {
			got := gone.v1(t, o.request(mine{1, 1, 1, 1, 1}), v1Bodies[o.OperationID])
			if got.status != 401 || got.field(t, "title") != "Not signed in" || got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: %d %s", o.OperationID, got.status, got.text)
			}
		}
	}
}

// The document is valid OpenAPI, and says what each operation and parameter is.
func TestV1Document(t *testing.T) {
	t.Parallel()
	s := start(t)
	got := s.send(t, "GET /api/v1/openapi.json", "")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "application/vnd.oai.openapi+json") {
		t.Errorf("%d %v", got.status, got.header)
	}
	if version := got.field(t, "openapi"); version != "3.1.0" {
		t.Errorf("version %v", version)
	}
	t.Run("lint", func(t *testing.T) { lint(t, got.text) })
	v, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Error(err)
		}
	}
	tags, ids := map[string]bool{}, map[string]bool{}
	for _, tag := range s.v1.Document().Tags {
		tags[tag.Name] = tag.Description != ""
	}
	for _, o := range s.operations() {
		if ids[o.OperationID] || o.Summary == "" || len(o.Tags) != 1 || !tags[o.Tags[0]] || o.Responses["default"] == nil {
			t.Errorf("%s %s: an id of its own, a summary, one tag that is described, and an answer for errors are needed", o.method, o.path)
		}
		ids[o.OperationID] = true
		for _, p := range o.Parameters {
			if p.In == "path" != strings.Contains(o.path, "{"+p.Name+"}") || p.Schema == nil {
				t.Errorf("%s: parameter %s", o.OperationID, p.Name)
			}
		}
	}
}

// lint fails the test for what Redocly's recommended rules find in a document.
func lint(t *testing.T, document string) {
	t.Helper()
	_, err := os.Stat("testdata/npm/node_modules")
	needs(t, "linter", "npm ci --ignore-scripts in testdata/npm", err)
	linter := exec.CommandContext(t.Context(), "node", "testdata/npm/lint.js")
	linter.Stdin = strings.NewReader(document)
	if out, err := linter.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
