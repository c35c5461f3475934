package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A delayProxy makes the way to a server longer: what goes either way arrives later by half of the time that a round trip
// is to take more.
type delayProxy struct {
	listener net.Listener
	server   string
	oneWay   atomic.Int64 // in ns

	mu    sync.Mutex
	conns []net.Conn
	done  sync.WaitGroup
}

// startDelay starts a proxy to the server of a connection URL.
func startDelay(dsn string, roundTrip time.Duration) (*delayProxy, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &delayProxy{listener: listener, server: u.Host}
	p.oneWay.Store(int64(roundTrip / 2))
	p.done.Go(p.serve)
	return p, nil
}

// through returns the connection URL that leads through the proxy.
func (p *delayProxy) through(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn // startDelay has parsed one like it
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

func (p *delayProxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.done.Wait()
}

func (p *delayProxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		if errors.Join(p.pump(server, client), p.pump(client, server)) != nil {
			_, _ = client.Close(), server.Close()
		}
	}
}

type piece struct {
	due time.Time
	buf *[pieceSize]byte
	n   int
}

const pieceSize = 32 << 10

// buffers are used again: their garbage would be that of whoever is measured.
var buffers = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// pump copies one way. Reading goes on while pieces wait, so that only the way gets longer and not what fits on it less.
func (p *delayProxy) pump(to, from net.Conn) error {
	sleep, err := newSleeper()
	if err != nil {
		return err
	}
	pieces := make(chan piece, 1024)
	p.done.Go(func() {
		defer close(pieces)
		for {
			buf := buffers.Get().(*[pieceSize]byte)
			n, err := from.Read(buf[:])
			if n > 0 {
				pieces <- piece{time.Now().Add(time.Duration(p.oneWay.Load())), buf, n}
			}
			if err != nil {
				return
			}
		}
	})
	p.done.Go(func() {
		defer func() {
			_ = sleep.Close()
			_ = to.Close()
			_ = from.Close()
			for range pieces { // the reader may be waiting for room
			}
		}()
		for piece := range pieces {
			sleep.until(piece.due)
			_, err := to.Write(piece.buf[:piece.n])
			buffers.Put(piece.buf)
			if err != nil {
				return
			}
		}
	})
	return nil
}

// calibrate takes from the delay what the proxy itself costs, so that a round trip takes longer than without it by just what
// was asked for. It returns by how much it does.
func (p *delayProxy) calibrate(ctx context.Context, dsn string, roundTrip time.Duration) (time.Duration, error) {
	direct, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer direct.Close(ctx)
	delayed, err := pgx.Connect(ctx, p.through(dsn))
	if err != nil {
		return 0, err
	}
	defer delayed.Close(ctx)
	added := func() (time.Duration, error) {
		var took [2][]float64
		for range 300 {
			for i, conn := range []*pgx.Conn{direct, delayed} {
				start := time.Now()
				if _, err := conn.Exec(ctx, "SELECT 1"); err != nil {
					return 0, err
				}
				took[i] = append(took[i], float64(time.Since(start)))
			}
		}
		return time.Duration(median(took[1]) - median(took[0])), nil
	}
	more, err := added()
	if err != nil {
		return 0, err
	}
	p.oneWay.Store(int64(roundTrip-min(max(more-roundTrip, 0), roundTrip/2)) / 2)
	return added()
}
