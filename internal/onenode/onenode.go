// Package onenode makes a database as schema.Distribute leaves it, without Citus and so on one node, for tests: what is different in such a
// database is tested where there is no Citus.
package onenode

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema"
)

//go:embed stand_ins.sql
var standIns string

const dropStandIns = `
	DROP TABLE public.pg_dist_partition, public.pg_dist_shard;
	DROP ROUTINE public.create_reference_table, public.create_distributed_table, public.create_distributed_function`

// Roles are those of all databases of the server, and no other node connects as them.
var mayLogIn = regexp.MustCompile(`(?m)^ALTER ROLE bizydb_\w+ LOGIN;$`)

// Distribute runs the steps of schema.Distribute on a migrated database, where functions that do nothing stand in for those of Citus.
func Distribute(ctx context.Context, conn *pgx.Conn) error {
	text, err := schema.CitusFiles.ReadFile("citus/001_distribute.sql")
	if err != nil {
		return err
	}
	if n := len(mayLogIn.FindAll(text, -1)); n != 3 {
		return fmt.Errorf("onenode: %d roles may log in, want 3", n)
	}
	step := mayLogIn.ReplaceAllLiteralString(string(text), "")
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range []string{standIns, step, dropStandIns} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("onenode: %w", err)
			}
		}
		return nil
	})
}
