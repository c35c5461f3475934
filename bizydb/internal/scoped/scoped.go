// Package scoped lets other packages of this module run generated queries of their own in a user's scope. Package bizydb
// offers its callers those of package planner only.
package scoped

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// DBTX is what generated code runs on.
type DBTX interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// InTx and Snapshot are those of a bizydb.Scope, of which db is the *bizydb.DB, but run fn once, whatever becomes of it.
// Package bizydb sets them.
var (
	InTx     func(ctx context.Context, db any, user planner.UserID, fn func(DBTX) error) error
	Snapshot func(ctx context.Context, db any, user planner.UserID, fn func(DBTX) error) error
)
