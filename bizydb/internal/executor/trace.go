package executor

import "context"

// QueryName returns the name of the first query of the batch that a tracer's context is of, or "".
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
