-- GoalTree returns a goal and all its sub-goals, depth first: each goal is followed by its own sub-goals, in the order
-- of ListGoals. With goal id 0 it returns the trees of all roots. Depth is 0 for the first goal and for roots. Pending,
-- InProgress, Blocked and Completed count the tasks directly under each goal. If the goal does not exist it returns an
-- empty slice.
-- name: GoalTree :many
WITH RECURSIVE tree (id, depth, place) AS (
  (
    SELECT g.id, 0, ARRAY[ROW (g.target_date, g.created_at, g.id)] FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @goal_id
    UNION ALL
    SELECT g.id, 0, ARRAY[ROW (g.target_date, g.created_at, g.id)] FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND @goal_id = 0 AND g.parent_goal_id IS NULL
  )
  UNION ALL
  SELECT g.id, t.depth + 1, t.place || ROW (g.target_date, g.created_at, g.id) FROM tree t
  JOIN public.goals g ON g.user_id = (SELECT bizydb.current_user_id()) AND g.parent_goal_id = t.id
)
SELECT sqlc.embed(goals), t.depth::int AS depth,
  n.pending::int AS pending, n.in_progress::int AS in_progress, n.blocked::int AS blocked, n.completed::int AS completed
FROM tree t
JOIN public.goals ON goals.user_id = (SELECT bizydb.current_user_id()) AND goals.id = t.id
CROSS JOIN LATERAL (
  SELECT
    count(*) FILTER (WHERE status = 'pending') AS pending,
    count(*) FILTER (WHERE status = 'in_progress') AS in_progress,
    count(*) FILTER (WHERE status = 'blocked') AS blocked,
    count(*) FILTER (WHERE status = 'completed') AS completed
  FROM public.tasks WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND parent_goal_id = goals.id
) AS n
ORDER BY t.place;

-- RollUp recomputes the progress of a goal, of everything under it and of the goals above it, and returns the goals
-- that it corrected, ordered by id, with the percentages before and after. The two percentages of a goal are equal if
-- only one of its counts was wrong. Triggers maintain progress: RollUp is for repair, such as after a load with
-- triggers disabled. Returns ErrNotFound if the goal does not exist.
-- name: RollUp :many
SELECT g.id AS goal_id, g.title, c.old_percentage::float8 AS old_percentage, c.new_percentage::float8 AS new_percentage
FROM bizydb.roll_up((SELECT o.id FROM public.goals o WHERE o.user_id = (SELECT bizydb.current_user_id()) AND o.id = @goal_id)) AS c (goal_id, old_percentage, new_percentage)
JOIN public.goals g ON g.user_id = (SELECT bizydb.current_user_id()) AND g.id = c.goal_id
ORDER BY g.id;

-- RollUpAll is RollUp for all goals of the user. If nothing was wrong it returns an empty slice.
-- name: RollUpAll :many
SELECT g.id AS goal_id, g.title, c.old_percentage::float8 AS old_percentage, c.new_percentage::float8 AS new_percentage
FROM bizydb.roll_up_all() AS c (goal_id, old_percentage, new_percentage)
JOIN public.goals g ON g.user_id = (SELECT bizydb.current_user_id()) AND g.id = c.goal_id
ORDER BY g.id;
