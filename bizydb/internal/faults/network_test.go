package faults_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// What toxiproxy can do to a network that a client can notice.
var toxics = []struct{ name, toxic string }{
	{"latency", `{"type": "latency", "stream": "downstream", "attributes": {"latency": 20, "jitter": 20}}`},
	{"slow reads", `{"type": "bandwidth", "stream": "downstream", "attributes": {"rate": 20}}`},
	{"requests in pieces", `{"type": "slicer", "stream": "upstream", "attributes": {"average_size": 20, "size_variation": 10, "delay": 100}}`},
	{"reset, request cut off", `{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 20000}}`},
	{"reset, answer cut off", `{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 10000}}`},
	{"reset at once", `{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 50}}`},
	{"half-open, no answers", `{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`},
	{"half-open, no requests", `{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`},
}

// Whatever happens to the network or the connections: what was acknowledged is there, what was refused is not, what is
// unknown is there whole or not at all, and the pool works again by itself.
func TestFaults(t *testing.T) {
	t.Parallel()
	type fault struct {
		name   string
		happen func(t *testing.T, g *target, proxy *toxiproxy.Proxy)
	}
	faults := []fault{
		{"proxy stopped", func(_ *testing.T, _ *target, proxy *toxiproxy.Proxy) { proxy.Stop() }},
		{"pg_terminate_backend", func(t *testing.T, g *target, _ *toxiproxy.Proxy) {
			for range 20 {
				g.endAll(t)
				time.Sleep(50 * time.Millisecond)
			}
		}},
	}
	for _, toxic := range toxics {
		faults = append(faults, fault{toxic.name, func(t *testing.T, _ *target, proxy *toxiproxy.Proxy) { poison(t, proxy, toxic.toxic) }})
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			g, proxy := newTarget(t, bizydbtest.New(t), 2, 4)
			writers := g.startWriters(t, 4, "")
			time.Sleep(300 * time.Millisecond)
			fault.happen(t, g, proxy)
			time.Sleep(time.Second)

			heal(t, proxy)
			writers.afterwards(t, g, fault.name)
		})
	}
}

func poison(t *testing.T, proxy *toxiproxy.Proxy, toxic string) {
	t.Helper()
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
}

// heal ends whatever happens at the proxy.
func heal(t *testing.T, proxy *toxiproxy.Proxy) {
	t.Helper()
	proxy.Toxics.ResetToxics(context.Background())
	if !proxy.Enabled {
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
	}
}
