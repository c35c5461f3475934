package bizydb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb/internal/secret"
)

// A Password is one as a person types it, of 8 to 72 bytes: bcrypt would ignore what is longer. It prints as [redacted],
// as text, with any verb of fmt, as JSON and through slog.
type Password string

// Format implements [fmt.Formatter].
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// MarshalText implements [encoding.TextMarshaler].
func (Password) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue implements [slog.LogValuer].
func (Password) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const (
	minPassword = 8
	maxPassword = 72 // what bcrypt takes

	// DefaultBcryptCost is the cost of new hashes unless [WithBcryptCost] says otherwise. A hash of cost 12 takes about a
	// quarter of a second; one more doubles that.
	DefaultBcryptCost = 12
	// MinBcryptCost is the lowest cost that [WithBcryptCost] takes.
	MinBcryptCost = 10
)

// A hasher hashes passwords, a few at a time.
type hasher struct {
	cost  int
	slots chan struct{}
}

func newHasher(cost, atATime int) *hasher {
	return &hasher{cost: cost, slots: make(chan struct{}, atATime)}
}

// check says what is wrong with a new password.
func (p Password) check() error {
	reason := ""
	switch {
	case len(p) < minPassword:
		reason = fmt.Sprintf("must have at least %d bytes", minPassword)
	case len(p) > maxPassword:
		reason = fmt.Sprintf("must have at most %d bytes", maxPassword)
	default:
		return nil
	}
	return refused("password", reason)
}

// hash hashes a new password.
func (h *hasher) hash(ctx context.Context, password Password) (secret.Hash, error) {
	if err := password.check(); err != nil {
		return secret.Hash{}, err
	}
	var hash []byte
	err := h.inSlot(ctx, func() (err error) {
		hash, err = bcrypt.GenerateFromPassword([]byte(password), h.cost)
		return err
	})
	if err != nil {
		return secret.Hash{}, fmt.Errorf("bizydb: hash the password: %w", err)
	}
	return secret.NewHash(string(hash)), nil
}

// matches compares. Without a hash, for an account that is not there, and with one of a lower cost than new ones have, it
// takes as long as with any other.
func (h *hasher) matches(ctx context.Context, password Password, with secret.Hash) (bool, error) {
	var match bool
	err := h.inSlot(ctx, func() error {
		hash := with.Reveal()
		known := hash != nil
		if !known {
			hash = decoy(h.cost)
		}
		// A password that is too long for a hash is compared all the same, cut.
		cut := []byte(password[:min(len(password), maxPassword)])
		err := bcrypt.CompareHashAndPassword(hash, cut)
		match = err == nil && known && len(password) <= maxPassword
		if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return err
		}
		// A cost is twice the one below it, so these make up the difference.
		for cost, _ := bcrypt.Cost(hash); cost < h.cost; cost++ {
			_ = bcrypt.CompareHashAndPassword(decoy(cost), cut)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("bizydb: compare the password: %w", err)
	}
	return match, nil
}

// decoy is a hash of no password.
func decoy(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat(".", 53))
}

// weak tells whether a hash costs less than a new one would.
func (h *hasher) weak(hash secret.Hash) bool {
	cost, err := bcrypt.Cost(hash.Reveal())
	return err == nil && cost < h.cost
}

func (h *hasher) inSlot(ctx context.Context, work func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return work()
	case <-ctx.Done():
		return ctx.Err()
	}
}
