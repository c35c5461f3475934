package bizydb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
)

// Authenticate returns the user with an email address or username, in whatever case, and a password, and stamps the
// sign-in. If there is no such account, if the password is another, or if the account is not active, it is [ErrSignIn],
// and takes as long: nothing tells which of them it was. A hash of a lower cost than new ones have is renewed. (One of a
// higher cost, from before [WithBcryptCost] was lowered, does take longer.)
func (a *Accounts) Authenticate(ctx context.Context, login string, password Password) (User, error) {
	found, err := a.queries.FindCredentials(ctx, strings.TrimSpace(login))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, err
	}
	match, err := a.hasher.matches(ctx, password, found.HashedPassword)
	if err != nil {
		return User{}, err
	}
	if !match || !found.IsActive {
		return User{}, fmt.Errorf("bizydb: %w", ErrSignIn)
	}
	var renewed secret.Hash
	if a.hasher.weak(found.HashedPassword) && password.check() == nil {
		if renewed, err = a.hasher.hash(ctx, password); err != nil {
			return User{}, err
		}
	}
	row, err := a.queries.RecordSignIn(ctx, accountsql.RecordSignInParams{
		ID: found.ID, HashedPassword: found.HashedPassword, NewHash: renewed,
	})
	if errors.Is(err, ErrNotFound) { // deactivated, deleted or another password, since we looked
		return User{}, fmt.Errorf("bizydb: %w", ErrSignIn)
	}
	return User(row), err
}

// ChangePassword sets a new password for a user who knows the old one. If that is wrong it is [ErrSignIn].
func (a *Accounts) ChangePassword(ctx context.Context, id UserID, old, password Password) error {
	if err := password.check(); err != nil {
		return err
	}
	current, err := a.queries.GetHash(ctx, id)
	if err != nil {
		return err
	}
	match, err := a.hasher.matches(ctx, old, current)
	if err != nil {
		return err
	}
	if !match {
		return fmt.Errorf("bizydb: %w", ErrSignIn)
	}
	return a.setHash(ctx, id, password, current)
}

// SetPassword sets a new password, for a reset that the service has seen to.
func (a *Accounts) SetPassword(ctx context.Context, id UserID, password Password) error {
	return a.setHash(ctx, id, password, secret.Hash{})
}

// setHash replaces the hash, if there is an old one only that one: of two changes at a time from the same password, the
// second finds it wrong.
func (a *Accounts) setHash(ctx context.Context, id UserID, password Password, old secret.Hash) error {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	n, err := a.queries.SetHash(ctx, accountsql.SetHashParams{ID: id, NewHash: hash, OldHash: old})
	switch {
	case err != nil:
		return err
	case n > 0:
		return nil
	case old.Reveal() != nil:
		return fmt.Errorf("bizydb: %w", ErrSignIn)
	default:
		return fmt.Errorf("bizydb: %w", ErrNotFound)
	}
}
