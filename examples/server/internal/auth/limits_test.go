package auth

import (
	"fmt"
	"testing"
	"time"
)

func TestNetwork(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::1": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "unknown": "unknown",
	} {
		if got := network(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var l limits
	now := time.Now()
	for i := range burstOfAddress {
		if after := l.reserve("a", now); after != 0 {
			t.Fatalf("attempt %d waits %v", i, after)
		}
	}
	for range 3 { // to be refused does not make the wait longer
		if after := l.reserve("a", now); after != time.Second {
			t.Errorf("waits %v", after)
		}
	}
	if after := l.reserve("b", now); after != 0 {
		t.Errorf("another waits %v", after)
	}
	if after := l.reserve("a", now.Add(time.Second)); after != 0 {
		t.Errorf("waits %v after a second", after)
	}
	// What was not seen for long is dropped, and what was seen is not.
	l.reserve("b", now.Add(50*time.Second))
	l.reserve("b", now.Add(70*time.Second))
	if l.of["a"] != nil || l.of["b"] == nil {
		t.Errorf("%v", l.of)
	}
	for i := range maxAddresses + 10 {
		l.reserve(fmt.Sprint(i), now.Add(80*time.Second))
	}
	if len(l.of) > maxAddresses {
		t.Errorf("%d entries", len(l.of))
	}
}
