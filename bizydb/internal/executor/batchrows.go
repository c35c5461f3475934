package executor

import "github.com/jackc/pgx/v5"

// batchRows are the rows of one query of several that are sent together.
type batchRows struct {
	pgx.Rows
	reply *reply
	query *query
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
	if scanner, ok := rowScanner(dest); ok {
		return scanner.ScanRow(r)
	}
	if err := r.Rows.Scan(dest...); err != nil {
		return r.reply.wrapFor(r.query, err)
	}
	inUTC(dest)
	return nil
}

func (r *batchRows) Err() error { return r.reply.wrapFor(r.query, r.Rows.Err()) }

// Conn is nil: the connection is not confined.
func (*batchRows) Conn() *pgx.Conn { return nil }

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

// scanOnly scans the only row of a query that may have more, and closes the rows.
func scanOnly(rows pgx.Rows, none error, dest []any) error {
	defer rows.Close()
	if rows.Next() {
		return rows.Scan(dest...)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return none
}
