package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/rivo/uniseg"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// What a person sees on terminals of 80 and of 110 columns.
func TestScreens(t *testing.T) {
	golden, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{80, 110} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			db := bizydbtest.New(t)
			t.Chdir(t.TempDir())
			for name, value := range map[string]string{"DATABASE_URL": db.DSN, "HOME": t.TempDir(), "BUSINESS_AGENT_DB": "", "TZ": "Asia/Tokyo"} {
				t.Setenv(name, value)
			}
			livedIn(t, "tasks.db")
			shows := func(name, says string, args ...string) {
				t.Helper()
				wantScreen(t, filepath.Join(golden, fmt.Sprintf("%s.%d.golden", name, width)), width, "", says, args...)
			}
			interrupted := func(name, at, says string, args ...string) {
				t.Helper()
				wantScreen(t, filepath.Join(golden, fmt.Sprintf("%s.%d.golden", name, width)), width, at, says, args...)
			}

			shows("help", "usage: sqlite-import", "-h")
			shows("no-user-flag", "-user is missing", "tasks.db")
			shows("wrong-flag", "not defined: -creat", "-user", "ada@example.org", "-creat", "tasks.db")
			shows("wrong-zone", "it is not a name in the IANA database", "-user", "ada@example.org", "-zone", "Mars/Olympus", "tasks.db")
			shows("missing-file", "There is no file task.db.", "-user", "ada@example.org", "task.db")
			shows("missing-default-file", "There is no file ~/.business-agent/tasks.db", "-user", "ada@example.org")
			t.Setenv("BUSINESS_AGENT_DB", "old.db")
			shows("missing-named-file", "There is no file old.db, which the environment variable", "-user", "ada@example.org")
			shows("unknown-user", "There is no user with the address ada@example.org.", "tasks.db", "-user", "ada@example.org")
			shows("dry-run", "Without -dry-run the import registers ada@example.org", "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "-dry-run", "tasks.db")
			interrupted("interrupted-connecting", "connecting", "Nothing was imported. Run the same", "-user", "ada@example.org", "-create", "tasks.db")
			interrupted("interrupted-dry-run", "opening", "Nothing was imported. Run the same", "-user", "ada@example.org", "-create", "-dry-run", "tasks.db")
			interrupted("interrupted-registering", "registering", "Nothing was imported. Run the same", "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "tasks.db")
			interrupted("interrupted", "finishing", "The account that -create registered stays", "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "tasks.db")
			shows("after-interrupt", "Imported for ada@example.org", "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "tasks.db")
			shows("create", "SetPassword(ctx, 2, password)", "-user", "bob@example.org", "-create", "-zone", "Europe/Berlin", "-report", "bob.jsonl", "tasks.db")
			shows("name-taken", "another account has that username", "-user", "bob@example.com", "-create", "tasks.db")
			shows("again", "Nothing was imported: the file has no new rows.", "-user", "bob@example.org", "-zone", "Europe/Berlin", "tasks.db")
			exec(t, "tasks.db",
				"UPDATE tasks SET status = 'completed', completed_at = '2025-05-05 12:00:00' WHERE id = 2",
				"UPDATE tasks SET title = 'Paint the front' WHERE id = 4",
				"DELETE FROM tasks WHERE id = 5",
				"INSERT INTO tasks (id, title, priority, status, created_at) VALUES (90, 'Order paint', 2, 'pending', '2025-05-05 12:00:00')",
			)
			shows("again-changed", "repeat by hand what matters", "-user", "bob@example.org", "-zone", "Europe/Berlin", "tasks.db")
			shows("other-upgraded", "the upgrade was on 2025-10-11, not never", "-user", "bob@example.org", "-zone", "Europe/Berlin", "-upgraded", "never", "tasks.db")
			shows("other-zone", "the zone was Europe/Berlin, not Asia/Tokyo", "-user", "bob@example.org", "tasks.db")
			shows("other-zone-allowed", "Times were read in the time zone Asia/Tokyo.", "-user", "bob@example.org", "-other-zone", "tasks.db")

			if err := os.WriteFile("notes.txt", []byte("Call the bank"), 0o600); err != nil {
				t.Fatal(err)
			}
			shows("not-sqlite", "is not an SQLite file", "-user", "bob@example.org", "-zone", "Europe/Berlin", "notes.txt")
			exec(t, "contacts.db", "CREATE TABLE contacts (id INTEGER PRIMARY KEY)")
			shows("not-planner", "not the planner's", "-user", "bob@example.org", "-zone", "Europe/Berlin", "contacts.db")
			damagedCopy(t, "tasks.db", "Ada's tasks.db")
			shows("damaged", "is damaged", "-user", "bob@example.org", "-zone", "Europe/Berlin", "Ada's tasks.db")
			shows("strict", "Left out, because of -strict", "-user", "eve@example.org", "-create", "-dry-run", "-strict", "tasks.db")
			exec(t, "tasks.db", "UPDATE tasks SET created_at = '2025-11-02 15:00:00', completed_at = '2025-11-02 10:05:00' WHERE id = 1")
			shows("upgraded-later", "Check -zone and -upgraded", "-user", "eve@example.org", "-create", "-dry-run", "-zone", "America/New_York", "tasks.db")
			shows("never-upgraded", "Check the zone", "-user", "eve@example.org", "-create", "-dry-run", "-zone", "America/New_York", "-upgraded", "never", "tasks.db")

			asOwner(t, db, "REVOKE DELETE ON public.tasks FROM bizydb_user")
			shows("missing-grant", "A grant is missing", "-user", "bob@example.org", "tasks.db")
			asOwner(t, db, "GRANT DELETE ON public.tasks TO bizydb_user", "ALTER TABLE public.tasks DISABLE ROW LEVEL SECURITY")
			shows("unprotected", "is not protected", "-user", "bob@example.org", "tasks.db")
			t.Setenv("DATABASE_URL", notMigrated(t, db))
			shows("not-migrated", "is not migrated", "-user", "bob@example.org", "tasks.db")
			t.Setenv("DATABASE_URL", "postgres://planner_service@127.0.0.1:1/planner")
			shows("refused", "Cannot connect to the server", "-user", "bob@example.org", "tasks.db")
			t.Setenv("DATABASE_URL", "")
			shows("no-database", "DATABASE_URL is not set", "-user", "bob@example.org", "tasks.db")
		})
	}
}

// livedIn makes a file as people have them, with a few of each kind of oddity.
func livedIn(t *testing.T, path string) {
	t.Helper()
	exec(t, path,
		"CREATE TABLE goals (id INTEGER PRIMARY KEY, title VARCHAR(500) NOT NULL, description TEXT, status VARCHAR(50), progress_percentage FLOAT, created_at DATETIME, updated_at DATETIME)",
		"CREATE TABLE tasks (id INTEGER PRIMARY KEY, title VARCHAR(500) NOT NULL, priority INTEGER, status VARCHAR(50), created_at DATETIME, completed_at DATETIME, due_date DATETIME, parent_goal_id INTEGER, dependencies JSON, tags JSON)",
		"CREATE TABLE daily_logs (id INTEGER PRIMARY KEY)",
		"CREATE TABLE research (id INTEGER PRIMARY KEY)",
		"INSERT INTO daily_logs VALUES (1), (2)",
		`INSERT INTO goals VALUES
			(1, 'Open the shop', NULL, 'active', 10, '2025-01-01 10:00:00', '2025-01-01 10:00:00'),
			(2, 'Find a name', NULL, 'completed', 100, '2025-01-01 10:00:00', '2025-01-02 10:00:00')`,
		`INSERT INTO tasks VALUES
			(1, 'Sign the lease', 1, 'completed', '2025-01-01 10:00:00', '2025-02-01 10:00:00', NULL, 1, '[]', '[]'),
			(2, 'Paint the walls', 2, 'pending', '2025-01-01 10:00:00', NULL, '2025-03-01', 1, '[1]', '[]'),
			(3, 'Call the bank', 9, 'pending', '2025-01-01 10:00:00', NULL, NULL, 7, '[2, 17]', '[]'),
			(4, 'Paint the door', 0, 'pending', '2025-01-01 10:00:00', NULL, NULL, 1, '[5]', '[]'),
			(5, 'Buy a brush', 6, 'pending', '2025-01-01 10:00:00', NULL, NULL, 1, '[4]', '[]'),
			(6, 'Print cards', 0, 'waiting for the names of everybody who is going to work in the shop', '2025-01-01 10:00:00', NULL, NULL, NULL, '[]', 'shop'),
			(7, 'Ask the lawyer', 3, 'completed', '2025-01-01 10:00:00', NULL, NULL, 2, '[]', '[]'),
			(8, 'Set the clock', 3, 'completed', '2025-01-01 10:00:00', '2025-03-30 02:30:00', NULL, NULL, '[]', '[]')`,
	)
}

// notMigrated returns the connection string of the same login to another database.
func notMigrated(t *testing.T, db *bizydbtest.Database) string {
	t.Helper()
	dsn, err := url.Parse(db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	dsn.Path = "/postgres"
	return dsn.String()
}

// damagedCopy copies a file of the planner and spoils the page that its table tasks begins on.
func damagedCopy(t *testing.T, path, copied string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	copy(content[2*page:], bytes.Repeat([]byte{0xff}, page)) // the first has the schema, the second goals
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func asOwner(t *testing.T, db *bizydbtest.Database, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// wantScreen runs the command and compares what is on the screen with the golden one. Lines may break anywhere in what it says.
func wantScreen(t *testing.T, golden string, width int, interruptAt, says string, args ...string) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	terminal := &terminal{interruptAt: interruptAt, interrupt: interrupt}
	status := command(ctx, args, console{screen{terminal, width}, screen{terminal, width}})
	typed := "$ sqlite-import"
	for _, arg := range args {
		if strings.ContainsAny(arg, "' ") {
			arg = forShell(arg)
		}
		typed += " " + arg
	}
	got := fmt.Sprintf("%s\n%s[exit status %d]\n", typed, terminal, status)
	if !strings.Contains(strings.Join(strings.Fields(terminal.String()), " "), says) {
		t.Errorf("%s: it does not say %q:\n%s", filepath.Base(golden), says, got)
		return
	}
	for line := range strings.Lines(got) {
		if line = strings.TrimSuffix(line, "\n"); uniseg.StringWidth(line) > width && strings.Contains(strings.TrimSpace(line), " ") && !strings.HasPrefix(line, "$ ") && !strings.HasPrefix(line, "    ") {
			t.Errorf("%s: %q is longer than %d", filepath.Base(golden), line, width)
		}
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), go test -update writes it anew:\n%s", filepath.Base(golden), diff)
	}
}

// A terminal shows what is printed as a terminal does, and interrupts where it sees a text.
type terminal struct {
	bytes.Buffer
	interruptAt string
	interrupt   func()
}

func (t *terminal) Write(b []byte) (int, error) {
	if t.interruptAt != "" && bytes.Contains(b, []byte(t.interruptAt)) {
		t.interrupt()
	}
	return t.Buffer.Write(b)
}

// String is what is on the screen in the end: a carriage return leads back to the beginning of the line.
func (t *terminal) String() string {
	var shown strings.Builder
	for line := range strings.Lines(t.Buffer.String()) {
		var cells []rune
		for part := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), "\r") {
			over := []rune(part)
			cells = append(over, cells[min(len(over), len(cells)):]...)
		}
		shown.WriteString(strings.TrimRight(string(cells), " ") + "\n")
	}
	return shown.String()
}
