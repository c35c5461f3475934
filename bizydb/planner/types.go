package planner

import "errors"

// ErrInvalid is the error for a value that is not accepted. It is the same as bizydb.ErrInvalid.
var ErrInvalid = errors.New("invalid value")

// UserID, GoalID and TaskID are the ids of their tables. They are different types so that one cannot be passed for
// another.
type (
	UserID int64
	GoalID int64
	TaskID int64
)

// A TaskStatus says where a task stands. The empty value means "as it is" in an update, the default in a create, and no
// filter in a list.
type TaskStatus string

// The statuses that the table takes.
const (
	TaskPending    TaskStatus = "pending" // the default
	TaskInProgress TaskStatus = "in_progress"
	TaskCompleted  TaskStatus = "completed"
	TaskBlocked    TaskStatus = "blocked"
)

// A GoalStatus says where a goal stands. The empty value means "as it is" in an update, the default in a create, and no
// filter in a list.
type GoalStatus string

// The statuses that the table takes.
const (
	GoalActive    GoalStatus = "active" // the default
	GoalCompleted GoalStatus = "completed"
	GoalOnHold    GoalStatus = "on_hold"
	GoalCancelled GoalStatus = "cancelled"
)

// A Horizon is the span of time that a goal is set for.
type Horizon string

// The horizons that the table takes.
const (
	Yearly    Horizon = "yearly"
	Quarterly Horizon = "quarterly"
	Monthly   Horizon = "monthly"
	Weekly    Horizon = "weekly"
)

// Tags, TaskIDs and Metrics are kept as JSON. In parameters nil means "as it is" in an update and empty in a create; what
// comes back is never nil.
type (
	Tags    []string
	TaskIDs []TaskID
	// Metrics are a user's own figures for a goal. Numbers come back as float64.
	Metrics map[string]any
)

// A Metric is what stands under one key of a goal's metrics: anything JSON has, as package json decodes it. A number comes
// back as float64.
type Metric struct{ Value any }

// CreateTasksParams are the tasks that CreateTasks adds. They go to the server as one JSON parameter.
type CreateTasksParams []CreateTaskParams
