// Package version has the number of the last migration of this version of bizydb, for code that does not apply migrations.
package version

import "errors"

// Latest is the number of the last migration.
const Latest = 12

var (
	// ErrNewer means that a newer bizydb has migrated the database.
	ErrNewer = errors.New("schema is newer than this package knows")
	// ErrUnreleased means that the database has a schema from before v0.1.0.
	ErrUnreleased = errors.New("schema is one from before v0.1.0, which cannot be migrated: use a new database")
)

// UnreleasedSQL is an SQL expression that is true for a schema from before v0.1.0. All versions of that schema had the first
// function. None had the second one, which the first released migration creates.
const UnreleasedSQL = "(pg_catalog.to_regprocedure('bizydb.schema_version()') IS NOT NULL AND pg_catalog.to_regprocedure('bizydb.fold(text)') IS NULL)"
