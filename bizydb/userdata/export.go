package userdata

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
)

// A Summary says what a document contains: the profile and the numbers of goals and tasks.
type Summary struct {
	Profile      bizydb.User
	Goals, Tasks int
}

// Export writes the goals and tasks of a user as one JSON document, as [ExportTx] does, in a [bizydb.Scope.Snapshot] of its own.
// The export holds the snapshot and its connection until w has taken the last row. A user who does not exist or is not active
// returns [bizydb.ErrNoUser]. If a standby cancels the snapshot, the export is retried as long as nothing has been written to w,
// and returns [bizydb.ErrContention] otherwise.
func Export(ctx context.Context, scope bizydb.Scope, w io.Writer) (Summary, error) {
	out := &output{w: w}
	buffer := newBuffer(out)
	var summary Summary
	err := scope.Snapshot(ctx, func(tx *bizydb.Tx) (err error) {
		if out.begun {
			return fmt.Errorf("userdata: %w: part of the document has been written", bizydb.ErrContention)
		}
		buffer.Reset(out)
		summary, err = export(ctx, tx, buffer)
		return err
	})
	return end(buffer, summary, err)
}

// ExportTx writes the goals and tasks of the user of tx as one JSON document, and returns a summary of it. It holds one row in
// memory at a time. The document does not contain rows of the service's own tables: the service can write them elsewhere in the
// same transaction. It does not contain deleted goals and tasks either: DeletedGoals and DeletedTasks return these.
//
// The document is consistent if the transaction reads one snapshot, like [bizydb.Scope.Snapshot] and a transaction at repeatable
// read, or if it keeps other writes for the user out, like [bizydb.Scope.InTx].
//
// An error of w is returned unchanged. After any error, w has got at most a part of the document, which is not valid JSON, and
// the transaction can only be rolled back.
func ExportTx(ctx context.Context, tx *bizydb.Tx, w io.Writer) (Summary, error) {
	buffer := newBuffer(w)
	summary, err := export(ctx, tx, buffer)
	return end(buffer, summary, err)
}

func newBuffer(w io.Writer) *bufio.Writer { return bufio.NewWriterSize(w, 64<<10) }

// end writes the end of a document, if all else has succeeded.
func end(buffer *bufio.Writer, summary Summary, err error) (Summary, error) {
	if err == nil {
		_, err = buffer.WriteString("]}\n")
	}
	if err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		return Summary{}, err
	}
	return summary, nil
}

// export writes a document without its end.
func export(ctx context.Context, tx *bizydb.Tx, buffer *bufio.Writer) (s Summary, err error) {
	// To leave a loop early with this ended closes the connection. Otherwise the rest would be read first.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if s.Profile, err = tx.Me(ctx); err != nil {
		return s, err
	}
	session := executor.Of(tx)
	now, err := importsql.New(session).Now(ctx)
	if err != nil {
		return s, err
	}
	goals := executor.Stream[importsql.ExportGoalsRow](ctx, session, "Export", func(db executor.DBTX) { _, _ = importsql.New(db).ExportGoals(ctx) })
	tasks := executor.Stream[importsql.ExportTasksRow](ctx, session, "Export", func(db executor.DBTX) { _, _ = importsql.New(db).ExportTasks(ctx) })

	d := &writer{Writer: buffer, encoder: json.NewEncoder(buffer), stop: stop}
	d.encoder.SetEscapeHTML(false)
	d.put(fmt.Sprintf(`{"format":%q,"version":%d,"exported_at":`, format, version))
	d.value(now)
	d.put(`,"profile":`)
	d.value(s.Profile)
	d.put(`,"goals":[` + "\n")
	s.Goals = putRows(d, goals)
	d.put(`],"tasks":[` + "\n")
	s.Tasks = putRows(d, tasks)
	return s, d.err
}

// A writer writes until the first error.
type writer struct {
	*bufio.Writer
	encoder *json.Encoder
	stop    context.CancelFunc
	err     error
}

func (d *writer) put(s string) {
	if d.err == nil {
		_, d.err = d.WriteString(s)
	}
}

// value writes a value, and the end of a line.
func (d *writer) value(v any) {
	if d.err == nil {
		d.err = d.encoder.Encode(v)
	}
}

func putRows[T any](d *writer, rows iter.Seq2[T, error]) (n int) {
	if d.err != nil {
		return 0
	}
	for row, err := range rows {
		if err != nil {
			d.err = err
			return n
		}
		if n > 0 {
			d.put(",")
		}
		if d.value(row); d.err != nil {
			d.stop()
			return n
		}
		n++
	}
	return n
}

// An output knows whether anything has been written.
type output struct {
	w     io.Writer
	begun bool
}

func (o *output) Write(p []byte) (int, error) {
	o.begun = true
	return o.w.Write(p)
}
