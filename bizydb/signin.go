package bizydb

import (
	"context"
	"errors"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
)

// hashAttempts is how often a sign-in or a change of password is tried while others change the hash of the same account.
const hashAttempts = 3

// Authenticate checks the password of the account whose email address or username is login, ignoring case. It records the sign-in
// and returns the user. An unknown address or username, a wrong password, an account without a password and an inactive account
// all return [ErrInvalidCredentials] and take the same time.
//
// If the stored hash has a lower cost than new hashes, Authenticate renews it. (A stored hash of a higher cost, from before
// [WithBcryptCost] was lowered, takes longer to check.) Failed attempts are not counted: rate limits are up to the service.
func (a *Accounts) Authenticate(ctx context.Context, login string, password Password) (_ User, err error) {
	defer executor.NameError(&err, "Authenticate")
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
			return a.changed(ctx, found.ID, User(row), err)
		}
		// The account has changed since we looked: another sign-in renewed the hash, or it is no longer what it was.
	}
	return User{}, ErrInvalidCredentials
}

// credentials returns the account with a login, or the zero value if there is none.
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

// ChangePassword sets a new password for an active user who knows the old one. A wrong old password and an account without a
// password return [ErrInvalidCredentials]. A user who does not exist or is not active returns [ErrNotFound].
func (a *Accounts) ChangePassword(ctx context.Context, id UserID, old, password Password) (err error) {
	defer executor.NameError(&err, "ChangePassword")
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
		// Only if the hash is still the one that we compared with: of two concurrent changes, one wins.
		n, err := a.queries.ReplaceHash(ctx, accountsql.ReplaceHashParams{ID: id, OldHash: current, NewHash: hash})
		if err != nil || n > 0 {
			a.noteChange(ctx, id, err)
			return err
		}
	}
	return ErrInvalidCredentials
}

// HashPassword hashes a password in advance and returns the hash as a [Password]. Register, ChangePassword, ResetPassword and
// SetPassword store this hash without hashing again. Call HashPassword before a transaction: the transaction then does not hold
// its connection while a password is hashed. Store the result for one account only: a hash that two accounts share shows that
// their passwords are the same. A password that breaks a rule returns a [*FieldError].
func (a *Accounts) HashPassword(ctx context.Context, password Password) (_ Password, err error) {
	defer executor.NameError(&err, "HashPassword")
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return Password{}, err
	}
	password.hashed = hash
	return password, nil
}

// SetPassword sets a new password without the old one, for a reset that the service has authorized. The account does not need to
// have a password before.
func (a *Accounts) SetPassword(ctx context.Context, id UserID, password Password) (err error) {
	defer executor.NameError(&err, "SetPassword")
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	n, err := a.queries.SetHash(ctx, accountsql.SetHashParams{ID: id, NewHash: hash})
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	a.noteChange(ctx, id, err)
	return err
}

// ResetPasswordParams are the values of a link that resets a password, and the new password.
type ResetPasswordParams struct {
	ID UserID
	// Email is the address that the link was sent to.
	Email string
	// ChangedAt is PasswordChangedAt of the [User] when the link was made.
	ChangedAt time.Time
	Password  Password
}

// ResetPassword sets a new password for a user who has opened a reset link. Before the call, the service has to check the
// signature and the age of the link. A link works once, even in concurrent calls: ResetPassword returns
// [ErrInvalidCredentials] if the password or the email address has changed since the link was made, or if the user is not
// active. The account does not need to have a password before.
func (a *Accounts) ResetPassword(ctx context.Context, p ResetPasswordParams) (err error) {
	defer executor.NameError(&err, "ResetPassword")
	if err := p.Password.check(); err != nil {
		return err
	}
	email, ok := cleanLogin(p.Email)
	if !ok {
		return ErrInvalidCredentials
	}
	hash, err := a.hasher.hash(ctx, p.Password)
	if err != nil {
		return err
	}
	n, err := a.queries.ResetHash(ctx, accountsql.ResetHashParams{ID: p.ID, Email: email, ChangedAt: p.ChangedAt, NewHash: hash})
	if err == nil && n == 0 {
		err = ErrInvalidCredentials
	}
	a.noteChange(ctx, p.ID, err)
	return err
}

// RemovePassword removes the password of an account, for a user who signs in by other means from now on. It is idempotent.
func (a *Accounts) RemovePassword(ctx context.Context, id UserID) (err error) {
	defer executor.NameError(&err, "RemovePassword")
	n, err := a.queries.RemoveHash(ctx, id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	a.noteChange(ctx, id, err)
	return err
}
