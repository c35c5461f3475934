package standby

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// A Router routes the calls of one user.
type Router struct {
	Set     *Set
	User    int64
	Primary *pgxpool.Pool // nil in a transaction of the service's own
	Outside bool          // reads ask the primary, wait for nobody and do not count as seen
	Entry   executor.Entry
	Enter   executor.Statement // on a standby, before the question whether it is fresh
	Lock    string             // an SQL expression of the key of the user's lock; $1 is the user's id
}

// SQLSTATEs: of schema/012_standbys.sql, and of PostgreSQL.
const (
	behind     = "UB021"
	notStandby = "UB022"

	lockNotAvailable = "55P03" // in time
	unknownZone      = "22023" // of a time zone, which the machine of a standby may lack
	inRecovery       = "55000" // of what only a primary can say
)

const (
	requireFreshSQL    = `SELECT * FROM bizydb.require_fresh($1, $2, $3, $4, $5)`
	requireReplayedSQL = `SELECT * FROM bizydb.require_replayed($1, $2)`

	// What has been seen is replayed to here, or in the very next record. There is none if nothing had been received beyond here before that
	// was asked, and nothing comes from an archive. A server that has been promoted meanwhile does not know. The time is when it has started.
	replayedSQL = `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN replayed::pg_catalog.text ELSE '' END,
       received IS DISTINCT FROM replayed OR pg_catalog.current_setting('restore_command') <> '', pg_catalog.pg_postmaster_start_time()
FROM (SELECT pg_catalog.pg_last_wal_receive_lsn() AS received, pg_catalog.pg_last_wal_replay_lsn() AS replayed OFFSET 0) AS s`

	// Where the log of the primary is: LSN and timeline.
	placeSQL = `SELECT pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text, pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8),
       `

	// What has been seen was in the log by now, or is of the caller's own transaction.
	insertedSQL = placeSQL + `coalesce(pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text, '0')`

	// With the user's lock.
	trackSQL = placeSQL + `pg_catalog.pg_current_xact_id()::pg_catalog.text`

	// Waits until the user's last writer has let go of the lock: then everybody sees what it has committed. A writer whose transaction is
	// idle has not committed yet, and may wait for the caller. With $2, the caller has waited before, and one that works has not committed
	// either: since then it would have let go of the lock, or wait for a standby. It is asked as the login, who may see what its own sessions
	// do.
	awaitWritersSQL = `SELECT CASE
    WHEN pg_catalog.pg_try_advisory_lock_shared(key) THEN pg_catalog.pg_advisory_unlock_shared(key)
    WHEN EXISTS (
      SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
        AND (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8) = key AND (a.state LIKE 'idle in transaction%' OR $2::pg_catalog.bool AND a.state = 'active' AND a.wait_event IS DISTINCT FROM 'SyncRep')) THEN true
    WHEN pg_catalog.set_config('lock_timeout', '1s', true) IS NULL OR pg_catalog.pg_advisory_lock_shared(key) IS NULL THEN false
    ELSE pg_catalog.pg_advisory_unlock_shared(key) AND pg_catalog.set_config('lock_timeout', before, true) IS NOT NULL
  END
FROM (SELECT pg_catalog.current_setting('lock_timeout') AS before, `
	awaitEndSQL = ` AS key OFFSET 0) AS s`
)

// acquireTimeout bounds the wait for a connection to a standby.
const acquireTimeout = time.Second

// A place is the answer to insertedSQL or trackSQL.
type place struct{ lsn, timeline, xid string }

func (p *place) into() []any { return []any{&p.lsn, &p.timeline, &p.xid} }

// position is false if there was no answer.
func (p *place) position() (at Position, xid uint64, ok bool) {
	lsn, lsnErr := parseLSN(p.lsn)
	timeline, timelineErr := strconv.ParseUint(p.timeline, 16, 31)
	xid, xidErr := strconv.ParseUint(p.xid, 10, 64)
	return Position{LSN: lsn, Timeline: uint32(timeline)}, xid, lsnErr == nil && timelineErr == nil && xidErr == nil
}

var (
	errFormerPrimary = fmt.Errorf("%w: the server was the primary before a promotion", executor.ErrUnavailable)
	errFormerWritten = fmt.Errorf("%w: the server was the primary before a promotion", executor.ErrOutcomeUnknown)
)

// Read implements executor.Router.
func (r *Router) Read(own bool) *executor.Route {
	if route := r.onNext(own, nil); route != nil {
		return route
	}
	return r.onPrimary(own, nil, false)
}

// onNext returns the route to a standby that has not been tried, or nil.
func (r *Router) onNext(own bool, tried []*Server) *executor.Route {
	if r.Primary == nil || r.Outside {
		return nil
	}
	server, i := r.Set.pick(r.User, tried)
	if server == nil {
		return nil
	}
	a := r.Set.memory.ask(r.User, i.id)
	if a.Primary {
		return nil
	}
	return r.onStandby(server, i, a, own, slices.Concat(tried, []*Server{server}))
}

// onStandby returns the route to a standby, the last of those that were tried. The primary is asked next. If it is down, the other standbys
// are: one of them may have what the first has not.
func (r *Router) onStandby(server *Server, i *incarnation, a asked, own bool, tried []*Server) *executor.Route {
	var replayed string
	var beyond bool
	var since time.Time
	question, run := r.question(server, a)
	return &executor.Route{
		Pool: server.pool, Wait: acquireTimeout,
		Enter: []executor.Statement{r.Enter, question},
		Leave: []executor.Statement{{SQL: replayedSQL, Into: []any{&replayed, &beyond, &since}}},
		Context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			stop := context.AfterFunc(i, cancel)
			return ctx, func() { stop(); cancel() }
		},
		Ended: func(shown, complete bool) error {
			if complete {
				server.Reads.Add(1)
			}
			if at, err := parseLSN(replayed); complete && err == nil {
				r.Set.memory.sawStandby(r.User, i.id, a, at, beyond)
				if run == nil {
					server.known.Store(&knownRun{since: since, timeline: a.Timeline})
				}
			} else if shown {
				r.Set.AskPrimary(r.User)
			}
			return nil
		},
		Instead: func(ctx context.Context, err error) *executor.Route {
			switch outcomeOf(ctx, err) {
			case final:
				return nil
			case old:
				server.Behind.Add(1)
				server.known.CompareAndSwap(run, nil) // or it has restarted
			case lost:
				server.Failed.Add(1)
				server.suspect(i, err)
			case failed:
				server.Failed.Add(1)
			}
			if len(tried) > 1 { // the primary is down
				if next := r.onNext(own, tried); next != nil {
					return next
				}
			}
			return r.onPrimary(own, tried, false)
		},
	}
}

// question returns what a standby is asked before a read: the whole question, or what is left of it for a run that has passed that.
func (r *Router) question(server *Server, a asked) (executor.Statement, *knownRun) {
	if run := server.known.Load(); run != nil && run.timeline == a.Timeline && a.XID == 0 && a.Ended == 0 {
		return executor.Statement{SQL: requireReplayedSQL, Args: []any{run.since, lsn(a.replayed())}}, run
	}
	return executor.Statement{SQL: requireFreshSQL, Args: []any{
		r.Set.cluster, int32(a.Timeline), lsn(a.replayed()), strconv.FormatUint(a.XID, 10), strconv.FormatUint(a.Ended, 10),
	}}, nil
}

// An outcome says what becomes of a read that a standby did not answer.
type outcome int

const (
	final  outcome = iota // the primary would say the same
	old                   // the standby is behind
	lost                  // the standby is not up
	failed                // the primary may do better
)

func outcomeOf(ctx context.Context, err error) outcome {
	is := func(kinds ...error) bool {
		return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
	}
	var pgErr *pgconn.PgError
	switch {
	case executor.HasCode(err, behind):
		return old
	case ctx.Err() == nil && executor.HasCode(err, unknownZone):
		return failed
	case ctx.Err() != nil, is(executor.ErrInvalid, executor.ErrNotFound, executor.ErrStatement, executor.ErrBusy):
		return final
	case executor.HasCode(err, notStandby):
		return lost
	case errors.As(err, &pgErr) && pgErr.SeverityUnlocalized == "ERROR", is(executor.ErrPoolExhausted):
		return failed // a conflict with recovery, a migration that is not replayed yet, a user who has just signed up
	case pgErr != nil, is(executor.ErrUnavailable, executor.ErrConnect, context.Canceled, context.DeadlineExceeded):
		return lost
	default: // of the caller's own destinations, say
		return final
	}
}

// onPrimary returns the route to the primary. waited says that the user's writer was waited for before.
func (r *Router) onPrimary(own bool, tried []*Server, waited bool) *executor.Route {
	a := r.Set.memory.ask(r.User, 0)
	route := r.inserted(a)
	route.Enter, route.Leave = r.Entry.ToRead(own), slices.Concat(r.Entry.Leave, route.Leave)
	waits := r.waits(a)
	if waits {
		route.Enter = slices.Concat([]executor.Statement{r.awaitWriters(waited)}, route.Enter)
	}
	route.Instead = func(ctx context.Context, err error) *executor.Route {
		switch {
		case waits && !waited && executor.HasCode(err, lockNotAvailable):
			return r.onPrimary(own, tried, true)
		case len(tried) == 1 && (outcomeOf(ctx, err) == lost || executor.HasCode(err, inRecovery)):
			return r.onNext(own, tried)
		}
		return nil
	}
	return route
}

// waits reports whether a read on the primary has to wait for the user's writers. In a transaction of the service's own an error would end it.
func (r *Router) waits(a asked) bool { return a.Ahead && r.Primary != nil && !r.Outside }

// inserted returns a route to the primary that asks, as it leaves, what a read can have seen, and notes that.
func (r *Router) inserted(a asked) *executor.Route {
	var seen place
	return &executor.Route{
		Pool: r.Primary, Leave: []executor.Statement{{SQL: insertedSQL, Into: seen.into()}},
		Ended: func(shown, complete bool) error {
			p, xid, ok := seen.position()
			if !complete || !ok {
				if shown && !r.Outside {
					r.Set.AskPrimary(r.User)
				}
				return nil
			}
			p.Ended, p.Ahead = xid, a.Ahead && r.Primary == nil // which has not waited
			if !r.Set.observe(p) {
				return errFormerPrimary
			}
			r.Set.primaryReads.Add(1)
			if !r.Outside {
				r.Set.memory.sawPrimary(r.User, a, p)
			}
			return nil
		},
	}
}

func (r *Router) awaitWriters(waited bool) executor.Statement {
	return executor.Statement{SQL: awaitWritersSQL + r.Lock + awaitEndSQL, Args: []any{strconv.FormatInt(r.User, 10), waited}}
}

// Write implements executor.Router. Whatever becomes of a transaction that has an id: when it has ended on a standby, the standby has what
// the user can know of it.
func (r *Router) Write() *executor.Route {
	var wrote place
	enter := slices.Concat(r.Entry.EnterToWrite, []executor.Statement{{SQL: trackSQL, Into: wrote.into()}})
	begun := func() error {
		if p, _, ok := wrote.position(); ok && !r.Set.observe(p) {
			return errFormerPrimary
		}
		return nil
	}
	return &executor.Route{Pool: r.Primary, Enter: enter, Leave: r.Entry.Leave, Begun: begun, Ended: func(bool, bool) error {
		p, xid, ok := wrote.position()
		wrote = place{} // a retry has its own
		if !ok {
			r.Set.AskPrimary(r.User)
			return nil
		}
		p.XID = xid
		if !r.Set.observe(p) {
			return errFormerWritten
		}
		r.Set.memory.add(r.User, Position{Timeline: p.Timeline, XID: xid, XIDOn: p.Timeline, XIDAt: p.LSN})
		return nil
	}}
}

// Begin implements executor.Router. A transaction is on the primary: its statements must see the same history.
func (r *Router) Begin(access pgx.TxAccessMode) *executor.Route {
	if access != pgx.ReadOnly {
		return r.Write()
	}
	return r.beginAfterWriters(false)
}

func (r *Router) beginAfterWriters(waited bool) *executor.Route {
	a := r.Set.memory.ask(r.User, 0)
	route := r.inserted(a)
	route.Enter, route.Leave = slices.Concat(r.Entry.Enter, route.Leave), nil
	if r.waits(a) { // in the transaction it would be too late: the first statement takes the snapshot
		route.Before = []executor.Statement{r.awaitWriters(waited)}
		route.Instead = func(_ context.Context, err error) *executor.Route {
			if waited || !executor.HasCode(err, lockNotAvailable) {
				return nil
			}
			return r.beginAfterWriters(true)
		}
	}
	return route
}
