package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// ChangesParams selects what Changes returns.
type ChangesParams struct {
	Since ChangesCursor `json:"since"` // Next of an earlier page; empty for all goals and tasks
	Limit int           `json:"limit"` // changes on a page, at most 10,000; 0 means 50
}

// A ChangesPage is one page of the changes after a cursor.
type ChangesPage struct {
	Changes []Change      `json:"changes"` // in the order of commits
	Next    ChangesCursor `json:"next"`    // pass it as Since to the next call; equal to Since of this call if nothing has changed
	More    bool          `json:"more"`    // whether there are more changes now
}

// A Change is a goal or task as it is now, or the id of a deleted one. Exactly one field is set.
type Change struct {
	Goal        *Goal  `json:"goal,omitempty"`
	Task        *Task  `json:"task,omitempty"`
	DeletedGoal GoalID `json:"deleted_goal,omitempty"`
	DeletedTask TaskID `json:"deleted_task,omitempty"`
}

// A ChangesCursor is a position in the changes of a user: a short opaque text that can be put into a URL unescaped. It encodes
// the user's id and sequence numbers that all users share.
type ChangesCursor string

// Changes returns one page of the user's goals and tasks that have changed since a cursor, deleted ones included, in the order
// of commits. Each row is returned once, as it is now, however often it has changed. With an empty cursor it returns all goals
// and tasks. To make a copy, begin with an empty cursor. To keep the copy current, pass Next of the last page to the next
// call. If the user's last change was a deletion, the result for an empty cursor has the id of the deleted row too. Next stays
// empty for a user who has never had a goal or task.
//
// A page is one snapshot. A row that changes between two pages is on a later page, even if it was on an earlier page. No change
// is missed. A goal or task can be returned before its parent goal, and a task before its dependencies.
//
// A cursor from a transaction that has written is valid only if the transaction commits. On a standby that lags, or in a snapshot
// older than the cursor, a valid cursor can return bizydb.ErrChangesExpired.
//
// Returns bizydb.ErrChangesOff unless the owner of bizydb's tables has turned tracking on. Returns bizydb.ErrChangesExpired for a
// cursor from before tracking was turned on, a cursor of another user, and a cursor from after the backup that the database was
// restored from: start again with an empty cursor and an empty copy. Returns ErrInvalid for a text that is not a cursor and for a
// limit out of range.
func (q *Queries) Changes(ctx context.Context, arg ChangesParams) (_ ChangesPage, err error) {
	defer executor.NameError(&err, "Changes")
	from, err := arg.Since.position()
	if err != nil {
		return ChangesPage{}, err
	}
	limit, err := pageSize("limit", arg.Limit)
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
			return ChangesPage{}, fmt.Errorf("%s %d: %w", row.Kind, row.ID, err)
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
		return position{}, refused("since", "must be from Changes")
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
