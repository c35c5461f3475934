package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// A failure is an error in words: what happened, what is in the database now, and what to do next.
type failure struct {
	what  string
	state string // empty if nothing was imported
	next  string
	err   error // nil if the words say it all
}

func (f *failure) Error() string { return f.what }
func (f *failure) Unwrap() error { return f.err }

const runAgain = "Run the same command again."

// steps say what to do next after errors of the packages.
var steps = []struct {
	kind error
	next string
}{
	{bizydb.ErrConnect, "Check that the server runs and that DATABASE_URL is right. Then run the same command again."},
	{bizydb.ErrNotMigrated, "Do that as the owner of the tables: see “Set up a database” in the README. Then run the same command again."},
	{bizydb.ErrSchemaNewer, "Use the sqlite-import of the bizydb that migrated the database."},
	{bizydb.ErrSchemaUnreleased, "Migrate a new database: this one is from before the first release."},
	{bizydb.ErrPrivilegedLogin, "Put the service's login into DATABASE_URL: see “Set up a database” in the README."},
	{bizydb.ErrUnprotected, "Mend the database as the owner of its tables, as said above or with schema.Protect. Then run the same command again."},
	{bizydb.ErrMissingGrant, "Give the grant as the owner of the tables, as said above or with schema.Protect. Then run the same command again."},
	{bizydb.ErrSimpleProtocol, "Take default_query_exec_mode out of DATABASE_URL, or set it to another mode."},
	{bizydb.ErrConfig, "Mend what is said above, in DATABASE_URL or on the server. Then run the same command again."},
	{bizydb.ErrNoUser, "The account was deleted or deactivated meanwhile: check it."},
	{bizydb.ErrContention, runAgain},
	{bizydb.ErrUnavailable, runAgain},
	{sqliteimport.ErrOtherZone, "Name the zone of the first import with -zone. If the file was really written in another zone since, add -other-zone."},
	{sqliteimport.ErrInUse, "Wait until the planner has ended, or stop it. Then run the same command again."},
	{sqliteimport.ErrDamaged, "Take a copy from a backup. Or save what can be read with SQLite's own tool, and import that:\n\tsqlite3 damaged.db .recover | sqlite3 recovered.db"},
	{sqliteimport.ErrNotSQLite, "Name the planner's file. It is $BUSINESS_AGENT_DB, else " + planners + "."},
	{sqliteimport.ErrNotPlanner, "Name the planner's file. It is $BUSINESS_AGENT_DB, else " + planners + "."},
}

// explain says what happened, what is in the database now, and what to do next.
func (j *job) explain(ctx context.Context, err error) string {
	f := failure{what: j.sentence(err), next: runAgain}
	for _, step := range steps {
		if errors.Is(err, step.kind) {
			f.next = step.next
			break
		}
	}
	if said, ok := errors.AsType[*failure](err); ok {
		f = *said
	} else if interrupted(ctx, err) {
		f.what = "Interrupted."
	}
	if f.state == "" {
		f.state = "Nothing was imported."
	}
	return fmt.Sprintf("%s\n%s%s\n%s\n", f.what, f.state, j.account.afterFailure(), f.next)
}

// sentence makes one of an error's text, in which pgx says the same for each try on a line of its own.
func (j *job) sentence(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	text := strings.Join(lines, " ")
	for _, prefix := range []string{"sqliteimport: ", "bizydb: ", "open: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if !strings.HasPrefix(text, j.path) {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	return strings.TrimSuffix(text, ".") + "."
}

// exitStatus is what the shell gets.
func exitStatus(ctx context.Context, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	case interrupted(ctx, err):
		return 130
	default:
		return 1
	}
}

func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.Is(err, bizydb.ErrOutcomeUnknown)
}
