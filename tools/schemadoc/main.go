// Command schemadoc writes docs/schema.md, the page that shows what is stored, from the catalogue of a migrated database.
//
//	go run .
//	go run . -check
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "../../docs/schema.md", "the page")
	check := flag.Bool("check", false, "write nothing, and fail with a diff if the page is not current")
	dsn := flag.String("dsn", "", "connection string of a migrated database with no other tables; without it a throw-away one is made")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dsn, *out, *check); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dsn, out string, check bool) (err error) {
	if dsn == "" {
		server, err := bizydbtest.Start(ctx, bizydbtest.Options{Logf: log.Printf})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		database, err := server.NewDatabase(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, database.Drop(context.WithoutCancel(ctx))) }()
		dsn = database.AdminDSN
	}
	page, err := pageOf(ctx, dsn)
	if err != nil {
		return err
	}
	if check {
		return compare(out, page)
	}
	return os.WriteFile(out, []byte(page), 0o644)
}

func compare(path, page string) error {
	stored, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(string(stored)), FromFile: path,
		B: difflib.SplitLines(page), ToFile: "the database",
		Context: 1,
	})
	if err != nil || diff == "" {
		return err
	}
	return fmt.Errorf("%s is not current: go run . in tools/schemadoc writes it\n%s", path, diff)
}
