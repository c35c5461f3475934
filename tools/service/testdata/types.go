// Package service compiles if the generated code has bizydb's types.
package service

import (
	"context"
	"time"

	"example.org/service/internal/db"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func same[T any](...T) {}

func _(
	comment db.AppComment, commented db.CommentedTasksRow, both db.TasksWithGoalsRow, tasks db.GoalsAndTasksRow, goals db.TasksAndGoalsRow,
	comments db.TasksAndCommentsRow, me db.MeRow,
	queries *db.Queries,
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
	_, _ = queries.CommentedTasks(ctx, db.CommentedTasksParams{Status: planner.TaskPending, Tags: planner.Tags{"a"}})
	_, _ = queries.TasksAndGoals(ctx, new(planner.TaskPending))
	_, _ = queries.CloseTask(ctx, db.CloseTaskParams{ID: planner.TaskID(1), Status: planner.TaskCompleted, Tags: planner.Tags{"a"}})
	queries.AddComments(ctx, []db.AddCommentsParams{{TaskID: planner.TaskID(1)}})
	_, _ = queries.CopyComments(ctx, []db.CopyCommentsParams{{TaskID: planner.TaskID(1)}})
	queries.LatestComments(ctx, []planner.TaskID{1})
}
