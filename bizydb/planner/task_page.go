package planner

import (
	"context"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// PageTasksParams selects a page of tasks for PageTasks, or the tasks that CountTasks counts. A filter at its zero value matches all.
type PageTasksParams struct {
	Statuses        TaskStatuses
	Category        *string
	Priority        *int
	ParentGoalID    *GoalID // only tasks directly under this goal
	WithoutGoal     bool    // only tasks under no goal
	SkipUnderClosed bool    // leave out tasks under a completed or cancelled goal, at any depth
	Ready           bool    // only pending and in-progress tasks whose dependencies are all completed
	// DueFrom and DueBefore select the tasks that are due at or after DueFrom and before DueBefore. An all-day task matches DueFrom
	// if its day in TimeZone is not over at DueFrom, and DueBefore if its day is over at DueBefore. In TasksDue it matches if its
	// day begins in the range.
	DueFrom   *time.Time
	DueBefore *time.Time
	TimeZone  TimeZone
	AnyTag    Tags   // tasks with at least one of these tags
	AllTags   Tags   // tasks with every one of these tags
	Search    string // text in title, description or notes; see SearchTasks

	ByDueDate bool       // order by due date, priority and id, without undated tasks; otherwise list order
	Size      int        // tasks on a page, at most 10,000; 0 means 50
	Cursor    TaskCursor // Next or Previous of a page with the same filters and order; empty for the first page
	WithTotal bool       // also count the tasks on all pages: the query reads all of them
}

// A TaskPage is one page of a list of tasks.
type TaskPage struct {
	Tasks          []Task
	Next, Previous TaskCursor // cursors of the pages after and before this one; empty if there is none
	Total          int        // tasks on all pages, or 0 without WithTotal
}

// A TaskCursor is a position in a list of tasks: a short opaque text that can be put into a URL unescaped. It encodes the
// priority, the times and the id of a task.
type TaskCursor string

// PageTasks returns one page of the tasks that match every filter that is set, in list order: by priority, the most urgent
// first; then by due date, the earliest first and tasks without a due date last; then the newest first. If nothing matches,
// the page is empty.
//
// Keyset pagination works in both directions. Inserts and deletes between pages cause no gaps or duplicates. A task whose
// priority or due date changes moves in the list.
//
// ByDueDate orders by due date, priority and id, and leaves out undated tasks. ByDueDate with the statuses pending, in progress
// and blocked makes pages of overdue tasks (DueBefore: now), of upcoming tasks (DueFrom: now, DueBefore: the end of a day) and of
// the tasks due on a day (DueFrom and DueBefore: the beginning and the end of the day).
//
// The cost of a page does not depend on its position. Some filters cost more:
//
//   - A filter other than Statuses, or a Search, if a user has many tasks and few of them match: the query also reads the
//     tasks that do not match.
//   - Tags that many tasks have: each page reads all of these tasks.
//   - SkipUnderClosed: the query first reads the completed and cancelled goals, and all goals below them.
//   - ByDueDate with DueFrom or DueBefore, and Statuses that can match completed tasks: a page reads all tasks that are due
//     between DueFrom and DueBefore.
//
// Returns ErrInvalid for a cursor that is not from PageTasks in the same order and for a size out of range. With WithTotal, an
// empty page after the first page takes a second round trip, for the total.
func (q *Queries) PageTasks(ctx context.Context, arg PageTasksParams) (_ TaskPage, err error) {
	defer executor.NameError(&err, "PageTasks")
	p := pager[keysetTasksRow]{
		method: "PageTasks", size: arg.Size, cursor: string(arg.Cursor), idsFall: true,
		isPlace: func(k keyset) bool {
			return k.Priority >= 1 && k.Priority <= 5 && (k.Key == nil && !arg.ByDueDate || k.Key != nil && isTime(*k.Key))
		},
		keysetOf: func(row keysetTasksRow) keyset {
			k := keyset{Priority: row.Task.Priority, CreatedAt: row.Task.CreatedAt.UnixMicro(), ID: int64(row.Task.ID)}
			if row.Task.DueDate != nil {
				k.Key = new(row.Task.DueDate.UnixMicro())
			}
			return k
		},
		nearest: func(from keyset, n int) ([]keysetTasksRow, error) { return q.nearestTasks(ctx, arg, from, n) },
	}
	if arg.ByDueDate {
		p.order, p.idsFall = "due", false
	}
	rows, next, previous, err := p.page()
	if err != nil {
		return TaskPage{}, err
	}
	page := TaskPage{Tasks: make([]Task, len(rows)), Next: TaskCursor(next), Previous: TaskCursor(previous)}
	for i, row := range rows {
		page.Tasks[i] = row.Task
		if arg.WithTotal {
			page.Total = row.TotalCount
		}
	}
	if arg.WithTotal && len(rows) == 0 && arg.Cursor != "" {
		page.Total, err = q.CountTasks(ctx, arg)
	}
	return page, err
}

// CountTasks returns the number of tasks on all pages of PageTasks. It ignores Size, Cursor and WithTotal.
func (q *Queries) CountTasks(ctx context.Context, arg PageTasksParams) (_ int, err error) {
	defer executor.NameError(&err, "CountTasks")
	fromDay, beforeDay, err := arg.dueDays()
	if err != nil {
		return 0, err
	}
	return q.countTasks(ctx, countTasksParams{
		Statuses: arg.Statuses, Category: arg.Category, Priority: arg.Priority, ParentGoalID: arg.ParentGoalID, Unassigned: arg.WithoutGoal,
		SkipUnderClosed: arg.SkipUnderClosed, Ready: arg.Ready, DueFrom: arg.DueFrom, DueFromDay: fromDay, DueBefore: arg.DueBefore, DueBeforeDay: beforeDay,
		Tagged: arg.tagged(), AnyTag: arg.AnyTag, AllTags: arg.AllTags, Search: arg.Search, Dated: arg.ByDueDate,
	})
}

// nearestTasks asks for no more than n rows, those nearest to from first.
func (q *Queries) nearestTasks(ctx context.Context, arg PageTasksParams, from keyset, n int) ([]keysetTasksRow, error) {
	fromDay, beforeDay, err := arg.dueDays()
	if err != nil {
		return nil, err
	}
	if arg.allMatch() && from == (keyset{}) {
		first, err := q.allTasks(ctx, n)
		rows := make([]keysetTasksRow, len(first))
		for i, task := range first {
			rows[i].Task = task
		}
		return rows, err
	}
	var due *time.Time
	if from.Key != nil {
		due = new(time.UnixMicro(*from.Key))
	}
	created := time.UnixMicro(from.CreatedAt)
	switch {
	case arg.ByDueDate:
		if due == nil { // the first page
			due = new(time.UnixMicro(minTime))
		}
		byDueDate, err := q.keysetTasksByDueDate(ctx, keysetTasksByDueDateParams{
			Statuses: arg.Statuses, Category: arg.Category, Priority: arg.Priority, ParentGoalID: arg.ParentGoalID, Unassigned: arg.WithoutGoal,
			SkipUnderClosed: arg.SkipUnderClosed, Ready: arg.Ready, DueFrom: arg.DueFrom, DueFromDay: fromDay, DueBefore: arg.DueBefore, DueBeforeDay: beforeDay,
			Tagged: arg.tagged(), AnyTag: arg.AnyTag, AllTags: arg.AllTags, Search: arg.Search, WithTotal: arg.WithTotal,
			Back: from.Back, FromDueDate: *due, FromPriority: from.Priority, FromID: from.ID, Max: n,
		})
		return asRows(byDueDate), err
	case arg.tagged():
		tagged, err := q.keysetTaggedTasks(ctx, keysetTaggedTasksParams{
			AnyTag: arg.AnyTag, AllTags: arg.AllTags,
			Statuses: arg.Statuses, Category: arg.Category, Priority: arg.Priority, ParentGoalID: (*int64)(arg.ParentGoalID), Unassigned: arg.WithoutGoal,
			SkipUnderClosed: arg.SkipUnderClosed, Ready: arg.Ready, DueFrom: arg.DueFrom, DueFromDay: fromDay, DueBefore: arg.DueBefore, DueBeforeDay: beforeDay, Search: arg.Search,
			Back: from.Back, FromPriority: from.Priority, FromDueDate: due, FromCreatedAt: created, FromID: from.ID, Max: n,
		})
		return asRows(tagged), err
	}
	return q.keysetTasks(ctx, keysetTasksParams{
		Statuses: arg.Statuses, Category: arg.Category, Priority: arg.Priority, ParentGoalID: arg.ParentGoalID, Unassigned: arg.WithoutGoal,
		SkipUnderClosed: arg.SkipUnderClosed, Ready: arg.Ready, DueFrom: arg.DueFrom, DueFromDay: fromDay, DueBefore: arg.DueBefore, DueBeforeDay: beforeDay,
		Search: arg.Search, WithTotal: arg.WithTotal,
		Back: from.Back, FromPriority: from.Priority, FromDueDate: due, FromCreatedAt: created, FromID: from.ID, Max: n,
	})
}

func asRows[Row keysetTaggedTasksRow | keysetTasksByDueDateRow](found []Row) []keysetTasksRow {
	rows := make([]keysetTasksRow, len(found))
	for i, row := range found {
		rows[i] = keysetTasksRow(row)
	}
	return rows
}

// dueDays are DueFrom and DueBefore as due dates of all-day tasks: of those due on their days in TimeZone.
func (p PageTasksParams) dueDays() (from, before *time.Time, err error) {
	location, err := p.TimeZone.Location()
	if err != nil {
		return nil, nil, refused("time_zone", errZone.Reason)
	}
	day := func(at *time.Time) *time.Time {
		if at == nil {
			return nil
		}
		year, month, day := at.In(location).Date()
		date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixMicro()
		return new(time.UnixMicro(max(minTime, min(date, maxTime)))) // as far as columns and parameters go
	}
	return day(p.DueFrom), day(p.DueBefore), nil
}

func (p PageTasksParams) tagged() bool { return len(p.AnyTag) > 0 || len(p.AllTags) > 0 }

// allMatch says whether the query for all tasks serves the first page.
func (p PageTasksParams) allMatch() bool {
	return len(p.Statuses) == 0 && p.Category == nil && p.Priority == nil && p.ParentGoalID == nil && !p.WithoutGoal && !p.SkipUnderClosed &&
		!p.Ready && p.DueFrom == nil && p.DueBefore == nil && !p.tagged() && p.Search == "" && !p.ByDueDate && !p.WithTotal
}
