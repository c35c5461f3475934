// Package userdata exports one user's goals and tasks as one JSON document, and imports the document again with new ids. Use it
// for a user's request for their data, for a backup of one user, and to move a user to another database.
//
// [Export] writes the document while it reads the rows, from one snapshot. [Import] is atomic: it adds the rows of the document
// to those that the user has, in one transaction. [ExportTx] and [ImportTx] work in a transaction in which the service reads or
// writes rows of its own too.
//
// # The document
//
// The document is one JSON object with these keys, in this order:
//
//	format       "bizydb.userdata"
//	version      1; a later bizydb reads every earlier version
//	exported_at  time of the snapshot
//	profile      the account, without its password
//	goals        an array, ordered by id
//	tasks        an array, ordered by id
//
// The keys of a row are the names of its columns. Every column has its key, with null for NULL, except user_id and the counts
// that triggers maintain: task_count and the four columns after it in goals. Times are in RFC 3339, in UTC. Metrics keep their
// numbers, except for zeros at the end of a fraction, as in 1.50. A truncated document is not valid JSON.
//
// The document does not contain the password hash, the service's own columns and tables, deleted rows, and the records of package
// sqliteimport about the rows that it has imported. Without these records, sqliteimport imports the rows of a file again for a
// user who was moved or restored by a document.
//
// Rows that were written with triggers disabled are exported as they are. An import refuses a row that breaks a rule, such as a
// completed task without completed_at, and names the row and the column.
//
// # What an import restores
//
// An import restores everything, with these exceptions:
//
//   - Every row gets a new id, in the order of the old ids. References to parent goals and dependencies get the new ids.
//   - The profile is returned and not applied: accounts belong to [bizydb.Accounts].
//   - updated_at of a task is the time of the import.
//   - version is not restored: it counts the changes since the import.
//   - The percentage of a goal with tasks or sub-goals is computed from these, as always.
//
// Statuses are restored as they were, even where the rules of progress would not lead to them: for example a completed goal with
// unfinished work under it, or a reopened goal with all of its work done.
//
// # Untrusted documents
//
// A document is treated as untrusted input, and accepted as a whole or not at all. Import returns [bizydb.ErrInvalid] for
//
//   - an unknown, missing or repeated key
//   - a value that its column does not allow, or a completed_at that contradicts the status
//   - ids that do not ascend
//   - a reference to a row that is not in the document
//   - a repeated dependency, or more than 100,000 dependencies of one task
//   - a number in metrics with an exponent beyond 400
//   - a cycle, or more than 100 levels of goals
//
// If the error is about a row, it is a [*bizydb.FieldError] with the index of the row: tasks[17].title. Ids of the document are
// never used as ids of the database, so a document can only reference its own rows.
//
// Limit the size of a document with [net/http.MaxBytesReader] or [io.LimitReader]. An import needs less than 200 MB of memory for
// the largest or most hostile rows, plus memory for the ids, statuses and dependencies of all rows, which it keeps until the end.
// It writes each goal a few times, and each task once or twice.
//
// While an import reads its document, other writes of the user wait: store a document that comes over a network in a file first.
// After a serialization failure or a deadlock, an import is retried only if its reader is an [io.Seeker], such as a file.
package userdata
