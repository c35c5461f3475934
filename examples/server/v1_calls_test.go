package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/userdata"
)

// What is not accepted is a problem, with the status and the type of its kind.
func TestV1Problems(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	m := ada.plant(t)
	under := ada.create(t, "goals", fmt.Sprintf(`{"title": "x", "parent_goal_id": %d}`, m.goal))
	ada.v1(t, fmt.Sprintf("PUT /api/v1/tasks/%d/dependencies/%d", m.task, m.dependency), "")
	for _, c := range []struct {
		request, body string
		header        []string
		status        int
		kind          string // empty for none
		where         string // of the first value that is not accepted
	}{
		{request: "GET /api/v1/nowhere", status: 404, kind: "no-such-path"},
		{request: "GET /api/v1/", status: 404, kind: "no-such-path"},
		{request: "PUT /api/v1/tasks", status: 405, kind: "method-not-allowed"},
		{request: "GET /api/v1/tasks/1000000", status: 404, kind: "not-found"},
		{request: "GET /api/v1/tasks/x", status: 422, kind: "invalid", where: "path.task_id"},
		{request: "GET /api/v1/goals/0/tree", status: 422, kind: "invalid", where: "path.goal_id"},
		{request: "GET /api/v1/tasks?limit=501", status: 422, kind: "invalid", where: "query.limit"},
		{request: "GET /api/v1/tasks?status=done", status: 422, kind: "invalid", where: "query.status[0]"},
		{request: "GET /api/v1/tasks?stauts=pending", status: 422, kind: "invalid", where: "query.stauts"},
		{request: "GET /api/v1/tasks?due_from=today", status: 422, kind: "invalid", where: "query.due_from"},
		{request: "GET /api/v1/tasks?cursor=x", status: 422, kind: "invalid", where: "query.cursor"},
		{request: "GET /api/v1/tasks?ready=true&due_before=2026-01-01T00:00:00Z&time_zone=Mars", status: 422, kind: "invalid", where: "query.time_zone"},
		{request: "GET /api/v1/trash/tasks?cursor=x", status: 422, kind: "invalid", where: "query.cursor"},
		{request: "GET /api/v1/trash/goals?cursor=e30", status: 422, kind: "invalid", where: "query.cursor"}, // {}
		{request: "GET /api/v1/trash/goals?before=2026-01-01T00:00:00Z", status: 422, kind: "invalid", where: "query.before"},
		{request: "POST /api/v1/users/verify-email", body: `{"token": "x"}`, status: 400, kind: "invalid-link"},
		{request: "POST /api/v1/users/verify-email", body: `{}`, status: 422, kind: "invalid", where: "body"},
		{request: "POST /api/v1/password-resets", body: `{"email": "nobody"}`, status: 422, kind: "invalid", where: "body.email"},
		{request: "POST /api/v1/password-resets/confirm", body: `{"token": "x", "new_password": "battery staple"}`, status: 400, kind: "invalid-link"},
		{request: "GET /api/v1/search", status: 422, kind: "invalid", where: "query.search"},
		{request: "GET /api/v1/dashboard?time_zone=Mars", status: 422, kind: "invalid", where: "query.time_zone"},
		{request: "GET /api/v1/changes", status: 503, kind: "changes-off"},
		{request: "POST /api/v1/tasks", body: "{", status: 400, kind: "malformed", where: "body"},
		{request: "POST /api/v1/tasks", status: 400, kind: "malformed"},
		{request: "POST /api/v1/tasks", body: "title=x", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, kind: "unsupported-media-type", where: "body"},
		{request: "POST /api/v1/tasks", body: `{"title": "` + strings.Repeat("x", 1<<20) + `"}`, status: 413, kind: "too-large"},
		{request: "POST /api/v1/tasks", body: `{}`, status: 422, kind: "invalid", where: "body"},
		{request: "POST /api/v1/tasks", body: `{"Title": "x", "title": "x"}`, status: 422, kind: "invalid", where: "body.Title"},
		{request: "POST /api/v1/goals", body: `{"title": "x", "metrics": {"a": 1e200000}}`, status: 400, kind: "malformed", where: "body"},
		{request: "POST /api/v1/tasks", body: `{"title": " "}`, status: 422, kind: "invalid", where: "body.title"},
		{request: "POST /api/v1/tasks", body: `{"title": null}`, status: 422, kind: "invalid", where: "body.title"},
		{request: "POST /api/v1/tasks", body: `{"title": "x", "priority": 6}`, status: 422, kind: "invalid", where: "body.priority"},
		{request: "POST /api/v1/tasks", body: `{"title": "x", "user_id": 1}`, status: 422, kind: "invalid", where: "body.user_id"},
		{request: "POST /api/v1/tasks", body: `{"title": "x", "due_date": "tomorrow"}`, status: 422, kind: "invalid", where: "body.due_date"},
		{request: "POST /api/v1/tasks", body: `{"title": "x", "parent_goal_id": 1000000}`, status: 422, kind: "invalid", where: "body.parent_goal_id"},
		{request: fmt.Sprint("PATCH /api/v1/tasks/", m.task), body: `{"title": null}`, status: 422, kind: "invalid", where: "body.title"},
		{request: fmt.Sprint("PATCH /api/v1/tasks/", m.task), body: `{"if_version": 1}`, status: 422, kind: "invalid", where: "body.if_version"},
		{request: fmt.Sprint("PATCH /api/v1/goals/", m.goal), body: `{"horizon": "daily"}`, status: 422, kind: "invalid", where: "body.horizon"},
		{request: fmt.Sprint("PATCH /api/v1/goals/", m.goal), body: fmt.Sprintf(`{"parent_goal_id": %d}`, under), status: 409, kind: "goal-cycle", where: "body.parent_goal_id"},
		{request: fmt.Sprintf("PUT /api/v1/tasks/%d/dependencies/%d", m.dependency, m.task), status: 409, kind: "dependency-cycle", where: "path.dependency_id"},
		{request: fmt.Sprintf("PUT /api/v1/tasks/%d/dependencies/1000000", m.task), status: 422, kind: "invalid", where: "path.dependency_id"},
		{request: fmt.Sprintf("PUT /api/v1/tasks/%d/tags/%s", m.task, strings.Repeat("x", 251)), status: 422, kind: "invalid", where: "path.tag"},
	} {
		got := ada.v1(t, c.request, c.body, c.header...)
		what := c.request + " " + c.body[:min(len(c.body), 80)]
		if got.status != c.status {
			t.Errorf("%s: %d, want %d\n%s", what, got.status, c.status, got.text)
			continue
		}
		var problem struct {
			Type   string
			Status int
			Errors []struct{ Location string }
		}
		if err := json.Unmarshal([]byte(got.text), &problem); err != nil {
			t.Fatal(err)
		}
		kind := strings.TrimPrefix(problem.Type, "/api/v1/problems#")
		where := ""
		if len(problem.Errors) > 0 {
			where = problem.Errors[0].Location
		}
		if problem.Status != c.status || kind != c.kind || where != c.where {
			t.Errorf("%s: %s", what, got.text)
		}
		if strings.Contains(got.text, `"value"`) {
			t.Errorf("%s: a value is repeated: %s", what, got.text)
		}
	}
	if allow := ada.v1(t, "PUT /api/v1/tasks", "").header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow: %s", allow)
	}
	if problems := s.send(t, "GET /api/v1/problems", "").field(t, "problems").([]any); len(problems) < 15 {
		t.Errorf("%d problems", len(problems))
	}
}

// Pages lead to all there is, each once, whatever the filters, and back.
func TestV1Pages(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	for i := range 5 {
		ada.create(t, "tasks", fmt.Sprintf(`{"title": "x", "priority": %d, "tags": ["a,b"], "due_date": "2026-12-0%dT00:00:00+01:00"}`, i%2+1, i+1))
		ada.create(t, "goals", `{"title": "x"}`)
	}
	next := regexp.MustCompile(`<([^>]*)>; rel="(next|prev)"`)
	for _, c := range []struct {
		path, key string
		want      []float64 // ids in order
	}{
		{"/api/v1/tasks?limit=2", "tasks", []float64{1, 3, 5, 2, 4}},
		{"/api/v1/tasks?limit=2&order=due_date&any_tag=a%2Cb&status=pending&status=blocked", "tasks", []float64{1, 2, 3, 4, 5}},
		{"/api/v1/tasks?limit=2&priority=2&total=true", "tasks", []float64{2, 4}},
		{"/api/v1/tasks?limit=1&due_from=2026-12-02T00:00:00Z&due_before=2026-12-04T00:00:00Z", "tasks", []float64{3, 4}},
		{"/api/v1/tasks?search=X&category=none", "tasks", nil},
		{"/api/v1/goals?limit=2&order=newest", "goals", []float64{5, 4, 3, 2, 1}},
		{"/api/v1/goals?limit=2&roots_only=true&total=true", "goals", []float64{1, 2, 3, 4, 5}},
		{"/api/v1/trash/tasks?limit=2", "tasks", []float64{5, 4, 3, 2, 1}},
		{"/api/v1/trash/goals?limit=5", "goals", []float64{5, 4, 3, 2, 1}},
	} {
		if strings.Contains(c.path, "/trash/") {
			for i := 1; i <= 5; i++ {
				ada.v1(t, fmt.Sprintf("DELETE /api/v1/%s/%d", c.key, i), "")
			}
		}
		var ids []float64
		pages := 0
		for path := c.path; path != ""; pages++ {
			got := ada.v1(t, "GET "+path, "")
			if got.status != 200 || pages > 5 {
				t.Fatalf("%s: %d %s", path, got.status, got.text)
			}
			for _, row := range got.field(t, c.key).([]any) {
				ids = append(ids, row.(map[string]any)["id"].(float64))
			}
			if strings.Contains(path, "total=true") && got.field(t, "total") != float64(len(c.want)) {
				t.Errorf("%s: %s", path, got.text)
			}
			path = ""
			for _, link := range got.header.Values("Link") {
				found := next.FindStringSubmatch(link)
				if found == nil {
					t.Fatalf("Link: %s", link)
				}
				if found[2] == "next" {
					path = found[1]
				}
			}
		}
		if !reflect.DeepEqual(ids, c.want) {
			t.Errorf("%s: %v, want %v", c.path, ids, c.want)
		}
	}
	second := next.FindStringSubmatch(ada.v1(t, "GET /api/v1/trash/tasks?limit=2", "").header.Get("Link"))[1]
	if back, err := url.Parse(second); err != nil || back.Query().Get("limit") != "2" {
		t.Errorf("%s: %v", second, err)
	}
}

// A change for a version that has gone is refused, and an answer that the client has is not sent again.
func TestV1Conditions(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	m := ada.plant(t)
	for _, path := range []string{fmt.Sprint("/api/v1/tasks/", m.task), fmt.Sprint("/api/v1/goals/", m.goal)} {
		tag := ada.v1(t, "GET "+path, "").header.Get("ETag")
		for _, c := range []struct {
			request, body, header, value string
			status                       int
		}{
			{"GET", "", "If-None-Match", tag, 304},
			{"GET", "", "If-None-Match", `"x", W/` + tag, 304},
			{"GET", "", "If-None-Match", `"x"`, 200},
			{"PATCH", `{"title": "a"}`, "If-Match", tag, 200},
			{"PATCH", `{"title": "b"}`, "If-Match", tag, 412},
			{"PATCH", `{"title": "b"}`, "If-Match", "W/" + tag, 412},
			{"PATCH", `{"title": "b"}`, "If-Match", `"x"`, 412},
			{"PATCH", `{"title": "b"}`, "If-Match", `"1", "2"`, 422},
			{"PATCH", `{"title": "b"}`, "If-Match", "*", 200},
			{"GET", "", "If-None-Match", tag, 200},
			{"DELETE", "", "If-Match", tag, 412},
			{"DELETE", "", "If-Match", `"3"`, 204},
			{"DELETE", "", "If-Match", `"3"`, 404},
			{"PATCH", `{"title": "b"}`, "If-Match", `"3"`, 404},
		} {
			got := ada.v1(t, c.request+" "+path, c.body, c.header, c.value)
			if got.status != c.status {
				t.Errorf("%s %s, %s: %s: %d %s", c.request, path, c.header, c.value, got.status, got.text)
			}
			if (got.status == 200 || got.status == 304) && got.header.Get("ETag") == "" {
				t.Errorf("%s %s: no ETag", c.request, path)
			}
		}
	}
	// What becomes of a task or goal, too.
	task := fmt.Sprint("/api/v1/tasks/", ada.create(t, "tasks", `{"title": "x"}`))
	goal := fmt.Sprint("/api/v1/goals/", ada.create(t, "goals", `{"title": "x"}`))
	for _, change := range []string{
		task + "/start", task + "/block", task + "/unblock", task + "/complete", task + "/reopen", goal + "/complete", goal + "/reopen",
	} {
		of := change[:strings.LastIndex(change, "/")]
		before := ada.v1(t, "GET "+of, "")
		for _, c := range []struct {
			header []string
			status int
		}{
			{[]string{"If-Match", `"99"`}, 412},
			{[]string{"If-Match", `"x"`}, 412},
			{[]string{"If-Match", `"1", "2"`}, 422},
			{[]string{"If-Match", before.header.Get("ETag")}, 200},
			{[]string{"If-Match", before.header.Get("ETag")}, 412},
			{[]string{"If-Match", "*"}, 200},
			{nil, 200},
		} {
			got := ada.v1(t, "POST "+change, "", c.header...)
			if got.status != c.status {
				t.Errorf("%s, %s: %d %s", change, c.header, got.status, got.text)
			}
			switch now := ada.v1(t, "GET "+of, ""); {
			case c.status == 200 && got.header.Get("ETag") != now.header.Get("ETag"):
				t.Errorf("%s: ETag %s, then %s", change, got.header.Get("ETag"), now.header.Get("ETag"))
			case c.status == 412 && !strings.Contains(got.text, `"location":"header.If-Match"`):
				t.Errorf("%s: %s", change, got.text)
			}
		}
		if after := ada.v1(t, "GET "+of, ""); after.field(t, "version") != before.field(t, "version").(float64)+1 {
			t.Errorf("%s: from %s\nto %s", change, before.text, after.text)
		}
		if got := ada.v1(t, "POST "+regexp.MustCompile(`/\d+/`).ReplaceAllString(change, "/1000000/"), "", "If-Match", `"1"`); got.status != 404 {
			t.Errorf("%s of none: %d %s", change, got.status, got.text)
		}
	}
	// Progress moves the tag of a goal, and refuses nobody's change.
	above := ada.create(t, "goals", `{"title": "x"}`)
	below := ada.create(t, "tasks", fmt.Sprintf(`{"title": "x", "parent_goal_id": %d}`, above))
	ada.create(t, "tasks", fmt.Sprintf(`{"title": "x", "parent_goal_id": %d}`, above))
	path := fmt.Sprint("/api/v1/goals/", above)
	tag := ada.v1(t, "GET "+path, "").header.Get("ETag")
	ada.v1(t, fmt.Sprintf("POST /api/v1/tasks/%d/complete", below), "")
	if got := ada.v1(t, "GET "+path, "", "If-None-Match", tag); got.status != 200 || got.field(t, "progress_percentage") != 50.0 {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := ada.v1(t, "PATCH "+path, `{"title": "y"}`, "If-Match", tag); got.status != 200 {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// What happens to a task and a goal, step by step.
func TestV1Life(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	made := ada.v1(t, "POST /api/v1/goals", `{"title": "Open the shop", "horizon": "quarterly", "metrics": {"visitors": 3}}`)
	if made.status != 201 || made.header.Get("Location") != "/api/v1/goals/1" || made.header.Get("ETag") == "" {
		t.Fatalf("%d %v %s", made.status, made.header, made.text)
	}
	ada.create(t, "tasks", `{"title": "Sign the lease", "parent_goal_id": 1, "due_date": "2026-12-24T18:00:00+02:00", "estimated_hours": 2, "description": null}`)
	ada.create(t, "tasks", `{"title": "Find a place", "parent_goal_id": 1, "due_date": "2026-12-24T00:00:00Z", "due_all_day": true}`)
	ada.create(t, "tasks", `{"title": "Elsewhere"}`)
	for _, c := range []struct {
		request, body string
		want          string // like "name=value name=value"
	}{
		{"GET /api/v1/tasks/1", "", "due_date=2026-12-24T16:00:00Z estimated_hours=2 status=pending tags=[] version=1"},
		{"PATCH /api/v1/tasks/1", `{"description": "by Friday", "estimated_hours": null, "tags": ["legal"], "priority": 1}`, "description=by Friday estimated_hours=<nil> tags=[legal] priority=1"},
		{"PATCH /api/v1/tasks/1", `{"description": null, "tags": []}`, "description=<nil> tags=[] priority=1"},
		{"PATCH /api/v1/tasks/1", `{}`, "description=<nil> priority=1"},
		{"PUT /api/v1/tasks/1/tags/a%2Fb", "", "tags=[a/b]"},
		{"PUT /api/v1/tasks/1/tags/c", "", "tags=[a/b c]"},
		{"DELETE /api/v1/tasks/1/tags/a%2Fb", "", "tags=[c]"},
		{"PUT /api/v1/tasks/1/dependencies/2", "", "dependencies=[2]"},
		{"GET /api/v1/tasks/1/blocking", "", "tasks.0.id=2"},
		{"GET /api/v1/tasks?ready=true", "", "tasks.0.id=2 tasks.1.id=3"},
		{"DELETE /api/v1/tasks/1/dependencies/2", "", "dependencies=[]"},
		{"POST /api/v1/tasks/1/start", "", "status=in_progress"},
		{"POST /api/v1/tasks/1/block", `{"reason": "the owner is away"}`, "status=blocked blocked_reason=the owner is away"},
		{"POST /api/v1/tasks/1/unblock", "", "status=in_progress blocked_reason=<nil>"},
		{"POST /api/v1/tasks/2/block", "", "status=blocked blocked_reason=<nil>"},
		{"POST /api/v1/tasks/1/complete", `{"actual_hours": 1.5, "completed_at": "2026-11-30T10:00:00Z"}`, "status=completed actual_hours=1.5 completed_at=2026-11-30T10:00:00Z"},
		{"GET /api/v1/goals/1", "", "progress_percentage=50 task_count=2 metrics=map[visitors:3]"},
		{"POST /api/v1/tasks/1/reopen", "", "status=pending completed_at=<nil>"},
		{"POST /api/v1/tasks/1/complete", "", "status=completed"},
		{"POST /api/v1/goals", `{"title": "Above"}`, "id=2 status=active"},
		{"PATCH /api/v1/goals/1", `{"parent_goal_id": 2, "horizon": null, "metrics": {}}`, "parent_goal_id=2 horizon=<nil> metrics=map[]"},
		{"GET /api/v1/goals/tree", "", "goals.0.goal.id=2 goals.0.depth=0 goals.1.goal.id=1 goals.1.depth=1 goals.1.goal.progress_percentage=50 goals.1.completed=1 goals.1.blocked=1"},
		{"GET /api/v1/goals/1/tree", "", "goals.0.goal.id=1 goals.0.depth=0"},
		{"POST /api/v1/goals/1/complete", "", "status=completed progress_percentage=100"},
		{"POST /api/v1/goals/1/reopen", "", "status=active progress_percentage=50"},
		{"GET /api/v1/dashboard?time_zone=Europe/Berlin", "", "overview.active_goals=2 tasks_by_status.3.tasks=1 goals.0.id=2 ready.0.id=3 overdue=[]"},
		{"GET /api/v1/statistics?days=7", "", "hours.spent=1.5 velocity.completed=1 tasks_by_priority.0.tasks=1"},
		{"GET /api/v1/search?search=LEASE", "", "tasks.0.id=1 goals=[]"},
		{"GET /api/v1/search?search=shop", "", "tasks=[] goals.0.id=1"},
		{"DELETE /api/v1/tasks/1", "", ""},
		{"DELETE /api/v1/goals/1", "", ""},
		{"GET /api/v1/tasks/2", "", "parent_goal_id=<nil>"},
		{"GET /api/v1/trash/tasks", "", "tasks.0.id=1 tasks.0.status=completed"},
		{"POST /api/v1/trash/goals/1/restore", "", "goal.id=1 goal.parent_goal_id=2 left_out=[] tasks=[]"},
		{"POST /api/v1/trash/tasks/1/restore", "", "task.id=1 task.parent_goal_id=1"},
		{"DELETE /api/v1/tasks/3", "", ""},
		{"DELETE /api/v1/trash/tasks/3", "", ""},
		{"GET /api/v1/trash/tasks", "", "tasks=[]"},
	} {
		got := ada.v1(t, c.request, c.body)
		if got.status/100 != 2 {
			t.Errorf("%s %s: %d %s", c.request, c.body, got.status, got.text)
			continue
		}
		for _, one := range splitWanted(c.want) {
			name, want, _ := strings.Cut(one, "=")
			if value := fmt.Sprint(at(got.json(t), strings.Split(name, "."))); value != want {
				t.Errorf("%s %s: %s is %s, want %s\n%s", c.request, c.body, name, value, want, got.text)
			}
		}
	}
}

// splitWanted splits before each name.
func splitWanted(text string) (all []string) {
	starts := regexp.MustCompile(`(?:^| )[a-z_0-9.]+=`).FindAllStringIndex(text, -1)
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		all = append(all, strings.TrimSpace(text[start[0]:end]))
	}
	return all
}

// at is what a path of names and positions leads to.
func at(value any, path []string) any {
	for _, name := range path {
		switch of := value.(type) {
		case map[string]any:
			value = of[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(of) {
				return "nothing"
			}
			value = of[i]
		default:
			return "nothing"
		}
	}
	return value
}

// A copy follows what changes.
func TestV1Changes(t *testing.T) {
	t.Parallel()
	s := start(t)
	owner(t, s, "SELECT bizydb.track_changes()")
	ada := s.newPerson(t, "ada")
	m := ada.plant(t)
	first := ada.v1(t, "GET /api/v1/changes?limit=2", "")
	if n := len(first.field(t, "changes").([]any)); n != 2 || first.field(t, "more") != true {
		t.Errorf("%s", first.text)
	}
	next := func(got answer) string { return url.QueryEscape(got.field(t, "next").(string)) }
	rest := ada.v1(t, "GET /api/v1/changes?since="+next(first), "")
	ada.v1(t, fmt.Sprint("DELETE /api/v1/tasks/", m.task), "")
	last := ada.v1(t, "GET /api/v1/changes?since="+next(rest), "")
	if !strings.Contains(last.text, fmt.Sprintf(`"deleted_task":%d`, m.task)) {
		t.Errorf("%s", last.text)
	}
	owner(t, s, "SELECT bizydb.track_changes(false), bizydb.track_changes()")
	if got := ada.v1(t, "GET /api/v1/changes?since="+next(last), ""); got.status != 410 {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// An export is a file that package userdata reads.
func TestV1Export(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, eve := s.newPerson(t, "ada"), s.newPerson(t, "eve")
	ada.plant(t)
	got := ada.v1(t, "GET /api/v1/export", "")
	name := fmt.Sprintf(`attachment; filename="bizy-%s.json"`, time.Now().UTC().Format(time.DateOnly))
	if got.status != 200 || got.header.Get("Content-Disposition") != name {
		t.Errorf("%d %v", got.status, got.header)
	}
	read, err := userdata.Import(t.Context(), s.db.As(eve.id), bytes.NewReader([]byte(got.text)))
	if err != nil || read.Goals != 1 || read.Tasks != 2 || read.Profile.Username != "ada" {
		t.Errorf("%+v, %v", read.Summary, err)
	}
}

// What the links of mails are for, by the same tokens as at the old paths.
func TestV1Mails(t *testing.T) {
	t.Parallel()
	s := start(t, "EMAIL_VERIFICATION", "required")
	s.startJobs(t)
	nobody := &person{service: s}
	post := func(what, path, body string, status int, text string) {
		t.Helper()
		if got := nobody.v1(t, "POST /api/v1/"+path, body); got.status != status || !strings.Contains(got.text, text) {
			t.Errorf("%s: %d %s, want %d %s", what, got.status, got.text, status, text)
		}
	}
	const signIn = `{"login": "ada", "password": "correct horse"}`
	post("sign-up", "users", `{"username": "ada", "email": "ada@example.org", "password": "correct horse"}`, 201, "")
	post("unverified", "sessions", signIn, 403, "not-verified")
	verify := link(t, s.mails.next(t, 1)).Query().Get("token")
	post("one link for another", "password-resets/confirm", fmt.Sprintf(`{"token": %q, "new_password": "battery staple"}`, verify), 400, "invalid-link")
	for range 2 {
		post("verify", "users/verify-email", fmt.Sprintf(`{"token": %q}`, verify), 204, "")
	}
	post("verified", "sessions", signIn, 201, "")

	post("reset of nobody", "password-resets", `{"email": "nobody@example.org"}`, 202, "")
	post("reset", "password-resets", `{"email": "Ada@example.org"}`, 202, "")
	reset := link(t, s.mails.next(t, 2)).Query().Get("token")
	post("one link for another", "users/verify-email", fmt.Sprintf(`{"token": %q}`, reset), 400, "invalid-link")
	post("a session's token", "users/verify-email", fmt.Sprintf(`{"token": %q}`, s.newPerson(t, "eve").token), 400, "invalid-link")
	post("short", "password-resets/confirm", fmt.Sprintf(`{"token": %q, "new_password": "short"}`, reset), 422, "body.")
	confirm := fmt.Sprintf(`{"token": %q, "new_password": "battery staple"}`, reset)
	post("confirm", "password-resets/confirm", confirm, 204, "")
	post("confirm again", "password-resets/confirm", confirm, 400, "invalid-link")
	post("old password", "sessions", signIn, 401, "")
	post("new password", "sessions", `{"login": "ada", "password": "battery staple"}`, 201, "")
}

// An account, from its sign-up to its end.
func TestV1Account(t *testing.T) {
	t.Parallel()
	s := start(t)
	nobody := &person{service: s}
	signIn := func(password string) answer {
		return nobody.v1(t, "POST /api/v1/sessions", fmt.Sprintf(`{"login": "ada@example.org", "password": %q}`, password))
	}
	want := func(what string, got answer, status int, text string) {
		t.Helper()
		if got.status != status || !strings.Contains(got.text, text) {
			t.Errorf("%s: %d %s, want %d %s", what, got.status, got.text, status, text)
		}
	}
	const signUp = `{"username": "ada", "email": "ada@example.org", "password": "correct horse", "full_name": "Ada"}`
	want("sign-up", nobody.v1(t, "POST /api/v1/users", signUp), 201, `"username":"ada"`)
	want("sign-up again", nobody.v1(t, "POST /api/v1/users", signUp), 409, "-taken")
	short := nobody.v1(t, "POST /api/v1/users", `{"username": "eve", "email": "eve@example.org", "password": "qwerty"}`)
	want("short password", short, 422, "body.password")
	if strings.Contains(short.text, "qwerty") {
		t.Errorf("a password is repeated: %s", short.text)
	}
	if got := nobody.v1(t, "POST /api/v1/users", `{"password": "qwerty", "bad`); got.status != 400 || strings.Contains(got.text, "qwerty") {
		t.Errorf("%d %s", got.status, got.text)
	}
	want("wrong password", signIn("wrong horse"), 401, "invalid-credentials")
	in := signIn("correct horse")
	want("sign-in", in, 201, `"token":"`)
	ada := &person{service: s, token: in.field(t, "token").(string)}

	want("me", ada.v1(t, "GET /api/v1/me", ""), 200, `"full_name":"Ada"`)
	want("another name", ada.v1(t, "PATCH /api/v1/me", `{"full_name": null, "username": "ada2"}`), 200, `"username":"ada2","full_name":null`)
	want("wrong current password", ada.v1(t, "PUT /api/v1/me/password", `{"current_password": "wrong horse", "new_password": "battery staple"}`), 422, "body.current_password")
	want("another password", ada.v1(t, "PUT /api/v1/me/password", `{"current_password": "correct horse", "new_password": "battery staple"}`), 204, "")
	want("the old password", signIn("correct horse"), 401, "")
	want("the old token", ada.v1(t, "GET /api/v1/me", ""), 401, "not-signed-in")
	in = signIn("battery staple")
	want("the new password", in, 201, "")
	ada.token = in.field(t, "token").(string)
	for range 5 {
		ada.v1(t, "PUT /api/v1/me/password", `{"current_password": "wrong horse", "new_password": "battery staple"}`)
	}
	locked := ada.v1(t, "PUT /api/v1/me/password", `{"current_password": "battery staple", "new_password": "correct horse"}`)
	want("locked", locked, 423, "locked")
	if after, err := strconv.Atoi(locked.header.Get("Retry-After")); err != nil || after > 900 || after < 600 {
		t.Errorf("%v", locked.header)
	}
	want("delete", ada.v1(t, "DELETE /api/v1/me", ""), 204, "")
	want("gone", ada.v1(t, "GET /api/v1/me", ""), 401, "not-signed-in")
	if _, err := s.db.Accounts().FindByLogin(t.Context(), "ada@example.org"); err == nil {
		t.Error("the account is still there")
	}
}
