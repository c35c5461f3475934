package bizydb

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/scoped"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func init() {
	with := func(enter string, options pgx.TxOptions) func(context.Context, any, UserID, func(planner.DBTX) error) error {
		return func(ctx context.Context, db any, user UserID, fn func(planner.DBTX) error) error {
			return db.(*DB).As(user).inOneTx(ctx, enter, options, func(s *session) error { return fn(s) })
		}
	}
	scoped.InTx = with(enterScopeSQL+lockUserSQL, writing)
	scoped.Snapshot = with(enterScopeSQL, reading)
}
