package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Own runs statements whose text is a caller's, confined like those of its session. What may write, by its text, comes after
// Entry.EnterToWrite, and everything else is read-only for the server too, unless the transaction is the service's.
type Own struct {
	runner
	access Access
}

// An Access says what a caller's statements may do.
type Access int

const (
	ByText   Access = iota // a statement writes if its text says so
	Writes                 // each one writes, in a function say
	ReadOnly               // one whose text says that it writes is not sent
)

// A runner is a session, or a function's part of a batch.
type runner interface {
	exec(ctx context.Context, s statement) (pgconn.CommandTag, error)
	query(ctx context.Context, s statement) (pgx.Rows, error)
	queryRow(ctx context.Context, s statement) pgx.Row
	sendBatch(ctx context.Context, b *pgx.Batch, statements []statement) pgx.BatchResults
	settings() *Config
}

// Own returns what runs a caller's own statements.
func (s *Session) Own(access Access) Own { return Own{s, access} }

// Exec implements DBTX.
func (o Own) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	s, err := o.statement(ctx, sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return o.exec(ctx, s)
}

// Query implements DBTX.
func (o Own) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	s, err := o.statement(ctx, sql, args)
	if err != nil {
		return noRows{err: err}, err
	}
	return o.query(ctx, s)
}

// QueryRow implements DBTX.
func (o Own) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	s, err := o.statement(ctx, sql, args)
	if err != nil {
		return noRows{err: err}
	}
	return o.queryRow(ctx, s)
}

// SendBatch sends statements in one round trip and one transaction. It is not retried.
func (o Own) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	statements := make([]statement, len(b.QueuedQueries))
	for i, q := range b.QueuedQueries {
		var err error
		if statements[i], err = o.statement(ctx, q.SQL, q.Arguments); err != nil {
			return noResults{err}
		}
	}
	if len(statements) == 0 {
		return noResults{}
	}
	return o.sendBatch(ctx, b, statements)
}

// CopyFrom is what sqlc's :copyfrom calls. The server refuses COPY where there is row security.
func (o Own) CopyFrom(_ context.Context, table pgx.Identifier, _ []string, _ pgx.CopyFromSource) (int64, error) {
	return 0, &callError{"copy to " + table.Sanitize(), fmt.Errorf("%w: row security does not take COPY; INSERT ... SELECT from unnest or jsonb_to_recordset takes many rows", ErrStatement)}
}

// statement is what is sent, with the names of arguments resolved.
func (o Own) statement(ctx context.Context, sql string, args []any) (statement, error) {
	if len(args) > 0 {
		if rewriter, ok := args[0].(pgx.QueryRewriter); ok {
			name := NameOf(sql)
			var err error
			if sql, args, err = rewriter.RewriteQuery(ctx, nil, sql, args[1:]); err != nil {
				return statement{}, &callError{name, fmt.Errorf("%w: %w", ErrStatement, err)}
			}
		}
	}
	if len(args) > 0 {
		switch args[0].(type) {
		case pgx.QueryRewriter, pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			return statement{}, &callError{NameOf(sql), fmt.Errorf("%w: %T is no argument of a scope", ErrStatement, args[0])}
		}
	}
	q := o.settings().ownQuery(sql)
	if q.refused != "" {
		return statement{}, &callError{q.name, fmt.Errorf("%w: %s", ErrStatement, q.refused)}
	}
	switch {
	case o.access == ReadOnly && q.Writes:
		return statement{}, &callError{q.name, fmt.Errorf("%w: its text says that it writes", ErrReadOnly)}
	case o.access == Writes:
		forced := *q
		forced.Writes, forced.Changes = true, true
		q = &forced
	}
	return statement{q, Statement{SQL: q.sent, Args: args}}, nil
}

// ownQuery reads the text of a caller's statement.
func (c *Config) ownQuery(sql string) *query {
	if q, ok := c.own.cache().Get(sql); ok {
		return q
	}
	found := words(sql)
	q := &query{name: NameOf(sql), own: true, refused: c.refused(found)}
	q.Writes = c.mayWrite(found)
	q.Changes = q.Writes
	q.sent, q.keyed = c.text(q.published(), sql)
	if len(sql) <= maxOwnQuery {
		c.own.cache().Add(sql, q)
	}
	return q
}

// leading are the words that a caller's statement can begin with.
var leading = []string{"select", "insert", "update", "delete", "merge", "with", "values", "table"}

// refused says why a statement with these words is not sent, or "". It keeps mistakes out and not attacks: a function can hide anything.
func (c *Config) refused(words []string) string {
	first := slices.IndexFunc(words, func(word string) bool { return word != "(" })
	switch {
	case first < 0:
		return "it is empty"
	case !slices.Contains(leading, words[first]):
		return fmt.Sprintf("it begins with %s; SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES and TABLE may", words[first])
	}
	for i, word := range words {
		switch {
		case word == "into" && !slices.Contains([]string{"insert", "merge"}, words[max(i-1, 0)]):
			return "SELECT INTO makes a table, which the next user of the connection would find"
		case isName(word, "set_config"), isName(word, "pg_settings") && c.mayWrite(words):
			return word + " changes a setting, and the scope is made of settings"
		case i > 0 && isName(words[i-1], "bizydb") && slices.ContainsFunc(c.ScopeFunctions, func(name string) bool { return isName(word, name) }):
			return "bizydb." + word + " changes what the scope is made of"
		case slices.ContainsFunc(sessionLocks, func(name string) bool { return isName(word, name) }):
			return word + " outlives the scope; pg_advisory_xact_lock ends with it"
		}
	}
	return ""
}

// sessionLocks are functions whose locks stay with the connection.
var sessionLocks = []string{"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared"}

// mayWrite tells whether a statement with these words may write, or lock rows. A column that has such a name counts too.
func (c *Config) mayWrite(words []string) bool {
	for i, word := range words {
		switch {
		case slices.Contains([]string{"insert", "update", "delete", "merge"}, word),
			word == "share" && i > 0 && (words[i-1] == "for" || words[i-1] == "key"), // SELECT ... FOR SHARE
			slices.ContainsFunc(c.Writers, func(name string) bool { return isName(word, name) }):
			return true
		}
	}
	return false
}

// isName tells whether a word is a name, in quotes or not.
func isName(word, name string) bool { return word == name || word == `"`+name+`"` }
