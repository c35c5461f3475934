package main

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// On a terminal a bar moves, and is gone at the end.
func TestBar(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	path := plannerFile(t)
	exec(t, path, "INSERT INTO tasks (id, title) WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, 'Task' FROM n")
	var out, terminal bytes.Buffer
	c := console{screen{Writer: &out}, screen{&terminal, 80}}
	if status := command(t.Context(), []string{"-user", "ada@example.org", "-create", path}, c); status != 0 {
		t.Fatalf("exit status %d: %s", status, terminal.String())
	}
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile(`(reading|writing)[^\r]*\(\d+/\d+`).FindAllString(terminal.String(), -1) {
		shown[m] = true
	}
	if !regexp.MustCompile(`checking the file[^\r]*\(\d+/\d+`).MatchString(terminal.String()) {
		t.Errorf("the first pass is not named: %q", terminal.String())
	}
	if len(shown) < 4 {
		t.Errorf("the bar does not move: %q", terminal.String())
	}
	lines := strings.Split(terminal.String(), "\r")
	if last := lines[len(lines)-1]; strings.TrimSpace(last) != "" {
		t.Errorf("the bar leaves %q", last)
	}
}

// Where no terminal is, there is no bar.
func TestNoBar(t *testing.T) {
	var out bytes.Buffer
	b := &bar{to: screen{&out, 0}}
	for _, p := range []sqliteimport.Progress{
		{Step: sqliteimport.Reading, Done: 1000, Total: 20_000},
		{Step: sqliteimport.Reading, Done: 20_000, Total: 20_000},
		{Step: sqliteimport.Writing, Done: 1000, Total: 20_000},
		{Step: sqliteimport.Writing, Done: 20_000, Total: 20_000},
	} {
		b.show(p)
	}
	b.finish()
	if out.Len() > 0 {
		t.Errorf("it shows %q", out.String())
	}
}

// While one statement takes long the bar is drawn again and again.
func TestBarMovesByItself(t *testing.T) {
	for _, p := range []sqliteimport.Progress{
		{Step: sqliteimport.Writing, Done: 1000, Total: 20_000},
		{Step: sqliteimport.Writing, Done: 20_000, Total: 20_000},
	} {
		terminal := &countedWrites{}
		b := &bar{to: screen{terminal, 80}}
		b.show(p)
		for before := terminal.count(); terminal.count() < before+3; {
			time.Sleep(10 * time.Millisecond)
		}
		b.finish()
		after := terminal.count()
		time.Sleep(300 * time.Millisecond)
		if terminal.count() != after {
			t.Errorf("%+v: it moves after its end", p)
		}
	}
}

type countedWrites struct {
	mu sync.Mutex
	n  int
}

func (w *countedWrites) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return len(b), nil
}

func (w *countedWrites) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}
