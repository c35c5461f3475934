package executor

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	pgquery "github.com/wasilibs/go-pgquery"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT a.b FROM t":                               "select a b from t",
		"-- name: X :one\r\nSELECT 1":                     "select",
		"/* a /* delete */ update */ SELECT":              "select",
		"/* not closed /* */ SELECT":                      "",
		`SELECT '\', delete, '''update'`:                  "select delete",
		`SELECT E'\'update\\', delete`:                    "select delete",
		"SELECT E'a' -- b\n 'it\\'s update', delete":      "select delete",
		"SELECT E'a' 'it\\'s":                             "select s", // on one line these are two strings, which is an error
		"SELECT n'a', B'1', x'F', u&'d!0061' uescape '!'": "select uescape",
		`SELECT u&"\0061", "a""delete"`:                   `select u&"\0061" "a""delete"`,
		"SELECT $$update$$, $a$ $b$ $$ $a$, $1, delete":   "select delete",
		"SELECT a$b$update, $1::text":                     "select a$b$update text",
		"SELECT 1e5, 0x1F, 1.5E-3 x":                      "select x",
		"SELECT é, ÉA":                                    "select é éa",
		"((SELECT":                                        "( ( select",
		"SELECT 'not closed update":                       "select",
		`SELECT "not closed update`:                       `select "not closed update`,
		"SELECT $x$ not closed update":                    "select",
		"SELECT a--b\nupdate":                             "select a update",
		"SELECT a-/*b*/update":                            "select a update",
		"$ $a b":                                          "a b",
		"SELECT 1--":                                      "select",
	} {
		if got := strings.Join(words(sql), " "); got != want {
			t.Errorf("%s has the words\n%s, want\n%s", sql, got, want)
		}
	}
}

// Whatever PostgreSQL's own scanner takes has the words that it sees.
func FuzzWords(f *testing.F) {
	for _, sql := range []string{
		"SELECT a FROM b WHERE c = $1 -- d\n AND e = 'f'", `WITH "x" AS (INSERT INTO y VALUES (E'\'', $$z$$) RETURNING *) TABLE x`, "/* /* */ */ (VALUES (1e3, U&'a', B'1'))",
	} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if strings.ContainsRune(sql, 0) || !utf8.ValidString(sql) {
			return // the server does not take it
		}
		scanned, err := pgquery.Scan(sql)
		if err != nil {
			return
		}
		var want []string
		for _, token := range scanned.Tokens {
			text := sql[token.Start:token.End]
			switch {
			case text == "(":
				want = append(want, text)
			case text[0] == '"', strings.HasPrefix(strings.ToLower(text), `u&"`):
				want = append(want, text)
			case isWordStart(text[0]) && !strings.ContainsAny(text, "'"):
				want = append(want, strings.ToLower(text))
			}
		}
		if got := words(sql); !slices.Equal(got, want) {
			t.Errorf("%q has the words\n%q, want\n%q", sql, got, want)
		}
	})
}
