package bizydb

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// QueryName returns the name that the query being sent has in queries/, like "GetTask", for a tracer of pgx: the contexts that its
// methods get carry it, from the wait for a connection to the end of the batch. For [Scope.Batch] it is the first query of the round
// trip. It is empty for the statements that begin and end a transaction, and for the service's own.
//
// A tracer of package otelpgx calls each span of a batch "batch start": embed it, and rename the span after TraceBatchStart.
// For the queries in a batch, their texts begin with the name, as in "-- name: GetTask :one". examples/server/telemetry.go does both.
func QueryName(ctx context.Context) string { return executor.QueryName(ctx) }
