-- How the work counted with a goal changes, and how that climbs.
CREATE TYPE bizydb.work AS (
  goal_id         bigint,
  depth           integer, -- of the goal; 0 is a root
  tasks           integer,
  completed_tasks integer,
  sub_goals       integer,
  progress        bigint   -- of the sub-goals, in hundredths of a percent
);

COMMENT ON TYPE bizydb.work IS 'By how much the work directly under a goal has changed.';

CREATE FUNCTION bizydb.lock_plan(owner bigint) RETURNS void
  LANGUAGE sql
  RETURN pg_advisory_xact_lock(hashtextextended('bizydb.plan', owner));

COMMENT ON FUNCTION bizydb.lock_plan(bigint) IS
  'Waits until nobody else is changing the goals and tasks of a user, and keeps it so until the transaction ends.';

CREATE FUNCTION bizydb.add_work(work bizydb.work[], owners bigint[], reopened bigint[]) RETURNS void
  LANGUAGE plpgsql SET search_path = '' SET plan_cache_mode = force_generic_plan -- to plan for each array would take longer than the work
  AS $$
DECLARE
  owner  bigint;
  closed bigint[];
BEGIN
  FOREACH owner IN ARRAY owners LOOP
    PERFORM bizydb.lock_plan(owner);
  END LOOP;

  -- What is under a cancelled goal counts no further up.
  IF reopened IS NOT NULL THEN
    WITH RECURSIVE above (id, parent_goal_id, status) AS (
      SELECT g.id, g.parent_goal_id, g.status FROM public.goals g WHERE g.id = ANY (reopened)
      UNION
      SELECT g.id, g.parent_goal_id, g.status FROM above a JOIN public.goals g ON g.id = a.parent_goal_id WHERE a.status <> 'cancelled'
    )
    SELECT array_agg(a.id) INTO closed FROM above a WHERE a.status = 'completed';
    IF closed IS NOT NULL THEN
      UPDATE public.goals g SET status = 'active' WHERE g.id = ANY (closed);
    END IF;
  END IF;

  -- A goal above several others is written once, after all of them. Of one goal the depth does not matter.
  IF cardinality(work) > 1 THEN
    WITH RECURSIVE above (goal_id, parent_goal_id, depth) AS (
      SELECT g.id, g.parent_goal_id, 0 FROM unnest(work) AS w JOIN public.goals g ON g.id = w.goal_id
      UNION ALL
      SELECT a.goal_id, g.parent_goal_id, a.depth + 1 FROM above a JOIN public.goals g ON g.id = a.parent_goal_id
      WHERE g.id <> a.goal_id -- in a cycle, which is about to be refused
    ), deep AS (
      SELECT a.goal_id, max(a.depth) AS depth FROM above a GROUP BY a.goal_id
    )
    SELECT array_agg(ROW (w.goal_id, d.depth, w.tasks, w.completed_tasks, w.sub_goals, w.progress)::bizydb.work)
    INTO work
    FROM unnest(work) AS w JOIN deep d USING (goal_id);
  END IF;

  -- Each round goes one level up: what is at that level gives way to its parents, by what its percentage has changed, and
  -- joins what waits there. One UPDATE at the end, since a statement costs more than its rows.
  WITH RECURSIVE climb (goal_id, depth, level, tasks, completed_tasks, sub_goals, progress) AS (
    SELECT w.goal_id, w.depth, max(w.depth) OVER (), w.tasks, w.completed_tasks, w.sub_goals, w.progress FROM unnest(work) AS w
    UNION ALL
    SELECT u.goal_id, u.depth, u.level, sum(u.tasks)::integer, sum(u.completed_tasks)::integer, sum(u.sub_goals)::integer, sum(u.progress)::bigint
    FROM (
      SELECT r.goal_id, r.depth, c.level - 1 AS level, r.tasks, r.completed_tasks, r.sub_goals, r.progress
      FROM climb c
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.id = c.goal_id OFFSET 0) AS g -- by key: how few they are is not to be guessed
      CROSS JOIN LATERAL (
        SELECT c.goal_id, c.depth, c.tasks, c.completed_tasks, c.sub_goals, c.progress WHERE c.depth < c.level
        UNION ALL
        SELECT g.parent_goal_id, c.depth - 1, 0, 0, 0, coalesce(bizydb.work_done(g.task_count + c.tasks, g.completed_task_count + c.completed_tasks, g.sub_goal_count + c.sub_goals, g.sub_goal_progress + c.progress), 0) - round(100 * g.progress_percentage)::bigint
        WHERE c.depth = c.level AND g.parent_goal_id IS NOT NULL AND g.status IN ('active', 'on_hold')
      ) AS r (goal_id, depth, tasks, completed_tasks, sub_goals, progress)
    ) AS u
    GROUP BY u.goal_id, u.depth, u.level
    HAVING (sum(u.tasks), sum(u.completed_tasks), sum(u.sub_goals), sum(u.progress)) <> (0, 0, 0, 0)
  )
  UPDATE public.goals g SET
    task_count = g.task_count + c.tasks,
    completed_task_count = g.completed_task_count + c.completed_tasks,
    sub_goal_count = g.sub_goal_count + c.sub_goals,
    sub_goal_progress = g.sub_goal_progress + c.progress
  FROM climb c WHERE g.id = c.goal_id AND c.depth = c.level;
END
$$;

COMMENT ON FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]) IS
  'Adds to the work that is counted with goals, and to that of the goals above, as far up as a percentage changes. Before, completed goals become active that are, or are above, one of those with new unfinished work: added, moved in or reopened.';

CREATE FUNCTION bizydb.roll_up_tasks() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
DECLARE
  work     bizydb.work[];
  owners   bigint[];
  reopened bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW (w.goal_id, 0, w.tasks, w.completed, 0, 0)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, parent_goal_id, count(*), count(*) FILTER (WHERE status = 'completed'), bool_or(status <> 'completed')
      FROM new_rows WHERE parent_goal_id IS NOT NULL GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, tasks, completed, unfinished);
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(ROW (w.goal_id, 0, -w.tasks, -w.completed, 0, 0)::bizydb.work), array_agg(DISTINCT w.user_id) INTO work, owners
    FROM (
      SELECT user_id, parent_goal_id, count(*), count(*) FILTER (WHERE status = 'completed')
      FROM old_rows WHERE parent_goal_id IS NOT NULL GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, tasks, completed);
  ELSE
    -- Old and new are added up, not joined: a plan made for one row would join a hundred thousand in a nested loop.
    SELECT array_agg(ROW (w.goal_id, 0, w.tasks, w.completed, 0, 0)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, goal_id, sum(tasks), sum(completed), bool_or(tasks - completed > 0)
      FROM (
        SELECT user_id, parent_goal_id, sum(n), sum(CASE WHEN status = 'completed' THEN n ELSE 0 END)
        FROM (
          SELECT id, user_id, parent_goal_id, status, -1 FROM old_rows
          UNION ALL
          SELECT id, user_id, parent_goal_id, status, 1 FROM new_rows
        ) AS r (id, user_id, parent_goal_id, status, n)
        WHERE parent_goal_id IS NOT NULL GROUP BY id, user_id, parent_goal_id
      ) AS task (user_id, goal_id, tasks, completed)
      WHERE (tasks, completed) <> (0, 0) GROUP BY user_id, goal_id
    ) AS w (user_id, goal_id, tasks, completed, unfinished);
  END IF;
  IF work IS NOT NULL THEN
    PERFORM bizydb.add_work(work, owners, reopened);
  END IF;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_tasks() IS
  'Trigger: goals follow their tasks. With the owner''s rights, since nobody else may write what is counted; a user''s task can only be under a goal of that user.';

CREATE FUNCTION bizydb.roll_up_goals() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
DECLARE
  work     bizydb.work[];
  owners   bigint[];
  reopened bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW (w.goal_id, 0, 0, 0, w.goals, w.progress)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, parent_goal_id, count(*), sum(round(100 * progress_percentage)), bool_or(status <> 'completed')
      FROM new_rows WHERE parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, goals, progress, unfinished);
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(ROW (w.goal_id, 0, 0, 0, -w.goals, -w.progress)::bizydb.work), array_agg(DISTINCT w.user_id) INTO work, owners
    FROM (
      SELECT user_id, parent_goal_id, count(*), sum(round(100 * progress_percentage))
      FROM old_rows WHERE parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, goals, progress);
  -- Rows whose counts have changed are the roll-up's own, which climbs by itself. Mostly all are.
  ELSIF EXISTS (
    SELECT id, task_count, completed_task_count, sub_goal_count, sub_goal_progress FROM old_rows
    INTERSECT
    SELECT id, task_count, completed_task_count, sub_goal_count, sub_goal_progress FROM new_rows
  ) THEN
    SELECT array_agg(ROW (w.goal_id, 0, 0, 0, w.goals, w.progress)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, goal_id, sum(goals), sum(progress), bool_or(open > 0)
      FROM (
        SELECT user_id, parent_goal_id, sum(n), sum(n * round(100 * progress_percentage)), sum(CASE WHEN status <> 'completed' THEN n ELSE 0 END)
        FROM (
          SELECT *, count(*) OVER (PARTITION BY id, task_count, completed_task_count, sub_goal_count, sub_goal_progress)
          FROM (
            SELECT id, user_id, parent_goal_id, status, progress_percentage, task_count, completed_task_count, sub_goal_count, sub_goal_progress, -1 FROM old_rows
            UNION ALL
            SELECT id, user_id, parent_goal_id, status, progress_percentage, task_count, completed_task_count, sub_goal_count, sub_goal_progress, 1 FROM new_rows
          ) AS r (id, user_id, parent_goal_id, status, progress_percentage, task_count, completed_task_count, sub_goal_count, sub_goal_progress, n)
        ) AS r (id, user_id, parent_goal_id, status, progress_percentage, task_count, completed_task_count, sub_goal_count, sub_goal_progress, n, alike)
        WHERE alike = 2 AND parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY id, user_id, parent_goal_id
      ) AS goal (user_id, goal_id, goals, progress, open)
      WHERE (goals, progress, open) <> (0, 0, 0) GROUP BY user_id, goal_id
    ) AS w (user_id, goal_id, goals, progress, unfinished);
  END IF;
  IF work IS NOT NULL THEN
    PERFORM bizydb.add_work(work, owners, reopened);
  END IF;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_goals() IS
  'Trigger: goals follow their sub-goals. With the owner''s rights, since nobody else may write what is counted; a sub-goal can only be under a goal of its own user.';

REVOKE EXECUTE ON FUNCTION bizydb.lock_plan(bigint), bizydb.add_work(bizydb.work[], bigint[], bigint[]), bizydb.roll_up_tasks(), bizydb.roll_up_goals() FROM PUBLIC;

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

-- A user's plan is locked before its rows are, as by every other writer.
CREATE OR REPLACE FUNCTION bizydb.delete_user(id bigint, OUT goals bigint, OUT tasks bigint) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
BEGIN
  PERFORM bizydb.lock_plan(delete_user.id);
  PERFORM FROM public.users u WHERE u.id = delete_user.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Tasks first, so that no goal's deletion has to unlink them one by one.
  DELETE FROM public.tasks t WHERE t.user_id = delete_user.id;
  GET DIAGNOSTICS tasks = ROW_COUNT;
  DELETE FROM public.goals g WHERE g.user_id = delete_user.id;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM public.users u WHERE u.id = delete_user.id;
  RETURN NEXT;
END
$$;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 7 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 6 $$;

CREATE OR REPLACE FUNCTION bizydb.delete_user(id bigint, OUT goals bigint, OUT tasks bigint) RETURNS SETOF record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
  AS $$
BEGIN
  PERFORM FROM public.users u WHERE u.id = delete_user.id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Tasks first, so that no goal's deletion has to unlink them one by one.
  DELETE FROM public.tasks t WHERE t.user_id = delete_user.id;
  GET DIAGNOSTICS tasks = ROW_COUNT;
  DELETE FROM public.goals g WHERE g.user_id = delete_user.id;
  GET DIAGNOSTICS goals = ROW_COUNT;
  DELETE FROM public.users u WHERE u.id = delete_user.id;
  RETURN NEXT;
END
$$;

DROP TRIGGER goals_roll_up_delete ON public.goals;
DROP TRIGGER goals_roll_up_update ON public.goals;
DROP TRIGGER goals_roll_up_insert ON public.goals;
DROP TRIGGER tasks_roll_up_delete ON public.tasks;
DROP TRIGGER tasks_roll_up_update ON public.tasks;
DROP TRIGGER tasks_roll_up_insert ON public.tasks;
DROP FUNCTION bizydb.roll_up_goals();
DROP FUNCTION bizydb.roll_up_tasks();
DROP FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]);
DROP FUNCTION bizydb.lock_plan(bigint);
DROP TYPE bizydb.work;
