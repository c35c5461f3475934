-- Which goals and tasks have changed, for clients that keep a copy. Off, and free, until bizydb.track_changes() is called.

-- One row for each goal and task that is or was: of one that was, nothing is in the tables.
CREATE SEQUENCE bizydb.change_seq AS bigint CACHE 1; -- a larger cache would hand out numbers out of order

CREATE TABLE bizydb.changes (
  user_id bigint NOT NULL,
  seq     bigint NOT NULL DEFAULT nextval('bizydb.change_seq'),
  xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
  kind    text NOT NULL,
  id      bigint NOT NULL,

  CONSTRAINT changes_pkey PRIMARY KEY (user_id, id, kind),
  CONSTRAINT ck_changes_kind CHECK (kind IN ('goal', 'task'))
);

CREATE UNIQUE INDEX ix_changes_user_seq ON bizydb.changes (user_id, seq);
CREATE INDEX ix_changes_xid ON bizydb.changes (xid, user_id);

ALTER TABLE bizydb.changes ALTER COLUMN user_id SET STATISTICS 0; -- as goals

COMMENT ON SEQUENCE bizydb.change_seq IS 'Numbers of changes. It starts where tracking has begun last.';
COMMENT ON TABLE bizydb.changes IS 'The last change of each goal and task, deleted ones too. Empty unless changes are tracked.';
COMMENT ON COLUMN bizydb.changes.user_id IS 'The owner. No foreign key: it would be checked with every new row.';
COMMENT ON COLUMN bizydb.changes.seq IS 'The number of the change. Of one user they are in the order of commits.';
COMMENT ON COLUMN bizydb.changes.xid IS 'The transaction that made it.';
COMMENT ON COLUMN bizydb.changes.kind IS 'goal or task.';
COMMENT ON COLUMN bizydb.changes.id IS 'The id of the goal or task.';
COMMENT ON INDEX bizydb.changes_pkey IS 'A goal or task by its key.';
COMMENT ON INDEX bizydb.ix_changes_user_seq IS 'What changed after a number, for one user.';
COMMENT ON INDEX bizydb.ix_changes_xid IS 'Which users have changes of later transactions, across users.';

ALTER TABLE bizydb.changes ENABLE ROW LEVEL SECURITY;

CREATE POLICY changes_owner ON bizydb.changes FOR SELECT TO bizydb_user USING (user_id = (SELECT bizydb.current_user_id()));
CREATE POLICY changes_reporter ON bizydb.changes FOR SELECT TO bizydb_reporter USING (true);

-- With the owner's rights, since no role may write here.
CREATE FUNCTION bizydb.log_changes() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET plan_cache_mode = force_generic_plan -- planning for the arrays' values takes longer than the statement
  AS $$
DECLARE
  users  bigint[]; -- of each row
  ids    bigint[];
  gone   bigint[]; -- users who are not there anymore
  owners bigint[]; -- each of the users once
  owner  bigint;
  locked text; -- an assignment takes a fraction of the time of PERFORM
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(r.user_id), array_agg(r.id) INTO users, ids FROM new_rows r;
  ELSIF TG_OP = 'DELETE' THEN -- of a user who is deleted too, nothing is kept
    SELECT array_agg(r.user_id), array_agg(r.id) INTO users, ids FROM old_rows r;
    gone := ARRAY(SELECT o.id FROM (SELECT DISTINCT unnest(users)) AS o (id) WHERE (SELECT true FROM public.users u WHERE u.id = o.id) IS NULL);
    IF gone <> '{}' THEN
      SELECT array_agg(r.user_id), array_agg(r.id) INTO users, ids FROM unnest(users, ids) AS r (user_id, id) WHERE r.user_id <> ALL (gone);
    END IF;
  ELSE -- a row can change its owner or its id; every change is a later version, or a roll-up and later
    SELECT array_agg(r.user_id), array_agg(r.id) INTO users, ids
    FROM (
      SELECT b.user_id, b.id
      FROM (SELECT n.user_id, n.id, n.version, n.updated_at FROM new_rows n UNION ALL SELECT o.user_id, o.id, o.version, o.updated_at FROM old_rows o) AS b
      GROUP BY b.user_id, b.id
      HAVING count(*) = 1 OR min(b.version) < max(b.version) OR min(b.updated_at) < max(b.updated_at)
    ) AS r;
  END IF;
  IF ids IS NULL THEN
    RETURN NULL;
  END IF;
  IF users[1] = ALL (users) THEN
    owners := users[1:1];
  ELSE
    owners := ARRAY(SELECT DISTINCT o.id FROM unnest(users) AS o (id) ORDER BY o.id);
  END IF;

  -- The lock comes before the numbers: whoever has drawn a lower one for the same user has committed.
  IF cardinality(owners) <= 1000 THEN
    FOREACH owner IN ARRAY owners LOOP
      locked := bizydb.lock_user(owner);
    END LOOP;
  ELSE -- the server may not have room for so many
    LOCK TABLE bizydb.changes IN SHARE ROW EXCLUSIVE MODE;
  END IF;
  INSERT INTO bizydb.changes (user_id, kind, id)
  SELECT r.user_id, TG_ARGV[0], r.id FROM unnest(users, ids) AS r (user_id, id)
  ON CONFLICT ON CONSTRAINT changes_pkey DO UPDATE SET seq = excluded.seq, xid = excluded.xid;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.log_changes() IS 'Trigger: numbers the changes of a statement.';

CREATE FUNCTION bizydb.see_all_changes() RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'at % this would miss what others have changed since the transaction began', current_setting('transaction_isolation')
      USING ERRCODE = 'invalid_transaction_state', HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED.';
  END IF;
END
$$;

COMMENT ON FUNCTION bizydb.see_all_changes() IS 'Raises an error where a snapshot is older than the locks.';

CREATE FUNCTION bizydb.log_truncation() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  LOCK TABLE bizydb.changes IN SHARE ROW EXCLUSIVE MODE;
  PERFORM bizydb.see_all_changes();
  UPDATE bizydb.changes SET seq = DEFAULT, xid = DEFAULT WHERE kind = TG_ARGV[0];
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.log_truncation() IS 'Trigger: every goal, or every task, is deleted.';

CREATE FUNCTION bizydb.forget_changes() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off -- as bizydb.roll_up
  AS $$
BEGIN
  PERFORM bizydb.see_all_changes();
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM bizydb.changes;
  ELSE
    DELETE FROM bizydb.changes c USING old_rows o WHERE c.user_id = o.id;
  END IF;
  RETURN NULL;
END
$$;

COMMENT ON FUNCTION bizydb.forget_changes() IS 'Trigger: the changes of a deleted user are removed.';

-- The number with which tracking began.
CREATE FUNCTION bizydb.changes_since() RETURNS bigint
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  triggers CONSTANT integer := 10; -- that bizydb.track_changes creates; without one of them, changes are missed
  since    bigint;
BEGIN
  SELECT s.seqstart INTO since FROM pg_sequence s
  WHERE s.seqrelid = 'bizydb.change_seq'::regclass AND triggers = (
    SELECT count(*) FROM pg_trigger g
    WHERE g.tgrelid IN ('public.users'::regclass, 'public.goals'::regclass, 'public.tasks'::regclass) AND g.tgenabled = 'O'
      AND g.tgfoid IN ('bizydb.log_changes()'::regprocedure, 'bizydb.log_truncation()'::regprocedure, 'bizydb.forget_changes()'::regprocedure)
  );
  IF NOT FOUND THEN
    RAISE EXCEPTION 'changes are not tracked' USING ERRCODE = 'UB011', HINT = 'SELECT bizydb.track_changes(), run by the owner of the tables.';
  END IF;
  RETURN since;
END
$$;

COMMENT ON FUNCTION bizydb.changes_since() IS 'The first number since changes are tracked. Raises SQLSTATE UB011 if they are not.';

-- Times and numbers in the JSON do not depend on the session.
CREATE FUNCTION bizydb.changes_after(after bigint, most integer, first_load bigint DEFAULT 0) RETURNS TABLE (seq bigint, kind text, id bigint, content json, first bigint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET extra_float_digits = 1 SET enable_sort = off -- not to read all for a page
  AS $$
DECLARE
  me     CONSTANT bigint := bizydb.current_user_id();
  since  CONSTANT bigint := bizydb.changes_since();
  newest CONSTANT bigint := (SELECT max(c.seq) FROM bizydb.changes c WHERE c.user_id = me);
BEGIN
  -- The numbers of a user only grow. One that is too large is from a database that this one is an older copy of.
  IF after <> 0 AND (after < since OR (greatest(after, first_load) <= newest) IS NOT TRUE) THEN
    RAISE EXCEPTION 'there are no changes after number %', after USING ERRCODE = 'UB012', HINT = 'Begin anew.';
  END IF;
  IF after = 0 THEN -- what has been deleted before a copy begins was never in it, but the last change says where it ends
    first_load := newest;
  END IF;
  RETURN QUERY
    SELECT c.seq, c.kind, c.id, coalesce(row_to_json(t), row_to_json(g)), first_load
    FROM bizydb.changes c
    LEFT JOIN LATERAL (SELECT * FROM public.tasks t WHERE c.kind = 'task' AND t.user_id = me AND t.id = c.id OFFSET 0) AS t ON true
    LEFT JOIN LATERAL (SELECT * FROM public.goals g WHERE c.kind = 'goal' AND g.user_id = me AND g.id = c.id OFFSET 0) AS g ON true
    WHERE c.user_id = me AND c.seq > after AND (c.seq >= first_load OR t.id IS NOT NULL OR g.id IS NOT NULL)
    ORDER BY c.seq LIMIT most;
END
$$;

COMMENT ON FUNCTION bizydb.changes_after(bigint, integer, bigint) IS 'The user''s changes after a number, 0 for all. Content is the row now, NULL if it is gone. Before the number of the first load, what is gone is left out.';

-- Transactions are finished below the snapshot's xmin: no change of theirs can come later.
CREATE FUNCTION bizydb.changed_users(began bigint, after_xid bigint, after_user bigint, most integer) RETURNS TABLE (since bigint, xid bigint, user_id bigint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_sort = off -- as bizydb.changes_after
  AS $$
DECLARE
  start    CONSTANT bigint := bizydb.changes_since();
  snapshot CONSTANT pg_snapshot := pg_current_snapshot();
  last     CONSTANT xid8 := (SELECT max(c.xid) FROM bizydb.changes c);
BEGIN
  IF last >= pg_snapshot_xmax(snapshot) AND last IS DISTINCT FROM pg_current_xact_id_if_assigned() THEN
    RAISE EXCEPTION 'changes have been tracked on another server, of which this is a copy'
      USING ERRCODE = 'UB011', HINT = 'SELECT bizydb.track_changes(false), then in another transaction SELECT bizydb.track_changes(), run by the owner of the tables.';
  END IF;
  IF began <> 0 AND (began <> start OR after_xid::text::xid8 >= pg_snapshot_xmax(snapshot)) THEN
    RAISE EXCEPTION 'there are no changes after transaction %', after_xid USING ERRCODE = 'UB012', HINT = 'Begin anew.';
  END IF;
  RETURN QUERY
    SELECT start, c.xid::text::bigint, c.user_id
    FROM (
      SELECT DISTINCT c.xid, c.user_id FROM bizydb.changes c
      WHERE (c.xid, c.user_id) > (after_xid::text::xid8, after_user) AND c.xid < pg_snapshot_xmin(snapshot)
      ORDER BY c.xid, c.user_id LIMIT most
    ) AS c
    ORDER BY c.xid, c.user_id;
END
$$;

COMMENT ON FUNCTION bizydb.changed_users(bigint, bigint, bigint, integer) IS 'Users with changes of committed transactions after a given one, in the order of transactions.';

-- With the rights of its caller, who owns the tables.
CREATE FUNCTION bizydb.track_changes(enabled boolean DEFAULT true) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
DECLARE
  log record;
BEGIN
  IF NOT enabled THEN
    LOCK TABLE public.users, public.tasks, public.goals IN ACCESS EXCLUSIVE MODE; -- in the order of scopes, which read the user first
    FOR log IN
      SELECT g.tgname AS name, g.tgrelid::regclass AS of FROM pg_trigger g
      WHERE g.tgfoid IN ('bizydb.log_changes()'::regprocedure, 'bizydb.log_truncation()'::regprocedure, 'bizydb.forget_changes()'::regprocedure)
    LOOP
      EXECUTE format('DROP TRIGGER %I ON %s', log.name, log.of);
    END LOOP;
    TRUNCATE bizydb.changes;
    RETURN;
  END IF;

  PERFORM bizydb.see_all_changes();
  FOR look IN 1..2 LOOP -- the second one with the locks
    BEGIN
      PERFORM bizydb.changes_since();
      RETURN;
    EXCEPTION WHEN SQLSTATE 'UB011' THEN -- or a trigger is missing: what has changed meanwhile is not known
      NULL;
    END;
    -- Enough for CREATE TRIGGER: a stronger lock that is taken later deadlocks with whoever has read. Tasks first, as most that write.
    LOCK TABLE public.tasks, public.goals, public.users IN SHARE ROW EXCLUSIVE MODE;
  END LOOP;
  TRUNCATE bizydb.changes;

  -- By the clock, a number is greater than all that any copy of this database has given.
  EXECUTE format('ALTER SEQUENCE bizydb.change_seq START WITH %s RESTART',
    (SELECT greatest(s.last_value + 1, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint) FROM bizydb.change_seq s));
  INSERT INTO bizydb.changes (user_id, kind, id) SELECT g.user_id, 'goal', g.id FROM public.goals g ORDER BY g.id;
  INSERT INTO bizydb.changes (user_id, kind, id) SELECT t.user_id, 'task', t.id FROM public.tasks t ORDER BY t.id;

  CREATE OR REPLACE TRIGGER tasks_log_insert AFTER INSERT ON public.tasks
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('task');
  CREATE OR REPLACE TRIGGER tasks_log_update AFTER UPDATE ON public.tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('task');
  CREATE OR REPLACE TRIGGER tasks_log_delete AFTER DELETE ON public.tasks
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('task');
  CREATE OR REPLACE TRIGGER tasks_log_truncate AFTER TRUNCATE ON public.tasks
    FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_truncation('task');
  CREATE OR REPLACE TRIGGER goals_log_insert AFTER INSERT ON public.goals
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('goal');
  CREATE OR REPLACE TRIGGER goals_log_update AFTER UPDATE ON public.goals
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('goal');
  CREATE OR REPLACE TRIGGER goals_log_delete AFTER DELETE ON public.goals
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('goal');
  CREATE OR REPLACE TRIGGER goals_log_truncate AFTER TRUNCATE ON public.goals
    FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_truncation('goal');
  CREATE OR REPLACE TRIGGER users_forget_changes AFTER DELETE ON public.users
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_changes();
  CREATE OR REPLACE TRIGGER users_forget_all_changes AFTER TRUNCATE ON public.users
    FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_changes();
END
$$;

COMMENT ON FUNCTION bizydb.track_changes(boolean) IS 'Turns tracking of changes on or off; idempotent. Cursors from before tracking was turned on are not accepted.';

REVOKE ALL ON bizydb.changes FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
REVOKE ALL ON SEQUENCE bizydb.change_seq FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT SELECT (user_id, seq, kind, id) ON bizydb.changes TO bizydb_user;
GRANT SELECT (user_id, xid) ON bizydb.changes TO bizydb_reporter;

REVOKE ALL ON FUNCTION
  bizydb.log_changes(), bizydb.see_all_changes(), bizydb.log_truncation(), bizydb.forget_changes(), bizydb.changes_since(), bizydb.changes_after(bigint, integer, bigint),
  bizydb.changed_users(bigint, bigint, bigint, integer), bizydb.track_changes(boolean)
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.changes_since(), bizydb.changes_after(bigint, integer, bigint) TO bizydb_user;
GRANT EXECUTE ON FUNCTION bizydb.changes_since(), bizydb.changed_users(bigint, bigint, bigint, integer) TO bizydb_reporter;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 10;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 9;

SELECT bizydb.track_changes(false);
DROP FUNCTION bizydb.track_changes(boolean);
DROP FUNCTION bizydb.changed_users(bigint, bigint, bigint, integer);
DROP FUNCTION bizydb.changes_after(bigint, integer, bigint);
DROP FUNCTION bizydb.changes_since();
DROP FUNCTION bizydb.forget_changes();
DROP FUNCTION bizydb.log_truncation();
DROP FUNCTION bizydb.see_all_changes();
DROP FUNCTION bizydb.log_changes();
DROP TABLE bizydb.changes;
DROP SEQUENCE bizydb.change_seq;
