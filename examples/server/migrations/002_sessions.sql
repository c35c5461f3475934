-- Signed tokens are not stored: only those that have ended too early are, until they would have expired.
CREATE TABLE server.ended_sessions (
  user_id bigint NOT NULL DEFAULT bizydb.current_user_id(),
  id text NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (user_id, id)
);
COMMENT ON TABLE server.ended_sessions IS 'Sessions that were signed out.';
COMMENT ON COLUMN server.ended_sessions.id IS 'The claim jti of the session''s token.';
COMMENT ON COLUMN server.ended_sessions.until IS 'When the token expires. Its user''s next sign-out after that removes the row.';

SELECT bizydb.confine('server.ended_sessions');

---- create above / drop below ----

DROP TABLE server.ended_sessions;
