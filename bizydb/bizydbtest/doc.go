// Package bizydbtest gives each test a PostgreSQL database of its own. The database is migrated and empty, and is dropped after
// the test. The package is for the tests of services that use bizydb, and for bizydb's own tests.
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
// Each test binary finds or starts one server, in the first of these ways that works:
//
//  1. dsn: the server in BIZYDBTEST_DATABASE_URL; the role in this connection string must be allowed to create databases and
//     roles
//  2. container: a container of the image BIZYDBTEST_IMAGE, by default postgres:18-alpine, if a Docker engine answers
//  3. installed: PostgreSQL 15 or later installed on the machine, in BIZYDBTEST_BINDIR or the usual directories; if root runs the
//     tests, the server runs under an unprivileged account
//  4. embedded: PostgreSQL binaries fetched from Maven Central or from BIZYDBTEST_BINARIES_URL
//
// If BIZYDBTEST_WAY is set to the name of a way, only this way is tried. The test log says which way was used, and why earlier
// ways failed. A download, and a start of more than two seconds, are announced on standard error. (go test shows a passing
// package's output only with -v or if it tests the current directory.)
//
// [Run] stops the server that the package started. Without Run, or if the process is killed, the server stops shortly after the
// process ends. A server in a container keeps its files in memory. A server started from binaries keeps its files in TMPDIR. If
// TMPDIR is not set, on Linux, and /dev/shm has 4 GB free, it keeps its files in /dev/shm, which is memory.
//
// When the package starts a server, it unsets the environment variables of libpq that would change the behavior of clients, such
// as PGOPTIONS, PGSERVICE and PGTARGETSESSIONATTRS. Variables that a connection string overrides, such as PGHOST, stay set.
//
// # What stays
//
// On the server in BIZYDBTEST_DATABASE_URL two kinds of databases stay after a run: the template with bizydb's migrations,
// which the next run copies, and the databases of failed tests, whose connection strings are in the test log. The database of
// a failed test is marked by a comment and stays until somebody drops it.
//
// The next run drops other databases and login roles that a killed process has left behind. It recognizes them by three signs:
// the name begins with bizydbtest_, the advisory lock of the process that made them is free, and nobody is connected.
package bizydbtest
