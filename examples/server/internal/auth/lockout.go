package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bizy-ai/bizydb/bizydb"
)

const (
	maxFailures = 5                // in a row, then the account is locked
	lockFor     = 15 * time.Minute // after the last failure

	// Sign-ins, sign-ups and password resets of one address of the network.
	perAddress     = rate.Limit(1) // a second
	burstOfAddress = 60
)

// accountOf is what the failures of a login are counted under: the account, by whichever of its logins, or a login that has none.
func (s *Service) accountOf(ctx context.Context, login string) (string, error) {
	user, err := s.db.Accounts().FindByLogin(ctx, login)
	if errors.Is(err, bizydb.ErrNotFound) {
		hash := sha256.Sum256([]byte(login))
		return hex.EncodeToString(hash[:]), nil
	}
	return fmt.Sprint(user.ID), err
}

// An attempt counts as a failure before the password is looked at, so that attempts at once are counted, too.
const attemptSQL = `-- name: CountSignIn :one
INSERT INTO server.sign_in_failures AS f (account, failures, until) VALUES ($1, 1, now() + $3)
ON CONFLICT (account) DO UPDATE SET
  failures = CASE WHEN f.until < now() THEN 1 ELSE least(f.failures, $2) + 1 END,
  until = CASE WHEN f.until < now() OR f.failures < $2 THEN now() + $3 ELSE f.until END
RETURNING failures <= $2`

// countAttempt returns ErrLocked for an account with too many failures.
func (s *Service) countAttempt(ctx context.Context, account string) error {
	var may bool
	err := s.db.Pool().QueryRow(ctx, attemptSQL, account, maxFailures, lockFor).Scan(&may)
	if err == nil && !may {
		err = ErrLocked
	}
	return err
}

// forgive forgets the failures of an account.
func (s *Service) forgive(ctx context.Context, account string) error {
	_, err := s.db.Pool().Exec(ctx, `-- name: ForgiveSignIns :exec
DELETE FROM server.sign_in_failures WHERE account = $1`, account)
	return err
}

// forgetFailures removes what counts no more.
func (s *Service) forgetFailures(ctx context.Context) error {
	_, err := s.db.Pool().Exec(ctx, `-- name: ForgetSignIns :exec
DELETE FROM server.sign_in_failures WHERE until < now()`)
	return err
}

// limits has a limiter for each address that has been seen lately.
type limits struct {
	mu    sync.Mutex
	of    map[string]*rate.Limiter
	since time.Time // of the oldest entry
}

// allow reports whether an address may try once more.
func (l *limits) allow(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || time.Since(l.since) > time.Hour { // by then every limiter is as good as new
		l.of, l.since = map[string]*rate.Limiter{}, time.Now()
	}
	limiter := l.of[address]
	if limiter == nil {
		limiter = rate.NewLimiter(perAddress, burstOfAddress)
		l.of[address] = limiter
	}
	return limiter.Allow()
}
