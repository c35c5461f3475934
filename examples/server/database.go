package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/tern/v2/migrate"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// openDatabase opens the database of the configuration, or one of its own that closing it drops.
func openDatabase(ctx context.Context, c config, log *slog.Logger) (db *bizydb.DB, closeAll func() error, err error) {
	if c.databaseURL == "" {
		return ownDatabase(ctx, log)
	}
	if c.ownerURL != "" {
		if err := migrateAndGrant(ctx, c.ownerURL, c.databaseURL); err != nil {
			return nil, nil, fmt.Errorf("migrate: %w", err)
		}
	}
	if db, err = open(ctx, c.databaseURL, bizydb.WithStandbys(c.standbys...)); err != nil {
		return nil, nil, err
	}
	return db, func() error { db.Close(); return nil }, nil
}

// ownDatabase finds or starts a server, as bizydb's tests do, and makes a database there.
func ownDatabase(ctx context.Context, log *slog.Logger) (*bizydb.DB, func() error, error) {
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{Logf: func(format string, args ...any) { log.Info(fmt.Sprintf(format, args...)) }})
	if err != nil {
		return nil, nil, err
	}
	made, err := server.NewDatabase(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	log.Info("a database of its own, dropped at the end", "server", server.How())
	clean := func() error { return errors.Join(made.Drop(context.WithoutCancel(ctx)), server.Close()) }
	if err := migrateAndGrant(ctx, made.AdminDSN, made.DSN); err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	db, err := open(ctx, made.DSN)
	if err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	return db, func() error { db.Close(); return clean() }, nil
}

// open opens a pool whose queries are spans, named as in bizydb's queries/ and in the comments of the service's own.
func open(ctx context.Context, dsn string, options ...bizydb.Option) (*bizydb.DB, error) {
	pool, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a connection string") // which pgx would repeat
	}
	pool.ConnConfig.Tracer = newTracer()
	db, err := bizydb.OpenConfig(ctx, pool, options...)
	if err != nil {
		return nil, err
	}
	return db, errors.Join(otelpgx.RecordStats(db.Pool()), recordStandbys(db))
}

// migrateAndGrant brings the database up to date, as its owner, and lets the service's login in. It is idempotent.
func migrateAndGrant(ctx context.Context, ownerURL, serviceURL string) error {
	service, err := pgx.ParseConfig(serviceURL)
	if err != nil {
		return errors.New("DATABASE_URL is not a connection string")
	}
	owner, err := pgx.ParseConfig(ownerURL)
	if err != nil {
		return errors.New("OWNER_DATABASE_URL is not a connection string")
	}
	conn, err := pgx.ConnectConfig(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := schema.Migrate(ctx, conn); err != nil {
		return err
	}
	if err := migrateOwn(ctx, conn); err != nil {
		return err
	}
	return grant(ctx, conn, service.User)
}

// migrateOwn brings up to date what is not bizydb's.
func migrateOwn(ctx context.Context, conn *pgx.Conn) error {
	migrator, err := migrate.NewMigrator(ctx, conn, "public.schema_version")
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	if err := migrator.LoadMigrations(files); err != nil {
		return err
	}
	if err := migrator.Migrate(ctx); err != nil {
		return err
	}
	return migrateRiver(ctx, conn)
}

const riverSchema = "river"

// migrateRiver makes the tables of the queue of jobs. Of several processes at once, one does.
func migrateRiver(ctx context.Context, conn *pgx.Conn) error {
	const lock = "(hashtext('migrations of river'))"
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock"+lock); err != nil {
		return err
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock"+lock) }()
	if _, err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+riverSchema); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return err
	}
	config.ConnConfig = conn.Config()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: riverSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// grant gives the service's login the rights that it needs, and no other: it reads what is a user's only as bizydb_user, in scopes.
func grant(ctx context.Context, conn *pgx.Conn, login string) error {
	login = pgx.Identifier{login}.Sanitize()
	for _, sql := range []string{
		"GRANT USAGE ON SCHEMA public, bizydb, server, " + riverSchema + " TO " + login,
		"GRANT bizydb_user, bizydb_accounts TO " + login,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON server.sign_in_failures TO " + login,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + riverSchema + " TO " + login,
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + riverSchema + " TO " + login,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
