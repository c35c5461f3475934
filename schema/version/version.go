// Package version says which migrations this version of bizydb has, to those who need not be able to apply them.
package version

import "errors"

// Latest is the number of the last migration.
const Latest = 14

// ErrNewer is the error for a database that has been migrated further than that.
var ErrNewer = errors.New("schema is newer than this package knows")
