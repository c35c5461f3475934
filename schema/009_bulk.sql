-- What many tasks are passed as in one parameter. As types of their own, since that is how sqlc can tell which Go type
-- they have.
CREATE DOMAIN bizydb.task_ids AS jsonb;
CREATE DOMAIN bizydb.new_tasks AS jsonb;

COMMENT ON DOMAIN bizydb.task_ids IS 'A JSON array of ids of tasks.';
COMMENT ON DOMAIN bizydb.new_tasks IS 'A JSON array of objects with the columns of tasks.';

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 9 $$;

---- create above / drop below ----

CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT 8 $$;

DROP DOMAIN bizydb.new_tasks;
DROP DOMAIN bizydb.task_ids;
