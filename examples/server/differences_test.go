package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Where the old API was wrong, or against the design of the schema, this one differs on purpose. README.md has the same table.
func TestDifferences(t *testing.T) {
	t.Parallel()
	s := start(t, "JWT_SECRET", secret)
	for _, c := range []struct {
		what string
		old  string // as the README says
		try  func(t *testing.T, p *person) bool
	}{
		{"deleting a goal keeps its tasks", "deletes them", func(t *testing.T, p *person) bool {
			goal := p.make(t, "goals", `{"title": "x", "horizon": "weekly"}`)
			task := p.make(t, "tasks", fmt.Sprintf(`{"title": "x", "parent_goal_id": %d}`, goal))
			p.must(t, fmt.Sprintf("DELETE /api/goals/%d", goal), "")
			return p.must(t, fmt.Sprintf("GET /api/tasks/%d", task), "").field(t, "parent_goal_id") == nil
		}},
		{"progress follows tasks and sub-goals by itself, up to the top; `calculate-progress` returns the goal", "calculates one goal on request", func(t *testing.T, p *person) bool {
			top := p.make(t, "goals", `{"title": "x", "horizon": "yearly"}`)
			goal := p.make(t, "goals", fmt.Sprintf(`{"title": "x", "horizon": "weekly", "parent_goal_id": %d}`, top))
			task := p.make(t, "tasks", fmt.Sprintf(`{"title": "x", "parent_goal_id": %d}`, goal))
			p.must(t, fmt.Sprintf("POST /api/tasks/%d/complete", task), "")
			got := p.must(t, fmt.Sprintf("GET /api/goals/%d", top), "")
			return got.field(t, "progress_percentage") == 100.0 && got.field(t, "status") == "completed"
		}},
		{"`completed_at` is set exactly while a task or goal is completed, however its status is set", "not by `POST` or `PATCH` of a task; stays on a goal that is reopened", func(t *testing.T, p *person) bool {
			task := fmt.Sprintf("PATCH /api/tasks/%d", p.make(t, "tasks", `{"title": "x"}`))
			goal := fmt.Sprintf("PATCH /api/goals/%d", p.make(t, "goals", `{"title": "x", "horizon": "weekly"}`))
			return p.must(t, "POST /api/tasks/", `{"title": "x", "status": "completed"}`).field(t, "completed_at") != nil &&
				p.must(t, task, `{"status": "completed"}`).field(t, "completed_at") != nil && p.must(t, task, `{"status": "blocked"}`).field(t, "completed_at") == nil &&
				p.must(t, goal, `{"status": "completed"}`).field(t, "completed_at") != nil && p.must(t, goal, `{"status": "active"}`).field(t, "completed_at") == nil
		}},
		{"a goal that is created as completed is at 100 %", "at 0 %", func(t *testing.T, p *person) bool {
			return p.must(t, "POST /api/goals/", `{"title": "x", "horizon": "weekly", "status": "completed"}`).field(t, "progress_percentage") == 100.0
		}},
		{"null for the title, priority or status is 422, and so is null for the horizon", "500", func(t *testing.T, p *person) bool {
			task := fmt.Sprintf("PATCH /api/tasks/%d", p.make(t, "tasks", `{"title": "x"}`))
			goal := fmt.Sprintf("PATCH /api/goals/%d", p.make(t, "goals", `{"title": "x", "horizon": "weekly"}`))
			ok := p.do(t, goal, `{"horizon": null}`).status == 422
			for _, field := range []string{"title", "priority", "status"} {
				ok = ok && p.do(t, task, fmt.Sprintf(`{%q: null}`, field)).status == 422
				ok = ok && (field == "priority" || p.do(t, goal, fmt.Sprintf(`{%q: null}`, field)).status == 422)
			}
			return ok
		}},
		{"a title of white space is 422", "is stored", func(t *testing.T, p *person) bool {
			return p.do(t, "POST /api/tasks/", `{"title": " \t"}`).status == 422
		}},
		{"dependencies must be the user's own tasks, without a cycle, else 422; duplicates are stored once", "stores any numbers", func(t *testing.T, p *person) bool {
			a := p.make(t, "tasks", `{"title": "x"}`)
			b := p.must(t, "POST /api/tasks/", fmt.Sprintf(`{"title": "x", "dependencies": [%d, %d]}`, a, a))
			return p.do(t, "POST /api/tasks/", `{"title": "x", "dependencies": [999999]}`).status == 422 && len(b.field(t, "dependencies").([]any)) == 1 &&
				p.do(t, fmt.Sprintf("PATCH /api/tasks/%d", a), fmt.Sprintf(`{"dependencies": [%v]}`, b.field(t, "id"))).status == 422
		}},
		{"hours above 1,000,000 and more than 100 tags are 422", "are stored", func(t *testing.T, p *person) bool {
			return p.do(t, "POST /api/tasks/", `{"title": "x", "estimated_hours": 1e7}`).status == 422 &&
				p.do(t, "POST /api/tasks/", `{"title": "x", "tags": ["x"`+strings.Repeat(`, "x"`, 100)+`]}`).status == 422
		}},
		{"an id that is too large for any row is 404", "500", func(t *testing.T, p *person) bool {
			return p.do(t, "GET /api/tasks/99999999999999999999", "").status == 404
		}},
		{"a search also finds notes and success criteria, ignores case in every language, and takes % and _ as they are", "takes them as wildcards", func(t *testing.T, p *person) bool {
			p.make(t, "tasks", `{"title": "x", "notes": "Größe 50%"}`)
			return strings.Contains(p.must(t, "GET /api/tasks/?search=GR%C3%96SSE", "").text, "50%") && p.must(t, "GET /api/tasks/?search=_____", "").text == "[]\n"
		}},
		{"goals with the same target date come in the order in which they were created", "the newest first", func(t *testing.T, p *person) bool {
			a, b := p.make(t, "goals", `{"title": "x", "horizon": "weekly", "target_date": "2001-01-01"}`), p.make(t, "goals", `{"title": "x", "horizon": "weekly", "target_date": "2001-01-01"}`)
			first := p.must(t, "GET /api/goals/?limit=1", "").json(t).([]any)[0].(map[string]any)["id"]
			return a < b && first == float64(a)
		}},
		{"an empty list of tags or dependencies and empty metrics come out as null", "as they were sent", func(t *testing.T, p *person) bool {
			return p.must(t, "POST /api/tasks/", `{"title": "x", "tags": []}`).field(t, "tags") == nil
		}},
		{"`subgoal_count` leaves out cancelled goals", "counts them", func(t *testing.T, p *person) bool {
			goal := p.make(t, "goals", `{"title": "x", "horizon": "weekly"}`)
			p.make(t, "goals", fmt.Sprintf(`{"title": "x", "horizon": "weekly", "status": "cancelled", "parent_goal_id": %d}`, goal))
			return p.must(t, fmt.Sprintf("GET /api/goals/%d?include_counts=true", goal), "").field(t, "subgoal_count") == 0.0
		}},
		{"the profile is read from the database", "is what the token says, always with a verified address", func(t *testing.T, p *person) bool {
			if _, err := p.db.Accounts().ChangeEmail(t.Context(), p.id, "new-"+t.Name()[len(t.Name())-2:]+"@example.org"); err != nil {
				t.Fatal(err)
			}
			got := p.must(t, "GET /api/auth/profile", "")
			return strings.HasPrefix(got.field(t, "email").(string), "new-") && got.field(t, "email_verified") == false
		}},
		{"a token ends when its user is deactivated or deleted: 401", "works until it expires; a write is 500", func(t *testing.T, p *person) bool {
			if _, err := p.db.Accounts().Deactivate(t.Context(), p.id); err != nil {
				t.Fatal(err)
			}
			return p.do(t, "POST /api/tasks/", `{"title": "x"}`).status == 401
		}},
		{"a token ends at a sign-out, and when the password changes: 401. A token of another service, without the claims `jti` and `password_changed`, is 401", "works until it expires", func(t *testing.T, p *person) bool {
			other, err := p.config.tokens.Issue(must(p.db.Accounts().Get(t.Context(), p.id))(t))
			if err != nil {
				t.Fatal(err)
			}
			p.must(t, "POST /api/auth/logout", "")
			out := p.do(t, "GET /api/tasks/", "").status
			p.token = other
			in := p.do(t, "GET /api/auth/profile", "").status
			p.token = must(jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"user_id": p.id, "username": "x", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(secret)))(t)
			return out == 401 && in == 200 && p.do(t, "GET /api/tasks/", "").status == 401
		}},
		{"a body above 1 MB, or above 16 kB without a token, is 413", "is read", func(t *testing.T, p *person) bool {
			return p.do(t, "POST /api/tasks/", `{"title": "x", "notes": "`+strings.Repeat("x", 1<<20)+`"}`).status == 413 &&
				p.send(t, "POST /login", `{"username": "`+strings.Repeat("x", 16<<10)+`"}`).status == 413
		}},
		{"no answer repeats a value of a sign-up, a sign-in or a new password", "answers repeat the passwords of refused requests", func(t *testing.T, p *person) bool {
			return !strings.Contains(p.send(t, "POST /api/auth/login", `{"password": "secret"}`).text, "secret") &&
				!strings.Contains(p.send(t, "POST /api/auth/login", `["secret"]`).text, "secret")
		}},
		{"the token is checked before the body", "bad JSON is reported first", func(t *testing.T, p *person) bool {
			return p.send(t, "POST /api/tasks/", "{").status == 403
		}},
		{"an answer of 500 has the security and CORS headers, so that a page can read it", "has neither", func(t *testing.T, p *person) bool {
			broken := start(t)
			someone := broken.newPerson(t, "someone")
			owner(t, broken, "ALTER TABLE public.tasks ADD CONSTRAINT none CHECK (title <> 'x' OR 1/0 = 1) NOT VALID")
			got := broken.send(t, "POST /api/tasks/", `{"title": "x"}`, "Authorization", "Bearer "+someone.token, "Origin", "http://localhost:3000")
			return got.status == 500 && got.text == "Internal Server Error\n" && got.header.Get("Access-Control-Allow-Origin") != "" && got.header.Get("X-Frame-Options") == "DENY"
		}},
		{"`GET /` leads a browser, which asks for `text/html`, to the page", "JSON for everybody", func(t *testing.T, p *person) bool {
			got := p.send(t, "GET /", "", "Accept", "text/html,*/*;q=0.8")
			return got.status == 303 && got.header.Get("Location") == "/app/" && p.send(t, "GET /", "", "Accept", "application/json, text/plain, */*").status == 200
		}},
		{"HEAD is answered like GET", "405", func(t *testing.T, p *person) bool { return p.send(t, "HEAD /health", "").status == 200 }},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("p%d", len(c.what)*1000+len(c.old))
			if !c.try(t, s.newPerson(t, name)) {
				t.Error("is not so")
			}
			line := "| " + c.what + " | " + c.old + " |"
			if !strings.Contains(readme, line) {
				t.Errorf("README.md lacks the line\n%s", line)
			}
		})
	}
}
