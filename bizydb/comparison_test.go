package bizydb_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// docs/comparison.md says how many lines each contender takes for a list, and quotes its time and round trips.
func TestComparisonIsCounted(t *testing.T) {
	t.Parallel()
	lines := functionLines(t, "../tools/bench/*.go")
	page := pages(t)["docs/comparison.md"]
	measured := pages(t)["docs/performance.md"]
	_, measured, found := strings.Cut(measured, "\n## list\n")
	if !found {
		t.Fatal("docs/performance.md has no list")
	}
	header := regexp.MustCompile(`(?m)^\| \|(.*)\|$`).FindStringSubmatch(measured) // of the first table: 1 client
	if header == nil {
		t.Fatal("docs/performance.md has no table of the list")
	}
	columns := strings.Split(header[1], "|")
	column := func(name string, from int) int {
		for i := from; i < len(columns); i++ {
			if strings.HasPrefix(strings.TrimSpace(columns[i]), name) {
				return i
			}
		}
		t.Fatalf("the table of the list has no %q", name)
		return 0
	}
	times, trips := column("×", column("+0.5 ms", 0)), column("round trips", 0)
	for _, c := range []struct {
		name       string
		list, once []string // what lists, and what sets user and role
	}{
		{"bizydb", []string{"bizydbPeer.List"}, []string{"bizydbPeer.as"}},
		{"batched pgx", []string{"pgxBatches.List"}, []string{"pgxBatches.send"}},
		{"pgx", []string{"pgxPeer.List"}, []string{"pgxPeer.as", "within"}},
		{"sqlc", []string{"sqlcDB.List"}, []string{"sqlcDB.as", "within"}},
		{"GORM", []string{"gormDB.List"}, []string{"gormDB.as"}},
		{"ent", []string{"entDB.Stream"}, []string{"entDB.as"}}, // List is a Stream of 20
		{"Bun", []string{"bunDB.List"}, []string{"bunDB.as"}},
	} {
		sum := func(functions []string) (n int) {
			for _, f := range functions {
				if lines[f] == 0 {
					t.Fatalf("tools/bench has no %s", f)
				}
				n += lines[f]
			}
			return n
		}
		row := regexp.MustCompile(`(?m)^\| ` + c.name + ` \|(.*)\|$`).FindStringSubmatch(measured)
		if row == nil {
			t.Fatalf("docs/performance.md has no list of %s", c.name)
		}
		cells := strings.Split(row[1], "|")
		ratio, _, _ := strings.Cut(strings.TrimSpace(cells[times]), " ")
		want := fmt.Sprintf("%d | %d | %s | %s |", sum(c.list), sum(c.once), strings.TrimSpace(cells[trips]), ratio)
		if !regexp.MustCompile(`(?m)^\| \[` + c.name + `\]\(.*\) \| ` + regexp.QuoteMeta(want) + `$`).MatchString(page) {
			t.Errorf("docs/comparison.md, %s: want | %s", c.name, want)
		}
	}

	// The page rounds it, and stays true while queries are added.
	written := 0
	files, err := filepath.Glob("planner/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		written += bytes.Count(source, []byte("\n"))
	}
	said := regexp.MustCompile(`\[([\d,]+) lines\]\(\.\./bizydb/planner\)`).FindStringSubmatch(page)
	if said == nil {
		t.Fatal("docs/comparison.md does not say how many lines sqlc writes")
	}
	if n, err := strconv.Atoi(strings.ReplaceAll(said[1], ",", "")); err != nil || n*10 < written*9 || n*10 > written*11 {
		t.Errorf("docs/comparison.md says that sqlc writes %s lines, and they are %d", said[1], written)
	}
}

// functionLines returns how many lines each function takes, by its name and its receiver's type.
func functionLines(t *testing.T, pattern string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				if of, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
					name = of.Name + "." + name
				}
			}
			text := source[set.Position(f.Pos()).Offset:set.Position(f.End()).Offset]
			lines[name] = bytes.Count(text, []byte("\n")) + 1
		}
	}
	return lines
}
