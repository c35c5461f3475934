-- What the queries in queries/ call.

-- Values in one parameter, as types of their own: by these sqlc tells which Go type they have.
CREATE DOMAIN bizydb.task_ids AS jsonb;
CREATE DOMAIN bizydb.new_tasks AS jsonb;
CREATE DOMAIN bizydb.tags AS jsonb;
CREATE DOMAIN bizydb.metric AS jsonb;
CREATE DOMAIN bizydb.goal_status AS text;
CREATE DOMAIN bizydb.horizon AS text;
CREATE DOMAIN bizydb.task_status AS text;
CREATE DOMAIN bizydb.task_statuses AS text;
CREATE DOMAIN bizydb.goal_statuses AS text;
CREATE DOMAIN bizydb.forecast_day AS date;
CREATE DOMAIN bizydb.count AS bigint;
CREATE DOMAIN bizydb.time_zone AS text;

COMMENT ON DOMAIN bizydb.task_ids IS 'A JSON array of ids of tasks.';
COMMENT ON DOMAIN bizydb.new_tasks IS 'A JSON array of objects with the columns of tasks.';
COMMENT ON DOMAIN bizydb.tags IS 'A JSON array of strings.';
COMMENT ON DOMAIN bizydb.metric IS 'The value of one key of a goal''s metrics.';
COMMENT ON DOMAIN bizydb.goal_status IS 'A status of goals, where a query does not take it from the table.';
COMMENT ON DOMAIN bizydb.horizon IS 'A horizon of goals, where a query does not take it from the table.';
COMMENT ON DOMAIN bizydb.task_status IS 'A status of tasks, where a query does not take it from the table.';
COMMENT ON DOMAIN bizydb.task_statuses IS 'Statuses of tasks, separated by commas; NULL for all.';
COMMENT ON DOMAIN bizydb.goal_statuses IS 'Statuses of goals, separated by commas; NULL for all.';
COMMENT ON DOMAIN bizydb.forecast_day IS 'A day that can be unknown.';
COMMENT ON DOMAIN bizydb.count IS 'A number of days, weeks or rows, however large.';
COMMENT ON DOMAIN bizydb.time_zone IS 'The IANA name of a time zone, '''' for UTC.';

-- "$1 IS NOT NULL OR (SELECT bizydb.plan_for_any_values())" makes the server plan a prepared query for its values each time.
-- Where $1 is known this is gone from the plan; in a generic plan it stays, and is priced.
CREATE FUNCTION bizydb.plan_for_any_values() RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000000 SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN true;
END
$$;

COMMENT ON FUNCTION bizydb.plan_for_any_values() IS 'True, at a cost that keeps the query planner from a generic plan.';

-- With the owner's rights, since row security would keep it from the index.
CREATE FUNCTION bizydb.tagged_tasks(any_of jsonb, all_of jsonb) RETURNS bigint[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  SET jit = off -- the query planner expects far more rows than there are
  AS $$
  SELECT coalesce(array_agg(DISTINCT t.id), '{}')
  FROM (
    SELECT jsonb_build_array(tag) FROM jsonb_array_elements(any_of) AS tag
    UNION ALL
    SELECT all_of WHERE coalesce(any_of, '[]') = '[]' AND all_of <> '[]'
  ) AS wanted (tags)
  CROSS JOIN LATERAL (
    SELECT t.id FROM public.tasks t
    WHERE bizydb.same_user(t.user_id, (SELECT bizydb.current_user_id()))
      AND jsonb_set('{}', ARRAY[t.user_id::text], t.tags) @> jsonb_set('{}', ARRAY[(SELECT coalesce(bizydb.current_user_id(), 0)::text)], wanted.tags)
      AND t.tags <> '[]' AND t.tags @> coalesce(all_of, '[]')
    OFFSET 0
  ) AS t
  $$;

COMMENT ON FUNCTION bizydb.tagged_tasks(jsonb, jsonb) IS 'Tasks of the scope''s user with one of any_of, unless it is empty, and all of all_of.';

-- Down from the goals that are closed, once, and not up from each task that a query looks at. The price is one at which a plan is
-- kept that calls it only if it is told to.
CREATE FUNCTION bizydb.closed_goals() RETURNS bigint[]
  LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE closed (id, sub_goals) AS (
      SELECT g.id, g.sub_goal_count FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.status IN ('completed', 'cancelled')
      UNION
      SELECT g.id, g.sub_goal_count FROM closed c
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.parent_goal_id = c.id OFFSET 0) AS g
      WHERE c.sub_goals > 0 -- not counting cancelled ones, which are among the first already
    )
    SELECT c.id FROM closed c
  );
END
$$;

COMMENT ON FUNCTION bizydb.closed_goals() IS 'Goals of the scope''s user that are completed or cancelled, and all below them.';

-- For queries that are planned for each call, which a sub-select of several levels would take longer to plan.
CREATE FUNCTION bizydb.is_waiting(dependencies jsonb) RETURNS boolean
  LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  RETURN dependencies <> '[]' AND EXISTS (
    SELECT FROM (SELECT d.id::bigint AS id FROM jsonb_array_elements_text(is_waiting.dependencies) AS d (id) OFFSET 0) AS d
    WHERE (SELECT t.status FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = d.id) <> 'completed'
  );
END
$$;

COMMENT ON FUNCTION bizydb.is_waiting(jsonb) IS 'Whether any of these tasks of the scope''s user is not completed.';

-- Days and weeks as they are in a user's time zone.
CREATE FUNCTION bizydb.local_day(at timestamptz, zone text) RETURNS date
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (coalesce(at, now()) AT TIME ZONE coalesce(nullif(zone, ''), 'UTC'))::date;

COMMENT ON FUNCTION bizydb.local_day(timestamptz, text) IS 'The day of a time, NULL for now, in an IANA time zone, '''' for UTC.';

CREATE FUNCTION bizydb.day_start(day date, zone text) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  -- Midnight can come twice, then the second term is the first of them, or not at all, then both are when it was skipped.
  -- (Where a clock went back from after midnight to before it, as in St. John's until 2010, a day is in two pieces. This is
  -- where the second begins.)
  RETURN least(
    day::timestamp AT TIME ZONE coalesce(nullif(zone, ''), 'UTC'),
    (day::timestamp - interval '1 microsecond') AT TIME ZONE coalesce(nullif(zone, ''), 'UTC') + interval '1 microsecond'
  );

COMMENT ON FUNCTION bizydb.day_start(date, text) IS 'When a day begins in a time zone.';

-- An all-day task is due on the same day in every zone. Midnight UTC names that day; the day itself is another span in each zone,
-- less than a day away from it.
CREATE FUNCTION bizydb.due_on(day date) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN day::timestamp AT TIME ZONE 'UTC';

COMMENT ON FUNCTION bizydb.due_on(date) IS 'The due date of an all-day task on a day.';

CREATE FUNCTION bizydb.due_day(due_date timestamptz, all_day boolean, zone text) RETURNS date
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (due_date AT TIME ZONE CASE WHEN all_day THEN 'UTC' ELSE coalesce(nullif(zone, ''), 'UTC') END)::date;

COMMENT ON FUNCTION bizydb.due_day(timestamptz, boolean, text) IS 'The day that a task is due on, in a time zone.';

CREATE FUNCTION bizydb.first_day(at timestamptz, zone text) RETURNS date
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN bizydb.local_day(at - interval '1 microsecond', zone) + 1;

COMMENT ON FUNCTION bizydb.first_day(timestamptz, text) IS 'The first day that begins at a time or later, in a time zone.';

CREATE FUNCTION bizydb.monday(day date) RETURNS date
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN day - (extract(isodow FROM day)::integer - 1);

COMMENT ON FUNCTION bizydb.monday(date) IS 'The Monday of a day''s week.';

CREATE FUNCTION bizydb.day_after(day date, work bigint, per_day double precision) RETURNS date
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN work = 0 THEN greatest('0001-01-01', least(day, '9999-12-31'))
    -- As numeric it has fifteen digits, so that 21 / (7 / 5) is 15 and not a little more.
    WHEN per_day > 0 AND (work / per_day)::numeric <= least(36525, date '9999-12-31' - day) THEN day + ceil((work / per_day)::numeric)::integer
  END;

COMMENT ON FUNCTION bizydb.day_after(date, bigint, double precision) IS 'The day when work at a rate is done; NULL if that is over a hundred years away, or after 9999.';

REVOKE ALL ON TYPE bizydb.task_ids, bizydb.new_tasks, bizydb.tags, bizydb.metric, bizydb.goal_status, bizydb.horizon, bizydb.task_status, bizydb.task_statuses, bizydb.goal_statuses, bizydb.forecast_day, bizydb.count, bizydb.time_zone
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

REVOKE ALL ON FUNCTION
  bizydb.plan_for_any_values(), bizydb.tagged_tasks(jsonb, jsonb), bizydb.closed_goals(), bizydb.is_waiting(jsonb), bizydb.local_day(timestamptz, text), bizydb.day_start(date, text),
  bizydb.due_on(date), bizydb.due_day(timestamptz, boolean, text), bizydb.first_day(timestamptz, text), bizydb.monday(date), bizydb.day_after(date, bigint, double precision)
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION
  bizydb.plan_for_any_values(), bizydb.tagged_tasks(jsonb, jsonb), bizydb.closed_goals(), bizydb.is_waiting(jsonb), bizydb.local_day(timestamptz, text), bizydb.day_start(date, text),
  bizydb.due_on(date), bizydb.due_day(timestamptz, boolean, text), bizydb.first_day(timestamptz, text), bizydb.monday(date), bizydb.day_after(date, bigint, double precision)
  TO bizydb_user;
GRANT EXECUTE ON FUNCTION
  bizydb.local_day(timestamptz, text), bizydb.day_start(date, text), bizydb.due_on(date), bizydb.due_day(timestamptz, boolean, text),
  bizydb.first_day(timestamptz, text), bizydb.monday(date)
  TO bizydb_reporter; -- a report by day, in a time zone

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 7;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 6;

DROP FUNCTION bizydb.day_after(date, bigint, double precision);
DROP FUNCTION bizydb.monday(date);
DROP FUNCTION bizydb.first_day(timestamptz, text);
DROP FUNCTION bizydb.due_day(timestamptz, boolean, text);
DROP FUNCTION bizydb.due_on(date);
DROP FUNCTION bizydb.day_start(date, text);
DROP FUNCTION bizydb.local_day(timestamptz, text);
DROP FUNCTION bizydb.is_waiting(jsonb);
DROP FUNCTION bizydb.closed_goals();
DROP FUNCTION bizydb.tagged_tasks(jsonb, jsonb);
DROP FUNCTION bizydb.plan_for_any_values();
DROP DOMAIN bizydb.time_zone;
DROP DOMAIN bizydb.count;
DROP DOMAIN bizydb.forecast_day;
DROP DOMAIN bizydb.goal_statuses;
DROP DOMAIN bizydb.task_statuses;
DROP DOMAIN bizydb.task_status;
DROP DOMAIN bizydb.horizon;
DROP DOMAIN bizydb.goal_status;
DROP DOMAIN bizydb.metric;
DROP DOMAIN bizydb.tags;
DROP DOMAIN bizydb.new_tasks;
DROP DOMAIN bizydb.task_ids;
