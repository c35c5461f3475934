package bizydb_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The Go code in the README stands, word for word, in code that the tests compile and run.
func TestReadmeIsCompiled(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if placeholder := regexp.MustCompile("@[A-Z]+@").Find(readme); placeholder != nil {
		t.Errorf("a figure is missing: %s", placeholder)
	}
	var compiled string
	for _, file := range []string{"example_test.go", "bizydbtest/example_test.go", "sqliteimport/example_test.go"} {
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
