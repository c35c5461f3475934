package bizydbtest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest/internal/pgserver"
)

// showsItsSettings is set for a process that prints what its sessions have got from it and from its server's environment.
const showsItsSettings = "BIZYDBTEST_TEST_SHOWS_SETTINGS"

func init() {
	if os.Getenv(showsItsSettings) == "" {
		return
	}
	settings, err := clientSettings()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Print(settings)
	os.Exit(0)
}

func clientSettings() (settings string, err error) {
	server, err := bizydbtest.Start(context.Background(), bizydbtest.Options{})
	if err != nil {
		return "", err
	}
	defer server.Close()
	db, err := server.NewDatabase(context.Background())
	if err != nil {
		return "", err
	}
	defer db.Drop(context.Background())
	err = db.Pool().QueryRow(context.Background(), `
		SELECT string_agg(concat_ws(' ', name, setting, source), E'\n' ORDER BY name) FROM pg_settings
		WHERE name IN ('TimeZone', 'DateStyle', 'application_name', 'geqo') OR source IN ('client', 'environment variable')`).Scan(&settings)
	return settings, err
}

// A server that the test kit starts, and its clients, do without what the environment says of another server.
func TestEnvironmentOfAnotherServer(t *testing.T) {
	t.Parallel()
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	if !server.Started() {
		t.Skip("the environment is that of the server in use")
	}
	env := append(os.Environ(), showsItsSettings+"=1")
	run := func() string {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = env
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	want := run()
	for _, name := range append(pgserver.ClientSettings, "PGDATABASE", "PGHOST", "PGPASSFILE", "PGPASSWORD", "PGPORT", "PGSSLMODE", "PGUSER", "PGDATA") {
		env = append(env, name+"=nonsense")
	}
	if got := run(); got != want {
		t.Errorf("with a foreign environment %q, want %q", got, want)
	}
}
