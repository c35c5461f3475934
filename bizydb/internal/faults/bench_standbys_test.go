//go:build unix

package faults_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var cpuShare = flag.Float64("cpushare", 0.2, "how much of a processor each server has in BenchmarkStandbyThroughput")

// A readers is a group whose users have tasks, for benchmarks.
type readers struct {
	*group
	users []bizydb.UserID
	tasks map[bizydb.UserID]planner.TaskID
}

func newReaders(b *testing.B, standbys int) *readers {
	b.Helper()
	r := &readers{group: newGroup(b, standbys), tasks: map[bizydb.UserID]planner.TaskID{}}
	for range 100 {
		r.users = append(r.users, r.NewUser(b))
	}
	for _, sql := range []string{
		"INSERT INTO public.tasks (user_id, title) SELECT id, 'task ' || n FROM public.users, generate_series(1, 200) AS n",
		"VACUUM ANALYZE public.tasks",
	} {
		if err := execOn(b, r.AdminDSN, sql); err != nil {
			b.Fatal(err)
		}
	}
	for _, user := range r.users {
		r.tasks[user] = planner.TaskID(one[int64](b, r.AdminDSN, "SELECT min(id) FROM public.tasks WHERE user_id = $1", int64(user)))
	}
	r.waitUntilReplayed(b)
	return r
}

func (r *readers) get(ctx context.Context, db *bizydb.DB) error {
	user := r.users[rand.IntN(len(r.users))]
	_, err := db.As(user).GetTask(ctx, r.tasks[user])
	return err
}

func (r *readers) list(ctx context.Context, db *bizydb.DB) error {
	_, err := db.As(r.users[rand.IntN(len(r.users))]).ListTasks(ctx, planner.ListTasksParams{Limit: 20})
	return err
}

func (r *readers) write(ctx context.Context, db *bizydb.DB) error {
	user, title := r.users[rand.IntN(len(r.users))], strconv.Itoa(rand.Int())
	_, err := db.As(user).UpdateTask(ctx, planner.UpdateTaskParams{ID: r.tasks[user], Title: &title})
	return err
}

// BenchmarkReadOnStandby compares reads of a standby that is asked whether it is fresh with the same reads of the same standby, opened by
// itself, in turns of 20 ms. It reports medians of the ratios of the rounds; "noise" is the standby by itself beside itself. Run it with
// -benchtime 200x.
func BenchmarkReadOnStandby(b *testing.B) {
	r := newReaders(b, 1)
	checked := r.open(b, r.DSN, r.dsns[0])
	dbs := []*bizydb.DB{checked, r.open(b, r.dsns[0]), r.open(b, r.dsns[0])}
	for name, read := range map[string]func(context.Context, *bizydb.DB) error{"get": r.get, "list": r.list} {
		b.Run(name, func(b *testing.B) {
			turn := func(db *bizydb.DB) float64 {
				n, start := 0, time.Now()
				for ; time.Since(start) < 20*time.Millisecond; n++ {
					if err := read(b.Context(), db); err != nil {
						b.Fatal(err)
					}
				}
				return time.Since(start).Seconds() / float64(n)
			}
			for _, db := range dbs {
				turn(db)
			}
			before, _ := reads(checked)
			price, noise, _ := inTurns(b, dbs, turn)
			after, primary := reads(checked)
			if after == before || primary > (after-before)/100 {
				b.Errorf("%d reads on the standby, %d on the primary", after-before, primary)
			}
			report(b, "checked", price)
			report(b, "noise", noise)
		})
	}
}

// inTurns lets three databases take turns, in random order in each round. It returns the results of the second one, and the ratios of the
// other two to it. The third one is the second once more, so its ratio is the noise.
func inTurns(b *testing.B, dbs []*bizydb.DB, turn func(*bizydb.DB) float64) (ratio, noise, base []float64) {
	for b.Loop() {
		var got [3]float64
		for _, i := range rand.Perm(len(dbs)) {
			got[i] = turn(dbs[i])
		}
		ratio, noise, base = append(ratio, got[0]/got[1]), append(noise, got[2]/got[1]), append(base, got[1])
	}
	return ratio, noise, base
}

// report reports quartiles.
func report(b *testing.B, name string, all []float64) {
	b.ReportMetric(0, "ns/op") // a round is not an operation
	slices.Sort(all)
	for _, q := range []struct {
		name string
		at   int
	}{{"", len(all) / 2}, {"-q1", len(all) / 4}, {"-q3", len(all) * 3 / 4}} {
		b.ReportMetric(all[q.at], name+q.name)
	}
}

// BenchmarkStandbyThroughput compares the reads per second of one server with those of a primary and two standbys, each with the same share
// of one processor (-cpushare), under sixteen clients that wait for nothing: in turns of one second. Without writes, and while one call of
// twenty writes. Run it with -benchtime 20x, as root on Linux.
func BenchmarkStandbyThroughput(b *testing.B) {
	r := newReaders(b, 2)
	for i, c := range append([]*cluster{r.primary}, r.standbys...) {
		c.limit(b, fmt.Sprintf("bizydb-%d-%d", os.Getpid(), i), *cpuShare)
	}
	pool := "&pool_max_conns=16"
	three := r.open(b, r.DSN+pool, r.dsns[0]+pool, r.dsns[1]+pool)
	dbs := []*bizydb.DB{three, r.open(b, r.DSN+pool), r.open(b, r.DSN+pool)}
	for _, c := range []struct {
		name   string
		writes int // of 100 calls
	}{{"reads", 0}, {"5%-writes", 5}} {
		b.Run(c.name, func(b *testing.B) {
			turn := func(db *bizydb.DB) float64 {
				var calls atomic.Int64
				var clients sync.WaitGroup
				start := time.Now()
				for range 16 {
					clients.Go(func() {
						for time.Since(start) < time.Second {
							do := r.get
							switch n := rand.IntN(100); {
							case n < c.writes:
								do = r.write
							case n%2 == 0:
								do = r.list
							}
							if err := do(b.Context(), db); err != nil {
								b.Error(err)
							}
							calls.Add(1)
						}
					})
				}
				clients.Wait()
				return float64(calls.Load()) / time.Since(start).Seconds()
			}
			for range 5 { // each connection is made and prepares its statements
				for _, db := range dbs {
					turn(db)
				}
			}
			standbyBefore, primaryBefore := reads(three)
			gain, noise, each := inTurns(b, dbs, turn)
			standby, primary := reads(three)
			report(b, "gain", gain)
			report(b, "noise", noise)
			slices.Sort(each)
			b.ReportMetric(each[len(each)/2], "calls/s-of-one")
			b.ReportMetric(100*float64(standby-standbyBefore)/float64(standby-standbyBefore+primary-primaryBefore), "%-on-standbys")
		})
	}
}

// limit gives the server's processes a share of one processor, by a control group of Linux.
func (c *cluster) limit(b *testing.B, name string, share float64) {
	b.Helper()
	// In microseconds. In a longer one, a server that has used its share stands still for long, and soon all clients wait for that one.
	const period = 5_000
	quota := strconv.Itoa(int(share * period))
	root, settings := "/sys/fs/cgroup", map[string]string{"cpu.max": quota + " " + strconv.Itoa(period)}
	if _, err := os.Stat(root + "/cpu/cgroup.procs"); err == nil { // version 1
		root, settings = root+"/cpu", map[string]string{"cpu.cfs_period_us": strconv.Itoa(period), "cpu.cfs_quota_us": quota}
	}
	folder := filepath.Join(root, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		b.Skipf("needs control groups: %v", err)
	}
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	postmaster, _ := c.postmaster()
	processes := func() []string {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", postmaster, postmaster))
		if err != nil {
			b.Fatal(err)
		}
		return append([]string{strconv.Itoa(postmaster)}, strings.Fields(string(children))...)
	}
	b.Cleanup(func() {
		for _, pid := range processes() {
			_ = os.WriteFile(filepath.Join(root, "cgroup.procs"), []byte(pid), 0o644) // one that has ended is not there
		}
		if err := os.Remove(folder); err != nil {
			b.Error(err)
		}
	})
	for file, text := range settings {
		write(file, text)
	}
	for _, pid := range processes() {
		write("cgroup.procs", pid)
	}
}
