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

// WithMigrations applies a service's own migrations, files of [tern] at the top of files, after bizydb's. Their version table is
// public.schema_version, as it is by default with tern.
//
// They run as the owner of bizydb's tables, once per process, in a template that the databases of all tests with the same content are
// copied from. Schemas that bizydb_user or bizydb_reporter may use, the database's login may use too, so that queries can be prepared.
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

// WithMigration is [WithMigrations] for goose, golang-migrate, Atlas and others: migrate is called once per process and name, and two
// functions of one name are taken for the same. It gets a connection to the template, and can open others by conn.Config, which it
// closes. Migrations of several options run in the order of the options.
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

// WithOptions opens the database with options. With bizydb.WithBcryptCost(bizydb.MinBcryptCost) a sign-up takes a quarter of
// the time.
func WithOptions(opts ...bizydb.Option) Option {
	return func(o *options) { o.open = append(o.open, opts...) }
}

// WithReporting grants the database's login the role bizydb_reporter, for bizydb.DB.Reporting. Without it, the login is that of a service
// which does not report.
func WithReporting() Option { return func(o *options) { o.reporting = true } }

func withLocale(locale string) Option { return func(o *options) { o.locale = locale } }
