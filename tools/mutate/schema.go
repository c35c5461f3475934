package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// schemaMutants lists the breaks of the migrations.
func schemaMutants(root fs.FS) ([]*mutant, error) {
	files, err := readSQL(root, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	var mutants []*mutant
	for _, f := range files {
		for _, s := range f.statements {
			if s.down {
				continue
			}
			// What this statement replaces or drops is not there in the end.
			for _, object := range s.undoes() {
				mutants = slices.DeleteFunc(mutants, func(m *mutant) bool { return m.object == object })
			}
			found, err := schemaStatement(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			mutants = append(mutants, found...)
		}
	}
	return mutants, nil
}

func schemaStatement(s *statement) ([]*mutant, error) {
	switch n := s.node.Node.(type) {
	case *pg.Node_GrantStmt:
		return grants(s), nil
	case *pg.Node_CreatePolicyStmt:
		return policies(s, n.CreatePolicyStmt), nil
	case *pg.Node_CreateTrigStmt:
		return []*mutant{s.without("trigger", n.CreateTrigStmt.Trigname)}, nil
	case *pg.Node_IndexStmt:
		if n.IndexStmt.Unique {
			return []*mutant{s.without("unique index", n.IndexStmt.Idxname)}, nil
		}
		return []*mutant{s.without("index", n.IndexStmt.Idxname)}, nil
	case *pg.Node_ViewStmt:
		return views(s, n.ViewStmt), nil
	case *pg.Node_CreateStmt:
		return relation(s, n.CreateStmt.Relation.Relname, 1)
	case *pg.Node_AlterTableStmt:
		return relation(s, n.AlterTableStmt.Relation.Relname, 0)
	case *pg.Node_CreateDomainStmt:
		return domains(s, n.CreateDomainStmt), nil
	case *pg.Node_CreateFunctionStmt:
		return functions(s, n.CreateFunctionStmt)
	case *pg.Node_DoStmt:
		return code(s, "block", "DO")
	}
	return nil, nil
}

// mutant makes one with the given edits of the statement's file.
func (s *statement) mutant(kind, object, what string, edits ...edit) *mutant {
	return &mutant{class: schemaClass, kind: kind, file: s.file.name, what: what, text: s.file.text, edits: edits, object: object}
}

// without takes the whole statement out, and what else the file says about the object that it creates.
func (s *statement) without(kind, object string) *mutant {
	edits := append([]edit{remove(s.file.text, s.start, s.end)}, s.file.forget(object)...)
	return s.mutant(kind, object, "without "+object, edits...)
}

// forget takes out what comments on an object or drops it.
func (f *sqlFile) forget(object string) []edit {
	var edits []edit
	for _, s := range f.statements {
		if slices.Contains(s.drops(), object) || s.commentsOn() == object {
			if items := s.alterations(); len(items) > 1 {
				for i, item := range items {
					if slices.ContainsFunc(item, func(t sqlToken) bool { return t.text == object }) {
						edits = append(edits, removeItem(f.text, items, i))
					}
				}
				continue
			}
			edits = append(edits, remove(f.text, s.start, s.end))
		}
	}
	return edits
}

// drops names what a statement drops: functions with their schemas, all else without.
func (s *statement) drops() []string {
	var names []string
	if d := s.node.GetDropStmt(); d != nil {
		for _, o := range d.Objects {
			switch {
			case o.GetObjectWithArgs() != nil:
				names = append(names, name(o.GetObjectWithArgs().Objname))
			case o.GetList() != nil:
				parts := o.GetList().Items
				names = append(names, name(parts[len(parts)-1:]))
			}
		}
	}
	for _, c := range s.node.GetAlterTableStmt().GetCmds() {
		if cmd := c.GetAlterTableCmd(); cmd.Subtype == pg.AlterTableType_AT_DropConstraint {
			names = append(names, cmd.Name)
		}
	}
	return names
}

// undoes names what a statement drops or defines anew.
func (s *statement) undoes() []string {
	if f := s.node.GetCreateFunctionStmt(); f != nil {
		return []string{name(f.Funcname)}
	}
	return s.drops()
}

func (s *statement) commentsOn() string {
	items := s.node.GetCommentStmt().GetObject().GetList().GetItems()
	if len(items) == 0 {
		return ""
	}
	return name(items[len(items)-1:])
}

// alterations are the actions of an ALTER TABLE.
func (s *statement) alterations() []span {
	if s.node.GetAlterTableStmt() == nil {
		return nil
	}
	tokens := span(s.tokens)
	i := tokens.find(0, 0, "add", "alter", "drop", "enable", "disable", "force", "validate")
	if i == 0 { // ALTER TABLE itself
		i = tokens.find(0, 1, "add", "alter", "drop", "enable", "disable", "force", "validate")
	}
	if i < 0 {
		return nil
	}
	return tokens[i:].split(",")
}

func grants(s *statement) []*mutant {
	text := s.file.text
	verb, kind, to := "GRANT", "grant", "to"
	if s.tokens[0].text == "revoke" {
		verb, kind, to = "REVOKE", "revoke", "from"
	}
	privileges := s.part(s.tokens[0].text, "on").split(",")
	objects := s.part("on", to)
	grantees := s.part(to, "with", "granted", "cascade", "restrict").split(",")
	for len(objects) > 0 && slices.Contains([]string{"table", "function", "schema", "sequence", "type", "domain"}, objects[0].text) {
		objects = objects[1:]
	}

	var mutants []*mutant
	drop := func(kind string, list []span, i int) {
		what := fmt.Sprintf("%s on %s %s %s: without %s", verb, objects.in(text), to, span(s.part(to)).in(text), list[i].in(text))
		if len(list) == 1 {
			mutants = append(mutants, s.mutant(kind, "", what, remove(text, s.start, s.end)))
			return
		}
		mutants = append(mutants, s.mutant(kind, "", what, removeItem(text, list, i)))
	}
	for i := range grantees {
		drop(kind, grantees, i)
	}
	for i := range privileges {
		drop(kind, privileges, i)
		if open := privileges[i].find(0, 0, "("); open >= 0 {
			columns := privileges[i].group(open).split(",")
			for j := range columns {
				if len(columns) > 1 {
					drop(kind+" of a column", columns, j)
				}
			}
		}
	}
	for i, list := 0, objects.split(","); i < len(list); i++ {
		drop(kind, list, i)
	}
	return mutants
}

func policies(s *statement, p *pg.CreatePolicyStmt) []*mutant {
	mutants := []*mutant{s.without("policy", p.PolicyName)}
	tokens := span(s.tokens)
	for i, t := range tokens {
		if t.depth == 0 && (t.text == "using" || t.text == "check") {
			condition := tokens.group(i + 1)
			mutants = append(mutants, s.mutant("policy", p.PolicyName, fmt.Sprintf("%s: %s (true)", p.PolicyName, strings.ToUpper(t.text)),
				edit{condition.start(), condition.end(), "true"}))
		}
	}
	return mutants
}

func views(s *statement, v *pg.ViewStmt) []*mutant {
	var mutants []*mutant
	options := s.part("with", "as")
	if len(options) == 0 {
		return nil
	}
	list := options.group(0).split(",")
	for i, option := range list {
		if option[0].text != "security_invoker" {
			continue
		}
		e := removeItem(s.file.text, list, i)
		if len(list) == 1 {
			with := span(s.tokens).find(0, 0, "with")
			e = edit{s.tokens[with].start, options.end(), ""}
		}
		mutants = append(mutants, s.mutant("view", v.View.Relname, v.View.Relname+": without security_invoker", e))
	}
	return mutants
}

// relation breaks the columns and constraints of a CREATE TABLE, whose items are in parentheses, or an ALTER TABLE.
func relation(s *statement, table string, depth int) ([]*mutant, error) {
	text := s.file.text
	tokens := span(s.tokens)
	items := s.alterations()
	if depth == 1 {
		items = tokens.group(tokens.find(0, 0, "(")).split(",")
	}
	constraints := nodes[*pg.Constraint](s)
	columns := nodes[*pg.ColumnDef](s)

	var mutants []*mutant
	for i, item := range items {
		within := func(location int32) bool { return int(location) >= item.start() && int(location) < item.end() }
		if depth == 0 && (item[0].text == "enable" || item[0].text == "force") && len(item) > 1 && item[1].text == "row" {
			e := removeItem(text, items, i)
			if len(items) == 1 {
				e = remove(text, s.start, s.end)
			}
			mutants = append(mutants, s.mutant("row security", "", fmt.Sprintf("%s: without %s", table, strings.ToUpper(item.in(text))), e))
			continue
		}
		here := slices.Clone(constraints)
		here = slices.DeleteFunc(here, func(c *pg.Constraint) bool { return !within(c.Location) })
		slices.SortFunc(here, func(a, b *pg.Constraint) int { return cmp.Compare(a.Location, b.Location) })
		column := slices.IndexFunc(columns, func(c *pg.ColumnDef) bool { return within(c.Location) })

		for j, c := range here {
			part := item[slices.IndexFunc(item, func(t sqlToken) bool { return t.start >= int(c.Location) }):]
			what := table + "." + c.Conname
			if column >= 0 {
				if j+1 < len(here) {
					part = part[:slices.IndexFunc(part, func(t sqlToken) bool { return t.start >= int(here[j+1].Location) })]
				}
				what = table + "." + columns[column].Colname
			}
			gone := []edit{remove(text, part.start(), part.end())}
			if column < 0 {
				gone[0] = removeItem(text, items, i)
				if len(items) == 1 && depth == 0 {
					gone[0] = remove(text, s.start, s.end)
				}
			}
			if c.Conname != "" {
				gone = append(gone, s.file.forget(c.Conname)...)
			}
			object := cmp.Or(c.Conname, what)

			switch c.Contype {
			case pg.ConstrType_CONSTR_NOTNULL:
				mutants = append(mutants, s.mutant("not null", object, what+": without NOT NULL", gone...))
			case pg.ConstrType_CONSTR_DEFAULT:
				mutants = append(mutants, s.mutant("default", object, what+": without DEFAULT", gone...))
			case pg.ConstrType_CONSTR_CHECK:
				mutants = append(mutants, s.mutant("check", object, what+": without the CHECK", gone...))
				mutants = append(mutants, expressions(s, "check", object, what, part)...)
			case pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_EXCLUSION:
				mutants = append(mutants, s.mutant("unique constraint", object, what+": without it", gone...))
			case pg.ConstrType_CONSTR_FOREIGN:
				mutants = append(mutants, s.mutant("foreign key", object, what+": without the foreign key", gone...))
				for k := 0; k+1 < len(part); k++ {
					if part[k].text == "on" && part[k+1].text == "delete" {
						action := part[k:]
						if end := action.find(action[0].depth, 2, "on", "not", "deferrable", "initially"); end >= 0 {
							action = action[:end]
						}
						mutants = append(mutants, s.mutant("on delete", object, what+": without "+action.in(text), remove(text, action.start(), action.end())))
					}
				}
			}
		}
	}
	return mutants, nil
}

func domains(s *statement, d *pg.CreateDomainStmt) []*mutant {
	var mutants []*mutant
	for i, t := range s.tokens {
		if t.depth == 0 && t.text == "check" {
			condition := span(s.tokens).group(i + 1)
			domain := name(d.Domainname)
			mutants = append(mutants, s.mutant("check", domain, domain+": CHECK (true)", edit{condition.start(), condition.end(), "true"}))
			mutants = append(mutants, expressions(s, "check", domain, domain, condition)...)
		}
	}
	return mutants
}

func functions(s *statement, f *pg.CreateFunctionStmt) ([]*mutant, error) {
	object := name(f.Funcname)
	tokens := span(s.tokens)
	var mutants []*mutant

	// An option ends where the next one begins.
	var starts []int
	for _, o := range f.Options {
		starts = append(starts, int(o.GetDefElem().Location))
	}
	if i := tokens.find(0, 0, "return", "begin"); i >= 0 {
		starts = append(starts, tokens[i].start)
	}
	for _, o := range f.Options {
		option := o.GetDefElem()
		set := option.Arg.GetVariableSetStmt().GetName()
		if option.Defname != "security" && set != "search_path" && set != "row_security" {
			continue
		}
		end := s.end
		for _, start := range starts {
			if start > int(option.Location) {
				end = min(end, start)
			}
		}
		var part span
		for _, t := range tokens {
			if t.start >= int(option.Location) && t.end <= end {
				part = append(part, t)
			}
		}
		mutants = append(mutants, s.mutant("function option", object, fmt.Sprintf("%s: without %s", object, part.in(s.file.text)), remove(s.file.text, part.start(), part.end())))
	}

	more, err := code(s, object, object)
	return append(mutants, more...), err
}

// code breaks the body of a function or a DO.
func code(s *statement, object, what string) ([]*mutant, error) {
	tokens := span(s.tokens)
	var body span
	if i := tokens.find(0, 0, "return", "begin"); i >= 0 {
		body = tokens[i:]
	}
	for _, t := range tokens {
		if t.Token == pg.Token_SCONST && strings.HasPrefix(t.text, "$") {
			quote := strings.IndexByte(t.text[1:], '$') + 2
			inner, err := scan(s.file.text[t.start+quote:t.end-quote], t.start+quote)
			if err != nil {
				return nil, err
			}
			body = inner
		}
	}
	return expressions(s, "function", object, what, body), nil
}

// expressions breaks the comparisons and numbers of a part of a statement.
func expressions(s *statement, in, object, what string, part span) []*mutant {
	var mutants []*mutant
	for _, e := range comparisons(part) {
		mutants = append(mutants, s.mutant(in+" comparison", object, fmt.Sprintf("%s: %s for %s", what, e.text, s.file.text[e.start:e.end]), e))
	}
	for _, e := range numbers(part) {
		mutants = append(mutants, s.mutant(in+" number", object, fmt.Sprintf("%s: %s for %s", what, e.text, s.file.text[e.start:e.end]), e))
	}
	return mutants
}
