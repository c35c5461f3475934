package oldapi

import (
	"errors"
	"net/http"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func (a *API) taskRoutes() []route {
	return []route{
		{pattern: "GET /api/tasks/{$}", status: 200, do: listTasks},
		{pattern: "POST /api/tasks/{$}", status: 201, body: needsBody, do: createTask},
		{pattern: "GET /api/tasks/{task_id}", status: 200, do: getTask},
		{pattern: "PATCH /api/tasks/{task_id}", status: 200, body: needsBody, do: updateTask},
		{pattern: "DELETE /api/tasks/{task_id}", status: 204, do: deleteTask},
		{pattern: "POST /api/tasks/{task_id}/complete", status: 200, body: mayHaveBody, do: completeTask},
		{pattern: "POST /api/tasks/{task_id}/uncomplete", status: 200, do: uncompleteTask},
		{pattern: "GET /api/tasks/stats/summary", status: 200, do: taskSummary},
	}
}

// A task is a task as this API writes it.
type task struct {
	Title          string             `json:"title"`
	Description    *string            `json:"description"`
	Priority       int                `json:"priority"`
	Status         planner.TaskStatus `json:"status"`
	Category       *string            `json:"category"`
	EstimatedHours *float64           `json:"estimated_hours"`
	ActualHours    *float64           `json:"actual_hours"`
	DueDate        *stamp             `json:"due_date"`
	ParentGoalID   *planner.GoalID    `json:"parent_goal_id"`
	Dependencies   []planner.TaskID   `json:"dependencies"`
	Notes          *string            `json:"notes"`
	Tags           []string           `json:"tags"`
	ID             planner.TaskID     `json:"id"`
	UserID         planner.UserID     `json:"user_id"`
	CreatedAt      stamp              `json:"created_at"`
	UpdatedAt      stamp              `json:"updated_at"`
	CompletedAt    *stamp             `json:"completed_at"`
}

func taskOf(t planner.Task) task {
	return task{
		t.Title, t.Description, t.Priority, t.Status, t.Category, t.EstimatedHours, t.ActualHours, stampOf(t.DueDate), t.ParentGoalID,
		orNull(t.Dependencies), t.Notes, orNull(t.Tags), t.ID, t.UserID, stamp(t.CreatedAt), stamp(t.UpdatedAt), stampOf(t.CompletedAt),
	}
}

// orNull is a list, or nil for an empty one: this API writes null for a list that there is not.
func orNull[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

// taskAnswer is what a call about a task answers, one way or the other.
func (c *call) taskAnswer(t planner.Task, err error) (any, error) {
	if err != nil {
		return nil, c.aboutTask(err)
	}
	return taskOf(t), nil
}

// aboutTask puts into words what only calls about a task say. Another user's task and goal are like those that never were.
func (c *call) aboutTask(err error) error {
	var field *bizydb.FieldError
	switch {
	case errors.Is(err, bizydb.ErrNotFound):
		return fail(http.StatusNotFound, "Task %d not found", c.id("task_id"))
	case errors.Is(err, bizydb.ErrUnknownReference) && errors.As(err, &field) && field.Column == "parent_goal_id":
		return fail(http.StatusBadRequest, "Goal %v not found or doesn't belong to you", c.sent(field))
	}
	return err
}

var taskStatuses = []planner.TaskStatus{planner.TaskPending, planner.TaskInProgress, planner.TaskCompleted, planner.TaskBlocked}

func listTasks(c *call) (any, error) {
	q := c.query()
	p := planner.PageTasksParams{
		Statuses: asList(choice(q, "status", notNull, taskStatuses...)),
		Category: q.text("category", notNull, 0, 100), Priority: q.small("priority", notNull, 1, 5),
		ParentGoalID: (*planner.GoalID)(q.integer("goal_id", notNull, nil, nil)),
		Search:       orZero(q.text("search", notNull, 0, 200)),
	}
	w := q.window()
	if err := c.check(); err != nil {
		return nil, err
	}
	tasks, err := readWindow(w, func(size int) ([]planner.Task, bool, error) {
		p.Size = size
		page, err := c.scope.PageTasks(c.Context(), p)
		p.Cursor = page.Next
		return page.Tasks, page.Next != "", err
	})
	return each(tasks, taskOf), err
}

func asList[T any](one *T) []T {
	if one == nil {
		return nil
	}
	return []T{*one}
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// A window is the part of a list that a caller asks for.
type window struct{ offset, limit int }

func (f fields) window() window {
	w := window{0, 100}
	if limit := f.small("limit", notNull, 1, 500); limit != nil {
		w.limit = *limit
	}
	if offset := f.integer("offset", notNull, new(int64(0)), nil); offset != nil {
		w.offset = int(min(*offset, 1<<40)) // beyond what anybody has
	}
	return w
}

const maxPage = 10_000 // of bizydb's pages

// readWindow reads pages until the window is full: one round trip, unless its end is far down. A cursor would lead there at once.
func readWindow[T any](w window, next func(size int) (rows []T, more bool, err error)) ([]T, error) {
	for skip := w.offset; ; {
		rows, more, err := next(min(skip+w.limit, maxPage))
		if err != nil {
			return nil, err
		}
		if skip < len(rows) || !more {
			rows = rows[min(skip, len(rows)):]
			// The rest of a window that ends beyond this page.
			for more && len(rows) < w.limit {
				var rest []T
				if rest, more, err = next(w.limit - len(rows)); err != nil {
					return nil, err
				}
				rows = append(rows, rest...)
			}
			return rows[:min(w.limit, len(rows))], nil
		}
		skip -= len(rows)
	}
}

func createTask(c *call) (any, error) {
	f := c.fields()
	p := planner.CreateTaskParams{
		Title: orZero(f.text("title", required, 1, 500)), Description: f.text("description", optional, 0, 0),
		Priority: f.small("priority", notNull, 1, 5), Status: orZero(choice(f, "status", notNull, taskStatuses...)),
		Category: f.text("category", optional, 0, 100), EstimatedHours: f.number("estimated_hours", optional), ActualHours: f.number("actual_hours", optional),
		DueDate: f.moment("due_date", optional), ParentGoalID: (*planner.GoalID)(f.integer("parent_goal_id", optional, nil, nil)),
		Dependencies: taskIDs(f), Notes: f.text("notes", optional, 0, 0), Tags: list(f, "tags", textItem),
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.taskAnswer(c.scope.CreateTask(c.Context(), p))
}

// taskIDs are the dependencies, each a whole number.
func taskIDs(f fields) planner.TaskIDs {
	return list(f, "dependencies", func(f fields, at int, value any) *planner.TaskID {
		return (*planner.TaskID)(f.wholeNumber(at, value))
	})
}

func getTask(c *call) (any, error) {
	id := c.id("task_id")
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.taskAnswer(c.scope.GetTask(c.Context(), planner.TaskID(id)))
}

// updateTask changes the fields that were sent. Null clears.
func updateTask(c *call) (any, error) {
	id, f := c.id("task_id"), c.fields()
	p := planner.UpdateTaskParams{
		ID: planner.TaskID(id), Title: f.text("title", notNull, 1, 500), Priority: f.small("priority", notNull, 1, 5),
		Status:      orZero(choice(f, "status", notNull, taskStatuses...)),
		Description: f.text("description", optional, 0, 0), ClearDescription: f.null("description"),
		Category: f.text("category", optional, 0, 100), ClearCategory: f.null("category"),
		EstimatedHours: f.number("estimated_hours", optional), ClearEstimatedHours: f.null("estimated_hours"),
		ActualHours: f.number("actual_hours", optional), ClearActualHours: f.null("actual_hours"),
		DueDate: f.moment("due_date", optional), ClearDueDate: f.null("due_date"),
		ParentGoalID: (*planner.GoalID)(f.integer("parent_goal_id", optional, nil, nil)), ClearParentGoalID: f.null("parent_goal_id"),
		Dependencies: taskIDs(f), Notes: f.text("notes", optional, 0, 0), ClearNotes: f.null("notes"), Tags: list(f, "tags", textItem),
	}
	if f.null("dependencies") {
		p.Dependencies = planner.TaskIDs{}
	}
	if f.null("tags") {
		p.Tags = planner.Tags{}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.taskAnswer(c.scope.UpdateTask(c.Context(), p))
}

func deleteTask(c *call) (any, error) {
	id := c.id("task_id")
	if err := c.check(); err != nil {
		return nil, err
	}
	_, err := c.scope.DeleteTask(c.Context(), planner.TaskID(id))
	return nil, c.aboutTask(err)
}

func completeTask(c *call) (any, error) {
	id, hours := c.id("task_id"), c.fields().number("actual_hours", optional)
	if err := c.check(); err != nil {
		return nil, err
	}
	already := fail(http.StatusBadRequest, "Task %d is already completed", id)
	p := planner.CompleteTaskParams{ID: planner.TaskID(id), ActualHours: hours}
	if hours == nil {
		done, err := c.scope.CompleteTask(c.Context(), p)
		if err == nil && !done.Changed {
			err = already
		}
		return c.taskAnswer(done.Task, err)
	}
	// The hours would change a task that is completed already, so it is looked at first.
	var done planner.CompleteTaskRow
	err := c.scope.InTx(c.Context(), func(tx *bizydb.Tx) error {
		before, err := tx.GetTask(c.Context(), p.ID)
		if err != nil {
			return err
		}
		if before.Status == planner.TaskCompleted {
			return already
		}
		done, err = tx.CompleteTask(c.Context(), p)
		return err
	})
	return c.taskAnswer(done.Task, err)
}

func uncompleteTask(c *call) (any, error) {
	id := c.id("task_id")
	if err := c.check(); err != nil {
		return nil, err
	}
	reopened, err := c.scope.ReopenTask(c.Context(), planner.ReopenTaskParams{ID: planner.TaskID(id)})
	if err == nil && !reopened.Changed {
		err = fail(http.StatusBadRequest, "Task %d is not completed", id)
	}
	return c.taskAnswer(reopened.Task, err)
}
