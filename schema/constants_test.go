package schema_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/internal/testdb"
)

// The constants of package planner and the values that the tables take are the same.
func TestConstantsAreTheValuesOfTheChecks(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	constants := plannerConstants(t)
	quoted := regexp.MustCompile(`'([^']*)'`)
	for constraint, typ := range map[string]string{
		"ck_tasks_status":  "TaskStatus",
		"ck_goals_status":  "GoalStatus",
		"ck_goals_horizon": "Horizon",
	} {
		var values []string
		for _, match := range quoted.FindAllStringSubmatch(one[string](t, conn, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint), -1) {
			values = append(values, match[1])
		}
		slices.Sort(values)
		slices.Sort(constants[typ])
		if diff := cmp.Diff(values, constants[typ]); diff != "" {
			t.Errorf("%s and %s (-values +constants):\n%s", constraint, typ, diff)
		}
	}
}

// plannerConstants returns the string constants of package planner by the name of their type.
func plannerConstants(t testing.TB) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../bizydb/planner/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("files of package planner: %q, %v", files, err)
	}
	constants := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			typ, ok := spec.Type.(*ast.Ident)
			if !ok {
				return true
			}
			for _, v := range spec.Values {
				if literal, ok := v.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					value, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					constants[typ.Name] = append(constants[typ.Name], value)
				}
			}
			return true
		})
	}
	return constants
}
