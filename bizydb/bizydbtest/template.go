package bizydbtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"

	"github.com/bizy-ai/bizydb/schema"
)

// A template is a database that others are copies of, or why it could not be made.
type template struct {
	name string
	err  error
}

// prepare returns how the names of this process's databases begin, and the template of those with the options. The first call makes
// it, others wait.
func (s *Server) prepare(ctx context.Context, o options) (prefix, name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claim == nil {
		if s.claim, err = newClaim(ctx, s.DSN()); err != nil {
			return "", "", fmt.Errorf("claim databases: %w", err)
		}
		s.templates, s.own, s.inspected, s.copies = map[string]string{}, map[string]template{}, map[string]bool{}, s.claim.quick
		if s.keeps {
			if err := sweep(ctx, s.DSN()); err != nil {
				return "", "", fmt.Errorf("drop databases of tests that were killed: %w", err)
			}
		}
	}
	if s.templates[o.locale] == "" {
		name, err := s.migratedTemplate(ctx, o.locale)
		if err != nil {
			return "", "", fmt.Errorf("make the template database: %w", err)
		}
		s.templates[o.locale] = name
	}
	if len(o.migrations) == 0 {
		return s.claim.prefix, s.templates[o.locale], nil
	}

	key := o.locale
	for _, m := range o.migrations {
		key += "\n" + m.name + m.sum
	}
	own, tried := s.own[key]
	if !tried {
		own.name = s.claim.prefix + strings.ToLower(rand.Text())
		own.err = s.ownTemplate(ctx, own.name, s.templates[o.locale], o.migrations)
		if ctx.Err() == nil { // migrations that fail are not tried again
			s.own[key] = own
		}
	}
	if own.err != nil {
		return "", "", fmt.Errorf("the service's migrations: %w", own.err)
	}
	return s.claim.prefix, own.name, nil
}

// migratedTemplate makes the database that all others of a locale are copies of, or finds it on a server that has it from before. Its
// name says which migrations are in it.
func (s *Server) migratedTemplate(ctx context.Context, locale string) (string, error) {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Only its owner can copy it.
	fingerprint, err := fingerprint(schema.Files, conn.Config().User+locale)
	if err != nil {
		return "", err
	}
	name := "bizydbtest_template_" + fingerprint

	// One process makes it, the others wait. The lock goes with the connection.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return "", err
	}
	var finished bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&finished); err != nil || finished {
		return name, err
	}
	return name, s.makeTemplate(ctx, conn, name, `template0 `+locale, schema.Migrate)
}

// ownTemplate makes a template with a service's migrations. It goes with the process.
func (s *Server) ownTemplate(ctx context.Context, name, from string, migrations []migration) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return s.makeTemplate(ctx, conn, name, from, func(ctx context.Context, conn *pgx.Conn) error {
		for _, m := range migrations {
			if err := m.run(ctx, conn); err != nil {
				return err
			}
			if conn.PgConn().TxStatus() != 'I' {
				return fmt.Errorf("%s: left a transaction open", m.name)
			}
		}
		return nil
	})
}

// makeTemplate copies a database and has it migrated. It gets its name only when it is finished.
func (s *Server) makeTemplate(ctx context.Context, conn *pgx.Conn, name, from string, migrate func(context.Context, *pgx.Conn) error) error {
	draft := s.claim.prefix + strings.ToLower(rand.Text())
	if _, err := conn.Exec(context.WithoutCancel(ctx), `CREATE DATABASE `+draft+` TEMPLATE `+from+s.strategy()); err != nil {
		return err
	}
	err := connected(ctx, s.DSNFor(draft, nil), migrate)
	if err == nil {
		// Whoever is first to connect after a migration collects what the server keeps of its catalog in a file, which copies then have.
		err = execOn(ctx, s.DSNFor(draft, nil), `SELECT`)
	}
	if err == nil {
		_, err = conn.Exec(ctx, fmt.Sprintf(`ALTER DATABASE %s RENAME TO %s`, draft, name))
		if pgErr := new(pgconn.PgError); errors.As(err, &pgErr) && pgErr.Code == pgerrcode.ObjectInUse {
			err = fmt.Errorf("left a connection open: %w", err)
		}
	}
	if err != nil {
		return errors.Join(err, dropDatabase(context.WithoutCancel(ctx), conn, draft))
	}
	return nil
}

func connected(ctx context.Context, dsn string, do func(context.Context, *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(ctx, conn)
}

// dropOwn drops the templates with services' migrations, on a server that outlives the process.
func (s *Server) dropOwn() error {
	var drop []string
	for _, own := range s.own {
		if own.err == nil {
			drop = append(drop, `DROP DATABASE IF EXISTS `+own.name)
		}
	}
	s.own = nil
	if len(drop) == 0 || !s.keeps {
		return nil
	}
	return s.exec(context.Background(), drop...)
}

// versionTable is the default of the tern command.
const versionTable = "public.schema_version"

func applyTern(ctx context.Context, conn *pgx.Conn, files fs.FS) error {
	migrator, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return err
	}
	if err := migrator.LoadMigrations(files); errors.As(err, new(migrate.NoMigrationsFoundError)) {
		return fmt.Errorf("%w: no file 001_name.sql at the top of the file system; fs.Sub leads to a folder", err)
	} else if err != nil {
		return err
	}
	err = migrator.Migrate(ctx)
	if failed := (migrate.MigrationPgError{}); errors.As(err, &failed) {
		return fmt.Errorf("%w%s", err, details(failed))
	}
	return err
}

// details says what a server's message leaves out, with the line as the tern command shows it.
func details(failed migrate.MigrationPgError) string {
	var b strings.Builder
	for _, part := range []struct{ name, text string }{{"DETAIL", failed.Detail}, {"HINT", failed.Hint}, {"CONTEXT", failed.Where}} {
		if part.text != "" {
			fmt.Fprintf(&b, "\n%s: %s", part.name, part.text)
		}
	}
	if at := []rune(failed.Sql); failed.Position > 0 && int(failed.Position) <= len(at) {
		before := string(at[:failed.Position-1])
		line := before[strings.LastIndexByte(before, '\n')+1:]
		rest, _, _ := strings.Cut(string(at[failed.Position-1:]), "\n")
		label := fmt.Sprintf("LINE %d: ", strings.Count(before, "\n")+1)
		indent := strings.Map(func(r rune) rune {
			if r == '\t' {
				return r
			}
			return ' '
		}, label+line)
		fmt.Fprintf(&b, "\n%s%s%s\n%s^", label, line, rest, indent)
	}
	return b.String()
}

// fingerprint differs whenever a file or of does.
func fingerprint(files fs.FS, of string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, of)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}
