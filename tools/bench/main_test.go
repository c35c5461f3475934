package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(plainVariable) != "" { // a process of TestHTTP's
		main()
		return
	}
	os.Exit(bizydbtest.Run(m))
}

// The comparison runs from end to end, and measures everyone in each setting.
func TestCompare(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	o, err := parseCompare([]string{
		"-quick", "-out", out, "-cases", "get,bulk", "-users", "5", "-tasks", "1000", "-heavy", "500", "-bulk", "50", "-rounds", "2", "-turn", "1ms", "-clients", "1,2",
		"-latency", "0s,500µs",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := runCompare(t.Context(), o, t.Logf); err != nil {
		t.Fatal(err)
	}
	f, err := read(out, "compare")
	if err != nil {
		t.Fatal(err)
	}
	peers := len(f.peers())
	if want := (2 + 1) * 2 * peers; len(f.cells) != want || peers < len(contenders)-1 {
		t.Errorf("%d cells of %d libraries, want %d", len(f.cells), peers, want)
	}
	for _, c := range f.cells {
		bare := c.Clients == 1 && c.Latency == 0
		if !c.Time.known() || !c.Ratio.known() || c.P95 < c.Time.high || (c.Trips > 0) != bare || (c.Backend != nil) != bare || (c.Client != nil) != bare {
			t.Errorf("%+v", c)
		}
	}
	page := readPage(t, filepath.Join(out, "docs", "performance.md"))
	for _, part := range []string{"## bulk\n", "| bizydb again | ", "## What costs, and what was tried\n"} {
		if !strings.Contains(page, part) {
			t.Errorf("docs/performance.md has no %q", part)
		}
	}
	t.Logf("%s", page)
}

// Databases of two sizes, one beside the other.
func TestGrowth(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	o, err := parseGrowth([]string{"-out", out, "-sizes", "2000,4000", "-rounds", "2", "-turn", "1ms"})
	if err != nil {
		t.Fatal(err)
	}
	if err := runGrowth(t.Context(), o, t.Logf); err != nil {
		t.Fatal(err)
	}
	f, err := read(out, "growth")
	if err != nil || len(f.cells) != 2*len(growthCases) {
		t.Errorf("%d cells, %v", len(f.cells), err)
	}
	t.Logf("%s", growthTable(f))
}

// Each server answers each route of the comparison over HTTP.
func TestHTTP(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	o, err := parseHTTP([]string{"-out", out, "-users", "5", "-tasks", "1000", "-rounds", "1", "-turn", "20ms", "-connections", "3", "-latency", "1ms"})
	if err != nil {
		t.Fatal(err)
	}
	if err := runHTTP(t.Context(), o, t.Logf); err != nil {
		t.Fatal(err)
	}
	f, err := read(out, "http")
	if err != nil || len(f.cells) != len(httpCases)*len(httpServers) {
		t.Errorf("%d cells, %v", len(f.cells), err)
	}
	t.Logf("%s", httpTable(f))
}
