-- GoalAncestors returns the goals above a goal, from its parent to the root. For a root, and if the goal does not exist,
-- it returns an empty slice.
-- name: GoalAncestors :many
WITH RECURSIVE above (id, parent_goal_id, distance) AS (
  SELECT g.id, g.parent_goal_id, 0 FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @goal_id
  UNION ALL
  SELECT g.id, g.parent_goal_id, a.distance + 1 FROM above a
  CROSS JOIN LATERAL (SELECT * FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = a.parent_goal_id OFFSET 0) AS g
)
SELECT goals.* FROM above a
CROSS JOIN LATERAL (SELECT * FROM public.goals one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = a.id OFFSET 0) AS goals -- by key
WHERE a.distance > 0
ORDER BY a.distance;

-- GoalsAtRisk returns the active goals below 20 percent whose target date is past or within 30 days of At, ordered by
-- target date, then by creation.
-- name: GoalsAtRisk :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND status = 'active' AND progress_percentage < 20
  AND target_date <= (SELECT coalesce(sqlc.narg('at')::timestamptz, now()) + interval '720 hours')
ORDER BY target_date, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- GoalsNearCompletion returns the active goals at 80 percent or more, the highest percentage first, then by target date,
-- those without one last.
-- name: GoalsNearCompletion :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND status = 'active' AND progress_percentage >= 80
ORDER BY progress_percentage DESC, target_date NULLS LAST, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- ListGoals returns the goals that match every filter that is set, ordered by target date, those without one last, then
-- by creation. RootsOnly excludes sub-goals.
-- name: ListGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (status = sqlc.narg('status') OR sqlc.narg('status') IS NULL)
  AND (horizon = sqlc.narg('horizon') OR sqlc.narg('horizon') IS NULL)
  AND (parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
  AND (NOT @roots_only::bool OR parent_goal_id IS NULL)
ORDER BY target_date NULLS LAST, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- SearchGoals returns the goals with Text in their title, description or success criteria, compared as by SearchTasks, in
-- the order of ListGoals. An empty Text matches all.
-- name: SearchGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (strpos(bizydb.fold(title), (SELECT bizydb.fold(@text::text))) > 0 OR strpos(bizydb.fold(description), (SELECT bizydb.fold(@text))) > 0
       OR strpos(bizydb.fold(success_criteria), (SELECT bizydb.fold(@text))) > 0)
ORDER BY target_date NULLS LAST, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- UpcomingGoals returns the active goals whose target date is between At and the end of the day that is Days later in
-- TimeZone, ordered by target date. Days 0 is the day of At; below 0 nothing matches; above 36525 counts as 36525.
-- name: UpcomingGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND status = 'active'
  AND target_date >= (SELECT coalesce(sqlc.narg('at')::timestamptz, now()))
  AND target_date < (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone) + greatest(-1, least(sqlc.arg('days')::bizydb.count, 36525))::int + 1, @time_zone))
ORDER BY target_date, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);
