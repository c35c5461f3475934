-- CompletionRate counts the tasks that TasksDue returns for From, Before and TimeZone: all tasks, the completed tasks,
-- and the tasks completed on time. On time means by the due date, or by the end of the day in TimeZone for an all-day
-- task. Rate is the completed share, from 0 to 1, or 0 if no task was due.
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

-- DailyCompletions returns the number of tasks completed and their actual hours for each of the Days days ending with
-- the day of At, the oldest first. Days without completions are included with 0. Days is capped at 36525, a hundred
-- years. With Days below 1 it returns an empty slice.
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

-- GoalCountsByHorizon returns, for each horizon, the number of goals, of active goals and of completed goals, and the
-- average percentage of the active goals. The order is yearly, quarterly, monthly, weekly, none. Horizons without goals
-- are included with 0.
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

-- GoalCountsByStatus returns the number of goals and their average percentage for each status, in the order active, on
-- hold, completed, cancelled. Statuses without goals are included with 0.
-- name: GoalCountsByStatus :many
SELECT s.status::bizydb.goal_status AS status, coalesce(g.goals, 0)::int AS goals, coalesce(g.average_progress, 0)::float8 AS average_progress
FROM unnest(ARRAY['active', 'on_hold', 'completed', 'cancelled']) WITH ORDINALITY AS s (status, place)
LEFT JOIN (
  SELECT status, count(*) AS goals, avg(progress_percentage) AS average_progress
  FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY status
) AS g ON g.status = s.status
ORDER BY s.place;

-- GoalForecast estimates the day on which all tasks under a goal and its sub-goals at any depth will be done. Tasks
-- under cancelled sub-goals do not count. PerDay is the mean number of tasks completed per day, over the last Days days
-- or since the goal was created, whichever is shorter, and over at least one day. Remaining is the number of tasks not
-- completed now, whatever At is. Returns ErrNotFound if the goal does not exist.
--
-- ExpectedDay is the day of At plus the time that the remaining tasks take at the rate PerDay. EarliestDay and
-- LatestDay use PerDay plus and minus 1.28 standard errors of the mean. With some weeks of data, the true rate is
-- between these two rates in about four of five cases. The range from EarliestDay to LatestDay does not include the
-- variance of the days to come.
--
-- If no task remains, all three days are the day of At. Otherwise a day more than a hundred years away is nil, all
-- three are nil if no task was completed, and EarliestDay and LatestDay are nil with only one day of data.
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

-- Overview returns numbers for a dashboard. ActiveGoals is the number of active goals, and AverageProgress is their
-- average percentage, or 0 if there are none. GoalsNearCompletion, GoalsAtRisk, OverdueGoals and OverdueTasks are the
-- numbers of rows that the methods of these names return. OverdueTasks includes blocked tasks if WithBlocked is set.
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

-- TaskActivity counts the tasks created and the tasks completed at or after From and before Before. EstimatedHours and
-- ActualHours are the sums over these completed tasks.
-- name: TaskActivity :one
SELECT (
    SELECT count(*) FROM public.tasks
    WHERE user_id = (SELECT bizydb.current_user_id()) AND created_at >= sqlc.arg('from')::timestamptz AND created_at < sqlc.arg('before')::timestamptz
  )::int AS created,
  count(*)::int AS completed, coalesce(sum(estimated_hours), 0)::float8 AS estimated_hours, coalesce(sum(actual_hours), 0)::float8 AS actual_hours
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND completed_at >= sqlc.arg('from')::timestamptz AND completed_at < sqlc.arg('before')::timestamptz;

-- TaskCounts returns the number of tasks for each status, each priority and each category that has tasks: first the
-- statuses, then the priorities, then the categories, ordered by their code points. Status is set in the rows of
-- statuses, and Priority in those of priorities. In the other rows Category is the category, or nil for the tasks
-- without one. TaskCounts reads an index; the methods for one of the three sum hours too, and read every task for that.
-- name: TaskCounts :many
SELECT coalesce(status, '')::bizydb.task_status AS status, coalesce(priority, 0)::int AS priority, category, count(*)::int AS tasks
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
GROUP BY GROUPING SETS ((tasks.status), (tasks.priority), (category))
ORDER BY array_position(ARRAY['pending', 'in_progress', 'blocked', 'completed'], tasks.status), tasks.priority, category COLLATE "C" NULLS LAST;

-- TaskCountsByCategory returns the number of tasks, the number of completed ones and the sums of hours for each
-- category that has tasks, ordered by the code points of the category. Tasks without a category come last.
-- name: TaskCountsByCategory :many
SELECT category, count(*)::int AS tasks, count(*) FILTER (WHERE status = 'completed')::int AS completed,
  coalesce(sum(estimated_hours), 0)::float8 AS estimated_hours, coalesce(sum(actual_hours), 0)::float8 AS actual_hours
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
GROUP BY category
ORDER BY category COLLATE "C" NULLS LAST;

-- TaskCountsByPriority returns the number of tasks, the number of completed ones and the sums of hours for each
-- priority from 1 to 5. Priorities without tasks are included with 0.
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

-- TaskCountsByStatus returns the number of tasks and the sums of their hours for each status, in the order pending, in
-- progress, blocked, completed. Statuses without tasks are included with 0.
-- name: TaskCountsByStatus :many
SELECT s.status::bizydb.task_status AS status, coalesce(t.tasks, 0)::int AS tasks,
  coalesce(t.estimated_hours, 0)::float8 AS estimated_hours, coalesce(t.actual_hours, 0)::float8 AS actual_hours
FROM unnest(ARRAY['pending', 'in_progress', 'blocked', 'completed']) WITH ORDINALITY AS s (status, place)
LEFT JOIN (
  SELECT status, count(*) AS tasks, sum(estimated_hours) AS estimated_hours, sum(actual_hours) AS actual_hours
  FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) GROUP BY status
) AS t ON t.status = s.status
ORDER BY s.place;

-- TaskHours sums the hours of all tasks or, if parentGoalID is not nil, of the tasks directly under that goal.
-- Estimated and Spent are the estimated and the actual hours. Remaining is the estimate of the tasks that are not
-- completed. ComparedEstimated and ComparedSpent count only completed tasks that have both an estimate and actual
-- hours.
-- name: TaskHours :one
SELECT coalesce(sum(estimated_hours), 0)::float8 AS estimated, coalesce(sum(actual_hours), 0)::float8 AS spent,
  coalesce(sum(estimated_hours) FILTER (WHERE status <> 'completed'), 0)::float8 AS remaining,
  coalesce(sum(estimated_hours) FILTER (WHERE status = 'completed' AND actual_hours IS NOT NULL), 0)::float8 AS compared_estimated,
  coalesce(sum(actual_hours) FILTER (WHERE status = 'completed' AND estimated_hours IS NOT NULL), 0)::float8 AS compared_spent
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND (parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL);

-- Velocity returns the number of tasks completed in the Days days ending with the day of At, and the mean per day. Days
-- below 1 counts as 1, and Days above 36525, a hundred years, as 36525.
-- name: Velocity :one
SELECT count(*)::int AS completed, (count(*)::float8 / greatest(1, least(sqlc.arg('days')::bizydb.count, 36525))::int)::float8 AS per_day
FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND completed_at >= (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone) - greatest(1, least(sqlc.arg('days')::bizydb.count, 36525))::int + 1, @time_zone))
  AND completed_at < (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone) + 1, @time_zone));

-- WeeklyCompletions returns the number of tasks completed and their actual hours for each of the Weeks weeks ending
-- with the week of At, the oldest first. Weeks begin on Monday. Weeks without completions are included with 0. Weeks is
-- capped at 5218, a hundred years. With Weeks below 1 it returns an empty slice.
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

-- Workload returns numbers about the tasks due in each of the Weeks weeks that begin with the week of At, the earliest
-- week first. Due is the number of these tasks, Open is the number of those that are not completed, and WithoutEstimate
-- is the number of open tasks without an estimate. EstimatedHours and ActualHours are sums over all tasks due in the
-- week, OpenHours is the sum of the estimates of the open tasks. Weeks begin on Monday. Weeks without tasks are
-- included with 0. Weeks is capped at 5218, a hundred years. With Weeks below 1 it returns an empty slice.
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
