package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/testcontainers/testcontainers-go"
)

// await connects to the container's server until it answers, and returns how.
func await(ctx context.Context, ctr testcontainers.Container, password string) (dsn, version string, err error) {
	host, err := ctr.Host(ctx)
	if err != nil {
		return "", "", err
	}
	port, err := ctr.MappedPort(ctx, "5432/tcp")
	if err != nil {
		return "", "", err
	}
	hosts := []string{host}
	if os.Getenv("TESTCONTAINERS_HOST_OVERRIDE") == "" && host != "127.0.0.1" {
		// testcontainers guesses wrong where we run in a container and the engine
		// runs beside us.
		hosts = append(hosts, "127.0.0.1")
	}

	// All at once, for a host that is not the right one may let us wait.
	type answer struct {
		dsn, version string
		err          error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer)
	for _, host := range hosts {
		go func() {
			dsn := dsnURL(net.JoinHostPort(host, port.Port()), password)
			version, err := awaitAt(ctx, ctr, dsn)
			answers <- answer{dsn, version, err}
		}()
	}
	var first *answer
	var errs []error
	for range hosts {
		a := <-answers
		switch {
		case a.err != nil:
			errs = append(errs, a.err)
		case first == nil:
			first = &a
			cancel()
		}
	}
	if first == nil {
		return "", "", errs[0]
	}
	return first.dsn, first.version, nil
}

// awaitAt connects until the server answers, and returns its version. While
// the image initialises its cluster nobody listens on the container's port, so
// the first connection is to the server that stays.
func awaitAt(ctx context.Context, ctr testcontainers.Container, dsn string) (version string, err error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "", err
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		version, err := probe(attempt, cfg)
		cancel()
		if err == nil {
			return version, nil
		}
		var unfit *unfitError
		if errors.As(err, &unfit) {
			return "", err
		}
		if state, err := ctr.State(ctx); ctx.Err() == nil && (err != nil || !state.Running) {
			return "", errors.New("the container stopped while it started")
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return "", fmt.Errorf("%w; last error: %w", context.Cause(ctx), err)
		}
	}
}
