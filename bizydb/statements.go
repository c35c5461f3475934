package bizydb

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// statements are those that bizydb has prepared on one connection.
//
// pgx prepares and caches statements by itself, but an error anywhere in a batch makes it drop all that the batch used:
// the next call would pay two round trips more. Statements prepared by name are left alone. Their number is that of the
// queries in queries/.
type statements map[string]struct{}

const statementsKey = "bizydb.statements"

// statementsOf returns the statements of conn, which nobody else may be using.
func statementsOf(conn *pgx.Conn) statements {
	data := conn.PgConn().CustomData()
	s, ok := data[statementsKey].(statements)
	if !ok {
		s = statements{}
		data[statementsKey] = s
	}
	return s
}

// A query is what the text of a query of generated code says about it.
type query struct {
	name    string // sqlc writes it above the query: "-- name: GetTask :one"
	writes  bool   // goals or tasks; a test asks the server whether that is so
	changes bool   // anything, accounts included
}

// known has the *query of each text, of which there are as many as in queries/. Reading one takes microseconds, looking it up a tenth.
var known sync.Map

func queryOf(sql string) *query {
	if q, ok := known.Load(sql); ok {
		return q.(*query)
	}
	q, _ := known.LoadOrStore(sql, readQuery(sql))
	return q.(*query)
}

func readQuery(sql string) *query {
	q := &query{name: "query"}
	if rest, ok := strings.CutPrefix(sql, "-- name: "); ok {
		q.name, _, _ = strings.Cut(rest, " ")
	}
	has := func(text string) bool { return strings.Contains(sql, text) }
	q.writes = slices.ContainsFunc([]string{"INSERT INTO public.", "UPDATE public.", "DELETE FROM public.", " bizydb.roll_up"}, has)
	q.changes = q.writes || slices.ContainsFunc([]string{"UPDATE bizydb.", " bizydb.delete_user"}, has)
	return q
}

type preparer interface {
	Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error)
}

// ensure prepares sql unless that has been done. A batch finds a statement prepared under its own text.
func (s statements) ensure(ctx context.Context, on preparer, sql string) error {
	if _, ok := s[sql]; ok {
		return nil
	}
	if _, err := on.Prepare(ctx, sql, sql); err != nil {
		return err
	}
	s[sql] = struct{}{}
	return nil
}

// closeIfStale closes the connection if err means that its prepared statements can no longer be used: they are gone, by
// DISCARD ALL say, or a migration has changed what they return. Given back, it would fail everybody after us. A pooler's
// connection to the server outlives it, with its statements; PgBouncer knows what DEALLOCATE ALL means.
func closeIfStale(conn *pgx.Conn, err error) {
	if hasCode(err, pgerrcode.InvalidSQLStatementName, pgerrcode.FeatureNotSupported) {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.PgConn().Exec(ctx, "DEALLOCATE ALL").Close()
		_ = conn.Close(ctx)
	}
}
