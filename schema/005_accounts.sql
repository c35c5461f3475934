-- bizydb_accounts has no right on goals and tasks, and needs none: what goes with a user is counted here.
CREATE FUNCTION bizydb.delete_user(id bigint, OUT goals bigint, OUT tasks bigint) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
  AS $$
BEGIN
  PERFORM FROM public.users u WHERE u.id = delete_user.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Tasks first, so that no goal's deletion has to unlink them one by one.
  DELETE FROM public.tasks t WHERE t.user_id = delete_user.id;
  GET DIAGNOSTICS tasks = ROW_COUNT;
  DELETE FROM public.goals g WHERE g.user_id = delete_user.id;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM public.users u WHERE u.id = delete_user.id;
  RETURN NEXT;
END
$$;

COMMENT ON FUNCTION bizydb.delete_user(bigint) IS
  'Deletes a user with all goals and tasks and says how many there were; no row for a user who is not there.';

REVOKE EXECUTE ON FUNCTION bizydb.delete_user(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO bizydb_accounts;

-- What may be seen of an account: everything but the hash. Whoever uses the view needs the right on the table as well, so
-- bizydb_user finds at most its own row in it.
CREATE VIEW bizydb.profiles WITH (security_invoker = true) AS
  SELECT id, email, username, full_name, is_active, is_verified, is_superuser, created_at, updated_at, last_login_at, email_verified_at
  FROM public.users;

COMMENT ON VIEW bizydb.profiles IS 'An account without its password hash.';

GRANT SELECT, UPDATE ON bizydb.profiles TO bizydb_accounts;
GRANT SELECT, UPDATE (username, full_name) ON bizydb.profiles TO bizydb_user;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 5 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 4 $$;

DROP VIEW bizydb.profiles;
DROP FUNCTION bizydb.delete_user(bigint);
