package bizydb

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
)

// A Password is a password in plain text, or the result of [Accounts.HashPassword]. It is protected from being printed: it prints
// as [redacted] with fmt, log/slog and encoding/json, also inside other values. JSON and text are decoded as for a string. A
// password is hashed in Unicode's form NFC, so that every keyboard gives the same password. A new password has at least 8
// characters, at most 72 bytes (the limit of bcrypt), and no zero byte.
type Password struct {
	secret.Text
	hashed secret.Hash // by HashPassword
}

// NewPassword returns s as a Password.
func NewPassword(s string) Password { return Password{Text: secret.NewText(s)} }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Password) UnmarshalText(text []byte) error {
	*p = NewPassword(string(text))
	return nil
}

const (
	minPassword = 8
	maxPassword = 72

	// DefaultBcryptCost is the cost of new hashes without [WithBcryptCost]. A hash of cost 12 takes about a quarter of a second;
	// each step up doubles the time.
	DefaultBcryptCost = 12
	// MinBcryptCost is the lowest cost that [WithBcryptCost] accepts.
	MinBcryptCost = 10
)

// text returns the password in the form that is hashed and compared.
func (p Password) text() string { return norm.NFC.String(p.Reveal()) }

// check says what is wrong with a new password.
func (p Password) check() error {
	text, reason := p.text(), ""
	switch {
	case utf8.RuneCountInString(text) < minPassword:
		reason = fmt.Sprintf("must have at least %d characters", minPassword)
	case len(text) > maxPassword:
		reason = fmt.Sprintf("must have at most %d bytes", maxPassword)
	case strings.ContainsRune(text, 0): // bcrypt would end the password there
		reason = "must not contain a zero byte"
	case text == secret.Redacted:
		reason = "has been printed on the way"
	default:
		return nil
	}
	return refused("password", reason)
}

// A hasher hashes passwords, a few at a time.
type hasher struct {
	cost  int
	slots chan struct{}
	spent func(cost int) // for tests: told of every run of bcrypt, in its slot
}

func newHasher(cost, atATime int) *hasher {
	return &hasher{cost: cost, slots: make(chan struct{}, atATime), spent: func(int) {}}
}

// hash hashes a new password, unless HashPassword has.
func (h *hasher) hash(ctx context.Context, password Password) (secret.Hash, error) {
	if err := password.check(); err != nil {
		return secret.Hash{}, err
	}
	if !password.hashed.IsZero() && !h.weak(password.hashed) {
		return password.hashed, nil
	}
	var hash []byte
	err := h.inSlot(ctx, func() (err error) {
		hash, err = bcrypt.GenerateFromPassword([]byte(password.text()), h.cost)
		h.spent(h.cost)
		return err
	})
	if err != nil {
		return secret.Hash{}, fmt.Errorf("hash the password: %w", err)
	}
	return secret.NewHash(string(hash)), nil
}

// matches compares a password with a hash. It takes as long without a hash, as for an unknown account, and with a broken or
// cheaper hash as with a new one.
func (h *hasher) matches(ctx context.Context, password Password, with secret.Hash) (bool, error) {
	var match bool
	err := h.inSlot(ctx, func() error {
		text, hash := password.text(), []byte(with.Reveal())
		cost, err := bcrypt.Cost(hash)
		usable := err == nil && len(text) <= maxPassword && !strings.ContainsRune(text, 0)
		if err != nil {
			hash, cost = decoy(h.cost), h.cost
		}
		cut := []byte(text[:min(len(text), maxPassword)])
		match = bcrypt.CompareHashAndPassword(hash, cut) == nil && usable
		h.spent(cost)
		// A cost is twice the one below it, so these make up the difference.
		for ; cost < h.cost; cost++ {
			_ = bcrypt.CompareHashAndPassword(decoy(cost), cut)
			h.spent(cost)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("compare the password: %w", err)
	}
	return match, nil
}

// decoy is a hash of no password.
func decoy(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat(".", 53))
}

// weak tells whether a hash costs less than a new one would.
func (h *hasher) weak(hash secret.Hash) bool {
	cost, err := bcrypt.Cost([]byte(hash.Reveal()))
	return err == nil && cost < h.cost
}

// inSlot runs work when it is its turn.
func (h *hasher) inSlot(ctx context.Context, work func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		if err := ctx.Err(); err != nil {
			return err
		}
		return work()
	case <-ctx.Done():
		return ctx.Err()
	}
}
