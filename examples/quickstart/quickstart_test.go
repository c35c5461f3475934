package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// server is where the tests run the example, as a DATABASE_URL.
var server *bizydbtest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = bizydbtest.Start(context.Background(), bizydbtest.Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_ = os.Unsetenv("BIZYDBTEST_WAY")
	for _, name := range []string{"DATABASE_URL", "BIZYDBTEST_DATABASE_URL"} {
		_ = os.Setenv(name, server.DSN())
	}
	code := bizydbtest.Run(m)
	if err := server.Close(); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

func TestQuickstart(t *testing.T) {
	t.Parallel()
	out, err := example(t, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, out,
		`  DATABASE_URL at .*PostgreSQL`,
		`  CREATE ROLE quickstart_\w+ LOGIN NOINHERIT PASSWORD '\.\.\.'; `,
		`  GRANT bizydb_user, bizydb_accounts TO quickstart_\w+; `,
		`  Register      alice is user 1 `,
		`  InTx          15 goals and 41 tasks, an insert each `,
		`  CompleteTask  complete "Call back everyone who got a box" `,
		`  UpdateTask    block "Move payments to the new provider" `,
		`  GetTask       read "Call back everyone who got a box": completed `,
		`                File the quarter's VAT +P1  `,
		`  Snapshot      15 goals and 42 tasks, as of one moment `,
		`  goal +progress +tasks  target or status$`,
		`  Make the roastery earn its keep              #######\.{9}   49\.2%    1/2  by \d+ [A-Z][a-z]{2} 20\d\d$`,
		`  \|  \|- Move in and pass inspection            #{16}  100\.0%    4/4  completed$`,
		"  `- Find a second site                        #\\.{15}   10\\.0%         on hold$",
		`  ListGoals     0 goals `,
		`  ListTasks     0 tasks `,
		`  GetTask       task \d+, Alice's: not found `,
		`  CreateTask    under goal \d+, Alice's: unknown reference `,
		`  QueryRow      42501 `,
		`  a scoped list +1 round trip$`,
		`  DROP DATABASE IF EXISTS quickstart_\w+ WITH \(FORCE\); `,
		`  DROP ROLE IF EXISTS quickstart_\w+; `,
	)
	for line := range strings.Lines(out) {
		if len(line) > 100 {
			t.Errorf("a line has %d columns: %s", len(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line is not ASCII in a pipe: %s", line)
		}
	}
	wantRoundTrips(t, out)
}

// wantRoundTrips looks at the best line of each call: others have a first use or a ping in them.
func wantRoundTrips(t *testing.T, out string) {
	t.Helper()
	fewest := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+) .* (\d+)[* ] +[\d.]+ ms$`).FindAllStringSubmatch(out, -1) {
		trips, _ := strconv.Atoi(m[2])
		if n, ok := fewest[m[1]]; !ok || trips < n {
			fewest[m[1]] = trips
		}
	}
	for _, call := range []string{"CompleteTask", "CreateTask", "GetTask", "ListTasks", "UpdateTask"} {
		if fewest[call] != 1 {
			t.Errorf("%s: %d round trips, want 1", call, fewest[call])
		}
	}
	// 56 inserts, begin and commit, and a few statements to prepare.
	if n := fewest["InTx"]; n < 58 || n > 64 {
		t.Errorf("InTx: %d round trips, want 58 and a few", n)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"DATABASE_URL at", "CREATE DATABASE", "CREATE ROLE", "Open ", "Register ", "UpdateTask "} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := &watchedOutput{text: at, seen: cancel}
			err := run(ctx, nil, out, out)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context canceled", err)
			}
			nothingLeft(t, out.String())
		})
	}
}

// What could not be removed is named.
func TestServerLost(t *testing.T) {
	proxy, dsn := bizydbtest.NewProxy(t, server.DSN())
	t.Setenv("DATABASE_URL", dsn)
	ctx, cancel := context.WithCancel(t.Context())
	out := &watchedOutput{text: "Register two users", seen: func() { proxy.Close(); cancel() }}
	err := run(ctx, nil, out, out)

	name := databaseName.FindString(out.String())
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "database and role "+name+" may be left") {
		t.Errorf("error %v, want context canceled and a word about %s", err, name)
	}
	conn, err := pgx.Connect(context.Background(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{"DROP DATABASE " + name + " WITH (FORCE)", "DROP ROLE " + name} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Error(err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"-help"}, 0, "-load FILE"},
		{[]string{"-nonsense"}, 2, "not defined: -nonsense"},
		{[]string{"-load"}, 2, "needs an argument"},
		{[]string{"my.json"}, 2, "with -load"},
		{[]string{"-load", filepath.Join(t.TempDir(), "none.json")}, 1, ""},
	} {
		var stdout, stderr bytes.Buffer
		if code := exitCode(run(t.Context(), c.args, &stdout, &stderr)); code != c.code {
			t.Errorf("%q: exit code %d, want %d", c.args, code, c.code)
		}
		if stdout.Len() > 0 || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%q: stdout %q, stderr %q, want nothing and %q", c.args, &stdout, &stderr, c.stderr)
		}
	}
	if exitCode(flag.ErrHelp) != 0 || exitCode(errors.New("any other")) != 1 {
		t.Error("wrong exit code")
	}
}

// example runs the example and checks that it leaves nothing behind.
func example(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := run(ctx, args, &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("on stderr: %s", &stderr)
	}
	nothingLeft(t, stdout.String())
	return stdout.String(), err
}

var databaseName = regexp.MustCompile(`quickstart_[a-z0-9]+`)

// nothingLeft checks that the database and the role that out names are gone.
func nothingLeft(t *testing.T, out string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var left []string
	err = conn.QueryRow(context.Background(), `
		SELECT array(SELECT 'database ' || datname FROM pg_database WHERE datname = $1
		             UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname = $1)`,
		databaseName.FindString(out)).Scan(&left)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (error %v); output:\n%s", left, err, out)
	}
}

func wantLines(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)^` + p).MatchString(out) {
			t.Errorf("no line like %q", p)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// watchedOutput calls seen when text is written.
type watchedOutput struct {
	all  bytes.Buffer
	text string
	seen func()
}

func (w *watchedOutput) String() string { return w.all.String() }

func (w *watchedOutput) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.text)) {
		w.seen()
	}
	return w.all.Write(p)
}
