CREATE SCHEMA app;

CREATE TABLE app.outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY, -- with the default CACHE 1: a cached id is not in commit order
  user_id    bigint NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
  kind       text NOT NULL,
  about      bigint NOT NULL, -- the task's or goal's id
  payload    jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id)
);

-- Users to whom the last delivery has failed.
CREATE TABLE app.outbox_blocked (
  user_id         bigint PRIMARY KEY REFERENCES public.users (id) ON DELETE CASCADE,
  attempts        integer NOT NULL DEFAULT 1,
  next_attempt_at timestamptz NOT NULL DEFAULT now() + interval '1 second'
);
REVOKE ALL ON app.outbox, app.outbox_blocked FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

CREATE FUNCTION app.add_event() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF current_setting('bizydb.importing', true) = 'on' OR bizydb.restoring(TG_TABLE_NAME, NEW.id) THEN
    RETURN NULL; -- what an import or a restore brings has happened before
  END IF;
  -- Lock first, in a separate statement: the INSERT then draws its id under the lock, so a user's ids are in commit order.
  PERFORM bizydb.lock_user(NEW.user_id);
  INSERT INTO app.outbox (user_id, kind, about, payload)
  VALUES (NEW.user_id, TG_ARGV[0], NEW.id, jsonb_build_object('title', NEW.title, 'completed_at', NEW.completed_at));
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION app.add_event() FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;

CREATE TRIGGER x_outbox_insert AFTER INSERT ON public.tasks
  FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION app.add_event('task completed');
CREATE TRIGGER x_outbox_update AFTER UPDATE ON public.tasks
  FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status <> 'completed') EXECUTE FUNCTION app.add_event('task completed');

CREATE TRIGGER x_outbox_insert AFTER INSERT ON public.goals
  FOR EACH ROW WHEN (NEW.status = 'completed') EXECUTE FUNCTION app.add_event('goal completed');
CREATE TRIGGER x_outbox_update AFTER UPDATE ON public.goals
  FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status <> 'completed') EXECUTE FUNCTION app.add_event('goal completed');

-- A goal that is on hold, cancelled or reopened can be at 100 percent and is not completed.
CREATE TRIGGER x_outbox_insert_at_100 AFTER INSERT ON public.goals
  FOR EACH ROW WHEN (NEW.progress_percentage = 100 AND NEW.status <> 'completed') EXECUTE FUNCTION app.add_event('goal at 100');
CREATE TRIGGER x_outbox_update_at_100 AFTER UPDATE ON public.goals
  FOR EACH ROW WHEN (NEW.progress_percentage = 100 AND OLD.progress_percentage <> 100 AND NEW.status <> 'completed') EXECUTE FUNCTION app.add_event('goal at 100');

---- create above / drop below ----

DROP TRIGGER x_outbox_update_at_100 ON public.goals;
DROP TRIGGER x_outbox_insert_at_100 ON public.goals;
DROP TRIGGER x_outbox_update ON public.goals;
DROP TRIGGER x_outbox_insert ON public.goals;
DROP TRIGGER x_outbox_update ON public.tasks;
DROP TRIGGER x_outbox_insert ON public.tasks;
DROP FUNCTION app.add_event();
DROP TABLE app.outbox_blocked;
DROP TABLE app.outbox;
DROP SCHEMA app;
