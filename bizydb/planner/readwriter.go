package planner

import (
	"context"
	"iter"
)

// A Reader has the queries that only read. The methods of [Queries] document them.
type Reader interface {
	Changes(ctx context.Context, arg ChangesParams) (ChangesPage, error)
	CompletionRate(ctx context.Context, arg CompletionRateParams) (CompletionRateRow, error)
	CountGoals(ctx context.Context, arg PageGoalsParams) (int, error)
	CountTasks(ctx context.Context, arg PageTasksParams) (int, error)
	CriticalPath(ctx context.Context, goal GoalID) (CriticalPath, error)
	DailyCompletions(ctx context.Context, arg DailyCompletionsParams) ([]DailyCompletionsRow, error)
	DeletedGoals(ctx context.Context, arg DeletedGoalsParams) ([]DeletedGoal, error)
	DeletedTasks(ctx context.Context, arg DeletedTasksParams) ([]DeletedTask, error)
	GetGoal(ctx context.Context, id GoalID) (Goal, error)
	GetTask(ctx context.Context, id TaskID) (Task, error)
	GoalAncestors(ctx context.Context, goalID GoalID) ([]Goal, error)
	GoalCountsByHorizon(ctx context.Context) ([]GoalCountsByHorizonRow, error)
	GoalCountsByStatus(ctx context.Context) ([]GoalCountsByStatusRow, error)
	GoalForecast(ctx context.Context, arg GoalForecastParams) (GoalForecastRow, error)
	GoalMetric(ctx context.Context, arg GoalMetricParams) (Metric, error)
	GoalTasks(ctx context.Context, goalID GoalID) ([]Task, error)
	GoalTree(ctx context.Context, goalID GoalID) ([]GoalTreeRow, error)
	GoalsAtRisk(ctx context.Context, arg GoalsAtRiskParams) ([]Goal, error)
	GoalsNearCompletion(ctx context.Context, limit int) ([]Goal, error)
	ListGoals(ctx context.Context, arg ListGoalsParams) ([]Goal, error)
	ListTasks(ctx context.Context, arg ListTasksParams) ([]Task, error)
	Me(ctx context.Context) (User, error)
	OpenTasks(ctx context.Context, arg OpenTasksParams) ([]Task, error)
	OverdueGoals(ctx context.Context, arg OverdueGoalsParams) ([]Goal, error)
	OverdueTasks(ctx context.Context, arg OverdueTasksParams) ([]Task, error)
	Overview(ctx context.Context, arg OverviewParams) (OverviewRow, error)
	PageGoals(ctx context.Context, arg PageGoalsParams) (GoalPage, error)
	PageTasks(ctx context.Context, arg PageTasksParams) (TaskPage, error)
	ReadyTasks(ctx context.Context, arg ReadyTasksParams) ([]Task, error)
	SearchGoals(ctx context.Context, arg SearchGoalsParams) ([]Goal, error)
	SearchTasks(ctx context.Context, arg SearchTasksParams) ([]Task, error)
	StreamTasks(ctx context.Context, arg ListTasksParams) iter.Seq2[Task, error]
	TaggedTasks(ctx context.Context, arg TaggedTasksParams) ([]Task, error)
	TaskActivity(ctx context.Context, arg TaskActivityParams) (TaskActivityRow, error)
	TaskCounts(ctx context.Context) ([]TaskCountsRow, error)
	TaskCountsByCategory(ctx context.Context) ([]TaskCountsByCategoryRow, error)
	TaskCountsByPriority(ctx context.Context) ([]TaskCountsByPriorityRow, error)
	TaskCountsByStatus(ctx context.Context) ([]TaskCountsByStatusRow, error)
	TaskHours(ctx context.Context, parentGoalID *GoalID) (TaskHoursRow, error)
	TaskOrder(ctx context.Context, goal GoalID) ([]Task, error)
	TasksBlockedBy(ctx context.Context, id TaskID) ([]Task, error)
	TasksBlocking(ctx context.Context, id TaskID) ([]Task, error)
	TasksByPriority(ctx context.Context, arg TasksByPriorityParams) ([]Task, error)
	TasksCompleted(ctx context.Context, arg TasksCompletedParams) ([]Task, error)
	TasksDue(ctx context.Context, arg TasksDueParams) ([]Task, error)
	TasksDueToday(ctx context.Context, arg TasksDueTodayParams) ([]Task, error)
	TasksWithoutGoal(ctx context.Context, limit int) ([]Task, error)
	UpcomingGoals(ctx context.Context, arg UpcomingGoalsParams) ([]Goal, error)
	UpcomingTasks(ctx context.Context, arg UpcomingTasksParams) ([]Task, error)
	Velocity(ctx context.Context, arg VelocityParams) (VelocityRow, error)
	WeeklyCompletions(ctx context.Context, arg WeeklyCompletionsParams) ([]WeeklyCompletionsRow, error)
	Workload(ctx context.Context, arg WorkloadParams) ([]WorkloadRow, error)
}

// A ReadWriter has all queries, reads and writes. The methods of [Queries] document them. It has unexported methods too, so other
// packages can implement it only by embedding one.
type ReadWriter interface {
	Reader
	Querier
	RestoreGoal(ctx context.Context, arg RestoreGoalParams) (RestoredGoal, error)
	RestoreTask(ctx context.Context, id TaskID) (RestoredTask, error)
}

var _ ReadWriter = (*Queries)(nil)
