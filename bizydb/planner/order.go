package planner

import (
	"container/heap"
	"context"
	"slices"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A CriticalPath is a chain of tasks in which each task depends on the task before it.
type CriticalPath struct {
	Tasks []Task  // in the order in which they must be done
	Hours float64 // the sum of the estimates of Tasks
}

// TaskOrder returns all tasks under a goal and its sub-goals at any depth, except under cancelled sub-goals, in topological
// order: each task comes after its dependencies, including indirect ones through tasks elsewhere. Ties are in list order. If the
// goal does not exist it returns an empty slice.
func (q *Queries) TaskOrder(ctx context.Context, goal GoalID) (_ []Task, err error) {
	defer executor.NameError(&err, "TaskOrder")
	rows, err := q.goalWork(ctx, goal)
	if err != nil {
		return nil, err
	}
	tasks := []Task{}
	for _, row := range inOrder(rows) {
		if !row.Elsewhere {
			tasks = append(tasks, row.Task)
		}
	}
	return tasks, nil
}

// CriticalPath returns the chain of dependent tasks with the most estimated hours in the remaining work of a goal. With
// unlimited people, the remaining work takes as long as this chain. If several chains have the most hours, it returns one with
// the most tasks.
//
// The remaining work consists of the unfinished tasks of TaskOrder, and of every unfinished task that they depend on, directly
// or through other unfinished tasks, under whichever goal. A task elsewhere does not count if only completed tasks depend on
// it. A task without an estimate counts 0 hours. If no work remains, or the goal does not exist, the path has no tasks.
func (q *Queries) CriticalPath(ctx context.Context, goal GoalID) (_ CriticalPath, err error) {
	defer executor.NameError(&err, "CriticalPath")
	rows, err := q.goalWork(ctx, goal)
	if err != nil {
		return CriticalPath{}, err
	}
	return criticalPath(left(inOrder(rows))), nil
}

// left are the tasks of rows, which are in order, that are not completed and that the goal waits for: those under it, and what
// these wait for. What a completed one depended on is not waited for.
func left(rows []goalWorkRow) []Task {
	needed := map[TaskID]bool{}
	var tasks []Task
	for _, row := range slices.Backward(rows) {
		if row.Task.Status == TaskCompleted || row.Elsewhere && !needed[row.Task.ID] {
			continue
		}
		tasks = append(tasks, row.Task)
		for _, id := range row.Task.Dependencies {
			needed[id] = true
		}
	}
	slices.Reverse(tasks)
	return tasks
}

// inOrder sorts rows topologically. Of those that can come next the first in rows does.
func inOrder(rows []goalWorkRow) []goalWorkRow {
	at := make(map[TaskID]int, len(rows))
	for i, row := range rows {
		at[row.Task.ID] = i
	}
	waitsFor := make([]int, len(rows)) // how many
	frees := make([][]int, len(rows))
	for i, row := range rows {
		for _, id := range row.Task.Dependencies {
			if need, here := at[id]; here {
				waitsFor[i]++
				frees[need] = append(frees[need], i)
			}
		}
	}
	var next places
	for i := range rows {
		if waitsFor[i] == 0 {
			next = append(next, i) // which is a heap, being sorted
		}
	}
	ordered := make([]goalWorkRow, 0, len(rows))
	for len(next) > 0 {
		i := heap.Pop(&next).(int)
		ordered = append(ordered, rows[i])
		for _, freed := range frees[i] {
			if waitsFor[freed]--; waitsFor[freed] == 0 {
				heap.Push(&next, freed)
			}
		}
	}
	return ordered
}

// places is a heap with the lowest number on top.
type places []int

func (p places) Len() int           { return len(p) }
func (p places) Less(i, j int) bool { return p[i] < p[j] }
func (p places) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *places) Push(i any)        { *p = append(*p, i.(int)) }
func (p *places) Pop() any {
	last := len(*p) - 1
	i := (*p)[last]
	*p = (*p)[:last]
	return i
}

// criticalPath looks for the longest chain in tasks, which are in order.
func criticalPath(tasks []Task) CriticalPath {
	at := make(map[TaskID]int, len(tasks))
	hours := make([]float64, len(tasks)) // of the longest chain that ends with the task
	length := make([]int, len(tasks))    // of that chain, in tasks
	before := make([]int, len(tasks))    // the task before it in that chain, -1 for none
	end := -1
	longer := func(a, b int) bool { // than the chain of b, -1 for none
		return b < 0 || hours[a] > hours[b] || hours[a] == hours[b] && length[a] > length[b]
	}
	for i, task := range tasks {
		at[task.ID], before[i], length[i] = i, -1, 1
		for _, id := range task.Dependencies {
			if need, here := at[id]; here && longer(need, before[i]) {
				before[i] = need
			}
		}
		if before[i] >= 0 {
			hours[i], length[i] = hours[before[i]], length[before[i]]+1
		}
		if task.EstimatedHours != nil {
			hours[i] += *task.EstimatedHours
		}
		if longer(i, end) {
			end = i
		}
	}
	path := CriticalPath{Tasks: []Task{}}
	if end >= 0 {
		path.Hours = hours[end]
	}
	for i := end; i >= 0; i = before[i] {
		path.Tasks = append(path.Tasks, tasks[i])
	}
	slices.Reverse(path.Tasks)
	return path
}
