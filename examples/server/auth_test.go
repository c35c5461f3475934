package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const password = "correct horse"

func signUp(name string) string {
	return fmt.Sprintf(`{"username": %q, "email": %q, "password": %q}`, name, name+"@example.org", password)
}

func signIn(name string) string {
	return fmt.Sprintf(`{"username": %q, "password": %q}`, name, password)
}

func TestSignUpAndIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, face := range []struct{ prefix, name string }{{"/api/auth", "ada"}, {"", "grace"}} {
		got := s.send(t, "POST "+face.prefix+"/register", signUp(face.name))
		id := got.field(t, "user_id")
		wantAnswer(t, "register", got, 201, fmt.Sprintf(`{"message": "User registered. Please verify your email address.", "user_id": %v}`, id))
		for _, login := range []string{face.name, strings.ToUpper(face.name) + "@EXAMPLE.org"} {
			got = s.send(t, "POST "+face.prefix+"/login", signIn(login))
			wantAnswer(t, "login", got, 200, fmt.Sprintf(`{"message": "Login successful", "user_id": %v, "token": %q}`, id, got.field(t, "token")))
		}
		person := &person{service: s, token: got.field(t, "token").(string)}
		profile := fmt.Sprintf(`{"id": %v, "username": %q, "email": "%s@example.org", "is_admin": false, "email_verified": false}`, id, face.name, face.name)
		person.check(t, []row{
			{"GET /api/auth/profile", "", 200, profile},
			{"GET /profile", "", 200, profile},
			{"GET /api/auth/verify-token", "", 200, fmt.Sprintf(`{"valid": true, "user": {"id": %v, "username": %q, "is_admin": false}}`, id, face.name)},
			{"POST /api/auth/logout", "", 200, fmt.Sprintf(`{"message": "Logged out successfully", "username": %q}`, face.name)},
		})
	}
	wantAnswer(t, "auth server", s.send(t, "GET /api/auth/auth-server-health", ""), 200, `{"auth_server": {"status": "healthy"}}`)
}

func TestAuthInput(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, "POST /api/auth/register", signUp("ada"))
	short := `"msg": "String should have at least 3 characters", "input": null, "ctx": {"min_length": 3}}`
	for _, r := range []row{
		// No answer repeats a password, nor the object that has it.
		{"POST /api/auth/register", `{"username": "grace", "password": "secret secret"}`, 422, only(`{"type": "missing", "loc": ["body", "email"], "msg": "Field required", "input": null}`)},
		{"POST /api/auth/register", `{"username": "ab", "email": "ab@example.org", "password": "secret secret"}`, 422, only(`{"type": "string_too_short", "loc": ["body", "username"], ` + short)},
		{"POST /api/auth/register", `{"username": "a-b", "email": "ab@example.org", "password": "secret secret"}`, 422, only(`{"type": "string_pattern_mismatch", "loc": ["body", "username"],
			"msg": "String should match pattern '^[a-zA-Z0-9_]+$'", "input": null, "ctx": {"pattern": "^[a-zA-Z0-9_]+$"}}`)},
		{"POST /api/auth/register", `{"username": "` + strings.Repeat("a", 51) + `", "email": "ab@example.org", "password": "secret secret"}`, 422, ""},
		{"POST /api/auth/register", `{"username": "grace", "email": "nobody", "password": "secret secret"}`, 422, only(`{"type": "value_error", "loc": ["body", "email"],
			"msg": "Value error, must be an email address", "input": null, "ctx": {"error": "must be an email address"}}`)},
		{"POST /api/auth/register", `{"username": "grace", "email": "g@example.org", "password": "secret"}`, 422, ""},
		{"POST /api/auth/register", `{"username": "grace", "email": "g@example.org", "password": "` + strings.Repeat("s", 73) + `"}`, 422, ""},
		{"POST /api/auth/register", strings.Replace(signUp("ada"), "ada@", "eve@", 1), 409, detail("Username is taken")},
		{"POST /api/auth/register", strings.Replace(signUp("eve"), "eve@", "ADA@", 1), 409, detail("Email is taken")},
		{"POST /register", signUp("ada"), 409, ""},
		{"POST /register", `{"username": "ab"}`, 422, `{"error": "username: String should have at least 3 characters"}`},
		{"POST /api/auth/login", `{"username": "ada"}`, 422, only(`{"type": "missing", "loc": ["body", "password"], "msg": "Field required", "input": null}`)},
		{"POST /api/auth/login", `{"username": "ada", "password": "wrong"}`, 401, detail("Invalid username or password")},
		{"POST /api/auth/login", `{"username": "nobody", "password": "wrong"}`, 401, detail("Invalid username or password")},
		{"POST /login", `{"username": "nobody", "password": "wrong"}`, 401, `{"error": "Invalid username or password"}`},
		{"POST /login", ``, 422, `{"error": "body: Field required"}`},
		{"GET /profile", "", 403, `{"error": "Not authenticated"}`},
		{"POST /verify-email", `{"token": "x"}`, 400, `{"error": "Link is invalid or has expired"}`},
		{"POST /password-reset", `{"email": "a\u0000b"}`, 422, `{"error": "email: Value error, must be an email address"}`},
		{"POST /verify-email", `{}`, 422, `{"error": "token: Field required"}`},
		{"POST /password-reset/confirm", `{"token": "x", "new_password": "secret secret"}`, 400, `{"error": "Link is invalid or has expired"}`},
		{"POST /password-reset/confirm", `{"token": "x", "new_password": "secret"}`, 422, `{"error": "new_password: String should have at least 8 characters"}`},
		{"POST /password-reset", `{}`, 422, `{"error": "email: Field required"}`},
	} {
		wantAnswer(t, r.request+" "+r.body, s.send(t, r.request, r.body), r.status, r.want)
	}
	if log := s.log.String(); strings.Contains(log, "secret") || strings.Contains(log, password) {
		t.Errorf("a password is in the log:\n%s", log)
	}
}

// Only the claims that are signed count.
func TestTokens(t *testing.T) {
	t.Parallel()
	s := start(t, "JWT_SECRET", secret)
	ada := s.newPerson(t, "ada")
	tomorrow := time.Now().Add(24 * time.Hour).Unix()
	sign := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	user, err := s.db.Accounts().Get(t.Context(), ada.id)
	if err != nil {
		t.Fatal(err)
	}
	// with returns good claims but for one. A nil value takes it away.
	with := func(name string, value any) jwt.MapClaims {
		claims := jwt.MapClaims{"user_id": ada.id, "username": "ada", "exp": tomorrow, "jti": "x", "password_changed": user.PasswordChangedAt}
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
		return claims
	}
	good := with("jti", "y")
	for name, c := range map[string]struct {
		token  string
		status int
		detail string // its beginning
	}{
		"good":          {sign(jwt.SigningMethodHS256, []byte(secret), good), 200, ""},
		"expired":       {sign(jwt.SigningMethodHS256, []byte(secret), with("exp", 1)), 401, "Token has expired"},
		"other secret":  {sign(jwt.SigningMethodHS256, []byte(secret+"x"), good), 401, "Invalid token: "},
		"other method":  {sign(jwt.SigningMethodHS512, []byte(secret), good), 401, "Invalid token: "},
		"no signature":  {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good), 401, "Invalid token: "},
		"no user":       {sign(jwt.SigningMethodHS256, []byte(secret), with("user_id", nil)), 401, "Token validation failed: "},
		"no name":       {sign(jwt.SigningMethodHS256, []byte(secret), with("username", nil)), 401, "Token validation failed: "},
		"no end":        {sign(jwt.SigningMethodHS256, []byte(secret), with("exp", nil)), 401, "Token validation failed: "},
		"no session":    {sign(jwt.SigningMethodHS256, []byte(secret), with("jti", nil)), 401, "Token validation failed: "},
		"no password":   {sign(jwt.SigningMethodHS256, []byte(secret), with("password_changed", nil)), 401, "Token validation failed: "},
		"old password":  {sign(jwt.SigningMethodHS256, []byte(secret), with("password_changed", user.PasswordChangedAt.Add(-time.Microsecond))), 401, "Invalid token: session has ended"},
		"user a text":   {sign(jwt.SigningMethodHS256, []byte(secret), with("user_id", "x")), 401, "Token validation failed: "},
		"user of none":  {sign(jwt.SigningMethodHS256, []byte(secret), with("user_id", 99)), 401, "Token validation failed: user does not exist"},
		"not a token":   {"x", 401, "Invalid token: "},
		"link to reset": {sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"for": "reset", "user": ada.id, "exp": tomorrow}), 401, "Token validation failed: "},
	} {
		got := (&person{service: s, token: c.token}).do(t, "GET /api/tasks/", "")
		wantAnswer(t, name, got, c.status, "")
		if c.status != 200 && !strings.HasPrefix(got.field(t, "detail").(string), c.detail) {
			t.Errorf("%s: %s, want %s", name, got.text, c.detail)
		}
	}
}

func TestLockOut(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, "POST /register", signUp("ada"))
	// A sign-in clears what failed before.
	for range 2 {
		for range 4 {
			wantAnswer(t, "wrong", s.send(t, "POST /api/auth/login", `{"username": "ada", "password": "wrong"}`), 401, "")
		}
		wantAnswer(t, "right", s.send(t, "POST /api/auth/login", signIn("ada")), 200, "")
	}
	// However the login is written, and for logins that nobody has, too.
	for _, login := range []string{"ada", "nobody"} {
		for i := range 5 {
			wantAnswer(t, "wrong", s.send(t, "POST /api/auth/login", fmt.Sprintf(`{"username": %q, "password": "wrong %d"}`, login, i)), 401, "")
		}
	}
	for _, login := range []string{"ada", " ADA", "nobody", "NOBODY "} {
		got := s.send(t, "POST /api/auth/login", signIn(login))
		wantAnswer(t, login, got, 423, detail("Account locked after too many failed sign-ins"))
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", login)
		}
	}
	wantAnswer(t, "auth server", s.send(t, "POST /login", signIn("ada")), 423, `{"error": "Account locked after too many failed sign-ins"}`)
	if _, err := s.db.Pool().Exec(t.Context(), "UPDATE server.sign_in_failures SET until = now() - interval '1 second'"); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "later", s.send(t, "POST /api/auth/login", signIn("ada")), 200, "")
}

func TestTooManyAttempts(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i := range 100 {
		got := s.send(t, "POST /password-reset", fmt.Sprintf(`{"email": "nobody%d@example.org"}`, i))
		if got.status == 429 {
			wantAnswer(t, "too many", got, 429, `{"error": "Too many attempts"}`)
			if got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("a hundred attempts were let through")
}

// startJobs does the service's jobs until the test ends.
func (s *service) startJobs(t *testing.T) {
	t.Helper()
	if err := s.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { <-s.jobs.Stopped() })
}

func TestMails(t *testing.T) {
	t.Parallel()
	s := start(t, "EMAIL_VERIFICATION", "required", "PUBLIC_URL", "https://planner.example.org")
	s.startJobs(t)
	s.send(t, "POST /api/auth/register", signUp("ada"))
	wantAnswer(t, "unverified", s.send(t, "POST /api/auth/login", signIn("ada")), 401, detail("Please verify your email address"))
	wantAnswer(t, "unverified, and wrong", s.send(t, "POST /api/auth/login", `{"username": "ada", "password": "wrong"}`), 401, detail("Invalid username or password"))

	sent := s.mails.next(t, 1)
	verify := link(t, sent)
	if sent.To != "ada@example.org" || verify.Host != "planner.example.org" {
		t.Errorf("%s in a mail to %s", verify, sent.To)
	}
	for range 2 { // a link that is used again does no harm
		wantAnswer(t, "verify", s.send(t, "POST /verify-email", fmt.Sprintf(`{"token": %q}`, verify.Query().Get("token"))), 200, `{"message": "Email address verified"}`)
	}
	wantAnswer(t, "verified", s.send(t, "POST /api/auth/login", signIn("ada")), 200, "")

	// An address that nobody has gets the same answer and no mail.
	const said = `{"message": "If the address has an account, a mail is on its way"}`
	wantAnswer(t, "reset of nobody", s.send(t, "POST /password-reset", `{"email": "nobody@example.org"}`), 200, said)
	wantAnswer(t, "reset", s.send(t, "POST /password-reset", `{"email": "Ada@example.org"}`), 200, said)
	sent = s.mails.next(t, 2)
	if sent.To != "ada@example.org" {
		t.Errorf("mail to %s", sent.To)
	}
	reset := link(t, sent)
	confirm := fmt.Sprintf(`{"token": %q, "new_password": "another horse"}`, reset.Query().Get("token"))
	wantAnswer(t, "one link for another", s.send(t, "POST /verify-email", fmt.Sprintf(`{"token": %q}`, reset.Query().Get("token"))), 400, "")
	wantAnswer(t, "confirm", s.send(t, "POST /password-reset/confirm", confirm), 200, `{"message": "Password changed"}`)
	wantAnswer(t, "confirm again", s.send(t, "POST /password-reset/confirm", confirm), 400, `{"error": "Link is invalid or has expired"}`)
	wantAnswer(t, "old password", s.send(t, "POST /api/auth/login", signIn("ada")), 401, "")
	wantAnswer(t, "new password", s.send(t, "POST /api/auth/login", `{"username": "ada", "password": "another horse"}`), 200, "")
}

// The mail is put in the transaction of the sign-up: neither is there without the other.
func TestMailWithTheSignUp(t *testing.T) {
	t.Parallel()
	s := start(t)
	jobs := func() (n int) {
		if err := s.db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM river.river_job").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	wantAnswer(t, "register", s.send(t, "POST /register", signUp("ada")), 201, "")
	wantAnswer(t, "register again", s.send(t, "POST /register", signUp("ada")), 409, "")
	if n := jobs(); n != 1 {
		t.Errorf("%d jobs after one sign-up", n)
	}
	// As if the queue had no room.
	owner(t, s, "ALTER TABLE river.river_job ADD CONSTRAINT none CHECK (false) NOT VALID")
	wantAnswer(t, "register without a queue", s.send(t, "POST /register", signUp("grace")), 500, "Internal Server Error")
	if _, err := s.db.Accounts().FindByLogin(t.Context(), "grace"); err == nil {
		t.Error("an account without its mail")
	}
}

func TestUsersWhoAreGone(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, grace := s.newPerson(t, "ada"), s.newPerson(t, "grace")
	if _, err := s.db.Accounts().Deactivate(t.Context(), ada.id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Accounts().Delete(t.Context(), grace.id); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.routes {
		if r.Public {
			continue
		}
		method, path := r.Method, strings.NewReplacer("{$}", "", "{task_id}", "1", "{goal_id}", "1").Replace(r.Path)
		for _, gone := range []*person{ada, grace} {
			got := gone.do(t, method+" "+path, bodies[r.Pattern()])
			if got.status != 401 || !strings.Contains(got.text, "user does not exist or is not active") {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.text)
			}
		}
		if got := s.send(t, method+" "+path, bodies[r.Pattern()]); got.status != 403 || !strings.Contains(got.text, "Not authenticated") {
			t.Errorf("%s %s without a token: %d %s", method, path, got.status, got.text)
		}
	}
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	s := start(t)
	id := s.send(t, "POST /register", signUp("ada")).field(t, "user_id")
	ada := &person{service: s, token: s.send(t, "POST /login", signIn("ada")).field(t, "token").(string)}
	got := ada.must(t, "GET /api/users/me", "")
	wantAnswer(t, "me", got, 200, fmt.Sprintf(`{"id": %v, "username": "ada", "email": "ada@example.org", "is_active": true, "is_verified": false, "created_at": %q}`,
		id, got.field(t, "created_at")))
	const change = "POST /api/users/change-password"
	ada.check(t, []row{
		{change, `{"current_password": "wrong", "new_password": "another horse"}`, 400, `{"error": "Current password is wrong"}`},
		{change, `{"current_password": "correct horse", "new_password": "short"}`, 422, `{"error": "new_password: String should have at least 8 characters"}`},
		{change, `{"current_password": "correct horse", "new_password": "another horse"}`, 200, `{"message": "Password changed"}`},
	})
	wantAnswer(t, "old password", s.send(t, "POST /login", signIn("ada")), 401, "")
	ada.token = s.send(t, "POST /login", `{"username": "ada", "password": "another horse"}`).field(t, "token").(string)
	for range 5 {
		ada.do(t, change, `{"current_password": "wrong", "new_password": "another horse"}`)
	}
	wantAnswer(t, "guessed too often", ada.do(t, change, `{"current_password": "another horse", "new_password": "third horse"}`), 423, "")
	wantAnswer(t, "delete", ada.do(t, "DELETE /api/users/me", ""), 204, "")
	wantAnswer(t, "deleted", ada.do(t, "GET /api/users/me", ""), 401, `{"error": "Token validation failed: user does not exist or is not active"}`)
}
