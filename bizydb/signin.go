package bizydb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
)

// How often a sign-in or a change of password is tried while others change the same account's hash.
const hashAttempts = 3

// Authenticate checks a login, which is an email address or a username, however it is written, and a password. It records the
// sign-in and returns the user. An unknown login, a wrong password, an account without one and an inactive account all give
// [ErrInvalidCredentials] and take the same time. A hash of a lower cost than new ones have is renewed. (A hash of a higher cost,
// from before [WithBcryptCost] was lowered, takes longer.)
func (a *Accounts) Authenticate(ctx context.Context, login string, password Password) (User, error) {
	for range hashAttempts {
		found, err := a.credentials(ctx, login)
		if err != nil {
			return User{}, err
		}
		match, err := a.hasher.matches(ctx, password, found.HashedPassword)
		if err != nil {
			return User{}, err
		}
		if !match || !found.IsActive {
			break
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
		if !errors.Is(err, ErrNotFound) {
			return User(row), err
		}
		// The account has changed since we looked: another sign-in renewed the hash, or it is no longer what it was.
	}
	return User{}, fmt.Errorf("bizydb: %w", ErrInvalidCredentials)
}

// credentials returns what there is to compare with, which is nothing if nobody has that login.
func (a *Accounts) credentials(ctx context.Context, login string) (accountsql.FindCredentialsRow, error) {
	login, ok := cleanLogin(login)
	if !ok {
		return accountsql.FindCredentialsRow{}, nil
	}
	found, err := a.queries.FindCredentials(ctx, login)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return found, err
}

// ChangePassword sets a new password for an active user who knows the old one. A wrong old password gives
// [ErrInvalidCredentials].
func (a *Accounts) ChangePassword(ctx context.Context, id UserID, old, password Password) error {
	if err := password.check(); err != nil {
		return err
	}
	for range hashAttempts {
		current, err := a.queries.GetHash(ctx, id)
		if err != nil {
			return err
		}
		match, err := a.hasher.matches(ctx, old, current)
		if err != nil {
			return err
		}
		if !match {
			break
		}
		hash, err := a.hasher.hash(ctx, password)
		if err != nil {
			return err
		}
		// Only if it is still the one we compared with: of two changes from one password, one wins.
		n, err := a.queries.ReplaceHash(ctx, accountsql.ReplaceHashParams{ID: id, OldHash: current, NewHash: hash})
		if err != nil || n > 0 {
			return err
		}
	}
	return fmt.Errorf("bizydb: %w", ErrInvalidCredentials)
}

// HashPassword returns a password that Register, ChangePassword, ResetPassword and SetPassword store without hashing it again. Hash before
// a transaction, and its connection does not wait while others hash. Store the result for one account: a hash that two accounts share
// tells that their passwords are the same. A password that breaks a rule gives a [*FieldError].
func (a *Accounts) HashPassword(ctx context.Context, password Password) (Password, error) {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return Password{}, err
	}
	password.hashed = hash
	return password, nil
}

// SetPassword sets a new password without the old one, for a reset that the service has authorized. An account without a password
// has one then.
func (a *Accounts) SetPassword(ctx context.Context, id UserID, password Password) error {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	n, err := a.queries.SetHash(ctx, accountsql.SetHashParams{ID: id, NewHash: hash})
	if err == nil && n == 0 {
		err = fmt.Errorf("bizydb: SetPassword: %w", ErrNotFound)
	}
	return err
}

// ResetPasswordParams is what a link that resets a password says, and the new password.
type ResetPasswordParams struct {
	ID UserID
	// Email is the address that the link was sent to.
	Email string
	// ChangedAt is PasswordChangedAt of the [User] when the link was made.
	ChangedAt time.Time
	Password  Password
}

// ResetPassword sets a new password if the user is active and has changed neither password nor address since a link was made, so that a
// link works once, however often it is sent at the same time. Otherwise it returns [ErrInvalidCredentials]. The service has checked the
// link's signature and age. An account without a password has one then.
func (a *Accounts) ResetPassword(ctx context.Context, p ResetPasswordParams) error {
	hash, err := a.hasher.hash(ctx, p.Password)
	if err != nil {
		return err
	}
	email, ok := cleanLogin(p.Email)
	if !ok {
		return fmt.Errorf("bizydb: ResetPassword: %w", ErrInvalidCredentials)
	}
	n, err := a.queries.ResetHash(ctx, accountsql.ResetHashParams{ID: p.ID, Email: email, ChangedAt: p.ChangedAt, NewHash: hash})
	if err == nil && n == 0 {
		err = fmt.Errorf("bizydb: ResetPassword: %w", ErrInvalidCredentials)
	}
	return err
}

// RemovePassword leaves an account without a password, for a user who signs in by other means from now on. It is idempotent.
func (a *Accounts) RemovePassword(ctx context.Context, id UserID) error {
	n, err := a.queries.RemoveHash(ctx, id)
	if err == nil && n == 0 {
		err = fmt.Errorf("bizydb: RemovePassword: %w", ErrNotFound)
	}
	return err
}
