package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
)

// An import announces nothing, and what is completed after it is announced, in the same transaction too.
func TestImportsAreNotAnnounced(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	u, err := newUser(t.Context(), t, s)
	if err != nil {
		t.Fatal(err)
	}
	from := s.As(u.id)
	if _, err := from.SetTaskStatuses(t.Context(), planner.SetTaskStatusesParams{IDs: u.tasks, Status: planner.TaskCompleted}); err != nil {
		t.Fatal(err)
	}
	if _, err := from.ReopenGoal(t.Context(), planner.ReopenGoalParams{ID: u.goals[0]}); err != nil { // it is at 100 percent
		t.Fatal(err)
	}
	var document bytes.Buffer
	if _, err := userdata.Export(t.Context(), from, &document); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tasks.db")
	file, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.ExecContext(t.Context(), `
		CREATE TABLE goals (id INTEGER PRIMARY KEY, title TEXT, status TEXT, parent_goal_id INTEGER, progress_percentage FLOAT);
		CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, status TEXT, parent_goal_id INTEGER, completed_at DATETIME);
		INSERT INTO goals VALUES (1, 'goal', 'completed', NULL, 100), (2, 'goal', 'on_hold', NULL, 100);
		INSERT INTO tasks VALUES (1, 'task', 'completed', 1, '2020-01-02 10:00:00'), (2, 'task', 'completed', 2, '2020-01-02 10:00:00'), (3, 'task', 'pending', NULL, NULL)`); err != nil {
		t.Fatal(err)
	}

	events := func(user bizydb.UserID) int {
		return s.count(t, "SELECT count(*) FROM app.outbox WHERE user_id = $1", user)
	}
	for name, load := range map[string]func(bizydb.UserID) error{
		"sqliteimport": func(user bizydb.UserID) error {
			_, err := sqliteimport.Import(t.Context(), s.DB, user, path, sqliteimport.Options{})
			return err
		},
		"userdata": func(user bizydb.UserID) error {
			_, err := userdata.Import(t.Context(), s.As(user), bytes.NewReader(document.Bytes()))
			return err
		},
	} {
		user := s.NewUser(t)
		if err := load(user); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := s.count(t, "SELECT count(*) FROM public.goals WHERE user_id = $1 AND progress_percentage = 100", user); n < 2 {
			t.Fatalf("%s: %d goals are at 100 percent", name, n)
		}
		if n := events(user); n > 0 {
			t.Errorf("%s: %d events", name, n)
		}
		s.exec(t, "UPDATE public.tasks SET status = 'completed' WHERE id = (SELECT min(id) FROM public.tasks WHERE user_id = $1 AND status = 'pending')", user)
		if n := events(user); n != 1 {
			t.Errorf("%s: %d events of what is completed afterwards", name, n)
		}
	}

	user := s.NewUser(t)
	if err := s.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
		imported, err := userdata.ImportTx(t.Context(), tx, bytes.NewReader(document.Bytes()))
		if err != nil {
			return err
		}
		task, _ := imported.IDs.Task(u.single[0])
		_, err = tx.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: task})
		return err
	}); err != nil || events(user) != 1 {
		t.Errorf("%d events of what is completed in the transaction of an import, %v", events(user), err)
	}
}
