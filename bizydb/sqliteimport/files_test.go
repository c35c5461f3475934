package sqliteimport_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// bytesOf is a sample's file, closed.
func bytesOf(t *testing.T) []byte {
	t.Helper()
	f := sample(t, 0)
	for id := 100; id < 1000; id++ { // some pages
		f.insert(t, "tasks", record{"id": id, "title": strings.Repeat("long ", 50)})
	}
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pageTwice has a page of rows in place of another one, which no reader would notice.
func pageTwice(whole []byte) []byte {
	const page, leaf = 4096, 13
	b := slices.Clone(whole)
	var leaves []int
	for at := page; at < len(b); at += page {
		if b[at] == leaf {
			leaves = append(leaves, at)
		}
	}
	to, from := leaves[len(leaves)-2], leaves[len(leaves)-3]
	copy(b[to:to+page], b[from:from+page])
	return b
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	whole := bytesOf(t)
	const page = 4096
	withPage := func(n int, content byte) []byte {
		b := slices.Clone(whole)
		copy(b[n*page:], slices.Repeat([]byte{content}, page))
		return b
	}
	withTables := func(ddl ...string) string { return newFixture(t, ddl...).path }
	file := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "tasks.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	before := everything(t, db)
	for _, c := range []struct {
		name, path string
		want       error
		says       string
	}{
		{"missing", filepath.Join(t.TempDir(), "none.db"), fs.ErrNotExist, "none.db: no such file"},
		{"directory", t.TempDir(), sqliteimport.ErrNotSQLite, "a directory"},
		{"empty", file(nil), sqliteimport.ErrNotSQLite, "it is empty"},
		{"short", file([]byte("SQL")), sqliteimport.ErrNotSQLite, ""},
		{"text", file([]byte(strings.Repeat("id,title\n1,Call\n", 1000))), sqliteimport.ErrNotSQLite, ""},
		{"header alone", file(whole[:100]), sqliteimport.ErrDamaged, ""},
		{"cut off", file(whole[:len(whole)/2]), sqliteimport.ErrDamaged, ""},
		{"a byte short", file(whole[:len(whole)-1]), sqliteimport.ErrDamaged, ""},
		{"page of zeros", file(withPage(len(whole)/page-2, 0)), sqliteimport.ErrDamaged, ""},
		{"page of nonsense", file(withPage(len(whole)/page/2, 0xa7)), sqliteimport.ErrDamaged, ""},
		{"page twice", file(pageTwice(whole)), sqliteimport.ErrDamaged, ""},
		{"two keys", withTables("CREATE TABLE tasks (id INTEGER, who TEXT, title TEXT, PRIMARY KEY (id, who))"), sqliteimport.ErrNotPlanner, "tasks.id is not an INTEGER PRIMARY KEY"},
		{"descending key", withTables("CREATE TABLE tasks (id INTEGER PRIMARY KEY DESC, title TEXT)"), sqliteimport.ErrNotPlanner, "tasks.id is not an INTEGER PRIMARY KEY"},
		{"key of any kind", withTables("CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT) WITHOUT ROWID"), sqliteimport.ErrNotPlanner, "tasks.id is not an INTEGER PRIMARY KEY"},
		{"no tables", withTables("CREATE TABLE t (i)", "DROP TABLE t"), sqliteimport.ErrNotPlanner, "it has no table tasks"},
		{"no tasks", withTables(oldGoals, otherTables), sqliteimport.ErrNotPlanner, "it has no table tasks"},
		{"no titles", withTables("CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT)"), sqliteimport.ErrNotPlanner, "table tasks has no column title"},
		{"no key", withTables("CREATE TABLE tasks (id INTEGER, title TEXT)"), sqliteimport.ErrNotPlanner, "tasks.id is not an INTEGER PRIMARY KEY"},
		{"key of text", withTables("CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT)"), sqliteimport.ErrNotPlanner, "tasks.id is not an INTEGER PRIMARY KEY"},
		{"goals without titles", withTables(oldTasks, "CREATE TABLE goals (id INTEGER PRIMARY KEY)"), sqliteimport.ErrNotPlanner, "table goals has no column title"},
		{"view", withTables("CREATE TABLE t (id INTEGER PRIMARY KEY, title)", "CREATE VIEW tasks AS SELECT * FROM t"), sqliteimport.ErrNotPlanner, "it has no table tasks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, dry := range []bool{true, false} {
				report, err := sqliteimport.Import(t.Context(), db.DB, user, c.path, sqliteimport.Options{DryRun: dry})
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.path) {
					t.Errorf("error %v, want %v that says %q", err, c.want, c.says)
				}
				if diff := cmp.Diff(sqliteimport.Report{}, report); diff != "" {
					t.Errorf("report (-want +got):\n%s", diff)
				}
				if err != nil {
					t.Log(err)
				}
			}
		})
	}
	if diff := cmp.Diff(before, everything(t, db)); diff != "" {
		t.Errorf("something was written (-before +after):\n%s", diff)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	f := sample(t, 0)
	inactive := db.NewUser(t)
	if _, err := db.Accounts().Deactivate(t.Context(), inactive); err != nil {
		t.Fatal(err)
	}
	before := everything(t, db)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	midway, stop := context.WithCancel(t.Context())
	defer stop()
	user := db.NewUser(t)
	for _, c := range []struct {
		name    string
		ctx     context.Context
		user    bizydb.UserID
		options sqliteimport.Options
		want    error
	}{
		{"nobody", t.Context(), 4711, sqliteimport.Options{}, bizydb.ErrNoUser},
		{"nobody, in a dry run", t.Context(), 4711, sqliteimport.Options{DryRun: true}, bizydb.ErrNoUser},
		{"user 0", t.Context(), 0, sqliteimport.Options{}, bizydb.ErrNoUser},
		{"inactive user", t.Context(), inactive, sqliteimport.Options{}, bizydb.ErrNoUser},
		{"canceled", canceled, user, sqliteimport.Options{}, context.Canceled},
		{"canceled midway", midway, user, sqliteimport.Options{OnProgress: func(p sqliteimport.Progress) {
			if p.Step == sqliteimport.Writing {
				stop()
			}
		}}, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := sqliteimport.Import(c.ctx, db.DB, c.user, f.path, c.options); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	after := slices.DeleteFunc(everything(t, db), func(line string) bool {
		return strings.Contains(line, "_id_seq") || strings.HasPrefix(line, "public.users")
	})
	before = slices.DeleteFunc(before, func(line string) bool {
		return strings.Contains(line, "_id_seq") || strings.HasPrefix(line, "public.users")
	})
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("something was written (-before +after):\n%s", diff)
	}
}

// folder is what is in the folder of a file, with a hash of each. The index of a log in memory (-shm) is shared by all who
// have the file open, so readers write to it too.
func folder(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		line := e.Name()
		if !strings.HasSuffix(line, "-shm") {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %x %v %v", sha256.Sum256(b), info.Mode(), info.ModTime())
		}
		list = append(list, line)
	}
	return list
}

// The file stays as it is, and so does its folder, in each journal mode, while the planner has it open and after that.
func TestSourceIsNotChanged(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for _, mode := range []string{"delete", "wal"} {
		for _, open := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, open %v", mode, open), func(t *testing.T) {
				user := db.NewUser(t)
				f := sample(t, 0)
				f.exec(t, "PRAGMA journal_mode = "+mode)
				f.insert(t, "tasks", record{"id": 99, "title": "The last one"}) // in the log of mode wal
				if !open {
					if err := f.db.Close(); err != nil {
						t.Fatal(err)
					}
				}
				before := folder(t, f.path)
				report := importFile(t, db, user, f.path, sqliteimport.Options{})
				if diff := cmp.Diff(before, folder(t, f.path)); diff != "" {
					t.Errorf("the folder (-before +after):\n%s", diff)
				}
				if report.Tasks.Imported != 21 {
					t.Errorf("%d tasks, want 21", report.Tasks.Imported)
				}
				if open {
					f.insert(t, "tasks", record{"id": 100, "title": "Another one"}) // is not locked out
				}
			})
		}
	}
}

// By whatever name a file is opened, its log is read with it.
func TestSymbolicLink(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := sample(t, 0)
	f.exec(t, "PRAGMA journal_mode = wal")
	f.insert(t, "tasks", record{"id": 99, "title": "In the log"})
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(f.path, link); err != nil {
		t.Skip(err)
	}
	if report := importFile(t, db, user, link, sqliteimport.Options{}); report.Tasks.Imported != 21 {
		t.Errorf("%d tasks, want 21", report.Tasks.Imported)
	}
}

// Long texts come in, fewer at a time.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldGoals, oldTasks)
	text := strings.Repeat("a long story ", 10_000)
	f.insert(t, "goals", record{"id": 1, "title": "Goal", "description": strings.Repeat(text, 7)})
	for id := range 300 {
		f.insert(t, "tasks", record{"id": id, "title": "Task", "notes": text})
	}
	f.insert(t, "tasks", record{"id": 1000, "title": "Task", "notes": strings.Repeat("x", 33_000_000)})
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	stored := importedFor(t, db, user)
	length := func(text *string) int {
		if text == nil {
			return 0
		}
		return len(*text)
	}
	if notes := stored.tasks[299].Notes; length(stored.goals[1].Description) != 7*len(text) || notes == nil || *notes != text || length(stored.tasks[1000].Notes) != 1_000_000 {
		t.Error("texts are not what they were")
	}
	var found []sqliteimport.Problem
	for _, finding := range findingsOf(report, "tasks", 1000) {
		if finding.Column == "notes" {
			found = append(found, finding.Problem)
		}
	}
	if !slices.Equal(found, []sqliteimport.Problem{sqliteimport.TooLong}) {
		t.Errorf("found %v", found)
	}
}

// What the planner writes meanwhile is not in the import, whole or in part; the next one brings it.
func TestPlannerWritesMeanwhile(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := sample(t, 0)
	f.exec(t, "PRAGMA journal_mode = wal")
	f.exec(t, "UPDATE tasks SET notes = 'Seen'") // which opens its log
	wrote := false
	options := sqliteimport.Options{OnProgress: func(p sqliteimport.Progress) {
		if p.Step == sqliteimport.Reading && !wrote {
			wrote = true
			f.insert(t, "tasks", record{"id": 99, "title": "The last one"})
			f.exec(t, "UPDATE tasks SET title = 'Changed'")
			f.exec(t, "DELETE FROM tasks WHERE id = 3")
		}
	}}
	report := importFile(t, db, user, f.path, options)
	if !wrote || report.Tasks.Imported != 20 {
		t.Errorf("wrote %v, %d tasks, want 20", wrote, report.Tasks.Imported)
	}
	for _, task := range importedFor(t, db, user).tasks {
		if task.Title != "Task" {
			t.Errorf("task %q, want it as it was", task.Title)
		}
	}
	report = importFile(t, db, user, f.path, sqliteimport.Options{})
	wantCounts(t, report, sqliteimport.Counts{InFile: 3, Known: 3}, sqliteimport.Counts{InFile: 20, Imported: 1, Known: 19, Changed: 19, NotInFile: 1})
}

// A file in WAL mode that nobody has open is read without locks. If somebody opens it nonetheless, nothing is written.
func TestOpenedMeanwhile(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := sample(t, 0)
	f.exec(t, "PRAGMA journal_mode = wal")
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	id := 99
	for _, at := range []sqliteimport.Step{sqliteimport.Writing, sqliteimport.Reading} {
		_, err := sqliteimport.Import(t.Context(), db.DB, user, f.path, sqliteimport.Options{DryRun: at == sqliteimport.Reading, OnProgress: func(p sqliteimport.Progress) {
			if p.Step == at {
				other := openFixture(t, f.path)
				other.insert(t, "tasks", record{"id": id, "title": "The last one"})
				_ = other.db.Close()
				id++
			}
		}})
		if !errors.Is(err, sqliteimport.ErrInUse) {
			t.Errorf("opened while %s: error %v, want %v", at, err, sqliteimport.ErrInUse)
		}
	}
	if tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{}); err != nil || len(tasks) != 0 {
		t.Errorf("%d tasks (error %v), want none", len(tasks), err)
	}
	importFile(t, db, user, f.path, sqliteimport.Options{})
}

// A writer that does not end is an error, not a wait.
func TestLockedFile(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	f := sample(t, 0)
	f.exec(t, "BEGIN EXCLUSIVE")
	if _, err := sqliteimport.Import(t.Context(), db.DB, db.NewUser(t), f.path, sqliteimport.Options{}); !errors.Is(err, sqliteimport.ErrInUse) {
		t.Errorf("error %v, want %v", err, sqliteimport.ErrInUse)
	}
}

// The journal of a writer that broke off has to be played back, which is not for a reader to do.
func TestHotJournal(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	f := sample(t, 0)
	f.exec(t, "PRAGMA cache_size = 1")
	f.exec(t, "BEGIN")
	for id := 100; id < 400; id++ { // more than the cache holds, so that it is written
		f.insert(t, "tasks", record{"id": id, "title": strings.Repeat("long ", 100)})
	}
	broken := filepath.Join(t.TempDir(), "tasks.db")
	for _, suffix := range []string{"", "-journal"} {
		b, err := os.ReadFile(f.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(broken+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := folder(t, broken)
	_, err := sqliteimport.Import(t.Context(), db.DB, db.NewUser(t), broken, sqliteimport.Options{})
	if !errors.Is(err, sqliteimport.ErrInUse) || !strings.Contains(err.Error(), "open the file once with the planner") {
		t.Errorf("error %v, want %v", err, sqliteimport.ErrInUse)
	}
	if diff := cmp.Diff(before, folder(t, broken)); diff != "" {
		t.Errorf("the folder (-before +after):\n%s", diff)
	}
}

// Names are not part of an SQL statement or of a URI.
func TestOddNames(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	path := filepath.Join(t.TempDir(), "50% of a#plan?mode=rw&x.db")
	f := openFixture(t, "file:"+strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f", "&", "%26", " ", "%20").Replace(path))
	f.exec(t, strings.Replace(oldTasks, "notes TEXT", `notes TEXT, "a "" column" TEXT, "x'); DROP TABLE tasks; --" TEXT`, 1))
	f.exec(t, `CREATE TABLE "a "" table" (i)`)
	f.exec(t, "CREATE TABLE \"\x1b[31mred\nline\" (i)")
	f.exec(t, `ALTER TABLE tasks RENAME TO other`)
	f.exec(t, `ALTER TABLE other RENAME TO "TASKS"`)
	f.exec(t, `CREATE VIEW goals AS SELECT * FROM nowhere`)
	f.insert(t, "tasks", record{"id": 1, "title": "'); DROP TABLE tasks; --", `"a "" column"`: "set"})
	report := importFile(t, db, user, path, sqliteimport.Options{})
	want := []sqliteimport.LeftBehind{{Name: "\x1b[31mred\nline", Rows: 0}, {Name: `a " table`, Rows: 0}, {Name: "goals", Rows: -1}, {Name: `tasks.a " column`, Rows: 1}}
	if s := report.String(); strings.Contains(s, "\x1b") || !strings.Contains(s, `        0  "\x1b[31mred\nline"`+"\n") || !strings.Contains(s, " unknown  goals\n") {
		t.Errorf("report:\n%q", s)
	}
	if diff := cmp.Diff(want, report.LeftBehind); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
	if title := importedFor(t, db, user).tasks[1].Title; title != "'); DROP TABLE tasks; --" {
		t.Errorf("title %q", title)
	}
}
