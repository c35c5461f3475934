-- changesAfter returns the goals and tasks that changed after a sequence number, as they are now, in the order of
-- commits. Content is NULL for a deleted row. Owner is the user that the number was given to, or 0 for a first load.
-- name: changesAfter :many
SELECT c.seq::bigint AS seq, c.kind::text AS kind, c.id::bigint AS id, c.content::json AS content, c.first::bigint AS first,
  (SELECT bizydb.current_user_id())::bigint AS owner
FROM bizydb.changes_after(CASE WHEN @owner::bigint IN (0, (SELECT bizydb.current_user_id())) THEN @after::bigint ELSE -1 END, @most, @first) AS c (seq, kind, id, content, first);
