package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Goals with the same target date and time of creation are listed by their ids, wherever they are stored.
func TestTiesOfGoalLists(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	alice := db.As(user)
	noon := at(t, "2028-02-29 12:00 UTC")
	target := noon.Add(time.Hour)
	later := noon.Add(2 * time.Hour)
	want := make([]int64, 6)
	for i := range want {
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "tie", TargetDate: &target, CreatedAt: noon, ProgressPercentage: new(10.0)})
		if err != nil {
			t.Fatal(err)
		}
		want[i] = int64(goal.ID)
	}
	lists := []methodCall{
		{"ListGoals", planner.ListGoalsParams{}},
		{"OverdueGoals", planner.OverdueGoalsParams{At: &later}},
		{"SearchGoals", planner.SearchGoalsParams{Text: "tie"}},
		{"UpcomingGoals", planner.UpcomingGoalsParams{At: noon, Days: 1}},
	}
	for percentage, list := range map[float64]methodCall{11: {"GoalsAtRisk", planner.GoalsAtRiskParams{At: noon}}, 90: {"GoalsNearCompletion", 0}} {
		for _, i := range []int{3, 0, 4, 1, 2, 5} { // each is stored behind the others
			if _, err := alice.UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: planner.GoalID(want[i]), ProgressPercentage: &percentage}); err != nil {
				t.Fatal(err)
			}
		}
		tx := begin(t, db.Pool())
		exec(t, tx, enterSQL, fmt.Sprint(user))
		exec(t, tx, "SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off") // an index can have an order that nobody asked for
		for _, c := range append(lists, list) {
			goals, err := callWith(t.Context(), planner.New(tx), c.method, c.params)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, ids(goals)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.method, diff)
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGoalLists(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	noon := at(t, "2028-02-29 12:00 UTC")
	ids := map[string]planner.GoalID{}
	for _, g := range []struct {
		title, parent, target string
		percentage            float64
		status                planner.GoalStatus
		horizon               planner.Horizon
	}{
		{title: "root", target: "2028-12-31 00:00 UTC", horizon: planner.Yearly},
		{title: "quarter", parent: "root", target: "2028-03-30 12:00 UTC", horizon: planner.Quarterly},
		{title: "week", parent: "quarter", target: "2028-03-01 00:00 Europe/Berlin", percentage: 19, horizon: planner.Weekly},
		{title: "late", target: "2027-01-01 00:00 UTC", percentage: 19.99},
		{title: "justTooFar", target: "2028-03-30 12:01 UTC"},
		{title: "near", percentage: 80},
		{title: "nearest", percentage: 99.99},
		{title: "notQuite", percentage: 79.99, target: "2028-02-29 11:59 UTC"},
		{title: "onHold", target: "2028-03-01 12:00 UTC", percentage: 10, status: planner.GoalOnHold},
		{title: "done", target: "2028-03-01 12:00 UTC", status: planner.GoalCompleted},
	} {
		p := planner.CreateGoalParams{Title: g.title, Status: g.status, ProgressPercentage: &g.percentage}
		if g.parent != "" {
			p.ParentGoalID = new(ids[g.parent])
		}
		if g.target != "" {
			p.TargetDate = at(t, g.target)
		}
		if g.horizon != "" {
			p.Horizon = &g.horizon
		}
		goal, err := alice.CreateGoal(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		ids[g.title] = goal.ID
	}
	create(t, alice, planner.CreateTaskParams{Title: "task", ParentGoalID: new(ids["late"])})
	for _, c := range []struct {
		name, want string
		list       func(ctx context.Context) ([]planner.Goal, error)
	}{
		{"at risk: 30 days are 30 days, past ones are too", "late week quarter", func(ctx context.Context) ([]planner.Goal, error) {
			goals, err := alice.GoalsAtRisk(ctx, planner.GoalsAtRiskParams{At: noon})
			if len(goals) > 0 && goals[0].TaskCount != 1 {
				t.Errorf("%d tasks are counted, want 1", goals[0].TaskCount)
			}
			return goals, err
		}},
		{"near completion", "nearest near", func(ctx context.Context) ([]planner.Goal, error) { return alice.GoalsNearCompletion(ctx, 0) }},
		{"the nearest", "nearest", func(ctx context.Context) ([]planner.Goal, error) { return alice.GoalsNearCompletion(ctx, 1) }},
		{"upcoming on the day", "", func(ctx context.Context) ([]planner.Goal, error) {
			return alice.UpcomingGoals(ctx, planner.UpcomingGoalsParams{At: noon, TimeZone: "Europe/Berlin"})
		}},
		{"upcoming in a hundred years, which is as far as it goes", "week quarter justTooFar root", func(ctx context.Context) ([]planner.Goal, error) {
			return alice.UpcomingGoals(ctx, planner.UpcomingGoalsParams{At: noon, Days: math.MaxInt32})
		}},
		{"upcoming before today", "", func(ctx context.Context) ([]planner.Goal, error) {
			return alice.UpcomingGoals(ctx, planner.UpcomingGoalsParams{At: noon, Days: math.MinInt32})
		}},
		{"upcoming by the end of the month", "week quarter justTooFar", func(ctx context.Context) ([]planner.Goal, error) {
			return alice.UpcomingGoals(ctx, planner.UpcomingGoalsParams{At: noon, TimeZone: "Europe/Berlin", Days: 31})
		}},
		{"above", "quarter root", func(ctx context.Context) ([]planner.Goal, error) { return alice.GoalAncestors(ctx, ids["week"]) }},
		{"above a root", "", func(ctx context.Context) ([]planner.Goal, error) { return alice.GoalAncestors(ctx, ids["root"]) }},
		{"above nothing", "", func(ctx context.Context) ([]planner.Goal, error) { return alice.GoalAncestors(ctx, math.MaxInt64) }},
		{"roots", "late notQuite onHold done justTooFar root near nearest", func(ctx context.Context) ([]planner.Goal, error) {
			return alice.ListGoals(ctx, planner.ListGoalsParams{RootsOnly: true})
		}},
	} {
		goals, err := c.list(t.Context())
		if got := names(t, goals, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestGoalMetrics(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	ctx := t.Context()
	goal, err := alice.CreateGoal(ctx, planner.CreateGoalParams{Title: "goal", Metrics: planner.Metrics{"revenue": 1.5, "costs": map[string]any{"a": 1.0}}})
	if err != nil {
		t.Fatal(err)
	}
	merge := func(m planner.Metrics) (planner.Goal, error) {
		return alice.MergeGoalMetrics(ctx, planner.MergeGoalMetricsParams{ID: goal.ID, Metrics: m})
	}
	set := func(key string, value any) (planner.Goal, error) {
		return alice.SetGoalMetric(ctx, planner.SetGoalMetricParams{ID: goal.ID, Key: key, Value: planner.Metric{Value: value}})
	}
	remove := func(key string) (planner.Goal, error) {
		return alice.RemoveGoalMetric(ctx, planner.RemoveGoalMetricParams{ID: goal.ID, Key: key})
	}
	for _, c := range []struct {
		name string
		do   func() (planner.Goal, error)
		want planner.Metrics
	}{
		{"merge", func() (planner.Goal, error) {
			return merge(planner.Metrics{"velocity": 2.5, "costs": map[string]any{"b": 2.0}})
		}, planner.Metrics{"revenue": 1.5, "velocity": 2.5, "costs": map[string]any{"b": 2.0}}},
		{"merge nothing", func() (planner.Goal, error) { return merge(nil) }, planner.Metrics{"revenue": 1.5, "velocity": 2.5, "costs": map[string]any{"b": 2.0}}},
		{"remove", func() (planner.Goal, error) { return remove("costs") }, planner.Metrics{"revenue": 1.5, "velocity": 2.5}},
		{"remove what is not there", func() (planner.Goal, error) { return remove("costs") }, planner.Metrics{"revenue": 1.5, "velocity": 2.5}},
		{"set", func() (planner.Goal, error) { return set("revenue", []any{"a", 1.0, nil, true}) }, planner.Metrics{"revenue": []any{"a", 1.0, nil, true}, "velocity": 2.5}},
		{"set a text", func() (planner.Goal, error) { return set("revenue", `"1.5'`) }, planner.Metrics{"revenue": `"1.5'`, "velocity": 2.5}},
		{"set null", func() (planner.Goal, error) { return set("", nil) }, planner.Metrics{"revenue": `"1.5'`, "velocity": 2.5, "": nil}},
	} {
		got, err := c.do()
		if diff := cmp.Diff(c.want, got.Metrics); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, diff)
		}
	}
	for key, want := range map[string]any{"revenue": `"1.5'`, "velocity": 2.5, "": nil} {
		if got, err := alice.GoalMetric(ctx, planner.GoalMetricParams{ID: goal.ID, Key: key}); err != nil || got.Value != want {
			t.Errorf("%q is %v, want %v: %v", key, got, want, err)
		}
	}
	for _, p := range []planner.GoalMetricParams{{ID: goal.ID, Key: "costs"}, {ID: goal.ID + 1, Key: "revenue"}} {
		if got, err := alice.GoalMetric(ctx, p); !errors.Is(err, bizydb.ErrNotFound) {
			t.Errorf("%+v: %v, %v, want ErrNotFound", p, got, err)
		}
	}
	if _, err := set("bad", math.NaN()); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("NaN: %v, want ErrInvalid", err)
	}
	if _, err := set("bad", "a\x00b"); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("a zero byte: %v, want ErrInvalid", err)
	}
	if _, err := set("bad", time.Unix(0, 0).UTC()); err != nil {
		t.Errorf("what marshals: %v", err)
	}
}
