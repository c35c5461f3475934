package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
		return
	}
	code := bizydbtest.Run(m)
	if code == 0 {
		for _, one := range missing() {
			fmt.Println("no test got", one)
			code = 1
		}
	}
	os.Exit(code)
}

// secret is the JWT_SECRET of the tests that sign tokens themselves.
const secret = "0123456789 0123456789 0123456789"

// A service is a server that a test speaks to over HTTP.
type service struct {
	*server
	url      string
	config   config
	db       *bizydb.DB
	mails    *mails
	ownerDSN string
	log      *lockedBuffer
}

// start starts a service on a database of its own. Each environment is pairs of names and values.
func start(t *testing.T, environment ...string) *service {
	t.Helper()
	made := newDatabase(t)
	return startOn(t, made, made.DSN, environment...)
}

// newDatabase makes a database as the service needs it.
func newDatabase(t *testing.T) *bizydbtest.Database {
	t.Helper()
	made := bizydbtest.New(t, bizydbtest.WithMigration("server", migrateOwn))
	letIn(t, made)
	return made
}

// startOn starts a service on a database, which it reaches by dsn.
func startOn(t *testing.T, made *bizydbtest.Database, dsn string, environment ...string) *service {
	t.Helper()
	c, err := readConfig(func(name string) string {
		for i := 0; i < len(environment); i += 2 {
			if environment[i] == name {
				return environment[i+1]
			}
		}
		return ""
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{config: c, mails: &mails{}, ownerDSN: made.AdminDSN, log: &lockedBuffer{}}
	c.sender = s.mails
	if s.db, err = open(t.Context(), dsn, bizydb.WithBcryptCost(bizydb.MinBcryptCost), bizydb.WithStandbys(c.standbys...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.db.Close)
	if s.server, err = newServer(c, s.db, newLog(s.log)); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.handler)
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

// letIn gives the service's login its rights.
func letIn(t *testing.T, made *bizydbtest.Database) {
	t.Helper()
	owner, err := pgx.Connect(t.Context(), made.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	service, err := pgx.ParseConfig(made.DSN)
	if err != nil {
		t.Fatal(err)
	}
	if err := grant(t.Context(), owner, service.User); err != nil {
		t.Fatal(err)
	}
}

// A person is a user who is signed in.
type person struct {
	*service
	id       bizydb.UserID
	username string
	token    string
}

// newPerson makes a user without a password, and a token.
func (s *service) newPerson(t *testing.T, name string) *person {
	t.Helper()
	return s.newPersonWith(t, name, bizydb.RegisterParams{NoPassword: true})
}

// newPersonWith makes a user who has a password, or none, as p says, and a token.
func (s *service) newPersonWith(t *testing.T, name string, p bizydb.RegisterParams) *person {
	t.Helper()
	p.Email, p.Username = name+"@example.org", name
	user, err := s.db.Accounts().Register(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.config.tokens.Issue(user)
	if err != nil {
		t.Fatal(err)
	}
	return &person{s, user.ID, name, token}
}

// An answer is the answer to a request.
type answer struct {
	status int
	header http.Header
	text   string
}

// json is the body, as package json decodes it.
func (a answer) json(t *testing.T) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.text), &v); err != nil {
		t.Fatalf("%v in %q", err, a.text)
	}
	return v
}

// field is a field of a body that is an object.
func (a answer) field(t *testing.T, name string) any {
	t.Helper()
	of, _ := a.json(t).(map[string]any)
	value, ok := of[name]
	if !ok {
		t.Fatalf("no %q in %s", name, a.text)
	}
	return value
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send sends a request like "GET /health", with headers in pairs.
func (s *service) send(t *testing.T, request, body string, header ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := noRedirects.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	takeDown(r, got.StatusCode)
	return answer{got.StatusCode, got.Header, string(text)}
}

// do sends a request with the person's token.
func (p *person) do(t *testing.T, request, body string) answer {
	t.Helper()
	return p.send(t, request, body, "Authorization", "Bearer "+p.token)
}

// must is do for a request that has to succeed.
func (p *person) must(t *testing.T, request, body string) answer {
	t.Helper()
	got := p.do(t, request, body)
	if got.status/100 != 2 {
		t.Fatalf("%s %s: %d %s", request, body, got.status, got.text)
	}
	return got
}

// make creates a task or a goal and returns its id.
func (p *person) make(t *testing.T, what, body string) int {
	t.Helper()
	return int(p.must(t, "POST /api/"+what+"/", body).field(t, "id").(float64))
}

// wantAnswer compares a status and, unless it is empty, a body as JSON or as text.
func wantAnswer(t *testing.T, what string, got answer, status int, body string) {
	t.Helper()
	if got.status != status || body != "" && canonical(got.text) != canonical(body) {
		t.Errorf("%s: got  %d %s\nwant %d %s", what, got.status, canonical(got.text), status, canonical(body))
	}
}

func canonical(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return strings.TrimSpace(text)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func detail(text string) string { return fmt.Sprintf(`{"detail": %q}`, text) }

// A lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
