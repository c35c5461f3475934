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
	succeeds(t, path, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", "-upgraded", "2025-11-03")
	user, err := db.Accounts().FindByLogin(t.Context(), "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := db.As(user.ID).ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		want, ok := map[string]time.Time{
			"Sign the lease":  time.Date(2025, 11, 2, 10, 0, 0, 0, time.UTC),
			"Paint the walls": time.Date(2025, 11, 3, 9, 0, 0, 0, time.UTC),
		}[task.Title]
		if ok && !task.CreatedAt.Equal(want) {
			t.Errorf("%s: created %v, want %v", task.Title, task.CreatedAt, want)
		}
	}
}
