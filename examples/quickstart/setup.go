package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
)

// A setup is what the example made and has to remove.
type setup struct {
	server   *bizydbtest.Server
	name     string // of the database and of the service's login
	password string
	proxy    *bizydbtest.Proxy
	db       *bizydb.DB
}

func findServer(ctx context.Context, r *report) (*setup, error) {
	start := time.Now()
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{
		DSNVars: []string{"DATABASE_URL"},
		Logf:    func(format string, args ...any) { r.wrapped(fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		return nil, err
	}
	how, passedOver, _ := strings.Cut(server.How(), "; ")
	r.row(how, "- ", time.Since(start))
	r.wrapped(passedOver)
	return &setup{server: server, name: "quickstart_" + strings.ToLower(rand.Text()[:6]), password: rand.Text()}, nil
}

// makeDatabase does what an operator does once for a service.
func (s *setup) makeDatabase(ctx context.Context, r *report) error {
	admin, err := pgx.Connect(ctx, s.server.DSN())
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	// The server might finish this after we gave up, and after we dropped what was not there yet. So we do not give up.
	if err := s.exec(context.WithoutCancel(ctx), r, admin, "CREATE DATABASE "+s.name); err != nil {
		return err
	}

	owner, err := pgx.Connect(ctx, s.server.DSNFor(s.name, nil))
	if err != nil {
		return err
	}
	defer owner.Close(context.WithoutCancel(ctx))
	err = r.uncounted("schema.Migrate(ctx, conn)", func() error { return schema.Migrate(ctx, owner) })
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"CREATE ROLE " + s.name + " LOGIN NOINHERIT PASSWORD '" + s.password + "'",
		"REVOKE CONNECT ON DATABASE " + s.name + " FROM PUBLIC",
		"GRANT CONNECT ON DATABASE " + s.name + " TO " + s.name,
		"GRANT USAGE ON SCHEMA bizydb TO " + s.name,
		"GRANT bizydb_user, bizydb_accounts TO " + s.name,
	} {
		if err := s.exec(ctx, r, owner, sql); err != nil {
			return err
		}
	}
	return nil
}

// exec prints and executes a statement.
func (s *setup) exec(ctx context.Context, r *report, conn *pgx.Conn, sql string) error {
	return r.uncounted(strings.ReplaceAll(sql, s.password, r.glyph.more)+";", func() error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

// open opens the database as the service, through a proxy that counts round trips.
func (s *setup) open(ctx context.Context, r *report) (*bizydb.DB, error) {
	proxy, dsn, err := bizydbtest.StartProxy(s.server.DSNFor(s.name, url.UserPassword(s.name, s.password)))
	if err != nil {
		return nil, err
	}
	s.proxy, r.trips = proxy, proxy.RoundTrips

	err = r.step("Open", 100, func() (string, error) {
		s.db, err = bizydb.Open(ctx, dsn)
		return "connect, check schema, login and roles", err
	})
	return s.db, err
}
