package sqliteimport_test

import (
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	f := newFixture(t, newer(oldGoals), newer(oldTasks), otherTables)
	f.insert(t, "goals", record{"id": 3, "title": "child", "parent_goal_id": 9, "status": "active", "created_at": "2025-01-01 10:00:00.123456", "updated_at": "2025-02-01 10:00:00", "progress_percentage": 50},
		record{"id": 9, "title": "root", "status": "completed", "created_at": "2025-01-01 10:00:00.123456", "updated_at": "2025-02-01 10:00:00", "progress_percentage": 50, "project_name": "web", "metrics": "{}"},
		record{"id": 10, "title": "a", "parent_goal_id": 11}, record{"id": 11, "title": "b", "parent_goal_id": 10})
	f.insert(t, "tasks", record{"id": 1, "title": "t", "parent_goal_id": 3, "dependencies": "[2, 7]", "tags": `["a"]`, "project_name": "web"},
		record{"id": 2, "title": "", "parent_goal_id": 3, "status": "weird", "priority": 9, "dependencies": "[1]"})
	zone, _ := time.LoadLocation("Europe/Berlin")
	for range 2 {
		for _, dry := range []bool{true, false} {
			report, err := sqliteimport.Import(t.Context(), db.DB, user, f.path, sqliteimport.Options{Zone: zone, DryRun: dry})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(report.String())
			for _, x := range report.Findings {
				t.Logf("%+v", x)
			}
		}
	}
	goals, err := db.As(user).ListGoals(t.Context(), planner.ListGoalsParams{})
	t.Log(err)
	for _, g := range goals {
		t.Logf("%+v", g)
	}
	tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{})
	t.Log(err)
	for _, g := range tasks {
		t.Logf("%+v", g)
	}
}
