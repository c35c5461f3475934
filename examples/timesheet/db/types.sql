ALTER TABLE app.comments
  ALTER COLUMN user_id TYPE bizydb.user_id,
  ALTER COLUMN task_id TYPE bizydb.task_id;
ALTER TABLE app.entries
  ALTER COLUMN user_id TYPE bizydb.user_id,
  ALTER COLUMN task_id TYPE bizydb.task_id;
