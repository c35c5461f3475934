package sqliteimport_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Where the answer to the commit is lost, the report comes with the error.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	made := testdb.Common(t)
	user := made.NewUser(t)
	config, err := pgxpool.ParseConfig(made.DSN)
	if err != nil {
		t.Fatal(err)
	}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &deafToCommit{Conn: conn}, err
	}
	db, err := bizydb.OpenConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	options := sqliteimport.Options{Zone: zone(t, "Europe/Berlin")}
	f := sample(t, 0)
	f.insert(t, "tasks", record{"id": 99, "title": ""})
	report, err := sqliteimport.Import(t.Context(), db, user, f.path, options)
	if !errors.Is(err, bizydb.ErrOutcomeUnknown) {
		t.Fatalf("error %v, want %v", err, bizydb.ErrOutcomeUnknown)
	}
	want := importFile(t, made, made.NewUser(t), f.path, options)
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-of one that succeeds +got):\n%s", diff)
	}
	again := importFile(t, made, user, f.path, options)
	wantCounts(t, again, sqliteimport.Counts{InFile: 3, Known: 3}, sqliteimport.Counts{InFile: 21, Known: 21})
}

// A deafToCommit connection is lost when the answer to a commit comes.
type deafToCommit struct {
	net.Conn
	committed atomic.Bool
}

func (c *deafToCommit) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("commit\x00")) {
		c.committed.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *deafToCommit) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.committed.Load() {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
