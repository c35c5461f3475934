-- AddTags adds tags to a task, each once, and returns the task as stored. New tags are appended. A task that already
-- has all of the tags is not changed. Concurrent calls all take effect. Returns ErrNotFound if the task does not exist.
-- name: AddTags :one
UPDATE public.tasks SET tags = tags || coalesce((
  SELECT jsonb_agg(added.tag ORDER BY added.place)
  FROM (SELECT e.tag, min(e.place) FROM jsonb_array_elements('[]' || coalesce(sqlc.narg('tags'), tasks.tags)) WITH ORDINALITY AS e (tag, place) GROUP BY e.tag) AS added (tag, place)
  WHERE NOT tasks.tags @> added.tag -- "'[]' ||" is for sqlc, which takes the type of tags there
), '[]')
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- MoveTask moves a task under another goal and returns it as stored. A nil ParentGoalID means no goal. Returns
-- ErrNotFound if the task does not exist, ErrUnknownReference if the goal does not exist, and ErrVersionConflict if its
-- version is not IfVersion.
-- name: MoveTask :one
UPDATE public.tasks SET parent_goal_id = sqlc.narg('parent_goal_id'), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- BlockTask sets the status of a task to blocked, sets its reason, which may be nil, and returns the task as stored.
-- UnblockTask restores the earlier status, except that a task that was completed becomes pending. Changed is false if
-- nothing changed. Returns ErrNotFound if the task does not exist, and ErrVersionConflict if its version is not
-- IfVersion.
-- name: BlockTask :one
UPDATE public.tasks SET status = 'blocked', blocked_reason = sqlc.narg('reason'), version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- CompleteTask sets the status of a task to completed, with its ActualHours if they are set, and returns the task as
-- stored. A nil CompletedAt means now, or leaves the time unchanged if the task is completed already. Any other time in
-- the years 1 to 9999, even in the future, is stored as given. Changed is false if nothing changed. Returns ErrNotFound
-- if the task does not exist, and ErrVersionConflict if its version is not IfVersion.
-- name: CompleteTask :one
UPDATE public.tasks SET status = 'completed', actual_hours = coalesce(sqlc.narg('actual_hours'), tasks.actual_hours), completed_at = coalesce(sqlc.narg('completed_at'), tasks.completed_at),
  version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- CreateTask adds a task and returns it as stored. Only Title is required. A field at its zero value takes its default:
-- priority 3, pending, no goal, created now, no tags, no dependencies. A dependency that is given twice is stored once.
-- Returns ErrUnknownReference if the parent goal or a dependency does not exist.
-- name: CreateTask :one
INSERT INTO public.tasks (
  parent_goal_id, title, description, priority, status, blocked_reason, blocked_in_progress, category, estimated_hours, actual_hours,
  due_date, due_all_day, dependencies, notes, tags, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('priority'), sqlc.narg('status'), sqlc.narg('blocked_reason'), @blocked_in_progress, sqlc.narg('category'), sqlc.narg('estimated_hours'), sqlc.narg('actual_hours'),
  sqlc.narg('due_date'), @due_all_day, sqlc.narg('dependencies'), sqlc.narg('notes'), sqlc.narg('tags'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteTask deletes a task and returns it. RestoreTask brings the task back, unless the trash is turned off. Returns
-- ErrNotFound if the task does not exist.
-- name: DeleteTask :one
DELETE FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- DeleteTaskIfVersion is DeleteTask for one version of a task. Returns ErrNotFound if the task does not exist, and
-- ErrVersionConflict if it is at another version.
-- name: DeleteTaskIfVersion :one
DELETE FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
  AND CASE WHEN version = @version THEN true ELSE bizydb.refuse_task_version(id, version, @version) END
RETURNING *;

-- GetTask returns a task. Returns ErrNotFound if it does not exist.
-- name: GetTask :one
SELECT * FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- RemoveTags removes tags from a task and returns the task as stored. A task that has none of the tags is not changed.
-- Concurrent calls all take effect. Returns ErrNotFound if the task does not exist.
-- name: RemoveTags :one
UPDATE public.tasks SET tags = coalesce((
  SELECT jsonb_agg(e.tag ORDER BY e.place) FROM jsonb_array_elements(tasks.tags) WITH ORDINALITY AS e (tag, place)
  WHERE NOT coalesce(sqlc.narg('tags'), '[]', tasks.tags) @> e.tag -- the last for sqlc, which takes its type
), '[]')
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ReopenTask makes a completed task pending again, and every completed goal above it active, and returns the task as
-- stored. A task that is not completed stays as it is, and Changed is false. Returns ErrNotFound if the task does not
-- exist, and ErrVersionConflict if its version is not IfVersion.
-- name: ReopenTask :one
UPDATE public.tasks SET status = CASE WHEN tasks.status = 'completed' THEN 'pending' ELSE tasks.status END, version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- RescheduleTask sets the due date of a task and returns the task as stored. A nil DueDate means no due date. DueAllDay
-- makes the task an all-day task. Returns ErrNotFound if the task does not exist, and ErrVersionConflict if its version
-- is not IfVersion.
-- name: RescheduleTask :one
UPDATE public.tasks SET due_date = sqlc.narg('due_date'), due_all_day = @due_all_day, version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RetagTask replaces the tags of a task and returns the task as stored. Nil clears them. Returns ErrNotFound if the
-- task does not exist, and ErrVersionConflict if its version is not IfVersion.
-- name: RetagTask :one
UPDATE public.tasks SET tags = coalesce(sqlc.narg('tags'), '[]'::jsonb), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- StartTask sets the status of a task to in progress, even if it is completed or blocked, and returns the task as
-- stored. Changed is false if nothing changed. Returns ErrNotFound if the task does not exist, and ErrVersionConflict
-- if its version is not IfVersion.
-- name: StartTask :one
UPDATE public.tasks SET status = 'in_progress', version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- UnblockTask gives a blocked task its earlier status, pending or in progress, clears the reason and returns the task
-- as stored. A task that was completed before it was blocked becomes pending. A task created as blocked becomes
-- pending, or in progress if it was created with BlockedInProgress. A task that is not blocked stays as it is, and
-- Changed is false. Returns ErrNotFound if the task does not exist, and ErrVersionConflict if its version is not
-- IfVersion.
-- name: UnblockTask :one
UPDATE public.tasks SET status = CASE WHEN tasks.status = 'blocked' THEN CASE WHEN tasks.blocked_in_progress THEN 'in_progress' ELSE 'pending' END ELSE tasks.status END,
  version = coalesce(sqlc.narg('if_version'), tasks.version)
FROM (SELECT t.updated_at FROM public.tasks t WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.id = @id FOR NO KEY UPDATE) AS before
WHERE tasks.user_id = (SELECT bizydb.current_user_id()) AND tasks.id = @id
RETURNING sqlc.embed(tasks), (tasks.updated_at <> before.updated_at)::bool AS changed;

-- UpdateTask changes the fields that are set and returns the task as stored. A field at its zero value leaves its
-- column unchanged. Clear… sets the column to NULL and takes precedence over the field. Tags and dependencies are
-- replaced as a whole, and an empty slice clears them. CompletedAt follows Status. BlockedReason is cleared unless the
-- task is blocked. DueAllDay is cleared with the due date. A DueDate without DueAllDay is a time, even if the task was
-- an all-day task.
--
-- Returns ErrNotFound if the task does not exist, ErrUnknownReference if the parent goal or a dependency does not
-- exist, ErrDependencyCycle if the task would depend on itself, directly or through other tasks, and ErrVersionConflict
-- if its version is not IfVersion.
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
