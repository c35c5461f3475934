package bizydb

import (
	"context"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A User is an account. No exported type contains its password hash.
type User = planner.User

// Accounts manages users: sign-up, sign-in, profiles, deletion. Its queries run as role bizydb_accounts, outside any scope and
// without rights on goals and tasks. The service decides who may call them. Each call is one round trip; Authenticate and
// ChangePassword, which read a hash first, are two.
//
// A user who does not exist gives [ErrNotFound]. A value that breaks a rule gives [ErrInvalid], usually a [*FieldError].
//
// Passwords are hashed with bcrypt. [WithHashConcurrency] limits how many are hashed at the same time. Waiting for a turn stops when
// the context ends, and holds no connection.
type Accounts struct {
	queries *accountsql.Queries
	hasher  *hasher
}

// Accounts returns the operations on users.
func (db *DB) Accounts() *Accounts {
	session := &session{pool: db.pool, mode: db.mode, traced: db.traced, enter: []statement{{sql: actAsAccountsSQL}}}
	return &Accounts{accountsql.New(session), db.hasher}
}

// RegisterParams describes a new account. White space around the email address and the names is trimmed.
type RegisterParams struct {
	// Email is an address that [mail.ParseAddress] accepts, without a name, of at most 255 characters. It is stored as typed and
	// unique ignoring case. The database's locale decides what case is: locale C knows that of ASCII only.
	Email string
	// Username has 1 to 100 characters: ASCII letters, digits, ".", "_" and "-", the first a letter or digit. It is stored as typed
	// and unique ignoring case.
	Username string
	Password Password
	FullName *string // any characters, at most 200
}

// Register creates a user who is active and not verified. It returns [ErrEmailTaken] or [ErrUsernameTaken] if another account has
// the email address or the username.
func (a *Accounts) Register(ctx context.Context, p RegisterParams) (User, error) {
	email, err := cleanEmail(p.Email)
	if err != nil {
		return User{}, err
	}
	username, fullName := strings.TrimSpace(p.Username), trimmed(p.FullName)
	// The database has the last word on these; asked here, they do not cost a hash.
	switch {
	case utf8.RuneCountInString(username) > maxUsername:
		return User{}, refusedBy("ck_users_username_length")
	case !usernameForm.MatchString(username):
		return User{}, refusedBy("ck_users_username_form")
	case fullName != nil && utf8.RuneCountInString(*fullName) > maxFullName:
		return User{}, refusedBy("ck_users_full_name_length")
	}
	hash, err := a.hasher.hash(ctx, p.Password)
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.CreateUser(ctx, accountsql.CreateUserParams{
		Email: email, Username: username, HashedPassword: hash, FullName: fullName,
	})
	return User(row), err
}

// Get returns one user, active or not.
func (a *Accounts) Get(ctx context.Context, id UserID) (User, error) {
	row, err := a.queries.GetUser(ctx, id)
	return User(row), err
}

// FindByLogin returns the user with an email address or username, ignoring case, active or not. Send mail to the address in the
// result, which can differ from the login.
func (a *Accounts) FindByLogin(ctx context.Context, login string) (User, error) {
	login, ok := cleanLogin(login)
	if !ok {
		return User{}, fmt.Errorf("bizydb: FindByLogin: %w", ErrNotFound)
	}
	row, err := a.queries.FindUser(ctx, login)
	return User(row), err
}

// ListUsersParams selects users for [Accounts.List]. A nil filter matches all.
type ListUsersParams struct {
	Active, Verified, Superuser *bool

	After UserID // the last id of the page before, or 0 for the first page
	Limit int    // 0 means all
}

// List returns users ordered by id. If nothing matches it returns an empty slice.
func (a *Accounts) List(ctx context.Context, p ListUsersParams) ([]User, error) {
	rows, err := a.queries.ListUsers(ctx, accountsql.ListUsersParams{
		After: p.After, Active: p.Active, Verified: p.Verified, Superuser: p.Superuser, Limit: p.Limit,
	})
	if err != nil {
		return nil, err
	}
	users := make([]User, len(rows))
	for i, row := range rows {
		users[i] = User(row)
	}
	return users, nil
}

// UpdateProfileParams changes a profile. A nil field leaves its column unchanged; ClearFullName sets FullName to NULL.
type UpdateProfileParams struct {
	Username      *string
	FullName      *string
	ClearFullName bool
}

// UpdateProfile changes the names of a user. Users change their own with [planner.Queries.UpdateMe].
func (a *Accounts) UpdateProfile(ctx context.Context, id UserID, p UpdateProfileParams) (User, error) {
	row, err := a.queries.UpdateProfile(ctx, accountsql.UpdateProfileParams{
		ID: id, Username: trimmed(p.Username), FullName: trimmed(p.FullName), ClearFullName: p.ClearFullName,
	})
	return User(row), err
}

// ChangeEmail sets a new email address, which counts as not verified even if it differs in case only.
func (a *Accounts) ChangeEmail(ctx context.Context, id UserID, email string) (User, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.ChangeEmail(ctx, accountsql.ChangeEmailParams{ID: id, Email: email})
	return User(row), err
}

// MarkEmailVerified records that the user has verified an email address. It is idempotent: the time of the first call is kept. If
// the user's address has changed since, in more than case, it returns [ErrNotFound].
func (a *Accounts) MarkEmailVerified(ctx context.Context, id UserID, email string) (User, error) {
	row, err := a.queries.MarkEmailVerified(ctx, accountsql.MarkEmailVerifiedParams{ID: id, Email: strings.TrimSpace(email)})
	return User(row), err
}

// Deactivate is the soft delete. The user cannot sign in, and calls of the user's scopes return [ErrNoUser]. A transaction that is open
// goes on to its end. Goals and tasks stay.
func (a *Accounts) Deactivate(ctx context.Context, id UserID) (User, error) {
	row, err := a.queries.SetActive(ctx, accountsql.SetActiveParams{ID: id, IsActive: false})
	return User(row), err
}

// Reactivate undoes [Accounts.Deactivate].
func (a *Accounts) Reactivate(ctx context.Context, id UserID) (User, error) {
	row, err := a.queries.SetActive(ctx, accountsql.SetActiveParams{ID: id, IsActive: true})
	return User(row), err
}

// SetSuperuser sets or clears the mark of an administrator. What that means is up to the service; the database gives it no rights.
func (a *Accounts) SetSuperuser(ctx context.Context, id UserID, superuser bool) (User, error) {
	row, err := a.queries.SetSuperuser(ctx, accountsql.SetSuperuserParams{ID: id, IsSuperuser: superuser})
	return User(row), err
}

// A DeleteResult counts what was deleted with a user.
type DeleteResult struct {
	Goals, Tasks int64
}

// Delete removes a user with all goals and tasks, permanently. It waits for open transactions that write for the user.
func (a *Accounts) Delete(ctx context.Context, id UserID) (DeleteResult, error) {
	row, err := a.queries.DeleteUser(ctx, int64(id))
	return DeleteResult(row), err
}

// cleanEmail takes a bare address, without a name and without comments.
func cleanEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email {
		return "", refused("email", "must be an email address")
	}
	if utf8.RuneCountInString(email) > maxEmail {
		return "", refusedBy("ck_users_email_length")
	}
	return email, nil
}

// The bounds of the columns, in characters. A test compares them and usernameForm with the constraints.
const (
	maxEmail    = 255
	maxUsername = 100
	maxFullName = 200
)

var usernameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func trimmed(s *string) *string {
	if s == nil {
		return nil
	}
	return new(strings.TrimSpace(*s))
}

// refusedBy is the error that the server would give for a constraint.
func refusedBy(constraint string) error {
	return refused(rules[constraint].column, rules[constraint].reason)
}

// refused is an error of users that does not come from the server.
func refused(column, reason string) error {
	return fmt.Errorf("bizydb: %w", &FieldError{Table: "users", Column: column, Reason: reason, Err: ErrInvalid})
}
