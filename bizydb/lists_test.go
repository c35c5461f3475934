package bizydb_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// create adds tasks, all at one moment, and returns their ids.
func create(t *testing.T, s bizydb.Scope, tasks ...planner.CreateTaskParams) planner.TaskIDs {
	t.Helper()
	ids, err := s.CreateTasks(t.Context(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// names joins the titles of a list, in its order.
func names[T planner.Task | planner.Goal](t *testing.T, list []T, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if list == nil {
		t.Error("nothing is nil, want an empty slice")
	}
	titles := make([]string, len(list))
	for i, item := range list {
		switch item := any(item).(type) {
		case planner.Task:
			titles[i] = item.Title
		case planner.Goal:
			titles[i] = item.Title
		}
	}
	return strings.Join(titles, " ")
}

// at is a moment in a zone, like "2028-02-29 23:30 Europe/Berlin".
func at(t *testing.T, text string) *time.Time {
	t.Helper()
	zone, err := time.LoadLocation(strings.Fields(text)[2])
	if err != nil {
		t.Fatal(err)
	}
	moment, err := time.ParseInLocation("2006-01-02 15:04", strings.Join(strings.Fields(text)[:2], " "), zone)
	if err != nil {
		t.Fatal(err)
	}
	return &moment
}

// A list is the beginning of all that match, whatever its limit and however many match. Which query finds it depends on both.
func TestListTasks(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	random := rand.New(rand.NewPCG(5, 6))
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	many := make([]planner.CreateTaskParams, 250)
	for i := range many {
		if many[i] = ties(random); random.IntN(2) == 0 {
			many[i].ParentGoalID = &mine.goal
		}
	}
	create(t, alice, many...)
	for _, filter := range []planner.PageTasksParams{
		{}, {Statuses: planner.TaskStatuses{planner.TaskPending}}, {Statuses: planner.TaskStatuses{planner.TaskBlocked, planner.TaskPending, planner.TaskInProgress}}, {Category: new("")}, {ParentGoalID: &mine.goal}, {Statuses: planner.TaskStatuses{planner.TaskBlocked}, Category: new("x"), ParentGoalID: &mine.goal}, {Category: new("none")},
	} {
		all := listed(t, alice, filter)
		for _, limit := range []int{0, 1, 20, 100, 101, 200, 1000, math.MaxInt32} {
			got, err := alice.ListTasks(t.Context(), planner.ListTasksParams{
				Statuses: filter.Statuses, Category: filter.Category, ParentGoalID: filter.ParentGoalID, Limit: limit,
			})
			want := all
			if limit > 0 && limit < len(all) {
				want = all[:limit]
			}
			if names(t, got, err); !slices.EqualFunc(got, want, func(a, b planner.Task) bool { return a.ID == b.ID }) {
				t.Errorf("%+v: the first %d are %d tasks, want %d, or the order is another", filter, limit, len(got), len(want))
			}
		}
	}
	for _, limit := range []int{-1, math.MinInt32} {
		if _, err := alice.ListTasks(t.Context(), planner.ListTasksParams{Limit: limit}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("a limit of %d: %v", limit, err)
		}
	}
}

func TestListsByDueDate(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	task := func(title, due string, status planner.TaskStatus, priority int) planner.CreateTaskParams {
		p := planner.CreateTaskParams{Title: title, Status: status, Priority: &priority}
		if due != "" {
			p.DueDate = at(t, due)
		}
		return p
	}
	create(
		t, alice,
		task("lastYear", "2027-03-01 12:00 UTC", planner.TaskPending, 3),
		task("blocked", "2028-01-01 12:00 UTC", planner.TaskBlocked, 1),
		task("done", "2028-02-29 12:00 UTC", planner.TaskCompleted, 1),
		task("lowNoon", "2028-02-29 12:00 UTC", planner.TaskPending, 5),
		task("highNoon", "2028-02-29 12:00 UTC", planner.TaskInProgress, 1),
		task("dawn", "2028-02-29 00:00 Europe/Berlin", planner.TaskPending, 3),
		task("dusk", "2028-02-29 23:59 Europe/Berlin", planner.TaskBlocked, 3),
		task("march", "2028-03-01 00:00 Europe/Berlin", planner.TaskPending, 3),
		task("centuryOn", "2128-03-01 23:59 UTC", planner.TaskPending, 5), // 36525 days
		task("beyond", "2128-03-02 00:00 UTC", planner.TaskPending, 5),
		task("never", "", planner.TaskPending, 1),
		task("neverDone", "", planner.TaskCompleted, 1),
		task("neverBlocked", "", planner.TaskBlocked, 2),
	)
	noon := at(t, "2028-02-29 12:00 UTC")
	for _, c := range []struct {
		name, want string
		list       func(ctx context.Context) ([]planner.Task, error)
	}{
		{"overdue is before, not at", "lastYear dawn", func(ctx context.Context) ([]planner.Task, error) {
			return alice.OverdueTasks(ctx, planner.OverdueTasksParams{At: noon})
		}},
		{"overdue with blocked ones", "lastYear blocked dawn", func(ctx context.Context) ([]planner.Task, error) {
			return alice.OverdueTasks(ctx, planner.OverdueTasksParams{At: noon, WithBlocked: true})
		}},
		{"the longest overdue", "lastYear", func(ctx context.Context) ([]planner.Task, error) {
			return alice.OverdueTasks(ctx, planner.OverdueTasksParams{At: noon, Limit: 1})
		}},
		{"overdue by now", "", func(ctx context.Context) ([]planner.Task, error) {
			return alice.OverdueTasks(ctx, planner.OverdueTasksParams{})
		}},
		{"a leap day in Berlin", "dawn highNoon lowNoon dusk", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksDueToday(ctx, planner.TasksDueTodayParams{At: noon, TimeZone: "Europe/Berlin"})
		}},
		{"with undated ones", "dawn highNoon lowNoon dusk never neverBlocked", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksDueToday(ctx, planner.TasksDueTodayParams{At: noon, TimeZone: "Europe/Berlin", WithUndated: true})
		}},
		{"the same day in UTC", "highNoon lowNoon dusk march", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksDueToday(ctx, planner.TasksDueTodayParams{At: noon})
		}},
		{"a day that begins 14 hours early", "highNoon lowNoon dusk march", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksDueToday(ctx, planner.TasksDueTodayParams{At: at(t, "2028-03-01 12:59 Pacific/Kiritimati"), TimeZone: "Pacific/Kiritimati", Limit: 9})
		}},
		{"a range is from, and before", "done highNoon lowNoon dusk", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksDue(ctx, planner.TasksDueParams{From: *noon, Before: *at(t, "2028-03-01 00:00 Europe/Berlin")})
		}},
		{"a range that ends before it begins", "", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksDue(ctx, planner.TasksDueParams{From: *noon, Before: noon.Add(-time.Hour)})
		}},
		{"the rest of the day", "highNoon lowNoon dusk", func(ctx context.Context) ([]planner.Task, error) {
			return alice.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: noon, TimeZone: "Europe/Berlin"})
		}},
		{"and a day more", "highNoon lowNoon dusk march", func(ctx context.Context) ([]planner.Task, error) {
			return alice.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: noon, TimeZone: "Europe/Berlin", Days: 1})
		}},
		{"no days", "", func(ctx context.Context) ([]planner.Task, error) {
			return alice.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: noon, Days: -1})
		}},
		{"far fewer than none", "", func(ctx context.Context) ([]planner.Task, error) {
			return alice.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: noon, Days: math.MinInt32})
		}},
		{"a hundred years", "highNoon lowNoon dusk march centuryOn", func(ctx context.Context) ([]planner.Task, error) {
			return alice.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: noon, Days: 36525})
		}},
		{"and no more", "highNoon lowNoon dusk march centuryOn", func(ctx context.Context) ([]planner.Task, error) {
			return alice.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: noon, Days: math.MaxInt32})
		}},
		{"in the order of lists", "blocked highNoon never neverBlocked lastYear dawn dusk march lowNoon centuryOn beyond", func(ctx context.Context) ([]planner.Task, error) {
			return alice.OpenTasks(ctx, planner.OpenTasksParams{})
		}},
		{"one priority", "blocked highNoon done neverDone never", func(ctx context.Context) ([]planner.Task, error) {
			return alice.TasksByPriority(ctx, planner.TasksByPriorityParams{Priority: 1})
		}},
	} {
		tasks, err := c.list(t.Context())
		if got := names(t, tasks, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, zone := range []planner.TimeZone{"Europe/Nowhere", "Local", "' OR true"} {
		if _, err := alice.TasksDueToday(t.Context(), planner.TasksDueTodayParams{TimeZone: zone}); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("zone %q: %v, want ErrInvalid", zone, err)
		}
	}
}

// A day in a zone begins where the clock says so first, whatever it does at midnight, and each moment is on one day.
func TestDaysOfAZone(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for _, c := range []struct {
		zone             planner.TimeZone
		day, first, last string
	}{
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},     // 23 hours
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},     // 25 hours
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // begins at 1 o'clock
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"}, // its last hour comes twice
		{"America/Havana", "2023-11-05", "2023-11-05T04:00:00Z", "2023-11-06T05:00:00Z"},    // its first hour comes twice; Cuba changes its mind about years to come
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},      // the day after it there was none
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		{"Asia/Kathmandu", "2028-02-29", "2028-02-28T18:15:00Z", "2028-02-29T18:15:00Z"},
		{"", "2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
	} {
		first, last := moment(c.first), moment(c.last)
		alice := db.As(db.NewUser(t))
		create(
			t, alice,
			planner.CreateTaskParams{Title: "before", DueDate: new(first.Add(-time.Microsecond))}, planner.CreateTaskParams{Title: "first", DueDate: &first},
			planner.CreateTaskParams{Title: "last", DueDate: new(last.Add(-time.Microsecond))}, planner.CreateTaskParams{Title: "after", DueDate: &last},
		)
		for _, now := range []time.Time{first, first.Add(90 * time.Minute), last.Add(-time.Microsecond)} {
			tasks, err := alice.TasksDueToday(t.Context(), planner.TasksDueTodayParams{At: &now, TimeZone: c.zone})
			if got := names(t, tasks, err); got != "first last" {
				t.Errorf("%s in %q, seen from %v: %q, want first and last", c.day, c.zone, now, got)
			}
		}
	}
}

// Every character that is searched for stands for itself, and case does not matter.
func TestSearch(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	long := strings.Repeat("𝄞", 499) + "!"
	for i, title := range []string{"100 % done", "100 and done", `a_b`, "axb", `back\slash`, "backslash", "Größe", "it's", long, "x"} {
		create(t, alice, planner.CreateTaskParams{Title: title, Priority: new(i/2 + 1)})
		if _, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: title}); err != nil {
			t.Fatal(err)
		}
	}
	create(t, alice, planner.CreateTaskParams{Title: "described", Description: new("has a NEEDLE in it")}, planner.CreateTaskParams{Title: "noted", Notes: new("needles")})
	for _, p := range []planner.CreateGoalParams{{Title: "described", Description: new("has a NEEDLE in it")}, {Title: "judged", SuccessCriteria: new("needles")}} {
		if _, err := alice.CreateGoal(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string][2]int{ // tasks and goals found
		"%": {1, 1}, "_": {1, 1}, `\`: {1, 1}, `\\`: {}, "A_B": {1, 1}, "100 %": {1, 1}, "GRÖSSE": {1, 1}, "größe": {1, 1}, "'": {1, 1},
		"needle": {2, 2}, "Needles": {1, 1}, strings.Repeat("𝄞", 499): {1, 1}, long: {1, 1}, long + "!": {}, "": {12, 12}, "nothing like it": {}, "' OR '1'='1": {},
	} {
		tasks, err := alice.SearchTasks(t.Context(), planner.SearchTasksParams{Text: text})
		if err != nil || len(tasks) != want[0] || !slices.IsSortedFunc(tasks, inListOrder) {
			t.Errorf("%.20q: tasks %q, want %d: %v", text, names(t, tasks, nil), want[0], err)
		}
		page, err := alice.PageTasks(t.Context(), planner.PageTasksParams{Search: text})
		if diff := cmp.Diff(tasks, page.Tasks); diff != "" || err != nil {
			t.Errorf("%.20q: %v: a page (-list +page):\n%s", text, err, diff)
		}
		goals, err := alice.SearchGoals(t.Context(), planner.SearchGoalsParams{Text: text})
		if err != nil || len(goals) != want[1] {
			t.Errorf("%.20q: goals %q, want %d: %v", text, names(t, goals, nil), want[1], err)
		}
	}
	if _, err := alice.SearchTasks(t.Context(), planner.SearchTasksParams{Text: "a\x00b"}); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("a zero byte: %v, want ErrInvalid", err)
	}
}

func TestTaggedTasks(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	tags := func(title string, tags ...string) planner.CreateTaskParams {
		return planner.CreateTaskParams{Title: title, Tags: tags, Priority: new(len(title))}
	}
	own := []planner.CreateTaskParams{tags("1"), tags("22", "a"), tags("333", "a", "b"), tags("4444", "b", "b", "A"), tags("55555", "", `%"\`, "ä")}
	create(t, alice, own...)
	create(t, bob, own...)
	for _, c := range []struct {
		any, all planner.Tags
		want     string
	}{
		{planner.Tags{"a"}, nil, "22 333"},
		{nil, planner.Tags{"a"}, "22 333"},
		{planner.Tags{"a", "b"}, nil, "22 333 4444"},
		{nil, planner.Tags{"b", "a"}, "333"},
		{planner.Tags{"a", "A"}, planner.Tags{"b"}, "333 4444"},
		{planner.Tags{"b", "b"}, planner.Tags{"b", "b"}, "333 4444"},
		{planner.Tags{""}, nil, "55555"},
		{nil, planner.Tags{`%"\`, "ä"}, "55555"},
		{planner.Tags{"none"}, planner.Tags{"a"}, ""},
		{planner.Tags{"%", "_", "null"}, nil, ""},
		{nil, nil, ""},
		{planner.Tags{}, planner.Tags{}, ""},
		{planner.Tags{}, planner.Tags{"a"}, "22 333"},
	} {
		tasks, err := alice.TaggedTasks(t.Context(), planner.TaggedTasksParams{AnyTag: c.any, AllTags: c.all})
		if got := names(t, tasks, err); got != c.want {
			t.Errorf("any of %q, all of %q: %q, want %q", c.any, c.all, got, c.want)
		}
		if len(c.any)+len(c.all) == 0 {
			continue
		}
		page, err := alice.PageTasks(t.Context(), planner.PageTasksParams{AnyTag: c.any, AllTags: c.all})
		if got := names(t, page.Tasks, err); got != c.want {
			t.Errorf("a page with any of %q, all of %q: %q, want %q", c.any, c.all, got, c.want)
		}
	}
	tasks, err := alice.TaggedTasks(t.Context(), planner.TaggedTasksParams{AnyTag: planner.Tags{"a", "b"}, Limit: 2})
	if got := names(t, tasks, err); got != "22 333" {
		t.Errorf("two of them: %q", got)
	}
}

func TestTasksWithoutGoal(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	create(t, alice, planner.CreateTaskParams{Title: "done", Status: planner.TaskCompleted}, planner.CreateTaskParams{Title: "second", Priority: new(2)},
		planner.CreateTaskParams{Title: "first", Priority: new(1), Status: planner.TaskBlocked}, planner.CreateTaskParams{Title: "assigned", ParentGoalID: &mine.goal})
	tasks, err := alice.TasksWithoutGoal(t.Context(), 0)
	if got := names(t, tasks, err); got != "first second" {
		t.Errorf("%q", got)
	}
	tasks, err = alice.TasksWithoutGoal(t.Context(), 1)
	if got := names(t, tasks, err); got != "first" {
		t.Errorf("one of them: %q", got)
	}
}
