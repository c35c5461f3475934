package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
)

// A bound is what the project has set itself.
type bound struct {
	what string
	is   string
	of   func(r report) (measured string, met, known bool)
}

const atOnce, near, far = 0, 500 * time.Microsecond, 2 * time.Millisecond

var bounds = []bound{
	notAbove(1.10, "a list of 20 takes no more than the floor's time", "list", atOnce),
	notAbove(1.25, "a task by its id takes no more than the floor's time", "get", atOnce),
	notAbove(1.05, "a list of 20, with latency", "list", far),
	notAbove(1.05, "a task by its id, with latency", "get", far),
	atLeast(2, "a list of 20, ahead of each", "list", near),
	atLeast(2, "a task by its id, ahead of each", "get", near),
	atLeast(3, "a list of 20, ahead of each", "list", far),
	atLeast(3, "a task by its id, ahead of each", "get", far),
	atLeast(3, "completing a task, ahead of each", "complete", atOnce),
	atLeast(6, "completing a task, ahead of each", "complete", far),
	{"allocations of a list of 20, to those of pgx", "≤ 1.15", func(r report) (string, bool, bool) {
		at := r.at("list", atOnce, 1)
		mine, theirs := at.peer(bizydbItself.name), at.peer(pgxIsolated.name)
		ratio := mine.allocs / theirs.allocs
		return fmt.Sprintf("%.2f", ratio), ratio <= 1.15, mine.hasCost && theirs.hasCost
	}},
	{"round trips of the dashboard", "1", func(r report) (string, bool, bool) {
		mine := r.at("dashboard", atOnce, 1).peer(bizydbItself.name)
		return fmt.Sprintf("%.3g", mine.trips), mine.trips == 1, mine.hasCost
	}},
	{"growth from the smallest database to each other", "≤ 1.5", func(r report) (string, bool, bool) {
		most, what := 0.0, ""
		for _, g := range r.growth {
			for i, ratios := range g.ratios {
				if m := median(ratios); m > most {
					most, what = m, fmt.Sprintf("%s with %s tasks", g.name, thousands(g.tasks[i]))
				}
			}
		}
		return fmt.Sprintf("%.2f (%s)", most, what), most <= 1.5, len(r.growth) > 0
	}},
}

// notAbove compares with the floor, with one client.
func notAbove(limit float64, what, work string, latency time.Duration) bound {
	return bound{what, fmt.Sprintf("≤ %.2f at %s", limit, plus(latency)), func(r report) (string, bool, bool) {
		floor := r.at(work, latency, 1).peer(pgxFloor.name)
		ratio := 1 / median(floor.ratios)
		return fmt.Sprintf("%.2f", ratio), ratio <= limit, len(floor.ratios) > 0
	}}
}

// atLeast compares with each peer under the policies, with one client. The limit is left out: it does what bizydb does.
func atLeast(least float64, what, work string, latency time.Duration) bound {
	return bound{what, fmt.Sprintf("≥ %g at %s", least, plus(latency)), func(r report) (string, bool, bool) {
		nearest, who := math.Inf(1), ""
		for _, p := range r.at(work, latency, 1).peers {
			if ratio := median(p.ratios); ratio < nearest && p.name != bizydbItself.name && p.name != pgxFloor.name && p.name != pgxInBatches.name {
				nearest, who = ratio, p.name
			}
		}
		return fmt.Sprintf("%.2f (%s)", nearest, who), nearest >= least, who != ""
	}}
}

func (r report) at(work string, latency time.Duration, clients int) result {
	for _, at := range r.results {
		if at.name == work && at.setting == (setting{latency, clients}) {
			return at
		}
	}
	return result{}
}

func (r result) peer(name string) measured {
	for _, p := range r.peers {
		if p.name == name {
			return p
		}
	}
	return measured{}
}

// verdict says which bounds are kept, and where somebody is faster.
func (r report) verdict(b *bytes.Buffer) {
	if r.notes[0].name != bizydbItself.name {
		return
	}
	fmt.Fprintf(b, "\n## What was to be shown\n\nWith 1 client. “Ahead of each” is of the nearest of those under the policies, without “%s”, which does by hand what\nbizydb does.\n\n| | bound | measured | |\n|---|---|--:|---|\n", pgxInBatches.name)
	for _, bound := range bounds {
		measured, met, known := bound.of(r)
		switch {
		case !known:
			continue
		case met:
			fmt.Fprintf(b, "| %s | %s | %s | kept |\n", bound.what, bound.is, measured)
		default:
			fmt.Fprintf(b, "| %s | %s | %s | **missed** |\n", bound.what, bound.is, measured)
		}
	}

	var rows []string
	cells := 0
	for _, at := range r.results {
		for _, p := range at.peers[1:] {
			if p.name == pgxFloor.name {
				continue
			}
			if cells++; median(p.ratios) < 1 {
				rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s |", at.name, counted(at.clients, "client"), plus(at.latency), p.name, p.times()))
			}
		}
	}
	fmt.Fprintf(b, "\n## Where bizydb is behind\n\nBehind somebody under the same policies in %d of %d cells.\n", len(rows), cells)
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n| | | | faster | × bizydb |\n|---|---|---|---|--:|\n%s\n", strings.Join(rows, "\n"))
	}
}

// glance is one table of all cases with one client: how many times longer everyone takes.
func (r report) glance(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## At a glance\n\nTimes that of %s, 1 client, at", r.notes[0].name)
	var latencies []string
	for _, l := range r.latencies {
		latencies = append(latencies, plus(l))
	}
	fmt.Fprintf(b, " %s.\n\n| |", strings.Join(latencies, " / "))
	names := r.caseNames()
	for _, name := range names {
		fmt.Fprintf(b, " %s |", name)
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("--:|", len(names)))
	for _, c := range r.notes[1:] {
		fmt.Fprintf(b, "| %s |", c.name)
		for _, name := range names {
			var cells []string
			for _, l := range r.latencies {
				if p := r.at(name, l, 1).peer(c.name); len(p.ratios) > 0 {
					cells = append(cells, fmt.Sprintf("%.1f", median(p.ratios)))
				}
			}
			fmt.Fprintf(b, " %s |", strings.Join(cells, " / "))
		}
		fmt.Fprintln(b)
	}
}
