package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

const formType = "application/x-www-form-urlencoded"

// wantEmpty waits until a directory is empty.
func wantEmpty(t *testing.T, path string) {
	t.Helper()
	for range 500 {
		left, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("files are left in %s", path)
}

// Nobody's upload stays on disk, or is read beyond the limit of a form.
func TestPageKeepsNoUploads(t *testing.T) {
	s := start(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("username", "x")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write(make([]byte, 33<<20)) // more than package mime/multipart keeps in memory
	_ = form.Close()
	for _, path := range []string{"/app/sign-in", "/app/forgot-password", "/app/sign-out", "/app/tasks/1/complete"} {
		s.send(t, "POST "+path, body.String(), "Content-Type", form.FormDataContentType())
	}
	wantEmpty(t, temporary)
	long := url.Values{"username": {strings.Repeat("x", 65<<10)}}.Encode()
	wantAnswer(t, "a long form", s.send(t, "POST /app/sign-in", long, "Content-Type", formType), 413, "")
}

// A client that does not read its export holds no connection of the pool, nor a file after it has gone.
func TestSlowExport(t *testing.T) {
	made := newDatabase(t)
	dsn, err := url.Parse(made.DSN)
	if err != nil {
		t.Fatal(err)
	}
	query := dsn.Query()
	query.Set("pool_max_conns", "1")
	dsn.RawQuery = query.Encode()
	s := startOn(t, made, dsn.String())
	ada, eve := s.newPerson(t, "ada"), s.newPerson(t, "eve")
	for range 20 { // more than the buffers of a connection hold
		must(s.db.As(ada.id).CreateTask(t.Context(), planner.CreateTaskParams{Title: "x", Description: new(strings.Repeat("x", 1_000_000))}))(t)
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/v1/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", ada.token)
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	wantAnswer(t, "another request", ada.v1(t, "GET /api/v1/me", ""), 200, "")
	wantAnswer(t, "another user's export", eve.v1(t, "GET /api/v1/export", ""), 200, "")
	again := ada.v1(t, "GET /api/v1/export", "")
	if again.status != 429 || again.header.Get("Retry-After") == "" {
		t.Errorf("a second export: %d %v", again.status, again.header)
	}
	_ = conn.Close()
	for again.status == 429 && t.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
		again = ada.v1(t, "GET /api/v1/export", "")
	}
	if again.status != 200 || len(again.text) < 20_000_000 || again.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the second export, later: %d %v", again.status, again.header)
	}
	wantEmpty(t, temporary)
}

// A number that would take long to read is none.
func TestLongNumbers(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	long := strings.Repeat("9", 900_000)
	for _, r := range []row{
		{"POST /api/tasks/", `{"title": "x", "parent_goal_id": ` + long + `}`, 422, ""},
		{"POST /api/tasks/", `{"title": "x", "parent_goal_id": "` + long + `"}`, 422, ""},
		{"POST /api/tasks/", `{"title": "x", "dependencies": [` + long + `]}`, 422, ""},
		{"POST /api/tasks/", `{"title": "x", "due_date": "` + long + `"}`, 422, ""},
		{"POST /api/tasks/", `{"title": "x", "due_date": ` + long + `}`, 422, ""},
		{"GET /api/tasks/?goal_id=" + long, "", 422, ""},
		{"GET /api/tasks/" + long, "", 422, ""},
		{"POST /api/goals/", `{"title": "x", "horizon": "weekly", "metrics": {"a": [1e200000]}}`, 422, ""},
		{"POST /api/goals/", `{"title": "x", "horizon": "weekly", "metrics": {"a": 1e-200000}}`, 422, ""},
		{"POST /api/v1/tasks", `{"title": "x", "parent_goal_id": ` + long + `}`, 400, ""},
		{"POST /api/v1/tasks", `{"title": "x", "priority": 1e99999}`, 400, ""},
	} {
		got := ada.do(t, r.request, r.body)
		if strings.Contains(r.request, "/v1/") {
			got = ada.v1(t, r.request, r.body)
		}
		if got.status != r.status || len(got.text) > 2000 {
			t.Errorf("%.40s %.60s: %d %.200s", r.request, r.body, got.status, got.text)
		}
	}
	wantAnswer(t, "an id that is too large for any row", ada.do(t, "GET /api/tasks/"+strings.Repeat("9", 400), ""), 404, "")
}

// What anybody may send is short, and is not read at all from who sends too much of it.
func TestPublicBodies(t *testing.T) {
	t.Parallel()
	s := start(t, "CLIENT_ADDRESS_HEADER", "X-Forwarded-For")
	long := `{"username": "` + strings.Repeat("x", 17<<10) + `"}`
	send := func(request, body, address string) answer {
		return s.send(t, request, body, "X-Forwarded-For", address, "Content-Type", "application/json")
	}
	var requests []string
	for _, r := range s.routes {
		if r.Public && r.Method == "POST" {
			requests = append(requests, "POST "+r.Path)
		}
	}
	for _, o := range s.operations() {
		if o.public() && o.method == "POST" {
			requests = append(requests, "POST "+o.path)
		}
	}
	if len(requests) < 9 {
		t.Fatalf("%v", requests)
	}
	for i, request := range requests {
		address := fmt.Sprint("192.0.2.", i)
		wantAnswer(t, request, send(request, long, address), 413, "")
		var got answer
		for n := 0; n < 100 && got.status != 429; n++ {
			got = send(request, "{", address)
		}
		if got.status != 429 || got.header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d %v", request, got.status, got.header)
		}
	}
	for range 200 { // each takes a while, in which the address may try again
		if send("POST /app/sign-in", "", "192.0.2.100").status == 429 {
			return
		}
	}
	t.Error("the page lets an address try as often as it likes")
}

// The answer to a bad request is not much larger than the request.
func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	items := func(n int) string {
		return `{"title": "` + strings.Repeat("é", 300_000) + `", "tags": [1` + strings.Repeat(",1", n-1) + `]}`
	}
	names := strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(&names, `"%d%s": 1, `, i, strings.Repeat("x", 100))
	}
	for _, r := range []row{
		{"POST /api/tasks/", items(5000), 422, ""},
		{"POST /api/tasks/", `[` + strings.Repeat(`{},`, 4000) + `1]`, 422, ""},
		{"POST /api/goals/1/breakdown/create-tasks", `[` + strings.Repeat(`{},`, 4000) + `1]`, 422, ""},
		{"POST /api/tasks/", items(20_000), 413, `{"detail": "Request body has too many values"}`},
		{"POST /api/v1/tasks", items(5000), 422, ""},
		{"POST /api/v1/tasks", `{` + names.String() + `"title": "x"}`, 422, ""},
		{"POST /api/v1/tasks", items(20_000), 400, ""},
	} {
		got := ada.do(t, r.request, r.body)
		if strings.Contains(r.request, "/v1/") {
			got = ada.v1(t, r.request, r.body)
		}
		wantAnswer(t, r.request, got, r.status, r.want)
		if len(got.text) > 60_000 {
			t.Errorf("%s %.60s: %d bytes", r.request, r.body, len(got.text))
		}
	}
	got := ada.do(t, "GET /api/tasks/?search=%00", "")
	if got.status != 422 || !strings.Contains(got.text, `"loc":["query","search"]`) {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// No answer repeats a password, whatever the kind of the value that it is in.
func TestSecretsOfAnyKind(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	const secret = "hunter2hunter2"
	for _, request := range []string{
		"POST /api/auth/register", "POST /register", "POST /api/auth/login", "POST /login", "POST /password-reset", "POST /password-reset/confirm",
		"POST /verify-email", "POST /api/users/change-password", "POST /api/v1/users", "POST /api/v1/sessions", "PUT /api/v1/me/password",
	} {
		for _, body := range []string{
			`["hunter2hunter2"]`, `"hunter2hunter2"`, `[[{"password": "hunter2hunter2"}]]`, `{"hunter2hunter2": 1}`, `{"password": ["hunter2hunter2"], "new_password": ["hunter2hunter2"]}`,
			`{"password": {"hunter2hunter2": 1}, "token": {"hunter2hunter2": 1}}`, `{"username": "hunter2hunter2", "login": "hunter2hunter2"}`, `{"hunter2hunter2`,
		} {
			got := s.send(t, request, body, "Authorization", "Bearer "+ada.token, "Content-Type", "application/json")
			if strings.Contains(got.text, secret) && !strings.Contains(got.text, "body."+secret) || got.status < 400 || got.status >= 500 {
				t.Errorf("%s %s: %d %s", request, body, got.status, got.text)
			}
		}
		if got := s.send(t, request, "20252025202520252025", "Authorization", "Bearer "+ada.token, "Content-Type", "application/json"); strings.Contains(got.text, "20252025") {
			t.Errorf("%s: %s", request, got.text)
		}
	}
	if strings.Contains(s.log.String(), secret) {
		t.Errorf("in the log:\n%s", s.log)
	}
}

// Right passwords at once lock nobody out, and wrong ones at once are no more guesses than wrong ones in a row.
func TestSignInsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, "CLIENT_ADDRESS_HEADER", "X-Forwarded-For")
	s.newReader(t, "ada")
	atOnce := func(body, address string) map[int]int {
		var mu sync.Mutex
		var all sync.WaitGroup
		n := map[int]int{}
		for range 30 {
			all.Go(func() {
				got := s.send(t, "POST /login", body, "X-Forwarded-For", address)
				mu.Lock()
				defer mu.Unlock()
				n[got.status]++
			})
		}
		all.Wait()
		return n
	}
	if n := atOnce(signIn("ada"), "192.0.2.1"); n[200] != 30 {
		t.Errorf("right ones: %v", n)
	}
	if n := atOnce(`{"username": "ada", "password": "wrong"}`, "192.0.2.2"); n[401] != 5 || n[423] != 25 {
		t.Errorf("wrong ones: %v", n)
	}
	log := s.log.String()
	if !strings.Contains(log, `"msg":"sign-in refused"`) || !strings.Contains(log, `"address":"192.0.2.2"`) || !strings.Contains(log, `"locked":true`) {
		t.Errorf("no line of the log says who was refused:\n%s", log)
	}
}

// The lock-out does not tell who has an account: a login that somebody has is locked as one that nobody has is.
func TestLockOutTellsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, "CLIENT_ADDRESS_HEADER", "X-Forwarded-For")
	s.newReader(t, "ada")
	try := func(name string, logins ...string) (statuses []int) {
		for i, login := range logins {
			login = strings.NewReplacer("name", name, "NAME", strings.ToUpper(name)).Replace(login)
			got := s.send(t, "POST /api/v1/sessions", fmt.Sprintf(`{"login": %q, "password": "wrong"}`, login), "X-Forwarded-For", fmt.Sprint("192.0.2.", i), "Content-Type", "application/json")
			statuses = append(statuses, got.status)
		}
		return statuses
	}
	logins := []string{
		"name", "NAME", " name", "NAME ", "name", "name", "NAME", "name@example.org", "NAME@EXAMPLE.org", "name@example.org.", "name@Example.Org", "name@EXAMPLE.ORG",
		"name@example.org", "NAME@example.org", "name@example。org", "ＮＡＭＥ@example.org",
	}
	known, unknown := try("ada", logins...), try("bob", logins...)
	if fmt.Sprint(known) != fmt.Sprint(unknown) || known[5] != 423 || known[13] != 423 {
		t.Errorf("of an account %v, of none %v", known, unknown)
	}
}

// However often somebody asks for it, an address gets one mail in a while.
func TestResetsOfOneAddress(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, email := range []string{"ada@example.org", "ada@example.org", "ADA@example.org", "Ada@Example.org", "grace@example.org"} {
		wantAnswer(t, email, s.send(t, "POST /password-reset", fmt.Sprintf(`{"email": %q}`, email)), 200, "")
	}
	var n int
	if err := s.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM river.river_job").Scan(&n); err != nil || n > 3 || n < 2 { // 2, or 3 as the five minutes end
		t.Errorf("%d mails, %v", n, err)
	}
}

// Two exports at most are being read in a process: others are told to come again.
func TestExportsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	own, err := pgxpool.New(t.Context(), s.ownerDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	locked, err := own.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Rollback(context.WithoutCancel(t.Context()))
	ada, bob, eve := s.newPerson(t, "ada"), s.newPerson(t, "bob"), s.newPerson(t, "eve")
	if _, err := locked.Exec(t.Context(), "LOCK TABLE public.tasks"); err != nil { // so that reading takes as long as this does
		t.Fatal(err)
	}
	answers := make(chan answer, 2)
	for _, p := range []*person{ada, bob} {
		go func() { answers <- p.v1(t, "GET /api/v1/export", "") }()
	}
	for waiting := 0; waiting < 2; time.Sleep(10 * time.Millisecond) {
		const sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		if err := own.QueryRow(t.Context(), sql).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	third := eve.v1(t, "GET /api/v1/export", "")
	if third.status != 503 || third.header.Get("Retry-After") == "" {
		t.Errorf("a third: %d %v %s", third.status, third.header, third.text)
	}
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantAnswer(t, "one of two", <-answers, 200, "")
	}
	wantAnswer(t, "the third, later", eve.v1(t, "GET /api/v1/export", ""), 200, "")
}

// The links of mails lead to pages, and do nothing until their button is pressed.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := start(t, "EMAIL_VERIFICATION", "required")
	s.startJobs(t)
	s.send(t, "POST /register", signUp("ada"))
	follow := func(n int) (b *browser, path, token string) {
		to := link(t, s.mails.next(t, n))
		b = s.newBrowser(t)
		page, _ := b.open(t, "GET "+to.RequestURI(), nil)
		contains(t, "page of "+to.Path, page, `action="`+to.Path+`"`, `value="`+to.Query().Get("token")+`"`)
		if page.header.Get("Referrer-Policy") != "no-referrer" || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", page.header)
		}
		b.open(t, "HEAD "+to.RequestURI(), nil)
		return b, to.Path, to.Query().Get("token")
	}
	b, path, token := follow(1)
	wantAnswer(t, "only looked at", s.send(t, "POST /login", signIn("ada")), 401, `{"error": "Please verify your email address"}`)
	bad, _ := b.open(t, "POST "+path, url.Values{"token": {"x"}})
	wantAnswer(t, "bad link", bad, 400, "")
	contains(t, "bad link", bad, `role="alert"`, "!<button")
	good, _ := b.open(t, "POST "+path, url.Values{"token": {token}})
	contains(t, "verified", good, "Your address is verified.")
	wantAnswer(t, "verified", s.send(t, "POST /login", signIn("ada")), 200, "")

	s.send(t, "POST /password-reset", `{"email": "ada@example.org"}`)
	b, path, token = follow(2)
	short, _ := b.open(t, "POST "+path, url.Values{"token": {token}, "password": {"short"}})
	wantAnswer(t, "short", short, 422, "")
	contains(t, "short", short, `role="alert"`, `name="password"`, token, "!short\"")
	wantAnswer(t, "the old one", s.send(t, "POST /login", signIn("ada")), 200, "")
	done, _ := b.open(t, "POST "+path, url.Values{"token": {token}, "password": {"another horse"}})
	contains(t, "done", done, "Your password is set.")
	again, _ := b.open(t, "POST "+path, url.Values{"token": {token}, "password": {"third horse"}})
	wantAnswer(t, "again", again, 400, "")
	wantAnswer(t, "the new one", s.send(t, "POST /login", `{"username": "ada", "password": "another horse"}`), 200, "")
}

// A zone that the database does not know is no reason to show nothing.
func TestZonesOfThePage(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.newReader(t, "ada")
	for _, zone := range []string{"posix/Europe/Berlin", "Factory", "Mars", "Local", "../etc/passwd", ""} {
		b := s.newBrowser(t)
		got, _ := b.open(t, "POST /app/sign-in", url.Values{"username": {"ada"}, "password": {password}, "zone": {zone}})
		wantAnswer(t, "zone "+zone, got, 200, "")
		contains(t, "zone "+zone, got, "You have no goals yet.")
	}
}

// Answers with tokens are in no cache.
func TestTokensAreNotStored(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.newReader(t, "ada")
	for request, body := range map[string]string{
		"POST /login": signIn("ada"), "POST /api/auth/login": signIn("ada"), "POST /api/v1/sessions": `{"login": "ada", "password": "correct horse"}`,
	} {
		got := s.send(t, request, body, "Content-Type", "application/json")
		if got.status/100 != 2 || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", request, got.status, got.header)
		}
	}
}

// A link that several use at once sets one password.
func TestLinkOfSeveral(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.startJobs(t)
	s.newReader(t, "ada")
	s.send(t, "POST /password-reset", `{"email": "ada@example.org"}`)
	token := link(t, s.mails.next(t, 1)).Query().Get("token")
	var mu sync.Mutex
	var all sync.WaitGroup
	var set []string
	for i := range 10 {
		all.Go(func() {
			chosen := fmt.Sprint("horse number ", i)
			if got := s.send(t, "POST /password-reset/confirm", fmt.Sprintf(`{"token": %q, "new_password": %q}`, token, chosen)); got.status == 200 {
				mu.Lock()
				defer mu.Unlock()
				set = append(set, chosen)
			}
		})
	}
	all.Wait()
	if len(set) != 1 {
		t.Fatalf("passwords set by one link: %q", set)
	}
	wantAnswer(t, "sign-in", s.send(t, "POST /login", fmt.Sprintf(`{"username": "ada", "password": %q}`, set[0])), 200, "")
}

// A sign-up with a bad address and a link that was used cost no hash: here one would outlast the request.
func TestRefusedBeforeTheHash(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	s := startOn(t, made, made.DSN)
	s.startJobs(t)
	s.newReader(t, "ada")
	s.send(t, "POST /password-reset", `{"email": "ada@example.org"}`)
	reset := fmt.Sprintf(`{"token": %q, "new_password": "another horse"}`, link(t, s.mails.next(t, 1)).Query().Get("token"))
	wantAnswer(t, "the link", s.send(t, "POST /password-reset/confirm", reset), 200, "")

	_, post := s.hashing(t, made.DSN, bizydb.WithBcryptCost(20)) // a minute
	for _, c := range []struct {
		request, body string
		want          int
	}{
		{"/register", `{"username": "eve", "email": "eve@", "password": "correct horse"}`, 422},
		{"/password-reset/confirm", reset, 400},
	} {
		if got := post(c.request, c.body); got.Code != c.want {
			t.Errorf("%s: %d %s", c.request, got.Code, got.Body)
		}
	}
}

// hashing returns the same service with options for its hashes, without a port: the database as it has it, and what sends it a request.
func (s *service) hashing(t *testing.T, dsn string, opts ...bizydb.Option) (*bizydb.DB, func(path, body string) *httptest.ResponseRecorder) {
	t.Helper()
	db, err := open(t.Context(), dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	served, err := newServer(s.config, db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return db, func(path, body string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		served.handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader(body)))
		return answer
	}
}

// A sign-up that waits for its password to be hashed holds no connection.
func TestSignUpWaitsWithoutAConnection(t *testing.T) {
	t.Parallel()
	made := newDatabase(t)
	s := startOn(t, made, made.DSN)
	db, post := s.hashing(t, made.DSN, bizydb.WithBcryptCost(14), bizydb.WithHashConcurrency(1))
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _, _ = db.Accounts().HashPassword(t.Context(), bizydb.NewPassword(password)) })
	all.Go(func() {
		if got := post("/register", signUp("ada")); got.Code != 201 {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	})
	time.Sleep(300 * time.Millisecond) // the two hashes take longer
	if n := db.Pool().Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are held", n)
	}
}
