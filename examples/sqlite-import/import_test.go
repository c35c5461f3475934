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

func command(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	err = run(t.Context(), args, &out, &errOut, false)
	return out.String(), errOut.String(), err
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
	dry, stderr, err := command(t, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "-dry-run", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Accounts().FindByLogin(t.Context(), "ada@example.org"); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("a dry run: error %v, want no user", err)
	}
	wantLines(t, stderr, "ada@example.org would be registered as ada.")
	wantLines(t, dry,
		regexp.QuoteMeta(path)+" for ada@example.org",
		"Times are read in the time zone Europe/Berlin.",
		" +in the file +to import +imported before +left out",
		" +goals +1 +1 +0 +0", " +tasks +3 +3 +0 +0",
		" +1  tasks.priority is out of range", " +2  daily_logs",
		"This was a dry run: nothing has been written.",
		`tasks 3: priority "9" is out of range: now "5"`,
		`tasks 3: parent_goal_id "7" refers to a row that does not exist or was left out`,
		`goals 1: progress_percentage "10" is not what the tasks and goals below amount to: now "50"`,
	)

	report := filepath.Join(t.TempDir(), "report.jsonl")
	var out string
	out, stderr, err = command(t, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "-report", report, path)
	if err != nil {
		t.Fatal(err)
	}
	if stderr != "" {
		t.Errorf("without a terminal there is %q on stderr", stderr)
	}
	same := func(s string) string {
		s = strings.Replace(strings.Replace(s, "to import", " imported", 1), "\nThis was a dry run: nothing has been written.\n", "", 1)
		return regexp.MustCompile(` +`).ReplaceAllString(strings.ReplaceAll(s, "\nAll of it is in "+report+".\n", ""), " ")
	}
	if same(dry) != same(out) {
		t.Errorf("the dry run said\n%s\nand the real one\n%s", dry, out)
	}
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
	out, _, err = command(t, "-user", "Ada@Example.org", "-zone", "Europe/Berlin", path)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, out, " +goals +1 +0 +1 +0", " +tasks +3 +0 +3 +0")
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
	out, _, err := command(t, "-user", "ada@example.org", "-create", "-username", "lovelace", "-strict")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, out, " +tasks +3 +2 +0 +1", `tasks 3: priority "9" is out of range: left out`)
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
		if _, _, err := command(t, "-user", "ada@example.org", "-create", "-report", file, path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", file, err, says)
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
	if _, _, err := command(t, "-user", "ada@example.org", "-create", "-report", link, path); err != nil {
		t.Fatal(err)
	}
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
		{"no SQLite", []string{"-user", "ada@example.org", "-create", text}, "not an SQLite file"},
		{"no file", []string{"-user", "ada@example.org", "-create", text + "x"}, "no such file"},
		{"no user", []string{"-user", "ada@example.org", text}, "there is no user ada@example.org; -create registers one"},
		{"a username", []string{"-user", "ada", "-create", text}, `-user "ada" is not an email address`},
		{"odd name", []string{"-user", "ada+1@example.org", "-create", plannerFile(t)}, "-username gives another name"},
		{"half an address", []string{"-user", "ada@", "-create", plannerFile(t)}, `-user "ada@" is not an email address`},
		{"half an address, in a dry run", []string{"-user", "ada@", "-create", "-dry-run", plannerFile(t)}, `-user "ada@" is not an email address`},
		{"odd name, in a dry run", []string{"-user", "ada+1@example.org", "-create", "-dry-run", plannerFile(t)}, "-username gives another name"},
	} {
		_, _, err := command(t, append([]string{"-report", filepath.Join(reports, "r.jsonl")}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.says) || exitCode(err) != 1 {
			t.Errorf("%s: error %v, want %q", c.name, err, c.says)
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
		if _, _, err := command(t, args...); !errors.Is(err, bizydb.ErrUsernameTaken) {
			t.Errorf("a name that is taken, %v: error %v, want %v", more, err, bizydb.ErrUsernameTaken)
		}
	}
	if _, _, err := command(t, "-user", "bob@example.org", plannerFile(t)); err == nil || !strings.Contains(err.Error(), "bob@example.org is not active") {
		t.Errorf("inactive: error %v", err)
	}
}

func TestUsage(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	for _, c := range []struct {
		args []string
		says string
		code int
	}{
		{nil, "-user is missing", 2},
		{[]string{"-user", "a@b.c"}, "DATABASE_URL is not set", 2},
		{[]string{"-user", "a@b.c", "-zone", "Mars/Olympus"}, "must be the name of a time zone in the IANA database", 2},
		{[]string{"-user", "a@b.c", "-zone", ""}, "it has no name", 2},
		{[]string{"-nonsense"}, "not defined: -nonsense", 2},
		{[]string{"-h"}, "usage: sqlite-import -user EMAIL [flags] [FILE]", 0},
	} {
		_, stderr, err := command(t, c.args...)
		if !strings.Contains(stderr, c.says) || exitCode(err) != c.code {
			t.Errorf("%v: %q, error %v, want %q and exit code %d", c.args, stderr, err, c.says, c.code)
		}
	}
	t.Setenv("DATABASE_URL", "postgres://nowhere")
	for _, args := range [][]string{{"-user", "a@b.c", "one", "two"}, {"-user", "a@b.c", "-username", "x", "one"}} {
		if _, _, err := command(t, args...); !errors.Is(err, errUsage) {
			t.Errorf("%v: error %v, want wrong usage", args, err)
		}
	}
}

// On a terminal a bar moves, and is gone at the end.
func TestBar(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	path := plannerFile(t)
	exec(t, path, "INSERT INTO tasks (id, title) WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, 'Task' FROM n")
	var out, terminal bytes.Buffer
	if err := run(t.Context(), []string{"-user", "ada@example.org", "-create", path}, &out, &terminal, true); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile(`(reading|writing)[^\r]*\(\d+/\d+`).FindAllString(terminal.String(), -1) {
		shown[m] = true
	}
	if len(shown) < 4 {
		t.Errorf("the bar does not move: %q", terminal.String())
	}
	lines := strings.Split(terminal.String(), "\r")
	if last := lines[len(lines)-1]; strings.TrimSpace(last) != "" {
		t.Errorf("the bar leaves %q", last)
	}
}
