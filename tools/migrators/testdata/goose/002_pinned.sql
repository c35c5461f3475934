-- +goose Up
ALTER TABLE app.comments ADD COLUMN pinned boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE app.comments DROP COLUMN pinned;
