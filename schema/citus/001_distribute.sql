-- Shards a migrated database by user, on Citus. Experimental: docs/citus.md says what is different afterwards, and what is weaker. Only
-- schema.Distribute and the tern command run it, in one transaction.
SET LOCAL citus.enable_unsafe_triggers = on; -- the triggers of bizydb keep to the rows of one user, and so to one node
SET LOCAL citus.multi_shard_modify_mode = 'sequential'; -- as distributed tables that reference a reference table need it
SET LOCAL client_min_messages = error; -- functions that read the tables go to the nodes after them, which is warned of

DO $$
DECLARE
  wrong text;
BEGIN
  IF to_regclass('pg_dist_partition') IS NULL THEN
    RAISE EXCEPTION 'the database has no extension citus' USING ERRCODE = 'UB031', HINT = 'CREATE EXTENSION citus on each node, and citus_add_node for each worker.';
  ELSIF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'public.goals'::regclass) THEN
    RAISE EXCEPTION 'the tables are distributed already, by other means' USING ERRCODE = 'UB032', HINT = 'undistribute_table() for each of them.';
  ELSIF EXISTS (SELECT FROM pg_class WHERE oid IN ('public.goals'::regclass, 'public.tasks'::regclass) AND relkind <> 'r') THEN
    RAISE EXCEPTION 'the tables are partitioned' USING ERRCODE = 'UB032';
  END IF;
  SELECT string_agg(format('%s of %s', quote_ident(c.conname), c.conrelid::regclass), ', ' ORDER BY c.conrelid::regclass::text, c.conname) INTO wrong
  FROM pg_constraint c
  WHERE c.contype = 'f' AND c.confrelid IN ('public.users'::regclass, 'public.goals'::regclass, 'public.tasks'::regclass)
    AND NOT EXISTS (SELECT FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = c.conrelid AND (n.nspname = 'bizydb' OR r.oid IN ('public.goals'::regclass, 'public.tasks'::regclass)));
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'tables of the service''s own reference tables that are distributed: %', wrong
      USING ERRCODE = 'UB032', HINT = 'Drop the constraints. Afterwards distribute the tables by user_id, and add the constraints with the user_id in them.';
  ELSIF EXISTS (SELECT FROM pg_trigger WHERE tgfoid = 'bizydb.log_changes()'::regprocedure) THEN
    RAISE EXCEPTION 'changes are tracked, which is not possible on Citus' USING ERRCODE = 'UB032', HINT = 'SELECT bizydb.track_changes(false)';
  END IF;
END
$$;

-- Keys. A unique key of a distributed table has the user in it. Ids are unique by their user, then.
ALTER TABLE public.goals DROP CONSTRAINT fk_goals_parent_goal, DROP CONSTRAINT fk_goals_user;
ALTER TABLE public.tasks DROP CONSTRAINT fk_tasks_parent_goal, DROP CONSTRAINT fk_tasks_user;
ALTER TABLE bizydb.imports DROP CONSTRAINT fk_imports_user;
ALTER TABLE public.goals DROP CONSTRAINT goals_pkey, ADD CONSTRAINT goals_pkey PRIMARY KEY (user_id, id);
ALTER TABLE public.tasks DROP CONSTRAINT tasks_pkey, ADD CONSTRAINT tasks_pkey PRIMARY KEY (user_id, id);
ALTER TABLE bizydb.imports DROP CONSTRAINT imports_pkey, ADD CONSTRAINT imports_pkey PRIMARY KEY (user_id, id);
ALTER TABLE bizydb.deleted_goals DROP CONSTRAINT deleted_goals_pkey, ADD CONSTRAINT deleted_goals_pkey PRIMARY KEY (user_id, id);
ALTER TABLE bizydb.deleted_tasks DROP CONSTRAINT deleted_tasks_pkey, ADD CONSTRAINT deleted_tasks_pkey PRIMARY KEY (user_id, id);

-- Policies of shards have no sub-selects. On a node nothing but the user's shards is planned for, whoever the user is. A node knows the user
-- by SET LOCAL only: with set_config, as elsewhere, everything would be empty there without an error.
CREATE FUNCTION bizydb.scope_user() RETURNS bigint
  LANGUAGE plpgsql STABLE PARALLEL SAFE
  AS $$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  IF me IS NULL THEN
    RAISE EXCEPTION 'this node has not been told the user' USING ERRCODE = 'UB033',
      HINT = 'Call bizydb.enter() first, in a transaction block. A service that was started before schema.Distribute has to be restarted.';
  END IF;
  RETURN me;
END
$$;

COMMENT ON FUNCTION bizydb.scope_user() IS 'bizydb.current_user_id(), or SQLSTATE UB033 without one.';

REVOKE ALL ON FUNCTION bizydb.scope_user() FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.scope_user() TO bizydb_user;

ALTER POLICY users_self ON public.users USING (id = bizydb.scope_user() AND is_active) WITH CHECK (id = bizydb.scope_user() AND is_active);
ALTER POLICY goals_owner ON public.goals USING (user_id = bizydb.scope_user()) WITH CHECK (user_id = bizydb.scope_user());
ALTER POLICY tasks_owner ON public.tasks USING (user_id = bizydb.scope_user()) WITH CHECK (user_id = bizydb.scope_user());
ALTER POLICY imports_owner ON bizydb.imports USING (user_id = bizydb.scope_user()) WITH CHECK (user_id = bizydb.scope_user());
ALTER POLICY changes_owner ON bizydb.changes USING (user_id = bizydb.scope_user());
ALTER POLICY deleted_goals_owner ON bizydb.deleted_goals USING (user_id = bizydb.scope_user()) WITH CHECK (user_id = bizydb.scope_user());
ALTER POLICY deleted_tasks_owner ON bizydb.deleted_tasks USING (user_id = bizydb.scope_user()) WITH CHECK (user_id = bizydb.scope_user());
ALTER POLICY deleted_links_owner ON bizydb.deleted_links USING (user_id = bizydb.scope_user()) WITH CHECK (user_id = bizydb.scope_user());

-- Rights. The coordinator fills defaults in, so that a shard is given all columns; nodes connect to each other as the current role, and
-- pg_hba.conf is what lets these roles log in from the nodes only.
GRANT INSERT ON public.goals, public.tasks, bizydb.imports TO bizydb_user;
ALTER ROLE bizydb_user LOGIN;
ALTER ROLE bizydb_accounts LOGIN;
ALTER ROLE bizydb_reporter LOGIN;

-- Triggers that work on all users' rows.
DROP TRIGGER users_forget ON public.users;
DROP TRIGGER users_forget_id ON public.users;
DROP TRIGGER tasks_roll_up_truncate ON public.tasks;
DROP TRIGGER goals_forget_truncate ON public.goals;
DROP TRIGGER tasks_forget_truncate ON public.tasks;
DROP TRIGGER deleted_goals_forget_links_truncate ON bizydb.deleted_goals;
DROP TRIGGER deleted_tasks_forget_links_truncate ON bizydb.deleted_tasks;

-- Statements of several users' rows: one for each user, since a statement on shards compares user_id with one value. The texts are completed
-- below.
CREATE OR REPLACE FUNCTION bizydb.forget_dependencies() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off -- by key, statistics or not
  AS $$
DECLARE
  owner      bigint;
  deleted    bigint[];
  many       boolean; -- owners
  dependents bigint[];
BEGIN
  FOR owner, deleted, many IN SELECT o.user_id, array_agg(o.id), count(*) OVER () > 1000 FROM old_rows o GROUP BY o.user_id ORDER BY o.user_id LOOP
    IF many THEN -- the server may not have room for so many locks
      LOCK TABLE public.tasks IN SHARE ROW EXCLUSIVE MODE;
    ELSE
      PERFORM bizydb.lock_user(owner);
    END IF;
    CONTINUE WHEN NOT EXISTS (SELECT FROM public.tasks t WHERE t.user_id = owner AND jsonb_array_length(t.dependencies) > 0);

    dependents := ARRAY(
      SELECT DISTINCT t.id FROM unnest(deleted) AS d (id)
      CROSS JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE t.dependencies @> to_jsonb(d.id) AND t.dependencies <> '[]' AND bizydb.same_user(t.user_id, owner) OFFSET 0) AS t
    );
    UPDATE public.tasks t SET dependencies = coalesce((
      SELECT jsonb_agg(d.id ORDER BY d.place) FROM jsonb_array_elements(t.dependencies) WITH ORDINALITY AS d (id, place)
      WHERE d.id::bigint <> ALL (deleted)
    ), '[]')
    WHERE t.user_id = owner AND t.id = ANY (dependents);
  END LOOP;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION bizydb.forget_links() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off
  AS $$
DECLARE
  goals CONSTANT boolean := TG_TABLE_NAME LIKE 'deleted\_goals%'; -- a shard's name ends with its number
  owner bigint;
  ids   bigint[]; -- of the owner's
BEGIN
  FOR owner, ids IN SELECT o.user_id, array_agg(o.id) FROM old_rows o GROUP BY o.user_id ORDER BY o.user_id LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM bizydb.deleted_links d WHERE d.user_id = owner);
    DELETE FROM bizydb.deleted_links d WHERE bizydb.same_user(d.user_id, owner) AND d.ctid = ANY (ARRAY(
      SELECT l.ctid FROM unnest(ids) AS o (id)
      CROSS JOIN LATERAL (
        SELECT d.ctid, d.* FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.lower = o.id AND (d.kind = 'goal') = goals
        UNION ALL
        SELECT d.ctid, d.* FROM bizydb.deleted_links d WHERE bizydb.same_user(d.user_id, owner) AND d.upper = o.id AND (d.kind <> 'dependency') = goals
        OFFSET 0
      ) AS l
      WHERE NOT CASE WHEN l.kind = 'goal' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = l.lower)
          ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = l.lower) END
        AND NOT CASE WHEN l.kind <> 'dependency' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = l.upper)
          ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = l.upper) END
    ));
  END LOOP;
  RETURN NULL;
END
$$;

-- Functions, as far as their texts do not do on shards: a text names its user without a sub-select, is planned for its values, and is in
-- plpgsql if it reads a distributed table. A setting goes to the other nodes only as SET LOCAL. An error loses its constraint on the way,
-- and keeps its hint. Functions are changed by their texts, so the lists say which are: one that is missed would work for nobody, or on all
-- shards.
DO $$
DECLARE
  f        record;
  text     text;
  me       CONSTANT text := '(SELECT bizydb.current_user_id())';
  changed  text[] := '{}';
  expected CONSTANT text[] := ARRAY[
    'add_work', 'check_dependencies', 'check_parent_goal', 'closed_goals', 'date_imported_goals', 'dependent_tasks',
    'forget_dependencies', 'forget_links', 'goal_now', 'is_waiting', 'keep_deleted_goal', 'link_again',
    'missing_links', 'needed_tasks', 'put_back', 'recount', 'refuse_goal_version', 'refuse_task_version', 'restore', 'restore_goal', 'restore_task',
    'restoring', 'roll_up', 'roll_up_user', 'tagged_tasks', 'task_now'
  ];
BEGIN
  FOR f IN
    SELECT p.proname AS name, l.lanname AS language, p.prosrc AS source, p.proretset AS several, p.prorettype, pg_get_functiondef(p.oid) AS definition
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'bizydb'::regnamespace AND p.prokind = 'f' AND p.prosqlbody IS NULL AND p.proname NOT IN ('confine', 'delete_user', 'keep_deleted_tasks', 'log_changes', 'scope_user', 'sweep_links') -- changed elsewhere, or not called on Citus
    ORDER BY p.proname COLLATE "C"
  LOOP
    text := f.source;
    IF f.language = 'sql' AND text ~ '(public\.(goals|tasks)|bizydb\.deleted_)' THEN
      text := CASE
        WHEN f.prorettype = 'void'::regtype THEN format(E'\nBEGIN\n%s;\nEND\n', text)
        WHEN f.several THEN format(E'\nBEGIN\n  RETURN QUERY%s;\nEND\n', text)
        ELSE format(E'\nBEGIN\n  RETURN (%s);\nEND\n', text) END;
    END IF;
    IF f.name = 'add_work' THEN
      text := regexp_replace(text, '\mBEGIN\n', $add$BEGIN
  IF cardinality(owners) > 1 THEN
    FOREACH owner IN ARRAY owners LOOP
      PERFORM bizydb.add_work(ARRAY(SELECT w FROM unnest(work) AS w WHERE w.user_id = owner), ARRAY[owner], reopened);
    END LOOP;
    RETURN;
  END IF;
$add$);
      text := regexp_replace(text, '\mg\.user_id, [wac]\.user_id\)', 'g.user_id, owner)', 'g'); -- of same_user
      text := regexp_replace(text, '\mg\.user_id = [wac]\.user_id', 'g.user_id = owner', 'g');
    ELSIF f.name = 'put_back' THEN
      text := replace(text, 'c.conname = broken', 'c.conname IN (broken, regexp_replace(broken, ''_\d+$'', ''''))'); -- of a shard
    ELSIF f.name = 'keep_deleted_goal' THEN
      text := replace(text, 'bizydb.deleted_goals d WHERE d.id = OLD.id', 'bizydb.deleted_goals d WHERE d.user_id = OLD.user_id AND d.id = OLD.id');
    END IF;
    text := regexp_replace(text, 'bizydb\.same_user\(([^(),]+), ((?:\(SELECT bizydb\.current_user_id\(\)\)|[^(),]+))\)', '\1 = \2', 'g');
    text := regexp_replace(text, '\((\w+\.user_id = (?:\(SELECT bizydb\.current_user_id\(\)\)|[^()]+))\) IS TRUE', '\1', 'g');
    IF strpos(text, me) > 0 THEN
      text := replace(text, me, 'me');
      text := CASE WHEN text ~ '^\s*DECLARE\s' THEN regexp_replace(text, '^\s*DECLARE\s', E'\nDECLARE\n  me CONSTANT bigint := bizydb.current_user_id();\n')
        ELSE E'\nDECLARE\n  me CONSTANT bigint := bizydb.current_user_id();' || text END;
    END IF;
    text := replace(text, ' CYCLE id SET again USING path', ''); -- which Citus does not write again as it read it
    text := regexp_replace(text, 'PERFORM set_config\((''bizydb\.\w+''), (''\w*''), true\)', 'EXECUTE format(''SET LOCAL %s = %L'', \1, \2)', 'g');
    text := regexp_replace(text, 'CONSTRAINT = ''(\w+)''', '\&, HINT = ''constraint "\1"''', 'g');
    CONTINUE WHEN text = f.source AND f.definition !~ 'force_generic_plan';
    EXECUTE replace(replace(replace(replace(f.definition,
      f.source, text),
      ' LANGUAGE sql', ' LANGUAGE plpgsql'),
      ' SET plan_cache_mode TO ''force_generic_plan''', ''),
      'AS $function$', 'SET citus.allow_nested_distributed_execution TO ''on'' AS $function$');
    changed := changed || f.name::text;
  END LOOP;
  IF changed <> expected THEN
    RAISE EXCEPTION 'functions are not as they were: % would be changed too, and % not', ARRAY(SELECT unnest(changed) EXCEPT SELECT unnest(expected)), ARRAY(SELECT unnest(expected) EXCEPT SELECT unnest(changed));
  END IF;
END
$$;

-- A service's own tables. A policy that looks a row of another table up cannot be distributed. Citus makes another kind of table of one that
-- references users, and does not change the column by which a table is distributed: so confine comes after it, and the default before.
DO $$
DECLARE
  text text := pg_get_functiondef('bizydb.confine(regclass, name)'::regprocedure);
BEGIN
  text := replace(text, '''(SELECT bizydb.current_user_id())''', '''bizydb.scope_user()''');
  text := regexp_replace(text, '\mBEGIN\M', $if$BEGIN
  IF via IS NOT NULL THEN
    RAISE EXCEPTION 'bizydb.confine: on Citus % needs a user_id of its own', target USING ERRCODE = 'feature_not_supported', HINT = 'Call it without via.';
  ELSIF to_regclass('pg_dist_partition') IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = target) THEN
      RAISE EXCEPTION 'bizydb.confine: % is not distributed', target USING ERRCODE = 'object_not_in_prerequisite_state',
        HINT = format('ALTER TABLE %1$s ALTER COLUMN user_id SET NOT NULL, ALTER COLUMN user_id SET DEFAULT bizydb.current_user_id(); SELECT create_distributed_table(%1$L, ''user_id'', colocate_with := ''public.tasks'')', target);
    END IF;
  END IF;$if$);
  text := replace(text, 'EXECUTE format(''ALTER TABLE %s ALTER COLUMN user_id SET DEFAULT bizydb.current_user_id()'', target);',
    'IF NOT EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = target AND d.adnum = key.number AND pg_get_expr(d.adbin, d.adrelid) = ''bizydb.current_user_id()'') THEN
      EXECUTE format(''ALTER TABLE %s ALTER COLUMN user_id SET DEFAULT bizydb.current_user_id()'', target);
    END IF;');
  text := replace(text, '''GRANT SELECT, DELETE ON %s TO bizydb_user''', '''GRANT SELECT, INSERT, DELETE ON %s TO bizydb_user'''); -- as for goals and tasks
  IF NOT text LIKE ALL (ARRAY['%bizydb.scope_user()%', '%on Citus%', '%IF NOT EXISTS (SELECT FROM pg_attrdef d%', '%SELECT, INSERT, DELETE%']) OR text LIKE '%(SELECT bizydb.current_user_id())%' THEN
    RAISE EXCEPTION 'function bizydb.confine is not as it was';
  END IF;
  EXECUTE replace(text, 'AS $function$', 'SET citus.multi_shard_modify_mode TO ''sequential'' AS $function$'); -- as above
END
$$;

-- With the rights of its caller, as the session that has written the user's rows is the only one that may read them. The index of tags is not
-- used.
ALTER FUNCTION bizydb.tagged_tasks(jsonb, jsonb) SECURITY INVOKER RESET row_security;

-- In a CASE Citus takes nothing else. They are given a row.
ALTER FUNCTION bizydb.refuse_goal_version(bigint, bigint, bigint) IMMUTABLE;
ALTER FUNCTION bizydb.refuse_task_version(bigint, bigint, bigint) IMMUTABLE;

-- One statement does not change two tables.
CREATE FUNCTION bizydb.forget_own(before timestamptz, OUT goals bigint, OUT tasks bigint)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  DELETE FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.deleted_at < before;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.deleted_at < before;
  GET DIAGNOSTICS tasks = ROW_COUNT;
END
$$;

COMMENT ON FUNCTION bizydb.forget_own(timestamptz) IS 'Removes goals and tasks that the scope''s user deleted before a time, and counts them.';

REVOKE ALL ON FUNCTION bizydb.forget_own(timestamptz) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.forget_own(timestamptz) TO bizydb_user;

-- The unlinking that ON DELETE SET NULL does elsewhere, which is not for a key with the user in it. By its name it fires before the
-- triggers of foreign keys, which are called RI_ConstraintTrigger.
CREATE FUNCTION bizydb.unlink_goal() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  UPDATE public.tasks t SET parent_goal_id = NULL WHERE t.user_id = OLD.user_id AND t.parent_goal_id = OLD.id;
  UPDATE public.goals g SET parent_goal_id = NULL WHERE g.user_id = OLD.user_id AND g.parent_goal_id = OLD.id;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.unlink_goal() IS 'Trigger: what was under a deleted goal is under none.';

REVOKE ALL ON FUNCTION bizydb.unlink_goal() FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

CREATE TRIGGER "A_goals_unlink" AFTER DELETE ON public.goals FOR EACH ROW EXECUTE FUNCTION bizydb.unlink_goal();

-- Each node has a copy of users, and a clock. The time is the coordinator's.
CREATE FUNCTION bizydb.statement_time() RETURNS timestamptz
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF coalesce(current_setting('bizydb.now', true), '') = '' THEN
    RAISE EXCEPTION 'the copies of users on the nodes would differ' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'SELECT bizydb.set_time(), first in the transaction.';
  END IF;
  RETURN current_setting('bizydb.now')::timestamptz;
END
$$;

COMMENT ON FUNCTION bizydb.statement_time() IS 'The time of bizydb.set_time(), which is the same on all nodes.';

CREATE OR REPLACE FUNCTION bizydb.date_password() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF NEW.password_changed_at IS NULL THEN
    NEW.password_changed_at := OLD.password_changed_at;
  ELSE
    NEW.password_changed_at := greatest(OLD.password_changed_at + interval '1 microsecond', bizydb.statement_time());
  END IF;
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION bizydb.derive_user() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  NEW.updated_at := greatest(bizydb.statement_time(), OLD.updated_at + interval '1 microsecond');
  RETURN NEW;
END
$$;

-- What the library calls first in each transaction, which has to be a block: settings go to the other nodes in a block only. With the
-- rights of its caller, and after the role is taken with those of the role.
--
-- Values are sent to a node as texts of this session's style, and read there by the node's. With a generic plan a function is not called there.
CREATE FUNCTION bizydb.set_time() RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  IF pg_catalog.current_setting('datestyle') NOT LIKE 'ISO%' OR pg_catalog.current_setting('intervalstyle') = 'sql_standard'
    OR pg_catalog.current_setting('extra_float_digits')::pg_catalog.int4 < 1 OR pg_catalog.current_setting('plan_cache_mode') = 'force_generic_plan'
    OR pg_catalog.current_setting('citus.enable_local_execution', true) = 'off' THEN
    RAISE EXCEPTION 'with the settings of this session nodes would read other values, or not what it has written' USING ERRCODE = 'UB033',
      DETAIL = pg_catalog.format('datestyle %s, intervalstyle %s, extra_float_digits %s, plan_cache_mode %s, citus.enable_local_execution %s', pg_catalog.current_setting('datestyle'),
        pg_catalog.current_setting('intervalstyle'), pg_catalog.current_setting('extra_float_digits'), pg_catalog.current_setting('plan_cache_mode'),
        pg_catalog.current_setting('citus.enable_local_execution', true)),
      HINT = 'SET datestyle = ''ISO''; SET intervalstyle = ''postgres''; SET extra_float_digits = 1; SET plan_cache_mode = ''auto''; SET citus.enable_local_execution = on';
  END IF;
  PERFORM pg_catalog.set_config('citus.propagate_set_commands', 'local', true);
  EXECUTE pg_catalog.format('SET LOCAL bizydb.now = %L', pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')); -- whatever the DateStyle
END
$$;

COMMENT ON FUNCTION bizydb.set_time() IS 'Sets the time of changes of accounts, for the transaction.';

CREATE FUNCTION bizydb.enter(owner bigint) RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM bizydb.set_time();
  EXECUTE pg_catalog.format('SET LOCAL bizydb.user_id = %L', owner);
  PERFORM pg_catalog.set_config('role', 'bizydb_user', true);
  PERFORM FROM bizydb.require_user();
END
$$;

COMMENT ON FUNCTION bizydb.enter(bigint) IS 'Confines the transaction to a user. Raises UB001 unless the user exists and is active.';

-- In a transaction of the service's own, settings are restored after each query.
CREATE FUNCTION bizydb.note_caller() RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM pg_catalog.set_config('bizydb.caller_user_id', coalesce(pg_catalog.current_setting('bizydb.user_id', true), ''), true),
    pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true),
    pg_catalog.set_config('bizydb.caller_now', coalesce(pg_catalog.current_setting('bizydb.now', true), ''), true),
    pg_catalog.set_config('bizydb.caller_propagates', coalesce(pg_catalog.current_setting('citus.propagate_set_commands', true), 'none'), true);
END
$$;

COMMENT ON FUNCTION bizydb.note_caller() IS 'Keeps what bizydb.leave() restores.';

CREATE FUNCTION bizydb.visit(owner bigint) RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM bizydb.note_caller();
  PERFORM bizydb.enter(owner);
END
$$;

COMMENT ON FUNCTION bizydb.visit(bigint) IS 'As bizydb.enter(), until bizydb.leave().';

CREATE FUNCTION bizydb.visit_accounts() RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM bizydb.note_caller();
  PERFORM bizydb.set_time();
  PERFORM pg_catalog.set_config('role', 'bizydb_accounts', true);
END
$$;

COMMENT ON FUNCTION bizydb.visit_accounts() IS 'Takes the role of accounts, until bizydb.leave().';

CREATE FUNCTION bizydb.leave() RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true);
  EXECUTE pg_catalog.format('SET LOCAL bizydb.user_id = %L', pg_catalog.current_setting('bizydb.caller_user_id'));
  EXECUTE pg_catalog.format('SET LOCAL bizydb.now = %L', pg_catalog.current_setting('bizydb.caller_now'));
  PERFORM pg_catalog.set_config('citus.propagate_set_commands', pg_catalog.current_setting('bizydb.caller_propagates'), true);
END
$$;

COMMENT ON FUNCTION bizydb.leave() IS 'Undoes bizydb.visit() and bizydb.visit_accounts().';

CREATE OR REPLACE FUNCTION bizydb.require_user() RETURNS SETOF bigint
  LANGUAGE plpgsql STABLE
  AS $$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  IF coalesce(pg_catalog.current_setting('bizydb.now', true), '') OPERATOR(pg_catalog.=) '' THEN -- the coordinator knows the user, and no other node does
    RAISE EXCEPTION 'the other nodes have not been told the user' USING ERRCODE = 'UB033',
      HINT = 'A service that was started before schema.Distribute has to be restarted.';
  END IF;
  IF NOT EXISTS (SELECT FROM public.users u WHERE u.id OPERATOR(pg_catalog.=) me AND u.is_active) THEN
    PERFORM bizydb.no_such_user();
  END IF;
END
$$;

-- On the node of the user's shards, where the triggers take the same lock.
CREATE FUNCTION bizydb.lock_user_there(owner bigint) RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM bizydb.lock_user(owner);
END
$$;

COMMENT ON FUNCTION bizydb.lock_user_there(bigint) IS 'bizydb.lock_user() on the node of the user''s rows.';

REVOKE ALL ON FUNCTION bizydb.statement_time(), bizydb.set_time(), bizydb.enter(bigint), bizydb.note_caller(), bizydb.visit(bigint), bizydb.visit_accounts(), bizydb.leave(),
  bizydb.lock_user_there(bigint)
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
-- A service's login calls them before it has a role. They have the rights of their caller, and so they let nobody do what he could not do by
-- settings.
GRANT EXECUTE ON FUNCTION bizydb.set_time(), bizydb.enter(bigint), bizydb.note_caller(), bizydb.visit(bigint), bizydb.visit_accounts(), bizydb.leave() TO PUBLIC;
GRANT EXECUTE ON FUNCTION bizydb.statement_time() TO bizydb_user, bizydb_accounts;
GRANT EXECUTE ON FUNCTION bizydb.lock_user_there(bigint) TO bizydb_user;

-- One statement cannot change distributed tables and a reference table.
CREATE OR REPLACE FUNCTION bizydb.delete_user(id bigint, OUT goals bigint, OUT tasks bigint) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  PERFORM FROM bizydb.lock_user_there(delete_user.id); -- on the node, which a call that is not in FROM does not go to
  PERFORM FROM public.users u WHERE u.id = delete_user.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  EXECUTE format('SET LOCAL bizydb.deletes_user = %L', delete_user.id);
  DELETE FROM public.tasks t WHERE t.user_id = delete_user.id;
  GET DIAGNOSTICS tasks = ROW_COUNT;
  DELETE FROM public.goals g WHERE g.user_id = delete_user.id;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM public.users u WHERE u.id = delete_user.id;
  EXECUTE format('SET LOCAL bizydb.deletes_user = %L', '');
  RETURN NEXT;
END
$$;

-- All there are: a statement on all shards takes no limit. What is left of links is nobody's.
CREATE OR REPLACE FUNCTION bizydb.forget_deleted(before timestamptz, most integer DEFAULT NULL, OUT goals bigint, OUT tasks bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  DELETE FROM bizydb.deleted_goals d WHERE d.deleted_at < before;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM bizydb.deleted_tasks d WHERE d.deleted_at < before;
  GET DIAGNOSTICS tasks = ROW_COUNT;
END
$$;

-- A function with the owner's rights that is called on the coordinator would work in another session of the user's node than the one that
-- has the lock. On the node there is one.
CREATE FUNCTION bizydb.date_goals_there(owner bigint, goals bigint[], times timestamptz[]) RETURNS void
  LANGUAGE plpgsql
  AS $$
BEGIN
  PERFORM bizydb.date_imported_goals(goals, times);
END
$$;

COMMENT ON FUNCTION bizydb.date_goals_there(bigint, bigint[], timestamptz[]) IS 'bizydb.date_imported_goals() on the node of the user''s rows.';

REVOKE ALL ON FUNCTION bizydb.date_goals_there(bigint, bigint[], timestamptz[]) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.date_goals_there(bigint, bigint[], timestamptz[]) TO bizydb_user;

CREATE FUNCTION bizydb.roll_up_there(owner bigint, goal bigint) RETURNS TABLE (goal_id bigint, title text, old_percentage double precision, new_percentage double precision)
  LANGUAGE plpgsql
  AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT g.id, g.title::text, c.old_percentage::float8, c.new_percentage::float8
    FROM bizydb.roll_up((SELECT o.id FROM public.goals o WHERE o.user_id = owner AND o.id = goal)) AS c (goal_id, old_percentage, new_percentage)
    JOIN public.goals g ON g.user_id = owner AND g.id = c.goal_id
    ORDER BY g.id;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_there(bigint, bigint) IS 'bizydb.roll_up() on the node of the user''s rows.';

CREATE FUNCTION bizydb.roll_up_all_there(owner bigint) RETURNS TABLE (goal_id bigint, title text, old_percentage double precision, new_percentage double precision)
  LANGUAGE plpgsql
  AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT g.id, g.title::text, c.old_percentage::float8, c.new_percentage::float8
    FROM bizydb.roll_up_all() AS c (goal_id, old_percentage, new_percentage) JOIN public.goals g ON g.user_id = owner AND g.id = c.goal_id
    ORDER BY g.id;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_all_there(bigint) IS 'bizydb.roll_up_all() on the node of the user''s rows.';

REVOKE ALL ON FUNCTION bizydb.roll_up_there(bigint, bigint), bizydb.roll_up_all_there(bigint) FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.roll_up_there(bigint, bigint), bizydb.roll_up_all_there(bigint) TO bizydb_user;

CREATE OR REPLACE FUNCTION bizydb.track_changes(enabled boolean DEFAULT true) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF enabled THEN
    RAISE EXCEPTION 'changes are not tracked on Citus: nodes have no numbers in common' USING ERRCODE = 'feature_not_supported';
  END IF;
END
$$;

-- Row by row: a statement reads shards or the rows of a trigger, and not both.
CREATE OR REPLACE FUNCTION bizydb.keep_deleted_tasks() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off
  AS $$
DECLARE
  owner    bigint;
  deleted  bigint[];
  kept     boolean;
  o        public.tasks;
  own      jsonb := '{}';
  owns     CONSTANT boolean := EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = 'public.tasks'::regclass AND a.attname LIKE 'x\_%' AND NOT a.attisdropped);
  settings jsonb;
BEGIN
  FOR owner, deleted IN SELECT r.user_id, array_agg(r.id) FROM old_rows r GROUP BY r.user_id ORDER BY r.user_id LOOP
    kept := (SELECT true FROM public.users u WHERE u.id = owner);
    CONTINUE WHEN kept IS NULL OR current_setting('bizydb.deletes_user', true) = owner::text;
    DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = ANY (deleted);
    CONTINUE WHEN NOT bizydb.keeps_deleted();
    FOR o IN SELECT r.* FROM old_rows r WHERE r.user_id = owner LOOP
      IF owns THEN
        settings := bizydb.use_settings();
        EXECUTE 'SELECT ' || bizydb.own_values('public.tasks', '($1)') INTO own USING o;
        PERFORM bizydb.use_settings(settings);
      END IF;
      INSERT INTO bizydb.deleted_tasks (
        id, user_id, parent_goal_id, title, description, priority, status, blocked_reason, blocked_in_progress, category, estimated_hours, actual_hours, due_date, due_all_day,
        created_at, updated_at, version, completed_at, dependencies, notes, tags, own
      ) VALUES (
        o.id, owner, o.parent_goal_id, o.title, o.description, o.priority, o.status, o.blocked_reason, o.blocked_in_progress, o.category, o.estimated_hours, o.actual_hours, o.due_date, o.due_all_day,
        o.created_at, o.updated_at, o.version, o.completed_at, o.dependencies, o.notes, o.tags, own
      );
    END LOOP;
    IF EXISTS (SELECT FROM public.tasks t WHERE t.user_id = owner AND jsonb_array_length(t.dependencies) > 0) THEN
      INSERT INTO bizydb.deleted_links (user_id, kind, lower, upper, place)
      SELECT t.user_id, 'dependency', t.id, needed.id::bigint, needed.place FROM public.tasks t
      CROSS JOIN LATERAL jsonb_array_elements_text(t.dependencies) WITH ORDINALITY AS needed (id, place)
      WHERE t.user_id = owner AND jsonb_array_length(t.dependencies) > 0 AND needed.id::bigint = ANY (deleted)
      ON CONFLICT DO NOTHING;
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

-- Later migrations of bizydb cannot replace it, and fail: they are not for a distributed database.
DO $$
DECLARE
  version CONSTANT integer := bizydb.schema_version();
BEGIN
  CREATE DOMAIN bizydb.distributed_version AS integer;
  COMMENT ON DOMAIN bizydb.distributed_version IS 'The number of a migration.';
  DROP FUNCTION bizydb.schema_version();
  EXECUTE format('CREATE FUNCTION bizydb.schema_version() RETURNS bizydb.distributed_version LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %s', version);
  GRANT EXECUTE ON FUNCTION bizydb.schema_version() TO PUBLIC;
END
$$;

-- All functions on all nodes, those of a migration from before the nodes too. Those that depend on a table come after the tables, and so do those
-- that go where a row is.
CREATE TEMPORARY TABLE of_tables ON COMMIT DROP AS
SELECT DISTINCT p.oid FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid IN ('pg_class'::regclass, 'pg_type'::regclass)
JOIN pg_class c ON d.refobjid IN (c.oid, c.reltype) AND c.relkind IN ('r', 'v')
WHERE p.pronamespace = 'bizydb'::regnamespace AND p.prokind = 'f';
SELECT create_distributed_function(p.oid::regprocedure)
FROM pg_proc p WHERE p.pronamespace = 'bizydb'::regnamespace AND p.prokind = 'f' AND p.oid NOT IN (SELECT oid FROM of_tables) AND p.proname !~ '_there$';

SELECT create_reference_table('public.users'), create_reference_table('bizydb.timelines');
SELECT create_distributed_table('public.goals', 'user_id');
SELECT create_distributed_table(t::regclass, 'user_id', colocate_with := 'public.goals')
FROM unnest(ARRAY['public.tasks', 'bizydb.imports', 'bizydb.deleted_goals', 'bizydb.deleted_tasks', 'bizydb.deleted_links', 'bizydb.changes']) AS t;

-- After that: an identity column cannot be distributed with references to others. Each by itself: other nodes are sent the text of the
-- statement, which would be this file.
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['goals', 'tasks', 'imports', 'deleted_goals', 'deleted_tasks', 'deleted_links'] LOOP
    EXECUTE format('ALTER TABLE %s.%I ADD CONSTRAINT %I FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE',
      CASE WHEN t IN ('goals', 'tasks') THEN 'public' ELSE 'bizydb' END, t, format('fk_%s_user', t));
  END LOOP;
  FOREACH t IN ARRAY ARRAY['goals', 'tasks'] LOOP
    EXECUTE format('ALTER TABLE public.%I ADD CONSTRAINT %I FOREIGN KEY (user_id, parent_goal_id) REFERENCES public.goals (user_id, id)', t, format('fk_%s_parent_goal', t));
  END LOOP;
END
$$;

-- Each call asks whether its user is active, and Citus plans that again each time, which takes longer than all the rest of bizydb.enter. So the
-- function looks into the node's own copy of users first, if Citus uses it: a node that was removed and is added again has an old one. Citus is
-- asked only about a user who is not active there.
DO $$
DECLARE
  shard CONSTANT bigint := (SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'public.users'::regclass);
  asks  CONSTANT text := '  IF NOT EXISTS (SELECT FROM public.users u';
  text  CONSTANT text := pg_get_functiondef('bizydb.require_user()'::regprocedure);
BEGIN
  IF strpos(text, asks) = 0 THEN
    RAISE EXCEPTION 'bizydb.require_user() is not as it was';
  ELSIF shard IS NULL AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN -- a test
    RETURN;
  END IF;
  EXECUTE replace(text, asks, format(
    $in$  IF EXISTS (
    SELECT FROM pg_catalog.pg_dist_placement p JOIN pg_catalog.pg_dist_local_group l ON l.groupid OPERATOR(pg_catalog.=) p.groupid
    WHERE p.shardid OPERATOR(pg_catalog.=) %1$s
  ) THEN
    IF EXISTS (SELECT FROM public.users_%1$s u WHERE u.id OPERATOR(pg_catalog.=) me AND u.is_active) THEN
      RETURN;
    END IF;
  END IF;
$in$, shard) || asks);
END
$$;

SELECT create_distributed_function(oid::regprocedure) FROM of_tables;
SELECT create_distributed_function(p.oid::regprocedure, 'owner', colocate_with := 'public.goals', force_delegation := true)
FROM pg_proc p WHERE p.pronamespace = 'bizydb'::regnamespace AND p.proname ~ '_there$';
