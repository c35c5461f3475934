package executor

import "strings"

// words returns the words of a statement, in order: keywords and names that are not in quotes, in lower case, names in quotes in their
// quotes, and opening parentheses. What is in comments, strings and numbers is none. It is PostgreSQL's lexical structure, with
// standard_conforming_strings on:
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html
//
// A statement that the server would not take, say for a string without an end, gives the words of what can be read.
func words(sql string) (found []string) {
	for i := 0; i < len(sql); {
		rest := sql[i:]
		length := 1
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "--"):
			length = lineLength(rest)
		case strings.HasPrefix(rest, "/*"):
			length = commentLength(rest)
		case c == '\'':
			length = quotedLength(rest, '\'', false)
		case c == '"':
			length = quotedLength(rest, '"', false)
			found = append(found, rest[:length])
		case c == '$':
			length = dollarLength(rest)
		case c == '(':
			found = append(found, "(")
		case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]):
			length = numberLength(rest)
		case isWordStart(c):
			for length < len(rest) && isWordPart(rest[length]) {
				length++
			}
			word := strings.ToLower(rest[:length])
			switch after := rest[length:]; {
			case word == "e" && strings.HasPrefix(after, "'"): // a string with escapes
				length += escapesLength(after)
			case word == "u" && strings.HasPrefix(after, "&'"), len(word) == 1 && strings.Contains("bx", word) && strings.HasPrefix(after, "'"):
				// of a string, which comes next
			case word == "u" && strings.HasPrefix(after, `&"`):
				length += 1 + quotedLength(after[1:], '"', false)
				found = append(found, rest[:length])
			default:
				found = append(found, word)
			}
		}
		i += length
	}
	return found
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
