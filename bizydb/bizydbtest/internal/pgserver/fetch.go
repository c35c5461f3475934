package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// The repository must answer at all within the first limit, and the binaries,
// some 30 MB, must be there within the second.
const (
	repositoryTimeout = 5 * time.Second
	fetchTimeout      = 3 * time.Minute
)

// fetchBinaries fetches and unpacks the binaries beside their place in the
// cache and moves them there in one step, since several test processes may do
// the same at once.
func fetchBinaries(ctx context.Context, cache, repository string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTimeout, fmt.Errorf("not fetched within %s", fetchTimeout))
	defer cancel()
	if err := reachable(ctx, repository); err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return err
	}

	done := make(chan error, 1)
	go func() {
		done <- func() error {
			defer func() { _ = os.RemoveAll(dir) }()
			unpacked := filepath.Join(dir, "unpacked")
			if err := fetch(dir, unpacked, repository); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			place := filepath.Join(cache, "postgres-"+string(embeddedVersion))
			if err := os.Rename(unpacked, place); err != nil {
				if _, statErr := os.Stat(place); statErr != nil {
					return err
				} // else somebody was faster
			}
			return nil
		}()
	}()
	// The library's download cannot be canceled. One that is given up on cleans
	// up after itself.
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reachable asks the repository for anything, so that a machine without access
// to it does not wait for the limit of a download.
func reachable(ctx context.Context, repository string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, repositoryTimeout, fmt.Errorf("no answer within %s", repositoryTimeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, repository+"/", nil)
	if err != nil {
		return fmt.Errorf("%s: %w", EnvBinariesURL, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("repository %s cannot be reached: %w", repository, err)
	}
	return resp.Body.Close()
}

// fetch has embedded-postgres fetch its binaries and unpack them. The library
// has no call for that alone: its Start goes on to run a server, as a process
// that we could not tie to ours, and not at all as root. So it gets a data
// directory that holds nothing but a version, which keeps it from making one
// and from starting.
func fetch(dir, unpacked, repository string) error {
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	major, _, _ := strings.Cut(string(embeddedVersion), ".")
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(major+"\n"), 0o600); err != nil {
		return err
	}
	before := libraryLogs()
	defer func() {
		for _, log := range libraryLogs() {
			if !slices.Contains(before, log) {
				_ = os.Remove(log)
			}
		}
	}()
	err := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(embeddedVersion).
		Port(0). // none, which is always free: it is looked at before the fetch
		BinaryRepositoryURL(repository).
		CachePath(dir).
		RuntimePath(filepath.Join(dir, "runtime")).
		BinariesPath(unpacked).
		DataPath(data).
		Logger(io.Discard)).
		Start()
	if _, statErr := os.Stat(binary(filepath.Join(unpacked, "bin"), "initdb")); statErr == nil {
		return nil
	}
	if err == nil {
		err = errors.New("nothing was unpacked")
	}
	return fmt.Errorf("fetch from %s: %w", repository, err)
}

// libraryLogs lists the log files in the temporary directory that this process
// has open. embedded-postgres makes one per Start and forgets it. Where the
// system does not tell there are none, and a small file stays.
func libraryLogs() (logs []string) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil && strings.HasPrefix(filepath.Base(file), "embedded_postgres_log") {
			logs = append(logs, file)
		}
	}
	return logs
}
