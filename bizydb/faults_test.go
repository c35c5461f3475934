package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// How long a pool may take to work again once a fault is over.
const recoveryBound = 10 * time.Second

// Whatever happens to the network or the connections: what was acknowledged is there, what was refused is not, what is
// unknown is there whole or not at all, and the pool works again by itself.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name   string
		toxic  string // of the proxy
		during func(t *testing.T, f *faultyDatabase)
	}{
		{name: "latency", toxic: `{"type": "latency", "stream": "downstream", "attributes": {"latency": 20, "jitter": 20}}`},
		{name: "slow reads", toxic: `{"type": "bandwidth", "stream": "downstream", "attributes": {"rate": 20}}`},
		{name: "requests in pieces", toxic: `{"type": "slicer", "stream": "upstream", "attributes": {"average_size": 20, "size_variation": 10, "delay": 100}}`},
		{name: "reset, request cut off", toxic: `{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 20000}}`},
		{name: "reset, answer cut off", toxic: `{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 10000}}`},
		{name: "reset at once", toxic: `{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 50}}`},
		{name: "half-open, no answers", toxic: `{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`},
		{name: "half-open, no requests", toxic: `{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`},
		{name: "proxy stopped", during: func(t *testing.T, f *faultyDatabase) { f.proxy.Stop() }},
		{name: "pg_terminate_backend", during: func(t *testing.T, f *faultyDatabase) {
			for range 20 {
				f.asOwner(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")
				time.Sleep(50 * time.Millisecond)
			}
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			f := newFaultyDatabase(t, bizydbtest.New(t))
			writers := f.startWriters(t, 4)
			time.Sleep(300 * time.Millisecond)
			if fault.toxic != "" {
				if _, err := f.proxy.Toxics.AddToxicJson(strings.NewReader(fault.toxic)); err != nil {
					t.Fatal(err)
				}
			}
			if fault.during != nil {
				fault.during(t, f)
			}
			time.Sleep(2 * time.Second)

			f.proxy.Toxics.ResetToxics(context.Background())
			if !f.proxy.Enabled {
				if err := f.proxy.Start(); err != nil {
					t.Fatal(err)
				}
			}
			recovered := f.waitUntilItWorks(t)
			time.Sleep(300 * time.Millisecond)
			log := writers.stop()
			log.check(t, f)
			t.Logf("%s: %d acknowledged, %d refused, %d unknown; works again after %v", fault.name, len(log.acknowledged), len(log.refused), len(log.unknown), recovered.Round(time.Millisecond))
		})
	}
}

// A server process that is killed takes all connections with it, and what they have not committed.
func TestServerProcessKilled(t *testing.T) {
	t.Parallel()
	server, err := bizydbtest.Start(t.Context(), bizydbtest.Options{}) // the others need theirs
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if !server.Started() {
		t.Skip("the server is not ours to kill")
	}
	db, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f := newFaultyDatabase(t, db)
	defer f.through.Close()
	writers := f.startWriters(t, 4)
	var longest time.Duration
	for range 5 {
		time.Sleep(500 * time.Millisecond)
		f.killOne(t)
		time.Sleep(200 * time.Millisecond)
		longest = max(longest, f.waitUntilItWorks(t))
	}
	log := writers.stop()
	log.check(t, f)
	if len(log.refused)+len(log.unknown) == 0 {
		t.Error("nobody noticed")
	}
	t.Logf("kill -9 of a server process, 5 times: %d acknowledged, %d refused, %d unknown; works again after %v", len(log.acknowledged), len(log.refused), len(log.unknown), longest.Round(time.Millisecond))
}

// A faultyDatabase is a database that is reached through a proxy with faults.
type faultyDatabase struct {
	*bizydbtest.Database            // without the proxy
	through              *bizydb.DB // with it
	proxy                *toxiproxy.Proxy
	users                []bizydb.UserID
}

func newFaultyDatabase(t *testing.T, db *bizydbtest.Database) *faultyDatabase {
	t.Helper()
	f := &faultyDatabase{Database: db}
	u, err := url.Parse(f.DSN)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	f.proxy = toxiproxy.NewProxy(server, "faults", "127.0.0.1:0", u.Host)
	if err := f.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	u.Host = f.proxy.Listen
	config := parseConfig(t, u.String())
	config.MaxConns = 4
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "on" // which the server of tests has off
	config.ConnConfig.ConnectTimeout = time.Second
	if f.through, err = bizydb.OpenConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.through.Close()
		f.proxy.Stop()
	})
	f.users = []bizydb.UserID{f.NewUser(t), f.NewUser(t)}
	return f
}

func (f *faultyDatabase) asOwner(t *testing.T, sql string) { asOwner(t, f.Database, sql) }

// killOne kills the server process of whoever has asked last, and so all of them.
func (f *faultyDatabase) killOne(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var victim int
	err = conn.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
		ORDER BY query_start DESC LIMIT 1`).Scan(&victim)
	if err != nil {
		t.Fatal(err)
	}
	// This connection may end with the others, before it is answered.
	_, _ = conn.Exec(t.Context(), fmt.Sprintf("COPY (SELECT) TO PROGRAM 'cat >/dev/null; kill -9 %d'", victim))
}

// A writeLog is what writers have tried, by the titles of the tasks. Those of a transaction share a title.
type writeLog struct {
	mu                             sync.Mutex
	acknowledged, refused, unknown []string
	pairs                          map[string]bool
	errs                           map[string]error
}

type writers struct {
	stopping chan struct{}
	done     sync.WaitGroup
	log      writeLog
}

func (f *faultyDatabase) startWriters(t *testing.T, n int) *writers {
	w := &writers{stopping: make(chan struct{}), log: writeLog{pairs: map[string]bool{}, errs: map[string]error{}}}
	for i := range n {
		scope := f.through.As(f.users[i%len(f.users)])
		w.done.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-w.stopping:
					return
				default:
				}
				title, pair := fmt.Sprintf("%d/%d", i, k), k%3 == 0
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				create := func(to planner.Catalogue) error {
					_, err := to.CreateTask(ctx, planner.CreateTaskParams{Title: title})
					return err
				}
				var err error
				if pair {
					err = scope.InTx(ctx, func(tx *bizydb.Tx) error { return errors.Join(create(tx), create(tx)) })
				} else {
					err = create(scope)
				}
				cancel()
				w.log.add(title, pair, err)
				if err != nil {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	return w
}

func (w *writers) stop() *writeLog {
	close(w.stopping)
	w.done.Wait()
	return &w.log
}

func (l *writeLog) add(title string, pair bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs[title], l.errs[title] = pair, err
	switch {
	case err == nil:
		l.acknowledged = append(l.acknowledged, title)
	case errors.Is(err, bizydb.ErrOutcomeUnknown):
		l.unknown = append(l.unknown, title)
	default:
		l.refused = append(l.refused, title)
	}
}

// check compares the log with what is there. Whoever has not been answered may still be writing, so it waits for the
// transactions to end.
func (l *writeLog) check(t *testing.T, f *faultyDatabase) {
	t.Helper()
	f.asOwner(t, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")
	there := map[string]int{}
	for _, user := range f.users {
		tasks, err := f.As(user).ListTasks(t.Context(), planner.ListTasksParams{})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			there[task.Title]++
		}
	}
	whole := func(title string) int {
		if l.pairs[title] {
			return 2
		}
		return 1
	}
	for _, title := range l.acknowledged {
		if there[title] != whole(title) {
			t.Errorf("%s was acknowledged and is there %d times, want %d", title, there[title], whole(title))
		}
	}
	for _, title := range l.refused {
		if there[title] != 0 {
			t.Errorf("%s was refused and is there %d times: %v", title, there[title], l.errs[title])
		}
	}
	for _, title := range l.unknown {
		if n := there[title]; n != 0 && n != whole(title) {
			t.Errorf("%s is unknown and is there %d times, want 0 or %d", title, n, whole(title))
		}
	}
	if len(l.acknowledged) == 0 || len(there) > len(l.acknowledged)+len(l.unknown) {
		t.Errorf("%d titles are there, %d acknowledged and %d unknown", len(there), len(l.acknowledged), len(l.unknown))
	}
}

// waitUntilItWorks returns how long the pool needs until calls for each connection succeed.
func (f *faultyDatabase) waitUntilItWorks(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	for good := 0; good < 10; {
		if time.Since(start) > recoveryBound {
			t.Fatalf("the pool does not work %v after the fault", recoveryBound)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := f.through.As(f.users[0]).Me(ctx)
		cancel()
		if good++; err != nil {
			good = 0
			time.Sleep(10 * time.Millisecond)
		}
	}
	return time.Since(start)
}
