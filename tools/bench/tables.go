package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A table is one of Markdown. The columns after the first hold numbers, unless they are texts.
type table struct {
	head  []string
	texts int // columns of texts
	rows  [][]string
}

func (t table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	b.WriteString("|")
	for i := range t.head {
		if i < max(1, t.texts) {
			b.WriteString("---|")
		} else {
			b.WriteString("--:|")
		}
	}
	b.WriteString("\n")
	for _, row := range t.rows {
		line(row)
	}
	text := b.String()
	for strings.Contains(text, "|  |") {
		text = strings.ReplaceAll(text, "|  |", "| |")
	}
	return text
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// conditions says how the comparison was measured.
func conditions(f figures) string {
	t := table{head: []string{"", ""}, texts: 2}
	t.add("measured", fmt.Sprintf("on %s, at commit %s, by `%s` in tools/bench", f.Date, f.Commit, f.Command))
	t.add("server", f.Server)
	t.add("machine", fmt.Sprintf("%d cores, which clients and server share; %s", f.Cores, f.Go))
	t.add("data", fmt.Sprintf("%s users and %s tasks, %s of them one user's", thousands(f.Users), thousands(f.Tasks), thousands(f.Heavy)))
	rounds := fmt.Sprintf("%d rounds", f.Rounds)
	if f.Enough != "" {
		rounds += fmt.Sprintf(", or fewer, at the least %d, where they take longer than %s", fewRounds, f.Enough)
	}
	t.add("turns", fmt.Sprintf("%s; in each round every library has a turn of %s, at the least one call, in random order", rounds, f.Turn))
	for _, l := range f.latencies() {
		if added, ok := f.Added[l.String()]; ok {
			t.add(plus(l), fmt.Sprintf("a round trip took %s longer, in the median of 300", added))
		}
	}
	return t.String()
}

// libraries says who was compared.
func libraries(f figures) string {
	t := table{head: []string{"", "version", "how it does the work"}, texts: 3}
	for _, c := range contenders {
		if slices.Contains(f.peers(), c.name) {
			t.add(c.name, f.Versions[c.name], c.note)
		}
	}
	return t.String()
}

// glance has the ratios of all cases with so many clients.
func glance(f figures, clients int) string {
	at := slices.DeleteFunc(f.works(), func(work string) bool { return !f.at(work, f.latencies()[0], clients, f.peers()[0]).Time.known() })
	t := table{head: append([]string{""}, at...)}
	for _, peer := range f.peers()[1:] {
		row := []string{peer}
		for _, work := range at {
			var ratios []string
			for _, l := range f.latencies() {
				if c := f.at(work, l, clients, peer); c.Ratio.known() {
					ratios = append(ratios, times(c.Ratio.median))
				}
			}
			row = append(row, strings.Join(ratios, " / "))
		}
		t.add(row...)
	}
	return t.String()
}

// everyCase has a table for each case with one client.
func everyCase(f figures) string {
	var b strings.Builder
	for i, work := range f.works() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n", work, sentence(namedCase(work).about))
		t := table{head: []string{""}}
		for _, l := range f.latencies() {
			t.head = append(t.head, plus(l), "p95", "×")
		}
		t.head = append(t.head, "allocations", "round trips")
		for _, peer := range f.peers() {
			row := []string{peer}
			for _, l := range f.latencies() {
				c := f.at(work, l, 1, peer)
				row = append(row, c.Time.micros(), micros(c.P95), c.Ratio.String())
			}
			c := f.at(work, 0, 1, peer)
			t.add(append(row, known(c.Allocations, thousands(int(c.Allocations))), known(c.Trips, fmt.Sprintf("%.3g", c.Trips)))...)
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// processor has the processor time of each call.
func processor(f figures) string {
	var b strings.Builder
	for i, of := range []struct {
		what string
		cost func(cell) *cost
	}{
		{"server", func(c cell) *cost { return c.Backend }},
		{"client", func(c cell) *cost { return c.Client }},
	} {
		t := table{head: append([]string{of.what + ": µs, ×"}, f.works()...)}
		for _, peer := range f.peers() {
			row := []string{peer}
			for _, work := range f.works() {
				text := "–"
				if c := of.cost(f.at(work, 0, 1, peer)); c != nil {
					text = fmt.Sprintf("%s, %s", micros(c.PerCall), times(c.Ratio.median))
				}
				row = append(row, text)
			}
			t.add(row...)
		}
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(t.String())
	}
	return b.String()
}

func known(v float64, text string) string {
	if v == 0 {
		return "–"
	}
	return text
}

func (f figures) latencies() []time.Duration {
	var all []time.Duration
	for _, l := range distinct(f.cells, func(c cell) float64 { return c.Latency }) {
		all = append(all, time.Duration(l*float64(time.Millisecond)))
	}
	return all
}

func (f figures) works() []string { return distinct(f.cells, func(c cell) string { return c.Case }) }

func (f figures) peers() []string { return distinct(f.cells, func(c cell) string { return c.Peer }) }

// plus is a latency as it is added.
func plus(l time.Duration) string { return fmt.Sprintf("+%g ms", ms(l)) }

// times is a ratio in few digits.
func times(ratio float64) string {
	if ratio < 9.995 {
		return fmt.Sprintf("%.2f", ratio)
	}
	return fmt.Sprintf("%.1f", ratio)
}

func micros(v float64) string {
	if v < 99.95 {
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
