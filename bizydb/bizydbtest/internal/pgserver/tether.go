package pgserver

import (
	"context"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// tether ties a container's life to this process: a shell beside the server
// reads the container's standard input, which is a connection that we hold and
// that the kernel closes, however the process ends. Since the container's
// engine keeps the other end, this holds for an engine elsewhere too.
type tether struct {
	eng        *engine
	entrypoint []string // the image's own

	conn   *client.HijackedResponse
	output *output
}

// tetherScript signals again and again, for a signal is lost on an entrypoint
// that is still preparing the server.
const tetherScript = `
exec 3<&0 </dev/null
(
	while read -r line; do :; done <&3
	while kill -INT 1; do sleep 1; done
) &
exec "$@" 3<&-`

// configure puts the shell before the image's entrypoint.
func (t *tether) configure(config *container.Config) {
	config.OpenStdin = true
	config.StdinOnce = true
	config.Entrypoint = append([]string{"sh", "-c", tetherScript, "sh"}, t.entrypoint...)
}

// attach takes hold of the standard input of a container that is created and
// not yet started, and follows its output.
func (t *tether) attach(ctx context.Context, ctr testcontainers.Container) error {
	att, err := t.eng.ContainerAttach(ctx, ctr.GetContainerID(), client.ContainerAttachOptions{Stream: true, Stdin: true})
	if err != nil {
		return fmt.Errorf("tie the container to this process: %w", err)
	}
	t.conn = &att.HijackedResponse
	if t.output, err = t.eng.follow(ctx, ctr.GetContainerID()); err != nil {
		return fmt.Errorf("follow the container's output: %w", err)
	}
	return nil
}

// started stops following the output. It returns the end of it.
func (t *tether) started() string {
	if t.output == nil {
		return ""
	}
	t.output.stop()
	return t.output.tail()
}

// close lets go of the container.
func (t *tether) close() {
	if t.conn != nil {
		t.conn.Close()
	}
}
