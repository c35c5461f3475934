package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// cleanUp removes everything that was made, however far that went.
func (s *setup) cleanUp(ctx context.Context, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r.section("Clean up")
	if s.db != nil {
		s.db.Close()
	}
	if s.proxy != nil {
		s.proxy.Close()
	}
	err := s.drop(ctx, r)
	if err != nil {
		err = fmt.Errorf("cleaning up: database and role %s may be left: %w", s.name, err)
	}
	if s.server.Started() {
		return errors.Join(err, r.uncounted("Stop the server", s.server.Close))
	}
	r.printf("  The roles of bizydb stay: every bizydb database on the server shares them.\n")
	return errors.Join(err, s.server.Close())
}

func (s *setup) drop(ctx context.Context, r *report) error {
	admin, err := pgx.Connect(ctx, s.server.DSN())
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	// In this order: without the database nobody is left who could still be creating the role.
	if err := s.exec(ctx, r, admin, "DROP DATABASE IF EXISTS "+s.name+" WITH (FORCE)"); err != nil {
		return err
	}
	return s.exec(ctx, r, admin, "DROP ROLE IF EXISTS "+s.name)
}
