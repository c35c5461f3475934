//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCtrlC(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "quickstart")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	t.Run("on the server of DATABASE_URL", func(t *testing.T) {
		t.Parallel()
		out := interrupted(t, exec.Command(program), func() {})
		nothingLeft(t, out)
	})

	t.Run("on a server of its own", func(t *testing.T) {
		t.Parallel()
		// Its server's files go here; as root another account makes them.
		dir, err := os.MkdirTemp("", "quickstart-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.Contains(v, "DATABASE_URL=") })
		cmd.Env = append(cmd.Env, "BIZYDBTEST_WAY=installed", "TMPDIR="+dir)

		address := ""
		interrupted(t, cmd, func() { address = addressOf(t, dir) })
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			t.Errorf("PostgreSQL still listens at %s", address)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, error %v", left, err)
		}
	})
}

// interrupted interrupts the program while it registers users, and returns what it printed.
func interrupted(t *testing.T, cmd *exec.Cmd, before func()) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // after a t.Fatal; else it has ended
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()

	out := &watchedOutput{text: "Register two users", seen: func() {
		before()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
	}}
	if _, err := io.Copy(out, stdout); err != nil {
		t.Error(err)
	}
	err = cmd.Wait()
	if strings.Contains(stderr.String(), "no server binaries found") {
		t.Skip(stderr.String())
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), "interrupt") {
		t.Errorf("ended with %v and %q on stderr, want exit code 1 and a word about the interrupt", err, &stderr)
	}
	wantLines(t, out.String(), `  DROP ROLE IF EXISTS quickstart_\w+; `)
	return out.String()
}

// addressOf is where the server whose files are in dir listens.
func addressOf(t *testing.T, dir string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*", "data", "postmaster.pid"))
	if len(files) != 1 {
		t.Fatalf("found %q, want one server", files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		t.Fatalf("no port in %q", text)
	}
	address := net.JoinHostPort("127.0.0.1", lines[3])
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	return address
}
