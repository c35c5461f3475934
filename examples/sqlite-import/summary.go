package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// summary prints the report, what matters most at the end. It says where the findings are if they have been written to a file.
func (j *job) summary(to screen, report sqliteimport.Report, inFile bool) {
	to.printf("%s for %s\n\n", j.path, j.email)
	printKinds(to, report.Kinds)
	printLeftBehind(to, report.LeftBehind)
	printCounts(to, report, report.DryRun || j.unknown)
	to.printf("Time zone: %s, %s.%s\n", report.Zone, j.zoneFrom, checkIt(report))
	switch {
	case inFile:
		to.printf("Every finding is in %s.\n", j.reportFile)
	case moreThanPrinted(report.Kinds):
		to.printf("-report FILE writes every finding to a file.\n")
	}
	to.printf("%s\n", j.outcome(report))
	if j.account.state == registered {
		to.printf("%s", j.account.howToSignIn())
	}
}

func printLeftBehind(to screen, left []sqliteimport.LeftBehind) {
	if len(left) == 0 {
		return
	}
	to.printf("Not imported, since bizydb has no place for it:\n")
	for _, l := range left {
		rows := "an unknown number of rows"
		if l.Rows >= 0 {
			rows = count(l.Rows, "row")
		}
		to.printf("  %s: %s\n", plain(l.Name), rows)
	}
	to.printf("\n")
}

func printCounts(to screen, report sqliteimport.Report, future bool) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	imported := "imported"
	if future {
		imported = "to import"
	}
	fmt.Fprintf(w, "\tin the file\t%s\timported before\tleft out\t\n", imported)
	for _, row := range []struct {
		name string
		sqliteimport.Counts
	}{{"goals", report.Goals}, {"tasks", report.Tasks}} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", row.name, row.InFile, row.Imported, row.Known, row.Refused)
	}
	_ = w.Flush() // to memory
	to.printf("%s\n", table.String())
}

// checkIt warns before a first import.
func checkIt(report sqliteimport.Report) string {
	if !report.DryRun || report.Goals.Known+report.Tasks.Known > 0 {
		return ""
	}
	return " Check it: a later import does not correct times."
}

// outcome says in a sentence or two what the import has done.
func (j *job) outcome(report sqliteimport.Report) string {
	var rows []string
	if n := report.Goals.Imported; n > 0 {
		rows = append(rows, count(n, "goal"))
	}
	if n := report.Tasks.Imported; n > 0 {
		rows = append(rows, count(n, "task"))
	}
	what := strings.Join(rows, " and ")
	switch {
	case report.DryRun && what == "":
		return "This was a dry run. There is nothing to import: the file has nothing new."
	case report.DryRun && j.account.state == wouldRegister:
		return fmt.Sprintf("This was a dry run: nothing was written. Without -dry-run the import registers %s, with the username %s, and imports %s.", j.email, j.account.username, what)
	case report.DryRun:
		return fmt.Sprintf("This was a dry run: nothing was written. Without -dry-run the import adds %s.", what)
	case what == "":
		return "Nothing was imported: the file has nothing new."
	case j.unknown:
		return fmt.Sprintf("To be imported for %s: %s.", j.email, what)
	default:
		return fmt.Sprintf("Imported for %s: %s.", j.email, what)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
