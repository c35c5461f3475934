package faults_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 5*time.Second, "how long TestSoak goes on")

// Fifty users work on their goals and tasks while one fault follows another. In the end everyone has what they were told, no goal
// has drifted, nobody has seen a row of another's, and neither memory nor connections have grown.
//
//	go test -v -run Soak ./bizydb/internal/faults -soak 10m
func TestSoak(t *testing.T) { // not in parallel: it looks at the memory of the process
	const (
		users       = 50
		conns       = 10
		allowedHeap = 16 << 20
	)
	server := newServer(t)
	db, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	g, proxy := newTarget(t, db, users, conns)
	workers := make([]*worker, users)
	for i, user := range g.users {
		workers[i] = newWorker(t, i, user, g.direct.As(user))
	}

	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer func() {
		stop()
		working.Wait()
	}()
	for _, w := range workers {
		working.Go(func() { w.work(ctx, g.through.As(w.user)) })
	}

	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	faults := 0
	var longest time.Duration
	var firstHeap, lastHeap uint64
	for start := time.Now(); time.Since(start) < *soak || faults < 3; faults++ {
		time.Sleep(time.Duration(200+random.IntN(1500)) * time.Millisecond)
		kind := random.IntN(len(toxics) + 3)
		if faults < 3 { // those that cut calls off for certain
			kind = len(toxics) + faults
		}
		switch kind - len(toxics) {
		case 0:
			proxy.Stop()
			time.Sleep(300 * time.Millisecond)
		case 1:
			g.endAll(t)
		case 2:
			g.killOne(t)
		default:
			poison(t, proxy, toxics[kind].toxic)
			time.Sleep(time.Duration(200+random.IntN(800)) * time.Millisecond)
		}
		heal(t, proxy)
		longest = max(longest, g.waitUntilItWorks(t))
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		if lastHeap = m.HeapAlloc; firstHeap == 0 && time.Since(start) > *soak/5 {
			firstHeap = lastHeap
		}
	}
	stop()
	working.Wait()

	g.wantNoneInUse(t)
	// Those that were cut off are closed in the background.
	login := g.through.Pool().Config().ConnConfig.User
	eventually(t, recoveryBound, func() string {
		if n := one[int](t, g.adminDSN, "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND application_name = $2", login, faulty); n > conns {
			return fmt.Sprintf("the server has %d connections of a pool of %d", n, conns)
		}
		return ""
	})
	if firstHeap == 0 || lastHeap > firstHeap+allowedHeap {
		t.Errorf("%d MB on the heap, and %d MB after a fifth of the time", lastHeap>>20, firstHeap>>20)
	}
	g.endAll(t)
	g.direct.Pool().Reset()
	var all tally
	for _, w := range workers {
		scope := g.direct.As(w.user)
		if err := w.compare(t.Context(), scope); err != nil {
			t.Error(err)
		}
		if drifted, err := scope.RollUpAll(t.Context()); err != nil || len(drifted) > 0 {
			t.Errorf("user %d: %d goals have drifted (error %v)", w.user, len(drifted), err)
		}
		all.add(w.tally)
	}
	if all.acknowledged == 0 || all.compared == 0 || all.refused+all.unknown == 0 {
		t.Errorf("%+v", all)
	}
	t.Logf("%v, %d faults: %d reads, %d changes acknowledged, %d calls refused, %d changes unknown; compared %d times; works again after %v at most; %d MB on the heap, %d MB after a fifth of the time",
		*soak, faults, all.reads, all.acknowledged, all.refused, all.unknown, all.compared, longest.Round(time.Millisecond), lastHeap>>20, firstHeap>>20)
}
