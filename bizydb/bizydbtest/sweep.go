package bizydbtest

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
)

// A claim is what a process holds on a server while it lives: an advisory lock, whose number is in the names of the process's databases
// and logins. The lock goes with the connection, however the process ends.
type claim struct {
	prefix string
	tx     pgx.Tx
	quick  bool // whether the server waits for no disk
}

// claimClass is the first key of the locks of all claims.
const claimClass = 0x62697a79

// newClaim takes the lock in a transaction, which a pooler gives a connection for itself.
func newClaim(ctx context.Context, dsn string) (*claim, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	number := rand.Int32()
	tx, err := conn.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, fmt.Sprintf(`SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock(%d, %d)`, claimClass, number))
	}
	var quick bool
	if err == nil {
		err = tx.QueryRow(ctx, `SELECT current_setting('fsync') = 'off'`).Scan(&quick)
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return &claim{fmt.Sprintf("bizydbtest_%08x_", number), tx, quick}, nil
}

func (c *claim) release() { _ = c.tx.Conn().Close(context.Background()) }

// kept is the comment on a database that stays for somebody to look at.
const kept = "kept by bizydbtest: its test failed"

func keep(dsn string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, fmt.Sprintf(`COMMENT ON DATABASE %s IS '%s'`, conn.Config().Database, kept))
	return err
}

// unclaimedSQL finds the databases and logins of processes that are gone. A claim is older than what has its number, so one that holds
// no lock by now has ended. A database that somebody is connected to is in use all the same.
const unclaimedSQL = `
	SELECT name FROM (
	  SELECT datname, shobj_description(oid, 'pg_database') IS DISTINCT FROM $2 AND pg_has_role(datdba, 'USAGE')
	    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid AND backend_type = 'client backend')
	  FROM pg_database d
	  UNION ALL
	  SELECT rolname, NOT EXISTS (SELECT FROM pg_database WHERE datname = rolname) FROM pg_roles
	) AS found (name, unused)
	WHERE unused AND name ~ '^bizydbtest_[0-9a-f]{8}_[a-z0-9]+$'
	  AND NOT EXISTS (
	    SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objsubid = 2
	      AND lpad(to_hex(objid::bigint), 8, '0') = split_part(name, '_', 2)
	  )`

// sweep drops what processes that are gone have left behind. What it may not drop, or what another process drops at the same time,
// is no error: there is another sweep with the next run.
func sweep(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, _ := conn.Query(ctx, unclaimedSQL, claimClass, kept)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+name); err == nil {
			_, _ = conn.Exec(ctx, `DROP ROLE IF EXISTS `+name)
		}
	}
	return ctx.Err()
}
