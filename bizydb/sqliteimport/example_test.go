package sqliteimport_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// docs/import.md shows this function. A test in package bizydb holds the two together.

func ExampleImport() {
	ctx := context.Background()
	db, user, path, cleanUp := exampleFile(ctx)
	defer cleanUp()

	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	report, err := sqliteimport.Import(ctx, db, user.ID, path, sqliteimport.Options{Zone: zone})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Tasks.Imported, "tasks")
	for _, finding := range report.Findings { // values that the import changed or left out
		fmt.Println(finding.Table, finding.ID, finding.Column, finding.Problem, "->", finding.New)
	}
	// Output:
	// 2 tasks
	// tasks 2 priority is out of range -> 5
}

// A dry run shows what an import would do, before the user exists.
func ExampleReport() {
	ctx := context.Background()
	db, _, path, cleanUp := exampleFile(ctx)
	defer cleanUp()

	report, err := sqliteimport.Import(ctx, db, 0, path, sqliteimport.Options{DryRun: true, Zone: time.UTC})
	if err != nil {
		log.Fatal(err)
	}
	for _, kind := range report.Kinds {
		fmt.Println(kind, kind.Count)
	}
	fmt.Println(report.Tasks.Imported, "of", report.Tasks.InFile, "tasks would be imported")
	// Output:
	// tasks.priority is out of range 1
	// 2 of 2 tasks would be imported
}

// exampleFile makes a user and a file with two tasks.
func exampleFile(ctx context.Context) (db *bizydb.DB, user bizydb.User, path string, cleanUp func()) {
	var err error
	database, drop := testdb.Example(ctx)
	user, err = database.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse"),
	})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(dir, "tasks.db")
	file, err := sql.Open("sqlite", path)
	if err != nil {
		log.Fatal(err)
	}
	for _, statement := range []string{
		oldTasks,
		"INSERT INTO tasks (id, title, priority, status, created_at) VALUES (1, 'Call the bank', 1, 'pending', '2025-01-01 10:00:00')",
		"INSERT INTO tasks (id, title, priority, status, created_at) VALUES (2, 'Call again', 9, 'pending', '2025-01-02 10:00:00')",
	} {
		if _, err := file.Exec(statement); err != nil {
			log.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	return database.DB, user, path, func() {
		_ = os.RemoveAll(dir)
		drop()
	}
}
