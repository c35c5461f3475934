package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A setting is how far the server is and how many ask it at once.
type setting struct {
	latency time.Duration
	clients int
}

// An effort is how long to measure.
type effort struct {
	rounds int
	turn   time.Duration // of one peer in one round, at the least one operation
	enough time.Duration // after it, and fewRounds, no round begins; 0 for no limit
}

// fewRounds is the smallest number of rounds, if more are asked for and one is long.
const fewRounds = 5

// A bench measures on one site.
type bench struct {
	*site
	contenders []contender
	effort
	proxies map[time.Duration]*delayProxy
	random  *rand.Rand
	most    int // connections that may be open at once
	opened  int // peers, until now
}

// A player is a contender who is open, and what was measured of it.
type player struct {
	Peer
	index       int    // of the contender
	application string // its connections bear this name
	meter       *meter
	turns       []turn
}

// A turn is what was measured of one peer in one round.
type turn struct {
	took           []float64 // µs, of each operation
	calls          int       // with those that only warmed up
	client, server float64   // µs of processor time, of all calls; 0 where it is not known
}

// measure lets the contenders take turns, in an order of chance in each round. If there are too few connections for all at once,
// it does so in groups, each with the first contender, whom the others are compared with.
func (b *bench) measure(ctx context.Context, work benchCase, at setting) ([]cell, error) {
	cells := make([]cell, len(b.contenders))
	var first player
	for _, group := range groups(len(b.contenders), b.most/at.clients) {
		players, err := b.play(ctx, work, at, group, cells)
		if err != nil {
			return nil, fmt.Errorf("%s, %w", work.name, err)
		}
		for _, p := range players[1:] {
			cells[p.index].measured(p, players[0])
		}
		first.turns = append(first.turns, players[0].turns...)
	}
	cells[0].measured(first, first)
	for i, c := range b.contenders {
		cells[i].Case, cells[i].Clients, cells[i].Latency, cells[i].Peer = work.name, at.clients, ms(at.latency), c.name
	}
	return cells, nil
}

// groups puts the numbers below n into groups of at most so many, each with 0.
func groups(n, most int) [][]int {
	all := [][]int{{0}}
	for i := 1; i < n; i++ {
		last := len(all) - 1
		if len(all[last]) >= max(2, most) {
			all = append(all, []int{0})
			last++
		}
		all[last] = append(all[last], i)
	}
	return all
}

// play measures a group.
func (b *bench) play(ctx context.Context, work benchCase, at setting, group []int, cells []cell) ([]player, error) {
	var players []player
	defer func() {
		for _, p := range players {
			p.Close()
		}
	}()
	for _, i := range group {
		b.opened++
		application := fmt.Sprint("bench-", b.opened)
		p, err := b.contenders[i].open(ctx, withParameter(b.dsn(b.contenders[i], work, at.latency), "application_name", application), at.clients)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.contenders[i].name, err)
		}
		players = append(players, player{Peer: p, index: i, application: application})
	}
	rounds := b.rounds
	if work.alone {
		rounds = max(1, rounds/4)
	}
	start := time.Now()
	bare := at == setting{clients: 1} // no latency: nothing else takes processor time
	for b.round = range rounds + 1 {  // the first one warms up: each connection of a pool is made and prepares its statements
		if b.enough > 0 && b.round > fewRounds && time.Since(start) > b.enough {
			break
		}
		for _, i := range b.random.Perm(len(players)) {
			p := &players[i]
			t, err := b.turn(ctx, work, p, at.clients, b.effort.turn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.contenders[p.index].name, err)
			}
			if b.round > 0 {
				p.turns = append(p.turns, t)
			} else if bare {
				if p.meter, err = newMeter(ctx, b.owner.triggers, p.application); err != nil {
					return nil, err
				}
			}
		}
	}
	for i := range players {
		if p := &players[i]; bare {
			if err := b.count(ctx, work, p, &cells[p.index]); err != nil {
				return nil, fmt.Errorf("%s: %w", b.contenders[p.index].name, err)
			}
		}
	}
	if work.writes {
		return players, b.vacuum(ctx)
	}
	return players, nil
}

// dsn says where a contender works on a case.
func (b *bench) dsn(c contender, work benchCase, latency time.Duration) string {
	db := b.triggers
	if work.completes && c.byHand {
		db = b.byHand
	}
	dsn := db.DSN
	if c.owner {
		dsn = db.AdminDSN
	}
	if proxy := b.proxies[latency]; proxy != nil {
		return proxy.through(dsn)
	}
	return dsn
}

// warmUps are the first operations of each client in a turn, which are not counted: a pool asks connections that were idle
// whether they are still there.
const warmUps = 2

// turn lets one peer work for a while with all clients, or until there is nothing more to do.
func (b *bench) turn(ctx context.Context, work benchCase, p *player, clients int, long time.Duration) (t turn, err error) {
	workspaces := b.workspaces[p.index][:clients]
	warm := warmUps
	if work.alone {
		warm = 0
	}
	runtime.GC() // the garbage of the one before is not this one's
	before, err := p.meter.server()
	if err != nil {
		return t, err
	}
	began := processTime()
	if other, ok := p.Peer.(selfTimed); ok {
		t, err = other.Turn(b.site, work, workspaces, warm, long)
	} else {
		t, err = b.clients(ctx, work, p.Peer, workspaces, warm, long)
	}
	if err != nil {
		return t, err
	}
	if t.client == 0 && p.meter != nil {
		t.client = processTime() - began
	}
	after, err := p.meter.server()
	if err != nil {
		return t, err
	}
	t.server = after - before
	return t, b.tidy(ctx, work, b.contenders[p.index], workspaces)
}

// clients lets all of them work at once.
func (b *bench) clients(ctx context.Context, work benchCase, p Peer, workspaces []workspace, warm int, long time.Duration) (turn, error) {
	var (
		all   turn
		first error
		mu    sync.Mutex
		done  sync.WaitGroup
	)
	for client, mine := range workspaces {
		done.Go(func() {
			took, calls, err := b.client(ctx, work, p, mine, client, warm, long)
			mu.Lock()
			defer mu.Unlock()
			all.took, all.calls = append(all.took, took...), all.calls+calls
			if first == nil {
				first = err
			}
		})
	}
	done.Wait()
	return all, first
}

func (b *bench) client(ctx context.Context, work benchCase, p Peer, mine workspace, client, warm int, long time.Duration) (took []float64, calls int, err error) {
	var began time.Time
	for ; calls < work.most(mine); calls++ {
		if calls == warm {
			began = time.Now()
		}
		if calls > warm && time.Since(began) >= long {
			break
		}
		start := time.Now()
		if err := work.do(ctx, b.site, p, mine, client, calls); err != nil {
			return nil, 0, err
		}
		if calls >= warm {
			took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
		}
	}
	return took, calls, nil
}

// tidy takes back what a case did in workspaces.
func (s *site) tidy(ctx context.Context, work benchCase, c contender, workspaces []workspace) error {
	if !work.writes {
		return nil
	}
	for _, mine := range workspaces {
		takeBack := s.clear
		if work.completes {
			takeBack = func(ctx context.Context, mine workspace) error { return s.rewind(ctx, c, mine) }
		}
		if err := takeBack(ctx, mine); err != nil {
			return err
		}
	}
	return nil
}

// measured says what the turns of a player come to, beside those of the first.
func (c *cell) measured(p, first player) {
	took := func(t turn) float64 { return median(t.took) }
	var all []float64
	for _, t := range p.turns {
		all = append(all, t.took...)
	}
	c.Time, c.P95 = spreadOf(all), short(quantile(all, 0.95))
	c.Ratio = ratioOf(p, first, took)
	c.Client = costOf(p, first, func(t turn) float64 { return t.client })
	c.Backend = costOf(p, first, func(t turn) float64 { return t.server })
}

func ratioOf(p, first player, value func(turn) float64) spread {
	of := func(turns []turn) (values []float64) {
		for _, t := range turns {
			values = append(values, value(t))
		}
		return values
	}
	return spreadOf(ratiosTo(of(first.turns), of(p.turns)))
}

// costOf is processor time per call. It is nil where nothing is known.
func costOf(p, first player, value func(turn) float64) *cost {
	perCall := func(t turn) float64 { return value(t) / float64(t.calls) }
	var sum, calls float64
	for _, t := range p.turns {
		sum, calls = sum+value(t), calls+float64(t.calls)
	}
	if sum == 0 || slices.ContainsFunc(first.turns, func(t turn) bool { return value(t) == 0 }) {
		return nil
	}
	return &cost{short(sum / calls), ratioOf(p, first, perCall)}
}
