// Package planner has the goals and tasks of one user as Go types, and the queries on them as typed methods. The files ending in
// .sql.go are compiled by sqlc from the SQL in schema/ and queries/planner/.
//
// [Queries] documents every method. [Reader] is the interface of the queries that only read, and [ReadWriter] of all of them. A
// service does not construct one: bizydb.Scope and bizydb.Tx are ReadWriters confined to one user, and bizydb.Scope.Batch passes
// Readers to its functions. [New], [DBTX], [Querier] and [Queries.WithTx] are sqlc's and confine nothing: the queries run with
// the rights of the connection, and the login of a service has none.
//
// # Testing
//
// To fake queries in a test, declare an interface of the methods that the service uses: a Scope, a Tx and the fake implement it.
// See the example. A fake can also embed [ReadWriter] and override the methods that the test calls. Every release may add
// methods. To run the queries instead, use a real database from package bizydbtest.
//
// # Conventions
//
// A list without matches is an empty slice, never nil. Limit 0 means all, except in Changes. A negative Limit returns
// bizydb.ErrInvalid.
//
// List order is the order of most lists of tasks: the most urgent priority first, then the earliest due date, tasks without one
// last, then the newest.
//
// A write to a row that does not exist returns bizydb.ErrNotFound. A value that references a row that does not exist returns
// bizydb.ErrUnknownReference. A nil IfVersion skips the check of the version.
//
// A nil At means now. TimeZone decides where days and weeks begin: an IANA name like Europe/Berlin, or empty for UTC. A name that
// Go or the server does not know returns bizydb.ErrInvalid. The package embeds Go's copy of the IANA database (450 KB), for
// containers without one. A day begins when the clock first shows its date, and a week on Monday. Dates are returned as midnight
// UTC.
//
// Sums of hours are 0 if there is nothing to add.
//
// SkipUnderClosed leaves out rows under a completed or cancelled goal, at any depth. Rows under a goal on hold, or under no goal,
// stay.
//
// Numbers of days, weeks or rows can have any size. A filter by a status or horizon that does not exist returns
// bizydb.ErrInvalid.
//
// # Due dates
//
// A task is due at a time or, if DueAllDay is set, on a day: an all-day task, as calendars call it (VALUE=DATE in iCalendar).
// DueDate is then midnight UTC of that day, as time.Parse with time.DateOnly returns it, whatever the user's zone. Any other time
// is refused. The task is overdue when the day is over in TimeZone, and on time until then. Lists are ordered by DueDate as it is
// stored. Without a due date DueAllDay is false.
//
// # Limits
//
// A value beyond these limits returns a bizydb.FieldError:
//
//   - titles: 500 characters, at least one of them visible: not white space, control or default-ignorable character of Unicode
//   - categories: 100 characters
//   - tags: 100 per task, 250 characters each
//   - descriptions, notes, success criteria, reasons and, as JSON, metrics: 1,000,000 bytes each
//   - hours: 0 to 1,000,000
//   - times, also in the parameters of reads: the years 1 to 9999 in UTC, which JSON can carry
//   - goals: 100 levels
//
// Searches ignore case by Unicode's full case folding. Texts are ordered by code points. Neither depends on the locale of the
// database.
package planner
