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

// A User is an account. The hash of its password is in no type that this package lets out.
type User = planner.User

// Accounts are the users themselves. They are looked after outside any user's scope, under role bizydb_accounts, which has
// no right on goals and tasks: which user may do what here is for the service to decide. Each call is one round trip,
// but for those that have to read a hash first, which are two.
//
// A user who is not there is [ErrNotFound]. A value that breaks a rule is [ErrInvalid], mostly a [*FieldError].
//
// Passwords are hashed with bcrypt, at most as many at a time as [WithHashing] says. Waiting for a turn honours the
// context, and no connection is held meanwhile.
type Accounts struct {
	queries *accountsql.Queries
	hasher  *hasher
}

// Accounts returns the operations on users.
func (db *DB) Accounts() *Accounts {
	session := &session{pool: db.pool, mode: db.mode, enter: []statement{{sql: actAsAccountsSQL}}}
	return &Accounts{accountsql.New(session), db.hasher}
}

// RegisterParams describe a new account. White space around the address and the names is dropped.
type RegisterParams struct {
	// Email is an address that [mail.ParseAddress] takes, without a name, of at most 255 characters. It is kept as typed
	// and unique whatever its case, as far as the database's locale knows about case: locale C does for ASCII only.
	Email string
	// Username has 1 to 100 ASCII letters, digits and ".", "_" or "-", beginning with a letter or digit. It is kept as typed
	// and unique whatever its case. FullName takes any character.
	Username string
	Password Password
	FullName *string // at most 200 characters
}

// Register creates an active, unverified user. A taken address is [ErrEmailTaken], a taken name [ErrUsernameTaken].
func (a *Accounts) Register(ctx context.Context, p RegisterParams) (User, error) {
	email, err := cleanEmail(p.Email)
	if err != nil {
		return User{}, err
	}
	username, fullName := strings.TrimSpace(p.Username), trimmed(p.FullName)
	// The database has the last word on these; asked here, they do not cost a hash.
	switch {
	case utf8.RuneCountInString(username) > 100:
		return User{}, refusedBy("ck_users_username_length")
	case !usernameForm.MatchString(username):
		return User{}, refusedBy("ck_users_username_form")
	case fullName != nil && utf8.RuneCountInString(*fullName) > 200:
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

// Find returns the user with an email address or username, in whatever case, active or not. Mail for that user goes to
// the address in what it returns, not to the one it was asked for.
func (a *Accounts) Find(ctx context.Context, login string) (User, error) {
	login, ok := cleanLogin(login)
	if !ok {
		return User{}, fmt.Errorf("bizydb: Find: %w", ErrNotFound)
	}
	row, err := a.queries.FindUser(ctx, login)
	return User(row), err
}

// ListUsersParams say which users [Accounts.List] returns. A filter that is nil lets all through.
type ListUsersParams struct {
	Active, Verified, Superuser *bool

	After UserID // only users with a greater id: the last one of the page before, or 0 for the first page
	Limit int    // the most users to return; 0 for all
}

// List returns users in the order of their ids. Nothing found is an empty slice.
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

// UpdateProfileParams change a profile. A field left nil stays as it is; ClearFullName sets FullName to NULL.
type UpdateProfileParams struct {
	Username      *string
	FullName      *string
	ClearFullName bool
}

// UpdateProfile changes the names of a user. Users change their own with [planner.Querier].UpdateMe.
func (a *Accounts) UpdateProfile(ctx context.Context, id UserID, p UpdateProfileParams) (User, error) {
	row, err := a.queries.UpdateProfile(ctx, accountsql.UpdateProfileParams{
		ID: id, Username: trimmed(p.Username), FullName: trimmed(p.FullName), ClearFullName: p.ClearFullName,
	})
	return User(row), err
}

// ChangeEmail sets another address, which is not verified yet, even if it differs in case only.
func (a *Accounts) ChangeEmail(ctx context.Context, id UserID, email string) (User, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.ChangeEmail(ctx, accountsql.ChangeEmailParams{ID: id, Email: email})
	return User(row), err
}

// MarkEmailVerified says that the address is the user's, as of now unless that was said before. email is the address that
// was verified: if the user has changed it meanwhile, in more than case, it is [ErrNotFound].
func (a *Accounts) MarkEmailVerified(ctx context.Context, id UserID, email string) (User, error) {
	row, err := a.queries.MarkEmailVerified(ctx, accountsql.MarkEmailVerifiedParams{ID: id, Email: strings.TrimSpace(email)})
	return User(row), err
}

// Deactivate is the soft delete: the user cannot sign in, and existing scopes read and write nothing from their next
// statement on; a [Scope.Snapshot] that is open goes on to see what was. Goals and tasks stay.
func (a *Accounts) Deactivate(ctx context.Context, id UserID) (User, error) {
	row, err := a.queries.SetActive(ctx, accountsql.SetActiveParams{ID: id, IsActive: false})
	return User(row), err
}

// Reactivate undoes [Accounts.Deactivate].
func (a *Accounts) Reactivate(ctx context.Context, id UserID) (User, error) {
	row, err := a.queries.SetActive(ctx, accountsql.SetActiveParams{ID: id, IsActive: true})
	return User(row), err
}

// SetSuperuser makes an administrator of the service, or no longer one. What that means is for the service to decide; in
// the database it gives no right.
func (a *Accounts) SetSuperuser(ctx context.Context, id UserID, superuser bool) (User, error) {
	row, err := a.queries.SetSuperuser(ctx, accountsql.SetSuperuserParams{ID: id, IsSuperuser: superuser})
	return User(row), err
}

// Deleted says what went with a user.
type Deleted struct {
	Goals, Tasks int64
}

// Delete removes a user with all goals and tasks, for good. It waits for transactions of that user's which are open.
func (a *Accounts) Delete(ctx context.Context, id UserID) (Deleted, error) {
	row, err := a.queries.DeleteUser(ctx, int64(id))
	return Deleted(row), err
}

// cleanEmail takes a bare address, without a name and without comments.
func cleanEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email {
		return "", refused("email", "must be an email address")
	}
	if utf8.RuneCountInString(email) > 255 {
		return "", refusedBy("ck_users_email_length")
	}
	return email, nil
}

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
	return fmt.Errorf("bizydb: %w", &FieldError{Table: "users", Column: column, Reason: reason, kind: ErrInvalid})
}
