-- A goal's percentage follows its tasks and sub-goals: how the work counted with a goal changes, and how that climbs.
CREATE TYPE bizydb.work AS (
  user_id         bigint,
  goal_id         bigint,
  depth           integer, -- of the goal; 0 is a root
  tasks           integer,
  completed_tasks integer,
  sub_goals       integer,
  progress        bigint,  -- of the sub-goals, in hundredths of a percent
  reopened        boolean  -- completed before
);

COMMENT ON TYPE bizydb.work IS 'By how much the work directly under a goal has changed.';

-- Completed goals become active again that are, or are above, one of those reopened by new unfinished work: added, moved in
-- or reopened itself.
CREATE FUNCTION bizydb.add_work(work bizydb.work[], owners bigint[], reopened bigint[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan -- to plan for each array would take longer than the work
  AS $$
DECLARE
  owner bigint;
  top   integer := 0; -- the greatest depth in work
BEGIN
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
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, w.user_id) AND g.id = w.goal_id OFFSET 0) AS g
      WHERE w.goal_id = ANY (add_work.reopened)
      UNION
      SELECT g.user_id, g.id, g.parent_goal_id, g.status FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, a.user_id) AND g.id = a.parent_goal_id OFFSET 0) AS g
      WHERE a.status <> 'cancelled'
    )
    SELECT work || array_agg(ROW (a.user_id, a.id, 0, 0, 0, 0, 0, true)::bizydb.work) INTO work FROM above a WHERE a.status = 'completed';
  END IF;

  -- A goal above several others is written once, after all of them. Of one goal the depth does not matter.
  IF cardinality(work) > 1 THEN
    WITH RECURSIVE above (user_id, id, parent_goal_id) AS (
      SELECT g.user_id, g.id, g.parent_goal_id FROM unnest(work) AS w
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, w.user_id) AND g.id = w.goal_id OFFSET 0) AS g
      UNION
      SELECT g.user_id, g.id, g.parent_goal_id FROM above a
      CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, a.user_id) AND g.id = a.parent_goal_id OFFSET 0) AS g
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
      LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, c.user_id) AND g.id = c.goal_id AND c.depth = c.level OFFSET 0) AS g ON true
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
  WHERE g.user_id = c.user_id AND g.id = c.goal_id AND c.depth = c.level AND ((c.tasks, c.completed_tasks, c.sub_goals, c.progress) <> (0, 0, 0, 0) OR c.reopened);
END
$$;

COMMENT ON FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]) IS 'Adds to the work counted with goals, and climbs as far as percentages change.';

-- With the owner's rights, since no role may write what is counted; a user's task can only be under a goal of that user.
-- Triggers of a service's own that a roll-up fires have these rights too.
CREATE FUNCTION bizydb.roll_up_tasks() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
DECLARE
  work     bizydb.work[];
  owners   bigint[];
  reopened bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW (w.user_id, w.goal_id, 0, w.tasks, w.completed, 0, 0, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, parent_goal_id, count(*), count(*) FILTER (WHERE status = 'completed'), bool_or(status <> 'completed')
      FROM new_rows WHERE parent_goal_id IS NOT NULL GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, tasks, completed, unfinished);
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(ROW (w.user_id, w.goal_id, 0, -w.tasks, -w.completed, 0, 0, false)::bizydb.work), array_agg(DISTINCT w.user_id) INTO work, owners
    FROM (
      SELECT user_id, parent_goal_id, count(*), count(*) FILTER (WHERE status = 'completed')
      FROM old_rows WHERE parent_goal_id IS NOT NULL GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, tasks, completed);
  ELSE
    -- Old and new are added up, not joined: a plan made for one row would join a hundred thousand in a nested loop.
    SELECT array_agg(ROW (w.user_id, w.goal_id, 0, w.tasks, w.completed, 0, 0, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
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

COMMENT ON FUNCTION bizydb.roll_up_tasks() IS 'Trigger: goals follow their tasks.';

CREATE FUNCTION bizydb.roll_up_goals() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
DECLARE
  work     bizydb.work[];
  owners   bigint[];
  reopened bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(ROW (w.user_id, w.goal_id, 0, 0, 0, w.goals, w.progress, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
    INTO work, owners, reopened
    FROM (
      SELECT user_id, parent_goal_id, count(*), sum(round(100 * progress_percentage)), bool_or(status <> 'completed')
      FROM new_rows WHERE parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, goals, progress, unfinished);
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(ROW (w.user_id, w.goal_id, 0, 0, 0, -w.goals, -w.progress, false)::bizydb.work), array_agg(DISTINCT w.user_id) INTO work, owners
    FROM (
      SELECT user_id, parent_goal_id, count(*), sum(round(100 * progress_percentage))
      FROM old_rows WHERE parent_goal_id IS NOT NULL AND status <> 'cancelled' GROUP BY user_id, parent_goal_id
    ) AS w (user_id, goal_id, goals, progress);
  -- Rows that the roll-up has written climb already. Mostly that is all of them.
  ELSIF EXISTS (SELECT id, roll_up_count FROM old_rows INTERSECT SELECT id, roll_up_count FROM new_rows) THEN
    SELECT array_agg(ROW (w.user_id, w.goal_id, 0, 0, 0, w.goals, w.progress, false)::bizydb.work), array_agg(DISTINCT w.user_id), array_agg(w.goal_id) FILTER (WHERE w.unfinished)
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

COMMENT ON FUNCTION bizydb.roll_up_goals() IS 'Trigger: goals follow their sub-goals.';

-- The roll-up from scratch: for repair, after a load with the triggers off, and as the check that nothing has drifted.
CREATE TYPE bizydb.goal_change AS (
  goal_id        bigint,
  old_percentage double precision,
  new_percentage double precision
);

COMMENT ON TYPE bizydb.goal_change IS 'What a roll-up from scratch has corrected.';

-- Every sub-goal of a given goal has to be given too, or be right.
CREATE FUNCTION bizydb.recount(owner bigint, goals bigint[], depths integer[]) RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
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
    CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, owner) AND g.id = peer.id OFFSET 0) AS g
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS n, count(*) FILTER (WHERE task.status = 'completed')::integer AS completed
      FROM public.tasks task WHERE bizydb.same_user(task.user_id, owner) AND task.parent_goal_id = g.id
    ) AS t
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS n, coalesce(sum(round(100 * sub.progress_percentage)), 0)::bigint AS progress
      FROM public.goals sub WHERE bizydb.same_user(sub.user_id, owner) AND sub.parent_goal_id = g.id AND sub.status <> 'cancelled'
    ) AS s
    WHERE (g.task_count, g.completed_task_count, g.sub_goal_count, g.sub_goal_progress) <> (t.n, t.completed, s.n, s.progress)
       OR g.progress_percentage <> CASE WHEN g.status = 'completed' THEN 100
            ELSE coalesce(bizydb.work_done(t.n, t.completed, s.n, s.progress) / 100.0::double precision, bizydb.to_hundredths(g.progress_percentage)) END;
    CONTINUE WHEN wrong IS NULL;

    UPDATE public.goals g SET
      task_count = w.tasks, completed_task_count = w.completed_tasks, sub_goal_count = w.sub_goals, sub_goal_progress = w.progress,
      roll_up_count = g.roll_up_count + 1
    FROM unnest(wrong) AS w WHERE bizydb.same_user(g.user_id, owner) AND g.id = w.goal_id;

    RETURN QUERY
      SELECT o.goal_id, o.old_percentage, g.progress_percentage
      FROM unnest(old) AS o JOIN public.goals g ON bizydb.same_user(g.user_id, owner) AND g.id = o.goal_id ORDER BY o.goal_id;
  END LOOP;
END
$$;

COMMENT ON FUNCTION bizydb.recount(bigint, bigint[], integer[]) IS 'Counts the work under goals, given with their depths, and writes what differs.';

-- Returns the goals that were wrong, the deepest first.
CREATE FUNCTION bizydb.roll_up(goal bigint) RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off -- counting one user's goals is no reason to read everybody's
  AS $$
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
    CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE bizydb.same_user(g.user_id, me) AND g.id = a.parent_goal_id OFFSET 0) AS g
  ) CYCLE id SET again USING path, below (id, depth) AS (
    SELECT g.id, 1 FROM public.goals g WHERE bizydb.same_user(g.user_id, me) AND g.parent_goal_id = roll_up.goal
    UNION ALL
    SELECT g.id, b.depth + 1 FROM below b JOIN public.goals g ON bizydb.same_user(g.user_id, me) AND g.parent_goal_id = b.id
  ) CYCLE id SET again USING path, family (id, depth) AS (
    SELECT a.id, a.depth FROM above a UNION ALL SELECT b.id, b.depth FROM below b
  )
  SELECT array_agg(f.id), array_agg(f.depth) INTO goals, depths FROM family f;
  IF goals IS NULL THEN
    RAISE EXCEPTION 'there is no such goal' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN QUERY SELECT * FROM bizydb.recount(me, goals, depths);
END
$$;

COMMENT ON FUNCTION bizydb.roll_up(bigint) IS 'Counts a goal of the scope''s user, and all below and above it, anew.';

-- The caller has locked the user.
CREATE FUNCTION bizydb.roll_up_user(owner bigint) RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  goals  bigint[];
  depths integer[];
BEGIN
  WITH RECURSIVE tree (id, depth) AS (
    SELECT g.id, 0 FROM public.goals g WHERE g.user_id = owner AND g.parent_goal_id IS NULL
    UNION ALL
    SELECT g.id, t.depth + 1 FROM tree t JOIN public.goals g ON bizydb.same_user(g.user_id, owner) AND g.parent_goal_id = t.id
  )
  SELECT array_agg(t.id), array_agg(t.depth) INTO goals, depths FROM tree t;
  RETURN QUERY SELECT * FROM bizydb.recount(owner, goals, depths);
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_user(bigint) IS 'Counts all goals of a user anew.';

CREATE FUNCTION bizydb.roll_up_all() RETURNS SETOF bizydb.goal_change
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off -- as roll_up
  AS $$
BEGIN
  PERFORM bizydb.lock_user(bizydb.current_user_id());
  RETURN QUERY SELECT * FROM bizydb.roll_up_user(bizydb.current_user_id());
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_all() IS 'Counts all goals of the scope''s user anew.';

CREATE FUNCTION bizydb.roll_up_every_user() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  LOCK TABLE public.goals IN SHARE ROW EXCLUSIVE MODE; -- a lock for each user could be more than the server has room for
  PERFORM FROM public.users u CROSS JOIN LATERAL bizydb.roll_up_user(u.id);
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.roll_up_every_user() IS 'Trigger: when the tasks are gone, every goal is counted anew.';

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
  FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_every_user();

REVOKE ALL ON TYPE bizydb.work, bizydb.goal_change FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

REVOKE ALL ON FUNCTION
  bizydb.add_work(bizydb.work[], bigint[], bigint[]), bizydb.roll_up_tasks(), bizydb.roll_up_goals(), bizydb.recount(bigint, bigint[], integer[]),
  bizydb.roll_up(bigint), bizydb.roll_up_user(bigint), bizydb.roll_up_all(), bizydb.roll_up_every_user()
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.roll_up(bigint), bizydb.roll_up_all() TO bizydb_user;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 5;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 4;

DROP TRIGGER tasks_roll_up_truncate ON public.tasks;
DROP TRIGGER goals_roll_up_delete ON public.goals;
DROP TRIGGER goals_roll_up_update ON public.goals;
DROP TRIGGER goals_roll_up_insert ON public.goals;
DROP TRIGGER tasks_roll_up_delete ON public.tasks;
DROP TRIGGER tasks_roll_up_update ON public.tasks;
DROP TRIGGER tasks_roll_up_insert ON public.tasks;
DROP FUNCTION bizydb.roll_up_every_user();
DROP FUNCTION bizydb.roll_up_all();
DROP FUNCTION bizydb.roll_up_user(bigint);
DROP FUNCTION bizydb.roll_up(bigint);
DROP FUNCTION bizydb.recount(bigint, bigint[], integer[]);
DROP TYPE bizydb.goal_change;
DROP FUNCTION bizydb.roll_up_goals();
DROP FUNCTION bizydb.roll_up_tasks();
DROP FUNCTION bizydb.add_work(bizydb.work[], bigint[], bigint[]);
DROP TYPE bizydb.work;
