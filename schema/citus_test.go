package schema_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/onenode"
	"github.com/bizy-ai/bizydb/schema"
	"github.com/bizy-ai/bizydb/schema/rights"
)

// citusURL leads to a database on the coordinator of a Citus cluster, as a superuser, for what is tested on one node otherwise. It is migrated
// and distributed, unless it is already.
const citusURL = "BIZYDBTEST_CITUS_URL"

func distributed(t *testing.T) *pgx.Conn {
	dsn := os.Getenv(citusURL)
	if dsn == "" {
		conn := owner(t, bizydbtest.New(t))
		if err := onenode.Distribute(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	conn := connect(t, parse(t, dsn))
	for _, do := range []func() error{
		func() error { return schema.Migrate(t.Context(), conn) },
		func() error { return schema.Distribute(t.Context(), conn) },
		func() error { return schema.Distribute(t.Context(), conn) }, // does nothing
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// The list is what a distributed database has, apart from the triggers of tracking, which is not possible there.
func TestRightsOnCitusAreCurrent(t *testing.T) {
	conn := distributed(t)
	query, _, _ := strings.Cut(rights.SQL, ",\n\n-- What differs.")
	results, err := conn.PgConn().Exec(t.Context(), "BEGIN;"+query+`SELECT DISTINCT line COLLATE "C" FROM live WHERE line IS NOT NULL ORDER BY 1; COMMIT`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var live, lines []string
	for _, row := range results[len(results)-2].Rows {
		live = append(live, string(row[0]))
	}
	for _, line := range expectedRights() {
		if !slices.Contains(live, line) && !tracking.MatchString(line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range live {
		if !slices.Contains(expectedRights(), line) {
			lines = append(lines, "+ "+line)
		}
	}
	diff := cmp.Diff(strings.Split(strings.TrimSpace(rights.CitusList), "\n"), lines)
	if diff == "" {
		return
	}
	if !*updateRights {
		t.Fatalf("rights/citus.txt is not what Distribute makes; add -update, and read what changes:\n%s", diff)
	}
	if err := os.WriteFile("rights/citus.txt", []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}

// What Distribute makes of the functions, read by people when it changes. Functions are changed by patterns, and a pattern can match too
// much.
func TestDistributedFunctions(t *testing.T) {
	t.Parallel()
	const definitions = `SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'bizydb'::regnamespace AND p.prokind = 'f'`
	conn := owner(t, bizydbtest.New(t))
	list := func() map[string]string {
		rows, err := conn.Query(t.Context(), definitions)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		var name, definition string
		if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error { found[name] = definition; return nil }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := list()
	if err := onenode.Distribute(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	after := list()
	var changed strings.Builder
	changed.WriteString("-- The functions that schema.Distribute makes or changes.\n")
	for _, name := range slices.Sorted(maps.Keys(after)) {
		definition := after[name]
		if definition == before[name] {
			continue
		}
		fmt.Fprintf(&changed, "\n%s;\n", strings.TrimRight(definition, "\n"))
		if m := notOnShards.FindString(definition); m != "" {
			t.Errorf("%s has %q", name, m)
		}
	}
	rows, err := conn.Query(t.Context(), `SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger WHERE NOT tgisinternal`)
	if err != nil {
		t.Fatal(err)
	}
	triggers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range triggers {
		if m := ofOneTable.FindString(after[name]); m != "" {
			t.Errorf("%s has %q, and the table is a shard with a number in its name", name, m)
		}
	}
	const path = "testdata/distributed_functions.sql"
	if *updateRights {
		if err := os.WriteFile(path, []byte(changed.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), changed.String()); diff != "" {
		t.Errorf("add -update, and read what changes (-%s +Distribute):\n%s", path, diff)
	}
}

// notOnShards is what a text has lost that shards or other nodes do not take.
var notOnShards = regexp.MustCompile(`bizydb\.same_user\(|user_id = [^()]+\) IS TRUE|\(SELECT bizydb\.current_user_id\(\)\)|CYCLE |SET plan_cache_mode TO|PERFORM set_config\('bizydb\.\w+', '\w*', true\)`)

var ofOneTable = regexp.MustCompile(`(TG_TABLE_NAME|TG_RELNAME|TG_RELID) *(=|<>|IN|IS)`)

// A function that is not what it was when Distribute was written stops it.
func TestDistributeMissesNoFunction(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"changed":      `CREATE OR REPLACE FUNCTION bizydb.closed_goals() RETURNS bigint[] LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
		"added":        `CREATE FUNCTION bizydb.another() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT bizydb.current_user_id()); END'`,
		"own policies": `CREATE OR REPLACE FUNCTION bizydb.confine(target regclass, via name DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := owner(t, bizydbtest.New(t))
			exec(t, conn, sql)
			if err := onenode.Distribute(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "not as") {
				t.Errorf("%v", err)
			}
		})
	}
}

// Later steps, which are for tables that are not distributed, fail.
func TestMigrateOfADistributedDatabase(t *testing.T) {
	t.Parallel()
	conn := distributed(t)
	if err := schema.Migrate(t.Context(), conn); err != nil {
		t.Errorf("with nothing to do: %v", err)
	}
	next := latest(t) + 1
	files := fstest.MapFS{}
	for path, text := range waysUp(t) {
		files[path] = &fstest.MapFile{Data: []byte(text)}
	}
	const raise = "CREATE OR REPLACE FUNCTION bizydb.schema_version() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %d"
	files[fmt.Sprintf("%03d_next.sql", next)] = &fstest.MapFile{Data: fmt.Appendf(nil, "CREATE TABLE bizydb.next (); "+raise, next)}
	if err := schema.Up(t.Context(), conn, files); !errors.Is(err, schema.ErrDistributed) {
		t.Errorf("Migrate: %v, want ErrDistributed", err)
	}
	if err := pgError(t, func() error { _, err := conn.Exec(t.Context(), fmt.Sprintf(raise, next)); return err }()); err.Code != pgerrcode.InvalidFunctionDefinition {
		t.Errorf("a step, by another tool: %v", err)
	}
	if got := one[int](t, conn, "SELECT bizydb.schema_version()"); got != next-1 {
		t.Errorf("version %d", got)
	}
}

// Every line that is not in the list on Citus is in that of rights.sql, and none that is there only.
func TestRightsOnCitusGoWithTheOthers(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(rights.SQL, "$list$\n")
	list, _, _ := strings.Cut(rest, "$list$")
	lines := strings.Split(list, "\n")
	for line := range strings.Lines(rights.CitusList) {
		line = strings.TrimSuffix(line, "\n")
		switch gone, minus := strings.CutPrefix(line, "- "); {
		case minus && !slices.Contains(lines, gone):
			t.Errorf("not in rights.sql: %s", line)
		case !minus && slices.Contains(lines, strings.TrimPrefix(line, "+ ")):
			t.Errorf("in rights.sql: %s", line)
		}
	}
	if rights.CitusSQL() == rights.SQL || strings.Contains(rights.CitusSQL(), "'LOGIN', rolcanlogin") || !strings.Contains(rights.SQL, "'LOGIN', rolcanlogin") {
		t.Error("the check that roles may not log in is there")
	}
}

// Before anything is made.
func TestDistributeWithoutCitus(t *testing.T) {
	t.Parallel()
	conn := owner(t, bizydbtest.New(t))
	if err := schema.Distribute(t.Context(), conn); !errors.Is(err, schema.ErrNoCitus) {
		t.Errorf("%v, want ErrNoCitus", err)
	}
	if one[bool](t, conn, "SELECT to_regclass('public.bizydb_citus_version') IS NOT NULL") {
		t.Error("a table of versions is left")
	}
}
