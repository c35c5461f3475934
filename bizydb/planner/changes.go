package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// ChangesParams selects what Changes returns.
type ChangesParams struct {
	Since ChangesCursor `json:"since"` // Next of an earlier page; empty for all there is
	Limit int           `json:"limit"` // changes on a page, at most 10,000; 0 means 50
}

// A ChangesPage is what changed after a cursor, or the first of it.
type ChangesPage struct {
	Changes []Change      `json:"changes"` // in the order of commits
	Next    ChangesCursor `json:"next"`    // what to give as Since next time; the given one if nothing has changed
	More    bool          `json:"more"`    // whether there are more at once
}

// A Change is a goal or task as it is now, or the id of one that has been deleted: one field is set.
type Change struct {
	Goal        *Goal  `json:"goal,omitempty"`
	Task        *Task  `json:"task,omitempty"`
	DeletedGoal GoalID `json:"deleted_goal,omitempty"`
	DeletedTask TaskID `json:"deleted_task,omitempty"`
}

// A ChangesCursor is a position in the changes of a user: a short opaque text that can be put into a URL as it is. It encodes the
// user's id and numbers that changes of all users are counted with.
type ChangesCursor string

// Changes returns which of the user's goals and tasks have changed since a cursor, deleted ones included, in the order of commits. Each
// comes once, as it is now, however often it has changed. Without a cursor they are all the goals and tasks that there are, and perhaps one
// that was deleted. So a copy begins with an empty cursor, and stays current by the same call. Until the user has had anything, the cursor
// stays empty.
//
// A page sees one snapshot. What changes between pages comes on a later page, again if it has been on an earlier one, and nothing is
// missed. A goal or task can come before the goal that it is under, or a task that it depends on.
//
// In a transaction that has written, a cursor counts only if it commits. On a standby that lags, and in a snapshot that is older than a
// cursor, the cursor can seem to have expired.
//
// Changes have to be tracked, which the owner of bizydb's tables turns on: otherwise it returns bizydb.ErrChangesOff. A cursor from
// before tracking was turned on, of another user, or of a later state of the database than it is at, returns bizydb.ErrChangesExpired:
// begin anew, with an empty cursor and an empty copy. A text that is no cursor and a limit out of range give ErrInvalid.
func (q *Queries) Changes(ctx context.Context, arg ChangesParams) (ChangesPage, error) {
	from, err := arg.Since.position()
	if err != nil {
		return ChangesPage{}, err
	}
	limit, err := pageSize("Changes", "limit", arg.Limit)
	if err != nil {
		return ChangesPage{}, err
	}
	rows, err := q.changesAfter(ctx, changesAfterParams{Owner: from.owner, After: from.after, First: from.first, Most: limit + 1}) // one more tells whether there are more
	if err != nil {
		return ChangesPage{}, err
	}
	page := ChangesPage{Next: arg.Since, More: len(rows) > limit}
	rows = rows[:min(len(rows), limit)]
	page.Changes = make([]Change, len(rows))
	next := from
	for i, row := range rows {
		if page.Changes[i], err = row.change(); err != nil {
			return ChangesPage{}, fmt.Errorf("bizydb: Changes: %s %d: %w", row.Kind, row.ID, err)
		}
		next = position{after: row.Seq, owner: row.Owner, first: row.First}
	}
	if !page.More {
		next.first = 0
	}
	if next != from {
		page.Next = next.cursor()
	}
	return page, nil
}

// A position is what a cursor says.
type position struct {
	after, owner int64
	first        int64 // up to which it is a first load; 0 after that
}

func (p position) cursor() ChangesCursor {
	return ChangesCursor(strconv.FormatInt(p.after, 36) + "." + strconv.FormatInt(p.owner, 36) + "." + strconv.FormatInt(p.first, 36))
}

func (c ChangesCursor) position() (p position, err error) {
	if c == "" {
		return position{}, nil
	}
	parts := strings.Split(string(c), ".")
	numbers := []*int64{&p.after, &p.owner, &p.first}
	valid := len(parts) == len(numbers)
	for i := 0; valid && i < len(parts); i++ {
		*numbers[i], err = strconv.ParseInt(parts[i], 36, 64)
		valid = err == nil
	}
	if !valid || p.after <= 0 || p.owner <= 0 || p.first < 0 {
		return position{}, refused("Changes", "since", "must be from Changes")
	}
	return p, nil
}

func (r changesAfterRow) change() (Change, error) {
	switch {
	case r.Content == nil && r.Kind == "task":
		return Change{DeletedTask: TaskID(r.ID)}, nil
	case r.Content == nil:
		return Change{DeletedGoal: GoalID(r.ID)}, nil
	case r.Kind == "task":
		var task Task
		err := fromJSON(r.Content, &task, &task)
		return Change{Task: &task}, err
	default:
		var row struct {
			*Goal
			// What its own JSON leaves out.
			SubGoalProgress *int64 `json:"sub_goal_progress"`
			RollUpCount     *int64 `json:"roll_up_count"`
		}
		row.Goal = &Goal{}
		row.SubGoalProgress, row.RollUpCount = &row.Goal.SubGoalProgress, &row.Goal.RollUpCount
		err := fromJSON(r.Content, &row, row.Goal)
		return Change{Goal: row.Goal}, err
	}
}

// fromJSON decodes a row of the server's into v, and moves the times of the goal or task in it to UTC.
func fromJSON(b []byte, v, row any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	fields := reflect.ValueOf(row).Elem()
	for i := range fields.NumField() {
		switch at := fields.Field(i).Addr().Interface().(type) {
		case *time.Time:
			*at = at.UTC()
		case **time.Time:
			if *at != nil {
				**at = (*at).UTC()
			}
		}
	}
	return nil
}
