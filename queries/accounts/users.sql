-- ChangeEmail sets another address and marks it as not verified.
-- name: ChangeEmail :one
UPDATE bizydb.profiles SET email = @email, is_verified = false, email_verified_at = NULL WHERE id = @id
RETURNING *;

-- CreateUser adds a user. It does not return the hash.
-- name: CreateUser :one
INSERT INTO public.users (email, username, hashed_password, full_name)
VALUES (@email, @username, @hashed_password, sqlc.narg('full_name'))
RETURNING id, email, username, full_name, is_active, is_verified, is_superuser, created_at, updated_at, last_login_at, email_verified_at, password_changed_at;

-- DeleteUser deletes a user with all goals and tasks, and returns how many goals and tasks there were.
-- name: DeleteUser :one
SELECT d.goals::bigint AS goals, d.tasks::bigint AS tasks FROM bizydb.delete_user(@id::bigint) AS d;

-- FindCredentials returns the id, the hash and the state of the account with an email address or username, for a
-- sign-in.
-- name: FindCredentials :one
SELECT id, hashed_password, is_active FROM public.users
WHERE bizydb.fold(email) = bizydb.fold(@login) OR bizydb.fold(username) = bizydb.fold(@login);

-- FindUser returns the user with an email address or username, ignoring case.
-- name: FindUser :one
SELECT * FROM bizydb.profiles
WHERE bizydb.fold(email) = bizydb.fold(@login) OR bizydb.fold(username) = bizydb.fold(@login);

-- ForgetOfAll permanently removes goals and tasks that any user deleted more than Seconds seconds ago, at most Most of
-- each, and returns how many.
-- name: ForgetOfAll :one
SELECT f.goals::bigint AS goals, f.tasks::bigint AS tasks FROM bizydb.forget_deleted(now() - make_interval(secs => @seconds::float8), @most::int) AS f;

-- GetHash returns the hash of an active user, for a change of password.
-- name: GetHash :one
SELECT hashed_password FROM public.users WHERE id = @id AND is_active;

-- GetUser returns one user.
-- name: GetUser :one
SELECT * FROM bizydb.profiles WHERE id = @id;

-- ListUsers returns the users with an id above After that match every filter that is set, ordered by id.
-- name: ListUsers :many
SELECT * FROM bizydb.profiles
WHERE id > @after
  AND (is_active = sqlc.narg('active') OR sqlc.narg('active') IS NULL)
  AND (is_verified = sqlc.narg('verified') OR sqlc.narg('verified') IS NULL)
  AND (is_superuser = sqlc.narg('superuser') OR sqlc.narg('superuser') IS NULL)
ORDER BY id
LIMIT nullif(sqlc.arg('limit')::int, 0);

-- MarkEmailVerified marks an address as verified if it is still the user's. It is idempotent.
-- name: MarkEmailVerified :one
UPDATE bizydb.profiles SET is_verified = true, email_verified_at = coalesce(email_verified_at, now())
WHERE id = @id AND bizydb.fold(email) = bizydb.fold(@email)
RETURNING *;

-- RecordSignIn records a sign-in, and renews the hash if NewHash is set. It returns no row if the account has been
-- deactivated, or its password changed, since the hash was read.
-- name: RecordSignIn :one
UPDATE public.users SET
  last_login_at = now(),
  hashed_password = coalesce(sqlc.narg('new_hash'), hashed_password),
  password_changed_at = CASE WHEN sqlc.narg('new_hash') IS NULL THEN password_changed_at END -- NULL keeps it: see bizydb.date_password
WHERE id = @id AND is_active AND hashed_password = @hashed_password
RETURNING id, email, username, full_name, is_active, is_verified, is_superuser, created_at, updated_at, last_login_at, email_verified_at, password_changed_at;

-- ReplaceHash replaces the hash of an active user if it is still the old one.
-- name: ReplaceHash :execrows
UPDATE public.users SET hashed_password = @new_hash WHERE id = @id AND is_active AND hashed_password = @old_hash;

-- RemoveHash removes the password of a user.
-- name: RemoveHash :execrows
UPDATE public.users SET hashed_password = NULL WHERE id = @id;

-- ResetHash sets the hash of an active user unless the hash or the address has changed since a link was made.
-- name: ResetHash :execrows
UPDATE public.users SET hashed_password = @new_hash
WHERE id = @id AND is_active AND password_changed_at = @changed_at AND bizydb.fold(email) = bizydb.fold(@email);

-- SetActive activates or deactivates a user.
-- name: SetActive :one
UPDATE bizydb.profiles SET is_active = @is_active WHERE id = @id
RETURNING *;

-- SetHash sets the hash of a user.
-- name: SetHash :execrows
UPDATE public.users SET hashed_password = @new_hash WHERE id = @id;

-- SetSuperuser sets or clears the administrator flag of a user.
-- name: SetSuperuser :one
UPDATE bizydb.profiles SET is_superuser = @is_superuser WHERE id = @id
RETURNING *;

-- UpdateProfile changes the names that are set.
-- name: UpdateProfile :one
UPDATE bizydb.profiles SET
  username = coalesce(sqlc.narg('username'), username),
  full_name = CASE WHEN NOT @clear_full_name::bool THEN coalesce(sqlc.narg('full_name'), full_name) END
WHERE id = @id
RETURNING *;
