package planner

import "context"

// A LinkReason says why a restored goal or task did not get a link back.
type LinkReason string

// The reasons for which links are left out.
const (
	LinkDeleted LinkReason = "deleted" // the ParentGoal or Dependency is deleted; the link comes back when that is restored
	LinkGone    LinkReason = "gone"    // that, or what the Column referenced, does not exist anymore
	LinkMoved   LinkReason = "moved"   // the Goal or Task is under another goal by now
	LinkCycle   LinkReason = "cycle"   // a goal would be its own ancestor, or a task depend on itself
	LinkDepth   LinkReason = "depth"   // there would be more than 100 levels of goals
)

// A LeftOutLink is a link that a restored goal or task had when it was deleted and did not get back. It is from a Goal or a Task to the
// ParentGoal above it, or from a Task to a Dependency; or it is of a service's own, and a Column of the Goal or Task that was not NULL is.
// The other fields are zero.
type LeftOutLink struct {
	Goal       GoalID     `json:"goal,omitempty"`
	Task       TaskID     `json:"task,omitempty"`
	ParentGoal GoalID     `json:"parent_goal,omitempty"`
	Dependency TaskID     `json:"dependency,omitempty"`
	Column     string     `json:"column,omitempty"`
	Reason     LinkReason `json:"reason"`
}

// LeftOutLinks are empty, and not nil, if every link is back.
type LeftOutLinks []LeftOutLink

// A RestoredTask is a task after RestoreTask.
type RestoredTask struct {
	Task    Task         `json:"task"`
	LeftOut LeftOutLinks `json:"left_out"`
}

// A RestoredGoal is a goal after RestoreGoal.
type RestoredGoal struct {
	Goal    Goal         `json:"goal"`
	Goals   []GoalID     `json:"goals"` // all that were restored, this one among them
	Tasks   []TaskID     `json:"tasks"` // those restored with it
	LeftOut LeftOutLinks `json:"left_out"`
}

// RestoreGoalParams selects the deleted goal that RestoreGoal restores.
type RestoreGoalParams struct {
	ID GoalID `json:"id"`
	// Together restores all goals and tasks that were deleted in the same transaction, too.
	Together bool `json:"together"`
}

// RestoreTask restores a deleted task under its own id, as it was, and returns it. It comes back under its goal, with its dependencies,
// and the tasks that depended on it do so again. Links that have been made since then stay, and those that are not possible anymore are
// in LeftOut. Progress follows, as for a task that is added. If there is no such deleted task it returns ErrNotFound.
func (q *Queries) RestoreTask(ctx context.Context, id TaskID) (RestoredTask, error) {
	row, err := q.restoreTask(ctx, int64(id))
	return RestoredTask(row), err
}

// RestoreGoal restores a deleted goal under its own id, with the status that it had, and returns it. It comes back under its parent,
// and its sub-goals and tasks under it. Links that have been made since then stay, and those that are not possible anymore are in
// LeftOut. Progress follows, of the goals above as for a goal that is moved under them. If there is no such deleted goal it returns
// ErrNotFound.
func (q *Queries) RestoreGoal(ctx context.Context, arg RestoreGoalParams) (RestoredGoal, error) {
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
