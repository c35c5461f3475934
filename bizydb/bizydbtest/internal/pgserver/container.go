package pgserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

const (
	// containerTimeout bounds the container's creation and the server's start
	// in it, not the pull of its image.
	containerTimeout = 2 * time.Minute
	terminateTimeout = 30 * time.Second
)

// startContainer runs the image in a container of its own, pulling it first if
// the engine does not have it.
//
// The container ends with this process and is removed then, see [tether]. The
// reaper of testcontainers is welcome where its image can be had, and is not
// needed.
func startContainer(ctx context.Context, opts Options) (_ *Server, err error) {
	// Deep inside, testcontainers panics if the engine goes away at the wrong moment.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("testcontainers: %v", p)
		}
	}()
	quiet.Add(1)
	defer quiet.Add(-1)

	name := opts.Getenv(EnvImage)
	if name == "" {
		name = DefaultImage
	}
	eng, err := findEngine(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = eng.Close() }() // what a running container needs of it has a connection of its own
	img, err := eng.image(ctx, name, 15*time.Second, opts.Logf)
	if err != nil {
		return nil, err
	}
	defer opts.ifLong("starting a container of %s", img.name)()
	defer eng.settleReaper(ctx)()

	ctx, cancel := context.WithTimeoutCause(ctx, containerTimeout, fmt.Errorf("not ready within %s", containerTimeout))
	defer cancel()
	password := rand.Text()
	rope := tether{eng: eng, entrypoint: img.entrypoint}
	run := []testcontainers.ContainerCustomizer{
		testcontainers.WithLogger(silentLogger{}),
		postgres.WithUsername("postgres"),
		postgres.WithPassword(password),
		postgres.WithDatabase("postgres"),
		testcontainers.WithHostConfigModifier(func(hc *container.HostConfig) {
			hc.AutoRemove = true
			hc.ShmSize = 256 << 20 // the engine's default is too small for parallel queries
		}),
		testcontainers.WithConfigModifier(rope.configure),
		testcontainers.WithAdditionalLifecycleHooks(testcontainers.ContainerLifecycleHooks{
			PreStarts: []testcontainers.ContainerHook{rope.attach},
		}),
	}
	if img.data != "" {
		run = append(run, testcontainers.WithTmpfs(map[string]string{img.data: "rw"})) // databases are made and dropped all the time
	}
	for _, setting := range settings {
		run = append(run, testcontainers.WithCmdArgs("-c", setting))
	}
	ctr, err := postgres.Run(ctx, img.name, run...)
	defer func() {
		printed := rope.started()
		if err == nil {
			return
		}
		if printed != "" {
			err = fmt.Errorf("%w; it printed: %s", err, printed)
		}
		if ctr != nil {
			_ = terminate(ctr)
		}
		rope.close()
	}()
	if err != nil {
		return nil, err
	}
	dsn, version, err := await(ctx, ctr, password)
	if err != nil {
		return nil, err
	}
	return &Server{
		dsn: dsn,
		how: fmt.Sprintf("container %s (PostgreSQL %s)", img.name, version),
		stop: func() error {
			quiet.Add(1)
			defer quiet.Add(-1)
			defer rope.close()
			return terminate(ctr)
		},
	}, nil
}

// terminate kills and removes the container with its data, which nobody needs
// any more.
func terminate(ctr *postgres.PostgresContainer) error {
	ctx, cancel := context.WithTimeout(context.Background(), terminateTimeout)
	defer cancel()
	return testcontainers.TerminateContainer(ctr.Container,
		testcontainers.StopContext(ctx), testcontainers.StopTimeout(0))
}
