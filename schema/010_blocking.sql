-- Why a task is blocked, kept for as long as it is.
ALTER TABLE public.tasks ADD COLUMN blocked_reason text;

COMMENT ON COLUMN public.tasks.blocked_reason IS 'What the task waits for, while status is blocked; NULL otherwise, or if nobody said.';

GRANT INSERT (blocked_reason), UPDATE (blocked_reason) ON public.tasks TO bizydb_user;

CREATE FUNCTION bizydb.derive_task() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
BEGIN
  IF NEW.status = 'completed' THEN
    NEW.completed_at := coalesce(NEW.completed_at, now());
  ELSE
    NEW.completed_at := NULL;
  END IF;
  IF NEW.status <> 'blocked' THEN
    NEW.blocked_reason := NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW IS DISTINCT FROM OLD THEN
    -- now() is when the transaction began, which can be before another one's change.
    NEW.updated_at := greatest(OLD.updated_at, now());
  END IF;
  RETURN NEW;
END
$$;

COMMENT ON FUNCTION bizydb.derive_task() IS
  'Trigger: what follows from the rest of a task. completed_at is set exactly while status is completed (a time given with the status is kept), blocked_reason only while it is blocked, updated_at when the row really changes.';

-- Triggers of one kind run in the order of their names: defaults, derive.
DROP TRIGGER tasks_stamp_completion ON public.tasks;
DROP TRIGGER tasks_touch ON public.tasks;
CREATE TRIGGER tasks_derive BEFORE INSERT OR UPDATE ON public.tasks
  FOR EACH ROW EXECUTE FUNCTION bizydb.derive_task();

DROP FUNCTION bizydb.stamp_completion();

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 10 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 9 $$;

CREATE FUNCTION bizydb.stamp_completion() RETURNS trigger
  LANGUAGE plpgsql SET search_path = ''
  AS $$
BEGIN
  IF NEW.status = 'completed' THEN
    NEW.completed_at := coalesce(NEW.completed_at, now());
  ELSE
    NEW.completed_at := NULL;
  END IF;
  RETURN NEW;
END
$$;

COMMENT ON FUNCTION bizydb.stamp_completion() IS
  'Trigger: completed_at is set exactly while status is completed; a time given with the status is kept.';

DROP TRIGGER tasks_derive ON public.tasks;
CREATE TRIGGER tasks_stamp_completion BEFORE INSERT OR UPDATE ON public.tasks
  FOR EACH ROW EXECUTE FUNCTION bizydb.stamp_completion();
CREATE TRIGGER tasks_touch BEFORE UPDATE ON public.tasks
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION bizydb.touch();
DROP FUNCTION bizydb.derive_task();
REVOKE INSERT (blocked_reason), UPDATE (blocked_reason) ON public.tasks FROM bizydb_user;
ALTER TABLE public.tasks DROP COLUMN blocked_reason;
