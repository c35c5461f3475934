package bizydb_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// A call whose connection is lost before its answer has come says so if it may have changed anything. Whatever it says
// instead, nothing has changed.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	modes := execModes(t)
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t, bizydbtest.WithReporting(), tracked)
			var left atomic.Int64
			db := openCutOff(t, made.DSN, mode, &left)
			unknown, unchanged := 0, 0
			// lose calls with the connection lost before the n-th part of an answer comes.
			lose := func(t *testing.T, n int64, content func() string, call func() error) (changed bool) {
				t.Helper()
				left.Store(plenty)
				if err := db.Pool().Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
				before := content()
				left.Store(n)
				err := call()
				left.Store(plenty)
				db.Pool().Reset()
				for ownerQuery[bool](t, made, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle')") {
					time.Sleep(time.Millisecond) // until the server has finished
				}
				changed = content() != before
				switch {
				case errors.Is(err, bizydb.ErrOutcomeUnknown):
					if unknown++; !changed {
						unchanged++
					}
				case err == nil && n == 0:
					t.Error("the answer was lost, and nobody noticed")
				case err != nil && changed:
					t.Errorf("changed, with an error that denies it: %v", err)
				}
				return changed
			}
			reader := made.NewUser(t)
			readAt := plantAll(t, made.As(reader))
			// What an answer comes in depends on the mode and on what it has, not on which call it is of.
			known, turn := map[string]bool{}, int64(0)
			eachCall(t, func(t *testing.T, method string) {
				shape := shapeOf(method)
				again := known[shape] && !*full
				if known[shape] = true; again && mode != modes[0] {
					return
				}
				user, at := reader, readAt
				first, parts := int64(0), int64(1)
				if !reads(method) {
					user = made.NewUser(t)
					at = plantAll(t, made.As(user))
					switch {
					case mayBePooled(): // A pooler has parts of its own.
						parts = 8
						if again {
							first, parts = turn, turn+1
							turn = (turn + 1) % 8
						}
					case mode == pgx.QueryExecModeExec:
						parts = 2
					default: // Three are of preparing, which is the same for each.
						parts = 4
						if !*full && method != "UpdateTask" {
							first = 3
						}
					}
				}
				for n := first; n < parts; n++ {
					changed := lose(t, n, func() string { return dump(t, made, user) }, func() error { _, err := call(t.Context(), db.As(user), method, at); return err })
					if changed {
						at = plantAll(t, made.As(user))
					}
				}
			})
			accounts := db.Accounts()
			bizydb.SetBcryptCost(accounts, bcrypt.MinCost)
			password := bizydb.NewPassword("a long password")
			for method, call := range map[string]func(bizydb.UserID) error{
				"Register": func(bizydb.UserID) error {
					_, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "new@example.org", Username: "new", Password: password})
					return err
				},
				"UpdateProfile": func(u bizydb.UserID) error {
					_, err := accounts.UpdateProfile(t.Context(), u, bizydb.UpdateProfileParams{FullName: new("changed")})
					return err
				},
				"ChangeEmail": func(u bizydb.UserID) error {
					_, err := accounts.ChangeEmail(t.Context(), u, "changed@example.org")
					return err
				},
				"Deactivate":   func(u bizydb.UserID) error { _, err := accounts.Deactivate(t.Context(), u); return err },
				"SetSuperuser": func(u bizydb.UserID) error { _, err := accounts.SetSuperuser(t.Context(), u, true); return err },
				"SetPassword":  func(u bizydb.UserID) error { return accounts.SetPassword(t.Context(), u, password) },
				"ResetPassword": func(u bizydb.UserID) error {
					return accounts.ResetPassword(t.Context(), bizydb.ResetPasswordParams{
						ID: u, Email: ownerQuery[string](t, made, "SELECT email FROM public.users WHERE id = $1", u), Password: password,
						ChangedAt: ownerQuery[time.Time](t, made, "SELECT password_changed_at FROM public.users WHERE id = $1", u),
					})
				},
				"RemovePassword": func(u bizydb.UserID) error { return accounts.RemovePassword(t.Context(), u) },
				"Delete":         func(u bizydb.UserID) error { _, err := accounts.Delete(t.Context(), u); return err },
			} {
				t.Run(method, func(t *testing.T) {
					for n := range int64(3) { // in cache_statement two are of preparing
						user := made.NewUser(t)
						lose(t, n, func() string {
							return ownerQuery[string](t, made, "SELECT string_agg(u::text, ' ' ORDER BY id) FROM public.users AS u")
						}, func() error { return call(user) })
					}
				})
			}
			for name, in := range reportings {
				if name == "WithTx" { // whose begin is lost
					continue
				}
				var err error
				lose(t, 0, func() string { return "" }, func() error {
					err = in(t.Context(), db, func(on bizydb.DBTX) error { return second(on.Exec(t.Context(), "SELECT FROM public.tasks")) })
					return err
				})
				if !errors.Is(err, bizydb.ErrUnavailable) {
					t.Errorf("report by %s: %v, want ErrUnavailable", name, err)
				}
			}
			t.Logf("%d outcomes unknown, of which %d changed nothing", unknown, unchanged)
			if unknown-unchanged < 10 {
				t.Error("hardly any answer was lost")
			}
		})
	}
}

const plenty = 1 << 40

// openCutOff opens db with one connection, which is lost when nothing is left to be read.
func openCutOff(t *testing.T, dsn string, mode pgx.QueryExecMode, left *atomic.Int64, opts ...bizydb.Option) *bizydb.DB {
	t.Helper()
	left.Store(plenty)
	return open(t, dsn, func(c *pgxpool.Config) {
		oneConn(c)
		c.ConnConfig.DefaultQueryExecMode = mode
		dial := c.ConnConfig.DialFunc
		c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			return cutOff{conn, left}, err
		}
	}, opts...)
}

// A cutOff connection is lost when nothing is left to be read.
type cutOff struct {
	net.Conn
	left *atomic.Int64 // parts of answers
}

func (c cutOff) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.left.Add(-1) < 0 {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
