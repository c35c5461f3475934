package pgserver

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
)

func TestDSNIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	running := sharedServer(t)
	s, err := Start(t.Context(), Options{Getenv: env(EnvDSN + "=" + running.DSN())})
	if err != nil {
		t.Fatal(err)
	}
	if s.DSN() != running.DSN() {
		t.Errorf("not the connection string of %s", EnvDSN)
	}
	if s.Started() {
		t.Error("says that it started the server")
	}
	contains(t, s.How(), EnvDSN+" at 127.0.0.1:", "(PostgreSQL ")
	if strings.Contains(s.How(), password(t, running)) {
		t.Error("How shows the password")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !alive(t, running.DSN()) {
		t.Error("Close stopped a server that is not its own")
	}
}

func TestCallersVariableGoesFirst(t *testing.T) {
	t.Parallel()
	running := sharedServer(t)
	opts := Options{
		DSNVars: []string{"FIRST_URL", "DATABASE_URL"},
		Getenv:  env("DATABASE_URL="+running.DSN(), EnvDSN+"=not looked at"),
	}
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, s.How(), "DATABASE_URL at ")
}

func TestUnusableDSNIsFinalAndKeepsItsSecret(t *testing.T) {
	t.Parallel()
	running := sharedServer(t)
	cfg, err := pgx.ParseConfig(running.DSN())
	if err != nil {
		t.Fatal(err)
	}
	free, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	silent := listener(t)
	execute(t, running.DSN(), "DROP ROLE IF EXISTS humble; CREATE ROLE humble LOGIN PASSWORD 'S3cret'")

	tests := []struct {
		name, dsn string
		says      string
	}{
		{"wrong password", fmt.Sprintf("postgres://postgres:S3cret@127.0.0.1:%d/postgres", cfg.Port), pgerrcode.InvalidPassword},
		{"unknown database", fmt.Sprintf("postgres://humble:S3cret@127.0.0.1:%d/nowhere", cfg.Port), pgerrcode.InvalidCatalogName},
		{"nobody listens", fmt.Sprintf("postgres://postgres:S3cret@127.0.0.1:%d/postgres", free), "connect"},
		{"nobody listens, keywords", fmt.Sprintf("host=127.0.0.1 port=%d user=postgres password=S3cret", free), "connect"},
		{"no answer", fmt.Sprintf("postgres://postgres:S3cret@%s/postgres?connect_timeout=1", silent), "connect"},
		{"too few rights", fmt.Sprintf("postgres://humble:S3cret@127.0.0.1:%d/postgres", cfg.Port), `"humble" may not create databases and roles`},
		{"slash in the password", "postgres://postgres:S3cret/x@127.0.0.1/postgres", "not a PostgreSQL connection string"},
		{"percent in the password", "postgres://postgres:S3cret%zz@127.0.0.1/postgres", "not a PostgreSQL connection string"},
		{"bad keyword form", "host=127.0.0.1 password='S3cret", "not a PostgreSQL connection string"},
		{"not a connection string", "S3cret", "not a PostgreSQL connection string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := startFails(t, Options{Getenv: env(EnvDSN + "=" + tt.dsn)}, EnvDSN, tt.says)
			if strings.Contains(err.Error(), "S3cret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// listener accepts connections and never answers. It returns the address.
func listener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func password(t *testing.T, s *Server) string {
	t.Helper()
	u, err := url.Parse(s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	word, _ := u.User.Password()
	return word
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
