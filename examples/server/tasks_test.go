package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A row is one request and its answer. %d in the request is the id of a task of the person's.
type row struct {
	request, body string
	status        int
	want          string // the body as JSON; empty for any
}

func (p *person) check(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		wantAnswer(t, r.request+" "+r.body, p.do(t, r.request, r.body), r.status, r.want)
	}
}

// only is the 422 of one fault.
func only(fault string) string { return `{"detail": [` + fault + `]}` }

func TestTaskAsWritten(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	before := time.Now().UTC().Add(-time.Minute)
	goal := ada.make(t, "goals", `{"title": "Open the shop", "horizon": "yearly"}`)
	other := ada.make(t, "tasks", `{"title": "Find a place"}`)
	got := ada.must(t, "POST /api/tasks/", fmt.Sprintf(`{
		"title": "Sign the lease", "description": "All pages.", "priority": "1", "status": "in_progress", "category": "premises",
		"estimated_hours": 2, "actual_hours": "0.5", "due_date": "2027-03-31T17:00:00.25+02:00", "parent_goal_id": "%d",
		"dependencies": ["%d"], "notes": "", "tags": ["legal", "b"], "unknown": {}}`, goal, other))
	if got.status != 201 {
		t.Errorf("status %d", got.status)
	}
	created, err := time.Parse("2006-01-02T15:04:05", got.field(t, "created_at").(string))
	if err != nil || created.Before(before) || created.After(time.Now().UTC().Add(time.Minute)) {
		t.Errorf("created_at %v: %v", got.field(t, "created_at"), err)
	}
	want := fmt.Sprintf(`{"title": "Sign the lease", "description": "All pages.", "priority": 1, "status": "in_progress", "category": "premises",
		"estimated_hours": 2, "actual_hours": 0.5, "due_date": "2027-03-31T15:00:00.250000", "parent_goal_id": %d, "dependencies": [%d], "notes": "",
		"tags": ["legal", "b"], "id": %v, "user_id": %d, "created_at": %q, "updated_at": %q, "completed_at": null}`,
		goal, other, got.field(t, "id"), ada.id, got.field(t, "created_at"), got.field(t, "updated_at"))
	wantAnswer(t, "create", got, 201, want)
	wantAnswer(t, "get", ada.do(t, fmt.Sprintf("GET /api/tasks/%v", got.field(t, "id")), ""), 200, want)

	// Only what is sent changes, and null clears.
	path := fmt.Sprintf("PATCH /api/tasks/%v", got.field(t, "id"))
	got = ada.must(t, path, `{"title": "Sign it", "priority": 2.0}`)
	want = strings.NewReplacer("Sign the lease", "Sign it", `"priority": 1`, `"priority": 2`).Replace(want)
	want = strings.Replace(want, fmt.Sprintf(`"updated_at": %q`, strings.Split(strings.Split(want, `"updated_at": "`)[1], `"`)[0]), fmt.Sprintf(`"updated_at": %q`, got.field(t, "updated_at")), 1)
	wantAnswer(t, "update", got, 200, want)
	got = ada.must(t, path, `{"description": null, "category": null, "estimated_hours": null, "actual_hours": null, "due_date": null,
		"parent_goal_id": null, "dependencies": null, "notes": null, "tags": null}`)
	for _, name := range []string{"description", "category", "estimated_hours", "actual_hours", "due_date", "parent_goal_id", "dependencies", "notes", "tags"} {
		if value := got.field(t, name); value != nil {
			t.Errorf("%s is %v after null", name, value)
		}
	}
	if ada.must(t, path, `{}`).field(t, "title") != "Sign it" {
		t.Error("an empty update")
	}
}

func TestTaskInput(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	id := ada.make(t, "tasks", `{"title": "Call the bank"}`)
	const create = "POST /api/tasks/"
	update := fmt.Sprintf("PATCH /api/tasks/%d", id)
	long := strings.Repeat("é", 501)
	statuses := `"Input should be 'pending', 'in_progress', 'completed' or 'blocked'", "input": "done", "ctx": {"expected": "'pending', 'in_progress', 'completed' or 'blocked'"}`
	ada.check(t, []row{
		{create, `{}`, 422, only(`{"type": "missing", "loc": ["body", "title"], "msg": "Field required", "input": {}}`)},
		{create, `{"title": null}`, 422, only(`{"type": "string_type", "loc": ["body", "title"], "msg": "Input should be a valid string", "input": null}`)},
		{create, `{"title": 5}`, 422, only(`{"type": "string_type", "loc": ["body", "title"], "msg": "Input should be a valid string", "input": 5}`)},
		{create, `{"title": ""}`, 422, only(`{"type": "string_too_short", "loc": ["body", "title"], "msg": "String should have at least 1 character", "input": "", "ctx": {"min_length": 1}}`)},
		{create, `{"title": "` + long + `"}`, 422, only(`{"type": "string_too_long", "loc": ["body", "title"], "msg": "String should have at most 500 characters", "input": "` + long + `", "ctx": {"max_length": 500}}`)},
		{create, `{"title": "` + long[:1000] + `"}`, 201, ""},
		{create, `{"title": "x", "priority": null}`, 422, only(`{"type": "int_type", "loc": ["body", "priority"], "msg": "Input should be a valid integer", "input": null}`)},
		{create, `{"title": "x", "priority": 0}`, 422, only(`{"type": "greater_than_equal", "loc": ["body", "priority"], "msg": "Input should be greater than or equal to 1", "input": 0, "ctx": {"ge": 1}}`)},
		{create, `{"title": "x", "priority": 99999999999999999999}`, 422, ""},
		{create, `{"title": "x", "priority": 6}`, 422, only(`{"type": "less_than_equal", "loc": ["body", "priority"], "msg": "Input should be less than or equal to 5", "input": 6, "ctx": {"le": 5}}`)},
		{create, `{"title": "x", "priority": "high"}`, 422, only(`{"type": "int_parsing", "loc": ["body", "priority"], "msg": "Input should be a valid integer, unable to parse string as an integer", "input": "high"}`)},
		{create, `{"title": "x", "priority": 2.5}`, 422, only(`{"type": "int_from_float", "loc": ["body", "priority"], "msg": "Input should be a valid integer, got a number with a fractional part", "input": 2.5}`)},
		{create, `{"title": "x", "priority": 1e999999999}`, 422, ""},
		{create, `{"title": "x", "status": "done"}`, 422, only(`{"type": "enum", "loc": ["body", "status"], "msg": ` + statuses + `}`)},
		{create, `{"title": "x", "category": "` + long[:202] + `"}`, 422, ""},
		{create, `{"title": "x", "estimated_hours": -0.5}`, 422, only(`{"type": "greater_than_equal", "loc": ["body", "estimated_hours"], "msg": "Input should be greater than or equal to 0", "input": -0.5, "ctx": {"ge": 0}}`)},
		{create, `{"title": "x", "actual_hours": "many"}`, 422, only(`{"type": "float_parsing", "loc": ["body", "actual_hours"], "msg": "Input should be a valid number, unable to parse string as a number", "input": "many"}`)},
		{create, `{"title": "x", "actual_hours": []}`, 422, only(`{"type": "float_type", "loc": ["body", "actual_hours"], "msg": "Input should be a valid number", "input": []}`)},
		{create, `{"title": "x", "actual_hours": "nan"}`, 422, ""},
		{create, `{"title": "x", "due_date": "soon"}`, 422, only(`{"type": "datetime_from_date_parsing", "loc": ["body", "due_date"], "msg": "Input should be a valid datetime or date, input is too short", "input": "soon", "ctx": {"error": "input is too short"}}`)},
		{create, `{"title": "x", "due_date": "2026-02-30"}`, 422, ""},
		{create, `{"title": "x", "due_date": true}`, 422, only(`{"type": "datetime_type", "loc": ["body", "due_date"], "msg": "Input should be a valid datetime", "input": true}`)},
		{create, `{"title": "x", "dependencies": [1.5]}`, 422, only(`{"type": "int_from_float", "loc": ["body", "dependencies", 0], "msg": "Input should be a valid integer, got a number with a fractional part", "input": 1.5}`)},
		{create, `{"title": "x", "dependencies": 5}`, 422, only(`{"type": "list_type", "loc": ["body", "dependencies"], "msg": "Input should be a valid list", "input": 5}`)},
		{create, `{"title": "x", "tags": ["a", 5]}`, 422, only(`{"type": "string_type", "loc": ["body", "tags", 1], "msg": "Input should be a valid string", "input": 5}`)},
		{create, `{"title": "x", "parent_goal_id": 99}`, 400, detail("Goal 99 not found or doesn't belong to you")},
		{create, `{"title": "x", "parent_goal_id": 99999999999999999999}`, 400, detail("Goal 99999999999999999999 not found or doesn't belong to you")},
		// All faults of a request in one answer.
		{create, `{"title": "", "priority": 9}`, 422, `{"detail": [
			{"type": "string_too_short", "loc": ["body", "title"], "msg": "String should have at least 1 character", "input": "", "ctx": {"min_length": 1}},
			{"type": "less_than_equal", "loc": ["body", "priority"], "msg": "Input should be less than or equal to 5", "input": 9, "ctx": {"le": 5}}]}`},

		{update, `{"status": "done"}`, 422, ""},
		{update, `{"parent_goal_id": 99}`, 400, detail("Goal 99 not found or doesn't belong to you")},
		{"PATCH /api/tasks/99", `{"title": "x"}`, 404, detail("Task 99 not found")},
		{"PATCH /api/tasks/x", `{"title": ""}`, 422, `{"detail": [
			{"type": "int_parsing", "loc": ["path", "task_id"], "msg": "Input should be a valid integer, unable to parse string as an integer", "input": "x"},
			{"type": "string_too_short", "loc": ["body", "title"], "msg": "String should have at least 1 character", "input": "", "ctx": {"min_length": 1}}]}`},
		{"GET /api/tasks/99", "", 404, detail("Task 99 not found")},
		{"GET /api/tasks/x", "", 422, ""},
		{"DELETE /api/tasks/99", "", 404, detail("Task 99 not found")},
		{"DELETE /api/tasks/x", "", 422, ""},
		{"POST /api/tasks/99/complete", "", 404, detail("Task 99 not found")},
		{"POST /api/tasks/99/complete", `{"actual_hours": 1}`, 404, detail("Task 99 not found")},
		{"POST /api/tasks/99/uncomplete", "", 404, detail("Task 99 not found")},
		{"POST /api/tasks/x/uncomplete", "", 422, ""},
		{fmt.Sprintf("POST /api/tasks/%d/complete", id), `{"actual_hours": -1}`, 422, ""},
		{fmt.Sprintf("POST /api/tasks/%d/uncomplete", id), "", 400, detail(fmt.Sprintf("Task %d is not completed", id))},
	})
}

func TestTimesOfTasks(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	for in, want := range map[string]string{
		`"2026-12-24"`:                  "2026-12-24T00:00:00",
		`"2026-12-24T18:30"`:            "2026-12-24T18:30:00",
		`"2026-12-24 18:30:05"`:         "2026-12-24T18:30:05",
		`"2026-12-24T18:30:05.1234567"`: "2026-12-24T18:30:05.123456",
		`"2026-12-24T18:30:05Z"`:        "2026-12-24T18:30:05",
		`"2026-12-24T18:30:05-0330"`:    "2026-12-24T22:00:05",
		`"0001-01-01"`:                  "0001-01-01T00:00:00",
		`"9999-12-31T23:59:59.999999Z"`: "9999-12-31T23:59:59.999999",
		`1798131600`:                    "2026-12-24T17:00:00",
		`1798131600000`:                 "2026-12-24T17:00:00",
	} {
		got := ada.must(t, "POST /api/tasks/", `{"title": "x", "due_date": `+in+`}`)
		if due := got.field(t, "due_date"); due != want {
			t.Errorf("due %s: %v, want %s", in, due, want)
		}
	}
}

func TestTaskLife(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	id := ada.make(t, "tasks", `{"title": "Call the bank", "actual_hours": 1}`)
	task := fmt.Sprintf("/api/tasks/%d", id)
	for _, body := range []string{"", `{"actual_hours": 2.5}`, `{}`, `null`, `{"actual_hours": null}`} {
		got := ada.must(t, "POST "+task+"/complete", body)
		if got.field(t, "status") != "completed" || got.field(t, "completed_at") == nil {
			t.Errorf("complete with %q: %s", body, got.text)
		}
		for _, again := range []string{"", `{"actual_hours": 9}`} {
			wantAnswer(t, "complete again", ada.do(t, "POST "+task+"/complete", again), 400, detail(fmt.Sprintf("Task %d is already completed", id)))
		}
		got = ada.must(t, "POST "+task+"/uncomplete", "")
		if got.field(t, "status") != "pending" || got.field(t, "completed_at") != nil {
			t.Errorf("uncomplete: %s", got.text)
		}
	}
	if hours := ada.must(t, "GET "+task, "").field(t, "actual_hours"); hours != 2.5 {
		t.Errorf("hours %v, want those of the last completion that had some", hours)
	}
	got := ada.must(t, "DELETE "+task, "")
	if got.status != 204 || got.text != "" {
		t.Errorf("delete: %d %q", got.status, got.text)
	}
	wantAnswer(t, "get", ada.do(t, "GET "+task, ""), 404, detail(fmt.Sprintf("Task %d not found", id)))
}

func TestTaskLists(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	wantAnswer(t, "empty", ada.do(t, "GET /api/tasks/", ""), 200, "[]")
	goal := ada.make(t, "goals", `{"title": "Shop", "horizon": "yearly"}`)
	for _, body := range []string{
		`{"title": "a", "priority": 2}`,
		`{"title": "b", "priority": 2, "due_date": "2027-01-01", "category": "x"}`,
		`{"title": "c", "priority": 1, "description": "Straße 50%", "category": "x"}`,
		`{"title": "d", "priority": 2}`,
		fmt.Sprintf(`{"title": "e", "priority": 5, "status": "blocked", "parent_goal_id": %d}`, goal),
	} {
		ada.make(t, "tasks", body)
	}
	for query, want := range map[string]string{
		"":                               "c b d a e",
		"?limit=2":                       "c b",
		"?limit=2&offset=1":              "b d",
		"?offset=4":                      "e",
		"?offset=5":                      "",
		"?offset=99999999999999999":      "",
		"?status=blocked":                "e",
		"?category=x":                    "c b",
		"?priority=2":                    "b d a",
		fmt.Sprintf("?goal_id=%d", goal): "e",
		"?goal_id=99":                    "",
		"?search=STRASSE":                "c",
		"?search=50%25":                  "c",
		"?category=x&priority=2&status=pending&search=B": "b",
		"?parent_goal_id=99&unknown=1":                   "c b d a e",
	} {
		got := ada.must(t, "GET /api/tasks/"+query, "")
		var titles []string
		for _, task := range got.json(t).([]any) {
			titles = append(titles, task.(map[string]any)["title"].(string))
		}
		if strings.Join(titles, " ") != want {
			t.Errorf("%s: %v, want %s", query, titles, want)
		}
	}
	ada.check(t, []row{
		{"GET /api/tasks/?limit=0", "", 422, only(`{"type": "greater_than_equal", "loc": ["query", "limit"], "msg": "Input should be greater than or equal to 1", "input": "0", "ctx": {"ge": 1}}`)},
		{"GET /api/tasks/?limit=501", "", 422, ""},
		{"GET /api/tasks/?offset=-1", "", 422, ""},
		{"GET /api/tasks/?status=cancelled", "", 422, ""},
		{"GET /api/tasks/?priority=6", "", 422, ""},
		{"GET /api/tasks/?goal_id=x", "", 422, ""},
		{"GET /api/tasks/?category=" + strings.Repeat("x", 101), "", 422, ""},
		{"GET /api/tasks/?search=" + strings.Repeat("x", 201), "", 422, ""},
	})
	wantAnswer(t, "summary", ada.do(t, "GET /api/tasks/stats/summary", ""), 200, `{"total": 5, "by_status": {"pending": 4, "blocked": 1},
		"by_priority": {"1": 1, "2": 3, "5": 1}, "by_category": {"x": 2}, "overdue": 0}`)
	ada.make(t, "tasks", `{"title": "late", "due_date": "2020-01-01", "status": "blocked"}`)
	if n := ada.must(t, "GET /api/tasks/stats/summary", "").field(t, "overdue"); n != 1.0 {
		t.Errorf("overdue %v", n)
	}
}
