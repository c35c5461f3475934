package sqliteimport_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Whatever tree of goals a file has: after the import each goal stands where the roll-up puts it that counts everything
// from scratch, and a dry run has foretold it. So it is when more comes in later, under goals that have moved on since.
func TestProgressAfterImport(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	conn := connect(t, db.AdminDSN)
	defer conn.Close(context.Background())
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		user := db.NewUser(t)
		round++
		f := openFixture(t, filepath.Join(t.TempDir(), fmt.Sprint(round)))
		defer f.db.Close()
		f.exec(t, oldGoals)
		f.exec(t, oldTasks)
		goals, tasks := 0, 0
		grow := func() {
			for range rapid.IntRange(0, 8).Draw(rt, "new goals") {
				goals++
				f.insert(t, "goals", record{
					"id": goals, "title": "Goal", "created_at": "2025-01-01", "updated_at": "2025-02-01",
					"parent_goal_id":      rapid.SampledFrom([]any{nil, 1, 2, 3, 4, 5, goals - 1, goals + 1}).Draw(rt, "parent"),
					"status":              rapid.SampledFrom([]string{"active", "active", "completed", "on_hold", "cancelled"}).Draw(rt, "status"),
					"progress_percentage": rapid.SampledFrom([]float64{0, 33.335, 99.999, 100}).Draw(rt, "progress"),
				})
			}
			for range rapid.IntRange(0, 12).Draw(rt, "new tasks") {
				tasks++
				f.insert(t, "tasks", record{
					"id": tasks, "title": "Task", "created_at": "2025-01-01", "priority": 3,
					"parent_goal_id": rapid.SampledFrom([]any{nil, 1, 2, 3, 4, 5, goals}).Draw(rt, "goal"),
					"status":         rapid.SampledFrom([]string{"pending", "completed", "completed", "completed"}).Draw(rt, "status"),
					"dependencies":   rapid.SampledFrom([]any{nil, "[1]", "[2, 3]", fmt.Sprintf("[%d]", tasks+1)}).Draw(rt, "dependencies"),
				})
			}
		}
		// importTwice imports dry and then really.
		importTwice := func() sqliteimport.Report {
			dry := importFile(t, db, user, f.path, sqliteimport.Options{DryRun: true})
			report := importFile(t, db, user, f.path, sqliteimport.Options{})
			dry.DryRun = false
			if diff := cmp.Diff(report, dry); diff != "" {
				rt.Errorf("reports (-real +dry):\n%s", diff)
			}
			wrong, err := db.As(user).RollUpAll(t.Context())
			if err != nil || len(wrong) > 0 {
				rt.Errorf("the roll-up corrects %v (error %v)", wrong, err)
			}
			return report
		}

		grow()
		importTwice()
		stands := standingsOf(t, db, user)
		countFromScratch(t, conn, db, user, f)
		if diff := cmp.Diff(standingsOf(t, db, user), stands); diff != "" {
			rt.Errorf("goals (-from scratch +imported):\n%s", diff)
		}

		// The user goes on here and in the file.
		stored := importedFor(t, db, user)
		for id, task := range stored.tasks {
			if rapid.Bool().Draw(rt, "complete") {
				if _, err := db.As(user).CompleteTask(t.Context(), planner.CompleteTaskParams{ID: task.ID}); err != nil {
					rt.Fatalf("task %d: %v", id, err)
				}
			}
		}
		grow()
		statuses := func() map[int64]planner.GoalStatus {
			statuses := map[int64]planner.GoalStatus{}
			for id, goal := range importedFor(t, db, user).goals {
				statuses[id] = goal.Status
			}
			return statuses
		}
		before := statuses()
		report := importTwice()
		after := statuses()
		reported := map[int64]bool{}
		for _, finding := range report.Findings {
			if finding.Problem == sqliteimport.NewWork {
				reported[finding.ID] = true
				if before[finding.ID] != planner.GoalCompleted {
					rt.Errorf("found %+v, but it was %q", finding, before[finding.ID])
				}
			}
		}
		for id, status := range before {
			if status == planner.GoalCompleted && after[id] != status && !reported[id] {
				rt.Errorf("goal %d was reopened, and nothing says so", id)
			}
		}
		if report := importTwice(); report.Goals.Imported != 0 || report.Tasks.Imported != 0 {
			rt.Errorf("the third time %+v and %+v came in", report.Goals, report.Tasks)
		}
	})
}

// Completed goals that new unfinished work comes under are reported, as far up as they are reopened.
func TestNewWorkUnderCompletedGoals(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldGoals, oldTasks)
	is := func(status string, goal record) record {
		goal["status"] = status
		return goal
	}
	f.insert(t, "goals",
		is("completed", goalUnder(1, 0)), is("on_hold", goalUnder(2, 1)), is("completed", goalUnder(3, 2)), // 3 in 2 in 1
		is("completed", goalUnder(4, 0)), is("cancelled", goalUnder(5, 4)), // what is in 5 does not count in 4
		is("completed", goalUnder(6, 0)), is("completed", goalUnder(7, 0)), is("completed", goalUnder(8, 0)),
	)
	importFile(t, db, user, f.path, sqliteimport.Options{})
	f.insert(t, "tasks", taskUnder(1, 3, "[]"), taskUnder(2, 5, "[]"), is("completed", taskUnder(3, 6, "[]")))
	f.insert(t, "goals", goalUnder(20, 7), is("completed", goalUnder(21, 8)))
	f.insert(t, "tasks", taskUnder(4, 21, "[]")) // of a goal that stays completed
	dry := importFile(t, db, user, f.path, sqliteimport.Options{DryRun: true})
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	dry.DryRun = false
	if diff := cmp.Diff(report, dry); diff != "" {
		t.Errorf("reports (-real +dry):\n%s", diff)
	}
	var found []int64
	for _, finding := range report.Findings {
		if finding.Problem == sqliteimport.NewWork {
			found = append(found, finding.ID)
		}
	}
	if diff := cmp.Diff([]int64{1, 3, 7}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	stored := importedFor(t, db, user)
	for id, want := range map[int64]planner.GoalStatus{
		1: "active", 2: "on_hold", 3: "active", 4: "completed", 5: "cancelled", 6: "completed", 7: "active", 8: "completed",
	} {
		if got := stored.goals[id].Status; got != want {
			t.Errorf("goal %d is %s, want %s", id, got, want)
		}
	}
}

type standing struct {
	ID       planner.GoalID
	Status   planner.GoalStatus
	Progress float64
}

func standingsOf(t *testing.T, db *bizydbtest.Database, user bizydb.UserID) []standing {
	t.Helper()
	goals, err := db.As(user).ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	standings := make([]standing, len(goals))
	for i, g := range goals {
		standings[i] = standing{g.ID, g.Status, g.ProgressPercentage}
	}
	return standings
}

// countFromScratch makes the goals what the file says, as if nothing had ever been counted, and then has them counted.
func countFromScratch(t *testing.T, conn *pgx.Conn, db *bizydbtest.Database, user bizydb.UserID, f *fixture) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	exec := func(sql string, args ...any) {
		if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("ALTER TABLE goals DISABLE TRIGGER USER")
	for newID, oldID := range oldIDs(t, db, user, "goal") {
		var status string
		var progress float64
		if err := f.db.QueryRow("SELECT status, progress_percentage FROM goals WHERE id = ?", oldID).Scan(&status, &progress); err != nil {
			t.Fatal(err)
		}
		exec(`UPDATE goals SET task_count = 0, completed_task_count = 0, sub_goal_count = 0, sub_goal_progress = 0,
			status = $2, completed_at = CASE $2 WHEN 'completed' THEN now() END, progress_percentage = $3 WHERE id = $1`, newID, status, progress)
	}
	exec("ALTER TABLE goals ENABLE TRIGGER USER")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.As(user).RollUpAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}
