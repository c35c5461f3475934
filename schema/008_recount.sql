-- The roll-up from scratch: for repair, after a load with the triggers off, and as the check that nothing has drifted.
CREATE TYPE bizydb.goal_change AS (
  goal_id        bigint,
  old_percentage double precision,
  new_percentage double precision
);

COMMENT ON TYPE bizydb.goal_change IS 'What a roll-up from scratch has corrected.';

CREATE FUNCTION bizydb.recount(goals bigint[], depths integer[]) RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SET search_path = ''
  AS $$
DECLARE
  level integer;
  peers bigint[];
  wrong bizydb.work[];
  old   bizydb.goal_change[];
BEGIN
  -- From the deepest up, since a goal is counted with what its sub-goals have come to.
  FOR level, peers IN SELECT at.depth, array_agg(at.id) FROM unnest(goals, depths) AS at (id, depth) GROUP BY at.depth ORDER BY at.depth DESC LOOP
    SELECT array_agg(ROW (g.id, level, t.n, t.completed, s.n, s.progress, false)::bizydb.work ORDER BY g.id),
           array_agg(ROW (g.id, g.progress_percentage, NULL)::bizydb.goal_change ORDER BY g.id)
    INTO wrong, old
    FROM unnest(peers) AS peer (id)
    JOIN public.goals g USING (id)
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS n, count(*) FILTER (WHERE task.status = 'completed')::integer AS completed
      FROM public.tasks task WHERE task.user_id = g.user_id AND task.parent_goal_id = g.id
    ) AS t
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS n, coalesce(sum(round(100 * sub.progress_percentage)), 0)::bigint AS progress
      FROM public.goals sub WHERE sub.user_id = g.user_id AND sub.parent_goal_id = g.id AND sub.status <> 'cancelled'
    ) AS s
    WHERE (g.task_count, g.completed_task_count, g.sub_goal_count, g.sub_goal_progress) <> (t.n, t.completed, s.n, s.progress)
       OR g.progress_percentage <> CASE WHEN g.status = 'completed' THEN 100
            ELSE coalesce(bizydb.work_done(t.n, t.completed, s.n, s.progress) / 100.0::double precision, bizydb.to_hundredths(g.progress_percentage)) END;
    CONTINUE WHEN wrong IS NULL;

    UPDATE public.goals g SET
      task_count = w.tasks, completed_task_count = w.completed_tasks, sub_goal_count = w.sub_goals, sub_goal_progress = w.progress,
      roll_up_count = g.roll_up_count + 1
    FROM unnest(wrong) AS w WHERE g.id = w.goal_id;

    RETURN QUERY
      SELECT o.goal_id, o.old_percentage, g.progress_percentage
      FROM unnest(old) AS o JOIN public.goals g ON g.id = o.goal_id ORDER BY o.goal_id;
  END LOOP;
END
$$;

COMMENT ON FUNCTION bizydb.recount(bigint[], integer[]) IS
  'Counts the work under goals, given with their depths, anew and writes what differs. Every sub-goal of a given goal has to be given too, or be right.';

CREATE FUNCTION bizydb.roll_up(goal bigint) RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
DECLARE
  me     bigint := (SELECT u.id FROM public.users u WHERE u.id = bizydb.current_user_id() AND u.is_active);
  goals  bigint[];
  depths integer[];
BEGIN
  PERFORM bizydb.lock_plan(me);
  WITH RECURSIVE above (id, parent_goal_id, depth) AS (
    SELECT g.id, g.parent_goal_id, 0 FROM public.goals g WHERE g.user_id = me AND g.id = roll_up.goal
    UNION ALL
    SELECT g.id, g.parent_goal_id, a.depth - 1 FROM above a
    CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = me AND g.id = a.parent_goal_id OFFSET 0) AS g
  ) CYCLE id SET again USING path, below (id, depth) AS (
    SELECT g.id, 1 FROM public.goals g WHERE g.user_id = me AND g.parent_goal_id = roll_up.goal
    UNION ALL
    SELECT g.id, b.depth + 1 FROM below b JOIN public.goals g ON g.user_id = me AND g.parent_goal_id = b.id
  ) CYCLE id SET again USING path, family (id, depth) AS (
    SELECT a.id, a.depth FROM above a UNION ALL SELECT b.id, b.depth FROM below b
  )
  SELECT array_agg(f.id), array_agg(f.depth) INTO goals, depths FROM family f;
  IF goals IS NULL THEN
    RAISE EXCEPTION 'there is no such goal' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN QUERY SELECT * FROM bizydb.recount(goals, depths);
END
$$;

COMMENT ON FUNCTION bizydb.roll_up(bigint) IS
  'Counts anew all that is under a goal of the scope''s user, the goal itself and those above it. Returns the goals that were wrong, the deepest first; no_data_found without such a goal.';

CREATE FUNCTION bizydb.roll_up_plan(owner bigint) RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SET search_path = ''
  AS $$
DECLARE
  goals  bigint[];
  depths integer[];
BEGIN
  WITH RECURSIVE plan (id, depth) AS (
    SELECT g.id, 0 FROM public.goals g WHERE g.user_id = owner AND g.parent_goal_id IS NULL
    UNION ALL
    SELECT g.id, p.depth + 1 FROM plan p JOIN public.goals g ON g.user_id = owner AND g.parent_goal_id = p.id
  )
  SELECT array_agg(p.id), array_agg(p.depth) INTO goals, depths FROM plan p;
  RETURN QUERY SELECT * FROM bizydb.recount(goals, depths);
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_plan(bigint) IS
  'Counts anew every goal of a user, whose plan the caller has locked. Returns those that were wrong, the deepest first.';

CREATE FUNCTION bizydb.roll_up_all() RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
BEGIN
  PERFORM bizydb.lock_plan(bizydb.current_user_id());
  RETURN QUERY SELECT c.* FROM public.users u CROSS JOIN LATERAL bizydb.roll_up_plan(u.id) AS c
    WHERE u.id = bizydb.current_user_id() AND u.is_active;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_all() IS 'roll_up_plan for the scope''s user.';

CREATE FUNCTION bizydb.roll_up_every_plan() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
BEGIN
  LOCK TABLE public.goals IN SHARE ROW EXCLUSIVE MODE; -- a lock for each user could be more than the server has room for
  PERFORM FROM public.users u CROSS JOIN LATERAL bizydb.roll_up_plan(u.id);
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_every_plan() IS 'Trigger: without tasks, every goal is counted anew.';

REVOKE EXECUTE ON FUNCTION bizydb.recount(bigint[], integer[]), bizydb.roll_up(bigint), bizydb.roll_up_plan(bigint), bizydb.roll_up_all(), bizydb.roll_up_every_plan() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bizydb.roll_up(bigint), bizydb.roll_up_all() TO bizydb_user;

-- From here on to the end of this migration nobody else writes: what is there is counted, and what comes is added to it.
LOCK TABLE public.goals, public.tasks IN SHARE ROW EXCLUSIVE MODE;

DO $$
BEGIN
  PERFORM FROM public.users u CROSS JOIN LATERAL bizydb.roll_up_plan(u.id);
END
$$;

CREATE TRIGGER tasks_roll_up_insert AFTER INSERT ON public.tasks
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks();
CREATE TRIGGER tasks_roll_up_update AFTER UPDATE ON public.tasks
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks();
CREATE TRIGGER tasks_roll_up_delete AFTER DELETE ON public.tasks
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks();
CREATE TRIGGER goals_roll_up_insert AFTER INSERT ON public.goals
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_goals();
CREATE TRIGGER goals_roll_up_update AFTER UPDATE ON public.goals
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_goals();
CREATE TRIGGER goals_roll_up_delete AFTER DELETE ON public.goals
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_goals();

CREATE TRIGGER tasks_roll_up_truncate AFTER TRUNCATE ON public.tasks
  FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_every_plan();

-- Tasks of a goal by status are counted in the index alone; it serves the foreign key as well.
CREATE INDEX ix_tasks_user_goal_status ON public.tasks (user_id, parent_goal_id, status);
DROP INDEX public.ix_tasks_user_parent_goal_id;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 8 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 7 $$;

CREATE INDEX ix_tasks_user_parent_goal_id ON public.tasks (user_id, parent_goal_id);
DROP INDEX public.ix_tasks_user_goal_status;
DROP TRIGGER tasks_roll_up_truncate ON public.tasks;
DROP TRIGGER goals_roll_up_delete ON public.goals;
DROP TRIGGER goals_roll_up_update ON public.goals;
DROP TRIGGER goals_roll_up_insert ON public.goals;
DROP TRIGGER tasks_roll_up_delete ON public.tasks;
DROP TRIGGER tasks_roll_up_update ON public.tasks;
DROP TRIGGER tasks_roll_up_insert ON public.tasks;
DROP FUNCTION bizydb.roll_up_every_plan();
DROP FUNCTION bizydb.roll_up_all();
DROP FUNCTION bizydb.roll_up_plan(bigint);
DROP FUNCTION bizydb.roll_up(bigint);
DROP FUNCTION bizydb.recount(bigint[], integer[]);
DROP TYPE bizydb.goal_change;
