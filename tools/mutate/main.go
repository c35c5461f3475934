// Mutate checks the tests: it breaks the project in small ways, one at a time, and reports which breaks no test notices.
//
// The list of breaks is mechanical, so that nobody's idea of what matters decides it:
//
//   - schema: in schema/*.sql, found with PostgreSQL's own parser. Each grantee, privilege, column and object of a GRANT or
//     REVOKE; each policy, also as USING (true) and WITH CHECK (true); row-level security; triggers; constraints, ON DELETE
//     actions, NOT NULL and DEFAULT; indexes; SECURITY DEFINER, search_path and row_security of functions, security_invoker
//     of views; each comparison and number in a CHECK or a function. What a later migration replaces or drops is left out.
//   - query: in queries/*/*.sql. Each WHERE term, ORDER BY term, LIMIT and comparison. The Go code is generated anew.
//   - go: what gremlins (github.com/go-gremlins/gremlins) lists for the packages, and each entry of a package's maps and
//     each case of a switch in a function that returns nothing but an error, which is where errors get their names.
//
// Run it from the top of the repository:
//
//	BIZYDBTEST_WAY=installed go run -C tools ./mutate -n 30 -seed 1
//
// It draws n breaks by the seed: three schema to one query to two Go, and within these evenly from each kind. For each it
// breaks a temporary copy, vets the package and runs the tests of the packages that depend on it until one fails. A break
// that does not compile, generate or migrate does not count; the next of its kind is drawn instead. A break that survives
// needs a test, or an argument that it changes nothing a caller could notice.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root := flag.String("root", "..", "the top of the repository")
	n := flag.Int("n", 30, "how many to draw, 0 for all")
	seed := flag.Uint64("seed", 1, "what to draw by")
	match := flag.String("match", "", "a regular expression: draw only from the mutants whose name it matches")
	list := flag.Bool("list", false, "list the mutants, do not draw")
	dryRun := flag.Bool("dry-run", false, "draw and show, do not test")
	baseline := flag.Bool("baseline", true, "run all tests once on the unbroken copy; without that a kill may have another cause")
	timeout := flag.Duration("timeout", 30*time.Minute, "how long the tests of a package may take")
	wrap := flag.String("wrap", "", `a command that runs each go test, such as "flock /tmp/lock"`)
	only := flag.String("run", "", "run only the tests that match, as go test does; what survives these has to be tried with all")
	packages := flag.String("packages", "bizydb,bizydb/internal/executor,bizydb/planner,bizydb/sqliteimport,schema", "the packages whose Go code to break")
	flag.Parse()

	pattern, err := regexp.Compile(*match)
	if err != nil {
		return err
	}
	mutants, err := all(ctx, *root, strings.Split(*packages, ","))
	if err != nil {
		return err
	}
	var matching []*mutant
	for _, m := range mutants {
		if pattern.MatchString(m.name()) {
			matching = append(matching, m)
		}
	}
	if *list {
		for _, m := range matching {
			fmt.Println(m.name())
		}
	}
	fmt.Print(sizes(matching))
	if *list {
		return nil
	}

	deck := newDeck(matching, *n, *seed)
	if *dryRun {
		for m := deck.draw(); m != nil; m = deck.draw() {
			fmt.Printf("\n%s\n%s", m.name(), m.diff())
		}
		return nil
	}

	tree, err := newTree(ctx, *root, strings.Fields(*wrap), *only, *timeout)
	if err != nil {
		return err
	}
	defer tree.remove()
	if *baseline {
		fmt.Println("\nwithout a mutant")
		if r := tree.test(ctx, ""); r.verdict != survived {
			return fmt.Errorf("the tests fail without a mutant: %s %s", r.by, r.detail)
		}
	}
	var rows []row
	for m := deck.draw(); m != nil; m = deck.draw() {
		fmt.Printf("\n%s\n%s", m.name(), m.diff())
		var r result
		if r, err = tree.try(ctx, m); err != nil {
			break
		}
		fmt.Println(r)
		if r.verdict == invalid {
			deck.putBack(m)
			continue
		}
		rows = append(rows, row{m, r})
	}
	fmt.Print("\n", table(rows))
	return err
}

// all lists every mutant of the project.
func all(ctx context.Context, root string, packages []string) ([]*mutant, error) {
	var mutants []*mutant
	for _, list := range []func() ([]*mutant, error){
		func() ([]*mutant, error) { return schemaMutants(os.DirFS(root)) },
		func() ([]*mutant, error) { return queryMutants(os.DirFS(root)) },
		func() ([]*mutant, error) { return mappingMutants(os.DirFS(root), packages) },
		func() ([]*mutant, error) { return gremlins(ctx, root, packages) },
	} {
		found, err := list()
		if err != nil {
			return nil, err
		}
		mutants = append(mutants, found...)
	}
	return distinct(mutants), nil
}
