package pgserver

import (
	"archive/zip"
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestEmbeddedRepositoryWithoutTheBinaries(t *testing.T) {
	t.Parallel()
	repository := httptest.NewServer(http.NotFoundHandler())
	defer repository.Close()
	cache := publicDir(t)
	_, err := startFetched(t.Context(), Options{Getenv: env(EnvBinariesURL + "=" + repository.URL)}.withDefaults(), cache)
	if err == nil {
		t.Fatal("started")
	}
	contains(t, err.Error(), repository.URL, "no version found matching "+string(embeddedVersion))
	if left, _ := os.ReadDir(cache); len(left) > 0 {
		t.Errorf("left %v behind", left)
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	jar := binariesJar(t)
	var fetched int
	repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead:
		case strings.HasSuffix(r.URL.Path, "-"+string(embeddedVersion)+".jar"):
			fetched++
			_, _ = w.Write(jar)
		default:
			http.NotFound(w, r)
		}
	}))
	defer repository.Close()

	cache := publicDir(t)
	opts := Options{Getenv: env(EnvBinariesURL + "=" + repository.URL + "/"), Logf: t.Logf}.withDefaults()
	s, err := startFetched(t.Context(), opts, cache)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, s.How(), "fetched binaries "+cache, "(PostgreSQL ")
	if got := ask[int](t, s.DSN(), "SELECT 1"); got != 1 {
		t.Error("does not answer")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	run, err := newRunner()
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(cache, "postgres-"+string(embeddedVersion), "bin")
	if _, err := ensureBinaries(t.Context(), opts, run, cache, place); err != nil {
		t.Error(err)
	}
	if fetched != 1 {
		t.Errorf("fetched %d times, want once", fetched)
	}
	if left, _ := os.ReadDir(cache); len(left) != 1 {
		t.Errorf("the cache holds %v, want the binaries only", left)
	}
}

// binariesJar is what a Maven repository has, made of the binaries that are
// installed here. Those find their share directory where it is.
func binariesJar(t *testing.T) []byte {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("installed binaries can be moved on Linux only")
	}
	var bindir string
	for _, dir := range installedDirs(t.Context()) {
		if strings.HasPrefix(dir, "/usr/lib/postgresql/") {
			bindir = dir
			break
		}
	}
	if bindir == "" {
		t.Skip("needs Debian's server binaries")
	}
	tree := t.TempDir()
	for _, file := range []string{"bin/initdb", "bin/pg_ctl", "bin/postgres", "lib/dict_snowball.so", "lib/plpgsql.so"} {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(bindir), file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(tree, filepath.Dir(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tree, file), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tar := exec.CommandContext(context.Background(), "tar", "-C", tree, "-cJf", "-", "bin", "lib")
	tar.Env = append(os.Environ(), "XZ_OPT=-0")
	txz, err := tar.Output()
	if err != nil {
		t.Skipf("needs tar and xz: %v", err)
	}

	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	file, err := z.Create("postgres-linux.txz")
	if err == nil {
		_, err = file.Write(txz)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}
