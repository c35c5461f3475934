-- Me returns the scope's own account, or ErrNotFound for a user who does not exist or is not active.
-- name: Me :one
SELECT * FROM bizydb.profiles;

-- UpdateMe changes the fields of one's own profile that are set and returns it. A field left nil stays as it is;
-- ClearFullName sets FullName to NULL. A username that another account has is ErrUsernameTaken,
-- one that breaks the rule of RegisterParams is ErrInvalid.
-- name: UpdateMe :one
UPDATE bizydb.profiles SET
  username = coalesce(sqlc.narg('username'), username),
  full_name = CASE WHEN NOT @clear_full_name::bool THEN coalesce(sqlc.narg('full_name'), full_name) END
RETURNING *;
