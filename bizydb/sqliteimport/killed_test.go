package sqliteimport_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// With this variable in its environment the test binary imports the file that it names and says how far it is. It never
// gets further than the step that it is to be killed in.
const importsUntilKilled = "BIZYDB_IMPORT_UNTIL_KILLED"

func importUntilKilled(path string) {
	ctx := context.Background()
	db, err := bizydb.Open(ctx, os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	user, _ := strconv.ParseInt(os.Args[2], 10, 64)
	rows, _ := strconv.Atoi(os.Args[4])
	_, err = sqliteimport.Import(ctx, db, bizydb.UserID(user), path, sqliteimport.Options{OnProgress: func(p sqliteimport.Progress) {
		if p.Step == sqliteimport.Step(os.Args[3]) && p.Done >= rows {
			fmt.Println("here")
			select {} // until the signal
		}
	}})
	fmt.Println("not killed:", err)
	os.Exit(1)
}

// A process that is killed in the middle leaves nothing behind, and the next import succeeds.
func TestKilled(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	f := newFixture(t, oldGoals, oldTasks)
	f.insert(t, "goals", goalUnder(1, 0), goalUnder(2, 1))
	f.exec(t, "INSERT INTO tasks (id, title, parent_goal_id, dependencies) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT i, 'Task', 2, CASE i % 10 WHEN 0 THEN '[1]' END FROM n")
	rows := func() []string {
		return slices.DeleteFunc(everything(t, db), func(line string) bool { return strings.Contains(line, "_id_seq ") })
	}
	before := rows()
	for _, at := range []struct {
		step sqliteimport.Step
		rows int
	}{{sqliteimport.Reading, 1000}, {sqliteimport.Writing, 1}, {sqliteimport.Writing, 12000}} {
		cmd := exec.Command(os.Args[0], db.DSN, fmt.Sprint(user), string(at.step), fmt.Sprint(at.rows))
		cmd.Env = append(os.Environ(), importsUntilKilled+"="+f.path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if killErr := cmd.Process.Kill(); line != "here\n" || err != nil || killErr != nil {
			t.Fatalf("at %v: %q (errors %v, %v)", at, line, err, killErr)
		}
		_ = cmd.Wait() // it was killed
		if diff := cmp.Diff(before, rows()); diff != "" {
			t.Errorf("killed at %v, left (-before +after):\n%s", at, diff)
		}
	}
	// The server finds out that the process is gone, and lets the next one write for the user.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	report, err := sqliteimport.Import(ctx, db.DB, user, f.path, sqliteimport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, report, sqliteimport.Counts{InFile: 2, Imported: 2}, sqliteimport.Counts{InFile: 12000, Imported: 12000})
}
