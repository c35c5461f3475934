package schema_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/schema"
)

// Whoever migrates need not be a superuser, and the tables that result serve a service's login all the same.
func TestMigrateAsOrdinaryRole(t *testing.T) {
	t.Parallel()
	admin := cluster(t)

	t.Run("owner of the database", func(t *testing.T) {
		t.Parallel()
		reference := newDatabase(t, admin, "")
		migrated(t, reference)
		login := newLogin(t, admin, "NOSUPERUSER NOCREATEROLE")
		run(t, admin, "GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO "+login+" WITH ADMIN OPTION")
		database := newDatabase(t, admin, login)
		migrated(t, as(database, login))
		if diff := cmp.Diff(dump(t, reference), dump(t, as(database, login))); diff != "" {
			t.Errorf("catalog (-administrator's +ordinary role's):\n%s", diff)
		}
		serve(t, database, admin, as(database, login))
	})

	t.Run("guest in the database", func(t *testing.T) {
		t.Parallel()
		login := newLogin(t, admin, "NOSUPERUSER NOCREATEROLE")
		run(t, admin, "GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO "+login+" WITH ADMIN OPTION")
		database := newDatabase(t, admin, "")
		run(t, database, "GRANT CREATE ON DATABASE "+database.Database+" TO "+login, "GRANT CREATE ON SCHEMA public TO "+login)
		migrated(t, as(database, login))
		serve(t, database, admin, as(database, login))
	})

	t.Run("without the right to create", func(t *testing.T) {
		t.Parallel()
		login := newLogin(t, admin, "NOSUPERUSER NOCREATEROLE")
		database := newDatabase(t, admin, "")
		before := dump(t, database)
		err := schema.Migrate(t.Context(), connect(t, as(database, login)))
		if err == nil || pgError(t, err).Code != "42501" {
			t.Errorf("Migrate: %v, want insufficient_privilege", err)
		}
		if diff := cmp.Diff(before, dump(t, database)); diff != "" {
			t.Errorf("something was written (-before +after):\n%s", diff)
		}
	})
}

// In a new cluster one role that may create roles does all that an installation asks for.
func TestMigrateMakesTheRoles(t *testing.T) {
	t.Parallel()
	admin := newCluster(t)
	login := keptLogin(t, admin, "NOSUPERUSER CREATEROLE")
	database := as(newDatabase(t, admin, login), login)
	migrated(t, database)
	serve(t, database, database, database)
}

// Of two owners on one server, the second needs the roles of the first. Migrate says so.
func TestMigrateWithRolesOfAnother(t *testing.T) {
	t.Parallel()
	admin := newCluster(t)
	first, second := keptLogin(t, admin, "CREATEROLE CREATEDB"), keptLogin(t, admin, "CREATEROLE CREATEDB")
	migrated(t, as(newDatabase(t, as(admin, first), ""), first))

	database := newDatabase(t, as(admin, second), "")
	if one[int](t, connect(t, admin), "SELECT current_setting('server_version_num')::integer") < 160000 {
		run(t, admin, "ALTER ROLE "+second+" NOCREATEROLE", "GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO "+first+" WITH ADMIN OPTION") // else it could grant itself any role
	}
	err := schema.Migrate(t.Context(), connect(t, database))
	grant := "GRANT bizydb_user, bizydb_accounts, bizydb_reporter TO " + second + " WITH ADMIN OPTION"
	if !errors.Is(err, schema.ErrRoles) || !strings.Contains(err.Error(), grant+", run by "+first+" or a superuser") {
		t.Fatalf("%v, want ErrRoles with %s", err, grant)
	}
	if v := version(t, connect(t, database)); v != 0 {
		t.Errorf("it is at migration %d", v)
	}

	// Who may grant some of them is not named.
	run(t, admin, "GRANT bizydb_reporter TO "+keptLogin(t, admin, "")+" WITH ADMIN OPTION")
	run(t, as(admin, first), "GRANT bizydb_user, bizydb_accounts TO "+second+" WITH ADMIN OPTION")
	if err := schema.Migrate(t.Context(), connect(t, database)); !errors.Is(err, schema.ErrRoles) || !strings.Contains(err.Error(), grant+", run by "+first+" or a superuser") {
		t.Errorf("%v, want ErrRoles with %s", err, grant)
	}

	run(t, as(admin, first), grant)
	run(t, admin, "ALTER ROLE "+second+" CREATEROLE")
	migrated(t, database)
	serve(t, database, database, database)
	if ran, err := schema.Protect(t.Context(), connect(t, database)); err != nil || len(ran) > 0 {
		t.Errorf("Protect: %q, %v", ran, err)
	}
}

// serve lets administrator make a service's login, owner open the schema to it, and works as a service does.
func serve(t *testing.T, database, administrator, owner *pgx.ConnConfig) {
	t.Helper()
	service := keptLogin(t, administrator, "NOINHERIT")
	t.Cleanup(func() { run(t, administrator, "DROP ROLE "+service) })
	run(t, administrator, "GRANT bizydb_user, bizydb_accounts TO "+service)
	run(t, owner, "GRANT USAGE ON SCHEMA bizydb TO "+service)
	t.Cleanup(func() { run(t, owner, "REVOKE USAGE ON SCHEMA bizydb FROM "+service) })

	db := openAs(t, database, service)
	defer db.Close()

	user, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{Email: "a@example.org", Username: "a", Password: bizydb.NewPassword("a long password")})
	if err != nil {
		t.Fatal(err)
	}
	scope := db.As(user.ID)
	goal, err := scope.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scope.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "sub-goal", ParentGoalID: &goal.ID}); err != nil {
		t.Fatal(err)
	}
	task, err := scope.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task", ParentGoalID: &goal.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scope.DeleteGoal(t.Context(), goal.ID); err != nil {
		t.Fatal(err)
	}
	if task, err = scope.GetTask(t.Context(), task.ID); err != nil || task.ParentGoalID != nil {
		t.Errorf("task after its goal was deleted: %+v, %v", task, err)
	}
}

// openAs opens a database as a service whose password is its login. The caller closes it.
func openAs(t testing.TB, database *pgx.ConnConfig, login string) *bizydb.DB {
	t.Helper()
	config, err := pgxpool.ParseConfig(database.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig = as(database, login)
	db, err := bizydb.OpenConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Rights are the same whatever the default privileges of the database are, and a service works there.
func TestMigrateWithOtherDefaultPrivileges(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference := newDatabase(t, admin, "")
	migrated(t, reference)
	want := ownRights(t, reference)
	for name, defaults := range map[string][]string{
		"fewer": {
			"ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC", "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC",
		},
		"more": {
			"ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter", "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter",
			"ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter", "ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter",
			"ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO PUBLIC, bizydb_user, bizydb_accounts, bizydb_reporter",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newDatabase(t, admin, "")
			run(t, config, defaults...)
			migrated(t, config)
			if diff := cmp.Diff(want, ownRights(t, config)); diff != "" {
				t.Errorf("rights (-usual defaults +these):\n%s", diff)
			}
			serve(t, config, admin, config)
		})
	}
}

// ownRights are those on everything but the version table, which is tern's.
func ownRights(t testing.TB, config *pgx.ConnConfig) []string {
	t.Helper()
	return slices.DeleteFunc(dump(t, config), func(line string) bool {
		return !strings.HasPrefix(line, "right on ") || strings.Contains(line, schema.VersionTable)
	})
}

func TestMigrateWithAnotherSearchPath(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	reference, config := newDatabase(t, admin, ""), newDatabase(t, admin, "")
	migrated(t, reference)

	run(t, config, "CREATE SCHEMA first", "CREATE TABLE first.users ()", "CREATE TABLE first.goals ()")
	elsewhere := config.Copy()
	elsewhere.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		return conn.Exec(ctx, "SET search_path = first").Close()
	}
	migrated(t, elsewhere)

	run(t, config, "DROP TABLE first.users, first.goals", "DROP SCHEMA first") // which fails if anything was made in it
	if diff := cmp.Diff(dump(t, reference), dump(t, config)); diff != "" {
		t.Errorf("catalog (-usual path +other path):\n%s", diff)
	}
}
