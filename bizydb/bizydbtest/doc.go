// Package bizydbtest gives a test, bizydb's or that of a service which imports it, a real PostgreSQL database: migrated,
// empty, its own, and gone after the test.
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
// The server is found or started once for the tests of a package, in the first of these ways that works:
//
//  1. BIZYDBTEST_DATABASE_URL, the connection string of a server whose role may create databases and roles;
//  2. a container, if a Docker engine answers, of the image in BIZYDBTEST_IMAGE, postgres:18-alpine by default;
//  3. PostgreSQL 15 or later installed on the machine: the binaries in BIZYDBTEST_BINDIR, or else where they usually are;
//     as root they run under an unprivileged account;
//  4. binaries fetched from Maven Central or from BIZYDBTEST_BINARIES_URL.
//
// BIZYDBTEST_WAY, one of dsn, container, installed and embedded, insists on one of them. The test log says which was used
// and why those before it were not. A server that was started stops with the process, however that ends. If it was started
// from binaries, its files are in TMPDIR or, where that is not set and Linux has 4 GB of it to spare, in memory.
//
// On a server named by the environment one database stays, the migrated template that the next run copies, and those of
// failed tests, whose connection string is in the log.
package bizydbtest
