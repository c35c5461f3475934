package bizydbtest_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// The migration of docs/your-own-migrations.md makes a table that a scope can use and Open finds nothing wrong with.
func TestDocumentedMigration(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/your-own-migrations.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n(-- db/migrations/001_comments.sql\n.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page has no migration")
	}
	db := bizydbtest.New(t, bizydbtest.WithMigrations(files(map[string]string{"001_comments.sql": string(block[1])})), bizydbtest.WithOptions(bizydb.StrictOpen()))
	owner, other := db.NewUser(t), db.NewUser(t)
	task, err := db.As(owner).CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[bizydb.UserID]int64{owner: 1, other: 0} {
		_, err := db.As(user).DBTX().Exec(t.Context(), "INSERT INTO app.comments (task_id, body) VALUES ($1, 'comment')", task.ID)
		if (err == nil) != (want == 1) {
			t.Errorf("a comment of user %d: %v", user, err)
		}
		var got int64
		if err := db.As(user).DBTX().QueryRow(t.Context(), "SELECT count(*) FROM app.comments").Scan(&got); err != nil || got != want {
			t.Errorf("user %d has %d comments, want %d: %v", user, got, want, err)
		}
	}
}
