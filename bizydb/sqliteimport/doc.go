// Package sqliteimport imports one person's tasks and goals from the file of the SQLite planner, the single-user command-line
// program, for a user of bizydb.
//
// [Import] is atomic: it reads the file and writes all rows in one transaction. It opens the file read-only and sees one snapshot
// of it, even while the planner has it open. (If the file has a log, -wal, without an index, -shm, SQLite creates the index.) A
// file in another journal mode than WAL is locked from the moment when the import gets the user's advisory lock until the last
// task has been read: the planner cannot commit to it meanwhile. The advisory lock serializes imports and other writes for the
// same user. Imports for different users run concurrently.
//
// # Running it again
//
// An import is idempotent: known rows are skipped and new ones are imported. This works for the same file, a moved file, a copy,
// and two copies that have diverged. The table bizydb.imports records each imported row by user, old id and time of creation, or
// title if that time is unset. An imported row is never changed by a later import. A row that was deleted in bizydb does not come
// back. Changes of known rows in the file are reported:
//
//   - [Changed]: a column has another value than at the last import. It is reported once. Columns that only the planner writes do
//     not count: updated_at, completed_at, and the percentage of a goal with tasks or sub-goals.
//   - [NotInFile]: an imported row is no longer in the file. It is reported each time, but only if the file counts as the same
//     file as that of the earlier import: of the rows which that import added, more are in the file than are missing from it.
//     Rows that were deleted in bizydb do not count as missing. For another file, or a copy that has diverged, none of these
//     rows is reported.
//
// Since an imported row is never changed by a later import, a second import does not correct a wrong time zone: look at a dry
// run first. Zone and UpgradedOn are recorded with the rows. An import with other values returns [ErrOtherClock]. For a file
// with known rows, the values must be the same as in the last import with rows of this file. For a file without known rows,
// they must be the same as in at least one earlier import for the user. With [Options].AllowOtherClock the new rows are
// imported with the new values, which then count for the file. Two zones match if their clocks have shown the same times for
// ten years. A zone without a name is recorded as its offset in January, and two such zones match if the offsets do.
//
// A row without a time of creation counts as new if its title has changed. A row also counts as new if its time of creation
// was added or removed. A new row is reported as [PossibleDuplicate] if a row with the same id was imported before, and at
// least one of these two rows has no time of creation.
//
// Two rows of one user's files with the same id and exactly the same time of creation count as the same row. Differences are
// reported as [Changed]. If times have no fraction, or are dates only, these can be two unrelated rows. Then the row of the
// second file is not imported. New rows of the second file that reference it reference the row of the first file instead.
//
// # Values
//
// The tables have stricter rules than the file, which has none. A value that breaks a rule is repaired and reported as a
// [Finding] with the old id. With [Options].Strict the row is left out instead, and so are the rows that reference it; once the
// file is corrected they are imported together. Nothing else leaves a row out.
//
//   - Ids are new, and references follow. A parent goal that does not exist is dropped. So is a dependency on a task that does
//     not exist, and a repeated one. In a cycle of goals the goal with the lowest id becomes a root. So does every goal on the
//     101st level of a tree. In a cycle of tasks one dependency is dropped: the last dependency met on a walk from the lowest
//     id. None of these repairs leaves a row out.
//   - Title: without a visible character it becomes "Untitled task 7", with the old id. A title of more than 500 characters is
//     cut, and put in full at the start of the description.
//   - Priority: the nearest of 1 to 5, or 3 if it is unset or not an integer.
//   - Status: case is ignored, and spaces and hyphens count as underscores. An unknown status becomes pending for a task and
//     active for a goal.
//   - Horizon: case is ignored. An unknown horizon is dropped. Category: its first 100 characters.
//   - Hours: dropped if they are negative, over 1,000,000 or not a number.
//   - Progress: from 0 to 100 with two decimals; 0 if it is unset or not a number. A goal with tasks or sub-goals gets the
//     percentage of its work, and a completed one 100. If that differs from the file it is reported as [Recounted]. For a goal
//     without tasks and sub-goals, rounding is not reported. An active goal whose tasks and sub-goals are all done becomes
//     completed now, which is reported.
//   - A goal that was imported before follows new work under it, as it follows any other work. New unfinished work reopens a
//     completed goal and completed goals above it, and clears its CompletedAt. If the new work consists only of active goals
//     at 100 percent, the goal can stay completed. Completed goals that get such new work, directly or further below, are
//     reported as [NewWork], whether they are reopened or not, if they are in the file.
//   - Tags: an array of strings. A single string becomes one tag. Other values in an array become strings, and null is dropped.
//     An object and invalid JSON are dropped. A tag keeps its first 250 characters, and a task its first 100 tags.
//   - Dependencies: an array of ids, also as strings. Other values are dropped.
//   - Metrics: an object. Any other value, and invalid JSON, is stored under the key "imported". So is an object of about
//     1,000,000 bytes or more, as a text. Such a text is cut after 125,000 bytes.
//   - Project: the project of a task becomes a tag, "project:" and its name. The project of a goal is stored in its metrics
//     under the key "project", unless that key is used. Only the first 200 characters of the name count.
//     [Options].DropProjects drops both. Other columns and tables are not imported; the report counts them.
//   - Characters that PostgreSQL does not allow: U+0000 is dropped, and invalid UTF-8 becomes U+FFFD. In metrics, a number that
//     does not fit a float64 becomes a string. Texts are cut after 1,000,000 bytes.
//
// # Times
//
// A time can have a fraction, kept to microseconds, and a space or a T as separator. A date means midnight. An offset from UTC is
// used if the time has one. Without an offset, the time is in UTC or in the person's time zone, [Options].Zone, as the planner
// wrote it:
//
//   - tasks.created_at is in UTC before 2025-10-11 and in the zone from that day on: the planner's version of that day changed
//     it. The rows do not say which version wrote them. [Options].UpgradedOn is the day on which the person got that version, or
//     [NeverUpgraded].
//   - tasks.completed_at, tasks.due_date and goals.target_date are in the zone.
//   - goals.created_at is in UTC.
//   - goals.updated_at is in UTC if it is within a second of created_at, which means that the goal was never changed, or if
//     the goal is on hold or cancelled. Otherwise it is in the zone. The planner wrote it in the zone when it listed an active
//     goal, completed a goal or added a task to it, and in UTC at any other change, such as pausing and cancelling, which
//     mostly come last. These rules can give a time that is before created_at or in the future. If the other reading (the zone
//     instead of UTC, or UTC instead of the zone) gives a possible time, it is used, and reported as [ReadInZone] or
//     [ReadInUTC].
//
// A completed goal was completed at its updated_at.
//
// A due date at midnight without an offset is a day: this is how the planner wrote a date that the person had typed without a
// time. The task becomes an all-day task, whatever the zone.
//
// A time that occurs twice when clocks go back means the first occurrence. A time that is skipped when clocks go forward is moved
// by the same amount. Both are reported, and neither leaves a row out.
//
// A time that contradicts another time is stored as it was read, and reported: [CompletedBeforeCreated] and
// [UpdatedBeforeCreated] if the times differ by more than a second, and [InFuture]. An exception is goals.updated_at in the
// future: it becomes the time of the import, so that later changes show. Many of these findings mean a wrong zone or, for
// tasks, another day of UpgradedOn.
//
// Times that are unset or cannot be read are replaced. A missing created_at becomes the time of the import. A missing
// updated_at of a goal becomes its created_at. A missing due date or target date becomes NULL. A missing completed_at of a
// completed task becomes its created_at. The completed_at of a task that is not completed is dropped. The updated_at of every
// task becomes the time of the import.
package sqliteimport
