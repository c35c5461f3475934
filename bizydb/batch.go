package bizydb

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Batch runs functions that read, and sends their queries together: five functions with one query each take one round trip, as
// one pipeline.
//
// Each function runs until it calls a query. Then Batch sends the queries of all functions in one round trip, gives each function
// its result, and repeats this with their next queries. Functions never run at the same time, so they may share variables without
// locking. Each round trip is one transaction, in which every query sees what was committed when that query began.
// [Scope.Snapshot] gives all queries one snapshot.
//
// A function may use q only in its own goroutine and for one query at a time: a query inside the loop of StreamTasks returns
// [ErrBusy]. Inside a function, do not use the scope itself: Batch holds a connection, and the pool may have no other. After the
// function has returned, q and the unread rest of a stream return errors. Cancel through the ctx given to Batch; the ctx passed
// to a query is ignored.
//
// Batch ends with the first error that a function returns, and returns this error. An error of the server also ends the batch,
// even if the function ignores the error; [ErrNotFound] does not end it. A [Reader] has no methods that write goals or tasks, so
// a call of one does not compile. A statement of its DBTX that writes returns [ErrReadOnly]. Batch does not retry.
func (s Scope) Batch(ctx context.Context, reads ...func(q Reader) error) error {
	return executor.Batch(ctx, s.session(), func(part *executor.Part) Reader { return Reader{planner.New(part), part} }, reads)
}

// A Reader has the queries for a function of [Scope.Batch]: those of [planner.Reader], and the service's own by DBTX.
type Reader struct {
	planner.Reader
	part *executor.Part
}

// DBTX runs the service's own statements in the batch; see the type [DBTX]. A statement that writes returns [ErrReadOnly].
func (r Reader) DBTX() DBTX { return r.part.Own(executor.ByText) }
