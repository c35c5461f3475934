-- AddTags appends the tags that a task does not have, each once, and returns it as stored. A task that has them all is not
-- changed. Concurrent calls all take effect. If the task does not exist it returns ErrNotFound.
-- name: AddTags :one
UPDATE public.tasks SET tags = tags || coalesce((
  SELECT jsonb_agg(added.tag ORDER BY added.place)
  FROM (SELECT e.tag, min(e.place) FROM jsonb_array_elements('[]' || coalesce(sqlc.narg('tags'), tasks.tags)) WITH ORDINALITY AS e (tag, place) GROUP BY e.tag) AS added (tag, place)
  WHERE NOT tasks.tags @> added.tag -- "'[]' ||" is for sqlc, which takes the type of tags there
), '[]')
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- MoveTask moves a task under another goal, or under none for nil, and returns it as stored. If the task does not
-- exist it returns ErrNotFound; if the goal does not, ErrUnknownReference; at another version than IfVersion,
-- ErrVersionConflict.
-- name: MoveTask :one
UPDATE public.tasks SET parent_goal_id = sqlc.narg('parent_goal_id'), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- BlockTask sets a task's status to blocked and its reason, nil for none, and returns the task as stored and whether that
-- changed it. UnblockTask undoes it, but makes a task pending that was completed. If the task does not exist it returns
-- ErrNotFound; at another version than IfVersion, ErrVersionConflict.
-- name: BlockTask :one
UPDATE public.tasks SET status = 'blocked', blocked_reason = sqlc.narg('reason'), version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- CompleteTask sets a task's status to completed, and its ActualHours if given, and returns the task as stored and whether
-- that changed it. A nil CompletedAt means now, and leaves a task that is completed already its own; any time of the years
-- 1 to 9999 is stored as it is given, a future one too. If the task does not exist it returns ErrNotFound; at another version
-- than IfVersion, ErrVersionConflict.
-- name: CompleteTask :one
UPDATE public.tasks SET status = 'completed', actual_hours = coalesce(sqlc.narg('actual_hours'), tasks.actual_hours), completed_at = coalesce(sqlc.narg('completed_at'), tasks.completed_at),
  version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- CreateTask adds a task and returns it as stored. Only Title is required: a field at its zero value takes its default
-- (priority 3, pending, no goal, created now, no tags, no dependencies). A dependency given twice counts once. If the
-- parent goal or a dependency does not exist it returns ErrUnknownReference.
-- name: CreateTask :one
INSERT INTO public.tasks (
  parent_goal_id, title, description, priority, status, blocked_reason, blocked_in_progress, category, estimated_hours, actual_hours,
  due_date, due_all_day, dependencies, notes, tags, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('priority'), sqlc.narg('status'), sqlc.narg('blocked_reason'), @blocked_in_progress, sqlc.narg('category'), sqlc.narg('estimated_hours'), sqlc.narg('actual_hours'),
  sqlc.narg('due_date'), @due_all_day, sqlc.narg('dependencies'), sqlc.narg('notes'), sqlc.narg('tags'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteTask deletes a task and returns it. If the task does not exist it returns ErrNotFound.
-- name: DeleteTask :one
DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- DeleteTaskIfVersion deletes a task and returns it. If the task does not exist it returns ErrNotFound; at another version,
-- ErrVersionConflict.
-- name: DeleteTaskIfVersion :one
DELETE FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
  AND CASE WHEN version = @version THEN true ELSE bizydb.refuse_task_version(id, version, @version) END
RETURNING *;

-- GetTask returns one task, or ErrNotFound.
-- name: GetTask :one
SELECT * FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- RemoveTags removes tags from a task and returns it as stored. A task that has none of them is not changed. Concurrent
-- calls all take effect. If the task does not exist it returns ErrNotFound.
-- name: RemoveTags :one
UPDATE public.tasks SET tags = coalesce((
  SELECT jsonb_agg(e.tag ORDER BY e.place) FROM jsonb_array_elements(tasks.tags) WITH ORDINALITY AS e (tag, place)
  WHERE NOT coalesce(sqlc.narg('tags'), '[]', tasks.tags) @> e.tag -- the last for sqlc, which takes its type
), '[]')
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ReopenTask makes a completed task pending again, and every completed goal above it active, and returns the task as stored
-- and whether that changed it: a task that is not completed stays as it is. If the task does not exist it returns
-- ErrNotFound.
-- name: ReopenTask :one
UPDATE public.tasks SET status = CASE tasks.status WHEN 'completed' THEN 'pending' ELSE tasks.status END
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- RescheduleTask sets a task's due date, nil for none, and whether that is a day, and returns it as stored. If the task does
-- not exist it returns ErrNotFound; at another version than IfVersion, ErrVersionConflict.
-- name: RescheduleTask :one
UPDATE public.tasks SET due_date = sqlc.narg('due_date'), due_all_day = @due_all_day, version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RetagTask replaces a task's tags, nil for none, and returns it as stored. If the task does not exist it returns
-- ErrNotFound; at another version than IfVersion, ErrVersionConflict.
-- name: RetagTask :one
UPDATE public.tasks SET tags = coalesce(sqlc.narg('tags'), '[]'::jsonb), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- StartTask sets a task's status to in progress, even if it is completed or blocked, and returns the task as stored and
-- whether that changed it. If the task does not exist it returns ErrNotFound.
-- name: StartTask :one
UPDATE public.tasks SET status = 'in_progress'
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- UnblockTask gives a blocked task the status that it had before, pending or in progress, clears its reason, and returns the
-- task as stored and whether that changed it: a task that is not blocked stays as it is. One that was completed becomes
-- pending, and one created as blocked too, unless with BlockedInProgress. If the task does not exist it returns ErrNotFound.
-- name: UnblockTask :one
UPDATE public.tasks SET status = CASE tasks.status WHEN 'blocked' THEN CASE WHEN tasks.blocked_in_progress THEN 'in_progress' ELSE 'pending' END ELSE tasks.status END
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- UpdateTask changes the fields that are set and returns the task as stored. A field at its zero value leaves its column
-- unchanged; Clear… sets the column to NULL and takes precedence over the field. Tags and dependencies are replaced as a
-- whole, and an empty slice clears them. A DueDate without DueAllDay is a time, also where the task was due on a day.
-- CompletedAt follows Status, BlockedReason is cleared unless the task is blocked, and DueAllDay with the due date. If the
-- task does not exist it returns ErrNotFound; if the parent goal or a dependency does not, ErrUnknownReference; at another
-- version than IfVersion, ErrVersionConflict. Dependencies in a cycle give ErrDependencyCycle.
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
  parent_goal_id = CASE WHEN NOT @clear_parent_goal_id::bool THEN coalesce(sqlc.narg('parent_goal_id'), parent_goal_id) END,
  version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
