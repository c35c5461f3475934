package bizydb

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
	"github.com/bizy-ai/bizydb/bizydb/internal/standby"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A User is an account, without its password hash. No exported field of any type contains the hash.
type User = planner.User

// Accounts manages users: sign-up, sign-in, profiles, deletion. Its queries run as role bizydb_accounts, outside any scope and
// without rights on goals and tasks. The service decides who may call them. Each call is one round trip. Authenticate and
// ChangePassword take two, since they first read the stored hash.
//
// A call for a user who does not exist returns [ErrNotFound]. A value that breaks a rule returns [ErrInvalid], usually as a
// [*FieldError].
//
// Passwords are hashed with bcrypt. [WithHashConcurrency] limits how many are hashed at the same time. A call beyond the limit
// waits until another hash is done or the ctx of the call ends. While it waits, the call holds no connection, except in a
// transaction of the service's own.
//
// PasswordChangedAt of a [User] has another value after each change of the password. A sign-in that only renews the hash does
// not change the value. Put the value into sessions, into signed tokens and into signed links that reset a password. When a
// session, token or link comes back, compare its value with the user's PasswordChangedAt, by time.Time.Equal. If the values
// differ, the password has been changed since, and the session, token or link is void. Do not compare PasswordChangedAt with
// the time at which a token was made: a session that began before the change can get a new token after it, and this token
// would look valid.
//
// Put the email address into a reset link too. A user can change the address, and the old address can later belong to somebody
// else. Without the address in the link, this person could use a link that was sent to the old address.
// [Accounts.ResetPassword] checks the address and PasswordChangedAt. The service checks the signature, without which anybody
// could make a link from guessed values.
type Accounts struct {
	queries  *accountsql.Queries
	session  *executor.Session // of the queries
	hasher   *hasher
	standbys *standby.Set
	tx       pgx.Tx // of the service's own, or nil
}

const (
	actAsAccountsSQL = `SELECT pg_catalog.set_config('role', 'bizydb_accounts', true)`

	// In a service's own transaction, its role is restored after each query.
	visitAccountsSQL = `SELECT pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true),
       pg_catalog.set_config('role', 'bizydb_accounts', true)`
	leaveSQL = `SELECT pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true)`
)

// Accounts returns the methods on users. It does not query the database.
func (db *DB) Accounts() *Accounts {
	return accountsOn(db.accountsSession(), db.hasher, db.standbys, nil)
}

func (db *DB) accountsSession() *executor.Session {
	return db.pool.Session(executor.Entry{Enter: []executor.Statement{{SQL: actAsAccountsSQL}}, Roles: serviceRoles, Login: serviceLogin})
}

// WithTx returns the same methods inside a transaction of the service's own, so that a sign-up commits or rolls back together
// with the service's rows. The rules of [Scope.WithTx] on errors, retries, roles and exec modes hold here too. The login must be
// a member of bizydb_accounts.
//
// A password is hashed before its statement is sent, while the transaction holds its connection. To hash without holding a
// connection, call [Accounts.HashPassword] before the transaction, and Authenticate and ChangePassword outside it.
func (a *Accounts) WithTx(tx pgx.Tx) *Accounts {
	return accountsOn(a.session.Join(tx, executor.Entry{
		Enter: []executor.Statement{{SQL: visitAccountsSQL}}, Leave: []executor.Statement{{SQL: leaveSQL}}, Roles: serviceRoles, Login: serviceLogin,
	}), a.hasher, a.standbys, tx)
}

func accountsOn(session *executor.Session, hasher *hasher, standbys *standby.Set, tx pgx.Tx) *Accounts {
	return &Accounts{accountsql.New(session), session, hasher, standbys, tx}
}

// changed notes a change of an account. u is the account after the change, if the answer has come.
func (a *Accounts) changed(ctx context.Context, id UserID, u User, err error) (User, error) {
	a.noteChange(ctx, id, err)
	return u, err
}

// noteTimeout bounds the round trip of noteChange. The connection is closed after that, so that nothing is committed.
const noteTimeout = 5 * time.Second

// noteChange has the user's reads see a change of the account, unless it has failed. Reads of a scope may go to standbys, where accounts are
// as old as everything else. In a transaction of the service's own this is one more round trip.
func (a *Accounts) noteChange(ctx context.Context, id UserID, err error) {
	switch {
	case a.standbys == nil || err != nil && !errors.Is(err, ErrOutcomeUnknown):
	case a.tx == nil:
		a.standbys.AskPrimary(int64(id))
	default:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout) // the service can commit even if ctx has ended
		defer cancel()
		var xid string
		if a.tx.QueryRow(ctx, "SELECT coalesce(pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text, '')").Scan(&xid) != nil {
			return // it cannot be committed
		}
		if n, err := strconv.ParseUint(xid, 10, 64); err == nil {
			a.standbys.AddOpen(int64(id), n)
		}
	}
}

// RegisterParams describes a new account. White space around the email address and the names is trimmed.
type RegisterParams struct {
	// Email is a bare address as [mail.ParseAddress] accepts it: no name, no quotes, no white space or invisible characters, at most
	// 255 characters. It is stored as typed, in NFC. A domain with characters outside ASCII is stored as [idna] encodes it.
	// Addresses that differ only in case, in Unicode normal form or in the encoding of the domain are one account, whatever the
	// locale of the database.
	Email string
	// Username has 1 to 100 characters: ASCII letters, digits, ".", "_" and "-", the first a letter or digit. It is stored as typed
	// and unique ignoring case.
	Username string
	Password Password
	// NoPassword makes an account without a password, for a user who signs in by other means, such as OpenID Connect. Password must
	// be empty then. SetPassword gives the account a password.
	NoPassword bool
	// FullName is one line of at most 200 characters, without control characters. Without a visible character it is stored as NULL.
	// Invisible characters between visible ones are kept, since some languages need them.
	FullName *string
}

// Check returns the error that [Accounts.Register] would return for a value, without the database and without hashing the password.
// Call it before [Accounts.HashPassword].
func (p RegisterParams) Check() error {
	_, err := p.clean()
	executor.NameError(&err, "Register")
	return err
}

// clean checks the values and returns them as they are stored. The hash of a password takes a quarter of a second, so it comes last.
func (p RegisterParams) clean() (RegisterParams, error) {
	var err error
	if p.Email, err = cleanEmail(p.Email); err != nil {
		return p, err
	}
	p.Username, p.FullName = strings.TrimSpace(p.Username), trimmed(p.FullName)
	if err := checkNames(&p.Username, p.FullName); err != nil {
		return p, err
	}
	switch {
	case !p.NoPassword:
		return p, p.Password.check()
	case p.Password.Reveal() != "":
		return p, refused("password", "must be empty with NoPassword")
	default:
		return p, nil
	}
}

// Register creates a user who is active and not verified, and returns the account. It returns [ErrEmailTaken] or
// [ErrUsernameTaken] if another account has the email address or the username.
func (a *Accounts) Register(ctx context.Context, p RegisterParams) (_ User, err error) {
	defer executor.NameError(&err, "Register")
	p, err = p.clean()
	if err != nil {
		return User{}, err
	}
	var hash secret.Hash
	if !p.NoPassword {
		if hash, err = a.hasher.hash(ctx, p.Password); err != nil {
			return User{}, err
		}
	}
	row, err := a.queries.CreateUser(ctx, accountsql.CreateUserParams{
		Email: p.Email, Username: p.Username, HashedPassword: hash, FullName: p.FullName,
	})
	if err != nil { // a standby that does not have the user sends the read to the primary
		return User{}, err
	}
	return a.changed(ctx, row.ID, User(row), nil)
}

// Get returns one user, who can be active or not.
func (a *Accounts) Get(ctx context.Context, id UserID) (_ User, err error) {
	defer executor.NameError(&err, "Get")
	row, err := a.queries.GetUser(ctx, id)
	return User(row), err
}

// FindByLogin returns the user whose email address or username is login, ignoring case. The user can be active or not. The email
// address in the result can be spelled differently from login: send mail to the address in the result.
func (a *Accounts) FindByLogin(ctx context.Context, login string) (_ User, err error) {
	defer executor.NameError(&err, "FindByLogin")
	login, ok := cleanLogin(login)
	if !ok {
		return User{}, ErrNotFound
	}
	row, err := a.queries.FindUser(ctx, login)
	return User(row), err
}

// ListUsersParams selects users for [Accounts.List]. A nil filter matches all.
type ListUsersParams struct {
	Active, Verified, Superuser *bool

	After UserID // the last id of the previous page, or 0 for the first page
	Limit int    // 0 means all
}

// List returns the users that match every filter that is set, ordered by id. If nothing matches it returns an empty slice.
func (a *Accounts) List(ctx context.Context, p ListUsersParams) (_ []User, err error) {
	defer executor.NameError(&err, "List")
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

// UpdateProfileParams are changes of a profile, with the rules of [RegisterParams]. A nil field leaves its column unchanged.
// ClearFullName sets FullName to NULL.
type UpdateProfileParams struct {
	Username      *string
	FullName      *string
	ClearFullName bool
}

// UpdateProfile changes the names of a user and returns the account. It returns [ErrUsernameTaken] if another account has the
// username. Users change their own names with [planner.Queries.UpdateMe].
func (a *Accounts) UpdateProfile(ctx context.Context, id UserID, p UpdateProfileParams) (_ User, err error) {
	defer executor.NameError(&err, "UpdateProfile")
	username, fullName := trimmed(p.Username), trimmed(p.FullName)
	if err := checkNames(username, fullName); err != nil {
		return User{}, err
	}
	row, err := a.queries.UpdateProfile(ctx, accountsql.UpdateProfileParams{
		ID: id, Username: username, FullName: fullName, ClearFullName: p.ClearFullName,
	})
	return a.changed(ctx, id, User(row), err)
}

// ChangeEmail sets a new email address, with the rules of [RegisterParams], and returns the account. The address counts as not
// verified, even if it differs in case only. It returns [ErrEmailTaken] if another account has the address.
func (a *Accounts) ChangeEmail(ctx context.Context, id UserID, email string) (_ User, err error) {
	defer executor.NameError(&err, "ChangeEmail")
	email, err = cleanEmail(email)
	if err != nil {
		return User{}, err
	}
	row, err := a.queries.ChangeEmail(ctx, accountsql.ChangeEmailParams{ID: id, Email: email})
	return a.changed(ctx, id, User(row), err)
}

// MarkEmailVerified records that the user has verified an email address. It is idempotent: the time of the first call is kept. It
// returns [ErrNotFound] if the user has a different address now. Another spelling of the same address counts as the same address.
func (a *Accounts) MarkEmailVerified(ctx context.Context, id UserID, email string) (_ User, err error) {
	defer executor.NameError(&err, "MarkEmailVerified")
	if clean, err := cleanEmail(email); err == nil { // the query finds nobody with an invalid one
		email = clean
	}
	row, err := a.queries.MarkEmailVerified(ctx, accountsql.MarkEmailVerifiedParams{ID: id, Email: email})
	return a.changed(ctx, id, User(row), err)
}

// Deactivate is a soft delete: the user can no longer sign in. After its commit, calls of the user's scopes return [ErrNoUser].
// Transactions that are open at that time continue to their end. Goals and tasks stay.
func (a *Accounts) Deactivate(ctx context.Context, id UserID) (_ User, err error) {
	defer executor.NameError(&err, "Deactivate")
	row, err := a.queries.SetActive(ctx, accountsql.SetActiveParams{ID: id, IsActive: false})
	return a.changed(ctx, id, User(row), err)
}

// Reactivate undoes [Accounts.Deactivate].
func (a *Accounts) Reactivate(ctx context.Context, id UserID) (_ User, err error) {
	defer executor.NameError(&err, "Reactivate")
	row, err := a.queries.SetActive(ctx, accountsql.SetActiveParams{ID: id, IsActive: true})
	return a.changed(ctx, id, User(row), err)
}

// SetSuperuser sets or clears the administrator flag of a user. The flag gives no rights in the database: its meaning is up to
// the service.
func (a *Accounts) SetSuperuser(ctx context.Context, id UserID, superuser bool) (_ User, err error) {
	defer executor.NameError(&err, "SetSuperuser")
	row, err := a.queries.SetSuperuser(ctx, accountsql.SetSuperuserParams{ID: id, IsSuperuser: superuser})
	return a.changed(ctx, id, User(row), err)
}

// A DeleteResult says how many goals and tasks were deleted.
type DeleteResult struct {
	Goals, Tasks int64
}

// Delete permanently removes a user with all goals and tasks, including those in the trash. The result does not count the trash.
// Delete waits for open transactions that write for the user.
func (a *Accounts) Delete(ctx context.Context, id UserID) (_ DeleteResult, err error) {
	defer executor.NameError(&err, "Delete")
	row, err := a.queries.DeleteUser(ctx, int64(id))
	a.noteChange(ctx, id, err)
	return DeleteResult(row), err
}

// forgetAtOnce is how many goals, and how many tasks, one transaction of ForgetDeleted removes at most.
const forgetAtOnce = 10_000

// ForgetDeleted permanently removes, for all users, the goals and tasks that were deleted more than a duration ago, and returns
// how many. Call it once a day to limit how long the trash is kept. ForgetDeleted works in transactions of at most 10,000 goals and
// 10,000 tasks: after an error, call it again. Rows that another transaction is restoring at the same time are left out. A
// negative duration returns [ErrInvalid].
func (a *Accounts) ForgetDeleted(ctx context.Context, olderThan time.Duration) (_ DeleteResult, err error) {
	defer executor.NameError(&err, "ForgetDeleted")
	if olderThan < 0 {
		return DeleteResult{}, refusedParam("older_than", "must not be negative")
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

// refusedBy returns the error that the server would return for a constraint.
func refusedBy(constraint string) error {
	return refused(rules[constraint].column, rules[constraint].reason)
}

// refused returns an error about a column of users that does not come from the server.
func refused(column, reason string) error {
	return &FieldError{Table: "users", Column: column, Reason: reason, Err: ErrInvalid}
}
