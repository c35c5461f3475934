-- +goose Up
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO bizydb_user;

CREATE TABLE app.comments (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL DEFAULT bizydb.current_user_id() REFERENCES public.users ON DELETE CASCADE,
  task_id bigint NOT NULL,
  text    text NOT NULL,
  FOREIGN KEY (user_id, task_id) REFERENCES public.tasks (user_id, id) ON DELETE CASCADE
);

-- +goose Down
DROP TABLE app.comments;
DROP SCHEMA app;
