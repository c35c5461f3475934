package auth

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/bizy-ai/bizydb/bizydb"
)

// A Session is what a token of a sign-in says.
type Session struct {
	UserID   bizydb.UserID
	Username string
	Email    string // empty in a token without one
	IsAdmin  bool

	id              string
	passwordChanged time.Time
	until           time.Time
}

// Tokens issues and reads tokens, which are JWTs with an HMAC.
type Tokens struct {
	secret   []byte
	method   jwt.SigningMethod
	lifetime time.Duration
}

// NewTokens returns Tokens with an algorithm such as HS256.
func NewTokens(secret []byte, algorithm string, lifetime time.Duration) (*Tokens, error) {
	method, ok := jwt.GetSigningMethod(algorithm).(*jwt.SigningMethodHMAC)
	if !ok {
		return nil, fmt.Errorf("algorithm %q is not HS256, HS384 or HS512", algorithm)
	}
	return &Tokens{secret, method, lifetime}, nil
}

// sessionClaims are those of the tokens that the service's front ends know, and what says whether the session goes on. A field that is
// needed is a pointer.
type sessionClaims struct {
	UserID   *bizydb.UserID `json:"user_id"`
	Username *string        `json:"username"`
	Email    string         `json:"email,omitempty"`
	IsAdmin  bool           `json:"is_admin"`
	// Of the user, as it was at the sign-in. (The time of the sign-in would not do: iat has seconds, and a sign-in by the old password can
	// come after the change in the same one.)
	PasswordChanged *time.Time `json:"password_changed"`
	jwt.RegisteredClaims
}

// Validate is called by package jwt.
func (c sessionClaims) Validate() error {
	if c.UserID == nil || c.Username == nil || c.PasswordChanged == nil || c.ID == "" {
		return ErrClaims
	}
	return nil
}

// Errors of tokens. ErrClaims is that of a token which is signed well, and for another service.
var (
	ErrExpired = errors.New("token has expired")
	ErrInvalid = errors.New("token is invalid")
	ErrClaims  = errors.New("claims are missing")
)

// Issue returns the token of a sign-in.
func (t *Tokens) Issue(user bizydb.User) (string, error) {
	return t.sign(sessionClaims{
		&user.ID, &user.Username, user.Email, user.IsSuperuser, &user.PasswordChangedAt,
		jwt.RegisteredClaims{
			ID: rand.Text(), IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(time.Now().Add(t.lifetime)),
		},
	})
}

// readSession reads the token of a sign-in. Its errors are ErrExpired and ErrInvalid, and ErrClaims for a token that is signed well.
func (t *Tokens) readSession(token string) (Session, error) {
	var c sessionClaims
	if err := t.parse(token, &c); err != nil {
		return Session{}, err
	}
	return Session{*c.UserID, *c.Username, c.Email, c.IsAdmin, c.ID, *c.PasswordChanged, c.ExpiresAt.Time}, nil
}

// A purpose is what a link in a mail is for.
type purpose string

const (
	verifyEmail   purpose = "verify"
	resetPassword purpose = "reset"
)

// linkClaims are those of a link in a mail. Reset refuses them after a change of the password or the address, Verify after one of the address.
type linkClaims struct {
	For             purpose       `json:"for"`
	User            bizydb.UserID `json:"user"`
	Email           string        `json:"email"`
	PasswordChanged time.Time     `json:"password_changed"`
	jwt.RegisteredClaims
}

// link returns the token of a link in a mail.
func (t *Tokens) link(user bizydb.User, what purpose, lifetime time.Duration) (string, error) {
	return t.sign(linkClaims{
		what, user.ID, user.Email, user.PasswordChangedAt,
		jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(time.Now().Add(lifetime))},
	})
}

// readLink reads the token of a link that is for a purpose.
func (t *Tokens) readLink(token string, what purpose) (linkClaims, error) {
	var c linkClaims
	err := t.parse(token, &c)
	if err == nil && c.For != what { // also a session's token
		err = ErrInvalid
	}
	return c, err
}

func (t *Tokens) sign(claims jwt.Claims) (string, error) {
	return jwt.NewWithClaims(t.method, claims).SignedString(t.secret)
}

func (t *Tokens) parse(token string, claims jwt.Claims) error {
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return t.secret, nil },
		jwt.WithValidMethods([]string{t.method.Alg()}), jwt.WithExpirationRequired())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrClaims), errors.Is(err, jwt.ErrTokenRequiredClaimMissing), errors.As(err, new(*json.UnmarshalTypeError)):
		return fmt.Errorf("%w: %w", ErrClaims, err)
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	default:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
}
