package pgserver

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/moby/moby/client"
)

// localImage skips unless an engine has the image of the environment, and
// returns the image's name.
func localImage(t *testing.T) (*engine, string) {
	t.Helper()
	eng, err := findEngine(t.Context())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = eng.Close() })
	name := os.Getenv(EnvImage)
	if name == "" {
		name = DefaultImage
	}
	if _, err := eng.inspect(t.Context(), name); err != nil {
		t.Skipf("the engine does not have the image %s, set %s to one that it has", name, EnvImage)
	}
	return eng, name
}

// published tells whether a container publishes the port of dsn.
func published(t *testing.T, eng *engine, dsn string) bool {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	list, err := eng.ContainerList(context.Background(), client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("publish", u.Port()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Items) > 0
}

func TestContainer(t *testing.T) {
	t.Parallel()
	eng, image := localImage(t)
	s := start(t, EnvImage+"="+image)
	contains(t, s.How(), "container "+image+" (PostgreSQL ")
	if !published(t, eng, s.DSN()) {
		t.Error("does not run in a container")
	}
	for setting, want := range map[string]string{"fsync": "off", "max_connections": "200"} {
		if got := ask[string](t, s.DSN(), "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
	if got := ask[string](t, s.DSN(), "SELECT pg_read_file('/proc/mounts')"); !strings.Contains(got, " "+ask[string](t, s.DSN(), "SHOW data_directory")+" tmpfs ") {
		t.Errorf("the server's files are not in memory: %s", got)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the container is removed", func() bool { return !published(t, eng, s.DSN()) })
}

func TestImageThatCannotBePulled(t *testing.T) {
	t.Parallel()
	eng, err := findEngine(t.Context())
	if err != nil {
		t.Skip(err)
	}
	_ = eng.Close()
	startFails(t, Options{Getenv: env(EnvWay+"=container", noImage)}, "image bizydb.invalid/none:1 cannot be pulled: ")
}

func TestNoEngine(t *testing.T) {
	forced := Options{Getenv: env(EnvWay + "=container")}
	t.Run("nobody listens", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///bizydbtest/nowhere.sock")
		startFails(t, forced, "no Docker engine answers at unix:///bizydbtest/nowhere.sock: ")
	})
	t.Run("no answer", func(t *testing.T) {
		addr := "tcp://" + listener(t)
		t.Setenv("DOCKER_HOST", addr)
		startFails(t, forced, "no Docker engine answers at "+addr+": no answer within ")
	})
	t.Run("nonsense", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "nonsense")
		startFails(t, forced, "no Docker engine: ")
	})
}

func TestMirrored(t *testing.T) {
	t.Setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", "mirror.example/hub/")
	for name, want := range map[string]string{
		"postgres:18-alpine":         "mirror.example/hub/postgres:18-alpine",
		"bizydb/postgres:18":         "mirror.example/hub/bizydb/postgres:18",
		"localhost/postgres:18":      "localhost/postgres:18",
		"127.0.0.1:5000/postgres:18": "127.0.0.1:5000/postgres:18",
		"quay.example/postgres:18":   "quay.example/postgres:18",
	} {
		if got := mirrored(name); got != want {
			t.Errorf("mirrored(%s) = %s, want %s", name, got, want)
		}
	}
}
