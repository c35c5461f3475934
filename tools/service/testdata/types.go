// Package service compiles if the generated code has bizydb's types.
package service

import (
	"context"
	"time"

	"example.org/service/internal/store"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func same[T any](...T) {}

func _(
	comment store.AppComment, commented store.CommentedTasksRow, both store.TasksWithGoalsRow, tasks store.GoalsAndTasksRow, goals store.TasksAndGoalsRow,
	comments store.TasksAndCommentsRow, me store.MeRow,
	queries *store.Queries,
) {
	// Rows of bizydb's tables are bizydb's structs, field by field.
	same(planner.Task(both.Task), planner.Task(commented.Task))
	same(planner.Goal(both.Goal))

	same[planner.UserID](comment.UserID, me.ID)
	same[planner.TaskID](comment.TaskID)
	same[time.Time](comment.CreatedAt)

	// What is missing is nil.
	same[planner.GoalID](tasks.Goal)
	same[*planner.TaskID](tasks.Task)
	same[*planner.UserID](tasks.UserID)
	same[*planner.GoalID](tasks.ParentGoalID, goals.Goal, goals.ParentGoalID)
	same[*planner.TaskStatus](tasks.Status)
	same[planner.Tags](tasks.Tags)
	same[planner.TaskIDs](tasks.Dependencies)
	same[*int](tasks.Priority)
	same[*time.Time](tasks.CreatedAt, tasks.DueDate, goals.TargetDate)
	same[planner.TaskID](goals.Task)
	same[planner.TaskStatus](goals.TaskStatus)
	same[*planner.GoalStatus](goals.Status)
	same[*planner.Horizon](goals.Horizon)
	same[planner.Metrics](goals.Metrics)
	same[*planner.TaskID](comments.TaskID)
	same[*planner.UserID](comments.UserID)

	// So are parameters.
	ctx := context.Background()
	_, _ = queries.CommentsOfTasks(ctx, planner.TaskIDs{1})
	_, _ = queries.TasksAndComments(ctx, []int64{1})
	_, _ = queries.CommentedTasks(ctx, store.CommentedTasksParams{Status: planner.TaskPending, Tags: planner.Tags{"a"}})
	_, _ = queries.TasksAndGoals(ctx, new(planner.TaskPending))
	_, _ = queries.CloseTask(ctx, store.CloseTaskParams{ID: planner.TaskID(1), Status: planner.TaskCompleted, Tags: planner.Tags{"a"}})
	queries.AddComments(ctx, []store.AddCommentsParams{{TaskID: planner.TaskID(1)}})
	_, _ = queries.CopyComments(ctx, []store.CopyCommentsParams{{TaskID: planner.TaskID(1)}})
	_, _ = queries.CommentsByWeek(ctx, planner.TimeZone("Europe/Berlin"))
	queries.LatestComments(ctx, []planner.TaskID{1})
}
