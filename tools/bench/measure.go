package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// A setting is how far the server is and how many ask it at once.
type setting struct {
	latency time.Duration
	clients int
}

// A result is what was measured of one case in one setting.
type result struct {
	benchCase
	setting
	peers []measured
}

// measured is one peer's part of it.
type measured struct {
	name    string
	micros  []float64 // the median of each round
	ratios  []float64 // each round's, to that of the first peer
	allocs  float64   // per operation, as are the next two; only with one client and without latency
	bytes   float64
	trips   float64
	hasCost bool
}

func (m measured) median() float64 { return median(m.micros) }

// An effort is how long to measure.
type effort struct {
	rounds int
	turn   time.Duration // of one peer in one round, at the least one operation
}

// A bench measures on one site.
type bench struct {
	*site
	contenders []contender
	effort
	proxies map[time.Duration]*delayProxy
	random  *rand.Rand
}

// Few enough to leave the server's connections free for others.
const openAtMost = 120

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

// measure lets the contenders take turns, in an order of chance in each round.
func (b *bench) measure(ctx context.Context, work benchCase, at setting) (result, error) {
	r := result{benchCase: work, setting: at}
	peers := make([]Peer, len(b.contenders))
	defer func() {
		for _, p := range peers {
			if p != nil {
				p.Close()
			}
		}
	}()
	stayOpen := at.clients*len(b.contenders) <= openAtMost
	for _, c := range b.contenders {
		r.peers = append(r.peers, measured{name: c.name})
	}
	for round := range b.rounds {
		b.round = round
		for _, i := range b.random.Perm(len(b.contenders)) {
			c := b.contenders[i]
			if peers[i] == nil {
				p, err := c.open(ctx, b.dsn(c, work, at.latency), at.clients)
				if err != nil {
					return r, fmt.Errorf("%s: %w", c.name, err)
				}
				peers[i] = p
				// Each connection of the pool is made and prepares its statements.
				warmUp := b.effort.turn
				if at.clients == 1 {
					warmUp = 0
				}
				if _, err := b.turn(ctx, work, i, p, at.clients, warmUp); err != nil {
					return r, fmt.Errorf("%s, %s: %w", work.name, c.name, err)
				}
			}
			took, err := b.turn(ctx, work, i, peers[i], at.clients, b.effort.turn)
			if err != nil {
				return r, fmt.Errorf("%s, %s: %w", work.name, c.name, err)
			}
			r.peers[i].micros = append(r.peers[i].micros, median(took))
			if !stayOpen {
				peers[i].Close()
				peers[i] = nil
			}
		}
	}
	if work.writes {
		if err := b.vacuum(ctx); err != nil {
			return r, err
		}
	}
	for i := range r.peers {
		r.peers[i].ratios = ratiosTo(r.peers[0].micros, r.peers[i].micros)
	}
	if at.clients == 1 && at.latency == 0 {
		for i := range r.peers {
			if err := b.cost(ctx, work, i, peers[i], &r.peers[i]); err != nil {
				return r, fmt.Errorf("%s, %s: %w", work.name, r.peers[i].name, err)
			}
		}
	}
	return r, nil
}

const warmUps = 3

// turn lets one peer work for a while with all clients, and returns how many µs each operation took. The first operations of
// each client are not counted: a pool asks connections that were idle whether they are still there.
func (b *bench) turn(ctx context.Context, work benchCase, contender int, p Peer, clients int, long time.Duration) ([]float64, error) {
	runtime.GC() // the garbage of the one before is not this one's
	if other, ok := p.(selfTimed); ok {
		return b.otherTurn(ctx, other, work, contender, clients, long)
	}
	var (
		all   []float64
		first error
		mu    sync.Mutex
		done  sync.WaitGroup
		owner sync.Mutex // its connections serve one client at a time
	)
	for client := range clients {
		done.Go(func() {
			took, err := b.client(ctx, work, contender, p, client, long, &owner)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if first == nil {
				first = err
			}
		})
	}
	done.Wait()
	return all, first
}

func (b *bench) client(ctx context.Context, work benchCase, contender int, p Peer, client int, long time.Duration, owner *sync.Mutex) ([]float64, error) {
	mine, c := b.workspaces[contender][client], b.contenders[contender]
	afterwards := func(i int) error {
		if work.afterwards == nil {
			return nil
		}
		owner.Lock()
		defer owner.Unlock()
		return work.afterwards(ctx, b.site, c, mine, i)
	}
	warm := warmUps
	if work.alone {
		warm = 0
		if long == 0 {
			warm = 1
		}
	}
	var took []float64
	var began time.Time
	for i := 0; ; i++ {
		if i == warm {
			began = time.Now()
		}
		if i >= warm && (time.Since(began) >= long && (i > warm || long == 0)) {
			break
		}
		start := time.Now()
		if err := work.do(ctx, b.site, p, mine, client, i); err != nil {
			return nil, err
		}
		if i >= warm {
			took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
		}
		if err := afterwards(i); err != nil {
			return nil, err
		}
	}
	if !work.writes {
		return took, nil
	}
	owner.Lock()
	defer owner.Unlock()
	if work.completes {
		return took, b.rewind(ctx, c, mine)
	}
	return took, b.clear(ctx, mine)
}

// otherTurn is the turn of another process.
func (b *bench) otherTurn(ctx context.Context, p selfTimed, work benchCase, contender, clients int, long time.Duration) ([]float64, error) {
	workspaces, warm := b.workspaces[contender][:clients], warmUps
	if work.alone {
		warm = 0
	}
	took, err := p.Turn(b.site, work, workspaces, warm, long)
	if err != nil || !work.writes {
		return took, err
	}
	for _, mine := range workspaces {
		if work.completes {
			err = b.rewind(ctx, b.contenders[contender], mine)
		} else {
			err = b.clear(ctx, mine)
		}
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// cost counts what one operation allocates, and on another pool how often it waits for the server.
func (b *bench) cost(ctx context.Context, work benchCase, contender int, p Peer, m *measured) error {
	c, mine, times := b.contenders[contender], b.workspaces[contender][0], tasksOfAChain
	if work.alone {
		times = 1
	}
	repeat := func(p Peer, before, after func()) error {
		for range 2 { // the first time warms up
			before()
			for i := range times {
				if err := work.do(ctx, b.site, p, mine, 0, i); err != nil {
					return err
				}
			}
			after()
			if work.completes {
				if err := b.rewind(ctx, c, mine); err != nil {
					return err
				}
			} else if work.writes {
				if err := b.clear(ctx, mine); err != nil {
					return err
				}
			}
		}
		return nil
	}
	var start, end runtime.MemStats
	if err := repeat(p, func() { runtime.ReadMemStats(&start) }, func() { runtime.ReadMemStats(&end) }); err != nil {
		return err
	}
	if _, other := p.(selfTimed); !other { // of which nothing is known here
		m.allocs = float64(end.Mallocs-start.Mallocs) / float64(times)
		m.bytes = float64(end.TotalAlloc-start.TotalAlloc) / float64(times)
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
	m.trips, m.hasCost = float64(trips)/float64(times), true
	return nil
}

// ratiosTo are those of each round to the same round of another.
func ratiosTo(other, micros []float64) []float64 {
	ratios := make([]float64, len(micros))
	for round, m := range micros {
		ratios[round] = m / other[round]
	}
	return ratios
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[int(q*float64(len(v)-1)+0.5)]
}
