-- CompleteGoal makes a goal completed, whatever is unfinished under it, and returns it as stored. One that was completed
-- stays as it is. No such goal is ErrNotFound.
-- name: CompleteGoal :one
UPDATE public.goals SET status = 'completed' WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- CreateGoal adds a goal and returns it as stored. Only Title is needed: a field left at its zero value takes its
-- default (active, at 0 percent, a root, created now, no metrics). With a parent goal that is not there it is ErrNotFound.
-- name: CreateGoal :one
INSERT INTO public.goals (
  parent_goal_id, title, description, horizon, target_date, status,
  progress_percentage, success_criteria, metrics, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('horizon'), sqlc.narg('target_date'), sqlc.narg('status'),
  sqlc.narg('progress_percentage'), sqlc.narg('success_criteria'), sqlc.narg('metrics'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteGoal removes a goal and returns what it was. Its sub-goals become roots and its tasks stay, under no goal.
-- Without such a goal it is ErrNotFound.
-- name: DeleteGoal :one
DELETE FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- GetGoal returns one goal, or ErrNotFound.
-- name: GetGoal :one
SELECT * FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- MoveGoal puts a goal, with all that is under it, under another one, or makes it a root, and returns it as stored. A
-- goal under itself or one of its own sub-goals is ErrGoalCycle, no such goal or parent is ErrNotFound.
-- name: MoveGoal :one
UPDATE public.goals SET parent_goal_id = sqlc.narg('parent_goal_id') WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ReopenGoal makes a completed goal active again, and with it every completed goal above. Its percentage is that of its
-- work again, which can be 100; a goal without work keeps its 100 until another is set. A goal that is not completed
-- stays as it is. No such goal is ErrNotFound.
-- name: ReopenGoal :one
UPDATE public.goals SET status = CASE status WHEN 'completed' THEN 'active' ELSE status END WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- UpdateGoal changes the fields that are set and returns the goal as stored. A field left at its zero value stays as it
-- is; Clear… sets its column to NULL, whatever the field beside it says. Metrics are replaced as a whole; an empty map
-- clears them. CompletedAt follows Status. A goal under itself is ErrGoalCycle, no such goal or parent is ErrNotFound.
-- name: UpdateGoal :one
UPDATE public.goals SET
  title = coalesce(sqlc.narg('title'), title),
  description = CASE WHEN NOT @clear_description::bool THEN coalesce(sqlc.narg('description'), description) END,
  horizon = CASE WHEN NOT @clear_horizon::bool THEN coalesce(sqlc.narg('horizon'), horizon) END,
  target_date = CASE WHEN NOT @clear_target_date::bool THEN coalesce(sqlc.narg('target_date'), target_date) END,
  status = coalesce(sqlc.narg('status'), status),
  progress_percentage = coalesce(sqlc.narg('progress_percentage'), progress_percentage),
  success_criteria = CASE WHEN NOT @clear_success_criteria::bool THEN coalesce(sqlc.narg('success_criteria'), success_criteria) END,
  parent_goal_id = CASE WHEN NOT @clear_parent_goal_id::bool THEN coalesce(sqlc.narg('parent_goal_id'), parent_goal_id) END,
  metrics = coalesce(sqlc.narg('metrics'), metrics)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
