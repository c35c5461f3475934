//go:build linux

package patroni

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

const page = "../../../../docs/high-availability.md"

// A recipe is the page with the addresses and directories of the test.
type recipe struct {
	text   string
	dir    string
	bindir string
	net    string // the first three bytes of the nodes' addresses, and of HAProxy's
}

// block returns the block of the page that begins with a comment that names the file.
func (r *recipe) block(t *testing.T, file string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)```[a-z]*\n# " + regexp.QuoteMeta(file) + "[^\n]*\n(.*?)```").FindStringSubmatch(r.text)
	if found == nil {
		t.Fatalf("%s has no block of %s", page, file)
	}
	return found[1]
}

// of returns a file of the first node as that of another one: the line that lists all nodes stays as it is.
func (r *recipe) of(t *testing.T, number int, file string) string {
	t.Helper()
	lines := strings.Split(r.block(t, file), "\n")
	for i, line := range lines {
		if !strings.Contains(line, "10.0.0.3") {
			line = regexp.MustCompile(`\bpg1\b`).ReplaceAllString(line, fmt.Sprintf("pg%d", number))
			lines[i] = regexp.MustCompile(`\b10\.0\.0\.1\b`).ReplaceAllString(line, fmt.Sprintf("10.0.0.%d", number))
		}
	}
	return r.here(strings.Join(lines, "\n"), number)
}

// here replaces the addresses and directories of a node's file by those of the test.
func (r *recipe) here(text string, number int) string {
	return strings.NewReplacer(
		"10.0.0.0/24", "127.0.0.0/8", // a client's address is 127.0.0.1 whatever the server's is
		"10.0.0.", r.net+".",
		"127.0.0.1:", r.net+".100:",
		"/var/lib/postgresql/15/main", r.node(number)+"/data",
		"/var/lib/postgresql", r.node(number),
		"/var/run/postgresql", r.node(number),
		"/usr/lib/postgresql/15/bin", r.bindir,
	).Replace(text)
}

func (r *recipe) node(number int) string { return fmt.Sprintf("%s/pg%d", r.dir, number) }

// dsns returns the connection strings of the page: by HAProxy, by all hosts, and of each node.
func (r *recipe) dsns(t *testing.T) (proxied, hosts string, nodes []string) {
	t.Helper()
	for _, dsn := range regexp.MustCompile(`(?m)^postgres://\S+$`).FindAllString(r.text, -1) {
		if strings.Contains(dsn, "target_session_attrs") {
			hosts = r.here(dsn, 0)
		} else {
			proxied = r.here(dsn, 0)
		}
	}
	own := regexp.MustCompile(`const login, settings = "(postgres://[^"]+)", "([^"]+)"`).FindStringSubmatch(r.text)
	hostsOfNodes := regexp.MustCompile(`login \+ "([^"]+)" \+ settings`).FindAllStringSubmatch(r.text, -1)
	if proxied == "" || hosts == "" || own == nil || len(hostsOfNodes) != 3 {
		t.Fatalf("%s has not all connection strings", page)
	}
	for _, host := range hostsOfNodes {
		nodes = append(nodes, r.here(own[1]+host[1]+own[2], 0))
	}
	return proxied, hosts, nodes
}

// The page has all that TestFailover, which takes minutes, takes from it.
func TestPage(t *testing.T) {
	t.Parallel()
	r := &recipe{text: readPage(t), net: "127.0.9"}
	proxied, hosts, nodes := r.dsns(t)
	for _, dsn := range append([]string{proxied, hosts}, nodes...) {
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatalf("%s: %v", dsn, err)
		}
		if !strings.HasPrefix(config.Host, r.net+".") {
			t.Errorf("%s is not an address of the test", dsn)
		}
	}
	for _, file := range []string{"/etc/default/etcd", "/etc/patroni/config.yml", "/etc/haproxy/haproxy.cfg"} {
		if !strings.Contains(r.of(t, 2, file), r.net+".") {
			t.Errorf("%s has no address of the test", file)
		}
	}
}

func readPage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
