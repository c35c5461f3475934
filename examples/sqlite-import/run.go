package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// command is the whole command: it imports, says what came of it, and returns the exit status.
func command(ctx context.Context, args []string, c console) int {
	j, err := parse(args, c)
	if err == nil {
		err = j.run(ctx, c)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		c.err.printf("sqlite-import: %s (-h lists the flags)\n", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
	default:
		c.err.printf("%s", j.explain(ctx, err))
	}
	return exitStatus(ctx, err)
}

func (j *job) run(ctx context.Context, c console) error {
	j.options.OnFinding = func(sqliteimport.Finding) {} // the report has examples
	var file *reportFile
	if j.reportFile != "" {
		var err error
		if file, err = createReportFile(j.reportFile, j.path); err != nil {
			return &failure{what: "The report cannot be written: " + err.Error() + ".", next: "Name another file with -report.", err: err}
		}
		defer file.drop()
		j.options.OnFinding = func(f sqliteimport.Finding) { file.add(f) }
	}
	bar := &bar{to: c.err}
	defer bar.finish()
	bar.start("connecting", -1)
	db, err := bizydb.Open(ctx, j.dsn)
	if err != nil {
		return err
	}
	defer db.Close()

	bar.start("opening the file", -1)
	j.options.OnProgress = bar.show
	if err := j.findUser(ctx, db); err != nil {
		return err
	}
	report, err := sqliteimport.Import(ctx, db, j.account.id, j.path, j.options)
	bar.finish()
	j.unknown = errors.Is(err, bizydb.ErrOutcomeUnknown)
	if err != nil && !j.unknown {
		return err
	}
	// From here on it has been written, or may have been.
	reportErr := j.finishReport(report, file)
	var text bytes.Buffer
	j.summary(screen{&text, c.out.width}, report, file != nil && reportErr == nil)
	_, printErr := c.out.Write(text.Bytes())
	if j.unknown {
		f := &failure{
			what:  "The answer to the commit was lost.",
			state: "Whether the import was committed is not known.",
			next:  "Run the same command again: it imports only what is missing.",
			err:   err,
		}
		if file != nil {
			f.next += " Keep this report, since the next one will not have the same findings."
		}
		err = f
	} else if reportErr != nil {
		err = j.succeededBut("the report is not complete", reportErr)
	} else if printErr != nil {
		err = j.succeededBut("the summary could not be printed", printErr)
	}
	return err
}

// finishReport completes the report file, if there is one. If the outcome is not known the file gets a name of its own: whatever
// runs next may not find any of it again, and must not take its place.
func (j *job) finishReport(report sqliteimport.Report, file *reportFile) error {
	if file == nil {
		return nil
	}
	if j.unknown {
		file.name += ".unknown" + filepath.Ext(file.temp.Name())
		j.reportFile = file.name
	}
	return file.finish(report)
}

func (j *job) succeededBut(what string, err error) error {
	f := &failure{
		what:  fmt.Sprintf("But %s: %v.", what, err),
		state: "The import itself succeeded.",
		next:  "The next import will not have the same findings.",
		err:   err,
	}
	if j.options.DryRun {
		f.state, f.next = "Nothing was written: this was a dry run.", "Make room, or name another file. Then run the same command again."
	}
	return f
}
