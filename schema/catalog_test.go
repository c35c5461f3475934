package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A catalogRule looks at a whole database and returns what is wrong with it, one sentence each.
type catalogRule func(t testing.TB, on querier) []string

var catalogRules = map[string]catalogRule{
	"row security": findings(`
		SELECT format('%s has no row-level security', rel) FROM owned WHERE NOT relrowsecurity
		UNION ALL
		SELECT format('%s has no policy for bizydb_user', rel) FROM owned
		WHERE NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = owned.oid AND 'bizydb_user'::regrole = ANY (polroles))`),

	"policies": findings(`
		SELECT format('policy %s on %s is for PUBLIC', polname, rel) FROM owned JOIN pg_policy ON polrelid = owned.oid
		WHERE 0 = ANY (polroles)
		UNION ALL
		SELECT format('policy %s on %s has no USING', polname, rel) FROM owned JOIN pg_policy ON polrelid = owned.oid
		WHERE polqual IS NULL
		UNION ALL
		SELECT format('policy %s on %s has no WITH CHECK', polname, rel) FROM owned JOIN pg_policy ON polrelid = owned.oid
		WHERE polwithcheck IS NULL AND polcmd <> 'r'
		UNION ALL
		SELECT format('policy %s on %s confines to nobody', polname, rel)
		FROM owned JOIN pg_policy ON polrelid = owned.oid, unnest(ARRAY[pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)]) AS condition
		WHERE 'bizydb_user'::regrole = ANY (polroles)
		  AND (condition LIKE '% OR %' OR condition NOT LIKE '%bizydb.current_user_id()%')`),

	// A foreign key sees every row, so it must not lead to another owner's.
	"foreign keys": findings(`
		SELECT format('%s of %s leads to rows of other users', conname, here.rel)
		FROM pg_constraint
		JOIN owned here ON here.oid = conrelid
		JOIN owned there ON there.oid = confrelid AND there.user_id IS NOT NULL
		WHERE contype = 'f' AND NOT EXISTS (
		  SELECT FROM unnest(conkey, confkey) AS k (from_column, to_column)
		  WHERE from_column = here.user_id AND to_column = there.user_id
		)`),

	// What a scope filters by is behind the owner in some index. A key is not in need of it: it belongs to one owner
	// anyway. Nothing in a scope looks for created_at alone, or for xid. GIN indexes have no order; only definers can use them.
	"indexes": findings(`
		WITH first AS (
		  SELECT owned.oid, rel, c.relname AS index, indkey[0] AS first, indkey[1] AS second, user_id
		  FROM owned JOIN pg_index ON indrelid = owned.oid JOIN pg_class c ON c.oid = indexrelid
		  WHERE user_id IS NOT NULL AND c.relam <> (SELECT oid FROM pg_am WHERE amname = 'gin')
		)
		SELECT format('%s of %s has no counterpart that leads with user_id', index, rel) FROM first f
		WHERE first <> user_id
		  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = f.oid AND contype IN ('p', 'f') AND f.first = ANY (conkey))
		  AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = f.oid AND attnum = f.first AND attname IN ('created_at', 'xid'))
		  AND NOT EXISTS (SELECT FROM first o WHERE o.oid = f.oid AND o.first = f.user_id AND o.second = f.first)
		UNION ALL
		SELECT format('%s has no index that leads with user_id', rel) FROM owned
		WHERE user_id IS NOT NULL AND NOT EXISTS (SELECT FROM first f WHERE f.oid = owned.oid AND first = f.user_id)`),

	"functions": findings(`
		SELECT format('%s does not set its search_path', oid::regprocedure)
		FROM pg_proc WHERE oid >= 16384 AND (prosecdef OR prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql'))
		  AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)`),

	// What runs with its owner's rights looks past row security, so each one is listed, and users can run none but those
	// that look for the scope's user. Would row security ever apply to one, it fails: it must not go by a part of the rows.
	"definers": func(t testing.TB, on querier) []string {
		t.Helper()
		var found []string
		definers := all[string](t, on, "SELECT oid::regprocedure::text FROM pg_proc WHERE oid >= 16384 AND prosecdef ORDER BY 1")
		for _, f := range definers {
			if !slices.Contains(allowedDefiners, f) {
				found = append(found, f+" is SECURITY DEFINER")
			}
		}
		for _, f := range allowedDefiners {
			if !slices.Contains(definers, f) {
				found = append(found, f+" is not SECURITY DEFINER, or not there")
			}
		}
		found = append(found, all[string](t, on, `
			SELECT format('%s is SECURITY DEFINER and does not set row_security to off', oid::regprocedure) FROM pg_proc
			WHERE oid >= 16384 AND prosecdef AND NOT coalesce('row_security=off' = ANY (proconfig), false) ORDER BY 1`)...)
		return append(found, all[string](t, on, `
			SELECT format('%s is SECURITY DEFINER and may be executed by %s', oid::regprocedure, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
			FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
			WHERE oid >= 16384 AND prosecdef AND grantee IN (0, 'bizydb_user'::regrole, 'bizydb_reporter'::regrole) AND privilege_type = 'EXECUTE'
			  AND NOT (grantee = 'bizydb_user'::regrole AND oid::regprocedure::text = ANY ($1))
			ORDER BY 1`, definersForUsers)...)
	},

	// A view reads with its owner's rights, past row security, unless it is told not to; a materialized view cannot be told.
	"views": findings(`
		SELECT DISTINCT format('%s is not security_invoker, and %s has rights on it', oid::regclass, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END)
		FROM (
		  SELECT oid, relowner, reloptions, relacl FROM pg_class WHERE relkind IN ('v', 'm')
		  UNION ALL
		  SELECT c.oid, relowner, reloptions, attacl FROM pg_class c JOIN pg_attribute ON attrelid = c.oid WHERE relkind IN ('v', 'm')
		) AS v (oid, relowner, reloptions, acl), aclexplode(acl)
		WHERE oid >= 16384 AND grantee <> relowner
		  AND NOT EXISTS (SELECT FROM pg_options_to_table(reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean)`),

	"roles": findings(`
		SELECT format('%s can log in, create or bypass', rolname) FROM pg_roles
		WHERE rolname IN ('bizydb_user', 'bizydb_accounts', 'bizydb_reporter')
		  AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
		UNION ALL
		SELECT format('%s is a member of %s', member::regrole, roleid::regrole) FROM pg_auth_members
		WHERE member IN ('bizydb_user'::regrole, 'bizydb_accounts'::regrole, 'bizydb_reporter'::regrole)
		UNION ALL
		SELECT format('%s owns %s', refobjid::regrole, pg_describe_object(classid, objid, objsubid)) FROM pg_shdepend
		WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass AND refobjid IN ('bizydb_user'::regrole, 'bizydb_accounts'::regrole, 'bizydb_reporter'::regrole)
		  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`),
}

// allowedDefiners are the functions that run with the rights of the tables' owner.
var allowedDefiners = []string{
	"bizydb.check_dependencies()",
	"bizydb.check_parent_goal()",
	"bizydb.date_imported_goals(bigint[],timestamp with time zone[])",
	"bizydb.delete_user(bigint)",
	"bizydb.dependent_tasks(bigint)",
	"bizydb.empty_trash()",
	"bizydb.forget_changes()",
	"bizydb.forget_deleted(timestamp with time zone,integer)",
	"bizydb.forget_dependencies()",
	"bizydb.forget_links()",
	"bizydb.forget_user()",
	"bizydb.keep_deleted_goal()",
	"bizydb.keep_deleted_tasks()",
	"bizydb.log_changes()",
	"bizydb.log_truncation()",
	"bizydb.note_timeline()",
	"bizydb.restore_goal(bigint,boolean)",
	"bizydb.restore_task(bigint)",
	"bizydb.restoring(text,bigint)",
	"bizydb.roll_up(bigint)",
	"bizydb.roll_up_all()",
	"bizydb.roll_up_every_user()",
	"bizydb.roll_up_goals()",
	"bizydb.roll_up_tasks()",
	"bizydb.tagged_tasks(jsonb,jsonb)",
}

// definersForUsers are those of them that a user may call. They look for the scope's user.
var definersForUsers = []string{
	"bizydb.date_imported_goals(bigint[],timestamp with time zone[])",
	"bizydb.dependent_tasks(bigint)",
	"bizydb.restore_goal(bigint,boolean)",
	"bizydb.restore_task(bigint)",
	"bizydb.restoring(text,bigint)",
	"bizydb.roll_up(bigint)",
	"bizydb.roll_up_all()",
	"bizydb.tagged_tasks(jsonb,jsonb)",
}

// findings makes a rule of a query over owned, which is the relations that hold users' rows, users itself included.
func findings(sql string) catalogRule {
	const owned = `
		WITH owned AS (
		  SELECT c.oid, c.oid::regclass AS rel, relrowsecurity, attnum AS user_id
		  FROM pg_class c LEFT JOIN pg_attribute a ON attrelid = c.oid AND attname = 'user_id' AND NOT attisdropped
		  WHERE c.oid >= 16384 AND relkind IN ('r', 'p', 'f', 'm') AND (attnum IS NOT NULL OR relname = 'users')
		)
		SELECT finding FROM (`
	return func(t testing.TB, on querier) []string {
		t.Helper()
		return all[string](t, on, owned+sql+") AS f (finding) ORDER BY finding")
	}
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	exec(t, conn, "SET search_path = ''") // so that every name is written with its schema
	for name, rule := range catalogRules {
		for _, finding := range rule(t, conn) {
			t.Errorf("%s: %s", name, finding)
		}
	}
}

// What a rule is for, it finds.
func TestCatalogRulesFind(t *testing.T) {
	t.Parallel()
	conn := owner(t, bizydbtest.New(t))
	exec(t, conn, "SET search_path = ''")

	const table = "CREATE TABLE public.notes (id bigint PRIMARY KEY, user_id bigint, about bigint, note text);"
	const secured = table + "ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;"
	const policy = "CREATE POLICY p ON public.notes TO bizydb_user "
	const mine = "(user_id = bizydb.current_user_id())"
	const definer = "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"
	const view = "CREATE VIEW public.everything AS SELECT * FROM public.tasks;"
	for _, c := range []struct {
		rule, sql string
		want      []string
	}{
		{"row security", table, []string{"public.notes has no policy for bizydb_user", "public.notes has no row-level security"}},
		{"row security", table + policy + "USING " + mine, []string{"public.notes has no row-level security"}},
		{"row security", secured, []string{"public.notes has no policy for bizydb_user"}},
		{"row security", secured + "CREATE POLICY p ON public.notes TO bizydb_accounts USING (true)", []string{"public.notes has no policy for bizydb_user"}},
		{"row security", "CREATE SCHEMA other; CREATE TABLE other.notes (user_id bigint)", []string{"other.notes has no policy for bizydb_user", "other.notes has no row-level security"}},
		{"row security", "ALTER TABLE public.users DISABLE ROW LEVEL SECURITY", []string{"public.users has no row-level security"}},
		{"row security", "DROP POLICY users_self ON public.users", []string{"public.users has no policy for bizydb_user"}},

		{"policies", secured + policy + "USING " + mine, []string{"policy p on public.notes has no WITH CHECK"}},
		{"policies", secured + "CREATE POLICY p ON public.notes FOR INSERT TO bizydb_user WITH CHECK " + mine, []string{"policy p on public.notes has no USING"}},
		{"policies", secured + policy + "USING (true) WITH CHECK " + mine, []string{"policy p on public.notes confines to nobody"}},
		{"policies", secured + policy + "USING (about = 1 OR " + mine + ") WITH CHECK " + mine, []string{"policy p on public.notes confines to nobody"}},
		{"policies", secured + policy + "USING " + mine + " WITH CHECK (true)", []string{"policy p on public.notes confines to nobody"}},
		{"policies", "CREATE POLICY p ON public.tasks USING " + mine + " WITH CHECK " + mine, []string{"policy p on public.tasks is for PUBLIC"}},

		{"foreign keys", table + "ALTER TABLE public.notes ADD CONSTRAINT fk FOREIGN KEY (about) REFERENCES public.goals (id)", []string{"fk of public.notes leads to rows of other users"}},
		{"foreign keys", table + "ALTER TABLE public.notes ADD CONSTRAINT fk FOREIGN KEY (about, user_id) REFERENCES public.goals (user_id, id)", []string{"fk of public.notes leads to rows of other users"}},
		{"foreign keys", "ALTER TABLE public.goals ADD CONSTRAINT fk FOREIGN KEY (parent_goal_id) REFERENCES public.goals (id)", []string{"fk of public.goals leads to rows of other users"}},

		{"indexes", table, []string{"public.notes has no index that leads with user_id"}},
		{"indexes", "CREATE INDEX ix ON public.tasks (updated_at)", []string{"ix of public.tasks has no counterpart that leads with user_id"}},
		{"indexes", "DROP INDEX public.ix_goals_user_horizon", []string{"ix_goals_horizon of public.goals has no counterpart that leads with user_id"}},

		{"functions", "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'", []string{}},
		{"functions", "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'", []string{"public.f() does not set its search_path"}},
		{"functions", definer, []string{"public.f() does not set its search_path"}},
		{"functions", "ALTER FUNCTION bizydb.delete_user(bigint) RESET search_path", []string{"bizydb.delete_user(bigint) does not set its search_path"}},
		// Types are looked up in pg_temp first unless it comes later in the path.
		{"functions", "ALTER FUNCTION bizydb.delete_user(bigint) SET search_path = ''", []string{"bizydb.delete_user(bigint) does not set its search_path"}},
		{"functions", "ALTER FUNCTION bizydb.delete_user(bigint) SET search_path = public", []string{"bizydb.delete_user(bigint) does not set its search_path"}},
		{"functions", "ALTER FUNCTION bizydb.delete_user(bigint) SET search_path = '', public", []string{"bizydb.delete_user(bigint) does not set its search_path"}},

		{"definers", definer, []string{"public.f() is SECURITY DEFINER", "public.f() is SECURITY DEFINER and does not set row_security to off", "public.f() is SECURITY DEFINER and may be executed by PUBLIC"}},
		{"definers", definer + "; REVOKE EXECUTE ON FUNCTION public.f() FROM PUBLIC", []string{"public.f() is SECURITY DEFINER", "public.f() is SECURITY DEFINER and does not set row_security to off"}},
		{"definers", "CREATE PROCEDURE public.p() LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE EXECUTE ON PROCEDURE public.p() FROM PUBLIC", []string{"public.p() is SECURITY DEFINER", "public.p() is SECURITY DEFINER and does not set row_security to off"}},
		{"definers", "ALTER FUNCTION bizydb.derive_user() SECURITY DEFINER", []string{"bizydb.derive_user() is SECURITY DEFINER", "bizydb.derive_user() is SECURITY DEFINER and does not set row_security to off"}},
		{"definers", "CREATE FUNCTION bizydb.delete_user(text) RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION bizydb.delete_user(text) FROM PUBLIC", []string{"bizydb.delete_user(text) is SECURITY DEFINER", "bizydb.delete_user(text) is SECURITY DEFINER and does not set row_security to off"}},
		{"definers", "ALTER FUNCTION bizydb.delete_user(bigint) SECURITY INVOKER", []string{"bizydb.delete_user(bigint) is not SECURITY DEFINER, or not there"}},
		{"definers", "ALTER FUNCTION bizydb.delete_user(bigint) RESET row_security", []string{"bizydb.delete_user(bigint) is SECURITY DEFINER and does not set row_security to off"}},
		{"definers", "GRANT EXECUTE ON FUNCTION bizydb.roll_up_all() TO PUBLIC", []string{"bizydb.roll_up_all() is SECURITY DEFINER and may be executed by PUBLIC"}},
		{"definers", "DROP FUNCTION bizydb.delete_user(bigint)", []string{"bizydb.delete_user(bigint) is not SECURITY DEFINER, or not there"}},
		{"definers", "GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO PUBLIC", []string{"bizydb.delete_user(bigint) is SECURITY DEFINER and may be executed by PUBLIC"}},
		{"definers", "GRANT EXECUTE ON FUNCTION bizydb.roll_up_all() TO bizydb_reporter", []string{"bizydb.roll_up_all() is SECURITY DEFINER and may be executed by bizydb_reporter"}},
		{"definers", "GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO bizydb_user", []string{"bizydb.delete_user(bigint) is SECURITY DEFINER and may be executed by bizydb_user"}},

		{"views", view, []string{}},
		{"views", view + "GRANT SELECT ON public.everything TO bizydb_user", []string{"public.everything is not security_invoker, and bizydb_user has rights on it"}},
		{"views", view + "GRANT SELECT (title) ON public.everything TO bizydb_user", []string{"public.everything is not security_invoker, and bizydb_user has rights on it"}},
		{"views", view + "GRANT DELETE ON public.everything TO bizydb_accounts", []string{"public.everything is not security_invoker, and bizydb_accounts has rights on it"}},
		{"views", view + "GRANT SELECT ON public.everything TO PUBLIC", []string{"public.everything is not security_invoker, and PUBLIC has rights on it"}},
		{"views", view + "GRANT SELECT ON public.everything TO bizydb_user; ALTER VIEW public.everything SET (security_barrier, security_invoker = off)", []string{"public.everything is not security_invoker, and bizydb_user has rights on it"}},
		{"views", view + "GRANT SELECT ON public.everything TO bizydb_user; ALTER VIEW public.everything SET (security_invoker = on)", []string{}},
		{"views", "CREATE MATERIALIZED VIEW bizydb.titles AS SELECT title FROM public.tasks; GRANT SELECT ON bizydb.titles TO bizydb_user", []string{"bizydb.titles is not security_invoker, and bizydb_user has rights on it"}},
		{"views", "ALTER VIEW bizydb.profiles RESET (security_invoker)", []string{
			"bizydb.profiles is not security_invoker, and bizydb_accounts has rights on it",
			"bizydb.profiles is not security_invoker, and bizydb_reporter has rights on it",
			"bizydb.profiles is not security_invoker, and bizydb_user has rights on it",
		}},

		{"roles", "GRANT pg_read_all_settings TO bizydb_reporter", []string{"bizydb_reporter is a member of pg_read_all_settings"}},
		{"roles", "ALTER ROLE bizydb_user LOGIN", []string{"bizydb_user can log in, create or bypass"}},
		{"roles", "GRANT pg_read_all_settings TO bizydb_accounts", []string{"bizydb_accounts is a member of pg_read_all_settings"}},
		{"roles", table + "GRANT CREATE ON SCHEMA public TO bizydb_user; ALTER TABLE public.notes OWNER TO bizydb_user", []string{"bizydb_user owns table public.notes"}},
	} {
		t.Run(strings.ReplaceAll(c.rule, " ", "_"), func(t *testing.T) {
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if _, err := tx.Exec(t.Context(), c.sql); err != nil {
				t.Fatalf("%s: %v", c.sql, err)
			}
			if diff := cmp.Diff(c.want, catalogRules[c.rule](t, tx)); diff != "" {
				t.Errorf("%s\nfindings (-want +got):\n%s", c.sql, diff)
			}
		})
	}
}
