package schema_test

import (
	"flag"
	"fmt"
	"os"
	osexec "os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
	"github.com/bizy-ai/bizydb/schema/rights"
)

var updateRights = flag.Bool("update", false, "write the list in rights/rights.sql anew")

// expectedRights are the lines of the list in rights.sql.
func expectedRights() []string {
	_, list, _ := strings.Cut(rights.Script, "$list$\n")
	list, _, _ = strings.Cut(list, "$list$")
	return strings.Split(strings.TrimSpace(list), "\n")
}

// The list is what a migrated database has.
func TestRightsAreCurrent(t *testing.T) {
	t.Parallel()
	database := newDatabase(t, cluster(t), "") // which is not opened: Open goes by the list
	migrated(t, database)
	conn := connect(t, database)
	exec(t, conn, "SELECT bizydb.track_changes()")
	query, _, _ := strings.Cut(rights.SQL, ",\n\n-- What differs.")
	results, err := conn.PgConn().Exec(t.Context(), query+`SELECT DISTINCT line COLLATE "C" FROM live WHERE line IS NOT NULL ORDER BY 1`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range results[len(results)-1].Rows {
		lines = append(lines, string(row[0]))
	}
	diff := cmp.Diff(expectedRights(), lines)
	if diff == "" {
		return
	}
	if !*updateRights {
		t.Fatalf("rights.sql is not what the migrations make; go test ./schema -run TestRightsAreCurrent -update, and read what changes (-rights.sql +migrated):\n%s", diff)
	}
	before, rest, _ := strings.Cut(rights.Script, "$list$\n")
	_, after, _ := strings.Cut(rest, "$list$")
	if err := os.WriteFile("rights/rights.sql", []byte(before+"$list$\n"+strings.Join(lines, "\n")+"\n$list$"+after), 0o666); err != nil {
		t.Fatal(err)
	}
}

// differences are what rights.sql finds in a transaction of the owner's.
func differences(t testing.TB, tx pgx.Tx) []string {
	t.Helper()
	results, err := tx.Conn().PgConn().Exec(t.Context(), rights.SQL).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, row := range results[len(results)-1].Rows {
		found = append(found, string(row[0]))
	}
	return found
}

type taking struct {
	line        *regexp.Regexp
	taken, back string
}

const setColumn, ofTable = `UPDATE pg_catalog.pg_attribute SET `, ` WHERE attrelid = '$1'::regclass AND attname = '$2'`

// takings make of a line of the list a statement that undoes it, and, where the line itself does not, one that gives it back. AWAY
// stands for a name that nothing has.
var takings = []taking{
	{regexp.MustCompile(`^GRANT USAGE ON SCHEMA public TO (.*)`), `REVOKE USAGE ON SCHEMA public FROM PUBLIC, $1`, ``}, // PUBLIC has it by default
	{regexp.MustCompile(`^GRANT (.*) TO (\w+)$`), `REVOKE $1 FROM $2`, ``},
	{regexp.MustCompile(`^CREATE POLICY (\w+) ON (\S+) .*`), `DROP POLICY $1 ON $2`, ``},
	{regexp.MustCompile(`^CREATE OR REPLACE TRIGGER (\w+) .* ON (\S+) (FOR EACH|REFERENCING) .*`), `DROP TRIGGER $1 ON $2`, ``},
	{regexp.MustCompile(`^(ALTER TABLE .*) ENABLE (ROW LEVEL SECURITY)`), `$1 DISABLE $2`, ``},
	{regexp.MustCompile(`^(ALTER VIEW .*) SET \((\w+) = true\)`), `$1 SET ($2 = off)`, ``},
	{regexp.MustCompile(`^(ALTER FUNCTION .*) SECURITY DEFINER`), `$1 SECURITY INVOKER`, ``},
	{regexp.MustCompile(`^(ALTER FUNCTION .*) SET (\w+) TO .*`), `$1 RESET $2`, ``},
	{regexp.MustCompile(`^-- relation (\S+)\.(\S+)$`), `ALTER TABLE $1.$2 RENAME TO AWAY`, `ALTER TABLE $1.AWAY RENAME TO $2`}, // and so a view or a sequence
	{regexp.MustCompile(`^-- column (\S+)\.(\S+)$`), `ALTER TABLE $1 RENAME $2 TO AWAY`, `ALTER TABLE $1 RENAME AWAY TO $2`},
	{regexp.MustCompile(`^-- constraint (\S+)\.(\S+)$`), `ALTER TABLE $1 RENAME CONSTRAINT $2 TO AWAY`, `ALTER TABLE $1 RENAME CONSTRAINT AWAY TO $2`},
	{regexp.MustCompile(`^-- index (\S+)\.(\S+)$`), `ALTER INDEX $1.$2 RENAME TO AWAY`, `ALTER INDEX $1.AWAY RENAME TO $2`},
	// In the catalog: not all of them can be dropped, or made again in so many words.
	{regexp.MustCompile(`^-- default (\S+)\.(\S+)$`), setColumn + `atthasdef = false` + ofTable, setColumn + `atthasdef = true` + ofTable},
	{regexp.MustCompile(`^-- identity (\S+)\.(\S+)$`), setColumn + `attidentity = ''` + ofTable, setColumn + `attidentity = 'd'` + ofTable},
	{regexp.MustCompile(`^-- not null (\S+)\.(\S+)$`), setColumn + `attnotnull = false` + ofTable, setColumn + `attnotnull = true` + ofTable},
	{regexp.MustCompile(`^-- function bizydb\.(\w+)(\(.*\))$`), `ALTER FUNCTION bizydb.$1$2 RENAME TO AWAY`, `ALTER FUNCTION bizydb.AWAY$2 RENAME TO $1`},
}

// tracking are the triggers that are there while changes are tracked: TestTrackingIsWhole.
var tracking = regexp.MustCompile(`EXECUTE FUNCTION bizydb\.(log_changes|log_truncation|forget_changes)\(`)

// Whatever the migrations gave, is missed once it is gone, and the statement that is said gives it back.
func TestEachRight(t *testing.T) {
	t.Parallel()
	conn := owner(t, bizydbtest.New(t))
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()

	for _, kind := range []string{"-- function ", "-- column ", "-- relation ", "-- constraint ", "-- index ", "-- default ", "-- identity ", "-- not null ", "ALTER ", "CREATE POLICY ", "CREATE OR REPLACE TRIGGER ", "GRANT "} {
		var missing, back []string
		for _, line := range expectedRights() {
			if !strings.HasPrefix(line, kind) || tracking.MatchString(line) {
				continue
			}
			at := slices.IndexFunc(takings, func(taking taking) bool { return taking.line.MatchString(line) })
			if at < 0 {
				t.Fatalf("no way to take %s", line)
			}
			away := strings.NewReplacer("AWAY", fmt.Sprintf("away_%d", len(missing)))
			exec(t, tx, away.Replace(takings[at].line.ReplaceAllString(line, takings[at].taken)))
			if takings[at].back == "" {
				missing, back = append(missing, line+" -- less"), append(back, line)
			} else {
				missing, back = append(missing, line+" -- lost"), append(back, away.Replace(takings[at].line.ReplaceAllString(line, takings[at].back)))
			}
		}
		found := slices.DeleteFunc(differences(t, tx), func(l string) bool {
			return (kind == "-- relation " || kind == "-- column ") && !strings.HasPrefix(l, kind) // what it has is named by its name
		})
		slices.Sort(missing)
		slices.Sort(found)
		if diff := cmp.Diff(missing, found); diff != "" {
			t.Errorf("without each %s(-want +got):\n%s", kind, diff)
		}
		for _, sql := range back {
			exec(t, tx, sql)
		}
		if found := differences(t, tx); len(found) > 0 {
			t.Errorf("with each %sagain: %q", kind, found)
		}
		t.Logf("%d times %s", len(missing), kind)
	}
}

// What is given beyond that, to PUBLIC or one of bizydb's roles, is to be taken back, and nothing else with it.
func TestSurplusRights(t *testing.T) {
	t.Parallel()
	conn := owner(t, bizydbtest.New(t))
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	exec(t, tx, "SET LOCAL search_path = ''")

	privileges := map[string][]string{
		"SEQUENCE ": {"SELECT", "UPDATE", "USAGE"}, "FUNCTION ": {"EXECUTE"}, "TYPE ": {"USAGE"}, "SCHEMA ": {"CREATE"},
		"": {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"},
	}
	if one[int](t, tx, "SELECT current_setting('server_version_num')::integer") >= 170000 {
		privileges[""] = append(privileges[""], "MAINTAIN")
	}
	objects := map[string][]string{
		"":          all[string](t, tx, `SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v') AND (relnamespace = 'bizydb'::regnamespace OR oid IN ('public.users'::regclass, 'public.goals'::regclass, 'public.tasks'::regclass))`),
		"SEQUENCE ": all[string](t, tx, `SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'`),
		"FUNCTION ": all[string](t, tx, `SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'bizydb'::regnamespace`),
		"TYPE ":     all[string](t, tx, `SELECT oid::regtype::text FROM pg_type t WHERE typnamespace = 'bizydb'::regnamespace AND typelem = 0 AND typtype IN ('c', 'd') AND NOT EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind <> 'c')`),
		"SCHEMA ":   {"bizydb"},
	}
	columns := all[string](t, tx, `SELECT format('(%I) ON %s', attname, attrelid::regclass) FROM pg_attribute WHERE attnum > 0 AND attrelid IN ('public.users'::regclass, 'public.goals'::regclass, 'public.tasks'::regclass, 'bizydb.imports'::regclass, 'bizydb.changes'::regclass, 'bizydb.deleted_goals'::regclass, 'bizydb.deleted_tasks'::regclass, 'bizydb.profiles'::regclass)`)
	var granted []string
	for _, role := range []string{"PUBLIC", "bizydb_user", "bizydb_accounts", "bizydb_reporter"} {
		for kind, names := range objects {
			for _, name := range names {
				for _, privilege := range privileges[kind] {
					granted = append(granted, fmt.Sprintf("GRANT %s ON %s%s TO %s", privilege, kind, name, role))
				}
			}
		}
		for _, column := range columns {
			for _, privilege := range []string{"SELECT", "INSERT", "UPDATE", "REFERENCES"} {
				granted = append(granted, fmt.Sprintf("GRANT %s %s TO %s", privilege, column, role))
			}
		}
	}

	expected := expectedRights()
	lost := []string{}
	for _, grant := range granted {
		exec(t, tx, grant)
		if slices.Contains(expected, grant) {
			continue
		}
		what, role, _ := strings.Cut(strings.TrimPrefix(grant, "GRANT "), " TO ")
		why := "more"
		if role == "PUBLIC" {
			why = role
		}
		lost = append(lost, fmt.Sprintf("REVOKE %s FROM %s -- %s", what, role, why))
	}
	found := differences(t, tx)
	revokes := slices.DeleteFunc(slices.Clone(found), func(l string) bool { return strings.HasSuffix(l, " -- less") })
	slices.Sort(lost)
	slices.Sort(revokes)
	if diff := cmp.Diff(lost, revokes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, difference := range found {
		exec(t, tx, rights.Parse(difference).SQL)
	}
	if found := differences(t, tx); len(found) > 0 {
		t.Errorf("in the end: %q", found)
	}
	t.Logf("%d rights", len(lost))
}

// Protect leaves a database as the migrations do, whatever has been done to it.
func TestProtect(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference, config := newDatabase(t, admin, ""), newDatabase(t, admin, "")
	migrated(t, reference)
	migrated(t, config)
	conn := connect(t, config)
	exec(t, conn, `
		ALTER TABLE public.goals FORCE ROW LEVEL SECURITY, DISABLE TRIGGER ALL;
		ALTER TABLE public.tasks DISABLE ROW LEVEL SECURITY, DISABLE TRIGGER tasks_derive;
		ALTER TABLE public.users ENABLE ALWAYS TRIGGER users_derive;
		DROP POLICY goals_owner ON public.goals;
		CREATE POLICY goals_owner ON public.goals AS RESTRICTIVE TO bizydb_user USING (true);
		CREATE POLICY everybody ON public.tasks FOR SELECT USING (true);
		DROP TRIGGER goals_derive ON public.goals;
		CREATE TRIGGER goals_derive BEFORE INSERT ON public.goals FOR EACH ROW EXECUTE FUNCTION bizydb.derive_goal();
		CREATE TRIGGER twice AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks();
		GRANT SELECT, UPDATE ON public.users TO bizydb_user WITH GRANT OPTION;
		GRANT ALL ON ALL FUNCTIONS IN SCHEMA bizydb TO PUBLIC;
		GRANT ALL ON ALL SEQUENCES IN SCHEMA public, bizydb TO bizydb_accounts;
		GRANT ALL ON public.tasks, bizydb.imports TO bizydb_reporter;
		GRANT ALL ON SCHEMA bizydb TO bizydb_user;
		REVOKE ALL ON public.tasks FROM bizydb_user;
		ALTER FUNCTION bizydb.derive_user() SET search_path = public;
		ALTER FUNCTION bizydb.derive_user() SET work_mem = '1MB';
		ALTER FUNCTION bizydb.roll_up_all() SECURITY INVOKER;
		ALTER VIEW bizydb.profiles RESET (security_invoker)`)
	ran, err := schema.Protect(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(ran) < 50 || !slices.Contains(ran, "ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY") {
		t.Errorf("ran %q", ran)
	}
	exec(t, conn, "ALTER TABLE public.goals NO FORCE ROW LEVEL SECURITY") // harmless where the owner is a superuser
	if diff := cmp.Diff(dump(t, reference), dump(t, config)); diff != "" {
		t.Errorf("catalog (-migrated +protected):\n%s", diff)
	}
	if ran, err := schema.Protect(t.Context(), conn); err != nil || len(ran) > 0 {
		t.Errorf("again: %q, %v", ran, err)
	}
}

// What Protect or the script cannot mend is an error that says it, and nothing is changed.
func TestWhatIsLeft(t *testing.T) {
	t.Parallel()
	psql, err := osexec.LookPath("psql")
	if err != nil {
		t.Skip(err)
	}
	admin := cluster(t)
	stranger := as(admin, newLogin(t, admin, ""))
	for name, c := range map[string]struct {
		before string
		by     *pgx.ConnConfig
		says   string
	}{
		// of which the server only warns
		"not its to revoke":  {"GRANT USAGE ON SCHEMA bizydb TO PUBLIC; GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO PUBLIC", stranger, "REVOKE EXECUTE ON FUNCTION bizydb.delete_user(bigint) FROM PUBLIC"},
		"a lost column":      {"ALTER TABLE public.tasks DROP COLUMN notes; GRANT SELECT ON public.goals TO PUBLIC", admin, "-- column public.tasks.notes"},
		"another's database": {"DROP SCHEMA bizydb CASCADE; DROP TABLE public.users, public.goals, public.tasks", admin, "-- relation public.tasks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newDatabase(t, admin, "")
			migrated(t, config)
			run(t, config, c.before)
			before := dump(t, config)
			by := c.by.Copy()
			by.Database = config.Database
			output, err := osexec.CommandContext(t.Context(), psql, "-X", "--file=rights/rights.sql", uri(by)).CombinedOutput()
			if err == nil || !strings.Contains(string(output), c.says) || !strings.Contains(string(output), "ERROR:  what is listed above is lost") {
				t.Errorf("rights.sql: %v:\n%s", err, output)
			}
			if _, err := schema.Protect(t.Context(), connect(t, by)); err == nil || !strings.Contains(err.Error(), c.says) && name != "another's database" {
				t.Errorf("Protect: %v", err)
			}
			if diff := cmp.Diff(before, dump(t, config)); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
		})
	}
}
