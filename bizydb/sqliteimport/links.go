package sqliteimport

import (
	"context"
	"slices"
	"strconv"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
)

// refer finds the row that another one refers to, or none, which it reports with f.
func (i *importer) refer(to *rows, id int64, f Finding) int32 {
	f.Old = strconv.FormatInt(id, 10)
	at := to.find(id)
	switch {
	case at == none:
		f.Problem = Missing
	case to.states[at] == gone:
		f.Problem = Deleted
	default:
		return at
	}
	i.found(f)
	return none
}

func byTask(w waiting, task int32) int { return int(w.task) - int(task) }

// leftOut is the finding for a row that refers to one that is left out, and so is left out as well.
func leftOut(table string, id int64, column string, to int64) Finding {
	return Finding{Table: table, ID: id, Column: column, Problem: Missing, Old: strconv.FormatInt(to, 10), Refused: true}
}

// refuseWith leaves out the fresh rows that refer to one of the same table that is left out, and so on: they can come with it
// once it has been mended, and then be linked.
func (i *importer) refuseWith(r *rows, table, column string, refersTo func(at int) []int64) {
	var out []int32
	referring := map[int32][]int32{}
	for at, state := range r.states {
		if state == refused {
			out = append(out, int32(at))
		}
	}
	if len(out) == 0 {
		return
	}
	for at, state := range r.states {
		if state != fresh {
			continue
		}
		for _, id := range refersTo(at) {
			if to := r.find(id); to != none {
				referring[to] = append(referring[to], int32(at))
			}
		}
	}
	for k := 0; k < len(out); k++ { // it grows
		for _, at := range referring[out[k]] {
			if r.states[at] == fresh {
				i.found(leftOut(table, r.ids[at], column, r.ids[out[k]]))
				r.states[at] = refused
				out = append(out, at)
			}
		}
	}
}

// cutGoalCycles makes a root of the goal with the lowest id in each cycle of goals that are each other's ancestors.
func (i *importer) cutGoalCycles() {
	o := &i.outline
	walk := make([]int32, len(o.goalFacts)) // in which walk a goal was met, 0 for none
	for start := range o.goalFacts {
		at := int32(start)
		for at != none && walk[at] == 0 {
			walk[at] = int32(start) + 1
			at = o.goalFacts[at].parent
		}
		if at == none || walk[at] != int32(start)+1 {
			continue
		}
		lowest := at // of the cycle that the walk has come to
		for next := o.goalFacts[at].parent; next != at; next = o.goalFacts[next].parent {
			lowest = min(lowest, next)
		}
		parent := &o.goalFacts[lowest].parent
		i.found(Finding{
			Table: "goals", ID: o.goals.ids[lowest], Column: "parent_goal_id", Problem: Cycle,
			Old: strconv.FormatInt(o.goals.ids[*parent], 10),
		})
		*parent = none
	}
}

// cutDeepGoals makes a root of each goal that would be on another level.
func (i *importer) cutDeepGoals(ctx context.Context) error {
	o := &i.outline
	levels := make([]int, len(o.goalFacts)) // of fresh goals, and of known ones above them
	order := o.fromTheRoots()
	if slices.ContainsFunc(order, func(at int32) bool {
		return o.goalFacts[at].parent != none && o.goals.states[o.goalFacts[at].parent] == known
	}) {
		list, err := i.queries.GoalStatuses(ctx)
		if err != nil {
			return err
		}
		parents := make(map[int64]int64, len(list))
		for _, goal := range list {
			if goal.ParentGoalID != nil {
				parents[int64(goal.ID)] = int64(*goal.ParentGoalID)
			}
		}
		for at, id := range o.goals.newIDs {
			for ; o.goals.states[at] == known && id != 0 && levels[at] < importsql.MaxLevels; id = parents[id] {
				levels[at]++
			}
		}
	}
	for _, at := range order {
		parent := &o.goalFacts[at].parent
		if *parent != none && levels[*parent] == importsql.MaxLevels {
			i.found(Finding{
				Table: "goals", ID: o.goals.ids[at], Column: "parent_goal_id", Problem: TooDeep,
				Old: strconv.FormatInt(o.goals.ids[*parent], 10),
			})
			*parent = none
		}
		if levels[at] = 1; *parent != none {
			levels[at] += levels[*parent]
		}
	}
	return nil
}

// cutDependencyCycles drops dependencies that close a cycle, on a walk that goes to what a task waits for before it goes
// on to the next task. On the way it finds the wave of each.
func (i *importer) cutDependencyCycles() {
	o := &i.outline
	o.waves = make([]int32, len(o.tasks.ids))
	place := make([]int32, len(o.tasks.ids)) // in waiting, and 1; 0 for tasks that wait for none
	for w := range o.waiting {
		place[o.waiting[w].task] = int32(w) + 1
	}
	const unseen, open, closed = 0, 1, 2
	seen := make([]byte, len(o.waiting))
	type visit struct{ w, next int }
	for start := range o.waiting {
		if seen[start] != unseen {
			continue
		}
		seen[start] = open
		stack := []visit{{w: start}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			here := &o.waiting[top.w]
			if top.next == len(here.on) {
				seen[top.w] = closed
				for _, on := range here.on {
					if o.tasks.states[on] == fresh {
						o.waves[here.task] = max(o.waves[here.task], o.waves[on]+1)
					}
				}
				stack = stack[:len(stack)-1]
				continue
			}
			on := here.on[top.next]
			w := int(place[on]) - 1
			switch {
			case w >= 0 && seen[w] == open:
				i.found(Finding{
					Table: "tasks", ID: o.tasks.ids[here.task], Column: "dependencies", Problem: Cycle,
					Old: strconv.FormatInt(o.tasks.ids[on], 10),
				})
				here.on = append(here.on[:top.next], here.on[top.next+1:]...)
				continue
			case w >= 0 && seen[w] == unseen:
				seen[w] = open
				top.next++
				stack = append(stack, visit{w: w})
			default:
				top.next++
			}
		}
	}
}

// waitsFor are the tasks that a task waits for.
func (o *outline) waitsFor(task int32) []int32 {
	w, ok := slices.BinarySearchFunc(o.waiting, task, byTask)
	if !ok {
		return nil
	}
	return o.waiting[w].on
}
