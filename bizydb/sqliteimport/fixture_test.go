package sqliteimport_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// What the planner's own files have been made with. Newer ones have two columns more in both tables.
const (
	oldGoals = `CREATE TABLE goals (
	id INTEGER NOT NULL, title VARCHAR(500) NOT NULL, description TEXT, horizon VARCHAR(50), target_date DATETIME, status VARCHAR(50),
	progress_percentage FLOAT, success_criteria TEXT, parent_goal_id INTEGER, created_at DATETIME, updated_at DATETIME, metrics JSON,
	PRIMARY KEY (id))`
	oldTasks = `CREATE TABLE tasks (
	id INTEGER NOT NULL, title VARCHAR(500) NOT NULL, description TEXT, priority INTEGER, status VARCHAR(50), category VARCHAR(100),
	estimated_hours FLOAT, actual_hours FLOAT, due_date DATETIME, created_at DATETIME, completed_at DATETIME, parent_goal_id INTEGER,
	dependencies JSON, notes TEXT, tags JSON,
	PRIMARY KEY (id))`
	otherTables = `CREATE TABLE daily_logs (id INTEGER PRIMARY KEY, date DATETIME, energy INTEGER);
	CREATE TABLE research (id INTEGER PRIMARY KEY, topic TEXT);
	CREATE TABLE metrics (id INTEGER PRIMARY KEY, name TEXT);
	CREATE TABLE business_plans (id INTEGER PRIMARY KEY, content TEXT);`
)

func newer(table string) string {
	return strings.Replace(table, "PRIMARY KEY (id)", "project_name VARCHAR(200), repository_path VARCHAR(500), PRIMARY KEY (id)", 1)
}

// A fixture is a planner's file that a test makes.
type fixture struct {
	path string
	db   *sql.DB
}

// newFixture makes a file with the tables that ddl creates, and removes it when the test ends.
func newFixture(t testing.TB, ddl ...string) *fixture {
	t.Helper()
	f := openFixture(t, filepath.Join(t.TempDir(), "tasks.db"))
	for _, sql := range ddl {
		f.exec(t, sql)
	}
	return f
}

func openFixture(t testing.TB, path string) *fixture {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return &fixture{path, db}
}

// columns are the names of a table's columns, in lower case, in their order.
func (f *fixture) columns(t testing.TB, table string) []string {
	t.Helper()
	rows, err := f.db.Query("SELECT lower(name) FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	return columns
}

func (f *fixture) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := f.db.ExecContext(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// A record is a row of a file, by column. Columns that are left out are NULL.
type record map[string]any

func (f *fixture) insert(t testing.TB, table string, records ...record) {
	t.Helper()
	for _, r := range records {
		var columns, places []string
		var args []any
		for column, value := range r {
			columns, places, args = append(columns, column), append(places, "?"), append(args, value)
		}
		f.exec(t, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), strings.Join(places, ", ")), args...)
	}
}
