package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestTree(t *testing.T) {
	t.Parallel()
	row := func(depth int, title string, status planner.GoalStatus, percentage float64) planner.GoalTreeRow {
		return planner.GoalTreeRow{Depth: depth, Goal: planner.Goal{Title: title, Status: status, ProgressPercentage: percentage}}
	}
	rows := []planner.GoalTreeRow{
		row(0, "a root", planner.GoalActive, 44.17),
		row(1, "a leaf", planner.GoalActive, 10),
		row(1, "done", planner.GoalCompleted, 100),
		row(2, "below", planner.GoalOnHold, 7.5),
		row(3, "further below", planner.GoalActive, 0),
		row(1, "the last", planner.GoalCancelled, 99.99),
		row(2, "below the last", planner.GoalActive, 0),
		row(0, "another root", planner.GoalActive, 0),
	}
	rows[0].Goal.TaskCount, rows[0].Goal.CompletedTaskCount = 3, 1
	rows[1].Goal.TargetDate = new(time.Date(2031, 3, 31, 17, 0, 0, 0, time.UTC))

	var out bytes.Buffer
	r := newReport(&out)
	r.glyph = unicode
	r.legend()
	r.tree(rows)
	const want = `  progress: of the goal's tasks and sub-goals; tasks: done of those directly under the goal

  goal                                         progress                  tasks  target or status
  a root                                       ███████░░░░░░░░░   44.2%    1/3  
  ├─ a leaf                                    █░░░░░░░░░░░░░░░   10.0%         by 31 Mar 2031
  ├─ done                                      ████████████████  100.0%         completed
  │  └─ below                                  █░░░░░░░░░░░░░░░    7.5%         on hold
  │     └─ further below                       ░░░░░░░░░░░░░░░░    0.0%         
  └─ the last                                  ███████████████░  100.0%         cancelled
     └─ below the last                         ░░░░░░░░░░░░░░░░    0.0%         
  another root                                 ░░░░░░░░░░░░░░░░    0.0%         
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}
