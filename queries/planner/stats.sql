-- CompletionRate returns how many tasks were due at From or later and before Before, how many of them are completed,
-- how many were so by their due date, and the share that is completed, from 0 to 1, 0 where none was due.
-- name: CompletionRate :one
SELECT count(*)::int AS due,
  count(*) FILTER (WHERE status = 'completed')::int AS completed,
  count(*) FILTER (WHERE completed_at <= due_date)::int AS on_time,
  coalesce(count(*) FILTER (WHERE status = 'completed')::float8 / nullif(count(*), 0), 0)::float8 AS rate
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND due_date >= sqlc.arg('from')::timestamptz AND due_date < sqlc.arg('before')::timestamptz;

-- DailyCompletions returns, for each of the Days days that end with the day of At, how many tasks were completed and
-- the hours they took, the first day first. Days without any are there with 0. Days above 36525, which is a hundred
-- years, is as 36525; below 1 it is an empty slice.
-- name: DailyCompletions :many
SELECT days.day::date AS day, count(t.id)::int AS completed, coalesce(sum(t.actual_hours), 0)::float8 AS actual_hours
FROM (SELECT bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::text)) AS now (day)
CROSS JOIN LATERAL (SELECT now.day - n FROM generate_series(0, greatest(0, least(sqlc.arg('days')::int, 36525)) - 1) AS n) AS days (day)
LEFT JOIN (
  SELECT id, actual_hours, bizydb.local_day(completed_at, @time_zone) AS day FROM public.tasks
  WHERE user_id = (SELECT bizydb.current_user_id())
    AND completed_at >= (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone) - greatest(0, least(sqlc.arg('days')::int, 36525)) + 1, @time_zone))
    AND completed_at < (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone) + 1, @time_zone))
) AS t ON t.day = days.day
GROUP BY days.day
ORDER BY days.day;

-- GoalForecast says when the tasks under a goal will be done, sub-goals included but for cancelled ones, if they go on
-- as they did on the last Days days, fewer if the goal is younger, but at least one. PerDay is the mean number of tasks
-- completed on each of them. ExpectedDay is the day of At and what remains at that rate; EarliestDay and LatestDay are
-- the same at the rate plus and minus 1.28 standard errors of the mean, which, of some weeks or more, is where the true
-- rate is in about four cases of five. Chance in the days to come is not in it. Each is nil if it is not within a
-- hundred years: if nothing was completed, say, or for the range where there is one day only. If nothing remains all
-- three are the day of At. What remains is what is not completed now, whatever At is. No such goal is ErrNotFound.
-- name: GoalForecast :one
WITH RECURSIVE tree (id) AS (
  SELECT g.id FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @goal_id
  UNION ALL
  SELECT g.id FROM tree t JOIN public.goals g ON g.user_id = (SELECT bizydb.current_user_id()) AND g.parent_goal_id = t.id AND g.status <> 'cancelled'
), span (day, days) AS (
  SELECT now.day, greatest(1, least(sqlc.arg('days')::int, now.day - bizydb.local_day(g.created_at, @time_zone) + 1))
  FROM public.goals g
  CROSS JOIN (SELECT bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::text) AS day) AS now
  WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @goal_id
), work (remaining) AS (
  SELECT count(*) FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.parent_goal_id = ANY (ARRAY(SELECT id FROM tree)) AND t.status <> 'completed'
), done (tasks, squares) AS (
  SELECT sum(n), sum(n * n) FROM (
    SELECT count(*)::float8 FROM public.tasks t
    WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.parent_goal_id = ANY (ARRAY(SELECT id FROM tree)) AND t.status = 'completed'
      AND t.completed_at >= (SELECT bizydb.day_start(s.day - s.days + 1, @time_zone) FROM span s)
      AND t.completed_at < (SELECT bizydb.day_start(s.day + 1, @time_zone) FROM span s)
    GROUP BY bizydb.local_day(t.completed_at, @time_zone)
  ) AS daily (n)
), rate (mean, error) AS (
  SELECT coalesce(tasks, 0) / days, sqrt(greatest(0, coalesce(squares, 0) - coalesce(tasks, 0) ^ 2 / days) / nullif(days - 1, 0) / days)
  FROM done, span
)
SELECT w.remaining::int AS remaining, r.mean::float8 AS per_day,
  bizydb.day_after(s.day, w.remaining, r.mean)::bizydb.forecast_day AS expected_day,
  bizydb.day_after(s.day, w.remaining, r.mean + 1.28 * r.error)::bizydb.forecast_day AS earliest_day,
  bizydb.day_after(s.day, w.remaining, r.mean - 1.28 * r.error)::bizydb.forecast_day AS latest_day
FROM span s, work w, rate r;

-- TaskCountsByCategory returns for each category that has tasks their number and hours, in the order that the
-- database's collation gives them, those without a category last.
-- name: TaskCountsByCategory :many
SELECT category, count(*)::int AS tasks, count(*) FILTER (WHERE status = 'completed')::int AS completed,
  coalesce(sum(estimated_hours), 0)::float8 AS estimated_hours, coalesce(sum(actual_hours), 0)::float8 AS actual_hours
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
GROUP BY category
ORDER BY category NULLS LAST;

-- TaskCountsByPriority returns for each priority, 1 to 5, the number of tasks and their hours, 0 where there are none.
-- name: TaskCountsByPriority :many
SELECT p::int AS priority, coalesce(t.tasks, 0)::int AS tasks, coalesce(t.completed, 0)::int AS completed,
  coalesce(t.estimated_hours, 0)::float8 AS estimated_hours, coalesce(t.actual_hours, 0)::float8 AS actual_hours
FROM generate_series(1, 5) AS p
LEFT JOIN (
  SELECT priority, count(*) AS tasks, count(*) FILTER (WHERE status = 'completed') AS completed,
    sum(estimated_hours) AS estimated_hours, sum(actual_hours) AS actual_hours
  FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY priority
) AS t ON t.priority = p
ORDER BY p;

-- TaskCountsByStatus returns for each status, pending, in progress, blocked and completed, the number of tasks and
-- their hours, 0 where there are none.
-- name: TaskCountsByStatus :many
SELECT s.status::bizydb.task_status AS status, coalesce(t.tasks, 0)::int AS tasks,
  coalesce(t.estimated_hours, 0)::float8 AS estimated_hours, coalesce(t.actual_hours, 0)::float8 AS actual_hours
FROM unnest(ARRAY['pending', 'in_progress', 'blocked', 'completed']) WITH ORDINALITY AS s (status, place)
LEFT JOIN (
  SELECT status, count(*) AS tasks, sum(estimated_hours) AS estimated_hours, sum(actual_hours) AS actual_hours
  FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY status
) AS t ON t.status = s.status
ORDER BY s.place;

-- TaskHours returns the hours of all tasks, or of those directly under a goal: estimated, spent, and estimated of what
-- is not completed. Compared… are the estimates and the hours of those completed tasks that have both.
-- name: TaskHours :one
SELECT coalesce(sum(estimated_hours), 0)::float8 AS estimated, coalesce(sum(actual_hours), 0)::float8 AS spent,
  coalesce(sum(estimated_hours) FILTER (WHERE status <> 'completed'), 0)::float8 AS remaining,
  coalesce(sum(estimated_hours) FILTER (WHERE status = 'completed' AND actual_hours IS NOT NULL), 0)::float8 AS compared_estimated,
  coalesce(sum(actual_hours) FILTER (WHERE status = 'completed' AND estimated_hours IS NOT NULL), 0)::float8 AS compared_spent
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND (parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL);

-- Velocity returns how many tasks were completed on the Days days that end with the day of At, and the mean for each
-- day. Days below 1 is as 1, above 36525 as 36525.
-- name: Velocity :one
SELECT count(*)::int AS completed, (count(*)::float8 / greatest(1, least(sqlc.arg('days')::int, 36525)))::float8 AS per_day
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND completed_at >= (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::text) - greatest(1, least(sqlc.arg('days')::int, 36525)) + 1, @time_zone))
  AND completed_at < (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone) + 1, @time_zone));

-- WeeklyCompletions is DailyCompletions by weeks, which begin on Monday: the Weeks weeks that end with the week of At.
-- Weeks above 5218 is as 5218; below 1 it is an empty slice.
-- name: WeeklyCompletions :many
SELECT weeks.monday::date AS monday, count(t.id)::int AS completed, coalesce(sum(t.actual_hours), 0)::float8 AS actual_hours
FROM (SELECT bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::text))) AS now (monday)
CROSS JOIN LATERAL (SELECT now.monday - 7 * n FROM generate_series(0, greatest(0, least(sqlc.arg('weeks')::int, 5218)) - 1) AS n) AS weeks (monday)
LEFT JOIN (
  SELECT id, actual_hours, bizydb.monday(bizydb.local_day(completed_at, @time_zone)) AS monday FROM public.tasks
  WHERE user_id = (SELECT bizydb.current_user_id())
    AND completed_at >= (SELECT bizydb.day_start(bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone)) - 7 * (greatest(0, least(sqlc.arg('weeks')::int, 5218)) - 1), @time_zone))
    AND completed_at < (SELECT bizydb.day_start(bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone)) + 7, @time_zone))
) AS t ON t.monday = weeks.monday
GROUP BY weeks.monday
ORDER BY weeks.monday;

-- Workload returns, for each of the Weeks weeks from the week of At on, the tasks that are due in it: how many, how
-- many are open, that is not completed, how many of these have no estimate, the estimated hours of all and of the open
-- ones, and the hours spent. Weeks begin on Monday; those without tasks are there with 0. Weeks above 5218 is as 5218;
-- below 1 it is an empty slice.
-- name: Workload :many
SELECT weeks.monday::date AS monday, count(t.id)::int AS due, (count(*) FILTER (WHERE t.open))::int AS open,
  (count(*) FILTER (WHERE t.open AND t.estimated_hours IS NULL))::int AS without_estimate,
  coalesce(sum(t.estimated_hours), 0)::float8 AS estimated_hours,
  coalesce(sum(t.estimated_hours) FILTER (WHERE t.open), 0)::float8 AS open_hours,
  coalesce(sum(t.actual_hours), 0)::float8 AS actual_hours
FROM (SELECT bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::text))) AS now (monday)
CROSS JOIN LATERAL (SELECT now.monday + 7 * n FROM generate_series(0, greatest(0, least(sqlc.arg('weeks')::int, 5218)) - 1) AS n) AS weeks (monday)
LEFT JOIN (
  SELECT id, estimated_hours, actual_hours, status <> 'completed' AS open, bizydb.monday(bizydb.local_day(due_date, @time_zone)) AS monday FROM public.tasks
  WHERE user_id = (SELECT bizydb.current_user_id())
    AND due_date >= (SELECT bizydb.day_start(bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone)), @time_zone))
    AND due_date < (SELECT bizydb.day_start(bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone)) + 7 * greatest(0, least(sqlc.arg('weeks')::int, 5218)), @time_zone))
) AS t ON t.monday = weeks.monday
GROUP BY weeks.monday
ORDER BY weeks.monday;
