package main

import (
	"context"
	"runtime"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// count counts what one operation allocates, and on another pool how often it waits for the server.
func (b *bench) count(ctx context.Context, work benchCase, p *player, into *cell) error {
	c, mine, times := b.contenders[p.index], b.workspaces[p.index][:1], tasksOfAChain
	if work.alone {
		times = 1
	}
	repeat := func(p Peer, before, after func()) error {
		for range 2 { // the first time warms up
			before()
			for i := range times {
				if err := work.do(ctx, b.site, p, mine[0], 0, i); err != nil {
					return err
				}
			}
			after()
			if err := b.tidy(ctx, work, c, mine); err != nil {
				return err
			}
		}
		return nil
	}
	var start, end runtime.MemStats
	if err := repeat(p.Peer, func() { runtime.ReadMemStats(&start) }, func() { runtime.ReadMemStats(&end) }); err != nil {
		return err
	}
	if _, other := p.Peer.(selfTimed); !other { // of which nothing is known here
		into.Allocations = short(float64(end.Mallocs-start.Mallocs) / float64(times))
	}

	proxy, through, err := bizydbtest.StartProxy(b.dsn(c, work, 0))
	if err != nil {
		return err
	}
	defer proxy.Close()
	counted, err := c.open(ctx, through, 1)
	if err != nil {
		return err
	}
	defer counted.Close()
	trips := 0
	if err := repeat(counted, func() { proxy.RoundTrips() }, func() { trips = proxy.RoundTrips() }); err != nil {
		return err
	}
	into.Trips = short(float64(trips) / float64(times))
	return nil
}
