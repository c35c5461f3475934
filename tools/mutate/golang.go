package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// gremlins asks gremlins for its list. It does not run the tests, so that all is "not covered", and takes no notice of
// that.
func gremlins(ctx context.Context, root string, packages []string) ([]*mutant, error) {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "list.json")
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "gremlins", "unleash",
		"--dry-run", "--invert-logical", "--invert-loopctrl", "--output", out, ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -run=^$")
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gremlins: %w\n%s", err, output)
	}
	var list struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []struct {
				Type         string
				Line, Column int
			}
		}
	}
	content, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("gremlins: %w", err)
	}

	var mutants []*mutant
	for _, f := range list.Files {
		name := filepath.ToSlash(f.Name)
		if !slices.Contains(packages, path.Dir(name)) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, f.Name))
		if err != nil {
			return nil, err
		}
		text := string(content)
		if generated(text) {
			continue
		}
		for _, m := range f.Mutations {
			start := 0
			for range m.Line - 1 {
				start += strings.IndexByte(text[start:], '\n') + 1
			}
			start += m.Column - 1
			was, is, err := mutateToken(text[start:], m.Type)
			if err != nil {
				return nil, fmt.Errorf("%s:%d:%d: %w", name, m.Line, m.Column, err)
			}
			mutants = append(mutants, &mutant{
				class: goClass, kind: strings.ToLower(strings.ReplaceAll(m.Type, "_", " ")), file: name, text: text,
				what: fmt.Sprintf("column %d: %s for %s", m.Column, is, was), edits: []edit{{start, start + len(was), is}},
			})
		}
	}
	slices.SortFunc(mutants, func(a, b *mutant) int { // gremlins has no order of its own
		return strings.Compare(fmt.Sprintf("%s %9d %s", a.file, a.edits[0].start, a.kind), fmt.Sprintf("%s %9d %s", b.file, b.edits[0].start, b.kind))
	})
	return mutants, nil
}

// replacements are what gremlins' types of mutations do to a token.
var replacements = map[string]map[string]string{
	"ARITHMETIC_BASE":       {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY": {">=": ">", ">": ">=", "<=": "<", "<": "<="},
	"CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", ">=": "<", "<": ">=", "<=": ">", ">": "<="},
	"INCREMENT_DECREMENT":   {"++": "--", "--": "++"},
	"INVERT_LOGICAL":        {"&&": "||", "||": "&&"},
	"INVERT_LOOPCTRL":       {"break": "continue", "continue": "break"},
	"INVERT_NEGATIVES":      {"-": "+"},
}

// mutateToken returns the token that a text begins with, and what it becomes.
func mutateToken(text, kind string) (was, is string, err error) {
	for from, to := range replacements[kind] {
		if strings.HasPrefix(text, from) && len(from) > len(was) {
			was, is = from, to
		}
	}
	if was == "" {
		return "", "", fmt.Errorf("no %s of %.10q", kind, text)
	}
	return was, is, nil
}

// mappingMutants lists the entries of maps and the cases by which errors get their names.
func mappingMutants(root fs.FS, packages []string) ([]*mutant, error) {
	var mutants []*mutant
	for _, pkg := range packages {
		names, err := fs.Glob(root, pkg+"/*.go")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			content, err := fs.ReadFile(root, name)
			if err != nil {
				return nil, err
			}
			text := string(content)
			if strings.HasSuffix(name, "_test.go") || generated(text) {
				continue
			}
			found, err := mappings(name, text)
			if err != nil {
				return nil, err
			}
			mutants = append(mutants, found...)
		}
	}
	return mutants, nil
}

func mappings(name, text string) ([]*mutant, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	var mutants []*mutant
	drop := func(kind, where string, e edit, from, to token.Pos) {
		what := strings.Join(strings.Fields(text[offset(from):offset(to)]), " ")
		mutants = append(mutants, &mutant{class: goClass, kind: kind, file: name, text: text, what: where + ": without " + what, edits: []edit{e}})
	}
	// item takes one of a list out, with its comma.
	item := func(from, to token.Pos) edit {
		end := offset(to)
		if rest := strings.TrimLeft(text[end:], " \t\n"); strings.HasPrefix(rest, ",") {
			end = len(text) - len(rest) + 1
		}
		return remove(text, offset(from), end)
	}

	for _, d := range file.Decls {
		if v, ok := d.(*ast.GenDecl); ok && v.Tok == token.VAR {
			ast.Inspect(v, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				if _, ok := literal.Type.(*ast.MapType); ok {
					for _, e := range literal.Elts {
						key := e.(*ast.KeyValueExpr).Key
						drop("map entry", "map", item(e.Pos(), e.End()), key.Pos(), key.End())
					}
				}
				return true
			})
		}
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Type.Results == nil || len(f.Type.Results.List) != 1 || text[offset(f.Type.Results.Pos()):offset(f.Type.Results.End())] != "error" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CaseClause)
			if !ok || c.List == nil {
				return true
			}
			if len(c.List) == 1 {
				drop("error case", f.Name.Name, remove(text, offset(c.Pos()), offset(c.End())), c.List[0].Pos(), c.List[0].End())
				return true
			}
			for i, e := range c.List {
				cut := item(e.Pos(), e.End())
				if i == len(c.List)-1 {
					cut = edit{offset(c.List[i-1].End()), offset(e.End()), ""}
				}
				drop("error case", f.Name.Name, cut, e.Pos(), e.End())
			}
			return true
		})
	}
	return mutants, nil
}

func generated(text string) bool {
	return strings.HasPrefix(text, "// Code generated ")
}
