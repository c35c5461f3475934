-- What the service keeps besides bizydb's tables.
CREATE SCHEMA server;

-- Nobody's data, so row security does not confine it: only the service's login reaches it.
CREATE TABLE server.sign_in_failures (
  account text PRIMARY KEY,
  failures integer NOT NULL,
  until timestamptz NOT NULL
);
COMMENT ON TABLE server.sign_in_failures IS 'Failed sign-ins in a row, of logins, and wrong passwords of users who change theirs.';
COMMENT ON COLUMN server.sign_in_failures.account IS 'The hash of a login, which may be a mistyped password, or the id of a user who is signed in.';
COMMENT ON COLUMN server.sign_in_failures.until IS 'When the failures are forgotten: some time after the last one that was counted.';

---- create above / drop below ----

DROP SCHEMA server CASCADE;
