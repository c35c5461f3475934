// Package standby routes the reads of users to hot standbys, and never shows a user less than that user has seen or written.
//
// A [Set] has the standbys of a database and what each user knows: a [Position]. A [Router] gives the calls of one user their routes. A
// read goes to a standby together with the question whether the standby has reached the user's position; if not, the read is sent again,
// to the primary.
//
// What makes the answer certain, and where it was measured (docs/standbys.md has the figures):
//
//   - A write returns its transaction id, which was assigned while the transaction held the user's lock. Of one user's transactions the
//     last one ends last, so a standby on which it has ended has them all. An LSN does not tell: before the commit it is too early, and
//     after the commit it takes another round trip.
//   - A read on the primary returns the LSN up to which the log was written when it had read. A standby that has replayed so far has all
//     that the read saw.
//   - A read on a standby returns the LSN up to which the standby had replayed. A commit is visible there before its record counts as
//     replayed, so another standby must be beyond.
//   - A standby shows a commit before the primary does, which may be waiting for other standbys. So a read on the primary waits for the
//     user's writers if the user has seen something on a standby.
//   - A standby that a promotion has left behind has LSNs and transaction ids of its own. So a standby must have the row of the timeline
//     that the primary is on.
package standby
