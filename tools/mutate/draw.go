package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// shares says how the classes share in a draw.
var shares = map[class]int{schemaClass: 3, queryClass: 1, goClass: 2}

// A deck is what is drawn from: a pile of mutants for each kind, and the order in which the piles have their turn.
type deck struct {
	piles map[pile][]*mutant
	turns []pile
}

type pile struct {
	class class
	kind  string
}

// newDeck shuffles the mutants for a draw of n, 0 for all.
func newDeck(mutants []*mutant, n int, seed uint64) *deck {
	d := &deck{piles: map[pile][]*mutant{}}
	for _, m := range mutants {
		p := pile{m.class, m.kind}
		d.piles[p] = append(d.piles[p], m)
	}
	if n == 0 {
		for _, m := range mutants {
			d.turns = append(d.turns, pile{m.class, m.kind})
		}
		return d
	}

	kinds := slices.SortedFunc(maps.Keys(d.piles), func(a, b pile) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.kind, b.kind))
	})
	random := rand.New(rand.NewPCG(seed, 0))
	for _, p := range kinds {
		random.Shuffle(len(d.piles[p]), func(i, j int) { d.piles[p][i], d.piles[p][j] = d.piles[p][j], d.piles[p][i] })
	}
	random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })

	for c, count := range counts(kinds, n) {
		left := map[pile]int{}
		for _, p := range kinds {
			if p.class == c {
				left[p] = len(d.piles[p])
			}
		}
		for count > 0 && len(left) > 0 {
			for _, p := range kinds {
				if left[p] == 0 || count == 0 {
					delete(left, p)
					continue
				}
				d.turns = append(d.turns, p)
				left[p]--
				count--
			}
		}
	}
	slices.SortStableFunc(d.turns, func(a, b pile) int { return cmp.Compare(shares[b.class], shares[a.class]) })
	return d
}

// counts splits n among the classes that there are.
func counts(kinds []pile, n int) map[class]int {
	total := 0
	split := map[class]int{}
	for _, p := range kinds {
		if _, ok := split[p.class]; !ok {
			split[p.class] = 0
			total += shares[p.class]
		}
	}
	left := n
	for c := range split {
		split[c] = n * shares[c] / total
		left -= split[c]
	}
	for _, c := range []class{schemaClass, goClass, queryClass} { // what rounding has left
		if _, ok := split[c]; ok && left > 0 {
			split[c] += left
			left = 0
		}
	}
	return split
}

// draw returns the next mutant, nil at the end.
func (d *deck) draw() *mutant {
	for len(d.turns) > 0 {
		p := d.turns[0]
		d.turns = d.turns[1:]
		if cards := d.piles[p]; len(cards) > 0 {
			d.piles[p] = cards[1:]
			return cards[0]
		}
	}
	return nil
}

// putBack gives the kind of m another turn, since m does not count.
func (d *deck) putBack(m *mutant) {
	d.turns = slices.Insert(d.turns, 0, pile{m.class, m.kind})
}

// sizes says how many mutants of each class and kind there are.
func sizes(mutants []*mutant) string {
	count := map[pile]int{}
	for _, m := range mutants {
		count[pile{m.class, m.kind}]++
		count[pile{class: m.class}]++
	}
	var b strings.Builder
	for _, p := range slices.SortedFunc(maps.Keys(count), func(a, b pile) int {
		return cmp.Or(cmp.Compare(shares[b.class], shares[a.class]), cmp.Compare(a.kind, b.kind))
	}) {
		if p.kind == "" {
			fmt.Fprintf(&b, "%-28s%5d\n", p.class, count[p])
		} else {
			fmt.Fprintf(&b, "  %-26s%5d\n", p.kind, count[p])
		}
	}
	return b.String()
}
