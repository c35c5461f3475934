package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	pgquery "github.com/wasilibs/go-pgquery"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// An sqlFile is a parsed file of SQL.
type sqlFile struct {
	name, text string
	statements []*statement
}

// A statement of a file. The tokens say where its parts are, which the parser does not.
type statement struct {
	file       *sqlFile
	node       *pg.Node
	tokens     []sqlToken
	start, end int  // the end is behind the semicolon
	down       bool // behind tern's divider
}

// An sqlToken is a token other than a comment. Tokens in parentheses are one deeper than these.
type sqlToken struct {
	pg.Token
	text       string // in lower case
	start, end int
	depth      int
}

const divider = "---- create above / drop below ----"

func readSQL(files fs.FS, pattern string) ([]*sqlFile, error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, err
	}
	var parsed []*sqlFile
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		f, err := parseSQL(name, string(content))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		parsed = append(parsed, f)
	}
	return parsed, nil
}

func parseSQL(name, text string) (*sqlFile, error) {
	tree, err := pgquery.Parse(text)
	if err != nil {
		return nil, err
	}
	tokens, err := scan(text, 0)
	if err != nil {
		return nil, err
	}
	up := strings.Index(text, divider)
	f := &sqlFile{name: name, text: text}
	for _, raw := range tree.Stmts {
		s := &statement{file: f, node: raw.Stmt, end: int(raw.StmtLocation + raw.StmtLen)}
		for _, t := range tokens {
			if t.start >= int(raw.StmtLocation) && t.end <= s.end {
				s.tokens = append(s.tokens, t)
			}
		}
		s.start = s.tokens[0].start
		if s.end < len(text) && text[s.end] == ';' {
			s.end++
		}
		s.down = up >= 0 && s.start > up
		f.statements = append(f.statements, s)
	}
	return f, nil
}

// scan returns the tokens of a text that begins at an offset of its file.
func scan(text string, offset int) ([]sqlToken, error) {
	scanned, err := pgquery.Scan(text)
	if err != nil {
		return nil, err
	}
	var tokens []sqlToken
	depth := 0
	for _, t := range scanned.Tokens {
		switch t.Token {
		case pg.Token_SQL_COMMENT, pg.Token_C_COMMENT:
			continue
		case pg.Token_ASCII_41: // )
			depth--
		}
		tokens = append(tokens, sqlToken{
			t.Token, strings.ToLower(text[t.Start:t.End]), offset + int(t.Start), offset + int(t.End), depth,
		})
		if t.Token == pg.Token_ASCII_40 { // (
			depth++
		}
	}
	return tokens, nil
}

// A span is tokens that stand together.
type span []sqlToken

func (s span) start() int { return s[0].start }
func (s span) end() int   { return s[len(s)-1].end }

func (s span) in(text string) string {
	return strings.Join(strings.Fields(text[s.start():s.end()]), " ")
}

// find returns the index of the first of the words at a depth, from an index on, or -1.
func (s span) find(depth, from int, words ...string) int {
	for i := from; i < len(s); i++ {
		if s[i].depth == depth && slices.Contains(words, s[i].text) {
			return i
		}
	}
	return -1
}

// split splits at a token, such as a comma, that stands at the depth of the first one.
func (s span) split(at string) []span {
	var parts []span
	begin := 0
	for i, t := range s {
		if t.depth == s[0].depth && t.text == at {
			parts, begin = append(parts, s[begin:i]), i+1
		}
	}
	return append(parts, s[begin:])
}

// group returns what is in the parentheses that open at an index.
func (s span) group(open int) span {
	for i := open + 1; i < len(s); i++ {
		if s[i].depth == s[open].depth && s[i].text == ")" {
			return s[open+1 : i]
		}
	}
	return nil
}

// part returns the tokens from a word at depth 0 to the first of the others, without either.
func (s *statement) part(from string, to ...string) span {
	tokens := span(s.tokens)
	i := tokens.find(0, 0, from)
	if i < 0 {
		return nil
	}
	if j := tokens.find(0, i+1, to...); j >= 0 {
		return tokens[i+1 : j]
	}
	return tokens[i+1:]
}

// remove takes a part out of a text, and its lines if nothing else is on them.
func remove(text string, start, end int) edit {
	first, last := lines(text, start, end)
	if strings.TrimSpace(text[first:start]+text[end:last]) == "" {
		return edit{first, last, ""}
	}
	for start > first && text[start-1] == ' ' {
		start--
	}
	return edit{start, end, ""}
}

// removeItem takes one item out of a list, with its comma.
func removeItem(text string, list []span, i int) edit {
	switch {
	case i+1 < len(list):
		return edit{list[i].start(), list[i+1].start(), ""}
	case i > 0:
		return edit{list[i-1].end(), list[i].end(), ""}
	default:
		return remove(text, list[i].start(), list[i].end())
	}
}

// opposites are what comparisons are changed to: without their boundary, or into their negation.
var opposites = map[string][]string{
	"=":  {"<>"},
	"<>": {"="},
	"!=": {"="},
	"<":  {"<=", ">="},
	"<=": {"<", ">"},
	">":  {">=", "<="},
	">=": {">", "<"},
}

// comparisons returns an edit for each way to change a comparison.
func comparisons(tokens span) []edit {
	var edits []edit
	// In SET and in the USING of a RAISE, the first = of each item assigns.
	list, assigns, raises := -1, false, false
	for _, t := range tokens {
		switch {
		case t.text == "raise":
			raises = true
		case t.text == ";":
			list, assigns, raises = -1, false, false
		case t.text == "set" || t.text == "using" && raises:
			list, assigns = t.depth, true
		case t.depth < list, t.depth == list && slices.Contains([]string{"from", "where", "returning"}, t.text):
			list, assigns = -1, false
		case t.depth == list && t.text == ",":
			assigns = true
		case t.depth == list && t.text == "=" && assigns:
			assigns = false
		default:
			for _, other := range opposites[t.text] {
				edits = append(edits, edit{t.start, t.end, other})
			}
		}
	}
	return edits
}

// numbers returns an edit for each number that makes it greater by one.
func numbers(tokens span) []edit {
	var edits []edit
	for _, t := range tokens {
		if t.Token != pg.Token_ICONST && t.Token != pg.Token_FCONST {
			continue
		}
		whole, rest, decimal := strings.Cut(t.text, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			continue // such as 1e6
		}
		number := strconv.FormatInt(n+1, 10)
		if decimal {
			number += "." + rest
		}
		edits = append(edits, edit{t.start, t.end, number})
	}
	return edits
}

// nodes returns all nodes of a type below a statement, the statement included.
func nodes[T protoreflect.ProtoMessage](s *statement) []T {
	var found []T
	var walk func(protoreflect.Message)
	walk = func(m protoreflect.Message) {
		if n, ok := m.Interface().(T); ok {
			found = append(found, n)
		}
		m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case field.Message() == nil || field.IsMap():
			case field.IsList():
				for i := range v.List().Len() {
					walk(v.List().Get(i).Message())
				}
			default:
				walk(v.Message())
			}
			return true
		})
	}
	walk(s.node.ProtoReflect())
	return found
}

// name joins the parts of a qualified name.
func name(parts []*pg.Node) string {
	var names []string
	for _, p := range parts {
		names = append(names, p.GetString_().GetSval())
	}
	return strings.Join(names, ".")
}
