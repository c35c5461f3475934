-- What was deleted, so that it can be restored. The columns are those of goals and tasks, but for the counts that a restore makes anew, and
-- then what a restore needs.
CREATE TABLE bizydb.deleted_goals (
  id                   bigint NOT NULL,
  user_id              bigint NOT NULL,
  parent_goal_id       bigint,
  title                text NOT NULL,
  description          text,
  horizon              text,
  target_date          timestamptz,
  status               text NOT NULL,
  progress_percentage  double precision NOT NULL,
  success_criteria     text,
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  version              bigint NOT NULL,
  completed_at         timestamptz,
  metrics              jsonb NOT NULL,
  task_count           integer NOT NULL,
  sub_goal_count       integer NOT NULL,

  deleted_at           timestamptz NOT NULL DEFAULT now(),
  deletion             bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  own                  jsonb NOT NULL
);

CREATE TABLE bizydb.deleted_tasks (
  id                  bigint NOT NULL,
  user_id             bigint NOT NULL,
  parent_goal_id      bigint,
  title               text NOT NULL,
  description         text,
  priority            integer NOT NULL,
  status              text NOT NULL,
  blocked_reason      text,
  blocked_in_progress boolean NOT NULL,
  category            text,
  estimated_hours     double precision,
  actual_hours        double precision,
  due_date            timestamptz,
  due_all_day         boolean NOT NULL,
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  version             bigint NOT NULL,
  completed_at        timestamptz,
  dependencies        jsonb NOT NULL,
  notes               text,
  tags                jsonb NOT NULL,

  deleted_at          timestamptz NOT NULL DEFAULT now(),
  deletion            bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  own                 jsonb NOT NULL
);

-- A deleted row has the links to what was above it itself. Here are those of rows that were not deleted, or are not anymore.
CREATE TABLE bizydb.deleted_links (
  user_id bigint NOT NULL,
  kind    text NOT NULL,
  lower   bigint NOT NULL,
  upper   bigint NOT NULL,
  place   bigint NOT NULL,
  CONSTRAINT ck_deleted_links_kind CHECK (kind IN ('goal', 'task', 'dependency'))
);

CREATE INDEX ix_deleted_goals_user_deleted_at ON bizydb.deleted_goals (user_id, deleted_at, id);
CREATE INDEX ix_deleted_tasks_user_deleted_at ON bizydb.deleted_tasks (user_id, deleted_at, id);
CREATE INDEX ix_deleted_goals_deleted_at ON bizydb.deleted_goals (deleted_at);
CREATE INDEX ix_deleted_tasks_deleted_at ON bizydb.deleted_tasks (deleted_at);
CREATE INDEX ix_deleted_links_upper ON bizydb.deleted_links (upper, kind);

-- Last, as the keys of goals and tasks. Lookups below are by id alone: see bizydb.same_user.
ALTER TABLE bizydb.deleted_goals ADD CONSTRAINT deleted_goals_pkey PRIMARY KEY (id);
ALTER TABLE bizydb.deleted_tasks ADD CONSTRAINT deleted_tasks_pkey PRIMARY KEY (id);
ALTER TABLE bizydb.deleted_links ADD CONSTRAINT deleted_links_pkey PRIMARY KEY (user_id, lower, kind, upper);

ALTER TABLE bizydb.deleted_goals ALTER COLUMN user_id SET STATISTICS 0; -- as goals
ALTER TABLE bizydb.deleted_tasks ALTER COLUMN user_id SET STATISTICS 0;
ALTER TABLE bizydb.deleted_links ALTER COLUMN user_id SET STATISTICS 0;

-- What the columns are is said once.
DO $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT kept.attrelid::regclass AS rel, kept.attname AS name, col_description(a.attrelid, a.attnum) AS comment
    FROM pg_attribute kept JOIN pg_attribute a ON a.attname = kept.attname AND NOT a.attisdropped
    WHERE a.attnum > 0 AND (kept.attrelid, a.attrelid) IN (('bizydb.deleted_goals'::regclass, 'public.goals'::regclass), ('bizydb.deleted_tasks'::regclass, 'public.tasks'::regclass))
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.rel, c.name, c.comment);
  END LOOP;
END
$$;

COMMENT ON TABLE bizydb.deleted_goals IS 'Deleted goals, until they are restored or removed for good.';
COMMENT ON COLUMN bizydb.deleted_goals.deleted_at IS 'When the transaction that deleted the goal began.';
COMMENT ON COLUMN bizydb.deleted_goals.deletion IS 'Number of the deleting transaction: rows have the same deleted_at and the same deletion exactly if one transaction deleted them.';
COMMENT ON COLUMN bizydb.deleted_goals.own IS 'JSON object with the service''s own columns, whose names begin with x_. Each value is the text form of the column.';
COMMENT ON TABLE bizydb.deleted_tasks IS 'Deleted tasks, until they are restored or removed for good.';
COMMENT ON COLUMN bizydb.deleted_tasks.deleted_at IS 'When the transaction that deleted the task began.';
COMMENT ON COLUMN bizydb.deleted_tasks.deletion IS 'Number of the deleting transaction: rows have the same deleted_at and the same deletion exactly if one transaction deleted them.';
COMMENT ON COLUMN bizydb.deleted_tasks.own IS 'JSON object with the service''s own columns, whose names begin with x_. Each value is the text form of the column.';
COMMENT ON TABLE bizydb.deleted_links IS 'Links that a deletion has cut, which a restore brings back.';
COMMENT ON COLUMN bizydb.deleted_links.user_id IS 'The owner of both ends.';
COMMENT ON COLUMN bizydb.deleted_links.kind IS 'goal: a goal to its parent goal; task: a task to its goal; dependency: a task to a task that it depends on.';
COMMENT ON COLUMN bizydb.deleted_links.lower IS 'The id of the referencing row: a goal or a task.';
COMMENT ON COLUMN bizydb.deleted_links.upper IS 'The id of the referenced row: a goal or a task.';
COMMENT ON COLUMN bizydb.deleted_links.place IS 'The place of a dependency in the list of its task; 0 for other links.';
COMMENT ON INDEX bizydb.deleted_goals_pkey IS 'A deleted goal by id.';
COMMENT ON INDEX bizydb.deleted_tasks_pkey IS 'A deleted task by id.';
COMMENT ON INDEX bizydb.deleted_links_pkey IS 'Links from a goal or task.';
COMMENT ON INDEX bizydb.ix_deleted_links_upper IS 'Links to a goal or task.';
COMMENT ON INDEX bizydb.ix_deleted_goals_user_deleted_at IS 'Deleted goals, the last deleted first; goals of one deletion.';
COMMENT ON INDEX bizydb.ix_deleted_tasks_user_deleted_at IS 'Deleted tasks, the last deleted first; tasks of one deletion.';
COMMENT ON INDEX bizydb.ix_deleted_goals_deleted_at IS 'Deleted goals by time, for bizydb.forget_deleted.';
COMMENT ON INDEX bizydb.ix_deleted_tasks_deleted_at IS 'Deleted tasks by time, for bizydb.forget_deleted.';

ALTER TABLE bizydb.deleted_goals ENABLE ROW LEVEL SECURITY;
ALTER TABLE bizydb.deleted_tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE bizydb.deleted_links ENABLE ROW LEVEL SECURITY;

CREATE POLICY deleted_goals_owner ON bizydb.deleted_goals TO bizydb_user
  USING (user_id = (SELECT bizydb.current_user_id()))
  WITH CHECK (user_id = (SELECT bizydb.current_user_id()));
CREATE POLICY deleted_tasks_owner ON bizydb.deleted_tasks TO bizydb_user
  USING (user_id = (SELECT bizydb.current_user_id()))
  WITH CHECK (user_id = (SELECT bizydb.current_user_id()));
CREATE POLICY deleted_links_owner ON bizydb.deleted_links TO bizydb_user
  USING (user_id = (SELECT bizydb.current_user_id()))
  WITH CHECK (user_id = (SELECT bizydb.current_user_id()));

-- The switch is this function, so that to turn it takes no lock on a table and a dump has it. It is STABLE, since a plan does not notice
-- that an immutable function is replaced.
CREATE FUNCTION bizydb.keeps_deleted() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE RETURN true;

COMMENT ON FUNCTION bizydb.keeps_deleted() IS 'Whether deleted rows are kept: see bizydb.keep_deleted.';

-- With the rights of its caller, who owns the function above.
CREATE FUNCTION bizydb.keep_deleted(keep boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF keep IS NULL THEN
    RAISE EXCEPTION 'bizydb.keep_deleted: true or false' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  EXECUTE format('CREATE OR REPLACE FUNCTION bizydb.keeps_deleted() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE RETURN %s', keep::text);
END
$$;

COMMENT ON FUNCTION bizydb.keep_deleted(boolean) IS 'Turns the trash on or off. Rows already in it stay.';

-- The defaults are those of which text gives the value again. plpgsql has no other way to have them for one statement of a function.
CREATE FUNCTION bizydb.use_settings(settings jsonb DEFAULT '{"datestyle": "ISO, MDY", "timezone": "UTC", "bytea_output": "hex", "intervalstyle": "postgres", "extra_float_digits": "1", "lc_monetary": "C"}') RETURNS jsonb
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  before jsonb := (SELECT jsonb_object_agg(s.name, current_setting(s.name)) FROM jsonb_object_keys(settings) AS s (name));
BEGIN
  PERFORM set_config(s.name, s.value, true) FROM jsonb_each_text(settings) AS s (name, value);
  RETURN before;
END
$$;

COMMENT ON FUNCTION bizydb.use_settings(jsonb) IS 'Changes settings in the transaction, and returns what they were.';

CREATE FUNCTION bizydb.own_values(target regclass, deleted text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT format('jsonb_object(%L, ARRAY[%s])', array_agg(a.attname ORDER BY a.attnum), string_agg(format('%s.%I::text', deleted, a.attname), ', ' ORDER BY a.attnum))
  FROM pg_attribute a WHERE a.attrelid = target AND a.attname LIKE 'x\_%' AND NOT a.attisdropped
  $$;

COMMENT ON FUNCTION bizydb.own_values(regclass, text) IS 'SQL for the columns of a row that are a service''s own, each as text, as JSON.';

-- BEFORE each row, since the foreign keys cut the links before any trigger of the statement. The row is locked by now: nothing comes
-- under it anymore. Nothing is kept of a user who is gone, or being deleted by bizydb.delete_user.
CREATE FUNCTION bizydb.keep_deleted_goal() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off -- by key, statistics or not
  AS $$
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
    (SELECT true FROM bizydb.deleted_goals d WHERE d.id = OLD.id),
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = 'public.goals'::regclass AND a.attname LIKE 'x\_%' AND NOT a.attisdropped),
    ARRAY(SELECT g.id FROM public.goals g WHERE bizydb.same_user(g.user_id, OLD.user_id) AND g.parent_goal_id = OLD.id),
    ARRAY(SELECT t.id FROM public.tasks t WHERE bizydb.same_user(t.user_id, OLD.user_id) AND t.parent_goal_id = OLD.id)
  INTO kept, owns, sub_goals, tasks
  FROM public.users u WHERE u.id = OLD.user_id AND u.id::text IS DISTINCT FROM current_setting('bizydb.deletes_user', true);
  IF NOT FOUND THEN
    RETURN OLD;
  END IF;
  IF kept THEN
    DELETE FROM bizydb.deleted_goals d WHERE d.id = OLD.id; -- somebody has put it back by hand
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
$$;

COMMENT ON FUNCTION bizydb.keep_deleted_goal() IS 'Trigger: a deleted goal is kept in bizydb.deleted_goals.';

CREATE FUNCTION bizydb.keep_deleted_tasks() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off -- by key, statistics or not
  AS $$
DECLARE
  owner    bigint;
  owners   bigint[];
  many     boolean; -- owners
  needing  boolean; -- some of their tasks depend on others
  owns     boolean; -- as goals, and the next one
  kept     boolean;
  settings jsonb;
BEGIN
  -- In one query, as goals, and without an aggregate, which takes longest to begin.
  SELECT u.id, EXISTS (SELECT FROM old_rows r WHERE r.user_id <> o.user_id),
    (SELECT true FROM public.tasks t WHERE t.user_id = o.user_id AND jsonb_array_length(t.dependencies) > 0 LIMIT 1),
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = 'public.tasks'::regclass AND a.attname LIKE 'x\_%' AND NOT a.attisdropped),
    EXISTS (SELECT FROM old_rows r CROSS JOIN LATERAL (SELECT FROM bizydb.deleted_tasks d WHERE d.id = r.id OFFSET 0) AS d)
  INTO owner, many, needing, owns, kept
  FROM (SELECT o.user_id FROM old_rows o LIMIT 1) AS o LEFT JOIN LATERAL (SELECT u.id FROM public.users u WHERE u.id = o.user_id OFFSET 0) AS u ON true;
  owners := ARRAY[owner];
  IF many THEN
    owners := ARRAY(
      SELECT u.id FROM (SELECT DISTINCT o.user_id FROM old_rows o) AS o CROSS JOIN LATERAL (SELECT u.id FROM public.users u WHERE u.id = o.user_id OFFSET 0) AS u
      WHERE u.id::text IS DISTINCT FROM current_setting('bizydb.deletes_user', true)
    );
    FOREACH owner IN ARRAY owners LOOP -- as in forget_dependencies
      needing := EXISTS (SELECT FROM public.tasks t WHERE t.user_id = owner AND jsonb_array_length(t.dependencies) > 0);
      EXIT WHEN needing;
    END LOOP;
  ELSIF owner IS NULL OR current_setting('bizydb.deletes_user', true) = owner::text THEN
    RETURN NULL;
  END IF;
  IF kept THEN
    DELETE FROM bizydb.deleted_tasks d WHERE d.id = ANY (ARRAY(SELECT o.id FROM old_rows o));
  END IF;
  IF NOT bizydb.keeps_deleted() THEN
    RETURN NULL;
  END IF;
  INSERT INTO bizydb.deleted_tasks (
    id, user_id, parent_goal_id, title, description, priority, status, blocked_reason, blocked_in_progress, category, estimated_hours, actual_hours, due_date, due_all_day,
    created_at, updated_at, version, completed_at, dependencies, notes, tags, own
  )
  SELECT o.id, o.user_id, o.parent_goal_id, o.title, o.description, o.priority, o.status, o.blocked_reason, o.blocked_in_progress, o.category, o.estimated_hours, o.actual_hours, o.due_date, o.due_all_day,
    o.created_at, o.updated_at, o.version, o.completed_at, o.dependencies, o.notes, o.tags, '{}'
  FROM old_rows o WHERE o.user_id = ANY (owners);
  IF owns THEN
    settings := bizydb.use_settings();
    EXECUTE format('UPDATE bizydb.deleted_tasks d SET own = %s FROM old_rows o WHERE bizydb.same_user(d.user_id, o.user_id) AND d.id = o.id', bizydb.own_values(TG_RELID, 'o'));
    PERFORM bizydb.use_settings(settings);
  END IF;
  IF needing THEN
    INSERT INTO bizydb.deleted_links (user_id, kind, lower, upper, place)
    SELECT o.user_id, 'dependency', t.id, o.id, needed.place FROM old_rows o
    CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE t.dependencies @> to_jsonb(o.id) AND t.dependencies <> '[]' AND bizydb.same_user(t.user_id, o.user_id) OFFSET 0) AS t
    CROSS JOIN LATERAL jsonb_array_elements_text(t.dependencies) WITH ORDINALITY AS needed (id, place)
    WHERE o.user_id = ANY (owners) AND needed.id = o.id::text
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.keep_deleted_tasks() IS 'Trigger: deleted tasks are kept in bizydb.deleted_tasks.';

CREATE TRIGGER goals_deleted BEFORE DELETE ON public.goals
  FOR EACH ROW EXECUTE FUNCTION bizydb.keep_deleted_goal();
-- By its name before tasks_forget_dependencies, which cuts the links.
CREATE TRIGGER tasks_deleted AFTER DELETE ON public.tasks
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.keep_deleted_tasks();

CREATE FUNCTION bizydb.forget_user() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
DECLARE
  owner CONSTANT bigint := OLD.id;
BEGIN
  PERFORM bizydb.see_all_changes(); -- what has been deleted since would stay
  DELETE FROM bizydb.deleted_links d WHERE d.user_id = owner;
  DELETE FROM bizydb.deleted_goals d WHERE d.user_id = owner;
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = owner;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.forget_user() IS 'Trigger: deleting a user empties the user''s trash.';

CREATE FUNCTION bizydb.empty_trash() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  IF TG_TABLE_NAME = 'goals' THEN
    TRUNCATE bizydb.deleted_goals;
    DELETE FROM bizydb.deleted_links l WHERE l.kind <> 'dependency';
  ELSE
    TRUNCATE bizydb.deleted_tasks;
    DELETE FROM bizydb.deleted_links l WHERE l.kind <> 'goal';
  END IF;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.empty_trash() IS 'Trigger: truncating goals or tasks empties their trash, since ids can be assigned again.';

-- After the row: the triggers above keep nothing anymore. A foreign key would be checked for each row that is deleted.
CREATE TRIGGER users_forget AFTER DELETE ON public.users
  FOR EACH ROW EXECUTE FUNCTION bizydb.forget_user();
CREATE TRIGGER users_forget_id AFTER UPDATE OF id ON public.users
  FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION bizydb.forget_user();
CREATE TRIGGER goals_forget_truncate AFTER TRUNCATE ON public.goals
  FOR EACH STATEMENT EXECUTE FUNCTION bizydb.empty_trash();
CREATE TRIGGER tasks_forget_truncate AFTER TRUNCATE ON public.tasks
  FOR EACH STATEMENT EXECUTE FUNCTION bizydb.empty_trash();

CREATE FUNCTION bizydb.sweep_links() RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
  AS $$
  DELETE FROM bizydb.deleted_links l
  WHERE NOT CASE WHEN l.kind = 'goal' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE d.id = l.lower) ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE d.id = l.lower) END
    AND NOT CASE WHEN l.kind <> 'dependency' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE d.id = l.upper) ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE d.id = l.upper) END
  $$;

COMMENT ON FUNCTION bizydb.sweep_links() IS 'Removes the links, of all users, that have no deleted end.';

-- A link goes with the second of its ends, whether that is restored or forgotten.
CREATE FUNCTION bizydb.forget_links() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off
  AS $$
DECLARE
  goals CONSTANT boolean := TG_TABLE_NAME = 'deleted_goals';
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    PERFORM bizydb.sweep_links();
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM old_rows) THEN
    RETURN NULL;
  END IF;
  DELETE FROM bizydb.deleted_links d USING (
    SELECT DISTINCT l.user_id, l.lower, l.kind, l.upper FROM old_rows o
    CROSS JOIN LATERAL (
      SELECT d.* FROM bizydb.deleted_links d WHERE d.user_id = o.user_id AND d.lower = o.id AND (d.kind = 'goal') = goals
      UNION ALL
      SELECT d.* FROM bizydb.deleted_links d WHERE bizydb.same_user(d.user_id, o.user_id) AND d.upper = o.id AND (d.kind <> 'dependency') = goals
      OFFSET 0
    ) AS l
    WHERE NOT CASE WHEN l.kind = 'goal' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, l.user_id) AND d.id = l.lower)
        ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, l.user_id) AND d.id = l.lower) END
      AND NOT CASE WHEN l.kind <> 'dependency' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, l.user_id) AND d.id = l.upper)
        ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, l.user_id) AND d.id = l.upper) END
  ) AS l
  WHERE d.user_id = l.user_id AND d.lower = l.lower AND d.kind = l.kind AND d.upper = l.upper;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.forget_links() IS 'Trigger: removes links that no longer have a deleted end.';

CREATE TRIGGER deleted_goals_forget_links AFTER DELETE ON bizydb.deleted_goals
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links();
CREATE TRIGGER deleted_tasks_forget_links AFTER DELETE ON bizydb.deleted_tasks
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links();
CREATE TRIGGER deleted_goals_forget_links_truncate AFTER TRUNCATE ON bizydb.deleted_goals
  FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links();
CREATE TRIGGER deleted_tasks_forget_links_truncate AFTER TRUNCATE ON bizydb.deleted_tasks
  FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links();

-- Restoring: the rows come back by themselves, then their links, as far as these are possible, and then goals get their statuses.
CREATE TYPE bizydb.link AS (
  kind   text, -- of bizydb.deleted_links, as the next three
  lower  bigint,
  upper  bigint,
  place  bigint,
  reason text  -- why it is not there; NULL if nothing is known to prevent it
);

COMMENT ON TYPE bizydb.link IS 'A link that is missing.';

CREATE DOMAIN bizydb.left_out AS jsonb;

COMMENT ON DOMAIN bizydb.left_out IS 'A JSON array of what a restored row did not get back.';

-- A row that is deleted brings its links itself. One that is being restored is in the trash still, and was last under what it says there.
CREATE FUNCTION bizydb.missing_links(owner bigint, links bizydb.link[]) RETURNS SETOF bizydb.link
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT l.kind, l.lower, l.upper, l.place, CASE
    WHEN coalesce(upper_goal.id, upper_task.id, deleted_goal.id, deleted_task.id) IS NULL THEN 'gone'
    WHEN l.kind <> 'dependency' AND coalesce(lower_goal.parent_goal_id, lower_task.parent_goal_id, kept_goal.parent_goal_id, kept_task.parent_goal_id) <> l.upper THEN 'moved'
    WHEN coalesce(upper_goal.id, upper_task.id) IS NULL THEN 'deleted'
  END
  FROM unnest(links) WITH ORDINALITY AS l (kind, lower, upper, place, reason, n)
  LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, owner) AND g.id = l.lower AND l.kind = 'goal' OFFSET 0) AS lower_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM public.tasks t WHERE bizydb.same_user(t.user_id, owner) AND t.id = l.lower AND l.kind <> 'goal' OFFSET 0) AS lower_task ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = lower_goal.id AND lower_goal.parent_goal_id IS NULL OFFSET 0) AS kept_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = lower_task.id AND lower_task.parent_goal_id IS NULL AND l.kind = 'task' OFFSET 0) AS kept_task ON true
  LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, owner) AND g.id = l.upper AND l.kind <> 'dependency' OFFSET 0) AS upper_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM public.tasks t WHERE bizydb.same_user(t.user_id, owner) AND t.id = l.upper AND l.kind = 'dependency' OFFSET 0) AS upper_task ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = l.upper AND l.kind <> 'dependency' AND upper_goal.id IS NULL OFFSET 0) AS deleted_goal ON true
  LEFT JOIN LATERAL (SELECT * FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = l.upper AND l.kind = 'dependency' AND upper_task.id IS NULL OFFSET 0) AS deleted_task ON true
  WHERE coalesce(lower_goal.id, lower_task.id) IS NOT NULL
    AND (CASE WHEN l.kind = 'dependency' THEN lower_task.dependencies @> to_jsonb(l.upper) ELSE coalesce(lower_goal.parent_goal_id, lower_task.parent_goal_id) = l.upper END) IS NOT TRUE
  ORDER BY l.n
  $$;

COMMENT ON FUNCTION bizydb.missing_links(bigint, bizydb.link[]) IS 'The links of a list that do not exist now, and why.';

-- All at once. If that makes a circle, or is too deep, half of them and then the other half, down to those that are not possible.
CREATE FUNCTION bizydb.link_again(owner bigint, links bizydb.link[]) RETURNS SETOF bizydb.link
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  half   integer := cardinality(links) / 2;
  part   bizydb.link[];
  broken text;
BEGIN
  IF EXISTS (SELECT FROM unnest(links) AS l WHERE l.kind = 'goal') THEN
    UPDATE public.goals g SET parent_goal_id = l.upper
    FROM (SELECT l.lower, min(l.upper) FROM unnest(links) AS l WHERE l.kind = 'goal' GROUP BY l.lower) AS l (lower, upper)
    WHERE bizydb.same_user(g.user_id, owner) AND g.id = l.lower AND (g.parent_goal_id IS NULL) IS TRUE;
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
    WHERE bizydb.same_user(t.user_id, owner) AND t.id = l.lower;
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
$$;

COMMENT ON FUNCTION bizydb.link_again(bigint, bizydb.link[]) IS 'Makes links, and returns the links that are not possible.';

-- By the columns that the table has by now. One of a service's own takes its default where the row was deleted before there was one, and
-- NULL, if it may, where the row has gone that it references.
CREATE FUNCTION bizydb.put_back(name text, owner bigint, ids bigint[], changed jsonb, needs jsonb DEFAULT NULL) RETURNS bizydb.left_out
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
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
      EXECUTE format('WITH back AS MATERIALIZED (SELECT %s FROM bizydb.deleted_%s d WHERE bizydb.same_user(d.user_id, $1) AND d.id = ANY ($2)) INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM back b',
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
      WHERE c.conrelid = target AND c.conname = broken AND c.contype = 'f' AND has_table_privilege(c.confrelid, 'SELECT') AND NOT row_security_active(c.confrelid);
      IF more IS NULL THEN
        RAISE;
      END IF;
      lost := lost || more;
    END;
  END LOOP;
  left_out := '[]';
  FOR broken IN SELECT jsonb_object_keys(lost) LOOP
    EXECUTE format('SELECT $3 || coalesce(jsonb_agg(jsonb_build_object(%1$L, d.id, ''column'', %2$L, ''reason'', ''gone'') ORDER BY d.id), ''[]'') FROM bizydb.deleted_%3$s d
      WHERE bizydb.same_user(d.user_id, $1) AND d.id = ANY ($2) AND d.own ->> %2$L IS NOT NULL AND (SELECT t.%2$I IS NULL FROM %4$s t WHERE bizydb.same_user(t.user_id, $1) AND t.id = d.id)',
      left(name, -1), broken, name, target) INTO left_out USING owner, ids, left_out;
  END LOOP;
  PERFORM bizydb.use_settings(settings);
  RETURN left_out;
END
$$;

COMMENT ON FUNCTION bizydb.put_back(text, bigint, bigint[], jsonb, jsonb) IS 'Inserts goals or tasks of the trash, some columns by other expressions, in which needs is $3.';

-- Planned for the arrays at hand: they are joined. All come at once where a column of a service's own may reference one that comes later.
CREATE FUNCTION bizydb.by_dependencies(tasks bigint[], links bizydb.link[], OUT peers bigint[], OUT circle boolean) RETURNS SETOF record
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
  AS $$
DECLARE
  at_once CONSTANT boolean := EXISTS (SELECT FROM pg_constraint c WHERE (c.conrelid, c.confrelid, c.contype) = ('public.tasks'::regclass, 'public.tasks'::regclass, 'f'));
  steps   integer := 0;
BEGIN
  WHILE tasks <> '{}' LOOP
    peers := ARRAY(SELECT unnest(tasks) EXCEPT SELECT l.lower FROM unnest(links) AS l JOIN unnest(tasks) AS needed (task) ON l.kind = 'dependency' AND needed.task = l.upper);
    steps := steps + 1;
    circle := peers = '{}' OR at_once OR steps > 30; -- of a long chain, the rest is sooner linked afterwards
    IF circle THEN
      peers := tasks;
    END IF;
    tasks := ARRAY(SELECT unnest(tasks) EXCEPT SELECT unnest(peers));
    RETURN NEXT;
  END LOOP;
END
$$;

COMMENT ON FUNCTION bizydb.by_dependencies(bigint[], bizydb.link[]) IS 'Groups of tasks, each after the tasks that it depends on. The last group has the tasks in a cycle, the tasks that depend on these, and the rest of a long chain.';

-- All of them are in the trash and locked, and the caller has locked the user.
CREATE FUNCTION bizydb.restore(owner bigint, goals bigint[], tasks bigint[]) RETURNS bizydb.left_out
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
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
      SELECT 'goal', d.id, d.parent_goal_id, 0, true FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (restore.goals) AND d.parent_goal_id IS NOT NULL
      UNION ALL
      SELECT 'task', d.id, d.parent_goal_id, 0, true FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (restore.tasks) AND d.parent_goal_id IS NOT NULL
      UNION ALL
      SELECT 'dependency', d.id, needed.id::bigint, needed.place, true FROM bizydb.deleted_tasks d, jsonb_array_elements_text(d.dependencies) WITH ORDINALITY AS needed (id, place)
      WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (restore.tasks)
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, true FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.lower = ANY (restore.goals) AND d.kind = 'goal'
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, true FROM bizydb.deleted_links d WHERE d.user_id = owner AND d.lower = ANY (restore.tasks) AND d.kind <> 'goal'
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, false FROM bizydb.deleted_links d WHERE bizydb.same_user(d.user_id, owner) AND d.upper = ANY (restore.goals) AND d.kind <> 'dependency'
      UNION ALL
      SELECT d.kind, d.lower, d.upper, d.place, false FROM bizydb.deleted_links d WHERE bizydb.same_user(d.user_id, owner) AND d.upper = ANY (restore.tasks) AND d.kind = 'dependency'
    ) AS l (kind, lower, upper, place, by_lower) GROUP BY l.kind, l.lower, l.upper ORDER BY l.kind, bool_or(l.by_lower) = (l.kind = 'goal'), l.lower, min(l.place), l.upper
  );
  PERFORM set_config('bizydb.restoring', 'on', true);
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
      CROSS JOIN LATERAL (SELECT t.id FROM public.tasks t WHERE bizydb.same_user(t.user_id, $1) AND t.id = needed.id::bigint OFFSET 0) AS t), ''[]'')' END,
      'parent_goal_id', '(SELECT g.id FROM public.goals g WHERE bizydb.same_user(g.user_id, $1) AND g.id = d.parent_goal_id FOR KEY SHARE)',
      'updated_at', 'greatest(now(), d.updated_at + interval ''1 microsecond'')', 'version', 'd.version + 1'), needs);
  END LOOP;

  PERFORM FROM public.goals g WHERE bizydb.same_user(g.user_id, owner) AND g.id = ANY (ARRAY(SELECT l.upper FROM unnest(links) AS l WHERE l.kind <> 'dependency')) FOR KEY SHARE; -- waits for whoever deletes them
  -- What is left out because its upper end is deleted comes back with that: nobody forgets it meanwhile.
  PERFORM FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (ARRAY(SELECT l.upper FROM unnest(links) AS l WHERE l.kind <> 'dependency')) ORDER BY d.id FOR KEY SHARE;
  PERFORM FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (ARRAY(SELECT l.upper FROM unnest(links) AS l WHERE l.kind = 'dependency')) ORDER BY d.id FOR KEY SHARE;
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
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, owner) AND g.id = a.at AND g.parent_goal_id IS NOT NULL OFFSET 0) AS g
    )
    SELECT array_agg(r.id) FROM (SELECT a.id, max(a.depth) FROM above a GROUP BY a.id) AS r (id, depth) GROUP BY r.depth ORDER BY r.depth DESC
  LOOP
    UPDATE public.goals g SET status = d.status, completed_at = d.completed_at
    FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (peers) AND d.status <> 'cancelled' AND bizydb.same_user(g.user_id, owner) AND g.id = d.id;
    -- Also one that was active with all of its work done, which resuming has completed.
    UPDATE public.goals g SET status = 'active'
    FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (peers) AND d.status = 'active' AND bizydb.same_user(g.user_id, owner) AND g.id = d.id AND g.status = 'completed';
  END LOOP;
  PERFORM set_config('bizydb.restoring', '', true);

  missing := ARRAY(SELECT m FROM bizydb.missing_links(owner, links) AS m);
  left_out := left_out || (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'goal', CASE WHEN m.kind = 'goal' THEN m.lower END, 'task', CASE WHEN m.kind <> 'goal' THEN m.lower END,
    'parent_goal', CASE WHEN m.kind <> 'dependency' THEN m.upper END, 'dependency', CASE WHEN m.kind = 'dependency' THEN m.upper END,
    'reason', coalesce(m.reason, r.reason, 'moved')
  )) ORDER BY m.kind, m.lower, m.upper), '[]') FROM unnest(missing) AS m LEFT JOIN unnest(refused) AS r USING (kind, lower, upper));
  INSERT INTO bizydb.deleted_links (user_id, kind, lower, upper, place) SELECT owner, m.kind, m.lower, m.upper, m.place FROM unnest(missing) AS m WHERE m.reason = 'deleted' ON CONFLICT DO NOTHING;
  DELETE FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (tasks);
  DELETE FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, owner) AND d.id = ANY (goals);
  RETURN left_out;
END
$$;

COMMENT ON FUNCTION bizydb.restore(bigint, bigint[], bigint[]) IS 'Restores goals and tasks of a user from the trash.';

-- A row is in the trash until it is restored with all that belongs to it. With the owner's rights, which sees no more than the user's own.
CREATE FUNCTION bizydb.restoring(name text, id bigint) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off
  AS $$
BEGIN
  IF coalesce(current_setting('bizydb.restoring', true), '') = '' THEN
    RETURN false;
  END IF;
  RETURN CASE name
    WHEN 'goals' THEN EXISTS (SELECT FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, (SELECT bizydb.current_user_id())) AND d.id = restoring.id)
    ELSE EXISTS (SELECT FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, (SELECT bizydb.current_user_id())) AND d.id = restoring.id) END;
END
$$;

COMMENT ON FUNCTION bizydb.restoring(text, bigint) IS 'For triggers: whether a row of goals or tasks is being restored.';

-- With the owner's rights, since no role may insert ids: whoever could, would take those of others. What is there still, by a trigger
-- that keeps it from being deleted or by hand, is not deleted.
CREATE FUNCTION bizydb.restore_task(task bigint, OUT restored bigint, OUT left_out bizydb.left_out) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off
  AS $$
DECLARE
  me bigint := bizydb.current_user_id();
BEGIN
  PERFORM bizydb.lock_user(me);
  DELETE FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, me) AND d.id = task AND EXISTS (SELECT FROM public.tasks t WHERE bizydb.same_user(t.user_id, me) AND t.id = d.id);
  SELECT d.id INTO restored FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, me) AND d.id = task FOR UPDATE; -- so that nobody forgets it meanwhile
  IF FOUND THEN
    left_out := bizydb.restore(me, '{}', ARRAY[restored]);
    RETURN NEXT;
  END IF;
END
$$;

COMMENT ON FUNCTION bizydb.restore_task(bigint) IS 'Restores a task of the scope''s user. No row without such a deleted task.';

CREATE FUNCTION bizydb.restore_goal(goal bigint, together boolean, OUT restored bigint, OUT goals bigint[], OUT tasks bigint[], OUT left_out bizydb.left_out) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off SET enable_seqscan = off
  AS $$
DECLARE
  me    bigint := bizydb.current_user_id();
  kept  bizydb.deleted_goals;
  there bigint[];
BEGIN
  PERFORM bizydb.lock_user(me);
  SELECT * INTO kept FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, me) AND d.id = goal FOR UPDATE; -- as a task
  IF NOT FOUND THEN
    RETURN;
  END IF;
  goals := ARRAY[goal];
  tasks := '{}';
  IF together THEN
    tasks := ARRAY(SELECT d.id FROM bizydb.deleted_tasks d WHERE d.user_id = me AND d.deleted_at = kept.deleted_at AND d.deletion = kept.deletion ORDER BY d.id FOR UPDATE);
    goals := ARRAY(SELECT d.id FROM bizydb.deleted_goals d WHERE d.user_id = me AND d.deleted_at = kept.deleted_at AND d.deletion = kept.deletion ORDER BY d.id FOR UPDATE);
  END IF;
  there := ARRAY(SELECT g.id FROM unnest(goals) AS k (id) CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, me) AND g.id = k.id OFFSET 0) AS g);
  IF there <> '{}' THEN
    DELETE FROM bizydb.deleted_goals d WHERE bizydb.same_user(d.user_id, me) AND d.id = ANY (there);
    goals := ARRAY(SELECT unnest(goals) EXCEPT SELECT unnest(there) ORDER BY 1);
  END IF;
  there := ARRAY(SELECT t.id FROM unnest(tasks) AS k (id) CROSS JOIN LATERAL (SELECT * FROM public.tasks t WHERE bizydb.same_user(t.user_id, me) AND t.id = k.id OFFSET 0) AS t);
  IF there <> '{}' THEN
    DELETE FROM bizydb.deleted_tasks d WHERE bizydb.same_user(d.user_id, me) AND d.id = ANY (there);
    tasks := ARRAY(SELECT unnest(tasks) EXCEPT SELECT unnest(there) ORDER BY 1);
  END IF;
  IF goal = ANY (goals) THEN
    restored := goal;
    left_out := bizydb.restore(me, goals, tasks);
    RETURN NEXT;
  END IF;
END
$$;

COMMENT ON FUNCTION bizydb.restore_goal(bigint, boolean) IS 'Restores a goal of the scope''s user, or all that was deleted together with it. No row without such a deleted goal.';

-- Rows as they are when they are called, and not when the statement began: what a restore in it has inserted. With the caller's rights.
CREATE FUNCTION bizydb.goal_now(goal bigint) RETURNS SETOF public.goals
  LANGUAGE sql ROWS 1
  AS $$ SELECT * FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = goal $$;

COMMENT ON FUNCTION bizydb.goal_now(bigint) IS 'A goal of the scope''s user, as this statement has left it so far.';

CREATE FUNCTION bizydb.task_now(task bigint) RETURNS SETOF public.tasks
  LANGUAGE sql ROWS 1
  AS $$ SELECT * FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = task $$;

COMMENT ON FUNCTION bizydb.task_now(bigint) IS 'A task of the scope''s user, as this statement has left it so far.';

-- For a service's retention. It waits for nobody: what a restore has locked is not there.
CREATE FUNCTION bizydb.forget_deleted(before timestamptz, most integer DEFAULT NULL, OUT goals bigint, OUT tasks bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off
  AS $$
BEGIN
  DELETE FROM bizydb.deleted_goals d WHERE d.id = ANY (ARRAY(
    SELECT o.id FROM bizydb.deleted_goals o WHERE o.deleted_at < before ORDER BY o.deleted_at LIMIT most FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM bizydb.deleted_tasks d WHERE d.id = ANY (ARRAY(
    SELECT o.id FROM bizydb.deleted_tasks o WHERE o.deleted_at < before ORDER BY o.deleted_at LIMIT most FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS tasks = ROW_COUNT;
  IF goals = 0 AND tasks = 0 THEN -- also links whose ends went in two transactions at once, each of which saw the other's
    PERFORM bizydb.sweep_links();
  END IF;
END
$$;

COMMENT ON FUNCTION bizydb.forget_deleted(timestamptz, integer) IS 'Removes goals and tasks that any user deleted before a time, at most so many of each, and counts them.';

REVOKE ALL ON bizydb.deleted_goals, bizydb.deleted_tasks, bizydb.deleted_links FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT SELECT, DELETE ON bizydb.deleted_goals, bizydb.deleted_tasks TO bizydb_user; -- restoring is a function's

REVOKE ALL ON TYPE bizydb.link, bizydb.left_out FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

REVOKE ALL ON FUNCTION
  bizydb.keeps_deleted(), bizydb.keep_deleted(boolean), bizydb.use_settings(jsonb), bizydb.own_values(regclass, text), bizydb.keep_deleted_goal(), bizydb.keep_deleted_tasks(),
  bizydb.forget_user(), bizydb.empty_trash(), bizydb.sweep_links(), bizydb.forget_links(), bizydb.restoring(text, bigint), bizydb.missing_links(bigint, bizydb.link[]), bizydb.link_again(bigint, bizydb.link[]),
  bizydb.put_back(text, bigint, bigint[], jsonb, jsonb), bizydb.by_dependencies(bigint[], bizydb.link[]), bizydb.restore(bigint, bigint[], bigint[]),
  bizydb.restore_task(bigint),
  bizydb.restore_goal(bigint, boolean), bizydb.goal_now(bigint), bizydb.task_now(bigint), bizydb.forget_deleted(timestamptz, integer)
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.restore_task(bigint), bizydb.restore_goal(bigint, boolean), bizydb.restoring(text, bigint), bizydb.goal_now(bigint), bizydb.task_now(bigint) TO bizydb_user;
GRANT EXECUTE ON FUNCTION bizydb.forget_deleted(timestamptz, integer) TO bizydb_accounts;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 11;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 10;

DROP TRIGGER tasks_forget_truncate ON public.tasks;
DROP TRIGGER goals_forget_truncate ON public.goals;
DROP TRIGGER users_forget_id ON public.users;
DROP TRIGGER users_forget ON public.users;
DROP TRIGGER tasks_deleted ON public.tasks;
DROP TRIGGER goals_deleted ON public.goals;
DROP FUNCTION bizydb.forget_deleted(timestamptz, integer);
DROP FUNCTION bizydb.task_now(bigint);
DROP FUNCTION bizydb.goal_now(bigint);
DROP FUNCTION bizydb.restore_goal(bigint, boolean);
DROP FUNCTION bizydb.restore_task(bigint);
DROP FUNCTION bizydb.restoring(text, bigint);
DROP FUNCTION bizydb.restore(bigint, bigint[], bigint[]);
DROP FUNCTION bizydb.by_dependencies(bigint[], bizydb.link[]);
DROP FUNCTION bizydb.put_back(text, bigint, bigint[], jsonb, jsonb);
DROP FUNCTION bizydb.link_again(bigint, bizydb.link[]);
DROP FUNCTION bizydb.missing_links(bigint, bizydb.link[]);
DROP DOMAIN bizydb.left_out;
DROP TYPE bizydb.link;
DROP FUNCTION bizydb.empty_trash();
DROP FUNCTION bizydb.forget_user();
DROP FUNCTION bizydb.keep_deleted_tasks();
DROP FUNCTION bizydb.keep_deleted_goal();
DROP FUNCTION bizydb.own_values(regclass, text);
DROP FUNCTION bizydb.use_settings(jsonb);
DROP FUNCTION bizydb.keep_deleted(boolean);
DROP FUNCTION bizydb.keeps_deleted();
DROP TABLE bizydb.deleted_tasks;
DROP TABLE bizydb.deleted_goals;
DROP TABLE bizydb.deleted_links;
DROP FUNCTION bizydb.forget_links();
DROP FUNCTION bizydb.sweep_links();
