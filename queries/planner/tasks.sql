-- MoveTask moves a task under another goal, or under none for nil, and returns it as stored. If the task does not
-- exist it returns ErrNotFound; if the goal does not, ErrUnknownReference.
-- name: MoveTask :one
UPDATE public.tasks SET parent_goal_id = sqlc.narg('parent_goal_id') WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- BlockTask sets a task's status to blocked and its reason, nil for none, and returns it as stored. If the task does not
-- exist it returns ErrNotFound.
-- name: BlockTask :one
UPDATE public.tasks SET status = 'blocked', blocked_reason = sqlc.narg('reason') WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- CompleteTask sets a task's status to completed, and its ActualHours if given, and returns it as stored. A task that is
-- completed already keeps its CompletedAt. If the task does not exist it returns ErrNotFound.
-- name: CompleteTask :one
UPDATE public.tasks SET status = 'completed', actual_hours = coalesce(sqlc.narg('actual_hours'), actual_hours) WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- CreateTask adds a task and returns it as stored. Only Title is required: a field at its zero value takes its default
-- (priority 3, pending, no goal, created now, no tags, no dependencies). A dependency given twice counts once. If the
-- parent goal or a dependency does not exist it returns ErrUnknownReference.
-- name: CreateTask :one
INSERT INTO public.tasks (
  parent_goal_id, title, description, priority, status, blocked_reason, category, estimated_hours, actual_hours,
  due_date, due_all_day, dependencies, notes, tags, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('priority'), sqlc.narg('status'), sqlc.narg('blocked_reason'), sqlc.narg('category'), sqlc.narg('estimated_hours'), sqlc.narg('actual_hours'),
  sqlc.narg('due_date'), @due_all_day, sqlc.narg('dependencies'), sqlc.narg('notes'), sqlc.narg('tags'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteTask deletes a task and returns it. If the task does not exist it returns ErrNotFound.
-- name: DeleteTask :one
DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- GetTask returns one task, or ErrNotFound.
-- name: GetTask :one
SELECT * FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- ReopenTask makes a completed task pending again, and every completed goal above it active, and returns the task as
-- stored. A task that is not completed is not changed. If the task does not exist it returns ErrNotFound.
-- name: ReopenTask :one
UPDATE public.tasks SET status = CASE status WHEN 'completed' THEN 'pending' ELSE status END WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RescheduleTask sets a task's due date, nil for none, and whether that is a day, and returns it as stored. If the task does
-- not exist it returns ErrNotFound.
-- name: RescheduleTask :one
UPDATE public.tasks SET due_date = sqlc.narg('due_date'), due_all_day = @due_all_day WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RetagTask replaces a task's tags, nil for none, and returns it as stored. If the task does not exist it returns
-- ErrNotFound.
-- name: RetagTask :one
UPDATE public.tasks SET tags = coalesce(sqlc.narg('tags'), '[]'::jsonb) WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- StartTask sets a task's status to in progress, even if it is completed, and returns it as stored. If the task does not
-- exist it returns ErrNotFound.
-- name: StartTask :one
UPDATE public.tasks SET status = 'in_progress' WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- UnblockTask makes a blocked task pending again, clears its reason and returns it as stored. A task that is not blocked
-- is not changed. If the task does not exist it returns ErrNotFound.
-- name: UnblockTask :one
UPDATE public.tasks SET status = CASE status WHEN 'blocked' THEN 'pending' ELSE status END WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- UpdateTask changes the fields that are set and returns the task as stored. A field at its zero value leaves its column
-- unchanged; Clear… sets the column to NULL and takes precedence over the field. Tags and dependencies are replaced as a
-- whole, and an empty slice clears them. A DueDate without DueAllDay is a time, also where the task was due on a day.
-- CompletedAt follows Status, BlockedReason is cleared unless the task is blocked, and DueAllDay with the due date. If the
-- task does not exist it returns ErrNotFound; if the parent goal or a dependency does not, ErrUnknownReference.
-- Dependencies in a cycle give ErrDependencyCycle.
-- name: UpdateTask :one
UPDATE public.tasks SET
  title = coalesce(sqlc.narg('title'), title),
  description = CASE WHEN NOT @clear_description::bool THEN coalesce(sqlc.narg('description'), description) END,
  priority = coalesce(sqlc.narg('priority'), priority),
  status = coalesce(sqlc.narg('status'), status),
  blocked_reason = CASE WHEN NOT @clear_blocked_reason::bool THEN coalesce(sqlc.narg('blocked_reason'), blocked_reason) END,
  category = CASE WHEN NOT @clear_category::bool THEN coalesce(sqlc.narg('category'), category) END,
  estimated_hours = CASE WHEN NOT @clear_estimated_hours::bool THEN coalesce(sqlc.narg('estimated_hours'), estimated_hours) END,
  actual_hours = CASE WHEN NOT @clear_actual_hours::bool THEN coalesce(sqlc.narg('actual_hours'), actual_hours) END,
  due_date = CASE WHEN NOT @clear_due_date::bool THEN coalesce(sqlc.narg('due_date'), due_date) END,
  due_all_day = coalesce(sqlc.narg('due_all_day'), due_all_day AND sqlc.narg('due_date') IS NULL),
  dependencies = coalesce(sqlc.narg('dependencies'), dependencies),
  notes = CASE WHEN NOT @clear_notes::bool THEN coalesce(sqlc.narg('notes'), notes) END,
  tags = coalesce(sqlc.narg('tags'), tags),
  parent_goal_id = CASE WHEN NOT @clear_parent_goal_id::bool THEN coalesce(sqlc.narg('parent_goal_id'), parent_goal_id) END
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
