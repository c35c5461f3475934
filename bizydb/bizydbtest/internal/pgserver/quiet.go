package pgserver

import (
	"sync/atomic"

	"github.com/testcontainers/testcontainers-go/log"
)

// quiet is above zero while this package works with testcontainers.
var quiet atomic.Int32

// testcontainers greets every engine on its default logger, which only this
// can keep still: whatever is logged while this package is at work is dropped,
// everything else goes where it went. It is set here and for good, because the
// logger may not be replaced while somebody logs.
func init() { log.SetDefault(gate{log.Default()}) }

type gate struct{ next log.Logger }

func (g gate) Printf(format string, args ...any) {
	if quiet.Load() == 0 {
		g.next.Printf(format, args...)
	}
}

// silentLogger is for our own containers.
type silentLogger struct{}

func (silentLogger) Printf(string, ...any) {}
