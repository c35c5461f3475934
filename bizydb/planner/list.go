package planner

import "context"

// ListTasksParams says which tasks to list. A filter at its zero value does not filter, and Limit 0 means all.
type ListTasksParams struct {
	Status       TaskStatus `json:"status"`
	Category     *string    `json:"category"`
	ParentGoalID *GoalID    `json:"parent_goal_id"` // directly under this goal
	Limit        int        `json:"limit"`
}

// ListTasks returns the tasks that match every filter that is set: the most urgent priority first, then the earliest due
// date, those without one last, then the newest. Nothing found is an empty slice. For more filters, and page by page, see
// PageTasks. A list with a category passes over what does not match.
func (q *Queries) ListTasks(ctx context.Context, arg ListTasksParams) ([]Task, error) {
	if arg == (ListTasksParams{Limit: arg.Limit}) { // no filter
		return q.AllTasks(ctx, arg.Limit)
	}
	return q.FilteredTasks(ctx, FilteredTasksParams(arg))
}
