package bizydb_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// asked gives a query without parameters some.
func asked[Row any](query func(context.Context) (Row, error)) func(context.Context, struct{}) (Row, error) {
	return func(ctx context.Context, _ struct{}) (Row, error) { return query(ctx) }
}

// agree says whether a query returns what it should.
func agree[Params, Row any](t *testing.T, p Params, query func(context.Context, Params) (Row, error), want Row) bool {
	t.Helper()
	got, err := query(t.Context(), p)
	diff := cmp.Diff(want, got, inStats)
	if err != nil {
		t.Errorf("%T of %s: %v", want, shown(p), err)
	} else if diff != "" {
		t.Errorf("%T of %s (-want +got):\n%s", want, shown(p), diff)
	}
	return err == nil && diff == ""
}

// shown prints the parameters that are set.
func shown(p any) string {
	if reflect.ValueOf(p).Kind() != reflect.Struct {
		return plain(p)
	}
	var set []string
	for f, value := range reflect.ValueOf(p).Fields() {
		if !value.IsZero() {
			set = append(set, f.Name+" "+plain(value.Interface()))
		}
	}
	return "{" + strings.Join(set, ", ") + "}"
}

// doneAt are tasks completed at some moments, each of which took an hour.
func doneAt(moments ...string) planner.CreateTasksParams {
	tasks := planner.CreateTasksParams{}
	for _, m := range moments {
		tasks = append(tasks, planner.CreateTaskParams{Title: m, Status: planner.TaskCompleted, CompletedAt: new(moment(m)), ActualHours: new(1.0)})
	}
	return tasks
}

// A day is the user's: as long as it is there, from its first moment to its last.
func TestStatsDays(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	type days = []planner.DailyCompletionsRow
	row := func(day string, completed int) planner.DailyCompletionsRow {
		return planner.DailyCompletionsRow{Day: date(day), Completed: completed, ActualHours: float64(completed)}
	}
	for _, c := range []struct {
		name      string
		zone      planner.TimeZone
		at        []string // any of which is on the last day
		completed []string
		want      days
	}{
		{
			"of 24 hours", "",
			[]string{"2028-03-26T00:00:00Z", "2028-03-26T23:59:59.999999Z"},
			[]string{"2028-03-24T23:59:59.999999Z", "2028-03-25T00:00:00Z", "2028-03-25T23:59:59.999999Z", "2028-03-26T00:00:00Z", "2028-03-27T00:00:00Z"},
			days{row("2028-03-25", 2), row("2028-03-26", 1)},
		},
		{
			"of 23 hours", "Europe/Berlin",
			[]string{"2028-03-25T23:00:00Z", "2028-03-26T01:00:00Z", "2028-03-26T21:59:59.999999Z"},
			[]string{
				"2028-03-24T22:59:59.999999Z", "2028-03-24T23:00:00Z", "2028-03-25T22:59:59.999999Z",
				"2028-03-25T23:00:00Z", "2028-03-26T00:59:59.999999Z", "2028-03-26T21:59:59.999999Z", "2028-03-26T22:00:00Z",
			},
			days{row("2028-03-25", 2), row("2028-03-26", 3)},
		},
		{
			"of 25 hours", "Europe/Berlin",
			[]string{"2028-10-28T22:00:00Z", "2028-10-29T00:30:00Z", "2028-10-29T01:30:00Z", "2028-10-29T22:59:59.999999Z"},
			[]string{"2028-10-28T21:59:59.999999Z", "2028-10-28T22:00:00Z", "2028-10-29T00:30:00Z", "2028-10-29T22:59:59.999999Z", "2028-10-29T23:00:00Z"},
			days{row("2028-10-28", 1), row("2028-10-29", 3)},
		},
		{
			"of 23 hours, west of UTC", "America/New_York",
			[]string{"2028-03-12T05:00:00Z", "2028-03-13T03:59:59.999999Z"},
			[]string{"2028-03-12T04:59:59.999999Z", "2028-03-12T05:00:00Z", "2028-03-13T03:59:59.999999Z", "2028-03-13T04:00:00Z"},
			days{row("2028-03-11", 1), row("2028-03-12", 2)},
		},
		{
			"of 25 hours, west of UTC", "America/New_York",
			[]string{"2028-11-05T04:00:00Z", "2028-11-06T04:59:59.999999Z"},
			[]string{"2028-11-05T03:59:59.999999Z", "2028-11-05T04:00:00Z", "2028-11-06T04:59:59.999999Z", "2028-11-06T05:00:00Z"},
			days{row("2028-11-04", 1), row("2028-11-05", 2)},
		},
		{ // 01:00 is 00:00 again.
			"with two midnights", "America/Havana",
			[]string{"2023-11-05T04:00:00Z", "2023-11-05T05:00:00Z", "2023-11-06T04:59:59.999999Z"},
			[]string{
				"2023-11-05T03:59:59.999999Z", "2023-11-05T04:00:00Z", "2023-11-05T04:59:59.999999Z", "2023-11-05T05:00:00Z",
				"2023-11-06T04:59:59.999999Z", "2023-11-06T05:00:00Z",
			},
			days{row("2023-11-05", 4)},
		},
		{
			"after one with two midnights", "America/Havana",
			[]string{"2023-11-06T05:00:00Z"},
			[]string{"2023-11-05T03:59:59.999999Z", "2023-11-05T04:00:00Z", "2023-11-05T05:00:00Z", "2023-11-06T04:59:59.999999Z", "2023-11-06T05:00:00Z"},
			days{row("2023-11-04", 1), row("2023-11-05", 3), row("2023-11-06", 1)},
		},
		{ // 00:00 is 01:00.
			"without a midnight", "America/Sao_Paulo",
			[]string{"2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999999Z"},
			[]string{"2018-11-04T02:59:59.999999Z", "2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999999Z", "2018-11-05T02:00:00Z"},
			days{row("2018-11-04", 2)},
		},
		{
			"before one without a midnight", "America/Sao_Paulo",
			[]string{"2018-11-03T03:00:00Z", "2018-11-04T02:59:59.999999Z"},
			[]string{"2018-11-03T02:59:59.999999Z", "2018-11-03T03:00:00Z", "2018-11-04T02:59:59.999999Z", "2018-11-04T03:00:00Z"},
			days{row("2018-11-03", 2)},
		},
		{ // 00:00 is 23:00 again, on the day before.
			"whose last hour comes twice", "America/Sao_Paulo",
			[]string{"2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z"},
			[]string{"2018-02-18T01:59:59.999999Z", "2018-02-18T02:00:00Z", "2018-02-18T02:59:59.999999Z", "2018-02-18T03:00:00Z"},
			days{row("2018-02-17", 3)},
		},
		{ // A day without a moment is there, with nothing.
			"that was skipped", "Pacific/Apia",
			[]string{"2011-12-30T10:00:00Z", "2011-12-31T09:59:59.999999Z"},
			[]string{"2011-12-29T10:00:00Z", "2011-12-30T09:59:59.999999Z", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59.999999Z", "2011-12-31T10:00:00Z"},
			days{row("2011-12-29", 2), row("2011-12-30", 0), row("2011-12-31", 2)},
		},
		{
			"after one that was skipped", "Pacific/Apia",
			[]string{"2011-12-30T10:00:00Z"},
			[]string{"2011-12-30T09:59:59.999999Z", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59.999999Z", "2011-12-31T10:00:00Z"},
			days{row("2011-12-30", 0), row("2011-12-31", 2)},
		},
		{
			"that is leapt to", "Asia/Kathmandu",
			[]string{"2028-02-29T18:15:00Z"},
			[]string{"2028-02-28T18:14:59.999999Z", "2028-02-28T18:15:00Z", "2028-02-29T18:14:59.999999Z", "2028-02-29T18:15:00Z"},
			days{row("2028-02-28", 1), row("2028-02-29", 2), row("2028-03-01", 1)},
		},
		{
			"of another year", "Pacific/Kiritimati",
			[]string{"2027-12-31T10:00:00Z"},
			[]string{"2027-12-31T09:59:59.999999Z", "2027-12-31T10:00:00Z"},
			days{row("2027-12-31", 1), row("2028-01-01", 1)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			alice := db.As(db.NewUser(t))
			goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", CreatedAt: new(date("2000-01-01"))})
			if err != nil {
				t.Fatal(err)
			}
			tasks := doneAt(c.completed...)
			for i := range tasks {
				tasks[i].ParentGoalID = &goal.ID
			}
			if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
				t.Fatal(err)
			}
			all := 0
			for _, day := range c.want {
				all += day.Completed
			}
			n := len(c.want)
			for _, at := range c.at {
				agree(t, planner.DailyCompletionsParams{At: new(moment(at)), TimeZone: c.zone, Days: n}, alice.DailyCompletions, c.want)
				agree(t, planner.VelocityParams{At: new(moment(at)), TimeZone: c.zone, Days: n}, alice.Velocity,
					planner.VelocityRow{Completed: all, PerDay: float64(all) / float64(n)})
				last := c.want[n-1].Day
				agree(t, planner.GoalForecastParams{GoalID: goal.ID, At: new(moment(at)), TimeZone: c.zone, Days: n}, alice.GoalForecast,
					planner.GoalForecastRow{PerDay: float64(all) / float64(n), ExpectedDay: &last, EarliestDay: &last, LatestDay: &last})
			}
		})
	}
}

// A week begins with the first moment of the user's Monday.
func TestStatsWeeks(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for _, c := range []struct {
		name    string
		zone    planner.TimeZone
		at      string
		moments []string // from the Sunday before the weeks to the Monday after them
		mondays []string
		want    []int
	}{
		{
			"across the turn of the year", "Europe/Berlin", "2028-01-01T12:00:00Z",
			[]string{"2027-12-26T22:59:59.999999Z", "2027-12-26T23:00:00Z", "2027-12-31T23:00:00Z", "2028-01-02T22:59:59.999999Z", "2028-01-02T23:00:00Z"},
			[]string{"2027-12-27"},
			[]int{3},
		},
		{
			"with a leap day", "America/New_York", "2028-03-06T04:59:59.999999Z",
			[]string{"2028-02-28T04:59:59.999999Z", "2028-02-28T05:00:00Z", "2028-02-29T12:00:00Z", "2028-03-06T04:59:59.999999Z", "2028-03-06T05:00:00Z"},
			[]string{"2028-02-28"},
			[]int{3},
		},
		{
			"an hour shorter, and the next", "Europe/Berlin", "2028-03-20T12:00:00Z",
			[]string{"2028-03-19T22:59:59.999999Z", "2028-03-19T23:00:00Z", "2028-03-26T21:59:59.999999Z", "2028-03-26T22:00:00Z", "2028-04-02T21:59:59.999999Z", "2028-04-02T22:00:00Z"},
			[]string{"2028-03-20", "2028-03-27"},
			[]int{2, 2},
		},
		{
			"an hour longer, and the next", "America/Havana", "2023-11-05T04:30:00Z",
			[]string{"2023-10-30T03:59:59.999999Z", "2023-10-30T04:00:00Z", "2023-11-06T04:59:59.999999Z", "2023-11-06T05:00:00Z", "2023-11-13T04:59:59.999999Z", "2023-11-13T05:00:00Z"},
			[]string{"2023-10-30", "2023-11-06"},
			[]int{2, 2},
		},
		{
			"whose Monday begins at one", "Asia/Tehran", "2021-03-21T20:30:00Z",
			[]string{"2021-03-21T20:29:59.999999Z", "2021-03-21T20:30:00Z", "2021-03-28T19:29:59.999999Z", "2021-03-28T19:30:00Z"},
			[]string{"2021-03-22"},
			[]int{2},
		},
		{
			"after a Sunday whose last hour came twice", "Asia/Tehran", "2020-09-20T20:30:00Z",
			[]string{"2020-09-20T19:30:00Z", "2020-09-20T20:29:59.999999Z", "2020-09-20T20:30:00Z", "2020-09-27T20:29:59.999999Z", "2020-09-27T20:30:00Z"},
			[]string{"2020-09-21"},
			[]int{2},
		},
		{
			"of six days", "Pacific/Apia", "2012-01-01T09:59:59.999999Z",
			[]string{"2011-12-26T09:59:59.999999Z", "2011-12-26T10:00:00Z", "2012-01-01T09:59:59.999999Z", "2012-01-01T10:00:00Z"},
			[]string{"2011-12-26"},
			[]int{2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			alice := db.As(db.NewUser(t))
			tasks := doneAt(c.moments...)
			for i := range tasks {
				tasks[i].DueDate = tasks[i].CompletedAt
			}
			tasks = append(tasks, planner.CreateTaskParams{Title: "never due", EstimatedHours: new(1.0)})
			if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
				t.Fatal(err)
			}
			weekly, load := []planner.WeeklyCompletionsRow{}, []planner.WorkloadRow{}
			for i, monday := range c.mondays {
				n := c.want[i]
				weekly = append(weekly, planner.WeeklyCompletionsRow{Monday: date(monday), Completed: n, ActualHours: float64(n)})
				load = append(load, planner.WorkloadRow{Monday: date(monday), Due: n, ActualHours: float64(n)})
			}
			first := moment(c.at)
			last := first.Add(time.Duration(len(c.want)-1) * 7 * dayLong)
			agree(t, planner.WeeklyCompletionsParams{At: &last, TimeZone: c.zone, Weeks: len(c.want)}, alice.WeeklyCompletions, weekly)
			agree(t, planner.WorkloadParams{At: &first, TimeZone: c.zone, Weeks: len(c.want)}, alice.Workload, load)
		})
	}
}

// A user without tasks has complete series of zeros, and no number is NULL.
func TestStatsOfNothing(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		t.Fatal(err)
	}
	at := moment("2028-02-29T12:00:00Z")
	none := struct{}{}
	agree(t, planner.CompletionRateParams{From: time.Time{}, Before: moment("9999-12-31T23:59:59Z")}, alice.CompletionRate, planner.CompletionRateRow{})
	agree(t, planner.CompletionRateParams{}, alice.CompletionRate, planner.CompletionRateRow{})
	agree(t, planner.DailyCompletionsParams{At: &at, Days: 2}, alice.DailyCompletions, []planner.DailyCompletionsRow{{Day: date("2028-02-28")}, {Day: date("2028-02-29")}})
	agree(t, planner.WeeklyCompletionsParams{At: &at, Weeks: 2}, alice.WeeklyCompletions, []planner.WeeklyCompletionsRow{{Monday: date("2028-02-21")}, {Monday: date("2028-02-28")}})
	agree(t, planner.VelocityParams{At: &at, Days: 7}, alice.Velocity, planner.VelocityRow{})
	agree(t, planner.WorkloadParams{At: &at, Weeks: 2}, alice.Workload, []planner.WorkloadRow{{Monday: date("2028-02-28")}, {Monday: date("2028-03-06")}})
	agree(t, planner.GoalForecastParams{GoalID: goal.ID, At: &at, Days: 7}, alice.GoalForecast,
		planner.GoalForecastRow{ExpectedDay: new(date("2028-02-29")), EarliestDay: new(date("2028-02-29")), LatestDay: new(date("2028-02-29"))})
	agree(t, none, asked(alice.TaskCounts), []planner.TaskCountsRow{})
	agree(t, none, asked(alice.TaskCountsByCategory), []planner.TaskCountsByCategoryRow{})
	agree(t, none, asked(alice.TaskCountsByPriority), []planner.TaskCountsByPriorityRow{{Priority: 1}, {Priority: 2}, {Priority: 3}, {Priority: 4}, {Priority: 5}})
	agree(t, none, asked(alice.TaskCountsByStatus), []planner.TaskCountsByStatusRow{
		{Status: planner.TaskPending}, {Status: planner.TaskInProgress}, {Status: planner.TaskBlocked}, {Status: planner.TaskCompleted},
	})
	agree(t, nil, alice.TaskHours, planner.TaskHoursRow{})
	agree(t, &goal.ID, alice.TaskHours, planner.TaskHoursRow{})
	agree(t, new(planner.GoalID(math.MaxInt64)), alice.TaskHours, planner.TaskHoursRow{})
}

// seriesEnds are where a series begins and ends.
type seriesEnds struct {
	Rows        int
	First, Last time.Time
	Tasks       int
	Nil         bool
}

func endsOf[Row any](rows []Row, of func(Row) (day time.Time, tasks int)) seriesEnds {
	e := seriesEnds{Rows: len(rows), Nil: rows == nil}
	for i, row := range rows {
		day, tasks := of(row)
		if i == 0 {
			e.First = day
		}
		e.Last, e.Tasks = day, e.Tasks+tasks
	}
	return e
}

// Where clocks go back over midnight a day begins before the one before it has ended. A series has the days that were asked for.
func TestSeriesWhereMidnightComesTwice(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	// In Newfoundland it was a minute past midnight on November 1, 2009, and then 23:01 of October 31 again.
	tasks := doneAt("2009-11-01T02:30:30Z", "2009-11-01T02:31:30Z")
	for i := range tasks {
		tasks[i].DueDate = tasks[i].CompletedAt
	}
	create(t, alice, tasks...)
	for _, c := range []struct {
		at   string
		days int
		want []int
	}{
		{"2009-10-31T12:00:00Z", 1, []int{1}},
		{"2009-10-31T12:00:00Z", 2, []int{0, 1}},
		{"2009-11-01T12:00:00Z", 2, []int{1, 1}},
	} {
		rows, err := alice.DailyCompletions(t.Context(), planner.DailyCompletionsParams{At: new(moment(c.at)), Days: c.days, TimeZone: "America/St_Johns"})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, row := range rows {
			got = append(got, row.Completed)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d days to %s: %v completed, want %v", c.days, c.at, got, c.want)
		}
	}
}

// A series is as long as asked for, a hundred years at most, and empty for less than one day or week.
func TestStatsLengths(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	at := moment("2028-02-29T12:00:00Z")
	tasks := doneAt(
		"2028-02-29T00:00:00Z", "1928-03-05T00:00:00Z", "1928-03-04T23:59:59.999999Z", "1928-03-01T00:00:00Z",
		"1928-02-29T23:59:59.999999Z", "1000-01-01T00:00:00Z",
	)
	for i := range tasks {
		tasks[i].DueDate = tasks[i].CompletedAt
	}
	for _, due := range []string{"2128-02-29T23:59:59.999999Z", "2128-03-01T00:00:00Z"} {
		tasks = append(tasks, planner.CreateTaskParams{Title: due, DueDate: new(moment(due))})
	}
	if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}

	daily := func(n int) (seriesEnds, error) {
		rows, err := alice.DailyCompletions(t.Context(), planner.DailyCompletionsParams{At: &at, Days: n})
		return endsOf(rows, func(r planner.DailyCompletionsRow) (time.Time, int) { return r.Day, r.Completed }), err
	}
	weekly := func(n int) (seriesEnds, error) {
		rows, err := alice.WeeklyCompletions(t.Context(), planner.WeeklyCompletionsParams{At: &at, Weeks: n})
		return endsOf(rows, func(r planner.WeeklyCompletionsRow) (time.Time, int) { return r.Monday, r.Completed }), err
	}
	workload := func(n int) (seriesEnds, error) {
		rows, err := alice.Workload(t.Context(), planner.WorkloadParams{At: &at, Weeks: n})
		return endsOf(rows, func(r planner.WorkloadRow) (time.Time, int) { return r.Monday, r.Due }), err
	}
	for name, series := range map[string]func(int) (seriesEnds, error){"days": daily, "weeks": weekly, "weeks of work": workload} {
		for _, n := range []int{math.MinInt, math.MinInt32, math.MinInt32 + 1, -1e9, -century, -1, 0} { // the server plans for the first five
			if got, err := series(n); err != nil || got != (seriesEnds{}) {
				t.Errorf("%d %s: %d rows, nil %v: %v", n, name, got.Rows, got.Nil, err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		series func(int) (seriesEnds, error)
		n      int
		want   seriesEnds
	}{
		{"days", daily, 1, seriesEnds{1, date("2028-02-29"), date("2028-02-29"), 1, false}},
		{"days", daily, 36524, seriesEnds{36524, date("1928-03-02"), date("2028-02-29"), 3, false}},
		{"days", daily, 36525, seriesEnds{36525, date("1928-03-01"), date("2028-02-29"), 4, false}},
		{"days", daily, 36526, seriesEnds{36525, date("1928-03-01"), date("2028-02-29"), 4, false}},
		{"days", daily, math.MaxInt, seriesEnds{36525, date("1928-03-01"), date("2028-02-29"), 4, false}},
		{"weeks", weekly, 1, seriesEnds{1, date("2028-02-28"), date("2028-02-28"), 1, false}},
		{"weeks", weekly, 5218, seriesEnds{5218, date("1928-03-05"), date("2028-02-28"), 2, false}},
		{"weeks", weekly, 5219, seriesEnds{5218, date("1928-03-05"), date("2028-02-28"), 2, false}},
		{"weeks", weekly, math.MaxInt, seriesEnds{5218, date("1928-03-05"), date("2028-02-28"), 2, false}},
		{"weeks of work", workload, 1, seriesEnds{1, date("2028-02-28"), date("2028-02-28"), 1, false}},
		{"weeks of work", workload, 5218, seriesEnds{5218, date("2028-02-28"), date("2128-02-23"), 2, false}},
		{"weeks of work", workload, 5219, seriesEnds{5218, date("2028-02-28"), date("2128-02-23"), 2, false}},
		{"weeks of work", workload, math.MaxInt, seriesEnds{5218, date("2028-02-28"), date("2128-02-23"), 2, false}},
	} {
		got, err := c.series(c.n)
		if diff := cmp.Diff(c.want, got, inStats); diff != "" || err != nil {
			t.Errorf("%d %s: %v (-want +got):\n%s", c.n, c.name, err, diff)
		}
	}
	for _, c := range []struct{ days, want, over int }{
		{math.MinInt, 1, 1},
		{-1, 1, 1},
		{0, 1, 1},
		{1, 1, 1},
		{36524, 3, 36524},
		{36525, 4, 36525},
		{36526, 4, 36525},
		{1 << 33, 4, 36525},
		{math.MaxInt, 4, 36525},
	} {
		agree(t, planner.VelocityParams{At: &at, Days: c.days}, alice.Velocity, planner.VelocityRow{Completed: c.want, PerDay: float64(c.want) / float64(c.over)})
	}
}

// Without At a series ends now.
func TestStatsNow(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		t.Fatal(err)
	}
	task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task", ParentGoalID: &goal.ID, DueDate: new(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.CompleteTask(t.Context(), planner.CompleteTaskParams{ID: task.ID}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []planner.TimeZone{"", "Pacific/Kiritimati", "Pacific/Pago_Pago"} { // never on the same day, 25 hours apart
		zone := locationOf(t, name)
		for { // again if a day ends meanwhile
			day := dateIn(zone, time.Now())
			daily, err := alice.DailyCompletions(t.Context(), planner.DailyCompletionsParams{TimeZone: name, Days: 3})
			if err != nil || len(daily) != 3 || daily[1].Completed+daily[2].Completed != 1 {
				t.Fatalf("%q: %+v, %v", name, daily, err)
			}
			weekly, err := alice.WeeklyCompletions(t.Context(), planner.WeeklyCompletionsParams{TimeZone: name, Weeks: 2})
			if err != nil || len(weekly) != 2 || weekly[0].Completed+weekly[1].Completed != 1 {
				t.Fatalf("%q: %+v, %v", name, weekly, err)
			}
			velocity, err := alice.Velocity(t.Context(), planner.VelocityParams{TimeZone: name, Days: 2})
			if err != nil || velocity != (planner.VelocityRow{Completed: 1, PerDay: 0.5}) {
				t.Fatalf("%q: %+v, %v", name, velocity, err)
			}
			load, err := alice.Workload(t.Context(), planner.WorkloadParams{TimeZone: name, Weeks: 1})
			if err != nil || len(load) != 1 {
				t.Fatalf("%q: %+v, %v", name, load, err)
			}
			forecast, err := alice.GoalForecast(t.Context(), planner.GoalForecastParams{GoalID: goal.ID, TimeZone: name, Days: 2})
			if err != nil {
				t.Fatal(err)
			}
			if !day.Equal(dateIn(zone, time.Now())) {
				continue
			}
			if !daily[2].Day.Equal(day) || !weekly[1].Monday.Equal(mondayOf(day)) || !load[0].Monday.Equal(mondayOf(day)) || forecast.ExpectedDay == nil || !forecast.ExpectedDay.Equal(day) {
				t.Errorf("%q: on %v the last day is %v, the last Monday %v, the first of work %v, all is done on %v", name, day, daily[2].Day, weekly[1].Monday, load[0].Monday, forecast.ExpectedDay)
			}
			break
		}
	}
}

// A time zone that nobody knows is ErrInvalid, each time, whether there is anything to count or not.
func TestStatsTimeZoneUnknown(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	at := moment("2028-02-29T12:00:00Z")
	for _, user := range []string{"without tasks", "with tasks"} {
		alice := db.As(db.NewUser(t))
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", CreatedAt: &at})
		if err != nil {
			t.Fatal(err)
		}
		if user == "with tasks" {
			tasks := doneAt("2028-02-29T12:00:00Z")
			tasks[0].ParentGoalID, tasks[0].DueDate = &goal.ID, &at
			if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
				t.Fatal(err)
			}
		}
		for _, at := range []*time.Time{&at, nil} {
			for method, call := range map[string]func(zone planner.TimeZone) error{
				"DailyCompletions": func(zone planner.TimeZone) error {
					_, err := alice.DailyCompletions(t.Context(), planner.DailyCompletionsParams{At: at, TimeZone: zone, Days: 1})
					return err
				},
				"WeeklyCompletions": func(zone planner.TimeZone) error {
					_, err := alice.WeeklyCompletions(t.Context(), planner.WeeklyCompletionsParams{At: at, TimeZone: zone, Weeks: 1})
					return err
				},
				"Velocity": func(zone planner.TimeZone) error {
					_, err := alice.Velocity(t.Context(), planner.VelocityParams{At: at, TimeZone: zone, Days: 1})
					return err
				},
				"Workload": func(zone planner.TimeZone) error {
					_, err := alice.Workload(t.Context(), planner.WorkloadParams{At: at, TimeZone: zone, Weeks: 1})
					return err
				},
				"GoalForecast": func(zone planner.TimeZone) error {
					_, err := alice.GoalForecast(t.Context(), planner.GoalForecastParams{GoalID: goal.ID, At: at, TimeZone: zone, Days: 1})
					return err
				},
			} {
				if err := call("Europe/Berlin"); err != nil {
					t.Errorf("%s: %v", method, err)
				}
				for _, zone := range []planner.TimeZone{"Mars/Olympus_Mons", "Europe", " ", "Europe/Berlin\x00"} {
					for i := range 7 { // the server plans for any zone from the sixth on
						if err := call(zone); !errors.Is(err, bizydb.ErrInvalid) {
							t.Errorf("%s %s, call %d, At %v, zone %q: %v, want %v", method, user, i+1, at, zone, err, bizydb.ErrInvalid)
							break
						}
					}
				}
			}
		}
	}
}

// From is in, Before is not, and a task that is completed in the moment it is due is so in time.
func TestCompletionRate(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	from, before := moment("2028-02-29T00:00:00+01:00"), moment("2028-03-01T00:00:00+01:00")
	tasks := doneAt("2028-02-28T23:00:00.000001Z", "2028-02-29T11:00:00Z", "2028-02-29T22:00:00Z", "2028-02-29T12:00:00Z", "2028-02-28T12:00:00Z")
	for i, due := range []string{"2028-02-28T23:00:00Z", "2028-02-29T11:00:00Z", "2028-02-29T23:00:00Z", "", "2028-02-28T22:59:59.999999Z"} {
		if due != "" {
			tasks[i].DueDate = new(moment(due))
		}
	}
	tasks = append(tasks,
		planner.CreateTaskParams{Title: "open", DueDate: new(before.Add(-time.Microsecond))},
		planner.CreateTaskParams{Title: "blocked", Status: planner.TaskBlocked, DueDate: &from},
		planner.CreateTaskParams{Title: "never due"},
	)
	if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, before time.Time
		want         planner.CompletionRateRow
	}{
		{from, before, planner.CompletionRateRow{Due: 4, Completed: 2, OnTime: 1, Rate: 0.5}},
		{from, before.Add(time.Microsecond), planner.CompletionRateRow{Due: 5, Completed: 3, OnTime: 2, Rate: 0.6}},
		{from.Add(-time.Microsecond), before, planner.CompletionRateRow{Due: 5, Completed: 3, OnTime: 2, Rate: 0.6}},
		{before, before.Add(time.Microsecond), planner.CompletionRateRow{Due: 1, Completed: 1, OnTime: 1, Rate: 1}},
		{from, from, planner.CompletionRateRow{}},
		{before, from, planner.CompletionRateRow{}},
		{time.Time{}, from.AddDate(1000, 0, 0), planner.CompletionRateRow{Due: 6, Completed: 4, OnTime: 3, Rate: 4.0 / 6}},
	} {
		agree(t, planner.CompletionRateParams{From: c.from, Before: c.before}, alice.CompletionRate, c.want)
	}
}

// An estimate of no hours is one, and an empty category too.
func TestStatsHours(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	goals := map[string]*planner.GoalID{}
	for _, title := range []string{"goal", "sub-goal"} {
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: title, ParentGoalID: goals["goal"]})
		if err != nil {
			t.Fatal(err)
		}
		goals[title] = &goal.ID
	}
	at := moment("2028-03-01T12:00:00Z") // a Wednesday
	done := planner.TaskCompleted
	tasks := planner.CreateTasksParams{
		{Title: "as estimated", ParentGoalID: goals["goal"], DueDate: &at, Status: done, EstimatedHours: new(1.0), ActualHours: new(2.0), Priority: new(1)},
		{Title: "none at all", ParentGoalID: goals["goal"], DueDate: &at, Status: done, EstimatedHours: new(0.0), ActualHours: new(4.0), Category: new("")},
		{Title: "nobody wrote it down", ParentGoalID: goals["goal"], DueDate: &at, Status: done, EstimatedHours: new(8.0), Category: new("b")},
		{Title: "nobody had thought of it", ParentGoalID: goals["goal"], Status: done, ActualHours: new(16.0), Category: new("a")},
		{Title: "under way", ParentGoalID: goals["goal"], DueDate: &at, Status: planner.TaskInProgress, EstimatedHours: new(32.0), ActualHours: new(64.0), Category: new("a")},
		{Title: "not begun", ParentGoalID: goals["goal"], DueDate: &at, EstimatedHours: new(0.0), Priority: new(5)},
		{Title: "below", ParentGoalID: goals["sub-goal"], DueDate: &at, Status: planner.TaskBlocked, ActualHours: new(128.0)},
		{Title: "beside", EstimatedHours: new(256.0), Priority: new(5)},
	}
	if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	none := struct{}{}
	agree(t, nil, alice.TaskHours, planner.TaskHoursRow{Estimated: 297, Spent: 214, Remaining: 288, ComparedEstimated: 1, ComparedSpent: 6})
	agree(t, goals["goal"], alice.TaskHours, planner.TaskHoursRow{Estimated: 41, Spent: 86, Remaining: 32, ComparedEstimated: 1, ComparedSpent: 6})
	agree(t, goals["sub-goal"], alice.TaskHours, planner.TaskHoursRow{Spent: 128})
	agree(t, none, asked(alice.TaskCounts), []planner.TaskCountsRow{
		{Status: planner.TaskPending, Tasks: 2},
		{Status: planner.TaskInProgress, Tasks: 1},
		{Status: planner.TaskBlocked, Tasks: 1},
		{Status: planner.TaskCompleted, Tasks: 4},
		{Priority: 1, Tasks: 1},
		{Priority: 3, Tasks: 5},
		{Priority: 5, Tasks: 2},
		{Category: new(""), Tasks: 1},
		{Category: new("a"), Tasks: 2},
		{Category: new("b"), Tasks: 1},
		{Tasks: 4},
	})
	agree(t, none, asked(alice.TaskCountsByCategory), []planner.TaskCountsByCategoryRow{
		{Category: new(""), Tasks: 1, Completed: 1, ActualHours: 4},
		{Category: new("a"), Tasks: 2, Completed: 1, EstimatedHours: 32, ActualHours: 80},
		{Category: new("b"), Tasks: 1, Completed: 1, EstimatedHours: 8},
		{Tasks: 4, Completed: 1, EstimatedHours: 257, ActualHours: 130},
	})
	agree(t, none, asked(alice.TaskCountsByPriority), []planner.TaskCountsByPriorityRow{
		{Priority: 1, Tasks: 1, Completed: 1, EstimatedHours: 1, ActualHours: 2},
		{Priority: 2},
		{Priority: 3, Tasks: 5, Completed: 3, EstimatedHours: 40, ActualHours: 212},
		{Priority: 4},
		{Priority: 5, Tasks: 2, EstimatedHours: 256},
	})
	agree(t, none, asked(alice.TaskCountsByStatus), []planner.TaskCountsByStatusRow{
		{Status: planner.TaskPending, Tasks: 2, EstimatedHours: 256},
		{Status: planner.TaskInProgress, Tasks: 1, EstimatedHours: 32, ActualHours: 64},
		{Status: planner.TaskBlocked, Tasks: 1, ActualHours: 128},
		{Status: planner.TaskCompleted, Tasks: 4, EstimatedHours: 9, ActualHours: 22},
	})
	agree(t, planner.WorkloadParams{At: &at, Weeks: 1}, alice.Workload, []planner.WorkloadRow{
		{Monday: date("2028-02-28"), Due: 6, Open: 3, WithoutEstimate: 1, EstimatedHours: 41, OpenHours: 32, ActualHours: 198},
	})
}

// What remains is divided by the mean of the last days; the range is 1.28 standard errors of it.
func TestGoalForecast(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	const today = "2028-02-29"
	after := func(days int) *time.Time { return new(date(today).AddDate(0, 0, days)) }
	for _, c := range []struct {
		name      string
		age       int   // of the goal, the day it was made on included
		completed []int // on each day up to today
		remaining int
		days      int
		want      planner.GoalForecastRow
	}{
		{"nothing remains", 100, []int{3, 1}, 0, 2, planner.GoalForecastRow{PerDay: 2, ExpectedDay: after(0), EarliestDay: after(0), LatestDay: after(0)}},
		{"nothing remains, on the first day", 1, []int{3}, 0, 28, planner.GoalForecastRow{PerDay: 3, ExpectedDay: after(0), EarliestDay: after(0), LatestDay: after(0)}},
		{"nothing completed", 100, nil, 5, 28, planner.GoalForecastRow{Remaining: 5}},
		{"nothing completed, on the first day", 1, nil, 5, 28, planner.GoalForecastRow{Remaining: 5}},
		{"nothing completed of late", 100, []int{9, 0, 0, 0}, 5, 3, planner.GoalForecastRow{Remaining: 5}},
		// The mean is 1, the variance (1+1+0+0)/3, the standard error 0.408, and 10 at 1.523 and at 0.477 are 6.57 and 20.94 days.
		{"range", 100, []int{7, 2, 0, 1, 1}, 10, 4, planner.GoalForecastRow{Remaining: 10, PerDay: 1, ExpectedDay: after(10), EarliestDay: after(7), LatestDay: after(21)}},
		// The mean is 1, the standard error too: 5 at 2.28 are 2.19 days, and -0.28 is no rate.
		{"no latest day", 100, []int{0, 0, 0, 4}, 5, 4, planner.GoalForecastRow{Remaining: 5, PerDay: 1, ExpectedDay: after(5), EarliestDay: after(3)}},
		{"every day alike", 100, []int{2, 2, 2}, 5, 3, planner.GoalForecastRow{Remaining: 5, PerDay: 2, ExpectedDay: after(3), EarliestDay: after(3), LatestDay: after(3)}},
		{"younger than the window", 3, []int{5, 1, 1, 1}, 2, 28, planner.GoalForecastRow{Remaining: 2, PerDay: 1, ExpectedDay: after(2), EarliestDay: after(2), LatestDay: after(2)}},
		{"as old as the window", 3, []int{5, 1, 1, 1}, 2, 3, planner.GoalForecastRow{Remaining: 2, PerDay: 1, ExpectedDay: after(2), EarliestDay: after(2), LatestDay: after(2)}},
		{"a day older than the window", 4, []int{5, 1, 1, 1}, 2, 3, planner.GoalForecastRow{Remaining: 2, PerDay: 1, ExpectedDay: after(2), EarliestDay: after(2), LatestDay: after(2)}},
		{"the first day", 1, []int{9, 2}, 5, 28, planner.GoalForecastRow{Remaining: 5, PerDay: 2, ExpectedDay: after(3)}},
		{"one day", 100, []int{9, 2}, 5, 1, planner.GoalForecastRow{Remaining: 5, PerDay: 2, ExpectedDay: after(3)}},
		{"no days", 100, []int{9, 2}, 5, 0, planner.GoalForecastRow{Remaining: 5, PerDay: 2, ExpectedDay: after(3)}},
		{"less than no days", 100, []int{9, 2}, 5, math.MinInt32, planner.GoalForecastRow{Remaining: 5, PerDay: 2, ExpectedDay: after(3)}},
		{"all days", 2, []int{9, 1, 1}, 5, math.MaxInt32, planner.GoalForecastRow{Remaining: 5, PerDay: 1, ExpectedDay: after(5), EarliestDay: after(5), LatestDay: after(5)}},
		{"made later", -5, []int{9, 2}, 5, 28, planner.GoalForecastRow{Remaining: 5, PerDay: 2, ExpectedDay: after(3)}},
		// The deviations of 1 in 25 days have a standard error of 1/25 too, and 1461 at 2.28/25 are 16019.7 days.
		{"a hundred years", 1000, []int{1}, 1461, 25, planner.GoalForecastRow{Remaining: 1461, PerDay: 0.04, ExpectedDay: after(36525), EarliestDay: after(16020)}},
		{"more than a hundred years", 1000, []int{1}, 1462, 25, planner.GoalForecastRow{Remaining: 1462, PerDay: 0.04, EarliestDay: after(16031)}},
		// 7 in 5 days are 1.4 a day and 21 at that rate 15 days. The standard error is sqrt(1.2/4/5) = 0.245: 1.7135 and 1.0865.
		{"a whole number of days", 100, []int{2, 2, 1, 1, 1}, 21, 5, planner.GoalForecastRow{Remaining: 21, PerDay: 1.4, ExpectedDay: after(15), EarliestDay: after(13), LatestDay: after(20)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			alice := db.As(db.NewUser(t))
			made := date(today).AddDate(0, 0, 1-c.age).Add(12 * time.Hour)
			goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", CreatedAt: &made})
			if err != nil {
				t.Fatal(err)
			}
			tasks := doneAt("2028-03-01T00:00:00Z") // tomorrow
			for i, n := range c.completed {
				day := date(today).AddDate(0, 0, i+1-len(c.completed))
				for j := range n { // from the first moment of the day to the last
					at := day.Add(time.Duration(j) * dayLong / time.Duration(max(1, n-1)))
					if j > 0 {
						at = at.Add(-time.Microsecond)
					}
					tasks = append(tasks, planner.CreateTaskParams{Title: "done", Status: planner.TaskCompleted, CompletedAt: &at})
				}
			}
			for i := range c.remaining {
				status := []planner.TaskStatus{planner.TaskPending, planner.TaskInProgress, planner.TaskBlocked}[i%3]
				tasks = append(tasks, planner.CreateTaskParams{Title: "to do", Status: status})
			}
			for i := range tasks {
				tasks[i].ParentGoalID = &goal.ID
			}
			tasks = append(tasks, planner.CreateTaskParams{Title: "beside"}, planner.CreateTaskParams{Title: "beside", Status: planner.TaskCompleted, CompletedAt: new(date(today))})
			if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
				t.Fatal(err)
			}
			agree(t, planner.GoalForecastParams{GoalID: goal.ID, At: new(moment(today + "T18:00:00Z")), Days: c.days}, alice.GoalForecast, c.want)
		})
	}
}

// A goal's tasks are those under its sub-goals too, but for cancelled ones and what is under them.
func TestGoalForecastTree(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	made, at := moment("2028-02-01T00:00:00Z"), moment("2028-02-29T12:00:00Z")
	goals := map[string]*planner.GoalID{}
	remaining := 1 // a power of two of each, so that a sum says of which
	for _, g := range []struct {
		title, parent string
		status        planner.GoalStatus
	}{
		{"root", "", planner.GoalActive},
		{"on hold", "root", planner.GoalOnHold},
		{"deep", "on hold", planner.GoalActive},
		{"cancelled", "root", planner.GoalCancelled},
		{"under the cancelled", "cancelled", planner.GoalActive},
		{"another", "", planner.GoalActive},
	} {
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: g.title, Status: g.status, ParentGoalID: goals[g.parent], CreatedAt: &made})
		if err != nil {
			t.Fatal(err)
		}
		goals[g.title] = &goal.ID
		tasks := planner.CreateTasksParams{{Title: "done", ParentGoalID: &goal.ID, Status: planner.TaskCompleted, CompletedAt: &at}}
		for range remaining {
			tasks = append(tasks, planner.CreateTaskParams{Title: "to do", ParentGoalID: &goal.ID})
		}
		if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
		remaining *= 2
	}
	for title, want := range map[string]struct{ remaining, completed int }{
		"root":                {1 + 2 + 4, 3},
		"on hold":             {2 + 4, 2},
		"deep":                {4, 1},
		"cancelled":           {8 + 16, 2},
		"under the cancelled": {16, 1},
		"another":             {32, 1},
	} {
		got, err := alice.GoalForecast(t.Context(), planner.GoalForecastParams{GoalID: *goals[title], At: &at, Days: 4})
		if err != nil || got.Remaining != want.remaining || got.PerDay != float64(want.completed)/4 {
			t.Errorf("%s: %d remain, %v per day, want %+v in 4 days: %v", title, got.Remaining, got.PerDay, want, err)
		}
	}

	for name, call := range map[string]func() error{
		"no goal": func() error {
			_, err := alice.GoalForecast(t.Context(), planner.GoalForecastParams{GoalID: math.MaxInt64, At: &at, Days: 28})
			return err
		},
		"goal 0": func() error {
			_, err := alice.GoalForecast(t.Context(), planner.GoalForecastParams{})
			return err
		},
		"another's goal": func() error {
			_, err := bob.GoalForecast(t.Context(), planner.GoalForecastParams{GoalID: *goals["root"], At: &at, Days: 28})
			return err
		},
	} {
		if err := call(); !errors.Is(err, bizydb.ErrNotFound) {
			t.Errorf("%s: %v, want %v", name, err, bizydb.ErrNotFound)
		}
	}
}
