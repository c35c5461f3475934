package oldapi

import (
	"math"
	"strconv"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// counts are numbers by name, without those that are 0.
type counts map[string]int

func (c counts) add(name string, n int) {
	if n != 0 {
		c[name] += n
	}
}

func taskSummary(c *call) (any, error) {
	byStatus, byPriority, byCategory := counts{}, counts{}, counts{}
	total, overdue := 0, 0
	err := c.scope.Batch(c.Context(),
		func(q bizydb.Reader) (err error) { byStatus, err = taskCounts(c, q); return err },
		func(q bizydb.Reader) error {
			rows, err := q.TaskCountsByPriority(c.Context())
			for _, row := range rows {
				byPriority.add(strconv.Itoa(row.Priority), row.Tasks)
				total += row.Tasks
			}
			return err
		},
		func(q bizydb.Reader) error {
			rows, err := q.TaskCountsByCategory(c.Context())
			for _, row := range rows {
				if row.Category != nil {
					byCategory.add(*row.Category, row.Tasks)
				}
			}
			return err
		},
		func(q bizydb.Reader) error {
			row, err := q.Overview(c.Context(), planner.OverviewParams{WithBlocked: true})
			overdue = row.OverdueTasks
			return err
		},
	)
	return map[string]any{"total": total, "by_status": byStatus, "by_priority": byPriority, "by_category": byCategory, "overdue": overdue}, err
}

// taskCounts counts tasks by status.
func taskCounts(c *call, q bizydb.Reader) (counts, error) {
	n := counts{}
	rows, err := q.TaskCountsByStatus(c.Context())
	for _, row := range rows {
		n.add(string(row.Status), row.Tasks)
	}
	return n, err
}

// goalNumbers are what both summaries of goals are made of.
type goalNumbers struct {
	total               int
	byStatus, byHorizon counts
	planner.OverviewRow
}

func readGoalNumbers(c *call) (n goalNumbers, err error) {
	n.byStatus, n.byHorizon = counts{}, counts{}
	err = c.scope.Batch(c.Context(),
		func(q bizydb.Reader) error {
			rows, err := q.GoalCountsByStatus(c.Context())
			for _, row := range rows {
				n.byStatus.add(string(row.Status), row.Goals)
				n.total += row.Goals
			}
			return err
		},
		func(q bizydb.Reader) error {
			rows, err := q.GoalCountsByHorizon(c.Context())
			for _, row := range rows {
				if row.Horizon != nil {
					n.byHorizon.add(string(*row.Horizon), row.Goals)
				}
			}
			return err
		},
		func(q bizydb.Reader) (err error) {
			n.OverviewRow, err = q.Overview(c.Context(), planner.OverviewParams{})
			return err
		},
	)
	return n, err
}

func goalSummary(c *call) (any, error) {
	n, err := readGoalNumbers(c)
	return map[string]any{
		"total": n.total, "by_status": n.byStatus, "by_horizon": n.byHorizon,
		"average_progress": round(n.AverageProgress, 2), "near_completion": n.GoalsNearCompletion,
	}, err
}

func round(x float64, decimals int) float64 {
	unit := math.Pow10(decimals)
	return math.Round(x*unit) / unit
}
