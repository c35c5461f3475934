// Package planner has a user's goals and tasks as Go types, and the queries on them as typed methods. The files ending in .sql.go
// are compiled by sqlc from the SQL in schema/ and queries/planner/.
//
// [Reader] has the queries that only read and [ReadWriter] has all of them; [Queries] implements both. A service does not
// construct one: a bizydb.Scope and a bizydb.Tx are ReadWriters confined to one user, and Batch hands out Readers. [New], [DBTX],
// [Querier] and [Queries.WithTx] are sqlc's and confine nothing: what they make runs with the rights of the connection that it is
// given, and a service's login has none.
//
// # Testing
//
// To fake queries in a test, declare an interface of the methods that the service uses: a Scope, a Tx and the fake implement it.
// See the example. A fake can also embed [ReadWriter] and override what the test calls; every release may add methods. To run
// the queries instead, use a real database from package bizydbtest.
//
// # Conventions
//
// A list without matches is an empty slice, never nil. Limit 0 means all. Lists of tasks are in list order unless they say
// otherwise: the most urgent priority first, then the earliest due date, tasks without one last, then the newest. A write to a row
// that does not exist returns bizydb.ErrNotFound, and a value that points at one bizydb.ErrUnknownReference.
//
// A nil At means now. Days and weeks are those of TimeZone, an IANA name like Europe/Berlin; an empty one means UTC. A name that the
// IANA database or the server does not have returns bizydb.ErrInvalid. The package embeds Go's copy of the database (450 KB), for
// containers without one. A day starts when the clock first shows its date, a week on Monday. Dates are returned as midnight UTC. Sums
// of hours are 0 if there is nothing to add.
//
// SkipUnderClosed leaves out what is under a completed or cancelled goal, at any depth. What is under a goal on hold, or under none, stays.
//
// A number of days, weeks or rows can be of any size. A list filtered by a status or horizon that does not exist returns
// bizydb.ErrInvalid.
//
// # Due dates
//
// A task is due at a time, or on a day if DueAllDay is set: an all-day task, as calendars call it (VALUE=DATE in iCalendar). DueDate is
// then midnight UTC of that day, as time.Parse with time.DateOnly returns it, whatever the user's zone; any other time is refused. The
// day counts where the user is: the task is overdue when the day is over in TimeZone, and done in time until then. Lists are ordered
// by DueDate as it is stored. Without a due date DueAllDay is false.
//
// # Limits
//
// A value beyond these returns a bizydb.FieldError:
//
//   - titles: 500 characters, at least one of them visible: no white space, control or default-ignorable character of Unicode
//   - categories: 100 characters
//   - tags: 100 per task, 250 characters each
//   - descriptions, notes, success criteria, reasons and, as JSON, metrics: 1,000,000 bytes each
//   - hours: 0 to 1,000,000
//   - times, also as limits of a query: the years 1 to 9999 in UTC, which JSON can carry
//   - goals: 100 levels
//
// Searches ignore case by Unicode's full case folding, and texts are ordered by code points, whatever the locale of the database.
package planner
