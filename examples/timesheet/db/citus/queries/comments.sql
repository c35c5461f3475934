-- A task that is not the user's is ErrUnknownReference.
-- name: AddComment :one
INSERT INTO app.comments (task_id, body) VALUES (@task_id, @body) RETURNING *;

-- A comment that is not the user's is ErrNotFound.
-- name: EditComment :one
UPDATE app.comments SET body = @body WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id RETURNING *;

-- How many it has deleted: 0 or 1.
-- name: DeleteComment :execrows
DELETE FROM app.comments WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- The last ones first, with the title of their task.
-- name: LatestComments :many
SELECT c.id, c.body, c.created_at, t.title
FROM app.comments c JOIN public.tasks t ON t.user_id = c.user_id AND t.id = c.task_id
WHERE c.user_id = (SELECT bizydb.current_user_id()) AND c.task_id = @task_id
ORDER BY c.created_at DESC, c.id DESC LIMIT @max;
