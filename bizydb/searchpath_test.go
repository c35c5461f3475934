package bizydb_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Tables, functions and operators that the login's search_path puts in the way are not used.
func TestScopeIgnoresSearchPath(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	a, b := made.NewUser(t), made.NewUser(t)
	plant(t, made.As(a))
	asOwner(t, made, `
		CREATE SCHEMA mine;
		CREATE FUNCTION mine.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT $2 $$;
		CREATE FUNCTION mine.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'none' $$;
		CREATE FUNCTION mine.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$;
		CREATE FUNCTION mine.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
		CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.eq);
		CREATE TABLE mine.tasks (id bigint);
		CREATE TABLE mine.users (id bigint);
		GRANT USAGE ON SCHEMA mine TO PUBLIC;
		GRANT ALL ON ALL TABLES IN SCHEMA mine TO PUBLIC`)
	fromNowOn(t, made, `SET search_path = mine, pg_catalog, public`)
	for _, as := range []struct {
		dsn  string
		mode pgx.QueryExecMode
	}{
		{made.DSN, execModes(t)[0]},
		{made.DSN, pgx.QueryExecModeExec}, // in which Open asks for more
		{made.AdminDSN, execModes(t)[0]},
	} {
		config := parseConfig(t, as.dsn)
		config.ConnConfig.DefaultQueryExecMode = as.mode
		db, err := bizydb.OpenConfig(t.Context(), config, bizydb.AllowPrivilegedLogin())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if path, err := queryAll[string](t, db.Pool(), "SHOW search_path"); err != nil || !strings.HasPrefix(path[0], "mine") {
			t.Errorf("search_path %q, %v", path, err)
		}
		if got := titles(t, db.As(a)); len(got) != 1 {
			t.Errorf("A has %q", got)
		}
		if got := titles(t, db.As(b)); len(got) != 0 {
			t.Errorf("B has %q", got)
		}
		err = pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
			if got := titles(t, db.As(b).WithTx(tx)); len(got) != 0 {
				t.Errorf("B has %q in a transaction", got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
