// Sqlite-import moves a person from the single-user planner to bizydb: it brings the tasks and goals in the planner's
// SQLite file to a user.
//
//	export DATABASE_URL=postgres://planner_service@localhost/planner
//	go run ./examples/sqlite-import -user ada@example.org -dry-run ~/.business-agent/tasks.db
//	go run ./examples/sqlite-import -user ada@example.org -zone Europe/Berlin -report ada.jsonl ~/.business-agent/tasks.db
//
// DATABASE_URL is the connection string of the service's login. The file is the one that BUSINESS_AGENT_DB names, or the
// planner's own, if none is given. It is only read, also while the planner has it open; where it has a log (-wal) without
// an index (-shm) beside it, SQLite makes one. All of it is written or, if anything fails, nothing. It can be run again: what
// has been imported is not imported twice, and what is new comes in.
//
// With -create a user who is not there is registered, with a password that nobody knows: let the user have it reset. The
// file is read before that. If the import fails later, because the server is lost, say, the account stays. A dry run says as
// whom the user would be registered, and fails if the name is taken or no username.
//
// The report is printed, and with -report everything that was not taken over as it was is written to a file: a JSON object
// on each line, the last of them the report itself. Where the answer to the commit is lost, what was to be committed is in a
// file of its own, with .unknown after the name: running it again may not find it again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once

	debug.SetMemoryLimit(maxMemory)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr, term.IsTerminal(int(os.Stderr.Fd())))
	code := exitCode(err)
	if code == 1 {
		fmt.Fprintln(os.Stderr, "sqlite-import:", err)
	}
	os.Exit(code)
}

// maxMemory is where the garbage collector begins to work harder. A file of a million tasks needs two thirds of it.
const maxMemory = 160 << 20

var errUsage = errors.New("wrong usage") // which has been explained

func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		return 1
	}
}

// A job is what the command line asks for.
type job struct {
	dsn, path       string
	email, username string
	create          bool
	reportFile      string
	options         sqliteimport.Options
}

func parse(args []string, stderr io.Writer) (*job, error) {
	j := &job{dsn: os.Getenv("DATABASE_URL")}
	flags := flag.NewFlagSet("sqlite-import", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: sqlite-import -user EMAIL [flags] [FILE]")
		flags.PrintDefaults()
		fmt.Fprintln(stderr, "FILE is only read. Where it has a log (-wal) without an index (-shm) beside it, SQLite makes one.")
	}
	flags.StringVar(&j.email, "user", "", "import for the user with the address `EMAIL`")
	flags.BoolVar(&j.create, "create", false, "register the user if there is none")
	flags.StringVar(&j.username, "username", "", "`NAME` of the user who is registered, instead of what is before the @")
	flags.Func("zone", "time `ZONE` of the machine that the planner ran on, like Europe/Berlin, instead of this machine's", func(name string) error {
		if name == "" { // which would be UTC
			return errors.New("it has no name")
		}
		zone, err := planner.TimeZone(name).Location()
		j.options.Zone = zone
		return err
	})
	flags.BoolVar(&j.options.DryRun, "dry-run", false, "write nothing, but report what would be done")
	flags.BoolVar(&j.options.Strict, "strict", false, "leave out rows with values that would have to be repaired")
	flags.BoolVar(&j.options.DropProjects, "drop-projects", false, "make no tags and metrics of projects")
	flags.StringVar(&j.reportFile, "report", "", "write all that was not taken over as it was to `FILE`")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errUsage
	}
	wrong := func(what string) error {
		fmt.Fprintln(stderr, what)
		flags.Usage()
		return errUsage
	}
	switch {
	case j.email == "":
		return nil, wrong("-user is missing")
	case j.dsn == "":
		return nil, wrong("DATABASE_URL is not set: it is the connection string of the service's login")
	case j.username != "" && !j.create:
		return nil, wrong("-username goes with -create")
	case flags.NArg() > 1:
		return nil, wrong(fmt.Sprintf("one file at a time, not %q", flags.Args()))
	}
	var err error
	if j.path = flags.Arg(0); j.path == "" {
		j.path, err = plannersFile()
	}
	return j, err
}

// plannersFile is where the planner keeps its tasks.
func plannersFile() (string, error) {
	if path := os.Getenv("BUSINESS_AGENT_DB"); path != "" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".business-agent", "tasks.db"), err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, terminal bool) error {
	j, err := parse(args, stderr)
	if err != nil {
		return err
	}
	db, err := bizydb.Open(ctx, j.dsn)
	if err != nil {
		return err
	}
	defer db.Close()

	findings := &findings{}
	if j.reportFile != "" {
		if findings.file, err = createReportFile(j.reportFile, j.path); err != nil {
			return err
		}
		defer findings.file.drop()
	}
	j.options.OnFinding = findings.add
	if terminal {
		bar := &bar{to: stderr}
		defer bar.finish()
		j.options.OnProgress = bar.show
	}

	user, err := j.findUser(ctx, db, stderr)
	if err != nil {
		return err
	}
	if j.options.Zone == nil {
		fmt.Fprintf(stderr, "Times are read in the time zone of this machine, now %s; -zone names another one.\n", time.Now().Format("UTC-07:00"))
	}
	report, err := sqliteimport.Import(ctx, db, user, j.path, j.options)
	unknown := errors.Is(err, bizydb.ErrOutcomeUnknown)
	if err != nil && !unknown {
		return err
	}
	// From here on it has been written, or may have been.
	if unknown {
		err = fmt.Errorf("whether the import was committed is not known; run it again, which brings only what is missing, and keep this report: %w", err)
		fmt.Fprintln(stdout, "To be committed:")
	}
	var reportErr error
	if findings.file != nil {
		if unknown { // whatever runs next may not find any of it again, and must not take its place
			findings.file.name += ".unknown" + filepath.Ext(findings.file.temp.Name())
			j.reportFile = findings.file.name
		}
		if reportErr = findings.file.finish(report); reportErr != nil {
			reportErr = fmt.Errorf("the report is not complete: %w", reportErr)
		}
	}
	return errors.Join(err, reportErr, print(stdout, j, report, findings, findings.file != nil && reportErr == nil))
}
