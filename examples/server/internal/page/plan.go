package page

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// The page shows this many goals and tasks at most, the first ones.
const pageLimit = 1000

// A plan is what the page shows.
type plan struct {
	User      string
	Day       time.Time // today
	Today     []task    // overdue, due today, and those completed today
	Goals     []*goal   // the roots
	Loose     []task    // under no goal
	Truncated bool
}

type goal struct {
	planner.Goal
	Tasks []task
	Goals []*goal
}

// Percent is the progress with at most one decimal, and 100 only if nothing is left.
func (g *goal) Percent() float64 { return math.Floor(g.ProgressPercentage*10) / 10 }

// The lists that a task may be in.
const (
	listToday = "today"
	listGoals = "goals"
)

// A task is a task in one of the lists, as of a day.
type task struct {
	planner.Task
	List string
	on   time.Time
}

// Key is the id of the task's button.
func (t task) Key() string { return t.List + "-" + strconv.FormatInt(int64(t.ID), 10) }

// Done reports whether the task is completed.
func (t task) Done() bool { return t.Status == planner.TaskCompleted }

// Due is when the task is due, in the zone of the page; the zero time for no date.
func (t task) Due() time.Time {
	switch {
	case t.DueDate == nil:
		return time.Time{}
	case t.DueAllDay: // the same day in every zone
		return time.Date(t.DueDate.UTC().Year(), t.DueDate.UTC().Month(), t.DueDate.UTC().Day(), 0, 0, 0, 0, t.on.Location())
	default:
		return t.DueDate.In(t.on.Location())
	}
}

// Late reports whether the task should have been done before today.
func (t task) Late() bool { return !t.Done() && t.DueDate != nil && t.Due().Before(startOf(t.on)) }

func startOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// day writes a day for people.
func day(t time.Time) string { return t.Format("Mon 2 January 2006") }

// readPlan reads everything in one round trip.
func readPlan(ctx context.Context, scope bizydb.Scope, now time.Time) (plan, error) {
	var (
		me                         planner.User
		goals                      []planner.Goal
		open, overdue, today, done []planner.Task
		zone, morning              = planner.TimeZone(now.Location().String()), startOf(now)
	)
	err := scope.Batch(ctx,
		func(q bizydb.Reader) (err error) { me, err = q.Me(ctx); return err },
		func(q bizydb.Reader) (err error) {
			goals, err = q.ListGoals(ctx, planner.ListGoalsParams{Limit: pageLimit})
			return err
		},
		func(q bizydb.Reader) (err error) {
			open, err = q.OpenTasks(ctx, planner.OpenTasksParams{Limit: pageLimit})
			return err
		},
		func(q bizydb.Reader) (err error) {
			overdue, err = q.OverdueTasks(ctx, planner.OverdueTasksParams{WithBlocked: true, SkipUnderClosed: true, Limit: pageLimit, At: &morning, TimeZone: zone})
			return err
		},
		func(q bizydb.Reader) (err error) {
			today, err = q.TasksDueToday(ctx, planner.TasksDueTodayParams{SkipUnderClosed: true, Limit: pageLimit, At: &now, TimeZone: zone})
			return err
		},
		func(q bizydb.Reader) (err error) {
			done, err = q.TasksCompleted(ctx, planner.TasksCompletedParams{From: morning, Before: now.Add(time.Minute), Limit: pageLimit})
			return err
		},
	)
	if err != nil {
		return plan{}, err
	}
	p := plan{User: me.Username, Day: now, Truncated: len(goals) == pageLimit || len(open) == pageLimit}

	// A task keeps its place when it is completed.
	for _, t := range slices.Concat(overdue, today, done) {
		p.Today = append(p.Today, task{t, listToday, now})
	}
	slices.SortStableFunc(p.Today, func(a, b task) int {
		return cmp.Or(cmp.Compare(unix(a.DueDate), unix(b.DueDate)), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.ID, b.ID))
	})

	byID := map[planner.GoalID]*goal{}
	for _, g := range goals {
		byID[g.ID] = &goal{Goal: g}
	}
	for _, g := range goals {
		if above := parent(byID, g.ParentGoalID); above != nil {
			above.Goals = append(above.Goals, byID[g.ID])
		} else {
			p.Goals = append(p.Goals, byID[g.ID])
		}
	}
	tasks := slices.Concat(open, done)
	slices.SortStableFunc(tasks, func(a, b planner.Task) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(unix(a.DueDate), unix(b.DueDate)), cmp.Compare(a.ID, b.ID))
	})
	for _, t := range tasks {
		list := &p.Loose
		if above := parent(byID, t.ParentGoalID); above != nil {
			list = &above.Tasks
		}
		*list = append(*list, task{t, listGoals, now})
	}
	return p, nil
}

func parent(byID map[planner.GoalID]*goal, id *planner.GoalID) *goal {
	if id == nil {
		return nil
	}
	return byID[*id]
}

// unix is a time to sort by. None comes last.
func unix(t *time.Time) int64 {
	if t == nil {
		return 1 << 62
	}
	return t.Unix()
}
