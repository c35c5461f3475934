package pgserver

import (
	"bytes"
	"context"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// output collects what a container prints while it starts: a container that
// failed is removed at once, and its log with it.
type output struct {
	conn client.HijackedResponse
	done chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

// follow attaches to a container that is created and not yet started.
func (e *engine) follow(ctx context.Context, id string) (*output, error) {
	att, err := e.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	o := &output{conn: att.HijackedResponse, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		_, _ = stdcopy.StdCopy(o, o, o.conn.Reader)
	}()
	return o, nil
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// tail is the end of what was printed so far.
func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return tail(o.text.String())
}

// stop lets the container print to nobody.
func (o *output) stop() {
	o.conn.Close()
	<-o.done
}
