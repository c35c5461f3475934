package bizydb_test

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// ties are the parameters of a task that is level with many others in the order of lists.
func ties(random *rand.Rand) planner.CreateTaskParams {
	day := time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)
	p := planner.CreateTaskParams{
		Title: fmt.Sprint("task ", random.IntN(100)), Priority: new(1 + random.IntN(2)), CreatedAt: new(day.AddDate(0, 0, -random.IntN(2))),
		Status: []planner.TaskStatus{planner.TaskPending, planner.TaskInProgress, planner.TaskBlocked, planner.TaskCompleted}[random.IntN(4)],
		Tags:   []planner.Tags{nil, {"a"}, {"b"}, {"a", "b"}, {"a", "a", "c"}}[random.IntN(5)],
	}
	if n := random.IntN(3); n > 0 {
		p.DueDate = new(day.AddDate(0, 0, n))
	}
	if random.IntN(3) > 0 {
		p.Category = new([]string{"", "x", "y"}[random.IntN(3)])
	}
	return p
}

// inListOrder is the order of lists, said once more.
func inListOrder(a, b planner.Task) int {
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	due := func(t planner.Task) time.Time {
		if t.DueDate == nil {
			return far
		}
		return *t.DueDate
	}
	if a.Priority != b.Priority {
		return a.Priority - b.Priority
	}
	if c := due(a).Compare(due(b)); c != 0 {
		return c
	}
	if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
		return c
	}
	return int(b.ID - a.ID)
}

// orderOf is the order of the pages that parameters ask for.
func orderOf(p planner.PageTasksParams) func(a, b planner.Task) int {
	if !p.ByDueDate {
		return inListOrder
	}
	return func(a, b planner.Task) int {
		return cmp.Or(a.DueDate.Compare(*b.DueDate), a.Priority-b.Priority, int(a.ID-b.ID))
	}
}

// Walking from page to page, forth and back, meets every task that is there all the time exactly once and in order,
// whatever comes and goes meanwhile: what the cursor was made of, too.
func TestPagesNeitherSkipNorRepeat(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for name, filter := range map[string]planner.PageTasksParams{
		"all": {}, "filtered": {Statuses: planner.TaskStatuses{planner.TaskPending}, Search: "1"}, "by due date": {ByDueDate: true}, "tagged": {AnyTag: planner.Tags{"a", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			alice := db.As(db.NewUser(t))
			for range 3 {
				var many planner.CreateTasksParams
				for range 40 {
					many = append(many, ties(random))
				}
				if _, err := alice.CreateTasks(t.Context(), many); err != nil {
					t.Fatal(err)
				}
				gone := map[planner.TaskID]bool{}
				walk := func(arg planner.PageTasksParams, back bool) (met []planner.Task, last planner.TaskPage) {
					for {
						arg.Size = 1 + random.IntN(7)
						page, err := alice.PageTasks(t.Context(), arg)
						if err != nil {
							t.Fatal(err)
						}
						if back {
							met, arg.Cursor = append(slices.Clone(page.Tasks), met...), page.Previous
						} else {
							met, arg.Cursor = append(met, page.Tasks...), page.Next
						}
						if arg.Cursor == "" {
							return met, page
						}
						if _, err := alice.CreateTask(t.Context(), ties(random)); err != nil {
							t.Fatal(err)
						}
						if n := len(page.Tasks); n > 0 && random.IntN(2) == 0 {
							task := page.Tasks[random.IntN(2)*(n-1)].ID // one that a cursor names
							if _, err := alice.DeleteTask(t.Context(), task); err != nil {
								t.Fatal(err)
							}
							gone[task] = true
						}
					}
				}

				there := listed(t, alice, filter)
				forth, last := walk(filter, false)
				check(t, "forth", filter, there, forth, gone)

				there = listed(t, alice, filter)
				filter := filter
				filter.Cursor = last.Previous
				if filter.Cursor == "" {
					continue // all was on one page
				}
				back, first := walk(filter, true)
				check(t, "back", filter, there, append(back, last.Tasks...), gone)
				if first.Next == "" {
					t.Error("from the first page there is no way forth")
				}
			}
		})
	}
}

// listed are those of all tasks that a filter lets through.
func listed(t *testing.T, s bizydb.Scope, filter planner.PageTasksParams) []planner.Task {
	t.Helper()
	tasks, err := s.ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(tasks, inListOrder) {
		t.Error("ListTasks is not in order")
	}
	return matching(tasks, filter, condition{})
}

func check(t *testing.T, way string, filter planner.PageTasksParams, there, met []planner.Task, gone map[planner.TaskID]bool) {
	t.Helper()
	if !slices.IsSortedFunc(met[:2], orderOf(filter)) {
		t.Errorf("%s: out of order", way)
	}
	times := map[planner.TaskID]int{}
	for _, task := range met {
		times[task.ID]++
	}
	for _, task := range there {
		if n := times[task.ID]; n > 1 || n == 0 && !gone[task.ID] {
			t.Errorf("%s: task %d was there all the time and met %d times", way, task.ID, n)
		}
	}
}

func TestPageEdges(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	page, err := alice.PageTasks(t.Context(), planner.PageTasksParams{WithTotal: true})
	if diff := gocmp.Diff(planner.TaskPage{Tasks: []planner.Task{}}, page); diff != "" || err != nil {
		t.Errorf("no tasks: %v (-want +got):\n%s", err, diff)
	}

	// Times as far apart as they get, and to the microsecond.
	far := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	long := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	tasks := make(planner.CreateTasksParams, 60)
	for i := range tasks {
		tasks[i] = planner.CreateTaskParams{Title: fmt.Sprint(i)}
	}
	if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	for _, p := range []planner.CreateTaskParams{{DueDate: &far}, {DueDate: &far, CreatedAt: &long}, {DueDate: &long}, {DueDate: &long, CreatedAt: &far}, {CreatedAt: &far}, {CreatedAt: &long}} {
		p.Title = strings.Repeat("𝄞", 500)
		if _, err := alice.CreateTask(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	var met []planner.Task
	arg := planner.PageTasksParams{}
	for {
		page, err := alice.PageTasks(t.Context(), arg)
		if err != nil {
			t.Fatal(err)
		}
		met = append(met, page.Tasks...)
		if arg.Cursor == "" && len(page.Tasks) != 50 {
			t.Errorf("%d tasks on a page by default, want 50", len(page.Tasks))
		}
		if arg.Cursor, arg.Size = page.Next, 1; arg.Cursor == "" {
			break
		}
		if strings.Trim(string(arg.Cursor), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			t.Errorf("%q does not fit into a URL as it is", arg.Cursor)
		}
	}
	if len(met) != 66 || !slices.IsSortedFunc(met[:2], inListOrder) {
		t.Errorf("met %d tasks", len(met))
	}

	// What stands beside a page that has become empty is still found.
	page, err = alice.PageTasks(t.Context(), planner.PageTasksParams{Size: 60})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := alice.PageTasks(t.Context(), planner.PageTasksParams{Cursor: page.Next})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range rest.Tasks {
		if _, err := alice.DeleteTask(t.Context(), task.ID); err != nil {
			t.Fatal(err)
		}
	}
	empty, err := alice.PageTasks(t.Context(), planner.PageTasksParams{Cursor: page.Next, WithTotal: true})
	if err != nil || len(empty.Tasks) != 0 || empty.Total != 60 || empty.Next != "" || empty.Previous == "" {
		t.Fatalf("%+v, %v", empty, err)
	}
	again, err := alice.PageTasks(t.Context(), planner.PageTasksParams{Cursor: empty.Previous, Size: 59})
	if diff := gocmp.Diff(page.Tasks[1:], again.Tasks); diff != "" || err != nil {
		t.Errorf("back from an empty page: %v (-want +got):\n%s", err, diff)
	}
}

// A page that has become empty leads back to what stands beside it, whichever ids that has, in every list.
func TestBackFromAnEmptyPage(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	day := time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)
	type page struct{ titles, next, previous string }
	tasks := func(arg planner.PageTasksParams) func(s bizydb.Scope, size int, cursor string) page {
		return func(s bizydb.Scope, size int, cursor string) page {
			arg.Size, arg.Cursor = size, planner.TaskCursor(cursor)
			p, err := s.PageTasks(t.Context(), arg)
			return page{names(t, p.Tasks, err), string(p.Next), string(p.Previous)}
		}
	}
	goals := func(order planner.GoalOrder) func(s bizydb.Scope, size int, cursor string) page {
		return func(s bizydb.Scope, size int, cursor string) page {
			p, err := s.PageGoals(t.Context(), planner.PageGoalsParams{Order: order, Size: size, Cursor: planner.GoalCursor(cursor)})
			return page{names(t, p.Goals, err), string(p.Next), string(p.Previous)}
		}
	}
	for name, turn := range map[string]func(s bizydb.Scope, size int, cursor string) page{
		"list order": tasks(planner.PageTasksParams{}), "tagged": tasks(planner.PageTasksParams{AnyTag: planner.Tags{"tag"}}), "by due date": tasks(planner.PageTasksParams{ByDueDate: true}),
		"target dates": goals(planner.GoalsByTargetDate), "progress": goals(planner.GoalsByProgress), "newest": goals(planner.GoalsByNewest),
	} {
		alice := db.As(db.NewUser(t))
		// In every order one that is some hours ahead of another comes before it.
		make := func(title string, hours int) (remove func()) {
			created, due := day.Add(time.Duration(hours)*time.Hour), day.Add(-time.Duration(hours)*time.Hour)
			task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: title, CreatedAt: &created, DueDate: &due, Tags: planner.Tags{"tag"}})
			if err != nil {
				t.Fatal(err)
			}
			goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: title, CreatedAt: &created, TargetDate: &due, ProgressPercentage: new(float64(hours))})
			if err != nil {
				t.Fatal(err)
			}
			return func() {
				_, errOfTask := alice.DeleteTask(t.Context(), task.ID)
				if _, err := alice.DeleteGoal(t.Context(), goal.ID); err != nil || errOfTask != nil {
					t.Fatal(err, errOfTask)
				}
			}
		}
		expect := func(what, want string, got page) page {
			if got.titles != want {
				t.Errorf("%s: %s: %s, want %s", name, what, got.titles, want)
			}
			return got
		}
		// Neighbours in the list are neighbours in ids.
		remove := make("first", 3)
		make("middle", 2)
		make("oldest", 1)
		second := expect("second", "middle", turn(alice, 1, turn(alice, 1, "").next))
		remove()
		empty := expect("before the second", "", turn(alice, 1, second.previous))
		expect("on from an empty page", "middle oldest", turn(alice, 0, empty.next))

		remove = make("last", 0)
		third := turn(alice, 2, "")
		remove()
		empty = expect("after all", "", turn(alice, 2, third.next))
		expect("back from an empty page", "middle oldest", turn(alice, 0, empty.previous))
	}
}

func TestPageRefuses(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	for _, arg := range []planner.PageTasksParams{
		{Size: -1}, {Size: 10_001}, {Size: math.MaxInt}, {Cursor: planner.TaskCursor(base64.RawURLEncoding.EncodeToString([]byte(`{"p":1,"c":-9223372036854775808,"i":1}`)))}, {Cursor: "x"}, {Cursor: "e30"}, {Cursor: "{}"}, {Cursor: "bnVsbA"}, {Cursor: "'; DROP TABLE tasks"}, {Cursor: "eyJwIjo5LCJjIjowLCJpIjoxfQ"},
	} {
		if page, err := alice.PageTasks(t.Context(), arg); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%+v: %v, %v, want ErrInvalid", arg, page, err)
		}
	}
	for _, size := range []int{-1, 10_001} {
		if page, err := alice.PageGoals(t.Context(), planner.PageGoalsParams{Size: size}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%d goals: %v, %v, want ErrInvalid", size, page, err)
		}
	}

	// A cursor of one order is not taken in another.
	plantAll(t, alice)
	var cursors []string
	turns := map[int]func(cursor string) (next string, err error){}
	for i, byDueDate := range []bool{false, true} {
		turns[i] = func(cursor string) (string, error) {
			page, err := alice.PageTasks(t.Context(), planner.PageTasksParams{ByDueDate: byDueDate, Size: 1, Cursor: planner.TaskCursor(cursor)})
			return string(page.Next), err
		}
	}
	for i, order := range []planner.GoalOrder{planner.GoalsByTargetDate, planner.GoalsByProgress, planner.GoalsByNewest} {
		turns[2+i] = func(cursor string) (string, error) {
			page, err := alice.PageGoals(t.Context(), planner.PageGoalsParams{Order: order, Size: 1, Cursor: planner.GoalCursor(cursor)})
			return string(page.Next), err
		}
	}
	for i := range len(turns) {
		next, err := turns[i]("")
		if next == "" || err != nil {
			t.Fatal(i, next, err)
		}
		cursors = append(cursors, next)
	}
	for i, cursor := range cursors {
		for k, turn := range turns {
			if _, err := turn(cursor); errors.Is(err, bizydb.ErrInvalid) != (i != k) {
				t.Errorf("cursor %d in list %d: %v", i, k, err)
			}
		}
	}
}
