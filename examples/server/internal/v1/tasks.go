package v1

import (
	"context"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A TaskQuery selects tasks.
type TaskQuery struct {
	CursorQuery
	ZoneQuery
	Status          planner.TaskStatuses `query:"status,explode" enum:"pending,in_progress,completed,blocked" doc:"With one of these. May be repeated."`
	Category        string               `query:"category"`
	Priority        int                  `query:"priority" minimum:"1" maximum:"5"`
	ParentGoalID    planner.GoalID       `query:"parent_goal_id" minimum:"1" doc:"Directly under this goal."`
	WithoutGoal     bool                 `query:"without_goal" doc:"Under no goal."`
	SkipUnderClosed bool                 `query:"skip_under_closed" doc:"Without those under a completed or cancelled goal, at any depth."`
	Ready           bool                 `query:"ready" doc:"Pending or in progress, with every dependency completed."`
	DueFrom         time.Time            `query:"due_from" doc:"Due at this time or later."`
	DueBefore       time.Time            `query:"due_before" doc:"Due before this time."`
	AnyTag          planner.Tags         `query:"any_tag,explode" doc:"With one of these tags. May be repeated."`
	AllTags         planner.Tags         `query:"all_tags,explode" doc:"With all of these tags. May be repeated."`
	Search          string               `query:"search" doc:"With this text in title, description or notes."`
	Order           string               `query:"order" enum:"priority,due_date" default:"priority" doc:"By priority, then by due date; or by due date alone, without tasks that have none."`
}

// A TaskList is a page of tasks.
type TaskList struct {
	Tasks []planner.Task `json:"tasks"`
	Total *int           `json:"total,omitempty" doc:"How many match on all pages, if total=true."`
}

// A TaskPageOut is the answer with a page.
type TaskPageOut struct {
	Link []string `header:"Link" doc:"The pages beside this one."`
	Body TaskList
}

// A Completion says more about what was done.
type Completion struct {
	ActualHours *float64   `json:"actual_hours" required:"false" minimum:"0" maximum:"1000000"`
	CompletedAt *time.Time `json:"completed_at" required:"false" doc:"Without it now."`
}

// A Block says what a task waits for.
type Block struct {
	Reason *string `json:"reason" required:"false"`
}

func taskOperations(a *API) {
	const tag = "tasks"

	type one struct {
		TaskPath
		IfNoneMatch
	}
	type change struct {
		TaskPath
		IfMatch
		Body Patch[TaskFields, planner.UpdateTaskParams]
	}
	type move struct { // or a deletion
		TaskPath
		IfMatch
	}
	type complete struct {
		TaskPath
		IfMatch
		Body *Completion
	}
	type block struct {
		TaskPath
		IfMatch
		Body *Block
	}
	type tagged struct {
		TaskPath
		Tag string `path:"tag"`
	}
	type depending struct {
		TaskPath
		DependencyID planner.TaskID `path:"dependency_id" minimum:"1"`
	}

	register(a, "GET /tasks", tag, "list-tasks", "List tasks", func(ctx context.Context, me *caller, in *TaskQuery) (*TaskPageOut, error) {
		page, err := me.PageTasks(ctx, planner.PageTasksParams{
			Statuses: in.Status, Category: some(in.Category), Priority: some(in.Priority), ParentGoalID: some(in.ParentGoalID),
			WithoutGoal: in.WithoutGoal, SkipUnderClosed: in.SkipUnderClosed, Ready: in.Ready, DueFrom: some(in.DueFrom),
			DueBefore: some(in.DueBefore), TimeZone: in.TimeZone, AnyTag: in.AnyTag, AllTags: in.AllTags, Search: in.Search,
			ByDueDate: in.Order == "due_date", Size: in.Limit, Cursor: planner.TaskCursor(in.Cursor), WithTotal: in.Total,
		})
		if err != nil {
			return nil, err
		}
		return &TaskPageOut{in.links(string(page.Next), string(page.Previous)), TaskList{page.Tasks, in.total(page.Total)}}, nil
	})
	register(a, "POST /tasks", tag, "create-task", "Create a task", func(ctx context.Context, me *caller, in *Answer[NewTask]) (*NewTaskOut, error) {
		task, err := me.CreateTask(ctx, planner.CreateTaskParams(in.Body))
		if err != nil {
			return nil, err
		}
		return &NewTaskOut{taskTag(task), path("/tasks/%d", task.ID), task}, nil
	}, created)
	register(a, "GET /tasks/{task_id}", tag, "get-task", "Get a task", func(ctx context.Context, me *caller, in *one) (*TaskOut, error) {
		out, err := oneTask(me.GetTask(ctx, in.TaskID))
		if err != nil {
			return nil, err
		}
		return out, in.unchanged(out.ETag)
	})
	register(a, "PATCH /tasks/{task_id}", tag, "update-task", "Change a task", func(ctx context.Context, me *caller, in *change) (_ *TaskOut, err error) {
		p := in.Body.params
		p.ID = in.TaskID
		if p.IfVersion, err = in.version(); err != nil {
			return nil, err
		}
		return oneTask(me.UpdateTask(ctx, p))
	}, describedAs("Fields that are sent change, and null clears."))
	register(a, "DELETE /tasks/{task_id}", tag, "delete-task", "Delete a task", func(ctx context.Context, me *caller, in *move) (*Nothing, error) {
		version, err := in.version()
		switch {
		case err != nil:
		case version != nil:
			_, err = me.DeleteTaskIfVersion(ctx, planner.DeleteTaskIfVersionParams{ID: in.TaskID, Version: *version})
		default:
			_, err = me.DeleteTask(ctx, in.TaskID)
		}
		return nil, err
	}, describedAs("It goes to the trash."))

	register(a, "POST /tasks/{task_id}/complete", tag, "complete-task", "Complete a task", func(ctx context.Context, me *caller, in *complete) (_ *TaskOut, err error) {
		p := planner.CompleteTaskParams{ID: in.TaskID}
		if p.IfVersion, err = in.version(); err != nil {
			return nil, err
		}
		if in.Body != nil {
			p.ActualHours, p.CompletedAt = in.Body.ActualHours, in.Body.CompletedAt
		}
		row, err := me.CompleteTask(ctx, p)
		return oneTask(row.Task, err)
	})
	register(a, "POST /tasks/{task_id}/reopen", tag, "reopen-task", "Make a completed task pending again", func(ctx context.Context, me *caller, in *move) (*TaskOut, error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		row, err := me.ReopenTask(ctx, planner.ReopenTaskParams{ID: in.TaskID, IfVersion: version})
		return oneTask(row.Task, err)
	})
	register(a, "POST /tasks/{task_id}/start", tag, "start-task", "Start a task", func(ctx context.Context, me *caller, in *move) (*TaskOut, error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		row, err := me.StartTask(ctx, planner.StartTaskParams{ID: in.TaskID, IfVersion: version})
		return oneTask(row.Task, err)
	})
	register(a, "POST /tasks/{task_id}/block", tag, "block-task", "Block a task", func(ctx context.Context, me *caller, in *block) (_ *TaskOut, err error) {
		p := planner.BlockTaskParams{ID: in.TaskID}
		if p.IfVersion, err = in.version(); err != nil {
			return nil, err
		}
		if in.Body != nil {
			p.Reason = in.Body.Reason
		}
		row, err := me.BlockTask(ctx, p)
		return oneTask(row.Task, err)
	})
	register(a, "POST /tasks/{task_id}/unblock", tag, "unblock-task", "Unblock a task", func(ctx context.Context, me *caller, in *move) (*TaskOut, error) {
		version, err := in.version()
		if err != nil {
			return nil, err
		}
		row, err := me.UnblockTask(ctx, planner.UnblockTaskParams{ID: in.TaskID, IfVersion: version})
		return oneTask(row.Task, err)
	})

	register(a, "PUT /tasks/{task_id}/tags/{tag}", tag, "add-tag", "Add a tag", func(ctx context.Context, me *caller, in *tagged) (*TaskOut, error) {
		return oneTask(me.AddTags(ctx, planner.AddTagsParams{ID: in.TaskID, Tags: planner.Tags{in.Tag}}))
	})
	register(a, "DELETE /tasks/{task_id}/tags/{tag}", tag, "remove-tag", "Remove a tag", func(ctx context.Context, me *caller, in *tagged) (*TaskOut, error) {
		return oneTask(me.RemoveTags(ctx, planner.RemoveTagsParams{ID: in.TaskID, Tags: planner.Tags{in.Tag}}))
	})
	register(a, "PUT /tasks/{task_id}/dependencies/{dependency_id}", tag, "add-dependency", "Let a task depend on another", func(ctx context.Context, me *caller, in *depending) (*TaskOut, error) {
		return oneTask(me.AddDependencies(ctx, planner.AddDependenciesParams{ID: in.TaskID, Dependencies: planner.TaskIDs{in.DependencyID}}))
	})
	register(a, "DELETE /tasks/{task_id}/dependencies/{dependency_id}", tag, "remove-dependency", "Let a task depend on another no more", func(ctx context.Context, me *caller, in *depending) (*TaskOut, error) {
		return oneTask(me.RemoveDependencies(ctx, planner.RemoveDependenciesParams{ID: in.TaskID, Dependencies: planner.TaskIDs{in.DependencyID}}))
	})
	register(a, "GET /tasks/{task_id}/blocking", tag, "list-blocking-tasks", "List the open tasks that a task waits for", func(ctx context.Context, me *caller, in *TaskPath) (*Answer[TaskList], error) {
		var task planner.Task
		var list TaskList
		err := me.Batch(ctx,
			read(&task, func(q bizydb.Reader) (planner.Task, error) { return q.GetTask(ctx, in.TaskID) }),
			read(&list.Tasks, func(q bizydb.Reader) ([]planner.Task, error) { return q.TasksBlocking(ctx, in.TaskID) }),
		)
		return answer(list, err)
	})
}
