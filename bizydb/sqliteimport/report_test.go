package sqliteimport_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Every problem has a name of its own and a sentence of its own.
func TestProblemsHaveSentences(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "report.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Problem" {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		sentence := sqliteimport.Problem(name).String()
		if err != nil || sentence == "" || said[sentence] || said[name] {
			t.Errorf("%s: %q is %q (error %v)", spec.Names[0], name, sentence, err)
		}
		said[sentence], said[name] = true, true
		return true
	})
	if len(said) < 40 {
		t.Errorf("%d names and sentences", len(said))
	}
}

// The first three findings of a kind are in the report, whether or not all of them are.
func TestKinds(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldTasks)
	for id := 1; id <= 5; id++ {
		f.insert(t, "tasks", record{"id": id, "title": "Task", "priority": 10 + id, "status": "pending", "created_at": "2025-01-01"})
	}
	f.insert(t, "tasks", record{"id": 6, "title": "Task", "priority": 1, "status": "Done", "created_at": "2025-01-01"})
	outOfRange := func(id int64) sqliteimport.Finding {
		return sqliteimport.Finding{Table: "tasks", ID: id, Column: "priority", Problem: sqliteimport.OutOfRange, Old: strconv.FormatInt(10+id, 10), New: "5"}
	}
	status := sqliteimport.Finding{Table: "tasks", ID: 6, Column: "status", Problem: sqliteimport.Unknown, Old: "Done", New: "pending"}
	want := []sqliteimport.Kind{
		{Table: "tasks", Column: "priority", Problem: sqliteimport.OutOfRange, Count: 5, Examples: []sqliteimport.Finding{outOfRange(1), outOfRange(2), outOfRange(3)}},
		{Table: "tasks", Column: "status", Problem: sqliteimport.Unknown, Count: 1, Examples: []sqliteimport.Finding{status}},
	}
	for _, handOn := range []func(sqliteimport.Finding){nil, func(sqliteimport.Finding) {}} {
		report := importFile(t, db, user, f.path, sqliteimport.Options{DryRun: true, OnFinding: handOn})
		if diff := cmp.Diff(want, report.Kinds); diff != "" {
			t.Errorf("kinds (-want +got):\n%s", diff)
		}
	}
	if got, want := want[0].String(), "tasks.priority is out of range"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	deleted := sqliteimport.Kind{Table: "tasks", Problem: sqliteimport.NotInFile}
	if got, want := deleted.String(), "tasks: not in this file, though imported from it before"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
