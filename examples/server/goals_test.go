package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestGoalAsWritten(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	parent := ada.make(t, "goals", `{"title": "Open the shop", "horizon": "yearly"}`)
	got := ada.must(t, "POST /api/goals/", fmt.Sprintf(`{"title": "Find a place", "description": "", "horizon": "quarterly", "target_date": "2027-03-31",
		"status": "on_hold", "success_criteria": "A lease", "parent_goal_id": %d, "metrics": {"m2": 80, "of": {"a": [1]}}, "progress_percentage": 50}`, parent))
	want := fmt.Sprintf(`{"title": "Find a place", "description": "", "horizon": "quarterly", "target_date": "2027-03-31T00:00:00", "status": "on_hold",
		"success_criteria": "A lease", "parent_goal_id": %d, "metrics": {"m2": 80, "of": {"a": [1]}}, "id": %v, "user_id": %d,
		"progress_percentage": 0, "created_at": %q, "updated_at": %q, "completed_at": null, "task_count": null, "subgoal_count": null}`,
		parent, got.field(t, "id"), ada.id, got.field(t, "created_at"), got.field(t, "updated_at"))
	wantAnswer(t, "create", got, 201, want)
	path := fmt.Sprintf("/api/goals/%v", got.field(t, "id"))
	wantAnswer(t, "get", ada.do(t, "GET "+path, ""), 200, want)
	ada.make(t, "tasks", fmt.Sprintf(`{"title": "x", "parent_goal_id": %v}`, got.field(t, "id")))
	counted := ada.must(t, "GET "+path+"?include_counts=true", "")
	if counted.field(t, "task_count") != 1.0 || counted.field(t, "subgoal_count") != 0.0 {
		t.Errorf("with counts: %s", counted.text)
	}

	got = ada.must(t, "PATCH "+path, `{"title": "Find one", "status": "active"}`)
	if got.field(t, "title") != "Find one" || got.field(t, "horizon") != "quarterly" || got.field(t, "task_count") != nil {
		t.Error(got.text)
	}
	got = ada.must(t, "PATCH "+path, `{"description": null, "target_date": null, "success_criteria": null, "parent_goal_id": null, "metrics": null}`)
	for _, name := range []string{"description", "target_date", "success_criteria", "parent_goal_id", "metrics"} {
		if value := got.field(t, name); value != nil {
			t.Errorf("%s is %v after null", name, value)
		}
	}
}

func TestGoalInput(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	top := ada.make(t, "goals", `{"title": "Shop", "horizon": "yearly"}`)
	middle := ada.make(t, "goals", fmt.Sprintf(`{"title": "Place", "horizon": "monthly", "parent_goal_id": %d}`, top))
	below := ada.make(t, "goals", fmt.Sprintf(`{"title": "Lease", "horizon": "weekly", "parent_goal_id": %d}`, middle))
	path := fmt.Sprintf("/api/goals/%d", top)
	const create, noAI = "POST /api/goals/", "AI service not configured (ANTHROPIC_API_KEY missing)"
	expected := "'yearly', 'quarterly', 'monthly' or 'weekly'"
	ada.check(t, []row{
		{create, `{}`, 422, `{"detail": [{"type": "missing", "loc": ["body", "title"], "msg": "Field required", "input": {}},
			{"type": "missing", "loc": ["body", "horizon"], "msg": "Field required", "input": {}}]}`},
		{create, `{"title": "x", "horizon": "daily"}`, 422, only(`{"type": "enum", "loc": ["body", "horizon"], "msg": "Input should be ` + expected + `", "input": "daily", "ctx": {"expected": "` + expected + `"}}`)},
		{create, `{"title": "x", "horizon": "weekly", "status": "not_started"}`, 422, ""},
		{create, `{"title": "x", "horizon": "weekly", "metrics": [1]}`, 422, only(`{"type": "dict_type", "loc": ["body", "metrics"], "msg": "Input should be a valid dictionary", "input": [1]}`)},
		{create, `{"title": "x", "horizon": "weekly", "parent_goal_id": 99}`, 400, detail("Parent goal 99 not found or doesn't belong to you")},
		{"PATCH " + path, fmt.Sprintf(`{"parent_goal_id": %d}`, top), 400, detail("A goal cannot be its own parent")},
		{"PATCH " + path, fmt.Sprintf(`{"parent_goal_id": "%d"}`, top), 400, detail("A goal cannot be its own parent")},
		{"PATCH " + path, fmt.Sprintf(`{"parent_goal_id": %d}`, below), 400, detail(fmt.Sprintf("Cannot create circular reference: goal %d is below goal %d", below, top))},
		{"PATCH " + path, `{"parent_goal_id": 99}`, 400, detail("Parent goal 99 not found or doesn't belong to you")},
		{"PATCH " + path, `{"title": ""}`, 422, ""},
		{"PATCH /api/goals/99", `{"title": "x"}`, 404, detail("Goal 99 not found")},
		{"GET /api/goals/99", "", 404, detail("Goal 99 not found")},
		{"GET /api/goals/x", "", 422, ""},
		{"GET " + path + "?include_counts=maybe", "", 422, only(`{"type": "bool_parsing", "loc": ["query", "include_counts"], "msg": "Input should be a valid boolean, unable to interpret input", "input": "maybe"}`)},
		{"DELETE /api/goals/99", "", 404, detail("Goal 99 not found")},
		{"DELETE /api/goals/x", "", 422, ""},
		{"POST /api/goals/x/calculate-progress", "", 422, ""},
		{"POST /api/goals/99/calculate-progress", "", 404, detail("Goal 99 not found")},

		{"POST " + path + "/breakdown", "", 503, detail(noAI)},
		{"POST " + path + "/breakdown", `{"max_tasks": 5, "include_description": "no"}`, 503, detail(noAI)},
		{"POST /api/goals/99/breakdown", "", 503, detail(noAI)},
		{"POST " + path + "/breakdown", `{"max_tasks": 51}`, 422, ""},
		{"POST " + path + "/breakdown/create-tasks", `{"task_indices": [0]}`, 422, only(`{"type": "list_type", "loc": ["body"], "msg": "Input should be a valid list", "input": {"task_indices": [0]}}`)},
		{"POST " + path + "/breakdown/create-tasks", `[{"title": "x"}]`, 422, only(`{"type": "missing", "loc": ["body", 0, "priority"], "msg": "Field required", "input": {"title": "x"}}`)},
		{"POST /api/goals/99/breakdown/create-tasks", `[{"title": "x", "priority": 1}]`, 404, detail("Goal 99 not found")},
		{"POST /api/goals/99/breakdown/create-tasks", `[]`, 404, detail("Goal 99 not found")},
		{"POST " + path + "/breakdown/create-tasks", `[]`, 200, `[]`},
		{"POST " + path + "/breakdown/create-tasks", `[{"title": "x", "priority": 1}, {"title": " ", "priority": 1}]`, 422, only(`{"type": "value_error",
			"loc": ["body", 1, "title"], "msg": "Value error, must not be blank", "input": " ", "ctx": {"error": "must not be blank"}}`)},

		{"GET /api/briefings/morning", "", 503, detail(noAI)},
		{"POST /api/briefings/evening", `{"wins": "x", "energy_level": 7}`, 503, detail(noAI)},
		{"POST /api/briefings/evening", `{"energy_level": 11}`, 422, ""},
		{"POST /api/briefings/research", `{"topic": "coffee", "focus_areas": ["a"]}`, 503, detail(noAI)},
		{"POST /api/briefings/research", `{"topic": "co"}`, 422, ""},
	})

	got := ada.must(t, "POST "+path+"/breakdown/create-tasks", `[{"title": "b", "priority": 1, "estimated_hours": 2, "category": "c"}, {"title": "a", "priority": 5}]`)
	created := got.json(t).([]any)
	for i, title := range []string{"b", "a"} {
		one := created[i].(map[string]any)
		task := ada.must(t, fmt.Sprintf("GET /api/tasks/%v", one["id"]), "")
		if one["title"] != title || task.field(t, "title") != title || task.field(t, "parent_goal_id") != float64(top) || task.field(t, "status") != "pending" {
			t.Errorf("%v: %s", one, task.text)
		}
	}
}

func TestGoalLists(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	wantAnswer(t, "empty", ada.do(t, "GET /api/goals/", ""), 200, "[]")
	a := ada.make(t, "goals", `{"title": "a", "horizon": "yearly"}`)
	ada.make(t, "goals", fmt.Sprintf(`{"title": "b", "horizon": "weekly", "target_date": "2027-01-02", "parent_goal_id": %d}`, a))
	ada.make(t, "goals", fmt.Sprintf(`{"title": "c", "horizon": "weekly", "target_date": "2027-01-01", "status": "cancelled", "parent_goal_id": %d}`, a))
	ada.make(t, "tasks", fmt.Sprintf(`{"title": "x", "status": "completed", "parent_goal_id": %d}`, a))
	for query, want := range map[string]string{
		"":                                     "c b a",
		"?limit=1&offset=1":                    "b",
		"?status=cancelled":                    "c",
		"?horizon=weekly":                      "c b",
		fmt.Sprintf("?parent_goal_id=%d", a):   "c b",
		"?search=A":                            "a",
		"?horizon=weekly&status=active&search": "b",
	} {
		got := ada.must(t, "GET /api/goals/"+query, "")
		var titles []string
		for _, goal := range got.json(t).([]any) {
			titles = append(titles, goal.(map[string]any)["title"].(string))
		}
		if strings.Join(titles, " ") != want {
			t.Errorf("%s: %v, want %s", query, titles, want)
		}
	}
	with := ada.must(t, "GET /api/goals/?include_counts=1&search=a", "").json(t).([]any)[0].(map[string]any)
	if with["task_count"] != 1.0 || with["subgoal_count"] != 1.0 {
		t.Errorf("counts %v and %v", with["task_count"], with["subgoal_count"])
	}
	ada.check(t, []row{
		{"GET /api/goals/?horizon=daily", "", 422, ""},
		{"GET /api/goals/?status=blocked", "", 422, ""},
		{"GET /api/goals/?limit=x", "", 422, ""},
		{"GET /api/goals/stats/summary", "", 200, `{"total": 3, "by_status": {"active": 2, "cancelled": 1}, "by_horizon": {"yearly": 1, "weekly": 2},
			"average_progress": 25, "near_completion": 0}`},
	})
}

func TestProgressFollows(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	goal := ada.make(t, "goals", `{"title": "a", "horizon": "yearly"}`)
	task := ada.make(t, "tasks", fmt.Sprintf(`{"title": "x", "parent_goal_id": %d}`, goal))
	ada.make(t, "tasks", fmt.Sprintf(`{"title": "y", "parent_goal_id": %d}`, goal))
	ada.make(t, "tasks", fmt.Sprintf(`{"title": "z", "parent_goal_id": %d}`, goal))
	ada.must(t, fmt.Sprintf("POST /api/tasks/%d/complete", task), "")
	for _, request := range []string{"GET /api/goals/%d", "POST /api/goals/%d/calculate-progress"} {
		if got := ada.must(t, fmt.Sprintf(request, goal), ""); got.field(t, "progress_percentage") != 33.33 {
			t.Errorf("%s: %s", request, got.text)
		}
	}
}
