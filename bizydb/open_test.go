package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	listener.Close()

	for name, c := range map[string]struct {
		dsn    func(db *bizydbtest.Database) string
		before string // run by the owner; LOGIN stands for the service's role
		after  string // likewise, what the end of the database does not undo
		always string // a setting of every session
		pool   func(*pgxpool.Config)
		want   error
		says   string
	}{
		"nonsense":               {dsn: constant("hunter2 is my password"), want: bizydb.ErrConfig},
		"bad URL":                {dsn: constant("postgres://svc:hunter2@host:port/db"), want: bizydb.ErrConfig},
		"bad escape":             {dsn: constant("postgres://svc:hunter2%zz@host/db"), want: bizydb.ErrConfig},
		"bad setting":            {dsn: constant("postgres://svc:hunter2@127.0.0.1/db?sslmode=never"), want: bizydb.ErrConfig},
		"bad pool setting":       {dsn: constant("postgres://svc:hunter2@127.0.0.1/db?pool_max_conns=none"), want: bizydb.ErrConfig},
		"unreachable":            {dsn: constant("postgres://svc:hunter2@" + nobody + "/db"), want: bizydb.ErrConnect},
		"unknown host":           {dsn: constant("postgres://svc:hunter2@host.invalid/db"), want: bizydb.ErrConnect},
		"wrong password":         {before: "ALTER ROLE LOGIN PASSWORD 'changed'", want: bizydb.ErrConnect},
		"no such database":       {dsn: func(db *bizydbtest.Database) string { return strings.Replace(db.DSN, "/bizydbtest_", "/missing_", 1) }, want: bizydb.ErrConnect},
		"not migrated":           {before: "DROP SCHEMA bizydb CASCADE", want: bizydb.ErrNotMigrated, says: "schema.Migrate"},
		"migrated in part":       {before: version("3"), want: bizydb.ErrNotMigrated, says: "at migration 3"},
		"unreleased, further":    {before: unreleased("14"), want: bizydb.ErrSchemaUnreleased, says: "new database"},
		"unreleased, as far":     {before: unreleased(fmt.Sprint(bizydb.SchemaVersion)), want: bizydb.ErrSchemaUnreleased},
		"unreleased, not as far": {before: unreleased("1"), want: bizydb.ErrSchemaUnreleased},
		"migrated further":       {before: version("99"), want: bizydb.ErrSchemaNewer, says: "at migration 99"},
		"no constraint":          {before: "ALTER TABLE public.tasks DROP CONSTRAINT ck_tasks_status", want: bizydb.ErrNotMigrated, says: "it lacks constraint public.tasks.ck_tasks_status"},
		"constraint not checked": {before: "ALTER TABLE public.tasks DROP CONSTRAINT ck_tasks_status, ADD CONSTRAINT ck_tasks_status CHECK (status <> '') NOT VALID", want: bizydb.ErrNotMigrated, says: "it lacks constraint public.tasks.ck_tasks_status"},
		"no unique index":        {before: "DROP INDEX public.ix_users_email", want: bizydb.ErrNotMigrated, says: "it lacks index public.ix_users_email"},
		"no default":             {before: "ALTER TABLE public.tasks ALTER status DROP DEFAULT", want: bizydb.ErrNotMigrated, says: "it lacks default public.tasks.status"},
		"no identity":            {before: "ALTER TABLE public.tasks ALTER id DROP IDENTITY", want: bizydb.ErrNotMigrated, says: "it lacks identity public.tasks.id"},
		"NULL is let in":         {before: "ALTER TABLE public.tasks ALTER title DROP NOT NULL", want: bizydb.ErrNotMigrated, says: "it lacks not null public.tasks.title"},
		"superuser":              {dsn: func(db *bizydbtest.Database) string { return db.AdminDSN }, want: bizydb.ErrPrivilegedLogin},
		"user may be the owner":  {before: "CREATE ROLE LOGIN_owner; ALTER TABLE public.goals OWNER TO LOGIN_owner; GRANT LOGIN_owner TO bizydb_user", after: "ALTER TABLE public.goals OWNER TO CURRENT_USER; DROP ROLE LOGIN_owner", want: bizydb.ErrUnprotected},
		"exec mode, other dates": {pool: otherDates, want: bizydb.ErrConfig, says: "datestyle"},
		"exec mode, few digits":  {always: "SET extra_float_digits = -5", pool: execMode, want: bizydb.ErrConfig, says: "extra_float_digits"},
		"simple protocol by a hook": {pool: func(c *pgxpool.Config) {
			c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
				c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
				return nil
			}
		}, want: bizydb.ErrSimpleProtocol},
		"simple protocol": {pool: func(c *pgxpool.Config) {
			c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		}, want: bizydb.ErrSimpleProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var made *bizydbtest.Database
			if c.dsn == nil || !strings.Contains(c.dsn(&bizydbtest.Database{}), "hunter2") {
				made = bizydbtest.New(t)
			}
			if c.before != "" {
				login := parseConfig(t, made.DSN).ConnConfig.User
				asOwner(t, made, strings.ReplaceAll(c.before, "LOGIN", login))
				if c.after != "" {
					defer asOwner(t, made, strings.ReplaceAll(c.after, "LOGIN", login))
				}
			}
			if c.always != "" {
				fromNowOn(t, made, c.always)
			}
			if c.dsn == nil {
				c.dsn = func(db *bizydbtest.Database) string { return db.DSN }
			}
			var db *bizydb.DB
			var err error
			if c.pool != nil {
				config := parseConfig(t, made.DSN)
				c.pool(config)
				db, err = bizydb.OpenConfig(t.Context(), config)
			} else {
				db, err = bizydb.Open(t.Context(), c.dsn(made))
			}
			if db != nil || !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) || strings.Count(err.Error(), "bizydb: ") != 1 {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if made != nil {
				if password := parseConfig(t, made.DSN).ConnConfig.Password; strings.Contains(err.Error(), password) {
					t.Error("the error has the password in it")
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has the password in it: %v", err)
			}
		})
	}
}

func execMode(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec }

func otherDates(c *pgxpool.Config) {
	execMode(c)
	c.ConnConfig.RuntimeParams["datestyle"] = "SQL, DMY"
}

func constant(dsn string) func(*bizydbtest.Database) string {
	return func(*bizydbtest.Database) string { return dsn }
}

func version(n string) string {
	return "CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT " + n + "'"
}

// unreleased makes a schema one from before v0.1.0, as far as it is looked at.
func unreleased(n string) string {
	return version(n) + "; DROP FUNCTION bizydb.fold(text) CASCADE"
}

func TestOpenPrivilegedLoginWhenAsked(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db, err := bizydb.Open(t.Context(), made.AdminDSN, bizydb.AllowPrivilegedLogin())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a, b := db.As(made.NewUser(t)), db.As(made.NewUser(t))
	plant(t, a)
	if got := titles(t, b); len(got) != 0 {
		t.Errorf("a superuser's scope is not confined: %q", got)
	}
}

func TestOpenCanceled(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bizydb.Open(ctx, made.DSN); !errors.Is(err, context.Canceled) || errors.Is(err, bizydb.ErrConnect) {
		t.Errorf("%v, want context.Canceled and not ErrConnect", err)
	}
}

// What Open found can change while the service runs.
func TestGrantTakenAway(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, oneConn)
	alice := db.As(made.NewUser(t))
	plant(t, alice)
	asOwner(t, made, "REVOKE bizydb_user FROM "+parseConfig(t, made.DSN).ConnConfig.User)

	_, err := alice.GetTask(t.Context(), 1)
	if !errors.Is(err, bizydb.ErrMissingGrant) {
		t.Errorf("call: %v, want ErrMissingGrant", err)
	}
	err = alice.InTx(t.Context(), func(*bizydb.Tx) error { t.Error("fn was called"); return nil })
	if !errors.Is(err, bizydb.ErrMissingGrant) {
		t.Errorf("InTx: %v, want ErrMissingGrant", err)
	}
	err = pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
		_, err := alice.WithTx(tx).GetTask(t.Context(), 1)
		return err
	})
	if !errors.Is(err, bizydb.ErrMissingGrant) {
		t.Errorf("WithTx: %v, want ErrMissingGrant", err)
	}
	if n := db.Pool().Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections not given back", n)
	}
}
