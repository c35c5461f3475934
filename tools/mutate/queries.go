package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// queryMutants lists the breaks of the queries.
func queryMutants(root fs.FS) ([]*mutant, error) {
	files, err := readSQL(root, "queries/*/*.sql")
	if err != nil {
		return nil, err
	}
	var mutants []*mutant
	for _, f := range files {
		end := 0
		for _, s := range f.statements {
			query := "?"
			if m := queryName.FindStringSubmatch(f.text[end:s.start]); m != nil {
				query = m[1]
			}
			end = s.end
			mutants = append(mutants, queryStatement(s, query)...)
		}
	}
	return mutants, nil
}

var queryName = regexp.MustCompile(`(?m)^-- name: (\w+)`)

func queryStatement(s *statement, query string) []*mutant {
	text := s.file.text
	tokens := span(s.tokens)
	var mutants []*mutant
	add := func(kind, what string, edits ...edit) {
		m := s.mutant(kind, "", query+": "+what, edits...)
		m.class = queryClass
		mutants = append(mutants, m)
	}

	for i, t := range tokens {
		switch t.text {
		// What is dropped stays in the text, since its parameters are those of the method.
		case "where":
			for _, term := range terms(tokens.clause(i + 1)) {
				add("where", "without "+term.in(text), edit{term.start(), term.start(), "("}, edit{term.end(), term.end(), " OR true)"})
			}
		case "limit":
			limit := tokens.clause(i + 1)
			add("limit", "without LIMIT "+limit.in(text), edit{limit.start(), limit.start(), "CASE WHEN false THEN ("}, edit{limit.end(), limit.end(), ") END"})
		case "order":
			list := tokens.clause(i + 2).split(",")
			for j, item := range list {
				e := removeItem(text, list, j)
				if len(list) == 1 {
					e = remove(text, t.start, item.end())
				}
				add("order", "without ORDER BY "+item.in(text), e)
			}
		}
	}
	for _, e := range comparisons(tokens) {
		add("comparison", fmt.Sprintf("%s for %s", e.text, text[e.start:e.end]), e)
	}
	return mutants
}

// clause returns the rest of a clause of a query, from an index on.
func (s span) clause(from int) span {
	for i := from; i < len(s); i++ {
		if s[i].depth < s[from-1].depth || s[i].depth == s[from-1].depth && slices.Contains([]string{
			"where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except",
			"returning", "do", "rows", "range", "groups", ";",
		}, s[i].text) {
			return s[from:i]
		}
	}
	return s[from:]
}

// terms splits a condition at its ANDs. One with an OR is a single term.
func terms(condition span) []span {
	var list []span
	begin, cases, between := 0, 0, false
	for i, t := range condition {
		if t.depth != condition[0].depth {
			continue
		}
		switch {
		case t.text == "case":
			cases++
		case t.text == "end":
			cases--
		case cases > 0:
		case t.text == "between":
			between = true
		case t.text == "and" && between:
			between = false
		case t.text == "or":
			return []span{condition}
		case t.text == "and":
			list, begin = append(list, condition[begin:i]), i+1
		}
	}
	return append(list, condition[begin:])
}
