package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestTree(t *testing.T) {
	t.Parallel()
	goal := func(id, parent planner.GoalID, title string, status planner.GoalStatus, stored float64) planner.Goal {
		g := planner.Goal{ID: id, Title: title, Status: status, ProgressPercentage: stored}
		if parent > 0 {
			g.ParentGoalID = &parent
		}
		return g
	}
	task := func(parent planner.GoalID, status planner.TaskStatus) planner.Task {
		return planner.Task{ParentGoalID: &parent, Status: status}
	}
	goals := []planner.Goal{
		goal(1, 0, "both kinds: (1/3 + 55)/2", planner.GoalActive, 0),
		goal(2, 1, "a leaf", planner.GoalActive, 10),
		goal(3, 1, "pinned", planner.GoalCompleted, 100),
		goal(4, 1, "left out above", planner.GoalCancelled, 99.99),
		goal(5, 3, "only a cancelled one below", planner.GoalOnHold, 7.5),
		goal(6, 5, "tasks only", planner.GoalCancelled, 0),
	}
	goals[1].TargetDate = new(time.Date(2031, 3, 31, 17, 0, 0, 0, time.UTC))
	tasks := []planner.Task{
		task(1, planner.TaskCompleted), task(1, planner.TaskBlocked), task(1, planner.TaskInProgress),
		task(3, planner.TaskPending), task(6, planner.TaskCompleted),
	}

	var out bytes.Buffer
	r := newReport(&out)
	r.glyph = unicode
	r.goal(newTree(goals, tasks), goals[0], "", "")
	const want = `  both kinds: (1/3 + 55)/2                     ███████░░░░░░░░░   44.2%    1/3  
  ├─ a leaf                                    █░░░░░░░░░░░░░░░   10.0%         by 31 Mar
  ├─ pinned                                    ████████████████  100.0%    0/1  completed
  │  └─ only a cancelled one below             █░░░░░░░░░░░░░░░    7.5%         on hold
  │     └─ tasks only                          ████████████████  100.0%    1/1  cancelled
  └─ left out above                            ███████████████░  100.0%         cancelled
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}
