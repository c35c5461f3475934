package pgserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

const (
	mavenCentral    = "https://repo1.maven.org/maven2"
	embeddedVersion = embeddedpostgres.V18
)

// startEmbedded runs a server from binaries that embedded-postgres fetches.
// They are fetched once per machine and account, and kept.
func startEmbedded(ctx context.Context, opts Options) (*Server, error) {
	cache, err := binariesCache()
	if err != nil {
		return nil, err
	}
	return startFetched(ctx, opts, cache)
}

func startFetched(ctx context.Context, opts Options, cache string) (*Server, error) {
	run, err := newRunner()
	if err != nil {
		return nil, err
	}
	bindir := filepath.Join(cache, "postgres-"+string(embeddedVersion), "bin")
	version, err := ensureBinaries(ctx, opts, run, cache, bindir)
	if err != nil {
		return nil, err
	}
	s, err := startCluster(ctx, opts, run, bindir)
	if err != nil {
		return nil, fmt.Errorf("fetched binaries %s: %w", bindir, err)
	}
	s.how = fmt.Sprintf("fetched binaries %s (PostgreSQL %s)", bindir, version)
	return s, nil
}

// ensureBinaries fetches the binaries unless they are in the cache, and returns
// their version.
func ensureBinaries(ctx context.Context, opts Options, run runner, cache, bindir string) (version string, err error) {
	if version, err := binariesVersion(ctx, run, bindir); err == nil {
		return version, nil
	}
	repository := strings.TrimSuffix(opts.Getenv(EnvBinariesURL), "/")
	if repository == "" {
		repository = mavenCentral
	}
	opts.Logf("fetching PostgreSQL %s from %s", embeddedVersion, repository)
	if err := fetchBinaries(ctx, cache, repository); err != nil {
		return "", err
	}
	if version, err = binariesVersion(ctx, run, bindir); err != nil {
		return "", fmt.Errorf("fetched binaries %s: %w", bindir, err)
	}
	return version, nil
}

// binariesCache is the directory that fetched binaries are kept in. As root it
// is one that the unprivileged account can read, unlike root's own.
func binariesCache() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/bizydbtest", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "bizydbtest"), err
}
