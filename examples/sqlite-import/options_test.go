package main

import (
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Before the day of -upgraded the planner wrote in UTC when a task was created.
func TestUpgraded(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	path := plannerFile(t)
	exec(t, path,
		"UPDATE tasks SET created_at = '2025-11-02 10:00:00' WHERE id = 1",
		"UPDATE tasks SET created_at = '2025-11-03 10:00:00' WHERE id = 2",
	)
	utc := time.Date(2025, 11, 3, 10, 0, 0, 0, time.UTC)
	for day, want := range map[string]map[string]time.Time{
		"2025-11-03": {"Sign the lease": utc.AddDate(0, 0, -1), "Paint the walls": utc.Add(-time.Hour)},
		"never":      {"Sign the lease": utc.AddDate(0, 0, -1), "Paint the walls": utc},
	} {
		email := day + "@example.org"
		succeeds(t, path, "-user", email, "-create", "-zone", "Europe/Berlin", "-upgraded", day)
		user, err := db.Accounts().FindByLogin(t.Context(), email)
		if err != nil {
			t.Fatal(err)
		}
		tasks, err := db.As(user.ID).ListTasks(t.Context(), planner.ListTasksParams{})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if want, ok := want[task.Title]; ok && !task.CreatedAt.Equal(want) {
				t.Errorf("%s, %s: created %v, want %v", day, task.Title, task.CreatedAt, want)
			}
		}
	}
}
