// Package inspected is for the test kit, which opens one copy of a database after another: that a copy and its login are fit for use
// has been found out with the first one.
package inspected

import "context"

type key struct{}

// Before returns a context under which bizydb.Open does not look at the database again.
func Before(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Is tells whether ctx is of [Before].
func Is(ctx context.Context) bool { return ctx.Value(key{}) != nil }
