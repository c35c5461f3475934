package sqliteimport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"
)

// A Report says what an import has done or, with [Options].DryRun, would do.
type Report struct {
	DryRun     bool         `json:"dry_run"`
	Zone       string       `json:"zone"` // the zone in which times were read: its IANA name or, without one, its offset in January, like UTC+01:00
	Goals      Counts       `json:"goals"`
	Tasks      Counts       `json:"tasks"`
	Kinds      []Kind       `json:"kinds"`       // findings by kind, in the order of each kind's first finding
	LeftBehind []LeftBehind `json:"left_behind"` // ordered by name
	// Findings is nil with [Options].OnFinding. The order is
	//
	//  1. values of goals and tasks, by old id;
	//  2. references;
	//  3. rows that changed in the file since the last import;
	//  4. imported rows that are no longer in the file;
	//  5. completed goals with new work;
	//  6. progress of goals.
	Findings []Finding `json:"findings,omitempty"`
}

// Counts are numbers of rows.
type Counts struct {
	InFile    int `json:"in_file"` // rows in the file: the sum of Imported, Known and Refused
	Imported  int `json:"imported"`
	Known     int `json:"known"`       // imported before
	Refused   int `json:"refused"`     // left out because of [Options].Strict
	Changed   int `json:"changed"`     // rows of Known that changed in the file since the last import
	NotInFile int `json:"not_in_file"` // imported from this file before, and no longer in it
}

// A LeftBehind is a table, a view, or a column of tasks or goals that is not imported.
type LeftBehind struct {
	Name string `json:"name"` // like daily_logs or tasks.repository_path
	Rows int    `json:"rows"` // for a column, the rows in which it is not empty; -1 if they cannot be counted
}

// A Kind is all findings of one problem in one column.
type Kind struct {
	Table    string    `json:"table"`
	Column   string    `json:"column"` // empty for a problem of whole rows
	Problem  Problem   `json:"problem"`
	Count    int       `json:"count"`
	Examples []Finding `json:"examples"` // the first three
}

// maxExamples is how many findings of a kind are in the report whatever [Options].OnFinding does.
const maxExamples = 3

// String returns the problem in words, like "tasks.priority is out of range" or "tasks: not in this file, …".
func (k Kind) String() string {
	if k.Column == "" {
		return k.Table + ": " + k.Problem.String()
	}
	return k.Table + "." + k.Column + " " + k.Problem.String()
}

// A Finding is a value that was not imported as it is, or a row that differs between the file and the database.
type Finding struct {
	Table   string  `json:"table"`  // tasks or goals
	ID      int64   `json:"id"`     // in the file
	Column  string  `json:"column"` // empty for a problem of the whole row
	Problem Problem `json:"problem"`
	Old     string  `json:"old"`     // the value in the file, at most its first 200 characters
	New     string  `json:"new"`     // the stored value in words, or at most its first 200 characters; empty if nothing was stored
	Refused bool    `json:"refused"` // the row was left out, for this or another reason
}

// A Problem is the kind of a finding. Its value is a stable name, and String returns it in words.
type Problem string

// Problems that leave the row out with [Options].Strict.
const (
	Unset       Problem = "unset"
	Blank       Problem = "blank"
	OutOfRange  Problem = "out_of_range"
	TooLong     Problem = "too_long"
	Unknown     Problem = "unknown"
	NotANumber  Problem = "not_a_number"
	NotATime    Problem = "not_a_time"
	NotJSON     Problem = "not_json"
	OtherJSON   Problem = "other_json"
	BadText     Problem = "bad_text"
	NotComplete Problem = "not_complete"
	TwoProjects Problem = "two_projects"
)

// Problems that do not leave the row out. Only [Missing] can: with [Options].Strict, a row that references a row that was left
// out is left out too.
const (
	SkippedTime            Problem = "skipped_time"
	RepeatedTime           Problem = "repeated_time"
	InFuture               Problem = "in_future"
	CompletedBeforeCreated Problem = "completed_before_created"
	UpdatedBeforeCreated   Problem = "updated_before_created"
	ReadInUTC              Problem = "read_in_utc"
	ReadInZone             Problem = "read_in_zone"
	Missing                Problem = "missing"
	Deleted                Problem = "deleted"
	Cycle                  Problem = "cycle"
	TooDeep                Problem = "too_deep"
	Duplicate              Problem = "duplicate"
	Changed                Problem = "changed"
	NotInFile              Problem = "not_in_file"
	PossibleDuplicate      Problem = "possible_duplicate"
	NewWork                Problem = "new_work"
	Recounted              Problem = "recounted"
)

// sentences are what comes after the name of the column, or of the row.
var sentences = map[Problem]string{
	Unset:       "is not set",
	Blank:       "is blank",
	OutOfRange:  "is out of range",
	TooLong:     "is too long",
	Unknown:     "has an unknown value",
	NotANumber:  "is not a number",
	NotATime:    "is not a time",
	NotJSON:     "is not JSON",
	OtherJSON:   "is JSON of another type than expected",
	BadText:     "has characters that cannot be stored",
	NotComplete: "is set, but the task is not completed",
	TwoProjects: "is not the project in its metrics",

	SkippedTime:            "is skipped when clocks go forward",
	RepeatedTime:           "occurs twice when clocks go back",
	InFuture:               "is in the future",
	CompletedBeforeCreated: "says that it was completed before it was created",
	UpdatedBeforeCreated:   "says that it was changed before it was created",
	ReadInUTC:              "was read in UTC: in the time zone it would be before created_at or in the future",
	ReadInZone:             "was read in the time zone: in UTC it would be before created_at or in the future",
	Missing:                "refers to a row that does not exist or was left out",
	Deleted:                "refers to a row that was deleted after it was imported",
	Cycle:                  "closes a cycle",
	TooDeep:                "would make a 101st level of goals",
	Duplicate:              "lists a task twice",
	Changed:                "changed in the file since the last import",
	NotInFile:              "not in this file, though imported from it before",
	PossibleDuplicate:      "may have been imported before, with another title or time of creation",
	NewWork:                "is completed, but the import adds unfinished work below",
	Recounted:              "does not match the tasks and sub-goals",
}

// String returns the end of a sentence about a value or a row, like "is out of range".
func (p Problem) String() string { return sentences[p] }

// refuses says whether a problem is a reason to leave a row out.
func (p Problem) refuses() bool {
	switch p {
	case Unset, Blank, OutOfRange, TooLong, Unknown, NotANumber, NotATime, NotJSON, OtherJSON, BadText, NotComplete, TwoProjects:
		return true
	default:
		return false
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
	at := slices.IndexFunc(r.Kinds, func(k Kind) bool { return k.Table == f.Table && k.Column == f.Column && k.Problem == f.Problem })
	if at < 0 {
		at = len(r.Kinds)
		r.Kinds = append(r.Kinds, Kind{Table: f.Table, Column: f.Column, Problem: f.Problem})
	}
	k := &r.Kinds[at]
	if k.Count++; k.Count <= maxExamples {
		k.Examples = append(k.Examples, f)
	}
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

// became says what became of a value. What the file has is quoted: it can be anything.
func became(f Finding) string {
	s := fmt.Sprintf("%s %d", strings.TrimSuffix(f.Table, "s"), f.ID)
	if f.Old != "" {
		s += ": " + quotedBeginning(f.Old)
	}
	switch isTime := strings.HasSuffix(f.Column, "_at") || strings.HasSuffix(f.Column, "_date"); {
	case f.Refused:
		return s + ", left out"
	case isTime && f.New != "": // or words for one
		return s + " → " + f.New
	case f.New != "":
		return s + " → " + quotedBeginning(f.New)
	case f.Old != "" && f.Problem != Changed && f.Problem != PossibleDuplicate:
		return s + ", dropped"
	default:
		return s
	}
}

func quotedBeginning(s string) string {
	const most = 60 // characters
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most-1])) + "…"
	}
	return strconv.Quote(s)
}

// String returns the report as text of several lines: up to three findings of each kind, the tables and columns that are not
// imported, the numbers of rows, and the time zone.
func (r *Report) String() string {
	var b strings.Builder
	if len(r.Kinds) > 0 {
		b.WriteString("Findings:\n")
	}
	digits := 0
	for _, k := range r.Kinds {
		digits = max(digits, len(strconv.Itoa(k.Count)))
	}
	for _, k := range r.Kinds {
		fmt.Fprintf(&b, "  %*d  %s\n", digits, k.Count, k)
		for _, example := range k.Examples {
			fmt.Fprintf(&b, "%*s%s\n", digits+6, "", became(example))
		}
		if more := k.Count - len(k.Examples); more > 0 {
			fmt.Fprintf(&b, "%*s… and %d more\n", digits+6, "", more)
		}
	}
	if len(r.Kinds) > 0 {
		b.WriteString("\n")
	}
	if len(r.LeftBehind) > 0 {
		b.WriteString("Not imported, with the number of rows:\n")
	}
	for _, l := range r.LeftBehind {
		rows := "unknown"
		if l.Rows >= 0 {
			rows = strconv.Itoa(l.Rows)
		}
		fmt.Fprintf(&b, "%9s  %s\n", rows, plain(l.Name))
	}
	if len(r.LeftBehind) > 0 {
		b.WriteString("\n")
	}
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
	fmt.Fprintf(&b, "\nTimes were read in the time zone %s.\n", r.Zone)
	return b.String()
}
