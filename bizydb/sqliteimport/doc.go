// Package sqliteimport imports one person's tasks and goals from the file of the SQLite planner, the single-user command-line
// program, for a user of bizydb.
//
// [Import] is atomic: it reads the file and writes everything in one transaction. It opens the file read-only and sees one snapshot
// of it, also while the planner has it open. (If the file has a log, -wal, without an index, -shm, SQLite creates the index.) A file in
// another journal mode than WAL is locked while it is read: the planner cannot commit to it from when the import gets the user's
// advisory lock until the last task has been read. The lock also serializes imports, and other writes, for the same user; imports
// for different users run concurrently.
//
// # Running it again
//
// An import is idempotent. The table bizydb.imports records what has been imported, by old id, time of creation (or the title, if
// that is unset) and user. The file can be imported again, moved or copied, or from two copies that have diverged: known rows are
// skipped and new ones are imported. An imported row is never changed, and a row that was deleted here does not come back. What a
// person did to it in the file since is reported:
//
//   - a column with another value than at the last import, as [Changed], once. Only what a person writes counts: not updated_at and
//     completed_at, nor the percentage of a goal with tasks or sub-goals.
//   - a row that is here but not in the file, as [NotInFile], each time. That assumes that it is the same file: the row's import
//     brought more rows that are in the file than rows that are here but not in the file. Otherwise it is another file, or a copy
//     that diverged, and none of the rows of that import is reported.
//
// So another import does not correct a wrong time zone: look at a dry run first. Zone and UpgradedOn are recorded with the rows. If
// they are others than in the last import with rows of the file, the import is refused with [ErrOtherClock]; for a file without known
// rows they have to be those of any earlier import of the user. [Options].AllowOtherClock imports the new rows with the other ones,
// which then count for the file. Two zones are the same if their clocks have shown the same times for ten years. A zone without a
// name is recorded as its offset in January; two of those are the same if the offset is.
//
// A row that has no time of creation and another title than before counts as new, and so does a row whose time of creation was added
// or removed. They are reported as [PossibleDuplicate]. So is a row of the same id if one of two files has no times.
//
// Two rows of one user's files with the same id and exactly the same time of creation count as the same row, whatever else they
// contain; where it differs it is reported as [Changed]. If times are dates only, or have no fraction, these can be two
// unrelated rows: the one in the second file is not imported, and new rows of that file that refer to it come under the goal, or
// depend on the task, of the first file.
//
// # Values
//
// The tables have stricter rules than the file, which has none. A value that breaks a rule is repaired and reported as a [Finding]
// with the old id. With [Options].Strict the row is left out instead, and so are the rows that refer to it; once the file is
// corrected they are imported together. Nothing else is left out.
//
//   - Ids are new, and references follow. The parent goal of a row is dropped if it does not exist; so is a dependency on a task that
//     does not exist or is listed twice. In a cycle of goals the one with the lowest id becomes a root, and so does every goal on the 101st
//     level of a tree. In a cycle of tasks one dependency is
//     dropped, the last one met on a walk from the lowest id. None of this leaves a row out.
//   - Title: one without a visible character becomes "Untitled task 7", with the old id. One of more than 500 characters is cut, and put in full at the
//     start of the description.
//   - Priority: the nearest of 1 to 5, or 3 if it is unset or not an integer.
//   - Status: ignoring case, with spaces or hyphens for underscores; pending or active if it is unknown.
//   - Horizon: ignoring case; none if it is unknown. Category: its first 100 characters.
//   - Hours: dropped if they are negative, over 1,000,000 or not a number.
//   - Progress: from 0 to 100 with two decimals; 0 if it is unset or not a number. A goal with tasks or sub-goals gets the percentage of its
//     work, and 100 if it is completed; if that differs from the file it is reported as [Recounted]. Rounding the percentage of
//     another goal is not reported. An active goal whose tasks and sub-goals are all done becomes completed now, which is reported.
//   - A goal that was imported before follows new work under it, as it follows any other work. New unfinished work reopens a completed
//     one, though possibly not if it is only active goals at 100 percent, clears its CompletedAt, and reopens completed goals above.
//     These are reported as [NewWork], except goals that are not in the file.
//   - Tags: an array of strings. A single string becomes one tag; other values in an array become strings, and null is dropped. An object
//     and invalid JSON are dropped. A tag keeps its first 250 characters, a task its first 100 tags.
//   - Dependencies: an array of ids, also as strings. Other values are dropped.
//   - Metrics: an object. Any other value, and invalid JSON, is stored in it under "imported"; so is an object of about 1,000,000
//     bytes or more, as a text. Such a text is cut after 125,000 bytes.
//   - The project of a task becomes a tag, "project:" and its name. That of a goal is stored under "project" in its metrics, unless that key is
//     used. Of its name 200 characters count. [Options].DropProjects does neither. Other columns and tables are not imported; the report counts them.
//   - Characters that PostgreSQL does not allow are dropped (U+0000) or become U+FFFD (invalid UTF-8). In metrics, a number that does
//     not fit a float64 becomes a string. Texts are cut after 1,000,000 bytes.
//
// # Times
//
// A time can have a fraction, of which microseconds are kept, a space or a T as separator, and an offset from UTC, which then counts. A
// date means midnight. Without an offset, times are in UTC or in the person's time zone, [Options].Zone, as the planner wrote them:
//
//   - tasks.created_at in UTC before 2025-10-11, in the zone from that day on: the planner's version of that day changed it. Nothing in
//     a row tells which version wrote it. [Options].UpgradedOn is the day on which the person got the new one, and
//     [NeverUpgraded] stands for none;
//   - tasks.completed_at, tasks.due_date and goals.target_date in the zone;
//   - goals.created_at in UTC;
//   - goals.updated_at in UTC if it is within a second of created_at, since the goal was not touched then, and if the goal is on hold or
//     cancelled; else in the zone. The planner wrote it in the zone when it listed an active goal, completed one or added a task under
//     it, and in UTC at any other change. Pausing and cancelling are such changes, and mostly the last ones. A time that would be
//     before created_at or in the future is read the other way if it is neither then, and reported as [ReadInUTC] or [ReadInZone].
//
// A completed goal was completed at its updated_at.
//
// A due date at midnight without an offset, as the planner wrote a date that was typed, is that day: the task is an all-day one, whatever
// the zone.
//
// A time that occurs twice when clocks go back means the first occurrence. A time that is skipped when clocks go forward is moved
// by the same amount. Both are reported, and neither leaves a row out.
//
// A time that contradicts another is stored as it was read and reported: [CompletedBeforeCreated] and [UpdatedBeforeCreated], by more
// than a second, and [InFuture]. Only goals.updated_at is not stored in the future: it becomes the time of the import, since later
// changes would not show. Many of these mean a wrong zone or, for tasks, another day of UpgradedOn.
//
// Times that are unset or cannot be read: a task or goal was created at the time of the import, a goal was last changed when it was
// created, and there is no due or target date. A completed task without a time was completed when it was created; the time of a task
// that is not completed is dropped. Tasks were last changed by the import.
package sqliteimport
