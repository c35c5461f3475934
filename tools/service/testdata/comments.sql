-- name: AddComment :one
INSERT INTO app.comments (task_id, body) VALUES (@task_id, @body) RETURNING *;

-- name: AddComments :batchexec
INSERT INTO app.comments (task_id, body) VALUES (@task_id, @body);

-- name: CopyComments :copyfrom
INSERT INTO app.comments (task_id, body) VALUES (@task_id, @body);

-- name: CommentsOfTasks :many
SELECT c.* FROM app.comments c WHERE c.task_id = ANY (ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(@task_ids::bizydb.task_ids) AS i));

-- name: CommentedTasks :many
SELECT sqlc.embed(t), count(*) AS comments
FROM app.comments c JOIN public.tasks t ON t.user_id = c.user_id AND t.id = c.task_id
WHERE t.status = @status AND t.tags @> @tags::bizydb.tags
GROUP BY t.id;

-- name: LatestComments :batchmany
SELECT c.id, c.task_id, c.created_at FROM app.comments c WHERE c.task_id = @task_id ORDER BY c.id DESC LIMIT 5;

-- Every column of both tables, whose rows are always there.
-- name: TasksWithGoals :many
SELECT sqlc.embed(t), sqlc.embed(g)
FROM public.tasks t JOIN public.goals g ON g.user_id = t.user_id AND g.id = t.parent_goal_id;

-- The same where one of them may be missing.
-- name: GoalsAndTasks :many
SELECT g.id AS goal, t.id AS task, t.user_id, t.parent_goal_id, t.status, t.tags, t.dependencies, t.priority, t.created_at, t.due_date
FROM public.goals g LEFT JOIN public.tasks t ON t.user_id = g.user_id AND t.parent_goal_id = g.id;

-- name: TasksAndGoals :many
SELECT t.id AS task, t.status AS task_status, g.id AS goal, g.parent_goal_id, g.status, g.horizon, g.metrics, g.target_date
FROM public.tasks t LEFT JOIN public.goals g ON g.user_id = t.user_id AND g.id = t.parent_goal_id
WHERE (sqlc.narg(status)::bizydb.task_status IS NULL OR t.status = sqlc.narg(status)::bizydb.task_status);

-- name: TasksAndComments :many
SELECT t.id, c.id AS comment, c.task_id, c.user_id, c.created_at
FROM public.tasks t LEFT JOIN app.comments c ON c.user_id = t.user_id AND c.task_id = t.id
WHERE t.id = ANY (@ids::bigint[]);

-- name: CloseTask :one
UPDATE public.tasks SET status = @status, tags = @tags WHERE id = @id RETURNING id, status;

-- name: Me :one
SELECT id, username FROM bizydb.profiles WHERE id = bizydb.current_user_id();

-- name: CommentsByWeek :many
SELECT date_trunc('week', created_at AT TIME ZONE @time_zone::bizydb.time_zone)::date AS week, count(*) AS comments FROM app.comments GROUP BY week;
