package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

const madeCategory = "made"

// A benchCase is one thing to do.
type benchCase struct {
	name  string
	about string
	// alone: it is measured with one client only, since it keeps the server busy by itself.
	alone bool
	// writes says what it leaves behind.
	writes bool
	// completes: who does it by hand does so in the database without triggers.
	completes bool
	// do does it the i-th time, as one of several clients.
	do func(ctx context.Context, s *site, p Peer, mine workspace, client, i int) error
}

// most is how often a client can do it in a turn.
func (c benchCase) most(mine workspace) int {
	switch {
	case c.alone:
		return 1
	case c.completes:
		return len(mine.tasks)
	default:
		return math.MaxInt
	}
}

var cases = []benchCase{
	{
		name: "get", about: "one task by its id",
		do: func(ctx context.Context, s *site, p Peer, _ workspace, client, i int) error {
			user, task := s.reader(client, i)
			return p.Get(ctx, user, task, nil)
		},
	},
	{
		name: "list", about: "the 20 most urgent tasks",
		do: func(ctx context.Context, s *site, p Peer, _ workspace, client, i int) error {
			user, _ := s.reader(client, i)
			n, err := p.List(ctx, user, nil)
			return wantRows(n, 20, err)
		},
	},
	{
		name: "own query", about: "a service's own SQL: the open tasks of a goal and all goals below it, counted by goal and status",
		do: func(ctx context.Context, s *site, p Peer, _ workspace, client, i int) error {
			user, _ := s.reader(client, i)
			n, err := p.OpenInTree(ctx, user, treeOf(user), nil)
			if err == nil && n < goalsOfATree {
				err = fmt.Errorf("%d rows, want %d or more", n, goalsOfATree)
			}
			return err
		},
	},
	{
		name:  "dashboard",
		about: "five reads: 5 overdue tasks, 20 tasks due within a week, counts by status, 5 goals near completion, the rate of completion",
		do: func(ctx context.Context, s *site, p Peer, _ workspace, client, i int) error {
			user, _ := s.reader(client, i)
			return p.Dashboard(ctx, user, s.at, nil)
		},
	},
	{
		name: "stream", about: "as many tasks of the heavy user, in the order of lists, one by one", alone: true,
		do: func(ctx context.Context, s *site, p Peer, _ workspace, _, _ int) error {
			n, err := p.Stream(ctx, s.heavyID, s.bulk, nil)
			return wantRows(n, s.bulk, err)
		},
	},
	{
		name: "create", about: "a task under a goal four deep; the triggers keep progress for everyone", writes: true,
		do: func(ctx context.Context, s *site, p Peer, mine workspace, _, i int) error {
			return p.Create(ctx, mine.user, s.newTask(mine, i), nil)
		},
	},
	{
		name: "complete", about: "a task four goals deep, and the progress of the four", writes: true, completes: true,
		do: func(ctx context.Context, _ *site, p Peer, mine workspace, _, i int) error {
			return p.Complete(ctx, mine.user, mine.tasks[i], nil)
		},
	},
	{
		name: "bulk", about: "many tasks created at once, in one transaction", writes: true, alone: true,
		do: func(ctx context.Context, s *site, p Peer, mine workspace, _, _ int) error {
			n, err := p.CreateMany(ctx, mine.user, s.newTasks(mine, s.bulk))
			return wantRows(n, s.bulk, err)
		},
	},
}

func namedCase(name string) benchCase {
	return cases[slices.IndexFunc(cases, func(c benchCase) bool { return c.name == name })]
}

// reader is whose data is read by what a client does the i-th time in this round, and which task of theirs: the same for
// everyone, and as good as by chance.
func (s *site) reader(client, i int) (user, task int64) {
	n := (uint64(s.round)*1_000_003 + uint64(client)*10_007 + uint64(i)) * 0x9e37_79b9_7f4a_7c15 >> 32
	r := s.readers[n%uint64(len(s.readers))]
	return r.user, r.tasks[n/uint64(len(s.readers))%uint64(len(r.tasks))]
}

func (s *site) newTask(mine workspace, i int) newTask {
	return newTask{
		goal: mine.goal, title: fmt.Sprint("made ", i), priority: 1 + i%5, category: madeCategory,
		due: s.at.Add(time.Duration(i%1000) * time.Hour), tags: []string{"made"},
	}
}

// newTasks are always the same, so that it takes no time to make them again.
func (s *site) newTasks(mine workspace, n int) []newTask {
	if len(s.many[mine.user]) != n {
		tasks := make([]newTask, n)
		for i := range tasks {
			tasks[i] = s.newTask(mine, i)
			tasks[i].goal -= int64(i % goalsOfAChain) // spread over the workspace
		}
		s.many[mine.user] = tasks
	}
	return s.many[mine.user]
}
