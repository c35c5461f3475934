-- Days and weeks, as a user in some time zone has them.
CREATE FUNCTION bizydb.local_day(at timestamptz, zone text) RETURNS date
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (coalesce(at, now()) AT TIME ZONE coalesce(nullif(zone, ''), 'UTC'))::date;

COMMENT ON FUNCTION bizydb.local_day(timestamptz, text) IS 'The day of a moment, now for NULL, in a time zone, named as by IANA; an empty name is UTC.';

CREATE FUNCTION bizydb.day_start(day date, zone text) RETURNS timestamptz
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  -- Midnight can come twice, then the second term is the first of them, or not at all, then both are when it was skipped.
  -- (Where a clock went back from after midnight to before it, as in St. John's until 2010, a day is in two pieces. This is
  -- where the second begins.)
  RETURN least(
    day::timestamp AT TIME ZONE coalesce(nullif(zone, ''), 'UTC'),
    (day::timestamp - interval '1 microsecond') AT TIME ZONE coalesce(nullif(zone, ''), 'UTC') + interval '1 microsecond'
  );

COMMENT ON FUNCTION bizydb.day_start(date, text) IS 'The moment when a day begins in a time zone.';

CREATE FUNCTION bizydb.monday(day date) RETURNS date
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN day - (extract(isodow FROM day)::integer - 1);

COMMENT ON FUNCTION bizydb.monday(date) IS 'The day on which the week of a day begins.';

CREATE DOMAIN bizydb.forecast_day AS date;

COMMENT ON DOMAIN bizydb.forecast_day IS 'A day that can be unknown, as a type of its own like task_ids.';

CREATE FUNCTION bizydb.day_after(day date, work bigint, per_day double precision) RETURNS date
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN work = 0 THEN day
    -- As numeric it has fifteen digits, so that 21 / (7 / 5) is 15 and not a little more.
    WHEN per_day > 0 AND (work / per_day)::numeric <= 36525 THEN day + ceil((work / per_day)::numeric)::integer
  END;

COMMENT ON FUNCTION bizydb.day_after(date, bigint, double precision) IS
  'The day on which work is done that goes on at a rate from a day on; NULL if that is not within a hundred years.';

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 13 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 12 $$;

DROP FUNCTION bizydb.day_after(date, bigint, double precision);
DROP DOMAIN bizydb.forecast_day;
DROP FUNCTION bizydb.monday(date);
DROP FUNCTION bizydb.day_start(date, text);
DROP FUNCTION bizydb.local_day(timestamptz, text);
