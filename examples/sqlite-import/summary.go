package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// summary prints the report, what matters most at the end. It says where the findings are if they have been written to a file.
func (j *job) summary(to screen, report sqliteimport.Report, inFile bool) {
	if j.unknown {
		report.DryRun = true // rows to import, not imported ones
	}
	to.printf("%s for %s\n\n%s", j.path, j.email, report.String())
	to.printf("%s\n%s", j.zoneFrom, checkTimes(report))
	switch {
	case inFile:
		to.printf("Every finding is in %s.\n", j.reportFile)
	case !slices.ContainsFunc(report.Kinds, func(k sqliteimport.Kind) bool { return k.Count > len(k.Examples) }):
	case j.options.DryRun:
		to.printf("-report FILE writes every finding to a file.\n")
	default:
		to.printf("-report FILE would have written every finding to a file. The next import may not find them again.\n")
	}
	to.printf("%s", since(report))
	if what := rows(report.Goals.Refused, report.Tasks.Refused); what != "" {
		to.printf("Left out, because of -strict: %s. Correct them in the file and import it again, or import it without -strict.\n", what)
	}
	to.printf("\n%s\n", j.outcome(report))
	if j.account.state == registered {
		to.printf("-create registered %s.\n%s", j.account, j.account.howToSignIn())
	}
}

// checkTimes says what to check if times may have been read wrongly.
func checkTimes(report sqliteimport.Report) string {
	switch {
	case slices.ContainsFunc(report.Kinds, func(k sqliteimport.Kind) bool {
		return k.Table == "tasks" && (k.Problem == sqliteimport.CompletedBeforeCreated || k.Problem == sqliteimport.InFuture)
	}):
		return "Check -zone and -upgraded: times of tasks are in the future or contradict each other. A later import does not correct them.\n"
	case report.DryRun && report.Goals.Known+report.Tasks.Known == 0:
		return "Check the zone: a later import does not correct times.\n"
	default:
		return ""
	}
}

// since says what has happened in the file since an earlier import, and what that means.
func since(report sqliteimport.Report) string {
	var s string
	if what := rows(report.Goals.Changed, report.Tasks.Changed); what != "" {
		s += "Changed in the file since the last import: " + what + ". "
	}
	if what := rows(report.Goals.NotInFile, report.Tasks.NotInFile); what != "" {
		s += "No longer in the file: " + what + ". "
	}
	if s != "" {
		s += "In bizydb they stay as they are: repeat by hand what matters.\n"
	}
	return s
}

// outcome says in a sentence or two what the import has done.
func (j *job) outcome(report sqliteimport.Report) string {
	switch what := rows(report.Goals.Imported, report.Tasks.Imported); {
	case j.unknown:
		return fmt.Sprintf("To be imported for %s: %s.", j.email, what)
	case report.DryRun && what == "":
		return "This was a dry run. There is nothing to import: the file has no new rows."
	case report.DryRun && j.account.state == wouldRegister:
		return fmt.Sprintf("This was a dry run: nothing was written. Without -dry-run the import registers %s, with the username %s, and imports %s.", j.email, j.account.username, what)
	case report.DryRun:
		return fmt.Sprintf("This was a dry run: nothing was written. Without -dry-run the import adds %s.", what)
	case what == "":
		return "Nothing was imported: the file has no new rows."
	default:
		return fmt.Sprintf("Imported for %s: %s.", j.email, what)
	}
}

// rows says how many rows there are, if there are any.
func rows(goals, tasks int) string {
	var parts []string
	for _, part := range []struct {
		n    int
		kind string
	}{{goals, "goal"}, {tasks, "task"}} {
		switch part.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+part.kind)
		default:
			parts = append(parts, strconv.Itoa(part.n)+" "+part.kind+"s")
		}
	}
	return strings.Join(parts, " and ")
}
