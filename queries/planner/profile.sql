-- Me returns the scope's own account.
-- name: Me :one
SELECT * FROM bizydb.profiles WHERE id = (SELECT bizydb.current_user_id());

-- UpdateMe changes the fields of one's own profile that are set and returns it. A nil field leaves its column unchanged;
-- ClearFullName sets FullName to NULL. White space around both is trimmed, and a FullName with nothing to see is NULL. A username of
-- another account gives ErrUsernameTaken, one that breaks the rule of RegisterParams ErrInvalid.
-- name: UpdateMe :one
UPDATE bizydb.profiles SET
  username = coalesce(sqlc.narg('username'), username),
  full_name = CASE WHEN NOT @clear_full_name::bool THEN coalesce(sqlc.narg('full_name'), full_name) END
WHERE id = (SELECT bizydb.current_user_id())
RETURNING *;
