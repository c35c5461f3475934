package planner

import (
	"context"
	"math"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// PageGoalsParams selects a page of goals for PageGoals, or the goals that CountGoals counts. A filter at its zero value matches
// all.
type PageGoalsParams struct {
	Statuses        GoalStatuses
	Horizon         *Horizon
	ParentGoalID    *GoalID // only goals directly under this one
	RootsOnly       bool    // only goals without a parent
	SkipUnderClosed bool    // leave out goals under a completed or cancelled goal, at any depth
	Search          string  // text in title, description or success criteria; see SearchGoals

	Order     GoalOrder
	Size      int        // goals on a page, at most 10,000; 0 means 50
	Cursor    GoalCursor // Next or Previous of a page with the same filters and order; empty for the first page
	WithTotal bool       // also count the goals on all pages
}

// A GoalOrder is the order of a list of goals.
type GoalOrder string

// The orders of goals.
const (
	GoalsByTargetDate GoalOrder = ""         // by target date, goals without a target date last; then the oldest first, as in ListGoals
	GoalsByProgress   GoalOrder = "progress" // the highest percentage first, then the oldest first
	GoalsByNewest     GoalOrder = "newest"   // the newest first
)

// A GoalPage is one page of a list of goals.
type GoalPage struct {
	Goals          []Goal
	Next, Previous GoalCursor // cursors of the pages after and before this one; empty if there is none
	Total          int        // goals on all pages, or 0 without WithTotal
}

// A GoalCursor is a position in a list of goals: a short opaque text that can be put into a URL unescaped. It encodes the sort
// key, the creation time and the id of a goal.
type GoalCursor string

// PageGoals returns one page of the goals that match every filter that is set. Keyset pagination works as in PageTasks: a goal
// whose target date or progress changes moves in the list. In every order, a page reads all goals of the user that match. If
// nothing matches, the page is empty.
//
// Returns ErrInvalid for a cursor that is not from PageGoals in the same order, for an unknown order, and for a size out of
// range. With WithTotal, an empty page after the first page takes a second round trip, for the total.
func (q *Queries) PageGoals(ctx context.Context, arg PageGoalsParams) (_ GoalPage, err error) {
	defer executor.NameError(&err, "PageGoals")
	p := pager[keysetGoalsRow]{
		method: "PageGoals", order: "target", idsFall: arg.Order == GoalsByNewest, size: arg.Size, cursor: string(arg.Cursor),
		isPlace: func(k keyset) bool { return k.Key != nil },
		keysetOf: func(row keysetGoalsRow) keyset {
			return keyset{Key: new(arg.Order.key(row.Goal)), CreatedAt: row.Goal.CreatedAt.UnixMicro(), ID: int64(row.Goal.ID)}
		},
		nearest: func(from keyset, n int) ([]keysetGoalsRow, error) { return q.nearestGoals(ctx, arg, from, n) },
	}
	switch arg.Order {
	case GoalsByTargetDate:
	case GoalsByProgress, GoalsByNewest:
		p.order = string(arg.Order)
	default:
		return GoalPage{}, refused("order", "must be "+listed([]GoalOrder{GoalsByTargetDate, GoalsByProgress, GoalsByNewest}))
	}
	rows, next, previous, err := p.page()
	if err != nil {
		return GoalPage{}, err
	}
	page := GoalPage{Goals: make([]Goal, len(rows)), Next: GoalCursor(next), Previous: GoalCursor(previous)}
	for i, row := range rows {
		page.Goals[i] = row.Goal
		if arg.WithTotal {
			page.Total = row.TotalCount
		}
	}
	if arg.WithTotal && len(rows) == 0 && arg.Cursor != "" {
		page.Total, err = q.CountGoals(ctx, arg)
	}
	return page, err
}

// CountGoals returns the number of goals on all pages of PageGoals. It ignores Order, Size, Cursor and WithTotal.
func (q *Queries) CountGoals(ctx context.Context, arg PageGoalsParams) (_ int, err error) {
	defer executor.NameError(&err, "CountGoals")
	return q.countGoals(ctx, countGoalsParams{
		Statuses: arg.Statuses, Horizon: arg.Horizon, ParentGoalID: arg.ParentGoalID, RootsOnly: arg.RootsOnly,
		SkipUnderClosed: arg.SkipUnderClosed, Search: arg.Search,
	})
}

// nearestGoals asks for no more than n rows, those nearest to from first.
func (q *Queries) nearestGoals(ctx context.Context, arg PageGoalsParams, from keyset, n int) ([]keysetGoalsRow, error) {
	key, tie := int64(math.MinInt64), from.ID
	if from.Key != nil {
		key = *from.Key
	}
	if arg.Order == GoalsByNewest {
		tie = -tie
	}
	return q.keysetGoals(ctx, keysetGoalsParams{
		Statuses: arg.Statuses, Horizon: arg.Horizon, ParentGoalID: arg.ParentGoalID, RootsOnly: arg.RootsOnly,
		SkipUnderClosed: arg.SkipUnderClosed, Search: arg.Search, SortBy: string(arg.Order),
		Back: from.Back, FromKey: key, FromCreatedAt: time.UnixMicro(from.CreatedAt), FromTie: tie, Max: n,
	})
}

// key is what a goal is sorted by, as keysetGoals has it.
func (o GoalOrder) key(g Goal) int64 {
	switch {
	case o == GoalsByProgress:
		return -int64(math.Round(g.ProgressPercentage * 100))
	case o == GoalsByNewest:
		return -g.CreatedAt.UnixMicro()
	case g.TargetDate == nil:
		return math.MaxInt64
	}
	return g.TargetDate.UnixMicro()
}
