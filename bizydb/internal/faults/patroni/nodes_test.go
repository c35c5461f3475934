//go:build linux

package patroni

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema"
)

// A group is the recipe's three nodes and its HAProxy.
type group struct {
	recipe
	account *syscall.Credential
	nodes   []*node
	haproxy *process
}

// A node is a machine of the recipe.
type node struct {
	name, address, dir string
	etcd, patroni      *process
}

// newGroup starts everything. It ends with the test, also if the test is killed.
func newGroup(t *testing.T) *group {
	t.Helper()
	for _, program := range []string{"etcd", "patroni", "haproxy"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs Debian's packages etcd-server, patroni and haproxy: %v", err)
		}
	}
	bindirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	owner, err := user.Lookup("postgres")
	if os.Geteuid() != 0 || err != nil || len(bindirs) == 0 {
		t.Skipf("needs root, Debian's package postgresql and its account: %v", err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)

	dir, err := os.MkdirTemp("", "bizydb-patroni-")
	if err != nil {
		t.Fatal(err)
	}
	g := &group{
		recipe:  recipe{text: readPage(t), dir: dir, bindir: bindirs[0], net: fmt.Sprintf("127.%d.%d", 1+rand.IntN(250), rand.IntN(250))},
		account: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}
	t.Cleanup(func() { g.stop(t) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	for number := 1; number <= 3; number++ {
		n := &node{name: fmt.Sprintf("pg%d", number), address: fmt.Sprintf("%s.%d", g.net, number), dir: g.node(number)}
		g.nodes = append(g.nodes, n)
		if err := os.Mkdir(n.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		g.write(t, n.dir+"/etcd", g.of(t, number, "/etc/default/etcd"))
		g.write(t, n.dir+"/config.yml", g.of(t, number, "/etc/patroni/config.yml"))
		if err := os.Chown(n.dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	g.write(t, dir+"/haproxy.cfg", g.here(g.block(t, "/etc/haproxy/haproxy.cfg"), 0))
	for _, n := range g.nodes {
		g.startEtcd(t, n)
	}
	for _, n := range g.nodes {
		g.startPatroni(t, n)
		eventually(t, time.Minute, func() error { _, err := g.members(); return err })
	}
	g.haproxy = g.start(t, dir+"/haproxy.log", nil, "haproxy", "-db", "-f", dir+"/haproxy.cfg")
	return g
}

func (g *group) write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, int(g.account.Uid), int(g.account.Gid)); err != nil {
		t.Fatal(err)
	}
}

func (g *group) startEtcd(t *testing.T, n *node) {
	t.Helper()
	settings, err := os.ReadFile(n.dir + "/etcd")
	if err != nil {
		t.Fatal(err)
	}
	env := append(strings.Fields(string(settings)), "ETCD_DATA_DIR="+n.dir+"/etcd.data") // the service has it elsewhere
	n.etcd = g.start(t, n.dir+"/etcd.log", env, "etcd")
}

func (g *group) startPatroni(t *testing.T, n *node) {
	t.Helper()
	n.patroni = g.start(t, n.dir+"/patroni.log", nil, "patroni", n.dir+"/config.yml")
}

// A process has been started by the test.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func (g *group) start(t *testing.T, log string, env []string, command ...string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &process{cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = g.dir, out, out
	p.cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}, env...)
	// Patroni stops its server when it is told to end.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: g.account, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// end sends a signal and waits; after a while it kills.
func (p *process) end(signal syscall.Signal) {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal) // once it has been waited for, nobody gets it
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// servers returns the processes of the node's PostgreSQL, which are those that work in its data directory.
func (n *node) servers() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, dir := range dirs {
		if cwd, err := os.Readlink(dir); err == nil && cwd == n.dir+"/data" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill ends all processes of the node, as a loss of power does.
func (n *node) kill() {
	n.patroni.end(syscall.SIGKILL)
	for pids := n.servers(); len(pids) > 0; pids = n.servers() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
	n.etcd.end(syscall.SIGKILL)
}

// stop ends everything and removes the files.
func (g *group) stop(t *testing.T) {
	g.haproxy.end(syscall.SIGTERM)
	var all sync.WaitGroup
	for _, n := range g.nodes {
		all.Go(func() { n.patroni.end(syscall.SIGTERM) })
	}
	all.Wait()
	for _, n := range g.nodes {
		n.etcd.end(syscall.SIGTERM)
		if pids := n.servers(); len(pids) > 0 {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	if t.Failed() {
		logs, _ := filepath.Glob(g.dir + "/*/patroni.log")
		for _, log := range append(logs, g.dir+"/haproxy.log") {
			if b, err := os.ReadFile(log); err == nil {
				b = notFresh.ReplaceAll(b, nil)
				t.Logf("the end of %s:\n%s", strings.TrimPrefix(log, g.dir), b[max(0, len(b)-4000):])
			}
		}
	}
	for range 50 { // the last processes may still be writing
		if os.RemoveAll(g.dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s cannot be removed", g.dir)
}

// notFresh is what a standby's log has of each read that it sends back.
var notFresh = regexp.MustCompile(`(?m)^.*(the standby has not replayed what|bizydb\.not_fresh|bizydb\.require_(fresh|replayed)).*\n`)

// A member is a node as Patroni sees it.
type member struct {
	Name, Role, State string
	Timeline          int
	Lag               any
}

// members asks the first Patroni that answers.
func (g *group) members() ([]member, error) {
	err := fmt.Errorf("no Patroni answers")
	for _, n := range g.nodes {
		var answer struct{ Members []member }
		if err = n.get("/cluster", &answer); err == nil && len(answer.Members) > 0 {
			return answer.Members, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("the cluster has no members")
	}
	return nil, err
}

var client = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (n *node) get(path string, into any) error {
	r, err := client.Get("http://" + n.address + ":8008" + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(into)
}

// configure changes the cluster's settings, as patronictl edit-config does.
func (g *group) configure(t *testing.T, settings string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://"+g.leader(t).address+":8008/config", strings.NewReader(settings))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", answer.Status, body)
	}
}

func (g *group) leader(t *testing.T) *node {
	t.Helper()
	var found *node
	eventually(t, time.Minute, func() error {
		members, err := g.members()
		if err != nil {
			return err
		}
		for _, n := range g.nodes {
			if slices.ContainsFunc(members, func(m member) bool { return m.Name == n.name && m.Role == "leader" && m.State == "running" }) {
				found = n
				return nil
			}
		}
		return fmt.Errorf("no leader in %+v", members)
	})
	return found
}

// waitUntilWhole returns when all nodes take part: a leader, and two standbys that follow it.
func (g *group) waitUntilWhole(t *testing.T, synchronous int) {
	t.Helper()
	eventually(t, 3*time.Minute, func() error {
		members, err := g.members()
		if err != nil {
			return err
		}
		roles, running, timeline := map[string]int{}, 0, members[0].Timeline
		for _, m := range members {
			roles[m.Role]++
			if _, known := m.Lag.(float64); (m.State == "running" || m.State == "streaming") && m.Timeline == timeline && (known || m.Role == "leader") {
				running++
			}
		}
		if running != len(g.nodes) || roles["leader"] != 1 || roles["sync_standby"] != synchronous {
			return fmt.Errorf("the cluster is not whole: %+v", members)
		}
		return nil
	})
}

// admin returns the connection string of the superuser on a node.
func (n *node) admin(database string) string {
	return fmt.Sprintf("postgres://postgres:superuser-secret@%s:5432/%s?sslmode=disable&connect_timeout=5", n.address, database)
}

// setUp creates the database as the guide does.
func (g *group) setUp(t *testing.T) {
	t.Helper()
	leader := g.leader(t)
	run := func(dsn string, do func(*pgx.Conn) error) {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := do(conn); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(statements ...string) func(*pgx.Conn) error {
		return func(conn *pgx.Conn) error {
			for _, sql := range statements {
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					return err
				}
			}
			return nil
		}
	}
	run(leader.admin("postgres"), exec("CREATE ROLE planner_owner LOGIN CREATEROLE PASSWORD 'owner-secret'", "CREATE DATABASE planner OWNER planner_owner"))
	owner := strings.Replace(leader.admin("planner"), "postgres:superuser", "planner_owner:owner", 1)
	run(owner, func(conn *pgx.Conn) error { return schema.Migrate(t.Context(), conn) })
	run(owner, exec("CREATE ROLE planner_service LOGIN NOINHERIT PASSWORD 'service-secret'",
		"GRANT USAGE ON SCHEMA public, bizydb TO planner_service", "GRANT bizydb_user, bizydb_accounts TO planner_service"))
}

// eventually fails the test if there is a problem for longer than within.
func eventually(t *testing.T, within time.Duration, problem func() error) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		err := problem()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
