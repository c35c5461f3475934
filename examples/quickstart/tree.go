package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A tree has goals and tasks under the goal that they belong to, under 0 those that belong to none.
type tree struct {
	goals map[planner.GoalID][]planner.Goal
	tasks map[planner.GoalID][]planner.Task
}

func newTree(goals []planner.Goal, tasks []planner.Task) tree {
	t := tree{map[planner.GoalID][]planner.Goal{}, map[planner.GoalID][]planner.Task{}}
	under := func(parent *planner.GoalID) planner.GoalID {
		if parent == nil {
			return 0
		}
		return *parent
	}
	for _, g := range goals {
		t.goals[under(g.ParentGoalID)] = append(t.goals[under(g.ParentGoalID)], g)
	}
	for _, k := range tasks {
		t.tasks[under(k.ParentGoalID)] = append(t.tasks[under(k.ParentGoalID)], k)
	}
	return t
}

// progress is what the goal's bar shows. It is for display only: the stored percentage of a goal does not follow its
// tasks and sub-goals yet, it is whatever was last written. This is the rule that it will follow: the share of completed
// tasks, the mean of the sub-goals that are not cancelled, or the mean of the two if there are both.
func (t tree) progress(g planner.Goal) float64 {
	if g.Status == planner.GoalCompleted {
		return 100
	}
	var parts []float64
	if tasks := t.tasks[g.ID]; len(tasks) > 0 {
		parts = append(parts, 100*float64(completed(tasks))/float64(len(tasks)))
	}
	var subgoals []float64
	for _, sub := range t.goals[g.ID] {
		if sub.Status != planner.GoalCancelled {
			subgoals = append(subgoals, t.progress(sub))
		}
	}
	if len(subgoals) > 0 {
		parts = append(parts, mean(subgoals))
	}
	if len(parts) == 0 {
		return g.ProgressPercentage
	}
	return math.Round(mean(parts)*100) / 100
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func completed(tasks []planner.Task) (n int) {
	for _, t := range tasks {
		if t.Status == planner.TaskCompleted {
			n++
		}
	}
	return n
}

// printTree prints a user's goals with their progress, and returns them.
func printTree(ctx context.Context, r *report, alice bizydb.Scope) (tree, error) {
	var goals []planner.Goal
	var tasks []planner.Task
	// Two lists that fit together, whoever writes in between.
	err := r.step("Snapshot", 4, func() (string, error) {
		err := alice.Snapshot(ctx, func(tx *bizydb.Tx) (err error) {
			if goals, err = tx.ListGoals(ctx, planner.ListGoalsParams{}); err != nil {
				return err
			}
			tasks, err = tx.ListTasks(ctx, planner.ListTasksParams{})
			return err
		})
		return count(len(goals), "goal") + " and " + count(len(tasks), "task") + ", as of one moment", err
	})
	if err != nil {
		return tree{}, err
	}
	t := newTree(goals, tasks)
	r.printf("\n")
	for _, g := range t.goals[0] {
		r.goal(t, g, "", "")
	}
	if loose := t.tasks[0]; len(loose) > 0 {
		r.printf("  %-69s%7s\n", "Tasks under no goal", fmt.Sprintf("%d/%d", completed(loose), len(loose)))
	}
	return t, nil
}

const barWidth = 16

// goal prints a goal and what is under it. Its own line begins with first, those under it with rest.
func (r *report) goal(t tree, g planner.Goal, first, rest string) {
	percent := t.progress(g)
	cells := int(percent / 100 * barWidth) // full only at 100
	bar := strings.Repeat(r.glyph.full, cells) + strings.Repeat(r.glyph.empty, barWidth-cells)

	done, note := "", ""
	if tasks := t.tasks[g.ID]; len(tasks) > 0 {
		done = fmt.Sprintf("%d/%d", completed(tasks), len(tasks))
	}
	if g.Status != planner.GoalActive {
		note = strings.ReplaceAll(string(g.Status), "_", " ")
	} else if g.TargetDate != nil {
		note = "by " + g.TargetDate.Format("2 Jan")
	}
	r.printf("  %-44s %s %6.1f%%%7s  %s\n", r.cut(first+g.Title, 44), bar, percent, done, note)

	subgoals := t.goals[g.ID]
	for i, sub := range subgoals {
		if i < len(subgoals)-1 {
			r.goal(t, sub, rest+r.glyph.branch, rest+r.glyph.pipe)
		} else {
			r.goal(t, sub, rest+r.glyph.last, rest+"   ")
		}
	}
}
