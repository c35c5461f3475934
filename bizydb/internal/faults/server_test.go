//go:build unix

package faults_test

import (
	"testing"
	"time"
)

// A server that ends, in order or not, takes all connections with it and what they have not committed, and nothing else.
func TestServerEnds(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	for _, end := range []struct {
		name string
		end  func(t *testing.T, g *target)
	}{
		{"restart", func(t *testing.T, _ *target) { clusterOf(t, server).pgCtl(t, "restart", "-m", "fast") }},
		{"restart without a checkpoint", func(t *testing.T, _ *target) { clusterOf(t, server).pgCtl(t, "restart", "-m", "immediate") }},
		{"kill -9 of a server process", func(t *testing.T, g *target) { g.killOne(t) }},
		{"kill -9 of the server", func(t *testing.T, _ *target) {
			c := clusterOf(t, server)
			c.kill(t)
			c.startAgain(t)
		}},
	} {
		t.Run(end.name, func(t *testing.T) {
			db, err := server.NewDatabase(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			g, _ := newTarget(t, db, 2, 4)
			writers := g.startWriters(t, 4, "")
			const times = 2
			var longest time.Duration
			for range times {
				time.Sleep(400 * time.Millisecond)
				end.end(t, g)
				longest = max(longest, g.waitUntilItWorks(t))
			}
			time.Sleep(200 * time.Millisecond)
			log := writers.stop()
			log.check(t, g)
			if len(log.refused)+len(log.unknown) == 0 {
				t.Error("nobody noticed")
			}
			t.Logf("%s, %d times: %v; works again after %v", end.name, times, log, longest.Round(time.Millisecond))
		})
	}
}
