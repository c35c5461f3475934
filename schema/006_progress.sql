-- What a goal's percentage is made of, kept with it, so that a change below costs the same under ten tasks and under ten
-- thousand. Only the roll-up of the next step writes these columns: no role has a right to.
ALTER TABLE public.goals
  ADD COLUMN task_count           integer NOT NULL DEFAULT 0,
  ADD COLUMN completed_task_count integer NOT NULL DEFAULT 0,
  ADD COLUMN sub_goal_count       integer NOT NULL DEFAULT 0,
  ADD COLUMN sub_goal_progress    bigint  NOT NULL DEFAULT 0,
  ADD COLUMN roll_up_count        bigint  NOT NULL DEFAULT 0;

COMMENT ON COLUMN public.goals.progress_percentage IS
  '0 to 100, to two decimals. Follows the tasks and sub-goals; of a goal that has none it is the user''s own to set. 100 while status is completed.';
COMMENT ON COLUMN public.goals.task_count IS 'Tasks directly under the goal. Kept by the database, like the next four.';
COMMENT ON COLUMN public.goals.completed_task_count IS 'Those of them that are completed.';
COMMENT ON COLUMN public.goals.sub_goal_count IS 'Goals directly under the goal, cancelled ones left out.';
COMMENT ON COLUMN public.goals.sub_goal_progress IS 'The sum of their percentages, in hundredths of a percent.';
COMMENT ON COLUMN public.goals.roll_up_count IS 'How often a roll-up has written the goal. By this the triggers tell their own writes from others.';

CREATE FUNCTION bizydb.work_done(tasks bigint, completed_tasks bigint, sub_goals bigint, sub_goal_progress bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN tasks <= 0 AND sub_goals <= 0 THEN NULL
    WHEN completed_tasks = tasks AND sub_goal_progress = 10000 * sub_goals THEN 10000
    -- (2 a + b) / (2 b) is a / b, rounded. Rounding must not make 100 percent of 99,999 tasks in 100,000. Less than 0 it can
    -- be within a statement that changes tasks and goals, before all of it is counted.
    ELSE greatest(0, least(9999, CASE
      WHEN sub_goals <= 0 THEN (20000 * completed_tasks + tasks) / (2 * tasks)
      WHEN tasks <= 0 THEN (2 * sub_goal_progress + sub_goals) / (2 * sub_goals)
      ELSE (10000 * completed_tasks * sub_goals + sub_goal_progress * tasks + tasks * sub_goals) / (2 * tasks * sub_goals)
    END))
  END;

COMMENT ON FUNCTION bizydb.work_done(bigint, bigint, bigint, bigint) IS
  'What the work under a goal amounts to, in hundredths of a percent: the share of completed tasks, the mean of the sub-goals, or the mean of both. 10000 only when all is done, NULL where there is no work.';

CREATE FUNCTION bizydb.to_hundredths(percentage double precision) RETURNS double precision
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN percentage > 0 AND percentage < 100 THEN least(99.99, round(percentage::numeric, 2)) ELSE percentage END;

COMMENT ON FUNCTION bizydb.to_hundredths(double precision) IS
  'A percentage, rounded to two decimals, but not to 100. One that is none is returned as it is, to be refused.';

CREATE FUNCTION bizydb.derive_goal() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
DECLARE
  work bigint;
BEGIN
  IF TG_OP = 'INSERT' THEN -- nothing can be under it yet
    NEW.task_count := 0;
    NEW.completed_task_count := 0;
    NEW.sub_goal_count := 0;
    NEW.sub_goal_progress := 0;
    NEW.roll_up_count := 0;
  ELSIF NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'the id of goal % does not change', OLD.id USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = 'goals', COLUMN = 'id';
  ELSE
    work := bizydb.work_done(NEW.task_count, NEW.completed_task_count, NEW.sub_goal_count, NEW.sub_goal_progress);
    -- An active goal is completed when its work comes to 100 percent, or when it is resumed with all of it done. One that
    -- its user reopens with all of it done stays open.
    IF work = 10000 AND NEW.status = 'active' AND (CASE
         WHEN NEW.roll_up_count = OLD.roll_up_count THEN OLD.status IN ('on_hold', 'cancelled')
         ELSE bizydb.work_done(OLD.task_count, OLD.completed_task_count, OLD.sub_goal_count, OLD.sub_goal_progress) IS DISTINCT FROM 10000
       END) THEN
      NEW.status := 'completed';
    END IF;
  END IF;

  IF NEW.status = 'completed' THEN
    NEW.progress_percentage := 100;
    NEW.completed_at := coalesce(NEW.completed_at, now());
  ELSE
    NEW.completed_at := NULL;
    IF work IS NOT NULL THEN
      NEW.progress_percentage := work / 100.0::double precision;
    ELSIF OLD.task_count > 0 OR OLD.sub_goal_count > 0 THEN -- the last work has gone
      NEW.progress_percentage := 0;
    ELSE
      NEW.progress_percentage := bizydb.to_hundredths(NEW.progress_percentage);
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND (NEW.roll_up_count <> OLD.roll_up_count OR NEW IS DISTINCT FROM OLD) THEN
    NEW.updated_at := greatest(OLD.updated_at, now());
  END IF;
  RETURN NEW;
END
$$;

COMMENT ON FUNCTION bizydb.derive_goal() IS
  'Trigger: what follows from the rest of a goal, which is its percentage and completion, from the work counted with it, completed_at, and updated_at. One function for what stamp_completion and touch do for tasks, since a roll-up calls it for each goal.';

-- Triggers of one kind run in the order of their names: defaults, derive.
DROP TRIGGER goals_stamp_completion ON public.goals;
DROP TRIGGER goals_touch ON public.goals;
CREATE TRIGGER goals_derive BEFORE INSERT OR UPDATE ON public.goals
  FOR EACH ROW EXECUTE FUNCTION bizydb.derive_goal();

-- As before, without the function: it was parsed anew by every statement that writes a row. Unicode's white space is
-- named by its code points: \s alone is less or more of it from one locale to the next.
ALTER TABLE public.goals
  DROP CONSTRAINT ck_goals_title_not_blank,
  ADD CONSTRAINT ck_goals_title_not_blank CHECK (title COLLATE "C" ~ '[^\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]');
ALTER TABLE public.tasks
  DROP CONSTRAINT ck_tasks_title_not_blank,
  ADD CONSTRAINT ck_tasks_title_not_blank CHECK (title COLLATE "C" ~ '[^\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]');

DROP FUNCTION bizydb.is_blank(text);

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 6 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 5 $$;

CREATE FUNCTION bizydb.is_blank(text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT $1 COLLATE "C" OPERATOR(pg_catalog.!~) '[^\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]' $$;

COMMENT ON FUNCTION bizydb.is_blank(text) IS
  'Whether a text is empty or nothing but Unicode''s white space, named by its code points: \s alone is less or more of it from one locale to the next.';

ALTER TABLE public.tasks
  DROP CONSTRAINT ck_tasks_title_not_blank,
  ADD CONSTRAINT ck_tasks_title_not_blank CHECK (NOT bizydb.is_blank(title));
ALTER TABLE public.goals
  DROP CONSTRAINT ck_goals_title_not_blank,
  ADD CONSTRAINT ck_goals_title_not_blank CHECK (NOT bizydb.is_blank(title));

DROP TRIGGER goals_derive ON public.goals;
CREATE TRIGGER goals_stamp_completion BEFORE INSERT OR UPDATE ON public.goals
  FOR EACH ROW EXECUTE FUNCTION bizydb.stamp_completion();
CREATE TRIGGER goals_touch BEFORE UPDATE ON public.goals
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION bizydb.touch();
DROP FUNCTION bizydb.derive_goal();
DROP FUNCTION bizydb.to_hundredths(double precision);
DROP FUNCTION bizydb.work_done(bigint, bigint, bigint, bigint);

COMMENT ON COLUMN public.goals.progress_percentage IS '0 to 100.';
ALTER TABLE public.goals
  DROP COLUMN task_count,
  DROP COLUMN completed_task_count,
  DROP COLUMN sub_goal_count,
  DROP COLUMN sub_goal_progress,
  DROP COLUMN roll_up_count;
