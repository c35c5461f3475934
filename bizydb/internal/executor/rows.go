package executor

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows are a query's rows. When they end, or are closed early, the connection goes back to the pool.
type rows struct {
	pgx.Rows
	reply *reply
	err   error // of the whole batch, once it is closed

	peeked bool // the first row is there already
}

func (r *rows) Next() bool {
	if r.peeked {
		r.peeked = false
		return true
	}
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *rows) Scan(dest ...any) error {
	if scanner, ok := rowScanner(dest); ok {
		return scanner.ScanRow(r)
	}
	if err := r.Rows.Scan(dest...); err != nil {
		return r.reply.wrap(err)
	}
	inUTC(dest)
	return nil
}

// How many rows are read and dropped for a caller who leaves early. More would take longer than another connection does. What may have
// changed something is read to the end: the server commits after the last row.
const maxDropped = 1000

func (r *rows) Close() {
	if r.reply.closed {
		return
	}
	if r.reply.leased != nil {
		dropped := 0
		for r.Rows.Next() {
			if dropped++; dropped > maxDropped && !r.reply.changes {
				_ = r.reply.on.Close(context.Background())
				_ = r.reply.close(nil) // which says that the connection is closed
				return
			}
		}
	}
	r.Rows.Close()
	r.err = r.reply.close(r.Rows.Err())
}

// Conn is nil: the connection is not confined.
func (*rows) Conn() *pgx.Conn { return nil }

func (r *rows) Err() error {
	if r.reply.closed {
		return r.err
	}
	return r.reply.wrap(r.Rows.Err())
}

// row is the only row of a query, which is sent when it is scanned.
type row call

func (r row) Scan(dest ...any) error {
	if _, ok := rowScanner(dest); ok {
		rows, err := attempt(call(r), call.query)
		if err != nil {
			return err
		}
		return scanOnly(rows, r.config.wrap(r.name, pgx.ErrNoRows), dest)
	}
	_, err := attempt(call(r), func(c call) (struct{}, error) {
		reply, err := c.send()
		if err != nil {
			return struct{}{}, err
		}
		err = reply.results.QueryRow().Scan(dest...)
		reply.shown = err == nil || !errors.As(err, new(*pgconn.PgError)) && !reply.on.IsClosed() // a row that does not fit may have been looked at
		return struct{}{}, reply.close(err)
	})
	if err != nil {
		return err
	}
	inUTC(dest)
	return nil
}

// rowScanner is what scans a row by itself. From pgx it would get pgx's own rows, and with them the connection.
func rowScanner(dest []any) (scanner pgx.RowScanner, ok bool) {
	if len(dest) == 1 {
		scanner, ok = dest[0].(pgx.RowScanner)
	}
	return scanner, ok
}

// inUTC moves scanned times to UTC, on a connection of a service's own, which may decode them in the machine's zone. Those of the pool
// decode all in UTC.
func inUTC(dest []any) {
	for _, d := range dest {
		switch t := d.(type) {
		case *time.Time:
			*t = t.UTC()
		case **time.Time:
			if *t != nil {
				**t = (*t).UTC()
			}
		case *pgtype.Timestamptz:
			t.Time = t.Time.UTC()
		case *sql.NullTime:
			t.Time = t.Time.UTC()
		case *[]time.Time:
			for i := range *t {
				(*t)[i] = (*t)[i].UTC()
			}
		}
	}
}
