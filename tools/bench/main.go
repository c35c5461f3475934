// Command bench measures bizydb against what one would use instead, side by side on one server with the same data, and
// writes what it found as a Markdown document with plots. ent's code is generated first; it is not committed.
//
//	go generate ./...
//	go run .
//	go run . -quick -out /tmp/performance.md
//	go run . http
//
// The last one measures examples/server over HTTP, beside the same routes on plain pgx, and prints a table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

func command(ctx context.Context, args []string) error {
	switch {
	case os.Getenv(plainVariable) != "":
		return servePlain(ctx, os.Getenv("LISTEN"))
	case len(args) > 0 && args[0] == "http":
		o, err := parseHTTP(args[1:])
		if err != nil {
			return err
		}
		return runHTTP(ctx, o, os.Stdout, log.Printf)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	return run(ctx, o, log.Printf)
}

type options struct {
	args       []string
	out        string
	cases      []benchCase
	contenders []contender
	latencies  []time.Duration
	clients    []int
	growth     []int // tasks in each database
	size
	effort
}

func parse(args []string) (options, error) {
	o := options{args: args}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.out, "out", "../../docs/performance.md", "the document to write; the plots go beside it")
	caseNames := flags.String("cases", strings.Join(namesOf(cases), ","), "what to do")
	peerNames := flags.String("peers", strings.Join(namesOf(contenders), ","), "who does it; the first is what the others are compared with")
	latencies := flags.String("latency", "0s,500µs,2ms", "what a round trip takes longer")
	clients := flags.String("clients", "1,8,32", "how many ask at once")
	growth := flags.String("growth", "10000,100000,1000000,10000000", "the sizes, in tasks, of the databases that bizydb alone is measured in; empty for none")
	flags.IntVar(&o.users, "users", 1000, "users")
	flags.IntVar(&o.tasks, "tasks", 1_000_000, "tasks of all users")
	flags.IntVar(&o.heavy, "heavy", 100_000, "tasks of the heavy one among them")
	flags.IntVar(&o.bulk, "bulk", 10_000, "tasks that are created at once")
	flags.IntVar(&o.rounds, "rounds", 10, "rounds")
	flags.DurationVar(&o.turn, "turn", 150*time.Millisecond, "how long everyone is measured in each round")
	quick := flags.Bool("quick", false, "little of everything that is not asked for otherwise, in half a minute")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range map[string]string{
			"latency": "0s,2ms", "clients": "1", "growth": "2000,4000", "users": "20", "tasks": "6000", "heavy": "2000", "bulk": "200", "rounds": "3", "turn": "10ms",
		} {
			if !given[name] {
				if err := flags.Set(name, value); err != nil {
					return o, err
				}
			}
		}
	}
	var err error
	if o.cases, err = pick(cases, *caseNames); err != nil {
		return o, err
	}
	if o.contenders, err = pick(contenders, *peerNames); err != nil {
		return o, err
	}
	if o.latencies, err = durations(*latencies); err != nil {
		return o, err
	}
	if o.clients, err = numbers("clients", *clients); err != nil {
		return o, err
	}
	if *growth != "" {
		if o.growth, err = numbers("growth", *growth); err != nil {
			return o, err
		}
	}
	if o.users < 2 || o.heavy > o.tasks || (o.tasks-o.heavy)/(o.users-1) < 100 || o.rounds < 1 {
		return o, errors.New("at least two users, each with 100 tasks or more, and one round")
	}
	return o, nil
}

func durations(text string) ([]time.Duration, error) {
	var all []time.Duration
	for s := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func numbers(flag, text string) ([]int, error) {
	var all []int
	for s := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-%s: %q", flag, s)
		}
		all = append(all, n)
	}
	return all, nil
}

func (c benchCase) String() string { return c.name }
func (c contender) String() string { return c.name }

func namesOf[T fmt.Stringer](all []T) []string {
	var names []string
	for _, one := range all {
		names = append(names, one.String())
	}
	return names
}

// pick finds those that are named.
func pick[T fmt.Stringer](all []T, names string) ([]T, error) {
	var picked []T
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(one T) bool { return name == one.String() })
		if i < 0 {
			return nil, fmt.Errorf("unknown: %q; there are %q", name, namesOf(all))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

const settingsSQL = `
	SELECT 'PostgreSQL ' || current_setting('server_version') || ' with ' || string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name)
	FROM unnest(ARRAY['fsync', 'full_page_writes', 'shared_buffers', 'synchronous_commit']) AS name`

func run(ctx context.Context, o options, logf func(string, ...any)) (err error) {
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{Logf: logf})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	o.contenders = slices.DeleteFunc(slices.Clone(o.contenders), func(c contender) bool {
		missing := c.available != nil && !c.available()
		if missing {
			logf("%s is left out: it is not on this machine", c.name)
		}
		return missing
	})
	logf("%s; loading %d tasks", server.How(), o.tasks)
	s, err := newSite(ctx, server, o.size, len(o.contenders), slices.Max(o.clients))
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	r := report{
		command: strings.Join(append([]string{"go run ."}, o.args...), " "), size: o.size, effort: o.effort, notes: o.contenders,
		latencies: o.latencies, added: map[time.Duration]time.Duration{},
	}
	if err := s.owner.triggers.QueryRow(ctx, settingsSQL).Scan(&r.server); err != nil {
		return err
	}
	b := &bench{site: s, contenders: o.contenders, effort: o.effort, proxies: map[time.Duration]*delayProxy{}, random: rand.New(rand.NewPCG(1, 2))}
	for _, l := range o.latencies {
		if l == 0 {
			continue
		}
		proxy, err := startDelay(server.DSN(), l)
		if err != nil {
			return err
		}
		defer proxy.Close()
		if r.added[l], err = proxy.calibrate(ctx, server.DSN(), l); err != nil {
			return err
		}
		b.proxies[l] = proxy
	}
	for _, c := range o.cases {
		for _, clients := range o.clients {
			if c.alone && clients > 1 {
				continue
			}
			for _, l := range o.latencies {
				began := time.Now()
				measured, err := b.measure(ctx, c, setting{l, clients})
				if err != nil {
					return err
				}
				r.results = append(r.results, measured)
				logf("%s, %s, %s more: %s", c.name, counted(clients, "client"), l, time.Since(began).Round(time.Millisecond))
			}
		}
	}
	if err := r.write(o.out); err != nil {
		return err
	}
	logf("wrote %s", o.out)
	if len(o.growth) == 0 {
		return nil
	}
	if r.growth, err = measureGrowth(ctx, server, o.growth, o.effort, logf); err != nil {
		return err
	}
	if err := r.write(o.out); err != nil {
		return err
	}
	logf("wrote %s, now with growth", o.out)
	return nil
}
