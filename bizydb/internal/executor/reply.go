package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A reply is the answer to one batch, and the connection that it came on.
type reply struct {
	session *Session
	route   *Route
	caller  context.Context
	ctx     context.Context
	end     context.CancelFunc // of ctx, if it is not nil
	results pgx.BatchResults   // nil before the batch was sent
	on      *pgx.Conn
	leased  *pgxpool.Conn // to give back; nil inside a transaction
	query   *query        // the first one sent, or the one that failed
	changes bool          // anything, by the texts of what was sent
	args    []any         // its arguments
	sent    bool          // on an open connection
	shown   bool          // an answer, to the caller
	before  int           // how many answers come before those to Leave
	closed  bool
	lost    bool // its connection, when it was closed
	unknown bool // whether it has changed anything
}

// close reads the answer to its end and gives the connection back. It returns err, what the caller met while reading,
// or else what came after: a batch has succeeded only when it is closed. Closing again does nothing.
func (r *reply) close(err error) error {
	if r.closed {
		return r.wrap(err)
	}
	r.closed = true
	if r.results != nil {
		err = r.leave(err)
		if closeErr := r.results.Close(); closeErr != nil && (err == nil || errors.Is(err, pgx.ErrNoRows)) {
			err = closeErr
		}
		complete := err == nil || errors.Is(err, pgx.ErrNoRows)
		if endErr := r.route.ended(r.shown || complete, complete); endErr != nil {
			_ = r.on.Close(context.Background())
			err = endErr
		}
	}
	if r.end != nil && ended(err) && r.caller.Err() == nil {
		err = fmt.Errorf("%w: the standby went down: %v", ErrUnavailable, err)
	}
	r.lost = !errors.Is(err, pgx.ErrTxClosed) && r.on.IsClosed()
	if err != nil {
		if r.leased == nil && pgconn.SafeToRetry(err) && !ended(err) && r.on.PgConn().IsBusy() { // with rows of the service's own
			err = errBusy
		}
		r.unknown = r.leased != nil && r.sent && r.session.config.unanswered(r.on, err) && r.changes
		closeIfStale(r.on, err)
		if r.leased != nil {
			closeIfStandby(r.on, r.changes, err)
		}
	}
	if r.leased != nil {
		if r.session.entry.Begin != "" {
			endBlock(r.on)
		}
		r.leased.Release()
	} else {
		r.session.busy.Store(false)
	}
	if r.end != nil {
		r.end()
	}
	return r.wrap(err)
}

// leave reads what the route asks for after the queries. The caller may not have read all of their answers.
func (r *reply) leave(err error) error {
	results, ok := r.results.(*counted)
	if !ok || err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	for results.read < r.before {
		if _, leaveErr := results.Exec(); leaveErr != nil {
			return leaveErr
		}
	}
	for _, stmt := range r.route.Leave {
		if leaveErr := stmt.read(r.results); leaveErr != nil {
			return leaveErr
		}
	}
	return err
}

func (r *reply) wrap(err error) error { return r.wrapFor(r.query, err) }

// wrapFor is for the answer to one of the queries.
func (r *reply) wrapFor(q *query, err error) error {
	switch {
	case err == nil:
		return nil
	case r.unknown:
		err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	case q.own && !q.Changes && r.session.entry.EnterToRead != nil && HasCode(err, pgerrcode.ReadOnlySQLTransaction):
		err = fmt.Errorf("%w: what it calls writes, and its text does not say so: see Writes", r.session.config.Classify(err))
	default:
		lost := r.lost || !r.closed && r.on.IsClosed() // afterwards it is somebody else's
		err = r.session.config.Locate(r.session.config.failed(r.ctx, lost, r.sent, err), r.args)
	}
	return &callError{q.name, err}
}

// unanswered says whether err has cut off the answer to what was sent on a connection, which was open. (That it is closed is
// what pgx can say of a connection that was lost since. It says that it is safe to try again then, which it is not.)
func (c *Config) unanswered(on *pgx.Conn, err error) bool {
	var pgErr *pgconn.PgError
	var notSent pgx.ErrPreprocessingBatch
	switch {
	case errors.As(err, &notSent) || pgconn.SafeToRetry(err) && !errors.Is(err, pgconn.ErrConnClosed):
		return false
	case errors.As(err, &pgErr) && pgErr.SeverityUnlocalized == "ERROR": // this is the answer
		return c.Unanswered != nil && c.Unanswered(pgErr)
	case HasCode(err, pgerrcode.IdleInTransactionSessionTimeout, pgerrcode.IdleSessionTimeout): // the server had given up waiting for what was sent then
		return false
	default:
		return on.IsClosed()
	}
}
