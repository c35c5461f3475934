package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

type compareOptions struct {
	output
	size
	effort
	cases      []benchCase
	contenders []contender
	latencies  []time.Duration
	clients    []int
}

func parseCompare(args []string) (compareOptions, error) {
	o := compareOptions{output: output{args: args}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	o.output.define(flags)
	o.effort.define(flags, 40, 20*time.Millisecond)
	flags.DurationVar(&o.enough, "enough", 5*time.Second, "after so long no round begins, unless fewer than five are done")
	caseNames := flags.String("cases", strings.Join(namesOf(cases), ","), "what to do")
	peerNames := flags.String("peers", strings.Join(namesOf(contenders), ","), "who does it; the first is what the others are compared with")
	latencies := flags.String("latency", "0s,500µs,2ms", "what a round trip takes longer")
	clients := flags.String("clients", "1,8,32", "how many ask at once")
	flags.IntVar(&o.users, "users", 1000, "users")
	flags.IntVar(&o.tasks, "tasks", 1_000_000, "tasks of all users")
	flags.IntVar(&o.heavy, "heavy", 100_000, "tasks of the heavy one among them")
	flags.IntVar(&o.bulk, "bulk", 2000, "tasks that are created or streamed at once")
	quick := flags.Bool("quick", false, "little of everything that is not asked for otherwise")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown command: %q", flags.Arg(0))
	}
	if *quick {
		if err := setUnlessGiven(flags, map[string]string{
			"latency": "0s,500µs,2ms", "clients": "1,8", "users": "20", "tasks": "6000", "heavy": "2000", "bulk": "200", "rounds": "4", "turn": "10ms",
		}); err != nil {
			return o, err
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
	switch {
	case o.users < 2 || o.heavy > o.tasks || o.bulk > o.heavy || (o.tasks-o.heavy)/(o.users-1) < 100 || o.rounds < 1:
		return o, errors.New("at least two users, each with 100 tasks or more, a heavy one with more than -bulk, and one round")
	case o.out == "" && (*quick || len(o.cases) < len(cases) || len(o.contenders) < len(contenders)):
		return o, errors.New("less than everything needs -out")
	}
	return o, nil
}

// Of the server's connections some are left to others.
const connectionsSQL = `SELECT current_setting('max_connections')::int - 30`

func runCompare(ctx context.Context, o compareOptions, logf func(string, ...any)) (err error) {
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
	var f figures
	if f.run, err = newRun(ctx, "", o.args, o.size, o.effort, s.owner.triggers); err != nil {
		return err
	}
	f.Added, f.Versions = map[string]string{}, moduleVersions(o.contenders)
	b := &bench{site: s, contenders: o.contenders, effort: o.effort, proxies: map[time.Duration]*delayProxy{}, random: rand.New(rand.NewPCG(1, 2))}
	if err := s.owner.triggers.QueryRow(ctx, connectionsSQL).Scan(&b.most); err != nil {
		return err
	}
	for _, l := range o.latencies {
		if l == 0 {
			continue
		}
		proxy, err := startDelay(server.DSN(), l)
		if err != nil {
			return err
		}
		defer proxy.Close()
		added, err := proxy.calibrate(ctx, server.DSN(), l)
		if err != nil {
			return err
		}
		b.proxies[l], f.Added[l.String()] = proxy, fmt.Sprintf("%.2f ms", ms(added))
	}
	for _, c := range o.cases {
		for _, clients := range o.clients {
			if c.alone && clients > 1 {
				continue
			}
			for _, l := range o.latencies {
				began := time.Now()
				cells, err := b.measure(ctx, c, setting{l, clients})
				if err != nil {
					return err
				}
				f.cells = append(f.cells, cells...)
				logf("%s, %s, %s: %s", c.name, counted(clients, "client"), plus(l), time.Since(began).Round(time.Millisecond))
			}
		}
	}
	return o.store("compare", f, logf)
}

// moduleVersions are what contenders work with.
func moduleVersions(all []contender) map[string]string {
	versions := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, c := range all {
		for _, dep := range info.Deps {
			if dep.Path == c.module {
				versions[c.name] = dep.Path + " " + dep.Version
			}
		}
	}
	return versions
}
