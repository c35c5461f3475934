-- DeletedGoals returns one page of the deleted goals, the last deleted first. Goals that were deleted in one
-- transaction have the same DeletedAt and are ordered by id, the highest first. For the next page, set Before and
-- BeforeID to DeletedAt and ID of the last goal of this page. BeforeID is ignored if Before is nil. If there are no
-- more it returns an empty slice.
-- name: DeletedGoals :many
SELECT * FROM bizydb.deleted_goals
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (id = @before_id) IS NOT NULL -- always, and sqlc knows its type
  AND (deleted_at, id) < (coalesce(sqlc.narg('before')::timestamptz, 'infinity'), @before_id)
ORDER BY deleted_at DESC, id DESC
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- DeletedTasks returns one page of the deleted tasks, ordered and paged as in DeletedGoals. If there are no more it
-- returns an empty slice.
-- name: DeletedTasks :many
SELECT * FROM bizydb.deleted_tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (id = @before_id) IS NOT NULL -- always, and sqlc knows its type
  AND (deleted_at, id) < (coalesce(sqlc.narg('before')::timestamptz, 'infinity'), @before_id)
ORDER BY deleted_at DESC, id DESC
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- ForgetDeleted permanently removes the goals and tasks that were deleted before a time, and returns how many goals and
-- tasks it removed. These can no longer be restored.
-- name: ForgetDeleted :one
WITH g AS (
  DELETE FROM bizydb.deleted_goals d WHERE d.user_id = (SELECT bizydb.current_user_id()) AND d.deleted_at < @before::timestamptz RETURNING d.id
), t AS (
  DELETE FROM bizydb.deleted_tasks d WHERE d.user_id = (SELECT bizydb.current_user_id()) AND d.deleted_at < @before::timestamptz RETURNING d.id
)
SELECT (SELECT count(*) FROM g)::bigint AS goals, (SELECT count(*) FROM t)::bigint AS tasks;

-- ForgetDeletedGoal permanently removes a deleted goal and returns it. Returns ErrNotFound if there is no such deleted
-- goal.
-- name: ForgetDeletedGoal :one
DELETE FROM bizydb.deleted_goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ForgetDeletedTask permanently removes a deleted task and returns it. Returns ErrNotFound if there is no such deleted
-- task.
-- name: ForgetDeletedTask :one
DELETE FROM bizydb.deleted_tasks WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- restoreGoal restores a goal, and with Together all that was deleted in the same transaction, and reads the goal
-- afterwards.
-- name: restoreGoal :one
SELECT sqlc.embed(goals), r.goals::bigint[] AS restored_goals, r.tasks::bigint[] AS restored_tasks, r.left_out::bizydb.left_out AS left_out
FROM bizydb.restore_goal(@id, @together) AS r (id, goals, tasks, left_out)
CROSS JOIN LATERAL bizydb.goal_now(r.id) AS goals;

-- restoreTask restores a task and reads it afterwards.
-- name: restoreTask :one
SELECT sqlc.embed(tasks), r.left_out::bizydb.left_out AS left_out
FROM bizydb.restore_task(@id) AS r (id, left_out)
CROSS JOIN LATERAL bizydb.task_now(r.id) AS tasks;
