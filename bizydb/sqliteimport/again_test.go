package sqliteimport_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// sample is a file of 3 goals and 20 tasks, created a second apart from a second on.
func sample(t testing.TB, second int) *fixture {
	t.Helper()
	f := newFixture(t, oldGoals, oldTasks)
	f.exec(t, "PRAGMA journal_mode = delete")
	at := func(id int) string { return fmt.Sprintf("2025-01-01 10:%02d:%02d", second, id) }
	for id := 1; id <= 3; id++ {
		r := goalUnder(int64(id), int64(id-1))
		r["created_at"], r["updated_at"] = at(id), at(id)
		f.insert(t, "goals", r)
	}
	for id := 1; id <= 20; id++ {
		r := taskUnder(int64(id), int64(id%4), fmt.Sprintf("[%d]", id+1))
		r["created_at"] = at(id)
		f.insert(t, "tasks", r)
	}
	return f
}

func copyOf(t testing.TB, path string) *fixture {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return openFixture(t, to)
}

func wantCounts(t *testing.T, report sqliteimport.Report, goals, tasks sqliteimport.Counts) {
	t.Helper()
	if report.Goals != goals || report.Tasks != tasks {
		t.Errorf("goals %+v and tasks %+v, want %+v and %+v", report.Goals, report.Tasks, goals, tasks)
	}
}

func TestImportAgain(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	f := sample(t, 0)
	importFile(t, db, user, f.path, sqliteimport.Options{})
	first := everything(t, db)

	// Wherever it lies and whatever the zone, which is refused unless it is asked for, nothing is doubled.
	twin := copyOf(t, f.path)
	for _, dry := range []bool{true, false} {
		report, err := sqliteimport.Import(t.Context(), db.DB, user, twin.path, sqliteimport.Options{Zone: zone(t, "Asia/Tokyo"), DryRun: dry})
		if !errors.Is(err, sqliteimport.ErrOtherClock) || !strings.Contains(err.Error(), "the zone was Europe/Berlin, not Asia/Tokyo") {
			t.Errorf("error %v and report %+v, want %v with both names", err, report, sqliteimport.ErrOtherClock)
		}
	}
	report := importFile(t, db, user, twin.path, sqliteimport.Options{Zone: zone(t, "Asia/Tokyo"), AllowOtherClock: true})
	wantCounts(t, report, sqliteimport.Counts{InFile: 3, Known: 3}, sqliteimport.Counts{InFile: 20, Known: 20})
	if diff := cmp.Diff(first, everything(t, db)); diff != "" {
		t.Errorf("the second import changed (-before +after):\n%s", diff)
	}

	// What is new comes in, in both copies, under what was there and waiting for it.
	for id, file := range map[int64]*fixture{100: f, 101: twin} {
		r := taskUnder(id, 2, "[1, 2]")
		r["created_at"] = fmt.Sprintf("2025-02-02 10:00:%02d", id-100)
		file.insert(t, "tasks", r)
		g := goalUnder(id, 3)
		g["created_at"], g["updated_at"] = r["created_at"], r["created_at"]
		file.insert(t, "goals", g)
		report := importFile(t, db, user, file.path, sqliteimport.Options{})
		wantCounts(t, report, sqliteimport.Counts{InFile: 4, Imported: 1, Known: 3}, sqliteimport.Counts{InFile: 21, Imported: 1, Known: 20})
		if report.Findings != nil {
			t.Errorf("findings %+v", report.Findings)
		}
	}
	stored := importedFor(t, db, user)
	if diff := cmp.Diff(map[int64]int64{2: 1, 3: 2, 100: 3, 101: 3}, stored.parents()); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
	for _, id := range []int64{100, 101} {
		if diff := cmp.Diff([]int64{1, 2}, stored.dependencies()[id]); diff != "" {
			t.Errorf("dependencies of task %d (-want +got):\n%s", id, diff)
		}
		if stored.tasks[id].ParentGoalID == nil || stored.oldGoals()[*stored.tasks[id].ParentGoalID] != 2 {
			t.Errorf("task %d is under %v, want goal 2", id, stored.tasks[id].ParentGoalID)
		}
	}

	// What has changed here stays, what has changed there is reported.
	if _, err := db.As(user).CompleteTask(t.Context(), planner.CompleteTaskParams{ID: stored.tasks[5].ID}); err != nil {
		t.Fatal(err)
	}
	f.exec(t, "UPDATE tasks SET title = 'Another' WHERE id IN (5, 6)")
	report = importFile(t, db, user, f.path, sqliteimport.Options{})
	want := []sqliteimport.Finding{
		{Table: "tasks", ID: 5, Column: "title", Problem: sqliteimport.Changed, Old: "Another"},
		{Table: "tasks", ID: 6, Column: "title", Problem: sqliteimport.Changed, Old: "Another"},
	}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	stored = importedFor(t, db, user)
	if stored.tasks[5].Title != "Task" || stored.tasks[5].Status != planner.TaskCompleted {
		t.Errorf("task 5 is now %+v", stored.tasks[5])
	}

	// What has been deleted here does not come back, and what is new is not under it.
	if _, err := db.As(user).DeleteTask(t.Context(), stored.tasks[7].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := db.As(user).DeleteGoal(t.Context(), stored.goals[1].ID); err != nil {
		t.Fatal(err)
	}
	f.insert(t, "tasks", taskUnder(200, 1, "[7, 8]"))
	f.insert(t, "goals", goalUnder(200, 1))
	report = importFile(t, db, user, f.path, sqliteimport.Options{})
	wantCounts(t, report, sqliteimport.Counts{InFile: 5, Imported: 1, Known: 4}, sqliteimport.Counts{InFile: 22, Imported: 1, Known: 21})
	want = []sqliteimport.Finding{
		{Table: "goals", ID: 200, Column: "parent_goal_id", Problem: sqliteimport.Deleted, Old: "1"},
		{Table: "tasks", ID: 200, Column: "parent_goal_id", Problem: sqliteimport.Deleted, Old: "1"},
		{Table: "tasks", ID: 200, Column: "dependencies", Problem: sqliteimport.Deleted, Old: "7"},
	}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{8}, importedFor(t, db, user).dependencies()[200]); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	if wrong, err := db.As(user).RollUpAll(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("%d goals are wrong (error %v)", len(wrong), err)
	}
}

// Of what the file has other than it was, only what a person changed is reported: column by column; and what was deleted from it.
// What has been deleted here does not come in again, and what has been restored is not doubled.
func TestImportAfterARestore(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := sample(t, 0)
	importFile(t, db, user, f.path, sqliteimport.Options{})
	stored := importedFor(t, db, user)
	task := stored.tasks[5]
	if _, err := db.As(user).DeleteTask(t.Context(), task.ID); err != nil {
		t.Fatal(err)
	}
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	if report.Tasks.Imported != 0 {
		t.Errorf("with a task deleted: %+v", report.Tasks)
	}
	if _, err := db.As(user).RestoreTask(t.Context(), task.ID); err != nil {
		t.Fatal(err)
	}
	report = importFile(t, db, user, f.path, sqliteimport.Options{})
	wantCounts(t, report, sqliteimport.Counts{InFile: 3, Known: 3}, sqliteimport.Counts{InFile: 20, Known: 20})
	if tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{}); err != nil || len(tasks) != 20 {
		t.Errorf("%d tasks, want 20, %v", len(tasks), err)
	}
}

func TestChangesInTheFile(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	f := newFixture(t, newer(oldGoals), newer(oldTasks))
	all := map[string][]string{"goals": f.columns(t, "goals"), "tasks": f.columns(t, "tasks")}
	for table, columns := range all {
		for id := 1; id <= len(columns)+3; id++ {
			r := taskUnder(int64(id), 0, "[]")
			if table == "goals" {
				r = goalUnder(int64(id), 0)
			}
			r["created_at"] = fmt.Sprintf("2025-01-01 10:00:%02d", id)
			f.insert(t, table, r)
		}
	}
	f.insert(t, "tasks", taskUnder(1000, int64(len(all["goals"])+1), "[]"))
	first := importFile(t, db, user, f.path, sqliteimport.Options{})
	if first.Tasks.Imported != len(all["tasks"])+4 {
		t.Fatalf("imported %+v", first.Tasks)
	}
	stored := importedFor(t, db, user)

	// In each row another column; of one goal, which has a task, and of one that has none only what the planner itself writes.
	want := map[string][]string{}
	for table, columns := range all {
		for i, column := range columns {
			switch column {
			case "id", "created_at", "repository_path":
				continue
			case "updated_at", "completed_at":
			default:
				want[table] = append(want[table], fmt.Sprint(i+1, " ", column))
			}
			f.exec(t, "UPDATE "+table+" SET "+column+" = 2 WHERE id = ?", i+1)
		}
	}
	counted := len(all["goals"]) + 1
	f.exec(t, "UPDATE goals SET progress_percentage = 50, updated_at = '2025-05-05' WHERE id = ?", counted)
	f.exec(t, "UPDATE goals SET progress_percentage = 50, status = 'on_hold' WHERE id = ?", counted+1)
	want["goals"] = append(want["goals"], fmt.Sprint(counted+1, " status"), fmt.Sprint(counted+1, " progress_percentage"))

	// Two are deleted in the file, one of them here as well, and its id has been used again. One is deleted only here.
	gone := len(all["tasks"]) + 2
	f.exec(t, "DELETE FROM tasks WHERE id IN (?, ?)", gone, gone+1)
	f.exec(t, "UPDATE tasks SET title = 'Deleted here' WHERE id = 1000")
	f.exec(t, "DELETE FROM goals WHERE id = ?", counted+2)
	again := taskUnder(int64(gone), 0, "[]")
	again["created_at"] = "2026-01-01 10:00:00"
	f.insert(t, "tasks", again)
	for _, id := range []int64{int64(gone + 1), 1000} {
		if _, err := db.As(user).DeleteTask(t.Context(), stored.tasks[id].ID); err != nil {
			t.Fatal(err)
		}
	}
	want["goals"] = append(want["goals"], fmt.Sprint(counted+2, " "))
	want["tasks"] = append(want["tasks"], fmt.Sprint(gone, " "))

	dry := importFile(t, db, user, f.path, sqliteimport.Options{DryRun: true})
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	dry.DryRun = false
	if diff := cmp.Diff(report, dry); diff != "" {
		t.Errorf("reports (-real +dry):\n%s", diff)
	}
	got := map[string][]string{}
	for _, finding := range report.Findings {
		wantProblem := sqliteimport.Changed
		if finding.Column == "" {
			wantProblem = sqliteimport.NotInFile
		}
		if finding.Problem != wantProblem {
			t.Errorf("found %+v", finding)
		}
		got[finding.Table] = append(got[finding.Table], fmt.Sprint(finding.ID, " ", finding.Column))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	goals, tasks := report.Goals, report.Tasks
	if goals.Changed != len(want["goals"])-2 || goals.NotInFile != 1 || tasks.Changed != len(want["tasks"])-1 || tasks.NotInFile != 1 || tasks.Imported != 1 {
		t.Errorf("counts %+v and %+v", goals, tasks)
	}

	// Changes are reported once. What is not in the file is, as long as it is here.
	before := everything(t, db)
	report = importFile(t, db, user, f.path, sqliteimport.Options{})
	for _, finding := range report.Findings {
		if finding.Problem != sqliteimport.NotInFile {
			t.Errorf("found again: %+v", finding)
		}
	}
	if report.Goals.Changed+report.Tasks.Changed > 0 || report.Goals.NotInFile != 1 || report.Tasks.NotInFile != 1 {
		t.Errorf("counts %+v and %+v", report.Goals, report.Tasks)
	}
	if diff := cmp.Diff(before, everything(t, db)); diff != "" {
		t.Errorf("the third import changed (-before +after):\n%s", diff)
	}

	// To another file of the same user, all of it is new, and nothing of this one deleted.
	report = importFile(t, db, user, sample(t, 7).path, sqliteimport.Options{})
	wantCounts(t, report, sqliteimport.Counts{InFile: 3, Imported: 3}, sqliteimport.Counts{InFile: 20, Imported: 20})
}

// Each change is reported once, also of many rows, and whether it is the first of the row or not.
func TestChangesAreReportedOnce(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	const n = 12_000
	f := newFixture(t, oldTasks)
	f.exec(t, `INSERT INTO tasks (id, title, priority, status, created_at)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, 'Task', 3, 'pending', '2025-01-01 10:00:00' FROM n`, n)
	importFile(t, db, user, f.path, sqliteimport.Options{})
	for _, c := range []struct {
		change, column string
		changed        int
	}{
		{"UPDATE tasks SET title = 'Title' WHERE id % 3 = 0", "title", n / 3},
		{"UPDATE tasks SET notes = 'Notes ' || id", "notes", n},
		{"UPDATE tasks SET notes = NULL WHERE id % 4 = 0", "notes", n / 4},
		{"SELECT 1", "", 0},
	} {
		f.exec(t, c.change)
		for _, dry := range []bool{true, true, false} {
			seen := map[int64]bool{}
			report := importFile(t, db, user, f.path, sqliteimport.Options{DryRun: dry})
			for _, finding := range report.Findings {
				if finding.Column != c.column || finding.Problem != sqliteimport.Changed || seen[finding.ID] {
					t.Fatalf("after %s: found %+v", c.change, finding)
				}
				seen[finding.ID] = true
			}
			if len(seen) != c.changed || report.Tasks.Changed != c.changed {
				t.Errorf("after %s: %d are found and %d counted, want %d", c.change, len(seen), report.Tasks.Changed, c.changed)
			}
		}
	}
}

// Rows that are not in the file are reported if most rows of their import are: it is that file then, or a copy of it.
func TestNotInFile(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for name, c := range map[string]struct {
		change       string // of a copy of a sample, of which 20 tasks were imported
		deleted      int    // here: so many tasks from the first on
		goals, tasks int    // that are reported
	}{
		"one task":               {change: "DELETE FROM tasks WHERE id = 5", tasks: 1},
		"a goal and tasks":       {change: "DELETE FROM goals WHERE id = 3; DELETE FROM tasks WHERE id > 12", goals: 1, tasks: 8},
		"more than half left":    {change: "DELETE FROM goals; DELETE FROM tasks WHERE id > 12", goals: 3, tasks: 8},
		"half left":              {change: "DELETE FROM goals; DELETE FROM tasks WHERE id = 1 OR id > 12", deleted: 1},
		"all but one":            {change: "DELETE FROM goals; DELETE FROM tasks WHERE id > 1"},
		"all":                    {change: "DELETE FROM goals; DELETE FROM tasks"},
		"most, and here as well": {change: "DELETE FROM tasks WHERE id < 18", deleted: 15, tasks: 2},
		"another file, one row":  {change: "DELETE FROM goals; UPDATE tasks SET created_at = '2024-01-01 10:00:00' WHERE id > 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := db.NewUser(t)
			f := sample(t, 0)
			importFile(t, db, user, f.path, sqliteimport.Options{})
			stored := importedFor(t, db, user).tasks
			for id := range c.deleted {
				if _, err := db.As(user).DeleteTask(t.Context(), stored[int64(id+1)].ID); err != nil {
					t.Fatal(err)
				}
			}
			f.exec(t, c.change)
			report := importFile(t, db, user, f.path, sqliteimport.Options{})
			goals, tasks := 0, 0
			for _, finding := range report.Findings {
				switch {
				case finding.Problem != sqliteimport.NotInFile:
				case finding.Table == "goals":
					goals++
				default:
					tasks++
				}
			}
			if goals != c.goals || tasks != c.tasks || report.Goals.NotInFile != c.goals || report.Tasks.NotInFile != c.tasks {
				t.Errorf("%d goals and %d tasks are found, %d and %d counted, want %d and %d", goals, tasks, report.Goals.NotInFile, report.Tasks.NotInFile, c.goals, c.tasks)
			}
		})
	}
}

func TestImportInEveryExecMode(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t) // of its own: behind a pooler, clients that prepare may not share one
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
	} {
		config, err := pgxpool.ParseConfig(made.DSN)
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.DefaultQueryExecMode = mode
		db, err := bizydb.OpenConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		user, f := made.NewUser(t), sample(t, 0)
		importFile(t, made, user, f.path, sqliteimport.Options{})
		f.exec(t, "UPDATE tasks SET title = 'Another' WHERE id = 5")
		f.exec(t, "DELETE FROM tasks WHERE id = 6")
		f.insert(t, "tasks", taskUnder(100, 2, "[1]"))
		report, err := sqliteimport.Import(t.Context(), db, user, f.path, sqliteimport.Options{Zone: zone(t, "Europe/Berlin")})
		if err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		wantCounts(t, report, sqliteimport.Counts{InFile: 3, Known: 3}, sqliteimport.Counts{InFile: 20, Imported: 1, Known: 19, Changed: 1, NotInFile: 1})
		db.Close()
	}
}

// Without a time of creation it is the title that tells rows of the same id apart. Where another one has been imported, it
// may be the same row with another title, or with a time that it had not, or has no more.
func TestRowsWithoutTimes(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	unset := sqliteimport.Finding{Table: "tasks", ID: 1, Column: "created_at", Problem: sqliteimport.Unset, New: "time of the import"}
	maybeTwice := func(title string) sqliteimport.Finding {
		return sqliteimport.Finding{Table: "tasks", ID: 1, Problem: sqliteimport.PossibleDuplicate, Old: title}
	}
	changed := sqliteimport.Finding{Table: "tasks", ID: 1, Column: "title", Problem: sqliteimport.Changed, Old: "Hers"}
	for i, c := range []struct {
		title   string
		created any
		want    []sqliteimport.Finding
	}{
		{"Mine", nil, []sqliteimport.Finding{unset}},
		{"Yours", nil, []sqliteimport.Finding{unset, maybeTwice("Yours")}},
		{"Mine", nil, nil},
		{"Mine", "2025-01-01 10:00:00", []sqliteimport.Finding{maybeTwice("Mine")}}, // filled in
		{"Hers", "2025-01-01 10:00:00", []sqliteimport.Finding{changed}},
		{"Hers", nil, []sqliteimport.Finding{unset, maybeTwice("Hers")}}, // cleared
		{"Hers", nil, nil},
	} {
		f := newFixture(t, oldTasks)
		f.insert(t, "tasks", record{"id": 1, "title": c.title, "created_at": c.created, "priority": 3, "status": "pending"}, taskUnder(2, 0, "[]"))
		report := importFile(t, db, user, f.path, sqliteimport.Options{})
		if diff := cmp.Diff(c.want, report.Findings); diff != "" {
			t.Errorf("findings in %d, %s (-want +got):\n%s", i, c.title, diff)
		}
	}
	if tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{}); err != nil || len(tasks) != 5 {
		t.Errorf("%d tasks (error %v), want 5", len(tasks), err)
	}

	// Cleared alone; and what has a time is not taken for another row that has one.
	user = db.NewUser(t)
	for i, created := range []any{"2025-01-01 10:00:00", "2025-01-01 10:00:01", nil} {
		f := newFixture(t, oldTasks)
		f.insert(t, "tasks", record{"id": 1, "title": "Mine", "created_at": created, "priority": 3, "status": "pending"})
		report := importFile(t, db, user, f.path, sqliteimport.Options{})
		var want []sqliteimport.Finding
		if created == nil {
			want = []sqliteimport.Finding{unset, maybeTwice("Mine")}
		}
		if diff := cmp.Diff(want, report.Findings); diff != "" {
			t.Errorf("findings in file %d (-want +got):\n%s", i, diff)
		}
	}
}

// The ids of several people's files are the same, and so are those of several files of one person. They come in any order
// and at once.
func TestImportAtOnce(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	users := []bizydb.UserID{db.NewUser(t), db.NewUser(t), db.NewUser(t)}
	files := []*fixture{sample(t, 1), sample(t, 2)}
	var wg sync.WaitGroup
	for _, user := range users {
		for _, f := range files {
			for range 2 { // one of the two brings nothing
				wg.Go(func() {
					if _, err := sqliteimport.Import(t.Context(), db.DB, user, f.path, sqliteimport.Options{}); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
	for _, user := range users {
		goals, err := db.As(user).ListGoals(t.Context(), planner.ListGoalsParams{})
		if err != nil {
			t.Fatal(err)
		}
		tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{})
		if err != nil {
			t.Fatal(err)
		}
		linked := 0
		for _, task := range tasks {
			linked += len(task.Dependencies)
		}
		if len(goals) != 6 || len(tasks) != 40 || linked != 38 {
			t.Errorf("user %d has %d goals, %d tasks and %d dependencies, want 6, 40 and 38", user, len(goals), len(tasks), linked)
		}
	}
	if _, err := db.As(users[0]).CreateTask(t.Context(), planner.CreateTaskParams{Title: "The next one"}); err != nil {
		t.Errorf("a task after the imports: %v", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	f := sample(t, 0)
	f.insert(t, "tasks", record{"id": 50, "title": "", "priority": 9, "parent_goal_id": 77})
	f.insert(t, "goals", record{"id": 50, "title": "Done", "status": "completed"})
	for range 2 { // with nothing and with all of it there
		before := everything(t, db)
		dry := importFile(t, db, user, f.path, sqliteimport.Options{DryRun: true})
		if diff := cmp.Diff(before, everything(t, db)); diff != "" {
			t.Errorf("the dry run changed (-before +after):\n%s", diff)
		}
		real := importFile(t, db, user, f.path, sqliteimport.Options{})
		if !dry.DryRun || real.DryRun {
			t.Error("the report does not say which was the dry run")
		}
		dry.DryRun = false
		if diff := cmp.Diff(real, dry); diff != "" {
			t.Errorf("reports (-real +dry):\n%s", diff)
		}
	}
	// A user who is not there yet has nothing yet.
	dry := importFile(t, db, 0, f.path, sqliteimport.Options{DryRun: true})
	wantCounts(t, dry, sqliteimport.Counts{InFile: 4, Imported: 4}, sqliteimport.Counts{InFile: 21, Imported: 21})
}

// What one user has imported is nothing to another.
func TestImportsAreTheUsersOwn(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	alice, bob := db.NewUser(t), db.NewUser(t)
	importFile(t, db, alice, sample(t, 0).path, sqliteimport.Options{})
	conn, err := db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for user, want := range map[bizydb.UserID]int{alice: 2, bob: 0} {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var n int
		_, err = tx.Exec(t.Context(), "SELECT set_config('bizydb.user_id', $1, true), set_config('role', 'bizydb_user', true)", fmt.Sprint(user))
		if err == nil {
			err = tx.QueryRow(t.Context(), "SELECT count(*) FROM bizydb.imports").Scan(&n)
		}
		if err != nil || n != want {
			t.Errorf("user %d sees %d rows (error %v), want %d", user, n, err, want)
		}
		_ = tx.Rollback(context.Background())
	}
	if _, err := db.Accounts().Delete(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	connection := connect(t, db.AdminDSN)
	defer connection.Close(context.Background())
	var left int
	if err := connection.QueryRow(t.Context(), "SELECT count(*) FROM bizydb.imports").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left of a deleted user (error %v)", left, err)
	}
}

func TestOnFindingAndProgress(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldTasks)
	f.exec(t, "INSERT INTO tasks (id, title, dependencies) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT i, 'Task', '[1]' FROM n")
	var findings []sqliteimport.Finding
	var steps []sqliteimport.Progress
	report := importFile(t, db, user, f.path, sqliteimport.Options{
		OnFinding:  func(f sqliteimport.Finding) { findings = append(findings, f) },
		OnProgress: func(p sqliteimport.Progress) { steps = append(steps, p) },
	})
	if len(findings) != 3*12000+1 || report.Findings != nil {
		t.Errorf("%d findings and %d in the report, want 36001 and none", len(findings), len(report.Findings))
	}
	for _, p := range report.Kinds {
		findings = slices.DeleteFunc(findings, func(f sqliteimport.Finding) bool {
			is := f.Table == p.Table && f.Column == p.Column && f.Problem == p.Problem
			if is {
				p.Count--
			}
			return is
		})
		if p.Count != 0 {
			t.Errorf("%s.%s, %v: %d more are counted than found", p.Table, p.Column, p.Problem, p.Count)
		}
	}
	if len(findings) != 0 {
		t.Errorf("%d findings are not counted, like %+v", len(findings), findings[0])
	}
	seen := map[sqliteimport.Step]int{}
	var last sqliteimport.Progress
	for _, p := range steps {
		if p.Step == last.Step && p.Done <= last.Done {
			t.Errorf("%+v after %+v", p, last)
		}
		seen[p.Step]++
		last = p
	}
	want := map[sqliteimport.Step]int{sqliteimport.Reading: 12, sqliteimport.Writing: 3}
	if diff := cmp.Diff(want, seen); diff != "" || last.Done != 12000 || last.Total != 12000 {
		t.Errorf("steps (-want +got):\n%s\nthe last is %+v", diff, last)
	}
}
