-- Me returns the scope's own account, or ErrNotFound if the user does not exist or is not active.
-- name: Me :one
SELECT * FROM bizydb.profiles WHERE id = (SELECT bizydb.current_user_id());

-- UpdateMe changes the fields of one's own profile that are set and returns it. A nil field leaves its column unchanged;
-- ClearFullName sets FullName to NULL. A username of another account gives ErrUsernameTaken, one that breaks the rule of
-- RegisterParams ErrInvalid.
-- name: UpdateMe :one
UPDATE bizydb.profiles SET
  username = coalesce(btrim(sqlc.narg('username')::text, E' \t\r\n'), username),
  full_name = CASE WHEN NOT @clear_full_name::bool THEN coalesce(btrim(sqlc.narg('full_name')::text, E' \t\r\n'), full_name) END
WHERE id = (SELECT bizydb.current_user_id())
RETURNING *;
