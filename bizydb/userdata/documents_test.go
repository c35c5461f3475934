package userdata_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// values are those of columns, in JSON. "" takes the key away.
type values map[string]string

var (
	profileRow = values{
		"id": "1", "email": `"ada@example.org"`, "username": `"ada"`, "full_name": "null", "is_active": "true", "is_verified": "false", "is_superuser": "false",
		"created_at": `"2025-01-02T03:04:05Z"`, "updated_at": `"2025-01-02T03:04:05Z"`, "last_login_at": "null", "email_verified_at": "null", "password_changed_at": `"2025-01-02T03:04:05Z"`,
	}
	goalRow = values{
		"id": "1", "parent_goal_id": "null", "title": `"goal"`, "description": "null", "horizon": "null", "target_date": "null", "status": `"active"`, "progress_percentage": "0",
		"success_criteria": "null", "created_at": `"2025-01-02T03:04:05Z"`, "updated_at": `"2025-01-02T03:04:05.000001Z"`, "completed_at": "null", "metrics": "{}",
	}
	taskRow = values{
		"id": "1", "parent_goal_id": "null", "title": `"task"`, "description": "null", "priority": "3", "status": `"pending"`, "blocked_reason": "null", "blocked_in_progress": "false", "category": "null",
		"estimated_hours": "null", "actual_hours": "null", "due_date": "null", "due_all_day": "false", "created_at": `"2025-01-02T03:04:05Z"`, "updated_at": `"2025-01-02T03:04:05Z"`,
		"completed_at": "null", "dependencies": "[]", "notes": "null", "tags": "[]",
	}
)

// row is a row with other values, as pairs of column and value.
func row(base values, pairs ...string) string {
	columns := maps.Clone(base)
	for i := 0; i < len(pairs); i += 2 {
		columns[pairs[i]] = pairs[i+1]
	}
	var parts []string
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if columns[column] != "" {
			parts = append(parts, fmt.Sprintf("%q: %s", column, columns[column]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func documentOf(goals, tasks []string) string {
	return fmt.Sprintf(`{"format": "bizydb.userdata", "version": 1, "exported_at": "2025-06-07T08:09:10Z", "profile": %s, "goals": [%s], "tasks": [%s]}`,
		row(profileRow), strings.Join(goals, ", "), strings.Join(tasks, ", "))
}

// goalWith and taskWith are documents in which the second row has other values.
func goalWith(pairs ...string) string {
	return documentOf([]string{row(goalRow), row(goalRow, append([]string{"id", "2"}, pairs...)...)}, nil)
}

func taskWith(pairs ...string) string {
	return documentOf([]string{row(goalRow)}, []string{row(taskRow), row(taskRow, append([]string{"id", "2"}, pairs...)...)})
}

// chain is n goals, each under the next.
func chain(n int) []string {
	var goals []string
	for id := 1; id < n; id++ {
		goals = append(goals, row(goalRow, "id", fmt.Sprint(id), "parent_goal_id", fmt.Sprint(id+1)))
	}
	return append(goals, row(goalRow, "id", fmt.Sprint(n)))
}

func TestDocumentsThatAreAccepted(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for name, document := range map[string]string{
		"empty":                     documentOf(nil, nil),
		"rows":                      documentOf([]string{row(goalRow)}, []string{row(taskRow, "dependencies", "[2]"), row(taskRow, "id", "2", "parent_goal_id", "1")}),
		"100 levels":                documentOf(chain(100), nil),
		"white space":               strings.ReplaceAll(documentOf([]string{row(goalRow)}, nil), " ", "\n\t ") + " \n",
		"a title in escapes":        goalWith("title", `"\ud83d\ude00 \u00e9 \\u0000"`),
		"times in zones":            taskWith("due_date", `"2025-01-01T00:00:00.1234567+14:00"`),
		"the first and last moment": taskWith("due_date", `"0001-01-01T00:00:00Z"`, "created_at", `"9999-12-31T23:59:59.9999999Z"`),
		"the largest id":            documentOf(nil, []string{row(taskRow, "id", "999999999999999999")}),
		"the largest texts":         taskWith("notes", `"`+strings.Repeat(`\u0001`, 1_000_000)+`"`, "description", `"`+strings.Repeat(`\u0001`, 1_000_000)+`"`, "status", `"blocked"`, "blocked_reason", `"`+strings.Repeat(`\u0001`, 1_000_000)+`"`),
	} {
		if _, err := userdata.Import(t.Context(), db.As(db.NewUser(t)), strings.NewReader(document)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A document that is not as Export writes it is refused with the place and the reason, and nothing of it is written.
func TestDocumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)
	fill(t, db, user, 3, 5)
	fill(t, db, other, 3, 5)
	before := testdb.Everything(t, db)
	good := documentOf([]string{row(goalRow)}, []string{row(taskRow)})
	someoneElses := string(exportOf(t.Context(), t, db.As(other)))
	var theirs struct{ Goals, Tasks []struct{ ID int64 } }
	if err := json.Unmarshal([]byte(someoneElses), &theirs); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, document, want string }{
		{"nothing", "", "document: invalid value: the document ends too early"},
		{"no JSON", "hello", "document: invalid value: invalid character"},
		{"another value", `"x"`, "document: invalid value: there is x where { should be"},
		{"an array", `[]`, "where { should be"},
		{"no key", `{}`, "format: invalid value: there is } where format should be"},
		{"a million arrays", strings.Repeat("[", 1_000_000), "where { should be"},
		{"a million arrays in a row", strings.Replace(good, `"title": "goal"`, `"title": `+strings.Repeat("[", 1_000_000), 1), "goals[0]: invalid value: invalid character '[' exceeded max depth"},
		{"a row that does not end", strings.Replace(good, `"title": "goal"`, `"title": "`+strings.Repeat("x", 25<<20)+`"`, 1), "goals[0]: invalid value: has a value of more than 6 MB"},
		{"space that does not end", strings.Replace(good, `"goals": [`, `"goals": [`+strings.Repeat(" ", 50<<20), 1), "goals[0]: invalid value: has a value of more than 6 MB"},
		{"another format", strings.Replace(good, "bizydb.userdata", "bizydb", 1), "format must be bizydb.userdata"},
		{"another version", strings.Replace(good, `"version": 1`, `"version": 2`, 1), "version must be from 1 to 1"},
		{"a version that is a text", strings.Replace(good, `"version": 1`, `"version": "1"`, 1), "version must be a whole number"},
		{"another time", strings.Replace(good, `"2025-06-07T08:09:10Z"`, `"yesterday"`, 1), "exported_at must be a time in RFC 3339"},
		{"keys in another order", strings.Replace(good, `"version": 1, "exported_at": "2025-06-07T08:09:10Z"`, `"exported_at": "2025-06-07T08:09:10Z", "version": 1`, 1), "version: invalid value: there is exported_at where version should be"},
		{"a key in capitals", strings.Replace(good, `"goals"`, `"Goals"`, 1), "goals: invalid value: there is Goals where goals should be"},
		{"a key twice", strings.Replace(good, `"tasks"`, `"goals": [], "tasks"`, 1), "where tasks should be"},
		{"another key", strings.TrimSuffix(good, "}") + `, "more": 1}`, "document: invalid value: there is more where } should be"},
		{"trailing data", good + "{}", "document: invalid value: more follows its end"},
		{"trailing text", good + "x", "document: invalid value: more follows its end"},
		{"no profile", strings.Replace(good, row(profileRow), "null", 1), "profile must be an object"},
		{"a profile with a password", strings.Replace(good, row(profileRow), row(profileRow, "hashed_password", `"x"`), 1), "profile.hashed_password is no column of the document"},
		{"a goal that is none", documentOf([]string{"7"}, nil), "goals[0] must be an object"},
		{"a goal that is null", documentOf([]string{row(goalRow), "null"}, nil), "goals[1] must be an object"},
		{"goals that are none", strings.Replace(good, `"goals": [`, `"goals": {`, 1), "goals: invalid value"},
		{"no comma", documentOf([]string{row(goalRow) + " " + row(goalRow, "id", "2")}, nil), "goals[1]: invalid value: "},
		{"a comma too many", documentOf([]string{row(goalRow) + ","}, nil), "goals[1]: invalid value: "},
		{"a column that is missing", taskWith("notes", ""), "tasks[1].notes is missing"},
		{"a column that is not there", taskWith("Notes", "1"), "tasks[1].Notes is no column of the document"},
		{"a long column", taskWith(strings.Repeat("x", 1000), "1"), "tasks[1]." + strings.Repeat("x", 60) + "… is no column"},
		{"a column twice", strings.Replace(taskWith(), `"id": 2`, `"id": 2, "id": 3`, 1), "tasks[1].id is there twice"},
		{"an id twice", taskWith("id", "1"), "tasks[1].id must be greater than that of the row before"},
		{"an id of 0", documentOf([]string{row(goalRow, "id", "0")}, nil), "goals[0].id must be from 1 to 999999999999999999"},
		{"an id below 0", documentOf([]string{row(goalRow, "id", "-1")}, nil), "goals[0].id must be from 1 to 999999999999999999"},
		{"an id that is too large", taskWith("id", "1000000000000000000"), "tasks[1].id must be from 1 to 999999999999999999"},
		{"an id that overflows", taskWith("id", "9223372036854775808"), "tasks[1].id must be a whole number"},
		{"an id with a fraction", taskWith("id", "2.5"), "tasks[1].id must be a whole number"},
		{"no title", taskWith("title", "null"), "tasks[1].title must not be null"},
		{"a title that is a number", goalWith("title", "1"), "goals[1].title must be a string"},
		{"a blank title", goalWith("title", `" \u200b"`), "goals[1].title must not be blank"},
		{"a blank title of a task", taskWith("title", `" "`), "tasks[1].title must not be blank"},
		{"a long title", goalWith("title", `"`+strings.Repeat("é", 501)+`"`), "goals[1].title must have at most 500 characters"},
		{"a long title of a task", taskWith("title", `"`+strings.Repeat("é", 501)+`"`), "tasks[1].title must have at most 500 characters"},
		{"a large text", goalWith("success_criteria", `"`+strings.Repeat("x", 1_000_001)+`"`), "goals[1].success_criteria must have at most 1,000,000 bytes"},
		{"a large text of a task", taskWith("notes", `"`+strings.Repeat("x", 1_000_001)+`"`), "tasks[1].notes must have at most 1,000,000 bytes"},
		{"NUL", taskWith("notes", `"a\u0000"`), "tasks[1].notes must not contain a NUL character"},
		{"NUL in metrics", goalWith("metrics", `{"a": ["\\\u0000"]}`), "goals[1].metrics must not contain a NUL character"},
		{"invalid UTF-8", taskWith("title", "\"a\xff\""), "tasks[1].title must be valid UTF-8"},
		{"half a surrogate pair", taskWith("tags", `["\ud800"]`), "tasks[1].tags must be valid UTF-8"},
		{"the wrong half", taskWith("tags", `["\ud800\ud800"]`), "tasks[1].tags must be valid UTF-8"},
		{"a tag that is null", taskWith("tags", `["a", null]`), "tasks[1].tags must be an array of strings"},
		{"a dependency that is null", taskWith("dependencies", `[null]`), "tasks[1].dependencies must be ids of tasks of the document"},
		{"dependencies that are null", taskWith("dependencies", `null`), "tasks[1].dependencies must not be null"},
		{"dependencies that are texts", taskWith("dependencies", `["1"]`), "tasks[1].dependencies must be an array of whole numbers"},
		{"too many tags", taskWith("tags", "["+strings.Repeat(`"", `, 100)+`""]`), "tasks[1].tags must be at most 100"},
		{"a tag that is too long", taskWith("tags", `["`+strings.Repeat("é", 251)+`"]`), "tasks[1].tags must"},
		{"a dependency twice", taskWith("dependencies", "[1, 3, 1]"), "tasks[1].dependencies must name each task once"},
		{"too many dependencies", taskWith("dependencies", "["+strings.Repeat("1,", 100_000)+"1]"), "tasks[1].dependencies must be at most 100,000"},
		{"metrics that are an array", goalWith("metrics", "[]"), "goals[1].metrics must be an object"},
		{"metrics that are null", goalWith("metrics", "null"), "goals[1].metrics must not be null"},
		{"metrics nested too deep", goalWith("metrics", `{"a": `+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`}`), "goals[1]: invalid value: invalid character '[' exceeded max depth"},
		{"metrics with an exponent that is too large", goalWith("metrics", `{"a": [true, "1e999", 1e401]}`), "goals[1].metrics must not have a number with an exponent beyond 400"},
		{"one that is too small", goalWith("metrics", `{"a": 1E-401}`), "goals[1].metrics must not have a number with an exponent"},
		{"one that overflows", goalWith("metrics", `{"a": 1e+99999999999999999999}`), "goals[1].metrics must not have a number with an exponent"},
		{"metrics with many exponents", goalWith("metrics", `{"a": [`+strings.Repeat("1e400,", 2501)+`1]}`), "goals[1].metrics must have at most 1,000,000 bytes as JSON"},
		{"metrics with a number that is too large", goalWith("metrics", `{"a": `+strings.Repeat("9", 140_000)+`}`), "goals[1]: "},
		{"metrics that are too large", goalWith("metrics", `{"a": "`+strings.Repeat("x", 1_000_000)+`"}`), "goals[1].metrics must have at most 1,000,000 bytes as JSON"},
		{"metrics that the database writes larger", goalWith("metrics", `{"a": [`+strings.Repeat("0,", 340_000)+`0]}`), "goals[1].metrics must have at most 1,000,000 bytes as JSON"},
		{"NaN", taskWith("actual_hours", "NaN"), "tasks[1]: invalid value: invalid character 'N'"},
		{"a number that is too large", taskWith("actual_hours", "1e999"), "tasks[1].actual_hours must be a number"},
		{"hours below 0", taskWith("actual_hours", "-1"), "tasks[1].actual_hours must be from 0 to 1,000,000"},
		{"a priority that is too large", taskWith("priority", "6"), "tasks[1].priority must be from 1 (highest) to 5 (lowest)"},
		{"a priority that does not fit", taskWith("priority", "3000000000"), "tasks[1].priority must be from 1 (highest) to 5 (lowest)"},
		{"a percentage above 100", goalWith("progress_percentage", "100.1"), "goals[1].progress_percentage must be from 0 to 100"},
		{"a horizon", goalWith("horizon", `"daily"`), "goals[1].horizon must be yearly"},
		{"an empty status", goalWith("status", `""`), "goals[1].status must be active"},
		{"an empty status of a task", taskWith("status", `""`), "tasks[1].status must be pending"},
		{"a status", taskWith("status", `"done"`), "tasks[1].status must be pending"},
		{"a time in year 0", goalWith("target_date", `"0001-01-01T00:00:00+01:00"`), "goals[1].target_date must be in the years 1 to 9999"},
		{"a time in year 10000", taskWith("due_date", `"9999-12-31T23:59:59-01:00"`), "tasks[1].due_date must be in the years 1 to 9999"},
		{"a date", taskWith("due_date", `"2025-01-01"`), "tasks[1].due_date must be a time in RFC 3339"},
		{"a day with a time", taskWith("due_date", `"2025-01-01T01:00:00Z"`, "due_all_day", "true"), "tasks[1].due_date must be midnight UTC of the day"},
		{"a day without a date", taskWith("due_all_day", "true"), "tasks[1].due_all_day must be false without a due_date"},
		{"completed, without when", goalWith("status", `"completed"`), "goals[1].completed_at must be set exactly while"},
		{"when, without completed", taskWith("completed_at", `"2025-01-01T00:00:00Z"`), "tasks[1].completed_at must be set exactly while"},
		{"a reason, without blocked", taskWith("blocked_reason", `"x"`), "tasks[1].blocked_reason must be null unless status is blocked"},
		{"in progress, without blocked", taskWith("blocked_in_progress", "true"), "tasks[1].blocked_in_progress must be false unless status is blocked"},
		{"a goal that is not there", taskWith("parent_goal_id", "2"), "tasks[1].parent_goal_id must be the id of a goal of the document"},
		{"a parent that is not there", goalWith("parent_goal_id", "3"), "goals[1].parent_goal_id must be the id of a goal of the document"},
		{"a dependency that is not there", taskWith("dependencies", "[1, 3]"), "tasks[1].dependencies must be ids of tasks of the document"},
		{"someone else's goal", taskWith("parent_goal_id", fmt.Sprint(theirs.Goals[0].ID)), "tasks[1].parent_goal_id must be the id"},
		{"someone else's task", taskWith("dependencies", fmt.Sprint([]int64{theirs.Tasks[0].ID})), "tasks[1].dependencies must be ids"},
		{"a goal under itself", goalWith("parent_goal_id", "2"), "goals[1].parent_goal_id must not be the goal itself or one below it"},
		{"a cycle of goals", documentOf([]string{row(goalRow, "parent_goal_id", "2"), row(goalRow, "id", "2", "parent_goal_id", "3"), row(goalRow, "id", "3", "parent_goal_id", "2")}, nil), "goals[1].parent_goal_id must not be"},
		{"101 levels", documentOf(chain(101), nil), "goals[0].parent_goal_id must not make more than 100 levels of goals"},
		{"a task that depends on itself", taskWith("dependencies", "[2]"), "tasks[1].dependencies must not lead back to the task"},
		{"a cycle of tasks", documentOf(nil, []string{row(taskRow, "dependencies", "[2]"), row(taskRow, "id", "2", "dependencies", "[3, 4]"), row(taskRow, "id", "3"), row(taskRow, "id", "4", "dependencies", "[2]")}), "tasks[1].dependencies must not lead back to the task"},
	} {
		_, err := userdata.Import(t.Context(), db.As(user), strings.NewReader(c.document))
		if !errors.Is(err, bizydb.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %.300v, want %q", c.name, err, c.want)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
	}
	for n := range len(good) {
		if _, err := userdata.Import(t.Context(), db.As(user), strings.NewReader(good[:n])); !errors.Is(err, bizydb.ErrInvalid) || !strings.Contains(err.Error(), "the document ends too early") {
			t.Errorf("cut off at byte %d: %v", n, err)
		}
	}
	if diff := cmp.Diff(before, testdb.Everything(t, db)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

// An error names the row of the document, not of the statement that the server refused.
func TestRowOfAnError(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	const at = 5000 // in the second statement
	rows := func(base values, pairs ...string) (rows []string) {
		for id := 1; id <= at; id++ {
			rows = append(rows, row(base, "id", fmt.Sprint(id)))
		}
		return append(rows, row(base, append(pairs, "id", fmt.Sprint(at+1))...), row(base, "id", fmt.Sprint(at+2)))
	}
	for _, c := range []struct{ document, want string }{
		{documentOf(nil, rows(taskRow, "priority", "6")), "tasks[5000].priority must be from 1 (highest) to 5 (lowest)"},
		{documentOf(rows(goalRow, "metrics", `{"a": "`+strings.Repeat("x", 1_000_000)+`"}`), nil), "goals[5000].metrics must have at most 1,000,000 bytes as JSON"},
	} {
		_, err := userdata.Import(t.Context(), db.As(db.NewUser(t)), strings.NewReader(c.document))
		var field *bizydb.FieldError
		if !errors.As(err, &field) || field.Index == nil || *field.Index != at || err.Error() != c.want {
			t.Errorf("%.300v (%+v), want %s", err, field, c.want)
		}
	}
}

// An error of the reader is returned as it is, and what reads a byte at a time is read to its end.
func TestReaders(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	good := []byte(taskWith())
	before := testdb.Everything(t, db)
	broken := errors.New("broken")
	for n := range len(good) {
		r := io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(broken))
		if _, err := userdata.Import(t.Context(), db.As(user), r); err != broken {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	if diff := cmp.Diff(before, testdb.Everything(t, db)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
	summary, err := userdata.Import(t.Context(), db.As(user), iotest.OneByteReader(bytes.NewReader(good)))
	if err != nil || summary.Goals != 1 || summary.Tasks != 2 || summary.Profile.Email != "ada@example.org" {
		t.Errorf("%+v, %v", summary, err)
	}
}
