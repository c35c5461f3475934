package bizydb_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

const (
	dayLong = 24 * time.Hour
	century = 36525 // days
)

// A day is midnight in UTC, whatever the user's zone: another Location would make another date of it.
var inStats = cmp.Options{
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }),
	cmpopts.EquateApprox(1e-12, 0),
}

// moment reads a time like 2028-02-29T12:00:00Z.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at
}

// date reads a day like 2028-02-29.
func date(text string) time.Time { return moment(text + "T00:00:00Z") }

// dateIn is the day that it is somewhere.
func dateIn(zone *time.Location, at time.Time) time.Time {
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func mondayOf(day time.Time) time.Time { return day.AddDate(0, 0, -(int(day.Weekday())+6)%7) }

// daysFrom is how many days b is after a, which time.Duration does not reach for far away ones.
func daysFrom(a, b time.Time) int { return int((b.Unix() - a.Unix()) / int64(dayLong/time.Second)) }

type (
	// A statsModel is what a user has somewhere, to compute every number of it anew.
	statsModel struct {
		goals map[planner.GoalID]planner.Goal
		tasks []statsTask
		zone  *time.Location
	}
	// A statsTask is a task and its days.
	statsTask struct {
		planner.CreateTaskParams
		doneOn, dueOn time.Time // or zero
	}
)

func newStatsModel(goals map[planner.GoalID]planner.Goal, tasks planner.CreateTasksParams, zone *time.Location) statsModel {
	m := statsModel{goals: goals, zone: zone}
	for _, t := range tasks {
		task := statsTask{CreateTaskParams: t}
		if t.CompletedAt != nil {
			task.doneOn = dateIn(zone, *t.CompletedAt)
		}
		if t.DueDate != nil {
			task.dueOn = dateIn(zone, *t.DueDate)
			if t.DueAllDay {
				task.dueOn = *t.DueDate
			}
		}
		m.tasks = append(m.tasks, task)
	}
	return m
}

// sum adds up what some tasks have, where they have it.
func (m statsModel) sum(hours func(statsTask) *float64, of func(statsTask) bool) (sum float64) {
	for _, t := range m.tasks {
		if h := hours(t); h != nil && of(t) {
			sum += *h
		}
	}
	return sum
}

func (m statsModel) count(of func(statsTask) bool) (n int) {
	for _, t := range m.tasks {
		if of(t) {
			n++
		}
	}
	return n
}

func estimated(t statsTask) *float64 { return t.EstimatedHours }
func actual(t statsTask) *float64    { return t.ActualHours }
func isDone(t statsTask) bool        { return t.Status == planner.TaskCompleted }

// doneIn says whether a task was completed on one of some days from a first one on.
func doneIn(first time.Time, days int) func(statsTask) bool {
	return func(t statsTask) bool {
		n := daysFrom(first, t.doneOn)
		return isDone(t) && 0 <= n && n < days
	}
}

func (m statsModel) daily(p planner.DailyCompletionsParams) []planner.DailyCompletionsRow {
	rows := []planner.DailyCompletionsRow{}
	for n := min(p.Days, century) - 1; n >= 0; n-- {
		day := dateIn(m.zone, *p.At).AddDate(0, 0, -n)
		of := doneIn(day, 1)
		rows = append(rows, planner.DailyCompletionsRow{Day: day, Completed: m.count(of), ActualHours: m.sum(actual, of)})
	}
	return rows
}

func (m statsModel) weekly(p planner.WeeklyCompletionsParams) []planner.WeeklyCompletionsRow {
	rows := []planner.WeeklyCompletionsRow{}
	for n := p.Weeks - 1; n >= 0; n-- {
		monday := mondayOf(dateIn(m.zone, *p.At)).AddDate(0, 0, -7*n)
		of := doneIn(monday, 7)
		rows = append(rows, planner.WeeklyCompletionsRow{Monday: monday, Completed: m.count(of), ActualHours: m.sum(actual, of)})
	}
	return rows
}

func (m statsModel) velocity(p planner.VelocityParams) planner.VelocityRow {
	days := max(1, p.Days)
	n := m.count(doneIn(dateIn(m.zone, *p.At).AddDate(0, 0, 1-days), days))
	return planner.VelocityRow{Completed: n, PerDay: float64(n) / float64(days)}
}

func (m statsModel) workload(p planner.WorkloadParams) []planner.WorkloadRow {
	rows := []planner.WorkloadRow{}
	for n := range max(0, p.Weeks) {
		monday := mondayOf(dateIn(m.zone, *p.At)).AddDate(0, 0, 7*n)
		due := func(t statsTask) bool {
			return t.DueDate != nil && mondayOf(t.dueOn).Equal(monday)
		}
		open := func(t statsTask) bool { return due(t) && !isDone(t) }
		rows = append(rows, planner.WorkloadRow{
			Monday: monday, Due: m.count(due), Open: m.count(open),
			WithoutEstimate: m.count(func(t statsTask) bool { return open(t) && t.EstimatedHours == nil }),
			EstimatedHours:  m.sum(estimated, due), OpenHours: m.sum(estimated, open), ActualHours: m.sum(actual, due),
		})
	}
	return rows
}

func (m statsModel) completionRate(p planner.CompletionRateParams) (row planner.CompletionRateRow) {
	due := func(t statsTask) bool {
		if t.DueDate == nil {
			return false
		}
		from := *t.DueDate
		if t.DueAllDay {
			from = time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, m.zone)
		}
		return !from.Before(p.From) && from.Before(p.Before)
	}
	row.Due = m.count(due)
	row.Completed = m.count(func(t statsTask) bool { return due(t) && isDone(t) })
	row.OnTime = m.count(func(t statsTask) bool {
		return due(t) && isDone(t) && (t.DueAllDay && !t.doneOn.After(t.dueOn) || !t.DueAllDay && !t.CompletedAt.After(*t.DueDate))
	})
	if row.Due > 0 {
		row.Rate = float64(row.Completed) / float64(row.Due)
	}
	return row
}

func (m statsModel) byCategory() []planner.TaskCountsByCategoryRow {
	rows := []planner.TaskCountsByCategoryRow{}
	for _, category := range append(statsCategories, nil) {
		of := func(t statsTask) bool {
			return t.Category == nil && category == nil || t.Category != nil && category != nil && *t.Category == *category
		}
		if m.count(of) > 0 {
			rows = append(rows, planner.TaskCountsByCategoryRow{
				Category: category, Tasks: m.count(of),
				Completed:      m.count(func(t statsTask) bool { return of(t) && isDone(t) }),
				EstimatedHours: m.sum(estimated, of), ActualHours: m.sum(actual, of),
			})
		}
	}
	return rows
}

func (m statsModel) byPriority() (rows []planner.TaskCountsByPriorityRow) {
	for priority := 1; priority <= 5; priority++ {
		of := func(t statsTask) bool {
			return t.Priority == nil && priority == 3 || t.Priority != nil && *t.Priority == priority
		}
		rows = append(rows, planner.TaskCountsByPriorityRow{
			Priority: priority, Tasks: m.count(of),
			Completed:      m.count(func(t statsTask) bool { return of(t) && isDone(t) }),
			EstimatedHours: m.sum(estimated, of), ActualHours: m.sum(actual, of),
		})
	}
	return rows
}

func (m statsModel) byStatus() (rows []planner.TaskCountsByStatusRow) {
	for _, status := range []planner.TaskStatus{planner.TaskPending, planner.TaskInProgress, planner.TaskBlocked, planner.TaskCompleted} {
		of := func(t statsTask) bool { return t.Status == status }
		rows = append(rows, planner.TaskCountsByStatusRow{
			Status: status, Tasks: m.count(of), EstimatedHours: m.sum(estimated, of), ActualHours: m.sum(actual, of),
		})
	}
	return rows
}

// counts are those of the three others that are not 0.
func (m statsModel) counts() (rows []planner.TaskCountsRow) {
	for _, row := range m.byStatus() {
		rows = append(rows, planner.TaskCountsRow{Status: row.Status, Tasks: row.Tasks})
	}
	for _, row := range m.byPriority() {
		rows = append(rows, planner.TaskCountsRow{Priority: row.Priority, Tasks: row.Tasks})
	}
	for _, row := range m.byCategory() {
		rows = append(rows, planner.TaskCountsRow{Category: row.Category, Tasks: row.Tasks})
	}
	return slices.DeleteFunc(rows, func(row planner.TaskCountsRow) bool { return row.Tasks == 0 })
}

func (m statsModel) hours(goal *planner.GoalID) planner.TaskHoursRow {
	of := func(t statsTask) bool {
		return goal == nil || t.ParentGoalID != nil && *t.ParentGoalID == *goal
	}
	both := func(t statsTask) bool {
		return of(t) && isDone(t) && t.EstimatedHours != nil && t.ActualHours != nil
	}
	return planner.TaskHoursRow{
		Estimated: m.sum(estimated, of), Spent: m.sum(actual, of),
		Remaining:         m.sum(estimated, func(t statsTask) bool { return of(t) && !isDone(t) }),
		ComparedEstimated: m.sum(estimated, both), ComparedSpent: m.sum(actual, both),
	}
}

// within says whether a moment is between two.
func within(at *time.Time, from, before time.Time) bool {
	return at != nil && !at.Before(from) && at.Before(before)
}

func (m statsModel) activity(p planner.TaskActivityParams) planner.TaskActivityRow {
	completed := func(t statsTask) bool { return isDone(t) && within(t.CompletedAt, p.From, p.Before) }
	return planner.TaskActivityRow{
		Created:   m.count(func(t statsTask) bool { return within(t.CreatedAt, p.From, p.Before) }),
		Completed: m.count(completed), EstimatedHours: m.sum(estimated, completed), ActualHours: m.sum(actual, completed),
	}
}

// completed has the titles of the tasks that were completed between two moments, of which each has another.
func (m statsModel) completed(p planner.TasksCompletedParams) (titles []string) {
	var tasks []statsTask
	for _, t := range m.tasks {
		if isDone(t) && within(t.CompletedAt, p.From, p.Before) {
			tasks = append(tasks, t)
		}
	}
	slices.Reverse(tasks) // which were created in one order
	slices.SortStableFunc(tasks, func(a, b statsTask) int { return b.CompletedAt.Compare(*a.CompletedAt) })
	for _, t := range tasks {
		titles = append(titles, t.Title)
	}
	if p.Limit > 0 {
		titles = titles[:min(p.Limit, len(titles))]
	}
	return titles
}

// countGoals has how many goals there are of some, and how far they are on average.
func (m statsModel) countGoals(of func(planner.Goal) bool) (n int, average float64) {
	sum := 0.0
	for _, g := range m.goals {
		if of(g) {
			n, sum = n+1, sum+g.ProgressPercentage
		}
	}
	return n, sum / float64(max(1, n))
}

func isActive(g planner.Goal) bool { return g.Status == planner.GoalActive }

func (m statsModel) goalsByStatus() (rows []planner.GoalCountsByStatusRow) {
	for _, status := range []planner.GoalStatus{planner.GoalActive, planner.GoalOnHold, planner.GoalCompleted, planner.GoalCancelled} {
		n, average := m.countGoals(func(g planner.Goal) bool { return g.Status == status })
		rows = append(rows, planner.GoalCountsByStatusRow{Status: status, Goals: n, AverageProgress: average})
	}
	return rows
}

func (m statsModel) goalsByHorizon() (rows []planner.GoalCountsByHorizonRow) {
	for _, horizon := range []*planner.Horizon{new(planner.Yearly), new(planner.Quarterly), new(planner.Monthly), new(planner.Weekly), nil} {
		of := func(g planner.Goal) bool { return cmp.Equal(g.Horizon, horizon) }
		row := planner.GoalCountsByHorizonRow{Horizon: horizon}
		row.Goals, _ = m.countGoals(of)
		row.Active, row.AverageProgress = m.countGoals(func(g planner.Goal) bool { return of(g) && isActive(g) })
		row.Completed, _ = m.countGoals(func(g planner.Goal) bool { return of(g) && g.Status == planner.GoalCompleted })
		rows = append(rows, row)
	}
	return rows
}

func (m statsModel) overview(p planner.OverviewParams) (row planner.OverviewRow) {
	active := func(of func(planner.Goal) bool) int {
		n, _ := m.countGoals(func(g planner.Goal) bool { return isActive(g) && of(g) })
		return n
	}
	row.ActiveGoals, row.AverageProgress = m.countGoals(isActive)
	row.GoalsNearCompletion = active(func(g planner.Goal) bool { return g.ProgressPercentage >= 80 })
	row.GoalsAtRisk = active(func(g planner.Goal) bool {
		return g.ProgressPercentage < 20 && g.TargetDate != nil && !g.TargetDate.After(p.At.Add(30*dayLong))
	})
	row.OverdueGoals = active(func(g planner.Goal) bool { return g.TargetDate != nil && g.TargetDate.Before(*p.At) })
	row.OverdueTasks = m.count(func(t statsTask) bool {
		overdue := t.DueDate != nil && (t.DueAllDay && t.dueOn.Before(dateIn(m.zone, *p.At)) || !t.DueAllDay && t.DueDate.Before(*p.At))
		return overdue && !isDone(t) && (p.WithBlocked || t.Status != planner.TaskBlocked)
	})
	return row
}

// under says whether a task is under a goal, with no cancelled sub-goal between them.
func (m statsModel) under(goal planner.GoalID, t statsTask) bool {
	for at := t.ParentGoalID; at != nil; at = m.goals[*at].ParentGoalID {
		if *at == goal {
			return true
		}
		if m.goals[*at].Status == planner.GoalCancelled {
			return false
		}
	}
	return false
}

func (m statsModel) forecast(p planner.GoalForecastParams) planner.GoalForecastRow {
	today := dateIn(m.zone, *p.At)
	days := max(1, min(p.Days, daysFrom(dateIn(m.zone, m.goals[p.GoalID].CreatedAt), today)+1))
	tasks, squares := 0, 0
	for n := range days {
		done := doneIn(today.AddDate(0, 0, -n), 1)
		onDay := m.count(func(t statsTask) bool { return done(t) && m.under(p.GoalID, t) })
		tasks, squares = tasks+onDay, squares+onDay*onDay
	}
	row := planner.GoalForecastRow{
		Remaining: m.count(func(t statsTask) bool { return m.under(p.GoalID, t) && !isDone(t) }),
		PerDay:    float64(tasks) / float64(days),
	}
	after := func(days float64) *time.Time {
		if days > century {
			return nil
		}
		return new(today.AddDate(0, 0, int(math.Ceil(days))))
	}
	if row.Remaining == 0 {
		row.ExpectedDay, row.EarliestDay, row.LatestDay = &today, &today, &today
		return row
	}
	if tasks > 0 { // in whole numbers, so that 15 days do not become 16
		row.ExpectedDay = after(float64((row.Remaining*days + tasks - 1) / tasks))
	}
	if days == 1 {
		return row
	}
	if squares*days == tasks*tasks { // every day alike
		row.EarliestDay, row.LatestDay = row.ExpectedDay, row.ExpectedDay
		return row
	}
	variance := float64(squares*days-tasks*tasks) / float64(days*(days-1))
	margin := 1.28 * math.Sqrt(variance/float64(days))
	if fast := row.PerDay + margin; fast > 0 {
		row.EarliestDay = after(float64(row.Remaining) / fast)
	}
	if slow := row.PerDay - margin; slow > 0 {
		row.LatestDay = after(float64(row.Remaining) / slow)
	}
	return row
}

var (
	// Where a day of 23, 24 or 25 hours begins at midnight, twice at midnight or at one, and where a day is missing.
	statsZones = []planner.TimeZone{
		"", "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Sao_Paulo", "America/Nuuk", "America/St_Johns",
		"Atlantic/Azores", "Asia/Tehran", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
	}
	// Around which clocks change, and a year, and where a month is longer than usual.
	statsTimes = []time.Time{
		moment("2011-12-30T09:59:59.999999Z"), moment("2018-11-04T03:00:00Z"), moment("2021-03-21T20:30:00Z"), moment("2027-12-31T23:30:00Z"),
		moment("2028-02-29T12:00:00Z"), moment("2028-03-12T05:00:00Z"), moment("2028-03-26T01:00:00Z"), moment("2028-10-29T00:30:00Z"),
		moment("2028-11-05T04:59:59.999999Z"),
	}
	statsCategories = []*string{new(""), new("development"), new("marketing")}
)

// randomMoment is within three weeks of one of statsTimes, and mostly where a day begins somewhere, or just before.
func randomMoment(t *testing.T, r *rand.Rand) time.Time {
	at := statsTimes[r.IntN(len(statsTimes))].Add(time.Duration(r.Int64N(int64(42*dayLong))) - 21*dayLong).Truncate(time.Microsecond)
	if r.IntN(3) == 0 {
		return at
	}
	zone := locationOf(t, statsZones[r.IntN(len(statsZones))])
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 1000*(r.IntN(3)-1), zone).UTC()
}

func locationOf(t *testing.T, name planner.TimeZone) *time.Location {
	t.Helper()
	zone, err := name.Location()
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// randomly is nil, or else one of some values.
func randomly[T any](r *rand.Rand, values ...T) *T {
	if i := r.IntN(len(values) + 1); i > 0 {
		return &values[i-1]
	}
	return nil
}

func randomTasks(t *testing.T, r *rand.Rand, n int, goals []planner.GoalID) planner.CreateTasksParams {
	tasks := make(planner.CreateTasksParams, n)
	hours := []float64{0, 0.25, 1, 1.5, 8, 40} // whose sums are exact
	for i := range tasks {
		due := randomMoment(t, r)
		task := planner.CreateTaskParams{
			Title: fmt.Sprint("task ", i), ParentGoalID: randomly(r, goals...), Priority: randomly(r, 1, 2, 3, 5), // none of 4
			Status:   planner.TaskPending,
			Category: randomly(r, "", "development", "marketing"), EstimatedHours: randomly(r, hours...), ActualHours: randomly(r, hours...),
			DueDate: randomly(r, due, due, due), CreatedAt: new(randomMoment(t, r)),
		}
		if task.DueDate != nil && r.IntN(3) == 0 {
			task.DueDate, task.DueAllDay = new(dateIn(time.UTC, due)), true
		}
		switch r.IntN(8) {
		case 0:
			task.Status = planner.TaskInProgress
		case 1, 2, 3, 4:
			task.Status, task.CompletedAt = planner.TaskCompleted, new(randomMoment(t, r))
			if r.IntN(4) == 0 {
				task.CompletedAt = &due
			}
		case 5:
			task.Status = planner.TaskBlocked
		}
		tasks[i] = task
	}
	return tasks
}

// Every number is what a model says that computes it anew from what was stored, in each time zone, whatever the one of the
// server; and of the user's tasks alone.
func TestStatsModel(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["timezone"] = "Pacific/Chatham" })
	alice, bob := db.As(made.NewUser(t)), db.As(made.NewUser(t))
	r := rand.New(rand.NewPCG(20, 28))

	goals := map[planner.GoalID]planner.Goal{}
	ids := map[string]planner.GoalID{}
	var parents []planner.GoalID
	for _, g := range []struct {
		title, parent string
		status        planner.GoalStatus
		created       time.Time
	}{
		{"root", "", planner.GoalActive, moment("2011-12-12T12:00:00Z")},
		{"sub-goal", "root", planner.GoalOnHold, moment("2018-11-01T03:00:00Z")},
		{"sub-sub-goal", "sub-goal", planner.GoalCompleted, moment("2028-03-11T23:30:00Z")},
		{"cancelled", "root", planner.GoalCancelled, moment("2027-12-01T00:00:00Z")},
		{"under the cancelled", "cancelled", planner.GoalActive, moment("2028-02-28T23:30:00Z")},
		{"another root", "", planner.GoalActive, moment("2028-10-22T00:00:00Z")},
		{"empty", "another root", planner.GoalActive, moment("2028-03-20T00:00:00Z")},
	} {
		p := planner.CreateGoalParams{Title: g.title, Status: g.status, CreatedAt: &g.created}
		if parent, ok := ids[g.parent]; ok {
			p.ParentGoalID = &parent
		}
		goal, err := alice.CreateGoal(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		ids[g.title], goals[goal.ID] = goal.ID, goal
		if g.title != "empty" {
			parents = append(parents, goal.ID)
		}
	}
	for n := range 40 {
		p := planner.CreateGoalParams{
			Title: fmt.Sprint("leaf ", n), Horizon: randomly(r, planner.Yearly, planner.Quarterly, planner.Monthly), // none is weekly
			Status:             []planner.GoalStatus{planner.GoalActive, planner.GoalActive, planner.GoalOnHold, planner.GoalCompleted}[n%4],
			ProgressPercentage: randomly(r, 0, 19.99, 20, 79.99, 80, 100), TargetDate: randomly(r, randomMoment(t, r), statsTimes[n%len(statsTimes)], statsTimes[n%len(statsTimes)].Add(30*dayLong)),
		}
		if _, err := alice.CreateGoal(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	tasks := randomTasks(t, r, 600, parents)
	if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.CreateTasks(t.Context(), randomTasks(t, r, 200, nil)); err != nil {
		t.Fatal(err)
	}

	all, err := alice.ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, goal := range all { // with the progress of their tasks
		goals[goal.ID] = goal
	}

	for _, name := range statsZones {
		m := newStatsModel(goals, tasks, locationOf(t, name))
		for _, at := range statsTimes {
			days, weeks := []int{-1, 0, 1, 2, 7, 28, 400}[r.IntN(7)], []int{-1, 0, 1, 2, 5, 60}[r.IntN(6)]
			daily := planner.DailyCompletionsParams{At: &at, TimeZone: name, Days: days}
			agree(t, daily, alice.DailyCompletions, m.daily(daily))
			weekly := planner.WeeklyCompletionsParams{At: &at, TimeZone: name, Weeks: weeks}
			agree(t, weekly, alice.WeeklyCompletions, m.weekly(weekly))
			velocity := planner.VelocityParams{At: &at, TimeZone: name, Days: days}
			agree(t, velocity, alice.Velocity, m.velocity(velocity))
			workload := planner.WorkloadParams{At: &at, TimeZone: name, Weeks: weeks}
			agree(t, workload, alice.Workload, m.workload(workload))
			overview := planner.OverviewParams{At: &at, TimeZone: name, WithBlocked: r.IntN(2) == 0}
			agree(t, overview, alice.Overview, m.overview(overview))
			for title, id := range ids {
				forecast := planner.GoalForecastParams{GoalID: id, At: &at, TimeZone: name, Days: days}
				if !agree(t, forecast, alice.GoalForecast, m.forecast(forecast)) {
					t.Logf("which is of %q", title)
				}
			}
		}
	}
	for range 50 {
		name := statsZones[r.IntN(len(statsZones))]
		rate := planner.CompletionRateParams{From: randomMoment(t, r), Before: randomMoment(t, r), TimeZone: name}
		agree(t, rate, alice.CompletionRate, newStatsModel(goals, tasks, locationOf(t, name)).completionRate(rate))
	}
	m := newStatsModel(goals, tasks, time.UTC)
	moments := []time.Time{*tasks[1].CreatedAt}
	for _, t := range tasks {
		if t.CompletedAt != nil {
			moments = append(moments, *t.CompletedAt)
		}
	}
	for range 50 {
		from, before := randomMoment(t, r), moments[r.IntN(len(moments))]
		if r.IntN(2) == 0 {
			from, before = before, from
		}
		activity := planner.TaskActivityParams{From: from, Before: before}
		agree(t, activity, alice.TaskActivity, m.activity(activity))
		completed := planner.TasksCompletedParams{From: from, Before: before, Limit: r.IntN(3) * 10}
		agree(t, completed, func(ctx context.Context, p planner.TasksCompletedParams) (titles []string, err error) {
			tasks, err := alice.TasksCompleted(ctx, p)
			for _, t := range tasks {
				titles = append(titles, t.Title)
			}
			return titles, err
		}, m.completed(completed))
	}
	for _, id := range append(parents, ids["empty"]) {
		agree(t, &id, alice.TaskHours, m.hours(&id))
	}
	agree(t, nil, alice.TaskHours, m.hours(nil))
	agree(t, struct{}{}, asked(alice.GoalCountsByHorizon), m.goalsByHorizon())
	agree(t, struct{}{}, asked(alice.GoalCountsByStatus), m.goalsByStatus())
	agree(t, struct{}{}, asked(alice.TaskCounts), m.counts())
	agree(t, struct{}{}, asked(alice.TaskCountsByCategory), m.byCategory())
	agree(t, struct{}{}, asked(alice.TaskCountsByPriority), m.byPriority())
	agree(t, struct{}{}, asked(alice.TaskCountsByStatus), m.byStatus())

	got, err := bob.TaskHours(t.Context(), new(ids["root"]))
	if diff := cmp.Diff(planner.TaskHoursRow{}, got); diff != "" || err != nil {
		t.Errorf("the hours under another's goal: %v (-want +got):\n%s", err, diff)
	}
}
