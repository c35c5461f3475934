package userdata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A goal is what is left to do for a goal once it has been written.
type goal struct {
	parent                 int64 // in the document, 0 for none, and then its index, -1 for none
	level                  int   // from 1; 0 is not known yet
	status                 planner.GoalStatus
	completedAt, updatedAt int64 // in microseconds
}

const (
	unknownGoal = "must be the id of a goal of the document"
	unknownTask = "must be ids of tasks of the document"
)

// findParents finds which goals are above which, and refuses a tree that is none.
func (i *importer) findParents() error {
	const none = -1
	for at := range i.goals {
		g := &i.goals[at]
		if g.parent == 0 {
			g.parent = none
			continue
		}
		parent, ok := i.ids.goals.find(g.parent)
		if !ok {
			return refuseParent(at, unknownGoal)
		}
		g.parent = int64(parent)
	}

	const onPath = -1
	var path []int
	for at := range i.goals {
		path = path[:0]
		for ; at != none && i.goals[at].level == 0; at = int(i.goals[at].parent) {
			i.goals[at].level = onPath
			path = append(path, at)
		}
		level := 0
		switch {
		case at == none:
		case i.goals[at].level == onPath:
			return refuseParent(at, "must not be the goal itself or one below it")
		default:
			level = i.goals[at].level
		}
		for _, at := range slices.Backward(path) {
			if level++; level > importsql.MaxLevels {
				return refuseParent(at, "must not make more than 100 levels of goals")
			}
			i.goals[at].level = level
		}
	}
	return nil
}

// linkGoals gives goals their statuses and puts them under others, and says when they were completed and last changed. The deepest level
// comes first: all that is under a goal is there before it gets its status, and nothing is above it yet that this could complete or
// reopen. So a goal is written a few times, whatever is in the document.
func (i *importer) linkGoals(ctx context.Context) error {
	levels := make([][]int, importsql.MaxLevels+1)
	for at, g := range i.goals {
		levels[g.level] = append(levels[g.level], at)
	}
	for _, level := range slices.Backward(levels) {
		if err := i.settle(ctx, level); err != nil {
			return err
		}
		var links importsql.LinkGoalsParams
		for _, at := range level {
			if parent := i.goals[at].parent; parent >= 0 {
				links.IDs, links.Parents = append(links.IDs, i.ids.goals.new[at]), append(links.Parents, i.ids.goals.new[parent])
			}
		}
		if len(links.IDs) > 0 {
			if err := i.queries.LinkGoals(ctx, links); err != nil {
				return err
			}
		}
	}
	if len(i.goals) == 0 {
		return nil
	}
	times := make([]time.Time, len(i.goals))
	for at, g := range i.goals {
		times[at] = time.UnixMicro(g.updatedAt)
	}
	return i.queries.DateGoals(ctx, importsql.DateGoalsParams{IDs: i.ids.goals.new, Times: times})
}

// settle gives goals of one level their statuses. One that is resumed with all of its work done is completed by that, and then made active
// again.
func (i *importer) settle(ctx context.Context, level []int) error {
	for range 3 {
		goals, err := i.unsettled(ctx, level)
		if err != nil || len(goals.IDs) == 0 {
			return err
		}
		if err := i.queries.SetGoalStatuses(ctx, goals); err != nil {
			return err
		}
	}
	return errors.New("userdata: the statuses of goals do not stay as they are set: a trigger of the database's own?")
}

// unsettled returns those of some goals that do not have their status or time of completion, with what they should have.
func (i *importer) unsettled(ctx context.Context, level []int) (goals importsql.SetGoalStatusesParams, err error) {
	for chunk := range slices.Chunk(level, importsql.ChunkRows) { // in order, since ids were given in the order of the document
		ids := make([]int64, len(chunk))
		for k, at := range chunk {
			ids[k] = i.ids.goals.new[at]
		}
		found, err := i.queries.ListProgress(ctx, ids)
		if err != nil {
			return goals, err
		}
		if len(found) != len(chunk) {
			return goals, fmt.Errorf("userdata: %d goals of %d are there", len(found), len(chunk))
		}
		for k, is := range found {
			g := i.goals[chunk[k]]
			completedAt := time.UnixMicro(g.completedAt)
			if is.Status == g.status && (is.CompletedAt == nil || is.CompletedAt.Equal(completedAt)) {
				continue
			}
			goals.IDs = append(goals.IDs, ids[k])
			goals.Statuses = append(goals.Statuses, string(g.status))
			goals.Times = append(goals.Times, completedAt)
		}
	}
	return goals, nil
}

func refuseParent(goal int, reason string) error {
	return &bizydb.FieldError{Table: "goals", Column: "parent_goal_id", Index: &goal, Reason: reason, Err: bizydb.ErrInvalid}
}

func refuseDependencies(task int, reason string) error {
	return &bizydb.FieldError{Table: "tasks", Column: "dependencies", Index: &task, Reason: reason, Err: bizydb.ErrInvalid}
}

// waiting is a task that depends on others: the index of the task, and where they are in importer.needed.
type waiting struct{ task, from, to int }

func (i *importer) needs(w int) []int64 { return i.needed[i.waiting[w].from:i.waiting[w].to] }

// waitingAt returns the index in importer.waiting of a task.
func (i *importer) waitingAt(task int64) (int, bool) {
	return slices.BinarySearchFunc(i.waiting, int(task), func(w waiting, task int) int { return w.task - task })
}

// distinct tells whether no id is there twice.
func distinct(ids planner.TaskIDs) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(slices.Compact(sorted)) == len(ids)
}

// linkTasks sets what tasks depend on: first that of tasks that depend on none that does, then that of those which depend on them, and
// so on. The database looks for a cycle only where something depends on a task already.
func (i *importer) linkTasks(ctx context.Context) error {
	waves, err := i.waves(ctx)
	if err != nil {
		return err
	}
	for _, wave := range waves {
		if err := i.linkWave(ctx, wave); err != nil {
			return err
		}
	}
	return nil
}

// waves returns the tasks that depend on others in that order, as indexes in importer.waiting, or refuses a cycle.
func (i *importer) waves(ctx context.Context) ([][]int, error) {
	open := make([]int, len(i.waiting))         // how many of a task's dependencies are waiting
	dependents := make([][]int, len(i.waiting)) // of a task, the waiting ones
	for w, waits := range i.waiting {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("userdata: %w", ctx.Err())
		}
		for k, id := range i.needs(w) {
			at, ok := i.ids.tasks.find(id)
			if !ok {
				return nil, refuseDependencies(waits.task, unknownTask)
			}
			i.needs(w)[k] = int64(at)
			if on, ok := i.waitingAt(int64(at)); ok {
				open[w]++
				dependents[on] = append(dependents[on], w)
			}
		}
	}
	var wave []int
	for w, n := range open {
		if n == 0 {
			wave = append(wave, w)
		}
	}
	var waves [][]int
	left := len(i.waiting)
	for len(wave) > 0 {
		waves = append(waves, wave)
		left -= len(wave)
		var next []int
		for _, w := range wave {
			for _, dependent := range dependents[w] {
				if open[dependent]--; open[dependent] == 0 {
					next = append(next, dependent)
				}
			}
		}
		wave = next
	}
	if left > 0 {
		return nil, refuseDependencies(i.waiting[i.inCycle(open)].task, "must not lead back to the task")
	}
	return waves, nil
}

// inCycle returns a task of a cycle, where all that are left depend on one that is left: the first that such a way comes to again.
func (i *importer) inCycle(open []int) int {
	passed := make([]bool, len(open))
	at := slices.IndexFunc(open, func(n int) bool { return n > 0 })
	for !passed[at] {
		passed[at] = true
		for _, need := range i.needs(at) {
			if on, ok := i.waitingAt(need); ok && open[on] > 0 {
				at = on
				break
			}
		}
	}
	return at
}

// manyLinks is from how many tasks on one statement is quicker that may read all of the user's tasks.
const manyLinks = 500

func (i *importer) linkWave(ctx context.Context, wave []int) error {
	if len(wave) >= manyLinks {
		return i.linkMany(ctx, wave)
	}
	for _, w := range wave {
		needs := i.needs(w)
		link := planner.SetTaskDependenciesParams{ID: planner.TaskID(i.ids.tasks.new[i.waiting[w].task]), Dependencies: make(planner.TaskIDs, len(needs))}
		for k, need := range needs {
			link.Dependencies[k] = planner.TaskID(i.ids.tasks.new[need])
		}
		if _, err := i.planner.SetTaskDependencies(ctx, link); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) linkMany(ctx context.Context, wave []int) error {
	var object []byte // as LinkTasks takes it
	n := 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		err := i.queries.LinkTasks(ctx, string(append(object, '}')))
		object, n = object[:0], 0
		return err
	}
	for _, w := range wave {
		object = append(object, "{,"[min(n, 1)], '"')
		object = strconv.AppendInt(object, i.ids.tasks.new[i.waiting[w].task], 10)
		object = append(object, '"', ':')
		for k, need := range i.needs(w) {
			object = append(object, "[,"[min(k, 1)])
			object = strconv.AppendInt(object, i.ids.tasks.new[need], 10)
		}
		object = append(object, ']')
		if n++; n == importsql.ChunkRows || len(object) >= importsql.ChunkBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
