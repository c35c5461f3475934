-- What each user did on a day of time_zone. Every user has a row, active or not, in the order of their ids.
-- name: DayOfEveryUser :many
WITH d AS (
  SELECT bizydb.day_start(sqlc.arg(day)::date, sqlc.arg(time_zone)::bizydb.time_zone) AS start,
    bizydb.day_start(sqlc.arg(day)::date + 1, sqlc.arg(time_zone)::bizydb.time_zone) AS stop
)
SELECT p.email, p.is_active,
  (SELECT count(*) FROM public.tasks t WHERE t.user_id = p.id AND t.completed_at >= d.start AND t.completed_at < d.stop) AS completed_tasks,
  (
    SELECT coalesce(sum(extract(epoch FROM coalesce(e.stopped_at, now()) - e.started_at)) / 3600, 0)::float8
    FROM app.entries e WHERE e.user_id = p.id AND e.started_at >= d.start AND e.started_at < d.stop
  ) AS hours
FROM bizydb.profiles p, d
ORDER BY p.id;
