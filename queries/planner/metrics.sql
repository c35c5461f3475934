-- GoalMetric returns the value of one key of a goal's metrics. Returns ErrNotFound if the goal or the key does not
-- exist.
-- name: GoalMetric :one
SELECT (metrics -> @key::text)::bizydb.metric AS value FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id AND jsonb_exists(metrics, @key);

-- MergeGoalMetrics sets some keys of a goal's metrics, leaves the others unchanged, and returns the goal as stored. The
-- merge is shallow: an object replaces an object. Returns ErrNotFound if the goal does not exist, and
-- ErrVersionConflict if its version is not IfVersion.
-- name: MergeGoalMetrics :one
UPDATE public.goals SET metrics = metrics || coalesce(sqlc.narg('metrics'), '{}'::jsonb), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RemoveGoalMetric removes one key of a goal's metrics and returns the goal as stored. A goal without the key is not
-- changed. Returns ErrNotFound if the goal does not exist, and ErrVersionConflict if its version is not IfVersion.
-- name: RemoveGoalMetric :one
UPDATE public.goals SET metrics = metrics - @key::text, version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- SetGoalMetric sets one key of a goal's metrics, new or existing, to any JSON value and returns the goal as stored.
-- Returns ErrNotFound if the goal does not exist, and ErrVersionConflict if its version is not IfVersion.
-- name: SetGoalMetric :one
UPDATE public.goals SET metrics = metrics || jsonb_build_object(@key::text, @value::bizydb.metric), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
