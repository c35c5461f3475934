-- What partition.Tables runs, in a transaction. The number of partitions is in the setting bizydb.partitions.
DO $$
DECLARE
  partitions CONSTANT integer := current_setting('bizydb.partitions');
  -- What a table has besides columns and checks is written down before the table goes, and run on the new one in this order.
  kinds      CONSTANT text[] := ARRAY['identity', 'index', 'key', 'foreign key', 'trigger', 'policy', 'right', 'rest', 'function'];
  target     record; -- a table
  item       record;
  columns    text;
  part       text;
  sql        text;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp; -- so that all names are qualified in what the catalog gives as text
  SET LOCAL row_security = off;

  CREATE SCHEMA partitions;
  CREATE TEMPORARY TABLE moving ON COMMIT DROP AS
    SELECT c.oid, n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS old, format('%I.%I', n.nspname, c.relname || ' partitioned') AS new,
      c.relowner AS owner, c.reltype AS type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id' AND a.attnotnull
    WHERE c.relkind = 'r' AND (n.nspname = 'bizydb' OR c.oid IN ('public.goals'::regclass, 'public.tasks'::regclass)
      OR EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid IN ('public.goals'::regclass, 'public.tasks'::regclass)));
  FOR target IN SELECT * FROM moving ORDER BY old LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', target.old);
  END LOOP;

  CREATE TEMPORARY TABLE todo (kind text NOT NULL, n bigint GENERATED ALWAYS AS IDENTITY, sql text NOT NULL) ON COMMIT DROP;

  FOR target IN SELECT * FROM moving ORDER BY old LOOP
    -- Keys get the user.
    FOR item IN
      SELECT c.conname AS name, c.contype AS type, pg_get_constraintdef(c.oid) AS definition, obj_description(c.conindid, 'pg_class') AS index_comment,
        obj_description(c.oid, 'pg_constraint') AS comment, c.conindid::regclass AS index,
        ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place) JOIN pg_attribute a ON (a.attrelid, a.attnum) = (c.conrelid, k.number) ORDER BY k.place) AS columns
      FROM pg_constraint c WHERE c.conrelid = target.oid AND c.contype IN ('p', 'u') ORDER BY c.contype, c.oid
    LOOP
      IF NOT 'user_id' = ANY (item.columns) THEN
        item.columns := ARRAY['user_id'] || item.columns;
        item.definition := overlay(item.definition PLACING '(user_id, ' FROM strpos(item.definition, '(') FOR 1);
      END IF;
      INSERT INTO todo (kind, sql) VALUES ('key', format('ALTER TABLE %s ADD CONSTRAINT %I %s', target.old, item.name, item.definition));
      INSERT INTO todo (kind, sql) SELECT 'rest', format('COMMENT ON INDEX %s IS %L', item.index, item.index_comment) WHERE item.index_comment IS NOT NULL;
      INSERT INTO todo (kind, sql) SELECT 'rest', format('COMMENT ON CONSTRAINT %I ON %s IS %L', item.name, target.old, item.comment) WHERE item.comment IS NOT NULL;
    END LOOP;

    INSERT INTO todo (kind, sql)
    SELECT 'index', pg_get_indexdef(i.indexrelid) FROM pg_index i
    WHERE i.indrelid = target.oid AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = target.oid AND c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
    ORDER BY i.indexrelid;
    INSERT INTO todo (kind, sql)
    SELECT 'rest', format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, d.description) FROM pg_index i
    JOIN pg_description d ON (d.classoid, d.objoid, d.objsubid) = ('pg_class'::regclass, i.indexrelid, 0)
    WHERE i.indrelid = target.oid AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = target.oid AND c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'));

    -- Of the table, and of a service's own tables to it.
    FOR item IN
      SELECT c.conname AS name, c.conrelid::regclass AS of, pg_get_constraintdef(c.oid) AS definition, c.confrelid = target.oid AND c.conrelid NOT IN (SELECT oid FROM moving) AS foreign,
        'user_id' = ANY (ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attnum = ANY (c.confkey))) AS by_user
      FROM pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0 AND (c.conrelid = target.oid OR c.confrelid = target.oid AND c.conrelid NOT IN (SELECT oid FROM moving)) ORDER BY c.oid
    LOOP
      IF item.foreign THEN
        IF NOT item.by_user THEN
          RAISE EXCEPTION 'constraint % of % references % by id alone', quote_ident(item.name), item.of, target.old
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Let it reference %s (user_id, id).', target.old);
        END IF;
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.of, item.name);
      END IF;
      INSERT INTO todo (kind, sql) VALUES ('foreign key', format('ALTER TABLE %s ADD CONSTRAINT %I %s', item.of, item.name, item.definition));
    END LOOP;

    INSERT INTO todo (kind, sql)
    SELECT 'trigger', pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = target.oid AND NOT t.tgisinternal ORDER BY t.oid;
    INSERT INTO todo (kind, sql)
    SELECT 'trigger', format('ALTER TABLE %s %s TRIGGER %I', target.old, CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname)
    FROM pg_trigger t WHERE t.tgrelid = target.oid AND NOT t.tgisinternal AND t.tgenabled <> 'O';
    INSERT INTO todo (kind, sql)
    SELECT 'rest', format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, target.old, d.description) FROM pg_trigger t
    JOIN pg_description d ON (d.classoid, d.objoid) = ('pg_trigger'::regclass, t.oid) WHERE t.tgrelid = target.oid;

    INSERT INTO todo (kind, sql)
    SELECT 'policy', format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.policyname, target.old, p.permissive, p.cmd,
      (SELECT string_agg(CASE r WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(r) END, ', ') FROM unnest(p.roles) AS r), ' USING (' || p.qual || ')', ' WITH CHECK (' || p.with_check || ')')
    FROM pg_policies p WHERE (p.schemaname, p.tablename) = (target.schema, target.name);
    INSERT INTO todo (kind, sql)
    SELECT 'rest', format('COMMENT ON POLICY %I ON %s IS %L', p.polname, target.old, d.description) FROM pg_policy p
    JOIN pg_description d ON (d.classoid, d.objoid) = ('pg_policy'::regclass, p.oid) WHERE p.polrelid = target.oid;
    INSERT INTO todo (kind, sql)
    SELECT 'policy', format('ALTER TABLE %s %s ROW LEVEL SECURITY', target.old, f.action)
    FROM pg_class c, LATERAL (VALUES ('ENABLE', c.relrowsecurity), ('FORCE', c.relforcerowsecurity)) AS f (action, is_on) WHERE c.oid = target.oid AND f.is_on;

    INSERT INTO todo (kind, sql)
    SELECT 'right', format('GRANT %s%s ON %s TO %s%s', g.privilege_type, ' (' || g.column || ')', target.old,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END)
    FROM (
      SELECT NULL AS column, x.* FROM pg_class c, aclexplode(c.relacl) AS x WHERE c.oid = target.oid
      UNION ALL
      SELECT quote_ident(a.attname), x.* FROM pg_attribute a, aclexplode(a.attacl) AS x WHERE a.attrelid = target.oid AND NOT a.attisdropped
    ) AS g WHERE g.grantee <> target.owner;

    INSERT INTO todo (kind, sql)
    SELECT 'rest', format('COMMENT ON TABLE %s IS %L', target.old, d.description) FROM pg_description d WHERE (d.classoid, d.objoid, d.objsubid) = ('pg_class'::regclass, target.oid, 0);

    -- Sequences: what a default draws from stays, what an identity draws from is made again.
    FOR item IN
      SELECT s.seqrelid::regclass AS name, a.attname AS column, a.attidentity AS identity, s.*, c.relacl AS rights, c.relowner AS owner
      FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid)
      WHERE (d.classid, d.refclassid, d.refobjid) = ('pg_class'::regclass, 'pg_class'::regclass, target.oid) AND d.deptype IN ('a', 'i')
    LOOP
      IF item.identity = '' THEN
        EXECUTE format('ALTER SEQUENCE %s OWNED BY NONE', item.name);
        INSERT INTO todo (kind, sql) VALUES ('identity', format('ALTER SEQUENCE %s OWNED BY %s.%I', item.name, target.old, item.column));
        CONTINUE;
      END IF;
      EXECUTE format('SELECT format(''SELECT pg_catalog.setval(%%L, %%s, %%L)'', %L, last_value, is_called) FROM %1$s', item.name) INTO sql;
      INSERT INTO todo (kind, sql) VALUES
        ('identity', format('ALTER TABLE %s ALTER COLUMN %I ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s)', target.old, item.column,
          CASE item.identity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, item.name, item.seqstart, item.seqincrement, item.seqmin, item.seqmax, item.seqcache, CASE WHEN item.seqcycle THEN ' CYCLE' END)),
        ('identity', sql);
      INSERT INTO todo (kind, sql)
      SELECT 'right', format('GRANT %s ON SEQUENCE %s TO %s', x.privilege_type, item.name, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END)
      FROM aclexplode(item.rights) AS x WHERE x.grantee <> item.owner;
    END LOOP;

    -- Functions that return or take rows of the table go with it.
    FOR item IN
      SELECT p.oid::regprocedure AS name, p.*, obj_description(p.oid, 'pg_proc') AS comment, pg_get_functiondef(p.oid) AS definition
      FROM pg_proc p WHERE EXISTS (
        SELECT FROM pg_depend d WHERE (d.classid, d.objid, d.refclassid) = ('pg_proc'::regclass, p.oid, 'pg_type'::regclass)
          AND d.refobjid IN (target.type, (SELECT t.typarray FROM pg_type t WHERE t.oid = target.type))
      )
    LOOP
      INSERT INTO todo (kind, sql) VALUES
        ('function', item.definition),
        ('function', format('ALTER FUNCTION %s OWNER TO %s', item.name, item.proowner::regrole)),
        ('function', format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', item.name));
      INSERT INTO todo (kind, sql)
      SELECT 'function', format('GRANT EXECUTE ON FUNCTION %s TO %s', item.name, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END)
      FROM aclexplode(coalesce(item.proacl, acldefault('f', item.proowner))) AS x WHERE x.grantee <> item.proowner;
      INSERT INTO todo (kind, sql) SELECT 'function', format('COMMENT ON FUNCTION %s IS %L', item.name, item.comment) WHERE item.comment IS NOT NULL;
      EXECUTE format('DROP FUNCTION %s', item.name);
    END LOOP;

    -- The new table, with the rows.
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY) PARTITION BY HASH (user_id)', target.new, target.old);
    EXECUTE format('ALTER TABLE %s OWNER TO %s', target.new, target.owner::regrole);
    FOR n IN 0 .. partitions - 1 LOOP
      part := format('partitions.%I', target.name || '_' || n);
      EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES WITH (MODULUS %s, REMAINDER %s)', part, target.new, partitions, n);
      EXECUTE format('ALTER TABLE %s OWNER TO %s', part, target.owner::regrole);
      EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part); -- without a policy: it is for the table to let in
      EXECUTE format('COMMENT ON TABLE %s IS %L', part, format('A partition of %s.', target.old));
      FOR sql IN
        SELECT format('REVOKE ALL ON %s FROM %s', r.name, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END)
        FROM (VALUES (part), (target.new)) AS r (name), pg_class c, aclexplode(c.relacl) AS x WHERE c.oid = r.name::regclass AND x.grantee <> target.owner
      LOOP
        EXECUTE sql; -- default privileges
      END LOOP;
      FOR sql IN
        SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', part, a.attname, a.attstattarget) FROM pg_attribute a WHERE a.attrelid = target.oid AND a.attnum > 0 AND a.attstattarget >= 0
        UNION ALL
        SELECT format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', part, a.attname, array_to_string(a.attoptions, ', ')) FROM pg_attribute a WHERE a.attrelid = target.oid AND a.attoptions IS NOT NULL
        UNION ALL
        SELECT format('ALTER TABLE %s SET (%s)', part, array_to_string(c.reloptions, ', ')) FROM pg_class c WHERE c.oid = target.oid AND c.reloptions IS NOT NULL
      LOOP
        EXECUTE sql;
      END LOOP;
    END LOOP;
    INSERT INTO todo (kind, sql)
    SELECT 'rest', format('ALTER TABLE ONLY %s ALTER COLUMN %I SET STATISTICS %s', target.old, a.attname, a.attstattarget) FROM pg_attribute a WHERE a.attrelid = target.oid AND a.attnum > 0 AND a.attstattarget >= 0;
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns FROM pg_attribute a WHERE a.attrelid = target.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %s', target.new, columns, target.old);
  END LOOP;

  EXECUTE (SELECT 'DROP TABLE ' || string_agg(old, ', ') FROM moving);
  FOR target IN SELECT * FROM moving LOOP
    EXECUTE format('ALTER TABLE %s RENAME TO %I', target.new, target.name);
  END LOOP;
  FOR sql IN SELECT t.sql FROM todo t ORDER BY array_position(kinds, t.kind), t.n LOOP
    EXECUTE sql;
  END LOOP;

  CREATE OR REPLACE FUNCTION bizydb.same_user(user_id bigint, owner bigint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN user_id = owner;
END
$$;
