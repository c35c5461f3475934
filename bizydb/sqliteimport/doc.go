// Package sqliteimport moves one person's tasks and goals from the SQLite file of the command-line planner to a user.
//
// [Import] reads the file and writes everything in one transaction. The file is opened for reading only and never changed,
// also while the planner has it open; what Import brings is the file as it was at one moment. (Whoever reads a file that has a
// log beside it, -wal, makes the index of the log anew if it is missing, -shm.) While a file in another journal mode than WAL
// is read, the planner cannot commit to it: from when it is the user's turn until its last task has been read. Nobody else can
// write for the user meanwhile. Files of other users can be imported at the same time, and so can several of the same user,
// which take turns.
//
// # Running it again
//
// What has been imported is kept in the table bizydb.imports, by id, time of creation (title, where that is unset) and user.
// So a file can be imported again, moved or copied, or in two copies that have grown apart: rows that are known are passed
// over, and what is new comes in. A row that has been imported stays as it is here, whatever became of it: changes made to
// it in the file since are not brought, but reported as [Changed], and one that has been deleted here does not come back. So a
// time zone that was wrong cannot be put right by another import: look at a dry run first.
//
// A row without a time of creation that has got another title since is taken for a new one, and so is a row that has got a time
// of creation since, or has lost it: these are reported as [MaybeTwice]. So is, where one of two files has no times, another row
// of the same id.
//
// Rows of two files of one user that have the same id and, to the character, the same time of creation are taken for one,
// whatever else they say; that their content differs is reported as [Changed]. With times that are a date alone, or have no
// fraction, that can be two rows that have nothing to do with each other: of the second file's the row does not come in, and
// what is new in that file and refers to it comes under the first file's goal, or waits for its task.
//
// # What becomes of a value
//
// The rules of the tables are stricter than those of the file, which has none. What does not follow them is repaired and
// reported, as a [Finding] that has the old id, or with [Options].Strict the row is left out and reported, and so is a row
// that refers to it: mended in the file, they come in together. Nothing is left out otherwise.
//
//   - Ids are new. What refers to a row follows it. Tasks and goals under a goal that is not there are under none; a
//     dependency on a task that is not there, or named twice, is dropped. Of goals that are each other's ancestors the one with
//     the lowest id becomes a root. Of tasks that wait for each other in a circle one dependency is dropped, the last that
//     is met on a walk that begins with the lowest id. This is no reason to leave a row out.
//   - A title that is blank becomes "Untitled task 7", by the old id. One of more than 500 characters is cut, and stands in
//     full at the beginning of the description.
//   - Priority: 3 where there is none or it is no whole number, else the nearest of 1 to 5.
//   - Status: in any case, and with blanks or hyphens for underscores; pending or active where it is none that is known.
//   - Horizon: in any case; none where it is not known. Category: the first 100 characters.
//   - Hours that are negative or no number are left out.
//   - Progress: from 0 to 100, to two decimals, 0 where there is none or it is no number. A goal with tasks or sub-goals has
//     what they amount to, and 100 if it is completed; where that differs from what the file says it is reported as
//     [Recounted]. That the percentage of one without them is rounded is not. An active goal whose tasks and sub-goals are all
//     done becomes completed now, and is reported too.
//   - A goal that was imported before follows what comes in under it, as it follows any other work. A completed one is reopened
//     by new unfinished work, though maybe not by active goals at 100 percent alone, so that it has no time of completion any
//     more, and so are completed goals above it. They are reported as [NewWork], but for goals that are not in the file.
//   - Tags: an array of strings. A string by itself is one tag; what is no string in an array becomes one, null none. What is
//     not JSON, or an object, is left out.
//   - Dependencies: an array of ids, also as strings. What is no id is left out.
//   - Metrics: an object. What is none, or not JSON, is kept in it under "imported".
//   - The project of a task is the tag "project:" with its name, that of a goal stands under "project" in its metrics unless
//     something else does; neither with [Options].DropProjects. Other columns and tables are left behind, and counted.
//   - Characters that PostgreSQL does not take are left out (U+0000) or become U+FFFD (what is not UTF-8). In metrics, a
//     number that fits no float64 becomes a string. Texts are cut after 32 MB.
//
// # Times
//
// They are read with and without a fraction, of which microseconds are kept, with a blank or a T, as a date alone, which is
// midnight, and with an offset from UTC, which then counts. Otherwise they are in UTC or in the person's time zone,
// [Options].Zone, as the planner wrote them:
//
//   - tasks.created_at in UTC if it says a day before 2025-10-11, in the zone after that;
//   - tasks.completed_at, tasks.due_date and goals.target_date in the zone;
//   - goals.created_at and goals.updated_at in UTC. (The planner wrote some of the latter in the zone; nothing tells which.)
//
// A time that comes twice in the zone, as clocks go back, is the first of the two. One that is skipped is as much later as
// clocks went forward. Both are reported; neither is a reason to leave a row out.
//
// What is unset or cannot be read: a task or goal was created at the time of the import, a goal last changed when it was
// created, and a due or target date is none. A completed task without a time was completed when it was created, and the time
// of one that is not completed is left out. A completed goal, of which the file does not say when, was completed when it was
// last changed; no goal was changed later than now. Tasks have been last changed by the import.
package sqliteimport
