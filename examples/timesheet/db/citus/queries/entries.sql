-- Without stopped_at it is running. A second one that is running is ErrConflict.
-- name: AddEntry :one
INSERT INTO app.entries (task_id, started_at, stopped_at, note) VALUES (@task_id, @started_at, @stopped_at, @note) RETURNING *;

-- Stops the entry that is running, if there is one, and starts another. Needs DBTX(bizydb.Writes), since the function writes.
-- name: SwitchEntry :one
SELECT app.switch_entry(t.user_id, t.id, @note) AS id FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @task_id;

-- Without one that is running ErrNotFound. Another node's clock may have started it.
-- name: StopEntry :one
UPDATE app.entries SET stopped_at = greatest(now(), started_at) WHERE user_id = (SELECT bizydb.current_user_id()) AND stopped_at IS NULL RETURNING *;

-- With its task, and the goal if there is one. Without one that is running ErrNotFound.
-- name: RunningEntry :one
SELECT sqlc.embed(e), t.title, g.title AS goal
FROM app.entries e
JOIN public.tasks t ON t.user_id = e.user_id AND t.id = e.task_id
LEFT JOIN public.goals g ON g.user_id = t.user_id AND g.id = t.parent_goal_id
WHERE e.user_id = (SELECT bizydb.current_user_id()) AND e.stopped_at IS NULL;

-- The hours of the weeks, which begin on Monday in time_zone, by goal; those of tasks under no goal have none. Weeks without hours are left out.
-- name: HoursByGoal :many
SELECT date_trunc('week', e.started_at AT TIME ZONE @time_zone::bizydb.time_zone)::date AS week, g.id AS goal_id, g.title AS goal,
  (sum(extract(epoch FROM coalesce(e.stopped_at, now()) - e.started_at)) / 3600)::float8 AS hours
FROM app.entries e
JOIN public.tasks t ON t.user_id = e.user_id AND t.id = e.task_id
LEFT JOIN public.goals g ON g.user_id = t.user_id AND g.id = t.parent_goal_id
WHERE e.user_id = (SELECT bizydb.current_user_id()) AND e.started_at >= @since
GROUP BY week, g.id, g.title
ORDER BY week, g.title, g.id;

-- Makes the hours of a task's entries its actual hours, and returns them. A task that is not the user's is ErrNotFound.
-- name: BookHours :one
UPDATE public.tasks t SET actual_hours = (
  SELECT coalesce(sum(extract(epoch FROM e.stopped_at - e.started_at)) / 3600, 0)
  FROM app.entries e WHERE e.user_id = (SELECT bizydb.current_user_id()) AND e.task_id = t.id
)
WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @task_id RETURNING coalesce(t.actual_hours, 0)::float8 AS hours;
