package standby

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How often each standby is probed, and how long it has for an answer. A standby that has none is down until it has one again. It then has
// longer, since a server that has just started on a busy machine needs seconds for a first look at its catalog.
const (
	probeInterval = time.Second
	probeTimeout  = 2 * time.Second
	returnTimeout = 10 * time.Second
)

// A Server is a standby, or what should be one.
type Server struct {
	pool   *pgxpool.Pool
	check  func(context.Context, *pgx.Conn) error
	memory *memory                     // of the set
	up     atomic.Pointer[incarnation] // nil if it gets no reads
	last   atomic.Pointer[incarnation] // whose reads may still run
	known  atomic.Pointer[knownRun]    // nil if no read has passed the whole question

	// Reads that were answered, and those that were sent to the primary: since the standby had not replayed enough, and for any other reason.
	Reads, Behind, Failed atomic.Int64

	lag  atomic.Int64 // in nanoseconds, when it was last probed
	down atomic.Pointer[error]
}

// An incarnation is a time during which a standby has not restarted, so that what it shows never goes back. Its context ends when the
// standby is down.
type incarnation struct {
	context.Context
	end context.CancelFunc
	id  uint32
}

// A knownRun is a standby since its start, which has the row of a timeline. It keeps that until it restarts, since a standby only replays.
type knownRun struct {
	since    time.Time
	timeline uint32
}

func newIncarnation() *incarnation {
	i := &incarnation{id: rand.Uint32N(math.MaxInt32) + 1}
	i.Context, i.end = context.WithCancel(context.Background())
	return i
}

// suspect gives the standby no more reads until the next probe, after a read that failed.
func (s *Server) suspect(i *incarnation, err error) {
	if s.up.CompareAndSwap(i, nil) {
		s.down.Store(&err)
	}
}

// fail says that the standby is down. Calls that wait for it go on to the primary.
func (s *Server) fail(err error) {
	s.down.Store(&err)
	s.up.Store(nil)
	if i := s.last.Swap(nil); i != nil {
		i.end()
	}
}

// watch probes the standby until ctx ends.
func (s *Server) watch(ctx context.Context) {
	var conn *pgx.Conn
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.up.Store(nil) // reads that run go on: closing the pool waits for them
			s.down.Store(&errClosed)
			if conn != nil {
				closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
				defer cancel()
				_ = conn.Close(closing)
			}
			return
		case <-timer.C:
		}
		var err error
		switch conn, err = s.probe(ctx, conn); {
		case ctx.Err() != nil: // which says nothing about the standby
		case err != nil:
			s.fail(err)
		default:
			if s.last.Load() == nil {
				s.last.Store(newIncarnation())
			}
			s.up.Store(s.last.Load())
			s.down.Store(nil)
		}
		timer.Reset(probeInterval)
	}
}

var (
	errClosed     = errors.New("the DB has been closed")
	errNotStandby = errors.New("it is not a standby")
	errNotProbed  = errors.New("it has not been probed yet")
)

const probeSQL = `SELECT pg_catalog.pg_is_in_recovery(), coalesce(pg_catalog.pg_last_wal_replay_lsn()::pg_catalog.text, '0/0'),
       coalesce(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()), 0)::pg_catalog.float8`

// probe asks the standby how it is, on a connection of its own, which is nil at first and after an error.
func (s *Server) probe(ctx context.Context, conn *pgx.Conn) (_ *pgx.Conn, err error) {
	timeout := probeTimeout
	if s.last.Load() == nil {
		timeout = returnTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	fresh := conn == nil
	if fresh {
		if conn, err = s.connect(ctx); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			_ = conn.Close(ctx)
		}
	}()
	var recovers bool
	var replayed string
	var age float64
	if err := conn.QueryRow(ctx, probeSQL).Scan(&recovers, &replayed, &age); err != nil {
		return nil, err
	}
	if !recovers {
		return nil, errNotStandby
	}
	if fresh {
		if err := s.check(ctx, conn); err != nil {
			return nil, err
		}
	}
	lag := time.Duration(age * float64(time.Second))
	if at, err := parseLSN(replayed); err != nil || at >= s.memory.observed().LSN {
		lag = 0 // nothing new, however old the last transaction is
	}
	s.lag.Store(int64(max(lag, 0)))
	return conn, nil
}

// connect makes a connection as the pool does, with its hooks.
func (s *Server) connect(ctx context.Context) (*pgx.Conn, error) {
	c := s.pool.Config()
	if c.BeforeConnect != nil {
		if err := c.BeforeConnect(ctx, c.ConnConfig); err != nil {
			return nil, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return nil, err
	}
	if c.AfterConnect != nil {
		if err := c.AfterConnect(ctx, conn); err != nil {
			_ = conn.Close(ctx)
			return nil, err
		}
	}
	return conn, nil
}

// Name is the host and the port of the standby.
func (s *Server) Name() string {
	c := s.pool.Config().ConnConfig
	return net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// Down says why the standby gets no reads, or nil.
func (s *Server) Down() error {
	if err := s.down.Load(); err != nil {
		return *err
	}
	return nil
}

// Lag is how old the last replayed transaction was at the last probe, by the clocks of both servers; 0 if everything that was observed here
// was replayed.
func (s *Server) Lag() time.Duration { return time.Duration(s.lag.Load()) }
