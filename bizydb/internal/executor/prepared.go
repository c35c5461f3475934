package executor

import (
	"context"
	"errors"
	"math"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// preparedStatements are those that sessions have prepared on one connection, by when each was last used.
//
// pgx prepares and caches statements by itself, but an error anywhere in a batch makes it drop all that the batch used:
// the next call would pay two round trips more. Statements prepared by name are left alone.
type preparedStatements struct {
	*simplelru.LRU[string, struct{}]
	long []string // texts of the last call that are too long to be kept
}

// maxPrepared bounds the server's memory for one connection, together with maxOwnQuery. It is far above what generated code has. Dynamic
// SQL takes one round trip more for each new text once there are as many.
const maxPrepared = 500

const statementsKey = "bizydb.statements"

// preparedOn returns the statements of conn, which nobody else may be using.
func preparedOn(conn *pgx.Conn) *preparedStatements {
	data := conn.PgConn().CustomData()
	s, ok := data[statementsKey].(*preparedStatements)
	if !ok {
		s = &preparedStatements{}
		s.LRU, _ = simplelru.NewLRU[string, struct{}](math.MaxInt, nil) // ensure keeps it small
		data[statementsKey] = s
	}
	return s
}

type preparer interface {
	Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error)
}

// ensure prepares statements that are not, and drops those that were not used for longest. A batch finds a statement prepared under its
// own text. seen, unless it is nil, are texts that a session has prepared on a connection of a service's: it may have dropped others.
func (p *preparedStatements) ensure(ctx context.Context, on preparer, conn *pgx.Conn, seen map[string]bool, statements []Statement) error {
	for _, text := range p.long {
		if err := conn.Deallocate(ctx, text); err != nil {
			return err
		}
	}
	p.long = p.long[:0]
	for _, stmt := range statements {
		if _, ok := p.Get(stmt.SQL); ok && (seen == nil || seen[stmt.SQL]) {
			continue
		}
		if _, err := on.Prepare(ctx, stmt.SQL, stmt.SQL); err != nil { // pgx knows whether it has been
			return err
		}
		if len(stmt.SQL) > maxOwnQuery {
			p.long = append(p.long, stmt.SQL)
			continue
		}
		p.Add(stmt.SQL, struct{}{})
		if seen != nil {
			seen[stmt.SQL] = true
		}
	}
	for p.Len() > max(maxPrepared, len(statements)) { // those that are about to be sent were used last
		oldest, _, _ := p.GetOldest()
		if err := conn.Deallocate(ctx, oldest); err != nil {
			return err
		}
		p.Remove(oldest)
	}
	return nil
}

// closeIfStale closes the connection if err means that its prepared statements can no longer be used: they are gone, by
// DISCARD ALL say, or a migration has changed what they return. Given back, it would fail everybody after us. A pooler's
// connection to the server outlives it, with its statements; PgBouncer knows what DEALLOCATE ALL means.
func closeIfStale(conn *pgx.Conn, err error) {
	var pgErr *pgconn.PgError
	if HasCode(err, pgerrcode.InvalidSQLStatementName) || errors.As(err, &pgErr) && isStale(pgErr) {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.PgConn().Exec(ctx, "DEALLOCATE ALL").Close()
		_ = conn.Close(ctx)
	}
}
