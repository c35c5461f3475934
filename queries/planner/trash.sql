-- DeletedGoals returns the deleted goals, the last deleted first. Those of one transaction were deleted at the same time, and come by
-- their ids, the highest first. For the next page, Before and BeforeID are DeletedAt and ID of the last goal of this one; BeforeID counts
-- with Before alone. If nothing is there it returns an empty slice.
-- name: DeletedGoals :many
SELECT * FROM bizydb.deleted_goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (id = @before_id) IS NOT NULL -- always, and sqlc knows its type
  AND (deleted_at, id) < (coalesce(sqlc.narg('before')::timestamptz, 'infinity'), @before_id)
ORDER BY deleted_at DESC, id DESC
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- DeletedTasks is DeletedGoals for tasks.
-- name: DeletedTasks :many
SELECT * FROM bizydb.deleted_tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (id = @before_id) IS NOT NULL -- always, and sqlc knows its type
  AND (deleted_at, id) < (coalesce(sqlc.narg('before')::timestamptz, 'infinity'), @before_id)
ORDER BY deleted_at DESC, id DESC
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- ForgetDeleted removes the goals and tasks that were deleted before a time for good, and counts them.
-- name: ForgetDeleted :one
WITH g AS (
  DELETE FROM bizydb.deleted_goals d WHERE d.user_id = (SELECT bizydb.current_user_id()) AND d.deleted_at < @before::timestamptz RETURNING d.id
), t AS (
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = (SELECT bizydb.current_user_id()) AND d.deleted_at < @before::timestamptz RETURNING d.id
)
SELECT (SELECT count(*) FROM g)::bigint AS goals, (SELECT count(*) FROM t)::bigint AS tasks;

-- ForgetDeletedGoal removes a deleted goal for good and returns it. If there is none it returns ErrNotFound.
-- name: ForgetDeletedGoal :one
DELETE FROM bizydb.deleted_goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ForgetDeletedTask removes a deleted task for good and returns it. If there is none it returns ErrNotFound.
-- name: ForgetDeletedTask :one
DELETE FROM bizydb.deleted_tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- restoreGoal restores a goal, or all that was deleted together with it, and then reads it.
-- name: restoreGoal :one
SELECT sqlc.embed(goals), r.goals::bigint[] AS restored_goals, r.tasks::bigint[] AS restored_tasks, r.left_out::bizydb.left_out AS left_out
FROM bizydb.restore_goal(@id, @together) AS r (id, goals, tasks, left_out)
CROSS JOIN LATERAL bizydb.goal_now(r.id) AS goals;

-- restoreTask restores a task, and then reads it.
-- name: restoreTask :one
SELECT sqlc.embed(tasks), r.left_out::bizydb.left_out AS left_out
FROM bizydb.restore_task(@id) AS r (id, left_out)
CROSS JOIN LATERAL bizydb.task_now(r.id) AS tasks;
