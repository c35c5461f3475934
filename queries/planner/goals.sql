-- CompleteGoal sets the status of a goal to completed, even with unfinished work under it, and returns the goal as
-- stored. CompletedAt has the same meaning as in CompleteTask. Changed is false if nothing changed. Returns ErrNotFound
-- if the goal does not exist, and ErrVersionConflict if its version is not IfVersion.
-- name: CompleteGoal :one
UPDATE public.goals SET status = 'completed', completed_at = coalesce(sqlc.narg('completed_at'), goals.completed_at), version = coalesce(sqlc.narg('if_version'), goals.version)
FROM (SELECT g.updated_at FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @id FOR NO KEY UPDATE) AS before
WHERE goals.user_id = (SELECT bizydb.current_user_id()) AND goals.id = @id
RETURNING sqlc.embed(goals), (goals.updated_at <> before.updated_at)::bool AS changed;

-- CreateGoal adds a goal and returns it as stored. Only Title is required. A field at its zero value takes its default:
-- active, 0 percent, no parent, created now, no metrics. Returns ErrUnknownReference if the parent goal does not exist,
-- and ErrInvalid for a goal on the 101st level.
-- name: CreateGoal :one
INSERT INTO public.goals (
  parent_goal_id, title, description, horizon, target_date, status,
  progress_percentage, success_criteria, metrics, created_at, completed_at
) VALUES (
  sqlc.narg('parent_goal_id'), @title, sqlc.narg('description'), sqlc.narg('horizon'), sqlc.narg('target_date'), sqlc.narg('status'),
  sqlc.narg('progress_percentage'), sqlc.narg('success_criteria'), sqlc.narg('metrics'), sqlc.narg('created_at'), sqlc.narg('completed_at')
)
RETURNING *;

-- DeleteGoal deletes a goal and returns it. Its sub-goals become roots, and its tasks stay without a goal. RestoreGoal
-- brings the goal back, unless the trash is turned off. Returns ErrNotFound if the goal does not exist.
-- name: DeleteGoal :one
DELETE FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- DeleteGoalIfVersion is DeleteGoal for one version of a goal. Returns ErrNotFound if the goal does not exist, and
-- ErrVersionConflict if it is at another version.
-- name: DeleteGoalIfVersion :one
DELETE FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
  AND CASE WHEN version = @version THEN true ELSE bizydb.refuse_goal_version(id, version, @version) END
RETURNING *;

-- GetGoal returns a goal. Returns ErrNotFound if it does not exist.
-- name: GetGoal :one
SELECT * FROM public.goals WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- MoveGoal moves a goal, with everything under it, under another goal and returns the moved goal as stored. A nil
-- ParentGoalID makes the moved goal a root. Returns ErrNotFound if the goal does not exist, ErrUnknownReference if the
-- parent does not exist, ErrGoalCycle if the parent is the goal itself or is under it, ErrInvalid for more than 100
-- levels of goals, and ErrVersionConflict if its version is not IfVersion.
-- name: MoveGoal :one
UPDATE public.goals SET parent_goal_id = sqlc.narg('parent_goal_id'), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- ReopenGoal makes a completed goal active again, with every completed goal above it, and returns the goal as stored. A
-- goal that is not completed stays as it is, and Changed is false. The percentage is recomputed from the work under the
-- goal and can be 100. A goal without work stays at 100 percent until its user sets the percentage. Returns ErrNotFound
-- if the goal does not exist, and ErrVersionConflict if its version is not IfVersion.
-- name: ReopenGoal :one
UPDATE public.goals SET status = CASE WHEN goals.status = 'completed' THEN 'active' ELSE goals.status END, version = coalesce(sqlc.narg('if_version'), goals.version)
FROM (SELECT g.updated_at FROM public.goals g WHERE g.user_id = (SELECT bizydb.current_user_id()) AND g.id = @id FOR NO KEY UPDATE) AS before
WHERE goals.user_id = (SELECT bizydb.current_user_id()) AND goals.id = @id
RETURNING sqlc.embed(goals), (goals.updated_at <> before.updated_at)::bool AS changed;

-- UpdateGoal changes the fields that are set and returns the goal as stored. A field at its zero value leaves its
-- column unchanged. Clear… sets the column to NULL and takes precedence over the field. Metrics are replaced as a
-- whole, and an empty map clears them. CompletedAt follows Status.
--
-- Returns ErrNotFound if the goal does not exist, ErrUnknownReference if the parent does not exist, ErrGoalCycle if the
-- parent is the goal itself or is under it, ErrInvalid for more than 100 levels of goals, and ErrVersionConflict if its
-- version is not IfVersion.
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
