-- countGoals is the query behind CountGoals.
-- name: countGoals :one
SELECT count(*)::int AS total
FROM public.goals g
WHERE g.user_id = (SELECT bizydb.current_user_id())
  AND (g.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.goal_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
  AND (g.horizon = sqlc.narg('horizon') OR sqlc.narg('horizon') IS NULL)
  AND (g.parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
  AND (NOT @roots_only::bool OR g.parent_goal_id IS NULL)
  AND (NOT @skip_under_closed::bool OR g.parent_goal_id IS NULL OR g.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
  AND (@search::text = '' OR strpos(bizydb.fold(g.title), (SELECT bizydb.fold(@search))) > 0
       OR strpos(bizydb.fold(g.description), (SELECT bizydb.fold(@search))) > 0 OR strpos(bizydb.fold(g.success_criteria), (SELECT bizydb.fold(@search))) > 0);

-- GoalAncestors returns the goals above a goal, from its parent up to the root. If the goal is a root or does not exist
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

-- GoalsAtRisk returns the active goals below 20 percent whose target date has passed or is at most 30 days after At.
-- They are ordered by target date, then from the oldest to the newest.
-- name: GoalsAtRisk :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND status = 'active' AND progress_percentage < 20
  AND target_date <= (SELECT coalesce(sqlc.narg('at')::timestamptz, now()) + interval '720 hours')
ORDER BY target_date, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- GoalsNearCompletion returns the active goals at 80 percent or more, ordered by percentage, the highest first, and
-- then by target date, goals without a target date last.
-- name: GoalsNearCompletion :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND status = 'active' AND progress_percentage >= 80
ORDER BY progress_percentage DESC, target_date NULLS LAST, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- keysetGoals is the query behind PageGoals. It returns at most Max goals that match every filter that is set,
-- beginning after the position given by FromKey, FromCreatedAt and FromTie. With Back it returns the goals before the
-- position. The goals nearest to the position come first. SortBy selects the key, a number that rises along the list.
-- TotalCount is the number of all goals that match.
-- name: keysetGoals :many
WITH matching AS MATERIALIZED (
  SELECT g.id, g.created_at, CASE @sort_by::text WHEN 'newest' THEN -g.id ELSE g.id END AS tie, CASE @sort_by
      WHEN 'newest' THEN -(extract(epoch FROM g.created_at) * 1000000)::bigint
      WHEN 'progress' THEN -round(g.progress_percentage::numeric * 100)::bigint
      ELSE coalesce((extract(epoch FROM g.target_date) * 1000000)::bigint, 9223372036854775807)
    END AS key
  FROM public.goals g
  WHERE g.user_id = (SELECT bizydb.current_user_id())
    AND (g.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.goal_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
    AND (g.horizon = sqlc.narg('horizon') OR sqlc.narg('horizon') IS NULL)
    AND (g.parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
    AND (NOT @roots_only::bool OR g.parent_goal_id IS NULL)
    AND (NOT @skip_under_closed::bool OR g.parent_goal_id IS NULL OR g.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
    AND (@search::text = '' OR strpos(bizydb.fold(g.title), (SELECT bizydb.fold(@search))) > 0
         OR strpos(bizydb.fold(g.description), (SELECT bizydb.fold(@search))) > 0 OR strpos(bizydb.fold(g.success_criteria), (SELECT bizydb.fold(@search))) > 0)
), page AS (
  SELECT m.* FROM matching m
  CROSS JOIN LATERAL (SELECT CASE WHEN @back::bool THEN -1 ELSE 1 END) AS way (sign)
  CROSS JOIN (SELECT @from_key::bigint, @from_created_at::timestamptz, @from_tie::bigint) AS place (key, created_at, tie)
  WHERE CASE WHEN @back::bool THEN (m.key, m.created_at, m.tie) < (place.key, place.created_at, place.tie)
    ELSE (m.key, m.created_at, m.tie) > (place.key, place.created_at, place.tie) END
  ORDER BY way.sign * m.key, way.sign * extract(epoch FROM m.created_at), way.sign * m.tie
  LIMIT @max::int
)
SELECT sqlc.embed(goals), (SELECT count(*) FROM matching)::int AS total_count
FROM page p
CROSS JOIN LATERAL (SELECT * FROM public.goals one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = p.id OFFSET 0) AS goals -- by key, however many are expected
CROSS JOIN LATERAL (SELECT CASE WHEN @back::bool THEN -1 ELSE 1 END) AS way (sign)
ORDER BY sign * p.key, sign * extract(epoch FROM p.created_at), sign * p.tie;

-- ListGoals returns the goals that match every filter that is set, ordered by target date, goals without a target
-- date last, and then from the oldest to the newest. RootsOnly leaves out sub-goals.
-- name: ListGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.goal_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
  AND (horizon = sqlc.narg('horizon') OR sqlc.narg('horizon') IS NULL)
  AND (parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
  AND (NOT @roots_only::bool OR parent_goal_id IS NULL)
ORDER BY target_date NULLS LAST, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- OverdueGoals returns the active goals whose target date is before At, ordered by target date, then from the oldest to
-- the newest. WithOnHold adds goals on hold. SkipUnderClosed leaves out goals under a completed or cancelled goal, at
-- any depth.
-- name: OverdueGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND status IN ('active', 'on_hold') AND (@with_on_hold::bool OR status = 'active')
  AND target_date < (SELECT coalesce(sqlc.narg('at')::timestamptz, now()))
  AND (NOT @skip_under_closed::bool OR parent_goal_id IS NULL OR parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
ORDER BY target_date, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- SearchGoals returns the goals that have Text in their title, description or success criteria, in the order of
-- ListGoals. Texts are compared as in SearchTasks. An empty Text matches all.
-- name: SearchGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (strpos(bizydb.fold(title), (SELECT bizydb.fold(@text::text))) > 0 OR strpos(bizydb.fold(description), (SELECT bizydb.fold(@text))) > 0
       OR strpos(bizydb.fold(success_criteria), (SELECT bizydb.fold(@text))) > 0)
ORDER BY target_date NULLS LAST, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- UpcomingGoals returns the active goals with a target date from At until the end of the day that is Days days later in
-- TimeZone, ordered by target date, then from the oldest to the newest. With Days 0 the list ends with the day of At.
-- With Days below 0 it returns an empty slice. Days is capped at 36525, a hundred years.
-- name: UpcomingGoals :many
SELECT * FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND status = 'active'
  AND target_date >= (SELECT coalesce(sqlc.narg('at')::timestamptz, now()))
  AND target_date < (SELECT bizydb.day_start(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone) + greatest(-1, least(sqlc.arg('days')::bizydb.count, 36525))::int + 1, @time_zone))
ORDER BY target_date, created_at, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);
