package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The pages that quote figures, from the root of the repository. What stands between
//
//	<!-- measured: NAME -->
//	<!-- end -->
//
// is written from the results, and the rest by hand.
var pages = []string{"README.md", "docs/performance.md"}

var block = regexp.MustCompile(`(?s)(<!-- measured: ([^\n]+) -->\n).*?(<!-- end -->)`)

// measured are the results of all commands.
type measured struct{ compare, growth, http figures }

func readAll(folder string) (m measured, err error) {
	for name, into := range map[string]*figures{"compare": &m.compare, "growth": &m.growth, "http": &m.http} {
		if *into, err = read(folder, name); err != nil {
			return m, err
		}
	}
	return m, nil
}

// text is what belongs into a block. Before anything was measured for it, the block stays as it is.
func (m measured) text(name string) (text string, known bool, err error) {
	f := m.compare
	switch name {
	case "growth":
		f = m.growth
	case "http":
		f = m.http
	}
	write, ok := map[string]func() string{
		"conditions": func() string { return conditions(f) },
		"libraries":  func() string { return libraries(f) },
		"aims":       func() string { return aimTable(f, m.growth) },
		"behind":     func() string { return behind(f) },
		"1 client":   func() string { return glance(f, 1) },
		"8 clients":  func() string { return glance(f, 8) },
		"32 clients": func() string { return glance(f, 32) },
		"processor":  func() string { return processor(f) },
		"cases":      func() string { return everyCase(f) },
		"growth":     func() string { return growthTable(f) },
		"http":       func() string { return httpTable(f) },
		"readme":     func() string { return quoted(f) },
	}[name]
	if !ok {
		return "", false, fmt.Errorf("no figures are called %q", name)
	}
	if len(f.cells) == 0 {
		return "", false, nil
	}
	return write(), true, nil
}

// fill returns a page with the blocks that are known.
func (m measured) fill(page string) (string, error) {
	var first error
	page = block.ReplaceAllStringFunc(page, func(old string) string {
		parts := block.FindStringSubmatch(old)
		text, known, err := m.text(parts[2])
		if err != nil && first == nil {
			first = err
		}
		if !known {
			return old
		}
		return parts[1] + text + parts[3]
	})
	return page, first
}

// writePages writes the pages below a folder, and the plots beside docs/performance.md.
func writePages(folder string, m measured) error {
	for _, name := range pages {
		page, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		filled, err := m.fill(string(page))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
			return err
		}
	}
	return savePlots(filepath.Join(folder, "docs"), m)
}

// root is the repository's, from the folder of this program.
const root = "../.."

// quoted are the figures of the README.
func quoted(f figures) string {
	server, _, _ := strings.Cut(f.Server, ".")
	t := table{head: []string{
		fmt.Sprintf("%s, %s tasks of %s users, 0.5 ms of network latency", server, thousands(f.Tasks), thousands(f.Users)), "time, as a multiple of bizydb's",
	}}
	low, high, who := math.Inf(1), 0.0, []string(nil)
	for _, peer := range slices.DeleteFunc(f.peers(), func(peer string) bool { return !isolates(peer) || peer == sqlalchemyPeer.name }) {
		ratio := f.at("list", near, 1, peer).Ratio.median
		low, high, who = min(low, ratio), max(high, ratio), append(who, peer)
	}
	t.add(strings.Join(who, ", ")+": list tasks, in a transaction that sets user and role", fmt.Sprintf("%.1f× to %.1f×", low, high))
	t.add("pgx: list tasks with `WHERE user_id = …`, without row-level security", fmt.Sprintf("%.1f×", f.at("list", near, 1, pgxFloor.name).Ratio.median))
	t.add("pgx: complete a task and update the progress of its goals, in a transaction that sets user and role",
		fmt.Sprintf("%.1f×", f.at("complete", near, 1, pgxIsolated.name).Ratio.median))
	return t.String()
}
