package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A report is what the program prints: text, and a line per step with its round trips and time.
type report struct {
	out   io.Writer
	err   error // the first one of out
	glyph glyphs
	trips func() int // on the wire since the last call

	fewest map[string]int // round trips that a call took
}

type glyphs struct{ full, empty, branch, last, pipe, more string }

var (
	unicode = glyphs{"█", "░", "├─ ", "└─ ", "│  ", "…"}
	ascii   = glyphs{"#", ".", "|- ", "`- ", "|  ", "..."}
)

func newReport(out io.Writer) *report {
	r := &report{out: out, glyph: ascii, fewest: map[string]int{}}
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	locale = strings.ReplaceAll(strings.ToLower(locale), "-", "")
	if file, ok := out.(*os.File); ok && strings.HasSuffix(locale, "utf8") {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			r.glyph = unicode
		}
	}
	return r
}

func (r *report) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(r.out, format, args...); r.err == nil {
		r.err = err
	}
}

func (r *report) section(title string) { r.printf("\n%s\n", title) }

const columns = "%-68s %11s %11s\n"

func (r *report) heading(title string) { r.printf(columns, title, "round trips", "time") }

func (r *report) row(what, trips string, took time.Duration) {
	r.printf(columns, "  "+what, trips, fmt.Sprintf("%.1f ms", took.Seconds()*1000))
}

// step does something and prints a line about it: the call's name, what do says came of it, round trips and time. warm
// is how many round trips it takes on a warm connection; more than that get a star.
func (r *report) step(call string, warm int, do func() (string, error)) error {
	r.trips()
	start := time.Now()
	result, err := do()
	took, trips := time.Since(start), r.trips()
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	if fewest, ok := r.fewest[call]; !ok || trips < fewest {
		r.fewest[call] = trips
	}
	star := " "
	if trips > warm {
		star = "*"
	}
	r.row(fmt.Sprintf("%-14s%s", call, r.cut(result, 52)), fmt.Sprint(trips)+star, took)
	return nil
}

// uncounted is step for what an operator does, on other connections.
func (r *report) uncounted(what string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return err
	}
	r.row(what, "- ", time.Since(start))
	return nil
}

// cut shortens text to a column's width.
func (r *report) cut(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-len([]rune(r.glyph.more))]) + r.glyph.more
}

// wrapped prints text in lines that fit.
func (r *report) wrapped(text string) {
	line := " "
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 92 && line != " " {
			r.printf("%s\n", line)
			line = " "
		}
		line += " " + word
	}
	if line != " " {
		r.printf("%s\n", line)
	}
}

// count is n things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (r *report) summary() {
	r.section("In short")
	for _, line := range []struct{ what, call string }{
		{"a scoped list", "ListTasks"},
		{"a scoped insert", "CreateTask"},
		{"a scoped update", "UpdateTask"},
		{"the whole file, one transaction", "InTx"},
	} {
		r.printf("  %-32s %s\n", line.what, count(r.fewest[line.call], "round trip"))
	}
	r.printf("  Counted on the wire, by a proxy whose own time is in the times above.\n")
	r.printf("  * One more where a connection meets a statement for the first time and prepares it, and\n")
	r.printf("    where the pool asks a connection that was idle for a second if it is still there.\n")
}
