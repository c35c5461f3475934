package oldapi

import (
	"errors"
	"net/http"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func (a *API) goalRoutes() []route {
	return []route{
		{pattern: "GET /api/goals/{$}", status: 200, do: listGoals},
		{pattern: "POST /api/goals/{$}", status: 201, body: needsBody, do: createGoal},
		{pattern: "GET /api/goals/{goal_id}", status: 200, do: getGoal},
		{pattern: "PATCH /api/goals/{goal_id}", status: 200, body: needsBody, do: updateGoal},
		{pattern: "DELETE /api/goals/{goal_id}", status: 204, do: deleteGoal},
		{pattern: "POST /api/goals/{goal_id}/calculate-progress", status: 200, do: calculateProgress},
		{pattern: "POST /api/goals/{goal_id}/breakdown", status: 200, body: mayHaveBody, do: breakDown},
		{pattern: "POST /api/goals/{goal_id}/breakdown/create-tasks", status: 200, body: needsBody, do: createSuggestedTasks},
		{pattern: "GET /api/goals/stats/summary", status: 200, do: goalSummary},
	}
}

// A goal is a goal as this API writes it.
type goal struct {
	Title              string             `json:"title"`
	Description        *string            `json:"description"`
	Horizon            *planner.Horizon   `json:"horizon"`
	TargetDate         *stamp             `json:"target_date"`
	Status             planner.GoalStatus `json:"status"`
	SuccessCriteria    *string            `json:"success_criteria"`
	ParentGoalID       *planner.GoalID    `json:"parent_goal_id"`
	Metrics            planner.Metrics    `json:"metrics"`
	ID                 planner.GoalID     `json:"id"`
	UserID             planner.UserID     `json:"user_id"`
	ProgressPercentage float64            `json:"progress_percentage"`
	CreatedAt          stamp              `json:"created_at"`
	UpdatedAt          stamp              `json:"updated_at"`
	CompletedAt        *stamp             `json:"completed_at"`
	TaskCount          *int               `json:"task_count"`
	SubgoalCount       *int               `json:"subgoal_count"`
}

func goalOf(g planner.Goal) goal {
	out := goal{
		Title: g.Title, Description: g.Description, Horizon: g.Horizon, TargetDate: stampOf(g.TargetDate), Status: g.Status,
		SuccessCriteria: g.SuccessCriteria, ParentGoalID: g.ParentGoalID, Metrics: g.Metrics, ID: g.ID, UserID: g.UserID,
		ProgressPercentage: g.ProgressPercentage, CreatedAt: stamp(g.CreatedAt), UpdatedAt: stamp(g.UpdatedAt), CompletedAt: stampOf(g.CompletedAt),
	}
	if len(out.Metrics) == 0 {
		out.Metrics = nil
	}
	return out
}

func goalWithCounts(g planner.Goal) goal {
	out := goalOf(g)
	out.TaskCount, out.SubgoalCount = &g.TaskCount, &g.SubGoalCount
	return out
}

func goalWriter(withCounts bool) func(planner.Goal) goal {
	if withCounts {
		return goalWithCounts
	}
	return goalOf
}

// goalAnswer is what a call about a goal answers, one way or the other.
func (c *call) goalAnswer(g planner.Goal, err error) (any, error) {
	if err != nil {
		return nil, c.aboutGoal(err)
	}
	return goalOf(g), nil
}

// aboutGoal puts into words what only calls about a goal say.
func (c *call) aboutGoal(err error) error {
	var field *bizydb.FieldError
	switch errors.As(err, &field); {
	case errors.Is(err, bizydb.ErrNotFound):
		return fail(http.StatusNotFound, "Goal %d not found", c.id("goal_id"))
	case errors.Is(err, bizydb.ErrUnknownReference):
		return fail(http.StatusBadRequest, "Parent goal %v not found or doesn't belong to you", c.sent(field))
	case errors.Is(err, bizydb.ErrGoalCycle):
		parent := c.fields().wholeNumber("parent_goal_id", c.sent(field))
		if parent != nil && *parent == c.id("goal_id") {
			return fail(http.StatusBadRequest, "A goal cannot be its own parent")
		}
		return fail(http.StatusBadRequest, "Cannot create circular reference: goal %v is below goal %d", c.sent(field), c.id("goal_id"))
	}
	return err
}

var (
	goalStatuses = []planner.GoalStatus{planner.GoalActive, planner.GoalCompleted, planner.GoalOnHold, planner.GoalCancelled}
	horizons     = []planner.Horizon{planner.Yearly, planner.Quarterly, planner.Monthly, planner.Weekly}
)

func listGoals(c *call) (any, error) {
	q := c.query()
	p := planner.PageGoalsParams{
		Statuses: asList(choice(q, "status", notNull, goalStatuses...)), Horizon: choice(q, "horizon", notNull, horizons...),
		ParentGoalID: (*planner.GoalID)(q.integer("parent_goal_id", notNull, nil, nil)), Search: orZero(q.text("search", notNull, 0, 200)),
	}
	write, w := goalWriter(q.flag("include_counts")), q.window()
	if err := c.check(); err != nil {
		return nil, err
	}
	goals, err := readWindow(w, func(size int) ([]planner.Goal, bool, error) {
		p.Size = size
		page, err := c.scope.PageGoals(c.Context(), p)
		p.Cursor = page.Next
		return page.Goals, page.Next != "", err
	})
	return each(goals, write), err
}

func createGoal(c *call) (any, error) {
	f := c.fields()
	p := planner.CreateGoalParams{
		Title: orZero(f.text("title", required, 1, 500)), Description: f.text("description", optional, 0, 0),
		Horizon: choice(f, "horizon", required, horizons...), TargetDate: f.moment("target_date", optional),
		Status: orZero(choice(f, "status", notNull, goalStatuses...)), SuccessCriteria: f.text("success_criteria", optional, 0, 0),
		ParentGoalID: (*planner.GoalID)(f.integer("parent_goal_id", optional, nil, nil)), Metrics: f.dictionary("metrics"),
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.goalAnswer(c.scope.CreateGoal(c.Context(), p))
}

func getGoal(c *call) (any, error) {
	id, write := c.id("goal_id"), goalWriter(c.query().flag("include_counts"))
	if err := c.check(); err != nil {
		return nil, err
	}
	g, err := c.scope.GetGoal(c.Context(), planner.GoalID(id))
	if err != nil {
		return nil, c.aboutGoal(err)
	}
	return write(g), nil
}

// updateGoal changes the fields that were sent. Null clears.
func updateGoal(c *call) (any, error) {
	id, f := c.id("goal_id"), c.fields()
	p := planner.UpdateGoalParams{
		ID: planner.GoalID(id), Title: f.text("title", notNull, 1, 500), Status: orZero(choice(f, "status", notNull, goalStatuses...)),
		Description: f.text("description", optional, 0, 0), ClearDescription: f.null("description"),
		Horizon: choice(f, "horizon", notNull, horizons...), TargetDate: f.moment("target_date", optional), ClearTargetDate: f.null("target_date"),
		SuccessCriteria: f.text("success_criteria", optional, 0, 0), ClearSuccessCriteria: f.null("success_criteria"),
		ParentGoalID: (*planner.GoalID)(f.integer("parent_goal_id", optional, nil, nil)), ClearParentGoalID: f.null("parent_goal_id"),
		Metrics: f.dictionary("metrics"),
	}
	if f.null("metrics") {
		p.Metrics = planner.Metrics{}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.goalAnswer(c.scope.UpdateGoal(c.Context(), p))
}

func deleteGoal(c *call) (any, error) {
	id := c.id("goal_id")
	if err := c.check(); err != nil {
		return nil, err
	}
	_, err := c.scope.DeleteGoal(c.Context(), planner.GoalID(id))
	return nil, c.aboutGoal(err)
}

// calculateProgress has nothing to calculate: progress follows by itself.
func calculateProgress(c *call) (any, error) {
	id := c.id("goal_id")
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.goalAnswer(c.scope.GetGoal(c.Context(), planner.GoalID(id)))
}

func breakDown(c *call) (any, error) {
	c.id("goal_id")
	f := c.fields()
	f.small("max_tasks", notNull, 1, 50)
	f.flag("include_description")
	if err := c.check(); err != nil {
		return nil, err
	}
	return nil, errNoAI
}

// createSuggestedTasks creates tasks in one statement, all or none.
func createSuggestedTasks(c *call) (any, error) {
	id := planner.GoalID(c.id("goal_id"))
	suggestions, ok := c.body.([]any)
	if !ok {
		fields{in: c.input}.fault("body", c.body, "list_type", "Input should be a valid list", nil)
	}
	p := planner.CreateTasksParams{}
	for i, s := range suggestions {
		f := c.object([]any{"body", i}, s, false)
		p = append(p, planner.CreateTaskParams{
			ParentGoalID: &id, Title: orZero(f.text("title", required, 0, 0)), Description: f.text("description", optional, 0, 0),
			Priority: f.small("priority", required, 1, 5), EstimatedHours: f.number("estimated_hours", optional), Category: f.text("category", optional, 0, 0),
		})
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	ids, err := c.scope.CreateTasks(c.Context(), p)
	if err == nil && len(p) == 0 { // nothing asked whether the goal is there
		_, err = c.scope.GetGoal(c.Context(), id)
	}
	if errors.Is(err, bizydb.ErrUnknownReference) {
		err = bizydb.ErrNotFound
	}
	type created struct {
		ID    planner.TaskID `json:"id"`
		Title string         `json:"title"`
	}
	answer := []created{}
	for i, id := range ids {
		answer = append(answer, created{id, p[i].Title})
	}
	return answer, c.aboutGoal(err)
}
