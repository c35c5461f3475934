package bizydb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/tracelog"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Neither a password nor a hash gets into anything that is printed, logged or traced.
func TestSecretsDoNotLeak(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t, bizydbtest.WithReporting())
	var out lockedBuffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config := parseConfig(t, made.DSN)
	config.ConnConfig.Tracer = tracer{&out, &tracelog.TraceLog{
		LogLevel: tracelog.LogLevelTrace,
		Logger: tracelog.LoggerFunc(func(ctx context.Context, _ tracelog.LogLevel, msg string, data map[string]any) {
			logger.DebugContext(ctx, msg, "data", data)
			print(&out, data)
		}),
	}}
	db, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithBcryptCost(bizydb.MinBcryptCost))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	accounts := db.Accounts()

	secret, other, short := bizydb.NewPassword("sesame-open-1"), bizydb.NewPassword("sesame-open-2"), bizydb.NewPassword("sesame")
	params := bizydb.RegisterParams{Email: "alice@example.org", Username: "alice", Password: secret}
	tell := func(values ...any) {
		for _, v := range values {
			print(&out, v)
			logger.Info("told", "value", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("told", "value", v)
		}
	}
	alice, err := accounts.Register(t.Context(), params)
	tell(params, &params, secret, alice, err, accounts, db, db.As(alice.ID))
	tell(struct{ hidden bizydb.RegisterParams }{params}, []any{params}, map[string]any{"p": secret})
	_, err = accounts.Register(t.Context(), params) // the unique index refuses it
	tellServerError := func(err error) {
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			t.Errorf("%v does not come from the server", err)
			return
		}
		tell(err, pgErr, *pgErr)
	}
	tellServerError(err)
	tellServerError(pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error { // a CHECK refuses it: "Failing row contains …"
		if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE bizydb_accounts"); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Exec(t.Context(), "UPDATE public.users SET username = 'not a name'")
		return err
	}))
	_, err = accounts.Authenticate(t.Context(), "alice", secret)
	tell(err)
	_, err = accounts.Authenticate(t.Context(), "alice", other)
	tell(err)
	tell(accounts.ChangePassword(t.Context(), alice.ID, secret, short))
	tell(accounts.ChangePassword(t.Context(), alice.ID, secret, other))
	tell(accounts.SetPassword(t.Context(), alice.ID, secret))
	hashed, err := accounts.HashPassword(t.Context(), secret)
	tell(hashed, err, bizydb.RegisterParams{Password: hashed}, struct{ hidden bizydb.Password }{hashed})
	tell(accounts.SetPassword(t.Context(), alice.ID, hashed))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tell(accounts.SetPassword(ctx, alice.ID, secret))
	me, err := db.As(alice.ID).Me(t.Context())
	tell(me, err)
	for _, sql := range []string{"SELECT p::text FROM bizydb.profiles p", "SELECT u::text FROM public.users u", "SELECT hashed_password FROM public.users", "SELECT 1 / id FROM public.users WHERE hashed_password <> ''"} {
		reported, err := queryAll[string](t, db.Reporting().DBTX(), sql)
		tell(db.Reporting(), reported, err)
	}

	text := out.String()
	if !strings.Contains(text, "[redacted]") || !strings.Contains(text, "CreateUser") || !strings.Contains(text, "SetHash") {
		t.Fatal("what was to be searched has not been captured")
	}
	for _, leak := range []string{"sesame", "$2a$", "$2b$", "$2y$", fmt.Sprintf("%x", "sesame"), fmt.Sprintf("%x", "$2a$"), fmt.Sprint([]byte("sesame")), fmt.Sprint([]byte("$2a$"))} {
		if i := strings.Index(text, strings.Trim(leak, "[]")); i >= 0 {
			t.Errorf("%q got out: …%s…", leak, text[max(0, i-200):min(len(text), i+50)])
		}
	}
}

// No type that the package lets out has a field for a hash.
func TestNoHashInExportedTypes(t *testing.T) {
	t.Parallel()
	secret := func(f reflect.StructField) bool {
		name := strings.ToLower(f.Name)
		return f.Name != "PasswordChangedAt" && (strings.Contains(name, "hash") || strings.Contains(name, "password"))
	}
	for f := range reflect.TypeFor[bizydb.User]().Fields() {
		if secret(f) {
			t.Errorf("User.%s", f.Name)
		}
	}
	for m := range readWriter.Methods() {
		for out := range m.Type.Outs() {
			if out.Kind() == reflect.Slice {
				out = out.Elem()
			}
			if out.Kind() != reflect.Struct {
				continue
			}
			for f := range out.Fields() {
				if secret(f) {
					t.Errorf("%s returns %s.%s", m.Name, out, f.Name)
				}
			}
		}
	}
}

// print prints v in every way that a program would.
func print(out *lockedBuffer, v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(out, verb+"\n", v)
	}
	if b, err := json.Marshal(v); err == nil {
		fmt.Fprintf(out, "%s\n", b)
	}
}

// tracer prints what pgx lets a tracer see, and hands it on to pgx's own logger.
type tracer struct {
	out *lockedBuffer
	*tracelog.TraceLog
}

func (t tracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		print(t.out, q.SQL)
		for _, arg := range q.Arguments {
			print(t.out, arg)
		}
	}
	return t.TraceLog.TraceBatchStart(ctx, conn, data)
}

func (t tracer) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	for _, arg := range data.Args {
		print(t.out, arg)
	}
	print(t.out, data.Err)
	t.TraceLog.TraceBatchQuery(ctx, conn, data)
}

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
	pgx.PrepareTracer
	pgxpool.AcquireTracer
} = tracer{}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}
