package v1

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A TrashQuery asks for a page of what was deleted. The next one begins after what was deleted at a time, with an id.
type TrashQuery struct {
	PageQuery
	Before   time.Time `query:"before" doc:"From a Link header, like before_id: follow it as it is."`
	BeforeID int64     `query:"before_id"`
}

// cut returns the rows of a page, of which one too many was asked for, and the link to the next.
func cut[Row any](in *TrashQuery, rows []Row, last func(Row) (deleted time.Time, id int64)) ([]Row, []string) {
	if len(rows) <= in.Limit {
		return rows, nil
	}
	rows = rows[:in.Limit]
	deleted, id := last(rows[in.Limit-1])
	return rows, []string{in.link("next", url.Values{"before": {deleted.Format(time.RFC3339Nano)}, "before_id": {fmt.Sprint(id)}})}
}

// DeletedTasks are tasks of the trash.
type DeletedTasks struct {
	Tasks []planner.DeletedTask `json:"tasks" doc:"The last deleted first."`
}

// DeletedGoals are goals of the trash.
type DeletedGoals struct {
	Goals []planner.DeletedGoal `json:"goals" doc:"The last deleted first."`
}

// A TrashOut is the answer with a page.
type TrashOut[T any] struct {
	Link []string `header:"Link" doc:"The next page."`
	Body T
}

func trashOperations(a *API) {
	const tag = "trash"

	type restoreGoal struct {
		GoalPath
		Together bool `query:"together" doc:"With all that was deleted in the same transaction."`
	}

	register(a, "GET /trash/tasks", tag, "list-deleted-tasks", "List deleted tasks", func(ctx context.Context, me *caller, in *TrashQuery) (*TrashOut[DeletedTasks], error) {
		rows, err := me.DeletedTasks(ctx, planner.DeletedTasksParams{Before: some(in.Before), BeforeID: planner.TaskID(in.BeforeID), Limit: in.Limit + 1})
		if err != nil {
			return nil, err
		}
		rows, links := cut(in, rows, func(t planner.DeletedTask) (time.Time, int64) { return t.DeletedAt, int64(t.ID) })
		return &TrashOut[DeletedTasks]{links, DeletedTasks{rows}}, nil
	})
	register(a, "GET /trash/goals", tag, "list-deleted-goals", "List deleted goals", func(ctx context.Context, me *caller, in *TrashQuery) (*TrashOut[DeletedGoals], error) {
		rows, err := me.DeletedGoals(ctx, planner.DeletedGoalsParams{Before: some(in.Before), BeforeID: planner.GoalID(in.BeforeID), Limit: in.Limit + 1})
		if err != nil {
			return nil, err
		}
		rows, links := cut(in, rows, func(g planner.DeletedGoal) (time.Time, int64) { return g.DeletedAt, int64(g.ID) })
		return &TrashOut[DeletedGoals]{links, DeletedGoals{rows}}, nil
	})
	register(a, "POST /trash/tasks/{task_id}/restore", tag, "restore-task", "Restore a task", func(ctx context.Context, me *caller, in *TaskPath) (*Answer[planner.RestoredTask], error) {
		return answer(me.RestoreTask(ctx, in.TaskID))
	}, describedAs("Under its own id, with the links that are still possible."))
	register(a, "POST /trash/goals/{goal_id}/restore", tag, "restore-goal", "Restore a goal", func(ctx context.Context, me *caller, in *restoreGoal) (*Answer[planner.RestoredGoal], error) {
		return answer(me.RestoreGoal(ctx, planner.RestoreGoalParams{ID: in.GoalID, Together: in.Together}))
	}, describedAs("Under its own id, with the links that are still possible."))
	register(a, "DELETE /trash/tasks/{task_id}", tag, "forget-task", "Remove a deleted task for good", func(ctx context.Context, me *caller, in *TaskPath) (*Nothing, error) {
		_, err := me.ForgetDeletedTask(ctx, in.TaskID)
		return nil, err
	})
	register(a, "DELETE /trash/goals/{goal_id}", tag, "forget-goal", "Remove a deleted goal for good", func(ctx context.Context, me *caller, in *GoalPath) (*Nothing, error) {
		_, err := me.ForgetDeletedGoal(ctx, in.GoalID)
		return nil, err
	})
}
