// Package version says which migrations this version of bizydb has, to those who need not be able to apply them.
package version

import "errors"

// Latest is the number of the last migration.
const Latest = 11

var (
	// ErrNewer is the error for a database that has been migrated further than that.
	ErrNewer = errors.New("schema is newer than this package knows")
	// ErrUnreleased is the error for a database that has a schema from before v0.1.0.
	ErrUnreleased = errors.New("schema is one from before v0.1.0, which cannot be migrated: use a new database")
)

// UnreleasedSQL selects whether a schema is one from before v0.1.0. All of its steps had the first function, and none of them had the
// second one, which the first of the released ones makes.
const UnreleasedSQL = "(pg_catalog.to_regprocedure('bizydb.schema_version()') IS NOT NULL AND pg_catalog.to_regprocedure('bizydb.fold(text)') IS NULL)"
