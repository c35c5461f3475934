package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

// plannerFile makes a file with one goal and three tasks, the last of which is not as it should be.
func plannerFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tasks.db")
	exec(t, path,
		"CREATE TABLE goals (id INTEGER PRIMARY KEY, title VARCHAR(500) NOT NULL, status VARCHAR(50), progress_percentage FLOAT, created_at DATETIME, updated_at DATETIME)",
		"CREATE TABLE tasks (id INTEGER PRIMARY KEY, title VARCHAR(500) NOT NULL, priority INTEGER, status VARCHAR(50), created_at DATETIME, completed_at DATETIME, due_date DATETIME, parent_goal_id INTEGER)",
		"CREATE TABLE daily_logs (id INTEGER PRIMARY KEY)",
		"INSERT INTO daily_logs VALUES (1), (2)",
		"INSERT INTO goals VALUES (1, 'Open the shop', 'active', 10, '2025-01-01 10:00:00', '2025-01-02 10:00:00')",
		"INSERT INTO tasks VALUES (1, 'Sign the lease', 1, 'completed', '2025-01-01 10:00:00', '2025-02-01 10:00:00', NULL, 1)",
		"INSERT INTO tasks VALUES (2, 'Paint the walls', 2, 'pending', '2025-01-01 10:00:00', NULL, '2025-03-01', 1)",
		"INSERT INTO tasks VALUES (3, 'Call the \x1b[31mbank', 9, 'pending', '2025-01-01 10:00:00', NULL, NULL, 7)",
	)
	return path
}

func exec(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, sql := range statements {
		if _, err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs the command without a terminal.
func run(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errOut bytes.Buffer
	status = command(t.Context(), args, console{screen{Writer: &out}, screen{Writer: &errOut}})
	return out.String(), errOut.String(), status
}

// succeeds runs the command and returns what it prints.
func succeeds(t *testing.T, args ...string) string {
	t.Helper()
	out, stderr, status := run(t, args...)
	if status != 0 || stderr != "" {
		t.Fatalf("%q: exit status %d, on stderr %q", args, status, stderr)
	}
	return out
}

func wantLines(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)^` + p + `$`).MatchString(out) {
			t.Errorf("no line like %q in:\n%s", p, out)
		}
	}
}

func TestImport(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	path := plannerFile(t)

	// A dry run registers nobody.
	dry := succeeds(t, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "-dry-run", path)
	if _, err := db.Accounts().FindByLogin(t.Context(), "ada@example.org"); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("a dry run: error %v, want no user", err)
	}
	report := filepath.Join(t.TempDir(), "report.jsonl")
	real := succeeds(t, path, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "-report", report) // flags last

	// The dry run has foretold all but the last lines.
	same := func(s string) string {
		before, _, found := strings.Cut(s, "Times were read in the time zone Europe/Berlin.\nIt is the one that -zone names.")
		if !found {
			t.Errorf("the zone is not there:\n%s", s)
		}
		return regexp.MustCompile(` +`).ReplaceAllString(strings.Replace(before, "to import", " imported", 1), " ")
	}
	if diff := cmp.Diff(same(dry), same(real)); diff != "" {
		t.Errorf("(-dry run +real):\n%s", diff)
	}
	wantLines(t, real, " +goals +1 +1 +0 +0", " +tasks +3 +3 +0 +0", " +2  daily_logs", `       task 3: "9" → "5"`)
	user, err := db.Accounts().FindByLogin(t.Context(), "ada@example.org")
	if err != nil || user.Username != "ada" {
		t.Errorf("user %+v (error %v)", user, err)
	}
	tasks, err := db.As(user.ID).ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil || len(tasks) != 3 {
		t.Errorf("%d tasks (error %v), want 3", len(tasks), err)
	}
	wantReportFile(t, report)

	// Again, for the user who is there now.
	wantLines(t, succeeds(t, "-user", "Ada@Example.org", "-zone", "Europe/Berlin", path), " +goals +1 +0 +1 +0", " +tasks +3 +0 +3 +0")
}

func wantReportFile(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	var finding sqliteimport.Finding
	if err := json.Unmarshal([]byte(lines[0]), &finding); err != nil {
		t.Fatal(err)
	}
	want := sqliteimport.Finding{Table: "tasks", ID: 3, Column: "priority", Problem: sqliteimport.OutOfRange, Old: "9", New: "5"}
	if finding != want {
		t.Errorf("the first line is %+v, want %+v", finding, want)
	}
	var report sqliteimport.Report
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil || len(lines) != 4 || report.Tasks.Imported != 3 {
		t.Errorf("%d lines, the last is %+v (error %v)", len(lines), report, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the report there is %v (error %v)", entries, err)
	}
}

func TestStrict(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	t.Setenv("BUSINESS_AGENT_DB", plannerFile(t)) // where it is, if no file is given
	out := succeeds(t, "-user", "ada@example.org", "-create", "-username", "lovelace", "-strict")
	wantLines(t, out, " +tasks +3 +2 +0 +1", `       task 3: "9", left out`)
	if user, err := db.Accounts().FindByLogin(t.Context(), "lovelace"); err != nil || user.Email != "ada@example.org" {
		t.Errorf("user %+v (error %v)", user, err)
	}
}

// A report takes the place of another report, and of nothing else.
func TestReportFile(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	path := plannerFile(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	for file, says := range map[string]string{
		path: "belongs to the file that is to be imported", link: "belongs to the file that is to be imported",
		t.TempDir(): "is not a regular file", os.DevNull: "is not a regular file",
		filepath.Join(path, "under"): "not a directory",
	} {
		if _, stderr, status := run(t, "-user", "ada@example.org", "-create", "-report", file, path); status != 1 || !strings.Contains(stderr, says) {
			t.Errorf("%s: %q, exit status %d, want %q", file, stderr, status, says)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed (error %v)", err)
	}
	// Through a link, too.
	report := filepath.Join(t.TempDir(), "report.jsonl")
	if err := os.WriteFile(report, []byte("an older one"), 0o600); err != nil {
		t.Fatal(err)
	}
	link += "2"
	if err := os.Symlink(report, link); err != nil {
		t.Fatal(err)
	}
	succeeds(t, "-user", "ada@example.org", "-create", "-report", link, path)
	wantReportFile(t, report)
}

// What fails leaves neither an account nor a report.
func TestFailure(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte("Call the bank"), 0o600); err != nil {
		t.Fatal(err)
	}
	reports := t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"no SQLite", []string{"-user", "ada@example.org", "-create", text}, "is not an SQLite file"},
		{"no file", []string{"-user", "ada@example.org", "-create", text + "x"}, "There is no file"},
		{"no user", []string{"-user", "ada@example.org", text}, "There is no user with the address ada@example.org."},
		{"a username", []string{"-user", "ada", "-create", text}, `-user "ada" is not an email address`},
		{"odd name", []string{"-user", "ada+1@example.org", "-create", plannerFile(t)}, "Give another username with -username NAME."},
		{"long address", []string{"-user", "ada@" + strings.Repeat("x", 300) + ".org", "-create", plannerFile(t)}, "cannot be registered: the address must be an email address"},
		{"half an address", []string{"-user", "ada@", "-create", plannerFile(t)}, `-user "ada@" is not an email address`},
		{"half an address, in a dry run", []string{"-user", "ada@", "-create", "-dry-run", plannerFile(t)}, `-user "ada@" is not an email address`},
		{"odd name, in a dry run", []string{"-user", "ada+1@example.org", "-create", "-dry-run", plannerFile(t)}, "Give another username with -username NAME."},
	} {
		_, stderr, status := run(t, append([]string{"-report", filepath.Join(reports, "r.jsonl")}, c.args...)...)
		if status != 1 || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "Nothing was imported.\n") {
			t.Errorf("%s: %q, exit status %d, want %q", c.name, stderr, status, c.says)
		}
	}
	users, err := db.Accounts().List(t.Context(), bizydb.ListUsersParams{})
	if err != nil || len(users) != 0 {
		t.Errorf("%d users are left (error %v)", len(users), err)
	}
	if entries, err := os.ReadDir(reports); err != nil || len(entries) != 0 {
		t.Errorf("reports are left: %v (error %v)", entries, err)
	}

	user, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{Email: "bob@example.org", Username: "bob", Password: bizydb.NewPassword("correct horse")})
	if err == nil {
		_, err = db.Accounts().Deactivate(t.Context(), user.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{{}, {"-dry-run"}} {
		args := append(more, "-user", "bob@example.com", "-create", plannerFile(t))
		if _, stderr, status := run(t, args...); status != 1 || !strings.Contains(stderr, "another account has that username") {
			t.Errorf("a name that is taken, %v: %q, exit status %d", more, stderr, status)
		}
	}
	if _, stderr, status := run(t, "-user", "bob@example.org", plannerFile(t)); status != 1 || !strings.Contains(stderr, "The account bob@example.org is not active.") {
		t.Errorf("inactive: %q, exit status %d", stderr, status)
	}
}

// A wrong command line is said in one line.
func TestUsage(t *testing.T) {
	path := plannerFile(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "-user is missing"},
		{[]string{path}, "-user is missing"},
		{[]string{"-user", "a@b.c", path, "-user"}, "needs an argument: -user"},
		{[]string{"-user", "a@b.c", "-zone", "Mars/Olympus"}, `invalid value "Mars/Olympus" for flag -zone: it is not a name in the IANA database`},
		{[]string{"-user", "a@b.c", "-zone", ""}, "it is empty"},
		{[]string{"-user", "a@b.c", "-zone", "Local"}, "it is not a name in the IANA database"},
		{[]string{"-user", "a@b.c", "-upgraded", "3.11.2025", path}, "for flag -upgraded: it is not a day such as 2025-11-03, or never"},
		{[]string{"-nonsense"}, "not defined: -nonsense"},
		{[]string{"-dry-run=maybe"}, "for -dry-run"},
		{[]string{"-user", "a@b.c", "one", "-create", "two"}, "one file at a time, not 2: one, two"},
		{[]string{"-user", "a@b.c", "--", path, "-create"}, "one file at a time"},
		{[]string{"-user", "a@b.c", "-username", "x", path}, "-username is of use only with -create"},
	} {
		t.Setenv("DATABASE_URL", "postgres://nowhere")
		_, stderr, status := run(t, c.args...)
		if !strings.Contains(stderr, c.says) || status != 2 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: %q, exit status %d, want a line with %q and exit status 2", c.args, stderr, status, c.says)
		}
	}
	t.Setenv("DATABASE_URL", "")
	if _, stderr, status := run(t, "-user", "a@b.c", path); status != 2 || !strings.Contains(stderr, "DATABASE_URL is not set") {
		t.Errorf("no database: %q, exit status %d", stderr, status)
	}
}
