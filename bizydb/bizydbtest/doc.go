// Package bizydbtest gives each test a PostgreSQL database of its own: real, migrated, empty, and dropped after the test. It is
// for the tests of services that use bizydb, and for bizydb's own.
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
// [WithMigrations] and [WithMigration] apply a service's own migrations to each database. [EachLocale] runs a test in databases
// of different locales.
//
// # The server
//
// Each test binary finds or starts one server. It uses the first of these ways that works:
//
//  1. the server in BIZYDBTEST_DATABASE_URL, whose role may create databases and roles;
//  2. a container of BIZYDBTEST_IMAGE, by default postgres:18-alpine, if a Docker engine answers;
//  3. PostgreSQL 15 or later installed on the machine, in BIZYDBTEST_BINDIR or the usual directories; for root it runs under an
//     unprivileged account;
//  4. binaries fetched from Maven Central or from BIZYDBTEST_BINARIES_URL.
//
// BIZYDBTEST_WAY set to dsn, container, installed or embedded allows only that way. The test log says which way was used, and why
// earlier ones failed.
//
// A server that was started stops with the process, even if the process is killed. The files of a server in a container are in
// memory. The files of a server started from binaries are in TMPDIR. If that is not set and /dev/shm has 4 GB free, on Linux,
// they are there: in memory too.
//
// For a server that it starts, the package unsets the environment variables of libpq that would change the behavior of clients,
// such as PGOPTIONS, PGSERVICE and PGTARGETSESSIONATTRS. Variables that a connection string overrides, such as PGHOST, stay.
//
// # What stays
//
// On the server in BIZYDBTEST_DATABASE_URL two kinds of databases stay: the template with bizydb's migrations, which the next run
// copies, and the databases of failed tests, whose connection strings are in the log. The next run drops what a killed process
// has left behind: databases and logins named bizydbtest_… whose process no longer holds its advisory lock, unless somebody is
// connected.
package bizydbtest
