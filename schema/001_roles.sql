-- Roles belong to the whole cluster, so another database may have made them already or may be making them right now.
DO $$
DECLARE
  role name;
BEGIN
  FOREACH role IN ARRAY ARRAY['bizydb_user', 'bizydb_accounts'] LOOP
    -- Without CREATEROLE even a role that exists is refused, not skipped, hence the look beforehand.
    IF to_regrole(role) IS NULL THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    -- Whoever migrates may act as both roles and hand them on; a superuser may anyway.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', role, current_user);
      EXCEPTION
        WHEN unique_violation THEN
          NULL;
        WHEN insufficient_privilege THEN
          RAISE NOTICE 'role % exists and % may not grant it: ask its administrator for GRANT % TO %', role, current_user, role, current_user;
      END;
    END IF;
  END LOOP;
END
$$;

CREATE SCHEMA bizydb;

COMMENT ON SCHEMA bizydb IS 'functions of bizydb; its tables are in public';

GRANT USAGE ON SCHEMA public, bizydb TO bizydb_user, bizydb_accounts;

CREATE FUNCTION bizydb.current_user_id() RETURNS bigint
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(pg_catalog.current_setting('bizydb.user_id', true), '')::pg_catalog.int8; -- bound now, whatever the caller's search_path

COMMENT ON FUNCTION bizydb.current_user_id() IS
  'The user this transaction is confined to, NULL outside a scope. Kept in the transaction-local setting bizydb.user_id, which reads as an empty string once a transaction that set it has ended.';

CREATE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 1 $$;

COMMENT ON FUNCTION bizydb.schema_version() IS
  'Number of the last migration applied. The library compares it with its own when it opens a database.';

CREATE FUNCTION bizydb.is_blank(text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT $1 COLLATE "C" OPERATOR(pg_catalog.!~) '[^\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]' $$;

COMMENT ON FUNCTION bizydb.is_blank(text) IS
  'Whether a text is empty or nothing but Unicode''s white space, named by its code points: \s alone is less or more of it from one locale to the next.';

CREATE FUNCTION bizydb.touch() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
BEGIN
  -- now() is when the transaction began, which can be before another one's change.
  NEW.updated_at := greatest(OLD.updated_at, now());
  RETURN NEW;
END
$$;

COMMENT ON FUNCTION bizydb.touch() IS 'Trigger: stamps updated_at when a row really changes.';

CREATE FUNCTION bizydb.stamp_completion() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
BEGIN
  IF NEW.status = 'completed' THEN
    NEW.completed_at := coalesce(NEW.completed_at, now());
  ELSE
    NEW.completed_at := NULL;
  END IF;
  RETURN NEW;
END
$$;

COMMENT ON FUNCTION bizydb.stamp_completion() IS
  'Trigger: completed_at is set exactly while status is completed; a time given with the status is kept.';

---- create above / drop below ----

-- The roles stay: they belong to the cluster, where other databases and the services' logins hold them.
DROP FUNCTION bizydb.stamp_completion();
DROP FUNCTION bizydb.touch();
DROP FUNCTION bizydb.is_blank(text);
DROP FUNCTION bizydb.schema_version();
DROP FUNCTION bizydb.current_user_id();
REVOKE USAGE ON SCHEMA public, bizydb FROM bizydb_user, bizydb_accounts;
DROP SCHEMA bizydb;
