package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// findUser returns the user to import for, who is registered if need be. In a dry run that is not done, and the user is 0,
// which stands for one who has nothing yet.
func (j *job) findUser(ctx context.Context, db *bizydb.DB) (bizydb.UserID, error) {
	if !strings.Contains(j.email, "@") { // a username would be found, too
		return 0, fmt.Errorf("-user %q is not an email address", j.email)
	}
	user, err := db.Accounts().Find(ctx, j.email)
	switch {
	case err == nil && !user.IsActive:
		return 0, fmt.Errorf("user %s is not active", j.email)
	case err == nil:
		return user.ID, nil
	case !errors.Is(err, bizydb.ErrNotFound):
		return 0, err
	case !j.create:
		return 0, fmt.Errorf("there is no user %s; -create registers one", j.email)
	case j.options.DryRun:
		return 0, nil
	}
	// No account for a file that cannot be imported.
	check := sqliteimport.Options{DryRun: true, OnFinding: func(sqliteimport.Finding) {}}
	if _, err := sqliteimport.Import(ctx, db, 0, j.path, check); err != nil {
		return 0, err
	}
	name := j.username
	if name == "" {
		name, _, _ = strings.Cut(j.email, "@")
	}
	user, err = db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: j.email, Username: name, Password: bizydb.NewPassword(rand.Text()),
	})
	if err != nil {
		return 0, fmt.Errorf("user %s cannot be registered as %q; -username gives another name: %w", j.email, name, err)
	}
	return user.ID, nil
}
