// Package partition makes a copy of bizydb's tables that is partitioned by user, for tests: what a statement reads of other users' rows
// shows there.
package partition

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed partition.sql
var partitionSQL string

// Tables replaces the tables that hold users' rows by tables that are partitioned by a hash of user_id, with their rows: public.goals,
// public.tasks, what references these, and bizydb's own. conn must be connected as the owner of the tables. Their keys become
// (user_id, id). The rest is the same.
func Tables(ctx context.Context, conn *pgx.Conn, partitions int) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('bizydb.partitions', $1, true)", fmt.Sprint(partitions)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, partitionSQL, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("partition: %w", err)
	}
	return nil
}
