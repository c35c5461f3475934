-- GoalMetric returns the value of one key of a goal's metrics. If the goal or the key does not exist it returns
-- ErrNotFound.
-- name: GoalMetric :one
SELECT (metrics -> @key::text)::bizydb.metric AS value FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id AND jsonb_exists(metrics, @key);

-- MergeGoalMetrics sets the given keys of a goal's metrics, leaves the others unchanged and returns the goal as stored.
-- The merge is shallow: an object replaces an object. If the goal does not exist it returns ErrNotFound; at another version
-- than IfVersion, ErrVersionConflict.
-- name: MergeGoalMetrics :one
UPDATE public.goals SET metrics = metrics || coalesce(sqlc.narg('metrics'), '{}'::jsonb), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RemoveGoalMetric removes one key of a goal's metrics, if present, and returns the goal as stored. If the goal does not
-- exist it returns ErrNotFound; at another version than IfVersion, ErrVersionConflict.
-- name: RemoveGoalMetric :one
UPDATE public.goals SET metrics = metrics - @key::text, version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- SetGoalMetric sets one key of a goal's metrics, new or existing, to any JSON value and returns the goal as stored. If
-- the goal does not exist it returns ErrNotFound; at another version than IfVersion, ErrVersionConflict.
-- name: SetGoalMetric :one
UPDATE public.goals SET metrics = metrics || jsonb_build_object(@key::text, @value::bizydb.metric), version = coalesce(sqlc.narg('if_version'), version)
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
