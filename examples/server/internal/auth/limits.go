package auth

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Sign-ins, sign-ups, links and password resets of one address of the network, in one process.
const (
	perAddress     = rate.Limit(1) // a second
	burstOfAddress = 60
	fullAfter      = burstOfAddress * time.Second // without an attempt
	maxAddresses   = 100_000
)

// A WaitError is ErrTooMany or ErrLocked, and how long.
type WaitError struct {
	Err   error
	After time.Duration
}

func (e *WaitError) Error() string { return fmt.Sprintf("%v for %v", e.Err, e.After) }

func (e *WaitError) Unwrap() error { return e.Err }

// RetryAfter is the header of an answer to a WaitError, in seconds.
func RetryAfter(err error) string {
	var wait *WaitError
	if !errors.As(err, &wait) {
		return "1"
	}
	return fmt.Sprint(max(1, math.Ceil(wait.After.Seconds())))
}

// Admit returns ErrTooMany if an address has tried too often. Whatever a client does without a token asks here before its body is read.
func (s *Service) Admit(address string) error {
	after := s.limits.reserve(network(address), time.Now())
	if after == 0 {
		return nil
	}
	return &WaitError{ErrTooMany, after}
}

// network is what counts as one client: an address, or 64 bits of one of IPv6, of which a client has all that begin so.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}

// limits has a limiter for each network that has been seen lately.
type limits struct {
	mu    sync.Mutex
	of    map[string]*limit
	swept time.Time
}

type limit struct {
	*rate.Limiter
	last time.Time
}

// reserve returns how long a network has to wait: 0 if it may try now.
func (l *limits) reserve(network string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]*limit{}
	}
	if now.Sub(l.swept) > fullAfter {
		l.swept = now
		for name, one := range l.of {
			if now.Sub(one.last) > fullAfter { // as good as new
				delete(l.of, name)
			}
		}
	}
	one := l.of[network]
	if one == nil {
		for name := range l.of {
			if len(l.of) < maxAddresses {
				break
			}
			delete(l.of, name) // any: who has so many addresses gains nothing
		}
		one = &limit{Limiter: rate.NewLimiter(perAddress, burstOfAddress)}
		l.of[network] = one
	}
	one.last = now
	reservation := one.ReserveN(now, 1)
	after := reservation.DelayFrom(now)
	if after > 0 {
		reservation.CancelAt(now)
	}
	return after
}
