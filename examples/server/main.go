// Server is a service on bizydb: users sign up and in, and keep their goals and tasks over HTTP.
//
//	go run .
//	go run . -demo
//
// Without DATABASE_URL it starts PostgreSQL as bizydb's own examples do, in a database that is gone when it stops. README.md has the
// environment of a real service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	demo := flags.Bool("demo", false, "make a user with the goals and tasks of a small company")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := readConfig(getenv, out)
	if err != nil {
		return err
	}
	if *demo && c.databaseURL != "" {
		return errors.New("-demo is for a database of its own: everybody knows the password")
	}
	log := newLog(out)
	if c.tracing {
		stop, err := startTelemetry(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop(context.WithoutCancel(ctx))) }()
	}
	db, closeDatabase, err := openDatabase(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDatabase()) }()
	s, err := newServer(c, db, log)
	if err != nil {
		return err
	}
	if *demo {
		if err := makeDemo(ctx, db, out); err != nil {
			return err
		}
	}
	// Jobs go on until no request is left that could wait for one.
	if err := s.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, s.jobs.Stop(stopping))
	}()
	return s.serve(ctx, c, log, out)
}

// serve answers requests until ctx ends, and then those that have begun.
func (s *server) serve(ctx context.Context, c config, log *slog.Logger, out io.Writer) error {
	h := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, len(c.listen))
	for _, address := range c.listen {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return errors.Join(err, h.Close())
		}
		fmt.Fprintf(out, "listening on http://%s\n", listener.Addr())
		go func() { failed <- h.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return errors.Join(err, h.Close())
	case <-ctx.Done():
	}
	s.drain.Begin()
	time.Sleep(c.drain) // a load balancer sends requests until it has asked whether the service is ready
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return h.Shutdown(stopping)
}
