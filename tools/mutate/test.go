package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A verdict is what became of a mutant.
type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "survived"
	invalid  verdict = "does not count" // nobody could have committed it
)

// A result is a verdict, the test that failed and what it said.
type result struct {
	verdict verdict
	by      string
	detail  string
	took    time.Duration
}

func (r result) String() string {
	s := fmt.Sprintf("%s after %.0f s", r.verdict, r.took.Seconds())
	if r.by != "" {
		s += " by " + r.by
	}
	if r.detail != "" {
		s += "\n  " + strings.ReplaceAll(strings.TrimSpace(r.detail), "\n", "\n  ")
	}
	return s
}

// A tree is a temporary copy of the repository.
type tree struct {
	dir     string
	module  string
	wrap    []string
	run     string
	timeout time.Duration
	tests   []testPackage
}

// A testPackage is a package with tests and all that these depend on.
type testPackage struct {
	path string
	deps []string
}

func newTree(ctx context.Context, root string, wrap []string, run string, timeout time.Duration) (*tree, error) {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	t := &tree{dir: dir, wrap: wrap, run: run, timeout: timeout}
	if err := t.fill(ctx, root); err != nil {
		t.remove()
		return nil, err
	}
	return t, nil
}

func (t *tree) remove() { os.RemoveAll(t.dir) }

func (t *tree) fill(ctx context.Context, root string) error {
	if err := os.Chmod(t.dir, 0o755); err != nil { // servers run by another user read from it
		return err
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		to := filepath.Join(t.dir, below)
		switch {
		case d.Name() == ".git" && d.IsDir():
			return fs.SkipDir
		case d.Name() == ".git": // of a worktree
			return nil
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, info.Mode())
	})
	if err != nil {
		return err
	}
	if err := t.write(migrates, migratesTest); err != nil {
		return err
	}

	out, err := t.command(ctx, "go", "list", "-m").Output()
	if err != nil {
		return err
	}
	t.module = strings.TrimSpace(string(out))
	out, err = t.command(ctx, "go", "list", "-test", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...").Output()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if p, ok := strings.CutSuffix(fields[0], ".test"); ok && p != t.module+"/"+path.Dir(migrates) {
			t.tests = append(t.tests, testPackage{p, fields[1:]})
		}
	}
	return nil
}

func (t *tree) write(name, text string) error {
	file := filepath.Join(t.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

func (t *tree) command(ctx context.Context, command ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = t.dir
	inGroup(cmd)
	return cmd
}

// try tests a mutant. The copy is whole again afterwards.
func (t *tree) try(ctx context.Context, m *mutant) (r result, err error) {
	if err := t.write(m.file, m.apply()); err != nil {
		return result{}, err
	}
	defer func() {
		err = errors.Join(err, t.write(m.file, m.text))
		if m.class == queryClass {
			err = errors.Join(err, t.generate(context.WithoutCancel(ctx)))
		}
	}()

	changed := path.Dir(m.file)
	switch m.class {
	case schemaClass:
		if r := t.goTest(ctx, path.Dir(migrates), ""); r.verdict != survived {
			return result{verdict: invalid, by: "the migrations", detail: r.detail, took: r.took}, nil
		}
	case queryClass:
		if err := t.generate(ctx); err != nil {
			return result{verdict: invalid, by: "sqlc", detail: err.Error()}, nil
		}
		changed = "bizydb" // what is generated is below it
	}
	if out, err := t.command(ctx, "go", "vet", "./"+changed).CombinedOutput(); err != nil {
		return result{verdict: invalid, by: "go vet", detail: string(out)}, nil
	}
	return t.test(ctx, changed), ctx.Err()
}

func (t *tree) generate(ctx context.Context) error {
	out, err := t.command(ctx, "go", "tool", "-modfile=tools/go.mod", "sqlc", "generate").CombinedOutput()
	if err != nil {
		return fmt.Errorf("sqlc generate: %w\n%s", err, out)
	}
	return nil
}

// test runs the tests that depend on a package, "" for all, until one fails: those of the package itself first, then those
// of schema and bizydb.
func (t *tree) test(ctx context.Context, changed string) result {
	rank := func(p testPackage) int {
		return slices.Index([]string{"", "bizydb", "schema", changed}, strings.TrimPrefix(p.path, t.module+"/"))
	}
	tests := slices.Clone(t.tests)
	slices.SortStableFunc(tests, func(a, b testPackage) int { return cmp.Compare(rank(b), rank(a)) })

	var took time.Duration
	for _, p := range tests {
		if changed != "" && p.path != t.module+"/"+changed && !slices.Contains(p.deps, t.module+"/"+changed) {
			continue
		}
		r := t.goTest(ctx, strings.TrimPrefix(p.path, t.module+"/"), t.run, t.wrap...)
		took += r.took
		if r.verdict != survived {
			r.took = took
			return r
		}
	}
	return result{verdict: survived, took: took}
}

// goTest runs the tests of a package until the first fails.
func (t *tree) goTest(ctx context.Context, pkg, run string, wrap ...string) result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := t.command(ctx, append(slices.Clone(wrap), "go", "test", "-json", "-failfast", "-timeout", t.timeout.String(), "-run", run, "./"+pkg)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return result{verdict: invalid, detail: err.Error()}
	}

	r := result{verdict: survived}
	var start time.Time
	said := map[string]*strings.Builder{}
	for lines := bufio.NewReader(out); r.verdict == survived; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var event struct{ Action, Test, Output, ImportPath string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		if said[event.Test] == nil {
			said[event.Test] = &strings.Builder{}
		}
		switch event.Action {
		case "start": // built, and not waiting for anything any more
			start = time.Now()
		case "output", "build-output":
			said[event.Test].WriteString(event.Output)
		case "build-fail":
			r = result{verdict: invalid, by: "go build", detail: said[""].String()}
		case "fail":
			by := pkg
			if event.Test != "" {
				by += " " + event.Test
			}
			r = result{verdict: killed, by: by, detail: excerpt(said[event.Test].String())}
		}
	}
	if r.verdict != survived {
		cancel() // the other tests have nothing to add
	}
	ended := cmd.Wait()
	if r.verdict == survived && ended != nil {
		r = result{verdict: killed, by: pkg, detail: ended.Error()}
	}
	if !start.IsZero() {
		r.took = time.Since(start)
	}
	return r
}

// excerpt returns the first lines of what a test said itself.
func excerpt(output string) string {
	var kept []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") || strings.Contains(line, "bizydbtest.go:") {
			continue
		}
		if kept = append(kept, line[:min(len(line), 300)]); len(kept) == 3 {
			break
		}
	}
	return strings.Join(kept, "\n")
}

// migrates is a test that says whether the migrations run at all.
const migrates = "internal/mutate/migrates_test.go"

const migratesTest = `package mutate

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
)

func TestMigrates(t *testing.T) {
	ctx := context.Background()
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	database := "mutate_" + rand.Text()
	admin, err := pgx.Connect(ctx, server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	if _, err := admin.Exec(ctx, "CREATE DATABASE \"" + database + "\""); err != nil {
		t.Fatal(err)
	}
	defer admin.Exec(ctx, "DROP DATABASE \"" + database + "\" WITH (FORCE)")
	conn, err := pgx.Connect(ctx, server.DSNFor(database, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := schema.Migrate(ctx, conn); err != nil {
		t.Error(err)
	}
}
`

// A row is a line of the report.
type row struct {
	mutant *mutant
	result result
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| mutant | verdict | by | seconds |\n|---|---|---|---|\n")
	count := map[verdict]int{}
	for _, r := range rows {
		count[r.result.verdict]++
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f |\n", strings.ReplaceAll(r.mutant.name(), "|", `\|`), r.result.verdict, r.result.by, r.result.took.Seconds())
	}
	fmt.Fprintf(&b, "\n%d mutants: %d killed, %d survived\n", len(rows), count[killed], count[survived])
	return b.String()
}
