package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

// What the guide says makes an owner, a database and a login, with which the program of the README runs. Connection strings, too, are the
// guide's, but for the address of the server.
func TestGuide(t *testing.T) {
	t.Parallel()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	bizydbtest.New(t) // makes bizydb's roles, which belong to the whole server
	name := "hello" + strconv.Itoa(os.Getpid())
	// The server may have databases and roles with the names of the pages.
	setUp, roles := sqlOf(t, "../../docs/guide.md", name), sqlOf(t, "../../docs/operations.md", name)
	owner, service := dsnOf(t, server, name, "tern migrate"), dsnOf(t, server, name, "go run .")
	t.Cleanup(func() {
		run(t, server.DSN(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE);\nDROP ROLE IF EXISTS "+name+"_service, "+name+"_jobs, "+name+"_owner;\n")
	})

	run(t, server.DSN(), setUp[0])
	run(t, server.DSN(), roles[0])
	run(t, server.DSN(), "CREATE ROLE "+name+"_jobs NOLOGIN;")
	conn, err := pgx.Connect(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := schema.Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	run(t, owner, setUp[1])
	var version int
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		t.Fatal(err)
	}
	for _, block := range roles[1:] { // a login that has its roles already, another role, who may connect, monitoring, after a restore
		if version >= 160000 || !strings.Contains(block, "WITH INHERIT") {
			run(t, owner, block)
		}
	}

	if err := hello(t.Context(), owner); !errors.Is(err, bizydb.ErrPrivilegedLogin) || !regexp.MustCompile(": log in as another role than "+name+"_owner, [^;]+$").MatchString(err.Error()) {
		t.Errorf("as the owner: %v, want the advice to log in as another role alone", err)
	}
	if err := hello(t.Context(), service); err != nil {
		t.Error(err)
	}
	if err := hello(t.Context(), service); !errors.Is(err, bizydb.ErrEmailTaken) {
		t.Errorf("a second time: %v", err)
	}
}

func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	if err := hello(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "set DATABASE_URL") || !strings.Contains(err.Error(), "docs/guide.md") {
		t.Errorf("%v, want what to set and where to read on", err)
	}
}

// dsnOf returns the connection string of a command in the guide, for the test's server.
func dsnOf(t *testing.T, server *bizydbtest.Server, name, command string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^DATABASE_URL='?(.*?)'? " + regexp.QuoteMeta(command)).FindSubmatch(page)
	if line == nil {
		t.Fatalf("the guide has no %q", command)
	}
	config, err := pgx.ParseConfig(strings.ReplaceAll(string(line[1]), "planner", name))
	if err != nil {
		t.Fatalf("%q: %v", command, err)
	}
	return server.DSNFor(config.Database, url.UserPassword(config.User, config.Password))
}

func sqlOf(t *testing.T, page, name string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, strings.ReplaceAll(block[1], "planner", name))
	}
	return blocks
}

func run(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.WithoutCancel(t.Context()), dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for statement := range strings.SplitAfterSeq(strings.TrimSpace(sql), ";\n") {
		if _, err := conn.Exec(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
