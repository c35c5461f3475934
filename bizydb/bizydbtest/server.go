package bizydbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest/internal/pgserver"
	"github.com/bizy-ai/bizydb/bizydb/internal/inspected"
)

// A Server is a PostgreSQL server on which to create databases. It is for programs such as bizydb's examples; tests use [New].
type Server struct {
	found *pgserver.Server
	keeps bool // whether its databases outlive the process

	mu        sync.Mutex
	claim     *claim
	templates map[string]string   // by locale
	own       map[string]template // by locale and services' migrations
	inspected map[string]bool     // templates and roles, of which a copy has been opened
	copies    bool                // whether the files of a template are copied

	idling sync.Mutex
	idle   []*pgx.Conn // the administrator's, without a goroutine, which would look like a leak of a test
}

// Options configures [Start].
type Options struct {
	// DSNVars names environment variables to read a connection string from, before BIZYDBTEST_DATABASE_URL.
	DSNVars []string
	// Logf, if not nil, is called before a download and if the server's start takes more than two seconds: by one goroutine at a
	// time, and not after Start has returned.
	Logf func(format string, args ...any)
}

// Start finds or starts a server in one of the ways that the package documentation lists. The caller closes it.
func Start(ctx context.Context, o Options) (*Server, error) {
	found, err := pgserver.Start(ctx, pgserver.Options{DSNVars: o.DSNVars, Logf: o.Logf})
	if err != nil {
		return nil, fmt.Errorf("bizydbtest: %w", err)
	}
	return &Server{found: found, keeps: !found.Started()}, nil
}

// DSN returns the connection string of a role that may create databases and roles. It may contain a password.
func (s *Server) DSN() string { return s.found.DSN() }

// How says in one line how the server was found, with its version, and why earlier ways failed. The line contains no password.
func (s *Server) How() string { return s.found.How() }

// Started reports whether [Start] started the server, so that Close stops it.
func (s *Server) Started() bool { return s.found.Started() }

// Close stops the server if [Start] started it. Later calls return the error of the first call.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.dropOwn()
	s.idling.Lock()
	for _, conn := range s.idle {
		_ = conn.Close(context.Background())
	}
	s.idle = nil
	s.idling.Unlock()
	if s.claim != nil {
		s.claim.release()
		s.claim = nil
	}
	return errors.Join(err, s.found.Close())
}

// DSNFor returns the server's connection string for another database and, if login is not nil, for another login.
func (s *Server) DSNFor(database string, login *url.Userinfo) string {
	return withLogin(s.DSN(), login, database)
}

// NewDatabase creates a migrated database with a login role, and opens a DB with that login. The caller drops it.
func (s *Server) NewDatabase(ctx context.Context, opts ...Option) (*Database, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("bizydbtest: %w", err)
	}
	prefix, template, err := s.prepare(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("bizydbtest: %w", err)
	}

	name, password := prefix+strings.ToLower(rand.Text()), rand.Text()
	verifier, err := pgserver.Verifier(password)
	if err != nil {
		return nil, fmt.Errorf("bizydbtest: %w", err)
	}
	roles := `bizydb_user, bizydb_accounts`
	if o.reporting {
		roles += `, bizydb_reporter`
	}
	d := &Database{
		DSN:      s.DSNFor(name, url.UserPassword(name, password)),
		AdminDSN: s.DSNFor(name, nil),
	}
	d.drop = func(ctx context.Context) error {
		return s.asAdmin(ctx, func(conn *pgx.Conn) error {
			if err := dropDatabase(ctx, conn, name); err != nil {
				return err
			}
			_, err := conn.Exec(ctx, `DROP ROLE IF EXISTS `+name)
			return err
		})
	}
	// The server could finish a canceled CREATE DATABASE after drop has found nothing, so it is not canceled.
	err = s.exec(context.WithoutCancel(ctx),
		fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s`, name, template)+s.strategy(),
		// The roles are the cluster's, so who may act as them must be kept out of others' databases.
		fmt.Sprintf(`REVOKE CONNECT ON DATABASE %s FROM PUBLIC`, name),
		fmt.Sprintf(`CREATE ROLE %s LOGIN NOINHERIT PASSWORD '%s'`, name, verifier),
		fmt.Sprintf(`GRANT CONNECT ON DATABASE %[1]s TO %[1]s`, name),
		fmt.Sprintf(`GRANT %s TO %s`, roles, name),
		// Only who may act as a login may end its connections.
		fmt.Sprintf(`GRANT %s TO CURRENT_USER`, name),
	)
	if err == nil {
		// The template's schemas came along; who may look into them is a matter of each login.
		err = execOn(ctx, d.AdminDSN, fmt.Sprintf(grantSchemasSQL, name))
	}
	if err == nil {
		err = s.open(ctx, d, template+roles, o.open)
	}
	if err != nil {
		return nil, fmt.Errorf("bizydbtest: make a database: %w", errors.Join(err, d.drop(context.WithoutCancel(ctx))))
	}
	return d, nil
}

// open opens a new database. Copies of one template with logins of the same roles are alike, so that the first is inspected, and, since
// options may ask for more, each that is opened with options.
func (s *Server) open(ctx context.Context, d *Database, alike string, opts []bizydb.Option) (err error) {
	s.mu.Lock()
	inspect := len(opts) > 0 || !s.inspected[alike]
	s.mu.Unlock()
	if !inspect {
		ctx = inspected.Before(ctx)
	}
	if d.DB, err = bizydb.Open(ctx, d.DSN, opts...); err != nil || !inspect {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inspected[alike] = true
	return nil
}

// strategy ends CREATE DATABASE: on a server whose checkpoints don't wait for a disk, the files of the template are copied, which is half
// the work of logging what is in them.
func (s *Server) strategy() string {
	if !s.copies {
		return ""
	}
	return " STRATEGY file_copy"
}

// grantSchemasSQL lets a login look into bizydb's schema and those of a service. Everybody may look into public.
const grantSchemasSQL = `
	DO $$
	BEGIN
	  EXECUTE (
	    SELECT string_agg(format('GRANT USAGE ON SCHEMA %%I TO %[1]s', nspname), ';') FROM pg_namespace
	    WHERE nspname !~ '^pg_|^information_schema$|^public$' AND (has_schema_privilege('bizydb_user', oid, 'USAGE') OR has_schema_privilege('bizydb_reporter', oid, 'USAGE'))
	  );
	END
	$$`

// dropDatabase drops a database even if others are connected. An autovacuum worker is nobody's whom a role that is no superuser may end;
// without FORCE the server ends it.
func dropDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	_, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
	if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) && pgErr.Code == pgerrcode.InsufficientPrivilege {
		_, err = conn.Exec(ctx, `DROP DATABASE IF EXISTS `+name)
	}
	return err
}

func (s *Server) exec(ctx context.Context, sql ...string) error {
	return s.asAdmin(ctx, func(conn *pgx.Conn) error { return execAll(ctx, conn, sql) })
}

// asAdmin uses a connection to the server, which is kept for the next one unless something went wrong.
func (s *Server) asAdmin(ctx context.Context, do func(*pgx.Conn) error) (err error) {
	s.idling.Lock()
	var conn *pgx.Conn
	if n := len(s.idle); n > 0 {
		conn, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.idling.Unlock()
	if conn == nil || conn.Ping(ctx) != nil {
		if conn, err = pgx.Connect(ctx, s.DSN()); err != nil {
			return err
		}
	}
	if err = do(conn); err == nil {
		s.idling.Lock()
		defer s.idling.Unlock()
		if !s.keeps || len(s.idle) == 0 { // others may need what a server has for all
			s.idle = append(s.idle, conn)
			return nil
		}
	}
	_ = conn.Close(context.WithoutCancel(ctx))
	return err
}

func execOn(ctx context.Context, dsn string, sql ...string) error {
	return connected(ctx, dsn, func(ctx context.Context, conn *pgx.Conn) error {
		return execAll(ctx, conn, sql)
	})
}

func execAll(ctx context.Context, conn *pgx.Conn, sql []string) error {
	for _, stmt := range sql {
		if _, err := conn.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	return nil
}

// withLogin returns dsn, a URL or keywords and values, with another database and, unless user is nil, another login.
func withLogin(dsn string, user *url.Userinfo, database string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		u, err := url.Parse(dsn)
		if err != nil {
			return dsn // pgx has parsed it before
		}
		// The query part can name all three as well.
		query := u.Query()
		query.Del("dbname")
		query.Del("database")
		if user != nil {
			u.User = user
			query.Del("user")
			query.Del("password")
		}
		u.Path, u.RawQuery = "/"+database, query.Encode()
		return u.String()
	}
	// Of a keyword that comes twice the last one counts.
	dsn += " dbname=" + database
	if user != nil {
		password, _ := user.Password()
		dsn += " user=" + user.Username() + " password=" + password
	}
	return dsn
}
