package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// After every statement, of the library or of a service by itself, of one row or of many, in a transaction or not, every
// goal is what a model says that computes all of it anew, and a roll-up finds nothing to do. For more than a moment of it:
//
//	go test -run ProgressModel -timeout 1h ./bizydb -rapid.checks 1000 -rapid.steps 60
func TestProgressModel(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	rapid.Check(t, func(rt *rapid.T) {
		user := db.NewUser(t)
		s := &service{
			ctx: t.Context(), pool: db.Pool(), user: user, scope: db.As(user),
			model: model{goals: map[int64]modelRow{}, tasks: map[int64]modelRow{}}, titles: map[int64]string{0: "no goal"},
		}
		defer s.rollBack()
		rt.Repeat(map[string]func(*rapid.T){
			"one goal":    func(rt *rapid.T) { s.do(rt, s.oneRow, "goals") },
			"one task":    func(rt *rapid.T) { s.do(rt, s.oneRow, "tasks") },
			"many goals":  func(rt *rapid.T) { s.do(rt, s.manyRows, "goals") },
			"many tasks":  func(rt *rapid.T) { s.do(rt, s.manyRows, "tasks") },
			"transaction": s.transaction,
			"roll up":     s.rollUp,
		})
	})
}

type (
	// A modelRow is a goal or a task.
	modelRow struct {
		title      string
		parent     int64 // a goal, or 0
		status     string
		percentage int64 // of a goal, in hundredths
	}
	// A model is what a user has, by id.
	model struct{ goals, tasks map[int64]modelRow }
)

func (m model) rows(table string) map[int64]modelRow {
	if table == "goals" {
		return m.goals
	}
	return m.tasks
}

const active, completed, onHold, cancelled = "active", "completed", "on_hold", "cancelled"

// after is m after a statement that changes some rows and all that follows from that, or false if it is refused.
func (m model) after(change func(model)) (model, bool) {
	n := model{maps.Clone(m.goals), maps.Clone(m.tasks)}
	change(n)
	depth := map[int64]int{}
	for id := range n.goals {
		for at := id; at != 0; at = n.goals[at].parent {
			if depth[id]++; depth[id] > len(n.goals) {
				return m, false
			}
		}
	}

	// From the deepest goal up: new unfinished work opens a goal, what is under it makes its percentage, and all of it done
	// completes it.
	opened := map[int64]bool{}
	for id, task := range n.tasks {
		before, was := m.tasks[id]
		if task.status != completed && (!was || before.status == completed || before.parent != task.parent) {
			opened[task.parent] = true
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(n.goals), func(a, b int64) int { return depth[b] - depth[a] }) {
		goal := n.goals[id]
		before, was := m.goals[id]
		work, workBefore := n.work(id), m.work(id)
		if goal.status == active && (before.status == onHold || before.status == cancelled) && allDone(workBefore) {
			goal.status = completed // as it is resumed
		}
		unfinished := goal.unfinished() && (!was || !before.unfinished() || before.parent != goal.parent)

		if goal.status == completed && opened[id] {
			goal.status = active
		}
		if goal.status == active && allDone(work) && !allDone(workBefore) {
			goal.status = completed
		}
		switch {
		case goal.status == completed || allDone(work):
			goal.percentage = 100_00
		case work != nil:
			goal.percentage = min(hundredths(work), 99_99)
		case workBefore != nil: // the last of it has gone
			goal.percentage = 0
		}
		n.goals[id] = goal
		// What is under a cancelled goal is no work for those above.
		if unfinished || opened[id] && goal.status != cancelled {
			opened[goal.parent] = true
		}
	}
	return n, true
}

// remove takes rows away and what is under them to the roots.
func (m model) remove(table string, ids ...int64) {
	for _, id := range ids {
		delete(m.rows(table), id)
		if table == "tasks" {
			continue
		}
		for _, rows := range []map[int64]modelRow{m.goals, m.tasks} {
			for under, row := range rows {
				if row.parent == id {
					row.parent = 0
					rows[under] = row
				}
			}
		}
	}
}

// unfinished says whether a goal is work to do for the one above it.
func (g modelRow) unfinished() bool { return g.status == active || g.status == onHold }

// under counts what is directly under a goal, and adds up the percentages of the sub-goals.
func (m model) under(id int64) (done, tasks, subGoals, sum int64) {
	for _, task := range m.tasks {
		if task.parent == id {
			tasks++
			if task.status == completed {
				done++
			}
		}
	}
	for _, goal := range m.goals {
		if goal.parent == id && goal.status != cancelled {
			subGoals++
			sum += goal.percentage
		}
	}
	return done, tasks, subGoals, sum
}

// work is what is under a goal in percent, nil if there is nothing.
func (m model) work(id int64) *big.Rat {
	done, tasks, subGoals, sum := m.under(id)
	switch {
	case tasks == 0 && subGoals == 0:
		return nil
	case subGoals == 0:
		return big.NewRat(100*done, tasks)
	case tasks == 0:
		return big.NewRat(sum, 100*subGoals)
	default:
		both := new(big.Rat).Add(big.NewRat(100*done, tasks), big.NewRat(sum, 100*subGoals))
		return both.Quo(both, big.NewRat(2, 1))
	}
}

func allDone(work *big.Rat) bool { return work != nil && work.Cmp(big.NewRat(100, 1)) == 0 }

// hundredths rounds half up.
func hundredths(percentage *big.Rat) int64 {
	r := new(big.Rat).Mul(percentage, big.NewRat(100, 1))
	r.Add(r, big.NewRat(1, 2))
	return new(big.Int).Div(r.Num(), r.Denom()).Int64()
}

// An edit is what a statement sets in a row.
type edit struct {
	status     *string
	parent     *int64 // 0 for none
	percentage *float64
}

// on is what becomes of a row.
func (c edit) on(row modelRow) modelRow {
	if c.status != nil {
		row.status = *c.status
	}
	if c.parent != nil {
		row.parent = *c.parent
	}
	if c.percentage != nil {
		typed, _ := new(big.Rat).SetString(strconv.FormatFloat(*c.percentage, 'f', -1, 64))
		if row.percentage = hundredths(typed); *c.percentage < 100 {
			row.percentage = min(row.percentage, 99_99)
		}
	}
	if row.status == completed {
		row.percentage = 100_00
	}
	return row
}

// A look is what is to be seen of a goal or a task.
type look struct {
	Under, Status              string
	TimeSet                    bool
	Percentage                 float64
	Completed, Tasks, SubGoals int
}

// A service works for one user.
type service struct {
	ctx    context.Context
	pool   *pgxpool.Pool
	user   bizydb.UserID
	scope  bizydb.Scope
	tx     pgx.Tx // or nil
	model  model
	before model            // the transaction
	titles map[int64]string // of goals, also of those that are gone
	made   int              // rows
}

// A statement is how it reads, how it is sent, and what it does to the rows that it names.
type statement struct {
	text   string
	send   func() (returned map[string]look, err error)
	change func(model)
}

func (s statement) GoString() string { return s.text }

// do draws a statement on a table, sends it and compares.
func (s *service) do(rt *rapid.T, draw func(t *rapid.T, table string) statement, table string) {
	statement := rapid.Custom(func(t *rapid.T) statement { return draw(t, table) }).Draw(rt, "statement")
	returned, err := statement.send()
	after, possible := s.model.after(statement.change)
	// On Citus the name of the constraint gets lost on the way from another node, and the hint does not.
	if pgErr := new(pgconn.PgError); !possible && errors.As(err, &pgErr) && strings.Contains(pgErr.ConstraintName+pgErr.Hint, "ck_goals_no_cycle") {
		returned, err = nil, nil
	} else if !possible && err == nil {
		rt.Fatal("a goal has become its own ancestor")
	}
	if err != nil {
		rt.Log(err)
		rt.Fatal("a statement failed")
	}
	s.model = after
	s.compare(rt, returned)
}

// transaction begins one, or else ends it.
func (s *service) transaction(rt *rapid.T) {
	var err error
	switch {
	case s.tx == nil:
		s.before = s.model
		s.tx, err = s.pool.Begin(s.ctx)
	case rapid.Bool().Draw(rt, "commit"):
		err = s.tx.Commit(s.ctx)
		s.tx = nil
	default:
		s.rollBack()
	}
	if err != nil {
		rt.Fatal(err)
	}
	s.compare(rt, nil)
}

func (s *service) rollBack() {
	if s.tx != nil {
		_ = s.tx.Rollback(context.WithoutCancel(s.ctx))
		s.tx, s.model = nil, s.before
	}
}

func (s *service) rollUp(rt *rapid.T) {
	if wrong, err := s.querier(s.tx).RollUpAll(s.ctx); err != nil || len(wrong) > 0 {
		rt.Logf("%+v, %v", wrong, err)
		rt.Fatal("a roll-up found something to do")
	}
	s.compare(rt, nil)
}

func (s *service) querier(tx pgx.Tx) planner.ReadWriter {
	if tx == nil {
		return s.scope
	}
	return s.scope.WithTx(tx)
}

// compare compares what is stored, and what a statement returned, with the model.
func (s *service) compare(rt *rapid.T, returned map[string]look) {
	want := map[string]look{}
	for id, g := range s.model.goals {
		done, tasks, subGoals, _ := s.model.under(id)
		want[g.title] = look{s.titles[g.parent], g.status, g.status == completed, float64(g.percentage) / 100, int(done), int(tasks), int(subGoals)}
	}
	for _, t := range s.model.tasks {
		want[t.title] = look{Under: s.titles[t.parent], Status: t.status, TimeSet: t.status == completed}
	}

	q := s.querier(s.tx)
	goals, err := q.ListGoals(s.ctx, planner.ListGoalsParams{})
	if err != nil {
		rt.Fatal(err)
	}
	tasks, err := q.ListTasks(s.ctx, planner.ListTasksParams{})
	if err != nil {
		rt.Fatal(err)
	}
	stored := map[string]look{}
	for _, g := range goals {
		stored[g.Title] = s.lookAtGoal(g)
	}
	for _, t := range tasks {
		stored[t.Title] = s.lookAtTask(t)
	}
	if diff := cmp.Diff(want, stored); diff != "" {
		rt.Logf("-model +stored:\n%s", diff)
		rt.Fatal("what is stored is not what the model says")
	}
	for title, returned := range returned {
		if diff := cmp.Diff(want[title], returned); diff != "" {
			rt.Logf("%s, -stored +returned:\n%s", title, diff)
			rt.Fatal("what was returned is not what is stored")
		}
	}
}

func (s *service) lookAtGoal(g planner.Goal) look {
	return look{
		s.title(g.ParentGoalID), string(g.Status), g.CompletedAt != nil,
		g.ProgressPercentage, g.CompletedTaskCount, g.TaskCount, g.SubGoalCount,
	}
}

func (s *service) lookAtTask(t planner.Task) look {
	return look{Under: s.title(t.ParentGoalID), Status: string(t.Status), TimeSet: t.CompletedAt != nil}
}

func (s *service) title(goal *planner.GoalID) string {
	if goal == nil {
		return s.titles[0]
	}
	return s.titles[int64(*goal)]
}

var (
	columns = map[string][]string{
		"goals": {"status", "parent_goal_id", "progress_percentage"},
		"tasks": {"status", "parent_goal_id"},
	}
	statuses = map[string][]string{
		"goals": {active, completed, onHold, cancelled},
		"tasks": {"pending", completed, "in_progress", completed, "blocked"},
	}
	// Some of them end up on either side of a half, or of 100.
	percentages = []float64{0, 100, 50, 33.335, 0.004, 99.996, 0.005, 99.994, 66.67, 1.005, 12.5, 99.99}
)

// drawSome draws at least one.
func drawSome[T any](t *rapid.T, from []T) []T {
	var some []T
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(from)-1), 1, min(len(from), 10), rapid.ID).Draw(t, "some") {
		some = append(some, from[i])
	}
	return some
}

func (s *service) drawEdit(t *rapid.T, table string, columns []string) (c edit) {
	for _, column := range columns {
		switch column {
		case "status":
			c.status = new(rapid.SampledFrom(statuses[table]).Draw(t, column))
		case "parent_goal_id":
			c.parent = new(rapid.SampledFrom(append([]int64{0}, slices.Sorted(maps.Keys(s.model.goals))...)).Draw(t, column))
		case "progress_percentage":
			c.percentage = new(rapid.SampledFrom(percentages).Draw(t, column))
		}
	}
	return c
}

func (s *service) text(title string, c edit) string {
	if c.status != nil {
		title += " " + *c.status
	}
	if c.parent != nil {
		title += " under " + s.titles[*c.parent]
	}
	if c.percentage != nil {
		title += fmt.Sprint(" at ", *c.percentage)
	}
	return title
}

func (s *service) newTitle(table string) string {
	s.made++
	return fmt.Sprint(table[:len(table)-1], " ", s.made)
}

// oneRow draws a call of the library.
func (s *service) oneRow(t *rapid.T, table string) statement {
	kind := map[string]string{"goals": "Goal", "tasks": "Task"}[table]
	ids := slices.Sorted(maps.Keys(s.model.rows(table)))
	methods := []string{"Create"}
	if len(ids) > 0 {
		methods = append(methods, "Update", "Complete", "Reopen", "Delete")
	}
	if len(ids) > 0 && table == "goals" {
		methods = append(methods, "Move")
	}
	method := rapid.SampledFrom(methods).Draw(t, "method")

	var id int64
	row := modelRow{}
	if method == "Create" {
		row.title = s.newTitle(table)
	} else {
		id = rapid.SampledFrom(ids).Draw(t, "id")
		row = s.model.rows(table)[id]
	}
	e := edit{}
	switch method {
	case "Create":
		e = s.drawEdit(t, table, columns[table])
	case "Update":
		e = s.drawEdit(t, table, drawSome(t, columns[table]))
	case "Move":
		e = s.drawEdit(t, table, []string{"parent_goal_id"})
	case "Complete":
		e.status = new(completed)
	case "Reopen":
		if row.status == completed {
			e.status = &statuses[table][0]
		}
	}
	send := func(q planner.Querier) (map[string]look, error) {
		called, seen, err := s.call(q, method+kind, id, row.title, e)
		if err != nil || method == "Delete" {
			return nil, err
		}
		if id = called; table == "goals" {
			s.titles[id] = row.title
		}
		return map[string]look{row.title: seen}, nil
	}

	return statement{
		text: method + kind + ": " + s.text(row.title, e),
		send: func() (returned map[string]look, err error) {
			if s.tx == nil {
				return send(s.scope)
			}
			err = pgx.BeginFunc(s.ctx, s.tx, func(tx pgx.Tx) error {
				returned, err = send(s.scope.WithTx(tx))
				return err
			})
			return returned, err
		},
		change: func(m model) {
			if method == "Delete" {
				m.remove(table, id)
			} else {
				m.rows(table)[id] = e.on(row)
			}
		},
	}
}

// call calls a method, and returns the id and the look of what it returned.
func (s *service) call(q planner.Querier, method string, id int64, title string, e edit) (int64, look, error) {
	var parent *planner.GoalID
	if e.parent != nil && *e.parent != 0 {
		parent = new(planner.GoalID(*e.parent))
	}
	toRoot := e.parent != nil && *e.parent == 0
	status := ""
	if e.status != nil {
		status = *e.status
	}

	var goal planner.Goal
	var task planner.Task
	var err error
	switch method {
	case "CreateGoal":
		goal, err = q.CreateGoal(s.ctx, planner.CreateGoalParams{
			Title: title, ParentGoalID: parent, Status: planner.GoalStatus(status), ProgressPercentage: e.percentage,
		})
	case "UpdateGoal":
		goal, err = q.UpdateGoal(s.ctx, planner.UpdateGoalParams{
			ID: planner.GoalID(id), ParentGoalID: parent, ClearParentGoalID: toRoot,
			Status: planner.GoalStatus(status), ProgressPercentage: e.percentage,
		})
	case "MoveGoal":
		goal, err = q.MoveGoal(s.ctx, planner.MoveGoalParams{ID: planner.GoalID(id), ParentGoalID: parent})
	case "CompleteGoal":
		var row planner.CompleteGoalRow
		row, err = q.CompleteGoal(s.ctx, planner.CompleteGoalParams{ID: planner.GoalID(id)})
		goal = row.Goal
	case "ReopenGoal":
		var row planner.ReopenGoalRow
		row, err = q.ReopenGoal(s.ctx, planner.ReopenGoalParams{ID: planner.GoalID(id)})
		goal = row.Goal
	case "DeleteGoal":
		goal, err = q.DeleteGoal(s.ctx, planner.GoalID(id))
	case "CreateTask":
		task, err = q.CreateTask(s.ctx, planner.CreateTaskParams{Title: title, ParentGoalID: parent, Status: planner.TaskStatus(status)})
	case "UpdateTask":
		task, err = q.UpdateTask(s.ctx, planner.UpdateTaskParams{
			ID: planner.TaskID(id), ParentGoalID: parent, ClearParentGoalID: toRoot, Status: planner.TaskStatus(status),
		})
	case "CompleteTask":
		var row planner.CompleteTaskRow
		row, err = q.CompleteTask(s.ctx, planner.CompleteTaskParams{ID: planner.TaskID(id)})
		task = row.Task
	case "ReopenTask":
		var row planner.ReopenTaskRow
		row, err = q.ReopenTask(s.ctx, planner.ReopenTaskParams{ID: planner.TaskID(id)})
		task = row.Task
	case "DeleteTask":
		task, err = q.DeleteTask(s.ctx, planner.TaskID(id))
	}
	if strings.HasSuffix(method, "Goal") {
		return int64(goal.ID), s.lookAtGoal(goal), err
	}
	return int64(task.ID), s.lookAtTask(task), err
}

// manyRows draws a statement of the service's own.
func (s *service) manyRows(t *rapid.T, table string) statement {
	present := slices.Sorted(maps.Keys(s.model.rows(table)))
	verbs := []string{"INSERT"}
	if len(present) > 0 {
		verbs = append(verbs, "UPDATE", "DELETE", "UPDATE")
	}
	verb := rapid.SampledFrom(verbs).Draw(t, "verb")

	var ids []int64
	var titles, texts []string
	if verb == "INSERT" {
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			titles = append(titles, s.newTitle(table))
		}
		ids = make([]int64, len(titles))
	} else {
		ids = drawSome(t, present)
		for _, id := range ids {
			titles = append(titles, s.model.rows(table)[id].title)
		}
	}

	set := columns[table]
	if verb == "UPDATE" {
		set = drawSome(t, set)
	}
	alike := verb == "DELETE" || rapid.Bool().Draw(t, "alike")
	edits := make([]edit, len(ids))
	values := make([][]any, 3)
	for i := range edits {
		switch {
		case i > 0 && alike:
			edits[i] = edits[0]
		case verb != "DELETE":
			edits[i] = s.drawEdit(t, table, set)
		}
		var parent any
		if p := edits[i].parent; p != nil && *p != 0 {
			parent = *p
		}
		values[0], values[1], values[2] = append(values[0], edits[i].status), append(values[1], parent), append(values[2], edits[i].percentage)
		texts = append(texts, s.text(titles[i], edits[i]))
	}

	rows := `unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::float8[]) AS new (id, title, status, parent_goal_id, progress_percentage)`
	var sql string
	switch verb {
	case "INSERT":
		list := strings.Join(columns[table], ", ")
		sql = "INSERT INTO public." + table + " AS old (title, " + list + ") SELECT title, " + list + " FROM " + rows
	case "UPDATE":
		sql = "UPDATE public." + table + " AS old SET "
		for i, column := range set {
			if i > 0 {
				sql += ", "
			}
			sql += column + " = new." + column
		}
		sql += " FROM " + rows + " WHERE old.id = new.id" + ofCommonUser("old.", s.user)
	case "DELETE":
		sql = "DELETE FROM public." + table + " AS old USING " + rows + " WHERE old.id = new.id" + ofCommonUser("old.", s.user)
	}

	return statement{
		text: verb + " " + table + ": " + strings.Join(texts, ", "),
		send: func() (map[string]look, error) {
			var begin interface {
				Begin(context.Context) (pgx.Tx, error)
			} = s.pool
			if s.tx != nil {
				begin = s.tx
			}
			return nil, pgx.BeginFunc(s.ctx, begin, func(tx pgx.Tx) error {
				if _, err := tx.Exec(s.ctx, enterCommonSQL(), fmt.Sprint(s.user)); err != nil {
					return err
				}
				rows, err := tx.Query(s.ctx, sql+" RETURNING old.id", pgx.QueryExecModeCacheDescribe, ids, titles, values[0], values[1], values[2])
				if err != nil {
					return err
				}
				returned, err := pgx.CollectRows(rows, pgx.RowTo[int64])
				if verb == "INSERT" {
					ids = returned
				}
				for i, id := range ids {
					if table == "goals" {
						s.titles[id] = titles[i]
					}
				}
				return err
			})
		},
		change: func(m model) {
			for i, id := range ids {
				if verb == "DELETE" {
					m.remove(table, id)
				} else {
					row := m.rows(table)[id]
					row.title = titles[i]
					m.rows(table)[id] = edits[i].on(row)
				}
			}
		},
	}
}
