//go:build linux

package faults_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A server whose disk is full refuses what needs room, and dies when it has none for its log. When there is room again it
// goes on, in the second case started again, with all that it has acknowledged.
func TestDiskFull(t *testing.T) { // not in parallel: it changes where temporary files are
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small disk")
	}
	disk := mountDisk(t, "size=120m,mode=1777")
	t.Setenv("TMPDIR", disk)
	server := newServer(t)
	c := clusterOf(t, server)
	db, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	switchLog := func() error { return execOn(t, server.DSN(), "SELECT pg_switch_wal()") }
	filler := filepath.Join(disk, "filler")
	big := planner.CreateTaskParams{Title: "big", Description: new(incompressible(1_000_000))}

	t.Run("tables", func(t *testing.T) {
		if err := switchLog(); err != nil { // so that there is room in it
			t.Fatal(err)
		}
		g, _ := newTarget(t, db, 2, 4)
		writers := g.startWriters(t, 4, incompressible(2000))
		time.Sleep(300 * time.Millisecond)
		fill(t, filler)
		eventually(t, 10*time.Second, func() string {
			_, err := g.through.As(g.users[0]).CreateTask(t.Context(), big)
			if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) && pgErr.Code == pgerrcode.DiskFull {
				return ""
			}
			return fmt.Sprintf("a write to a full disk: %v, want the server's 53100", err)
		})
		time.Sleep(time.Second)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if log := writers.afterwards(t, g, "no room for tables"); len(log.refused) == 0 {
			t.Error("nobody was refused")
		}
	})

	t.Run("log", func(t *testing.T) {
		g, _ := newTarget(t, db, 2, 4)
		writers := g.startWriters(t, 4, incompressible(2000))
		time.Sleep(300 * time.Millisecond)
		fill(t, filler)
		eventually(t, 30*time.Second, func() string {
			if err := switchLog(); !errors.Is(err, syscall.ECONNREFUSED) {
				return "the server goes on without room for its log"
			}
			return ""
		})
		time.Sleep(time.Second)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		c.startAgain(t)
		writers.afterwards(t, g, "no room for the log")
	})
}

// A shell mounts the disk, and takes it away when its input ends, which the kernel sees to however the test ends.
const diskScript = `
mount -t tmpfs -o "$1" bizydb "$2" || exit 1
echo mounted
while read -r line; do :; done
umount --lazy "$2" && rmdir "$2"`

// mountDisk mounts a disk of memory for as long as the test takes. Every account can reach it, which is not so with
// [testing.T.TempDir].
func mountDisk(t *testing.T, options string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bizydb-disk-")
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", diskScript, "bizydb-disk", options, dir)
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // so that Ctrl-C is not for it
	var failed bytes.Buffer
	shell.Stderr = &failed
	end, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	mounted, _ := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		_ = end.Close()
		if err := shell.Wait(); err != nil && mounted != "" {
			t.Errorf("take the disk away: %v: %s", err, &failed)
		}
	})
	if mounted == "" {
		_ = os.Remove(dir)
		t.Skipf("a small disk cannot be mounted: %s", &failed)
	}
	return dir
}

// fill takes what room is left on a disk.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func incompressible(size int) string {
	text := make([]byte, size)
	for i := range text {
		text[i] = byte('a' + rand.IntN(26))
	}
	return string(text)
}
