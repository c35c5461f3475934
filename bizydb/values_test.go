package bizydb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

var stamps = cmpopts.IgnoreFields(planner.Task{}, "UpdatedAt")

// Odd values come out as they went in, in every exec mode, and times in UTC whatever the machine's zone.
func TestValuesGoInAndOut(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		user := made.NewUser(t)
		alice := db.As(user)
		there := time.Date(2026, 2, 28, 23, 30, 0, 123456000, time.FixedZone("", 5*3600))
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{
			Title: strings.Repeat("🎯", 500), Description: new(""), TargetDate: &there, ProgressPercentage: new(33.25), SuccessCriteria: new("it's \"done\""),
			Metrics: planner.Metrics{"revenue": 1.5, "name": "a\\b", "nested": map[string]any{"list": []any{1.0, nil}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		wantGoal := planner.Goal{
			ID: goal.ID, UserID: user, Title: strings.Repeat("🎯", 500), Description: new(""), TargetDate: new(there.UTC()), Status: planner.GoalActive,
			ProgressPercentage: 33.25, SuccessCriteria: new("it's \"done\""), CreatedAt: goal.CreatedAt, UpdatedAt: goal.UpdatedAt, Version: 1,
			Metrics: planner.Metrics{"revenue": 1.5, "name": "a\\b", "nested": map[string]any{"list": []any{1.0, nil}}},
		}
		if diff := cmp.Diff(wantGoal, goal); diff != "" {
			t.Errorf("goal (-want +got):\n%s", diff)
		}

		asOwner(t, made, fmt.Sprintf("INSERT INTO public.tasks (id, user_id, title) VALUES (4503599627370496, %[1]d, 'first'), (9007199254740993, %[1]d, 'first')", user))
		task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{
			Title: "t", Status: planner.TaskCompleted, ActualHours: new(0.0), DueDate: &there, CompletedAt: &there,
			Dependencies: planner.TaskIDs{9007199254740993, 1 << 52}, Tags: planner.Tags{"urgent", "käse", `"`},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := planner.Task{
			ID: task.ID, UserID: user, Title: "t", Priority: 3, Status: planner.TaskCompleted, ActualHours: new(0.0), DueDate: new(there.UTC()),
			CreatedAt: task.CreatedAt, Version: 1, CompletedAt: new(there.UTC()), Dependencies: planner.TaskIDs{9007199254740993, 1 << 52}, Tags: planner.Tags{"urgent", "käse", `"`},
		}
		if diff := cmp.Diff(want, task, stamps); diff != "" {
			t.Errorf("task (-want +got):\n%s", diff)
		}
		tasks, err := alice.ListTasks(t.Context(), planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskBlocked, planner.TaskCompleted}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]planner.Task{want}, tasks, stamps); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		goals, err := alice.ListGoals(t.Context(), planner.ListGoalsParams{Statuses: planner.GoalStatuses{planner.GoalOnHold, planner.GoalActive}})
		if diff := cmp.Diff([]planner.Goal{wantGoal}, goals); diff != "" || err != nil {
			t.Errorf("list of goals: %v (-want +got):\n%s", err, diff)
		}
		for _, at := range []time.Time{task.CreatedAt, task.UpdatedAt, *task.DueDate, *task.CompletedAt, *tasks[0].DueDate, goal.CreatedAt, *goal.TargetDate} {
			if at.Location() != time.UTC {
				t.Errorf("%v is not in UTC", at)
			}
		}

		// The least that a create needs.
		least, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "least"})
		want = planner.Task{ID: least.ID, UserID: user, Title: "least", Priority: 3, Status: planner.TaskPending, CreatedAt: least.CreatedAt, Version: 1, Dependencies: planner.TaskIDs{}, Tags: planner.Tags{}}
		if diff := cmp.Diff(want, least, stamps); diff != "" || err != nil {
			t.Errorf("least task: %v (-want +got):\n%s", err, diff)
		}
	})
}

// A value that the schema does not take names its field and what the rule is.
func TestRefusedValues(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	for field, c := range map[string]struct {
		params any
		want   error
		says   string
	}{
		"tasks.title blank":         {planner.CreateTaskParams{Title: "\t "}, bizydb.ErrInvalid, "must not be blank"},
		"tasks.title long":          {planner.CreateTaskParams{Title: strings.Repeat("ä", 501)}, bizydb.ErrInvalid, "at most 500 characters"},
		"tasks.priority":            {planner.CreateTaskParams{Title: "t", Priority: new(6)}, bizydb.ErrInvalid, "from 1 (highest) to 5"},
		"tasks.estimated_hours":     {planner.CreateTaskParams{Title: "t", EstimatedHours: new(math.NaN())}, bizydb.ErrInvalid, "from 0 to 1,000,000"},
		"tasks.actual_hours":        {planner.CreateTaskParams{Title: "t", ActualHours: new(1e308)}, bizydb.ErrInvalid, "from 0 to 1,000,000"},
		"tasks.due_date":            {planner.CreateTaskParams{Title: "t", DueDate: new(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, bizydb.ErrInvalid, "years 1 to 9999"},
		"tasks.due_date all day":    {planner.CreateTaskParams{Title: "t", DueDate: new(time.Date(2025, 11, 2, 23, 0, 0, 0, time.UTC)), DueAllDay: true}, bizydb.ErrInvalid, "midnight UTC"},
		"tasks.created_at":          {planner.CreateTaskParams{Title: "t", CreatedAt: new(time.Unix(1<<60, 0))}, bizydb.ErrInvalid, "years 1 to 9999"},
		"tasks.notes":               {planner.CreateTaskParams{Title: "t", Notes: new(strings.Repeat("x", 1_000_001))}, bizydb.ErrInvalid, "at most 1,000,000 bytes"},
		"tasks.tags":                {planner.CreateTaskParams{Title: "t", Tags: planner.Tags{strings.Repeat("x", 251)}}, bizydb.ErrInvalid, "250 characters"},
		"tasks.dependencies":        {planner.CreateTaskParams{Title: "t", Dependencies: planner.TaskIDs{0}}, bizydb.ErrInvalid, "ids of tasks"},
		"tasks.parent_goal_id":      {planner.CreateTaskParams{Title: "t", ParentGoalID: new(planner.GoalID(math.MaxInt64))}, bizydb.ErrUnknownReference, "existing goal"},
		"goals.horizon":             {planner.CreateGoalParams{Title: "t", Horizon: new(planner.Horizon("daily"))}, bizydb.ErrInvalid, "yearly, quarterly"},
		"goals.status":              {planner.CreateGoalParams{Title: "t", Status: "weird"}, bizydb.ErrInvalid, "active, completed"},
		"goals.target_date":         {planner.CreateGoalParams{Title: "t", TargetDate: new(time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC))}, bizydb.ErrInvalid, "years 1 to 9999"},
		"goals.progress_percentage": {planner.CreateGoalParams{Title: "t", ProgressPercentage: new(100.5)}, bizydb.ErrInvalid, "from 0 to 100"},
		"goals.parent_goal_id":      {planner.UpdateGoalParams{ID: mine.goal, ParentGoalID: &mine.subGoal}, bizydb.ErrGoalCycle, "one below it"},
	} {
		var err error
		switch p := c.params.(type) {
		case planner.CreateTaskParams:
			_, err = alice.CreateTask(t.Context(), p)
		case planner.CreateGoalParams:
			_, err = alice.CreateGoal(t.Context(), p)
		case planner.UpdateGoalParams:
			_, err = alice.UpdateGoal(t.Context(), p)
		}
		var fieldErr *bizydb.FieldError
		if !errors.Is(err, c.want) || !errors.As(err, &fieldErr) {
			t.Errorf("%s: %v, want a FieldError that is %v", field, err, c.want)
			continue
		}
		if got := fieldErr.Table + "." + fieldErr.Column; !strings.HasPrefix(field, got) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s: %q does not say %q", field, got, err, c.says)
		}
		refusedHere := field == "goals.horizon" || field == "goals.status" || strings.Contains(c.says, "years")
		if sqlState(err) == "" && !refusedHere { // what is refused here does not get as far as the server
			t.Errorf("%s: the server's error cannot be reached", field)
		}
	}

	if _, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "t", Metrics: planner.Metrics{"a": math.Inf(1)}}); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("metrics that are not JSON: %v, want ErrInvalid", err)
	}
	var deep any
	for range 10001 {
		deep = []any{deep}
	}
	if _, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "t", Metrics: planner.Metrics{"a": deep}}); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("metrics that cannot be read back: %.100v, want ErrInvalid", err)
	}
	if goals, err := alice.ListGoals(t.Context(), planner.ListGoalsParams{}); err != nil || len(goals) != 2 {
		t.Errorf("half-written: %d goals, %v", len(goals), err)
	}
	if got := titles(t, alice); len(got) != 1 {
		t.Errorf("half-written: %q", got)
	}
}

// What cannot be encoded is refused before anything is sent, in every exec mode.
func TestValuesWithoutAForm(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
		if err != nil {
			t.Fatal(err)
		}
		var deep any = 1 // as deep as can be read by itself, too deep as one of the metrics
		for range 10_000 {
			deep = []any{deep}
		}
		task := planner.CreateTaskParams{Title: "task", Tags: planner.Tags{"\xff"}}
		for name, do := range map[string]func() error{
			"no number": func() error {
				_, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "x", Metrics: planner.Metrics{"a": math.NaN()}})
				return err
			},
			"metrics": func() error {
				_, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "x", Metrics: planner.Metrics{"a": "\xff"}})
				return err
			},
			"metric": func() error {
				_, err := alice.SetGoalMetric(t.Context(), planner.SetGoalMetricParams{ID: goal.ID, Key: "a", Value: planner.Metric{Value: "\xff"}})
				return err
			},
			"deep metric": func() error {
				_, err := alice.SetGoalMetric(t.Context(), planner.SetGoalMetricParams{ID: goal.ID, Key: "a", Value: planner.Metric{Value: deep}})
				return err
			},
			"tags":                func() error { _, err := alice.CreateTask(t.Context(), task); return err },
			"tags of one of many": func() error { _, err := alice.CreateTasks(t.Context(), planner.CreateTasksParams{task}); return err },
		} {
			if err := do(); !errors.Is(err, bizydb.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
		if now, err := alice.GetGoal(t.Context(), goal.ID); err != nil || len(now.Metrics) > 0 {
			t.Errorf("afterwards the goal has %v (error %v)", now.Metrics, err)
		}
	})
}

// A number comes back as the float64 that it is, or as it was written where a float64 would be another, also if it was another client
// that wrote it.
func TestNumbersInMetrics(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
		if err != nil {
			t.Fatal(err)
		}
		for written, want := range map[string]any{
			"0": 0.0, "-0.00": 0.0, "2": 2.0, "-1.50": -1.5, "0.1": 0.1, "100": 100.0, "1e3": 1000.0, "1E+22": 1e22, "12300e-2": 123.0, "1.7976931348623157e308": math.MaxFloat64,
			"5e-324": math.SmallestNonzeroFloat64, "0.30000000000000004": 0.30000000000000004, "9007199254740992": float64(1 << 53),
			"9007199254740993": json.Number("9007199254740993"), "-9223372036854775807": json.Number("-9223372036854775807"), "0.1000000000000000000001": json.Number("0.1000000000000000000001"),
			"1e-400": json.Number("0." + strings.Repeat("0", 399) + "1"), "1e400": json.Number("1" + strings.Repeat("0", 400)),
		} {
			asOwner(t, made, fmt.Sprintf(`UPDATE public.goals SET metrics = '{"a": [%s]}' WHERE id = %d`, written, goal.ID))
			got, err := alice.GetGoal(t.Context(), goal.ID)
			if diff := cmp.Diff(planner.Metrics{"a": []any{want}}, got.Metrics); err != nil || diff != "" {
				t.Errorf("%s (-want +got): %v\n%s", written, err, diff)
			}
			// And goes back as it came.
			if again, err := alice.UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: goal.ID, Metrics: got.Metrics}); err != nil || !cmp.Equal(again.Metrics, got.Metrics) {
				t.Errorf("%s, written again: %v, %v", written, again.Metrics, err)
			}
		}
	})
	for _, beyond := range []string{"1e-99999999999999999999", "1e99999999999999999999"} {
		var metric planner.Metric
		if err := json.Unmarshal([]byte(beyond), &metric); err != nil || metric.Value != json.Number(beyond) {
			t.Errorf("%s: %v, %v", beyond, metric.Value, err)
		}
	}
}

func TestNoUser(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for _, id := range []bizydb.UserID{0, -1} {
		for name, with := range handles {
			with(t, db, id, func(q planner.ReadWriter) {
				if _, err := q.ListTasks(t.Context(), planner.ListTasksParams{}); !errors.Is(err, bizydb.ErrNoUser) {
					t.Errorf("As(%d), %s: %v, want ErrNoUser", id, name, err)
				}
			})
		}
		if err := db.As(id).InTx(t.Context(), nil); !errors.Is(err, bizydb.ErrNoUser) {
			t.Errorf("As(%d).InTx: %v, want ErrNoUser", id, err)
		}
	}
}

func TestCanceledCall(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		plant(t, alice)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := alice.ListTasks(ctx, planner.ListTasksParams{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		// While the server works: the owner holds the row.
		conn, err := pgx.Connect(t.Context(), made.AdminDSN)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), "BEGIN; UPDATE public.tasks SET title = 'held'"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := alice.UpdateTask(ctx, planner.UpdateTaskParams{ID: 1, Title: new("late")}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want context.DeadlineExceeded", err)
		}
		// pgx tells the server to give up, in the background.
		for waits(t, made) {
			time.Sleep(10 * time.Millisecond)
		}
		if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if got := titles(t, alice); len(got) != 1 || got[0] != "task" {
			t.Errorf("afterwards %q", got)
		}
		if n := db.Pool().Stat().AcquiredConns(); n != 0 {
			t.Errorf("%d connections not given back", n)
		}
	})
}
