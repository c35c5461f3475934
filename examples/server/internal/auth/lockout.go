package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/bizy-ai/bizydb/bizydb"
)

const (
	maxFailures = 5                // in a row, then the login is locked
	lockFor     = 15 * time.Minute // after the last failure
)

// loginKey is what the failures of a login are counted under: one for all ways to write it, and a hash, since it may be a mistyped password.
// Nothing here depends on whether somebody has the login, so nothing tells: a username and an email address of one account are locked apart.
func loginKey(login string) string {
	login = strings.TrimSpace(login)
	if at := strings.LastIndexByte(login, '@') + 1; at > 0 {
		if domain, err := idna.Lookup.ToASCII(login[at:]); err == nil {
			login = login[:at] + domain
		}
	}
	hash := sha256.Sum256([]byte(cases.Fold().String(norm.NFKC.String(login))))
	return hex.EncodeToString(hash[:])
}

// try checks a password, unless too many failed before. A failure counts, and a success forgets those before it. Those of one key are checked
// one after the other, so that guesses at once get no further than guesses in a row, and right passwords at once lock nobody out. (With
// several processes each may check one guess more.)
func (s *Service) try(ctx context.Context, key string, check func() error) error {
	done, err := s.turns.take(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	failures, err := s.failuresOf(ctx, key)
	if err != nil {
		return err
	}
	err = check()
	switch {
	case errors.Is(err, bizydb.ErrInvalidCredentials):
		// Also if the client has gone, who could try without limit otherwise.
		counting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if failed := s.countFailure(counting, key); failed != nil {
			return failed
		}
	case err == nil && failures > 0:
		return s.forgive(ctx, key)
	}
	return err
}

// failuresOf returns ErrLocked for too many.
func (s *Service) failuresOf(ctx context.Context, key string) (failures int, err error) {
	var left time.Duration
	err = s.db.Pool().QueryRow(ctx, `-- name: SignInFailures :one
SELECT failures, until - now() FROM server.sign_in_failures WHERE account = $1 AND until > now()`, key).Scan(&failures, &left)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil
	case err == nil && failures >= maxFailures:
		err = &WaitError{ErrLocked, left}
	}
	return failures, err
}

func (s *Service) countFailure(ctx context.Context, key string) error {
	_, err := s.db.Pool().Exec(ctx, `-- name: CountSignInFailure :exec
INSERT INTO server.sign_in_failures AS f (account, failures, until) VALUES ($1, 1, now() + $2)
ON CONFLICT (account) DO UPDATE SET failures = CASE WHEN f.until < now() THEN 1 ELSE f.failures + 1 END, until = now() + $2`, key, lockFor)
	return err
}

// forgive forgets failures.
func (s *Service) forgive(ctx context.Context, keys ...string) error {
	_, err := s.db.Pool().Exec(ctx, `-- name: ForgiveSignIns :exec
DELETE FROM server.sign_in_failures WHERE account = ANY($1)`, keys)
	return err
}

// forgetFailures removes what counts no more.
func (s *Service) forgetFailures(ctx context.Context) error {
	_, err := s.db.Pool().Exec(ctx, `-- name: ForgetSignIns :exec
DELETE FROM server.sign_in_failures WHERE until < now()`)
	return err
}

// turns let one at a time work under a key.
type turns struct {
	mu sync.Mutex
	of map[string]*turn
}

type turn struct {
	free    chan struct{} // has one element while nobody works
	waiting int           // or working
}

// take waits for a turn. Call done after the work.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	t.mu.Lock()
	one := t.of[key]
	if one == nil {
		one = &turn{free: make(chan struct{}, 1)}
		one.free <- struct{}{}
		if t.of == nil {
			t.of = map[string]*turn{}
		}
		t.of[key] = one
	}
	one.waiting++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.waiting--; one.waiting == 0 {
			delete(t.of, key)
		}
	}
	select {
	case <-one.free:
		return func() { one.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
