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

// taskNumbers count tasks.
type taskNumbers struct{ byStatus, byPriority, byCategory counts }

func (n *taskNumbers) read(c *call, q bizydb.Reader) error {
	*n = taskNumbers{counts{}, counts{}, counts{}}
	rows, err := q.TaskCounts(c.Context())
	for _, row := range rows {
		switch {
		case row.Status != "":
			n.byStatus.add(string(row.Status), row.Tasks)
		case row.Priority != 0:
			n.byPriority.add(strconv.Itoa(row.Priority), row.Tasks)
		case row.Category != nil:
			n.byCategory.add(*row.Category, row.Tasks)
		}
	}
	return err
}

func taskSummary(c *call) (any, error) {
	var n taskNumbers
	var overview planner.OverviewRow
	err := c.scope.Batch(c.Context(),
		func(q bizydb.Reader) error { return n.read(c, q) },
		func(q bizydb.Reader) (err error) {
			overview, err = q.Overview(c.Context(), planner.OverviewParams{WithBlocked: true})
			return err
		},
	)
	total := 0
	for _, tasks := range n.byStatus {
		total += tasks
	}
	return map[string]any{
		"total": total, "by_status": n.byStatus, "by_priority": n.byPriority, "by_category": n.byCategory, "overdue": overview.OverdueTasks,
	}, err
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
