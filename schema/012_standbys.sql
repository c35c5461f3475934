-- What a hot standby is asked before it answers for a user.

-- After a promotion, a standby may be left behind on a history of its own, in which LSNs and transaction ids go on. A standby has the row of
-- a timeline only if its history does, unless two promotions of one server gave themselves the same number.
CREATE TABLE bizydb.timelines (
  system_identifier bigint NOT NULL,
  timeline          integer NOT NULL,

  CONSTRAINT timelines_pkey PRIMARY KEY (system_identifier, timeline)
);

COMMENT ON TABLE bizydb.timelines IS 'The timelines that this database has been written on, as far as services with standbys have met them.';
COMMENT ON COLUMN bizydb.timelines.system_identifier IS 'The cluster, as in pg_control_system(). A dump takes the rows to another cluster.';
COMMENT ON COLUMN bizydb.timelines.timeline IS 'The timeline. A promotion begins the next one.';
COMMENT ON INDEX bizydb.timelines_pkey IS 'A timeline of a cluster.';

-- With the owner's rights, since no role may write here.
CREATE FUNCTION bizydb.note_timeline(OUT system_identifier bigint, OUT timeline integer) RETURNS record
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
  AS $$
BEGIN
  system_identifier := (SELECT s.system_identifier FROM pg_control_system() s);
  timeline := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
  INSERT INTO bizydb.timelines AS t (system_identifier, timeline) VALUES (note_timeline.system_identifier, note_timeline.timeline)
  ON CONFLICT ON CONSTRAINT timelines_pkey DO NOTHING;
END
$$;

COMMENT ON FUNCTION bizydb.note_timeline() IS 'Returns the primary''s cluster and timeline, and keeps them in bizydb.timelines. On a standby it fails.';

CREATE FUNCTION bizydb.not_fresh() RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF NOT pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is not a standby' USING ERRCODE = 'UB022';
  END IF;
  RAISE EXCEPTION 'the standby has not replayed what the user has seen or written' USING ERRCODE = 'UB021';
END
$$;

COMMENT ON FUNCTION bizydb.not_fresh() IS 'Raises SQLSTATE UB021 on a standby, and UB022 on any other server.';

-- The library asks this on a standby in place of bizydb.require_user. The statement after it has a newer snapshot, unless the isolation level
-- keeps the first one. Whether a transaction is visible in a snapshot cannot be asked: a standby's snapshots do not list what is running.
CREATE FUNCTION bizydb.require_fresh(cluster bigint, on_timeline integer, replayed pg_lsn, ended xid8, all_ended xid8) RETURNS SETOF bigint
  LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT bizydb.not_fresh() WHERE (
        pg_is_in_recovery() AND current_setting('transaction_isolation') = 'read committed'
        AND pg_last_wal_replay_lsn() >= replayed
        AND EXISTS (SELECT FROM bizydb.timelines t WHERE t.system_identifier = cluster AND t.timeline = on_timeline)
        -- Of an id that is not assigned yet, pg_xact_status is an error.
        AND CASE
          WHEN ended = '0'::xid8 THEN true
          WHEN ended < pg_snapshot_xmax(pg_current_snapshot()) THEN pg_xact_status(ended) IS DISTINCT FROM 'in progress'
          ELSE false
        END
        AND (all_ended = '0'::xid8 OR all_ended < pg_snapshot_xmin(pg_current_snapshot()))
      ) IS NOT TRUE
    UNION ALL
    SELECT bizydb.no_such_user() WHERE NOT EXISTS (SELECT FROM public.users WHERE id = (SELECT bizydb.current_user_id()) AND is_active);
  END;

COMMENT ON FUNCTION bizydb.require_fresh(bigint, integer, pg_lsn, xid8, xid8) IS
  'Raises UB022 if this is no standby; UB021 unless it is on the timeline, has replayed to the LSN, and the transaction and all up to the last have ended there (0: none); UB001 as bizydb.require_user().';

-- The same in less time, of a standby that has passed the whole question since it started: until it restarts, its history goes on.
CREATE FUNCTION bizydb.require_replayed(since timestamptz, replayed pg_lsn) RETURNS SETOF bigint
  LANGUAGE sql STABLE
  BEGIN ATOMIC
    SELECT bizydb.not_fresh() WHERE (
        pg_is_in_recovery() AND current_setting('transaction_isolation') = 'read committed'
        AND pg_postmaster_start_time() = since AND pg_last_wal_replay_lsn() >= replayed
      ) IS NOT TRUE
    UNION ALL
    SELECT bizydb.no_such_user() WHERE NOT EXISTS (SELECT FROM public.users WHERE id = (SELECT bizydb.current_user_id()) AND is_active);
  END;

COMMENT ON FUNCTION bizydb.require_replayed(timestamptz, pg_lsn) IS
  'Raises UB022 if this is no standby; UB021 unless it has run since that time and has replayed to the LSN; UB001 as bizydb.require_user().';

REVOKE ALL ON bizydb.timelines FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT SELECT ON bizydb.timelines TO bizydb_user;

REVOKE ALL ON FUNCTION bizydb.note_timeline(), bizydb.not_fresh(), bizydb.require_fresh(bigint, integer, pg_lsn, xid8, xid8), bizydb.require_replayed(timestamptz, pg_lsn)
  FROM PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter;
GRANT EXECUTE ON FUNCTION bizydb.note_timeline() TO bizydb_accounts;
GRANT EXECUTE ON FUNCTION bizydb.not_fresh(), bizydb.require_fresh(bigint, integer, pg_lsn, xid8, xid8), bizydb.require_replayed(timestamptz, pg_lsn) TO bizydb_user;

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 12;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 11;

DROP FUNCTION bizydb.require_replayed(timestamptz, pg_lsn);
DROP FUNCTION bizydb.require_fresh(bigint, integer, pg_lsn, xid8, xid8);
DROP FUNCTION bizydb.not_fresh();
DROP FUNCTION bizydb.note_timeline();
DROP TABLE bizydb.timelines;
