-- bizydb.fold needs ICU's collation.
DO $$
BEGIN
  IF to_regcollation('pg_catalog."und-x-icu"') IS NULL THEN
    RAISE EXCEPTION 'bizydb needs a PostgreSQL built with ICU: this one has no collation pg_catalog."und-x-icu"' USING ERRCODE = 'feature_not_supported';
  END IF;
END
$$;

-- bizydb_user is confined to one user, bizydb_accounts manages users, and bizydb_reporter reads all users' rows and writes none.
-- Roles belong to the whole cluster: another database may have created them before, or be creating them right now.
DO $$
DECLARE
  role name;
BEGIN
  FOREACH role IN ARRAY ARRAY['bizydb_user', 'bizydb_accounts', 'bizydb_reporter'] LOOP
    -- Without CREATEROLE, CREATE ROLE fails even for a role that exists, so look first.
    IF to_regrole(role) IS NULL THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    -- The migrating role may act as these roles and grant them to services' logins. A superuser may anyway.
    CONTINUE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
    BEGIN
      EXECUTE format('GRANT %I TO %I', role, current_user);
    EXCEPTION
      WHEN unique_violation THEN
        NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'roles bizydb_user, bizydb_accounts and bizydb_reporter exist, and % may not grant them', quote_ident(current_user) USING
          ERRCODE = 'UB002',
          HINT = format('GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO %I WITH ADMIN OPTION, run by %s', current_user, concat_ws(' or ',
            (
              SELECT string_agg(member, ' or ' ORDER BY member) FROM ( -- who may grant all three
                SELECT member::regrole::text FROM pg_auth_members
                WHERE roleid::regrole::text IN ('bizydb_user', 'bizydb_accounts', 'bizydb_reporter') AND admin_option AND NOT (SELECT rolsuper FROM pg_roles r WHERE r.oid = member)
                GROUP BY member HAVING count(DISTINCT roleid) = 3
              ) AS m (member)
            ), 'a superuser'));
    END;
  END LOOP;
END
$$;

-- Rights are revoked and granted by name, here and in every later step: a database's default privileges may give PUBLIC and
-- these roles more than PostgreSQL does, or less. What they give other roles stays.
CREATE SCHEMA bizydb;

COMMENT ON SCHEMA bizydb IS 'Functions and internal tables of bizydb. Its main tables are in public.';

REVOKE ALL ON SCHEMA bizydb FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT USAGE ON SCHEMA public, bizydb TO bizydb_user, bizydb_accounts, bizydb_reporter;

CREATE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 1;

COMMENT ON FUNCTION bizydb.schema_version() IS 'Number of the last migration applied.';

-- A service's login asks before it takes a role.
REVOKE ALL ON FUNCTION bizydb.schema_version() FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.schema_version() TO PUBLIC;

-- The setting is local to a transaction. Once a transaction that set it has ended, it reads as an empty string.
CREATE FUNCTION bizydb.current_user_id() RETURNS bigint
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(pg_catalog.current_setting('bizydb.user_id', true), '')::pg_catalog.int8; -- bound now, whatever the caller's search_path

COMMENT ON FUNCTION bizydb.current_user_id() IS 'The user that the transaction is confined to, NULL outside a scope.';

REVOKE ALL ON FUNCTION bizydb.current_user_id() FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.current_user_id() TO bizydb_user;

CREATE FUNCTION bizydb.lock_user(owner bigint) RETURNS void
  LANGUAGE sql
  RETURN pg_advisory_xact_lock(hashtextextended('bizydb.user', owner));

COMMENT ON FUNCTION bizydb.lock_user(bigint) IS 'Serializes writes to one user''s goals and tasks until the transaction ends.';

REVOKE ALL ON FUNCTION bizydb.lock_user(bigint) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.lock_user(bigint) TO bizydb_user;

-- For lookups by id or by parent in functions. With "IS TRUE" they read the index by that alone. An index by user can seem as good to
-- the query planner where the statistics do not know the user, or when the table is small, and the plan is kept as it grows. The
-- function is inlined. A database whose tables are partitioned by user has the bare comparison here, by which the server chooses a
-- partition: see TestQueriesTouchOnePartition.
CREATE FUNCTION bizydb.same_user(user_id bigint, owner bigint) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (user_id = owner) IS TRUE;

COMMENT ON FUNCTION bizydb.same_user(bigint, bigint) IS 'Whether a row is a user''s.';

REVOKE ALL ON FUNCTION bizydb.same_user(bigint, bigint) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

-- Unicode's full case folding, from what ICU's root locale says of upper and lower case. For most letters it is the small letter. The
-- bracket has those for which it is another one: folding makes them the small letters of their capitals, apart from the dotless i, which
-- passes as U+037E, since no text in NFC has that, and the capital sharp s. Small sigma has one form, and sharp s is ss. Cherokee folds
-- to small letters, like all others. A letter with more than thirty marks on it is left as it is written: putting them in order takes
-- the server the square of their number, which nothing interrupts.
CREATE FUNCTION bizydb.fold(text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN pg_catalog.octet_length($1) = pg_catalog.char_length($1) THEN pg_catalog.lower($1 COLLATE pg_catalog."C") COLLATE pg_catalog."default"
    WHEN $1 COLLATE pg_catalog."und-x-icu" ~ '[^[:alpha:][:digit:][:space:][:punct:]]{31}' THEN pg_catalog.lower($1 COLLATE pg_catalog."und-x-icu") COLLATE pg_catalog."default"
    WHEN $1 IS NFC NORMALIZED AND $1 COLLATE pg_catalog."C" !~ (
      '[\u00b5\u0149\u017f\u01f0\u0345\u0390\u03b0\u03d0\u03d1\u03d5\u03d6\u03f0\u03f1\u03f5\u0587\u1c80-\u1c88\u1e96-\u1e9b\u1f50'
      '\u1f52\u1f54\u1f56\u1f80-\u1faf\u1fb2-\u1fb4\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc6\u1fc7\u1fcc\u1fd2\u1fd6\u1fd7\u1fe2\u1fe4'
      '\u1fe6\u1fe7\u1ff2-\u1ff4\u1ff6\u1ff7\u1ffc\ufb00-\ufb06\ufb13-\ufb17]')
    THEN pg_catalog.replace(pg_catalog.replace(pg_catalog.lower($1 COLLATE pg_catalog."und-x-icu") COLLATE pg_catalog."default", 'ς', 'σ'), 'ß', 'ss')
    ELSE pg_catalog.translate(
      pg_catalog.lower(pg_catalog.upper(pg_catalog.translate(normalize($1, NFC), 'ıẞ', U&'\037Eß') COLLATE pg_catalog."und-x-icu")) COLLATE pg_catalog."default",
      U&'\037Eς', 'ıσ')
    END;

COMMENT ON FUNCTION bizydb.fold(text) IS 'NFC, then Unicode''s full case folding: the same in every locale. Texts that differ in case only are equal after it.';

-- The bracket has Unicode's White_Space and Default_Ignorable_Code_Point, and control, format and private characters. Which ones are not
-- assigned is a question of Unicode's version, and not asked here.
CREATE FUNCTION bizydb.visible(text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN pg_catalog.regexp_replace($1 COLLATE pg_catalog."C",
    '[\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f'
    '\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb'
    '\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]', '', 'g');

COMMENT ON FUNCTION bizydb.visible(text) IS 'The characters that can be seen: no white space, control, format or other invisible characters.';

CREATE FUNCTION bizydb.trim_space(text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN pg_catalog.btrim($1, U&'\0009\000A\000B\000C\000D\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000');

COMMENT ON FUNCTION bizydb.trim_space(text) IS 'Without Unicode''s White_Space at both ends.';

REVOKE ALL ON FUNCTION bizydb.fold(text), bizydb.visible(text), bizydb.trim_space(text) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.fold(text), bizydb.visible(text), bizydb.trim_space(text) TO bizydb_user, bizydb_accounts;
GRANT EXECUTE ON FUNCTION bizydb.fold(text) TO bizydb_reporter;

---- create above / drop below ----

-- The roles stay: they belong to the cluster, where other databases and the services' logins hold them.
DROP FUNCTION bizydb.trim_space(text);
DROP FUNCTION bizydb.visible(text);
DROP FUNCTION bizydb.fold(text);
DROP FUNCTION bizydb.same_user(bigint, bigint);
DROP FUNCTION bizydb.lock_user(bigint);
DROP FUNCTION bizydb.current_user_id();
DROP FUNCTION bizydb.schema_version();
REVOKE USAGE ON SCHEMA public, bizydb FROM bizydb_user, bizydb_accounts, bizydb_reporter;
DROP SCHEMA bizydb;
