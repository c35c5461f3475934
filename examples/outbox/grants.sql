-- The consumer's login, for the tables' owner to run. It reads events, deletes what is delivered, notes who is blocked, and has no other right.
CREATE ROLE planner_outbox LOGIN PASSWORD 'secret';
GRANT USAGE ON SCHEMA app TO planner_outbox;
GRANT SELECT, DELETE ON app.outbox TO planner_outbox;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.outbox_blocked TO planner_outbox;
