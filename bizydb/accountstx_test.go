package bizydb_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A sign-up commits and rolls back with the service's own rows, and between bizydb's calls the service has its own role and rights.
func TestAccountsWithTx(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, made *bizydbtest.Database) {
		accounts := db.Accounts()
		bizydb.SetBcryptCost(accounts, bcrypt.MinCost)
		login := parseConfig(t, made.DSN).ConnConfig.User
		asOwner(t, made, "CREATE TABLE tenants (user_id bigint REFERENCES public.users, name text); CREATE ROLE "+login+"_app; GRANT ALL ON tenants TO "+login+"_app; "+
			"GRANT "+login+"_app TO "+login+"; GRANT USAGE ON SCHEMA public, bizydb TO "+login+"_app")
		defer asOwner(t, made, "DROP TABLE tenants; DROP OWNED BY "+login+"_app; DROP ROLE "+login+"_app")
		const settings = `SELECT current_setting('role') || ' ' || current_setting('bizydb.user_id')`
		count := func() string {
			return ownerQuery[string](t, made, "SELECT (SELECT count(*) FROM public.users) || ' ' || (SELECT count(*) FROM tenants) || ' ' || (SELECT count(*) FROM public.tasks)")
		}

		signUp := func(end func(pgx.Tx) error) {
			t.Helper()
			tx := begin(t, db.Pool())
			exec(t, tx, "SET LOCAL ROLE "+login+"_app")
			exec(t, tx, "SET LOCAL bizydb.user_id = '77'")
			user, err := accounts.WithTx(tx).Register(t.Context(), bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", Password: password})
			if err != nil {
				t.Fatal(err)
			}
			exec(t, tx, "INSERT INTO tenants VALUES ($1, 'Ada & Co')", user.ID)
			if _, err := db.As(user.ID).WithTx(tx).CreateTask(t.Context(), planner.CreateTaskParams{Title: "first"}); err != nil {
				t.Fatal(err)
			}
			for what, call := range map[string]func(a *bizydb.Accounts) error{
				"taken": func(a *bizydb.Accounts) error {
					err := second(a.Register(t.Context(), bizydb.RegisterParams{Email: "ADA@example.org", Username: "other", Password: password}))
					if !errors.Is(err, bizydb.ErrEmailTaken) {
						t.Errorf("%v, want ErrEmailTaken", err)
					}
					return err
				},
				"nobody": func(a *bizydb.Accounts) error {
					if err := second(a.Get(t.Context(), -1)); !errors.Is(err, bizydb.ErrNotFound) {
						t.Errorf("%v, want ErrNotFound", err)
					}
					return nil
				},
				"sign in": func(a *bizydb.Accounts) error { return second(a.Authenticate(t.Context(), "ada", password)) },
				"change":  func(a *bizydb.Accounts) error { return a.ChangePassword(t.Context(), user.ID, password, password) },
				"list":    func(a *bizydb.Accounts) error { return second(a.List(t.Context(), bizydb.ListUsersParams{})) },
			} {
				// A failure inside a savepoint gives the service's role back as well.
				err := pgx.BeginFunc(t.Context(), tx, func(savepoint pgx.Tx) error { return call(accounts.WithTx(savepoint)) })
				if (err != nil) != (what == "taken") {
					t.Errorf("%s: %v", what, err)
				}
				var got string
				if err := tx.QueryRow(t.Context(), settings).Scan(&got); err != nil || got != login+"_app 77" {
					t.Errorf("after %s the service is %q, %v", what, got, err)
				}
			}
			savepoint, err := tx.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := savepoint.Exec(t.Context(), "SELECT FROM public.users"); sqlState(err) != pgerrcode.InsufficientPrivilege {
				t.Errorf("the service reads users: %v", err)
			}
			if err := savepoint.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				proxy.RoundTrips()
				if _, err := accounts.WithTx(tx).Get(t.Context(), user.ID); err != nil {
					t.Error(err)
				}
			}
			if n := proxy.RoundTrips(); n != 1 {
				t.Errorf("%d round trips, want 1", n)
			}
			if err := end(tx); err != nil {
				t.Fatal(err)
			}
		}
		signUp(func(tx pgx.Tx) error { return tx.Rollback(t.Context()) })
		if got := count(); got != "0 0 0" {
			t.Errorf("after a rollback %s users, tenants and tasks", got)
		}
		signUp(func(tx pgx.Tx) error { return tx.Commit(t.Context()) })
		if got := count(); got != "1 1 1" {
			t.Errorf("after a commit %s users, tenants and tasks", got)
		}
		if _, err := accounts.Authenticate(t.Context(), "ada", password); err != nil {
			t.Error(err)
		}
	})
}

// What a transaction cannot do, Accounts in it says.
func TestAccountsWithTxRefuses(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)

	config := parseConfig(t, made.DSN).ConnConfig
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.WithTx(tx).Get(t.Context(), 1); !errors.Is(err, bizydb.ErrSimpleProtocol) {
		t.Errorf("simple protocol: %v, want ErrSimpleProtocol", err)
	}

	readOnly, err := made.Pool().BeginTx(t.Context(), pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = readOnly.Rollback(context.Background()) }()
	if _, err := accounts.WithTx(readOnly).Register(t.Context(), bizydb.RegisterParams{Email: "a@example.org", Username: "a", NoPassword: true}); !errors.Is(err, bizydb.ErrReadOnly) {
		t.Errorf("read-only: %v, want ErrReadOnly", err)
	}

	ended := begin(t, made.Pool())
	if err := ended.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.WithTx(ended).Get(t.Context(), 1); !errors.Is(err, pgx.ErrTxClosed) {
		t.Errorf("after its end: %v, want ErrTxClosed", err)
	}

	login := parseConfig(t, made.DSN).ConnConfig.User
	asOwner(t, made, "REVOKE bizydb_accounts FROM "+login)
	without := begin(t, made.Pool())
	if _, err := accounts.WithTx(without).Get(t.Context(), 1); !errors.Is(err, bizydb.ErrMissingGrant) || !strings.Contains(err.Error(), "bizydb_accounts") {
		t.Errorf("without the role: %v, want ErrMissingGrant", err)
	}
}
