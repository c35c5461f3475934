package sqliteimport_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// An imported is what a user has after an import, by the ids of the file.
type imported struct {
	goals map[int64]planner.Goal
	tasks map[int64]planner.Task
}

// importFile imports a file, in the time zone Europe/Berlin unless the options have another one.
func importFile(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, path string, options sqliteimport.Options) sqliteimport.Report {
	t.Helper()
	if options.Zone == nil {
		options.Zone = zone(t, "Europe/Berlin")
	}
	report, err := sqliteimport.Import(t.Context(), db.DB, user, path, options)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// importedFor returns all that a user has of one file.
func importedFor(t testing.TB, db *bizydbtest.Database, user bizydb.UserID) imported {
	t.Helper()
	goals, err := db.As(user).ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := db.As(user).ListTasks(t.Context(), planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	stored := imported{map[int64]planner.Goal{}, map[int64]planner.Task{}}
	oldGoals, oldTasks := oldIDs(t, db, user, "goal"), oldIDs(t, db, user, "task")
	for _, goal := range goals {
		stored.goals[oldGoals[int64(goal.ID)]] = goal
	}
	for _, task := range tasks {
		stored.tasks[oldTasks[int64(task.ID)]] = task
	}
	if len(stored.goals) != len(goals) || len(stored.tasks) != len(tasks) {
		t.Errorf("%d goals and %d tasks have %d and %d old ids", len(goals), len(tasks), len(stored.goals), len(stored.tasks))
	}
	return stored
}

func oldIDs(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, kind string) map[int64]int64 {
	t.Helper()
	old := map[int64]int64{}
	testdb.WithOwner(t, db, func(conn *pgx.Conn) error {
		rows, err := conn.Query(t.Context(), `
			SELECT r.new_id, r.old_id FROM bizydb.imports i CROSS JOIN LATERAL unnest(i.new_ids, i.old_ids) AS r (new_id, old_id)
			WHERE i.user_id = $1 AND i.kind = $2`, user, kind)
		if err != nil {
			return err
		}
		var newID, oldID int64
		_, err = pgx.ForEachRow(rows, []any{&newID, &oldID}, func() error { old[newID] = oldID; return nil })
		return err
	})
	return old
}

// everything is every row of every table, and where every sequence stands.
func everything(t testing.TB, db *bizydbtest.Database) []string {
	t.Helper()
	return append(testdb.Sequences(t, db), testdb.Everything(t, db)...)
}

// findingsOf are those about one row.
func findingsOf(report sqliteimport.Report, table string, id int64) []sqliteimport.Finding {
	var found []sqliteimport.Finding
	for _, f := range report.Findings {
		if f.Table == table && f.ID == id {
			found = append(found, f)
		}
	}
	return found
}
