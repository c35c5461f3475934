-- SetDependencies makes tasks depend on others. A list of dependencies is a JSON array of ids.
-- name: SetDependencies :exec
UPDATE public.tasks t SET dependencies = link.dependencies::jsonb
FROM ROWS FROM (unnest(@ids::bigint[]), unnest(@dependencies::text[])) AS link (id, dependencies)
WHERE t.id = link.id;
