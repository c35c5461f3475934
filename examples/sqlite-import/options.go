package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// A job is what the command line asks for.
type job struct {
	dsn, path       string
	email, username string
	create          bool
	zoneFrom        string // a sentence that says where the zone was taken from
	reportFile      string
	options         sqliteimport.Options
	account         account
	unknown         bool // whether the import was committed
}

var errUsage = errors.New("wrong command line")

const usage = `usage: sqlite-import -user EMAIL [flags] [FILE]

Imports the SQLite planner's tasks and goals for a user of bizydb. FILE is $BUSINESS_AGENT_DB, else ` + planners + `, unless you name another one. It is only read. DATABASE_URL is the connection string of the service's login.

`

// planners is where the planner keeps its tasks.
const planners = "~/.business-agent/tasks.db"

// parse reads the command line. It returns flag.ErrHelp after it has printed help.
func parse(args []string, c console) (*job, error) {
	j := &job{dsn: os.Getenv("DATABASE_URL")}
	flags := flag.NewFlagSet("sqlite-import", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.StringVar(&j.email, "user", "", "import for the user with the address `EMAIL`")
	flags.BoolVar(&j.create, "create", false, "register the user if nobody has the address")
	flags.StringVar(&j.username, "username", "", "with -create: register the user as `NAME`, instead of what is before the @ of the address")
	zone := ""
	flags.Func("zone", "the planner ran on a machine in the time zone `ZONE`, such as Europe/Berlin; without it TZ counts, else the zone of this machine", func(name string) error {
		_, err := location(name)
		zone = name
		return err
	})
	flags.BoolVar(&j.options.AllowOtherClock, "other-zone", false, "import although an earlier import had another time zone or another -upgraded: the person has moved or upgraded since, say")
	flags.Func("upgraded", "the person got the planner's version of 2025-10-11 on the day `DATE`, such as 2025-11-03, or never; before it, the planner wrote when a task was created in UTC; without it 2025-10-11", func(day string) (err error) {
		if day == "never" {
			j.options.UpgradedOn = sqliteimport.NeverUpgraded
			return nil
		}
		if j.options.UpgradedOn, err = time.Parse(time.DateOnly, day); err != nil {
			return errors.New("it is not a day such as 2025-11-03, or never")
		}
		return nil
	})
	flags.BoolVar(&j.options.DryRun, "dry-run", false, "write nothing, and say what would be written")
	flags.BoolVar(&j.options.Strict, "strict", false, "leave out rows with a value that would have to be repaired")
	flags.BoolVar(&j.options.DropProjects, "drop-projects", false, "leave out the projects of tasks and goals, which become tags and metrics otherwise")
	flags.StringVar(&j.reportFile, "report", "", "write every finding to `FILE`")

	files, err := parseAll(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.out.printf(usage)
		flags.VisitAll(func(f *flag.Flag) {
			value, explained := flag.UnquoteUsage(f)
			c.out.printf("%s\n    %s\n", strings.TrimRight("  -"+f.Name+" "+value, " "), explained)
		})
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	case j.email == "":
		return nil, fmt.Errorf("%w: -user is missing: the email address of the user to import for", errUsage)
	case j.dsn == "":
		return nil, fmt.Errorf("%w: DATABASE_URL is not set: it is the connection string of the service's login", errUsage)
	case j.username != "" && !j.create:
		return nil, fmt.Errorf("%w: -username is of use only with -create", errUsage)
	case len(files) > 1:
		return nil, fmt.Errorf("%w: one file at a time, not %d: %s", errUsage, len(files), strings.Join(files, ", "))
	}
	if j.options.Zone, j.zoneFrom, err = chooseZone(zone); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return j, j.chooseFile(files)
}

// parseAll parses flags before, between and after the arguments that are none, which it returns.
func parseAll(flags *flag.FlagSet, args []string) (others []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return others, nil
		}
		if at := len(args) - len(rest); at > 0 && args[at-1] == "--" {
			return append(others, rest...), nil
		}
		others, args = append(others, rest[0]), rest[1:]
	}
}

// chooseFile finds the planner's file, and looks whether it can be read.
func (j *job) chooseFile(named []string) error {
	var missing error
	switch path := os.Getenv("BUSINESS_AGENT_DB"); {
	case len(named) == 1:
		j.path = named[0]
		missing = &failure{
			what: "There is no file " + j.path + ".",
			next: "Name the planner's file. Without a name it is $BUSINESS_AGENT_DB, else " + planners + ".",
		}
	case path != "":
		j.path = path
		missing = &failure{
			what: "There is no file " + j.path + ", which the environment variable BUSINESS_AGENT_DB names.",
			next: "Name the planner's file, as an argument or in BUSINESS_AGENT_DB.",
		}
	default:
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		j.path = filepath.Join(home, filepath.FromSlash(strings.TrimPrefix(planners, "~/")))
		missing = &failure{
			what: "There is no file " + planners + ", where the planner keeps its tasks, and the environment variable BUSINESS_AGENT_DB names no other one.",
			next: "Name the file, as an argument or in BUSINESS_AGENT_DB. The planner's first version kept it as data/tasks.db in its own folder, and with BIZY_ENV=development it is called dev_tasks.db.",
		}
	}
	f, err := os.Open(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing
	case err != nil:
		return &failure{what: "The file cannot be read: " + err.Error() + ".", next: "Make it readable, or copy it to where you can read it.", err: err}
	}
	return f.Close()
}

// location returns the zone of a name.
func location(name string) (zone *time.Location, err error) {
	if name == "" { // which would be UTC
		return nil, errors.New("it is empty")
	}
	if zone, err = planner.TimeZone(name).Location(); err != nil {
		return nil, errors.New("it is not a name in the IANA database, such as Europe/Berlin")
	}
	return zone, nil
}
