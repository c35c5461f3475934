-- GoalMetric returns the value of one key. No such goal or key is ErrNotFound.
-- name: GoalMetric :one
SELECT (metrics -> @key::text)::bizydb.metric AS value FROM public.goals
WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id AND jsonb_exists(metrics, @key);

-- MergeGoalMetrics sets the keys that are given and leaves the others, and returns the goal as stored. Objects are replaced
-- as a whole, not merged in turn. No such goal is ErrNotFound.
-- name: MergeGoalMetrics :one
UPDATE public.goals SET metrics = metrics || coalesce(sqlc.narg('metrics'), '{}'::jsonb) WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- RemoveGoalMetric removes one key, if it is there, and returns the goal as stored. No such goal is ErrNotFound.
-- name: RemoveGoalMetric :one
UPDATE public.goals SET metrics = metrics - @key::text WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;

-- SetGoalMetric sets one key, new or not, to a value that can be anything JSON has, and returns the goal as stored. No such
-- goal is ErrNotFound.
-- name: SetGoalMetric :one
UPDATE public.goals SET metrics = metrics || jsonb_build_object(@key::text, @value::bizydb.metric) WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id
RETURNING *;
