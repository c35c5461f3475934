-- AssignTask puts a task under another goal, or under none for nil, and returns it as stored. No such task or goal is
-- ErrNotFound.
-- name: AssignTask :one
UPDATE public.tasks SET parent_goal_id = sqlc.narg('parent_goal_id') WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- BlockTask makes a task blocked and keeps the reason, none for nil, and returns it as stored. No such task is
-- ErrNotFound.
-- name: BlockTask :one
UPDATE public.tasks SET status = 'blocked', blocked_reason = sqlc.narg('reason') WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- CompleteTask makes a task completed, now, and returns it as stored. ActualHours are set if given. One that was
-- completed keeps its time. No such task is ErrNotFound.
-- name: CompleteTask :one
UPDATE public.tasks SET status = 'completed', actual_hours = coalesce(sqlc.narg('actual_hours'), actual_hours) WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- CreateTask adds a task and returns it as stored. Only Title is needed: a field left at its zero value takes its
-- default (priority 3, pending, under no goal, created now, no tags, no dependencies). With a parent goal or a
-- dependency that is not there it is ErrNotFound.
-- name: CreateTask :one
INSERT INTO public.tasks (
  parent_goal_id, title, description, priority, status, blocked_reason, category, estimated_hours, actual_hours,
  due_date, dependencies, notes, tags, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('priority'), sqlc.narg('status'), sqlc.narg('blocked_reason'), sqlc.narg('category'), sqlc.narg('estimated_hours'), sqlc.narg('actual_hours'),
  sqlc.narg('due_date'), sqlc.narg('dependencies'), sqlc.narg('notes'), sqlc.narg('tags'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteTask removes a task and returns what it was, or ErrNotFound.
-- name: DeleteTask :one
DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- GetTask returns one task, or ErrNotFound.
-- name: GetTask :one
SELECT * FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- ReopenTask makes a completed task pending again, and active every completed goal above it, and returns it as stored.
-- A task that is not completed stays as it is. No such task is ErrNotFound.
-- name: ReopenTask :one
UPDATE public.tasks SET status = CASE status WHEN 'completed' THEN 'pending' ELSE status END WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RescheduleTask sets when a task is due, nil for no date, and returns it as stored. No such task is ErrNotFound.
-- name: RescheduleTask :one
UPDATE public.tasks SET due_date = sqlc.narg('due_date') WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RetagTask replaces the tags of a task, none for nil, and returns it as stored. No such task is ErrNotFound.
-- name: RetagTask :one
UPDATE public.tasks SET tags = coalesce(sqlc.narg('tags'), '[]'::jsonb) WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- StartTask makes a task in progress, a completed one too, and returns it as stored. No such task is ErrNotFound.
-- name: StartTask :one
UPDATE public.tasks SET status = 'in_progress' WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- UnblockTask makes a blocked task pending again, without its reason, and returns it as stored. A task that is not
-- blocked stays as it is. No such task is ErrNotFound.
-- name: UnblockTask :one
UPDATE public.tasks SET status = CASE status WHEN 'blocked' THEN 'pending' ELSE status END WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- UpdateTask changes the fields that are set and returns the task as stored. A field left at its zero value stays as it
-- is; Clear… sets its column to NULL, whatever the field beside it says. Tags and dependencies are replaced as a whole;
-- an empty slice clears them. CompletedAt follows Status, and BlockedReason is kept only of a task that is
-- blocked. No such task, parent goal or dependency is ErrNotFound, dependencies in a circle are ErrDependencyCycle.
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
  dependencies = coalesce(sqlc.narg('dependencies'), dependencies),
  notes = CASE WHEN NOT @clear_notes::bool THEN coalesce(sqlc.narg('notes'), notes) END,
  tags = coalesce(sqlc.narg('tags'), tags),
  parent_goal_id = CASE WHEN NOT @clear_parent_goal_id::bool THEN coalesce(sqlc.narg('parent_goal_id'), parent_goal_id) END
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
