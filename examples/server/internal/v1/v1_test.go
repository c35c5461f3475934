package v1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A body that changes something has the fields that bizydb changes, and null is for those that bizydb clears.
func TestPatchesHaveTheFieldsOfBizydb(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fields, params reflect.Type }{
		{reflect.TypeFor[TaskFields](), reflect.TypeFor[planner.UpdateTaskParams]()},
		{reflect.TypeFor[GoalFields](), reflect.TypeFor[planner.UpdateGoalParams]()},
		{reflect.TypeFor[ProfileFields](), reflect.TypeFor[planner.UpdateMeParams]()},
	} {
		of := func(typ reflect.Type) map[string]reflect.StructField {
			named := map[string]reflect.StructField{}
			for field := range typ.Fields() {
				named[field.Tag.Get("json")] = field
			}
			return named
		}
		fields, params := of(c.fields), of(c.params)
		for name := range params {
			_, ok := fields[name]
			if !ok && name != "id" && name != "if_version" && !strings.HasPrefix(name, "clear_") {
				t.Errorf("%v lacks %s", c.fields, name)
			}
		}
		for name, field := range fields {
			if _, ok := params[name]; !ok {
				t.Errorf("%v has %s, which bizydb does not change", c.fields, name)
			}
			nullable := field.Type.Kind() == reflect.Pointer && field.Tag.Get("nullable") != "false"
			if _, clears := params["clear_"+name]; clears != nullable {
				t.Errorf("%v.%s: null is allowed: %v, bizydb clears it: %v", c.fields, name, nullable, clears)
			}
		}
	}
}

// Every error of bizydb has a type of problem, with the status that docs/errors.md gives it.
func TestEveryErrorHasAProblem(t *testing.T) {
	t.Parallel()
	have := map[string]int{}
	for _, k := range readGo(t, "problems.go").problemTypes() {
		for _, name := range k.errors {
			have[name] = k.status
		}
	}
	exported := readGo(t, "../../../../bizydb/errors.go").errors()
	if len(exported) < 20 {
		t.Fatalf("only %d errors were found", len(exported))
	}
	text, err := os.ReadFile("../../../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range exported {
		status, ok := have["bizydb."+name]
		if !ok {
			t.Errorf("problemTypes lacks %s", name)
			continue
		}
		row := regexp.MustCompile("(?m)^\\| `" + name + "` \\*?\\s?\\| (\\d+|–)").FindSubmatch(text)
		switch {
		case row == nil:
			t.Errorf("docs/errors.md lacks %s", name)
		case string(row[1]) == "–": // only Open returns it, before the service serves anything
		case name == "ErrVersionConflict" && status == 412: // every version is from an If-Match
		case name == "ErrChangesOff" && status == 503: // changes are one of the things that this service does, and may be off
		case string(row[1]) != strconv.Itoa(status):
			t.Errorf("%s: %d, in docs/errors.md %s", name, status, row[1])
		}
	}
}

// A goFile is a source file.
type goFile struct{ *ast.File }

func readGo(t *testing.T, path string) goFile {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(path), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return goFile{file}
}

// errors are the exported variables of the file whose names begin with Err.
func (f goFile) errors() (names []string) {
	for _, decl := range f.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if strings.HasPrefix(name.Name, "Err") {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

type parsedKind struct {
	status int
	errors []string
}

// problemTypes are the literals of the variable problemTypes, with the names of their errors.
func (f goFile) problemTypes() (all []parsedKind) {
	ast.Inspect(f.File, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || literal.Type != nil {
			return true
		}
		var k parsedKind
		for _, element := range literal.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			switch pair.Key.(*ast.Ident).Name {
			case "Status":
				k.status, _ = strconv.Atoi(pair.Value.(*ast.BasicLit).Value)
			case "of":
				for _, one := range pair.Value.(*ast.CompositeLit).Elts {
					if of, ok := one.(*ast.SelectorExpr); ok {
						k.errors = append(k.errors, of.X.(*ast.Ident).Name+"."+of.Sel.Name)
					}
				}
			}
		}
		all = append(all, k)
		return true
	})
	return all
}

// A type comes before those that it is one of, or it would never be found.
func TestKindsAreFound(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range problemTypes {
		names = append(names, k.Name)
		for _, of := range k.of {
			if found := typeOf(of); found.Name != k.Name {
				t.Errorf("%v is %s, not %s", of, found.Name, k.Name)
			}
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(problemTypes) {
		t.Error("two types have one name")
	}
}
