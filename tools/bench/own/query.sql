-- The open tasks of a goal and all goals below it, counted by goal and status.
-- name: OpenInTree :many
WITH RECURSIVE tree (id, title, depth) AS (
  SELECT g.id, g.title, 0 FROM public.goals g WHERE g.id = @goal_id
  UNION ALL
  SELECT g.id, g.title, t.depth + 1 FROM tree t JOIN public.goals g ON g.parent_goal_id = t.id
)
SELECT g.id AS goal_id, g.title, g.depth, t.status, count(*)::int AS tasks, coalesce(sum(t.estimated_hours), 0)::float8 AS hours
FROM tree g JOIN public.tasks t ON t.parent_goal_id = g.id AND t.status <> 'completed'
GROUP BY g.id, g.title, g.depth, t.status
ORDER BY g.depth, g.id, t.status;
