// Quickstart does with bizydb what a service does: it sets up a database and a login, registers two users, loads a
// small company's goals and tasks for one of them, works on them, and shows that the other one gets nothing.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -load my-company.json
//
// It uses the PostgreSQL server that DATABASE_URL names, whose role may create databases and roles, or starts one of its
// own in a container or from installed or fetched binaries. What it makes it removes at the end, also after Ctrl-C.
//
// Files to load are JSON like company.json beside this one: goals with goals and tasks in them. A date is a number of days
// from today, like 12 or -3, or a day, like "2027-03-31". Every field but the title can be left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/bizy-ai/bizydb/bizydb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	// A reader who leaves early, like "| head", must not keep us from cleaning up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	code := exitCode(err)
	if code == 1 {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
	}
	os.Exit(code)
}

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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("load", "", "load goals and tasks from `FILE`, in the form of examples/quickstart/company.json, instead of that one")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "quickstart takes no arguments, but got %q; name a file to load with -load\n", flags.Arg(0))
		return errUsage
	}

	company, err := readCompany(*file)
	if err != nil {
		return err
	}
	r := newReport(stdout)
	return errors.Join(show(ctx, r, company), r.err)
}

// show sets up, shows everything and cleans up.
func show(ctx context.Context, r *report, company *company) (err error) {
	r.heading("Find or start a PostgreSQL server")
	s, err := findServer(ctx, r)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx) // says more than the call that it cut off
		}
		err = errors.Join(err, s.cleanUp(context.WithoutCancel(ctx), r))
	}()

	r.section("As its operator: a database, and a login that owns nothing")
	if err := s.makeDatabase(ctx, r); err != nil {
		return err
	}

	r.section("As the service: open it")
	db, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	r.section("Register two users; bcrypt is slow on purpose, about 0.3 s for a password")
	alice, err := register(ctx, r, db, "alice")
	if err != nil {
		return err
	}
	bob, err := register(ctx, r, db, "bob")
	if err != nil {
		return err
	}
	r.section("Load " + company.name + " for Alice, all of it or nothing")
	if err := load(ctx, r, alice, company); err != nil {
		return err
	}

	r.section("Work on it as Alice, one call at a time")
	if err := work(ctx, r, alice); err != nil {
		return err
	}
	r.section("Where Alice's goals stand")
	goal, task, err := printTree(ctx, r, alice)
	if err != nil {
		return err
	}
	r.section("As Bob, on the same connections: nothing")
	if err := tryAsBob(ctx, r, bob, goal, task); err != nil {
		return err
	}
	r.section("By hand, on the service's own connection: nothing either")
	if err := tryByHand(ctx, r, db); err != nil {
		return err
	}
	r.summary()
	return nil
}

func register(ctx context.Context, r *report, db *bizydb.DB, name string) (bizydb.Scope, error) {
	var user bizydb.User
	err := r.step("Register", 1, func() (string, error) {
		var err error
		user, err = db.Accounts().Register(ctx, bizydb.RegisterParams{
			Email: name + "@example.org", Username: name, Password: bizydb.NewPassword("correct horse battery"),
		})
		return fmt.Sprintf("%s is user %d", name, user.ID), err
	})
	return db.As(user.ID), err
}
