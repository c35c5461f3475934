package executor

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// noRows are rows after their end, or those of a statement that failed.
type noRows struct {
	tag pgconn.CommandTag
	err error
}

var errRowsOver = errors.New("its rows were not read before the function asked again or returned")

func (noRows) Close()                                       {}
func (noRows) Next() bool                                   { return false }
func (r noRows) Scan(...any) error                          { return r.over() }
func (r noRows) Err() error                                 { return r.err }
func (r noRows) CommandTag() pgconn.CommandTag              { return r.tag }
func (noRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r noRows) Values() ([]any, error)                     { return nil, r.over() }
func (noRows) RawValues() [][]byte                          { return nil }
func (noRows) Conn() *pgx.Conn                              { return nil }
func (noRows) TypeMap() *pgtype.Map                         { return pgtype.NewMap() }

func (r noRows) over() error {
	if r.err != nil {
		return r.err
	}
	return errRowsOver
}

// noResults are those of a batch that was not sent.
type noResults struct{ err error }

func (r noResults) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, r.over() }
func (r noResults) Query() (pgx.Rows, error)         { return noRows{err: r.over()}, r.over() }
func (r noResults) QueryRow() pgx.Row                { return noRows{err: r.over()} }
func (r noResults) Close() error                     { return r.err }
func (noResults) Tx() pgx.Tx                         { return nil }

func (r noResults) over() error {
	if r.err != nil {
		return r.err
	}
	return errNoResult
}

var errNoResult = errors.New("bizydb: the batch has no result left")
