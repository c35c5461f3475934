package schema

// Up is Migrate with other files, such as those of another version.
var Up = up

const VersionTable = versionTable
