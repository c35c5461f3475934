// Package service holds docs/your-own-migrations.md to what it says of sqlc: it sets up a service by that page, in a module of its own.
package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "docs/your-own-migrations.md"

// block returns the code of the page that begins with a comment that names the file.
func block(t *testing.T, text, file string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)```[a-z]+\n((?:--|#) " + regexp.QuoteMeta(file) + "\n.*?)```").FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no %s", page, file)
	}
	return found[1]
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
	}
}

// A service's sqlc package has bizydb's types, and compiles.
func TestServiceBySqlc(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(root, page))
	dir := t.TempDir()
	at := func(path ...string) string { return filepath.Join(append([]string{dir}, path...)...) }

	// A module that has what bizydb has, so that nothing is fetched.
	module := read(t, filepath.Join(root, "go.mod"))
	module = strings.Replace(module, "module github.com/bizy-ai/bizydb\n", "module example.org/service\n", 1)
	write(t, at("go.mod"), module+`
require github.com/bizy-ai/bizydb v0.0.0

replace github.com/bizy-ai/bizydb => `+filepath.ToSlash(root)+`

tool github.com/bizy-ai/bizydb/cmd/bizydb-sqlc
`)
	write(t, at("go.sum"), read(t, filepath.Join(root, "go.sum")))
	for from, to := range map[string]string{"comments.sql": "db/queries/comments.sql", "types.go": "types.go"} {
		write(t, at(to), read(t, filepath.Join("testdata", from)))
	}

	run(t, dir, "go", "tool", "bizydb-sqlc", "-out", "db/bizydb")
	for _, file := range []string{"db/migrations/001_comments.sql", "db/types.sql"} {
		write(t, at(file), block(t, text, file))
	}
	const placeholder = "# … the lines of db/bizydb/overrides.yaml\n"
	before, after, found := strings.Cut(block(t, text, "sqlc.yaml"), placeholder)
	if !found {
		t.Fatalf("sqlc.yaml of %s has no line %q", page, placeholder)
	}
	indent := before[strings.LastIndexByte(before, '\n')+1:]
	overrides := strings.TrimRight(read(t, at("db/bizydb/overrides.yaml")), "\n")
	write(t, at("sqlc.yaml"), before+strings.ReplaceAll(overrides, "\n", "\n"+indent)+"\n"+after)

	for _, command := range []string{"generate", "diff"} {
		run(t, ".", "go", "tool", "sqlc", "-f", at("sqlc.yaml"), command)
	}
	run(t, dir, "go", "vet", "./...")

	// With no struct of a table that no query returns.
	var structs []string
	for _, found := range regexp.MustCompile(`(?m)^type (\w+)`).FindAllStringSubmatch(read(t, at("internal/store/models.go")), -1) {
		structs = append(structs, found[1])
	}
	if want := []string{"AppComment", "Goal", "Task"}; !slices.Equal(structs, want) {
		t.Errorf("models.go has %q, want %q", structs, want)
	}
}
