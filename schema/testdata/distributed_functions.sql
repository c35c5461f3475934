-- The functions that schema.Distribute makes or changes.

CREATE OR REPLACE FUNCTION bizydb.add_work(work bizydb.work[], owners bigint[], reopened bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  owner bigint;
  top   integer := 0; -- the greatest depth in work
BEGIN
  IF cardinality(owners) > 1 THEN
    FOREACH owner IN ARRAY owners LOOP
      PERFORM bizydb.add_work(ARRAY(SELECT w FROM unnest(work) AS w WHERE w.user_id = owner), ARRAY[owner], reopened);
    END LOOP;
    RETURN;
  END IF;
  IF cardinality(owners) <= 1000 THEN
    FOREACH owner IN ARRAY owners LOOP
      PERFORM bizydb.lock_user(owner);
    END LOOP;
  ELSE -- the server may not have room for so many
    LOCK TABLE public.goals IN SHARE ROW EXCLUSIVE MODE;
  END IF;

  -- Goals are looked up by key, one by one: "OFFSET 0" keeps the query planner from reading all of them, which it would where it
  -- does not know how many there are; "IS TRUE" as in bizydb.check_parent_goal.
  --
  -- What is under a cancelled goal counts no further up.
  IF reopened IS NOT NULL THEN
    WITH RECURSIVE above (user_id, id, parent_goal_id, status) AS (
      SELECT g.user_id, g.id, g.parent_goal_id, g.status FROM unnest(work) AS w
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = w.goal_id OFFSET 0) AS g
      WHERE w.goal_id = ANY (add_work.reopened)
      UNION
      SELECT g.user_id, g.id, g.parent_goal_id, g.status FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = a.parent_goal_id OFFSET 0) AS g
      WHERE a.status <> 'cancelled'
    )
    SELECT work || array_agg(ROW (a.user_id, a.id, 0, 0, 0, 0, 0, true)::bizydb.work) INTO work FROM above a WHERE a.status = 'completed';
  END IF;

  -- A goal above several others is written once, after all of them. Of one goal the depth does not matter.
  IF cardinality(work) > 1 THEN
    WITH RECURSIVE above (user_id, id, parent_goal_id) AS (
      SELECT g.user_id, g.id, g.parent_goal_id FROM unnest(work) AS w
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = w.goal_id OFFSET 0) AS g
      UNION
      SELECT g.user_id, g.id, g.parent_goal_id FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = a.parent_goal_id OFFSET 0) AS g
    ), deep (goal_id, depth) AS (
      SELECT a.id, 0 FROM above a WHERE a.parent_goal_id IS NULL
      UNION ALL
      SELECT a.id, d.depth + 1 FROM deep d JOIN above a ON a.parent_goal_id = d.goal_id
    ), merged AS (
      SELECT w.user_id, w.goal_id, d.depth, sum(w.tasks) AS tasks, sum(w.completed_tasks) AS completed_tasks, sum(w.sub_goals) AS sub_goals, sum(w.progress) AS progress, bool_or(w.reopened) AS reopened
      FROM unnest(work) AS w JOIN deep d USING (goal_id) GROUP BY w.user_id, w.goal_id, d.depth
    )
    SELECT array_agg(ROW (m.user_id, m.goal_id, m.depth, m.tasks, m.completed_tasks, m.sub_goals, m.progress, m.reopened)::bizydb.work), max(m.depth)
    INTO work, top
    FROM merged m;
  END IF;

  -- Each round goes one level up: what is at that level gives way to its parents, by what its percentage has changed, and
  -- joins what waits there. One UPDATE at the end, since a statement costs more than its rows.
  WITH RECURSIVE climb (user_id, goal_id, depth, level, tasks, completed_tasks, sub_goals, progress, reopened) AS (
    SELECT w.user_id, w.goal_id, w.depth, top, w.tasks, w.completed_tasks, w.sub_goals, w.progress, w.reopened FROM unnest(work) AS w
    UNION ALL
    SELECT u.user_id, u.goal_id, u.depth, u.level, sum(u.tasks)::integer, sum(u.completed_tasks)::integer, sum(u.sub_goals)::integer, sum(u.progress)::bigint, bool_or(u.reopened)
    FROM (
      SELECT
        c.user_id,
        CASE WHEN c.depth = c.level THEN g.parent_goal_id ELSE c.goal_id END AS goal_id,
        least(c.depth, c.level - 1) AS depth,
        c.level - 1 AS level,
        CASE WHEN c.depth = c.level THEN 0 ELSE c.tasks END AS tasks,
        CASE WHEN c.depth = c.level THEN 0 ELSE c.completed_tasks END AS completed_tasks,
        CASE WHEN c.depth = c.level THEN 0 ELSE c.sub_goals END AS sub_goals,
        CASE WHEN c.depth = c.level THEN coalesce(
            bizydb.work_done(g.task_count + c.tasks, g.completed_task_count + c.completed_tasks, g.sub_goal_count + c.sub_goals, g.sub_goal_progress + c.progress),
            CASE WHEN g.task_count > 0 OR g.sub_goal_count > 0 THEN 0 ELSE round(100 * g.progress_percentage)::bigint END
          ) - round(100 * g.progress_percentage)::bigint
          ELSE c.progress END AS progress,
        c.reopened AND c.depth < c.level AS reopened
      FROM climb c
      LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = c.goal_id AND c.depth = c.level OFFSET 0) AS g ON true
      WHERE c.depth < c.level OR g.parent_goal_id IS NOT NULL AND (g.status IN ('active', 'on_hold') OR c.reopened)
        AND c.level > -100000 -- never, but in a cycle, which is about to be refused
    ) AS u
    GROUP BY u.user_id, u.goal_id, u.depth, u.level
    HAVING (sum(u.tasks), sum(u.completed_tasks), sum(u.sub_goals), sum(u.progress)) <> (0, 0, 0, 0) OR bool_or(u.reopened)
  )
  UPDATE public.goals g SET
    task_count = g.task_count + c.tasks,
    completed_task_count = g.completed_task_count + c.completed_tasks,
    sub_goal_count = g.sub_goal_count + c.sub_goals,
    sub_goal_progress = g.sub_goal_progress + c.progress,
    status = CASE WHEN c.reopened THEN 'active' ELSE g.status END,
    roll_up_count = g.roll_up_count + 1
  FROM climb c
  WHERE g.user_id = owner AND g.id = c.goal_id AND c.depth = c.level AND ((c.tasks, c.completed_tasks, c.sub_goals, c.progress) <> (0, 0, 0, 0) OR c.reopened);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.check_dependencies()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  wanted  bigint[] := ARRAY(SELECT DISTINCT d.id::bigint FROM jsonb_array_elements_text(NEW.dependencies) AS d (id) ORDER BY 1);
  needed  bigint[];
  missing bigint;
BEGIN
  -- Of two changes that race, the second waits here and then sees the first: each query below takes a new snapshot.
  PERFORM bizydb.lock_user(NEW.user_id);
  IF TG_OP = 'UPDATE' AND (OLD.id, OLD.user_id) <> (NEW.id, NEW.user_id)
     AND EXISTS (SELECT FROM public.tasks t WHERE t.dependencies @> to_jsonb(OLD.id) AND t.dependencies <> '[]' AND t.user_id = OLD.user_id) THEN
    RAISE EXCEPTION 'tasks depend on task %', OLD.id
      USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'dependencies', CONSTRAINT = 'fk_tasks_dependencies', HINT = 'constraint "fk_tasks_dependencies"';
  END IF;

  -- Locked, so that none of them gets another id or user meanwhile. A new task cannot name itself: it would have guessed its id.
  missing := (SELECT min(w.id) FROM unnest(wanted) AS w (id)
  LEFT JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE t.user_id = NEW.user_id AND t.id = w.id FOR SHARE OFFSET 0) AS t ON true
  WHERE t.id IS NULL OR TG_OP = 'INSERT' AND t.id = NEW.id);
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'task % cannot depend on task %, which is not there', NEW.id, missing
      USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'dependencies', CONSTRAINT = 'fk_tasks_dependencies', HINT = 'constraint "fk_tasks_dependencies"';
  END IF;

  -- What nothing depends on is in no circle. At another isolation level than this the snapshot is older than the lock, and
  -- does not say: there, to lock a row that has changed meanwhile is a serialization failure.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    needed := (SELECT bizydb.needed_tasks(NEW.dependencies, NEW.user_id));
    PERFORM FROM unnest(needed) AS n (id)
    CROSS JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE t.user_id = NEW.user_id AND t.id = n.id FOR SHARE OFFSET 0) AS t;
  ELSIF EXISTS (SELECT FROM public.tasks t WHERE t.dependencies @> to_jsonb(NEW.id) AND t.dependencies <> '[]' AND t.user_id = NEW.user_id) THEN
    needed := (SELECT bizydb.needed_tasks(NEW.dependencies, NEW.user_id));
  END IF;
  IF NEW.id = ANY (needed) THEN
    RAISE EXCEPTION 'task % cannot depend on itself', NEW.id
      USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'dependencies', CONSTRAINT = 'ck_tasks_no_dependency_cycle', HINT = 'constraint "ck_tasks_no_dependency_cycle"';
  END IF;
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.check_parent_goal()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  max_depth   CONSTANT integer := 100; -- levels of goals
  ancestors   bigint[];
  descendants bigint[]; -- and the goal itself
  levels      integer := 1; -- from this goal down
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.user_id, OLD.id, OLD.parent_goal_id) IS NOT DISTINCT FROM (NEW.user_id, NEW.id, NEW.parent_goal_id) THEN
    RETURN NULL;
  END IF;
  -- Of two moves that race, the second waits here and then sees the first: each query below takes a new snapshot.
  PERFORM bizydb.lock_user(NEW.user_id);
  ancestors := ARRAY(
    WITH RECURSIVE above (id, parent_goal_id) AS (
      SELECT g.id, g.parent_goal_id FROM public.goals g WHERE g.user_id = NEW.user_id AND g.id = NEW.parent_goal_id
      UNION
      SELECT g.id, g.parent_goal_id FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = NEW.user_id AND g.id = a.parent_goal_id OFFSET 0) AS g
    )
    SELECT a.id FROM above a LIMIT max_depth -- which ends the walk
  );

  IF NEW.id = ANY (ancestors) THEN
    IF TG_OP = 'INSERT' AND NEW.parent_goal_id = NEW.id THEN -- a row cannot name itself: it would have guessed its id
      RAISE EXCEPTION 'goal % cannot be under goal %, which is not there', NEW.id, NEW.id
        USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'parent_goal_id', CONSTRAINT = 'fk_goals_parent_goal', HINT = 'constraint "fk_goals_parent_goal"';
    END IF;
    RAISE EXCEPTION 'goal % cannot be its own ancestor', NEW.id
      USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'parent_goal_id', CONSTRAINT = 'ck_goals_no_cycle', HINT = 'constraint "ck_goals_no_cycle"';
  END IF;
  IF TG_OP = 'UPDATE' THEN -- what is under a new goal is new too, and checked by itself
    WITH RECURSIVE below (id, level) AS (
      SELECT NEW.id, 1
      UNION ALL
      SELECT g.id, b.level + 1 FROM below b
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = NEW.user_id AND g.parent_goal_id = b.id OFFSET 0) AS g
      WHERE b.level + cardinality(ancestors) <= max_depth
    )
    SELECT array_agg(b.id), max(b.level) INTO descendants, levels FROM below b;
  END IF;
  IF cardinality(ancestors) + levels > max_depth THEN
    RAISE EXCEPTION 'with goal % under goal % there would be more than % levels of goals', NEW.id, NEW.parent_goal_id, max_depth
      USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'parent_goal_id', CONSTRAINT = 'ck_goals_depth', HINT = 'constraint "ck_goals_depth"';
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    -- Here the snapshot is older than the lock. To lock a row that has changed meanwhile is a serialization failure.
    PERFORM FROM public.goals g WHERE g.user_id = NEW.user_id AND g.id = ANY (ancestors || descendants) FOR SHARE;
  END IF;
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.closed_goals()
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE COST 1
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE closed (id, sub_goals) AS (
      SELECT g.id, g.sub_goal_count FROM public.goals g WHERE g.user_id = me AND g.status IN ('completed', 'cancelled')
      UNION
      SELECT g.id, g.sub_goal_count FROM closed c
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = me AND g.parent_goal_id = c.id OFFSET 0) AS g
      WHERE c.sub_goals > 0 -- not counting cancelled ones, which are among the first already
    )
    SELECT c.id FROM closed c
  );
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.confine(target regclass, via name DEFAULT NULL::name)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.multi_shard_modify_mode" TO 'sequential'
AS $function$
DECLARE
  mine      CONSTANT text := 'bizydb.scope_user()';
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
  IF via IS NOT NULL THEN
    RAISE EXCEPTION 'bizydb.confine: on Citus % needs a user_id of its own', target USING ERRCODE = 'feature_not_supported', HINT = 'Call it without via.';
  ELSIF to_regclass('pg_dist_partition') IS NOT NULL THEN
    IF NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = target) THEN
      RAISE EXCEPTION 'bizydb.confine: % is not distributed', target USING ERRCODE = 'object_not_in_prerequisite_state',
        HINT = format('ALTER TABLE %1$s ALTER COLUMN user_id SET NOT NULL, ALTER COLUMN user_id SET DEFAULT bizydb.current_user_id(); SELECT create_distributed_table(%1$L, ''user_id'', colocate_with := ''public.tasks'')', target);
    END IF;
  END IF;
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
    IF NOT EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = target AND d.adnum = key.number AND pg_get_expr(d.adbin, d.adrelid) = 'bizydb.current_user_id()') THEN
      EXECUTE format('ALTER TABLE %s ALTER COLUMN user_id SET DEFAULT bizydb.current_user_id()', target);
    END IF;
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
  EXECUTE format('GRANT SELECT, INSERT, DELETE ON %s TO bizydb_user', target);
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
$function$;

CREATE OR REPLACE FUNCTION bizydb.date_goals_there(owner bigint, goals bigint[], times timestamp with time zone[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM bizydb.date_imported_goals(goals, times);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.date_imported_goals(goals bigint[], times timestamp with time zone[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  EXECUTE format('SET LOCAL %s = %L', 'bizydb.keep_updated_at', 'on');
  UPDATE public.goals g SET updated_at = dated.updated_at
  FROM unnest(goals, times) AS dated (id, updated_at)
  WHERE g.id = dated.id AND g.user_id = me;
  EXECUTE format('SET LOCAL %s = %L', 'bizydb.keep_updated_at', '');
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.date_password()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF NEW.password_changed_at IS NULL THEN
    NEW.password_changed_at := OLD.password_changed_at;
  ELSE
    NEW.password_changed_at := greatest(OLD.password_changed_at + interval '1 microsecond', bizydb.statement_time());
  END IF;
  RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.delete_user(id bigint, OUT goals bigint, OUT tasks bigint)
 RETURNS SETOF record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION bizydb.dependent_tasks(task bigint)
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  RETURN (
  SELECT coalesce(array_agg(t.id), '{}') FROM public.tasks t
  WHERE t.dependencies @> to_jsonb(task) AND t.dependencies <> '[]' AND t.user_id = me
  );
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.derive_user()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  NEW.updated_at := greatest(bizydb.statement_time(), OLD.updated_at + interval '1 microsecond');
  RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.enter(owner bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM bizydb.set_time();
  EXECUTE pg_catalog.format('SET LOCAL bizydb.user_id = %L', owner);
  PERFORM pg_catalog.set_config('role', 'bizydb_user', true);
  PERFORM FROM bizydb.require_user();
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.forget_deleted(before timestamp with time zone, most integer DEFAULT NULL::integer, OUT goals bigint, OUT tasks bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
AS $function$
BEGIN
  DELETE FROM bizydb.deleted_goals d WHERE d.deleted_at < before;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM bizydb.deleted_tasks d WHERE d.deleted_at < before;
  GET DIAGNOSTICS tasks = ROW_COUNT;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.forget_dependencies()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
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
      CROSS JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE t.dependencies @> to_jsonb(d.id) AND t.dependencies <> '[]' AND t.user_id = owner OFFSET 0) AS t
    );
    UPDATE public.tasks t SET dependencies = coalesce((
      SELECT jsonb_agg(d.id ORDER BY d.place) FROM jsonb_array_elements(t.dependencies) WITH ORDINALITY AS d (id, place)
      WHERE d.id::bigint <> ALL (deleted)
    ), '[]')
    WHERE t.user_id = owner AND t.id = ANY (dependents);
  END LOOP;
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.forget_links()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  goals CONSTANT boolean := TG_TABLE_NAME LIKE 'deleted\_goals%'; -- a shard's name ends with its number
  owner bigint;
  ids   bigint[]; -- of the owner's
BEGIN
  FOR owner, ids IN SELECT o.user_id, array_agg(o.id) FROM old_rows o GROUP BY o.user_id ORDER BY o.user_id LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM bizydb.deleted_links d WHERE d.user_id = owner);
    DELETE FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.ctid = ANY (ARRAY(
      SELECT l.ctid FROM unnest(ids) AS o (id)
      CROSS JOIN LATERAL (
        SELECT d.ctid, d.* FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.lower = o.id AND (d.kind = 'goal') = goals
        UNION ALL
        SELECT d.ctid, d.* FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.upper = o.id AND (d.kind <> 'dependency') = goals
        OFFSET 0
      ) AS l
      WHERE NOT CASE WHEN l.kind = 'goal' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = l.lower)
          ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = l.lower) END
        AND NOT CASE WHEN l.kind <> 'dependency' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = l.upper)
          ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = l.upper) END
    ));
  END LOOP;
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.forget_own(before timestamp with time zone, OUT goals bigint, OUT tasks bigint)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  DELETE FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.deleted_at < before;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.deleted_at < before;
  GET DIAGNOSTICS tasks = ROW_COUNT;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.goal_now(goal bigint)
 RETURNS SETOF goals
 LANGUAGE plpgsql
 ROWS 1
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  RETURN QUERY SELECT * FROM public.goals g WHERE g.user_id = me AND g.id = goal ;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.is_waiting(dependencies jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  RETURN dependencies <> '[]' AND EXISTS (
    SELECT FROM (SELECT d.id::bigint AS id FROM jsonb_array_elements_text(is_waiting.dependencies) AS d (id) OFFSET 0) AS d
    WHERE (SELECT t.status FROM public.tasks t WHERE t.user_id = me AND t.id = d.id) <> 'completed'
  );
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.keep_deleted_goal()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  own       jsonb := '{}';
  owns      boolean; -- some of the columns are a service's
  kept      boolean;
  settings  jsonb;
  sub_goals bigint[];
  tasks     bigint[];
BEGIN
  -- In one query: several take longer to begin than to run.
  SELECT
    (SELECT true FROM bizydb.deleted_goals d WHERE d.user_id = OLD.user_id AND d.id = OLD.id),
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = 'public.goals'::regclass AND a.attname LIKE 'x\_%' AND NOT a.attisdropped),
    ARRAY(SELECT g.id FROM public.goals g WHERE g.user_id = OLD.user_id AND g.parent_goal_id = OLD.id),
    ARRAY(SELECT t.id FROM public.tasks t WHERE t.user_id = OLD.user_id AND t.parent_goal_id = OLD.id)
  INTO kept, owns, sub_goals, tasks
  FROM public.users u WHERE u.id = OLD.user_id AND u.id::text IS DISTINCT FROM current_setting('bizydb.deletes_user', true);
  IF NOT FOUND THEN
    RETURN OLD;
  END IF;
  IF kept THEN
    DELETE FROM bizydb.deleted_goals d WHERE d.user_id = OLD.user_id AND d.id = OLD.id; -- somebody has put it back by hand
  END IF;
  IF NOT bizydb.keeps_deleted() THEN
    RETURN OLD;
  END IF;
  IF owns THEN
    settings := bizydb.use_settings();
    EXECUTE 'SELECT ' || bizydb.own_values(TG_RELID, '($1)') INTO own USING OLD;
    PERFORM bizydb.use_settings(settings);
  END IF;
  INSERT INTO bizydb.deleted_goals (
    id, user_id, parent_goal_id, title, description, horizon, target_date, status, progress_percentage, success_criteria, created_at, updated_at, version, completed_at,
    metrics, task_count, sub_goal_count, own
  ) VALUES (
    OLD.id, OLD.user_id, OLD.parent_goal_id, OLD.title, OLD.description, OLD.horizon, OLD.target_date, OLD.status, OLD.progress_percentage, OLD.success_criteria,
    OLD.created_at, OLD.updated_at, OLD.version, OLD.completed_at, OLD.metrics, OLD.task_count, OLD.sub_goal_count, own
  );
  IF sub_goals <> '{}' OR tasks <> '{}' THEN
    -- Where a row was last is what counts.
    DELETE FROM bizydb.deleted_links l WHERE l.user_id = OLD.user_id AND (l.kind = 'goal' AND l.lower = ANY (sub_goals) OR l.kind = 'task' AND l.lower = ANY (tasks));
    INSERT INTO bizydb.deleted_links (user_id, kind, lower, upper, place)
    SELECT OLD.user_id, 'goal', unnest(sub_goals), OLD.id, 0 UNION ALL SELECT OLD.user_id, 'task', unnest(tasks), OLD.id, 0
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN OLD;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.keep_deleted_tasks()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION bizydb.leave()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_catalog.set_config('role', pg_catalog.current_setting('bizydb.caller_role'), true);
  EXECUTE pg_catalog.format('SET LOCAL bizydb.user_id = %L', pg_catalog.current_setting('bizydb.caller_user_id'));
  EXECUTE pg_catalog.format('SET LOCAL bizydb.now = %L', pg_catalog.current_setting('bizydb.caller_now'));
  PERFORM pg_catalog.set_config('citus.propagate_set_commands', pg_catalog.current_setting('bizydb.caller_propagates'), true);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.link_again(owner bigint, links bizydb.link[])
 RETURNS SETOF bizydb.link
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  half   integer := cardinality(links) / 2;
  part   bizydb.link[];
  broken text;
BEGIN
  IF EXISTS (SELECT FROM unnest(links) AS l WHERE l.kind = 'goal') THEN
    UPDATE public.goals g SET parent_goal_id = l.upper
    FROM (SELECT l.lower, min(l.upper) FROM unnest(links) AS l WHERE l.kind = 'goal' GROUP BY l.lower) AS l (lower, upper)
    WHERE g.user_id = owner AND g.id = l.lower AND (g.parent_goal_id IS NULL) IS TRUE;
  END IF;
  -- Tasks that depend on none in one statement. Of the others the last first, since they mostly depend on earlier ones: what is looked through
  -- for a circle is as long as a part, and not as a chain.
  FOR part IN
    SELECT array_agg(ROW (l.kind, l.lower, l.upper, l.place, NULL)::bizydb.link ORDER BY l.n)
    FROM (
      SELECT *, CASE WHEN l.needs THEN dense_rank() OVER (PARTITION BY l.needs ORDER BY l.lower DESC) / 50 ELSE -1 END
      FROM (
        SELECT *, bool_or(l.kind = 'dependency') OVER (PARTITION BY l.lower)
        FROM unnest(links) WITH ORDINALITY AS l (kind, lower, upper, place, reason, n) WHERE l.kind <> 'goal'
      ) AS l (kind, lower, upper, place, reason, n, needs)
    ) AS l (kind, lower, upper, place, reason, n, needs, part)
    GROUP BY l.part ORDER BY l.part
  LOOP
    UPDATE public.tasks t SET parent_goal_id = coalesce(t.parent_goal_id, l.goal), dependencies = t.dependencies || l.needed
    FROM (
      SELECT l.lower, min(l.upper) FILTER (WHERE l.kind = 'task'), coalesce(jsonb_agg(l.upper ORDER BY l.n) FILTER (WHERE l.kind = 'dependency'), '[]')
      FROM unnest(part) WITH ORDINALITY AS l (kind, lower, upper, place, reason, n) GROUP BY l.lower
    ) AS l (lower, goal, needed)
    WHERE t.user_id = owner AND t.id = l.lower;
  END LOOP;
EXCEPTION WHEN check_violation THEN
  GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
  IF broken NOT IN ('ck_goals_no_cycle', 'ck_goals_depth', 'ck_tasks_no_dependency_cycle') THEN
    RAISE;
  ELSIF half = 0 THEN
    RETURN QUERY SELECT l.kind, l.lower, l.upper, l.place, CASE broken WHEN 'ck_goals_depth' THEN 'depth' ELSE 'cycle' END FROM unnest(links) AS l;
  ELSE
    RETURN QUERY SELECT * FROM bizydb.link_again(owner, links[:half]);
    RETURN QUERY SELECT * FROM bizydb.link_again(owner, links[half + 1:]);
  END IF;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.lock_user_there(owner bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM bizydb.lock_user(owner);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.missing_links(owner bigint, links bizydb.link[])
 RETURNS SETOF bizydb.link
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
BEGIN
  RETURN QUERY
  SELECT l.kind, l.lower, l.upper, l.place, CASE
    WHEN coalesce(upper_goal.id, upper_task.id, deleted_goal.id, deleted_task.id) IS NULL THEN 'gone'
    WHEN l.kind <> 'dependency' AND coalesce(lower_goal.parent_goal_id, lower_task.parent_goal_id, kept_goal.parent_goal_id, kept_task.parent_goal_id) <> l.upper THEN 'moved'
    WHEN coalesce(upper_goal.id, upper_task.id) IS NULL THEN 'deleted'
  END
  FROM unnest(links) WITH ORDINALITY AS l (kind, lower, upper, place, reason, n)
  LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = l.lower AND l.kind = 'goal' OFFSET 0) AS lower_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = owner AND t.id = l.lower AND l.kind <> 'goal' OFFSET 0) AS lower_task ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = lower_goal.id AND lower_goal.parent_goal_id IS NULL OFFSET 0) AS kept_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = lower_task.id AND lower_task.parent_goal_id IS NULL AND l.kind = 'task' OFFSET 0) AS kept_task ON true
  LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = l.upper AND l.kind <> 'dependency' OFFSET 0) AS upper_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = owner AND t.id = l.upper AND l.kind = 'dependency' OFFSET 0) AS upper_task ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = l.upper AND l.kind <> 'dependency' AND upper_goal.id IS NULL OFFSET 0) AS deleted_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = l.upper AND l.kind = 'dependency' AND upper_task.id IS NULL OFFSET 0) AS deleted_task ON true
  WHERE coalesce(lower_goal.id, lower_task.id) IS NOT NULL
    AND (CASE WHEN l.kind = 'dependency' THEN lower_task.dependencies @> to_jsonb(l.upper) ELSE coalesce(lower_goal.parent_goal_id, lower_task.parent_goal_id) = l.upper END) IS NOT TRUE
  ORDER BY l.n
  ;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.needed_tasks(list jsonb, owner bigint)
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET work_mem TO '64kB'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
BEGIN
  -- Tasks are looked up by key, one by one, as goals are in the roll-up.
  RETURN (
    WITH RECURSIVE needed (id, dependencies) AS (
      SELECT t.id, t.dependencies FROM jsonb_array_elements_text(list) AS d (id)
      CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = owner AND t.id = d.id::bigint OFFSET 0) AS t
      UNION
      SELECT t.id, t.dependencies FROM needed n
      CROSS JOIN LATERAL jsonb_array_elements_text(n.dependencies) AS d (id)
      CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = owner AND t.id = d.id::bigint OFFSET 0) AS t
    )
    SELECT coalesce(array_agg(n.id), '{}') FROM needed n
  );
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.note_caller()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_catalog.set_config('bizydb.caller_user_id', coalesce(pg_catalog.current_setting('bizydb.user_id', true), ''), true),
    pg_catalog.set_config('bizydb.caller_role', pg_catalog.current_setting('role'), true),
    pg_catalog.set_config('bizydb.caller_now', coalesce(pg_catalog.current_setting('bizydb.now', true), ''), true),
    pg_catalog.set_config('bizydb.caller_propagates', coalesce(pg_catalog.current_setting('citus.propagate_set_commands', true), 'none'), true);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.put_back(name text, owner bigint, ids bigint[], changed jsonb, needs jsonb DEFAULT NULL::jsonb)
 RETURNS bizydb.left_out
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  target   CONSTANT regclass := 'public.' || name;
  settings jsonb := bizydb.use_settings();
  columns  text;
  kept     text;
  stored   text;
  broken   text;
  lost     jsonb := '{}'; -- by own columns that may not be back, when they are
  more     jsonb;
  left_out bizydb.left_out;
BEGIN
  LOOP
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
      string_agg(format('%s AS %I', CASE
        WHEN a.attname LIKE 'x\_%' THEN format('CASE WHEN d.own ? %1$L THEN (d.own ->> %1$L)::%2$s ELSE %3$s END', a.attname, format_type(a.atttypid, -1), coalesce(pg_get_expr(v.adbin, v.adrelid),
          CASE WHEN a.attidentity <> '' THEN format('nextval(%L)', pg_get_serial_sequence(target::text, a.attname)) END, 'NULL'))
        ELSE coalesce(changed ->> a.attname, format('d.%I', a.attname)) END, a.attname), ', ' ORDER BY a.attnum),
      string_agg(CASE WHEN lost ? a.attname THEN format('CASE WHEN %s THEN b.%I END', lost ->> a.attname, a.attname) ELSE format('b.%I', a.attname) END, ', ' ORDER BY a.attnum)
    INTO columns, kept, stored
    FROM pg_attribute a LEFT JOIN pg_attrdef v ON v.adrelid = a.attrelid AND v.adnum = a.attnum
    WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    BEGIN
      EXECUTE format('WITH back AS MATERIALIZED (SELECT %s FROM bizydb.deleted_%s d WHERE d.user_id = $1 AND d.id = ANY ($2)) INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM back b',
        kept, name, target, columns, stored) USING owner, ids, needs;
      EXIT;
    EXCEPTION WHEN foreign_key_violation THEN
      GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
      SELECT jsonb_object_agg(a.attname, '(' || f.found || ')') INTO more
      FROM pg_constraint c
      CROSS JOIN LATERAL (
        SELECT format('EXISTS (SELECT FROM %s f WHERE %s)', c.confrelid::regclass, string_agg(format('f.%I %s b.%I', u.attname, k.equal, l.attname), ' AND '))
          || CASE WHEN c.confrelid = target THEN format(' OR EXISTS (SELECT FROM back f WHERE %s)', string_agg(format('f.%I %s b.%I', u.attname, k.equal, l.attname), ' AND ')) ELSE '' END
        FROM (
          SELECT k.lower, k.upper, format('OPERATOR (%I.%s)', n.nspname, o.oprname)
          FROM unnest(c.conkey, c.confkey, c.conpfeqop) AS k (lower, upper, op) JOIN pg_operator o ON o.oid = k.op JOIN pg_namespace n ON n.oid = o.oprnamespace
        ) AS k (lower, upper, equal)
        JOIN pg_attribute l ON (l.attrelid, l.attnum) = (c.conrelid, k.lower) JOIN pg_attribute u ON (u.attrelid, u.attnum) = (c.confrelid, k.upper)
      ) AS f (found)
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attname LIKE 'x\_%' AND NOT a.attnotnull AND NOT lost ? a.attname
      WHERE c.conrelid = target AND c.conname IN (broken, regexp_replace(broken, '_\d+$', '')) AND c.contype = 'f' AND has_table_privilege(c.confrelid, 'SELECT') AND NOT row_security_active(c.confrelid);
      IF more IS NULL THEN
        RAISE;
      END IF;
      lost := lost || more;
    END;
  END LOOP;
  left_out := '[]';
  FOR broken IN SELECT jsonb_object_keys(lost) LOOP
    EXECUTE format('SELECT $3 || coalesce(jsonb_agg(jsonb_build_object(%1$L, d.id, ''column'', %2$L, ''reason'', ''gone'') ORDER BY d.id), ''[]'') FROM bizydb.deleted_%3$s d
      WHERE d.user_id = $1 AND d.id = ANY ($2) AND d.own ->> %2$L IS NOT NULL AND (SELECT t.%2$I IS NULL FROM %4$s t WHERE t.user_id = $1 AND t.id = d.id)',
      left(name, -1), broken, name, target) INTO left_out USING owner, ids, left_out;
  END LOOP;
  PERFORM bizydb.use_settings(settings);
  RETURN left_out;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.recount(owner bigint, goals bigint[], depths integer[])
 RETURNS SETOF bizydb.goal_change
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  level integer;
  peers bigint[];
  wrong bizydb.work[];
  old   bizydb.goal_change[];
BEGIN
  -- From the deepest up, since a goal is counted with what its sub-goals have come to.
  FOR level, peers IN SELECT at.depth, array_agg(at.id) FROM unnest(goals, depths) AS at (id, depth) GROUP BY at.depth ORDER BY at.depth DESC LOOP
    SELECT array_agg(ROW (owner, g.id, level, t.n, t.completed, s.n, s.progress, false)::bizydb.work ORDER BY g.id),
           array_agg(ROW (g.id, g.progress_percentage, NULL)::bizydb.goal_change ORDER BY g.id)
    INTO wrong, old
    FROM unnest(peers) AS peer (id)
    CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = peer.id OFFSET 0) AS g
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS n, count(*) FILTER (WHERE task.status = 'completed')::integer AS completed
      FROM public.tasks task WHERE task.user_id = owner AND task.parent_goal_id = g.id
    ) AS t
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS n, coalesce(sum(round(100 * sub.progress_percentage)), 0)::bigint AS progress
      FROM public.goals sub WHERE sub.user_id = owner AND sub.parent_goal_id = g.id AND sub.status <> 'cancelled'
    ) AS s
    WHERE (g.task_count, g.completed_task_count, g.sub_goal_count, g.sub_goal_progress) <> (t.n, t.completed, s.n, s.progress)
       OR g.progress_percentage <> CASE WHEN g.status = 'completed' THEN 100
            ELSE coalesce(bizydb.work_done(t.n, t.completed, s.n, s.progress) / 100.0::double precision, bizydb.to_hundredths(g.progress_percentage)) END;
    CONTINUE WHEN wrong IS NULL;

    UPDATE public.goals g SET
      task_count = w.tasks, completed_task_count = w.completed_tasks, sub_goal_count = w.sub_goals, sub_goal_progress = w.progress,
      roll_up_count = g.roll_up_count + 1
    FROM unnest(wrong) AS w WHERE g.user_id = owner AND g.id = w.goal_id;

    RETURN QUERY
      SELECT o.goal_id, o.old_percentage, g.progress_percentage
      FROM unnest(old) AS o JOIN public.goals g ON g.user_id = owner AND g.id = o.goal_id ORDER BY o.goal_id;
  END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.refuse_goal_version(goal bigint, version bigint, expected bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
BEGIN
  RAISE EXCEPTION 'goal % is at version %, not %', goal, version, expected
    USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'version', CONSTRAINT = 'ck_goals_version', HINT = 'constraint "ck_goals_version"';
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.refuse_task_version(task bigint, version bigint, expected bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
BEGIN
  RAISE EXCEPTION 'task % is at version %, not %', task, version, expected
    USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'version', CONSTRAINT = 'ck_tasks_version', HINT = 'constraint "ck_tasks_version"';
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.require_user()
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION bizydb.restore(owner bigint, goals bigint[], tasks bigint[])
 RETURNS bizydb.left_out
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  links    bizydb.link[];
  missing  bizydb.link[];
  refused  bizydb.link[];
  peers    bigint[];
  circle   boolean;
  needs    jsonb;
  left_out bizydb.left_out := '[]';
BEGIN
  -- First what restored tasks depend on, and what restored goals had under them. Where not all of it is possible anymore, that is.
  links := ARRAY(
    SELECT ROW (l.kind, l.lower, l.upper, min(l.place), NULL)::bizydb.link FROM (
      SELECT 'goal', d.id, d.parent_goal_id, 0, true FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = ANY (restore.goals) AND d.parent_goal_id IS NOT NULL
      UNION ALL
      SELECT 'task', d.id, d.parent_goal_id, 0, true FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = ANY (restore.tasks) AND d.parent_goal_id IS NOT NULL
      UNION ALL
      SELECT 'dependency', d.id, needed.id::bigint, needed.place, true FROM bizydb.deleted_tasks d, jsonb_array_elements_text(d.dependencies) WITH ORDINALITY AS needed (id, place)
      WHERE d.user_id = owner AND d.id = ANY (restore.tasks)
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, true FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.lower = ANY (restore.goals) AND d.kind = 'goal'
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, true FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.lower = ANY (restore.tasks) AND d.kind <> 'goal'
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, false FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.upper = ANY (restore.goals) AND d.kind <> 'dependency'
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, false FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.upper = ANY (restore.tasks) AND d.kind = 'dependency'
    ) AS l (kind, lower, upper, place, by_lower) GROUP BY l.kind, l.lower, l.upper ORDER BY l.kind, bool_or(l.by_lower) = (l.kind = 'goal'), l.lower, min(l.place), l.upper
  );
  EXECUTE format('SET LOCAL %s = %L', 'bizydb.restoring', 'on');
  -- Cancelled, and roots: what comes under them reopens nothing. Without the work that it had, a goal would start at 0.
  IF goals <> '{}' THEN
    left_out := left_out || bizydb.put_back('goals', owner, goals, '{"parent_goal_id": "NULL::bigint", "status": "''cancelled''",
      "progress_percentage": "CASE WHEN d.task_count > 0 OR d.sub_goal_count > 0 THEN 0 ELSE d.progress_percentage END",
      "completed_task_count": "0", "sub_goal_progress": "0", "roll_up_count": "0",
      "updated_at": "greatest(now(), d.updated_at + interval ''1 microsecond'')", "version": "d.version + 1"}');
  END IF;
  needs := (
    SELECT jsonb_object_agg(l.lower, l.needs) FROM (
      SELECT l.lower, jsonb_agg(l.upper ORDER BY l.n) FROM unnest(links) WITH ORDINALITY AS l (kind, lower, upper, place, reason, n) WHERE l.kind = 'dependency' GROUP BY l.lower
    ) AS l (lower, needs)
  );
  FOR peers, circle IN SELECT l.peers, l.circle FROM bizydb.by_dependencies(tasks, links) AS l LOOP
    left_out := left_out || bizydb.put_back('tasks', owner, peers, jsonb_build_object('dependencies', CASE WHEN needs IS NULL OR circle THEN '''[]''::jsonb' ELSE '
      coalesce((SELECT jsonb_agg(t.id ORDER BY needed.place) FROM jsonb_array_elements_text($3 -> d.id::text) WITH ORDINALITY AS needed (id, place)
      CROSS JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE t.user_id = $1 AND t.id = needed.id::bigint OFFSET 0) AS t), ''[]'')' END,
      'parent_goal_id', '(SELECT g.id FROM public.goals g WHERE g.user_id = $1 AND g.id = d.parent_goal_id FOR KEY SHARE)',
      'updated_at', 'greatest(now(), d.updated_at + interval ''1 microsecond'')', 'version', 'd.version + 1'), needs);
  END LOOP;

  PERFORM FROM public.goals g WHERE g.user_id = owner AND g.id = ANY (ARRAY(SELECT l.upper FROM unnest(links) AS l WHERE l.kind <> 'dependency')) FOR KEY SHARE; -- waits for whoever deletes them
  -- What is left out because its upper end is deleted comes back with that: nobody forgets it meanwhile.
  PERFORM FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = ANY (ARRAY(SELECT l.upper FROM unnest(links) AS l WHERE l.kind <> 'dependency')) ORDER BY d.id FOR KEY SHARE;
  PERFORM FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = ANY (ARRAY(SELECT l.upper FROM unnest(links) AS l WHERE l.kind = 'dependency')) ORDER BY d.id FOR KEY SHARE;
  missing := ARRAY(SELECT m FROM bizydb.missing_links(owner, links) AS m WHERE m.reason IS NULL);
  -- What would close a circle by links that are there need not be tried.
  refused := ARRAY(
    SELECT ROW (l.kind, l.lower, l.upper, l.place, 'cycle')::bizydb.link
    FROM (SELECT m.upper, bizydb.needed_tasks(jsonb_build_array(m.upper), owner) FROM unnest(missing) AS m WHERE m.kind = 'dependency' GROUP BY m.upper) AS n (upper, needed)
    JOIN unnest(missing) AS l ON l.kind = 'dependency' AND l.upper = n.upper WHERE l.lower = ANY (n.needed)
  );
  missing := ARRAY(SELECT ROW (m.kind, m.lower, m.upper, m.place, NULL)::bizydb.link FROM unnest(missing) WITH ORDINALITY AS m (kind, lower, upper, place, reason, n)
    WHERE (m.kind, m.lower, m.upper) NOT IN (SELECT r.kind, r.lower, r.upper FROM unnest(refused) AS r) ORDER BY m.n);
  refused := refused || ARRAY(SELECT r FROM bizydb.link_again(owner, missing) AS r);

  -- Statuses from the deepest goal up, since a completed goal would be reopened by unfinished work that comes under it.
  FOR peers IN
    WITH RECURSIVE above (id, at, depth) AS (
      SELECT restored.id, restored.id, 0 FROM unnest(goals) AS restored (id)
      UNION ALL
      SELECT a.id, g.parent_goal_id, a.depth + 1 FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = owner AND g.id = a.at AND g.parent_goal_id IS NOT NULL OFFSET 0) AS g
    )
    SELECT array_agg(r.id) FROM (SELECT a.id, max(a.depth) FROM above a GROUP BY a.id) AS r (id, depth) GROUP BY r.depth ORDER BY r.depth DESC
  LOOP
    UPDATE public.goals g SET status = d.status, completed_at = d.completed_at
    FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = ANY (peers) AND d.status <> 'cancelled' AND g.user_id = owner AND g.id = d.id;
    -- Also one that was active with all of its work done, which resuming has completed.
    UPDATE public.goals g SET status = 'active'
    FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = ANY (peers) AND d.status = 'active' AND g.user_id = owner AND g.id = d.id AND g.status = 'completed';
  END LOOP;
  EXECUTE format('SET LOCAL %s = %L', 'bizydb.restoring', '');

  missing := ARRAY(SELECT m FROM bizydb.missing_links(owner, links) AS m);
  left_out := left_out || (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'goal', CASE WHEN m.kind = 'goal' THEN m.lower END, 'task', CASE WHEN m.kind <> 'goal' THEN m.lower END,
    'parent_goal', CASE WHEN m.kind <> 'dependency' THEN m.upper END, 'dependency', CASE WHEN m.kind = 'dependency' THEN m.upper END,
    'reason', coalesce(m.reason, r.reason, 'moved')
  )) ORDER BY m.kind, m.lower, m.upper), '[]') FROM unnest(missing) AS m LEFT JOIN unnest(refused) AS r USING (kind, lower, upper));
  INSERT INTO bizydb.deleted_links (user_id, kind, lower, upper, place) SELECT owner, m.kind, m.lower, m.upper, m.place FROM unnest(missing) AS m WHERE m.reason = 'deleted' ON CONFLICT DO NOTHING;
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = owner AND d.id = ANY (tasks);
  DELETE FROM bizydb.deleted_goals d WHERE d.user_id = owner AND d.id = ANY (goals);
  RETURN left_out;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.restore_goal(goal bigint, together boolean, OUT restored bigint, OUT goals bigint[], OUT tasks bigint[], OUT left_out bizydb.left_out)
 RETURNS SETOF record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me    bigint := bizydb.current_user_id();
  kept  bizydb.deleted_goals;
  there bigint[];
BEGIN
  PERFORM bizydb.lock_user(me);
  SELECT * INTO kept FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.id = goal FOR UPDATE; -- as a task
  IF NOT FOUND THEN
    RETURN;
  END IF;
  goals := ARRAY[goal];
  tasks := '{}';
  IF together THEN
    tasks := ARRAY(SELECT d.id FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.deleted_at = kept.deleted_at AND d.deletion = kept.deletion ORDER BY d.id FOR UPDATE);
    goals := ARRAY(SELECT d.id FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.deleted_at = kept.deleted_at AND d.deletion = kept.deletion ORDER BY d.id FOR UPDATE);
  END IF;
  there := ARRAY(SELECT g.id FROM unnest(goals) AS k (id) CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = me AND g.id = k.id OFFSET 0) AS g);
  IF there <> '{}' THEN
    DELETE FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.id = ANY (there);
    goals := ARRAY(SELECT unnest(goals) EXCEPT SELECT unnest(there) ORDER BY 1);
  END IF;
  there := ARRAY(SELECT t.id FROM unnest(tasks) AS k (id) CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = me AND t.id = k.id OFFSET 0) AS t);
  IF there <> '{}' THEN
    DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.id = ANY (there);
    tasks := ARRAY(SELECT unnest(tasks) EXCEPT SELECT unnest(there) ORDER BY 1);
  END IF;
  IF goal = ANY (goals) THEN
    restored := goal;
    left_out := bizydb.restore(me, goals, tasks);
    RETURN NEXT;
  END IF;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.restore_task(task bigint, OUT restored bigint, OUT left_out bizydb.left_out)
 RETURNS SETOF record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me bigint := bizydb.current_user_id();
BEGIN
  PERFORM bizydb.lock_user(me);
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.id = task AND EXISTS (SELECT FROM public.tasks t WHERE t.user_id = me AND t.id = d.id);
  SELECT d.id INTO restored FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.id = task FOR UPDATE; -- so that nobody forgets it meanwhile
  IF FOUND THEN
    left_out := bizydb.restore(me, '{}', ARRAY[restored]);
    RETURN NEXT;
  END IF;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.restoring(name text, id bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  IF coalesce(current_setting('bizydb.restoring', true), '') = '' THEN
    RETURN false;
  END IF;
  RETURN CASE name
    WHEN 'goals' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.id = restoring.id)
    ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.id = restoring.id) END;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.roll_up(goal bigint)
 RETURNS SETOF bizydb.goal_change
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
 SET enable_seqscan TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me     bigint := bizydb.current_user_id();
  goals  bigint[];
  depths integer[];
BEGIN
  PERFORM bizydb.lock_user(me);
  WITH RECURSIVE above (id, parent_goal_id, depth) AS (
    SELECT g.id, g.parent_goal_id, 0 FROM public.goals g WHERE g.user_id = me AND g.id = roll_up.goal
    UNION ALL
    SELECT g.id, g.parent_goal_id, a.depth - 1 FROM above a
    CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = me AND g.id = a.parent_goal_id OFFSET 0) AS g
  ), below (id, depth) AS (
    SELECT g.id, 1 FROM public.goals g WHERE g.user_id = me AND g.parent_goal_id = roll_up.goal
    UNION ALL
    SELECT g.id, b.depth + 1 FROM below b JOIN public.goals g ON g.user_id = me AND g.parent_goal_id = b.id
  ), family (id, depth) AS (
    SELECT a.id, a.depth FROM above a UNION ALL SELECT b.id, b.depth FROM below b
  )
  SELECT array_agg(f.id), array_agg(f.depth) INTO goals, depths FROM family f;
  IF goals IS NULL THEN
    RAISE EXCEPTION 'there is no such goal' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN QUERY SELECT * FROM bizydb.recount(me, goals, depths);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.roll_up_all_there(owner bigint)
 RETURNS TABLE(goal_id bigint, title text, old_percentage double precision, new_percentage double precision)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT g.id, g.title::text, c.old_percentage::float8, c.new_percentage::float8
    FROM bizydb.roll_up_all() AS c (goal_id, old_percentage, new_percentage) JOIN public.goals g ON g.user_id = owner AND g.id = c.goal_id
    ORDER BY g.id;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.roll_up_there(owner bigint, goal bigint)
 RETURNS TABLE(goal_id bigint, title text, old_percentage double precision, new_percentage double precision)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT g.id, g.title::text, c.old_percentage::float8, c.new_percentage::float8
    FROM bizydb.roll_up((SELECT o.id FROM public.goals o WHERE o.user_id = owner AND o.id = goal)) AS c (goal_id, old_percentage, new_percentage)
    JOIN public.goals g ON g.user_id = owner AND g.id = c.goal_id
    ORDER BY g.id;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.roll_up_user(owner bigint)
 RETURNS SETOF bizydb.goal_change
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  goals  bigint[];
  depths integer[];
BEGIN
  WITH RECURSIVE tree (id, depth) AS (
    SELECT g.id, 0 FROM public.goals g WHERE g.user_id = owner AND g.parent_goal_id IS NULL
    UNION ALL
    SELECT g.id, t.depth + 1 FROM tree t JOIN public.goals g ON g.user_id = owner AND g.parent_goal_id = t.id
  )
  SELECT array_agg(t.id), array_agg(t.depth) INTO goals, depths FROM tree t;
  RETURN QUERY SELECT * FROM bizydb.recount(owner, goals, depths);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.schema_version()
 RETURNS bizydb.distributed_version
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN 12;

CREATE OR REPLACE FUNCTION bizydb.scope_user()
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  IF me IS NULL THEN
    RAISE EXCEPTION 'this node has not been told the user' USING ERRCODE = 'UB033',
      HINT = 'Call bizydb.enter() first, in a transaction block. A service that was started before schema.Distribute has to be restarted.';
  END IF;
  RETURN me;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.set_time()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION bizydb.statement_time()
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF coalesce(current_setting('bizydb.now', true), '') = '' THEN
    RAISE EXCEPTION 'the copies of users on the nodes would differ' USING ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'SELECT bizydb.set_time(), first in the transaction.';
  END IF;
  RETURN current_setting('bizydb.now')::timestamptz;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.tagged_tasks(any_of jsonb, all_of jsonb)
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET jit TO 'off'
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  RETURN (
  SELECT coalesce(array_agg(DISTINCT t.id), '{}')
  FROM (
    SELECT jsonb_build_array(tag) FROM jsonb_array_elements(any_of) AS tag
    UNION ALL
    SELECT all_of WHERE coalesce(any_of, '[]') = '[]' AND all_of <> '[]'
  ) AS wanted (tags)
  CROSS JOIN LATERAL (
    SELECT t.id FROM public.tasks t
    WHERE t.user_id = me
      AND jsonb_set('{}', ARRAY[t.user_id::text], t.tags) @> jsonb_set('{}', ARRAY[(SELECT coalesce(bizydb.current_user_id(), 0)::text)], wanted.tags)
      AND t.tags <> '[]' AND t.tags @> coalesce(all_of, '[]')
    OFFSET 0
  ) AS t
  );
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.task_now(task bigint)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 ROWS 1
 SET "citus.allow_nested_distributed_execution" TO 'on'
AS $function$
DECLARE
  me CONSTANT bigint := bizydb.current_user_id();
BEGIN
  RETURN QUERY SELECT * FROM public.tasks t WHERE t.user_id = me AND t.id = task ;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.track_changes(enabled boolean DEFAULT true)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
  IF enabled THEN
    RAISE EXCEPTION 'changes are not tracked on Citus: nodes have no numbers in common' USING ERRCODE = 'feature_not_supported';
  END IF;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.unlink_goal()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET row_security TO 'off'
AS $function$
BEGIN
  UPDATE public.tasks t SET parent_goal_id = NULL WHERE t.user_id = OLD.user_id AND t.parent_goal_id = OLD.id;
  UPDATE public.goals g SET parent_goal_id = NULL WHERE g.user_id = OLD.user_id AND g.parent_goal_id = OLD.id;
  RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.visit(owner bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM bizydb.note_caller();
  PERFORM bizydb.enter(owner);
END
$function$;

CREATE OR REPLACE FUNCTION bizydb.visit_accounts()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM bizydb.note_caller();
  PERFORM bizydb.set_time();
  PERFORM pg_catalog.set_config('role', 'bizydb_accounts', true);
END
$function$;
