package pgserver

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// engineTimeout bounds the search for an engine.
const engineTimeout = 2 * time.Second

// engine is a Docker engine that answers.
type engine struct {
	*client.Client
	// early says that it was found without help from testcontainers, which has
	// not read its configuration on our behalf then.
	early bool
}

// findEngine returns the engine of DOCKER_HOST or of the usual socket, else
// the one that testcontainers finds (rootless, Docker Desktop, its own
// properties file).
func findEngine(ctx context.Context) (*engine, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, engineTimeout, fmt.Errorf("no answer within %s", engineTimeout))
	defer cancel()
	cli, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("no Docker engine: %w", err)
	}
	_, err = cli.Ping(ctx, client.PingOptions{})
	if err == nil {
		return &engine{cli, true}, nil
	}
	_ = cli.Close()
	if os.Getenv("DOCKER_HOST") == "" && ctx.Err() == nil {
		if found, err := testcontainers.NewDockerClientWithOpts(ctx); err == nil {
			return &engine{found.Client, false}, nil
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, fmt.Errorf("no Docker engine answers at %s: %w", cli.DaemonHost(), err)
}

const reaperSwitch = "TESTCONTAINERS_RYUK_DISABLED"

// settleReaper turns the reaper of testcontainers off if its image is not to
// be had, since testcontainers starts no container without it. The function
// that it returns takes the environment back to what it was.
//
// testcontainers reads the switch once per process. So this turns off the
// reaper for the whole process, but only one that could not have started.
func (e *engine) settleReaper(ctx context.Context) (restore func()) {
	if _, set := os.LookupEnv(reaperSwitch); set || !e.early {
		return func() {}
	}
	//lint:ignore SA1019 nothing else tells the image's name
	name := testcontainers.ReaperDefaultImage
	if _, err := e.image(ctx, name, 5*time.Second, func(string, ...any) {}); err == nil {
		return func() {}
	}
	_ = os.Setenv(reaperSwitch, "true")
	return func() { _ = os.Unsetenv(reaperSwitch) }
}
