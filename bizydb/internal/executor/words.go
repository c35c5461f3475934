package executor

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// words returns the words of a statement, in order: keywords and names that are not in quotes, in lower case, names in quotes in their
// quotes, and opening parentheses. What is in comments, strings and numbers is none.
//
// A statement that the server would not take, say for a string without an end, gives the words of what can be read.
func words(sql string) (found []string) {
	for t := range lexemes(sql) {
		if t.kind == word || t.text == "(" {
			found = append(found, t.text)
		}
	}
	return found
}

// Parameters returns the highest number of a parameter in a statement, 0 without any.
func Parameters(sql string) (highest int) {
	for t := range lexemes(sql) {
		if t.kind == parameter {
			n, _ := strconv.Atoi(t.text[1:])
			highest = max(highest, n)
		}
	}
	return highest
}

// Replace calls by for each occurrence of the words and signs in these, in lower case, whatever space and comments are between them, and
// puts what it returns there. What by is given are all words and signs before the occurrence and the one after it: "" stands for a string, a
// number or the end. Replace says whether there was any occurrence.
func Replace(sql string, these []string, by func(before []string, after string) string) (replaced string, found bool) {
	all := slices.Collect(lexemes(sql))
	texts := make([]string, len(all)+1)
	for i, t := range all {
		if t.kind != opaque {
			texts[i] = t.text
		}
	}
	var out strings.Builder
	done := 0
	for i := 0; i+len(these) <= len(all); i++ {
		if !slices.Equal(these, texts[i:i+len(these)]) {
			continue
		}
		next := i + len(these)
		out.WriteString(sql[done:all[i].at])
		out.WriteString(by(texts[:i], texts[next]))
		done, found, i = all[next-1].end, true, next-1
	}
	return out.String() + sql[done:], found
}

// A lexeme is a part of a statement that is not space or a comment.
type lexeme struct {
	kind    lexemeKind
	text    string // of a word, as words returns it; of a parameter; of another sign
	at, end int
}

type lexemeKind int

const (
	sign      lexemeKind = iota // one byte
	word                        // keyword or name
	parameter                   // $1
	opaque                      // string or number
)

// lexemes reads PostgreSQL's lexical structure, with standard_conforming_strings on:
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html
func lexemes(sql string) iter.Seq[lexeme] {
	return func(yield func(lexeme) bool) {
		for i := 0; i < len(sql); {
			rest := sql[i:]
			length, kind, text := 1, sign, rest[:1]
			switch c := rest[0]; {
			case strings.IndexByte(" \t\n\r\f\v", c) >= 0:
				i++
				continue
			case strings.HasPrefix(rest, "--"):
				i += lineLength(rest)
				continue
			case strings.HasPrefix(rest, "/*"):
				i += commentLength(rest)
				continue
			case c == '\'':
				kind, length = opaque, quotedLength(rest, '\'', false)
			case c == '"':
				length = quotedLength(rest, '"', false)
				kind, text = word, rest[:length]
			case c == '$':
				length = dollarLength(rest)
				if kind = opaque; length > 1 && isDigit(rest[1]) {
					kind, text = parameter, rest[:length]
				}
			case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]):
				kind, length = opaque, numberLength(rest)
			case isWordStart(c):
				for length < len(rest) && isWordPart(rest[length]) {
					length++
				}
				kind, text = word, strings.ToLower(rest[:length])
				switch after := rest[length:]; {
				case text == "e" && strings.HasPrefix(after, "'"): // a string with escapes
					kind, length = opaque, length+escapesLength(after)
				case text == "u" && strings.HasPrefix(after, "&'"), len(text) == 1 && strings.Contains("bx", text) && strings.HasPrefix(after, "'"):
					kind = opaque // of a string, which comes next
				case text == "u" && strings.HasPrefix(after, `&"`):
					length += 1 + quotedLength(after[1:], '"', false)
					text = rest[:length]
				}
			}
			if !yield(lexeme{kind, text, i, i + length}) {
				return
			}
			i += length
		}
	}
}

func lineLength(s string) int {
	if end := strings.IndexAny(s, "\r\n"); end >= 0 {
		return end
	}
	return len(s)
}

// commentLength is that of a comment, in which others can be.
func commentLength(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// quotedLength is that of a string or name. A quote in it is written twice or, with escapes, after a backslash.
func quotedLength(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] != quote:
		case i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(s)
}

// escapesLength is that of a string with escapes, and of what goes on with it on lines that follow.
func escapesLength(s string) int {
	length := quotedLength(s, '\'', true)
	for {
		space := spaceLength(s[length:])
		if !strings.ContainsAny(s[length:length+space], "\r\n") || !strings.HasPrefix(s[length+space:], "'") {
			return length
		}
		length += space + quotedLength(s[length+space:], '\'', true)
	}
}

// spaceLength is that of white space and of comments to the end of a line.
func spaceLength(s string) int {
	i := 0
	for i < len(s) {
		switch {
		case strings.IndexByte(" \t\n\r\f\v", s[i]) >= 0:
			i++
		case strings.HasPrefix(s[i:], "--"):
			i += lineLength(s[i:])
		default:
			return i
		}
	}
	return i
}

// dollarLength is that of a parameter, a string between dollar signs, or a dollar sign.
func dollarLength(s string) int {
	i := 1
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i > 1 {
		return i
	}
	for i < len(s) && isWordPart(s[i]) && s[i] != '$' {
		i++
	}
	if i == len(s) || s[i] != '$' {
		return 1
	}
	tag := s[:i+1]
	if end := strings.Index(s[len(tag):], tag); end >= 0 {
		return end + 2*len(tag)
	}
	return len(s)
}

// numberLength is that of a number, and of letters that follow, which are part of it or an error.
func numberLength(s string) int {
	run := func(from int) int {
		for from < len(s) && isWordPart(s[from]) && s[from] != '$' {
			from++
		}
		return from
	}
	length := run(0)
	if strings.HasPrefix(s[length:], ".") && !strings.HasPrefix(s[length:], "..") {
		length = run(length + 1)
	}
	return length
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }
