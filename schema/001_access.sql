-- Roles belong to the whole cluster: another database may have created them before, or be creating them right now.
DO $$
DECLARE
  role name;
BEGIN
  FOREACH role IN ARRAY ARRAY['bizydb_user', 'bizydb_accounts'] LOOP
    -- Without CREATEROLE, CREATE ROLE fails even for a role that exists, so look first.
    IF to_regrole(role) IS NULL THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    -- The migrating role may act as both roles and grant them. A superuser may anyway.
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

-- Rights are revoked and granted by name, here and in every later step: a database's default privileges may give PUBLIC and
-- these roles more than PostgreSQL does, or less. What they give other roles stays.
CREATE SCHEMA bizydb;

COMMENT ON SCHEMA bizydb IS 'Functions and internal tables of bizydb. Its main tables are in public.';

REVOKE ALL ON SCHEMA bizydb FROM PUBLIC, bizydb_user, bizydb_accounts;
GRANT USAGE ON SCHEMA public, bizydb TO bizydb_user, bizydb_accounts;

CREATE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 1;

COMMENT ON FUNCTION bizydb.schema_version() IS 'Number of the last migration applied.';

-- A service's login asks before it takes a role.
REVOKE ALL ON FUNCTION bizydb.schema_version() FROM PUBLIC, bizydb_user, bizydb_accounts;
GRANT EXECUTE ON FUNCTION bizydb.schema_version() TO PUBLIC;

-- The setting is local to a transaction. Once a transaction that set it has ended, it reads as an empty string.
CREATE FUNCTION bizydb.current_user_id() RETURNS bigint
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(pg_catalog.current_setting('bizydb.user_id', true), '')::pg_catalog.int8; -- bound now, whatever the caller's search_path

COMMENT ON FUNCTION bizydb.current_user_id() IS 'The user that the transaction is confined to, NULL outside a scope.';

REVOKE ALL ON FUNCTION bizydb.current_user_id() FROM PUBLIC, bizydb_user, bizydb_accounts;
GRANT EXECUTE ON FUNCTION bizydb.current_user_id() TO bizydb_user;

CREATE FUNCTION bizydb.lock_user(owner bigint) RETURNS void
  LANGUAGE sql
  RETURN pg_advisory_xact_lock(hashtextextended('bizydb.user', owner));

COMMENT ON FUNCTION bizydb.lock_user(bigint) IS 'Serializes writes to one user''s goals and tasks until the transaction ends.';

REVOKE ALL ON FUNCTION bizydb.lock_user(bigint) FROM PUBLIC, bizydb_user, bizydb_accounts;
GRANT EXECUTE ON FUNCTION bizydb.lock_user(bigint) TO bizydb_user;

---- create above / drop below ----

-- The roles stay: they belong to the cluster, where other databases and the services' logins hold them.
DROP FUNCTION bizydb.lock_user(bigint);
DROP FUNCTION bizydb.current_user_id();
DROP FUNCTION bizydb.schema_version();
REVOKE USAGE ON SCHEMA public, bizydb FROM bizydb_user, bizydb_accounts;
DROP SCHEMA bizydb;
