DROP TABLE app.comments;
DROP SCHEMA app;
