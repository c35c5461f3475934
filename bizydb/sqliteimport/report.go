package sqliteimport

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// A Report says what an import has done, or with [Options].DryRun what it would do.
type Report struct {
	DryRun     bool           `json:"dry_run"`
	Zone       string         `json:"zone"` // in which times were read
	Goals      Counts         `json:"goals"`
	Tasks      Counts         `json:"tasks"`
	Problems   []ProblemCount `json:"problems"`    // counts of findings, in the order in which they came up
	LeftBehind []LeftBehind   `json:"left_behind"` // ordered by name
	// Findings are those of goals and tasks, ordered by old id, then those of references, then completed goals with new work, then
	// the progress of goals. Nil with [Options].OnFinding.
	Findings []Finding `json:"findings,omitempty"`
}

// Counts are numbers of rows.
type Counts struct {
	InFile   int `json:"in_file"` // in the file: the sum of the others
	Imported int `json:"imported"`
	Known    int `json:"known"`   // imported before
	Refused  int `json:"refused"` // left out, with [Options].Strict
}

// LeftBehind is a table or view, or a column of tasks or goals, that is not imported.
type LeftBehind struct {
	Name string `json:"name"` // like daily_logs or tasks.repository_path
	Rows int    `json:"rows"` // of a column, those in which it is not empty; -1 if they cannot be counted
}

// A ProblemCount is the number of findings of one problem in one column.
type ProblemCount struct {
	Table   string  `json:"table"`
	Column  string  `json:"column"`
	Problem Problem `json:"problem"`
	Count   int     `json:"count"`
}

// A Finding is one value that was not imported as it is.
type Finding struct {
	Table   string  `json:"table"` // tasks or goals
	ID      int64   `json:"id"`    // in the file
	Column  string  `json:"column"`
	Problem Problem `json:"problem"`
	Old     string  `json:"old"`     // in the file, its first 200 characters
	New     string  `json:"new"`     // what it became, in words or its first 200 characters; empty if it was dropped
	Refused bool    `json:"refused"` // the row was left out, for this or another reason
}

// A Problem is what is wrong with a value.
type Problem string

// Problems that leave the row out with [Options].Strict.
const (
	Unset       Problem = "is unset"
	Blank       Problem = "is blank"
	OutOfRange  Problem = "is out of range"
	TooLong     Problem = "is too long"
	Unknown     Problem = "is not known"
	NotANumber  Problem = "is not a number"
	NotATime    Problem = "is not a time"
	NotJSON     Problem = "is not JSON"
	OtherJSON   Problem = "is JSON of another kind"
	BadText     Problem = "has characters that cannot be stored"
	NotComplete Problem = "is set, but it is not completed"
	TwoProjects Problem = "metrics have another project"
)

// Problems that do not leave the row out. (A row that refers to one left out is left out too.)
const (
	SkippedTime       Problem = "is skipped by the clock"
	RepeatedTime      Problem = "comes twice on the clock"
	InFuture          Problem = "is in the future"
	Missing           Problem = "is not there"
	Deleted           Problem = "has been deleted since it was imported"
	Cycle             Problem = "is in a cycle"
	TooDeep           Problem = "is on the 101st level of goals"
	Duplicate         Problem = "is listed twice"
	Changed           Problem = "has changed in the file since it was imported"
	PossibleDuplicate Problem = "may have been imported before, with another title or time of creation"
	NewWork           Problem = "is completed, and new unfinished work comes under it"
	Recounted         Problem = "is not what the tasks and goals below amount to"
)

// refuses says whether a problem is a reason to leave a row out.
func (p Problem) refuses() bool {
	switch p {
	case SkippedTime, RepeatedTime, InFuture, Missing, Deleted, Cycle, TooDeep, Duplicate, Changed, PossibleDuplicate, NewWork, Recounted:
		return false
	default:
		return true
	}
}

// add counts a finding and hands it on.
func (r *Report) add(f Finding, handOn func(Finding)) {
	f.Old, f.New = shortened(f.Old, 200), shortened(f.New, 200)
	if handOn != nil {
		handOn(f)
	} else {
		r.Findings = append(r.Findings, f)
	}
	for i := range r.Problems {
		if p := &r.Problems[i]; p.Table == f.Table && p.Column == f.Column && p.Problem == f.Problem {
			p.Count++
			return
		}
	}
	r.Problems = append(r.Problems, ProblemCount{f.Table, f.Column, f.Problem, 1})
}

// shortened is s with at most so many characters, the last of which then says that there were more.
func shortened(s string, limit int) string {
	if runes := []rune(beginning(s, limit+1)); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// beginning is s, or less of it, but at least its first characters, so many. What comes after them can be cut within one.
func beginning(s string, characters int) string { return s[:min(len(s), utf8.UTFMax*characters)] }

// plain is a name as it can be shown: quoted if it has something in it that a terminal would obey.
func plain(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// String returns the report as text, without its findings.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Times are read in the time zone %s.\n\n", r.Zone)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	imported := "imported"
	if r.DryRun {
		imported = "to import"
	}
	fmt.Fprintf(w, "\tin the file\t%s\timported before\tleft out\t\n", imported)
	for _, kind := range []struct {
		name string
		Counts
	}{{"goals", r.Goals}, {"tasks", r.Tasks}} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", kind.name, kind.InFile, kind.Imported, kind.Known, kind.Refused)
	}
	_ = w.Flush() // to memory

	if len(r.Problems) > 0 {
		b.WriteString("\nNot as it was in the file:\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%8d  %s.%s %s\n", p.Count, p.Table, p.Column, p.Problem)
	}
	if len(r.LeftBehind) > 0 {
		b.WriteString("\nRows with what is left behind:\n")
	}
	for _, l := range r.LeftBehind {
		rows := "unknown"
		if l.Rows >= 0 {
			rows = strconv.Itoa(l.Rows)
		}
		fmt.Fprintf(&b, "%8s  %s\n", rows, plain(l.Name))
	}
	if r.DryRun {
		b.WriteString("\nThis was a dry run: nothing has been written.\n")
	}
	return b.String()
}
