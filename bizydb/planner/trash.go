package planner

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A LinkReason says why a link of a restored goal or task was left out.
type LinkReason string

// The reasons for which links are left out.
const (
	LinkDeleted LinkReason = "deleted" // the ParentGoal or Dependency is deleted; the link comes back when it is restored
	LinkGone    LinkReason = "gone"    // the ParentGoal, the Dependency or the row that Column referenced no longer exists
	LinkMoved   LinkReason = "moved"   // the Goal or Task is under another goal now
	LinkCycle   LinkReason = "cycle"   // a goal would be its own ancestor, or a task would depend on itself
	LinkDepth   LinkReason = "depth"   // there would be more than 100 levels of goals
)

// A LeftOutLink is a link of a goal or task that was not restored with it. The link leads from Goal or Task to the ParentGoal, or
// from Task to the Dependency. For a reference in a column of the service's own, Column is the name of this column of Goal or
// Task: it had a value and is NULL now. The other fields are zero.
type LeftOutLink struct {
	Goal       GoalID     `json:"goal,omitempty"`
	Task       TaskID     `json:"task,omitempty"`
	ParentGoal GoalID     `json:"parent_goal,omitempty"`
	Dependency TaskID     `json:"dependency,omitempty"`
	Column     string     `json:"column,omitempty"`
	Reason     LinkReason `json:"reason"`
}

// LeftOutLinks is a list of links that were not restored. If every link is back it is empty, not nil.
type LeftOutLinks []LeftOutLink

// A RestoredTask is the result of RestoreTask: the task as it is now.
type RestoredTask struct {
	Task    Task         `json:"task"`
	LeftOut LeftOutLinks `json:"left_out"`
}

// A RestoredGoal is the result of RestoreGoal: the goal as it is now.
type RestoredGoal struct {
	Goal    Goal         `json:"goal"`
	Goals   []GoalID     `json:"goals"` // all restored goals, this one included
	Tasks   []TaskID     `json:"tasks"` // the tasks restored with it
	LeftOut LeftOutLinks `json:"left_out"`
}

// RestoreGoalParams selects the deleted goal that RestoreGoal restores.
type RestoreGoalParams struct {
	ID GoalID `json:"id"`
	// Together also restores all goals and tasks that were deleted in the same transaction.
	Together bool `json:"together"`
}

// RestoreTask restores a deleted task with its id and returns it. The task is under its goal again and has its dependencies, and
// the tasks that depended on it depend on it again. Links made since the deletion stay. Links that are no longer possible are in
// LeftOut. Progress follows as for a new task. Returns ErrNotFound if there is no such deleted task.
func (q *Queries) RestoreTask(ctx context.Context, id TaskID) (_ RestoredTask, err error) {
	defer executor.NameError(&err, "RestoreTask")
	row, err := q.restoreTask(ctx, int64(id))
	return RestoredTask(row), err
}

// RestoreGoal restores a deleted goal with its id and its status and returns it. The goal is under its parent again, and its
// sub-goals and tasks are under it again. Links made since the deletion stay. Links that are no longer possible are in LeftOut.
// The progress of the goals above follows as for a goal that is moved under them. Returns ErrNotFound if there is no such deleted
// goal.
func (q *Queries) RestoreGoal(ctx context.Context, arg RestoreGoalParams) (_ RestoredGoal, err error) {
	defer executor.NameError(&err, "RestoreGoal")
	row, err := q.restoreGoal(ctx, restoreGoalParams{ID: int64(arg.ID), Together: arg.Together})
	restored := RestoredGoal{Goal: row.Goal, Goals: make([]GoalID, len(row.RestoredGoals)), Tasks: make([]TaskID, len(row.RestoredTasks)), LeftOut: row.LeftOut}
	for i, id := range row.RestoredGoals {
		restored.Goals[i] = GoalID(id)
	}
	for i, id := range row.RestoredTasks {
		restored.Tasks[i] = TaskID(id)
	}
	return restored, err
}
