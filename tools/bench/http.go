package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// httpOptions are those of
//
//	go run . http
//
// which measures examples/server over HTTP beside the same routes on plain pgx.
type httpOptions struct {
	output
	size
	effort
	latencies   []time.Duration
	connections int // of clients
	pool        int // of each server
}

func parseHTTP(args []string) (o httpOptions, err error) {
	o.args = args
	flags := flag.NewFlagSet("bench http", flag.ContinueOnError)
	o.output.define(flags)
	o.effort.define(flags, 10, 400*time.Millisecond)
	latencies := flags.String("latency", "0s,500µs", "what a round trip to the database takes longer")
	flags.IntVar(&o.connections, "connections", 50, "clients that ask at once")
	flags.IntVar(&o.pool, "pool", 16, "connections of each server to the database")
	flags.IntVar(&o.users, "users", 1000, "users")
	flags.IntVar(&o.tasks, "tasks", 200_000, "tasks of all users")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.heavy = o.tasks / o.users
	o.latencies, err = durations(*latencies)
	return o, err
}

// httpServers are measured in turns. The first is there twice: by how much it differs from itself tells what a difference means.
var httpServers = []struct {
	name string
	contender
}{
	{"examples/server", contender{}},
	{"examples/server again", contender{}},
	{"plain pgx", pgxFloor},
}

const plainHTTP = 2 // of httpServers

// An httpCase is a route. target is the nth request to it.
type httpCase struct {
	name   string
	target func(s *site, server, n int) (method, path, body string, user int64)
	// afterwards, if not nil, takes back what a turn did in a workspace.
	afterwards func(ctx context.Context, s *site, c contender, mine workspace) error
}

// httpCases has each route of the old API, and those of /api/v1 that do the same. Plain pgx has the old ones alone, and answers for both.
var httpCases = slices.Concat(
	routes("", func(int) string { return "/api/tasks/" }, httpCase{name: "dashboard", target: func(s *site, _, n int) (string, string, string, int64) {
		user, _ := s.reader(0, n)
		return "GET", "/api/tasks/stats/summary", "", user
	}}),
	routes("v1 ", func(server int) string {
		if server == plainHTTP {
			return "/api/tasks/"
		}
		return "/api/v1/tasks/"
	}),
)

// routes are those of tasks below a path, and others.
func routes(prefix string, tasks func(server int) string, more ...httpCase) []httpCase {
	// all is the path of all tasks, which has no slash at its end in /api/v1.
	all := func(server int) string {
		if path := tasks(server); strings.Contains(path, "/v1/") {
			return strings.TrimSuffix(path, "/")
		}
		return tasks(server)
	}
	return append([]httpCase{
		{name: prefix + "get", target: func(s *site, server, n int) (string, string, string, int64) {
			user, task := s.reader(0, n)
			return "GET", fmt.Sprint(tasks(server), task), "", user
		}},
		{name: prefix + "list", target: func(s *site, server, n int) (string, string, string, int64) {
			user, _ := s.reader(0, n)
			return "GET", all(server) + "?limit=20", "", user
		}},
		{
			name: prefix + "create",
			target: func(s *site, server, n int) (string, string, string, int64) {
				mine := s.workspaces[server][n%len(s.workspaces[server])]
				t := s.newTask(mine, n)
				body, _ := json.Marshal(map[string]any{
					"title": t.title, "priority": t.priority, "category": t.category, "parent_goal_id": t.goal, "due_date": t.due, "tags": t.tags,
				})
				return "POST", all(server), string(body), mine.user
			},
			afterwards: func(ctx context.Context, s *site, _ contender, mine workspace) error { return s.clear(ctx, mine) },
		},
		{
			name: prefix + "complete",
			target: func(s *site, server, n int) (string, string, string, int64) {
				all := s.workspaces[server]
				mine := all[n%len(all)]
				return "POST", fmt.Sprintf("%s%d/complete", tasks(server), mine.tasks[n/len(all)%len(mine.tasks)]), "", mine.user
			},
			afterwards: func(ctx context.Context, s *site, c contender, mine workspace) error { return s.rewind(ctx, c, mine) },
		},
	}, more...)
}

func runHTTP(ctx context.Context, o httpOptions, logf func(string, ...any)) (err error) {
	dir, err := os.MkdirTemp("", "bench-http")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "server")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Dir = filepath.Join("..", "..", "examples", "server")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build examples/server: %w: %s", err, text)
	}
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{Logf: logf})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	s, err := newSite(ctx, server, o.size, len(httpServers), o.connections)
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	b := &httpBench{site: s, httpOptions: o, binary: binary, secret: []byte(rand.Text() + rand.Text()), tokens: map[int64]string{}}
	if b.changed, err = s.passwordsChanged(ctx); err != nil {
		return err
	}
	var f figures
	if f.run, err = newRun(ctx, "http", o.args, o.size, o.effort, s.owner.triggers); err != nil {
		return err
	}
	for _, latency := range o.latencies {
		cells, err := b.at(ctx, latency, logf)
		if err != nil {
			return err
		}
		f.cells = append(f.cells, cells...)
	}
	return o.store("http", f, logf)
}

// httpTable has the rates as ratios to plain pgx, and at the end its conditions.
func httpTable(f figures) string {
	t := table{head: []string{"requests per second, to those of plain pgx"}}
	for _, l := range f.latencies() {
		for _, server := range httpServers[:plainHTTP] {
			t.head = append(t.head, plus(l)+": "+server.name)
		}
		t.head = append(t.head, "p95 ms", "p95 ms of plain pgx")
	}
	for _, route := range f.works() {
		row := []string{route}
		for _, l := range f.latencies() {
			at := func(server int) cell { return f.at(route, l, f.cells[0].Clients, httpServers[server].name) }
			for server := range plainHTTP {
				row = append(row, at(server).Ratio.String())
			}
			row = append(row, fmt.Sprintf("%.1f", at(0).P95/1e3), fmt.Sprintf("%.1f", at(plainHTTP).P95/1e3))
		}
		t.add(row...)
	}
	conditions := table{head: []string{"", ""}, texts: 2}
	conditions.add("measured", fmt.Sprintf("on %s, at commit %s, by `%s` in tools/bench", f.Date, f.Commit, f.Command))
	conditions.add("clients", fmt.Sprintf("%d connections", f.cells[0].Clients))
	conditions.add("data", fmt.Sprintf("%s users with %s tasks each", thousands(f.Users), thousands(f.Tasks/f.Users)))
	conditions.add("turns", fmt.Sprintf("%d rounds; in each round every server has a turn of %s, in random order", f.Rounds, f.Turn))
	return conditions.String() + "\n" + t.String()
}

type httpBench struct {
	*site
	httpOptions
	binary string
	secret []byte
	tokens map[int64]string

	changed map[int64]time.Time // when each user's password was
}

// at measures all routes at one latency, with servers of their own.
func (b *httpBench) at(ctx context.Context, latency time.Duration, logf func(string, ...any)) (cells []cell, err error) {
	through := func(dsn string) string { return withPool(dsn, b.pool) }
	if latency > 0 {
		proxy, err := startDelay(b.triggers.DSN, latency)
		if err != nil {
			return nil, err
		}
		defer proxy.Close()
		added, err := proxy.calibrate(ctx, b.triggers.DSN, latency)
		if err != nil {
			return nil, err
		}
		logf("a round trip takes %s longer", added)
		through = func(dsn string) string { return withPool(proxy.through(dsn), b.pool) }
	}
	var urls []string
	for i := range httpServers {
		command, environment := exec.CommandContext(ctx, b.binary), []string{
			"DATABASE_URL=" + through(b.triggers.DSN), "OWNER_DATABASE_URL=" + b.triggers.AdminDSN,
		}
		if i == plainHTTP {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			command, environment = exec.CommandContext(ctx, self), []string{
				"DATABASE_URL=" + through(b.triggers.AdminDSN), "BY_HAND_DATABASE_URL=" + through(b.byHand.AdminDSN), plainVariable + "=1",
			}
		}
		url, stop, err := b.start(ctx, command, environment)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", httpServers[i].name, err)
		}
		defer func() { err = errors.Join(err, stop()) }()
		urls = append(urls, url)
	}
	for _, c := range httpCases {
		rates := make([][]float64, len(urls)) // requests per second, by server and round
		all := make([]vegeta.Metrics, len(urls))
		for round := range b.rounds + 1 { // the first warms up
			b.round = round
			for _, i := range mathrand.Perm(len(urls)) {
				rate, err := b.attack(ctx, c, i, urls[i], round > 0, &all[i])
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", c.name, httpServers[i].name, err)
				}
				if round > 0 {
					rates[i] = append(rates[i], rate)
				}
			}
		}
		for i := range all {
			all[i].Close()
			micros := func(q float64) float64 { return float64(all[i].Latencies.Quantile(q).Nanoseconds()) / 1e3 }
			cells = append(cells, cell{
				Case: c.name, Clients: b.connections, Latency: ms(latency), Peer: httpServers[i].name,
				Time: spread{micros(0.25), micros(0.5), micros(0.75)}, P95: short(micros(0.95)),
				Rate: short(median(rates[i])), Ratio: spreadOf(ratiosTo(rates[plainHTTP], rates[i])),
			})
		}
		if err := b.vacuum(ctx); err != nil {
			return nil, err
		}
		logf("%s, %s more", c.name, latency)
	}
	return cells, nil
}

// plainVariable makes this program the plain server.
const plainVariable = "BENCH_PLAIN_SERVER"

// start starts a server and waits until it is ready.
func (b *httpBench) start(ctx context.Context, command *exec.Cmd, environment []string) (url string, stop func() error, err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := free.Addr().String()
	_ = free.Close()
	command.Env = append(os.Environ(), append(environment, "LISTEN="+address, "JWT_SECRET="+string(b.secret))...)
	command.Stderr = os.Stderr // what it logs goes nowhere
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error {
		_ = command.Process.Signal(syscall.SIGTERM)
		return command.Wait()
	}
	url = "http://" + address
	for range 300 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/ready", nil)
		if err != nil {
			return "", nil, errors.Join(err, stop())
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return url, stop, nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", nil, errors.Join(errors.New("it is not ready"), stop())
}

// passwordsChanged is when each user's password was, which a token says.
func (s *site) passwordsChanged(ctx context.Context) (map[int64]time.Time, error) {
	rows, err := s.owner.triggers.Query(ctx, "SELECT id, password_changed_at FROM public.users")
	if err != nil {
		return nil, err
	}
	changed := map[int64]time.Time{}
	var user int64
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&user, &at}, func() error { changed[user] = at; return nil })
	return changed, err
}

func (b *httpBench) token(user int64) (string, error) {
	if token, ok := b.tokens[user]; ok {
		return token, nil
	}
	token, err := plainToken(b.secret, user, b.changed[user])
	b.tokens[user] = token
	return token, err
}

// attack asks one server for a turn, and returns how many requests it answered in a second.
func (b *httpBench) attack(ctx context.Context, c httpCase, server int, url string, counts bool, all *vegeta.Metrics) (rate float64, err error) {
	// Requests are made before, so that making them takes no time of the servers.
	targets := make([]vegeta.Target, 20_000)
	for n := range targets {
		method, path, body, user := c.target(b.site, server, n)
		token, err := b.token(user)
		if err != nil {
			return 0, err
		}
		targets[n] = vegeta.Target{Method: method, URL: url + path, Body: []byte(body), Header: http.Header{"Authorization": {"Bearer " + token}}}
		if body != "" {
			targets[n].Header.Set("Content-Type", "application/json")
		}
	}
	var next atomic.Int64
	targeter := func(t *vegeta.Target) error { *t = targets[int(next.Add(1)-1)%len(targets)]; return nil }
	attacker := vegeta.NewAttacker(vegeta.Workers(uint64(b.connections)), vegeta.MaxWorkers(uint64(b.connections)), vegeta.Connections(b.connections))
	runtime.GC()
	began, answered := time.Now(), 0
	for result := range attacker.Attack(targeter, vegeta.Rate{}, b.turn, c.name) {
		if result.Error != "" || result.Code/100 != 2 {
			err = fmt.Errorf("%s %s: %d %s %s", result.Method, result.URL, result.Code, result.Error, result.Body)
			attacker.Stop()
			continue
		}
		if answered++; counts {
			all.Add(result)
		}
	}
	rate = float64(answered) / time.Since(began).Seconds()
	if err != nil || c.afterwards == nil {
		return rate, err
	}
	for _, mine := range b.workspaces[server] {
		if err := c.afterwards(ctx, b.site, httpServers[server].contender, mine); err != nil {
			return 0, err
		}
	}
	return rate, nil
}
