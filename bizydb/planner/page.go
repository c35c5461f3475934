package planner

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// PageTasksParams selects a page of tasks. A filter at its zero value matches all.
type PageTasksParams struct {
	Status       TaskStatus
	Category     *string
	Priority     *int
	ParentGoalID *GoalID // directly under this goal
	WithoutGoal  bool    // under no goal
	AnyTag       Tags    // with at least one of these
	AllTags      Tags    // with every one of these
	Search       string  // with this in title, description or notes, as in SearchTasks

	Size      int        // tasks on a page, at most 10,000; 0 means 50
	Cursor    TaskCursor // from another page with the same filters; empty for the first page
	WithTotal bool       // also count all that match, which reads them all
}

// A TaskPage is one page of a list of tasks.
type TaskPage struct {
	Tasks          []Task
	Next, Previous TaskCursor // of the pages after and before this one, empty if there is none
	Total          int        // tasks that match on all pages, or 0 without WithTotal
}

// A TaskCursor is a position in a list of tasks: a short opaque text that can be put into a URL as it is. It encodes the priority, the
// times and the id of a task.
type TaskCursor string

const (
	defaultPageSize = 50
	maxPageSize     = 10_000
)

// keyset is what a cursor says: the page begins beside the task with these values, and not at its id alone, so that it can
// be found when the task has gone. The first page begins at the zero keyset.
type keyset struct {
	Back      bool   `json:"b,omitempty"`
	Priority  int    `json:"p"`
	DueDate   *int64 `json:"d,omitempty"` // like CreatedAt in microseconds since 1970, as PostgreSQL keeps them
	CreatedAt int64  `json:"c"`
	ID        TaskID `json:"i"`
}

// The first and the last time of a task, as in a keyset.
var minTime, maxTime = time.Time{}.UnixMicro(), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1

// PageTasks returns one page of the tasks that match every filter that is set, in list order: the most urgent priority first, then the
// earliest due date, tasks without one last, then the newest.
//
// Keyset pagination works in both directions. Inserts and deletes between pages cause no gaps or duplicates; a task whose priority or
// due date changes moves in the list. If nothing matches, the page is empty.
//
// The cost of a page does not depend on its position. Three kinds of filter cost more: a filter other than Status that few of many
// tasks match, since the query scans past the others; Search, for the same reason; and tags that many tasks have, since each page
// reads all of them.
//
// A cursor that is not from PageTasks and a size out of range give ErrInvalid. The total of an empty page that is not the first takes
// a second round trip.
func (q *Queries) PageTasks(ctx context.Context, arg PageTasksParams) (TaskPage, error) {
	from, err := arg.Cursor.keyset()
	if err != nil {
		return TaskPage{}, err
	}
	size := arg.Size
	switch {
	case size < 0 || size > maxPageSize:
		return TaskPage{}, refused("size", fmt.Sprintf("must be from 0 to %d", maxPageSize))
	case size == 0:
		size = defaultPageSize
	}
	rows, err := q.nearest(ctx, arg, from, size+1) // one more tells whether there are more
	if err != nil {
		return TaskPage{}, err
	}
	counted := rows // each row has the number of all that match
	if arg.WithTotal && len(rows) == 0 && arg.Cursor != "" {
		if counted, err = q.nearest(ctx, arg, keyset{}, 1); err != nil {
			return TaskPage{}, err
		}
	}

	more := len(rows) > size
	if more {
		rows = rows[:size]
	}
	if from.Back {
		slices.Reverse(rows)
	}
	page := TaskPage{Tasks: make([]Task, len(rows))}
	if arg.WithTotal && len(counted) > 0 {
		page.Total = counted[0].TotalCount
	}
	for i, row := range rows {
		page.Tasks[i] = row.Task
	}
	first, last := from, from
	switch {
	case len(rows) > 0:
		first, last = keysetOf(page.Tasks[0]), keysetOf(page.Tasks[len(rows)-1])
	case from.Back: // the way back from an empty page begins with the task that led to it
		last.ID++
	default:
		first.ID--
	}
	if more || from.Back {
		page.Next = last.cursor(false)
	}
	if more && from.Back || !from.Back && arg.Cursor != "" {
		page.Previous = first.cursor(true)
	}
	return page, nil
}

// nearest asks for no more than n rows, those nearest to from first.
func (q *Queries) nearest(ctx context.Context, arg PageTasksParams, from keyset, n int) ([]keysetTasksRow, error) {
	if arg.allMatch() && from == (keyset{}) && !arg.WithTotal {
		first, err := q.allTasks(ctx, n)
		rows := make([]keysetTasksRow, len(first))
		for i, task := range first {
			rows[i].Task = task
		}
		return rows, err
	}
	var due *time.Time
	if from.DueDate != nil {
		due = new(time.UnixMicro(*from.DueDate))
	}
	created := time.UnixMicro(from.CreatedAt)
	if len(arg.AnyTag) == 0 && len(arg.AllTags) == 0 {
		return q.keysetTasks(ctx, keysetTasksParams{
			Status: arg.Status, Category: arg.Category, Priority: arg.Priority, ParentGoalID: arg.ParentGoalID, Unassigned: arg.WithoutGoal,
			Search: arg.Search, WithTotal: arg.WithTotal,
			Back: from.Back, FromPriority: from.Priority, FromDueDate: due, FromCreatedAt: created, FromID: int64(from.ID), Max: n,
		})
	}
	tagged, err := q.keysetTaggedTasks(ctx, keysetTaggedTasksParams{
		AnyTag: arg.AnyTag, AllTags: arg.AllTags,
		Status: arg.Status, Category: arg.Category, Priority: arg.Priority, ParentGoalID: (*int64)(arg.ParentGoalID), Unassigned: arg.WithoutGoal,
		Search: arg.Search,
		Back:   from.Back, FromPriority: from.Priority, FromDueDate: due, FromCreatedAt: created, FromID: int64(from.ID), Max: n,
	})
	rows := make([]keysetTasksRow, len(tagged))
	for i, row := range tagged {
		rows[i] = keysetTasksRow(row)
	}
	return rows, err
}

// allMatch says whether no filter is set.
func (p PageTasksParams) allMatch() bool {
	return p.Status == "" && p.Category == nil && p.Priority == nil && p.ParentGoalID == nil && !p.WithoutGoal &&
		len(p.AnyTag) == 0 && len(p.AllTags) == 0 && p.Search == ""
}

func keysetOf(t Task) keyset {
	k := keyset{Priority: t.Priority, CreatedAt: t.CreatedAt.UnixMicro(), ID: t.ID}
	if t.DueDate != nil {
		k.DueDate = new(t.DueDate.UnixMicro())
	}
	return k
}

func (k keyset) cursor(back bool) TaskCursor {
	k.Back = back
	b, _ := json.Marshal(k) // numbers can be marshaled
	return TaskCursor(base64.RawURLEncoding.EncodeToString(b))
}

func (c TaskCursor) keyset() (keyset, error) {
	if c == "" {
		return keyset{}, nil
	}
	var k keyset
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	outside := func(at int64) bool { return at < minTime || at > maxTime }
	if err != nil || k.Priority < 1 || k.Priority > 5 || k.ID < 0 || outside(k.CreatedAt) || k.DueDate != nil && outside(*k.DueDate) {
		return keyset{}, refused("cursor", "must be from a page of tasks")
	}
	return k, nil
}

func refused(param, reason string) error {
	return fmt.Errorf("bizydb: PageTasks: %w", &FieldError{Column: param, Reason: reason, Err: ErrInvalid})
}
