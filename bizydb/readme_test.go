package bizydb_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The Go code in the README and the documentation stands, word for word, in code that the tests compile and run.
func TestReadmeIsCompiled(t *testing.T) {
	t.Parallel()
	var readme []byte
	for _, file := range []string{"../README.md", "../docs/errors.md", "../docs/operations.md", "../docs/your-own-migrations.md", "../docs/your-own-queries.md", "../docs/your-own-tables.md", "../docs/reporting.md", "../docs/changes.md", "../docs/trash.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		readme = append(readme, b...)
	}
	if placeholder := regexp.MustCompile("@[A-Z]+@").Find(readme); placeholder != nil {
		t.Errorf("a figure is missing: %s", placeholder)
	}
	var compiled string
	for _, file := range []string{"example_test.go", "bizydbtest/example_test.go", "sqliteimport/example_test.go", "userdata/example_test.go", "../schema/beside_test.go", "../examples/timesheet/main.go", "../examples/timesheet/timesheet.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		compiled += string(b)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("%d blocks of Go found", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(compiled, strings.TrimSpace(block[1])) {
			t.Errorf("not in the examples as it stands:\n%s", block[1])
		}
	}
}

// The README installs the tern that the tests run.
func TestReadmeInstallsTern(t *testing.T) {
	t.Parallel()
	version := map[string]string{}
	for file, pattern := range map[string]string{"../README.md": `go install github\.com/jackc/tern/v2@(\S+)`, "../go.mod": `github\.com/jackc/tern/v2 (\S+)`} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindSubmatch(b)
		if m == nil {
			t.Fatalf("%s: nothing like %s", file, pattern)
		}
		version[file] = string(m[1])
	}
	if version["../README.md"] != version["../go.mod"] {
		t.Errorf("versions %v", version)
	}
}

// The tests that the documents name are there.
func TestDocumentsNameTests(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	if err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, f := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllSubmatch(b, -1) {
			declared[string(f[1])] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range append(documents, "../README.md", "../SECURITY.md") {
		b, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`").FindAllSubmatch(b, -1) {
			if !declared[string(name[1])] {
				t.Errorf("%s names %s, which is not there", document, name[1])
			}
		}
	}
}
