package bizydbtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"

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
var migrations = fstest.MapFS{"001_comments.sql": {Data: []byte(`
CREATE SCHEMA app;
CREATE TABLE app.comments (user_id bigint NOT NULL, text text NOT NULL);
SELECT bizydb.confine('app.comments');`)}}

func TestOwnTables(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, bizydbtest.WithMigrations(migrations), bizydbtest.WithOptions(bizydb.WithBcryptCost(bizydb.MinBcryptCost)))
	if _, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{
		Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse"),
	}); err != nil {
		t.Fatal(err)
	}
}

// Each test has a database of its own, so tests can run in parallel and need no clean-up.
func ExampleNew() {
	var t *testing.T // the test's

	t.Parallel()
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "First"})
	if err != nil {
		t.Fatal(err)
	}
	bob := db.As(db.NewUser(t))
	if _, err := bob.GetTask(t.Context(), task.ID); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("bob gets alice's task: %v", err)
	}
}

func ExampleRun() {
	var m *testing.M // the parameter of TestMain

	os.Exit(bizydbtest.Run(m))
}

// The migrations of the service are files in tern's format: in its code an embed.FS.
func ExampleWithMigrations() {
	var t *testing.T // the test's

	db := bizydbtest.New(t, bizydbtest.WithMigrations(migrations), bizydbtest.WithOptions(bizydb.StrictOpen()))
	if _, err := db.As(db.NewUser(t)).DBTX().Exec(t.Context(), "INSERT INTO app.comments (text) VALUES ('First')"); err != nil {
		t.Fatal(err)
	}
}

// One test finds every table of the service that its migrations forget to confine.
func ExampleCheckConfined() {
	var t *testing.T // the test's

	bizydbtest.CheckConfined(t, bizydbtest.New(t, bizydbtest.WithMigrations(migrations)))
}

func ExampleEachLocale() {
	var t *testing.T // the test's

	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		alice := db.As(db.NewUser(t))
		if _, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "IZGARA"}); err != nil {
			t.Fatal(err)
		}
		found, err := alice.SearchTasks(t.Context(), planner.SearchTasksParams{Text: "izgara"})
		if err != nil || len(found) != 1 {
			t.Errorf("%d tasks found, %v", len(found), err)
		}
	})
}

// Examples and programs have no testing.TB. They drop the database themselves.
func ExampleServer_NewDatabase() {
	ctx := context.Background()
	server, err := bizydbtest.Shared()
	if err != nil {
		log.Fatal(err)
	}
	db, err := server.NewDatabase(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := db.Drop(ctx); err != nil {
			log.Print(err)
		}
	}()

	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", NoPassword: true})
	fmt.Println(user.Username, err)
	// Output: ada <nil>
}

// A program to try things starts a server and makes a database, and leaves nothing behind.
func ExampleStart() {
	if err := tryThings(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func tryThings(ctx context.Context) error {
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	db, err := server.NewDatabase(ctx) // the import: github.com/bizy-ai/bizydb/bizydb/bizydbtest
	if err != nil {
		return err
	}
	defer db.Drop(ctx)

	fmt.Println(db.DSN)
	return nil
}

// A test counts the round trips of a call.
func ExampleProxy() {
	ctx := context.Background()
	server, err := bizydbtest.Shared()
	if err != nil {
		log.Fatal(err)
	}
	made, err := server.NewDatabase(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := made.Drop(ctx); err != nil {
			log.Print(err)
		}
	}()
	proxy, dsn, err := bizydbtest.StartProxy(made.DSN) // in a test, NewProxy
	if err != nil {
		log.Fatal(err)
	}
	defer proxy.Close()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 1
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // a ping would count
	db, err := bizydb.OpenConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", NoPassword: true})
	if err != nil {
		log.Fatal(err)
	}

	for range 2 { // the first call prepares its statement
		proxy.RoundTrips()
		if _, err := db.As(user.ID).ListTasks(ctx, planner.ListTasksParams{}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(proxy.RoundTrips())
	// Output: 1
}
