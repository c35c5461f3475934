package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Figures are the results of one command: how they were measured, and a cell for each thing that was. They are stored in a file
// of their own, a cell a line, so that each command can be run by itself, and the pages are written from all of them.
type figures struct {
	run
	cells []cell
}

// A run says how figures were measured.
type run struct {
	Command  string            `json:"command"`
	Date     string            `json:"date"`
	Commit   string            `json:"commit"`
	Go       string            `json:"go"`
	Cores    int               `json:"cores"`
	Server   string            `json:"server"`
	Users    int               `json:"users"`
	Tasks    int               `json:"tasks"`
	Heavy    int               `json:"heavy,omitempty"`
	Bulk     int               `json:"bulk,omitempty"`
	Rounds   int               `json:"rounds"`
	Turn     string            `json:"turn"`
	Enough   string            `json:"enough,omitempty"`
	Added    map[string]string `json:"added,omitempty"` // what a round trip took longer, by what was asked for
	Versions map[string]string `json:"versions,omitempty"`
}

// A cell is one peer's part of one case in one setting. Times are in µs.
type cell struct {
	Case    string  `json:"case"`
	Clients int     `json:"clients"`
	Latency float64 `json:"latency_ms"`
	Tasks   int     `json:"tasks,omitempty"` // in the database, where it is not always the same
	Peer    string  `json:"peer"`
	Time    spread  `json:"time"` // of single calls
	P95     float64 `json:"p95"`
	Ratio   spread  `json:"ratio"`          // each round's, to the first peer: of times, or over HTTP of rates
	Rate    float64 `json:"rate,omitempty"` // requests per second

	// With one client and without latency.
	Client      *cost   `json:"client,omitempty"` // processor time of the client's process
	Backend     *cost   `json:"server,omitempty"` // and of the server's
	Allocations float64 `json:"allocations,omitempty"`
	Trips       float64 `json:"round_trips,omitempty"`
}

// A cost is processor time.
type cost struct {
	PerCall float64 `json:"per_call"` // of all rounds together, in µs
	Ratio   spread  `json:"ratio"`
}

// results is where figures are stored.
const results = "results"

func newRun(ctx context.Context, command string, args []string, size size, effort effort, conn *pgx.Conn) (run, error) {
	r := run{
		Command: strings.Join(append([]string{"go run ."}, append(strings.Fields(command), args...)...), " "),
		Date:    time.Now().UTC().Format("January 2, 2006"), Commit: commit(ctx),
		Go: runtime.Version(), Cores: runtime.NumCPU(),
		Users: size.users, Tasks: size.tasks, Heavy: size.heavy, Bulk: size.bulk, Rounds: effort.rounds, Turn: effort.turn.String(),
	}
	if effort.enough > 0 {
		r.Enough = effort.enough.String()
	}
	return r, conn.QueryRow(ctx, settingsSQL).Scan(&r.Server)
}

const settingsSQL = `
	SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || ' with ' ||
	  string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name)
	FROM unnest(ARRAY['fsync', 'full_page_writes', 'shared_buffers', 'synchronous_commit']) AS name`

// commit names what was measured, as well as git knows.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(out))
	if exec.CommandContext(ctx, "git", "diff", "--quiet", "HEAD", "--", ":/*.go", ":/*.sql", ":/*.py").Run() != nil {
		name += " with changes"
	}
	return name
}

// write stores figures under a name.
func (f figures) write(folder, name string) error {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(f.run); err != nil {
		return err
	}
	for _, c := range f.cells {
		if err := lines.Encode(c); err != nil {
			return fmt.Errorf("%s of %s: %w", c.Case, c.Peer, err)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+".jsonl"), b.Bytes(), 0o644)
}

// read returns what was stored, which is nothing if nothing was measured.
func read(folder, name string) (f figures, err error) {
	file, err := os.Open(filepath.Join(folder, name+".jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	} else if err != nil {
		return f, err
	}
	defer file.Close()
	lines := json.NewDecoder(bufio.NewReader(file))
	if err := lines.Decode(&f.run); err != nil {
		return f, fmt.Errorf("%s: %w", file.Name(), err)
	}
	for lines.More() {
		var c cell
		if err := lines.Decode(&c); err != nil {
			return f, fmt.Errorf("%s: %w", file.Name(), err)
		}
		f.cells = append(f.cells, c)
	}
	return f, nil
}

// at returns the cell of a peer, or an empty one.
func (f figures) at(work string, latency time.Duration, clients int, peer string) cell {
	for _, c := range f.cells {
		if c.Case == work && c.Latency == ms(latency) && c.Clients == clients && c.Peer == peer {
			return c
		}
	}
	return cell{}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// distinct returns the values of the cells in the order in which they come.
func distinct[T comparable](cells []cell, value func(cell) T) []T {
	var all []T
	seen := map[T]bool{}
	for _, c := range cells {
		if v := value(c); !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	return all
}
