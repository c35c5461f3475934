-- What lists and counts of a user with a hundred thousand tasks need: every index leads with the user.

CREATE FUNCTION bizydb.due_or_never(due_date timestamptz) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN due_date IS NULL THEN 'infinity' ELSE due_date END; -- coalesce would keep row security from the index

COMMENT ON FUNCTION bizydb.due_or_never(timestamptz) IS 'A due date, or infinity where there is none.';

-- The order of lists: the most urgent priority, the earliest due date, those without one last, the newest. With what lists
-- are filtered by, so that rows which do not match are passed over in the index.
CREATE INDEX ix_tasks_user_list ON public.tasks (user_id, priority, bizydb.due_or_never(due_date), created_at DESC, id DESC)
  INCLUDE (due_date, status, category, parent_goal_id);

-- The same of what is still to be done, which can be little after years of completed tasks.
CREATE INDEX ix_tasks_user_open_list ON public.tasks (user_id, priority, bizydb.due_or_never(due_date), created_at DESC, id DESC)
  INCLUDE (due_date, status, category, parent_goal_id)
  WHERE status IN ('pending', 'in_progress', 'blocked');

-- What is still to be done, by date. A list by status alone does not ask for a date, and so goes by ix_tasks_user_status.
CREATE INDEX ix_tasks_user_open_due_date ON public.tasks (user_id, due_date, priority, id)
  WHERE status IN ('pending', 'in_progress', 'blocked') AND due_date IS NOT NULL;

CREATE INDEX ix_tasks_user_completed_at ON public.tasks (user_id, completed_at) WHERE completed_at IS NOT NULL;

-- Each tag together with its owner, so that a tag that others have often is found as fast as a rare one.
CREATE INDEX ix_tasks_user_tags ON public.tasks USING gin (jsonb_set('{}', ARRAY[user_id::text], tags) jsonb_path_ops)
  WITH (fastupdate = off) WHERE tags <> '[]';

CREATE FUNCTION bizydb.plan_for_any_values() RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000000 SET search_path = ''
  AS $$
BEGIN
  RETURN true;
END
$$;

COMMENT ON FUNCTION bizydb.plan_for_any_values() IS
  'True, and dear: "$1 IS NOT NULL OR (SELECT bizydb.plan_for_any_values())" makes the server plan a prepared query for its values each time. Where $1 is known this is gone from the plan; in a plan for any values it is there, and is priced.';

-- To count a user's goals anew is no reason to read those of all users.
ALTER FUNCTION bizydb.roll_up(bigint) SET enable_seqscan = off;
ALTER FUNCTION bizydb.roll_up_all() SET enable_seqscan = off;

-- As types of their own, like task_ids.
CREATE DOMAIN bizydb.tags AS jsonb;
CREATE DOMAIN bizydb.metric AS jsonb;
CREATE DOMAIN bizydb.task_status AS text;

COMMENT ON DOMAIN bizydb.tags IS 'A JSON array of strings.';
COMMENT ON DOMAIN bizydb.metric IS 'What stands under one key of a goal''s metrics.';
COMMENT ON DOMAIN bizydb.task_status IS 'A status of tasks, where a query does not take it from the table.';

CREATE FUNCTION bizydb.tagged_tasks(any_of jsonb, all_of jsonb) RETURNS bigint[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET row_security = off
  SET jit = off -- the planner expects far more rows than there are
  AS $$
  SELECT coalesce(array_agg(DISTINCT t.id), '{}')
  FROM (
    SELECT jsonb_build_array(tag) FROM jsonb_array_elements(any_of) AS tag
    UNION ALL
    SELECT all_of WHERE coalesce(any_of, '[]') = '[]' AND all_of <> '[]'
  ) AS wanted (tags)
  CROSS JOIN (SELECT u.id::text FROM public.users u WHERE u.id = bizydb.current_user_id() AND u.is_active) AS me (id)
  CROSS JOIN LATERAL (
    SELECT t.id FROM public.tasks t
    WHERE jsonb_set('{}', ARRAY[t.user_id::text], t.tags) @> jsonb_set('{}', ARRAY[me.id], wanted.tags)
      AND t.tags <> '[]' AND t.tags @> coalesce(all_of, '[]')
    OFFSET 0
  ) AS t
  $$;

COMMENT ON FUNCTION bizydb.tagged_tasks(jsonb, jsonb) IS
  'The tasks of the scope''s user that have one of the tags in any_of, if there are any in it, and all of those in all_of. With the owner''s rights, since row security would keep it from the index.';

REVOKE EXECUTE ON FUNCTION bizydb.tagged_tasks(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bizydb.tagged_tasks(jsonb, jsonb) TO bizydb_user;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 12 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 11 $$;

DROP FUNCTION bizydb.tagged_tasks(jsonb, jsonb);
DROP FUNCTION bizydb.plan_for_any_values();
DROP DOMAIN bizydb.task_status;
DROP DOMAIN bizydb.metric;
DROP DOMAIN bizydb.tags;
DROP INDEX public.ix_tasks_user_tags;
DROP INDEX public.ix_tasks_user_completed_at;
DROP INDEX public.ix_tasks_user_open_due_date;
DROP INDEX public.ix_tasks_user_open_list;
DROP INDEX public.ix_tasks_user_list;
DROP FUNCTION bizydb.due_or_never(timestamptz);
ALTER FUNCTION bizydb.roll_up_all() RESET enable_seqscan;
ALTER FUNCTION bizydb.roll_up(bigint) RESET enable_seqscan;
