package bizydb

import "context"

// QueryName returns the name of the query that is being sent, like "GetTask", for a tracer of pgx: the contexts that its methods get
// carry it, from the wait for a connection to the end of the batch. For [Scope.Batch] it is the first query of the round trip; for the
// statements that begin and end a transaction, and for those of the service's own, it is empty.
func QueryName(ctx context.Context) string {
	if q, ok := ctx.Value(queryNameKey{}).(*query); ok {
		return q.name
	}
	return ""
}

type queryNameKey struct{}

func withQueryName(ctx context.Context, q *query) context.Context {
	return context.WithValue(ctx, queryNameKey{}, q)
}
