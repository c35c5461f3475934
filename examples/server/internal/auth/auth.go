// Package auth signs users up and in. It has no handlers: each face of the service has its own words for what fails here.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	mails "example.com/server/internal/mail"
	"github.com/bizy-ai/bizydb/bizydb"
)

// Errors of Service, besides those of bizydb's accounts.
var (
	ErrTooMany    = errors.New("too many attempts")             // from one address of the network
	ErrLocked     = errors.New("account is locked")             // for a while
	ErrUnverified = errors.New("email address is not verified") // the password was right
)

// Config is what a Service needs.
type Config struct {
	DB     *bizydb.DB
	Tokens *Tokens
	Sender mails.Sender
	Log    *slog.Logger
	// PublicURL is where the links in mails lead to.
	PublicURL string
	// VerifiedOnly refuses the sign-in of users who have not verified their address.
	VerifiedOnly bool
}

// A Service signs users up and in.
type Service struct {
	Config
	*Tokens
	db       *bizydb.DB
	jobs     *river.Client[pgx.Tx]
	limits   limits
	turns    turns
	sessions sessions
}

// New returns a Service. Call UseJobs before anybody signs up.
func New(c Config) *Service { return &Service{Config: c, Tokens: c.Tokens, db: c.DB} }

// UseJobs says where mails are put.
func (s *Service) UseJobs(jobs *river.Client[pgx.Tx]) { s.jobs = jobs }

// Register creates an account. The mail with the link to verify the address is written if the account is.
func (s *Service) Register(ctx context.Context, address string, p bizydb.RegisterParams) (bizydb.User, error) {
	var user bizydb.User
	err := p.Check()
	if err != nil {
		return bizydb.User{}, err
	}
	if p.Password, err = s.db.Accounts().HashPassword(ctx, p.Password); err != nil { // before the transaction takes a connection
		return bizydb.User{}, err
	}
	err = pgx.BeginFunc(ctx, s.db.Pool(), func(tx pgx.Tx) (err error) {
		if user, err = s.db.Accounts().WithTx(tx).Register(ctx, p); err != nil {
			return err
		}
		_, err = s.jobs.InsertTx(ctx, tx, mailJob{For: verifyEmail, Login: user.Email, Key: loginKey(user.Email)}, nil)
		return err
	})
	if err == nil {
		s.Log.InfoContext(ctx, "signed up", "user", user.ID, "address", address)
	}
	return user, err
}

// SignIn checks a password, and returns the user and a token. Failures are logged without the login, which may be a mistyped password.
func (s *Service) SignIn(ctx context.Context, address, login string, password bizydb.Password) (bizydb.User, string, error) {
	var user bizydb.User
	key := loginKey(login)
	err := s.try(ctx, key, func() (err error) {
		user, err = s.db.Accounts().Authenticate(ctx, login, password)
		return err
	})
	if errors.Is(err, bizydb.ErrInvalidCredentials) || errors.Is(err, ErrLocked) {
		s.Log.WarnContext(ctx, "sign-in refused", "login_hash", key[:16], "address", address, "locked", errors.Is(err, ErrLocked))
	}
	if err != nil {
		return bizydb.User{}, "", err
	}
	if s.VerifiedOnly && !user.IsVerified {
		return bizydb.User{}, "", ErrUnverified
	}
	token, err := s.Issue(user)
	return user, token, err
}

const maxEmail = 4 * 255 // bytes: no account has a longer address

// RequestReset sends a link to set another password, if anybody has the address. Nothing tells whether somebody has: the account is
// looked up when the mail is written.
func (s *Service) RequestReset(ctx context.Context, address, email string) error {
	parsed, err := mail.ParseAddress(email)
	if err != nil || len(email) > maxEmail || parsed.Address != strings.TrimSpace(email) {
		return &bizydb.FieldError{Table: "users", Column: "email", Reason: "must be an email address", Err: bizydb.ErrInvalid}
	}
	s.Log.InfoContext(ctx, "password reset requested", "login_hash", loginKey(email)[:16], "address", address)
	_, err = s.jobs.Insert(ctx, mailJob{For: resetPassword, Login: email, Key: loginKey(email)}, nil)
	return err
}

// ChangePassword sets another password for a user who knows the old one, and ends all sessions of the user. Wrong ones count like failed
// sign-ins.
func (s *Service) ChangePassword(ctx context.Context, id bizydb.UserID, old, password bizydb.Password) error {
	defer s.sessions.end(id)
	return s.try(ctx, fmt.Sprint(id), func() error { return s.db.Accounts().ChangePassword(ctx, id, old, password) })
}

// Verify does what the link of a sign-up's mail asks for. Its errors are ErrExpired and ErrInvalid.
func (s *Service) Verify(ctx context.Context, token string) error {
	link, err := s.readLink(token, verifyEmail)
	if err != nil {
		return err
	}
	_, err = s.db.Accounts().MarkEmailVerified(ctx, link.User, link.Email)
	if errors.Is(err, bizydb.ErrNotFound) {
		return ErrInvalid
	}
	return err
}

// Reset sets another password by the token of a link, which is void after that, and ends all sessions of the user. Who had the mail has
// the address.
func (s *Service) Reset(ctx context.Context, token string, password bizydb.Password) error {
	link, err := s.readLink(token, resetPassword)
	if err != nil {
		return err
	}
	user, err := s.db.Accounts().Get(ctx, link.User)
	switch {
	case errors.Is(err, bizydb.ErrNotFound), err == nil && !user.PasswordChangedAt.Equal(link.PasswordChanged):
		return ErrInvalid // before the password is hashed: a link that was used can be sent again and again
	case err != nil:
		return err
	}
	defer s.sessions.end(link.User)
	err = s.db.Accounts().ResetPassword(ctx, bizydb.ResetPasswordParams{
		ID: link.User, Email: link.Email, ChangedAt: link.PasswordChanged, Password: password,
	})
	if errors.Is(err, bizydb.ErrInvalidCredentials) {
		return ErrInvalid
	}
	if err != nil {
		return err
	}
	if user, err = s.db.Accounts().MarkEmailVerified(ctx, link.User, link.Email); err != nil {
		return err
	}
	return s.forgive(ctx, fmt.Sprint(user.ID), loginKey(user.Username), loginKey(user.Email))
}
