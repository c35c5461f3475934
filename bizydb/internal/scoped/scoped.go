// Package scoped lets other packages of this module run generated queries of their own in a user's scope. Package bizydb
// offers its callers those of package planner only.
package scoped

import (
	"context"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// InTx and Snapshot are those of a bizydb.Scope, of which db is the *bizydb.DB, but run fn once, whatever becomes of it.
// Package bizydb sets them.
var (
	InTx     func(ctx context.Context, db any, user planner.UserID, fn func(planner.DBTX) error) error
	Snapshot func(ctx context.Context, db any, user planner.UserID, fn func(planner.DBTX) error) error
)
