package schema_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/schema"
)

// waitUntilBlocked returns when another session keeps the one of pid waiting. What it waits for sends its outcome to
// result, which is early then.
func waitUntilBlocked(t testing.TB, on querier, pid uint32, result chan error) {
	t.Helper()
	for !one[bool](t, on, "SELECT cardinality(pg_blocking_pids($1)) > 0", pid) {
		select {
		case err := <-result:
			t.Fatalf("it did not wait: %v", err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// pid is the number of a session's process. Behind a pooler it is not what the client was told.
func pid(t testing.TB, on querier) uint32 {
	t.Helper()
	return one[uint32](t, on, "SELECT pg_backend_pid()::oid")
}

// execBlocked executes sql, which has to wait for another session, and returns when it does. Its outcome comes later.
func execBlocked(t testing.TB, on querier, tx pgx.Tx, sql string, args ...any) <-chan error {
	t.Helper()
	result, waiting := make(chan error, 1), pid(t, tx)
	go func() {
		_, err := tx.Exec(t.Context(), sql, args...)
		result <- err
	}()
	waitUntilBlocked(t, on, waiting, result)
	return result
}

// race migrates with all of files at once, each on a connection of its own to the database beside it, and returns the
// errors.
func race(t testing.TB, starts []start) []error {
	t.Helper()
	results := make([]error, len(starts))
	ready, done := make(chan struct{}), make(chan struct{})
	for i, s := range starts {
		conn := connect(t, s.config)
		go func() {
			<-ready
			results[i] = schema.Up(t.Context(), conn, s.files)
			done <- struct{}{}
		}()
	}
	close(ready)
	for range starts {
		<-done
	}
	return results
}

type start struct {
	config *pgx.ConnConfig
	files  fs.FS
}

func TestOneDatabaseMigratedByManyAtOnce(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference, config := newDatabase(t, admin, ""), newDatabase(t, admin, "")
	migrated(t, reference)

	starts := make([]start, 8)
	for i := range starts {
		starts[i] = start{config, schema.Files}
	}
	if err := errors.Join(race(t, starts)...); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(dump(t, reference), dump(t, config)); diff != "" {
		t.Errorf("catalog (-one migrated +many migrated):\n%s", diff)
	}
}

// Services of two versions start at once: the newer one gets its way, the older one is told if it comes too late.
func TestOneDatabaseMigratedByTwoVersionsAtOnce(t *testing.T) {
	t.Parallel()
	config := newDatabase(t, cluster(t), "")
	older := upTo(t, latest(t)-2)
	results := race(t, []start{{config, older}, {config, schema.Files}, {config, older}, {config, schema.Files}})
	for i, err := range results {
		isOlder := i%2 == 0
		if err != nil && (!isOlder || !errors.Is(err, schema.ErrNewer)) {
			t.Errorf("service %d (older: %t): %v", i, isOlder, err)
		}
	}
	if got := version(t, connect(t, config)); got != latest(t) {
		t.Errorf("the database ended at %d", got)
	}
}

// The roles belong to the cluster: the databases race for them.
func TestManyDatabasesMigratedAtOnce(t *testing.T) {
	t.Parallel()
	admin := newCluster(t)
	var starts []start
	for i := range 4 {
		login := ""
		config := admin
		if i%2 == 1 { // every other one by an ordinary role
			login = keptLogin(t, admin, "NOSUPERUSER CREATEROLE")
			config = as(admin, login)
		}
		database := newDatabase(t, admin, login)
		config = config.Copy()
		config.Database = database.Database
		starts = append(starts, start{config, schema.Files})
	}
	for i, err := range race(t, starts) {
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code == "UB002" && starts[i].config.User != admin.User { // from PostgreSQL 16 on, if another one has made the roles
			run(t, admin, "GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO "+starts[i].config.User+" WITH ADMIN OPTION")
			err = schema.Migrate(t.Context(), connect(t, starts[i].config))
		}
		if err != nil {
			t.Errorf("database %d: %v", i, err)
		}
	}
	want := dump(t, starts[0].config)
	for i, s := range starts {
		if diff := cmp.Diff(want, dump(t, s.config)); diff != "" {
			t.Errorf("database %d is unlike the first (-first +this):\n%s", i, diff)
		}
	}
}
