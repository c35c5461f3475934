package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// known are errors of the packages, of which it says what happened, if the error itself does not say it well, and what to do next.
// FILE stands for the file's name, in next as a shell takes it.
var known = []struct {
	kind       error
	what, next string
}{
	{bizydb.ErrConnect, "Cannot connect to the server", "Check that the server runs and that DATABASE_URL is right. Then run the same command again."},
	{bizydb.ErrNotMigrated, "", "Migrate as the owner of the tables: see docs/guide.md. Then run the same command again."},
	{bizydb.ErrSchemaNewer, "", "Use the sqlite-import of the bizydb that migrated the database."},
	{bizydb.ErrSchemaUnreleased, "", "Migrate a new database: this one is from before the first release."},
	{bizydb.ErrPrivilegedLogin, "", "Put the service's login into DATABASE_URL: see docs/guide.md."},
	{bizydb.ErrUnprotected, "", "Run the SQL in this message as the owner of the tables, or call schema.Protect. Then run the same command again."},
	{bizydb.ErrMissingGrant, "", "Run the SQL in this message as the owner of the tables, or as a superuser. Then run the same command again."},
	{bizydb.ErrSimpleProtocol, "", "Take default_query_exec_mode out of DATABASE_URL, or set it to another mode."},
	{bizydb.ErrConfig, "", "Correct DATABASE_URL or the setting. Then run the same command again."},
	{bizydb.ErrNoUser, "The account has been deleted or deactivated", "Check the account."},
	{bizydb.ErrContention, "The import lost to another transaction of the same user", runAgain},
	{bizydb.ErrUnavailable, "The connection was lost, or the server could not go on", runAgain},
	{sqliteimport.ErrOtherClock, "Times would be read differently than in an earlier import", "Give the same -zone and -upgraded as then. If the planner's machine or version has changed since, add -other-zone."},
	{sqliteimport.ErrInUse, "FILE is being written to", "Wait until the planner has ended. Then run the same command again."},
	{sqliteimport.ErrDamaged, "FILE is damaged", "Take a copy from a backup. Or save what can be read with SQLite's own tool, and import that:\n\tsqlite3 FILE .recover | sqlite3 recovered.db"},
	{sqliteimport.ErrNotSQLite, "FILE is not an SQLite file", "Name the planner's file. It is $BUSINESS_AGENT_DB, else " + planners + "."},
	{sqliteimport.ErrNotPlanner, "FILE is an SQLite file, but not the planner's", "Name the planner's file. It is $BUSINESS_AGENT_DB, else " + planners + "."},
}

// explain says what happened, what is in the database now, and what to do next.
func (j *job) explain(ctx context.Context, err error) string {
	f := failure{what: sentence(err), next: runAgain}
	for _, k := range known {
		if errors.Is(err, k.kind) {
			if _, detail, found := strings.Cut(err.Error(), k.kind.Error()); found && k.what != "" {
				f.what = strings.ReplaceAll(k.what, "FILE", j.path) + oneLine(detail) + "."
			}
			f.next = strings.ReplaceAll(k.next, "FILE", forShell(j.path))
			break
		}
	}
	if said, ok := errors.AsType[*failure](err); ok {
		f = *said
	} else if interrupted(ctx, err) {
		f.what, f.next = "Interrupted.", runAgain
	}
	if f.state != "" { // after the summary
		return fmt.Sprintf("%s\n%s\n%s\n", f.what, f.state, f.next)
	}
	s := fmt.Sprintf("%s\nNothing was imported.%s\n%s\n", f.what, j.account.afterFailure(), f.next)
	if j.account.state == registered {
		s += j.account.howToSignIn()
	}
	return s
}

// needsNoQuotes is what a POSIX shell, and a program, takes for a file's name as it is.
var needsNoQuotes = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./:@%+=,-]*$`)

// forShell quotes a file's name for a POSIX shell.
func forShell(path string) string {
	if strings.HasPrefix(path, "-") { // which would be a flag
		path = "./" + path
	}
	if needsNoQuotes.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// inPackage is how the packages' errors begin.
var inPackage = regexp.MustCompile(`^(sqliteimport: )?(bizydb: \w+: )?`)

// sentence makes one of an error's text.
func sentence(err error) string {
	text := oneLine(inPackage.ReplaceAllString(err.Error(), ""))
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// oneLine joins the lines of an error, each of them once: pgx says the same for each try.
func oneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.TrimSuffix(strings.Join(lines, " "), ".")
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
