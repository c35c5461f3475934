ALTER TABLE app.comments ADD COLUMN pinned boolean NOT NULL DEFAULT false;
