-- CompleteGoal sets a goal's status to completed, even with unfinished work under it, and returns the goal as stored and
-- whether that changed it. CompletedAt is as in CompleteTask. If the goal does not exist it returns ErrNotFound; at another
-- version than IfVersion, ErrVersionConflict.
-- name: CompleteGoal :one
UPDATE public.goals SET status = 'completed', completed_at = coalesce(sqlc.narg('completed_at'), goals.completed_at), version = coalesce(sqlc.narg('if_version'), goals.version)
FROM (SELECT g.updated_at FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @id FOR NO KEY UPDATE) AS before
WHERE goals.user_id = (SELECT bizydb.current_user_id()) AND goals.id = @id
RETURNING sqlc.embed(goals), (goals.updated_at <> before.updated_at)::bool AS changed;

-- CreateGoal adds a goal and returns it as stored. Only Title is required: a field at its zero value takes its default
-- (active, 0 percent, no parent, created now, no metrics). If the parent goal does not exist it returns
-- ErrUnknownReference; a goal on the 101st level gives ErrInvalid.
-- name: CreateGoal :one
INSERT INTO public.goals (
  parent_goal_id, title, description, horizon, target_date, status,
  progress_percentage, success_criteria, metrics, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('horizon'), sqlc.narg('target_date'), sqlc.narg('status'),
  sqlc.narg('progress_percentage'), sqlc.narg('success_criteria'), sqlc.narg('metrics'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteGoal deletes a goal and returns it. Its sub-goals become roots, and its tasks stay without a goal. If the goal
-- does not exist it returns ErrNotFound.
-- name: DeleteGoal :one
DELETE FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- DeleteGoalIfVersion is DeleteGoal for a goal at the version given. At another version it returns ErrVersionConflict.
-- name: DeleteGoalIfVersion :one
DELETE FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
  AND CASE WHEN version = @version THEN true ELSE bizydb.refuse_goal_version(id, version, @version) END
RETURNING *;

-- GetGoal returns one goal, or ErrNotFound.
-- name: GetGoal :one
SELECT * FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- MoveGoal moves a goal, with everything under it, under another goal, or makes it a root, and returns it as stored. A
-- goal under itself or under one of its own sub-goals gives ErrGoalCycle, more than 100 levels of goals ErrInvalid. If the
-- goal does not exist it returns ErrNotFound; if the parent does not, ErrUnknownReference; at another version than
-- IfVersion, ErrVersionConflict.
-- name: MoveGoal :one
UPDATE public.goals SET parent_goal_id = sqlc.narg('parent_goal_id'), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ReopenGoal makes a completed goal, and every completed goal above it, active again, and returns the goal as stored and
-- whether that changed it: a goal that is not completed stays as it is. Its percentage is recomputed from its work, which
-- can be 100; without work it stays 100 until it is set. If the goal does not exist it returns ErrNotFound.
-- name: ReopenGoal :one
UPDATE public.goals SET status = CASE goals.status WHEN 'completed' THEN 'active' ELSE goals.status END
FROM (SELECT g.updated_at FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @id FOR NO KEY UPDATE) AS before
WHERE goals.user_id = (SELECT bizydb.current_user_id()) AND goals.id = @id
RETURNING sqlc.embed(goals), (goals.updated_at <> before.updated_at)::bool AS changed;

-- UpdateGoal changes the fields that are set and returns the goal as stored. A field at its zero value leaves its column
-- unchanged; Clear… sets the column to NULL and takes precedence over the field. Metrics are replaced as a whole, and an
-- empty map clears them. CompletedAt follows Status. A goal under itself gives ErrGoalCycle, more than 100 levels of goals
-- ErrInvalid. If the goal does not exist it returns ErrNotFound; if the parent does not, ErrUnknownReference; at another
-- version than IfVersion, ErrVersionConflict.
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
  metrics = coalesce(sqlc.narg('metrics'), metrics),
  version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
