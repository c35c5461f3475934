package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// A report is the document.
type report struct {
	command   string
	server    string // its version
	size      size
	effort    effort
	notes     []contender
	latencies []time.Duration
	added     map[time.Duration]time.Duration // as measured
	results   []result
	growth    []growth
}

// write writes the document, and beside it the plots that it shows.
func (r report) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	r.head(&b)
	r.glance(&b)
	r.verdict(&b)
	for _, name := range r.caseNames() {
		ofCase := r.of(name)
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", name, sentence(ofCase[0].about))
		for _, p := range plots(ofCase) {
			file := fmt.Sprintf("%s-%s-%s.svg", strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), name, p.name)
			if err := p.save(filepath.Join(filepath.Dir(path), file)); err != nil {
				return err
			}
			fmt.Fprintf(&b, "\n![%s](%s)\n", p.title, file)
		}
		for _, clients := range clientsOf(ofCase) {
			r.table(&b, withClients(ofCase, clients), clients)
		}
	}
	if len(r.growth) > 0 {
		c := growthPlot(r.growth)
		file := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + "-" + c.name + ".svg"
		if err := c.save(filepath.Join(filepath.Dir(path), file)); err != nil {
			return err
		}
		fmt.Fprintf(&b, growthText, thousands(tasksOfAGrownUser)+" tasks", c.title, file)
		r.growthTable(&b)
	}
	b.WriteString(tried)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// tried is what is known besides.
//
//go:embed tried.md
var tried string

const growthText = `
## growth

bizydb alone, 1 client, no added latency, in databases of more and more users with %s each. “×” is the median of the rounds'
ratios to the smallest database, with the lowest and the highest.

![%s](%s)

`

func (r report) growthTable(b *bytes.Buffer) {
	fmt.Fprint(b, "| tasks in all |")
	rule := "|---|"
	for i, tasks := range r.growth[0].tasks {
		fmt.Fprintf(b, " %s |", thousands(tasks))
		rule += "--:|"
		if i > 0 {
			fmt.Fprint(b, " × |")
			rule += "--:|"
		}
	}
	fmt.Fprintf(b, "\n%s\n", rule)
	for _, g := range r.growth {
		fmt.Fprintf(b, "| %s |", g.name)
		for i := range g.tasks {
			fmt.Fprintf(b, " %s |", micros(median(g.micros[i])))
			if i > 0 {
				fmt.Fprintf(b, " %s |", spread(g.ratios[i]))
			}
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b)
	for _, g := range r.growth {
		fmt.Fprintf(b, "- %s: %s.\n", g.name, g.about)
	}
}

func (r report) head(b *bytes.Buffer) {
	first := r.notes[0].name
	fmt.Fprintf(b, headText, r.command, r.server, runtime.NumCPU(), runtime.Version(), thousands(r.size.users), thousands(r.size.tasks),
		thousands(r.size.heavy), r.effort.rounds, r.effort.turn, first, first, first)
	for _, l := range r.latencies {
		if l > 0 {
			fmt.Fprintf(b, "\nAsked for %s more, a round trip took %.2f ms longer, in the median of 300.", plus(l)[1:], float64(r.added[l].Microseconds())/1e3)
		}
	}
	fmt.Fprint(b, "\n\n| | with | how it does the work |\n|---|---|---|\n")
	versions := moduleVersions()
	for _, c := range r.notes {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.name, versions[c.module], c.note)
	}
}

const headText = `# Measured against what one would use instead

Written by ` + "`%s`" + ` in tools/bench.

%s,
on the machine of the clients, which has %d cores; %s. %s users and %s tasks, %s of them one user's. In each of %d
rounds everyone has a turn of %s or one operation, in an order of chance. Tables are vacuumed after each case that writes;
autovacuum is on.

A time is the median of the rounds' medians, in µs. “× %s” is the median of the rounds' ratios to the time of %s in the
same round, with the lowest and the highest: above 1 %s is faster. Allocations are the client's, and round trips those of
an operation on a warm connection. Each client asks again as soon as it has its answer, so that n clients do n operations in the
time of one.

Latency is added by a proxy in the process of the clients. What it costs is work for the same cores, and more for who makes more
round trips. Without added latency there is no proxy. Commits do not wait for a disk here: with fsync and synchronous_commit
each of them takes longer, for everyone.

Everyone works under the same policies, but for the floor. A created task is counted by bizydb's triggers for everyone. To complete
a task bizydb relies on them too; the others work in a database without them and keep progress by hand, in one UPDATE for each
goal, behind the same lock. The goals of the dashboard are whole rows for bizydb and sqlc, and five columns for the others.
`

// moduleVersions are those of this program's dependencies.
func moduleVersions() map[string]string {
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			versions[dep.Path] = dep.Path + " " + dep.Version
		}
	}
	return versions
}

// plus is a latency as it is added.
func plus(l time.Duration) string {
	return fmt.Sprintf("+%g ms", float64(l.Microseconds())/1e3)
}

// table has the peers of one case with so many clients below, and the latencies aside.
func (r report) table(b *bytes.Buffer, results []result, clients int) {
	if len(results) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n\n| |", sentence(counted(clients, "client")))
	rule := "|---|"
	for _, at := range results {
		fmt.Fprintf(b, " %s | × %s |", plus(at.latency), results[0].peers[0].name)
		rule += "--:|--:|"
	}
	hasCost := results[0].peers[0].hasCost
	if hasCost {
		fmt.Fprint(b, " allocations | kB | round trips |")
		rule += "--:|--:|--:|"
	}
	fmt.Fprintf(b, "\n%s\n", rule)
	for i, p := range results[0].peers {
		fmt.Fprintf(b, "| %s |", p.name)
		for _, at := range results {
			m := at.peers[i]
			fmt.Fprintf(b, " %s | %s |", micros(m.median()), m.times())
		}
		if hasCost && p.allocs > 0 {
			fmt.Fprintf(b, " %.0f | %.1f | %.3g |", p.allocs, p.bytes/1e3, p.trips)
		} else if hasCost {
			fmt.Fprintf(b, " | | %.3g |", p.trips)
		}
		fmt.Fprintln(b)
	}
}

// times is by how much the first peer is faster.
func (m measured) times() string { return spread(m.ratios) }

func spread(v []float64) string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(v), quantile(v, 0), quantile(v, 1))
}

func micros(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(int(v + 0.5))
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func counted(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

func (r report) caseNames() []string {
	var names []string
	for _, result := range r.results {
		if len(names) == 0 || names[len(names)-1] != result.name {
			names = append(names, result.name)
		}
	}
	return names
}

func (r report) of(name string) []result {
	var of []result
	for _, result := range r.results {
		if result.name == name {
			of = append(of, result)
		}
	}
	return of
}

func clientsOf(results []result) []int {
	var clients []int
	for _, r := range results {
		if len(clients) == 0 || clients[len(clients)-1] != r.clients {
			clients = append(clients, r.clients)
		}
	}
	return clients
}

func withClients(results []result, clients int) []result {
	var with []result
	for _, r := range results {
		if r.clients == clients {
			with = append(with, r)
		}
	}
	return with
}
