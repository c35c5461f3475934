package sqliteimport_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A repair is a value that does not follow the rules of the table, and what becomes of it.
type repair struct {
	column  string
	old     any
	problem sqliteimport.Problem
	said    string // as new in the finding
	want    any    // of the field that field gives
}

var (
	long     = strings.Repeat("ü", 501)
	longest  = strings.Repeat("🙂", 500) // four bytes each
	category = strings.Repeat("c", 101)
)

var taskRepairs = []repair{
	{"title", "", sqliteimport.Blank, "Untitled task 1", "Untitled task 1"},
	{"title", " \t\u00a0", sqliteimport.Blank, "Untitled task 2", "Untitled task 2"},
	{"title", "\u200b\u2060 \u00ad", sqliteimport.Blank, "Untitled task 3", "Untitled task 3"},
	{"title", long, sqliteimport.TooLong, strings.Repeat("ü", 199) + "…", long[:2*499] + "…"},
	{"title", "nul\x00l", sqliteimport.BadText, "null", "null"},
	{"title", []byte("caf\xe9"), sqliteimport.BadText, "caf\uFFFD", "caf\uFFFD"},
	{"priority", nil, sqliteimport.Unset, "3", 3},
	{"priority", 9, sqliteimport.OutOfRange, "5", 5},
	{"priority", 0, sqliteimport.OutOfRange, "1", 1},
	{"priority", -7, sqliteimport.OutOfRange, "1", 1},
	{"priority", "high", sqliteimport.NotANumber, "3", 3},
	{"priority", 2.5, sqliteimport.NotANumber, "3", 3},
	{"status", nil, sqliteimport.Unset, "pending", planner.TaskPending},
	{"status", "weird", sqliteimport.Unknown, "pending", planner.TaskPending},
	{"status", "", sqliteimport.Unknown, "pending", planner.TaskPending},
	{"status", " In Progress", sqliteimport.Unknown, "in_progress", planner.TaskInProgress},
	{"category", category, sqliteimport.TooLong, category[:100], new(category[:100])},
	{"estimated_hours", -1, sqliteimport.OutOfRange, "", (*float64)(nil)},
	{"estimated_hours", "0x1p4", sqliteimport.NotANumber, "", (*float64)(nil)},
	{"estimated_hours", 1000001, sqliteimport.OutOfRange, "", (*float64)(nil)},
	{"estimated_hours", 1e308, sqliteimport.OutOfRange, "", (*float64)(nil)},
	{"estimated_hours", "two", sqliteimport.NotANumber, "", (*float64)(nil)},
	{"due_date", "10000-01-01", sqliteimport.NotATime, "", (*time.Time)(nil)},
	{"due_date", "9999-12-31T23:00:00-02:00", sqliteimport.NotATime, "", (*time.Time)(nil)},
	{"due_date", "next week", sqliteimport.NotATime, "", (*time.Time)(nil)},
	{"due_date", "2025-02-30", sqliteimport.NotATime, "", (*time.Time)(nil)},
	{"due_date", 20250101, sqliteimport.NotATime, "", (*time.Time)(nil)},
	{"due_date", "0001-01-01 00:30", sqliteimport.NotATime, "", (*time.Time)(nil)}, // which is in the year before in UTC
	{"completed_at", "2025-03-01 10:00:00", sqliteimport.NotComplete, "", (*time.Time)(nil)},
	{"dependencies", "2, 3", sqliteimport.NotJSON, "[]", planner.TaskIDs{}},
	{"dependencies", `{"2": true}`, sqliteimport.OtherJSON, "[]", planner.TaskIDs{}},
	{"dependencies", `["x"]`, sqliteimport.OtherJSON, "", planner.TaskIDs{}},
	{"tags", "[1, 2", sqliteimport.NotJSON, "[]", planner.Tags{}},
	{"tags", "work", sqliteimport.NotJSON, "[]", planner.Tags{}},
	{"tags", `"work"`, sqliteimport.OtherJSON, `["work"]`, planner.Tags{"work"}},
	{"tags", `{"work": 1}`, sqliteimport.OtherJSON, "[]", planner.Tags{}},
	{"tags", `["work", 7, null, true, ["x"]]`, sqliteimport.OtherJSON, `["work","7","true","[\"x\"]"]`, planner.Tags{"work", "7", "true", `["x"]`}},
	{"tags", `["a\u0000b"]`, sqliteimport.BadText, `["ab"]`, planner.Tags{"ab"}},
	{"tags", `["` + long + `"]`, sqliteimport.TooLong, `["` + strings.Repeat("ü", 197) + "…", planner.Tags{long[:2*250]}},
	{"tags", `["a"` + strings.Repeat(`,"a"`, 100) + `]`, sqliteimport.TooLong, `["a"` + strings.Repeat(`,"a"`, 48) + `,"a…`, planner.Tags(strings.Fields(strings.Repeat("a ", 100)))},
	{"tags", `["\ud800"]`, sqliteimport.BadText, `["` + "\uFFFD" + `"]`, planner.Tags{"\uFFFD"}},
}

var goalRepairs = []repair{
	{"title", "", sqliteimport.Blank, "Untitled goal 1", "Untitled goal 1"},
	{"title", long, sqliteimport.TooLong, strings.Repeat("ü", 199) + "…", long[:2*499] + "…"},
	{"horizon", "decade", sqliteimport.Unknown, "", (*planner.Horizon)(nil)},
	{"horizon", "Yearly", sqliteimport.Unknown, "yearly", new(planner.Yearly)},
	{"status", nil, sqliteimport.Unset, "active", planner.GoalActive},
	{"status", "paused", sqliteimport.Unknown, "active", planner.GoalActive},
	{"status", "on hold", sqliteimport.Unknown, "on_hold", planner.GoalOnHold},
	{"progress_percentage", nil, sqliteimport.Unset, "0", 0.0},
	{"progress_percentage", 130, sqliteimport.OutOfRange, "100", 100.0},
	{"progress_percentage", -3, sqliteimport.OutOfRange, "0", 0.0},
	{"progress_percentage", "half", sqliteimport.NotANumber, "0", 0.0},
	{"metrics", "{'a': 1}", sqliteimport.NotJSON, `{"imported":"{'a': 1}"}`, planner.Metrics{"imported": "{'a': 1}"}},
	{"metrics", "[1, 2]", sqliteimport.OtherJSON, `{"imported":[1,2]}`, planner.Metrics{"imported": []any{1.0, 2.0}}},
	{"metrics", `{"n": 1e999}`, sqliteimport.BadText, `{"n":"1e999"}`, planner.Metrics{"n": "1e999"}},
	{"metrics", `{"n": 0e99999999999}`, sqliteimport.BadText, `{"n":"0e99999999999"}`, planner.Metrics{"n": "0e99999999999"}},
	{"metrics", `{"a\u0000": 1}`, sqliteimport.BadText, `{"a":1}`, planner.Metrics{"a": 1.0}},
	{"metrics", strings.Repeat("[", 600) + strings.Repeat("]", 600), sqliteimport.NotJSON, `{"imported":"` + strings.Repeat("[", 186) + "…", planner.Metrics{"imported": strings.Repeat("[", 600) + strings.Repeat("]", 600)}},
	{"metrics", `{"a": "` + strings.Repeat("x", 1_000_000) + `"}`, sqliteimport.TooLong, `{"imported":"{\"a\": \"` + strings.Repeat("x", 176) + "…", planner.Metrics{"imported": (`{"a": "` + strings.Repeat("x", 125_000))[:125_000]}},
	{"description", strings.Repeat("x", 1_000_001), sqliteimport.TooLong, strings.Repeat("x", 199) + "…", new(strings.Repeat("x", 1_000_000))},
	{"target_date", "soon", sqliteimport.NotATime, "", (*time.Time)(nil)},
}

// A value outside the rules is repaired as documented and reported, by itself; strictly, its row is left out and reported.
func TestRepairs(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	f := newFixture(t, oldGoals, oldTasks)
	good := map[string]record{
		"tasks": {"title": "Task", "priority": 2, "status": "pending", "created_at": "2025-01-01 10:00:00"},
		"goals": {"title": "Goal", "status": "active", "progress_percentage": 10, "created_at": "2025-01-01 10:00:00", "updated_at": "2025-01-02 10:00:00"},
	}
	cases := map[string][]repair{"tasks": taskRepairs, "goals": goalRepairs}
	for table, repairs := range cases {
		for i, c := range repairs {
			r := record{"id": i + 1}
			for column, value := range good[table] {
				r[column] = value
			}
			r[c.column] = c.old
			f.insert(t, table, r)
		}
		good[table]["id"] = 1000
		f.insert(t, table, good[table])
	}

	user, strictUser := db.NewUser(t), db.NewUser(t)
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	strict := importFile(t, db, strictUser, f.path, sqliteimport.Options{Strict: true})
	stored := importedFor(t, db, user)
	for table, repairs := range cases {
		for i, c := range repairs {
			t.Run(fmt.Sprintf("%s.%s %.20v", table, c.column, c.old), func(t *testing.T) {
				id := int64(i + 1)
				got := field(stored, table, id, c.column)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				found := findingsOf(report, table, id)
				if len(found) != 1 || found[0].Column != c.column || found[0].Problem != c.problem || found[0].New != c.said || found[0].Refused {
					t.Errorf("found %+v, want %s %s and now %q", found, c.column, c.problem, c.said)
				}
				found = findingsOf(strict, table, id)
				if len(found) != 1 || found[0].Column != c.column || found[0].Problem != c.problem || found[0].New != "" || !found[0].Refused {
					t.Errorf("strictly found %+v, want a refusal: %s %s", found, c.column, c.problem)
				}
			})
		}
		if found := findingsOf(report, table, 1000); found != nil {
			t.Errorf("found in a good row of %s: %+v", table, found)
		}
	}

	if left := importedFor(t, db, strictUser); len(left.goals) != 1 || len(left.tasks) != 1 {
		t.Errorf("strictly imported %d goals and %d tasks, want 1 and 1", len(left.goals), len(left.tasks))
	}
	wantGoals := sqliteimport.Counts{InFile: len(goalRepairs) + 1, Imported: 1, Refused: len(goalRepairs)}
	wantTasks := sqliteimport.Counts{InFile: len(taskRepairs) + 1, Imported: 1, Refused: len(taskRepairs)}
	if strict.Goals != wantGoals || strict.Tasks != wantTasks {
		t.Errorf("strict counts %+v and %+v, want %+v and %+v", strict.Goals, strict.Tasks, wantGoals, wantTasks)
	}
}

// field is a column of what was imported.
func field(stored imported, table string, id int64, column string) any {
	for f, value := range stored.row(table, id).Fields() {
		if snakeCase(f.Name) == column {
			return value.Interface()
		}
	}
	return nil
}

// Values that need more than one column to be told.
func TestValuesThatGoTogether(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, newer(oldGoals), newer(oldTasks))
	task := func(id int, more record) record {
		r := record{"id": id, "title": "Task", "priority": 2, "status": "pending", "created_at": "2025-01-01 10:00:00"}
		for column, value := range more {
			r[column] = value
		}
		return r
	}
	goal := func(id int, more record) record {
		r := record{"id": id, "title": "Goal", "status": "active", "progress_percentage": 10, "created_at": "2025-01-01 10:00:00", "updated_at": "2025-01-02 10:00:00"}
		for column, value := range more {
			r[column] = value
		}
		return r
	}
	f.insert(t, "tasks",
		task(1, record{"title": long, "description": "What it is."}),
		task(2, record{"title": longest}),
		task(3, record{"status": "completed"}),
		task(4, record{"tags": `["a"]`, "project_name": "shop", "repository_path": "/src/shop"}),
		task(5, record{"project_name": "shop", "tags": ""}),
		task(6, record{"created_at": nil, "status": "completed", "completed_at": "2025-07-01 12:00:00"}),
		task(7, record{"tags": "null", "dependencies": " ", "project_name": ""}),
	)
	f.insert(t, "goals",
		goal(1, record{"metrics": `{"project": "other"}`, "project_name": "shop"}),
		goal(2, record{"metrics": `{"project": "shop", "n": 12345678901234567890}`, "project_name": "shop"}),
		goal(3, record{"project_name": "shop"}),
		goal(4, record{"status": "completed"}),
		goal(5, record{"updated_at": nil}),
		goal(6, record{"updated_at": "9000-01-01"}),
	)
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	stored := importedFor(t, db, user)

	if got := stored.tasks[1].Description; got == nil || *got != long+"\n\nWhat it is." {
		t.Errorf("not the whole title is in the description of %+v", stored.tasks[1])
	}
	if stored.tasks[2].Title != longest {
		t.Error("a title of 500 characters of four bytes has changed")
	}
	created := time.Date(2025, 1, 1, 10, 0, 0, 0, time.UTC)
	if at := stored.tasks[3].CompletedAt; at == nil || !at.Equal(created) {
		t.Errorf("completed %v, want when it was created", at)
	}
	for id, want := range map[int64]planner.Tags{4: {"a", "project:shop"}, 5: {"project:shop"}, 7: {}} {
		if diff := cmp.Diff(want, stored.tasks[id].Tags); diff != "" {
			t.Errorf("tags of task %d (-want +got):\n%s", id, diff)
		}
	}
	if since := time.Since(stored.tasks[6].CreatedAt); since < 0 || since > time.Hour {
		t.Errorf("created %v ago, want at the import", since)
	}
	for id, want := range map[int64]planner.Metrics{1: {"project": "other"}, 2: {"project": "shop", "n": json.Number("12345678901234567890")}, 3: {"project": "shop"}} {
		if diff := cmp.Diff(want, stored.goals[id].Metrics); diff != "" {
			t.Errorf("metrics of goal %d (-want +got):\n%s", id, diff)
		}
	}
	if g := stored.goals[4]; g.CompletedAt == nil || !g.CompletedAt.Equal(created.AddDate(0, 0, 1).Add(-time.Hour)) || g.ProgressPercentage != 100 {
		t.Errorf("completed %v at %g, want when it was changed, at 100", g.CompletedAt, g.ProgressPercentage)
	}
	if g := stored.goals[5]; !g.UpdatedAt.Equal(created) {
		t.Errorf("updated %v, want when it was created", g.UpdatedAt)
	}

	if since := time.Since(stored.goals[6].UpdatedAt); since < 0 || since > time.Hour {
		t.Errorf("updated %v ago, want at the import", since)
	}

	want := []sqliteimport.Finding{
		{Table: "goals", ID: 1, Column: "project_name", Problem: sqliteimport.TwoProjects, Old: "shop"},
		{Table: "goals", ID: 5, Column: "updated_at", Problem: sqliteimport.Unset, New: "created_at"},
		{Table: "goals", ID: 6, Column: "updated_at", Problem: sqliteimport.InFuture, Old: "9000-01-01", New: "time of the import"},
		{Table: "tasks", ID: 1, Column: "title", Problem: sqliteimport.TooLong, Old: strings.Repeat("ü", 199) + "…", New: strings.Repeat("ü", 199) + "…"},
		{Table: "tasks", ID: 3, Column: "completed_at", Problem: sqliteimport.Unset, New: "created_at"},
		{Table: "tasks", ID: 6, Column: "created_at", Problem: sqliteimport.Unset, New: "time of the import"},
		{Table: "goals", ID: 4, Column: "progress_percentage", Problem: sqliteimport.Recounted, Old: "10", New: "100"},
	}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]sqliteimport.LeftBehind{{Name: "tasks.repository_path", Rows: 1}}, report.LeftBehind); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}

	other := db.NewUser(t)
	report = importFile(t, db, other, f.path, sqliteimport.Options{DropProjects: true})
	if tags := importedFor(t, db, other).tasks[4].Tags; !cmp.Equal(tags, planner.Tags{"a"}) {
		t.Errorf("tags %v, want no project", tags)
	}
	dropped := []sqliteimport.LeftBehind{
		{Name: "goals.project_name", Rows: 3}, {Name: "tasks.project_name", Rows: 2}, {Name: "tasks.repository_path", Rows: 1},
	}
	if diff := cmp.Diff(dropped, report.LeftBehind); diff != "" {
		t.Errorf("left behind without projects (-want +got):\n%s", diff)
	}
}
