-- CompletionRate counts the tasks due at or after From and before Before, as TasksDue lists them: all, those completed, and
-- those completed by their due date, which is the end of the day in TimeZone for an all-day task. Rate is the completed share,
-- from 0 to 1, 0 if none was due.
-- name: CompletionRate :one
WITH span (from_time, before_time, from_day, before_day) AS (
  SELECT sqlc.arg('from')::timestamptz, sqlc.arg('before')::timestamptz,
    bizydb.due_on(bizydb.first_day(sqlc.arg('from'), @time_zone::bizydb.time_zone)), bizydb.due_on(bizydb.first_day(sqlc.arg('before'), @time_zone))
)
SELECT count(*)::int AS due,
  count(*) FILTER (WHERE status = 'completed')::int AS completed,
  count(*) FILTER (WHERE CASE WHEN due_all_day THEN bizydb.due_day(completed_at, false, @time_zone::bizydb.time_zone) <= bizydb.due_day(due_date, true, '') ELSE completed_at <= due_date END)::int AS on_time,
  coalesce(count(*) FILTER (WHERE status = 'completed')::float8 / nullif(count(*), 0), 0)::float8 AS rate
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND due_date >= sqlc.arg('from')::timestamptz - interval '1 day' AND due_date < sqlc.arg('before')::timestamptz + interval '1 day'
  AND CASE WHEN due_all_day THEN due_date >= (SELECT from_day FROM span) AND due_date < (SELECT before_day FROM span)
    ELSE due_date >= (SELECT from_time FROM span) AND due_date < (SELECT before_time FROM span) END;

-- DailyCompletions returns, for each of the Days days ending with the day of At, the number of tasks completed and their
-- actual hours, oldest first. Days without completions are included with 0. Days above 36525, a hundred years, counts as
-- 36525; below 1 it returns an empty slice.
-- name: DailyCompletions :many
WITH asked (first_day, last_day) AS (
  SELECT day - greatest(0, least(sqlc.arg('days')::bizydb.count, 36525))::int + 1, day
  FROM (SELECT bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone) AS day) AS today
)
SELECT c.day::date AS day, sum(c.tasks)::int AS completed, coalesce(sum(c.actual_hours), 0)::float8 AS actual_hours
FROM (
  SELECT first_day + n, 0, NULL::float8 FROM asked CROSS JOIN LATERAL generate_series(0, last_day - first_day) AS n
  UNION ALL -- a join would read the tasks for each day, if few are expected
  SELECT t.day, 1, t.actual_hours FROM (
    SELECT bizydb.local_day(completed_at, @time_zone::bizydb.time_zone) AS day, actual_hours FROM public.tasks
    WHERE user_id = (SELECT bizydb.current_user_id())
      AND completed_at >= (SELECT bizydb.day_start(first_day, @time_zone) FROM asked) AND completed_at < (SELECT bizydb.day_start(last_day + 1, @time_zone) FROM asked)
    OFFSET 0 -- the day of each is computed once
  ) AS t
  WHERE t.day BETWEEN (SELECT first_day FROM asked) AND (SELECT last_day FROM asked) -- where clocks go back at midnight the next day has begun before
) AS c (day, tasks, actual_hours)
WHERE c.day BETWEEN '0001-01-01' AND '9999-12-31'
GROUP BY c.day
ORDER BY c.day;

-- GoalCountsByHorizon returns, for each horizon from yearly to weekly and then for goals without one, the number of goals, of
-- active and of completed ones, and the average progress of the active ones, 0 if there are none.
-- name: GoalCountsByHorizon :many
SELECT h.horizon::bizydb.horizon AS horizon, coalesce(g.goals, 0)::int AS goals, coalesce(g.active, 0)::int AS active,
  coalesce(g.completed, 0)::int AS completed, coalesce(g.average_progress, 0)::float8 AS average_progress
FROM unnest(ARRAY['yearly', 'quarterly', 'monthly', 'weekly', NULL]) WITH ORDINALITY AS h (horizon, place)
LEFT JOIN (
  SELECT horizon, count(*) AS goals, count(*) FILTER (WHERE status = 'active') AS active, count(*) FILTER (WHERE status = 'completed') AS completed,
    avg(progress_percentage) FILTER (WHERE status = 'active') AS average_progress
  FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY horizon
) AS g ON g.horizon IS NOT DISTINCT FROM h.horizon
ORDER BY h.place;

-- GoalCountsByStatus returns the number of goals and their average progress for each status, in the order active, on hold,
-- completed, cancelled, 0 if there are none.
-- name: GoalCountsByStatus :many
SELECT s.status::bizydb.goal_status AS status, coalesce(g.goals, 0)::int AS goals, coalesce(g.average_progress, 0)::float8 AS average_progress
FROM unnest(ARRAY['active', 'on_hold', 'completed', 'cancelled']) WITH ORDINALITY AS s (status, place)
LEFT JOIN (
  SELECT status, count(*) AS goals, avg(progress_percentage) AS average_progress
  FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY status
) AS g ON g.status = s.status
ORDER BY s.place;

-- GoalForecast estimates when the tasks under a goal and its sub-goals, except cancelled ones, will be done, from the
-- last Days days, or from the goal's age if it is younger, at least one day. PerDay is the mean number of tasks completed
-- per day. ExpectedDay is the day of At plus the remaining tasks at that rate. EarliestDay and LatestDay use the rate
-- plus and minus 1.28 standard errors of the mean, which contains the true rate in about four of five cases if there are
-- some weeks of data; it does not include the variance of the days to come. A day more than a hundred years away is nil,
-- as is every day if nothing was completed, and EarliestDay and LatestDay with only one day of data. If nothing remains
-- all three are the day of At. Remaining counts the tasks not completed now, whatever At is. If the goal does not exist
-- it returns ErrNotFound.
-- name: GoalForecast :one
WITH RECURSIVE tree (id) AS (
  SELECT g.id FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @goal_id
  UNION ALL
  SELECT g.id FROM tree t JOIN public.goals g ON g.user_id = (SELECT bizydb.current_user_id()) AND g.parent_goal_id = t.id AND g.status <> 'cancelled'
), span (day, days) AS (
  SELECT now.day, greatest(1, least(sqlc.arg('days')::bizydb.count, now.day - bizydb.local_day(g.created_at, @time_zone::bizydb.time_zone) + 1))::int
  FROM public.goals g
  CROSS JOIN (SELECT bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone) AS day) AS now
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

-- Overview counts what a dashboard shows first: the active goals and their average progress, 0 if there are none; how many of
-- them are near completion and at risk, as GoalsNearCompletion and GoalsAtRisk list them, and overdue, with a target date
-- before At; and the overdue tasks, as OverdueTasks lists them.
-- name: Overview :one
WITH asked (at, today) AS (
  SELECT coalesce(sqlc.narg('at')::timestamptz, now()), bizydb.due_on(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone))
)
SELECT g.active::int AS active_goals, g.average_progress::float8 AS average_progress, g.near_completion::int AS goals_near_completion,
  g.at_risk::int AS goals_at_risk, g.overdue::int AS overdue_goals, t.overdue::int AS overdue_tasks
FROM (
  SELECT count(*) AS active, coalesce(avg(progress_percentage), 0) AS average_progress,
    count(*) FILTER (WHERE progress_percentage >= 80) AS near_completion,
    count(*) FILTER (WHERE progress_percentage < 20 AND target_date <= (SELECT at + interval '720 hours' FROM asked)) AS at_risk,
    count(*) FILTER (WHERE target_date < (SELECT at FROM asked)) AS overdue
  FROM public.goals
  WHERE user_id = (SELECT bizydb.current_user_id()) AND status = 'active'
) AS g
CROSS JOIN (
  SELECT count(*) AS overdue
  FROM public.tasks
  WHERE user_id = (SELECT bizydb.current_user_id())
    AND status IN ('pending', 'in_progress', 'blocked') AND (@with_blocked::bool OR status <> 'blocked')
    AND due_date < (SELECT at FROM asked)
    AND (NOT due_all_day OR due_date < (SELECT today FROM asked))
) AS t;

-- TaskActivity counts the tasks created and the tasks completed at or after From and before Before, and adds up the hours of
-- those completed.
-- name: TaskActivity :one
SELECT (
    SELECT count(*) FROM public.tasks
    WHERE user_id = (SELECT bizydb.current_user_id()) AND created_at >= sqlc.arg('from')::timestamptz AND created_at < sqlc.arg('before')::timestamptz
  )::int AS created,
  count(*)::int AS completed, coalesce(sum(estimated_hours), 0)::float8 AS estimated_hours, coalesce(sum(actual_hours), 0)::float8 AS actual_hours
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND completed_at >= sqlc.arg('from')::timestamptz AND completed_at < sqlc.arg('before')::timestamptz;

-- TaskCountsByCategory returns the number of tasks and their hours for each category that has tasks, ordered by the code
-- points of the category, tasks without one last.
-- name: TaskCountsByCategory :many
SELECT category, count(*)::int AS tasks, count(*) FILTER (WHERE status = 'completed')::int AS completed,
  coalesce(sum(estimated_hours), 0)::float8 AS estimated_hours, coalesce(sum(actual_hours), 0)::float8 AS actual_hours
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
GROUP BY category
ORDER BY category COLLATE "C" NULLS LAST;

-- TaskCountsByPriority returns the number of tasks and their hours for each priority from 1 to 5, 0 if there are none.
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

-- TaskCountsByStatus returns the number of tasks and their hours for each status, in the order pending, in progress,
-- blocked, completed, 0 if there are none.
-- name: TaskCountsByStatus :many
SELECT s.status::bizydb.task_status AS status, coalesce(t.tasks, 0)::int AS tasks,
  coalesce(t.estimated_hours, 0)::float8 AS estimated_hours, coalesce(t.actual_hours, 0)::float8 AS actual_hours
FROM unnest(ARRAY['pending', 'in_progress', 'blocked', 'completed']) WITH ORDINALITY AS s (status, place)
LEFT JOIN (
  SELECT status, count(*) AS tasks, sum(estimated_hours) AS estimated_hours, sum(actual_hours) AS actual_hours
  FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY status
) AS t ON t.status = s.status
ORDER BY s.place;

-- TaskHours returns the hours of all tasks, or of those directly under a goal: estimated, spent, and remaining, which is
-- the estimate of tasks not completed. Compared… are the estimated and the spent hours of the completed tasks that have
-- both.
-- name: TaskHours :one
SELECT coalesce(sum(estimated_hours), 0)::float8 AS estimated, coalesce(sum(actual_hours), 0)::float8 AS spent,
  coalesce(sum(estimated_hours) FILTER (WHERE status <> 'completed'), 0)::float8 AS remaining,
  coalesce(sum(estimated_hours) FILTER (WHERE status = 'completed' AND actual_hours IS NOT NULL), 0)::float8 AS compared_estimated,
  coalesce(sum(actual_hours) FILTER (WHERE status = 'completed' AND estimated_hours IS NOT NULL), 0)::float8 AS compared_spent
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND (parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL);

-- Velocity returns the number of tasks completed on the Days days ending with the day of At, and the mean per day. Days
-- below 1 counts as 1, above 36525 as 36525.
-- name: Velocity :one
SELECT count(*)::int AS completed, (count(*)::float8 / greatest(1, least(sqlc.arg('days')::bizydb.count, 36525))::int)::float8 AS per_day
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND completed_at >= (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone) - greatest(1, least(sqlc.arg('days')::bizydb.count, 36525))::int + 1, @time_zone))
  AND completed_at < (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone) + 1, @time_zone));

-- WeeklyCompletions is DailyCompletions by week, from Monday, for the Weeks weeks ending with the week of At. Weeks above
-- 5218 counts as 5218; below 1 it returns an empty slice.
-- name: WeeklyCompletions :many
WITH asked (first_monday, last_monday) AS (
  SELECT monday - 7 * (greatest(0, least(sqlc.arg('weeks')::bizydb.count, 5218))::int - 1), monday
  FROM (SELECT bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone)) AS monday) AS this_week
)
SELECT c.monday::date AS monday, sum(c.tasks)::int AS completed, coalesce(sum(c.actual_hours), 0)::float8 AS actual_hours
FROM (
  SELECT first_monday + n, 0, NULL::float8 FROM asked CROSS JOIN LATERAL generate_series(0, last_monday - first_monday, 7) AS n
  UNION ALL -- as in DailyCompletions
  SELECT t.monday, 1, t.actual_hours FROM (
    SELECT bizydb.monday(bizydb.local_day(completed_at, @time_zone::bizydb.time_zone)) AS monday, actual_hours FROM public.tasks
    WHERE user_id = (SELECT bizydb.current_user_id())
      AND completed_at >= (SELECT bizydb.day_start(first_monday, @time_zone) FROM asked) AND completed_at < (SELECT bizydb.day_start(last_monday + 7, @time_zone) FROM asked)
    OFFSET 0
  ) AS t
  WHERE t.monday BETWEEN (SELECT first_monday FROM asked) AND (SELECT last_monday FROM asked)
) AS c (monday, tasks, actual_hours)
WHERE c.monday BETWEEN '0001-01-01' AND '9999-12-31'
GROUP BY c.monday
ORDER BY c.monday;

-- Workload returns, for each of the Weeks weeks from the week of At on, the tasks due in it: how many, how many are open
-- (not completed), how many of the open ones have no estimate, the estimated hours of all and of the open ones, and the
-- actual hours. Weeks start on Monday; those without tasks are included with 0. Weeks above 5218 counts as 5218; below 1
-- it returns an empty slice.
-- name: Workload :many
WITH asked (first_monday, last_monday) AS (
  SELECT monday, monday + 7 * (greatest(0, least(sqlc.arg('weeks')::bizydb.count, 5218))::int - 1)
  FROM (SELECT bizydb.monday(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone)) AS monday) AS this_week
)
SELECT w.monday::date AS monday, sum(w.tasks)::int AS due, (count(*) FILTER (WHERE w.open))::int AS open,
  (count(*) FILTER (WHERE w.open AND w.estimated_hours IS NULL))::int AS without_estimate,
  coalesce(sum(w.estimated_hours), 0)::float8 AS estimated_hours,
  coalesce(sum(w.estimated_hours) FILTER (WHERE w.open), 0)::float8 AS open_hours,
  coalesce(sum(w.actual_hours), 0)::float8 AS actual_hours
FROM (
  SELECT first_monday + n, 0, false, NULL::float8, NULL::float8 FROM asked CROSS JOIN LATERAL generate_series(0, last_monday - first_monday, 7) AS n
  UNION ALL -- as in DailyCompletions
  SELECT t.monday, 1, t.open, t.estimated_hours, t.actual_hours FROM (
    SELECT bizydb.monday(bizydb.due_day(due_date, due_all_day, @time_zone::bizydb.time_zone)) AS monday, status <> 'completed' AS open, estimated_hours, actual_hours FROM public.tasks
    WHERE user_id = (SELECT bizydb.current_user_id())
      AND due_date >= (SELECT bizydb.day_start(first_monday, @time_zone) - interval '1 day' FROM asked) -- days of all-day tasks are elsewhere than in UTC
      AND due_date < (SELECT bizydb.day_start(last_monday + 7, @time_zone) + interval '1 day' FROM asked)
    OFFSET 0
  ) AS t
  WHERE t.monday BETWEEN (SELECT first_monday FROM asked) AND (SELECT last_monday FROM asked)
) AS w (monday, tasks, open, estimated_hours, actual_hours)
WHERE w.monday BETWEEN '0001-01-01' AND '9999-12-31'
GROUP BY w.monday
ORDER BY w.monday;
