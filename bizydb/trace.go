package bizydb

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// QueryName returns the name of the query being sent, like "GetTask", for a tracer of pgx. Pass it the ctx that a method of
// the tracer gets. The ctx has the name from the moment when the call begins to wait for a connection until its batch ends. In
// a [Scope.Batch], it is the name of the first query of the round trip. The name is empty for the statements that begin and
// end a transaction, and for statements of the service's own.
// Some methods send a query of another name: Register sends CreateUser. Errors have the name of the method.
//
// A tracer of package otelpgx calls each span of a batch "batch start": embed the tracer, and set the name of the span when
// the tracer's TraceBatchStart has returned. The queries inside a batch have the name in their text, which begins with a
// comment like "-- name: GetTask :one". examples/server/telemetry.go does both.
func QueryName(ctx context.Context) string { return executor.QueryName(ctx) }
