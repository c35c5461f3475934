//go:build unix

package faults_test

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// Reads are as fresh behind a pooler in transaction mode, where each call may get another connection of the server.
func TestFreshReadsThroughPgBouncer(t *testing.T) { // by itself: it works, while the others sleep
	g := newGroup(t, 1)
	dsns := g.throughPgBouncer(t)
	db := g.open(t, dsns[0], dsns[1])
	g.stutter(t)
	var stale, all atomic.Int64
	g.write(t, db, 8, func(w *writer) error {
		for range 3 {
			got, err := w.read(db.As(w.user))
			if err != nil {
				return err
			}
			if got < w.written {
				stale.Add(1)
			}
			if all.Add(1) >= int64(*standbyReads) {
				return errDone
			}
		}
		return nil
	})
	standby, primary := reads(db)
	t.Logf("%d of %d reads are stale; %d on the standby, %d on the primary", stale.Load(), all.Load(), standby, primary)
	if stale.Load() > 0 || standby == 0 {
		t.Errorf("%d stale reads, %d on the standby", stale.Load(), standby)
	}
}

// throughPgBouncer starts a PgBouncer that does not know prepared statements, and returns connection strings of the primary and the standbys
// through it.
func (g *group) throughPgBouncer(t *testing.T) (dsns []string) {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip(err)
	}
	folder, err := os.MkdirTemp("", "pgbouncer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil { // another account reads the file
		t.Fatal(err)
	}
	address := freeAddress(t)
	var databases strings.Builder
	for i, dsn := range append([]string{g.DSN}, g.dsns...) {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		password, _ := u.User.Password()
		name := fmt.Sprint("server", i)
		fmt.Fprintf(&databases, "%s = host=%s port=%s dbname=%s user=%s password=%s\n", name, u.Hostname(), u.Port(), strings.Trim(u.Path, "/"), u.User.Username(), password)
		dsns = append(dsns, fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable&default_query_exec_mode=exec&pool_max_conns=20", u.User.Username(), address, name))
	}
	file := filepath.Join(folder, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(`[databases]
%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
`, &databases, address.Port)), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	pooler := exec.Command(program, file)
	pooler.Dir, pooler.Stdout, pooler.Stderr = "/", &log, &log
	pooler.SysProcAttr = &syscall.SysProcAttr{Credential: g.primary.account}
	if err := pooler.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = pooler.Process.Kill()
		_ = pooler.Wait()
		if t.Failed() {
			t.Logf("%s", &log)
		}
	})
	eventually(t, recoveryBound, func() string {
		conn, err := net.Dial("tcp", address.String())
		if err != nil {
			return err.Error()
		}
		_ = conn.Close()
		return ""
	})
	return dsns
}
