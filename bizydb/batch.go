package bizydb

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Batch runs functions that read, and sends the queries that they ask at the same time in one round trip: five functions with one
// query each are one round trip, sent as one pipeline.
//
// A function that asks again joins the next round trip. The functions take turns, so they may share variables without locking. Each
// round trip is one transaction, in which every query sees what was committed when that query began; [Scope.Snapshot] gives all
// queries one view.
//
// A function uses q only in its own goroutine, for one query at a time: inside the loop of StreamTasks another gives [ErrBusy]. Inside a
// function, do not use the scope itself: Batch holds a connection, and the pool may have no other. Once the function has returned, q
// and any unread rest of a stream give errors. Cancel through the ctx given to Batch; the ctx passed to a query is ignored.
//
// The first error that a function returns ends the batch and is returned. An error of the server ends it too, even if the function
// has handled it; [ErrNotFound] does not. A write of the planner's does not compile, since q has none. Any other way to write gives
// [ErrReadOnly]. Batch does not retry.
func (s Scope) Batch(ctx context.Context, reads ...func(q Reader) error) error {
	return executor.Batch(ctx, s.session(), func(part *executor.Part) Reader { return Reader{planner.New(part), part} }, reads)
}

// A Reader has the queries of a function of [Scope.Batch]: those of [planner.Reader], and the service's own.
type Reader struct {
	planner.Reader
	part *executor.Part
}

// DBTX runs the service's own statements in the batch. See [Scope.DBTX]. One that writes gives [ErrReadOnly].
func (r Reader) DBTX() DBTX { return r.part.Own(executor.ByText) }
