package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

const none, near, far = 0, 500 * time.Microsecond, 2 * time.Millisecond

// An aim is what the project wants to reach, with one client.
type aim struct {
	what, limit string
	of          func(f figures) (aimed, bool)
}

// aimed is what was reached.
type aimed struct {
	value, again string // again is what bizydb measured against itself comes to
	met          bool
}

var aims = []aim{
	toFloor("get", near), toFloor("get", far), toFloor("list", near), toFloor("list", far),
	serverToFloor("get", 1.8), serverToFloor("list", 1.2),
	ahead("get", 3, near), ahead("list", 3, near),
	ahead("complete", 2.5, none), ahead("complete", 5, near),
	{"cells in which bizydb is behind a library that isolates, but for hand-written batches", "0", func(f figures) (aimed, bool) {
		behind, again := f.compared(isolates).behind, f.compared(isAgain).behind
		return aimed{fmt.Sprint(len(behind)), fmt.Sprint(len(again)), len(behind) == 0}, len(f.cells) > 0
	}},
	{"list: allocations, to those of pgx", "≤ 1.15", func(f figures) (aimed, bool) {
		ratio := func(peer contender) float64 {
			return f.at("list", none, 1, peer.name).Allocations / f.at("list", none, 1, pgxIsolated.name).Allocations
		}
		mine := ratio(bizydbItself)
		return aimed{times(mine), times(ratio(bizydbAgain)), mine <= 1.15}, mine > 0
	}},
	{"dashboard: round trips", "1", func(f figures) (aimed, bool) {
		mine, again := f.at("dashboard", none, 1, bizydbItself.name), f.at("dashboard", none, 1, bizydbAgain.name)
		return aimed{fmt.Sprint(mine.Trips), fmt.Sprint(again.Trips), mine.Trips == 1}, mine.Trips > 0
	}},
}

// toFloor compares times with those of a query that nothing isolates.
func toFloor(work string, latency time.Duration) aim {
	return aim{work + " at " + plus(latency) + ": time, to that of the floor", "≤ 1.05", func(f figures) (aimed, bool) {
		at := func(peer contender) spread { return f.at(work, latency, 1, peer.name).Ratio }
		mine := at(pgxFloor).inverse()
		return aimed{mine.String(), at(bizydbAgain).String(), mine.median <= 1.05}, at(pgxFloor).known()
	}}
}

// serverToFloor compares the server's processor time.
func serverToFloor(work string, limit float64) aim {
	return aim{work + ": processor time of the server, to that of the floor", fmt.Sprintf("≤ %g", limit), func(f figures) (aimed, bool) {
		floor, again := f.at(work, none, 1, pgxFloor.name).Backend, f.at(work, none, 1, bizydbAgain.name).Backend
		if floor == nil || again == nil {
			return aimed{}, false
		}
		mine := floor.Ratio.inverse()
		return aimed{mine.String(), again.Ratio.String(), mine.median <= limit}, true
	}}
}

// ahead compares with the nearest of those who isolate.
func ahead(work string, least float64, latency time.Duration) aim {
	return aim{work + " at " + plus(latency) + ": time of the fastest library that isolates, to bizydb's", fmt.Sprintf("≥ %g", least), func(f figures) (aimed, bool) {
		var nearest cell
		for _, c := range f.cells {
			if c.Case == work && c.Latency == ms(latency) && c.Clients == 1 && isolates(c.Peer) && (nearest.Peer == "" || c.Ratio.median < nearest.Ratio.median) {
				nearest = c
			}
		}
		again := f.at(work, latency, 1, bizydbAgain.name).Ratio
		return aimed{fmt.Sprintf("%s, %s", nearest.Ratio, nearest.Peer), again.String(), nearest.Ratio.median >= least}, nearest.Peer != ""
	}}
}

// isolates says whether a peer is a library under the policies. The hand-written batch is the limit: it does what bizydb does.
func isolates(peer string) bool {
	return !slices.Contains([]string{bizydbItself.name, bizydbAgain.name, pgxFloor.name, pgxInBatches.name}, peer)
}

func isAgain(peer string) bool { return peer == bizydbAgain.name }

func aimTable(f, growth figures) string {
	t := table{head: []string{"", "aim", "measured", bizydbAgain.name, ""}, texts: 2}
	verdict := map[bool]string{true: "reached", false: "**missed**"}
	for _, aim := range aims {
		if a, known := aim.of(f); known {
			t.add(aim.what, aim.limit, a.value, a.again, verdict[a.met])
		}
	}
	if len(growth.cells) > 0 {
		most := slices.MaxFunc(growth.cells, func(a, b cell) int { return cmp.Compare(a.Ratio.median, b.Ratio.median) })
		t.add("growth from the smallest database to any other", "≤ 1.5",
			fmt.Sprintf("%s, %s with %s tasks", most.Ratio, most.Case, thousands(most.Tasks)), "", verdict[most.Ratio.median <= 1.5])
	}
	return t.String()
}

// compared are the cells of some peers, by what the quartiles of their ratio say.
type compared struct{ ahead, even, behind []cell }

func (f figures) compared(with func(peer string) bool) (found compared) {
	for _, c := range f.cells {
		switch {
		case !with(c.Peer):
		case c.Ratio.low > 1:
			found.ahead = append(found.ahead, c)
		case c.Ratio.high < 1:
			found.behind = append(found.behind, c)
		default:
			found.even = append(found.even, c)
		}
	}
	return found
}

// behind says where bizydb is slower.
func behind(f figures) string {
	only := func(c contender) func(string) bool { return func(peer string) bool { return peer == c.name } }
	t := table{head: []string{"bizydb beside", "cells", "ahead", "no difference", "behind"}}
	for _, group := range []struct {
		name string
		with func(string) bool
	}{
		{"libraries that isolate", isolates},
		{"batched pgx", only(pgxInBatches)},
		{"unisolated pgx", only(pgxFloor)},
		{bizydbAgain.name, isAgain},
	} {
		c := f.compared(group.with)
		t.add(group.name, fmt.Sprint(len(c.ahead)+len(c.even)+len(c.behind)), fmt.Sprint(len(c.ahead)), fmt.Sprint(len(c.even)), fmt.Sprint(len(c.behind)))
	}
	var b strings.Builder
	b.WriteString(t.String())
	if cells := f.compared(isolates).behind; len(cells) > 0 {
		t := table{head: []string{"behind", "clients", "latency", "faster", "×"}, texts: 4}
		for _, c := range cells {
			t.add(c.Case, fmt.Sprint(c.Clients), fmt.Sprintf("+%g ms", c.Latency), c.Peer, c.Ratio.String())
		}
		fmt.Fprintf(&b, "\n%s", t)
	}
	if cells := f.compared(only(pgxInBatches)).behind; len(cells) > 0 {
		t := table{head: []string{"behind batched pgx", "clients", "latency", "×"}, texts: 3}
		for _, c := range cells {
			t.add(c.Case, fmt.Sprint(c.Clients), fmt.Sprintf("+%g ms", c.Latency), c.Ratio.String())
		}
		fmt.Fprintf(&b, "\n%s", t)
	}
	return b.String()
}
