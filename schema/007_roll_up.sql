-- How the work counted with a goal changes, and how that climbs.
CREATE TYPE bizydb.work AS (
  goal_id         bigint,
  depth           integer, -- of the goal; 0 is a root
  tasks           integer,
  completed_tasks integer,
  sub_goals       integer,
  progress        bigint,  -- of the sub-goals, in hundredths of a percent
  reopened        boolean  -- completed before
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
  owner bigint;
  top   integer := 0; -- the greatest depth in work
BEGIN
  IF cardinality(owners) <= 1000 THEN
    FOREACH owner IN ARRAY owners LOOP
      PERFORM bizydb.lock_plan(owner);
    END LOOP;
  ELSE -- the server may not have room for so many
    LOCK TABLE public.goals IN SHARE ROW EXCLUSIVE MODE;
  END IF;

  -- What is under a cancelled goal counts no further up.
  IF reopened IS NOT NULL THEN
    WITH RECURSIVE above (id, parent_goal_id, status) AS (
      SELECT g.id, g.parent_goal_id, g.status FROM public.goals g WHERE g.id = ANY (reopened)
      UNION
      SELECT g.id, g.parent_goal_id, g.status FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.id = a.parent_goal_id OFFSET 0) AS g
      WHERE a.status <> 'cancelled'
    )
    SELECT work || array_agg(ROW (a.id, 0, 0, 0, 0, 0, true)::bizydb.work) INTO work FROM above a WHERE a.status = 'completed';
  END IF;

  -- A goal above several others is written once, after all of them. Of one goal the depth does not matter.
  IF cardinality(work) > 1 THEN
    WITH RECURSIVE above (id, parent_goal_id) AS (
      SELECT g.id, g.parent_goal_id FROM unnest(work) AS w CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.id = w.goal_id OFFSET 0) AS g
      UNION
      SELECT g.id, g.parent_goal_id FROM above a CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.id = a.parent_goal_id OFFSET 0) AS g
    ), deep (goal_id, depth) AS (
      SELECT a.id, 0 FROM above a WHERE a.parent_goal_id IS NULL
      UNION ALL
      SELECT a.id, d.depth + 1 FROM deep d JOIN above a ON a.parent_goal_id = d.goal_id
    ), merged AS (
      SELECT w.goal_id, d.depth, sum(w.tasks) AS tasks, sum(w.completed_tasks) AS completed_tasks, sum(w.sub_goals) AS sub_goals, sum(w.progress) AS progress, bool_or(w.reopened) AS reopened
      FROM unnest(work) AS w JOIN deep d USING (goal_id) GROUP BY w.goal_id, d.depth
    )
    SELECT array_agg(ROW (m.goal_id, m.depth, m.tasks, m.completed_tasks, m.sub_goals, m.progress, m.reopened)::bizydb.work), max(m.depth)
    INTO work, top
    FROM merged m;
  END IF;

  -- Goals are looked up by key, one by one: "OFFSET 0" keeps the planner from reading all of them, which it would where it
  -- does not know how many there are.
  --
  -- Each round goes one level up: what is at that level gives way to its parents, by what its percentage has changed, and
  -- joins what waits there. One UPDATE at the end, since a statement costs more than its rows.
  WITH RECURSIVE climb (goal_id, depth, level, tasks, completed_tasks, sub_goals, progress, reopened) AS (
    SELECT w.goal_id, w.depth, top, w.tasks, w.completed_tasks, w.sub_goals, w.progress, w.reopened FROM unnest(work) AS w
    UNION ALL
    SELECT u.goal_id, u.depth, u.level, sum(u.tasks)::integer, sum(u.completed_tasks)::integer, sum(u.sub_goals)::integer, sum(u.progress)::bigint, bool_or(u.reopened)
    FROM (
      SELECT
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
      LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE g.id = c.goal_id AND c.depth = c.level OFFSET 0) AS g ON true
      WHERE c.depth < c.level OR g.parent_goal_id IS NOT NULL AND (g.status IN ('active', 'on_hold') OR c.reopened)
        AND c.level > -100000 -- never, but in a cycle, which is about to be refused
    ) AS u
    GROUP BY u.goal_id, u.depth, u.level
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
  WHERE g.id = c.goal_id AND c.depth = c.level AND ((c.tasks, c.completed_tasks, c.sub_goals, c.progress) <> (0, 0, 0, 0) OR c.reopened);
END
$$;

COMMENT ON FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]) IS
  'Adds to the work that is counted with goals, and to that of the goals above, as far up as a percentage changes. Completed goals become active that are, or are above, one of those reopened by new unfinished work: added, moved in or reopened itself.';

CREATE FUNCTION bizydb.roll_up_tasks() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
DECLARE
  work     bizydb.work[];
  owners   bigint[];
  reopened bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW (w.goal_id, 0, w.tasks, w.completed, 0, 0, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, parent_goal_id, count(*), count(*) FILTER (WHERE status = 'completed'), bool_or(status <> 'completed')
      FROM new_rows WHERE parent_goal_id IS NOT NULL GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, tasks, completed, unfinished);
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(ROW (w.goal_id, 0, -w.tasks, -w.completed, 0, 0, false)::bizydb.work), array_agg(DISTINCT w.user_id) INTO work, owners
    FROM (
      SELECT user_id, parent_goal_id, count(*), count(*) FILTER (WHERE status = 'completed')
      FROM old_rows WHERE parent_goal_id IS NOT NULL GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, tasks, completed);
  ELSE
    -- Old and new are added up, not joined: a plan made for one row would join a hundred thousand in a nested loop.
    SELECT array_agg(ROW (w.goal_id, 0, w.tasks, w.completed, 0, 0, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
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
  'Trigger: goals follow their tasks. With the owner''s rights, since nobody else may write what is counted; a user''s task can only be under a goal of that user. Triggers of a service''s own that a roll-up fires have these rights too.';

CREATE FUNCTION bizydb.roll_up_goals() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET row_security = off
  AS $$
DECLARE
  work     bizydb.work[];
  owners   bigint[];
  reopened bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW (w.goal_id, 0, 0, 0, w.goals, w.progress, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, parent_goal_id, count(*), sum(round(100 * progress_percentage)), bool_or(status <> 'completed')
      FROM new_rows WHERE parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, goals, progress, unfinished);
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(ROW (w.goal_id, 0, 0, 0, -w.goals, -w.progress, false)::bizydb.work), array_agg(DISTINCT w.user_id) INTO work, owners
    FROM (
      SELECT user_id, parent_goal_id, count(*), sum(round(100 * progress_percentage))
      FROM old_rows WHERE parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, goals, progress);
  -- Rows that the roll-up has written climb already. Mostly that is all of them.
  ELSIF EXISTS (SELECT id, roll_up_count FROM old_rows INTERSECT SELECT id, roll_up_count FROM new_rows) THEN
    SELECT array_agg(ROW (w.goal_id, 0, 0, 0, w.goals, w.progress, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, goal_id, sum(goals), sum(progress), bool_or(open > 0)
      FROM (
        SELECT user_id, parent_goal_id, sum(n), sum(n * round(100 * progress_percentage)), sum(CASE WHEN status <> 'completed' THEN n ELSE 0 END)
        FROM (
          SELECT *, count(*) OVER (PARTITION BY id, roll_up_count)
          FROM (
            SELECT id, user_id, parent_goal_id, status, progress_percentage, roll_up_count, -1 FROM old_rows
            UNION ALL
            SELECT id, user_id, parent_goal_id, status, progress_percentage, roll_up_count, 1 FROM new_rows
          ) AS r (id, user_id, parent_goal_id, status, progress_percentage, roll_up_count, n)
        ) AS r (id, user_id, parent_goal_id, status, progress_percentage, roll_up_count, n, alike)
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

REVOKE EXECUTE ON FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]), bizydb.roll_up_tasks(), bizydb.roll_up_goals() FROM PUBLIC;

-- As before, but the goals above are looked up by key.
CREATE OR REPLACE FUNCTION bizydb.refuse_goal_cycle() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
DECLARE
  ancestors bigint[];
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.user_id, OLD.id, OLD.parent_goal_id) IS NOT DISTINCT FROM (NEW.user_id, NEW.id, NEW.parent_goal_id) THEN
    RETURN NULL;
  END IF;
  -- Of two moves that race, the second waits here and then sees the first: each query below takes a new snapshot.
  PERFORM bizydb.lock_plan(NEW.user_id);
  WITH RECURSIVE above (id, parent_goal_id) AS (
    SELECT g.id, g.parent_goal_id FROM public.goals g WHERE g.id = NEW.parent_goal_id
    UNION
    SELECT g.id, g.parent_goal_id FROM above a
    CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.id = a.parent_goal_id OFFSET 0) AS g
  )
  SELECT array_agg(a.id) INTO ancestors FROM above a;

  IF NEW.id = ANY (ancestors) THEN
    RAISE EXCEPTION 'goal % cannot be its own ancestor', NEW.id
      USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'parent_goal_id', CONSTRAINT = 'ck_goals_no_cycle';
  ELSIF ancestors IS NULL THEN
    -- The parent is there, the foreign key saw it: the user has been deactivated since the statement began.
    RAISE insufficient_privilege USING MESSAGE = 'new row violates row-level security policy for table "goals"';
  ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
    -- Here the snapshot is older than the lock. To lock a row that has changed meanwhile is a serialization failure.
    PERFORM FROM public.goals g WHERE g.id = ANY (ancestors) FOR SHARE;
  END IF;
  RETURN NULL;
END
$$;

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

CREATE OR REPLACE FUNCTION bizydb.refuse_goal_cycle() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
DECLARE
  ancestors bigint[];
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.user_id, OLD.id, OLD.parent_goal_id) IS NOT DISTINCT FROM (NEW.user_id, NEW.id, NEW.parent_goal_id) THEN
    RETURN NULL;
  END IF;
  -- Of two moves that race, the second waits here and then sees the first: each query below takes a new snapshot.
  PERFORM pg_advisory_xact_lock(hashtextextended('bizydb.plan', NEW.user_id));
  WITH RECURSIVE above (id, parent_goal_id) AS (
    SELECT g.id, g.parent_goal_id FROM public.goals g
    WHERE g.user_id = NEW.user_id AND g.id = NEW.parent_goal_id
    UNION
    SELECT g.id, g.parent_goal_id FROM above a
    JOIN public.goals g ON g.user_id = NEW.user_id AND g.id = a.parent_goal_id
  )
  SELECT array_agg(a.id) INTO ancestors FROM above a;

  IF NEW.id = ANY (ancestors) THEN
    RAISE EXCEPTION 'goal % cannot be its own ancestor', NEW.id
      USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'parent_goal_id', CONSTRAINT = 'ck_goals_no_cycle';
  ELSIF ancestors IS NULL THEN
    -- The parent is there, the foreign key saw it: the user has been deactivated since the statement began.
    RAISE insufficient_privilege USING MESSAGE = 'new row violates row-level security policy for table "goals"';
  ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
    -- Here the snapshot is older than the lock. To lock a row that has changed meanwhile is a serialization failure.
    PERFORM FROM public.goals g WHERE g.id = ANY (ancestors) FOR SHARE;
  END IF;
  RETURN NULL;
END
$$;

DROP FUNCTION bizydb.roll_up_goals();
DROP FUNCTION bizydb.roll_up_tasks();
DROP FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]);
DROP FUNCTION bizydb.lock_plan(bigint);
DROP TYPE bizydb.work;
