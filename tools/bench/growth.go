package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

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
	namedCase("own query"),
	namedCase("complete"),
}

type growthOptions struct {
	output
	effort
	sizes []int // tasks in each database
}

func parseGrowth(args []string) (growthOptions, error) {
	o := growthOptions{output: output{args: args}}
	flags := flag.NewFlagSet("bench growth", flag.ContinueOnError)
	o.output.define(flags)
	o.effort.define(flags, 100, 20*time.Millisecond)
	sizes := flags.String("sizes", "10000,100000,1000000,10000000", "the sizes of the databases, in tasks")
	err := flags.Parse(args)
	if err != nil {
		return o, err
	}
	o.sizes, err = numbers("sizes", *sizes)
	return o, err
}

// runGrowth lets the databases take turns, with one client and without latency.
func runGrowth(ctx context.Context, o growthOptions, logf func(string, ...any)) (err error) {
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{Logf: logf})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	var (
		benches []*bench
		players []player
	)
	defer func() {
		for _, p := range players {
			p.Close()
		}
		for _, b := range benches {
			err = errors.Join(err, b.Close(context.WithoutCancel(ctx)))
		}
	}()
	for _, tasks := range o.sizes {
		s := emptySite(size{users: max(2, tasks/tasksOfAGrownUser), tasks: tasks, heavy: tasksOfAGrownUser})
		b := &bench{site: s, contenders: []contender{bizydbItself}, effort: o.effort}
		benches = append(benches, b)
		began := time.Now()
		if err := s.fill(ctx, server, &s.triggers, &s.owner.triggers, 1); err != nil {
			return err
		}
		if err := s.look(ctx, 1, 1); err != nil {
			return err
		}
		logf("loaded %d tasks: %s", tasks, time.Since(began).Round(time.Second))
		p, err := bizydbItself.open(ctx, s.triggers.DSN, 1)
		if err != nil {
			return err
		}
		players = append(players, player{Peer: p})
	}
	last := benches[len(benches)-1]
	var f figures
	if f.run, err = newRun(ctx, "growth", o.args, last.size, o.effort, last.owner.triggers); err != nil {
		return err
	}
	for _, work := range growthCases {
		for i := range players {
			players[i].turns = nil
		}
		for round := range o.rounds + 1 {
			for turn := range o.sizes {
				i := (turn + round) % len(o.sizes)
				benches[i].round = round
				t, err := benches[i].turn(ctx, work, &players[i], 1, o.turn)
				if err != nil {
					return fmt.Errorf("%s with %d tasks: %w", work.name, o.sizes[i], err)
				}
				if round > 0 { // the first one fills the server's memory
					players[i].turns = append(players[i].turns, t)
				}
			}
		}
		for i, tasks := range o.sizes {
			c := cell{Case: work.name, Clients: 1, Tasks: tasks, Peer: bizydbItself.name}
			c.measured(players[i], players[0])
			f.cells = append(f.cells, c)
		}
		logf("%s in %d sizes", work.name, len(o.sizes))
	}
	return o.store("growth", f, logf)
}

func growthTable(f figures) string {
	sizes := distinct(f.cells, func(c cell) int { return c.Tasks })
	t := table{head: []string{"µs"}}
	for i, tasks := range sizes {
		t.head = append(t.head, thousands(tasks))
		if i > 0 {
			t.head = append(t.head, "×")
		}
	}
	for _, work := range f.works() {
		about := growthCases[slices.IndexFunc(growthCases, func(c benchCase) bool { return c.name == work })].about
		row := []string{work + ": " + about}
		for _, c := range f.cells {
			if c.Case != work {
				continue
			}
			row = append(row, micros(c.Time.median))
			if c.Tasks != sizes[0] {
				row = append(row, c.Ratio.String())
			}
		}
		t.add(row...)
	}
	conditions := table{head: []string{"", ""}, texts: 2}
	conditions.add("measured", fmt.Sprintf("on %s, at commit %s, by `%s` in tools/bench", f.Date, f.Commit, f.Command))
	conditions.add("server", f.Server)
	conditions.add("turns", fmt.Sprintf("%d rounds of %s", f.Rounds, f.Turn))
	return conditions.String() + "\n" + t.String()
}
