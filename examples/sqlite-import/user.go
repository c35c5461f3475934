package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
)

// findUser returns the user to import for, and whether it had to be registered. In a dry run that is not done, and the user
// is 0, which stands for one who has nothing yet.
func (j *job) findUser(ctx context.Context, accounts *bizydb.Accounts) (id bizydb.UserID, created bool, err error) {
	if !strings.Contains(j.email, "@") { // a username would be found, too
		return 0, false, fmt.Errorf("-user %q is not an email address", j.email)
	}
	user, err := accounts.Find(ctx, j.email)
	switch {
	case err == nil && !user.IsActive:
		return 0, false, fmt.Errorf("user %s is not active", j.email)
	case err == nil:
		return user.ID, false, nil
	case !errors.Is(err, bizydb.ErrNotFound):
		return 0, false, err
	case !j.create:
		return 0, false, fmt.Errorf("there is no user %s; -create registers one", j.email)
	case j.options.DryRun:
		return 0, false, nil
	}
	name := j.username
	if name == "" {
		name, _, _ = strings.Cut(j.email, "@")
	}
	user, err = accounts.Register(ctx, bizydb.RegisterParams{
		Email: j.email, Username: name, Password: bizydb.NewPassword(rand.Text()),
	})
	if err != nil {
		return 0, false, fmt.Errorf("user %s cannot be registered as %q; -username gives another name: %w", j.email, name, err)
	}
	return user.ID, true, nil
}
