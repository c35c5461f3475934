-- CreateTasks adds many tasks in one statement, atomically, and returns their ids in the order given. The fields and
-- the errors are those of CreateTask. A FieldError has the Index of the refused task if it is known. The tasks are sent
-- as one JSON value of at most 256 MB. Without tasks it returns an empty slice.
-- name: CreateTasks :many
INSERT INTO public.tasks (
  parent_goal_id, title, description, priority, status, blocked_reason, blocked_in_progress, category, estimated_hours, actual_hours,
  due_date, due_all_day, dependencies, notes, tags, created_at, completed_at
)
SELECT
  n.parent_goal_id, n.title, n.description, n.priority, nullif(n.status, ''), n.blocked_reason, n.blocked_in_progress, n.category, n.estimated_hours, n.actual_hours,
  n.due_date, n.due_all_day, n.dependencies, n.notes, n.tags, n.created_at, n.completed_at
FROM jsonb_to_recordset(@tasks::bizydb.new_tasks) AS n (
  parent_goal_id bigint, title text, description text, priority integer, status text, blocked_reason text, blocked_in_progress boolean, category text,
  estimated_hours double precision, actual_hours double precision, due_date timestamptz, due_all_day boolean, dependencies jsonb, notes text, tags jsonb, created_at timestamptz, completed_at timestamptz
)
RETURNING id;

-- DeleteTasks deletes many tasks in one statement and returns the ids of those that existed, in unspecified order.
-- name: DeleteTasks :many
DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = ANY (ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(@ids::bizydb.task_ids) AS i))
RETURNING id;

-- SetTaskStatuses sets the status of many tasks in one statement and returns the ids of those that exist, in
-- unspecified order. The ids of tasks that had the status already are included. CompletedAt has the same meaning as in
-- CompleteTask, and is ignored unless Status is completed. Progress is updated once for all tasks. An empty Status
-- changes nothing.
-- name: SetTaskStatuses :many
UPDATE public.tasks SET status = coalesce(sqlc.narg('status'), status),
  completed_at = CASE WHEN sqlc.narg('status') = 'completed' THEN coalesce(sqlc.narg('completed_at'), completed_at) ELSE completed_at END
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = ANY (ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(@ids::bizydb.task_ids) AS i))
RETURNING id;
