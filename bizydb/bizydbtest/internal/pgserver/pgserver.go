// Package pgserver finds or starts a real PostgreSQL server for tests and
// examples.
//
// [Start] tries four ways, in this order, and takes the first that works:
//
//   - dsn: a server that is already there, named by an environment variable;
//   - container: a throw-away container, if a Docker engine answers;
//   - installed: server binaries installed on the machine;
//   - embedded: server binaries fetched from a Maven repository.
//
// A server that Start started ends with the process that started it, however
// that process ends.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Environment variables that Start reads.
const (
	// EnvDSN holds the connection string of a server to use as it is. Its role
	// must be allowed to create databases and roles.
	EnvDSN = "BIZYDBTEST_DATABASE_URL"
	// EnvWay forces one way: dsn, container, installed or embedded.
	EnvWay = "BIZYDBTEST_WAY"
	// EnvImage is the container's image, by default [DefaultImage].
	EnvImage = "BIZYDBTEST_IMAGE"
	// EnvBinDir is the directory of the installed server binaries. No other
	// directory is looked at when it is set.
	EnvBinDir = "BIZYDBTEST_BINDIR"
	// EnvBinariesURL is the Maven repository of the embedded way, by default
	// Maven Central.
	EnvBinariesURL = "BIZYDBTEST_BINARIES_URL"
)

// DefaultImage is the container image unless [EnvImage] names another.
const DefaultImage = "postgres:18-alpine"

// Options say where Start looks. The zero value is ready to use.
type Options struct {
	// DSNVars name environment variables that are looked at before [EnvDSN].
	DSNVars []string
	// Logf, if not nil, is told of a download before it begins, and of a start
	// that takes long. It never gets a password. It is called by one goroutine
	// at a time, and not after Start has returned.
	Logf func(format string, args ...any)
	// Getenv looks up environment variables; nil means [os.Getenv].
	Getenv func(key string) string

	patience time.Duration // after which a start takes long; 0 means 2 s
}

func (o Options) withDefaults() Options {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.patience == 0 {
		o.patience = 2 * time.Second
	}
	return o
}

// ifLong tells Logf what is being done, once that has taken long. The caller
// calls done at its end, and logs nothing else until then.
func (o Options) ifLong(format string, args ...any) (done func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-end:
		case <-time.After(o.patience):
			o.Logf(format, args...)
		}
	}()
	return func() { close(end); <-ended }
}

// forgetClientSettings unsets the environment variables that clients of PostgreSQL read, apart from those that a connection string of
// ours overrides. They are meant for another server, and would change what the tests see of this one or keep clients from connecting.
func forgetClientSettings() {
	for _, name := range ClientSettings {
		_ = os.Unsetenv(name)
	}
}

// ClientSettings are those of libpq, of which pgx reads some.
var ClientSettings = []string{
	"PGAPPNAME", "PGCHANNELBINDING", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATESTYLE", "PGGEQO", "PGGSSDELEGATION", "PGGSSENCMODE",
	"PGGSSLIB", "PGHOSTADDR", "PGKRBSRVNAME", "PGLOADBALANCEHOSTS", "PGMAXPROTOCOLVERSION", "PGMINPROTOCOLVERSION", "PGOPTIONS", "PGREQUIREAUTH",
	"PGREQUIREPEER", "PGREQUIRESSL", "PGSERVICE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLCERTMODE", "PGSSLCOMPRESSION", "PGSSLCRL", "PGSSLCRLDIR",
	"PGSSLKEY", "PGSSLMAXPROTOCOLVERSION", "PGSSLMINPROTOCOLVERSION", "PGSSLNEGOTIATION", "PGSSLPASSWORD", "PGSSLROOTCERT", "PGSSLSNI",
	"PGSYSCONFDIR", "PGTARGETSESSIONATTRS", "PGTZ",
}

// Server is a running PostgreSQL server.
type Server struct {
	dsn, how string
	stop     func() error // nil: not ours to stop

	once     sync.Once
	closeErr error
}

// DSN is the administrator's connection string, for the maintenance database.
// It may hold a password: do not log it.
func (s *Server) DSN() string { return s.dsn }

// How says in one line, fit for a log, which way was taken, with which version
// of PostgreSQL, and why the ways before it were passed over.
func (s *Server) How() string { return s.how }

// Started tells whether Start started the server, rather than find it.
func (s *Server) Started() bool { return s.stop != nil }

// Close stops the server and removes what Start made for it. It does nothing
// to a server that was named by an environment variable. Later calls return
// the first call's error.
func (s *Server) Close() error {
	s.once.Do(func() {
		if s.stop != nil {
			s.closeErr = s.stop()
			held.Delete(s)
		}
	})
	return s.closeErr
}

// held keeps the started servers from the garbage collector. It would close
// their ties to this process, and so stop a server of which the caller has kept
// the connection string only.
var held sync.Map // of *Server

// way is one way to a server. Its start returns an error that reads well
// behind the way's name and a colon.
type way struct {
	name  string
	start func(context.Context, Options) (*Server, error)
	hint  string
}

var ways = []way{
	{"dsn", startDSN, "set " + EnvDSN + " to a server whose role may create databases and roles"},
	{"container", startContainer, "start a Docker engine that has, or can pull, the image in " + EnvImage + " (default " + DefaultImage + ")"},
	{"installed", startInstalled, "install the PostgreSQL server (15 or later), or set " + EnvBinDir + " to the directory of its initdb"},
	{"embedded", startEmbedded, "give the machine access to Maven Central, or set " + EnvBinariesURL + " to a mirror"},
}

func (w way) try(ctx context.Context, opts Options) (*Server, error) {
	if w.name != "dsn" {
		forgetClientSettings()
	}
	s, err := w.start(ctx, opts)
	if err == nil && s.stop != nil {
		held.Store(s, nil)
	}
	return s, err
}

// Start finds or starts a server.
//
// A connection string in the environment is final: if its server cannot be
// used, that is an error and no other way is tried. The other ways fall
// through to the next, and the reason is kept for [Server.How]. If none works
// the error names all of them, why each failed and what to set. With [EnvWay]
// set, only that way is tried.
//
// Canceling ctx stops the search; a server that was returned keeps running
// until Close.
func Start(ctx context.Context, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	if name := opts.Getenv(EnvWay); name != "" {
		return startForced(ctx, opts, name)
	}

	var passed, lines []string
	for _, w := range ways {
		s, err := w.try(ctx, opts)
		if err == nil {
			if len(passed) > 0 {
				s.how += "; " + strings.Join(passed, "; ")
			}
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("start PostgreSQL: %w", context.Cause(ctx))
		}
		var unset *unsetError
		switch {
		case errors.As(err, &unset): // not asked for, so not passed over either
		case w.name == "dsn":
			return nil, err
		default:
			short, _, _ := strings.Cut(oneLine(err), ": ") // in full where no way works
			passed = append(passed, w.name+" passed over: "+short)
		}
		lines = append(lines, fmt.Sprintf("  %s: %s\n    (%s)", w.name, oneLine(err), w.hint))
	}
	return nil, fmt.Errorf("no PostgreSQL server to be had; tried:\n%s", strings.Join(lines, "\n"))
}

func startForced(ctx context.Context, opts Options, name string) (*Server, error) {
	for _, w := range ways {
		if w.name != name {
			continue
		}
		s, err := w.try(ctx, opts)
		if err != nil {
			return nil, fmt.Errorf("%s=%s: %w", EnvWay, name, err)
		}
		return s, nil
	}
	return nil, fmt.Errorf("%s=%q: want dsn, container, installed or embedded", EnvWay, name)
}

// oneLine folds an error text, which may quote a program's output, into a line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
