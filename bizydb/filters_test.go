package bizydb_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// notFilters are the parameters that say how many rows to return and from where on.
var notFilters = []string{"Limit", "After", "Size", "Cursor", "WithTotal", "Order"}

// filters has what those let through that are not named like the column whose value they ask for.
var filters = map[string]func(value, row any) bool{
	"Active":      func(value, row any) bool { return row.(bizydb.User).IsActive == *value.(*bool) },
	"AllTags":     hasAll,
	"AnyTag":      hasAny,
	"ByDueDate":   func(_, row any) bool { return row.(planner.Task).DueDate != nil },
	"RootsOnly":   func(_, row any) bool { return row.(planner.Goal).ParentGoalID == nil },
	"Search":      hasText,
	"Superuser":   func(value, row any) bool { return row.(bizydb.User).IsSuperuser == *value.(*bool) },
	"Statuses":    hasStatus,
	"Text":        hasText,
	"WithoutGoal": func(_, row any) bool { return row.(planner.Task).ParentGoalID == nil },
	"Verified":    func(value, row any) bool { return row.(bizydb.User).IsVerified == *value.(*bool) },
}

func hasAll(value, row any) bool {
	return !slices.ContainsFunc(value.(planner.Tags), func(tag string) bool { return !slices.Contains(row.(planner.Task).Tags, tag) })
}

func hasAny(value, row any) bool {
	return slices.ContainsFunc(value.(planner.Tags), func(tag string) bool { return slices.Contains(row.(planner.Task).Tags, tag) })
}

func hasStatus(value, row any) bool {
	if task, ok := row.(planner.Task); ok {
		return slices.Contains(value.(planner.TaskStatuses), task.Status)
	}
	return slices.Contains(value.(planner.GoalStatuses), row.(planner.Goal).Status)
}

func hasText(value, row any) bool {
	var texts []*string
	switch row := row.(type) {
	case planner.Task:
		texts = []*string{&row.Title, row.Description, row.Notes}
	case planner.Goal:
		texts = []*string{&row.Title, row.Description, row.SuccessCriteria}
	}
	return slices.ContainsFunc(texts, func(text *string) bool {
		return text != nil && strings.Contains(strings.ToLower(*text), strings.ToLower(value.(string)))
	})
}

// A condition is what a row has to meet beside the filters: by fields that mean something only together, or whatever is asked.
type condition struct {
	fields string
	start  any // parameters to set a field of
	meets  func(params, row any) bool
	others map[string]func(value, row any) bool // filters that look at other rows too
}

func (c condition) filter(field string) func(value, row any) bool {
	if filter := c.others[field]; filter != nil {
		return filter
	}
	return filters[field]
}

func when[Params, Row any](fields string, start Params, meets func(Params, Row) bool) condition {
	return condition{fields: fields, start: start, meets: func(params, row any) bool { return meets(params.(Params), row.(Row)) }}
}

var conditions = map[string]condition{
	"GoalsAtRisk": when("At", planner.GoalsAtRiskParams{At: &leapNoon}, func(p planner.GoalsAtRiskParams, g planner.Goal) bool {
		return g.Status == planner.GoalActive && g.ProgressPercentage < 20 && g.TargetDate != nil && !g.TargetDate.After(p.At.Add(30*24*time.Hour))
	}),
	"OpenTasks": when("", planner.OpenTasksParams{}, func(_ planner.OpenTasksParams, t planner.Task) bool { return isOpen(t) }),
	"OverdueGoals": when("At WithOnHold", planner.OverdueGoalsParams{At: &leapNoon}, func(p planner.OverdueGoalsParams, g planner.Goal) bool {
		return (g.Status == planner.GoalActive || g.Status == planner.GoalOnHold && p.WithOnHold) && g.TargetDate != nil && g.TargetDate.Before(*p.At)
	}),
	"OverdueTasks": when("At TimeZone WithBlocked", planner.OverdueTasksParams{At: &leapNoon}, func(p planner.OverdueTasksParams, t planner.Task) bool {
		if t.DueAllDay {
			return isOpen(t) && (p.WithBlocked || t.Status != planner.TaskBlocked) && !dayStart(t.DueDate, p.TimeZone, 1).After(*p.At)
		}
		return isOpen(t) && (p.WithBlocked || t.Status != planner.TaskBlocked) && t.DueDate != nil && t.DueDate.Before(*p.At)
	}),
	"PageTasks": when("DueFrom DueBefore TimeZone", planner.PageTasksParams{}, func(p planner.PageTasksParams, t planner.Task) bool {
		switch {
		case p.DueFrom == nil && p.DueBefore == nil:
			return true
		case t.DueDate == nil:
			return false
		case !t.DueAllDay:
			return (p.DueFrom == nil || !t.DueDate.Before(*p.DueFrom)) && (p.DueBefore == nil || t.DueDate.Before(*p.DueBefore))
		}
		over := dayStart(t.DueDate, p.TimeZone, 1)
		return (p.DueFrom == nil || over.After(*p.DueFrom)) && (p.DueBefore == nil || !over.After(*p.DueBefore))
	}),
	"TaggedTasks": when("", planner.TaggedTasksParams{}, func(p planner.TaggedTasksParams, _ planner.Task) bool {
		return len(p.AnyTag) > 0 || len(p.AllTags) > 0
	}),
	"TasksByPriority": {start: planner.TasksByPriorityParams{Priority: 3}},
	"TasksCompleted": when("From Before", planner.TasksCompletedParams{From: leapNoon.AddDate(0, 0, -2), Before: leapNoon}, func(p planner.TasksCompletedParams, t planner.Task) bool {
		return t.CompletedAt != nil && !t.CompletedAt.Before(p.From) && t.CompletedAt.Before(p.Before)
	}),
	"TasksDue": when("From Before TimeZone", planner.TasksDueParams{From: leapNoon.AddDate(0, 0, -2), Before: leapNoon}, func(p planner.TasksDueParams, t planner.Task) bool {
		return t.DueDate != nil && !dueFrom(t, p.TimeZone).Before(p.From) && dueFrom(t, p.TimeZone).Before(p.Before)
	}),
	"TasksDueToday": when("At TimeZone WithUndated", planner.TasksDueTodayParams{At: &leapNoon}, func(p planner.TasksDueTodayParams, t planner.Task) bool {
		if t.DueDate == nil {
			return isOpen(t) && p.WithUndated
		}
		return isOpen(t) && !dueFrom(t, p.TimeZone).Before(dayOf(*p.At, p.TimeZone, 0)) && dueFrom(t, p.TimeZone).Before(dayOf(*p.At, p.TimeZone, 1))
	}),
	"UpcomingGoals": when("At TimeZone Days", planner.UpcomingGoalsParams{At: &leapNoon}, func(p planner.UpcomingGoalsParams, g planner.Goal) bool {
		return g.Status == planner.GoalActive && g.TargetDate != nil && !g.TargetDate.Before(*p.At) && g.TargetDate.Before(dayOf(*p.At, p.TimeZone, p.Days+1))
	}),
	"UpcomingTasks": when("At TimeZone Days", planner.UpcomingTasksParams{At: &leapNoon, Days: 3}, func(p planner.UpcomingTasksParams, t planner.Task) bool {
		from := *p.At
		if t.DueAllDay {
			from = dayOf(from, p.TimeZone, 0)
		}
		return isOpen(t) && t.DueDate != nil && !dueFrom(t, p.TimeZone).Before(from) && dueFrom(t, p.TimeZone).Before(dayOf(*p.At, p.TimeZone, p.Days+1))
	}),
}

func isOpen(t planner.Task) bool { return t.Status != planner.TaskCompleted }

// dayOf is when the day begins that is some days after that of a moment.
func dayOf(moment time.Time, zone planner.TimeZone, days int) time.Time {
	location, err := zone.Location()
	if err != nil {
		panic(err)
	}
	return dayStart(new(dateIn(location, moment)), zone, days)
}

// dayStart is when the day begins that is some days after one given as midnight UTC.
func dayStart(date *time.Time, zone planner.TimeZone, days int) time.Time {
	location, err := zone.Location()
	if err != nil {
		panic(err)
	}
	return time.Date(date.Year(), date.Month(), date.Day()+days, 0, 0, 0, 0, location)
}

// dueFrom is when a task is due, or when the day begins on which it is.
func dueFrom(t planner.Task, zone planner.TimeZone) time.Time {
	if t.DueAllDay {
		return dayStart(t.DueDate, zone, 0)
	}
	return *t.DueDate
}

// matching returns those of some rows that parameters let through.
func matching[Row any](rows []Row, params any, c condition) []Row {
	p := reflect.ValueOf(params)
	return slices.DeleteFunc(slices.Clone(rows), func(row Row) bool {
		for f, value := range p.Fields() {
			unset := value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
			if unset || slices.Contains(notFilters, f.Name) || c.looksAt(f.Name) {
				continue
			}
			if filter := c.filter(f.Name); filter != nil {
				if !filter(value.Interface(), row) {
					return true
				}
				continue
			}
			column := reflect.Indirect(reflect.ValueOf(row).FieldByName(f.Name))
			if !column.IsValid() || !gocmp.Equal(column.Interface(), reflect.Indirect(value).Interface()) { // NULL or another
				return true
			}
		}
		return c.meets != nil && !c.meets(params, row)
	})
}

func (c condition) looksAt(field string) bool {
	return slices.Contains(strings.Fields(c.fields), field)
}

// A listing is a method that returns some of the rows that there are.
type listing[Row any] struct {
	name string
	condition
	rows []Row
	at   things
	list func(params any) (any, error)
}

// test sets each filter by itself, and then some of them together.
func (l listing[Row]) test(t *testing.T) {
	t.Helper()
	params := reflect.TypeOf(l.start)
	values := map[string][]reflect.Value{}
	for f := range params.Fields() {
		if slices.Contains(notFilters, f.Name) {
			continue
		}
		if _, isColumn := reflect.TypeFor[Row]().FieldByName(f.Name); !isColumn && l.filter(f.Name) == nil && !l.looksAt(f.Name) {
			t.Errorf("%s.%s: no test says what it filters", params.Name(), f.Name)
			continue
		}
		values[f.Name] = samples(t, f.Name, f.Type, l.at)
		if f.Type.Kind() == reflect.Pointer && f.Type != reflect.TypeFor[*planner.Horizon]() && !l.looksAt(f.Name) {
			values[f.Name] = append(values[f.Name], reflect.New(f.Type.Elem())) // asks for zero
		}
		start, tells := settable(l.start), false
		if from := start.FieldByName("DueFrom"); from.IsValid() && f.Name == "TimeZone" { // which means nothing by itself
			from.Set(reflect.ValueOf(&leapNoon))
		}
		for _, value := range values[f.Name] {
			p := settable(start.Interface())
			p.FieldByIndex(f.Index).Set(value)
			want := l.check(t, p.Interface())
			tells = tells || len(want) > 0 && !slices.Equal(want, l.want(start.Interface()))
		}
		if !tells {
			t.Errorf("%s.%s: the rows of this test do not tell whether it filters", params.Name(), f.Name)
		}
	}
	if t.Failed() {
		return
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 * len(values) {
		p := settable(l.start)
		for f := range params.Fields() {
			if of := values[f.Name]; of != nil && random.IntN(3) == 0 {
				p.FieldByIndex(f.Index).Set(of[random.IntN(len(of))])
			}
		}
		l.check(t, p.Interface())
	}
	if limit := settable(l.start).FieldByName("Limit"); limit.IsValid() {
		l.checkLimit(t)
	}
}

// want are the ids of the rows that should come back, sorted.
func (l listing[Row]) want(params any) []int64 {
	return slices.Sorted(slices.Values(ids(matching(l.rows, params, l.condition))))
}

// check compares what a list returns with the rows that it should, and returns their ids.
func (l listing[Row]) check(t *testing.T, params any) []int64 {
	t.Helper()
	got, err := l.list(params)
	if err != nil {
		t.Fatalf("%s %s: %v", l.name, shown(params), err)
	}
	want := l.want(params)
	if diff := gocmp.Diff(want, slices.Sorted(slices.Values(ids(got))), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", l.name, shown(params), diff)
	}
	return want
}

// checkLimit checks that a limit keeps the beginning of a list.
func (l listing[Row]) checkLimit(t *testing.T) {
	t.Helper()
	limited := settable(l.start)
	limited.FieldByName("Limit").SetInt(2)
	all, err := l.list(l.start)
	if err != nil {
		t.Fatal(err)
	}
	some, err := l.list(limited.Interface())
	if want := ids(all); err != nil || !slices.Equal(ids(some), want[:min(2, len(want))]) {
		t.Errorf("%s: the first two of %v are %v: %v", l.name, want, ids(some), err)
	}
}

// ids are those of a slice of rows.
func ids(rows any) []int64 {
	v := reflect.ValueOf(rows)
	ids := make([]int64, v.Len())
	for i := range ids {
		ids[i] = v.Index(i).FieldByName("ID").Int()
	}
	return ids
}

// randomParams returns parameters in which each field has one of its samples or nothing. What a field has does not depend on
// which others there are, so that a new one leaves the rows of a test as they were.
func randomParams[Params any](t *testing.T, row int, at things) Params {
	t.Helper()
	var p Params
	for f, field := range reflect.ValueOf(&p).Elem().Fields() {
		seed := fnv.New64a()
		_, _ = seed.Write([]byte(f.Name))
		random := rand.New(rand.NewPCG(seed.Sum64(), uint64(row)))
		values := samples(t, f.Name, f.Type, at)
		switch n := random.IntN(len(values) + 1); {
		case n < len(values):
			field.Set(values[n])
		case f.Name == "Title": // has to be there
			field.Set(values[0])
		case f.Type == reflect.TypeFor[*string]() && random.IntN(2) == 0:
			field.Set(reflect.ValueOf(new("")))
		}
	}
	if task, ok := any(&p).(*planner.CreateTaskParams); ok && task.DueAllDay && task.DueDate != nil {
		task.DueDate = new(task.DueDate.Truncate(24 * time.Hour))
	}
	return p
}

// Every list, page, stream and search returns the rows that its filters let through, each by itself and some together.
func TestFilters(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	at := plantAll(t, alice)
	for row := range 60 {
		if _, err := alice.CreateGoal(t.Context(), randomParams[planner.CreateGoalParams](t, row, at)); err != nil {
			t.Fatal(err)
		}
	}
	many := make(planner.CreateTasksParams, 120)
	for i := range many {
		many[i] = randomParams[planner.CreateTaskParams](t, i, at)
	}
	many = append(many, planner.CreateTaskParams{Title: "day", DueDate: new(leapNoon.Truncate(24 * time.Hour)), DueAllDay: true, Tags: planner.Tags{"b"}})
	create(t, alice, many...)
	if _, err := alice.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: at.task}); err != nil {
		t.Fatal(err)
	}
	// What is two levels below a cancelled goal is left out, and what is under one on hold is not.
	above := &at.goal
	for _, p := range []planner.CreateGoalParams{{Status: planner.GoalCancelled}, {}} {
		p.Title = "above"
		if p.Status == "" {
			p.ParentGoalID = above
		}
		made, err := alice.CreateGoal(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		above = &made.ID
	}
	for _, p := range []planner.UpdateGoalParams{{ID: at.subGoal, ParentGoalID: above}, {ID: at.goal, Status: planner.GoalOnHold}} {
		if _, err := alice.UpdateGoal(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	tasks, err := alice.ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	goals, err := alice.ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	others := filtersAmong(tasks, goals)

	for m := range readWriter.Methods() {
		if !m.IsExported() || m.Type.NumIn() != 2 || m.Type.In(1).Kind() != reflect.Struct {
			continue
		}
		c := conditions[m.Name]
		if c.start == nil {
			c.start = reflect.Zero(m.Type.In(1)).Interface()
		}
		c.others = others
		if m.Name == "ReadyTasks" {
			c.meets = others["Ready"]
		}
		list := func(params any) (any, error) { return callWith(t.Context(), alice, m.Name, params) }
		switch m.Type.Out(0) {
		case reflect.TypeFor[[]planner.Task](), reflect.TypeFor[iter.Seq2[planner.Task, error]]():
			t.Run(m.Name, listing[planner.Task]{m.Name, c, tasks, at, list}.test)
		case reflect.TypeFor[[]planner.Goal]():
			t.Run(m.Name, listing[planner.Goal]{m.Name, c, goals, at, list}.test)
		case reflect.TypeFor[planner.TaskPage]():
			list := func(params any) (any, error) { return walkTasks(t, alice, params.(planner.PageTasksParams)), nil }
			for name, start := range map[string]planner.PageTasksParams{
				"":              {Size: 1000},
				" with a total": {Size: 25, WithTotal: true},
				" tagged":       {Size: 25, WithTotal: true, AnyTag: planner.Tags{"b"}},
				" by due date":  {Size: 25, WithTotal: true, ByDueDate: true},
			} {
				c.start = start
				t.Run(m.Name+name, listing[planner.Task]{m.Name, c, tasks, at, list}.test)
			}
		case reflect.TypeFor[planner.GoalPage]():
			list := func(params any) (any, error) { return walkGoals(t, alice, params.(planner.PageGoalsParams)), nil }
			for _, order := range []planner.GoalOrder{planner.GoalsByTargetDate, planner.GoalsByProgress, planner.GoalsByNewest} {
				c.start = planner.PageGoalsParams{Size: 20, WithTotal: true, Order: order}
				t.Run(m.Name+" "+string(order), listing[planner.Goal]{m.Name, c, goals, at, list}.test)
			}
		}
	}
}

// filtersAmong has the filters by what else there is.
func filtersAmong(tasks []planner.Task, goals []planner.Goal) map[string]func(value, row any) bool {
	open, goal := map[planner.TaskID]bool{}, map[planner.GoalID]planner.Goal{}
	for _, t := range tasks {
		open[t.ID] = isOpen(t)
	}
	for _, g := range goals {
		goal[g.ID] = g
	}
	return map[string]func(value, row any) bool{
		"Ready": func(_, row any) bool {
			t := row.(planner.Task)
			return isOpen(t) && t.Status != planner.TaskBlocked && !slices.ContainsFunc(t.Dependencies, func(id planner.TaskID) bool { return open[id] })
		},
		"SkipUnderClosed": func(_, row any) bool {
			for above := reflect.ValueOf(row).FieldByName("ParentGoalID").Interface().(*planner.GoalID); above != nil; above = goal[*above].ParentGoalID {
				if status := goal[*above].Status; status == planner.GoalCompleted || status == planner.GoalCancelled {
					return false
				}
			}
			return true
		},
	}
}

// walkTasks returns the tasks on all pages.
func walkTasks(t *testing.T, s bizydb.Scope, arg planner.PageTasksParams) []planner.Task {
	t.Helper()
	tasks, total := walk(t, orderOf(arg), func(cursor planner.TaskCursor) ([]planner.Task, planner.TaskCursor, planner.TaskCursor, int) {
		arg.Cursor = cursor
		page, err := s.PageTasks(t.Context(), arg)
		if err != nil {
			t.Fatal(err)
		}
		return page.Tasks, page.Next, page.Previous, page.Total
	})
	if n, err := s.CountTasks(t.Context(), arg); n != len(tasks) || err != nil || arg.WithTotal && total != n {
		t.Errorf("pages of %s: %d tasks, and the total is %d, and counted %d: %v", shown(arg), len(tasks), total, n, err)
	}
	return tasks
}

// walkGoals returns the goals on all pages.
func walkGoals(t *testing.T, s bizydb.Scope, arg planner.PageGoalsParams) []planner.Goal {
	t.Helper()
	goals, total := walk(t, goalOrders[arg.Order], func(cursor planner.GoalCursor) ([]planner.Goal, planner.GoalCursor, planner.GoalCursor, int) {
		arg.Cursor = cursor
		page, err := s.PageGoals(t.Context(), arg)
		if err != nil {
			t.Fatal(err)
		}
		return page.Goals, page.Next, page.Previous, page.Total
	})
	if n, err := s.CountGoals(t.Context(), arg); n != len(goals) || err != nil || arg.WithTotal && total != n {
		t.Errorf("pages of %s: %d goals, and the total is %d, and counted %d: %v", shown(arg), len(goals), total, n, err)
	}
	return goals
}

// goalOrders are the orders of goals, said once more.
var goalOrders = map[planner.GoalOrder]func(a, b planner.Goal) int{
	planner.GoalsByTargetDate: func(a, b planner.Goal) int {
		far := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
		target := func(g planner.Goal) time.Time { return *cmp.Or(g.TargetDate, &far) }
		return cmp.Or(target(a).Compare(target(b)), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	},
	planner.GoalsByProgress: func(a, b planner.Goal) int {
		return cmp.Or(cmp.Compare(b.ProgressPercentage, a.ProgressPercentage), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	},
	planner.GoalsByNewest: func(a, b planner.Goal) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	},
}

// walk goes from page to page to the last one and back to the first, and returns the rows on them, and the total that they give.
func walk[Row any, Cursor ~string](t *testing.T, order func(a, b Row) int, turn func(Cursor) (rows []Row, next, previous Cursor, total int)) ([]Row, int) {
	t.Helper()
	rows, next, previous, total := turn("")
	forth := slices.Clone(rows)
	for next != "" {
		rows, next, previous, total = turn(next)
		if forth = append(forth, rows...); len(rows) == 0 {
			t.Error("an empty page")
		}
	}
	back := slices.Clone(rows)
	for previous != "" {
		rows, _, previous, total = turn(previous)
		if back = append(slices.Clone(rows), back...); len(rows) == 0 {
			t.Error("an empty page on the way back")
		}
	}
	if !slices.Equal(ids(forth), ids(back)) || !slices.IsSortedFunc(forth, order) {
		t.Errorf("pages with %v, and back %v", ids(forth), ids(back))
	}
	return forth, total
}

func TestUserFilters(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	for range 8 {
		db.NewUser(t)
	}
	asOwner(t, db, "UPDATE public.users SET is_active = id % 2 = 0, is_verified = id / 2 % 2 = 0, is_superuser = id / 4 % 2 = 0")
	list := func(params any) (any, error) { return db.Accounts().List(t.Context(), params.(bizydb.ListUsersParams)) }
	users, err := db.Accounts().List(t.Context(), bizydb.ListUsersParams{})
	if err != nil || len(users) != 8 {
		t.Fatal(users, err)
	}
	listing[bizydb.User]{"List", condition{start: bizydb.ListUsersParams{}}, users, things{}, list}.test(t)
	for i, user := range users {
		after, err := db.Accounts().List(t.Context(), bizydb.ListUsersParams{After: user.ID})
		if err != nil || after == nil || !slices.Equal(ids(after), ids(users[i+1:])) {
			t.Errorf("after %d: %v, %v, want %v", user.ID, ids(after), err, ids(users[i+1:]))
		}
	}
}

// onlyPages are the filters that PageTasks has and ListTasks does not: lists walk an index, and these pass over too much.
var onlyPages = []string{"Priority", "WithoutGoal", "SkipUnderClosed", "Ready", "DueFrom", "DueBefore", "TimeZone", "AnyTag", "AllTags", "Search", "ByDueDate"}

// Lists, streams and pages filter by the same.
func TestFiltersAgree(t *testing.T) {
	t.Parallel()
	types := func(method string) map[string]string {
		m, ok := readWriter.MethodByName(method)
		if !ok {
			t.Fatalf("there is no %s", method)
		}
		types := map[string]string{}
		for f := range m.Type.In(1).Fields() {
			if !slices.Contains(notFilters, f.Name) {
				types[f.Name] = f.Type.String()
			}
		}
		return types
	}
	list, stream, pages := types("ListTasks"), types("StreamTasks"), types("PageTasks")
	for name, typ := range pages {
		if list[name] != typ && !slices.Contains(onlyPages, name) {
			t.Errorf("%s: PageTasks has this filter of type %s, and ListTasks of type %q", name, typ, list[name])
		}
	}
	for name, typ := range list {
		if pages[name] != typ || stream[name] != typ || slices.Contains(onlyPages, name) {
			t.Errorf("%s: ListTasks has this filter of type %s, PageTasks of type %q, and StreamTasks of type %q; onlyPages has it: %v", name, typ, pages[name], stream[name], slices.Contains(onlyPages, name))
		}
	}
}

// testedByRows is what those methods return whose parameters the tests above and those in fields_test.go look at.
var testedByRows = []reflect.Type{
	reflect.TypeFor[planner.Task](), reflect.TypeFor[planner.Goal](), reflect.TypeFor[planner.User](),
	reflect.TypeFor[[]planner.Task](), reflect.TypeFor[[]planner.Goal](), reflect.TypeFor[planner.TaskPage](), reflect.TypeFor[planner.GoalPage](), reflect.TypeFor[iter.Seq2[planner.Task, error]](),
	reflect.TypeFor[[]planner.DeletedGoal](), reflect.TypeFor[[]planner.DeletedTask](), reflect.TypeFor[planner.RestoredGoal](), // TestDeletedRowsInPages, TestTrashModel
}

// The other methods, such as those that count, ignore no field of their parameters.
func TestEveryParameterMakesADifference(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	alice := db.As(db.NewUser(t))
	at := plantAll(t, alice)
	old, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "old", Metrics: planner.Metrics{"revenue": 1}, CreatedAt: new(leapNoon.AddDate(-1, 0, 0))})
	if err != nil {
		t.Fatal(err)
	}
	at.goal = old.ID
	var many planner.CreateTasksParams
	for n := range 100 { // the more, the nearer
		moment := leapNoon.Add(time.Duration((n-50)*max(n-50, 50-n)) * 15 * time.Minute)
		many = append(many, planner.CreateTaskParams{Title: "done", ParentGoalID: &old.ID, Status: planner.TaskCompleted, DueDate: &moment, CompletedAt: &moment},
			planner.CreateTaskParams{Title: "due", ParentGoalID: &old.ID, DueDate: &moment},
			planner.CreateTaskParams{Title: "day", Status: planner.TaskCompleted, DueDate: new(moment.Truncate(24 * time.Hour)), DueAllDay: true, CompletedAt: &moment},
			planner.CreateTaskParams{Title: "day", DueDate: new(moment.Truncate(24 * time.Hour)), DueAllDay: true},
			planner.CreateTaskParams{Title: "blocked", Status: planner.TaskBlocked, DueDate: &moment})
	}
	create(t, alice, many...)
	for m := range readWriter.Methods() {
		if !m.IsExported() || m.Type.NumIn() != 2 || m.Type.In(1).Kind() != reflect.Struct {
			continue
		}
		if slices.Contains(testedByRows, storedBy(m)) || slices.Contains([]string{"SetTaskStatuses", "ForgetDeleted", "Changes", "CountTasks", "CountGoals"}, m.Name) { // TestManyTasks, TestForgetDeleted, TestChanges, walk
			continue
		}
		start := settable(calls[m.Name](at))
		if moment := start.FieldByName("At"); moment.IsValid() {
			moment.Set(reflect.ValueOf(&leapNoon))
		}
		plainly := answer(t, alice, m.Name, start)
		for f := range start.Type().Fields() {
			if !slices.ContainsFunc(samples(t, f.Name, f.Type, at), func(value reflect.Value) bool {
				p := settable(start.Interface())
				p.FieldByIndex(f.Index).Set(value)
				return answer(t, alice, m.Name, p) != plainly
			}) {
				t.Errorf("%s.%s makes no difference", start.Type().Name(), f.Name)
			}
		}
	}
}

// answer is all that a method returns, as a text.
func answer(t *testing.T, s bizydb.Scope, method string, params reflect.Value) string {
	t.Helper()
	got, err := callWith(t.Context(), s, method, params.Interface())
	if err != nil && !errors.Is(err, bizydb.ErrNotFound) {
		t.Fatalf("%s %s: %v", method, shown(params.Interface()), err)
	}
	text, _ := json.Marshal(got)
	return fmt.Sprint(string(text), err)
}
