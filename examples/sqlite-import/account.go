package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// usernameForm is that of bizydb.RegisterParams.
var usernameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// An account is that of the user to import for.
type account struct {
	id       bizydb.UserID // 0 for one who is not registered
	username string        // of one who is registered by this import, or would be
	state    accountState
}

type accountState int

const (
	wasThere      accountState = iota
	wouldRegister              // without -dry-run
	registered                 // by this import
	maybeRegistered
)

// findUser finds the account to import for, which is registered if need be. In a dry run it is not, but findUser looks whether it
// could be.
func (j *job) findUser(ctx context.Context, db *bizydb.DB) error {
	notAnAddress := &failure{
		what: fmt.Sprintf("-user %q is not an email address.", j.email),
		next: "Give the user's email address.",
	}
	if !strings.Contains(j.email, "@") { // a username would be found, too
		return notAnAddress
	}
	user, err := db.Accounts().FindByLogin(ctx, j.email)
	switch {
	case err == nil && !user.IsActive:
		return &failure{
			what: fmt.Sprintf("The account %s is not active.", j.email),
			next: fmt.Sprintf("Reactivate it, and run the same command again:\n\tdb.Accounts().Reactivate(ctx, %d)", user.ID),
		}
	case err == nil:
		j.account.id = user.ID
		return nil
	case !errors.Is(err, bizydb.ErrNotFound):
		return err
	case !j.create:
		return &failure{
			what: fmt.Sprintf("There is no user with the address %s.", j.email),
			next: "Check the address. To register the user, add -create.",
		}
	}
	j.account.username = strings.TrimSpace(j.username)
	if j.account.username == "" {
		j.account.username, _, _ = strings.Cut(strings.TrimSpace(j.email), "@")
	}
	if address, err := mail.ParseAddress(j.email); err != nil || address.Address != strings.TrimSpace(j.email) {
		return notAnAddress
	}
	if err := checkUsername(ctx, db, j.account.username); err != nil {
		return j.notRegistered(err)
	}
	if j.options.DryRun {
		j.account.state = wouldRegister
		return nil
	}
	check := j.options
	check.DryRun, check.OnFinding = true, func(sqliteimport.Finding) {}
	check.OnProgress = func(p sqliteimport.Progress) {
		p.Step = checking
		j.options.OnProgress(p)
	}
	if _, err := sqliteimport.Import(ctx, db, 0, j.path, check); err != nil {
		return err
	}
	user, err = db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: j.email, Username: j.account.username, Password: bizydb.NewPassword(rand.Text()),
	})
	switch {
	case errors.Is(err, bizydb.ErrOutcomeUnknown):
		j.account.state = maybeRegistered
		return &failure{what: "The connection was lost while the account was being registered.", next: runAgain, err: err}
	case err != nil:
		return j.notRegistered(err)
	}
	j.account.id, j.account.state = user.ID, registered
	return nil
}

// notRegistered says why an account cannot be registered.
func (j *job) notRegistered(err error) error {
	field, isField := errors.AsType[*bizydb.FieldError](err)
	reason := ""
	switch {
	case errors.Is(err, bizydb.ErrUsernameTaken):
		reason = "another account has that username"
	case isField && field.Column == "email":
		return &failure{
			what: fmt.Sprintf("%s cannot be registered: the address %s.", j.email, field.Reason),
			next: "Give another address with -user EMAIL.",
			err:  err,
		}
	case isField:
		reason = "it " + field.Reason
	default:
		return err
	}
	return &failure{
		what: fmt.Sprintf("%s cannot be registered with the username %q: %s.", j.email, j.account.username, reason),
		next: "Give another username with -username NAME.",
		err:  err,
	}
}

func (a account) String() string {
	return fmt.Sprintf("user %d, with the username %s", a.id, a.username)
}

// howToSignIn says what the user who was registered still needs.
func (a account) howToSignIn() string {
	return fmt.Sprintf("The account's password is random, and nobody knows it: let the user reset it in your service, or set one:\n"+
		"\tdb.Accounts().SetPassword(ctx, %d, password)\n", a.id)
}

// afterFailure says that an account stays that was registered, after an import that failed.
func (a account) afterFailure() string {
	switch a.state {
	case registered:
		return fmt.Sprintf(" The account that -create registered stays: %s.", a)
	case maybeRegistered:
		return " Whether the account was registered is not known; if it was, it stays and the next import uses it."
	default:
		return ""
	}
}

// checkUsername says what speaks against a username, as Register would.
func checkUsername(ctx context.Context, db *bizydb.DB, name string) error {
	if !usernameForm.MatchString(name) {
		return &bizydb.FieldError{Reason: `must be 1 to 100 ASCII letters, digits, ".", "_" and "-", and begin with a letter or digit`, Err: bizydb.ErrInvalid}
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
