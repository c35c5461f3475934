//go:build unix

package faults_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
)

// A replica takes over from a server that dies while clients write. What they were told is there stays, and they carry on by
// themselves: their connection string names both.
func TestReplicaPromoted(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	primary := clusterOf(t, server)
	db, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	replica, address := primary.newReplica(t, server.DSN(), "replica")
	for _, sql := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := execOn(t, server.DSN(), sql); err != nil {
			t.Fatal(err)
		}
	}
	waitUntilSynchronous(t, server.DSN())

	g := &target{
		through:  openDurably(t, on(t, db.DSN, "", address), 4),
		adminDSN: on(t, db.AdminDSN, address),
		users:    []bizydb.UserID{db.NewUser(t), db.NewUser(t)},
	}
	writers := g.startWriters(t, 4, "")
	time.Sleep(time.Second)
	primary.kill(t)
	died := time.Now()
	time.Sleep(300 * time.Millisecond)
	replica.pgCtl(t, "promote")
	recovered := g.waitUntilItWorks(t)
	without := time.Since(died)
	time.Sleep(500 * time.Millisecond)
	log := writers.stop()
	if g.direct, err = bizydb.Open(t.Context(), on(t, db.DSN, address)); err != nil {
		t.Fatal(err)
	}
	defer g.direct.Close()
	log.check(t, g)
	if len(log.refused)+len(log.unknown) == 0 {
		t.Error("nobody noticed")
	}
	t.Logf("a replica is promoted: %v; works again after %v, %v after the death", log, recovered.Round(time.Millisecond), without.Round(time.Millisecond))
}

// newReplica makes a streaming replica of a server, in a directory beside its own. It returns where it can be reached too.
func (c *cluster) newReplica(t testing.TB, dsn, name string) (*cluster, string) {
	t.Helper()
	replica := &cluster{bindir: c.bindir, data: filepath.Join(filepath.Dir(c.data), name), account: c.account}
	if _, err := os.Stat(filepath.Join(c.bindir, "pg_basebackup")); err != nil {
		t.Skip(err)
	}
	if err := c.program("pg_basebackup", "-D", replica.data, "-d", dsn, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	replica.port = address.Port
	replica.pgCtl(t, "start", "-o", fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 -c fsync=off", address.Port))
	t.Cleanup(func() {
		if err := replica.control("stop", "-m", "immediate"); err != nil {
			t.Error(err)
		}
	})
	return replica, address.String()
}

// freeAddress returns an address of this machine where nobody listens.
func freeAddress(t testing.TB) *net.TCPAddr {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	return free.Addr().(*net.TCPAddr)
}

// waitUntilSynchronous returns when commits wait for a replica.
func waitUntilSynchronous(t *testing.T, dsn string) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		if !one[bool](t, dsn, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')") {
			return "the replica does not become synchronous"
		}
		return ""
	})
}

// on returns a connection string with other addresses, "" for the one that it has. Of several it takes the one that can be
// written to.
func on(t testing.TB, dsn string, addresses ...string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	host := u.Host
	u.Host = ""
	for i, address := range addresses {
		if address == "" {
			address = host
		}
		if i > 0 {
			u.Host += ","
		}
		u.Host += address
	}
	if len(addresses) > 1 {
		query := u.Query()
		query.Set("target_session_attrs", "read-write")
		u.RawQuery = query.Encode()
	}
	return u.String()
}
