package bizydb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
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
// the context ends, and holds no connection of the pool.
//
// PasswordChangedAt of a [User] has another value after each change of the password, and keeps it when a sign-in only renews the hash.
// Put it into what stands for a sign-in, such as a session or a signed token, and into links that reset a password. When one of them
// comes back, compare with time.Time.Equal: another value means that the password has been changed since, and that it is void.
// (Comparing the time at which a token was made is not enough. It can be later than the change, and rest on a sign-in before it.)
// Put the email address into a link that resets a password as well: whoever reads the mail of an address that the user has given up
// could use it otherwise.
type Accounts struct {
	queries *accountsql.Queries
	session *executor.Session // of the queries
	hasher  *hasher
}

const (
	actAsAccountsSQL = `SELECT pg_catalog.set_config('role', 'bizydb_accounts', true)`

	// In a service's own transaction, the role that it had comes back after each query.
	visitAccountsSQL = `SELECT pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true),
       pg_catalog.set_config('role', 'bizydb_accounts', true)`
	leaveSQL = `SELECT pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true)`
)

// Accounts returns the operations on users.
func (db *DB) Accounts() *Accounts {
	return accountsOn(db.pool.Session(executor.Entry{Enter: []executor.Statement{{SQL: actAsAccountsSQL}}, Roles: serviceRoles, Login: serviceLogin}), db.hasher)
}

// WithTx returns the same operations inside a transaction of the service's own, so that a sign-up commits or rolls back with the
// service's rows. What [Scope.WithTx] says of errors, retries, roles and exec modes holds here too. The login must be a member of
// bizydb_accounts.
//
// A password is hashed before the statement that stores it is sent, and the transaction waits for that with its connection. Call
// [Accounts.HashPassword] before the transaction, and Authenticate and ChangePassword outside it.
func (a *Accounts) WithTx(tx pgx.Tx) *Accounts {
	return accountsOn(a.session.Join(tx, executor.Entry{
		Enter: []executor.Statement{{SQL: visitAccountsSQL}}, Leave: []executor.Statement{{SQL: leaveSQL}}, Roles: serviceRoles, Login: serviceLogin,
	}), a.hasher)
}

func accountsOn(session *executor.Session, hasher *hasher) *Accounts {
	return &Accounts{accountsql.New(session), session, hasher}
}

// RegisterParams describes a new account. White space around the email address and the names is trimmed.
type RegisterParams struct {
	// Email is an address that [mail.ParseAddress] accepts, without a name or quotes, of at most 255 characters, none of which is white
	// space or invisible. It is stored in NFC and otherwise as typed, but for a domain with other characters than ASCII, which is
	// stored as [idna] encodes it. An address is one account however it is written: its case, Unicode's in every database, its normal
	// form and the form of its domain make no difference.
	Email string
	// Username has 1 to 100 characters: ASCII letters, digits, ".", "_" and "-", the first a letter or digit. It is stored as typed
	// and unique ignoring case.
	Username string
	Password Password
	// NoPassword makes an account without a password, for a service whose users sign in by other means, such as OpenID Connect.
	// Password must be empty then. SetPassword gives the account one.
	NoPassword bool
	// FullName is one line of at most 200 characters, without control characters. If it has nothing to see, such as white space only, it
	// is stored as NULL. Other invisible characters are kept, since some languages need them.
	FullName *string
}

// Register creates a user who is active and not verified. It returns [ErrEmailTaken] or [ErrUsernameTaken] if another account has
// the email address or the username.
func (a *Accounts) Register(ctx context.Context, p RegisterParams) (User, error) {
	email, err := cleanEmail(p.Email)
	if err != nil {
		return User{}, err
	}
	username, fullName := trimmed(&p.Username), trimmed(p.FullName)
	if err := checkNames(username, fullName); err != nil {
		return User{}, err
	}
	var hash secret.Hash
	switch {
	case !p.NoPassword:
		hash, err = a.hasher.hash(ctx, p.Password)
	case p.Password.Reveal() != "":
		err = refused("password", "must be empty with NoPassword")
	}
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.CreateUser(ctx, accountsql.CreateUserParams{
		Email: email, Username: *username, HashedPassword: hash, FullName: fullName,
	})
	return User(row), err
}

// Get returns one user, active or not.
func (a *Accounts) Get(ctx context.Context, id UserID) (User, error) {
	row, err := a.queries.GetUser(ctx, id)
	return User(row), err
}

// FindByLogin returns the user with an email address or username, however it is written, active or not. Send mail to the address in the
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

// UpdateProfileParams changes a profile, by the rules of [RegisterParams]. A nil field leaves its column unchanged; ClearFullName sets
// FullName to NULL.
type UpdateProfileParams struct {
	Username      *string
	FullName      *string
	ClearFullName bool
}

// UpdateProfile changes the names of a user. Users change their own with [planner.Queries.UpdateMe].
func (a *Accounts) UpdateProfile(ctx context.Context, id UserID, p UpdateProfileParams) (User, error) {
	username, fullName := trimmed(p.Username), trimmed(p.FullName)
	if err := checkNames(username, fullName); err != nil {
		return User{}, err
	}
	row, err := a.queries.UpdateProfile(ctx, accountsql.UpdateProfileParams{
		ID: id, Username: username, FullName: fullName, ClearFullName: p.ClearFullName,
	})
	return User(row), err
}

// ChangeEmail sets a new email address, by the rules of [RegisterParams]. It counts as not verified even if it differs in case only.
func (a *Accounts) ChangeEmail(ctx context.Context, id UserID, email string) (User, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.ChangeEmail(ctx, accountsql.ChangeEmailParams{ID: id, Email: email})
	return User(row), err
}

// MarkEmailVerified records that the user has verified an email address. It is idempotent: the time of the first call is kept. If
// the user has another address by now, and not the same one written otherwise, it returns [ErrNotFound].
func (a *Accounts) MarkEmailVerified(ctx context.Context, id UserID, email string) (User, error) {
	if clean, err := cleanEmail(email); err == nil { // another one is nobody's
		email = clean
	}
	row, err := a.queries.MarkEmailVerified(ctx, accountsql.MarkEmailVerifiedParams{ID: id, Email: email})
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

// A DeleteResult counts goals and tasks.
type DeleteResult struct {
	Goals, Tasks int64
}

// Delete removes a user with all goals and tasks, deleted ones too, permanently, and counts those that were not deleted. It waits for open
// transactions that write for the user.
func (a *Accounts) Delete(ctx context.Context, id UserID) (DeleteResult, error) {
	row, err := a.queries.DeleteUser(ctx, int64(id))
	return DeleteResult(row), err
}

// forgetAtOnce is how many goals, and tasks, a transaction of ForgetDeleted removes.
const forgetAtOnce = 10_000

// ForgetDeleted removes the goals and tasks that any user deleted longer ago than a time for good, and counts them. It keeps a service's
// retention: call it once a day. It works in transactions of 10,000 goals and tasks; if it fails, call it again. It leaves out what is just
// being restored. A duration below 0 gives [ErrInvalid].
func (a *Accounts) ForgetDeleted(ctx context.Context, olderThan time.Duration) (DeleteResult, error) {
	if olderThan < 0 {
		return DeleteResult{}, fmt.Errorf("bizydb: %w", &FieldError{Column: "older_than", Reason: "must not be negative", Err: ErrInvalid})
	}
	var sum DeleteResult
	for {
		row, err := a.queries.ForgetOfAll(ctx, accountsql.ForgetOfAllParams{Seconds: olderThan.Seconds(), Most: forgetAtOnce})
		sum.Goals, sum.Tasks = sum.Goals+row.Goals, sum.Tasks+row.Tasks
		if err != nil || row.Goals == 0 && row.Tasks == 0 {
			return sum, err
		}
	}
}

// refusedBy is the error that the server would give for a constraint.
func refusedBy(constraint string) error {
	return refused(rules[constraint].column, rules[constraint].reason)
}

// refused is an error of users that does not come from the server.
func refused(column, reason string) error {
	return fmt.Errorf("bizydb: %w", &FieldError{Table: "users", Column: column, Reason: reason, Err: ErrInvalid})
}
