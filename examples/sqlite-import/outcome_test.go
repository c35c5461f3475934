package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// Where the answer to the commit is lost, the report is kept, and the command says how to go on.
func TestOutcomeUnknown(t *testing.T) {
	db := bizydbtest.New(t)
	user, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse")})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", losesCommits(t, db.DSN))
	path, report := plannerFile(t), filepath.Join(t.TempDir(), "report.jsonl")
	out, stderr, status := run(t, "-user", user.Email, "-zone", "Europe/Berlin", "-report", report, path)
	if status != 1 {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	wantLines(t, stderr,
		"The answer to the commit was lost.", "Whether the import was committed is not known.",
		"Run the same command again: it imports only what is missing. Keep this report, since the next one will not have the same findings.")
	wantLines(t, out, " +tasks +3 +3 +0 +0", "Every finding is in "+regexp.QuoteMeta(report)+`\.unknown\.\d+\.`, `To be imported for ada@example.org: 1 goal and 3 tasks\.`)
	kept, err := filepath.Glob(report + ".unknown.*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("%q are kept, error %v; want one", kept, err)
	}
	wantReportFile(t, kept[0])

	// The same again finds nothing any more, and leaves what is kept.
	t.Setenv("DATABASE_URL", db.DSN)
	wantLines(t, succeeds(t, "-user", user.Email, "-zone", "Europe/Berlin", "-report", report, path), " +tasks +3 +0 +3 +0")
	if left, err := filepath.Glob(report + "*"); err != nil || len(left) != 2 {
		t.Errorf("%q are there, error %v; want the new report and the one that was kept", left, err)
	}
}

// losesCommits returns a connection string to the same server, by a way on which the answers to commits are lost.
func losesCommits(t *testing.T, dsn string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, address)
			if err != nil {
				_ = client.Close()
				continue
			}
			var lost atomic.Bool // what comes next, which is the answer
			forward := func(to, from net.Conn, pass func([]byte) bool) {
				defer to.Close()
				b := make([]byte, 64<<10)
				for {
					n, err := from.Read(b)
					if err != nil || !pass(b[:n]) {
						return
					}
					if _, err := to.Write(b[:n]); err != nil {
						return
					}
				}
			}
			go forward(client, server, func([]byte) bool { return !lost.Load() })
			go forward(server, client, func(b []byte) bool {
				if bytes.Contains(b, []byte("commit\x00")) {
					lost.Store(true)
				}
				return true
			})
		}
	}()
	through, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	through.Host = listener.Addr().String()
	settings := through.Query() // with the exec mode that a pooler may need
	settings.Set("sslmode", "disable")
	settings.Del("host")
	through.RawQuery = settings.Encode()
	return through.String()
}

// A report that cannot be completed is left as it is, and the first error is the one that is said.
func TestReportIsNotComplete(t *testing.T) {
	dir := t.TempDir()
	f, err := createReportFile(filepath.Join(dir, "report.jsonl"), "tasks.db")
	if err != nil {
		t.Fatal(err)
	}
	finding := sqliteimport.Finding{Table: "tasks", ID: 1, Old: strings.Repeat("x", 200)}
	for range 100 {
		f.add(finding)
	}
	if err := f.out.Flush(); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	f.out.Reset(failing{full})
	for range 100_000 {
		f.add(finding)
	}
	err = f.finish(sqliteimport.Report{})
	want := fmt.Sprintf("what there is of it is in %s: %v", f.temp.Name(), full)
	if !errors.Is(err, full) || err.Error() != want {
		t.Errorf("error %.300v, want %q", err, want)
	}
	f.drop()
	content, err := os.ReadFile(f.temp.Name())
	if err != nil || bytes.Count(content, []byte("\n")) != 100 {
		t.Errorf("%d lines are left (error %v), want 100", bytes.Count(content, []byte("\n")), err)
	}
	if _, err := os.Stat(f.name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: error %v, want that it is not there", f.name, err)
	}
}

// Where the summary cannot be printed the command says whether running it again shows the same.
func TestSummaryIsNotPrinted(t *testing.T) {
	db := bizydbtest.New(t)
	t.Setenv("DATABASE_URL", db.DSN)
	path := plannerFile(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-dry-run"}, "Nothing was written: this was a dry run.\nMake room, or name another file. Then run the same command again.\n"},
		{nil, "The import itself succeeded.\nThe next import will not have the same findings.\n"},
	} {
		var stderr bytes.Buffer
		args := append(c.args, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", path)
		status := command(t.Context(), args, console{screen{Writer: failing{errors.New("no space left on device")}}, screen{Writer: &stderr}})
		if want := "But the summary could not be printed: no space left on device.\n" + c.says; status != 1 || stderr.String() != want {
			t.Errorf("%v: %q, exit status %d, want %q", c.args, stderr.String(), status, want)
		}
	}
}

type failing struct{ err error }

func (w failing) Write([]byte) (int, error) { return 0, w.err }
