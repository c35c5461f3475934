package bizydb_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
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

// Walking from page to page, forth and back, meets every task that is there all the time exactly once and in order,
// whatever comes and goes meanwhile: what the cursor was made of, too.
func TestPagesNeitherSkipNorRepeat(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	for name, filter := range map[string]planner.PageTasksParams{
		"all": {}, "filtered": {Status: planner.TaskPending, Search: "1"}, "tagged": {AnyTag: planner.Tags{"a", "c"}},
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
				check(t, "forth", there, forth, gone)

				there = listed(t, alice, filter)
				filter := filter
				filter.Cursor = last.Previous
				if filter.Cursor == "" {
					continue // all was on one page
				}
				back, first := walk(filter, true)
				check(t, "back", there, append(back, last.Tasks...), gone)
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

func check(t *testing.T, way string, there, met []planner.Task, gone map[planner.TaskID]bool) {
	t.Helper()
	if !slices.IsSortedFunc(met[:2], inListOrder) {
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
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	page, err := alice.PageTasks(t.Context(), planner.PageTasksParams{WithTotal: true})
	if diff := cmp.Diff(planner.TaskPage{Tasks: []planner.Task{}}, page); diff != "" || err != nil {
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
	if diff := cmp.Diff(page.Tasks[1:], again.Tasks); diff != "" || err != nil {
		t.Errorf("back from an empty page: %v (-want +got):\n%s", err, diff)
	}
}

// A page that has become empty leads back to what stands beside it, whichever ids that has, tagged or not.
func TestBackFromAnEmptyPage(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	day := time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)
	for _, tags := range []planner.Tags{nil, {"tag"}} {
		alice := db.As(db.NewUser(t))
		make := func(title string, created time.Time) planner.TaskID {
			made, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: title, CreatedAt: &created, Tags: planner.Tags{"tag"}})
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		}
		page := func(arg planner.PageTasksParams) planner.TaskPage {
			arg.AnyTag = tags
			page, err := alice.PageTasks(t.Context(), arg)
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		remove := func(id planner.TaskID) {
			if _, err := alice.DeleteTask(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		// In the order of lists, the newest first: its neighbours in the list are its neighbours in ids, the wrong way round.
		newest := make("newest", day.Add(3*time.Hour))
		make("middle", day.Add(2*time.Hour))
		make("oldest", day.Add(time.Hour))

		second := page(planner.PageTasksParams{Size: 1, Cursor: page(planner.PageTasksParams{Size: 1}).Next})
		remove(newest)
		empty := page(planner.PageTasksParams{Size: 1, Cursor: second.Previous})
		if got := names(t, empty.Tasks, nil); got != "" {
			t.Errorf("%v: before the second: %s", tags, got)
		}
		if got := names(t, page(planner.PageTasksParams{Cursor: empty.Next}).Tasks, nil); got != "middle oldest" {
			t.Errorf("%v: on from an empty page: %s", tags, got)
		}

		last := make("last", day)
		third := page(planner.PageTasksParams{Size: 2})
		remove(last)
		empty = page(planner.PageTasksParams{Size: 2, Cursor: third.Next})
		if got := names(t, empty.Tasks, nil); got != "" {
			t.Errorf("%v: after all: %s", tags, got)
		}
		if got := names(t, page(planner.PageTasksParams{Cursor: empty.Previous}).Tasks, nil); got != "middle oldest" {
			t.Errorf("%v: back from an empty page: %s", tags, got)
		}
	}
}

func TestPageRefuses(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	for _, arg := range []planner.PageTasksParams{
		{Size: -1}, {Size: 10_001}, {Size: math.MaxInt}, {Cursor: planner.TaskCursor(base64.RawURLEncoding.EncodeToString([]byte(`{"p":1,"c":-9223372036854775808,"i":1}`)))}, {Cursor: "x"}, {Cursor: "e30"}, {Cursor: "{}"}, {Cursor: "bnVsbA"}, {Cursor: "'; DROP TABLE tasks"}, {Cursor: "eyJwIjo5LCJjIjowLCJpIjoxfQ"},
	} {
		if page, err := alice.PageTasks(t.Context(), arg); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%+v: %v, %v, want ErrInvalid", arg, page, err)
		}
	}
}
