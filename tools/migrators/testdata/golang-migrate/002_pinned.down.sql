ALTER TABLE app.comments DROP COLUMN pinned;
