package bizydb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// ChangedUsersParams selects a page for [Reporting.ChangedUsers].
type ChangedUsersParams struct {
	Since ChangedUsersCursor // Next of an earlier page; empty for every user with a goal or task
	Limit int                // users on a page, at most 10,000; 0 means 1,000
}

// A ChangedUsersPage is one page of the users who have changes after a cursor.
type ChangedUsersPage struct {
	Users []UserID           // in the order of their changes, each once
	Next  ChangedUsersCursor // pass it as Since to the next call; equal to Since of this call if nobody has changes
	More  bool               // whether there are more users now
}

// A ChangedUsersCursor is a position in the changes of all users: a short opaque text. It encodes the numbers of a transaction
// and a user.
type ChangedUsersCursor string

// place is what a cursor says.
type place struct {
	Began int64 // where tracking did, 0 for the beginning
	XID   int64
	User  UserID
}

const changedUsersSQL = `SELECT since, xid, user_id FROM bizydb.changed_users($1, $2, $3, $4)`

// ChangedUsers returns one page of the users whose goals or tasks have changed since a cursor. It takes one round trip. For each
// user, [planner.Queries.Changes] returns the changes.
//
// No change is missed. To ensure this, a change is left out until all older transactions that write have ended. Transactions
// in the server's other databases and prepared transactions count, too. The call does not wait for them: the user is on a
// page of a later call. A user with changes by several transactions can be on several pages. A user can be on a page although
// an earlier call of Changes has already returned the change. A deleted user is on no page, since no data of deleted users is
// kept.
//
// Returns [ErrChangesOff] if changes are not tracked. Returns [ErrChangesExpired] for a cursor from before tracking was turned
// on, or from another server: start again with an empty cursor. Returns [ErrInvalid] for a text that is not a cursor and for a
// limit out of range.
func (r Reporting) ChangedUsers(ctx context.Context, arg ChangedUsersParams) (_ ChangedUsersPage, err error) {
	defer executor.NameError(&err, "ChangedUsers")
	const most = 10_000
	from, err := arg.Since.place()
	if err != nil {
		return ChangedUsersPage{}, err
	}
	limit := arg.Limit
	switch {
	case limit < 0 || limit > most:
		return ChangedUsersPage{}, refusedParam("limit", fmt.Sprintf("must be from 0 to %d", most))
	case limit == 0:
		limit = 1000
	}
	rows, err := r.DBTX().Query(ctx, changedUsersSQL, from.Began, from.XID, int64(from.User), limit)
	if err != nil {
		return ChangedUsersPage{}, err
	}
	places, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil {
		return ChangedUsersPage{}, err
	}
	page := ChangedUsersPage{Users: []UserID{}, Next: arg.Since, More: len(places) == limit}
	named := map[UserID]bool{}
	for _, at := range places {
		if !named[at.User] {
			page.Users, named[at.User] = append(page.Users, at.User), true
		}
	}
	if len(places) > 0 {
		page.Next = places[len(places)-1].cursor()
	}
	return page, nil
}

func (p place) cursor() ChangedUsersCursor {
	b, _ := json.Marshal(p) // numbers can be marshaled
	return ChangedUsersCursor(base64.RawURLEncoding.EncodeToString(b))
}

func (c ChangedUsersCursor) place() (p place, err error) {
	if c == "" {
		return place{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.Began <= 0 || p.XID <= 0 || p.User <= 0 {
		return place{}, refusedParam("since", "must be from ChangedUsers")
	}
	return p, nil
}

func refusedParam(param, reason string) error {
	return &FieldError{Column: param, Reason: reason, Err: ErrInvalid}
}
