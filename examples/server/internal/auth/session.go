package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
)

// ErrEnded is that of the token of a session that has ended before the token expires.
var ErrEnded = errors.New("session has ended: signed out, or the password has changed")

// IsTokenError reports whether an error of Session, Verify or Reset is the token's, and not one of asking the database.
func IsTokenError(err error) bool {
	return errors.Is(err, ErrExpired) || errors.Is(err, ErrInvalid) || errors.Is(err, ErrClaims) || errors.Is(err, ErrEnded)
}

// A process asks the database again whether a session goes on after this time: so long a session that another process has ended can
// last here. One that this process has ended ends at once.
const recheck = 5 * time.Second

// Session reads the token of a sign-in. A session ends when its token expires, at its sign-out, and when the password of its user is
// changed, set or removed. The error is ErrNoUser for a user who is gone or not active.
func (s *Service) Session(ctx context.Context, token string) (Session, error) {
	session, err := s.readSession(token)
	if err != nil {
		return Session{}, err
	}
	if s.sessions.checked(session) {
		return session, nil
	}
	return session, s.Recheck(ctx, session)
}

// Row security shows the scope's own profile and sessions alone.
const goesOnSQL = `-- name: SessionGoesOn :one
SELECT password_changed_at = $1 AND NOT EXISTS (SELECT FROM server.ended_sessions WHERE id = $2) FROM bizydb.profiles`

// Recheck asks the database whether a session goes on, for what must not rest on an answer of some seconds ago. It asks the primary, since
// a standby may not know yet what another process has ended.
func (s *Service) Recheck(ctx context.Context, session Session) error {
	before := s.sessions.endings()
	var goesOn bool
	err := s.db.As(session.UserID).OnPrimary().DBTX().QueryRow(ctx, goesOnSQL, session.passwordChanged, session.id).Scan(&goesOn)
	if err != nil {
		return err
	}
	if !goesOn {
		return ErrEnded
	}
	s.sessions.goesOn(session, before)
	return nil
}

const endSQL = `-- name: EndSession :exec
WITH expired AS (DELETE FROM server.ended_sessions WHERE until < now())
INSERT INTO server.ended_sessions (id, until) VALUES ($1, $2) ON CONFLICT DO NOTHING`

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, session Session) error {
	defer s.sessions.end(session.UserID) // after the commit, or what was read before it would count
	if _, err := s.db.As(session.UserID).DBTX().Exec(ctx, endSQL, session.id, session.until); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// sessions are those that were found to go on lately.
type sessions struct {
	mu    sync.Mutex
	at    map[string]lately
	swept time.Time
	ended int
}

type lately struct {
	user bizydb.UserID
	when time.Time
}

// checked reports whether a session was found to go on lately.
func (s *sessions) checked(session Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.at[session.id]
	return ok && one.user == session.UserID && time.Since(one.when) < recheck
}

// endings counts what has ended sessions here.
func (s *sessions) endings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// goesOn takes down that a session goes on, unless one has ended since the database was asked: it could be this one.
func (s *sessions) goesOn(session Session, endings int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != endings {
		return
	}
	if s.at == nil {
		s.at = map[string]lately{}
	}
	if time.Since(s.swept) > time.Minute {
		for id, one := range s.at {
			if time.Since(one.when) >= recheck {
				delete(s.at, id)
			}
		}
		s.swept = time.Now()
	}
	s.at[session.id] = lately{session.UserID, time.Now()}
}

// end lets all sessions of a user be looked up again.
func (s *sessions) end(user bizydb.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended++
	for id, one := range s.at {
		if one.user == user {
			delete(s.at, id)
		}
	}
}
