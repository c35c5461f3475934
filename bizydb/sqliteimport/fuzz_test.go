package sqliteimport

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	unicodetext "github.com/bizy-ai/bizydb/bizydb/internal/text"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Whatever stands in a row, in whatever type of SQLite's: what it is converted to follows the rules of the tables, the same
// each time, and what is not taken over as it is is found: where nothing is found, it is what it was.
func FuzzRow(f *testing.F) {
	for _, s := range []string{
		"", " ", "0e99999999999", `{"a": 0e1073741823}`, "Call", "\x00", "\xff\xfe", "2025-03-30 02:30:00", "2025-10-26T02:30:00.123456", "9999-12-31", "0001-01-01", "0000-00-00", "2024-02-30",
		"[]", "[1, 2]", `["1", 1.0, 1e3, -0]`, "[1", `{"a": [null, "\ud800\u0000"]}`, `{"\u0000": 1, "": 1e999, "b": 1e-999}`, `"x"`, "null", "12345678901234567890",
		"in_progress", "In-Progress", "weird", "yearly", strings.Repeat("é", 501), strings.Repeat("[", 10001), "NaN", "Infinity", "0x10", "1_000",
		"-1", `["x", 1.5, true]`, `{"project": "other"}`,
	} {
		for _, kind := range []byte{0, 1, 2, 3, 4, 5, 10, 15, 20} { // each type, and texts in each zone
			f.Add(s, kind, int64(9), 2.5)
		}
	}
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Europe/Berlin", "Pacific/Apia", "America/New_York", "Africa/Casablanca"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			f.Fatal(err)
		}
		zones = append(zones, zone)
	}
	f.Fuzz(func(t *testing.T, s string, kind byte, n int64, x float64) {
		if math.IsNaN(x) { // SQLite has none
			x = 0
		}
		value := []any{s, []byte(s), n, x, nil}[int(kind)%5]
		for _, c := range []struct {
			t       *table
			convert func(*row) any
			check   func(t *testing.T, column string, converted any)
		}{
			{&table{name: "tasks", kind: "task", columns: taskColumns}, func(r *row) any { return r.task() }, checkTask},
			{&table{name: "goals", kind: "goal", columns: goalColumns}, func(r *row) any { return r.goal() }, checkGoal},
		} {
			for i, column := range c.t.columns[1:] {
				values := make([]any, len(c.t.columns))
				for k, name := range c.t.columns {
					values[k] = map[string]any{
						"id": int64(7), "title": "Good", "priority": int64(3), "status": "completed", "progress_percentage": 1.0,
						"created_at": "2025-01-01", "updated_at": "2025-01-01", "completed_at": "2025-01-03", "project_name": "shop",
					}[name]
				}
				values[i+1] = value
				zone := zones[int(kind)/5%len(zones)]
				var found []Finding
				convert := func() any {
					r := &row{
						table: c.t, rules: &rules{zone: zone, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), upgraded: released}, id: 7, values: values,
						found: func(f Finding) { found = append(found, f) },
					}
					r.mark()
					r.hashes()
					return c.convert(r)
				}
				converted := convert()
				first := found
				found = nil
				if again := convert(); jsonText(again) != jsonText(converted) || len(found) != len(first) {
					t.Errorf("%s: %v and then %v", column, converted, again)
				}
				for _, f := range first {
					follows := map[string][]string{"status": {"completed_at"}, "metrics": {"project_name"}, "created_at": {"completed_at", "updated_at"}}
					if f.Column != column && !slices.Contains(follows[column], f.Column) {
						t.Errorf("%s: found %+v", column, f)
					}
				}
				c.check(t, column, converted)
				checkUnchanged(t, c.t, values, zone, first, converted)
			}
		}
	})
}

func checkTask(t *testing.T, column string, converted any) {
	task := converted.(task)
	p := task.CreateTaskParams
	checkTexts(t, column, p.Title, p.Description, p.Notes, p.Category)
	if p.Category != nil && utf8.RuneCountInString(*p.Category) > 100 {
		t.Errorf("%s: category of %d characters", column, utf8.RuneCountInString(*p.Category))
	}
	if *p.Priority < 1 || *p.Priority > 5 {
		t.Errorf("%s: priority %d", column, *p.Priority)
	}
	switch p.Status {
	case planner.TaskPending, planner.TaskInProgress, planner.TaskCompleted, planner.TaskBlocked:
	default:
		t.Errorf("%s: status %q", column, p.Status)
	}
	if (p.CompletedAt != nil) != (p.Status == planner.TaskCompleted) {
		t.Errorf("%s: completed %v, status %s", column, p.CompletedAt, p.Status)
	}
	for _, h := range []*float64{p.EstimatedHours, p.ActualHours} {
		if h != nil && !(*h >= 0 && *h <= 1_000_000) {
			t.Errorf("%s: %g hours", column, *h)
		}
	}
	if len(p.Tags) > 100 {
		t.Errorf("%s: %d tags", column, len(p.Tags))
	}
	for _, tag := range p.Tags {
		if utf8.RuneCountInString(tag) > 250 {
			t.Errorf("%s: a tag of %d characters", column, utf8.RuneCountInString(tag))
		}
		checkTexts(t, column, "x", &tag)
	}
	checkTimes(t, column, p.CreatedAt, p.CompletedAt, p.DueDate)
	checkJSON(t, column, p)
}

func checkGoal(t *testing.T, column string, converted any) {
	g := converted.(goal)
	checkTexts(t, column, g.Title, g.Description, g.SuccessCriteria)
	switch g.Status {
	case planner.GoalActive, planner.GoalCompleted, planner.GoalOnHold, planner.GoalCancelled:
	default:
		t.Errorf("%s: status %q", column, g.Status)
	}
	if g.Horizon != nil {
		switch planner.Horizon(*g.Horizon) {
		case planner.Yearly, planner.Quarterly, planner.Monthly, planner.Weekly:
		default:
			t.Errorf("%s: horizon %q", column, *g.Horizon)
		}
	}
	if !(g.ProgressPercentage >= 0 && g.ProgressPercentage <= 100) {
		t.Errorf("%s: progress %g", column, g.ProgressPercentage)
	}
	if g.Metrics == nil {
		t.Errorf("%s: no metrics", column)
	}
	checkTimes(t, column, &g.CreatedAt, &g.UpdatedAt, g.CompletedAt, g.TargetDate)
	checkJSON(t, column, g)
	for _, exponent := range exponents.FindAllStringSubmatch(quotedTexts.ReplaceAllString(jsonText(g.Metrics), ""), -1) {
		if len(exponent[1]) > 3 {
			t.Errorf("%s: a number to the power of %s", column, exponent[1])
		}
	}
}

var (
	quotedTexts = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	exponents   = regexp.MustCompile(`[eE][+-]?0*(\d+)`)
)

func checkTexts(t *testing.T, column, title string, texts ...*string) {
	t.Helper()
	if unicodetext.Blank(title) || utf8.RuneCountInString(title) > 500 {
		t.Errorf("%s: title %q", column, title)
	}
	for _, s := range append(texts, &title) {
		if s != nil && (!utf8.ValidString(*s) || strings.ContainsRune(*s, 0) || len(*s) > 1_000_000) {
			t.Errorf("%s: text %q", column, *s)
		}
	}
}

func checkTimes(t *testing.T, column string, times ...*time.Time) {
	t.Helper()
	for _, at := range times {
		if at != nil && (at.Year() < 1 || at.Year() > 9999 || at.Location() != time.UTC || at.Nanosecond()%1000 != 0) {
			t.Errorf("%s: time %v", column, at)
		}
	}
}

// checkJSON looks for what jsonb would not take.
func checkJSON(t *testing.T, column string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%s: %v", column, err)
	}
	if s := strings.ReplaceAll(string(b), `\\`, ""); strings.Contains(s, `\u0000`) || strings.Contains(s, `\ud`) {
		t.Errorf("%s: %s", column, b)
	}
}
