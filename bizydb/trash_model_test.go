package bizydb_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Scopes and plain clients delete, restore, move, link and change statuses. After each, links, statuses and progress are those of a model
// that keeps a trash of its own. Versions go on, and a roll-up finds nothing to do. For more than a moment of it:
//
//	go test -run TrashModel -timeout 1h ./bizydb -rapid.checks 1000 -rapid.steps 60
func TestTrashModel(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	rapid.Check(t, func(rt *rapid.T) {
		user := db.NewUser(t)
		h := &hoarder{
			ctx: t.Context(), db: db, user: user, scope: db.As(user), model: model{map[int64]modelRow{}, map[int64]modelRow{}},
			needs: map[int64][]int64{}, goals: map[int64]*trashedGoal{}, tasks: map[int64]*trashedTask{}, links: map[tie]int{},
			seen: map[string]sighting{},
		}
		h.some(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":             h.compare,
			"create":       h.create,
			"move":         h.move,
			"set a status": h.setStatus,
			"depend":       h.depend,
			"delete one":   h.deleteOne,
			"delete some":  h.deleteSome,
			"restore goal": h.restoreGoal,
			"restore more": h.restoreGoal,
			"restore task": h.restoreTask,
			"restore one":  h.restoreTask,
			"forget":       h.forget,
		})
	})
}

// A hoarder is a user who deletes and restores, and what there is according to the model.
type hoarder struct {
	ctx   context.Context
	db    *bizydbtest.Database
	user  bizydb.UserID
	scope bizydb.Scope

	model     model
	needs     map[int64][]int64 // dependencies of tasks
	goals     map[int64]*trashedGoal
	tasks     map[int64]*trashedTask
	links     map[tie]int // of rows that were not deleted to those that were, and the place of a dependency in its list
	deletions int
	seen      map[string]sighting // of each row, in the last comparison
}

type sighting struct {
	version int64
	deleted bool
}

type (
	trashedGoal struct {
		row      modelRow
		hadWork  bool
		deletion int
	}
	trashedTask struct {
		row      modelRow
		needs    []int64
		deletion int
	}
	tie struct {
		kind         string // goal, task or dependency
		lower, upper int64
	}
)

func keysOf[T any](rows map[int64]T) []int64 { return slices.Sorted(maps.Keys(rows)) }

// one draws an id, or skips the step.
func one[T any](rt *rapid.T, rows map[int64]T, label string) int64 {
	if len(rows) == 0 {
		rt.Skip()
	}
	return rapid.SampledFrom(keysOf(rows)).Draw(rt, label)
}

func (h *hoarder) parent(rt *rapid.T) int64 {
	return rapid.SampledFrom(append([]int64{0}, keysOf(h.model.goals)...)).Draw(rt, "parent")
}

// change is one statement of the model, which is not refused.
func (h *hoarder) change(rt *rapid.T, change func(model)) {
	after, ok := h.model.after(change)
	if !ok {
		rt.Fatal("the model has made a goal its own ancestor")
	}
	h.model = after
}

// plainly runs statements of a client that knows nothing of bizydb, in one transaction.
func (h *hoarder) plainly(rt *rapid.T, statements ...string) error {
	return pgx.BeginFunc(h.ctx, h.db.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(h.ctx, enterCommonSQL(), fmt.Sprint(h.user)); err != nil {
			rt.Fatal(err)
		}
		for _, sql := range statements {
			if _, err := tx.Exec(h.ctx, sql, pgx.QueryExecModeExec); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *hoarder) some(rt *rapid.T) {
	for range 4 {
		h.create(rt)
	}
}

func (h *hoarder) create(rt *rapid.T) {
	parent := h.parent(rt)
	var under *planner.GoalID
	if parent != 0 {
		under = new(planner.GoalID(parent))
	}
	if rapid.Bool().Draw(rt, "goal") {
		status := rapid.SampledFrom([]string{active, completed, onHold, cancelled}).Draw(rt, "status")
		percentage := rapid.SampledFrom([]float64{0, 30, 100}).Draw(rt, "percentage")
		goal, err := h.scope.CreateGoal(h.ctx, planner.CreateGoalParams{Title: "goal", ParentGoalID: under, Status: planner.GoalStatus(status), ProgressPercentage: &percentage})
		if err != nil {
			rt.Fatal(err)
		}
		h.change(rt, func(m model) {
			m.goals[int64(goal.ID)] = edit{status: &status, parent: &parent, percentage: &percentage}.on(modelRow{})
		})
		return
	}
	status := rapid.SampledFrom([]string{"pending", completed}).Draw(rt, "status")
	task, err := h.scope.CreateTask(h.ctx, planner.CreateTaskParams{Title: "task", ParentGoalID: under, Status: planner.TaskStatus(status)})
	if err != nil {
		rt.Fatal(err)
	}
	h.change(rt, func(m model) { m.tasks[int64(task.ID)] = modelRow{parent: parent, status: status} })
}

func (h *hoarder) move(rt *rapid.T) {
	parent := h.parent(rt)
	table := rapid.SampledFrom([]string{"goals", "tasks"}).Draw(rt, "table")
	id := one(rt, h.model.rows(table), "id")
	sql := fmt.Sprintf("UPDATE public.%s SET parent_goal_id = nullif(%d, 0) WHERE id = %d%s", table, parent, id, ofCommonUser("", h.user))
	after, ok := h.model.after(func(m model) {
		row := m.rows(table)[id]
		row.parent = parent
		m.rows(table)[id] = row
	})
	if err := h.plainly(rt, sql); (err == nil) != ok {
		rt.Fatalf("%s: %v", sql, err)
	}
	h.model = after
}

func (h *hoarder) setStatus(rt *rapid.T) {
	table := rapid.SampledFrom([]string{"goals", "tasks"}).Draw(rt, "table")
	id := one(rt, h.model.rows(table), "id")
	status := rapid.SampledFrom(statuses[table]).Draw(rt, "status")
	var err error
	if table == "goals" {
		_, err = h.scope.UpdateGoal(h.ctx, planner.UpdateGoalParams{ID: planner.GoalID(id), Status: planner.GoalStatus(status)})
	} else {
		_, err = h.scope.UpdateTask(h.ctx, planner.UpdateTaskParams{ID: planner.TaskID(id), Status: planner.TaskStatus(status)})
	}
	if err != nil {
		rt.Fatal(err)
	}
	h.change(rt, func(m model) { m.rows(table)[id] = edit{status: &status}.on(m.rows(table)[id]) })
}

// closure is the tasks that a task depends on, directly or through others.
func (h *hoarder) closure(id int64) map[int64]bool {
	found, next := map[int64]bool{}, []int64{id}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		for _, need := range h.needs[at] {
			if !found[need] {
				found[need], next = true, append(next, need)
			}
		}
	}
	return found
}

func (h *hoarder) depend(rt *rapid.T) {
	id, need := one(rt, h.model.tasks, "id"), one(rt, h.model.tasks, "need")
	if slices.Contains(h.needs[id], need) {
		rt.Skip()
	}
	list := append(slices.Clone(h.needs[id]), need)
	params := planner.SetTaskDependenciesParams{ID: planner.TaskID(id)}
	for _, n := range list {
		params.Dependencies = append(params.Dependencies, planner.TaskID(n))
	}
	_, err := h.scope.SetTaskDependencies(h.ctx, params)
	if circle := need == id || h.closure(need)[id]; circle != errors.Is(err, bizydb.ErrDependencyCycle) || !circle && err != nil {
		rt.Fatal(err)
	} else if !circle {
		h.needs[id] = list
	}
}

func (h *hoarder) remember(l tie, place int) {
	if _, there := h.links[l]; !there {
		h.links[l] = place
	}
}

// leave takes away what a goal or task was under before.
func (h *hoarder) leave(kind string, lower int64) {
	maps.DeleteFunc(h.links, func(l tie, _ int) bool { return l.kind == kind && l.lower == lower })
}

// discard is a statement of the model that deletes rows of a table.
func (h *hoarder) discard(rt *rapid.T, table string, gone []int64) {
	for id, row := range h.model.goals {
		if table == "goals" && slices.Contains(gone, row.parent) {
			h.leave("goal", id)
			h.remember(tie{"goal", id, row.parent}, 0)
		}
	}
	for id, row := range h.model.tasks {
		if table == "goals" && slices.Contains(gone, row.parent) {
			h.leave("task", id)
			h.remember(tie{"task", id, row.parent}, 0)
		}
		for i, need := range h.needs[id] {
			if table == "tasks" && slices.Contains(gone, need) && !slices.Contains(gone, id) {
				h.remember(tie{"dependency", id, need}, i+1)
			}
		}
	}
	for _, id := range gone {
		if table == "goals" {
			_, tasks, subGoals, _ := h.model.under(id)
			h.goals[id] = &trashedGoal{row: h.model.goals[id], hadWork: tasks > 0 || subGoals > 0, deletion: h.deletions}
		} else {
			h.tasks[id] = &trashedTask{row: h.model.tasks[id], needs: h.needs[id], deletion: h.deletions}
		}
	}
	h.change(rt, func(m model) { m.remove(table, gone...) })
	if table == "tasks" {
		for _, id := range gone {
			delete(h.needs, id)
		}
		for id, needs := range h.needs {
			h.needs[id] = slices.DeleteFunc(slices.Clone(needs), func(n int64) bool { return slices.Contains(gone, n) })
		}
	}
}

func (h *hoarder) deleteOne(rt *rapid.T) {
	h.deletions++
	var err error
	if rapid.Bool().Draw(rt, "goal") {
		id := one(rt, h.model.goals, "id")
		_, err = h.scope.DeleteGoal(h.ctx, planner.GoalID(id))
		h.discard(rt, "goals", []int64{id})
	} else {
		id := one(rt, h.model.tasks, "id")
		_, err = h.scope.DeleteTask(h.ctx, planner.TaskID(id))
		h.discard(rt, "tasks", []int64{id})
	}
	if err != nil {
		rt.Fatal(err)
	}
}

func (h *hoarder) deleteSome(rt *rapid.T) {
	if len(h.model.goals) == 0 || len(h.model.tasks) == 0 {
		rt.Skip()
	}
	h.deletions++
	gone := map[string][]int64{"goals": drawSome(rt, keysOf(h.model.goals)), "tasks": drawSome(rt, keysOf(h.model.tasks))}
	list := func(table string) string {
		text := ""
		for _, id := range gone[table] {
			text += fmt.Sprint(", ", id)
		}
		return fmt.Sprintf("DELETE FROM public.%s WHERE id IN (0%s)%s", table, text, ofCommonUser("", h.user))
	}
	tables := rapid.Permutation([]string{"goals", "tasks"}).Draw(rt, "order")
	err := h.plainly(rt, list(tables[0]), list(tables[1]))
	if err != nil {
		rt.Fatal(err)
	}
	h.discard(rt, tables[0], gone[tables[0]])
	h.discard(rt, tables[1], gone[tables[1]])
}

// plainRestore calls a function, in a distributed database for the deleted row.
func plainRestore(table, call string, id int64, user bizydb.UserID) string {
	if !testdb.Distributed() {
		return fmt.Sprintf("SELECT left_out FROM bizydb.%s", strings.Replace(call, "k.id", fmt.Sprint(id), 1))
	}
	return fmt.Sprintf("SELECT r.left_out FROM bizydb.deleted_%s k CROSS JOIN LATERAL bizydb.%s AS r WHERE k.user_id = %d AND k.id = %d", table, call, user, id)
}

func (h *hoarder) restoreTask(rt *rapid.T) {
	id := one(rt, h.tasks, "id")
	if rapid.Bool().Draw(rt, "plainly") {
		if err := h.plainly(rt, plainRestore("tasks", "restore_task(k.id)", id, h.user)); err != nil {
			rt.Fatal(err)
		}
		h.putBack(rt, nil, []int64{id})
		return
	}
	restored, err := h.scope.RestoreTask(h.ctx, planner.TaskID(id))
	if err != nil {
		rt.Fatal(err)
	}
	h.check(rt, h.putBack(rt, nil, []int64{id}), restored.LeftOut)
	if restored.Task.ID != planner.TaskID(id) || string(restored.Task.Status) != h.model.tasks[id].status {
		rt.Fatalf("%+v, want %+v", restored, h.model.tasks[id])
	}
}

func (h *hoarder) restoreGoal(rt *rapid.T) {
	id, together := one(rt, h.goals, "id"), rapid.Bool().Draw(rt, "together")
	goals, tasks := []int64{id}, []int64(nil)
	if together {
		goals, tasks = h.deletedWith(id)
	}
	was := h.goals[id].row
	if rapid.Bool().Draw(rt, "plainly") {
		if err := h.plainly(rt, plainRestore("goals", fmt.Sprintf("restore_goal(k.id, %v)", together), id, h.user)); err != nil {
			rt.Fatal(err)
		}
		h.putBack(rt, goals, tasks)
		return
	}
	restored, err := h.scope.RestoreGoal(h.ctx, planner.RestoreGoalParams{ID: planner.GoalID(id), Together: together})
	if err != nil {
		rt.Fatal(err)
	}
	h.check(rt, h.putBack(rt, goals, tasks), restored.LeftOut)
	if len(restored.Goals) != len(goals) || len(restored.Tasks) != len(tasks) || restored.Goal.ID != planner.GoalID(id) {
		rt.Fatalf("%+v, want goals %v and tasks %v", restored, goals, tasks)
	}
	if !together && string(restored.Goal.Status) != was.status {
		rt.Fatalf("%+v, was %+v", restored.Goal, was)
	}
}

// deletedWith is what was deleted in the same transaction as a goal.
func (h *hoarder) deletedWith(id int64) (goals, tasks []int64) {
	for _, goal := range keysOf(h.goals) {
		if h.goals[goal].deletion == h.goals[id].deletion {
			goals = append(goals, goal)
		}
	}
	for _, task := range keysOf(h.tasks) {
		if h.tasks[task].deletion == h.goals[id].deletion {
			tasks = append(tasks, task)
		}
	}
	return goals, tasks
}

// missing is why a link of a row that is there is not, empty if it is possible for all that is known; false if it is there.
func (h *hoarder) missing(l tie) (planner.LinkReason, bool) {
	rows, uppers, kept := h.model.tasks, h.model.goals, h.goals[l.upper] != nil
	last := func() int64 { // under what a row that is being restored was
		if h.tasks[l.lower] != nil {
			return h.tasks[l.lower].row.parent
		}
		return 0
	}
	switch l.kind {
	case "goal":
		rows = h.model.goals
		last = func() int64 {
			if h.goals[l.lower] != nil {
				return h.goals[l.lower].row.parent
			}
			return 0
		}
	case "dependency":
		uppers, kept = h.model.tasks, h.tasks[l.upper] != nil
	}
	row, there := rows[l.lower]
	_, upper := uppers[l.upper]
	parent := cmp.Or(row.parent, last())
	switch {
	case !there, l.kind == "dependency" && slices.Contains(h.needs[l.lower], l.upper), l.kind != "dependency" && row.parent == l.upper:
		return "", false
	case !upper && !kept:
		return planner.LinkGone, true
	case l.kind != "dependency" && parent != 0 && parent != l.upper:
		return planner.LinkMoved, true
	case !upper:
		return planner.LinkDeleted, true
	}
	return "", true
}

// putBack restores goals and tasks in the model, and returns what is left out.
func (h *hoarder) putBack(rt *rapid.T, goals, tasks []int64) planner.LeftOutLinks {
	restored := func(l tie) bool {
		return slices.Contains(goals, l.lower) && l.kind == "goal" || slices.Contains(tasks, l.lower) && l.kind != "goal"
	}
	places := map[tie]int{}
	for l, place := range h.links {
		if restored(l) || slices.Contains(goals, l.upper) && l.kind != "dependency" || slices.Contains(tasks, l.upper) && l.kind == "dependency" {
			places[l] = place
		}
	}
	own := func(l tie, place int) {
		if before, there := places[l]; !there || place < before {
			places[l] = place
		}
	}
	for _, id := range goals {
		if parent := h.goals[id].row.parent; parent != 0 {
			own(tie{"goal", id, parent}, 0)
		}
	}
	for _, id := range tasks {
		if parent := h.tasks[id].row.parent; parent != 0 {
			own(tie{"task", id, parent}, 0)
		}
		for i, need := range h.tasks[id].needs {
			own(tie{"dependency", id, need}, i+1)
		}
	}
	// First what restored tasks depend on, and what restored goals had under them.
	links := slices.SortedFunc(maps.Keys(places), func(a, b tie) int {
		if restored(a) != restored(b) && a.kind == b.kind {
			return map[bool]int{true: -1, false: 1}[restored(a) == (a.kind != "goal")]
		}
		return cmp.Or(strings.Compare(a.kind, b.kind), cmp.Compare(a.lower, b.lower), cmp.Compare(places[a], places[b]), cmp.Compare(a.upper, b.upper))
	})
	h.change(rt, func(m model) {
		for _, id := range goals {
			row := modelRow{status: cancelled, percentage: h.goals[id].row.percentage}
			if h.goals[id].hadWork {
				row.percentage = 0
			}
			m.goals[id] = row
		}
	})
	h.change(rt, func(m model) {
		for _, id := range tasks {
			row := h.tasks[id].row
			if _, there := m.goals[row.parent]; !there {
				row.parent = 0
			}
			m.tasks[id] = row
		}
	})

	refused := map[tie]bool{}
	var possible []tie
	for _, l := range links {
		if reason, missing := h.missing(l); missing && reason == "" {
			possible = append(possible, l)
		}
	}
	for _, table := range []string{"goals", "tasks"} {
		h.change(rt, func(m model) {
			for _, l := range possible {
				switch row := m.rows(table)[l.lower]; {
				case l.kind == "dependency" && table == "tasks":
					if refused[l] = h.closure(l.upper)[l.lower]; !refused[l] {
						h.needs[l.lower] = append(slices.Clone(h.needs[l.lower]), l.upper)
					}
				case l.kind != "dependency" && table == l.kind+"s" && row.parent == 0:
					if l.kind == "goal" {
						for at := l.upper; at != 0; at = m.goals[at].parent {
							refused[l] = refused[l] || at == l.lower
						}
					}
					if !refused[l] {
						row.parent = l.upper
						m.rows(table)[l.lower] = row
					}
				}
			}
		})
	}

	byDepth := map[int][]int64{}
	for _, id := range goals {
		depth := 0
		for at := h.model.goals[id].parent; at != 0; at = h.model.goals[at].parent {
			depth++
		}
		byDepth[depth] = append(byDepth[depth], id)
	}
	for _, depth := range slices.Backward(slices.Sorted(maps.Keys(byDepth))) {
		set := func(status func(id int64) string) {
			h.change(rt, func(m model) {
				for _, id := range byDepth[depth] {
					m.goals[id] = edit{status: new(status(id))}.on(m.goals[id])
				}
			})
		}
		set(func(id int64) string {
			if kept := h.goals[id].row.status; kept != active || !allDone(h.model.work(id)) {
				return kept
			}
			return completed
		})
		set(func(id int64) string { return h.goals[id].row.status })
	}

	left := planner.LeftOutLinks{}
	for _, l := range links {
		reason, missing := h.missing(l)
		if !missing {
			continue
		} else if refused[l] {
			reason = planner.LinkCycle
		} else if reason == "" {
			reason = planner.LinkMoved
		} else if reason == planner.LinkDeleted {
			h.remember(l, places[l])
		}
		switch l.kind {
		case "goal":
			left = append(left, planner.LeftOutLink{Goal: planner.GoalID(l.lower), ParentGoal: planner.GoalID(l.upper), Reason: reason})
		case "task":
			left = append(left, planner.LeftOutLink{Task: planner.TaskID(l.lower), ParentGoal: planner.GoalID(l.upper), Reason: reason})
		default:
			left = append(left, planner.LeftOutLink{Task: planner.TaskID(l.lower), Dependency: planner.TaskID(l.upper), Reason: reason})
		}
	}
	for _, id := range goals {
		delete(h.goals, id)
	}
	for _, id := range tasks {
		delete(h.tasks, id)
	}
	h.forgetLinks()
	return left
}

// forgetLinks forgets those of which no end is deleted.
func (h *hoarder) forgetLinks() {
	maps.DeleteFunc(h.links, func(l tie, _ int) bool {
		switch l.kind {
		case "goal":
			return h.goals[l.lower] == nil && h.goals[l.upper] == nil
		case "task":
			return h.tasks[l.lower] == nil && h.goals[l.upper] == nil
		}
		return h.tasks[l.lower] == nil && h.tasks[l.upper] == nil
	})
}

func (h *hoarder) forget(rt *rapid.T) {
	var err error
	if rapid.Bool().Draw(rt, "goal") {
		id := one(rt, h.goals, "id")
		_, err = h.scope.ForgetDeletedGoal(h.ctx, planner.GoalID(id))
		delete(h.goals, id)
	} else {
		id := one(rt, h.tasks, "id")
		_, err = h.scope.ForgetDeletedTask(h.ctx, planner.TaskID(id))
		delete(h.tasks, id)
	}
	h.forgetLinks()
	if err != nil {
		rt.Fatal(err)
	}
}

// check compares what is left out, in any order.
func (h *hoarder) check(rt *rapid.T, want, got planner.LeftOutLinks) {
	text := func(links planner.LeftOutLinks) (lines []string) {
		for _, l := range links {
			lines = append(lines, fmt.Sprintf("%+v", l))
		}
		slices.Sort(lines)
		return lines
	}
	if diff := gocmp.Diff(text(want), text(got)); diff != "" {
		rt.Logf("-model +restored:\n%s", diff)
		rt.Fatal("what is left out is not what the model says")
	}
}

// What there is, in the form in which it is compared.
type (
	kept struct {
		Under      int64
		Status     string
		Percentage float64
		Needs      []int64
	}
	holdings struct{ Goals, Tasks, DeletedGoals, DeletedTasks map[int64]kept }
)

func (h *hoarder) compare(rt *rapid.T) {
	want := holdings{map[int64]kept{}, map[int64]kept{}, map[int64]kept{}, map[int64]kept{}}
	for id, g := range h.model.goals {
		want.Goals[id] = kept{Under: g.parent, Status: g.status, Percentage: float64(g.percentage) / 100}
	}
	for id, t := range h.model.tasks {
		want.Tasks[id] = kept{Under: t.parent, Status: t.status, Needs: append([]int64{}, h.needs[id]...)}
	}
	for id, g := range h.goals {
		want.DeletedGoals[id] = kept{Under: g.row.parent, Status: g.row.status, Percentage: float64(g.row.percentage) / 100}
	}
	for id, t := range h.tasks {
		want.DeletedTasks[id] = kept{Under: t.row.parent, Status: t.row.status, Needs: append([]int64{}, t.needs...)}
	}
	got := holdings{map[int64]kept{}, map[int64]kept{}, map[int64]kept{}, map[int64]kept{}}
	id := func(goal *planner.GoalID) int64 {
		if goal == nil {
			return 0
		}
		return int64(*goal)
	}
	now := map[string]sighting{}
	look := func(row string, version int64, deleted bool) {
		now[row] = sighting{version, deleted}
		if was, ok := h.seen[row]; ok && (version < was.version || was.deleted && !deleted && version == was.version || deleted && version != was.version && was.deleted) {
			rt.Fatalf("%s is at version %d (deleted: %v), and was at %+v", row, version, deleted, was)
		}
	}
	numbers := func(list planner.TaskIDs) []int64 {
		numbers := []int64{}
		for _, n := range list {
			numbers = append(numbers, int64(n))
		}
		return numbers
	}
	err := h.scope.Batch(h.ctx, func(q bizydb.Reader) error {
		goals, err := q.ListGoals(h.ctx, planner.ListGoalsParams{})
		for _, g := range goals {
			got.Goals[int64(g.ID)] = kept{Under: id(g.ParentGoalID), Status: string(g.Status), Percentage: g.ProgressPercentage}
			look(fmt.Sprint("goal ", g.ID), g.Version, false)
		}
		return err
	}, func(q bizydb.Reader) error {
		tasks, err := q.ListTasks(h.ctx, planner.ListTasksParams{})
		for _, t := range tasks {
			got.Tasks[int64(t.ID)] = kept{Under: id(t.ParentGoalID), Status: string(t.Status), Needs: numbers(t.Dependencies)}
			look(fmt.Sprint("task ", t.ID), t.Version, false)
		}
		return err
	}, func(q bizydb.Reader) error {
		goals, err := q.DeletedGoals(h.ctx, planner.DeletedGoalsParams{})
		for _, g := range goals {
			got.DeletedGoals[int64(g.ID)] = kept{Under: id(g.ParentGoalID), Status: string(g.Status), Percentage: g.ProgressPercentage}
			look(fmt.Sprint("goal ", g.ID), g.Version, true)
		}
		return err
	}, func(q bizydb.Reader) error {
		tasks, err := q.DeletedTasks(h.ctx, planner.DeletedTasksParams{})
		for _, t := range tasks {
			got.DeletedTasks[int64(t.ID)] = kept{Under: id(t.ParentGoalID), Status: string(t.Status), Needs: numbers(t.Dependencies)}
			look(fmt.Sprint("task ", t.ID), t.Version, true)
		}
		return err
	})
	h.seen = now
	if err != nil {
		rt.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		rt.Logf("-model +stored:\n%s", diff)
		rt.Fatal("what is stored is not what the model says")
	}
	if wrong, err := h.scope.RollUpAll(h.ctx); err != nil || len(wrong) > 0 {
		rt.Logf("%+v, %v", wrong, err)
		rt.Fatal("a roll-up found something to do")
	}
}
