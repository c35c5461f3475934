package bizydbtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
)

// An Option configures a database of [New], [EachLocale] or [Server.NewDatabase].
type Option func(*options)

type options struct {
	locale     string // in options of CREATE DATABASE; "" is the server's
	migrations []migration
	open       []bizydb.Option
	reporting  bool
	err        error
}

// A migration is a step or a set of steps of the service's.
type migration struct {
	name string
	sum  string // of its files, "" for a function
	run  func(ctx context.Context, conn *pgx.Conn) error
}

func newOptions(opts []Option) (options, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return o, o.err
}

// WithMigrations applies a service's own migrations after bizydb's. The migrations are [tern] files in the root folder of files,
// such as 001_comments.sql. Their version table is public.schema_version, the default of tern.
//
// The migrations run once per process, as the owner of bizydb's tables, in a template database. The databases of all tests with
// the same migrations are copied from this template. The login role of each database gets USAGE on the schemas that bizydb_user
// or bizydb_reporter may use, so that queries can be prepared.
//
// [tern]: https://github.com/jackc/tern
func WithMigrations(files fs.FS) Option {
	return func(o *options) {
		if slices.ContainsFunc(o.migrations, func(m migration) bool { return m.sum != "" }) {
			o.err = errors.New("WithMigrations is given twice, and both would use the version table " + versionTable)
		}
		sum, err := fingerprint(files, "")
		if err != nil {
			o.err = fmt.Errorf("read the migrations: %w", err)
		}
		o.migrations = append(o.migrations, migration{"tern", sum, func(ctx context.Context, conn *pgx.Conn) error {
			return applyTern(ctx, conn, files)
		}})
	}
}

// WithMigration applies a service's own migrations with a function, for goose, golang-migrate, Atlas and others. migrate is
// called once per process and name: use a different name for each function. conn is connected to the template database as the
// owner of bizydb's tables. If migrate opens other connections, with conn.Config, it has to close them. The migrations of several
// options run in the order of the options.
func WithMigration(name string, migrate func(ctx context.Context, conn *pgx.Conn) error) Option {
	return func(o *options) {
		o.migrations = append(o.migrations, migration{name, "", func(ctx context.Context, conn *pgx.Conn) error {
			if err := migrate(ctx, conn); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}})
	}
}

// WithOptions opens the database with options of [bizydb.Open]. With bizydb.WithBcryptCost(bizydb.MinBcryptCost) a sign-up takes
// a quarter of the time.
func WithOptions(opts ...bizydb.Option) Option {
	return func(o *options) { o.open = append(o.open, opts...) }
}

// WithReporting grants the role bizydb_reporter to the login role of the database, for bizydb.DB.Reporting. Without this option
// the login role is like that of a service without reports.
func WithReporting() Option { return func(o *options) { o.reporting = true } }

func withLocale(locale string) Option { return func(o *options) { o.locale = locale } }
