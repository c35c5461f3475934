package schema_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Until v0.1.0 a change goes into the step of its subject: each thing is said once, in its final form. From then on steps
// are only added, and this is for those of v0.1.0.
func TestNothingIsDefinedTwice(t *testing.T) {
	t.Parallel()
	files := waysUp(t)
	var found []string
	defined := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		found = append(found, redefinitions(t, defined, path, files[path])...)
	}
	if len(found) > 0 {
		t.Errorf("%q", found)
	}
	if len(defined) < 100 {
		t.Errorf("found only %d definitions", len(defined))
	}
}

func TestRedefinitionsAreFound(t *testing.T) {
	t.Parallel()
	const f = "FUNCTION bizydb.f() RETURNS integer LANGUAGE sql RETURN 1; "
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"CREATE " + f, nil},
		{"CREATE " + f + "CREATE " + f, []string{"function bizydb.f in a is defined in a"}},
		{"CREATE " + f + "CREATE FUNCTION bizydb.f(integer) RETURNS integer LANGUAGE sql RETURN 1", []string{"function bizydb.f in a is defined in a"}},
		{"CREATE OR REPLACE " + f, []string{"function bizydb.f in a replaces another"}},
		{"CREATE OR REPLACE VIEW public.v AS SELECT 1", []string{"view public.v in a replaces another"}},
		{"CREATE TABLE public.t (); CREATE TABLE IF NOT EXISTS public.t ()", []string{"table public.t in a is defined in a"}},
		{"CREATE TYPE bizydb.t AS (a text); CREATE DOMAIN bizydb.t AS text; CREATE TYPE bizydb.t AS ENUM ('a')", []string{"type bizydb.t in a is defined in a", "type bizydb.t in a is defined in a"}},
		{"CREATE INDEX i ON public.t (a); CREATE INDEX i ON public.t (b)", []string{"index public.i in a is defined in a"}},
		{"CREATE POLICY p ON public.t USING (true); CREATE POLICY p ON public.u USING (true); CREATE POLICY p ON public.t USING (false)", []string{"policy p on public.t in a is defined in a"}},
		{"CREATE TRIGGER g AFTER INSERT ON public.t EXECUTE FUNCTION f(); CREATE OR REPLACE TRIGGER g AFTER INSERT ON public.t EXECUTE FUNCTION f()", []string{"trigger g on public.t in a replaces another", "trigger g on public.t in a is defined in a"}},
		{"ALTER TABLE public.t ENABLE ROW LEVEL SECURITY", nil},
		{"CREATE TABLE public.t (); ALTER TABLE public.t ADD CONSTRAINT c CHECK (true)", nil},
		{"ALTER TABLE public.t ADD CONSTRAINT c CHECK (true)", []string{"ALTER TABLE public.t ADD CONSTRAINT c CHECK (true), in a, changes what a step before defines"}},
		{"ALTER TABLE public.t ADD COLUMN a text", []string{"ALTER TABLE public.t ADD COLUMN a text, in a, changes what a step before defines"}},
		{"ALTER FUNCTION bizydb.f() COST 1", []string{"ALTER FUNCTION bizydb.f() COST 1, in a, changes what a step before defines"}},
		{"DROP FUNCTION bizydb.f()", []string{"DROP FUNCTION bizydb.f(), in a, changes what a step before defines"}},
		{"UPDATE public.t SET a = 1", []string{"UPDATE public.t SET a = 1, in a, changes what a step before defines"}},
	} {
		if diff := cmp.Diff(c.want, redefinitions(t, map[string]string{}, "a", c.sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
}

// redefinitions says what in a file has been defined before, and adds what is not to defined.
func redefinitions(t testing.TB, defined map[string]string, path, sql string) (found []string) {
	t.Helper()
	define := func(what string, replaces bool) {
		if replaces {
			found = append(found, fmt.Sprintf("%s in %s replaces another", what, path))
		}
		if before, ok := defined[what]; ok {
			found = append(found, fmt.Sprintf("%s in %s is defined in %s", what, path, before))
		}
		defined[what] = path
	}
	for _, stmt := range parseSQL(t, sql) {
		kind, n := stmt.kind()
		replaces, _ := n["replace"].(bool)
		switch kind {
		case "CreateFunctionStmt":
			if name := n.name("funcname"); name != "bizydb.schema_version" { // which each step raises
				define("function "+name, replaces)
			}
		case "CreateSeqStmt":
			define("sequence "+n.at("sequence").relation(), false)
		case "CreateStmt":
			define("table "+n.at("relation").relation(), false)
		case "ViewStmt":
			define("view "+n.at("view").relation(), replaces)
		case "CompositeTypeStmt":
			define("type "+n.at("typevar").relation(), false)
		case "CreateDomainStmt":
			define("type "+n.name("domainname"), false)
		case "CreateEnumStmt":
			define("type "+n.name("typeName"), false)
		case "IndexStmt":
			define("index "+n.at("relation").text("schemaname")+"."+n.text("idxname"), false)
		case "CreateTrigStmt":
			define("trigger "+n.text("trigname")+" on "+n.at("relation").relation(), replaces)
		case "CreatePolicyStmt":
			define("policy "+n.text("policy_name")+" on "+n.at("table").relation(), false)
		case "CommentStmt":
			define("comment on "+fmt.Sprint(n["objtype"], n["object"]), false)
		case "AlterTableStmt":
			own := defined["table "+n.at("relation").relation()] == path
			if slices.ContainsFunc(n.list("cmds"), func(cmd node) bool {
				subtype := cmd.at("AlterTableCmd").text("subtype")
				return subtype != "AT_EnableRowSecurity" && !(own && (subtype == "AT_AddConstraint" || subtype == "AT_SetStatistics"))
			}) {
				found = append(found, fmt.Sprintf("%s, in %s, changes what a step before defines", stmt.sql, path))
			}
		case "CreateSchemaStmt", "GrantStmt", "DoStmt":
		default:
			found = append(found, fmt.Sprintf("%s, in %s, changes what a step before defines", stmt.sql, path))
		}
	}
	return found
}
