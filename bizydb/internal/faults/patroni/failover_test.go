//go:build linux

package patroni

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/bizy-ai/bizydb/bizydb"
)

var (
	kills   = flag.Int("kills", 0, "how often TestFailover kills the leader; 0 skips it")
	nodes   = flag.Int("nodes", 2, "synchronous_node_count: for how many standbys a commit waits; with 1 the test finds tasks that were shown and are gone")
	writers = flag.Int("writers", 16, "how many users of TestFailover write, and how many read")
	pause   = flag.Duration("pause", 50*time.Millisecond, "how long each of them waits between two calls, on average")
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// Of what was acknowledged nothing is lost while the leader is killed and comes back, and no user sees less than before: with
// synchronous_mode. Without it the same test finds losses.
func TestFailover(t *testing.T) {
	if *kills == 0 {
		t.Skip("takes minutes: -kills 5")
	}
	began := time.Now()
	g := newGroup(t)
	g.waitUntilWhole(t, 2)
	g.configure(t, fmt.Sprintf(`{"synchronous_node_count": %d}`, *nodes))
	g.waitUntilWhole(t, *nodes)
	g.setUp(t)
	t.Logf("three nodes are up after %v", time.Since(began).Round(time.Second))

	proxied, hosts, standbys := g.dsns(t)
	services := []*service{{name: "HAProxy"}, {name: "all hosts"}}
	for i, dsn := range []string{proxied, hosts} {
		var db *bizydb.DB
		eventually(t, time.Minute, func() (err error) {
			db, err = bizydb.Open(t.Context(), dsn+"&pool_max_conns=20", bizydb.WithStandbys(standbys...))
			return err
		})
		t.Cleanup(db.Close)
		services[i].db = db
	}
	l := start(t, *writers, services...)
	waitUntilUsed(t, l, 2)
	for i := range *kills {
		time.Sleep(5 * time.Second)
		g.killLeader(t, l, fmt.Sprintf("kill %d", i+1), *nodes, nil)
	}
	g.killStandby(t, l)
	// What one standby shows and the other lacks, nobody has acknowledged. Whoever has seen it must see it on the next leader.
	g.killLeader(t, l, "one standby is behind", *nodes, func(leader *node) { g.delayWAL(t, leader, "sync_state = 'sync' LIMIT 1") })
	l.stop()
	lost, created, gone := l.lost(t, g.leader(t).admin("planner"))
	standby, primary := l.readsOn()
	for _, s := range services {
		t.Logf("%s: %d writes acknowledged, %d refused, %d unknown: %v", s.name, s.acknowledged.Load(), s.refused.Load(), s.unknown.Load(), &s.errs)
		stats, _ := s.db.StandbyStats()
		for _, stat := range stats {
			t.Logf("%s: %s: %d reads, %d behind, %d failed, down: %v", s.name, stat.Name, stat.Reads, stat.Behind, stat.Failed, stat.Down)
		}
	}
	t.Logf("%d reads, %d failed: %v; %d on standbys, %d on the primary", l.answered.Load(), l.failed.Load(), &l.errs, standby, primary)
	t.Logf("synchronous_mode: %d writes lost, %d tasks created; %d stale reads, %d tasks were shown and are gone", lost, created, l.stale.Load(), gone)
	if lost > 0 || l.stale.Load() > 0 || gone > 0 {
		t.Errorf("%d acknowledged writes are lost, %d reads are stale, %d tasks were shown and are gone", lost, l.stale.Load(), gone)
	}

	g.configure(t, `{"synchronous_mode": false}`)
	g.waitUntilWhole(t, 0)
	l = start(t, *writers, services...)
	time.Sleep(3 * time.Second)
	g.killLeader(t, l, "asynchronous", 0, func(leader *node) { g.delayWAL(t, leader, "true") })
	l.stop()
	lost, created, _ = l.lost(t, g.leader(t).admin("planner"))
	t.Logf("asynchronous: %d writes lost, %d tasks created", lost, created)
	if lost == 0 {
		t.Error("nothing is lost without synchronous_mode, so the test would not find a loss")
	}
}

// killLeader kills the leader's node, and returns when another one leads and the killed one is used again.
func (g *group) killLeader(t *testing.T, l *load, name string, synchronous int, before func(*node)) {
	t.Helper()
	leader := g.leader(t)
	l.reset()
	if before != nil {
		before(leader)
	}
	killed := time.Now()
	leader.kill()
	var next *node
	eventually(t, 2*time.Minute, func() error {
		if next = g.leader(t); next == leader {
			return errors.New("no other node leads")
		}
		return nil
	})
	promoted := time.Since(killed)
	acknowledged := make([]int64, len(l.services))
	for i, s := range l.services {
		acknowledged[i] = s.acknowledged.Load()
	}
	eventually(t, time.Minute, func() error {
		for i, s := range l.services {
			if s.acknowledged.Load() < acknowledged[i]+100 {
				return fmt.Errorf("no writes by %s: %v", s.name, &s.errs)
			}
		}
		return nil
	})
	text := fmt.Sprintf("%s at %s: %s, then %s leads after %v; no write for", name, killed.Format("15:04:05"), leader.name, next.name, promoted.Round(100*time.Millisecond))
	for _, s := range l.services {
		text += fmt.Sprintf(" %v (%s)", s.writes.longest(), s.name)
	}
	var worst time.Duration
	long := 0
	for _, a := range l.users {
		without := a.reads.longest()
		if worst = max(worst, without); without > 5*time.Second {
			long++
		}
	}
	text += fmt.Sprintf("; no read for %v, of one user for %v, of %d users for more than 5s", l.reads.longest(), worst, long)

	returned := time.Now()
	g.startEtcd(t, leader)
	g.startPatroni(t, leader)
	g.waitUntilWhole(t, synchronous)
	text += fmt.Sprintf("; the killed node is a standby %v after its start", time.Since(returned).Round(100*time.Millisecond))
	waitUntilUsed(t, l, 2)
	text += fmt.Sprintf(" and used after %v; stale so far: %d", time.Since(returned).Round(100*time.Millisecond), l.stale.Load())
	t.Log(text)
}

// killStandby kills a node that is not the leader's, and returns when it is used again.
func (g *group) killStandby(t *testing.T, l *load) {
	t.Helper()
	members, err := g.members()
	if err != nil {
		t.Fatal(err)
	}
	var standby *node
	for _, n := range g.nodes {
		if slices.ContainsFunc(members, func(m member) bool { return m.Name == n.name && m.Role == "sync_standby" }) {
			standby = n
		}
	}
	l.reset()
	standby.kill()
	time.Sleep(20 * time.Second)
	text := "a standby is killed: no write for"
	for _, s := range l.services {
		text += fmt.Sprintf(" %v (%s)", s.writes.longest(), s.name)
	}
	var worst time.Duration
	for _, a := range l.users {
		worst = max(worst, a.reads.longest())
	}
	t.Logf("%s; no read for %v, of one user for %v", text, l.reads.longest(), worst)
	g.startEtcd(t, standby)
	g.startPatroni(t, standby)
	g.waitUntilWhole(t, *nodes)
	waitUntilUsed(t, l, 2)
}

// waitUntilUsed returns when so many standbys answer reads in each process.
func waitUntilUsed(t *testing.T, l *load, standbys int) {
	t.Helper()
	before := map[string]int64{}
	for _, s := range l.services {
		stats, _ := s.db.StandbyStats()
		for _, stat := range stats {
			before[s.name+stat.Name] = stat.Reads
		}
	}
	eventually(t, time.Minute, func() error {
		for _, s := range l.services {
			stats, _ := s.db.StandbyStats()
			used := 0
			for _, stat := range stats {
				if stat.Down == nil && stat.Reads > before[s.name+stat.Name] {
					used++
				}
			}
			if used != standbys {
				return fmt.Errorf("%s uses %d standbys: %+v", s.name, used, stats)
			}
		}
		return nil
	})
}

// delayWAL stops some of the leader's WAL senders, and returns after half a second.
func (g *group) delayWAL(t *testing.T, leader *node, which string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), leader.admin("planner"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, _ := conn.Query(t.Context(), "SELECT pid FROM pg_stat_replication WHERE "+which)
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(500 * time.Millisecond)
}
