package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// bodies are what is sent to a route so that it does something. A route that needs one and lacks it here fails the tests by name.
var bodies = map[string]string{
	"POST /api/tasks/{$}":                              `{"title": "x"}`,
	"PATCH /api/tasks/{task_id}":                       `{"title": "x"}`,
	"POST /api/goals/{$}":                              `{"title": "x", "horizon": "weekly"}`,
	"PATCH /api/goals/{goal_id}":                       `{"title": "x"}`,
	"POST /api/users/change-password":                  `{"current_password": "correct horse", "new_password": "another horse"}`,
	"POST /api/briefings/evening":                      `{}`,
	"POST /api/briefings/research":                     `{"topic": "coffee"}`,
	"POST /api/goals/{goal_id}/breakdown/create-tasks": `[{"title": "x", "priority": 1}]`,
}

// owner runs a statement as the owner of the tables.
func owner(t *testing.T, s *service, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.ownerDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// No route reaches the rows of another user: an id of hers answers in the words of an id that never was, and lists have none of her rows.
func TestIsolation(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	const mark = "of ada alone"
	// Ids that are a goal's and a task's alike.
	var goal, task int
	for range 3 {
		goal = ada.make(t, "goals", `{"title": "of ada alone", "horizon": "weekly"}`)
		task = ada.make(t, "tasks", fmt.Sprintf(`{"title": "of ada alone", "category": "of ada alone", "parent_goal_id": %d}`, goal))
	}
	before := ada.all(t)
	for i, r := range s.routes {
		if r.Public {
			continue
		}
		eve := s.newPerson(t, fmt.Sprint("eve", i)) // another one each time: a route deletes its user
		request := func(goal, task int) string {
			return r.Method + " " + strings.NewReplacer("{$}", "", "{task_id}", fmt.Sprint(task), "{goal_id}", fmt.Sprint(goal)).Replace(r.Path)
		}
		if strings.ContainsAny(request(goal, task), "{}") {
			t.Errorf("%s: an id that this test does not know", r.Pattern())
			continue
		}
		hers, nobodys := eve.do(t, request(goal, task), bodies[r.Pattern()]), eve.do(t, request(1e6, 1e6), bodies[r.Pattern()])
		if hers.status == 422 {
			t.Errorf("%s: bodies has none that it takes: %s", r.Pattern(), hers.text)
		}
		if strings.Contains(hers.text, mark) {
			t.Errorf("%s shows what is hers: %s", r.Pattern(), hers.text)
		}
		if strings.Contains(r.Path, "_id}") {
			said := strings.ReplaceAll(hers.text, fmt.Sprintf(" %d ", goal), " 1000000 ")
			if (hers.status != 404 && hers.status != 503) || said != nobodys.text || hers.status != nobodys.status {
				t.Errorf("%s: %d %s\nto %d %s for no id", r.Pattern(), hers.status, hers.text, nobodys.status, nobodys.text)
			}
		}
	}
	// Ids in bodies and queries.
	eve := s.newPerson(t, "eve")
	for _, request := range []string{
		`POST /api/tasks/ {"title": "x", "parent_goal_id": %d}`, `POST /api/tasks/ {"title": "x", "dependencies": [%d]}`,
		`POST /api/goals/ {"title": "x", "horizon": "weekly", "parent_goal_id": %d}`, `GET /api/tasks/?goal_id=%d `, `GET /api/goals/?parent_goal_id=%d `,
	} {
		ask := func(id int) string {
			line := fmt.Sprintf(request, id)
			cut := strings.LastIndex(strings.SplitN(line, "{", 2)[0], " ")
			got := eve.do(t, line[:cut], line[cut+1:])
			return strings.ReplaceAll(fmt.Sprint(got.status, got.text), fmt.Sprint(id), "ID")
		}
		if hers, nobodys := ask(goal), ask(1e6); hers != nobodys {
			t.Errorf("%s: %s\nto %s for no id", request, hers, nobodys)
		}
	}
	if after := ada.all(t); after != before {
		t.Errorf("hers has changed:\n%s\nto\n%s", before, after)
	}
}

// all is all that a person has.
func (p *person) all(t *testing.T) string {
	t.Helper()
	return p.must(t, "GET /api/tasks/?limit=500", "").text + p.must(t, "GET /api/goals/?limit=500&include_counts=true", "").text
}
