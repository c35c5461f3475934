-- What each user did on a day of time_zone. Every user has a row, active or not, in the order of their ids.
-- name: DayOfEveryUser :many
WITH d AS (
  SELECT bizydb.day_start(sqlc.arg(day)::date, sqlc.arg(time_zone)::bizydb.time_zone) AS start,
    bizydb.day_start(sqlc.arg(day)::date + 1, sqlc.arg(time_zone)::bizydb.time_zone) AS stop
), completed AS (
  SELECT t.user_id, count(*) AS tasks FROM public.tasks t, d WHERE t.completed_at >= d.start AND t.completed_at < d.stop GROUP BY t.user_id
), worked AS (
  SELECT e.user_id, (sum(extract(epoch FROM coalesce(e.stopped_at, now()) - e.started_at)) / 3600)::float8 AS hours
  FROM app.entries e, d WHERE e.started_at >= d.start AND e.started_at < d.stop GROUP BY e.user_id
)
SELECT p.email, p.is_active, coalesce(c.tasks, 0)::bigint AS completed_tasks, coalesce(w.hours, 0)::float8 AS hours
FROM bizydb.profiles p LEFT JOIN completed c ON c.user_id = p.id LEFT JOIN worked w ON w.user_id = p.id
ORDER BY p.id;
