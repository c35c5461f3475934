-- A service's own tables, beside bizydb's in one database.

-- With the rights of its caller, who owns the table.
CREATE FUNCTION bizydb.confine(target regclass, via name DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  mine      CONSTANT text := '(SELECT bizydb.current_user_id())';
  relation  record; -- of target
  key       record; -- the column by which a row is its user's, user_id or via, and its foreign key
  reference record;
  sequence  record;
  condition text := 'user_id = ' || mine;
  columns   text; -- that a scope may write
  required  text; -- of them, without a default
  policy    name;
  part      regclass;
BEGIN
  SELECT c.oid, c.relkind AS kind, c.relowner AS owner, c.relpersistence AS persistence, n.nspname AS schema,
    EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS of_extension,
    EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid OR i.inhparent = c.oid AND c.relkind = 'r') AS inherits
  INTO relation
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;

  IF relation.oid < 16384 OR relation.schema = 'bizydb' OR target = 'public.users'::regclass OR relation.of_extension THEN
    RAISE EXCEPTION 'bizydb.confine: % is not a table of the service''s own', target USING ERRCODE = 'wrong_object_type';
  ELSIF relation.kind IS NULL OR relation.kind NOT IN ('r', 'p') OR relation.persistence = 't' THEN
    RAISE EXCEPTION 'bizydb.confine: % is no table that can be confined, but a %', target, CASE
        WHEN relation.kind IN ('r', 'p') THEN 'temporary table'
        ELSE coalesce((ARRAY['view', 'materialized view', 'foreign table', 'sequence', 'index', 'index', 'type'])[strpos('vmfSiIc', relation.kind)], 'relation that is not there') END
      USING ERRCODE = 'wrong_object_type', HINT = 'Only tables have row security. A view WITH (security_invoker = true) reads with the rights of its reader.';
  ELSIF relation.inherits THEN
    RAISE EXCEPTION 'bizydb.confine: % is a partition, or a table with inheritance', target
      USING ERRCODE = 'wrong_object_type', HINT = 'Confine the partitioned table, by which its partitions are read and written.';
  ELSIF NOT pg_has_role(relation.owner, 'USAGE') THEN
    RAISE EXCEPTION 'bizydb.confine: % belongs to %, and % has called', target, relation.owner::regrole, quote_ident(current_user)
      USING ERRCODE = 'insufficient_privilege', HINT = format('Call it as %s.', relation.owner::regrole);
  END IF;

  -- Columns of the service's own in bizydb's tables.
  IF target IN ('public.goals'::regclass, 'public.tasks'::regclass) THEN
    IF via IS NOT NULL THEN
      RAISE EXCEPTION 'bizydb.confine: % has an owner of its own: call it without via', target USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (
        WHERE pg_get_serial_sequence(target::text, a.attname) IS NULL AND coalesce(col_description(target, a.attnum), '') NOT LIKE '%[bizydb: accepted]%'),
      string_agg(a.attname, ', ' ORDER BY a.attnum) FILTER (WHERE a.attnotnull AND NOT a.atthasdef AND a.attidentity = '')
    INTO columns, required
    FROM pg_attribute a WHERE a.attrelid = target AND a.attname LIKE 'x\_%' AND NOT a.attisdropped AND a.attgenerated = '';
    IF required IS NOT NULL THEN
      RAISE EXCEPTION 'bizydb.confine: % of % is NOT NULL and has no default, so that no row can be created without it', required, target
        USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF columns IS NOT NULL THEN
      EXECUTE format('GRANT INSERT (%1$s), UPDATE (%1$s) ON %2$s TO bizydb_user', columns, target);
    END IF;
    FOR sequence IN
      SELECT pg_get_serial_sequence(target::text, a.attname) AS name FROM pg_attribute a
      WHERE a.attrelid = target AND a.attname LIKE 'x\_%' AND NOT a.attisdropped AND a.attidentity = '' AND pg_get_serial_sequence(target::text, a.attname) IS NOT NULL
    LOOP
      EXECUTE format('GRANT USAGE ON SEQUENCE %s TO bizydb_user', sequence.name); -- as below
    END LOOP;
    RETURN;
  END IF;

  IF via IS NULL AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = 'user_id' AND NOT a.attisdropped) THEN
    via := ( -- as before, if it has been confined before
      SELECT a.attname FROM pg_policy p
      JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = target
      JOIN pg_attribute a ON a.attrelid = target AND a.attnum = d.refobjsubid
      WHERE p.polrelid = target AND p.polname = 'bizydb_owner'
      ORDER BY EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = target AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]) DESC LIMIT 1
    );
    IF via IS NULL THEN
      EXECUTE format('ALTER TABLE %s ADD COLUMN user_id bigint', target);
    END IF;
  END IF;
  SELECT a.attname AS name, a.attnum AS number, a.atttypid::regtype AS type, f.conname AS constraint, f.confrelid::regclass AS parent, f.confdeltype AS on_delete
  INTO key
  FROM pg_attribute a
  LEFT JOIN pg_constraint f ON f.conrelid = target AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
    AND CASE WHEN via IS NULL THEN f.confrelid = 'public.users'::regclass ELSE f.confrelid IN ('public.goals'::regclass, 'public.tasks'::regclass) END
  WHERE a.attrelid = target AND a.attname = coalesce(via, 'user_id') AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY f.confdeltype = 'c' DESC NULLS LAST LIMIT 1;

  IF key.name IS NULL THEN
    RAISE EXCEPTION 'bizydb.confine: % has no column %', target, quote_ident(via) USING ERRCODE = 'undefined_column';
  ELSIF key.type <> 'bigint'::regtype THEN
    RAISE EXCEPTION 'bizydb.confine: % of % is of type %, not bigint', key.name, target, key.type USING ERRCODE = 'datatype_mismatch';
  ELSIF via IS NOT NULL AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = 'user_id' AND NOT a.attisdropped) THEN
    RAISE EXCEPTION 'bizydb.confine: % has a user_id of its own: call it without via', target USING ERRCODE = 'invalid_parameter_value';
  ELSIF via IS NOT NULL AND key.constraint IS NULL THEN
    RAISE EXCEPTION 'bizydb.confine: % of % does not reference the id of public.goals or public.tasks', quote_ident(via), target
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('ALTER TABLE %s ADD FOREIGN KEY (%I) REFERENCES public.tasks (id) ON DELETE CASCADE', target, via);
  ELSIF key.on_delete <> 'c' THEN
    RAISE EXCEPTION 'bizydb.confine: constraint % of % is not ON DELETE CASCADE', quote_ident(key.constraint), target
      USING ERRCODE = 'object_not_in_prerequisite_state',
        HINT = format('ALTER TABLE %s DROP CONSTRAINT %I, ADD FOREIGN KEY (%I) REFERENCES %s (id) ON DELETE CASCADE', target, key.constraint, key.name, key.parent);
  END IF;
  -- Foreign keys bypass row security, so the owner has to be part of them, unless the policy asks for it.
  SELECT f.conname AS constraint, f.confrelid::regclass AS parent, a.attname AS name INTO reference
  FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = target AND a.attnum = f.conkey[1]
  WHERE f.conrelid = target AND f.contype = 'f' AND f.confrelid IN ('public.goals'::regclass, 'public.tasks'::regclass)
    AND cardinality(f.conkey) = 1 AND a.attname IS DISTINCT FROM via
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'bizydb.confine: constraint % of % lets a row of one user reference a row of another', quote_ident(reference.constraint), target
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = CASE WHEN via IS NULL THEN format('ALTER TABLE %s DROP CONSTRAINT %I, ADD FOREIGN KEY (user_id, %I) REFERENCES %s (user_id, id) ON DELETE CASCADE',
        target, reference.constraint, reference.name, reference.parent) ELSE 'Give the table a user_id, and call bizydb.confine without via.' END;
  END IF;

  SELECT f.conname AS constraint, f.confrelid::regclass AS parent INTO reference
  FROM pg_constraint f
  WHERE f.conrelid = target AND f.contype = 'f' AND f.conparentid = 0
    AND CASE WHEN f.confrelid = target THEN via IS NOT NULL
      ELSE EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = f.confrelid AND p.polname = 'bizydb_owner')
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = f.confrelid AND a.attname = 'user_id' AND NOT a.attisdropped) END
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'bizydb.confine: constraint % of % references %, which has no user_id: a row of one user can reference a row of another',
        quote_ident(reference.constraint), target, reference.parent
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Give %s a user_id, confine it without via, and let the constraint include the user_id of both.', reference.parent);
  END IF;

  BEGIN
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', target, key.name);
  EXCEPTION WHEN not_null_violation THEN
    RAISE EXCEPTION 'bizydb.confine: % has rows whose % is NULL', target, key.name
      USING ERRCODE = 'not_null_violation', HINT = 'Fill the column, or delete the rows, and call it again.';
  END;
  IF via IS NOT NULL THEN
    condition := format('EXISTS (SELECT FROM %s owning WHERE owning.user_id = %s AND owning.id = %s.%I)', key.parent, mine, target, via);
  ELSE
    EXECUTE format('ALTER TABLE %s ALTER COLUMN user_id SET DEFAULT bizydb.current_user_id()', target);
    IF key.constraint IS NULL THEN
      IF NOT has_column_privilege('public.users', 'id', 'REFERENCES') THEN
        RAISE EXCEPTION 'bizydb.confine: % may not reference public.users', quote_ident(current_user)
          USING ERRCODE = 'insufficient_privilege', HINT = format('GRANT REFERENCES ON public.users, public.goals, public.tasks TO %I, run by %s', current_user,
            (SELECT relowner::regrole FROM pg_class WHERE oid = 'public.users'::regclass));
      END IF;
      EXECUTE format('ALTER TABLE %s ADD FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE', target);
    END IF;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = target AND i.indkey[0] = key.number AND i.indpred IS NULL AND i.indisvalid) THEN
    EXECUTE format('CREATE INDEX ON %s (%I)', target, key.name);
  END IF;

  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  FOREACH policy IN ARRAY ARRAY['bizydb_owner', 'bizydb_reporter'] LOOP
    IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = target AND p.polname = policy) THEN
      EXECUTE format('DROP POLICY %I ON %s', policy, target);
    END IF;
  END LOOP;
  EXECUTE format('CREATE POLICY bizydb_owner ON %1$s TO bizydb_user USING (%2$s) WITH CHECK (%2$s)', target, condition);
  EXECUTE format('CREATE POLICY bizydb_reporter ON %s FOR SELECT TO bizydb_reporter USING (true)', target);

  FOR part IN SELECT target UNION SELECT relid FROM pg_partition_tree(target) LOOP
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, bizydb_user, bizydb_accounts', part);
    -- What reports may read is the service's to say.
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER%s ON %s FROM bizydb_reporter',
      CASE WHEN current_setting('server_version_num')::integer >= 170000 THEN ', MAINTAIN' END, part);
  END LOOP;
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns
  FROM pg_attribute a
  WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> 'user_id'
    AND pg_get_serial_sequence(target::text, a.attname) IS NULL -- as bizydb's ids, which the database assigns
    AND coalesce(col_description(target, a.attnum), '') NOT LIKE '%[bizydb: accepted]%';
  EXECUTE format('GRANT SELECT, DELETE ON %s TO bizydb_user', target);
  IF columns IS NOT NULL THEN
    EXECUTE format('GRANT INSERT (%1$s), UPDATE (%1$s) ON %2$s TO bizydb_user', columns, target);
  ELSE -- INSERT ... DEFAULT VALUES needs INSERT on some column, and the policy checks this one
    EXECUTE format('GRANT INSERT (user_id) ON %s TO bizydb_user', target);
  END IF;
  FOR sequence IN
    SELECT d.objid::regclass AS name, a.attidentity = '' AS serial
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = target
  LOOP
    EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter', sequence.name);
    IF sequence.serial THEN -- the default takes the writer's rights
      EXECUTE format('GRANT USAGE ON SEQUENCE %s TO bizydb_user', sequence.name);
    END IF;
  END LOOP;
  IF NOT has_schema_privilege('bizydb_user', relation.schema, 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO bizydb_user', relation.schema);
    IF NOT has_schema_privilege('bizydb_user', relation.schema, 'USAGE') THEN -- of which the server only warns
      RAISE EXCEPTION 'bizydb.confine: % may not give rights on schema %', quote_ident(current_user), quote_ident(relation.schema)
        USING ERRCODE = 'insufficient_privilege', HINT = format('GRANT USAGE ON SCHEMA %I TO bizydb_user', relation.schema);
    END IF;
  END IF;
END
$$;

COMMENT ON FUNCTION bizydb.confine(regclass, name) IS 'Confines a table of the service''s own to the scope''s user, by user_id or by the goal or task in via.';

REVOKE ALL ON FUNCTION bizydb.confine(regclass, name) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 9;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 8;

DROP FUNCTION bizydb.confine(regclass, name);
