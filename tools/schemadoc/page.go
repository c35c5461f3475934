package main

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/k1LoW/tbls/drivers/postgres"
	"github.com/k1LoW/tbls/schema"
)

//go:embed page.md.tmpl
var pageTemplate string

// tern keeps its version there.
const versionTable = "public.bizydb_schema_version"

// References that triggers keep, since elements of an array cannot have a foreign key.
var keptByTriggers = []struct{ table, column, parent string }{
	{"public.tasks", "dependencies", "public.tasks"},
}

// pageOf returns the page for a database.
func pageOf(ctx context.Context, dsn string) (string, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	var s schema.Schema
	if err := postgres.New(db).Analyze(&s); err != nil {
		return "", err
	}
	if err := s.Filter(&schema.FilterOption{Exclude: []string{versionTable}}); err != nil {
		return "", err
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(t *schema.Table) bool { return t.Type != "BASE TABLE" }) // a view stores nothing
	functions, err := functionComments(ctx, db)
	if err != nil {
		return "", err
	}
	references, err := referencesOf(&s)
	if err != nil {
		return "", err
	}
	var page strings.Builder
	t, err := template.New("page").Funcs(template.FuncMap{
		"name": name, "type": typeOf, "default": defaultOf, "indexes": indexesOf, "foreignKeys": foreignKeysOf, "rules": rulesOf,
		"triggers": func(t *schema.Table) ([]row, error) { return triggersOf(t, functions) },
		"cell":     markdown.Replace, "code": code, "word": func(s string) string { return strings.ReplaceAll(s, " ", "_") },
	}).Parse(pageTemplate)
	if err != nil {
		return "", err
	}
	err = t.Execute(&page, map[string]any{"Tables": s.Tables, "References": references})
	return page.String(), err
}

// functionComments are the comments of functions that triggers run, by name.
func functionComments(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT pronamespace::regnamespace::text || '.' || proname, obj_description(oid, 'pg_proc')
		FROM pg_proc WHERE prorettype = 'trigger'::regtype AND obj_description(oid, 'pg_proc') IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	comments := map[string]string{}
	for rows.Next() {
		var function, comment string
		if err := rows.Scan(&function, &comment); err != nil {
			return nil, err
		}
		comments[function] = strings.TrimPrefix(comment, "Trigger: ")
	}
	return comments, rows.Err()
}

// A reference is a line of the diagram, in Mermaid's notation.
type reference struct{ Parent, Kind, Child, By string }

func referencesOf(s *schema.Schema) ([]reference, error) {
	var all []reference
	for _, r := range s.Relations {
		parent := "||"
		var by []string
		for i, c := range r.Columns {
			if c.Nullable { // no row above, if one column of the key is null
				parent = "|o"
			}
			c.FK = true
			if c.Name != r.ParentColumns[i].Name { // which leaves out the owner of a key that has it
				by = append(by, c.Name)
			}
		}
		all = append(all, reference{r.ParentTable.Name, parent + "--o{", r.Table.Name, strings.Join(by, ", ")})
	}
	for _, kept := range keptByTriggers {
		table, err := s.FindTableByName(kept.table)
		if err != nil {
			return nil, err
		}
		if _, err := table.FindColumnByName(kept.column); err != nil {
			return nil, err
		}
		all = append(all, reference{kept.parent, "}o--o{", kept.table, kept.column})
	}
	for _, t := range s.Tables {
		for _, c := range t.Constraints {
			for _, column := range t.Columns {
				column.PK = column.PK || c.Type == "PRIMARY KEY" && slices.Contains(c.Columns, column.Name)
			}
		}
	}
	return all, nil
}

// name is that of a table as one writes it.
func name(table string) string { return strings.TrimPrefix(table, "public.") }

func typeOf(c *schema.Column) string {
	return strings.Replace(c.Type, "timestamp with time zone", "timestamptz", 1)
}

var literal = regexp.MustCompile(`^('.*')::[a-z ]+$`)

func defaultOf(c *schema.Column) string { return literal.ReplaceAllString(c.Default.String, "$1") }

// A row of a table of indexes, keys, rules or triggers.
type row struct{ Name, Def, Comment string }

var beforeColumns = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX \S+ ON \S+ USING (?:btree )?`)

// indexesOf has those of primary and unique keys too.
func indexesOf(t *schema.Table) []row {
	var all []row
	for _, index := range t.Indexes {
		r := row{index.Name, beforeColumns.ReplaceAllString(index.Def, "$1"), index.Comment}
		for _, c := range t.Constraints {
			if c.Name == index.Name {
				r.Def, r.Comment = c.Def, cmp.Or(r.Comment, c.Comment)
			}
		}
		all = append(all, r)
	}
	return all
}

func constraintsOf(t *schema.Table, kind string) []row {
	var all []row
	for _, c := range t.Constraints {
		if c.Type == kind {
			all = append(all, row{c.Name, strings.TrimPrefix(c.Def, kind+" "), c.Comment})
		}
	}
	return all
}

func foreignKeysOf(t *schema.Table) []row { return constraintsOf(t, schema.TypeFK) }

func rulesOf(t *schema.Table) []row {
	all := constraintsOf(t, "CHECK")
	for i, r := range all {
		all[i].Def = strings.TrimSuffix(strings.TrimPrefix(r.Def, "("), ")")
	}
	return all
}

var triggerParts = regexp.MustCompile(`(?s)^CREATE (?:CONSTRAINT )?TRIGGER \S+ (.*?) ON .* EXECUTE FUNCTION (\S+)\(`)

// triggersOf tells what a trigger does in the words of its function if it has none of its own.
func triggersOf(t *schema.Table, functions map[string]string) ([]row, error) {
	var all []row
	for _, tr := range t.Triggers {
		parts := triggerParts.FindStringSubmatch(tr.Def)
		if parts == nil {
			return nil, fmt.Errorf("trigger %s: %s", tr.Name, tr.Def)
		}
		all = append(all, row{tr.Name, parts[1], cmp.Or(tr.Comment, functions[parts[2]])})
	}
	slices.SortFunc(all, func(a, b row) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

var markdown = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "<", `\<`, "`", "\\`", "\n", "<br>")

var textLiteral = regexp.MustCompile(`('(?:[^']|'')*')::text\b`)

// code is a cell in the font of code, and empty if there is none.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(textLiteral.ReplaceAllString(s, "$1"), "|", `\|`) + "`"
}
