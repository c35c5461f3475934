package planner

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// ListTasksParams selects tasks for ListTasks and StreamTasks. A filter at its zero value matches all, and Limit 0 means all.
type ListTasksParams struct {
	Statuses     TaskStatuses `json:"statuses"`
	Category     *string      `json:"category"`
	ParentGoalID *GoalID      `json:"parent_goal_id"` // only tasks directly under this goal
	Limit        int          `json:"limit"`
}

// ListTasks returns the tasks that match every filter that is set, in list order: by priority, the most urgent first; then by
// due date, the earliest first and tasks without a due date last; then the newest first. If nothing matches it returns an
// empty slice. PageTasks has more filters and pagination. A filter by category is slower than the others: the server also
// reads tasks that do not match.
func (q *Queries) ListTasks(ctx context.Context, arg ListTasksParams) (_ []Task, err error) {
	defer executor.NameError(&err, "ListTasks")
	if len(arg.Statuses) == 0 && arg.Category == nil && arg.ParentGoalID == nil {
		return q.allTasks(ctx, arg.Limit)
	}
	return q.filteredTasks(ctx, filteredTasksParams(arg))
}
