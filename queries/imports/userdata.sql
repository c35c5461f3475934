-- ExportGoals returns every goal, ordered by id, with the columns that an import restores.
-- name: ExportGoals :many
SELECT
  id, parent_goal_id, title, description, horizon, target_date, status, progress_percentage, success_criteria, created_at, updated_at, completed_at, metrics
FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id())
ORDER BY id;

-- ExportTasks returns every task, ordered by id, with the columns that an import restores. It leaves out a dependency
-- on a deleted task that bizydb.forget_dependencies could not see.
-- name: ExportTasks :many
SELECT
  t.id, t.parent_goal_id, t.title, t.description, t.priority, t.status, t.blocked_reason, t.blocked_in_progress, t.category, t.estimated_hours, t.actual_hours,
  t.due_date, t.due_all_day, t.created_at, t.updated_at, t.completed_at,
  (CASE WHEN t.dependencies = '[]' THEN t.dependencies ELSE (
    SELECT coalesce(jsonb_agg(d.id ORDER BY d.place), '[]')
    FROM (SELECT e.id::bigint AS id, e.place FROM jsonb_array_elements_text(t.dependencies) WITH ORDINALITY AS e (id, place) OFFSET 0) AS d -- as in goalWork
    WHERE (SELECT other.id FROM public.tasks other WHERE other.user_id = (SELECT bizydb.current_user_id()) AND other.id = d.id) IS NOT NULL
  ) END)::bizydb.task_ids AS dependencies,
  t.notes, t.tags
FROM public.tasks t
WHERE t.user_id = (SELECT bizydb.current_user_id())
ORDER BY t.id;

-- LinkTasks sets the dependencies of many tasks. They are a JSON object that has a list of ids for the id of each task.
-- It may read all tasks of the user.
-- name: LinkTasks :exec
UPDATE public.tasks t SET dependencies = (SELECT (sqlc.arg('dependencies')::text)::jsonb) -> t.id::text
WHERE t.user_id = (SELECT bizydb.current_user_id())
  AND t.id = ANY (ARRAY(SELECT k::bigint FROM jsonb_object_keys((sqlc.arg('dependencies')::text)::jsonb) AS k));
