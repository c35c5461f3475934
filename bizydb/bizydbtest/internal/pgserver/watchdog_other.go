//go:build !unix

package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// watchdog owns a server's directory: it makes the directory and, when it is
// told to, stops the server and removes the directory. Without a Unix shell it
// does not outlive the process: a server whose process was killed keeps
// running.
type watchdog struct {
	run        runner
	pgctl, dir string
}

// startWatchdog returns a watchdog with its directory made.
func startWatchdog(run runner, pgctl string) (*watchdog, error) {
	dir, err := os.MkdirTemp(run.tempRoot(), "bizydbtest-")
	if err != nil {
		return nil, err
	}
	return &watchdog{run, pgctl, dir}, nil
}

// finish stops the server, if it runs, and removes its directory.
func (w *watchdog) finish() error {
	_, stopErr := w.run.output(context.Background(), "", w.pgctl,
		"stop", "-D", filepath.Join(w.dir, "data"), "-m", "immediate", "-w", "-t", "30")
	if err := os.RemoveAll(w.dir); err != nil {
		return errors.Join(stopErr, err)
	}
	return nil
}
