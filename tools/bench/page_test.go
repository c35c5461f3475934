package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readPage(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each page has the figures of the results.
func TestPagesAreCurrent(t *testing.T) {
	t.Parallel()
	m, err := readAll(results)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"compare", "growth", "http"} {
		if _, err := os.Stat(filepath.Join(results, name+".jsonl")); err != nil {
			t.Errorf("nothing to compare the pages with: %v", err)
		}
	}
	for _, name := range pages {
		page := readPage(t, filepath.Join(root, name))
		want, err := m.fill(page)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(page, "\n")); diff != "" {
			t.Errorf("%s differs from the results: go run . pages (-want +got)\n%s", name, diff)
		}
	}
}

// No page says how many times as long something takes but where it is written from the results.
func TestNoFigureIsByHand(t *testing.T) {
	t.Parallel()
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			found++
			byHand := block.ReplaceAllString(readPage(t, path), "")
			if quoted := regexp.MustCompile(`.*\d ?×.*`).FindString(byHand); quoted != "" {
				t.Errorf("%s: %s", path, quoted)
			}
		}
	}
	if found < 15 {
		t.Errorf("%d pages found", found)
	}
}

// A block whose figures were not measured stays; others are replaced, and nothing else is.
func TestFill(t *testing.T) {
	t.Parallel()
	ratio := func(peer string, r float64) cell {
		return cell{Case: "list", Clients: 1, Latency: 0.5, Peer: peer, Time: spread{1, 1, 1}, Ratio: spread{r, r, r}}
	}
	m := measured{compare: figures{
		run{Server: "PostgreSQL 15.1 with …", Tasks: 1000, Users: 10},
		[]cell{ratio("bizydb", 1), ratio("unisolated pgx", 0.96), ratio("pgx", 3.04), ratio("GORM", 4.16)},
	}}
	const page = "before\n\n<!-- measured: readme -->\nold\n<!-- end -->\n\nbetween\n\n<!-- measured: growth -->\nold growth\n<!-- end -->\n"
	got, err := m.fill(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n\n<!-- measured", "| pgx, GORM: list tasks, ", " | 3.0× to 4.2× |\n", " | 1.0× |\n", "<!-- end -->\n\nbetween\n\n", "\nold growth\n<!-- end -->\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\nold\n") {
		t.Errorf("the old figures are still there:\n%s", got)
	}
	if again, err := m.fill(got); again != got || err != nil {
		t.Errorf("filled again it differs, %v:\n%s", err, again)
	}
	if _, err := m.fill("<!-- measured: nothing -->\n<!-- end -->\n"); err == nil {
		t.Error("figures of an unknown name are no error")
	}
}

// With too few connections for all libraries at once, each is still measured beside the first.
func TestGroups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, most int
		want    [][]int
	}{
		{1, 5, [][]int{{0}}},
		{4, 5, [][]int{{0, 1, 2, 3}}},
		{4, 3, [][]int{{0, 1, 2}, {0, 3}}},
		{3, 1, [][]int{{0, 1}, {0, 2}}},
	} {
		if diff := cmp.Diff(c.want, groups(c.n, c.most)); diff != "" {
			t.Errorf("%d, at most %d (-want +got)\n%s", c.n, c.most, diff)
		}
	}
}
