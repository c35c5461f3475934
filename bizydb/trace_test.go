package bizydb_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// queryTracer keeps the query's name that each method of a tracer was given, and what was sent.
type queryTracer struct {
	acquired, prepared, batches []string
	queued                      []*pgx.QueuedQuery
}

func (*queryTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*queryTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (q *queryTracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	q.acquired = append(q.acquired, bizydb.QueryName(ctx))
	return ctx
}
func (*queryTracer) TraceAcquireEnd(context.Context, *pgxpool.Pool, pgxpool.TraceAcquireEndData) {}

func (q *queryTracer) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	q.prepared = append(q.prepared, bizydb.QueryName(ctx))
	return ctx
}
func (*queryTracer) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

func (q *queryTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	q.batches = append(q.batches, bizydb.QueryName(ctx))
	q.queued = append(q.queued, data.Batch.QueuedQueries...)
	return ctx
}
func (*queryTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*queryTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// A tracer gets the name of each query, wherever it runs, and nothing changes for it where none is asked for.
func TestQueryName(t *testing.T) {
	t.Parallel()
	for _, mode := range execModes(t) {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t)
			sent := &queryTracer{}
			db := open(t, made.DSN, func(c *pgxpool.Config) {
				oneConn(c)
				c.ConnConfig.DefaultQueryExecMode, c.ConnConfig.Tracer = mode, sent
			})
			user := made.NewUser(t)
			alice := db.As(user)
			get := func(q planner.Reader) error { _, err := q.Me(t.Context()); return err }
			for name, c := range map[string]struct {
				do              func() error
				batches         []string
				first, prepares string
			}{
				"scope": {func() error { return get(alice) }, []string{"Me"}, "Me", "Me"},
				"batch": {func() error {
					return alice.Batch(t.Context(), func(q bizydb.Reader) error { return get(q) }, func(q bizydb.Reader) error { return get(q) })
				}, []string{"Me"}, "Me", "Me"},
				"transaction": {func() error { return alice.InTx(t.Context(), func(tx *bizydb.Tx) error { return get(tx) }) }, []string{"", "Me"}, "", "Me"},
				"own transaction": {func() error {
					return pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error { return get(alice.WithTx(tx)) })
				}, []string{"Me"}, "", "Me"},
				"accounts": {func() error { _, err := db.Accounts().Get(t.Context(), user); return err }, []string{"GetUser"}, "GetUser", "GetUser"},
			} {
				*sent = queryTracer{}
				if err := c.do(); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(sent.batches, c.batches) || sent.acquired[0] != c.first {
					t.Errorf("%s: acquired for %q, batches %q, want %q, %q", name, sent.acquired, sent.batches, c.first, c.batches)
				}
				for _, prepared := range sent.prepared {
					if prepared != "" && prepared != c.prepares {
						t.Errorf("%s: prepared for %q", name, prepared)
					}
				}
			}
		})
	}
	if name := bizydb.QueryName(t.Context()); name != "" {
		t.Errorf("%q without a query", name)
	}
}

// The parameters that sqlc tells are those that each query is sent with.
func TestParamsOfEveryQuery(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, tracked)
	sent := &queryTracer{}
	db := open(t, made.DSN, func(c *pgxpool.Config) { oneConn(c); c.ConnConfig.Tracer = sent })
	params := bizydb.Params()
	eachMethod(t, func(t *testing.T, method string) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		sent.queued = nil
		if _, err := call(t.Context(), alice, method, at); err != nil {
			t.Fatal(err)
		}
		for _, q := range sent.queued {
			rest, named := strings.CutPrefix(q.SQL, "-- name: ")
			if name, _, _ := strings.Cut(rest, " "); named && params[name] != len(q.Arguments) {
				t.Errorf("%s has %d arguments, params.sql.go has %d: go generate ./bizydb", name, len(q.Arguments), params[name])
			}
		}
	})
}

// A spanNamer names the spans of batches; a service embeds its tracer, such as otelpgx's, and renames the span that this begins.
type spanNamer struct{ queryTracer }

func (s *spanNamer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	ctx = s.queryTracer.TraceBatchStart(ctx, conn, data)
	if name := bizydb.QueryName(ctx); name != "" {
		fmt.Println("span:", name) // with OpenTelemetry: trace.SpanFromContext(ctx).SetName(name)
	}
	return ctx
}

func ExampleQueryName() {
	ctx := context.Background()
	dsn, drop := exampleDatabase(ctx)
	defer drop()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		log.Fatal(err)
	}
	config.ConnConfig.Tracer = &spanNamer{}
	db, err := bizydb.OpenConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	_, err = db.Accounts().FindByLogin(ctx, "ada")
	fmt.Println(err)
	// Output:
	// span: FindUser
	// bizydb: FindByLogin: not found: no rows in result set
}
