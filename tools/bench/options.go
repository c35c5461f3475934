package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An output is where results and pages go.
type output struct {
	args []string
	out  string // a folder instead of the repository
}

func (o *output) define(flags *flag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "a folder to write results and pages to, instead of the repository")
}

func (o output) results() string {
	if o.out != "" {
		return o.out
	}
	return results
}

// writePages writes them from all results.
func (o output) writePages() error {
	m, err := readAll(o.results())
	if err != nil {
		return err
	}
	folder := root
	if o.out != "" {
		folder = o.out
	}
	return writePages(folder, m)
}

// store stores the results of one command, and writes the pages.
func (o output) store(name string, f figures, logf func(string, ...any)) error {
	if err := f.write(o.results(), name); err != nil {
		return err
	}
	logf("wrote %s.jsonl", filepath.Join(o.results(), name))
	return o.writePages()
}

// define has the options of how long to measure.
func (e *effort) define(flags *flag.FlagSet, rounds int, turn time.Duration) {
	flags.IntVar(&e.rounds, "rounds", rounds, "rounds")
	flags.DurationVar(&e.turn, "turn", turn, "how long everyone is measured in each round")
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

// setUnlessGiven sets flags that the command line does not have.
func setUnlessGiven(flags *flag.FlagSet, values map[string]string) error {
	var errs []error
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range values {
		if !given[name] {
			errs = append(errs, flags.Set(name, value))
		}
	}
	return errors.Join(errs...)
}
