package schema_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasilibs/go-pgquery/parser"
)

// A node is a part of a parse tree in the form that libpg_query writes it, PostgreSQL's own grammar as a library.
type node map[string]any

// at follows fields into a tree. It is nil where there is none.
func (n node) at(path ...string) node {
	for _, field := range path {
		n, _ = n[field].(map[string]any)
	}
	return n
}

func (n node) text(field string) string {
	s, _ := n[field].(string)
	return s
}

func (n node) list(field string) (nodes []node) {
	list, _ := n[field].([]any)
	for _, element := range list {
		if m, ok := element.(map[string]any); ok {
			nodes = append(nodes, m)
		}
	}
	return nodes
}

// kind is the type of a node and what is in it.
func (n node) kind() (string, node) {
	for name, value := range n {
		if inner, ok := value.(map[string]any); ok && len(n) == 1 {
			return name, inner
		}
	}
	return "", nil
}

// name joins a list of strings, as in schema.function.
func (n node) name(field string) string {
	var parts []string
	for _, part := range n.list(field) {
		parts = append(parts, part.at("String").text("sval"))
	}
	return strings.Join(parts, ".")
}

// relation is the name of a table, with its schema.
func (n node) relation() string { return n.text("schemaname") + "." + n.text("relname") }

// A statement is one of a file, as its tree and its text.
type statement struct {
	node
	sql string
}

func parseSQL(t testing.TB, sql string) []statement {
	t.Helper()
	text, err := parser.ParseToJSON(sql)
	if err != nil {
		t.Fatalf("%v, in:\n%s", err, sql)
	}
	var tree node
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	var statements []statement
	for _, stmt := range tree.list("stmts") {
		from, _ := stmt["stmt_location"].(float64)
		length, _ := stmt["stmt_len"].(float64)
		of := sql[int(from):]
		if length > 0 { // 0 is up to the end
			of = of[:int(length)]
		}
		statements = append(statements, statement{stmt.at("stmt"), strings.TrimSpace(of)})
	}
	return statements
}

// sqlFiles reads the files of a pattern, by their paths.
func sqlFiles(t testing.TB, pattern string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %q, %v", pattern, paths, err)
	}
	files := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = string(content)
	}
	return files
}

// waysUp are the migrations without their ways down.
func waysUp(t testing.TB) map[string]string {
	t.Helper()
	files := sqlFiles(t, "*.sql")
	for path, content := range files {
		up, _, found := strings.Cut(content, "---- create above / drop below ----")
		if !found {
			t.Fatalf("%s has no way down", path)
		}
		files[path] = up
	}
	return files
}
