package faults_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Whatever happens to the network or the connections: what was acknowledged is there, what was refused is not, what is
// unknown is there whole or not at all, and the pool works again by itself.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name   string
		toxic  string // of the proxy
		during func(t *testing.T, g *target, proxy *toxiproxy.Proxy)
	}{
		{name: "latency", toxic: `{"type": "latency", "stream": "downstream", "attributes": {"latency": 20, "jitter": 20}}`},
		{name: "slow reads", toxic: `{"type": "bandwidth", "stream": "downstream", "attributes": {"rate": 20}}`},
		{name: "requests in pieces", toxic: `{"type": "slicer", "stream": "upstream", "attributes": {"average_size": 20, "size_variation": 10, "delay": 100}}`},
		{name: "reset, request cut off", toxic: `{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 20000}}`},
		{name: "reset, answer cut off", toxic: `{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 10000}}`},
		{name: "reset at once", toxic: `{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 50}}`},
		{name: "half-open, no answers", toxic: `{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`},
		{name: "half-open, no requests", toxic: `{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`},
		{name: "proxy stopped", during: func(_ *testing.T, _ *target, proxy *toxiproxy.Proxy) { proxy.Stop() }},
		{name: "pg_terminate_backend", during: func(t *testing.T, g *target, _ *toxiproxy.Proxy) {
			for range 20 {
				g.endAll(t)
				time.Sleep(50 * time.Millisecond)
			}
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			g, proxy := newTarget(t, bizydbtest.New(t), 2, 4)
			writers := g.startWriters(t, 4, "")
			time.Sleep(300 * time.Millisecond)
			if fault.toxic != "" {
				if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(fault.toxic)); err != nil {
					t.Fatal(err)
				}
			}
			if fault.during != nil {
				fault.during(t, g, proxy)
			}
			time.Sleep(2 * time.Second)

			proxy.Toxics.ResetToxics(context.Background())
			if !proxy.Enabled {
				if err := proxy.Start(); err != nil {
					t.Fatal(err)
				}
			}
			recovered := g.waitUntilItWorks(t)
			time.Sleep(300 * time.Millisecond)
			log := writers.stop()
			log.check(t, g)
			t.Logf("%s: %v; works again after %v", fault.name, log, recovered.Round(time.Millisecond))
		})
	}
}
