package executor

import (
	"context"
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
	bytes int // of their texts
}

// maxPrepared and maxPreparedBytes bound the server's memory for one connection. They are far above what generated code has. Texts that
// are made up as a program runs take one round trip more each once there are as many.
const (
	maxPrepared      = 500
	maxPreparedBytes = 1 << 20
)

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
	for _, stmt := range statements {
		if _, ok := p.Get(stmt.SQL); ok && (seen == nil || seen[stmt.SQL]) {
			continue
		}
		if _, err := on.Prepare(ctx, stmt.SQL, stmt.SQL); err != nil { // pgx knows whether it has been
			return err
		}
		if !p.Contains(stmt.SQL) {
			p.Add(stmt.SQL, struct{}{})
			p.bytes += len(stmt.SQL)
		}
		if seen != nil {
			seen[stmt.SQL] = true
		}
	}
	for p.Len() > len(statements) && (p.Len() > maxPrepared || p.bytes > maxPreparedBytes) { // those that are about to be sent were used last
		oldest, _, _ := p.GetOldest()
		if err := conn.Deallocate(ctx, oldest); err != nil {
			return err
		}
		p.Remove(oldest)
		p.bytes -= len(oldest)
	}
	return nil
}

// closeIfStale closes the connection if err means that its prepared statements can no longer be used: they are gone, by
// DISCARD ALL say, or a migration has changed what they return. Given back, it would fail everybody after us. A pooler's
// connection to the server outlives it, with its statements; PgBouncer knows what DEALLOCATE ALL means.
func closeIfStale(conn *pgx.Conn, err error) {
	if HasCode(err, pgerrcode.InvalidSQLStatementName, pgerrcode.FeatureNotSupported) {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.PgConn().Exec(ctx, "DEALLOCATE ALL").Close()
		_ = conn.Close(ctx)
	}
}
