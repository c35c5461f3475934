package v1

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A TrashQuery asks for a page of what was deleted.
type TrashQuery struct {
	PageQuery
	Cursor string `query:"cursor" doc:"From a Link header: follow it as it is."`
}

// A trashCursor is what a page comes after: the last row of the page before.
type trashCursor struct {
	Deleted time.Time `json:"d"`
	ID      int64     `json:"i"`
}

func (c trashCursor) String() string {
	text, _ := json.Marshal(c) // two values that are always JSON
	return base64.RawURLEncoding.EncodeToString(text)
}

// after is what the page comes after; without a cursor, nothing.
func (q *TrashQuery) after() (before *time.Time, id int64, err error) {
	if q.Cursor == "" {
		return nil, 0, nil
	}
	var c trashCursor
	text, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil || c.Deleted.IsZero() || c.ID < 1 {
		problem := typeOf(planner.ErrInvalid).problem()
		problem.Errors = []*huma.ErrorDetail{{Message: "must be from a page of this list", Location: "query.cursor"}}
		return nil, 0, problem
	}
	return &c.Deleted, c.ID, nil
}

// cut returns the rows of a page, of which one too many was asked for, and the link to the next.
func cut[Row any](in *TrashQuery, rows []Row, cursor func(Row) trashCursor) ([]Row, []string) {
	if len(rows) <= in.Limit {
		return rows, nil
	}
	rows = rows[:in.Limit]
	return rows, []string{in.link("next", url.Values{"cursor": {cursor(rows[in.Limit-1]).String()}})}
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
	Link []string `header:"Link" doc:"The next page. There is no way back."`
	Body T
}

func trashOperations(a *API) {
	const tag = "trash"

	type restoreGoal struct {
		GoalPath
		Together bool `query:"together" doc:"With all that was deleted in the same transaction."`
	}

	register(a, "GET /trash/tasks", tag, "list-deleted-tasks", "List deleted tasks", func(ctx context.Context, me *caller, in *TrashQuery) (*TrashOut[DeletedTasks], error) {
		before, id, err := in.after()
		if err != nil {
			return nil, err
		}
		rows, err := me.DeletedTasks(ctx, planner.DeletedTasksParams{Before: before, BeforeID: planner.TaskID(id), Limit: in.Limit + 1})
		if err != nil {
			return nil, err
		}
		rows, links := cut(in, rows, func(t planner.DeletedTask) trashCursor { return trashCursor{t.DeletedAt, int64(t.ID)} })
		return &TrashOut[DeletedTasks]{links, DeletedTasks{rows}}, nil
	})
	register(a, "GET /trash/goals", tag, "list-deleted-goals", "List deleted goals", func(ctx context.Context, me *caller, in *TrashQuery) (*TrashOut[DeletedGoals], error) {
		before, id, err := in.after()
		if err != nil {
			return nil, err
		}
		rows, err := me.DeletedGoals(ctx, planner.DeletedGoalsParams{Before: before, BeforeID: planner.GoalID(id), Limit: in.Limit + 1})
		if err != nil {
			return nil, err
		}
		rows, links := cut(in, rows, func(g planner.DeletedGoal) trashCursor { return trashCursor{g.DeletedAt, int64(g.ID)} })
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
