package bizydbtest_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/bizy-ai/bizydb/bizydb"
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

// migrations are a service's, in its code an embed.FS.
var migrations = fstest.MapFS{"001_comments.sql": {Data: []byte("CREATE TABLE public.comments (text text)")}}

func TestOwnTables(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, bizydbtest.WithMigrations(migrations), bizydbtest.WithOptions(bizydb.WithBcryptCost(bizydb.MinBcryptCost)))
	if _, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{
		Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse"),
	}); err != nil {
		t.Fatal(err)
	}
}
