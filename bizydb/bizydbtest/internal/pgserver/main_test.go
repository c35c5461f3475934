package pgserver

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		child(mode)
		return
	}
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// env is an environment of just these KEY=value pairs.
func env(pairs ...string) func(string) string {
	return func(key string) string {
		for _, pair := range pairs {
			if value, ok := strings.CutPrefix(pair, key+"="); ok {
				return value
			}
		}
		return ""
	}
}

// Each way's own variable, set to what cannot work.
const (
	noImage    = EnvImage + "=bizydb.invalid/none:1"
	noBinaries = EnvBinDir + "=/bizydbtest/nowhere"
	noMaven    = EnvBinariesURL + "=http://bizydb.invalid"
)

// start starts a server that is closed when the test ends.
func start(t *testing.T, pairs ...string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Getenv: env(pairs...), Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// startFails wants an error that says all of these.
func startFails(t *testing.T, opts Options, says ...string) error {
	t.Helper()
	s, err := Start(t.Context(), opts)
	if err == nil {
		_ = s.Close()
		t.Fatalf("started: %s", s.How())
	}
	contains(t, err.Error(), says...)
	return err
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in: %s", part, text)
		}
	}
}

// ask returns one value from the server.
func ask[T any](t *testing.T, dsn, query string) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// alive tells whether anybody listens where dsn points.
func alive(t *testing.T, dsn string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return false
	}
	_ = conn.Close(context.Background())
	return true
}

// eventually waits until done says so, for as long as a test may run.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// shared is a server for the tests that only connect to one.
var shared struct {
	sync.Mutex
	server *Server
}

func sharedServer(t *testing.T) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s, err := Start(context.Background(), Options{Getenv: env(EnvWay + "=installed")})
		if err != nil {
			t.Skipf("needs installed binaries: %v", err)
		}
		shared.server = s
	}
	return shared.server
}

func closeShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	return shared.server.Close()
}
