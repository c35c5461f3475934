package bizydb

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
)

// The cost of a new hash, in powers of two: about a quarter of a second on one core.
const bcryptCost = 12

// Accounts are the users themselves. They live outside any user's scope, under a role that can do nothing to goals and
// tasks. Get them from [DB.Accounts].
type Accounts struct {
	queries *accountsql.Queries
}

// A User is an account. The password's hash is in no type of this package.
type User struct {
	ID              UserID
	Email           string
	Username        string
	FullName        *string
	IsActive        bool
	IsVerified      bool
	IsSuperuser     bool // an administrator of the service; it gives no right in the database
	CreatedAt       time.Time
	UpdatedAt       time.Time
	LastLoginAt     *time.Time
	EmailVerifiedAt *time.Time
}

// RegisterParams describe a new account.
type RegisterParams struct {
	Email    string // at most 255 characters, unique whatever its case
	Username string // at most 100 characters, unique whatever its case
	Password string // 8 to 72 bytes
	FullName *string
}

// Accounts returns the operations on users.
func (db *DB) Accounts() *Accounts {
	return &Accounts{accountsql.New(&session{pool: db.pool, mode: db.mode, enter: statement{sql: actAsAccountsSQL}})}
}

// Register creates an active, unverified user. The password is kept as a bcrypt hash of cost 12, which takes a good part
// of a second to compute; no connection is held meanwhile. A password that bcrypt would cut off, over 72 bytes, or one
// of under 8, gives [ErrInvalid]; a taken address or name [ErrEmailTaken] or [ErrUsernameTaken].
func (a *Accounts) Register(ctx context.Context, p RegisterParams) (User, error) {
	hash, err := hashPassword(p.Password)
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.CreateUser(ctx, accountsql.CreateUserParams{
		Email: p.Email, Username: p.Username, HashedPassword: hash, FullName: p.FullName,
	})
	return User(row), err
}

func hashPassword(password string) (string, error) {
	refused := func(reason string) error {
		return &FieldError{Table: "users", Column: "password", Reason: reason, kind: ErrInvalid}
	}
	switch {
	case len(password) < 8:
		return "", refused("must have at least 8 bytes")
	case len(password) > 72:
		return "", refused("must have at most 72 bytes")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcryptCost)
	if err != nil {
		return "", fmt.Errorf("bizydb: hash password: %w", err)
	}
	return string(hash), nil
}
