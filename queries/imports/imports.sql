-- ExistingGoals returns those of the ids that are goals of the user, in unspecified order.
-- name: ExistingGoals :many
SELECT g.id FROM unnest(@ids::bigint[]) AS wanted (id) -- each by key, however many are expected
CROSS JOIN LATERAL (SELECT one.id FROM public.goals one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = wanted.id OFFSET 0) AS g;

-- ExistingTasks returns those of the ids that are tasks of the user, in unspecified order.
-- name: ExistingTasks :many
SELECT t.id FROM unnest(@ids::bigint[]) AS wanted (id) -- each by key, however many are expected
CROSS JOIN LATERAL (SELECT one.id FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = wanted.id OFFSET 0) AS t;

-- FirstZone returns the time zone of the user's first import.
-- name: FirstZone :one
SELECT zone FROM bizydb.imports WHERE user_id = (SELECT bizydb.current_user_id()) ORDER BY id LIMIT 1;

-- ListColumnHashes returns the hashes of the columns of what has been imported of a kind as some ids, in unspecified order.
-- name: ListColumnHashes :many
SELECT r.new_id::bigint AS new_id, r.column_hashes::bytea AS column_hashes
FROM bizydb.imports i
CROSS JOIN LATERAL ROWS FROM (unnest(i.new_ids), unnest(i.column_hashes)) AS r (new_id, column_hashes)
WHERE i.user_id = (SELECT bizydb.current_user_id()) AND i.kind = @kind AND r.new_id = ANY (@new_ids::bigint[]);

-- ListImported returns what has been imported of a kind, ordered by old id. Rows of one import have the same one.
-- name: ListImported :many
SELECT r.old_id::bigint AS old_id, r.mark::bigint AS mark, r.content::bigint AS content, r.new_id::bigint AS new_id,
  (date_part('epoch', i.imported_at) * 1000000)::bigint AS import
FROM bizydb.imports i
CROSS JOIN LATERAL ROWS FROM (unnest(i.old_ids), unnest(i.marks), unnest(i.contents), unnest(i.new_ids)) AS r (old_id, mark, content, new_id)
WHERE i.user_id = (SELECT bizydb.current_user_id()) AND i.kind = @kind
ORDER BY r.old_id, r.mark;

-- Now returns when the transaction began.
-- name: Now :one
SELECT now()::timestamptz;

-- RecordImported records what has been imported. The slices belong together, element by element.
-- name: RecordImported :exec
INSERT INTO bizydb.imports (zone, kind, old_ids, marks, contents, column_hashes, new_ids)
VALUES (@zone, @kind, @old_ids, @marks, @contents, @column_hashes, @new_ids);
