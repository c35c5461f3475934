-- A task depends on tasks that are there, of the same user, and none of them depends on it in turn.
CREATE FUNCTION bizydb.needed_tasks(list jsonb, owner bigint) RETURNS bigint[]
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET work_mem = '64kB' -- the server clears a table for the rows that it expects, a million
  AS $$
BEGIN
  -- Tasks are looked up by key, one by one, as goals are in the roll-up.
  RETURN (
    WITH RECURSIVE needed (id, dependencies) AS (
      SELECT t.id, t.dependencies FROM jsonb_array_elements_text(list) AS d (id)
      CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE bizydb.same_user(t.user_id, owner) AND t.id = d.id::bigint OFFSET 0) AS t
      UNION
      SELECT t.id, t.dependencies FROM needed n
      CROSS JOIN LATERAL jsonb_array_elements_text(n.dependencies) AS d (id)
      CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE bizydb.same_user(t.user_id, owner) AND t.id = d.id::bigint OFFSET 0) AS t
    )
    SELECT coalesce(array_agg(n.id), '{}') FROM needed n
  );
END
$$;

COMMENT ON FUNCTION bizydb.needed_tasks(jsonb, bigint) IS 'The ids of a list that are tasks of a user, and all tasks that these depend on.';

-- With the owner's rights, since row security would keep it from the index of dependencies.
CREATE FUNCTION bizydb.check_dependencies() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off -- by key, statistics or not
  SET plan_cache_mode = force_generic_plan -- to plan for each task would take longer than to look it up
  AS $$
DECLARE
  wanted  bigint[] := ARRAY(SELECT DISTINCT d.id::bigint FROM jsonb_array_elements_text(NEW.dependencies) AS d (id) ORDER BY 1);
  needed  bigint[];
  missing bigint;
BEGIN
  -- Of two changes that race, the second waits here and then sees the first: each query below takes a new snapshot.
  PERFORM bizydb.lock_user(NEW.user_id);
  IF TG_OP = 'UPDATE' AND (OLD.id, OLD.user_id) <> (NEW.id, NEW.user_id)
     AND EXISTS (SELECT FROM public.tasks t WHERE t.dependencies @> to_jsonb(OLD.id) AND t.dependencies <> '[]' AND bizydb.same_user(t.user_id, OLD.user_id)) THEN
    RAISE EXCEPTION 'tasks depend on task %', OLD.id
      USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'dependencies', CONSTRAINT = 'fk_tasks_dependencies';
  END IF;

  -- Locked, so that none of them gets another id or user meanwhile. A new task cannot name itself: it would have guessed its id.
  missing := (SELECT min(w.id) FROM unnest(wanted) AS w (id)
  LEFT JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE bizydb.same_user(t.user_id, NEW.user_id) AND t.id = w.id FOR SHARE OFFSET 0) AS t ON true
  WHERE t.id IS NULL OR TG_OP = 'INSERT' AND t.id = NEW.id);
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'task % cannot depend on task %, which is not there', NEW.id, missing
      USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'dependencies', CONSTRAINT = 'fk_tasks_dependencies';
  END IF;

  -- What nothing depends on is in no circle. At another isolation level than this the snapshot is older than the lock, and
  -- does not say: there, to lock a row that has changed meanwhile is a serialization failure.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    needed := (SELECT bizydb.needed_tasks(NEW.dependencies, NEW.user_id));
    PERFORM FROM unnest(needed) AS n (id)
    CROSS JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE bizydb.same_user(t.user_id, NEW.user_id) AND t.id = n.id FOR SHARE OFFSET 0) AS t;
  ELSIF EXISTS (SELECT FROM public.tasks t WHERE t.dependencies @> to_jsonb(NEW.id) AND t.dependencies <> '[]' AND bizydb.same_user(t.user_id, NEW.user_id)) THEN
    needed := (SELECT bizydb.needed_tasks(NEW.dependencies, NEW.user_id));
  END IF;
  IF NEW.id = ANY (needed) THEN
    RAISE EXCEPTION 'task % cannot depend on itself', NEW.id
      USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'tasks', COLUMN = 'dependencies', CONSTRAINT = 'ck_tasks_no_dependency_cycle';
  END IF;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.check_dependencies() IS 'Trigger: dependencies exist and form no cycle, also when two changes race.';

-- With the owner's rights, as above; only tasks of the same user can depend on one. (A transaction at repeatable read or
-- serializable does not see what came to depend on a task since it began: the id stays there, and counts for nothing.)
CREATE FUNCTION bizydb.forget_dependencies() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off -- by key, statistics or not
  AS $$
DECLARE
  owners     bigint[] := (SELECT array_agg(DISTINCT o.user_id) FROM old_rows o);
  owner      bigint;
  deleted    bigint[];
  needing    boolean;
  dependents bigint[];
BEGIN
  IF cardinality(owners) <= 1000 THEN
    FOREACH owner IN ARRAY owners LOOP
      PERFORM bizydb.lock_user(owner);
    END LOOP;
  ELSIF owners IS NOT NULL THEN -- the server may not have room for so many
    LOCK TABLE public.tasks IN SHARE ROW EXCLUSIVE MODE;
  END IF;
  owners := coalesce(owners, '{}');
  FOREACH owner IN ARRAY owners LOOP -- in a query of all of them, each could be looked for among all of its tasks
    needing := EXISTS (SELECT FROM public.tasks t WHERE t.user_id = owner AND jsonb_array_length(t.dependencies) > 0);
    EXIT WHEN needing;
  END LOOP;
  IF needing IS NOT TRUE THEN
    RETURN NULL;
  END IF;

  SELECT array_agg(d.user_id), array_agg(d.id) INTO owners, dependents FROM (
    SELECT DISTINCT o.user_id, t.id FROM old_rows o
    CROSS JOIN LATERAL (
      SELECT t.id FROM public.tasks t WHERE t.dependencies @> to_jsonb(o.id) AND t.dependencies <> '[]' AND bizydb.same_user(t.user_id, o.user_id) OFFSET 0
    ) AS t
  ) AS d;
  IF dependents IS NULL THEN
    RETURN NULL;
  END IF;
  deleted := ARRAY(SELECT o.id FROM old_rows o);
  UPDATE public.tasks t SET dependencies = coalesce((
    SELECT jsonb_agg(d.id ORDER BY d.place) FROM jsonb_array_elements(t.dependencies) WITH ORDINALITY AS d (id, place)
    WHERE d.id::bigint <> ALL (deleted)
  ), '[]')
  FROM unnest(owners, dependents) AS d (user_id, id) WHERE bizydb.same_user(t.user_id, d.user_id) AND t.id = d.id;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.forget_dependencies() IS 'Trigger: a deleted task disappears from the dependencies of others.';

-- With the owner's rights, as above.
CREATE FUNCTION bizydb.dependent_tasks(task bigint) RETURNS bigint[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
  SELECT coalesce(array_agg(t.id), '{}') FROM public.tasks t
  WHERE t.dependencies @> to_jsonb(task) AND t.dependencies <> '[]' AND bizydb.same_user(t.user_id, (SELECT bizydb.current_user_id()))
  $$;

COMMENT ON FUNCTION bizydb.dependent_tasks(bigint) IS 'The tasks of the scope''s user that directly depend on a task.';

CREATE TRIGGER tasks_check_dependencies_insert AFTER INSERT ON public.tasks
  FOR EACH ROW WHEN (NEW.dependencies <> '[]') EXECUTE FUNCTION bizydb.check_dependencies();
CREATE TRIGGER tasks_check_dependencies_update AFTER UPDATE OF id, user_id, dependencies ON public.tasks
  FOR EACH ROW WHEN (NOT NEW.dependencies <@ OLD.dependencies OR OLD.id <> NEW.id OR OLD.user_id <> NEW.user_id) -- more than fewer
  EXECUTE FUNCTION bizydb.check_dependencies();
CREATE TRIGGER tasks_forget_dependencies AFTER DELETE ON public.tasks
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_dependencies();

REVOKE ALL ON FUNCTION bizydb.needed_tasks(jsonb, bigint), bizydb.check_dependencies(), bizydb.forget_dependencies(), bizydb.dependent_tasks(bigint)
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.dependent_tasks(bigint) TO bizydb_user;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 6;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 5;

DROP TRIGGER tasks_forget_dependencies ON public.tasks;
DROP TRIGGER tasks_check_dependencies_update ON public.tasks;
DROP TRIGGER tasks_check_dependencies_insert ON public.tasks;
DROP FUNCTION bizydb.dependent_tasks(bigint);
DROP FUNCTION bizydb.forget_dependencies();
DROP FUNCTION bizydb.check_dependencies();
DROP FUNCTION bizydb.needed_tasks(jsonb, bigint);
