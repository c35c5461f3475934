package userdata

import (
	"time"
	"unicode/utf8"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/text"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// checkGoal refuses values that the database would refuse without naming the goal, or would change. For tasks the database's errors suffice.
func checkGoal(g goalRow) error {
	switch {
	case text.Blank(g.Title):
		return refuse("title", "must not be blank")
	case utf8.RuneCountInString(g.Title) > 500:
		return refuse("title", "must have at most 500 characters")
	case !(g.ProgressPercentage >= 0 && g.ProgressPercentage <= 100):
		return refuse("progress_percentage", "must be from 0 to 100")
	case g.Horizon != nil:
		if _, err := g.Horizon.TextValue(); err != nil {
			return refuse("horizon", "must be yearly, quarterly, monthly or weekly")
		}
	}
	if _, err := g.Status.TextValue(); err != nil || g.Status == "" {
		return refuse("status", "must be active, completed, on_hold or cancelled")
	}
	return checkCompleted(g.CompletedAt, g.Status == planner.GoalCompleted)
}

// checkTask refuses what the database would change.
func checkTask(t importsql.ExportTasksRow) error {
	switch {
	case t.Status == "": // which a new task may have
		return refuse("status", "must be pending, in_progress, completed or blocked")
	case t.BlockedReason != nil && t.Status != planner.TaskBlocked:
		return refuse("blocked_reason", "must be null unless status is blocked")
	case t.BlockedInProgress && t.Status != planner.TaskBlocked:
		return refuse("blocked_in_progress", "must be false unless status is blocked")
	case t.DueAllDay && t.DueDate == nil:
		return refuse("due_all_day", "must be false without a due_date")
	}
	return checkCompleted(t.CompletedAt, t.Status == planner.TaskCompleted)
}

func checkCompleted(at *time.Time, completed bool) error {
	if (at != nil) != completed {
		return refuse("completed_at", "must be set exactly while status is completed")
	}
	return nil
}
