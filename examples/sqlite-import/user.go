package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// usernameForm is that of bizydb.RegisterParams.
var usernameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// findUser returns the user to import for, who is registered if need be. In a dry run that is not done, but looked whether
// it could be, and the user is 0, which stands for one who has nothing yet.
func (j *job) findUser(ctx context.Context, db *bizydb.DB, stderr io.Writer) (bizydb.UserID, error) {
	if !strings.Contains(j.email, "@") { // a username would be found, too
		return 0, fmt.Errorf("-user %q is not an email address", j.email)
	}
	user, err := db.Accounts().FindByLogin(ctx, j.email)
	switch {
	case err == nil && !user.IsActive:
		return 0, fmt.Errorf("user %s is not active", j.email)
	case err == nil:
		return user.ID, nil
	case !errors.Is(err, bizydb.ErrNotFound):
		return 0, err
	case !j.create:
		return 0, fmt.Errorf("there is no user %s; -create registers one", j.email)
	}
	name := strings.TrimSpace(j.username)
	if name == "" {
		name, _, _ = strings.Cut(strings.TrimSpace(j.email), "@")
	}
	if address, err := mail.ParseAddress(j.email); err != nil || address.Address != strings.TrimSpace(j.email) {
		return 0, fmt.Errorf("-user %q is not an email address", j.email)
	}
	if err := checkUsername(ctx, db, name); err != nil {
		return 0, j.notRegistered(name, err)
	}
	if j.options.DryRun {
		fmt.Fprintf(stderr, "%s would be registered as %s.\n", j.email, name)
		return 0, nil
	}
	// No account for a file that cannot be imported.
	check := sqliteimport.Options{DryRun: true, OnFinding: func(sqliteimport.Finding) {}}
	if _, err := sqliteimport.Import(ctx, db, 0, j.path, check); err != nil {
		return 0, err
	}
	user, err = db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: j.email, Username: name, Password: bizydb.NewPassword(rand.Text()),
	})
	if err != nil {
		return 0, j.notRegistered(name, err)
	}
	return user.ID, nil
}

func (j *job) notRegistered(name string, err error) error {
	return fmt.Errorf("user %s cannot be registered as %q; -username gives another name: %w", j.email, name, err)
}

// checkUsername says what speaks against a username, as Register would.
func checkUsername(ctx context.Context, db *bizydb.DB, name string) error {
	if !usernameForm.MatchString(name) {
		return errors.New("it must be 1 to 100 letters and digits of ASCII, \".\", \"_\" and \"-\", beginning with a letter or digit")
	}
	switch _, err := db.Accounts().FindByLogin(ctx, name); {
	case err == nil:
		return bizydb.ErrUsernameTaken
	case errors.Is(err, bizydb.ErrNotFound):
		return nil
	default:
		return err
	}
}
