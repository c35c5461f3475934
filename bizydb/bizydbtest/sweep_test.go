package bizydbtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// waitsToBeKilled is set for a process that makes two databases, marks the first one as that of a failed test, and waits.
const waitsToBeKilled = "BIZYDBTEST_TEST_WAITS"

func init() {
	if os.Getenv(waitsToBeKilled) == "" {
		return
	}
	server, err := bizydbtest.Start(context.Background(), bizydbtest.Options{DSNVars: []string{waitsToBeKilled}})
	for i := 0; i < 2 && err == nil; i++ {
		var db *bizydbtest.Database
		if db, err = server.NewDatabase(context.Background()); err == nil && i == 0 {
			err = bizydbtest.Keep(db.AdminDSN)
		}
		if err == nil {
			db.Close()
			fmt.Println(parse(db.DSN).Database)
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	select {}
}

func parse(dsn string) *pgx.ConnConfig {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		panic(err)
	}
	return config
}

// On a server that is not its own, a process drops what others have left behind, as soon as they are gone, apart from databases of
// failed tests.
func TestSweep(t *testing.T) {
	t.Parallel()
	shared, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), waitsToBeKilled+"="+shared.DSN(), "BIZYDBTEST_WAY=dsn")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for lines := bufio.NewScanner(out); len(names) < 2 && lines.Scan(); {
		names = append(names, lines.Text())
	}
	if len(names) != 2 || !strings.HasPrefix(names[1], "bizydbtest_") {
		t.Fatalf("the process says %q", names)
	}
	failed, orphan := names[0], names[1]

	mine := bizydbtest.New(t)
	left := func() []string {
		conn, err := pgx.Connect(t.Context(), shared.DSN())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := bizydbtest.Sweep(t.Context(), shared.DSN()); err != nil {
			t.Fatal(err)
		}
		rows, _ := conn.Query(t.Context(), `SELECT datname::text FROM pg_database WHERE datname = ANY ($1)
			UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname = ANY ($1) ORDER BY 1`, append(names, parse(mine.DSN).Database))
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := left(); len(got) != 6 {
		t.Errorf("while the process lives: %q", got)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	var got []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // the server notices a moment later
		if got = left(); !slices.Contains(got, "role "+orphan) {
			break
		}
	}
	if len(got) != 4 || slices.Contains(got, orphan) || !slices.Contains(got, failed) {
		t.Errorf("after its end: %q of %q", got, names)
	}
	conn, err := pgx.Connect(t.Context(), shared.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "COMMENT ON DATABASE "+failed+" IS NULL"); err != nil {
		t.Error(err)
	}
	if got := left(); len(got) != 2 {
		t.Errorf("without a comment: %q", got)
	}
}
