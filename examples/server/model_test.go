package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var requests = flag.Int("requests", 500, "how many requests TestAnyRequests sends")

const requestsOfAUser = 50

// Whatever requests come in whatever order, each is answered as a model of the API in memory answers it. At full size:
//
//	go test -run AnyRequests . -requests 10000
func TestAnyRequests(t *testing.T) {
	s := start(t)
	if err := flag.Set("rapid.checks", strconv.Itoa((*requests+requestsOfAUser-1)/requestsOfAUser)); err != nil {
		t.Fatal(err)
	}
	users, sent := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		users++
		p := &modelPerson{person: s.newPerson(t, fmt.Sprint("user", users)), t: t, model: model{map[int]modelGoal{}, map[int]modelTask{}}}
		for range requestsOfAUser {
			request := rapid.SampledFrom([]func(*rapid.T){
				p.createTask, p.createTask, p.createGoal, p.createGoal, p.updateTask, p.updateTask, p.updateGoal, p.updateGoal, p.deleteOne, p.getOne,
				p.complete, p.complete, p.uncomplete, p.listTasks, p.listGoals, p.summaries,
			}).Draw(rt, "request")
			request(rt)
			sent++
		}
	})
	t.Logf("%d requests of %d users", sent, users)
}

type (
	modelTask struct {
		title, status        string
		priority, parent     int
		category, due, notes *string
		hours                *float64 // that it took
	}
	modelGoal struct {
		title, status, horizon string
		parent                 int
		percentage             int64 // in hundredths
		target, description    *string
	}
	// A model is what a user has, by id. Later ones have higher ids.
	model struct {
		goals map[int]modelGoal
		tasks map[int]modelTask
	}
)

const done = "completed"

// after is m after a change and all that follows from it, or false if a goal were below itself.
func (m model) after(change func(model)) (model, bool) {
	n := model{maps.Clone(m.goals), maps.Clone(m.tasks)}
	change(n)
	depth := map[int]int{}
	for id := range n.goals {
		for at := id; at != 0; at = n.goals[at].parent {
			if depth[id]++; depth[id] > len(n.goals) {
				return m, false
			}
		}
	}
	// From the deepest goal up: new unfinished work opens a completed goal, and all of it done completes an active one.
	opened := map[int]bool{}
	for id, task := range n.tasks {
		before, was := m.tasks[id]
		if task.status != done && (!was || before.status == done || before.parent != task.parent) {
			opened[task.parent] = true
		}
	}
	unfinished := func(g modelGoal) bool { return g.status == "active" || g.status == "on_hold" }
	for _, id := range slices.SortedFunc(maps.Keys(n.goals), func(a, b int) int { return depth[b] - depth[a] }) {
		goal := n.goals[id]
		before, was := m.goals[id]
		work, workBefore := n.work(id), m.work(id)
		if goal.status == "active" && (before.status == "on_hold" || before.status == "cancelled") && isDone(workBefore) {
			goal.status = done
		}
		isNew := unfinished(goal) && (!was || !unfinished(before) || before.parent != goal.parent)
		if goal.status == done && opened[id] {
			goal.status = "active"
		}
		if goal.status == "active" && isDone(work) && !isDone(workBefore) {
			goal.status = done
		}
		switch {
		case goal.status == done || isDone(work):
			goal.percentage = 100_00
		case work != nil:
			rounded := new(big.Rat).Add(new(big.Rat).Mul(work, big.NewRat(100, 1)), big.NewRat(1, 2))
			goal.percentage = min(new(big.Int).Div(rounded.Num(), rounded.Denom()).Int64(), 99_99)
		case workBefore != nil:
			goal.percentage = 0
		}
		n.goals[id] = goal
		if isNew || opened[id] && goal.status != "cancelled" {
			opened[goal.parent] = true
		}
	}
	return n, true
}

func isDone(work *big.Rat) bool { return work != nil && work.Cmp(big.NewRat(100, 1)) == 0 }

// work is what is under a goal in percent, nil if there is nothing: the mean of tasks and sub-goals, where there are both.
func (m model) work(id int) *big.Rat {
	var parts []*big.Rat
	completed, tasks := int64(0), int64(0)
	for _, t := range m.tasks {
		if t.parent == id {
			tasks++
			if t.status == done {
				completed++
			}
		}
	}
	if tasks > 0 {
		parts = append(parts, big.NewRat(100*completed, tasks))
	}
	sum, goals := int64(0), int64(0)
	for _, g := range m.goals {
		if g.parent == id && g.status != "cancelled" {
			goals++
			sum += g.percentage
		}
	}
	if goals > 0 {
		parts = append(parts, big.NewRat(sum, 100*goals))
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	default:
		both := new(big.Rat).Add(parts[0], parts[1])
		return both.Quo(both, big.NewRat(2, 1))
	}
}

// remove takes a goal or a task away, and what is under a goal becomes a root.
func (m model) remove(id int, isGoal bool) {
	if !isGoal {
		delete(m.tasks, id)
		return
	}
	delete(m.goals, id)
	for under, g := range m.goals {
		if g.parent == id {
			g.parent = 0
			m.goals[under] = g
		}
	}
	for under, t := range m.tasks {
		if t.parent == id {
			t.parent = 0
			m.tasks[under] = t
		}
	}
}

// A modelPerson sends requests and compares their answers with a model.
type modelPerson struct {
	*person
	t *testing.T
	model
}

// A look is what is compared of a task or a goal: its fields as JSON, without those that no model knows.
type look = map[string]any

func (p *modelPerson) taskLook(id int) look {
	t := p.tasks[id]
	return look{
		"id": id, "user_id": p.id, "title": t.title, "description": nil, "priority": t.priority, "status": t.status, "category": t.category,
		"estimated_hours": nil, "actual_hours": t.hours, "due_date": midnight(t.due), "parent_goal_id": orNil(t.parent), "dependencies": nil,
		"notes": t.notes, "tags": nil, "completed_at": t.status == done,
	}
}

func (p *modelPerson) goalLook(id int, counts bool) look {
	g := p.goals[id]
	l := look{
		"id": id, "user_id": p.id, "title": g.title, "description": g.description, "horizon": g.horizon, "target_date": midnight(g.target),
		"status": g.status, "success_criteria": nil, "parent_goal_id": orNil(g.parent), "metrics": nil, "progress_percentage": float64(g.percentage) / 100,
		"completed_at": g.status == done, "task_count": nil, "subgoal_count": nil,
	}
	if counts {
		tasks, goals := 0, 0
		for _, t := range p.tasks {
			if t.parent == id {
				tasks++
			}
		}
		for _, sub := range p.goals {
			if sub.parent == id && sub.status != "cancelled" {
				goals++
			}
		}
		l["task_count"], l["subgoal_count"] = tasks, goals
	}
	return l
}

func midnight(day *string) any {
	if day == nil {
		return nil
	}
	return *day + "T00:00:00"
}

func orNil(id int) any {
	if id == 0 {
		return nil
	}
	return id
}

// send sends a request, and compares its answer. want is a look, a list of them, the detail of an error, or the name of the field that is
// wrong.
func (p *modelPerson) send(rt *rapid.T, request string, body map[string]any, status int, want any) answer {
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			rt.Fatal(err)
		}
		text = string(b)
	}
	got := p.do(p.t, request, text)
	what := fmt.Sprintf("%s %s: %d %s\nwant %d %s", request, text, got.status, got.text, status, asJSON(want))
	if got.status != status {
		rt.Fatal(what)
	}
	switch want := want.(type) {
	case nil:
	case string:
		if status != 422 {
			if got.field(p.t, "detail") != want {
				rt.Fatal(what)
			}
			break
		}
		fault := got.field(p.t, "detail").([]any)[0].(map[string]any)
		loc := fault["loc"].([]any)
		if loc[len(loc)-1] != want {
			rt.Fatal(what)
		}
	default:
		if asJSON(looksOf(got.json(p.t))) != asJSON(want) {
			rt.Fatal(what)
		}
	}
	return got
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		panic(err)
	}
	b, _ = json.Marshal(plain) // numbers alike
	return string(b)
}

// looksOf makes looks of what was answered.
func looksOf(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = looksOf(v[i])
		}
	case map[string]any:
		if _, ok := v["completed_at"]; ok {
			delete(v, "created_at")
			delete(v, "updated_at")
			v["completed_at"] = v["completed_at"] != nil
		}
	}
	return v
}

const nobodys = 1_000_000

var (
	titles   = []string{"a", "Ab", "b 50%", "c_d", "été", strings.Repeat("x", 500)}
	days     = []string{"2020-01-01", "2020-01-02", "2035-06-01", "2035-06-02"}
	statuses = []string{"pending", "in_progress", done, "blocked"}
	horizons = []string{"yearly", "quarterly", "monthly", "weekly"}
	goalIs   = []string{"active", done, "on_hold", "cancelled"}

	// Values that are refused, by field.
	wrong = map[string][]any{
		"title": {"", " ", nil, 5, strings.Repeat("x", 501)}, "priority": {0, 6, nil, "high", 1.5}, "category": {strings.Repeat("é", 101), 1},
		"due_date": {"soon", true, "2026-02-30"}, "target_date": {"soon", "2026-13-01"}, "actual_hours": {-1, "many"}, "horizon": {"daily", 1},
		"status": {"not_started", nil}, "notes": {1}, "description": {[]int{}},
	}
)

// draw is one of several, with a name.
func draw[T any](rt *rapid.T, name string, from ...T) T {
	return rapid.SampledFrom(from).Draw(rt, name)
}

// anID is one that is there, or nobody's.
func anID[T any](rt *rapid.T, of map[int]T) int {
	return draw(rt, "id", append(slices.Sorted(maps.Keys(of)), nobodys)...)
}

// fields draws values for some fields, and which of them is wrong, if one is. Null clears.
func (p *modelPerson) fields(rt *rapid.T, names ...string) (body map[string]any, bad string) {
	body = map[string]any{}
	for _, name := range names {
		if !rapid.Bool().Draw(rt, name) {
			continue
		}
		switch name {
		case "title":
			body[name] = draw(rt, name, titles...)
		case "priority":
			body[name] = draw(rt, name, 1, 2, 3, 5)
		case "status":
			body[name] = draw(rt, name, statuses...)
		case "goal status":
			body["status"] = draw(rt, name, goalIs...)
		case "horizon":
			body[name] = draw(rt, name, horizons...)
		case "due_date", "target_date":
			body[name] = draw[any](rt, name, nil, days[0], days[1], days[2], days[3])
		case "category", "notes", "description":
			body[name] = draw[any](rt, name, nil, "x", "ab", "")
		case "actual_hours":
			body[name] = draw[any](rt, name, nil, 0, 1.5)
		case "parent_goal_id":
			parents := []any{nil, nobodys}
			for _, id := range slices.Sorted(maps.Keys(p.goals)) {
				parents = append(parents, id, id)
			}
			body[name] = draw(rt, name, parents...)
		}
	}
	if rapid.IntRange(0, 9).Draw(rt, "wrong") == 0 {
		bad = strings.TrimPrefix(draw(rt, "field", names[:len(names)-1]...), "goal ")
		body[bad] = draw(rt, "value", wrong[bad]...)
	}
	return body, bad
}

// set sets a field of a model by what was sent.
func set[T any](to *T, body map[string]any, name string) {
	if v, sent := body[name]; sent {
		*to, _ = v.(T)
	}
}

func setText(to **string, body map[string]any, name string) {
	if v, sent := body[name]; sent {
		*to = nil
		if text, ok := v.(string); ok {
			*to = &text
		}
	}
}

func (t modelTask) with(body map[string]any) modelTask {
	set(&t.title, body, "title")
	set(&t.priority, body, "priority")
	set(&t.status, body, "status")
	set(&t.parent, body, "parent_goal_id")
	setText(&t.category, body, "category")
	setText(&t.due, body, "due_date")
	setText(&t.notes, body, "notes")
	if v, sent := body["actual_hours"]; sent {
		t.hours = nil
		switch v := v.(type) {
		case int:
			t.hours = new(float64(v))
		case float64:
			t.hours = &v
		}
	}
	return t
}

func (g modelGoal) with(body map[string]any) modelGoal {
	set(&g.title, body, "title")
	set(&g.status, body, "status")
	set(&g.horizon, body, "horizon")
	set(&g.parent, body, "parent_goal_id")
	setText(&g.target, body, "target_date")
	setText(&g.description, body, "description")
	return g
}

var (
	taskFields = []string{"title", "priority", "status", "category", "due_date", "actual_hours", "notes", "parent_goal_id"}
	goalFields = []string{"title", "goal status", "horizon", "target_date", "description", "parent_goal_id"}
)

func (p *modelPerson) idOf(a answer) int { return int(a.field(p.t, "id").(float64)) }

func (p *modelPerson) createTask(rt *rapid.T) {
	body, bad := p.fields(rt, taskFields...)
	if _, sent := body["title"]; !sent {
		body["title"] = draw(rt, "title", titles...)
	}
	const request = "POST /api/tasks/"
	switch {
	case bad != "":
		p.send(rt, request, body, 422, bad)
	case body["parent_goal_id"] == nobodys:
		p.send(rt, request, body, 400, fmt.Sprintf("Goal %d not found or doesn't belong to you", nobodys))
	default:
		id := p.idOf(p.send(rt, request, body, 201, nil))
		p.change(func(m model) { m.tasks[id] = modelTask{status: "pending", priority: 3}.with(body) })
		p.send(rt, fmt.Sprint("GET /api/tasks/", id), nil, 200, p.taskLook(id))
	}
}

func (p *modelPerson) createGoal(rt *rapid.T) {
	body, bad := p.fields(rt, goalFields...)
	if _, sent := body["title"]; !sent {
		body["title"] = draw(rt, "title", titles...)
	}
	if _, sent := body["horizon"]; !sent {
		body["horizon"] = draw(rt, "horizon", horizons...)
	}
	const request = "POST /api/goals/"
	switch {
	case bad != "":
		p.send(rt, request, body, 422, bad)
	case body["parent_goal_id"] == nobodys:
		p.send(rt, request, body, 400, fmt.Sprintf("Parent goal %d not found or doesn't belong to you", nobodys))
	default:
		id := p.idOf(p.send(rt, request, body, 201, nil))
		p.change(func(m model) { m.goals[id] = modelGoal{status: "active"}.with(body) })
		p.send(rt, fmt.Sprint("GET /api/goals/", id), nil, 200, p.goalLook(id, false))
	}
}

// change changes the model. It reports whether the change is possible.
func (p *modelPerson) change(change func(model)) bool {
	after, ok := p.after(change)
	p.model = after
	return ok
}

func (p *modelPerson) updateTask(rt *rapid.T) {
	id := anID(rt, p.tasks)
	request := fmt.Sprint("PATCH /api/tasks/", id)
	body, bad := p.fields(rt, taskFields...)
	switch {
	case bad != "" && !(id == nobodys && body[bad] == " "): // which the database refuses, of a task that is there
		p.send(rt, request, body, 422, bad)
	case id == nobodys:
		p.send(rt, request, body, 404, fmt.Sprintf("Task %d not found", id))
	case body["parent_goal_id"] == nobodys:
		p.send(rt, request, body, 400, fmt.Sprintf("Goal %d not found or doesn't belong to you", nobodys))
	default:
		p.change(func(m model) { m.tasks[id] = m.tasks[id].with(body) })
		p.send(rt, request, body, 200, p.taskLook(id))
	}
}

func (p *modelPerson) updateGoal(rt *rapid.T) {
	id := anID(rt, p.goals)
	request := fmt.Sprint("PATCH /api/goals/", id)
	body, bad := p.fields(rt, goalFields...)
	switch {
	case bad != "" && !(id == nobodys && body[bad] == " "):
		p.send(rt, request, body, 422, bad)
	case id == nobodys:
		p.send(rt, request, body, 404, fmt.Sprintf("Goal %d not found", id))
	case body["parent_goal_id"] == nobodys:
		p.send(rt, request, body, 400, fmt.Sprintf("Parent goal %d not found or doesn't belong to you", nobodys))
	case body["parent_goal_id"] == id:
		p.send(rt, request, body, 400, "A goal cannot be its own parent")
	case !p.change(func(m model) { m.goals[id] = m.goals[id].with(body) }):
		p.send(rt, request, body, 400, fmt.Sprintf("Cannot create circular reference: goal %v is below goal %d", body["parent_goal_id"], id))
	default:
		p.send(rt, request, body, 200, p.goalLook(id, false))
	}
}

func (p *modelPerson) deleteOne(rt *rapid.T) {
	isGoal, id, path, name := rapid.Bool().Draw(rt, "a goal"), 0, "", ""
	if isGoal {
		id, path, name = anID(rt, p.goals), "goals", "Goal"
	} else {
		id, path, name = anID(rt, p.tasks), "tasks", "Task"
	}
	request := fmt.Sprintf("DELETE /api/%s/%d", path, id)
	if id == nobodys {
		p.send(rt, request, nil, 404, fmt.Sprintf("%s %d not found", name, id))
		return
	}
	p.send(rt, request, nil, 204, nil)
	p.change(func(m model) { m.remove(id, isGoal) })
}

func (p *modelPerson) getOne(rt *rapid.T) {
	id := anID(rt, p.goals)
	if id == nobodys {
		p.send(rt, fmt.Sprint("GET /api/goals/", id), nil, 404, fmt.Sprintf("Goal %d not found", id))
		return
	}
	p.send(rt, fmt.Sprintf("GET /api/goals/%d?include_counts=true", id), nil, 200, p.goalLook(id, true))
}

func (p *modelPerson) complete(rt *rapid.T) {
	id, body := anID(rt, p.tasks), map[string]any(nil)
	if rapid.Bool().Draw(rt, "with hours") {
		body = map[string]any{"actual_hours": 2.5}
	}
	request := fmt.Sprintf("POST /api/tasks/%d/complete", id)
	switch {
	case id == nobodys:
		p.send(rt, request, body, 404, fmt.Sprintf("Task %d not found", id))
	case p.tasks[id].status == done:
		p.send(rt, request, body, 400, fmt.Sprintf("Task %d is already completed", id))
	default:
		p.change(func(m model) { m.tasks[id] = m.tasks[id].with(body).with(map[string]any{"status": done}) })
		p.send(rt, request, body, 200, p.taskLook(id))
	}
}

func (p *modelPerson) uncomplete(rt *rapid.T) {
	id := anID(rt, p.tasks)
	request := fmt.Sprintf("POST /api/tasks/%d/uncomplete", id)
	switch {
	case id == nobodys:
		p.send(rt, request, nil, 404, fmt.Sprintf("Task %d not found", id))
	case p.tasks[id].status != done:
		p.send(rt, request, nil, 400, fmt.Sprintf("Task %d is not completed", id))
	default:
		p.change(func(m model) { m.tasks[id] = m.tasks[id].with(map[string]any{"status": "pending"}) })
		p.send(rt, request, nil, 200, p.taskLook(id))
	}
}

// window draws which part of a list is asked for, and cuts it out.
func window(rt *rapid.T, query url.Values, all []look) []look {
	limit, offset := draw(rt, "limit", 1, 3, 100, 500), draw(rt, "offset", 0, 0, 1, 4)
	query.Set("limit", strconv.Itoa(limit))
	query.Set("offset", strconv.Itoa(offset))
	all = all[min(offset, len(all)):]
	return append([]look{}, all[:min(limit, len(all))]...)
}

func maybe(rt *rapid.T, query url.Values, name string, values ...string) (string, bool) {
	if rapid.IntRange(0, 2).Draw(rt, name) > 0 {
		return "", false
	}
	value := draw(rt, name, values...)
	query.Set(name, value)
	return value, true
}

// searches has what each finds in the titles. % and _ are no wildcards.
var searches = []string{"a", "B", "%", "_", "ÉT", "xx", "zz", ""}

func found(search string, in ...*string) bool {
	return slices.ContainsFunc(in, func(text *string) bool {
		return text != nil && strings.Contains(strings.ToLower(*text), strings.ToLower(search))
	})
}

// last is a text to sort by. None comes last.
func last(text *string) string {
	if text == nil {
		return "~"
	}
	return *text
}

func (p *modelPerson) listTasks(rt *rapid.T) {
	query, goal := url.Values{}, 0
	status, byStatus := maybe(rt, query, "status", statuses...)
	category, byCategory := maybe(rt, query, "category", "x", "ab", "X")
	priority, byPriority := maybe(rt, query, "priority", "1", "2", "3")
	search, bySearch := maybe(rt, query, "search", searches...)
	byGoal := rapid.IntRange(0, 4).Draw(rt, "by goal") == 0
	if byGoal {
		goal = anID(rt, p.goals)
		query.Set("goal_id", strconv.Itoa(goal))
	}
	var ids []int
	for id, t := range p.tasks {
		if (byStatus && t.status != status) || (byCategory && (t.category == nil || *t.category != category)) || (byPriority && strconv.Itoa(t.priority) != priority) ||
			(bySearch && search != "" && !found(search, &t.title, t.notes)) || (byGoal && t.parent != goal) {
			continue
		}
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.tasks[a].priority, p.tasks[b].priority), cmp.Compare(last(p.tasks[a].due), last(p.tasks[b].due)), b-a)
	})
	var all []look
	for _, id := range ids {
		all = append(all, p.taskLook(id))
	}
	want := window(rt, query, all)
	p.send(rt, "GET /api/tasks/?"+query.Encode(), nil, 200, want)
}

func (p *modelPerson) listGoals(rt *rapid.T) {
	query, parent := url.Values{}, 0
	status, byStatus := maybe(rt, query, "status", goalIs...)
	horizon, byHorizon := maybe(rt, query, "horizon", horizons...)
	search, bySearch := maybe(rt, query, "search", searches...)
	_, counts := maybe(rt, query, "include_counts", "true", "1")
	byParent := rapid.IntRange(0, 4).Draw(rt, "by parent") == 0
	if byParent {
		parent = anID(rt, p.goals)
		query.Set("parent_goal_id", strconv.Itoa(parent))
	}
	var ids []int
	for id, g := range p.goals {
		if (byStatus && g.status != status) || (byHorizon && g.horizon != horizon) || (bySearch && search != "" && !found(search, &g.title, g.description)) ||
			(byParent && g.parent != parent) {
			continue
		}
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int) int { return cmp.Or(cmp.Compare(last(p.goals[a].target), last(p.goals[b].target)), a-b) })
	var all []look
	for _, id := range ids {
		all = append(all, p.goalLook(id, counts))
	}
	want := window(rt, query, all)
	p.send(rt, "GET /api/goals/?"+query.Encode(), nil, 200, want)
}

func (p *modelPerson) summaries(rt *rapid.T) {
	byStatus, byPriority, byCategory, overdue := map[string]int{}, map[string]int{}, map[string]int{}, 0
	for _, t := range p.tasks {
		byStatus[t.status]++
		byPriority[strconv.Itoa(t.priority)]++
		if t.category != nil {
			byCategory[*t.category]++
		}
		if t.status != done && t.due != nil && *t.due < "2026" {
			overdue++
		}
	}
	p.send(rt, "GET /api/tasks/stats/summary", nil, 200, look{
		"total": len(p.tasks), "by_status": byStatus, "by_priority": byPriority, "by_category": byCategory, "overdue": overdue,
	})
	goals, byHorizon, near, active, sum := map[string]int{}, map[string]int{}, 0, 0, 0.0
	for _, g := range p.goals {
		goals[g.status]++
		byHorizon[g.horizon]++
		if g.status == "active" {
			active++
			sum += float64(g.percentage) / 100
			if g.percentage >= 80_00 {
				near++
			}
		}
	}
	got := p.send(rt, "GET /api/goals/stats/summary", nil, 200, nil)
	average := got.field(p.t, "average_progress").(float64)
	if want := sum / float64(max(active, 1)); math.Abs(average-want) > 0.0051 {
		rt.Fatalf("average progress %v, want %v", average, want)
	}
	want := asJSON(look{"total": len(p.goals), "by_status": goals, "by_horizon": byHorizon, "average_progress": average, "near_completion": near})
	if asJSON(got.json(p.t)) != want {
		rt.Fatalf("%s\nwant %s", got.text, want)
	}
}
