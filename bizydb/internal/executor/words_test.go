package executor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	pgquery "github.com/wasilibs/go-pgquery"
	"pgregory.net/rapid"
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
		"SELECT n'a', B'1', x'F', u&'d!0061' uescape '!'": "select n uescape",
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
//
//	go test -run WordsAreThose ./bizydb/internal/executor -rapid.checks 100000
func TestWordsAreThoseOfPostgreSQL(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the scanner is no matter of the server's, and -race makes it slow")
	}
	parts := []string{
		"'", "''", `"`, `""`, "e'", "E'", "U&'", `u&"`, "n'", "B'1'", "x", "$", "$$", "$a$", "$1", "--", "/*", "*/", "/", "*", "\\", "\n", "\r", " ", "\t", "(", ")", ",", ".", ";", "-", "&",
		"update", "SELECT", "a", "e", "é", "_b$c", "1", "1.5", "1e", "::", "=", "\f",
	}
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		sql := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 20).Draw(t, "sql"), "")
		scanned, err := pgquery.Scan(sql)
		if err != nil {
			return
		}
		taken++
		var want []string
		for _, token := range scanned.Tokens {
			switch text := sql[token.Start:token.End]; {
			case text == "(", text[0] == '"', strings.HasPrefix(strings.ToLower(text), `u&"`):
				want = append(want, text)
			case isWordStart(text[0]) && !strings.Contains(text, "'"):
				want = append(want, strings.ToLower(text))
			}
		}
		if got := words(sql); !slices.Equal(got, want) {
			t.Fatalf("%q has the words\n%q, want\n%q", sql, got, want)
		}
	})
	if taken == 0 {
		t.Errorf("%d statements were taken: this shows little", taken)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]int{
		"SELECT 1":              0,
		"SELECT $1, $12, $3":    12,
		"SELECT 'for $100', $1": 1,
		"SELECT $1 -- $2":       1,
		"SELECT $1 /* $2 */":    1,
		`SELECT "a$3", a$4, $1`: 1,
		"SELECT $a$ $2 $a$, $1": 1,
	} {
		if got := Parameters(sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	these := []string{"(", "select", "f", "(", ")", ")"}
	for sql, want := range map[string]string{
		"SELECT (SELECT f()), ( select\n F ( /* of */ ) )": "SELECT $1, $1",
		"((SELECT f()))":                     "($1)",
		"(SELECT (SELECT f()))":              "(SELECT $1)",
		"(SELECT f(1)), (SELECT f)":          "(SELECT f(1)), (SELECT f)",
		"'(SELECT f())' -- (SELECT f())":     "'(SELECT f())' -- (SELECT f())",
		`(SELECT "f()"), $$(SELECT f())$$`:   `(SELECT "f()"), $$(SELECT f())$$`,
		"(SELECT 'a', f()), (SELECT f()), é": "(SELECT 'a', f()), $1, é",
	} {
		if got, found := Replace(sql, these, func([]string, string) string { return "$1" }); got != want || found != (want != sql) {
			t.Errorf("%s: %s, %t, want %s", sql, got, found, want)
		}
	}
	got, _ := Replace("(SELECT f()) FROM 'a', (SELECT f()) AND b = (SELECT f())", these, func(before []string, after string) string {
		return fmt.Sprintf("[%d %s]", len(before), after)
	})
	if want := "[0 from] FROM 'a', [9 and] AND b = [18 ]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
