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

// The program runs from end to end and writes a document with all that was asked for.
func TestDocument(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "performance.md")
	o, err := parse([]string{"-quick", "-out", out, "-cases", "get,complete,bulk", "-users", "5", "-tasks", "1000", "-heavy", "500", "-bulk", "50", "-rounds", "2", "-turn", "1ms", "-clients", "1,2", "-growth", "2000,4000"})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), o, t.Logf); err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	plots, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*.svg"))
	if err != nil || len(plots) != 2+2+1+1 {
		t.Errorf("%q, %v", plots, err)
	}
	t.Logf("%s", document)
}

// Each server answers each route of the comparison over HTTP.
func TestHTTP(t *testing.T) {
	t.Parallel()
	o, err := parseHTTP([]string{"-users", "5", "-tasks", "1000", "-rounds", "1", "-turn", "20ms", "-connections", "3", "-latency", "1ms"})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := runHTTP(t.Context(), o, &table, t.Logf); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(table.String(), "\n"); lines != 2+len(httpCases)*len(httpServers) {
		t.Errorf("%d lines", lines)
	}
	t.Logf("%s", table.String())
}
