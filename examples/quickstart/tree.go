package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// printTree prints a user's goals with their progress. It returns what somebody else can try to get at.
func printTree(ctx context.Context, r *report, alice bizydb.Scope) (goal planner.Goal, task planner.Task, err error) {
	var tree []planner.GoalTreeRow
	var tasks []planner.Task
	// A tree and a list that fit together, whoever writes in between.
	err = r.step("Snapshot", 4, func() (string, error) {
		err := alice.Snapshot(ctx, func(tx *bizydb.Tx) (err error) {
			if tree, err = tx.GoalTree(ctx, 0); err != nil {
				return err
			}
			tasks, err = tx.ListTasks(ctx, planner.ListTasksParams{})
			return err
		})
		return count(len(tree), "goal") + " and " + count(len(tasks), "task") + ", as of one moment", err
	})
	if err != nil {
		return goal, task, err
	}
	r.printf("\n")
	r.legend()
	r.tree(tree)
	loose, done := 0, 0
	for _, t := range tasks {
		if t.ParentGoalID == nil {
			loose++
			if t.Status == planner.TaskCompleted {
				done++
			}
		}
	}
	if loose > 0 {
		r.printf("  %-69s%7s\n", "Tasks under no goal", fmt.Sprintf("%d/%d", done, loose))
	}
	return tree[0].Goal, tasks[0], nil
}

const barWidth = 16

// legend prints what the columns of tree are.
func (r *report) legend() {
	r.printf("  progress: of the goal's tasks and sub-goals; tasks: done of those directly under the goal\n\n")
	r.printf("  %-44s %-*s%7s  %s\n", "goal", barWidth+8, "progress", "tasks", "target or status")
}

// tree prints goals, each behind the lines that lead to it.
func (r *report) tree(rows []planner.GoalTreeRow) {
	var lines []string // of each depth above
	for i, row := range rows {
		lines = lines[:min(row.Depth, len(lines))]
		first := ""
		if row.Depth > 0 {
			first = strings.Join(lines[1:], "") + r.glyph.last
			rest := "   "
			for _, later := range rows[i+1:] {
				if later.Depth <= row.Depth {
					if later.Depth == row.Depth {
						first, rest = strings.Join(lines[1:], "")+r.glyph.branch, r.glyph.pipe
					}
					break
				}
			}
			lines = append(lines, rest)
		} else {
			lines = append(lines, "")
		}
		r.goal(row, first)
	}
}

func (r *report) goal(row planner.GoalTreeRow, first string) {
	g := row.Goal
	cells := int(g.ProgressPercentage / 100 * barWidth) // full only at 100
	bar := strings.Repeat(r.glyph.full, cells) + strings.Repeat(r.glyph.empty, barWidth-cells)

	done, note := "", ""
	if g.TaskCount > 0 {
		done = fmt.Sprintf("%d/%d", g.CompletedTaskCount, g.TaskCount)
	}
	if g.Status != planner.GoalActive {
		note = strings.ReplaceAll(string(g.Status), "_", " ")
	} else if g.TargetDate != nil {
		note = "by " + g.TargetDate.Format("2 Jan 2006")
	}
	r.printf("  %-44s %s %6.1f%%%7s  %s\n", r.cut(first+g.Title, 44), bar, g.ProgressPercentage, done, note)
}
