-- CreateGoals adds goals and returns their ids in the order given. The goals are a JSON array of objects with the
-- columns of the table.
-- name: CreateGoals :many
INSERT INTO public.goals (
  title, description, horizon, target_date, status, progress_percentage, success_criteria, metrics, created_at, updated_at, completed_at
)
SELECT
  n.title, n.description, n.horizon, n.target_date, n.status, n.progress_percentage, n.success_criteria, n.metrics, n.created_at, n.updated_at, n.completed_at
FROM jsonb_to_recordset((sqlc.arg('goals')::text)::jsonb) AS n (
  title text, description text, horizon text, target_date timestamptz, status text, progress_percentage double precision,
  success_criteria text, metrics jsonb, created_at timestamptz, updated_at timestamptz, completed_at timestamptz
)
RETURNING id;

-- DateGoals sets the time of the last change of goals.
-- name: DateGoals :exec
SELECT bizydb.date_imported_goals(@ids::bigint[], @times::timestamptz[]);

-- GoalStatuses returns the parent and the status of every goal, in unspecified order.
-- name: GoalStatuses :many
SELECT id, parent_goal_id, status FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id());

-- LinkGoals sets the parents of goals.
-- name: LinkGoals :exec
UPDATE public.goals g SET parent_goal_id = link.parent_goal_id
FROM ROWS FROM (unnest(@ids::bigint[]), unnest(@parents::bigint[])) AS link (id, parent_goal_id)
WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = link.id;

-- ListProgress returns the status, the percentage and the time of completion of some goals, ordered by id.
-- name: ListProgress :many
SELECT g.id, g.status, g.progress_percentage, g.completed_at FROM unnest(@ids::bigint[]) AS wanted (id) -- each by key, however many are expected
CROSS JOIN LATERAL (SELECT * FROM public.goals one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = wanted.id OFFSET 0) AS g
ORDER BY g.id;

-- SetGoalStatuses sets the statuses of goals, and the times of completion of completed ones.
-- name: SetGoalStatuses :exec
UPDATE public.goals g SET status = given.status, completed_at = CASE WHEN given.status = 'completed' THEN given.completed_at END
FROM ROWS FROM (unnest(@ids::bigint[]), unnest(@statuses::text[]), unnest(@times::timestamptz[])) AS given (id, status, completed_at)
WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = given.id;
