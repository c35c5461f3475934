package executor

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5/pgconn"
)

// A Config is what a schema adds to the mechanism. All of it is set, unless it says otherwise; it must not be copied or changed once it is in
// use.
type Config struct {
	// Effect says what a statement does, by its text.
	Effect func(sql string) Effect
	// Writers are functions of the schema that write, for statements of callers. Others are read-only unless their text says more.
	Writers []string
	// Text, if it is not nil, returns a text as it is sent, and whether that takes Entry.Key as one more argument, the last. query is as for
	// Encode.
	Text func(query, sql string) (sent string, keyed bool)
	// Entry, if it is not nil, returns an entry as it is used.
	Entry func(Entry) Entry
	// Encode returns the arguments of a statement as they are sent, and an error for one that is not to be sent. It leaves args as
	// they are. query is the name of the query, or "" for a statement of a caller's.
	Encode func(query string, args []any) ([]any, error)
	// Refused returns the error for what the schema refuses, such as a value that breaks a constraint, wrapping err. It is nil for
	// errors that mean the same in every schema.
	Refused func(pgErr *pgconn.PgError, err error) error
	// Unanswered, if it is not nil, says that an error is no answer: whether a transaction has committed is not known.
	Unanswered func(*pgconn.PgError) bool
	// ScopeFunctions, if there are any, are functions of schema bizydb that change what a scope is made of. A caller's statements must not
	// call them.
	ScopeFunctions []string
	// Locate adds to an error of a statement which of the many values in one of its arguments it is about.
	Locate func(err error, args []any) error

	Schemas string // the schemas on which the caller needs USAGE, as in GRANT

	queries sync.Map // the *query of each text of generated code
	own     ownQueries
}

// An Effect is what a statement does to the database.
type Effect struct {
	Writes  bool // what Entry.EnterToWrite is for
	Changes bool // anything
}

// ownQueries has what the texts of callers say, for those sent last.
type ownQueries struct {
	once sync.Once
	*lru.Cache[string, *query]
}

// maxOwnQueries and maxOwnQuery bound memory where texts are made up as a program runs.
const (
	maxOwnQueries = 2000
	maxOwnQuery   = 10_000 // bytes
)

func (o *ownQueries) cache() *lru.Cache[string, *query] {
	o.once.Do(func() { o.Cache, _ = lru.New[string, *query](maxOwnQueries) }) // it fails for sizes below 1
	return o.Cache
}
