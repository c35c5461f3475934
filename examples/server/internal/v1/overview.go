package v1

import (
	"context"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Dashboard is what a first page shows.
type Dashboard struct {
	Overview planner.OverviewRow             `json:"overview"`
	Tasks    []planner.TaskCountsByStatusRow `json:"tasks_by_status"`
	DueToday []planner.Task                  `json:"due_today"`
	Overdue  []planner.Task                  `json:"overdue"`
	Upcoming []planner.Task                  `json:"upcoming" doc:"Due in the next seven days."`
	Ready    []planner.Task                  `json:"ready" doc:"Pending or in progress, with every dependency completed, the most urgent first."`
	Goals    []planner.Goal                  `json:"goals" doc:"Active roots."`
	AtRisk   []planner.Goal                  `json:"goals_at_risk"`
}

// Statistics are figures over all goals and tasks.
type Statistics struct {
	TasksByStatus   []planner.TaskCountsByStatusRow   `json:"tasks_by_status"`
	TasksByPriority []planner.TaskCountsByPriorityRow `json:"tasks_by_priority"`
	TasksByCategory []planner.TaskCountsByCategoryRow `json:"tasks_by_category"`
	GoalsByStatus   []planner.GoalCountsByStatusRow   `json:"goals_by_status"`
	GoalsByHorizon  []planner.GoalCountsByHorizonRow  `json:"goals_by_horizon"`
	Hours           planner.TaskHoursRow              `json:"hours"`
	Velocity        planner.VelocityRow               `json:"velocity" doc:"Of the days that were asked for."`
	Daily           []planner.DailyCompletionsRow     `json:"daily" doc:"A row for each of the days, the oldest first."`
}

// Found is what a search finds.
type Found struct {
	Tasks []planner.Task `json:"tasks"`
	Goals []planner.Goal `json:"goals"`
}

func overviewOperations(a *API) {
	const tag = "overview"

	type dashboard struct {
		ZoneQuery
		Limit int `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many each list has at most."`
	}
	type statistics struct {
		ZoneQuery
		Days int `query:"days" minimum:"1" maximum:"366" default:"30"`
	}
	type search struct {
		Search string `query:"search" required:"true" minLength:"1" doc:"In titles, descriptions, notes and success criteria, whatever the case."`
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many each list has at most."`
	}
	type changes struct {
		Since planner.ChangesCursor `query:"since" doc:"Next of the answer before. Without it all goals and tasks come."`
		Limit int                   `query:"limit" minimum:"1" maximum:"500" default:"100"`
	}

	register(a, "GET /dashboard", tag, "get-dashboard", "Get what a first page shows", func(ctx context.Context, me *caller, in *dashboard) (*Answer[Dashboard], error) {
		var d Dashboard
		zone, limit, now := in.TimeZone, in.Limit, new(time.Now())
		err := me.Batch(ctx,
			read(&d.Overview, func(q bizydb.Reader) (planner.OverviewRow, error) {
				return q.Overview(ctx, planner.OverviewParams{At: now, TimeZone: zone})
			}),
			read(&d.Tasks, func(q bizydb.Reader) ([]planner.TaskCountsByStatusRow, error) { return q.TaskCountsByStatus(ctx) }),
			read(&d.DueToday, func(q bizydb.Reader) ([]planner.Task, error) {
				return q.TasksDueToday(ctx, planner.TasksDueTodayParams{At: now, TimeZone: zone, Limit: limit})
			}),
			read(&d.Overdue, func(q bizydb.Reader) ([]planner.Task, error) {
				return q.OverdueTasks(ctx, planner.OverdueTasksParams{At: now, TimeZone: zone, Limit: limit})
			}),
			read(&d.Upcoming, func(q bizydb.Reader) ([]planner.Task, error) {
				return q.UpcomingTasks(ctx, planner.UpcomingTasksParams{At: now, TimeZone: zone, Days: 7, Limit: limit})
			}),
			read(&d.Ready, func(q bizydb.Reader) ([]planner.Task, error) {
				return q.ReadyTasks(ctx, planner.ReadyTasksParams{SkipUnderClosed: true, Limit: limit})
			}),
			read(&d.Goals, func(q bizydb.Reader) ([]planner.Goal, error) {
				return q.ListGoals(ctx, planner.ListGoalsParams{Statuses: planner.GoalStatuses{planner.GoalActive}, RootsOnly: true, Limit: limit})
			}),
			read(&d.AtRisk, func(q bizydb.Reader) ([]planner.Goal, error) {
				return q.GoalsAtRisk(ctx, planner.GoalsAtRiskParams{At: now, Limit: limit})
			}),
		)
		return answer(d, err)
	})
	register(a, "GET /statistics", tag, "get-statistics", "Get figures over all goals and tasks", func(ctx context.Context, me *caller, in *statistics) (*Answer[Statistics], error) {
		var s Statistics
		now := new(time.Now())
		err := me.Batch(ctx,
			read(&s.TasksByStatus, func(q bizydb.Reader) ([]planner.TaskCountsByStatusRow, error) { return q.TaskCountsByStatus(ctx) }),
			read(&s.TasksByPriority, func(q bizydb.Reader) ([]planner.TaskCountsByPriorityRow, error) { return q.TaskCountsByPriority(ctx) }),
			read(&s.TasksByCategory, func(q bizydb.Reader) ([]planner.TaskCountsByCategoryRow, error) { return q.TaskCountsByCategory(ctx) }),
			read(&s.GoalsByStatus, func(q bizydb.Reader) ([]planner.GoalCountsByStatusRow, error) { return q.GoalCountsByStatus(ctx) }),
			read(&s.GoalsByHorizon, func(q bizydb.Reader) ([]planner.GoalCountsByHorizonRow, error) { return q.GoalCountsByHorizon(ctx) }),
			read(&s.Hours, func(q bizydb.Reader) (planner.TaskHoursRow, error) { return q.TaskHours(ctx, nil) }),
			read(&s.Velocity, func(q bizydb.Reader) (planner.VelocityRow, error) {
				return q.Velocity(ctx, planner.VelocityParams{Days: in.Days, At: now, TimeZone: in.TimeZone})
			}),
			read(&s.Daily, func(q bizydb.Reader) ([]planner.DailyCompletionsRow, error) {
				return q.DailyCompletions(ctx, planner.DailyCompletionsParams{Days: in.Days, At: now, TimeZone: in.TimeZone})
			}),
		)
		return answer(s, err)
	})
	register(a, "GET /search", tag, "search", "Search goals and tasks", func(ctx context.Context, me *caller, in *search) (*Answer[Found], error) {
		var found Found
		err := me.Batch(ctx,
			read(&found.Tasks, func(q bizydb.Reader) ([]planner.Task, error) {
				page, err := q.PageTasks(ctx, planner.PageTasksParams{Search: in.Search, Size: in.Limit})
				return page.Tasks, err
			}),
			read(&found.Goals, func(q bizydb.Reader) ([]planner.Goal, error) {
				page, err := q.PageGoals(ctx, planner.PageGoalsParams{Search: in.Search, Size: in.Limit})
				return page.Goals, err
			}),
		)
		return answer(found, err)
	})
	register(a, "GET /changes", tag, "get-changes", "Get what has changed", func(ctx context.Context, me *caller, in *changes) (*Answer[planner.ChangesPage], error) {
		return answer(me.Changes(ctx, planner.ChangesParams{Since: in.Since, Limit: in.Limit}))
	}, describedAs("Since a cursor, deleted goals and tasks included, for a client that keeps a copy. Ask again at once while there are more."))
}

// read is a part of a batch that puts the answer to one query into a variable.
func read[T any](into *T, query func(q bizydb.Reader) (T, error)) func(q bizydb.Reader) error {
	return func(q bizydb.Reader) (err error) {
		*into, err = query(q)
		return err
	}
}
