package pgserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestInstalled(t *testing.T) {
	t.Parallel()
	other := sharedServer(t)
	s := start(t, noImage)
	contains(t, s.How(), "installed binaries ", "(PostgreSQL ", "; container passed over: ")
	if strings.Contains(s.How(), "\n") || strings.Contains(s.How(), EnvDSN) {
		t.Errorf("not the line that a log wants: %s", s.How())
	}
	for setting, want := range map[string]string{
		"fsync": "off", "max_connections": "200", "listen_addresses": "127.0.0.1",
		"unix_socket_directories": "", "server_encoding": "UTF8", "password_encryption": "scram-sha-256",
	} {
		if got := ask[string](t, s.DSN(), "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
	if runtime.GOOS == "linux" && !ask[bool](t, s.DSN(), "SELECT lower('Ä') = 'ä'") {
		t.Error("does not know the case of letters beyond ASCII")
	}
	if _, err := pgx.Connect(t.Context(), strings.Replace(s.DSN(), password(t, s), "guess", 1)); err == nil {
		t.Error("lets a wrong password in")
	}

	dir := filepath.Dir(ask[string](t, s.DSN(), "SHOW data_directory"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if alive(t, s.DSN()) {
		t.Error("still answers after Close")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there after Close", dir)
	}
	if !alive(t, other.DSN()) {
		t.Error("Close stopped another server too")
	}
}

func TestBinariesPassedOver(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("makes its programs out of shell scripts")
	}
	tests := []struct {
		name     string
		programs map[string]string
		says     string
	}{
		{"nothing there", nil, "no usable initdb there"},
		{"client only", map[string]string{"pg_ctl": "", "initdb": ""}, "no usable postgres there"},
		{"too old", map[string]string{"pg_ctl": "", "initdb": "", "postgres": "echo 'postgres (PostgreSQL) 14.9 (Debian 14.9-1)'"}, "PostgreSQL 14.9, 15 or later is needed"},
		{"no version", map[string]string{"pg_ctl": "", "initdb": "", "postgres": "echo hello"}, `postgres --version said "hello"`},
		{"initdb fails", map[string]string{"pg_ctl": "", "initdb": "echo out of luck >&2; exit 3", "postgres": "echo 'postgres (PostgreSQL) 16.1'"}, "initdb: exit status 3: out of luck"},
		{"server fails", map[string]string{"pg_ctl": "echo no shared memory >&2; exit 1", "initdb": "", "postgres": "echo 'postgres (PostgreSQL) 16.1'"}, "pg_ctl: exit status 1: no shared memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := publicDir(t)
			for name, script := range tt.programs {
				source := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(source, []byte("#!/bin/sh\n"+script+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				install(t, source, filepath.Join(dir, name))
			}
			startFails(t, Options{Getenv: env(EnvWay+"=installed", EnvBinDir+"="+dir)}, EnvWay+"=installed: ", dir, tt.says)
		})
	}
}

func TestDirVersion(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]int{
		"/usr/lib/postgresql/15/bin":                           15,
		"/usr/pgsql-17/bin":                                    17,
		"/opt/homebrew/opt/postgresql@16/bin":                  16,
		"/Applications/Postgres.app/Contents/Versions/18/bin":  18,
		`C:\Program Files\PostgreSQL\17\bin`:                   17,
		"/Applications/Postgres.app/Contents/Versions/new/bin": 0,
	} {
		if got := dirVersion(dir); got != want {
			t.Errorf("dirVersion(%s) = %d, want %d", dir, got, want)
		}
	}
}

// publicDir is a temporary directory that every account may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// install copies a program. Another process does it, for while this one has
// the copy open to write, a test beside it may fork, and then the copy is busy.
func install(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
}
