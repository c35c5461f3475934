//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// watchdog owns a server's directory: it makes the directory and, when it is
// told to or when the process that started it is gone, stops the server and
// removes the directory. It is a shell that reads from a pipe, which the kernel
// closes however the process ends.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.Closer
	dir  string
}

// The removal is tried again because an initdb that was cut off from its
// parent may still be writing.
const watchdogScript = `
dir=$(mktemp -d "$2/bizydbtest-XXXXXX" 2>&1) || { echo "$dir"; exit 1; }
echo "$dir"
exec >/dev/null 2>&1
while read -r line; do :; done
"$1" stop -D "$dir/data" -m immediate -w -t 30
for try in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf "$dir" && exit 0
	sleep 1
done
exit 1`

// startWatchdog starts a watchdog and returns it with its directory made.
func startWatchdog(run runner, pgctl string) (*watchdog, error) {
	// Bound to no context: it has to outlive them all.
	cmd := run.command(context.Background(), "", "/bin/sh", "-c", watchdogScript, "bizydbtest-watchdog", pgctl, run.tempRoot())
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a watchdog: %w", err)
	}
	text, err := io.ReadAll(out)
	dog := &watchdog{cmd, pipe, strings.TrimSpace(string(text))}
	if info, statErr := os.Stat(dog.dir); err != nil || statErr != nil || !info.IsDir() {
		_ = dog.finish()
		return nil, errors.Join(fmt.Errorf("make a temporary directory: %s", dog.dir), err)
	}
	return dog, nil
}

// finish stops the server, if it runs, and removes its directory.
func (w *watchdog) finish() error {
	_ = w.pipe.Close()
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("stop the server in %s: %w", w.dir, err)
	}
	return nil
}
