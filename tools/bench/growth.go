package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

const tasksOfAGrownUser = 1000

// growthCases are what bizydb is asked in databases of more and more users.
var growthCases = []benchCase{
	namedCase("get"), namedCase("list"),
	{
		name: "overdue", about: "the 20 tasks that are longest overdue",
		do: func(ctx context.Context, s *site, p Peer, _ workspace, client, i int) error {
			user, _ := s.reader(client, i)
			tasks, err := p.(bizydbPeer).as(user).OverdueTasks(ctx, planner.OverdueTasksParams{At: &s.at, Limit: 20})
			return wantRows(len(tasks), 20, err)
		},
	},
	namedCase("complete"),
}

// A growth is what one case takes in databases of different sizes.
type growth struct {
	benchCase
	tasks  []int
	micros [][]float64 // by size, the median of each round
	ratios [][]float64 // by size, each round's to that of the smallest
}

// measureGrowth lets the databases take turns, with one client and without latency.
func measureGrowth(ctx context.Context, server *bizydbtest.Server, sizes []int, effort effort, logf func(string, ...any)) (all []growth, err error) {
	var benches []*bench
	var peers []Peer
	defer func() {
		for _, p := range peers {
			p.Close()
		}
		for _, b := range benches {
			err = errors.Join(err, b.Close(context.WithoutCancel(ctx)))
		}
	}()
	for _, tasks := range sizes {
		s := emptySite(size{users: max(2, tasks/tasksOfAGrownUser), tasks: tasks, heavy: tasksOfAGrownUser})
		b := &bench{site: s, contenders: []contender{bizydbItself}, effort: effort}
		benches = append(benches, b)
		logf("loading %d tasks", tasks)
		if err := s.fill(ctx, server, &s.triggers, &s.owner.triggers, 1); err != nil {
			return nil, err
		}
		if err := s.look(ctx, 1, 1); err != nil {
			return nil, err
		}
		p, err := bizydbItself.open(ctx, s.triggers.DSN, 1)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	for _, work := range growthCases {
		g := growth{benchCase: work, tasks: sizes, micros: make([][]float64, len(sizes)), ratios: make([][]float64, len(sizes))}
		for round := range effort.rounds + 1 {
			for turn := range sizes {
				i := (turn + round) % len(sizes)
				benches[i].round = round
				took, err := benches[i].turn(ctx, work, 0, peers[i], 1, effort.turn)
				if err != nil {
					return nil, fmt.Errorf("%s with %d tasks: %w", work.name, sizes[i], err)
				}
				if round > 0 { // the first one fills the server's memory
					g.micros[i] = append(g.micros[i], median(took))
				}
			}
		}
		for i := range sizes {
			g.ratios[i] = ratiosTo(g.micros[0], g.micros[i])
		}
		all = append(all, g)
		logf("%s in %d sizes", work.name, len(sizes))
	}
	return all, nil
}
