package executor

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// batchRows are the rows of one query of a batch.
type batchRows struct {
	pgx.Rows
	reply *reply
	sql   string
	ended bool // read to the end, or closed
}

func (r *batchRows) Next() bool {
	if !r.Rows.Next() {
		r.ended = true
	}
	return !r.ended
}

func (r *batchRows) Close() {
	r.Rows.Close()
	r.ended = true
}

func (r *batchRows) Scan(dest ...any) error {
	if err := r.Rows.Scan(dest...); err != nil {
		return r.reply.wrapFor(r.reply.session.config.query(r.sql), err)
	}
	inUTC(dest)
	return nil
}

func (r *batchRows) Err() error {
	return r.reply.wrapFor(r.reply.session.config.query(r.sql), r.Rows.Err())
}

// end is for when the function has asked again or returned. Rows of pgx read from their connection, whoever has it by then, so
// these are put out of reach.
func (r *batchRows) end() {
	read := r.ended
	r.Close()
	over := noRows{tag: r.CommandTag(), err: r.Rows.Err()}
	if !read && over.err == nil {
		over.err = errRowsOver
	}
	r.Rows = over
}

var errRowsOver = errors.New("its rows were not read before the function asked again or returned")

// noRows are rows after their end, of which there is no more than these methods say.
type noRows struct {
	pgx.Rows
	tag pgconn.CommandTag
	err error
}

func (noRows) Close()                          {}
func (noRows) Next() bool                      { return false }
func (noRows) Scan(...any) error               { return errRowsOver }
func (r noRows) Err() error                    { return r.err }
func (r noRows) CommandTag() pgconn.CommandTag { return r.tag }
