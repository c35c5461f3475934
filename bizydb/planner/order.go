package planner

import (
	"context"
	"slices"
)

// A CriticalPath is a chain of tasks, each of which depends on the one before.
type CriticalPath struct {
	Tasks []Task  // in the order in which they have to be done
	Hours float64 // the sum of their estimates
}

// TaskOrder returns all tasks under a goal and the goals below it, in an order in which they can be done: each after those
// that it depends on. Where dependencies leave a choice, the order is that of lists. Dependencies on tasks elsewhere do not
// count. No such goal is an empty slice.
func (q *Queries) TaskOrder(ctx context.Context, goal GoalID) ([]Task, error) {
	tasks, err := q.GoalTasks(ctx, goal)
	if err != nil {
		return nil, err
	}
	return inOrder(tasks), nil
}

// CriticalPath returns, of the tasks under a goal and the goals below it that are not completed, the chain that takes the
// most estimated hours: with as many people as one likes, the rest of the goal takes as long. A task without an estimate
// counts 0 hours. Dependencies on tasks elsewhere do not count. With nothing left to do, and for no such goal, it has no
// tasks.
func (q *Queries) CriticalPath(ctx context.Context, goal GoalID) (CriticalPath, error) {
	tasks, err := q.GoalTasks(ctx, goal)
	if err != nil {
		return CriticalPath{}, err
	}
	return criticalPath(slices.DeleteFunc(tasks, func(t Task) bool { return t.Status == TaskCompleted })), nil
}

// inOrder sorts tasks topologically. Of those that can come next the first in tasks does: each task is preceded by what it
// depends on and has not come yet.
func inOrder(tasks []Task) []Task {
	at := positions(tasks)
	ordered := make([]Task, 0, len(tasks))
	seen := make([]bool, len(tasks))
	// What is to be visited, with the next of its dependencies to look at. A chain can be longer than a stack is deep.
	type visit struct{ task, next int }
	for i := range tasks {
		if seen[i] {
			continue
		}
		seen[i] = true
		for stack := []visit{{task: i}}; len(stack) > 0; {
			top := &stack[len(stack)-1]
			needs := tasks[top.task].Dependencies
			if top.next == len(needs) {
				ordered = append(ordered, tasks[top.task])
				stack = stack[:len(stack)-1]
				continue
			}
			need, here := at[needs[top.next]]
			top.next++
			if here && !seen[need] {
				seen[need] = true
				stack = append(stack, visit{task: need})
			}
		}
	}
	return ordered
}

func criticalPath(tasks []Task) CriticalPath {
	tasks = inOrder(tasks)
	at := positions(tasks)
	hours := make([]float64, len(tasks)) // of the longest chain that ends with the task
	before := make([]int, len(tasks))    // the task before it in that chain, -1 for none
	end := -1
	for i, task := range tasks {
		before[i] = -1
		for _, id := range task.Dependencies {
			if need, here := at[id]; here && (before[i] < 0 || hours[need] > hours[before[i]]) {
				before[i] = need
			}
		}
		if before[i] >= 0 {
			hours[i] = hours[before[i]]
		}
		if task.EstimatedHours != nil {
			hours[i] += *task.EstimatedHours
		}
		if end < 0 || hours[i] > hours[end] {
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

func positions(tasks []Task) map[TaskID]int {
	at := make(map[TaskID]int, len(tasks))
	for i, task := range tasks {
		at[task.ID] = i
	}
	return at
}
