package testdb

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema"
)

const (
	// citusURL leads to a database on the coordinator of a Citus cluster, as a superuser. It stays distributed, and keeps what tests write.
	citusURL = "BIZYDBTEST_CITUS_URL"
	// citusNodeURL leads to the same database on another node, through which services connect then.
	citusNodeURL = "BIZYDBTEST_CITUS_NODE_URL"
	// oneNode has the shared database distributed without Citus.
	oneNode = "BIZYDBTEST_ONE_NODE"
)

// OnCitus says whether the shared database is on Citus.
func OnCitus() bool { return os.Getenv(citusURL) != "" }

// OnOtherNode says whether services connect to another node than the coordinator.
func OnOtherNode() bool { return OnCitus() && os.Getenv(citusNodeURL) != "" }

// Distributed says whether the shared database is as schema.Distribute leaves it.
func Distributed() bool { return OnCitus() || os.Getenv(oneNode) != "" }

// NotDistributed skips a test of what is different in a distributed database.
func NotDistributed(t testing.TB, why string) {
	t.Helper()
	if Distributed() {
		t.Skip("not in a distributed database: " + why)
	}
}

// citusLogin is a service's login on all nodes, which trust it.
const citusLogin = "bizydbtest_citus"

// distribute makes the database on Citus what tests need, and returns the connection string of a service.
func distribute(ctx context.Context) (dsn string, err error) {
	conn, err := pgx.Connect(ctx, os.Getenv(citusURL))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := schema.Migrate(ctx, conn); err != nil {
		return "", err
	}
	if err := schema.Distribute(ctx, conn); err != nil {
		return "", err
	}
	at, err := url.Parse(os.Getenv(citusURL))
	if err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, `DO $$ BEGIN
		IF to_regrole('`+citusLogin+`') IS NULL THEN
			CREATE ROLE `+citusLogin+` LOGIN NOINHERIT;
		END IF;
		GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO `+citusLogin+`;
		GRANT USAGE ON SCHEMA public, bizydb TO `+citusLogin+`;
	END $$`); err != nil {
		return "", err
	}
	if other := os.Getenv(citusNodeURL); other != "" {
		if at, err = url.Parse(other); err != nil {
			return "", err
		}
	}
	at.User = url.User(citusLogin)
	return at.String(), nil
}
