package planner

import (
	"context"
	"iter"
)

// A Reader has the queries that only read. See the methods of [Queries] for what each returns.
type Reader interface {
	CompletionRate(ctx context.Context, arg CompletionRateParams) (CompletionRateRow, error)
	CriticalPath(ctx context.Context, goal GoalID) (CriticalPath, error)
	DailyCompletions(ctx context.Context, arg DailyCompletionsParams) ([]DailyCompletionsRow, error)
	GetGoal(ctx context.Context, id GoalID) (Goal, error)
	GetTask(ctx context.Context, id TaskID) (Task, error)
	GoalAncestors(ctx context.Context, goalID GoalID) ([]Goal, error)
	GoalForecast(ctx context.Context, arg GoalForecastParams) (GoalForecastRow, error)
	GoalMetric(ctx context.Context, arg GoalMetricParams) (Metric, error)
	GoalTasks(ctx context.Context, goalID GoalID) ([]Task, error)
	GoalTree(ctx context.Context, goalID GoalID) ([]GoalTreeRow, error)
	GoalsAtRisk(ctx context.Context, arg GoalsAtRiskParams) ([]Goal, error)
	GoalsNearCompletion(ctx context.Context, limit int) ([]Goal, error)
	ListGoals(ctx context.Context, arg ListGoalsParams) ([]Goal, error)
	ListTasks(ctx context.Context, arg ListTasksParams) ([]Task, error)
	Me(ctx context.Context) (User, error)
	OpenTasks(ctx context.Context, limit int) ([]Task, error)
	OverdueTasks(ctx context.Context, arg OverdueTasksParams) ([]Task, error)
	PageTasks(ctx context.Context, arg PageTasksParams) (TaskPage, error)
	ReadyTasks(ctx context.Context, limit int) ([]Task, error)
	SearchGoals(ctx context.Context, arg SearchGoalsParams) ([]Goal, error)
	SearchTasks(ctx context.Context, arg SearchTasksParams) ([]Task, error)
	StreamTasks(ctx context.Context, arg ListTasksParams) iter.Seq2[Task, error]
	TaggedTasks(ctx context.Context, arg TaggedTasksParams) ([]Task, error)
	TaskCountsByCategory(ctx context.Context) ([]TaskCountsByCategoryRow, error)
	TaskCountsByPriority(ctx context.Context) ([]TaskCountsByPriorityRow, error)
	TaskCountsByStatus(ctx context.Context) ([]TaskCountsByStatusRow, error)
	TaskHours(ctx context.Context, parentGoalID *GoalID) (TaskHoursRow, error)
	TaskOrder(ctx context.Context, goal GoalID) ([]Task, error)
	TasksBlockedBy(ctx context.Context, id TaskID) ([]Task, error)
	TasksBlocking(ctx context.Context, id TaskID) ([]Task, error)
	TasksByPriority(ctx context.Context, arg TasksByPriorityParams) ([]Task, error)
	TasksDue(ctx context.Context, arg TasksDueParams) ([]Task, error)
	TasksDueToday(ctx context.Context, arg TasksDueTodayParams) ([]Task, error)
	TasksWithoutGoal(ctx context.Context, limit int) ([]Task, error)
	UpcomingGoals(ctx context.Context, arg UpcomingGoalsParams) ([]Goal, error)
	UpcomingTasks(ctx context.Context, arg UpcomingTasksParams) ([]Task, error)
	Velocity(ctx context.Context, arg VelocityParams) (VelocityRow, error)
	WeeklyCompletions(ctx context.Context, arg WeeklyCompletionsParams) ([]WeeklyCompletionsRow, error)
	Workload(ctx context.Context, arg WorkloadParams) ([]WorkloadRow, error)
}

// A ReadWriter has all queries, those that read and those that write. It also has unexported methods, so other packages can
// implement it only by embedding one.
type ReadWriter interface {
	Reader
	Querier
}

var _ ReadWriter = (*Queries)(nil)
