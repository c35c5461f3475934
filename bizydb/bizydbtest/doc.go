// Package bizydbtest gives each test its own PostgreSQL database: real, migrated, empty, and dropped after the test. It is for the
// tests of services that use bizydb, and for bizydb's own.
//
//	func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }
//
//	func TestMine(t *testing.T) {
//		t.Parallel()
//		db := bizydbtest.New(t)
//		alice := db.As(db.NewUser(t))
//		…
//	}
//
// [WithMigrations] and [WithMigration] put a service's own migrations into each database.
//
// [EachLocale] runs a test in databases of different locales.
//
// The server is found or started once per test binary, in the first of these ways that works:
//
//  1. the server in BIZYDBTEST_DATABASE_URL, whose role may create databases and roles;
//  2. a container of BIZYDBTEST_IMAGE, by default postgres:18-alpine, if a Docker engine answers;
//  3. PostgreSQL 15 or later installed on the machine, in BIZYDBTEST_BINDIR or the usual directories; for root it runs under an
//     unprivileged account;
//  4. binaries fetched from Maven Central or from BIZYDBTEST_BINARIES_URL.
//
// BIZYDBTEST_WAY set to dsn, container, installed or embedded allows only that way. The test log says which way was used, and why
// the ones before it failed. A server that was started stops with the process, however that ends. The files of a server in a
// container are in memory. Those of one that was started from binaries are in TMPDIR or, where that is not set and Linux has 4 GB of it
// free, in memory too.
//
// On a server from the environment two kinds of databases stay: the template with bizydb's migrations, which the next run copies, and
// those of failed tests, whose connection strings are in the log. What a process leaves behind that is killed, the next run drops:
// databases and logins named bizydbtest_… whose process holds no advisory lock any more, if nobody is connected.
//
// For a server that it starts, the package unsets those of libpq's environment variables that would change what its clients do, such as
// PGOPTIONS, PGSERVICE and PGTARGETSESSIONATTRS. Those that a connection string overrides, such as PGHOST, stay.
package bizydbtest
