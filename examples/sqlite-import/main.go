// Sqlite-import moves a person from the single-user planner to bizydb: it imports the tasks and goals in the planner's
// SQLite file for a user.
//
//	export DATABASE_URL=postgres://planner_service@localhost/planner
//	go run ./examples/sqlite-import -user ada@example.org -create -zone Europe/Berlin -dry-run ~/.business-agent/tasks.db
//	go run ./examples/sqlite-import -user ada@example.org -create -zone Europe/Berlin -report ada.jsonl ~/.business-agent/tasks.db
//
// DATABASE_URL is the connection string of the service's login. Without an argument the file is the one that
// BUSINESS_AGENT_DB names, else the planner's own. It is only read, also while the planner has it open; if it has a log (-wal)
// without an index (-shm), SQLite creates the index. An import is atomic and idempotent: it can be run again, and adds what is
// new in the file.
//
// The zone is the one of the machine that the planner ran on: -zone, else TZ, else the zone of this machine. The planner's version
// of 2025-10-11 began to write the times at which tasks were created in that zone; -upgraded says since which day a person has had
// it, or never. A later import of the file has to have the same zone and day, unless -other-zone says that it does not.
//
// With -create a user who does not exist is registered, with a random password that nobody knows: let the user reset it, or
// call SetPassword. The file is read before that. If the import fails afterwards the account stays, and a message says so. A dry
// run says which username the account would have, and fails if the name is taken or invalid.
//
// The last lines say what was imported, above them are the findings: a few examples of each kind. With -report all of them
// are written to a file, a JSON object on each line, the last of them the report itself. If the answer to the commit is lost,
// the report gets a name of its own, with .unknown in it: running the import again may not find the same again.
//
// The exit status is 0 after success, 1 after a failure, 2 after a wrong command line, and 130 after an interrupt.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once

	debug.SetMemoryLimit(maxMemory)
	os.Exit(command(ctx, os.Args[1:], console{newScreen(os.Stdout), newScreen(os.Stderr)}))
}

// maxMemory is where the garbage collector begins to work harder. A file of a million tasks needs two thirds of it.
const maxMemory = 160 << 20
