//go:build unix

package faults_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// A cluster is a PostgreSQL server, with its files, that a test may do anything to.
type cluster struct {
	bindir, data string
	port         int
	account      *syscall.Credential // of the files' owner, who alone may run the server
}

// clusterOf finds the files of a server, and skips the test where they are not on this machine.
func clusterOf(t testing.TB, server *bizydbtest.Server) *cluster {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	c := &cluster{}
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('data_directory'), setting FROM pg_config WHERE name = 'BINDIR'").Scan(&c.data, &c.bindir); err != nil {
		t.Fatal(err)
	}
	c.port = int(conn.Config().Port)
	if _, port := c.postmaster(); port != c.port {
		t.Skip("needs a server whose files are on this machine: BIZYDBTEST_WAY=installed")
	}
	info, err := os.Stat(c.data)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		c.account = &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
	}
	return c
}

// postmaster returns the server's first process and its port, or 0 where none has been left on record.
func (c *cluster) postmaster() (pid, port int) {
	content, _ := os.ReadFile(filepath.Join(c.data, "postmaster.pid"))
	lines := strings.Split(string(content), "\n")
	if len(lines) < 4 {
		return 0, 0
	}
	pid, _ = strconv.Atoi(lines[0])
	port, _ = strconv.Atoi(lines[3])
	return pid, port
}

// program runs one of the server's programs.
func (c *cluster) program(name string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(c.bindir, name), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &out, &out
	cmd.WaitDelay = time.Second // the server that it leaves behind has the output too
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c.account}
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out.Bytes())
	}
	return nil
}

// pgCtl has pg_ctl do something to the server, and waits for it.
func (c *cluster) pgCtl(t testing.TB, action string, args ...string) {
	t.Helper()
	if err := c.control(action, args...); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) control(action string, args ...string) error {
	return c.program("pg_ctl", append([]string{action, "-D", c.data, "-w", "-s", "-l", c.data + ".log"}, args...)...)
}

// kill ends the server's first process without a word. The others notice when they have nothing else to do.
func (c *cluster) kill(t *testing.T) {
	t.Helper()
	pid, port := c.postmaster()
	if pid <= 1 || port != c.port {
		t.Fatalf("process %d on port %d is not the server", pid, port)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill process %d: %v", pid, err)
	}
}

// startAgain starts a server that has died, as it was started before. It refuses for as long as processes of the dead one
// have hold of its memory.
func (c *cluster) startAgain(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		if err := c.control("restart"); err != nil {
			return err.Error()
		}
		return ""
	})
}
