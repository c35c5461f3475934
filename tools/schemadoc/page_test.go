package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }

// The page names everything that is stored, and what the catalogue says of it.
func TestPage(t *testing.T) {
	t.Parallel()
	dsn := bizydbtest.New(t).AdminDSN
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `
		CREATE TABLE bizydb.likes (
			task_id bigint REFERENCES public.tasks (id), told text DEFAULT 'a|b' CONSTRAINT ck_told CHECK (told IN ('a|b', 'c')), CONSTRAINT uq_likes UNIQUE (task_id)
		);
		COMMENT ON TABLE bizydb.likes IS 'Who liked what.';
		COMMENT ON COLUMN bizydb.likes.told IS 'a|b or *c*.';
		COMMENT ON CONSTRAINT ck_told ON bizydb.likes IS 'Two are enough.';
		CREATE INDEX ix_told ON bizydb.likes (told DESC) WHERE told <> 'c';
		COMMENT ON INDEX bizydb.ix_told IS 'What was told last.';
		CREATE FUNCTION bizydb.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
		COMMENT ON FUNCTION bizydb.keep() IS 'Trigger: nothing changes.';
		CREATE TRIGGER likes_keep BEFORE UPDATE OF told ON bizydb.likes FOR EACH ROW WHEN (OLD.told = 'c') EXECUTE FUNCTION bizydb.keep();
		CREATE TRIGGER likes_last BEFORE DELETE ON bizydb.likes FOR EACH ROW EXECUTE FUNCTION bizydb.keep();
		COMMENT ON TRIGGER likes_last ON bizydb.likes IS 'They stay.';
		CREATE VIEW bizydb.liked AS SELECT task_id FROM bizydb.likes`); err != nil {
		t.Fatal(err)
	}
	page, err := pageOf(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n  \"tasks\" |o--o{ \"bizydb.likes\" : \"task_id\"\n",
		"\n  \"users\" ||--o{ \"tasks\" : \"user_id\"\n",
		"\n  \"goals\" |o--o{ \"tasks\" : \"parent_goal_id\"\n",
		"\n  \"tasks\" }o--o{ \"tasks\" : \"dependencies\"\n",
		"\n  \"bizydb.likes\" {\n    bigint task_id FK\n    text told\n  }\n",
		"\n## bizydb.likes\n\nWho liked what.\n",
		"\n| told | text | yes | `'a\\|b'` | a\\|b or \\*c\\*. |\n",
		"\n| uq_likes | `UNIQUE (task_id)` |  |\n",
		"\n| ix_told | `(told DESC) WHERE (told <> 'c')` | What was told last. |\n",
		"\n| likes_task_id_fkey | `(task_id) REFERENCES tasks(id)` |\n",
		"\n| ck_told | `(told = ANY (ARRAY['a\\|b', 'c']))` Two are enough. |\n",
		"\n| likes_keep | BEFORE UPDATE OF told | nothing changes. |\n",
		"\n| likes_last | BEFORE DELETE | They stay. |\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("not on the page: %s", want)
		}
	}
	for _, absent := range []string{"bizydb_schema_version", "bizydb.liked"} {
		if strings.Contains(page, absent) {
			t.Errorf("on the page: %s", absent)
		}
	}

	rows, err := conn.Query(t.Context(), `
		WITH tables AS (
			SELECT oid, CASE relnamespace WHEN 'public'::regnamespace THEN '' ELSE relnamespace::regnamespace || '.' END || relname AS name FROM pg_class
			WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) AND relname <> 'bizydb_schema_version')
		SELECT name, '## ' || name FROM tables
		UNION ALL SELECT name, '| ' || attname || ' | ' FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
		UNION ALL SELECT name, '| ' || relname || ' | ' FROM tables JOIN pg_index ON indrelid = tables.oid JOIN pg_class ON pg_class.oid = indexrelid
		UNION ALL SELECT name, '| ' || conname || ' | ' FROM tables JOIN pg_constraint ON conrelid = tables.oid AND contype IN ('p', 'u', 'f', 'c')
		UNION ALL SELECT name, '| ' || tgname || ' | ' FROM tables JOIN pg_trigger ON tgrelid = tables.oid AND NOT tgisinternal`)
	if err != nil {
		t.Fatal(err)
	}
	var table, line string
	n, err := pgx.ForEachRow(rows, []any{&table, &line}, func() error {
		_, section, _ := strings.Cut(page, "\n## "+table+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !strings.Contains("## "+table+section, line) {
			t.Errorf("%s: not in its section: %s", table, line)
		}
		return nil
	})
	if err != nil || n.RowsAffected() < 50 {
		t.Errorf("%v, %v", n, err)
	}
}

// A page that is not what the database says is told apart.
func TestCheck(t *testing.T) {
	t.Parallel()
	dsn := bizydbtest.New(t).AdminDSN
	page := filepath.Join(t.TempDir(), "schema.md")
	if err := run(t.Context(), dsn, page, true); !os.IsNotExist(err) {
		t.Errorf("no page: %v", err)
	}
	if err := run(t.Context(), dsn, page, false); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), dsn, page, true); err != nil {
		t.Errorf("just written: %v", err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), "COMMENT ON COLUMN public.tasks.title IS 'changed'"); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), dsn, page, true); err == nil || !strings.Contains(err.Error(), "\n+| title | text |  |  | changed |\n") {
		t.Errorf("stale: %v", err)
	}
}
