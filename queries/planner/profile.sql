-- Me returns the account of the scope's user.
-- name: Me :one
SELECT * FROM bizydb.profiles WHERE id = (SELECT bizydb.current_user_id());

-- UpdateMe changes the names of the scope's user and returns the account. A nil field leaves its column unchanged, and
-- ClearFullName sets FullName to NULL. White space around the names is trimmed. A FullName without a visible character
-- is stored as NULL. Returns ErrUsernameTaken for the username of another account, and ErrInvalid for a name that
-- breaks a rule of bizydb.RegisterParams.
-- name: UpdateMe :one
UPDATE bizydb.profiles SET
  username = coalesce(sqlc.narg('username'), username),
  full_name = CASE WHEN NOT @clear_full_name::bool THEN coalesce(sqlc.narg('full_name'), full_name) END
WHERE id = (SELECT bizydb.current_user_id())
RETURNING *;
