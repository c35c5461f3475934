package bizydb_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// pages returns the README and every page of docs, SECURITY.md and the examples' pages by their paths from the top.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[strings.TrimPrefix(filepath.ToSlash(file), "../")] = string(b)
		}
	}
	if len(found) < 15 {
		t.Fatalf("only %d pages found", len(found))
	}
	return found
}

// The Go code of the pages stands, word for word, in code that the tests compile and run.
func TestReadmeIsCompiled(t *testing.T) {
	t.Parallel()
	var compiled strings.Builder
	for _, pattern := range []string{"*_test.go", "*/example_test.go", "../schema/*_test.go", "../examples/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compiled.Write(b)
		}
	}
	code := compiled.String()
	blocks := 0
	for page, text := range pages(t) {
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
			blocks++
			if !strings.Contains(code, strings.TrimSpace(block[1])) {
				t.Errorf("%s: not in the examples as it stands:\n%s", page, block[1])
			}
		}
	}
	if blocks < 30 {
		t.Errorf("%d blocks of Go found", blocks)
	}
}

// A figure that a document waits for is written between two @.
func TestNoFigureIsMissing(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		if placeholder := regexp.MustCompile("@[A-Z]+@").FindString(text); placeholder != "" {
			t.Errorf("%s: a figure is missing: %s", page, placeholder)
		}
	}
}

// The README stays short enough to be read.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(pages(t)["README.md"], "")
	if n := len(regexp.MustCompile(`\S*\pL\S*`).FindAllString(text, -1)); n > 900 {
		t.Errorf("the README has %d words besides its code, and may have 900", n)
	}
}

// Each link to a file of the project leads to one that is there, and each to a heading to one that the page has.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	all := pages(t)
	anchors := map[string]map[string]bool{}
	for page, text := range all {
		anchors[page] = map[string]bool{}
		text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
			slug := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(heading[1]), "") // as GitHub makes them
			anchors[page][strings.ReplaceAll(slug, " ", "-")] = true
		}
	}
	links := 0
	for page, text := range all {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(link[1], "#")
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			}
			if known, isPage := anchors[target]; anchor != "" && isPage && !known[anchor] {
				t.Errorf("%s links to %s, and %s has no such heading", page, link[1], target)
			}
		}
	}
	if links < 50 {
		t.Errorf("%d links found", links)
	}
}

// pgx accepts every connection string of the pages. An ellipsis stands for a password, or for a user and a password.
func TestConnectionStringsOfDocuments(t *testing.T) {
	t.Parallel()
	found := 0
	for page, text := range pages(t) {
		for _, quoted := range regexp.MustCompile("'(postgres://[^'\n]+)'|`(postgres://[^`\n]+)`|(postgres://\\S+)").FindAllStringSubmatch(text, -1) {
			found++
			dsn := strings.Join(quoted[1:], "")
			if _, err := pgx.ParseConfig(strings.ReplaceAll(dsn, "…", "secret")); err != nil {
				t.Errorf("%s: %s: %v", page, dsn, err)
			}
		}
	}
	if found < 5 {
		t.Errorf("%d connection strings found", found)
	}
}

// The guide installs the tern that the tests run.
func TestGuideInstallsTern(t *testing.T) {
	t.Parallel()
	version := map[string]string{}
	for file, pattern := range map[string]string{"../docs/guide.md": `go install github\.com/jackc/tern/v2@(\S+)`, "../go.mod": `github\.com/jackc/tern/v2 (\S+)`} {
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
	if version["../docs/guide.md"] != version["../go.mod"] {
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
	for page, text := range pages(t) {
		for _, name := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`").FindAllStringSubmatch(text, -1) {
			if !declared[name[1]] {
				t.Errorf("%s names %s, which is not there", page, name[1])
			}
		}
	}
}
