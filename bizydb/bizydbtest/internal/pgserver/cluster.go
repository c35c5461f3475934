package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// settings make a server that is thrown away after the tests faster, and give
// parallel tests room. Whatever they risk is lost in a crash of the machine.
var settings = []string{
	"fsync=off",
	"synchronous_commit=off",
	"full_page_writes=off",
	"max_wal_size=256MB", // the files may be in memory
	"max_connections=200",
	"shared_preload_libraries=plpgsql", // else each connection loads it for its first trigger
}

// clusterTimeout bounds initdb and the server's start together.
const clusterTimeout = 2 * time.Minute

// startCluster initialises a cluster in a temporary directory and starts a
// server on it that listens on 127.0.0.1, for whoever has the random password.
// How the server was found is left for the caller to say.
//
// It drives initdb and pg_ctl by itself. embedded-postgres can run installed
// binaries too, but not as root, and its servers outlive a process that is
// killed.
func startCluster(ctx context.Context, opts Options, run runner, bindir string) (_ *Server, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, clusterTimeout, fmt.Errorf("not ready within %s", clusterTimeout))
	defer cancel()

	dog, err := startWatchdog(run, binary(bindir, "pg_ctl"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = dog.finish()
		}
	}()

	defer opts.ifLong("starting PostgreSQL from %s, with its files in %s", bindir, dog.dir)()
	password := rand.Text()
	if err := initCluster(ctx, run, bindir, dog.dir, password); err != nil {
		return nil, err
	}
	port, err := launch(ctx, run, bindir, dog.dir)
	if err != nil {
		return nil, err
	}
	dsn := dsnURL(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), password)
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if _, err := probe(ctx, cfg); err != nil {
		return nil, err
	}
	return &Server{dsn: dsn, stop: dog.finish}, nil
}

// dsnURL is the administrator's connection string of a server of ours.
func dsnURL(addr, password string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", password),
		Host:     addr,
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// initCluster runs initdb.
func initCluster(ctx context.Context, run runner, bindir, dir, password string) error {
	verifier, err := Verifier(password)
	if err != nil {
		return err
	}
	pwfile := filepath.Join(dir, "password")
	if err := os.WriteFile(pwfile, []byte(verifier), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(pwfile) }()
	if err := run.give(pwfile); err != nil {
		return err
	}
	// C.UTF-8 knows the case of letters beyond ASCII, but not every system has it.
	for _, locale := range []string{"C.UTF-8", "C"} {
		_, err = run.output(ctx, dir, binary(bindir, "initdb"),
			"--pgdata="+filepath.Join(dir, "data"), "--username=postgres", "--pwfile="+pwfile,
			"--auth=scram-sha-256", "--encoding=UTF8", "--locale="+locale, "--no-sync")
		if err == nil || !strings.Contains(err.Error(), "invalid locale name") {
			break
		}
	}
	return err
}

// launch starts the server on a free port and returns the port.
func launch(ctx context.Context, run runner, bindir, dir string) (int, error) {
	log := filepath.Join(dir, "server.log")
	for range 5 {
		port, err := freePort()
		if err != nil {
			return 0, err
		}
		options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=", port)
		for _, setting := range settings {
			options += " -c " + setting
		}
		_, err = run.output(ctx, dir, binary(bindir, "pg_ctl"), "start",
			"-D", filepath.Join(dir, "data"), "-l", log, "-o", options, "-w", "-t", "60", "-s")
		if err == nil {
			return port, nil
		}
		text, _ := os.ReadFile(log)
		// Somebody may have taken the port since it was found free.
		if ctx.Err() == nil && strings.Contains(string(text), "could not create any TCP/IP sockets") {
			_ = os.Remove(log)
			continue
		}
		return 0, fmt.Errorf("%w: %s", err, tail(string(text)))
	}
	return 0, errors.New("no free port on 127.0.0.1: each one found was taken before the server could use it")
}

// freePort finds a port that nobody listens on right now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail is the end of a log, enough to tell what went wrong.
func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
