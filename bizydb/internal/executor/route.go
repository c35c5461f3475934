package executor

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Route is where the statements of a call are sent, and what surrounds them there.
type Route struct {
	Pool   *pgxpool.Pool // whose connection is used; nil in a transaction
	Wait   time.Duration // how long for a connection, if it is not 0
	Before []Statement   // in a transaction of their own, if there are any
	Enter  []Statement
	Leave  []Statement
	// Context, if it is not nil, gives the context of the call on this route. The function that it returns is called when the call has ended.
	Context func(context.Context) (context.Context, context.CancelFunc)
	// Begun, if it is not nil, is called when a transaction that may write has begun. An error that it returns is the call's: the transaction
	// is rolled back, the connection is closed, and Ended is not called.
	Begun func() error
	// Ended, if it is not nil, is called once when statements that were sent have been answered or failed; of a transaction, when it has
	// committed or failed, or when it has begun if it only reads. shown says that the caller may have seen an answer, complete that
	// everything was answered without an error, the statements of Leave included. An error that it returns is the call's, and the
	// connection is closed.
	Ended func(shown, complete bool) error
	// Instead, if it is not nil, returns the route on which a call that got err, before the caller had any answer, is sent again, or nil.
	// A transaction begins again on the same connection.
	Instead func(ctx context.Context, err error) *Route
}

// A Router gives a session its routes, in place of its entry.
type Router interface {
	Read(own bool) *Route // own: the caller's text, which may hide that it writes
	Write() *Route
	Begin(pgx.TxAccessMode) *Route
}

// Routed makes the session ask a router. The session has not been used yet.
func (s *Session) Routed(r Router) *Session {
	s.router = r
	return s
}

// route returns where statements go that are sent together.
func (s *Session) route(statements []statement) *Route {
	if s.router != nil {
		if slices.ContainsFunc(statements, func(s statement) bool { return s.Writes || s.Changes }) {
			return s.router.Write()
		}
		return s.routeToRead(statements)
	}
	if slices.ContainsFunc(statements, writes) {
		return s.entry.route(s.pool, s.entry.toBegin(true), false)
	}
	return s.routeToRead(statements)
}

// routeToRead returns where statements go that must not write.
func (s *Session) routeToRead(statements []statement) *Route {
	own := slices.ContainsFunc(statements, owns)
	if s.router != nil {
		return s.router.Read(own)
	}
	return s.entry.route(s.pool, s.entry.ToRead(own), own)
}

// routeToBegin returns where a transaction begins.
func (s *Session) routeToBegin(access pgx.TxAccessMode) *Route {
	if s.router != nil {
		return s.router.Begin(access)
	}
	return &Route{Pool: s.pool, Enter: s.entry.toBegin(access != pgx.ReadOnly)}
}

// acquire takes a connection.
func (r *Route) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if r.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Wait)
		defer cancel()
	}
	return Acquire(ctx, r.Pool)
}

func (r *Route) begun() error {
	if r.Begun == nil {
		return nil
	}
	return r.Begun()
}

func (r *Route) ended(shown, complete bool) error {
	if r.Ended == nil {
		return nil
	}
	return r.Ended(shown, complete)
}

// instead returns the route on which a call that has failed is sent again, or nil.
func (r *Route) instead(ctx context.Context, err error) *Route {
	if err == nil || r.Instead == nil {
		return nil
	}
	return r.Instead(ctx, err)
}

// counted counts the answers that are read.
type counted struct {
	pgx.BatchResults
	read int
}

func (c *counted) Exec() (pgconn.CommandTag, error) { c.read++; return c.BatchResults.Exec() }
func (c *counted) Query() (pgx.Rows, error)         { c.read++; return c.BatchResults.Query() }
func (c *counted) QueryRow() pgx.Row                { c.read++; return c.BatchResults.QueryRow() }
