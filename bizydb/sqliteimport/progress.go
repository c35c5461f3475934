package sqliteimport

import (
	"context"
	"slices"
	"strconv"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A standing is where a goal stands after the import.
type standing struct {
	status   planner.GoalStatus
	progress int64 // in hundredths of a percent
}

// preview tells for a dry run where the goals that are to be imported will stand, by the rules in the documentation of
// package bizydb, which the database follows by itself: schema/005_progress.sql. Of other goals it knows nothing.
func (o *outline) preview() map[int32]standing {
	type work struct{ tasks, done, goals, progress int64 }
	works := make([]work, len(o.goalFacts))
	for at, goal := range o.taskGoals {
		if goal != none && o.tasks.states[at] == fresh {
			works[goal].tasks++
			if o.done[at] {
				works[goal].done++
			}
		}
	}
	standings := make(map[int32]standing, len(o.goalFacts))
	for _, at := range slices.Backward(o.fromTheRoots()) {
		facts, w := o.goalFacts[at], works[at]
		s := standing{facts.status, facts.progress}
		switch {
		case s.status == planner.GoalCompleted:
			s.progress = 100_00
		case w.tasks > 0 || w.goals > 0:
			s.progress = workDone(w.tasks, w.done, w.goals, w.progress)
			if s.progress == 100_00 && s.status == planner.GoalActive {
				s.status = planner.GoalCompleted
			}
		}
		standings[at] = s
		if facts.parent != none && s.status != planner.GoalCancelled {
			works[facts.parent].goals++
			works[facts.parent].progress += s.progress
		}
	}
	return standings
}

// workDone is bizydb.work_done, of a goal that has tasks or sub-goals.
func workDone(tasks, done, goals, progress int64) int64 {
	var hundredths int64
	switch {
	case done == tasks && progress == 100_00*goals:
		return 100_00
	case goals == 0:
		hundredths = (200_00*done + tasks) / (2 * tasks)
	case tasks == 0:
		hundredths = (2*progress + goals) / (2 * goals)
	default:
		hundredths = (100_00*done*goals + progress*tasks + tasks*goals) / (2 * tasks * goals)
	}
	return min(hundredths, 99_99)
}

// fromTheRoots lists the goals that are to be imported, each after the one above it.
func (o *outline) fromTheRoots() []int32 {
	listed := make([]bool, len(o.goalFacts))
	order := make([]int32, 0, len(o.goalFacts))
	for start := range o.goalFacts {
		first := len(order)
		for at := int32(start); at != none && !listed[at] && o.goals.states[at] == fresh; at = o.goalFacts[at].parent {
			listed[at] = true
			order = append(order, at)
		}
		slices.Reverse(order[first:])
	}
	return order
}

// reportNewWork reports the goals, imported before and completed here, that new unfinished work comes under: by the same rules,
// which stop at a cancelled goal. They are reopened, unless the work is no more than active goals at 100 percent.
func (i *importer) reportNewWork(ctx context.Context, standings map[int32]standing) error {
	o := &i.outline
	var under []int32 // known goals that get unfinished work, some of them twice
	for at, goal := range o.taskGoals {
		if goal != none && o.tasks.states[at] == fresh && !o.done[at] && o.goals.states[goal] == known {
			under = append(under, goal)
		}
	}
	for at, s := range standings {
		if parent := o.goalFacts[at].parent; parent != none && o.goals.states[parent] == known &&
			s.status != planner.GoalCompleted && s.status != planner.GoalCancelled {
			under = append(under, parent)
		}
	}
	if len(under) == 0 {
		return nil
	}
	list, err := i.queries.GoalStatuses(ctx)
	if err != nil {
		return err
	}
	goals := make(map[planner.GoalID]importsql.GoalStatusesRow, len(list))
	for _, goal := range list {
		goals[goal.ID] = goal
	}
	completed := make(map[planner.GoalID]bool, len(under)) // of all that are met, whether they are that
	for _, at := range under {
		id := planner.GoalID(o.goals.newIDs[at])
		for {
			goal, there := goals[id]
			if _, met := completed[id]; met || !there {
				break
			}
			completed[id] = goal.Status == planner.GoalCompleted
			if goal.Status == planner.GoalCancelled || goal.ParentGoalID == nil {
				break
			}
			id = *goal.ParentGoalID
		}
	}
	for at, id := range o.goals.ids {
		if o.goals.states[at] == known && completed[planner.GoalID(o.goals.newIDs[at])] {
			i.found(Finding{Table: "goals", ID: id, Column: "status", Problem: NewWork})
		}
	}
	return nil
}

// reportProgress reports the goals that stand elsewhere than the file says.
func (i *importer) reportProgress(standings map[int32]standing) {
	for at, facts := range i.outline.goalFacts {
		s, ok := standings[int32(at)]
		if !ok {
			continue
		}
		f := Finding{Table: "goals", ID: i.outline.goals.ids[at], Problem: Recounted}
		if s.progress != facts.progress {
			f.Column, f.Old, f.New = "progress_percentage", facts.oldProgress, strconv.FormatFloat(float64(s.progress)/100, 'f', -1, 64)
			i.found(f)
		}
		if s.status != facts.status {
			f.Column, f.Old, f.New = "status", facts.oldStatus, string(s.status)
			i.found(f)
		}
	}
}
