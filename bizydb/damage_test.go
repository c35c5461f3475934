package bizydb_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// A damage is something done to a migrated database or to the service's login. LOGIN stands for the login, TEAM for a role that
// belongs to nobody, MIGRATOR for the tables' owner and DB for the database.
type damage struct {
	sql  string
	want error
	mend string // that the error names, "" for the opposite of sql
}

var damages = []damage{
	// The login lacks something.
	{"REVOKE USAGE ON SCHEMA bizydb FROM LOGIN", bizydb.ErrMissingGrant, ""},
	{"REVOKE USAGE ON SCHEMA public FROM PUBLIC", bizydb.ErrMissingGrant, "GRANT USAGE ON SCHEMA public TO LOGIN"},
	{"REVOKE bizydb_user FROM LOGIN", bizydb.ErrMissingGrant, ""},
	{"REVOKE bizydb_accounts FROM LOGIN", bizydb.ErrMissingGrant, ""},

	// It, or a role that it can become, has too much.
	{"GRANT SELECT ON public.tasks TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT SELECT (id) ON public.users TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT DELETE ON public.goals TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT TRIGGER ON public.goals TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT SELECT ON bizydb.imports TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT USAGE ON SEQUENCE public.tasks_id_seq TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT CREATE ON SCHEMA bizydb TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT TEAM TO LOGIN; GRANT SELECT ON public.tasks TO TEAM", bizydb.ErrPrivilegedLogin, "REVOKE SELECT ON public.tasks FROM TEAM"},
	{"GRANT TEAM TO LOGIN; CREATE POLICY team ON public.tasks TO TEAM USING (true)", bizydb.ErrPrivilegedLogin, "DROP POLICY team ON public.tasks"},
	{"GRANT TEAM TO LOGIN; GRANT pg_read_all_data TO TEAM", bizydb.ErrPrivilegedLogin, "REVOKE TEAM FROM LOGIN"},
	{"GRANT pg_write_all_data TO LOGIN", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT TEAM TO LOGIN; ALTER TABLE public.goals OWNER TO TEAM", bizydb.ErrPrivilegedLogin, "REVOKE TEAM FROM LOGIN"},
	{"ALTER ROLE LOGIN BYPASSRLS", bizydb.ErrPrivilegedLogin, "ALTER ROLE LOGIN NOBYPASSRLS"},
	{"ALTER ROLE LOGIN REPLICATION", bizydb.ErrPrivilegedLogin, "ALTER ROLE LOGIN NOREPLICATION"},
	{"ALTER ROLE LOGIN SUPERUSER", bizydb.ErrPrivilegedLogin, "log in as another role than LOGIN, which is a superuser"},
	{"ALTER FUNCTION bizydb.monday(date) OWNER TO LOGIN", bizydb.ErrPrivilegedLogin, "log in as another role than LOGIN, which owns"},

	{"ALTER DATABASE DB OWNER TO LOGIN", bizydb.ErrPrivilegedLogin, "log in as another role than LOGIN, which owns the database"},
	{"GRANT TEAM TO LOGIN; ALTER DATABASE DB OWNER TO TEAM", bizydb.ErrPrivilegedLogin, "REVOKE TEAM FROM LOGIN"},
	{"ALTER SCHEMA public OWNER TO LOGIN", bizydb.ErrPrivilegedLogin, "log in as another role than LOGIN, which owns schema public"},
	{"GRANT TEAM TO LOGIN; ALTER SCHEMA public OWNER TO TEAM", bizydb.ErrPrivilegedLogin, "REVOKE TEAM FROM LOGIN"},

	// So has PUBLIC.
	{"GRANT SELECT ON public.goals TO PUBLIC", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO PUBLIC", bizydb.ErrPrivilegedLogin, ""},
	{"GRANT USAGE ON TYPE bizydb.work TO PUBLIC", bizydb.ErrPrivilegedLogin, ""},

	// The roles have too much.
	{"GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO bizydb_user", bizydb.ErrUnprotected, ""},
	{"GRANT SELECT (hashed_password) ON public.users TO bizydb_user", bizydb.ErrUnprotected, ""},
	{"GRANT SELECT ON public.users TO bizydb_user", bizydb.ErrUnprotected, ""}, // REVOKE takes the columns with it
	{"GRANT UPDATE (is_superuser) ON bizydb.profiles TO bizydb_user", bizydb.ErrUnprotected, ""},
	{"GRANT TRUNCATE ON public.tasks TO bizydb_user", bizydb.ErrUnprotected, ""},
	{"GRANT SELECT ON public.tasks TO bizydb_accounts", bizydb.ErrUnprotected, ""},
	{"GRANT USAGE ON SEQUENCE public.tasks_id_seq TO bizydb_user", bizydb.ErrUnprotected, ""},
	{"GRANT CREATE ON SCHEMA bizydb TO bizydb_user", bizydb.ErrUnprotected, ""},
	{"GRANT SELECT ON bizydb.imports TO bizydb_reporter", bizydb.ErrUnprotected, ""},
	{"GRANT SELECT (hashed_password) ON public.users TO bizydb_reporter", bizydb.ErrUnprotected, ""},
	{"GRANT UPDATE (title) ON public.tasks TO bizydb_reporter", bizydb.ErrUnprotected, ""},
	{"GRANT SELECT ON public.goals TO bizydb_reporter WITH GRANT OPTION", bizydb.ErrUnprotected, "REVOKE GRANT OPTION FOR SELECT ON public.goals FROM bizydb_reporter CASCADE"},
	{"GRANT EXECUTE ON FUNCTION bizydb.lock_user(bigint) TO bizydb_reporter", bizydb.ErrUnprotected, ""},
	{"GRANT DELETE ON public.tasks TO bizydb_user WITH GRANT OPTION", bizydb.ErrUnprotected, "REVOKE GRANT OPTION FOR DELETE ON public.tasks FROM bizydb_user CASCADE"},

	// Or too little.
	{"REVOKE DELETE ON public.tasks FROM bizydb_user", bizydb.ErrMissingGrant, ""},
	{"REVOKE INSERT (title) ON public.goals FROM bizydb_user", bizydb.ErrMissingGrant, ""},
	{"REVOKE UPDATE ON public.users FROM bizydb_accounts", bizydb.ErrMissingGrant, ""},
	{"REVOKE SELECT ON public.goals FROM bizydb_reporter", bizydb.ErrMissingGrant, ""},
	{"REVOKE SELECT (email) ON public.users FROM bizydb_reporter", bizydb.ErrMissingGrant, ""},
	{"REVOKE USAGE ON SCHEMA bizydb FROM bizydb_user", bizydb.ErrMissingGrant, ""},
	{"REVOKE EXECUTE ON FUNCTION bizydb.schema_version() FROM PUBLIC", bizydb.ErrMissingGrant, ""},
	{"REVOKE EXECUTE ON FUNCTION bizydb.current_user_id() FROM bizydb_user", bizydb.ErrMissingGrant, ""},

	// What confines them is not in force.
	{"ALTER TABLE public.tasks DISABLE ROW LEVEL SECURITY", bizydb.ErrUnprotected, "ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY"},
	{"ALTER TABLE bizydb.imports DISABLE ROW LEVEL SECURITY", bizydb.ErrUnprotected, "ALTER TABLE bizydb.imports ENABLE ROW LEVEL SECURITY"},
	{"DROP POLICY goals_owner ON public.goals", bizydb.ErrUnprotected, "CREATE POLICY goals_owner ON public.goals AS PERMISSIVE FOR ALL TO bizydb_user USING"},
	{"CREATE POLICY everybody ON public.tasks USING (true)", bizydb.ErrUnprotected, "DROP POLICY everybody ON public.tasks"},
	{"CREATE POLICY fewer ON public.tasks AS RESTRICTIVE TO bizydb_user USING (false)", bizydb.ErrUnprotected, "DROP POLICY fewer ON public.tasks"},
	{"ALTER POLICY goals_owner ON public.goals USING (true)", bizydb.ErrUnprotected, "DROP POLICY goals_owner ON public.goals"},
	{"ALTER POLICY goals_owner ON public.goals TO bizydb_user, bizydb_accounts", bizydb.ErrUnprotected, "DROP POLICY goals_owner ON public.goals"},
	{"DROP POLICY tasks_reporter ON public.tasks", bizydb.ErrUnprotected, "CREATE POLICY tasks_reporter ON public.tasks AS PERMISSIVE FOR SELECT TO bizydb_reporter USING (true)"},
	{"CREATE POLICY more ON public.tasks TO bizydb_reporter USING (true)", bizydb.ErrUnprotected, "DROP POLICY more ON public.tasks"},
	{"ALTER VIEW bizydb.profiles RESET (security_invoker)", bizydb.ErrUnprotected, "ALTER VIEW bizydb.profiles SET (security_invoker = true)"},
	{"ALTER FUNCTION bizydb.delete_user(bigint) SECURITY INVOKER", bizydb.ErrUnprotected, "ALTER FUNCTION bizydb.delete_user(bigint) SECURITY DEFINER"},
	{"ALTER FUNCTION bizydb.derive_user() SECURITY DEFINER", bizydb.ErrUnprotected, "ALTER FUNCTION bizydb.derive_user() SECURITY INVOKER"},
	{"ALTER FUNCTION bizydb.delete_user(bigint) RESET search_path", bizydb.ErrUnprotected, "ALTER FUNCTION bizydb.delete_user(bigint) SET search_path TO pg_catalog, pg_temp"},
	{"ALTER FUNCTION bizydb.delete_user(bigint) OWNER TO TEAM", bizydb.ErrUnprotected, "ALTER FUNCTION bizydb.delete_user(bigint) OWNER TO MIGRATOR"},
	{"ALTER FUNCTION bizydb.delete_user(bigint) SET search_path = public", bizydb.ErrUnprotected, "ALTER FUNCTION bizydb.delete_user(bigint) RESET search_path"},
	{"ALTER TABLE public.goals DISABLE TRIGGER goals_derive", bizydb.ErrUnprotected, "ALTER TABLE public.goals ENABLE TRIGGER goals_derive"},
	{"ALTER TABLE public.tasks DISABLE TRIGGER ALL", bizydb.ErrUnprotected, "ALTER TABLE public.tasks ENABLE TRIGGER"}, // an interrupted pg_restore
	{"DROP TRIGGER tasks_roll_up_insert ON public.tasks", bizydb.ErrUnprotected, "CREATE OR REPLACE TRIGGER tasks_roll_up_insert AFTER INSERT ON public.tasks"},
	{"SELECT bizydb.track_changes(); ALTER TABLE public.tasks DISABLE TRIGGER tasks_log_update", bizydb.ErrUnprotected, "SELECT bizydb.track_changes(false), bizydb.track_changes()"},
	{"DROP TRIGGER users_forget_changes ON public.users", bizydb.ErrUnprotected, "SELECT bizydb.track_changes(false), bizydb.track_changes()"},
	{"CREATE RULE quiet AS ON DELETE TO public.tasks DO INSTEAD NOTHING", bizydb.ErrUnprotected, "DROP RULE quiet ON public.tasks"},

	// Settings, wherever they come from.
	{"ALTER ROLE LOGIN SET client_encoding = 'LATIN1'", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET client_encoding"},
	{"ALTER DATABASE DB SET client_encoding = 'SQL_ASCII'", bizydb.ErrConfig, "ALTER DATABASE DB RESET client_encoding"},
	{"ALTER ROLE LOGIN IN DATABASE DB SET client_encoding = 'WIN1252'", bizydb.ErrConfig, "ALTER ROLE LOGIN IN DATABASE DB RESET client_encoding"},
	{"ALTER ROLE LOGIN SET row_security = off", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET row_security"},
	{"ALTER ROLE LOGIN SET session_replication_role = replica", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET session_replication_role"},
	{"ALTER DATABASE DB SET default_transaction_read_only = on", bizydb.ErrConfig, "ALTER DATABASE DB RESET default_transaction_read_only"},
	{"ALTER ROLE LOGIN SET standard_conforming_strings = off", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET standard_conforming_strings"},
	{"ALTER ROLE LOGIN SET gin_fuzzy_search_limit = 100", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET gin_fuzzy_search_limit"},                                       // finds some of the rows
	{"ALTER ROLE LOGIN SET restrict_nonsystem_relation_kind = 'view, foreign-table'", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET restrict_nonsystem_relation_kind"}, // bizydb.profiles is one
	{"ALTER ROLE LOGIN SET default_transaction_isolation = 'repeatable read'", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET default_transaction_isolation"},
	{"ALTER ROLE LOGIN SET default_transaction_isolation = 'serializable'", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET default_transaction_isolation"},
	{"ALTER ROLE LOGIN SET role = bizydb_user", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET role"},
	{"GRANT bizydb_reporter TO LOGIN; ALTER ROLE LOGIN SET role = bizydb_reporter", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET role"},
	{"ALTER ROLE LOGIN SET bizydb.user_id = 1", bizydb.ErrConfig, "ALTER ROLE LOGIN RESET bizydb.user_id"},
	{"ALTER DATABASE DB SET bizydb.keep_updated_at = on", bizydb.ErrConfig, "ALTER DATABASE DB RESET bizydb.keep_updated_at"},
	{"ALTER DATABASE DB SET bizydb.importing = on", bizydb.ErrConfig, "ALTER DATABASE DB RESET bizydb.importing"},
	{"ALTER DATABASE DB SET bizydb.restoring = goals", bizydb.ErrConfig, "ALTER DATABASE DB RESET bizydb.restoring"},
	{"ALTER DATABASE DB SET bizydb.deletes_user = on", bizydb.ErrConfig, "ALTER DATABASE DB RESET bizydb.deletes_user"},

	// What everybody may read by default. Last, since the login alone has it afterwards.
	{"REVOKE SELECT ON pg_catalog.pg_db_role_setting FROM PUBLIC", bizydb.ErrMissingGrant, "GRANT SELECT ON pg_catalog.pg_db_role_setting TO \"LOGIN\""},
	{"REVOKE SELECT ON pg_catalog.pg_roles FROM PUBLIC", bizydb.ErrMissingGrant, "GRANT SELECT ON pg_catalog.pg_roles TO \"LOGIN\""},
	{"REVOKE SELECT ON pg_catalog.pg_auth_members FROM PUBLIC", bizydb.ErrMissingGrant, "GRANT SELECT ON pg_catalog.pg_auth_members TO \"LOGIN\""},
	{"REVOKE SELECT ON pg_catalog.pg_settings FROM PUBLIC", bizydb.ErrMissingGrant, "GRANT SELECT ON pg_catalog.pg_settings TO \"LOGIN\""},
	{"REVOKE SELECT ON pg_catalog.pg_proc FROM PUBLIC", bizydb.ErrMissingGrant, "GRANT SELECT ON pg_catalog.pg_proc TO \"LOGIN\""},
}

// Of 16 on, a membership says itself whether it is inherited, and whether the role can be taken.
var (
	damagesTo15 = []damage{
		{"ALTER ROLE LOGIN INHERIT", bizydb.ErrPrivilegedLogin, "ALTER ROLE LOGIN NOINHERIT"},
		{"GRANT bizydb_reporter TO LOGIN; ALTER ROLE LOGIN INHERIT", bizydb.ErrPrivilegedLogin, "ALTER ROLE LOGIN NOINHERIT"},
		{"ALTER ROLE LOGIN CREATEROLE", bizydb.ErrPrivilegedLogin, "ALTER ROLE LOGIN NOCREATEROLE"},
	}
	damagesFrom16 = []damage{
		{"GRANT bizydb_reporter TO LOGIN WITH INHERIT TRUE", bizydb.ErrPrivilegedLogin, "GRANT bizydb_reporter TO LOGIN WITH INHERIT FALSE"},
		{"GRANT bizydb_user TO LOGIN WITH INHERIT TRUE", bizydb.ErrPrivilegedLogin, "GRANT bizydb_user TO LOGIN WITH INHERIT FALSE"},
		{"GRANT bizydb_accounts TO LOGIN WITH SET FALSE", bizydb.ErrMissingGrant, "GRANT bizydb_accounts TO LOGIN WITH INHERIT FALSE, SET TRUE"},
		{
			"GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO LOGIN WITH SET FALSE", bizydb.ErrMissingGrant,
			"GRANT bizydb_user, bizydb_accounts TO LOGIN WITH INHERIT FALSE, SET TRUE -- or, for reports alone, GRANT bizydb_reporter TO LOGIN WITH INHERIT FALSE, SET TRUE",
		},
	}
)

// opposite makes a REVOKE of a GRANT and the other way round.
func opposite(sql string) string {
	if grant, ok := strings.CutPrefix(sql, "GRANT "); ok {
		return "REVOKE " + strings.Replace(grant, " TO ", " FROM ", 1)
	}
	return "GRANT " + strings.Replace(strings.TrimPrefix(sql, "REVOKE "), " FROM ", " TO ", 1)
}

// Whatever is broken, Open refuses, with the statement that mends it.
func TestOpenSaysWhatMends(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	made := bizydbtest.New(t)
	config := parseConfig(t, made.DSN)
	login := config.ConnConfig.User
	names := strings.NewReplacer("LOGIN", login, "TEAM", login+"_team", "MIGRATOR", ownerQuery[string](t, made, "SELECT quote_ident(current_user)"), "DB", config.ConnConfig.Database)
	conn, err := pgx.Connect(t.Context(), made.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	open := func() error {
		db, err := bizydb.Open(t.Context(), made.DSN)
		if err == nil {
			db.Close()
		}
		return err
	}
	statement := regexp.MustCompile(`(GRANT|REVOKE|ALTER|CREATE|DROP|SELECT|log in) [^;]*`)

	all := append(damages, damagesFrom16...)
	if ownerQuery[int](t, made, "SELECT current_setting('server_version_num')::integer") < 160000 {
		all = append(damages, damagesTo15...)
	}
	mended := "" // by a statement whose effect the next damage's error shows
	for _, d := range all {
		run(names.Replace("CREATE ROLE TEAM"))
		run(names.Replace(d.sql))
		err := open()
		mend := d.mend
		if mend == "" {
			mend = opposite(d.sql)
		}
		mend = names.Replace(mend)
		if !errors.Is(err, d.want) || !strings.Contains(err.Error(), mend) || strings.Count(err.Error(), "bizydb: ") != 1 {
			t.Errorf("%s:\n%v\nwant %v: %s", d.sql, err, d.want, mend)
		}
		if mended != "" && !strings.Contains(mended, mend) && err != nil && strings.Contains(err.Error(), mended) {
			t.Errorf("after %s: %v", mended, err)
		}
		if mended = ""; err != nil && len(statement.FindAllString(err.Error(), -1)) == 1 {
			mended = statement.FindString(err.Error())
		}
		for range 30 { // an error has three at most
			if err == nil {
				break
			}
			sql := statement.FindString(err.Error())
			if strings.HasPrefix(sql, "log in ") { // no statement helps
				run(names.Replace("ALTER ROLE LOGIN NOSUPERUSER; REASSIGN OWNED BY LOGIN TO MIGRATOR; GRANT CONNECT ON DATABASE DB TO LOGIN; GRANT USAGE ON SCHEMA bizydb TO LOGIN"))
			} else {
				run(sql)
			}
			if err = nil; mended == "" || d == all[len(all)-1] {
				err = open()
			}
		}
		if err != nil {
			t.Fatalf("%s: after what was said: %v", d.sql, err)
		}
		run(names.Replace("REASSIGN OWNED BY TEAM TO MIGRATOR; DROP OWNED BY TEAM; DROP ROLE TEAM"))
	}
	t.Logf("%d ways", len(all))
}

// An owner or a superuser is told to use another login, and nothing that would change this role or make it fit for a service.
func TestOpenAsAnother(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	for name, change := range map[string]string{
		"owner of the database":         "ALTER DATABASE DB OWNER TO LOGIN",
		"owner who may create roles":    "ALTER SCHEMA public OWNER TO LOGIN; ALTER ROLE LOGIN CREATEROLE INHERIT; GRANT SELECT ON public.tasks TO LOGIN",
		"owner who lacks what it needs": "ALTER SCHEMA public OWNER TO LOGIN; REVOKE bizydb_accounts FROM LOGIN; REVOKE USAGE ON SCHEMA bizydb FROM LOGIN",
		"superuser":                     "ALTER ROLE LOGIN SUPERUSER INHERIT CREATEROLE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t)
			config := parseConfig(t, made.DSN).ConnConfig
			asOwner(t, made, strings.NewReplacer("LOGIN", config.User, "DB", config.Database).Replace(change))
			db, err := bizydb.Open(t.Context(), made.DSN)
			if err == nil {
				db.Close()
			}
			if says := "^bizydb: open: login role is not confined: log in as another role than " + config.User + ", which [^;]+$"; !errors.Is(err, bizydb.ErrPrivilegedLogin) || !regexp.MustCompile(says).MatchString(err.Error()) {
				t.Errorf("%v, want %s", err, says)
			}
		})
	}
}

// An error has three statements at most, and names schema.Protect only where that does the others.
func TestOpenSaysWhatElse(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	for name, c := range map[string]struct{ before, says string }{
		"four for the owner":      {"REVOKE INSERT (title, status), UPDATE (title, status) ON public.goals FROM bizydb_user", "; and 1 more, see schema.Protect"},
		"four of the login":       {"GRANT SELECT, INSERT, UPDATE, DELETE ON public.goals TO LOGIN", "; and 1 more"},
		"four settings":           {"ALTER ROLE LOGIN SET row_security = off; ALTER ROLE LOGIN SET gin_fuzzy_search_limit = 1; ALTER ROLE LOGIN SET standard_conforming_strings = off; ALTER ROLE LOGIN SET bizydb.user_id = 1", "; and 1 more"},
		"the login lacks as many": {"REVOKE bizydb_user, bizydb_accounts FROM LOGIN; REVOKE USAGE ON SCHEMA bizydb FROM LOGIN; REVOKE INSERT (title, status) ON public.goals FROM bizydb_user", "; and 1 more"},
		"four columns":            {"ALTER TABLE public.tasks DROP notes, DROP category, DROP blocked_reason, DROP actual_hours", " more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t)
			asOwner(t, made, strings.ReplaceAll(c.before, "LOGIN", parseConfig(t, made.DSN).ConnConfig.User))
			if db, err := bizydb.Open(t.Context(), made.DSN); err == nil || !strings.HasSuffix(err.Error(), c.says) || strings.Count(err.Error(), ";") != 3 {
				if err == nil {
					db.Close()
				}
				t.Errorf("%v, want %s", err, c.says)
			}
		})
	}
}

// What is not bizydb's, or does no harm, is no reason to refuse a start; and then calls work.
func TestOpenAccepts(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"others' tables":         "CREATE SCHEMA app; CREATE TABLE app.notes (id bigint, user_id bigint); GRANT USAGE ON SCHEMA app TO LOGIN; GRANT ALL ON app.notes TO LOGIN, PUBLIC, bizydb_user; CREATE TABLE public.notes (); GRANT ALL ON public.notes TO PUBLIC",
		"reports":                "GRANT bizydb_reporter TO LOGIN",
		"others' functions":      "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
		"others' roles":          "CREATE ROLE TEAM SUPERUSER; GRANT ALL ON public.tasks TO TEAM; CREATE POLICY team ON public.tasks TO TEAM USING (true)",
		"reports of their own":   "CREATE ROLE TEAM; GRANT SELECT ON public.tasks TO TEAM; GRANT USAGE ON SCHEMA bizydb TO TEAM",
		"a role to take":         "CREATE ROLE TEAM; GRANT TEAM TO LOGIN; GRANT USAGE ON SCHEMA public, bizydb TO TEAM",
		"a role taken at log-in": "CREATE ROLE TEAM NOINHERIT; GRANT bizydb_user, bizydb_accounts TO TEAM; GRANT USAGE ON SCHEMA public, bizydb TO TEAM; GRANT TEAM TO LOGIN; ALTER ROLE LOGIN SET role = TEAM",
		"everybody's schema":     "GRANT USAGE ON SCHEMA bizydb TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC",
		"own triggers":           "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER own BEFORE INSERT ON public.tasks FOR EACH ROW EXECUTE FUNCTION public.f(); ALTER TABLE public.tasks DISABLE TRIGGER own",
		"own columns":            "ALTER TABLE public.tasks ADD COLUMN colour text CHECK (colour <> ''); CREATE INDEX ON public.tasks (colour)",
		"default privileges":     "CREATE ROLE TEAM; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO TEAM, PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
		"forced row security":    "ALTER TABLE public.tasks FORCE ROW LEVEL SECURITY; ALTER TABLE public.goals FORCE ROW LEVEL SECURITY; ALTER TABLE public.users FORCE ROW LEVEL SECURITY", // the owner is a superuser
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := bizydbtest.New(t)
			login := parseConfig(t, made.DSN).ConnConfig.User
			names := strings.NewReplacer("LOGIN", login, "TEAM", login+"_team")
			asOwner(t, made, names.Replace(sql))
			if strings.Contains(sql, "TEAM") {
				defer asOwner(t, made, names.Replace("DROP OWNED BY TEAM; DROP ROLE TEAM"))
			}
			work(t, made, func(*pgxpool.Config) {})
		})
	}
}

// work opens a database once more and does a little of everything in it.
func work(t *testing.T, made *bizydbtest.Database, configure func(*pgxpool.Config)) {
	t.Helper()
	db := open(t, made.DSN, configure)
	user, other := made.NewUser(t), made.NewUser(t)
	plant(t, db.As(user))
	if got := titles(t, db.As(user)); len(got) != 1 {
		t.Errorf("the user has %q", got)
	}
	if got := titles(t, db.As(other)); len(got) != 0 {
		t.Errorf("another user has %q", got)
	}
	if _, err := db.Accounts().Delete(t.Context(), user); err != nil {
		t.Error(err)
	}
}

// A login can have a name that has to be quoted.
func TestOpenWithAnyName(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	made := bizydbtest.New(t)
	config := parseConfig(t, made.DSN)
	login := `Planner's "` + config.ConnConfig.User[len(config.ConnConfig.User)-12:] + `"@example.iam` // at most 63 bytes
	name := pgx.Identifier{login}.Sanitize()
	asOwner(t, made, "CREATE ROLE "+name+" LOGIN NOINHERIT PASSWORD 'secret'; GRANT CONNECT ON DATABASE "+config.ConnConfig.Database+" TO "+name+"; ALTER ROLE "+name+" SET row_security = off")
	defer asOwner(t, made, "DROP OWNED BY "+name+"; DROP ROLE "+name)
	config.ConnConfig.User, config.ConnConfig.Password = login, "secret"
	for _, mend := range []string{"ALTER ROLE " + name + " RESET row_security", "GRANT USAGE ON SCHEMA bizydb TO " + name, "GRANT bizydb_user, bizydb_accounts TO " + name} {
		db, err := bizydb.OpenConfig(t.Context(), config)
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), mend) {
			t.Errorf("%v, want %s", err, mend)
		}
		asOwner(t, made, mend)
	}
	db, err := bizydb.OpenConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}

// AllowPrivilegedLogin is about the login, not about what users may do.
func TestPrivilegedLoginIsNoExcuse(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, "GRANT SELECT ON public.tasks TO "+parseConfig(t, made.DSN).ConnConfig.User)
	for sql, want := range map[string]error{
		"GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO PUBLIC":      bizydb.ErrUnprotected,
		"GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO bizydb_user": bizydb.ErrUnprotected,
		"REVOKE DELETE ON public.tasks FROM bizydb_user":                      bizydb.ErrMissingGrant,
	} {
		asOwner(t, made, sql)
		for _, dsn := range []string{made.DSN, made.AdminDSN} {
			if db, err := bizydb.Open(t.Context(), dsn, bizydb.AllowPrivilegedLogin()); err == nil || !errors.Is(err, want) || errors.Is(err, bizydb.ErrPrivilegedLogin) {
				if err == nil {
					db.Close()
				}
				t.Errorf("%s: %v, want %v", sql, err, want)
			}
		}
		asOwner(t, made, opposite(sql))
	}
	db, err := bizydb.Open(t.Context(), made.DSN, bizydb.AllowPrivilegedLogin())
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}

// The roles are the server's, so these damages need a server of their own.
func TestOpenLooksAtTheRoles(t *testing.T) {
	t.Parallel()
	made := onServerOfItsOwn(t)
	asOwner(t, made, "CREATE ROLE nobody; CREATE ROLE team; CREATE ROLE boss BYPASSRLS; GRANT boss TO team")
	for sql, mend := range map[string]string{
		"ALTER ROLE bizydb_user BYPASSRLS":               "ALTER ROLE bizydb_user NOBYPASSRLS",
		"ALTER ROLE bizydb_user SUPERUSER":               "ALTER ROLE bizydb_user NOSUPERUSER",
		"ALTER ROLE bizydb_accounts LOGIN":               "ALTER ROLE bizydb_accounts NOLOGIN",
		"ALTER ROLE bizydb_accounts CREATEROLE":          "ALTER ROLE bizydb_accounts NOCREATEROLE",
		"GRANT bizydb_accounts TO bizydb_user":           "REVOKE bizydb_accounts FROM bizydb_user",
		"GRANT team TO bizydb_user":                      "REVOKE team FROM bizydb_user",
		"GRANT bizydb_reporter TO bizydb_user":           "REVOKE bizydb_reporter FROM bizydb_user",
		"GRANT bizydb_user TO bizydb_reporter":           "REVOKE bizydb_user FROM bizydb_reporter",
		"GRANT boss TO bizydb_reporter":                  "REVOKE boss FROM bizydb_reporter",
		"GRANT nobody TO bizydb_reporter":                "REVOKE nobody FROM bizydb_reporter", // whatever it may
		"ALTER ROLE bizydb_reporter BYPASSRLS":           "ALTER ROLE bizydb_reporter NOBYPASSRLS",
		"GRANT pg_read_all_data TO bizydb_accounts":      "REVOKE pg_read_all_data FROM bizydb_accounts",
		"GRANT pg_execute_server_program TO bizydb_user": "REVOKE pg_execute_server_program FROM bizydb_user",
	} {
		asOwner(t, made, sql)
		db, err := bizydb.Open(t.Context(), made.DSN)
		if err == nil {
			db.Close()
		}
		if !errors.Is(err, bizydb.ErrUnprotected) || !strings.Contains(err.Error(), mend) {
			t.Errorf("%s: %v, want %s", sql, err, mend)
		}
		asOwner(t, made, mend)
		if db, err = bizydb.Open(t.Context(), made.DSN); err != nil {
			t.Fatalf("after %s: %v", mend, err)
		}
		db.Close()
	}
}
