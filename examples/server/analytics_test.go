package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// completedAt makes a task that was completed some days ago.
func (p *person) completedAt(t *testing.T, daysAgo float64, priority int, category string, hours float64) time.Time {
	t.Helper()
	at := time.Now().UTC().Add(-time.Duration(daysAgo * 24 * float64(time.Hour)))
	_, err := p.db.As(p.id).CreateTask(t.Context(), planner.CreateTaskParams{
		Title: "x", Priority: &priority, Category: text(category), EstimatedHours: &hours, ActualHours: new(2 * hours),
		Status: planner.TaskCompleted, CreatedAt: &at, CompletedAt: &at,
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func TestAnalytics(t *testing.T) {
	t.Parallel()
	ada := start(t).newPerson(t, "ada")
	ada.check(t, []row{
		{"GET /api/analytics/tasks", "", 200, `{"period_days": 7, "tasks_completed": 0, "tasks_created": 0, "tasks_pending": 0, "tasks_in_progress": 0,
			"tasks_blocked": 0, "completion_rate": 0, "total_estimated_hours": 0, "total_actual_hours": 0, "by_category": {}, "by_priority": {},
			"by_status": {}, "overdue_count": 0}`},
		{"GET /api/analytics/goals", "", 200, `{"total_goals": 0, "active_goals": 0, "completed_goals": 0, "on_hold_goals": 0, "cancelled_goals": 0,
			"average_progress": 0, "by_horizon": {}, "goals_near_completion": 0, "goals_at_risk": 0}`},
		{"GET /api/analytics/velocity", "", 200, `{"period_days": 30, "velocity": 0, "tasks_per_day": 0, "completion_trend": "stable", "productivity_score": 6,
			"best_day": null, "worst_day": null, "daily_breakdown": []}`},
		{"GET /api/analytics/tasks?days=0", "", 422, only(`{"type": "greater_than_equal", "loc": ["query", "days"], "msg": "Input should be greater than or equal to 1", "input": "0", "ctx": {"ge": 1}}`)},
		{"GET /api/analytics/tasks?days=91", "", 422, ""},
		{"GET /api/analytics/velocity?days=6", "", 422, ""},
		{"GET /api/analytics/velocity?days=91", "", 422, ""},
		{"GET /api/analytics/trends?days=6", "", 422, ""},
		{"GET /api/analytics/trends?days=x", "", 422, ""},
	})
	var dates []string
	for _, c := range []struct {
		daysAgo  float64
		priority int
		category string
	}{{1.01, 1, "x"}, {1.02, 2, "x"}, {3, 3, ""}, {13, 5, "y"}, {20, 4, "z"}} {
		dates = append(dates, ada.completedAt(t, c.daysAgo, c.priority, c.category, 1.5).Format(time.DateOnly))
	}
	goal := ada.make(t, "goals", fmt.Sprintf(`{"title": "Shop", "horizon": "yearly", "target_date": %q}`, time.Now().AddDate(0, 0, 29).Format(time.DateOnly)))
	ada.make(t, "goals", `{"title": "Later", "horizon": "weekly", "status": "on_hold"}`)
	ada.make(t, "tasks", `{"title": "late", "due_date": "2020-01-01", "status": "blocked"}`)
	ada.make(t, "tasks", `{"title": "open", "status": "in_progress"}`)

	ada.check(t, []row{
		{"GET /api/analytics/tasks", "", 200, `{"period_days": 7, "tasks_completed": 3, "tasks_created": 5, "tasks_pending": 0, "tasks_in_progress": 1,
			"tasks_blocked": 1, "completion_rate": 60, "total_estimated_hours": 4.5, "total_actual_hours": 9, "by_category": {"x": 2, "uncategorized": 1},
			"by_priority": {"1": 1, "2": 1, "3": 1}, "by_status": {"blocked": 1, "in_progress": 1, "completed": 5}, "overdue_count": 1}`},
		{"GET /api/analytics/goals", "", 200, `{"total_goals": 2, "active_goals": 1, "completed_goals": 0, "on_hold_goals": 1, "cancelled_goals": 0,
			"average_progress": 0, "by_horizon": {"yearly": 1, "weekly": 1}, "goals_near_completion": 0, "goals_at_risk": 1}`},
	})

	got := ada.must(t, "GET /api/analytics/velocity?days=14", "")
	for name, want := range map[string]any{"velocity": 0.29, "tasks_per_day": 0.29, "completion_trend": "improving", "productivity_score": 26.5} {
		if value := got.field(t, name); value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
	if best := got.field(t, "best_day").(map[string]any); dates[0] == dates[1] && (best["date"] != dates[0] || best["tasks_completed"] != 2.0) {
		t.Errorf("best day %v", best)
	}
	if n := len(got.field(t, "daily_breakdown").([]any)); n != len(slices.Compact(slices.Sorted(slices.Values(dates[:4])))) {
		t.Errorf("%d days, of %v", n, dates)
	}

	got = ada.must(t, "GET /api/analytics/trends?days=14", "")
	first, last := time.Now().UTC().AddDate(0, 0, -14), time.Now().UTC().AddDate(0, 0, -7)
	wantAnswer(t, "trends", got, 200, fmt.Sprintf(`{"period_days": 14,
		"completion_trend": [{"week": 1, "week_start": %q, "week_end": %q, "tasks_completed": 1, "total_hours": 1.5}, {"week": 2, "week_start": %q, "week_end": %q, "tasks_completed": 3, "total_hours": 4.5}],
		"category_trends": {"x": [0, 2], "uncategorized": [0, 1], "y": [1]},
		"priority_distribution": [{"week": 1, "high_priority": 0, "medium_priority": 0, "low_priority": 1}, {"week": 2, "high_priority": 2, "medium_priority": 1, "low_priority": 0}],
		"goal_progress_trend": [{"goal_id": %d, "goal_title": "Shop", "current_progress": 0, "horizon": "yearly"}],
		"insights": ["You completed more tasks in the last week than in the week before", "Most of your completed tasks are in x",
			"Your active goals are at 0 %% on average: break them down into smaller tasks"]}`,
		first.Format(time.DateOnly), last.Format(time.DateOnly), last.Format(time.DateOnly), time.Now().UTC().Format(time.DateOnly), goal))
}
