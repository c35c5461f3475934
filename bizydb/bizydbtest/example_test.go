package bizydbtest_test

import (
	"os"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

func TestMine(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t) // migrated, empty, yours, logged in as a service would be
	alice := db.As(db.NewUser(t))
	if _, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "First"}); err != nil {
		t.Fatal(err)
	}
}
