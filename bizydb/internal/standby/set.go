package standby

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Set has the standbys of a database.
type Set struct {
	servers []*Server
	memory  *memory

	cluster int64 // the system identifier
	note    func(context.Context) (cluster int64, timeline uint32, lsn string, err error)
	newer   chan struct{} // the primary is on a later timeline

	primaryReads atomic.Int64
	stop         context.CancelFunc
	done         sync.WaitGroup
}

// Config is what a Set needs.
type Config struct {
	Pools []*pgxpool.Pool
	// Check says why a server is not fit for reads, for each new connection of the probes. cluster is the primary's.
	Check func(ctx context.Context, conn *pgx.Conn, cluster int64) error
	// Note keeps the primary's timeline in the database, and says how far its log is.
	Note func(context.Context) (cluster int64, timeline uint32, lsn string, err error)
}

// Open starts to watch the standbys. It fails only if the timeline cannot be noted.
func Open(ctx context.Context, c Config) (*Set, error) {
	s := &Set{memory: newMemory(maxUsers), note: c.Note, newer: make(chan struct{}, 1)}
	var err error
	if s.cluster, err = s.notePrimary(ctx); err != nil {
		return nil, err
	}

	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	for _, pool := range c.Pools {
		server := &Server{pool: pool, memory: s.memory, check: func(ctx context.Context, conn *pgx.Conn) error { return c.Check(ctx, conn, s.cluster) }}
		server.down.Store(&errNotProbed)
		s.servers = append(s.servers, server)
		s.done.Go(func() { server.watch(watching) })
	}
	s.done.Go(func() { s.watchPrimary(watching) })
	return s, nil
}

// Close stops watching and closes the pools.
func (s *Set) Close() {
	s.stop()
	s.done.Wait()
	for _, server := range s.servers {
		server.pool.Close()
	}
}

// pick returns a server that is up and has not been tried: for the first time of one user's reads the same, as long as it is.
func (s *Set) pick(user int64, tried []*Server) (*Server, *incarnation) {
	n := uint64(len(s.servers))
	for at := range n {
		server := s.servers[(uint64(user)+at)%n]
		if i := server.up.Load(); i != nil && !slices.Contains(tried, server) {
			return server, i
		}
	}
	return nil, nil
}

// observe notes what an answer of the primary says of its log. It is false if the primary is one that a later one has replaced.
func (s *Set) observe(p Position) bool {
	ok, promoted := s.memory.observe(p)
	if promoted {
		select {
		case s.newer <- struct{}{}:
		default:
		}
	}
	return ok
}

// watchPrimary keeps each new timeline in the database: until then, and until a standby has replayed it, reads go to the primary. It asks
// each second how far the log is too, since the lag of standbys is measured by that.
func (s *Set) watchPrimary(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.newer:
		case <-time.After(probeInterval):
		}
		noting, cancel := context.WithTimeout(ctx, probeTimeout)
		_, _ = s.notePrimary(noting) // again in a second
		cancel()
	}
}

func (s *Set) notePrimary(ctx context.Context) (cluster int64, err error) {
	cluster, timeline, lsn, err := s.note(ctx)
	if err != nil {
		return 0, err
	}
	at, err := parseLSN(lsn)
	s.observe(Position{Timeline: timeline, LSN: at})
	return cluster, err
}

// Servers returns the standbys.
func (s *Set) Servers() []*Server { return s.servers }

// PrimaryReads counts the reads that the primary has answered.
func (s *Set) PrimaryReads() int64 { return s.primaryReads.Load() }

// Position returns what a user has seen and written.
func (s *Set) Position(user int64) Position {
	a := s.memory.ask(user, 0)
	a.Cluster = s.mark(user)
	return a.Position
}

// mark tells clusters and users apart: of two users' transactions, it is not known which one ends last.
func (s *Set) mark(user int64) uint32 {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(s.cluster)), uint64(user))) // never fails
	return uint32(h.Sum64()>>32)&math.MaxInt32 | 1
}

// Add notes what a user has seen and written elsewhere, unless it was in another cluster, or another user.
func (s *Set) Add(user int64, p Position) {
	if p.Cluster == s.mark(user) {
		p.Cluster = 0
		s.memory.add(user, p)
	}
}

// AddOpen notes a transaction that has changed what the user sees, and has not committed yet.
func (s *Set) AddOpen(user int64, xid uint64) {
	s.memory.observe(Position{Timeline: s.memory.observed().Timeline, XID: xid})
	s.memory.add(user, Position{Ended: xid})
}

// AskPrimary makes the user's next read go to the primary.
func (s *Set) AskPrimary(user int64) { s.memory.add(user, Position{Primary: true, Ahead: true}) }
