package planner

// UserID, GoalID and TaskID are the ids of the tables. They are distinct types, so that one cannot be passed for another.
type (
	UserID int64
	GoalID int64
	TaskID int64
)

// A TaskStatus is the status of a task. In an update the empty value leaves the status unchanged. In a create it takes the
// default.
type TaskStatus string

// The statuses of tasks.
const (
	TaskPending    TaskStatus = "pending" // the default
	TaskInProgress TaskStatus = "in_progress"
	TaskCompleted  TaskStatus = "completed"
	TaskBlocked    TaskStatus = "blocked"
)

// TaskStatuses is a filter by status. Empty means all.
type TaskStatuses []TaskStatus

// A GoalStatus is the status of a goal. In an update the empty value leaves the status unchanged. In a create it takes the
// default.
type GoalStatus string

// The statuses of goals.
const (
	GoalActive    GoalStatus = "active" // the default
	GoalCompleted GoalStatus = "completed"
	GoalOnHold    GoalStatus = "on_hold"
	GoalCancelled GoalStatus = "cancelled"
)

// GoalStatuses is a filter by status. Empty means all.
type GoalStatuses []GoalStatus

// A Horizon is the period that a goal is set for. A goal can have none.
type Horizon string

// The horizons of goals.
const (
	Yearly    Horizon = "yearly"
	Quarterly Horizon = "quarterly"
	Monthly   Horizon = "monthly"
	Weekly    Horizon = "weekly"
)

// Tags, TaskIDs and Metrics are stored as JSON. A nil parameter leaves the column unchanged in an update and is empty in a create.
// Results are never nil.
type (
	Tags    []string
	TaskIDs []TaskID
	// Metrics are a user's own figures for a goal, a JSON object. Numbers are returned as float64, or as [json.Number] if conversion
	// to float64 would change them, as with 9007199254740993 and 1e-400.
	Metrics map[string]any
)

// A Metric is the value of one key of a goal's metrics: any JSON value, as package json decodes it. Numbers are returned as in
// [Metrics].
type Metric struct{ Value any }

// CreateTasksParams are the tasks that CreateTasks adds. They are sent as one JSON parameter.
type CreateTasksParams []CreateTaskParams
