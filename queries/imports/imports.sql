-- BeginImport tells triggers that an import runs, until EndImport or the end of the transaction.
-- name: BeginImport :exec
SELECT pg_catalog.set_config('bizydb.importing', 'on', true);

-- EndImport tells triggers that the import has ended.
-- name: EndImport :exec
SELECT pg_catalog.set_config('bizydb.importing', '', true);

-- ExistingGoals returns the ids that are goals of the user, in unspecified order.
-- name: ExistingGoals :many
SELECT g.id FROM unnest(@ids::bigint[]) AS wanted (id) -- each by key, however many are expected
CROSS JOIN LATERAL (SELECT one.id FROM public.goals one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = wanted.id OFFSET 0) AS g;

-- ExistingTasks returns the ids that are tasks of the user, in unspecified order.
-- name: ExistingTasks :many
SELECT t.id FROM unnest(@ids::bigint[]) AS wanted (id) -- each by key, however many are expected
CROSS JOIN LATERAL (SELECT one.id FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = wanted.id OFFSET 0) AS t;

-- GetColumnHashes returns the hashes of the columns in one record, and the new ids that they belong to. The slices
-- correspond element by element.
-- name: GetColumnHashes :one
SELECT new_ids, column_hashes FROM bizydb.imports WHERE user_id = (SELECT bizydb.current_user_id()) AND id = @id;

-- ListImported returns the imported rows of a kind, ordered by old id. Of several records of one row the last one
-- counts: it comes last.
-- name: ListImported :many
SELECT r.old_id::bigint AS old_id, r.mark::bigint AS mark, r.content::bigint AS content, r.new_id::bigint AS new_id, i.id AS record
FROM bizydb.imports i
CROSS JOIN LATERAL ROWS FROM (unnest(i.old_ids), unnest(i.marks), unnest(i.contents), unnest(i.new_ids)) AS r (old_id, mark, content, new_id)
WHERE i.user_id = (SELECT bizydb.current_user_id()) AND i.kind = @kind
ORDER BY r.old_id, r.mark, i.id;

-- ListRecords returns the time and the settings of each record's import, in unspecified order. Records of one import
-- have the same time.
-- name: ListRecords :many
SELECT id, imported_at, zone, to_char(upgraded_on, 'YYYY-MM-DD')::text AS upgraded_on
FROM bizydb.imports WHERE user_id = (SELECT bizydb.current_user_id());

-- Now returns the time at which the transaction began.
-- name: Now :one
SELECT now()::timestamptz;

-- RecordImported records imported rows. The slices correspond element by element.
-- name: RecordImported :exec
INSERT INTO bizydb.imports (zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids)
VALUES (@zone, (@upgraded_on::text)::date, @kind, @old_ids, @marks, @contents, @column_hashes, @new_ids);
