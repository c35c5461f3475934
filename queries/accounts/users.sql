-- CreateUser adds a user. The hash never comes back.
-- name: CreateUser :one
INSERT INTO public.users (email, username, hashed_password, full_name)
VALUES (@email, @username, @hashed_password, sqlc.narg('full_name'))
RETURNING id, email, username, full_name, is_active, is_verified, is_superuser, created_at, updated_at, last_login_at, email_verified_at;
