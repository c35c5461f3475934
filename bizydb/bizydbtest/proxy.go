package bizydbtest

import (
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Proxy forwards connections to a server and counts round trips. In a round trip, the client sends one or more messages, and
// then the server answers with one or more messages.
type Proxy struct {
	listener net.Listener
	network  string // of the server
	address  string
	trips    atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	done  sync.WaitGroup
}

// NewProxy starts a proxy to the server of dsn on the loopback interface. It returns the proxy and the connection string that
// leads through it. The proxy does not support TLS. NewProxy closes it when t ends.
func NewProxy(t testing.TB, dsn string) (*Proxy, string) {
	t.Helper()
	p, through, err := StartProxy(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, through
}

// StartProxy is [NewProxy] without a [testing.TB]. The caller closes the proxy.
func StartProxy(dsn string) (*Proxy, string, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, "", errors.New("bizydbtest: proxy: cannot parse the connection string")
	}
	if config.TLSConfig != nil && !slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig == nil }) {
		return nil, "", errors.New("bizydbtest: proxy: the connection string asks for TLS, which the proxy does not speak")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	p := &Proxy{
		listener: listener,
		network:  network,
		address:  address,
		conns:    map[net.Conn]struct{}{},
	}
	p.done.Go(p.serve)

	through := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(config.User, config.Password),
		Host:     listener.Addr().String(),
		Path:     "/" + config.Database,
		RawQuery: "sslmode=disable",
	}
	if mode := config.DefaultQueryExecMode; mode != pgx.QueryExecModeCacheStatement { // clients other than pgx do not know it
		through.RawQuery += "&default_query_exec_mode=" + strings.ReplaceAll(mode.String(), " ", "_")
	}
	return p, through.String(), nil
}

// RoundTrips returns the number of round trips since the last call of RoundTrips.
func (p *Proxy) RoundTrips() int { return int(p.trips.Swap(0)) }

// Close closes the proxy and its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	_ = p.listener.Close()
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.done.Wait()
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		var asked atomic.Bool
		p.done.Go(func() {
			defer p.drop(client, server)
			pump(server, client, func() { asked.Store(true) })
		})
		p.done.Go(func() {
			defer p.drop(client, server)
			pump(client, server, func() {
				if asked.Swap(false) {
					p.trips.Add(1)
				}
			})
		})
	}
}

// pump copies until either side is closed. before runs ahead of each piece, so that a client which has read an answer
// finds it counted.
func pump(to io.Writer, from io.Reader, before func()) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			before()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// keep remembers connections for Close. It closes them and returns false when the proxy is closed already.
func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.conns == nil {
			_ = c.Close()
			continue
		}
		p.conns[c] = struct{}{}
	}
	return p.conns != nil
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}
