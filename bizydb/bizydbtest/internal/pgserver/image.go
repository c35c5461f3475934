package pgserver

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// pullTimeout bounds a pull whose registry answers.
const pullTimeout = 5 * time.Minute

// image is an image that the engine has.
type image struct {
	name       string
	entrypoint []string
	data       string // where the server's files are, or "" if the image does not say
}

// image looks an image up and pulls it if the engine does not have it. A
// registry without an answer is given up after the time of patience, a pull
// after five minutes. An image that nobody may pull without credentials is
// pulled with those that testcontainers finds.
func (e *engine) image(ctx context.Context, name string, patience time.Duration, logf func(string, ...any)) (*image, error) {
	name = mirrored(name)
	if img, err := e.inspect(ctx, name); err == nil {
		return img, nil
	}
	logf("pulling image %s", name)
	err := e.pull(ctx, name, patience)
	if err != nil && wantsCredentials(err) {
		if credErr := pullWithCredentials(ctx, name); credErr == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("image %s cannot be pulled: %w", name, err)
	}
	return e.inspect(ctx, name)
}

func (e *engine) inspect(ctx context.Context, name string) (*image, error) {
	found, err := e.ImageInspect(ctx, name)
	if err != nil {
		return nil, err
	}
	img := &image{name: name}
	if found.Config != nil {
		img.entrypoint = found.Config.Entrypoint
		for _, variable := range found.Config.Env {
			if dir, ok := strings.CutPrefix(variable, "PGDATA="); ok {
				img.data = dir
			}
		}
	}
	return img, nil
}

func (e *engine) pull(ctx context.Context, name string, patience time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("not pulled within %s", pullTimeout))
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	timer := time.AfterFunc(patience, func() {
		giveUp(fmt.Errorf("its registry did not answer within %s", patience))
	})
	defer timer.Stop()

	stream, err := e.ImagePull(ctx, name, client.ImagePullOptions{})
	if err == nil {
		timer.Stop()
		err = stream.Wait(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func wantsCredentials(err error) bool {
	text := err.Error()
	return strings.Contains(text, "denied") || strings.Contains(text, "unauthorized") ||
		strings.Contains(text, "no basic auth credentials")
}

func pullWithCredentials(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(silentLogger{}))
	if err != nil {
		return err
	}
	defer func() { _ = provider.Close() }()
	return provider.PullImage(ctx, name)
}

// mirrored puts the prefix that testcontainers uses for images of Docker Hub
// before an image's name.
func mirrored(name string) string {
	prefix := strings.TrimSuffix(os.Getenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX"), "/")
	host, _, _ := strings.Cut(name, "/")
	if prefix == "" || (host != name && strings.ContainsAny(host, ".:")) || host == "localhost" {
		return name
	}
	return prefix + "/" + name
}
