package main

import (
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// A round trip through the proxy takes as much longer as was asked for.
func TestDelay(t *testing.T) {
	server, err := bizydbtest.Shared()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []time.Duration{500 * time.Microsecond, 2 * time.Millisecond} {
		proxy, err := startDelay(server.DSN(), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := proxy.calibrate(t.Context(), server.DSN(), want)
		proxy.Close()
		// On a busy machine the rest is late as well.
		if err != nil || got < want*3/4 || got > want*2 {
			t.Errorf("%s longer, want %s, %v", got, want, err)
		}
		t.Logf("%s: %s", want, got)
	}
}
