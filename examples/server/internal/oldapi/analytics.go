package oldapi

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func (a *API) analyticsRoutes() []route {
	return []route{
		{pattern: "GET /api/analytics/tasks", status: 200, do: analyzeTasks},
		{pattern: "GET /api/analytics/goals", status: 200, do: analyzeGoals},
		{pattern: "GET /api/analytics/velocity", status: 200, do: analyzeVelocity},
		{pattern: "GET /api/analytics/trends", status: 200, do: analyzeTrends},
	}
}

const day = 24 * time.Hour

// A period is the last days before now.
type period struct {
	days     int
	from, to time.Time
}

func (c *call) period(least, otherwise int64) (period, error) {
	p := period{days: int(otherwise), to: time.Now().UTC()}
	if days := c.query().small("days", notNull, least, 90); days != nil {
		p.days = *days
	}
	p.from = p.to.Add(-time.Duration(p.days) * day)
	return p, c.check()
}

// clocks is how far the clock of the database may be ahead: what has just been completed there counts.
const clocks = time.Minute

// completed are the tasks completed in a period, the latest first.
func (p period) completed(c *call, q planner.Reader) ([]planner.Task, error) {
	return q.TasksCompleted(c.Context(), planner.TasksCompletedParams{From: p.from, Before: p.to.Add(clocks)})
}

func analyzeTasks(c *call) (any, error) {
	p, err := c.period(1, 7)
	if err != nil {
		return nil, err
	}
	var activity planner.TaskActivityRow
	var overview planner.OverviewRow
	var now taskNumbers
	byCategory, byPriority := counts{}, counts{}
	err = c.scope.Batch(c.Context(),
		func(q bizydb.Reader) (err error) {
			activity, err = q.TaskActivity(c.Context(), planner.TaskActivityParams{From: p.from, Before: p.to.Add(clocks)})
			return err
		},
		func(q bizydb.Reader) error {
			tasks, err := p.completed(c, q)
			for _, t := range tasks {
				byCategory.add(categoryOf(t), 1)
				byPriority.add(strconv.Itoa(t.Priority), 1)
			}
			return err
		},
		func(q bizydb.Reader) error { return now.read(c, q) },
		func(q bizydb.Reader) (err error) {
			overview, err = q.Overview(c.Context(), planner.OverviewParams{WithBlocked: true})
			return err
		},
	)
	return map[string]any{
		"period_days": p.days, "tasks_completed": activity.Completed, "tasks_created": activity.Created,
		"tasks_pending": now.byStatus[string(planner.TaskPending)], "tasks_in_progress": now.byStatus[string(planner.TaskInProgress)],
		"tasks_blocked":         now.byStatus[string(planner.TaskBlocked)],
		"completion_rate":       round(100*share(activity.Completed, activity.Created), 2),
		"total_estimated_hours": round(activity.EstimatedHours, 2), "total_actual_hours": round(activity.ActualHours, 2),
		"by_category": byCategory, "by_priority": byPriority, "by_status": now.byStatus, "overdue_count": overview.OverdueTasks,
	}, err
}

func categoryOf(t planner.Task) string {
	if t.Category == nil {
		return "uncategorized"
	}
	return *t.Category
}

// share is a part of a whole, 0 of nothing.
func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func analyzeGoals(c *call) (any, error) {
	n, err := readGoalNumbers(c)
	return map[string]any{
		"total_goals": n.total, "active_goals": n.byStatus[string(planner.GoalActive)], "completed_goals": n.byStatus[string(planner.GoalCompleted)],
		"on_hold_goals": n.byStatus[string(planner.GoalOnHold)], "cancelled_goals": n.byStatus[string(planner.GoalCancelled)],
		"average_progress": round(n.AverageProgress, 2), "by_horizon": n.byHorizon,
		"goals_near_completion": n.GoalsNearCompletion, "goals_at_risk": n.GoalsAtRisk,
	}, err
}

// A daily is a day with its completed tasks.
type daily struct {
	Date           string `json:"date"`
	TasksCompleted int    `json:"tasks_completed"`
}

func analyzeVelocity(c *call) (any, error) {
	p, err := c.period(7, 30)
	if err != nil {
		return nil, err
	}
	tasks, err := p.completed(c, c.scope)
	if err != nil {
		return nil, err
	}
	urgent, late, byDay := 0, 0, counts{}
	for _, t := range tasks {
		byDay.add(t.CompletedAt.Format(time.DateOnly), 1)
		if t.Priority <= 2 {
			urgent++
		}
		if !t.CompletedAt.Before(p.from.Add(p.to.Sub(p.from) / 2)) {
			late++
		}
	}
	velocity := round(share(len(tasks), p.days), 2)
	trend, points := trendOf(float64(len(tasks)-late), float64(late))
	answer := map[string]any{
		"period_days": p.days, "velocity": velocity, "tasks_per_day": velocity, "completion_trend": trend,
		"productivity_score": round(min(100, 5*velocity+30*share(urgent, len(tasks))+0.2*points), 1),
		"best_day":           nil, "worst_day": nil,
	}
	days := []daily{}
	for _, date := range slices.Sorted(maps.Keys(byDay)) {
		days = append(days, daily{date, byDay[date]})
	}
	fewest := func(a, b daily) int { return cmp.Compare(a.TasksCompleted, b.TasksCompleted) }
	if len(days) > 0 {
		answer["best_day"] = slices.MaxFunc(days, fewest)
	}
	if len(days) > 1 {
		answer["worst_day"] = slices.MinFunc(days, fewest)
	}
	answer["daily_breakdown"] = days
	return answer, nil
}

// trendOf compares the second half of a period with the first, and gives the points that the trend is worth.
func trendOf(first, second float64) (trend string, points float64) {
	switch {
	case second > 1.1*first:
		return "improving", 50
	case second < 0.9*first:
		return "declining", 10
	default:
		return "stable", 30
	}
}

// A week is one of a period, with its completed tasks.
type week struct {
	Week           int     `json:"week"`
	WeekStart      string  `json:"week_start"`
	WeekEnd        string  `json:"week_end"`
	TasksCompleted int     `json:"tasks_completed"`
	TotalHours     float64 `json:"total_hours"`
}

type priorities struct {
	Week   int `json:"week"`
	High   int `json:"high_priority"`
	Medium int `json:"medium_priority"`
	Low    int `json:"low_priority"`
}

// trends are what analyzeTrends finds.
type trends struct {
	weeks      []week
	priorities []priorities
	categories map[string][]int // tasks of each week
	goals      []planner.Goal
}

func analyzeTrends(c *call) (any, error) {
	p, err := c.period(7, 30)
	if err != nil {
		return nil, err
	}
	var tasks []planner.Task
	found := trends{categories: map[string][]int{}}
	err = c.scope.Batch(c.Context(),
		func(q bizydb.Reader) (err error) { tasks, err = p.completed(c, q); return err },
		func(q bizydb.Reader) (err error) {
			found.goals, err = q.ListGoals(c.Context(), planner.ListGoalsParams{Statuses: planner.GoalStatuses{planner.GoalActive}})
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	for i := range p.days / 7 {
		start := p.from.Add(time.Duration(i) * 7 * day)
		found.weeks = append(found.weeks, week{Week: i + 1, WeekStart: start.Format(time.DateOnly), WeekEnd: start.Add(7 * day).Format(time.DateOnly)})
		found.priorities = append(found.priorities, priorities{Week: i + 1})
	}
	for _, t := range tasks {
		if i := int(t.CompletedAt.Sub(p.from) / (7 * day)); i < len(found.weeks) { // the days after the last whole week are left out
			found.add(i, t)
		}
	}
	return map[string]any{
		"period_days": p.days, "completion_trend": found.weeks, "category_trends": found.topCategories(), "priority_distribution": found.priorities,
		"goal_progress_trend": each(found.goals, func(g planner.Goal) any {
			return map[string]any{"goal_id": g.ID, "goal_title": g.Title, "current_progress": g.ProgressPercentage, "horizon": g.Horizon}
		}),
		"insights": found.insights(),
	}, nil
}

// add counts a task in the week at i.
func (f *trends) add(i int, t planner.Task) {
	f.weeks[i].TasksCompleted++
	if t.EstimatedHours != nil {
		f.weeks[i].TotalHours = round(f.weeks[i].TotalHours+*t.EstimatedHours, 2)
	}
	switch p := &f.priorities[i]; {
	case t.Priority <= 2:
		p.High++
	case t.Priority == 3:
		p.Medium++
	default:
		p.Low++
	}
	of := f.categories[categoryOf(t)]
	for len(of) <= i {
		of = append(of, 0)
	}
	of[i]++
	f.categories[categoryOf(t)] = of
}

// names are the categories, that with the most tasks first.
func (f *trends) names() []string {
	return slices.SortedFunc(maps.Keys(f.categories), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum(f.categories[b]), sum(f.categories[a])), cmp.Compare(a, b))
	})
}

func (f *trends) topCategories() map[string][]int {
	top := map[string][]int{}
	for _, name := range f.names()[:min(5, len(f.categories))] {
		top[name] = f.categories[name]
	}
	return top
}

func sum(of []int) (n int) {
	for _, i := range of {
		n += i
	}
	return n
}

func (f *trends) insights() []string {
	found := []string{}
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if n := len(f.weeks); n >= 2 {
		before, last := float64(f.weeks[n-2].TasksCompleted), float64(f.weeks[n-1].TasksCompleted)
		switch {
		case last > 1.2*before:
			say("You completed more tasks in the last week than in the week before")
		case last < 0.8*before:
			say("You completed fewer tasks in the last week than in the week before")
		}
	}
	if names := f.names(); len(names) > 0 {
		say("Most of your completed tasks are in %s", names[0])
	}
	high, all := 0, 0
	for _, p := range f.priorities {
		high, all = high+p.High, all+p.High+p.Medium+p.Low
	}
	if share(high, all) > 0.6 {
		say("You focus on tasks of high priority")
	}
	progress := 0.0
	for _, g := range f.goals {
		progress += g.ProgressPercentage / float64(len(f.goals))
	}
	switch {
	case len(f.goals) == 0:
	case progress >= 70:
		say("Your active goals are at %.0f %% on average: well done", progress)
	case progress < 30:
		say("Your active goals are at %.0f %% on average: break them down into smaller tasks", progress)
	}
	return found
}
