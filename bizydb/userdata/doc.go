// Package userdata moves one user's goals and tasks out of a database as one JSON document, and back in with new ids: for a person who
// asks for their data, for a backup of one user, and for a move from one database to another.
//
// [Export] writes the document as it reads the rows, from one snapshot. [Import] writes rows as it reads the document, in one transaction:
// beside what the user has already, or nothing if it returns an error. [ExportTx] and [ImportTx] do so in a transaction in which a service
// reads or writes rows of its own too.
//
// # The document
//
// It is one JSON object with these keys, in this order:
//
//	format       "bizydb.userdata"
//	version      1; a later bizydb reads every earlier version
//	exported_at  when the snapshot was taken
//	profile      the account, without its password
//	goals        an array, ordered by id
//	tasks        an array, ordered by id
//
// The keys of a row are the names of the columns. All of them are there, with null for NULL, except user_id and what is counted: task_count
// and the four columns after it in goals. Times are in RFC 3339, in UTC. Metrics keep their numbers; the zeros at the end of 1.50 are not
// kept. A document that was cut off is not valid JSON.
//
// Rows that came into the database with its triggers off are exported as they are, and an import refuses one that breaks a rule, such as a
// completed task without completed_at, by its place.
//
// It has no password hash, no columns and tables of the service's own, and no record of what was imported from an SQLite file: package
// sqliteimport brings the rows of such a file again to a user who has been restored.
//
// # What an import restores
//
// Everything, with these exceptions:
//
//   - Every row gets a new id, in the order of the old ones. The goals above and the dependencies follow.
//   - The profile is returned and not applied: an account belongs to [bizydb.Accounts].
//   - updated_at of a task is the time of the import.
//   - version begins anew.
//   - The percentage of a goal with tasks or sub-goals follows from them, as always.
//
// Statuses are restored as they were, also where no rule leads to them: a goal completed over unfinished work, one reopened with all of its
// work done.
//
// # Documents of others
//
// A document is read as if it came from an attacker, and accepted as a whole or not at all. These give [bizydb.ErrInvalid]:
//
//   - an unknown or missing key, or one that is there twice
//   - a value that its column does not take, or a completed_at that does not go with its status
//   - ids that do not ascend
//   - a reference to a row that is not in the document
//   - a dependency that is there twice, or more than 100,000 of one task
//   - a number in metrics with an exponent beyond 400
//   - a cycle, or more than 100 levels of goals
//
// Where there is a row to name, the error is a [*bizydb.FieldError] with the row's index: tasks[17].title. Ids of the document are never
// those of the database, so a document cannot point at rows that it did not bring.
//
// Limit the size with [net/http.MaxBytesReader] or [io.LimitReader]. The process of an import takes less than 200 MB for the largest rows, or
// hostile ones, and besides keeps the ids, statuses and dependencies of all rows until the end. It writes each goal a few times, and each
// task once or twice.
//
// The user's other writes wait while an import reads its document. Put a body that comes over a network into a file first. The file can
// also be read a second time: an import that loses to another transaction is retried only if its reader is an [io.Seeker].
package userdata
